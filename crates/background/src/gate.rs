//! Who may send when: one request at a time to each origin, sixteen in all. A slow or limited
//! origin holds up nobody else.

use futures_channel::oneshot;
use relaykeep_core::sorted::SortedMap;
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;

const IN_FLIGHT: usize = 16;

/// The gate all requests pass.
pub(crate) struct Gate {
    lanes: RefCell<SortedMap<String, Rc<Turnstile>>>,
    all: Rc<Turnstile>,
}

impl Gate {
    pub(crate) fn new() -> Self {
        Self {
            lanes: RefCell::default(),
            all: Turnstile::new(IN_FLIGHT),
        }
    }

    /// Waits for the origin's lane first, so that a queue at one origin takes no place from others.
    pub(crate) async fn pass(&self, origin: &str) -> (Pass, Pass) {
        let lane = {
            let mut lanes = self.lanes.borrow_mut();
            Rc::clone(
                lanes
                    .entry(origin.to_owned())
                    .or_insert_with(|| Turnstile::new(1)),
            )
        };
        let lane = lane.pass().await;
        (lane, Rc::clone(&self.all).pass().await)
    }
}

/// Lets a number of holders through at a time, first come first served.
pub(crate) struct Turnstile {
    free: Cell<usize>,
    waiting: RefCell<VecDeque<oneshot::Sender<()>>>,
}

impl Turnstile {
    pub(crate) fn new(places: usize) -> Rc<Self> {
        Rc::new(Self {
            free: Cell::new(places),
            waiting: RefCell::default(),
        })
    }

    pub(crate) async fn pass(self: Rc<Self>) -> Pass {
        if self.free.get() > 0 {
            self.free.set(self.free.get() - 1);
            return Pass(self);
        }
        let (sender, receiver) = oneshot::channel();
        self.waiting.borrow_mut().push_back(sender);
        // The sender lives in our own queue until it is used: it cannot be dropped unused.
        let _ = receiver.await;
        Pass(self)
    }
}

/// A place; given back when dropped, straight to the next in line.
pub(crate) struct Pass(Rc<Turnstile>);

impl Drop for Pass {
    fn drop(&mut self) {
        loop {
            let next = self.0.waiting.borrow_mut().pop_front();
            match next {
                // One whose task has gone away does not take the place with it.
                Some(next) => {
                    if next.send(()).is_ok() {
                        return;
                    }
                }
                None => {
                    self.0.free.set(self.0.free.get() + 1);
                    return;
                }
            }
        }
    }
}
