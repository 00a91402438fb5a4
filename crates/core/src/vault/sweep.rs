//! Removing what nothing names any more. When in doubt it stays.

use super::change::purge;
use super::disk::{FILLER, Held, OBJECTS, Roots, read_each, remove_each};
use super::journal::{job_names, open_job};
use super::keys::Class;
use super::manifest::{Root, Shard};
use super::object::{self, claimed_epoch, object_name};
use super::open::{Vault, read_shards};
use super::text::hex;
use super::{VaultError, World};
use crate::ports::Store;
use crate::sorted::SortedSet;

impl Vault {
    /// Removes objects that nothing names any more, and purges the browser's logs if a change of
    /// protection was cut before it could. Returns how many objects went.
    ///
    /// # Errors
    /// When the store does not list its names. Unreadable roots are no error: nothing is removed.
    pub async fn sweep(&self, ports: impl World) -> Result<u32, VaultError> {
        let names = ports
            .local()
            .names()
            .await
            .map_err(|_| VaultError::Storage)?;
        if names.iter().any(|name| name.starts_with(FILLER)) {
            purge(ports).await;
        }
        let Some(kept) = self.everything_named(ports).await else {
            return Ok(0);
        };
        let loose = |name: &&String| {
            name.strip_prefix(OBJECTS)
                .is_some_and(|id| !kept.objects.contains(id))
                && !kept
                    .jobs
                    .iter()
                    .any(|body| body.contains(&name[OBJECTS.len()..]))
        };
        let names: Vec<_> = names.iter().filter(loose).cloned().collect();
        let removed = remove_each(ports.local(), &names).await;
        if let Ok(names) = ports.mirror().names().await {
            let names: Vec<_> = names.iter().filter(loose).cloned().collect();
            remove_each(ports.mirror(), &names).await;
        }
        Ok(removed)
    }

    /// `None` if something that may name objects does not read.
    async fn everything_named(&self, ports: impl World) -> Option<Kept> {
        let mut kept = Kept {
            objects: SortedSet::new(),
            jobs: Vec::new(),
        };
        let roots = Roots::read(ports).await;
        let mut snapshots = SortedSet::new();
        for held in roots.all() {
            let text = match held {
                Held::Absent => continue,
                Held::Unreadable => return None,
                Held::Text(text) => text,
            };
            // Of before the last change of protection: nothing opens it any more.
            if claimed_epoch(text).is_some_and(|epoch| epoch < self.keys.epoch) {
                continue;
            }
            let root = Root::open(&self.keys, text).ok()?;
            snapshots.extend(root.snapshots.iter().copied());
            self.keep(ports, &root, &mut kept).await?;
        }
        self.keep(ports, &self.root, &mut kept).await?;
        let names: Vec<_> = snapshots.iter().map(object_name).collect();
        for (id, held) in snapshots.iter().zip(read_each(ports.local(), &names).await) {
            let text = held.text()?;
            let opened = object::open(&self.keys, Class::Root, text).ok()?;
            if opened.id != *id {
                return None;
            }
            kept.objects.insert(hex(id));
            self.keep(ports, &Root::open(&self.keys, text).ok()?, &mut kept)
                .await?;
        }
        let names = job_names();
        for (place, held) in read_each(ports.local(), &names).await.iter().enumerate() {
            match held {
                Held::Absent => {}
                Held::Unreadable => return None,
                Held::Text(text) => match open_job(&self.keys, place / 2, text) {
                    Ok(job) => kept.jobs.push(job.body),
                    Err(_) if claimed_epoch(text).is_some_and(|e| e != self.keys.epoch) => {}
                    Err(_) => return None,
                },
            }
        }
        Some(kept)
    }

    async fn keep(&self, ports: impl World, root: &Root, kept: &mut Kept) -> Option<()> {
        kept.objects
            .extend(root.shards.iter().flatten().map(|id| hex(id)));
        if root.seq == self.root.seq {
            kept.objects.extend(
                self.shards
                    .iter()
                    .flat_map(Shard::objects)
                    .map(|id| hex(&id)),
            );
            return Some(());
        }
        let (shards, _) = read_shards(ports, &self.keys, root).await;
        for shard in shards {
            kept.objects.extend(shard?.objects().map(|id| hex(&id)));
        }
        Some(())
    }
}

struct Kept {
    objects: SortedSet<String>,
    jobs: Vec<super::Body>,
}
