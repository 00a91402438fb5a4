//! Named fields out of one JSON object, each as the text it was sent as. One reader serves every
//! kind of object: what it looks for is a list of names, not a type with a reader of its own.

use crate::json::{self, Unreadable};
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::fmt;

/// Declares an object's fields, all optional and of any type, and how to read them. A name that
/// comes twice fails the object, because then it is not clear which value is meant. `null` is the
/// same as absence, but for a field marked `= null`.
macro_rules! fields {
    ($(#[$doc:meta])* $visible:vis struct $name:ident {
        $($field:ident $json:literal $(= $null:ident)?),* $(,)?
    }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Default)]
        $visible struct $name<'a> { $($field: $crate::site::lax::Raw<'a>),* }
        impl<'a> $name<'a> {
            $visible fn read(text: &'a str) -> Result<Self, $crate::json::Unreadable> {
                const NAMES: &[&str] = &[$($json),*];
                let mut found = [None; NAMES.len()];
                $crate::site::fields::find(text, NAMES, &mut found)?;
                let [$($field),*] = found;
                Ok(Self { $($field: $crate::site::fields::fields!(@ $field $($null)?)),* })
            }
        }
    };
    (@ $field:ident null) => { $field };
    (@ $field:ident) => { $field.filter(|raw| raw.get() != "null") };
}
pub(super) use fields;

/// Finds the named fields of an object.
pub(super) fn find<'a>(
    text: &'a str,
    names: &[&str],
    found: &mut [Option<&'a RawValue>],
) -> Result<(), Unreadable> {
    json::read_with(text, Find { names, found })
}

struct Find<'n, 'a> {
    names: &'n [&'n str],
    found: &'n mut [Option<&'a RawValue>],
}

impl<'a> DeserializeSeed<'a> for Find<'_, 'a> {
    type Value = ();
    fn deserialize<D: Deserializer<'a>>(self, reader: D) -> Result<(), D::Error> {
        reader.deserialize_map(self)
    }
}

impl<'a> Visitor<'a> for Find<'_, 'a> {
    type Value = ();
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }
    fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(place) = map.next_key_seed(Place(self.names))? {
            match place.and_then(|place| self.found.get_mut(place)) {
                Some(found) => {
                    if found.replace(map.next_value()?).is_some() {
                        return Err(Error::custom("a field comes twice"));
                    }
                }
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }
}

/// A name's place in the list.
struct Place<'n>(&'n [&'n str]);

impl<'a> DeserializeSeed<'a> for Place<'_> {
    type Value = Option<usize>;
    fn deserialize<D: Deserializer<'a>>(self, reader: D) -> Result<Option<usize>, D::Error> {
        reader.deserialize_str(self)
    }
}

impl Visitor<'_> for Place<'_> {
    type Value = Option<usize>;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }
    fn visit_str<E>(self, name: &str) -> Result<Option<usize>, E> {
        Ok(self.0.iter().position(|one| *one == name))
    }
}
