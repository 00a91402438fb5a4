//! What can be done to keys, from wherever it is asked: the row's menu, the panel, the bar under
//! the list, the keyboard.

use crate::activity::is_over;
use crate::app::{app, with_stock};
use crate::copying::fail;
use crate::key_words::end_words;
use crate::line::{ask, spawn};
use crate::troubles;
use leptos::prelude::*;
use relaykeep_core::keys::{self, KeyState};
use relaykeep_protocol::{
    AccountId, Chosen, ItemState, JobId, JobView, KeyPatch, KeyRef, KeyResult, KeyRow, Outcome,
    StartWork, Work,
};
use std::cell::RefCell;

/// Something to do to keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Deed {
    Edit,
    Enable,
    Disable,
    Rotate,
    Clone,
    Usage,
    Delete,
    Remove,
}

impl Deed {
    /// In the order they are offered: those that cannot be taken back come last.
    pub(crate) const ALL: [Self; 8] = [
        Self::Edit,
        Self::Enable,
        Self::Disable,
        Self::Rotate,
        Self::Clone,
        Self::Usage,
        Self::Delete,
        Self::Remove,
    ];

    /// Its words on a button.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Edit => "edit_more",
            Self::Enable => "enable",
            Self::Disable => "disable",
            Self::Rotate => "rotate_more",
            Self::Clone => "clone_more",
            Self::Usage => "usage",
            Self::Delete => "delete_more",
            Self::Remove => "remove_here_more",
        }
    }

    /// Something stops working, or is no longer here.
    pub(crate) const fn is_danger(self) -> bool {
        match self {
            Self::Delete | Self::Remove => true,
            Self::Edit
            | Self::Enable
            | Self::Disable
            | Self::Rotate
            | Self::Clone
            | Self::Usage => false,
        }
    }

    /// Whether it makes sense for this key now.
    pub(crate) fn fits(self, row: &KeyRow, now: u64) -> bool {
        let state = keys::state(row, now);
        match self {
            Self::Clone | Self::Remove => true,
            Self::Edit | Self::Rotate | Self::Usage | Self::Delete => state != KeyState::Gone,
            // An expired or exhausted key is asked for at the site, which says what it lacks.
            Self::Enable => match state {
                KeyState::Disabled
                | KeyState::Expired
                | KeyState::Exhausted
                | KeyState::Unknown => true,
                KeyState::Active | KeyState::Gone => false,
            },
            Self::Disable => state != KeyState::Gone && state != KeyState::Disabled,
        }
    }
}

/// A key's form: of which account's new key, or of which key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum FormOf {
    New(Option<AccountId>),
    Edit(KeyRef),
}

/// What is being asked about keys.
#[derive(Clone, Copy)]
pub(crate) struct Acts {
    /// The form that is open.
    pub(crate) form: RwSignal<Option<FormOf>>,
    /// What waits for a yes.
    pub(crate) plan: RwSignal<Option<(Deed, Vec<KeyRef>)>>,
    /// Keys being edited together.
    pub(crate) bulk: RwSignal<Option<Vec<KeyRef>>>,
    /// Keys to be cloned.
    pub(crate) clone: RwSignal<Option<Vec<KeyRef>>>,
    /// The key whose usage is asked for.
    pub(crate) usage: RwSignal<Option<KeyRef>>,
    /// The row whose menu is open, and where its button stands.
    pub(crate) menu: RwSignal<Option<(KeyRef, f64, f64)>>,
}

impl Acts {
    /// Nothing is asked.
    pub(crate) fn new() -> Self {
        Self {
            form: RwSignal::new(None),
            plan: RwSignal::new(None),
            bulk: RwSignal::new(None),
            clone: RwSignal::new(None),
            usage: RwSignal::new(None),
            menu: RwSignal::new(None),
        }
    }

    /// Shuts everything.
    pub(crate) fn shut(self) {
        self.form.set(None);
        self.plan.set(None);
        self.bulk.set(None);
        self.clone.set(None);
        self.usage.set(None);
        self.menu.set(None);
    }
}

/// Opens the form of a new key: for this account, or for the one of the chosen row.
pub(crate) fn new_key(account: Option<AccountId>) {
    let app = app();
    let of_chosen = || {
        app.chosen
            .with_untracked(|key| key.as_ref().map(|key| key.account.clone()))
    };
    let account = account.or_else(of_chosen).or_else(|| {
        with_stock(|stock| {
            stock
                .accounts
                .first()
                .map(|account| account.view.id.clone())
        })
    });
    if account.is_some() {
        app.acts.form.set(Some(FormOf::New(account)));
    }
}

/// Does it to these keys, or asks first what has to be asked.
pub(crate) fn begin(deed: Deed, keys: Vec<KeyRef>) {
    let acts = app().acts;
    let Some(first) = keys.first().cloned() else {
        return;
    };
    let single = keys.len() == 1;
    match deed {
        Deed::Edit if single => acts.form.set(Some(FormOf::Edit(first))),
        Deed::Edit => acts.bulk.set(Some(keys)),
        Deed::Enable | Deed::Disable if single => {
            start_and_tell(work(deed, &keys));
        }
        Deed::Clone => acts.clone.set(Some(keys)),
        Deed::Usage => crate::usage::open(first),
        Deed::Enable | Deed::Disable | Deed::Rotate | Deed::Delete | Deed::Remove => {
            acts.plan.set(Some((deed, keys)));
        }
    }
}

/// The work that is meant.
pub(crate) fn work(deed: Deed, keys: &[KeyRef]) -> Work {
    let keys = by_account(keys);
    let enabled = |enabled| KeyPatch {
        enabled: Some(enabled),
        ..KeyPatch::default()
    };
    match deed {
        Deed::Delete => Work::Delete { keys },
        Deed::Remove => Work::Remove { keys },
        Deed::Rotate => Work::Replace { keys },
        Deed::Enable => Work::Change {
            keys,
            patch: enabled(true),
            seen: None,
        },
        Deed::Disable => Work::Change {
            keys,
            patch: enabled(false),
            seen: None,
        },
        // These have windows of their own; without one nothing is changed.
        Deed::Edit | Deed::Clone | Deed::Usage => Work::Change {
            keys,
            patch: KeyPatch::default(),
            seen: None,
        },
    }
}

/// Keys by their accounts, both in the order they come.
pub(crate) fn by_account(keys: &[KeyRef]) -> Vec<Chosen> {
    let mut all: Vec<Chosen> = Vec::new();
    for key in keys {
        match all.iter_mut().find(|held| held.account == key.account) {
            Some(held) => held.keys.push(key.id.clone()),
            None => all.push(Chosen {
                account: key.account.clone(),
                keys: vec![key.id.clone()],
            }),
        }
    }
    all
}

/// Starts it; if any key did not come out as wanted, says why where it can be seen. What went well
/// is said by Activity.
pub(crate) fn start_and_tell(work: Work) {
    spawn(async move {
        match ask(StartWork { work }).await {
            Ok(job) => follow(job, |job| {
                let bad = results(job).find(|result| !result.end.good());
                match (bad, trouble_of(job)) {
                    (Some(result), _) => {
                        fail(&format!(
                            "{}: {}",
                            result.name,
                            end_words(&result.end, None)
                        ));
                    }
                    (None, Some(words)) => fail(&words),
                    (None, None) => {}
                }
            }),
            Err(code) => fail(&troubles::error(&code)),
        }
    });
}

/// How the work on each key of a job ended.
pub(crate) fn results(job: &JobView) -> impl Iterator<Item = &KeyResult> {
    job.items.iter().flat_map(|item| &item.results)
}

/// What kept a whole account's part of a job from being done.
pub(crate) fn trouble_of(job: &JobView) -> Option<String> {
    job.items.iter().find_map(|item| match &item.state {
        ItemState::Ended(Outcome::Failed(_) | Outcome::NotSaved(_)) => {
            let words = crate::activity_words::item_words(job.kind, item);
            Some(match &item.said {
                Some(said) => format!("{words} “{said}”"),
                None => words,
            })
        }
        ItemState::Ended(_)
        | ItemState::Pending
        | ItemState::Running(_)
        | ItemState::Waiting { .. }
        | ItemState::Blocked(_) => None,
    })
}

type Heard = Box<dyn FnOnce(&JobView)>;

thread_local! {
    static FOLLOWED: RefCell<Vec<(JobId, Heard)>> = const { RefCell::new(Vec::new()) };
}

/// Does this once the job is over. Its end may have been told before its beginning was answered.
pub(crate) fn follow(job: JobId, then: impl FnOnce(&JobView) + 'static) {
    FOLLOWED.with_borrow_mut(|list| list.push((job, Box::new(then))));
    look_after_jobs();
}

/// Jobs moved: tells those who follow one that is over.
pub(crate) fn look_after_jobs() {
    let over = app().jobs.with_untracked(|jobs| {
        FOLLOWED.with_borrow_mut(|list| {
            let is_over_now = |id: &JobId| jobs.iter().find(|job| job.id == *id && is_over(job));
            let mut over: Vec<(Heard, JobView)> = Vec::new();
            let mut at = 0;
            while at < list.len() {
                match is_over_now(&list[at].0) {
                    Some(job) => over.push((list.swap_remove(at).1, job.clone())),
                    None => at += 1,
                }
            }
            over
        })
    });
    for (then, job) in over {
        then(&job);
    }
}
