//! What the stores show before anything is opened, and mending one from the other meanwhile.

use super::World;
use super::disk::{
    ASIDE, DEVICE_KEY, Held, MARKER, Marker, OBJECTS, Roots, Slots, read_one, slot_name,
};
use super::slot::{Slot, SlotKind};
use crate::ports::Store;
use crate::sorted::SortedSet;
use relaykeep_protocol::{RecoveryCause, VaultMode};

/// What the stores show before anything is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// No trace in any store: a new user.
    New,
    /// A vault that can be opened.
    Sealed(VaultMode),
    /// Traces of one that cannot.
    Recovery(RecoveryCause),
    /// Made by a newer version: nothing may be written.
    Newer,
}

/// Looks, and adds to either store what only the other has (marker, slots). Never touches a name
/// that exists, and writes nothing for a newer vault.
pub async fn look(ports: impl World) -> Start {
    let seen = Seen::read(ports).await;
    let start = seen.judge();
    if !matches!(start, Start::New | Start::Newer) {
        seen.mend(ports).await;
    }
    start
}

/// Everything that can be seen while locked.
struct Seen {
    local_names: Option<SortedSet<String>>,
    mirror_names: Option<SortedSet<String>>,
    local_marker: Held,
    mirror_marker: Held,
    slots: Slots,
    roots: Roots,
}

impl Seen {
    async fn read(ports: impl World) -> Self {
        let listed = |names: Vec<String>| names.into_iter().filter(|name| is_ours(name)).collect();
        Self {
            local_names: ports.local().names().await.ok().map(listed),
            mirror_names: ports.mirror().names().await.ok().map(listed),
            local_marker: read_one(ports.local(), MARKER).await,
            mirror_marker: read_one(ports.mirror(), MARKER).await,
            slots: Slots::read(ports).await,
            roots: Roots::read(ports).await,
        }
    }

    fn judge(&self) -> Start {
        let markers = [&self.local_marker, &self.mirror_marker]
            .map(|held| held.text().and_then(Marker::read));
        let intact = |marker: &&Marker| marker.intact;
        let newer = match markers.iter().flatten().find(intact) {
            Some(_) => markers
                .iter()
                .flatten()
                .any(|marker| marker.intact && marker.is_newer()),
            // Better to write nothing than to write over what we cannot read.
            None => markers.iter().flatten().any(Marker::is_newer),
        };
        if newer {
            return Start::Newer;
        }
        let empty =
            |names: &Option<SortedSet<String>>| names.as_ref().is_some_and(SortedSet::is_empty);
        if empty(&self.local_names) && empty(&self.mirror_names) {
            return Start::New;
        }
        let Some(live) = self.roots.live_epoch() else {
            return Start::Recovery(self.why_no_root());
        };
        // The mirror holds the last root, and no records.
        let has_records = self.roots.ring.iter().any(|held| *held != Held::Absent)
            || self
                .local_names
                .as_ref()
                .is_none_or(|names| names.iter().any(|name| name.starts_with(OBJECTS)));
        if !has_records {
            return Start::Recovery(RecoveryCause::RecordsGone);
        }
        let kinds: Vec<_> = self
            .slots
            .sound()
            .iter()
            .filter(|slot| slot.epoch() == live)
            .map(Slot::kind)
            .collect();
        if kinds.contains(&SlotKind::Passphrase) {
            Start::Sealed(VaultMode::Passphrase)
        } else if kinds.contains(&SlotKind::Device) {
            Start::Sealed(VaultMode::Device)
        } else if kinds.contains(&SlotKind::Unknown) {
            Start::Newer
        } else if self.slots.local.contains(&Held::Unreadable) && self.local_names.is_none() {
            Start::Recovery(RecoveryCause::StorageFails)
        } else {
            Start::Recovery(RecoveryCause::SlotsDamaged)
        }
    }

    fn why_no_root(&self) -> RecoveryCause {
        if self.roots.all().any(|held| held.text().is_some()) {
            RecoveryCause::RootsDamaged
        } else if self.local_names.is_none() || self.roots.ring.contains(&Held::Unreadable) {
            RecoveryCause::StorageFails
        } else {
            RecoveryCause::RecordsGone
        }
    }

    /// Only adds, and only what is sound: which of two versions is right is not known while
    /// locked. A slot older than the living epoch is one that was removed on purpose.
    async fn mend(&self, ports: impl World) {
        let live = self.roots.live_epoch();
        let missing = |names: &Option<SortedSet<String>>, from: (&Held, &[Held])| {
            let Some(names) = names else {
                return Vec::new();
            };
            let (marker, slots) = from;
            let mut items = Vec::new();
            if let Some(text) = marker.text()
                && Marker::read(text).is_some_and(|marker| marker.intact)
                && !names.contains(MARKER)
            {
                items.push((MARKER.to_owned(), text.to_owned()));
            }
            for (index, held) in slots.iter().enumerate() {
                let name = slot_name(index);
                if let Some(text) = held.text()
                    && Slot::read(text).is_some_and(|slot| Some(slot.epoch()) >= live)
                    && !names.contains(&name)
                {
                    items.push((name, text.to_owned()));
                }
            }
            items
        };
        let local = missing(&self.local_names, (&self.mirror_marker, &self.slots.mirror));
        let mirror = missing(&self.mirror_names, (&self.local_marker, &self.slots.local));
        // Next time it is tried again.
        if !local.is_empty() {
            let _ = ports.local().set(&local).await;
        }
        if !mirror.is_empty() {
            let _ = ports.mirror().set(&mirror).await;
        }
    }
}

/// Names of any format of ours. What the user set aside on purpose is no trace, and neither is a
/// device key: it is kept before the vault is made, and alone it opens nothing.
fn is_ours(name: &str) -> bool {
    name.starts_with("rk") && !name.starts_with(ASIDE) && name != DEVICE_KEY
}
