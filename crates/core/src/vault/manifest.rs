//! The manifest: a root that names sixteen shards, and shards that name every record, its
//! version and its object. All of it sealed, so that an old, missing or returned record shows.

use super::VaultError;
use super::keys::{Class, Keys};
use super::object::{
    self, Body, Damaged, Head, Kind, MAX_ROOT, MAX_SHARD, Opened, RecordId, SCHEMA, Sealed,
};
use super::text::{decode_array, encode};
use crate::body::{More, Take};
use crate::json;
use crate::sorted::SortedMap;
use relaykeep_protocol::Millis;
use serde::ser::{Serialize, SerializeMap, Serializer};

pub(crate) const SHARDS: usize = 16;
const ROOT_KIND: u8 = 1;
const SHARD_KIND: u8 = 2;

/// One state of the whole vault.
#[derive(Clone)]
pub(crate) struct Root {
    /// Counts commits.
    pub(crate) seq: u64,
    /// Of the previous root's text.
    pub(crate) prev: [u8; 16],
    /// Names this device in versions.
    pub(crate) writer: [u8; 8],
    /// Live slots: id and generation.
    pub(crate) slots: Vec<([u8; 8], u32)>,
    pub(crate) shards: [Option<[u8; 16]>; SHARDS],
    /// Objects that hold roots kept on purpose.
    pub(crate) snapshots: Vec<[u8; 16]>,
    extra: More,
}

impl Root {
    pub(crate) fn first(seq: u64, writer: [u8; 8], slots: Vec<([u8; 8], u32)>) -> Self {
        Self {
            seq,
            prev: [0; 16],
            writer,
            slots,
            shards: [None; SHARDS],
            snapshots: Vec::new(),
            extra: More::default(),
        }
    }

    pub(crate) fn seal(
        &self,
        keys: &Keys,
        fresh: ([u8; 16], [u8; 12]),
    ) -> Result<Sealed, VaultError> {
        let head = Head {
            schema: SCHEMA,
            kind: ROOT_KIND,
            part: 0,
            group: [0; 16],
            counter: self.seq,
            writer: self.writer,
        };
        object::seal(keys, Class::Root, fresh, head, &json::write(self), MAX_ROOT)
    }

    pub(crate) fn open(keys: &Keys, text: &str) -> Result<Self, Damaged> {
        let opened = object::open(keys, Class::Root, text)?;
        let root = read_root(opened.body()?).ok_or(Damaged::NotIt)?;
        if (opened.head.kind, opened.head.counter) != (ROOT_KIND, root.seq) {
            return Err(Damaged::NotIt);
        }
        Ok(root)
    }
}

impl Serialize for Root {
    fn serialize<S: Serializer>(&self, writer: S) -> Result<S::Ok, S::Error> {
        let slots = self.slots.iter();
        let slots: Vec<_> = slots.map(|(id, number)| (encode(id), number)).collect();
        let shards = self.shards.iter();
        let shards: Vec<_> = shards.map(|id| id.map(|id| encode(&id))).collect();
        let snapshots: Vec<_> = self.snapshots.iter().map(|id| encode(id)).collect();
        let mut map = writer.serialize_map(None)?;
        map.serialize_entry("seq", &self.seq)?;
        map.serialize_entry("prev", &encode(&self.prev))?;
        map.serialize_entry("writer", &encode(&self.writer))?;
        map.serialize_entry("slots", &slots)?;
        map.serialize_entry("shards", &shards)?;
        map.serialize_entry("snapshots", &snapshots)?;
        self.extra.write(&mut map)?;
        map.end()
    }
}

/// Bytes out of a field that must be there.
fn bytes<const N: usize>(fields: &mut Take<'_>, name: &str) -> Option<[u8; N]> {
    maybe_bytes(fields, name)?
}

/// Bytes out of a field that may be missing; the outer `None`: it does not read.
#[expect(
    clippy::option_option,
    reason = "missing is not the same as unreadable"
)]
fn maybe_bytes<const N: usize>(fields: &mut Take<'_>, name: &str) -> Option<Option<[u8; N]>> {
    match fields.take::<String>(name).ok()? {
        Some(text) => decode_array(&text).map(Some),
        None => Some(None),
    }
}

fn read_root(text: &str) -> Option<Root> {
    let mut fields = Take::from(text).ok()?;
    let slots: Vec<(String, u32)> = fields.take("slots").ok()??;
    let slots = slots
        .iter()
        .map(|(id, number)| Some((decode_array(id)?, *number)))
        .collect::<Option<_>>()?;
    let named: Vec<Option<String>> = fields.take("shards").ok()??;
    if named.len() != SHARDS {
        return None;
    }
    let mut shards = [None; SHARDS];
    for (shard, id) in shards.iter_mut().zip(&named) {
        *shard = match id {
            Some(id) => Some(decode_array(id)?),
            None => None,
        };
    }
    let snapshots: Vec<String> = fields.take("snapshots").ok()??;
    let snapshots = snapshots.iter().map(|id| decode_array(id));
    Some(Root {
        seq: fields.take("seq").ok()??,
        prev: bytes(&mut fields, "prev")?,
        writer: bytes(&mut fields, "writer")?,
        slots,
        shards,
        snapshots: snapshots.collect::<Option<_>>()?,
        extra: fields.rest(),
    })
}

/// Where one record stands.
#[derive(Clone)]
pub(crate) struct Row {
    /// `None`: removed.
    pub(crate) object: Option<[u8; 16]>,
    pub(crate) schema: u16,
    pub(crate) counter: u64,
    pub(crate) writer: [u8; 8],
    /// Tells whether a body is as before.
    pub(crate) tag: Option<[u8; 16]>,
    /// When it was removed.
    pub(crate) removed_at: Option<Millis>,
    pub(crate) extra: More,
}

/// The records of the groups that begin with one nibble.
#[derive(Clone, Default)]
pub(crate) struct Shard {
    pub(crate) rows: SortedMap<RecordId, Row>,
    extra: More,
}

/// Which shard a group's records stand in.
pub(crate) fn shard_of(group: &[u8; 16]) -> usize {
    usize::from(group[0] >> 4)
}

impl Shard {
    pub(crate) fn seal(
        &self,
        keys: &Keys,
        fresh: ([u8; 16], [u8; 12]),
        (index, seq, writer): (usize, u64, [u8; 8]),
    ) -> Result<Sealed, VaultError> {
        let head = Head {
            schema: SCHEMA,
            kind: SHARD_KIND,
            part: u16::try_from(index).expect("there are 16 shards"),
            group: [0; 16],
            counter: seq,
            writer,
        };
        object::seal(
            keys,
            Class::Root,
            fresh,
            head,
            &json::write(self),
            MAX_SHARD,
        )
    }

    /// Opens the shard that a root names.
    pub(crate) fn open(
        keys: &Keys,
        index: usize,
        object: &[u8; 16],
        text: &str,
    ) -> Result<Self, Damaged> {
        let opened = object::open(keys, Class::Root, text)?;
        let it = opened.id == *object
            && opened.head.kind == SHARD_KIND
            && usize::from(opened.head.part) == index;
        let mut fields = Take::from(opened.body()?).map_err(|_| Damaged::NotIt)?;
        let rows = fields.pull("rows").map_err(|_| Damaged::NotIt)?;
        let rows = rows.filter(|_| it).ok_or(Damaged::NotIt)?;
        let rows = json::items(rows.get()).map_err(|_| Damaged::NotIt)?;
        let rows = rows.into_iter().map(|row| read_row(row.get()));
        let rows = rows.collect::<Option<SortedMap<_, _>>>();
        let rows = rows.ok_or(Damaged::NotIt)?;
        if rows.keys().any(|id| shard_of(&id.group) != index) {
            return Err(Damaged::NotIt);
        }
        Ok(Self {
            rows,
            extra: fields.rest(),
        })
    }

    pub(crate) fn objects(&self) -> impl Iterator<Item = [u8; 16]> {
        self.rows.values().filter_map(|row| row.object)
    }
}

impl Serialize for Shard {
    fn serialize<S: Serializer>(&self, writer: S) -> Result<S::Ok, S::Error> {
        let rows: Vec<_> = self.rows.iter().map(|(id, row)| Written(id, row)).collect();
        let mut map = writer.serialize_map(None)?;
        map.serialize_entry("rows", &rows)?;
        self.extra.write(&mut map)?;
        map.end()
    }
}

/// A row, with the record it speaks of.
struct Written<'a>(&'a RecordId, &'a Row);

impl Serialize for Written<'_> {
    fn serialize<S: Serializer>(&self, writer: S) -> Result<S::Ok, S::Error> {
        let Self(id, row) = self;
        let mut map = writer.serialize_map(None)?;
        map.serialize_entry("g", &encode(&id.group))?;
        map.serialize_entry("k", &id.kind.number())?;
        map.serialize_entry("p", &id.part)?;
        map.serialize_entry("s", &row.schema)?;
        map.serialize_entry("c", &row.counter)?;
        map.serialize_entry("w", &encode(&row.writer))?;
        if let Some(object) = row.object {
            map.serialize_entry("o", &encode(&object))?;
        }
        if let Some(tag) = row.tag {
            map.serialize_entry("t", &encode(&tag))?;
        }
        if let Some(at) = row.removed_at {
            map.serialize_entry("x", &at)?;
        }
        row.extra.write(&mut map)?;
        map.end()
    }
}

fn read_row(text: &str) -> Option<(RecordId, Row)> {
    let mut fields = Take::from(text).ok()?;
    let id = RecordId {
        group: bytes(&mut fields, "g")?,
        kind: Kind::from_number(fields.take("k").ok()??),
        part: fields.take("p").ok()??,
    };
    let row = Row {
        object: maybe_bytes(&mut fields, "o")?,
        schema: fields.take("s").ok()??,
        counter: fields.take("c").ok()??,
        writer: bytes(&mut fields, "w")?,
        tag: maybe_bytes(&mut fields, "t")?,
        removed_at: fields.take("x").ok()?,
        extra: fields.rest(),
    };
    Some((id, row))
}

/// Opens the object a row names, and makes sure that it is that record at that version.
pub(crate) fn open_record(
    keys: &Keys,
    id: &RecordId,
    row: &Row,
    text: &str,
) -> Result<(Class, Opened), Damaged> {
    let (class, opened) = match id.kind.class() {
        Some(class) => (class, object::open(keys, class, text)?),
        // Only a newer version knows what it is sealed under.
        None => Class::OF_RECORDS
            .into_iter()
            .find_map(|class| Some((class, object::open(keys, class, text).ok()?)))
            .ok_or(Damaged::NotIt)?,
    };
    let Head {
        schema,
        kind,
        part,
        group,
        counter,
        writer,
    } = opened.head;
    let it = row.object == Some(opened.id)
        && (group, kind, part) == (id.group, id.kind.number(), id.part)
        && (counter, writer, schema) == (row.counter, row.writer, row.schema);
    it.then_some((class, opened)).ok_or(Damaged::NotIt)
}

/// The body of a record.
pub(crate) fn read_record(
    keys: &Keys,
    id: &RecordId,
    row: &Row,
    text: &str,
) -> Result<Body, Damaged> {
    let (_, opened) = open_record(keys, id, row, text)?;
    opened.body().map(|body| Body::new(body.to_owned()))
}
