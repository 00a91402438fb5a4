//! Bodies of records: named fields, and whatever a newer version put beside them.

use crate::json::{self, Unreadable};
use serde::Deserialize;
use serde::ser::SerializeMap;
use serde_json::value::RawValue;

/// What stands in a record.
pub(crate) trait Body: Sized {
    /// Reads it.
    fn read(text: &str) -> Result<Self, Unreadable>;
}

/// Fields we do not know, as the texts they were written as.
#[derive(Clone, Debug, Default)]
pub(crate) struct More(Vec<Field>);

type Field = (String, Box<RawValue>);

impl More {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn write<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        self.0
            .iter()
            .try_for_each(|(name, value)| map.serialize_entry(name, value))
    }
}

impl PartialEq for More {
    fn eq(&self, other: &Self) -> bool {
        let same = |((name, value), (other_name, other_value)): (&Field, &Field)| {
            name == other_name && value.get() == other_value.get()
        };
        self.0.len() == other.0.len() && self.0.iter().zip(&other.0).all(same)
    }
}

/// An object's fields, to be taken out one by one. Each keeps its reader: a field's type is read
/// by one piece of code, whichever record it stands in.
pub(crate) struct Take<'a>(Vec<(String, &'a RawValue)>);

impl<'a> Take<'a> {
    pub(crate) fn from(text: &'a str) -> Result<Self, Unreadable> {
        let entries = json::entries(text)?.into_iter();
        Ok(Self(
            entries
                .map(|(name, raw)| (name.into_owned(), raw))
                .collect(),
        ))
    }

    /// One field; `None` if it is not there. A name that comes twice fails the record.
    pub(crate) fn take<T: Deserialize<'a>>(&mut self, name: &str) -> Result<Option<T>, Unreadable> {
        self.pull(name)?
            .map(|raw| json::read(raw.get()))
            .transpose()
    }

    /// One field as the text it was written as.
    pub(crate) fn pull(&mut self, name: &str) -> Result<Option<&'a RawValue>, Unreadable> {
        let Some(at) = self.0.iter().position(|(one, _)| one == name) else {
            return Ok(None);
        };
        let (_, raw) = self.0.remove(at);
        if self.0.iter().any(|(one, _)| one == name) {
            return Err(Unreadable);
        }
        Ok(Some(raw))
    }

    /// Drops every field that another object has.
    pub(crate) fn drop_those_of(&mut self, other: &str) -> Result<(), Unreadable> {
        for (name, _) in json::entries(other)? {
            self.pull(&name)?;
        }
        Ok(())
    }

    /// What was not taken.
    pub(crate) fn rest(self) -> More {
        let rest = self.0.into_iter();
        More(rest.map(|(name, raw)| (name, raw.to_owned())).collect())
    }
}

/// Declares bodies: fields under their own names, left out or not, but for those marked `= must`.
macro_rules! bodies {
    ($(#[$meta:meta])* struct $name:ident {
        $($(#[$doc:meta])* $field:ident : $type:ty $(= $must:ident)?),* $(,)?
    }) => {
        $(#[$meta])*
        pub(crate) struct $name {
            $($(#[$doc])* pub(crate) $field: $type,)*
            pub(crate) more: $crate::body::More,
        }
        impl $crate::body::Body for $name {
            fn read(text: &str) -> Result<Self, $crate::json::Unreadable> {
                let mut fields = $crate::body::Take::from(text)?;
                $(let $field = fields.take(stringify!($field))?;)*
                Ok(Self {
                    $($field: $crate::body::bodies!(@ $field $($must)?),)*
                    more: fields.rest(),
                })
            }
        }
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, writer: S) -> Result<S::Ok, S::Error> {
                use serde::ser::SerializeMap;
                let mut map = writer.serialize_map(None)?;
                $(map.serialize_entry(stringify!($field), &self.$field)?;)*
                self.more.write(&mut map)?;
                map.end()
            }
        }
    };
    (@ $field:ident must) => { $field.ok_or($crate::json::Unreadable)? };
    (@ $field:ident) => { $field.unwrap_or_default() };
}
pub(crate) use bodies;
