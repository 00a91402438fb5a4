//! The parts of a repair as lines: what each is about, why, and whether it is chosen by itself.

use crate::app::{app, with_stock};
use crate::grid_row::mask;
use crate::kit::Tone;
use crate::plan_box::site_name;
use crate::stock::{Row, count};
use crate::words::{from_seconds, now, t, tn, when};
use leptos::prelude::*;
use relaykeep_core::keys::{self, KeyState};
use relaykeep_protocol::{AccountId, GroupOffer, KeyRef, RemoteId, RepairPart};

/// One meaning of "in order".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    /// Keys behind stars.
    Masked,
    /// Groups that have no key.
    Groups,
    /// Keys whose group is no longer offered.
    Lost,
    /// Keys the site does not give.
    Hidden,
    /// Keys that can no longer be used.
    Dead,
    /// Keys that are the same but for their text.
    Alike,
}

impl Kind {
    pub(crate) const ALL: [Self; 6] = [
        Self::Masked,
        Self::Groups,
        Self::Lost,
        Self::Hidden,
        Self::Dead,
        Self::Alike,
    ];

    /// The catalogue's name of it.
    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::Masked => "repair_masked",
            Self::Groups => "repair_groups",
            Self::Lost => "repair_lost",
            Self::Hidden => "repair_hidden",
            Self::Dead => "repair_dead",
            Self::Alike => "repair_alike",
        }
    }

    /// Its lines are chosen unless the user says otherwise.
    pub(crate) const fn is_preset(self) -> bool {
        match self {
            Self::Masked | Self::Groups => true,
            Self::Lost | Self::Hidden | Self::Dead | Self::Alike => false,
        }
    }

    /// Why, and what comes of it, in a sentence.
    pub(crate) const fn about(self) -> &'static str {
        match self {
            Self::Masked => "repair_masked_about",
            Self::Groups => "repair_groups_about",
            Self::Lost => "repair_lost_about",
            Self::Hidden => "repair_hidden_about",
            Self::Dead => "repair_dead_about",
            Self::Alike => "repair_alike_about",
        }
    }
}

/// One line that can be chosen.
#[derive(Clone)]
pub(crate) struct Line {
    /// Which: a key, a group under its account (as if it were a key), or an account.
    pub(crate) at: KeyRef,
    /// The keys it stands for; none where one is to be made.
    pub(crate) keys: Vec<KeyRef>,
    /// What it is called.
    pub(crate) name: String,
    /// Why it is here.
    pub(crate) why: String,
    /// A word at the end.
    pub(crate) tag: Option<(Tone, String)>,
    /// Chosen unless the user says otherwise.
    pub(crate) preset: bool,
    /// Not among those that "all" means: the one of alike keys that is kept.
    pub(crate) kept: bool,
    /// The user wants nothing done about it: a group left out.
    pub(crate) left_out: bool,
}

impl Line {
    fn of(at: KeyRef, name: String, why: String) -> Self {
        Self {
            keys: vec![at.clone()],
            at,
            name,
            why,
            tag: None,
            preset: false,
            kept: false,
            left_out: false,
        }
    }

    /// It is chosen now.
    pub(crate) fn is_chosen(&self, kind: Kind) -> bool {
        let turned = app()
            .repair
            .turned
            .with(|turned| turned.contains(&(kind, self.at.clone())));
        !self.left_out && self.preset != turned
    }

    /// Chooses it, or not.
    pub(crate) fn choose(&self, kind: Kind, chosen: bool) {
        app().repair.turned.update(|turned| {
            if chosen == self.preset {
                turned.remove(&(kind, self.at.clone()));
            } else {
                turned.insert((kind, self.at.clone()));
            }
        });
    }
}

/// The lines of one part, in the order of accounts.
pub(crate) fn lines(kind: Kind, plan: &[RepairPart]) -> Vec<Line> {
    let mut parts: Vec<(&RepairPart, String)> = plan
        .iter()
        .map(|part| (part, site_name(&part.account).0))
        .collect();
    parts.sort_by_cached_key(|(_, site)| site.to_lowercase());
    parts
        .into_iter()
        .flat_map(|(part, site)| match kind {
            Kind::Masked => masked(part, site).into_iter().collect(),
            Kind::Groups => groups(part, &site),
            Kind::Lost => of_keys(part, &site, &part.lost_group, lost),
            Kind::Hidden => of_keys(part, &site, &part.hidden_for_good, hidden),
            Kind::Dead => of_keys(part, &site, &part.dead, dead),
            Kind::Alike => part
                .alike
                .iter()
                .flat_map(|same| alike(part, &site, same))
                .collect(),
        })
        .collect()
}

fn named(account: &AccountId, id: &RemoteId) -> KeyRef {
    KeyRef {
        account: account.clone(),
        id: id.clone(),
    }
}

fn masked(part: &RepairPart, site: String) -> Option<Line> {
    let keys: Vec<KeyRef> = part
        .masked
        .iter()
        .filter(|id| !part.hidden_for_good.contains(id))
        .map(|id| named(&part.account, id))
        .collect();
    (!keys.is_empty()).then(|| Line {
        preset: true,
        why: tn("reveal_keys", count(keys.len()), &[]),
        keys,
        ..Line::of(
            named(&part.account, &RemoteId::default()),
            site,
            String::new(),
        )
    })
}

fn groups(part: &RepairPart, site: &str) -> Vec<Line> {
    let line = |name: &str| {
        let id = RemoteId(name.to_owned());
        Line {
            keys: Vec::new(),
            ..Line::of(
                named(&part.account, &id),
                format!("{site} · {name}"),
                String::new(),
            )
        }
    };
    let uncovered = part.uncovered.iter().map(|group| Line {
        preset: true,
        why: group_words(group),
        ..line(&group.name)
    });
    let excluded = part.excluded.iter().map(|name| Line {
        left_out: true,
        why: t("repair_left_out", &[]),
        ..line(name)
    });
    uncovered.chain(excluded).collect()
}

/// A group's price and what its site says of it.
fn group_words(group: &GroupOffer) -> String {
    let ratio = group.ratio.as_ref().map(|ratio| format!("× {ratio}"));
    let about = Some(group.about.clone()).filter(|about| !about.is_empty() && *about != group.name);
    let parts: Vec<String> = ratio.into_iter().chain(about).collect();
    parts.join(" · ")
}

/// A line for each key that is still here.
fn of_keys(part: &RepairPart, site: &str, ids: &[RemoteId], say: fn(&Row, &mut Line)) -> Vec<Line> {
    with_stock(|stock| {
        ids.iter()
            .filter_map(|id| {
                let at = named(&part.account, id);
                let row = &stock.rows[stock.find(&at)?];
                let mut line = Line::of(at, key_name(site, row), String::new());
                say(row, &mut line);
                Some(line)
            })
            .collect()
    })
}

fn key_name(site: &str, row: &Row) -> String {
    let name = &row.key.name;
    if name.is_empty() {
        format!("{site} · {}", t("no_name", &[]))
    } else {
        format!("{site} · {name}")
    }
}

fn last_use(row: &Row) -> String {
    match row.key.last_used {
        Some(at) => t("repair_used", &[&when(from_seconds(at))]),
        None => t("repair_never_used", &[]),
    }
}

fn lost(row: &Row, line: &mut Line) {
    line.why = t("repair_lost_why", &[&row.key.group]);
}

fn hidden(_: &Row, line: &mut Line) {
    line.why = t("repair_hidden_why", &[]);
}

fn dead(row: &Row, line: &mut Line) {
    let used = last_use(row);
    let (why, word) = match keys::state(&row.key, now()) {
        KeyState::Expired => {
            let at = row.key.expires.map(|at| when(from_seconds(at)));
            let why = at.map(|at| t("repair_dead_expired", &[&at]));
            (why, "state_expired")
        }
        KeyState::Exhausted => (Some(t("repair_dead_exhausted", &[])), "state_exhausted"),
        KeyState::Disabled => (None, "state_disabled"),
        KeyState::Active => (None, "state_active"),
        KeyState::Unknown => (None, "state_unknown"),
        KeyState::Gone => (None, "state_gone"),
    };
    line.why = why.map_or(used.clone(), |why| format!("{why} · {used}"));
    line.tag = Some((Tone::Plain, t(word, &[])));
}

/// Keys that are alike: the one used last is kept, unless the user says otherwise.
fn alike(part: &RepairPart, site: &str, same: &[RemoteId]) -> Vec<Line> {
    let mut all = of_keys(part, site, same, |row, line| {
        line.why = format!("{} · {}", mask(&row.key.mask), last_use(row));
    });
    let used = |line: &Line| {
        with_stock(|stock| {
            stock
                .find(&line.at)
                .and_then(|at| stock.rows[at].key.last_used)
        })
    };
    let last = all
        .iter()
        .enumerate()
        .max_by_key(|(place, line)| (used(line), std::cmp::Reverse(*place)))
        .map(|(place, _)| place);
    // It stands first, so that each set is seen to begin.
    if let Some(place) = last {
        let mut kept = all.remove(place);
        kept.kept = true;
        kept.tag = Some((Tone::Good, t("repair_kept", &[])));
        all.insert(0, kept);
    }
    all
}
