//! Web Locks: one writer at a time across the worker and every page.

use crate::BrowserError;
use js_sys::{Function, Object, Promise, Reflect};
use std::cell::RefCell;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::{JsFuture, future_to_promise};

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = ["navigator", "locks"], js_name = request)]
    fn request_lock(name: &str, options: &Object, act: &Function) -> Promise;
    #[wasm_bindgen(js_namespace = AbortSignal, js_name = timeout)]
    fn timeout_signal(milliseconds: f64) -> JsValue;
}

/// Runs one piece of work while holding the named lock. The lock is freed when the work ends,
/// and by the browser if the worker dies.
///
/// # Errors
/// If the lock could not be had within ten seconds; the work has then not begun.
pub async fn exclusively<T: 'static>(
    name: &str,
    work: impl Future<Output = T> + 'static,
) -> Result<T, BrowserError> {
    let result = Rc::new(RefCell::new(None));
    let keep = Rc::clone(&result);
    let work = Box::pin(async move {
        *keep.borrow_mut() = Some(work.await);
    });
    hold(name, work).await?;
    result.take().ok_or(BrowserError)
}

/// The same for every kind of work: one copy of it in the module.
async fn hold(name: &str, work: Pin<Box<dyn Future<Output = ()>>>) -> Result<(), BrowserError> {
    let act = Closure::once_into_js(move |_lock: JsValue| {
        future_to_promise(async move {
            work.await;
            Ok(JsValue::UNDEFINED)
        })
    });
    let options = Object::new();
    Reflect::set(&options, &"signal".into(), &timeout_signal(10_000.0))?;
    JsFuture::from(request_lock(name, &options, act.unchecked_ref())).await?;
    Ok(())
}
