//! The manifest: a root that names sixteen shards, and shards that name every record, its
//! version and its object. All of it sealed, so that an old, missing or returned record shows.

use super::VaultError;
use super::keys::{Class, Keys};
use super::object::{
    self, Body, Damaged, Head, Kind, MAX_ROOT, MAX_SHARD, Opened, RecordId, SCHEMA, Sealed,
};
use super::text::{decode_array, encode};
use crate::sorted::SortedMap;
use relaykeep_protocol::Millis;
use serde_json::{Map, Value};

pub(crate) const SHARDS: usize = 16;
const ROOT_KIND: u8 = 1;
const SHARD_KIND: u8 = 2;

/// Fields of a later version, carried along.
pub(crate) type Extra = Map<String, Value>;

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
    extra: Extra,
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
            extra: Extra::new(),
        }
    }

    pub(crate) fn seal(
        &self,
        keys: &Keys,
        fresh: ([u8; 16], [u8; 12]),
    ) -> Result<Sealed, VaultError> {
        let mut fields = self.extra.clone();
        let slots = self.slots.iter().map(|(id, generation)| {
            Value::from(vec![Value::from(encode(id)), Value::from(*generation)])
        });
        let shards = self
            .shards
            .iter()
            .map(|id| id.map_or(Value::Null, |id| encode(&id).into()));
        let snapshots = self.snapshots.iter().map(|id| Value::from(encode(id)));
        fields.insert("seq".into(), self.seq.into());
        fields.insert("prev".into(), encode(&self.prev).into());
        fields.insert("writer".into(), encode(&self.writer).into());
        fields.insert("slots".into(), slots.collect());
        fields.insert("shards".into(), shards.collect());
        fields.insert("snapshots".into(), snapshots.collect());
        let head = Head {
            schema: SCHEMA,
            kind: ROOT_KIND,
            part: 0,
            group: [0; 16],
            counter: self.seq,
            writer: self.writer,
        };
        object::seal(keys, Class::Root, fresh, head, &print(fields), MAX_ROOT)
    }

    pub(crate) fn open(keys: &Keys, text: &str) -> Result<Self, Damaged> {
        let opened = object::open(keys, Class::Root, text)?;
        let mut fields = parse(&opened)?;
        let mut root = read_root(&mut fields).ok_or(Damaged::NotIt)?;
        if (opened.head.kind, opened.head.counter) != (ROOT_KIND, root.seq) {
            return Err(Damaged::NotIt);
        }
        root.extra = fields;
        Ok(root)
    }
}

fn read_root(fields: &mut Extra) -> Option<Root> {
    let ids = |value: Value| -> Option<Vec<[u8; 16]>> {
        list(value)?
            .iter()
            .map(|id| decode_array(id.as_str()?))
            .collect()
    };
    let slots = list(fields.remove("slots")?)?
        .iter()
        .map(|slot| {
            let id = decode_array(slot.get(0)?.as_str()?)?;
            Some((id, u32::try_from(slot.get(1)?.as_u64()?).ok()?))
        })
        .collect::<Option<_>>()?;
    let mut shards = [None; SHARDS];
    let named = list(fields.remove("shards")?)?;
    if named.len() != SHARDS {
        return None;
    }
    for (shard, id) in shards.iter_mut().zip(&named) {
        *shard = if id.is_null() {
            None
        } else {
            Some(decode_array(id.as_str()?)?)
        };
    }
    Some(Root {
        seq: fields.remove("seq")?.as_u64()?,
        prev: decode_array(fields.remove("prev")?.as_str()?)?,
        writer: decode_array(fields.remove("writer")?.as_str()?)?,
        slots,
        shards,
        snapshots: ids(fields.remove("snapshots")?)?,
        extra: Extra::new(),
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
    pub(crate) extra: Extra,
}

/// The records of the groups that begin with one nibble.
#[derive(Clone, Default)]
pub(crate) struct Shard {
    pub(crate) rows: SortedMap<RecordId, Row>,
    extra: Extra,
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
        let mut fields = self.extra.clone();
        let rows = self.rows.iter().map(|(id, row)| print_row(id, row));
        fields.insert("rows".into(), rows.collect());
        let head = Head {
            schema: SCHEMA,
            kind: SHARD_KIND,
            part: u16::try_from(index).expect("there are 16 shards"),
            group: [0; 16],
            counter: seq,
            writer,
        };
        object::seal(keys, Class::Root, fresh, head, &print(fields), MAX_SHARD)
    }

    /// Opens the shard that a root names.
    pub(crate) fn open(
        keys: &Keys,
        index: usize,
        object: &[u8; 16],
        text: &str,
    ) -> Result<Self, Damaged> {
        let opened = object::open(keys, Class::Root, text)?;
        let mut fields = parse(&opened)?;
        let it = opened.id == *object
            && opened.head.kind == SHARD_KIND
            && usize::from(opened.head.part) == index;
        let rows = fields
            .remove("rows")
            .and_then(list)
            .filter(|_| it)
            .ok_or(Damaged::NotIt)?;
        let rows = rows
            .into_iter()
            .map(read_row)
            .collect::<Option<SortedMap<_, _>>>();
        let rows = rows.ok_or(Damaged::NotIt)?;
        if rows.keys().any(|id| shard_of(&id.group) != index) {
            return Err(Damaged::NotIt);
        }
        Ok(Self {
            rows,
            extra: fields,
        })
    }

    pub(crate) fn objects(&self) -> impl Iterator<Item = [u8; 16]> {
        self.rows.values().filter_map(|row| row.object)
    }
}

fn print_row(id: &RecordId, row: &Row) -> Value {
    let mut fields = row.extra.clone();
    fields.insert("g".into(), encode(&id.group).into());
    fields.insert("k".into(), id.kind.number().into());
    fields.insert("p".into(), id.part.into());
    fields.insert("s".into(), row.schema.into());
    fields.insert("c".into(), row.counter.into());
    fields.insert("w".into(), encode(&row.writer).into());
    if let Some(object) = row.object {
        fields.insert("o".into(), encode(&object).into());
    }
    if let Some(tag) = row.tag {
        fields.insert("t".into(), encode(&tag).into());
    }
    if let Some(at) = row.removed_at {
        fields.insert("x".into(), at.into());
    }
    Value::Object(fields)
}

fn read_row(value: Value) -> Option<(RecordId, Row)> {
    let Value::Object(mut fields) = value else {
        return None;
    };
    let id = RecordId {
        group: decode_array(fields.remove("g")?.as_str()?)?,
        kind: Kind::from_number(u8::try_from(fields.remove("k")?.as_u64()?).ok()?),
        part: u16::try_from(fields.remove("p")?.as_u64()?).ok()?,
    };
    let optional = |value: Option<Value>| match value {
        None => Some(None),
        Some(value) => decode_array(value.as_str()?).map(Some),
    };
    let row = Row {
        object: optional(fields.remove("o"))?,
        schema: u16::try_from(fields.remove("s")?.as_u64()?).ok()?,
        counter: fields.remove("c")?.as_u64()?,
        writer: decode_array(fields.remove("w")?.as_str()?)?,
        tag: optional(fields.remove("t"))?,
        removed_at: fields.remove("x").and_then(|at| at.as_u64()),
        extra: fields,
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

fn print(fields: Extra) -> String {
    Value::Object(fields).to_string()
}

fn parse(opened: &Opened) -> Result<Extra, Damaged> {
    match crate::json::read(opened.body()?) {
        Ok(Value::Object(fields)) => Ok(fields),
        _ => Err(Damaged::NotIt),
    }
}

fn list(value: Value) -> Option<Vec<Value>> {
    match value {
        Value::Array(list) => Some(list),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => {
            None
        }
    }
}
