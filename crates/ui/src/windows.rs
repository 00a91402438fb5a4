//! The windows about work on keys: what it will do, what a key spent, a key to be pasted.

use crate::el::all;
use crate::paste::paste_dialog;
use crate::plan_box::{PlanAsk, plan_dialog};
use crate::usage::{UsageOf, usage_dialog};
use leptos::prelude::*;
use relaykeep_protocol::KeyRef;

/// What each window is about; one without a subject is closed.
#[derive(Clone, Copy)]
pub(crate) struct Windows {
    /// Work that waits for a yes.
    pub(crate) plan: RwSignal<Option<PlanAsk>>,
    /// A key whose use is looked at.
    pub(crate) usage: RwSignal<Option<UsageOf>>,
    /// Keys to be pasted, one after the other.
    pub(crate) paste: RwSignal<Option<Vec<KeyRef>>>,
}

impl Windows {
    /// All closed.
    pub(crate) fn new() -> Self {
        Self {
            plan: RwSignal::new(None),
            usage: RwSignal::new(None),
            paste: RwSignal::new(None),
        }
    }

    /// Closes them all.
    pub(crate) fn close(self) {
        self.plan.set(None);
        self.usage.set(None);
        self.paste.set(None);
    }
}

/// The windows themselves.
pub(crate) fn windows() -> AnyView {
    all![plan_dialog(), usage_dialog(), paste_dialog()]
}
