//! JSON text, in and out: messages, records, and what sites answer.
//!
//! `serde_json` does all the reading of characters, but never for one of our types: it splits an
//! object into its entries and an array into its items, each still text, and a type takes what it
//! wants from those ([`Text`]). By itself it would be compiled anew into every derived reader, some
//! 150 kB in the worker's module. The price is that nested text is passed over once per level.

use serde::de::value::StrDeserializer;
use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error, Expected, IntoDeserializer, MapAccess,
    SeqAccess, Unexpected, VariantAccess, Visitor,
};
use serde::{Deserialize, Serialize, forward_to_deserialize_any};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;

/// Writes a value of ours. All of them have a JSON form.
///
/// # Panics
/// If one has none: a map with keys that are no text, which no type of ours holds.
#[must_use]
pub fn write<T: Serialize + ?Sized>(value: &T) -> String {
    serde_json::to_string(value).expect("plain values have a JSON form")
}

/// The text is not what was expected. Where and why is not kept: it would quote what stands there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unreadable;

/// Reads a value. Structs are read from objects only, and by their fields' names.
///
/// # Errors
/// If the text is not one.
pub fn read<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, Unreadable> {
    T::deserialize(Text(text.trim_matches([' ', '\t', '\r', '\n'])))
}

/// One value as the text it was sent as.
#[cfg(any(feature = "sites", feature = "vault"))]
pub(crate) fn raw(text: &str) -> Result<&RawValue, Unreadable> {
    serde_json::from_str(text).map_err(|_| Unreadable)
}

/// An array's items.
pub(crate) fn items(text: &str) -> Result<Vec<&RawValue>, Unreadable> {
    serde_json::from_str(text).map_err(|_| Unreadable)
}

/// An object's entries, in their order.
pub(crate) fn entries(text: &str) -> Result<Vec<Entry<'_>>, Unreadable> {
    let mut reader = serde_json::Deserializer::from_str(text);
    let entries = (&mut reader)
        .deserialize_map(AllEntries)
        .map_err(|_| Unreadable)?;
    reader.end().map_err(|_| Unreadable)?;
    Ok(entries)
}

type Entry<'a> = (Cow<'a, str>, &'a RawValue);

struct AllEntries;

impl<'a> Visitor<'a> for AllEntries {
    type Value = Vec<Entry<'a>>;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }
    fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut entries = Vec::with_capacity(16);
        while let Some(name) = map.next_key_seed(Name)? {
            entries.push((name, map.next_value()?));
        }
        Ok(entries)
    }
}

/// A name, where it stands if it can be.
struct Name;

impl<'a> DeserializeSeed<'a> for Name {
    type Value = Cow<'a, str>;
    fn deserialize<D: Deserializer<'a>>(self, reader: D) -> Result<Self::Value, D::Error> {
        reader.deserialize_str(self)
    }
}

impl<'a> Visitor<'a> for Name {
    type Value = Cow<'a, str>;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }
    fn visit_borrowed_str<E>(self, name: &'a str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(name))
    }
    fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(name.to_owned()))
    }
}

/// A string's content.
fn string(text: &str) -> Result<Cow<'_, str>, Unreadable> {
    let inner = text
        .strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'))
        .ok_or(Unreadable)?;
    let plain = |byte: u8| byte >= b' ' && byte != b'"' && byte != b'\\';
    if inner.bytes().all(plain) {
        return Ok(Cow::Borrowed(inner));
    }
    serde_json::from_str(text)
        .map(Cow::Owned)
        .map_err(|_| Unreadable)
}

impl Error for Unreadable {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self
    }
    fn invalid_type(_: Unexpected<'_>, _: &dyn Expected) -> Self {
        Self
    }
    fn invalid_value(_: Unexpected<'_>, _: &dyn Expected) -> Self {
        Self
    }
    fn invalid_length(_: usize, _: &dyn Expected) -> Self {
        Self
    }
    fn unknown_variant(_: &str, _: &'static [&'static str]) -> Self {
        Self
    }
    fn unknown_field(_: &str, _: &'static [&'static str]) -> Self {
        Self
    }
    fn missing_field(_: &'static str) -> Self {
        Self
    }
    fn duplicate_field(_: &'static str) -> Self {
        Self
    }
}

impl std::error::Error for Unreadable {}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("unreadable")
    }
}

/// The text of one value, to be read as whatever is asked for.
#[derive(Clone, Copy)]
struct Text<'a>(&'a str);

macro_rules! numbers {
    ($($method:ident $visit:ident $type:ty),* $(,)?) => {
        $(fn $method<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Unreadable> {
            visitor.$visit(self.0.parse::<$type>().map_err(|_| Unreadable)?)
        })*
    };
}

impl<'a> Deserializer<'a> for Text<'a> {
    type Error = Unreadable;

    // What JSON spells `1.0` or `1e3` is no whole number here.
    numbers!(
        deserialize_i8 visit_i64 i64, deserialize_i16 visit_i64 i64,
        deserialize_i32 visit_i64 i64, deserialize_i64 visit_i64 i64,
        deserialize_u8 visit_u64 u64, deserialize_u16 visit_u64 u64,
        deserialize_u32 visit_u64 u64, deserialize_u64 visit_u64 u64,
        deserialize_f32 visit_f64 f64, deserialize_f64 visit_f64 f64,
        deserialize_bool visit_bool bool,
    );

    fn deserialize_str<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        match string(self.0)? {
            Cow::Borrowed(text) => visitor.visit_borrowed_str(text),
            Cow::Owned(text) => visitor.visit_string(text),
        }
    }
    fn deserialize_string<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        self.deserialize_str(visitor)
    }
    fn deserialize_char<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        self.deserialize_str(visitor)
    }
    fn deserialize_identifier<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        self.deserialize_str(visitor)
    }
    fn deserialize_option<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        if self.0 == "null" {
            visitor.visit_none()
        } else {
            visitor.visit_some(self)
        }
    }
    fn deserialize_unit<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        if self.0 == "null" {
            visitor.visit_unit()
        } else {
            Err(Unreadable)
        }
    }
    fn deserialize_unit_struct<V: Visitor<'a>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Unreadable> {
        self.deserialize_unit(visitor)
    }
    fn deserialize_newtype_struct<V: Visitor<'a>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Unreadable> {
        visitor.visit_newtype_struct(self)
    }
    fn deserialize_seq<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        let mut rest = Items(items(self.0)?.into_iter());
        let value = visitor.visit_seq(&mut rest)?;
        if rest.0.len() > 0 {
            return Err(Unreadable);
        }
        Ok(value)
    }
    fn deserialize_tuple<V: Visitor<'a>>(
        self,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, Unreadable> {
        self.deserialize_seq(visitor)
    }
    fn deserialize_tuple_struct<V: Visitor<'a>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, Unreadable> {
        self.deserialize_seq(visitor)
    }
    fn deserialize_map<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        visitor.visit_map(Entries {
            rest: entries(self.0)?.into_iter(),
            value: "",
        })
    }
    fn deserialize_struct<V: Visitor<'a>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Unreadable> {
        self.deserialize_map(visitor)
    }
    fn deserialize_enum<V: Visitor<'a>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Unreadable> {
        visitor.visit_enum(variant(self.0)?)
    }
    fn deserialize_ignored_any<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        visitor.visit_unit()
    }
    // No type of ours takes whatever comes.
    fn deserialize_any<V: Visitor<'a>>(self, _: V) -> Result<V::Value, Unreadable> {
        Err(Unreadable)
    }
    fn deserialize_bytes<V: Visitor<'a>>(self, _: V) -> Result<V::Value, Unreadable> {
        Err(Unreadable)
    }
    fn deserialize_byte_buf<V: Visitor<'a>>(self, _: V) -> Result<V::Value, Unreadable> {
        Err(Unreadable)
    }
}

struct Items<'a>(std::vec::IntoIter<&'a RawValue>);

impl<'a> SeqAccess<'a> for &mut Items<'a> {
    type Error = Unreadable;
    fn next_element_seed<S: DeserializeSeed<'a>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Unreadable> {
        match self.0.next() {
            Some(item) => seed.deserialize(Text(item.get())).map(Some),
            None => Ok(None),
        }
    }
    fn size_hint(&self) -> Option<usize> {
        Some(self.0.len())
    }
}

struct Entries<'a> {
    rest: std::vec::IntoIter<Entry<'a>>,
    value: &'a str,
}

impl<'a> MapAccess<'a> for Entries<'a> {
    type Error = Unreadable;
    fn next_key_seed<S: DeserializeSeed<'a>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Unreadable> {
        let Some((name, value)) = self.rest.next() else {
            return Ok(None);
        };
        self.value = value.get();
        seed.deserialize(Key(&name)).map(Some)
    }
    fn next_value_seed<S: DeserializeSeed<'a>>(&mut self, seed: S) -> Result<S::Value, Unreadable> {
        seed.deserialize(Text(self.value))
    }
}

/// An entry's name, or a variant's.
struct Key<'n>(&'n str);

impl<'a> Deserializer<'a> for Key<'_> {
    type Error = Unreadable;
    fn deserialize_any<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        visitor.visit_str(self.0)
    }
    fn deserialize_newtype_struct<V: Visitor<'a>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Unreadable> {
        visitor.visit_newtype_struct(self)
    }
    numbers!(
        deserialize_u8 visit_u64 u64, deserialize_u16 visit_u64 u64,
        deserialize_u32 visit_u64 u64, deserialize_u64 visit_u64 u64,
    );
    fn deserialize_enum<V: Visitor<'a>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Unreadable> {
        let name: StrDeserializer<'_, Unreadable> = self.0.into_deserializer();
        visitor.visit_enum(name)
    }
    forward_to_deserialize_any! {
        <V: Visitor<'a>>
        bool i8 i16 i32 i64 f32 f64 char str string bytes byte_buf option unit unit_struct seq
        tuple tuple_struct map struct identifier ignored_any
    }
}

/// A variant: its name alone, or an object of one entry.
struct Variant<'a> {
    name: Cow<'a, str>,
    value: Option<&'a str>,
}

fn variant(text: &str) -> Result<Variant<'_>, Unreadable> {
    if text.starts_with('"') {
        let name = string(text)?;
        return Ok(Variant { name, value: None });
    }
    let mut entries = entries(text)?.into_iter();
    match (entries.next(), entries.next()) {
        (Some((name, value)), None) => Ok(Variant {
            name,
            value: Some(value.get()),
        }),
        _ => Err(Unreadable),
    }
}

impl<'a> EnumAccess<'a> for Variant<'a> {
    type Error = Unreadable;
    type Variant = Held<'a>;
    fn variant_seed<S: DeserializeSeed<'a>>(
        self,
        seed: S,
    ) -> Result<(S::Value, Held<'a>), Unreadable> {
        Ok((seed.deserialize(Key(&self.name))?, Held(self.value)))
    }
}

/// What a variant holds.
struct Held<'a>(Option<&'a str>);

impl<'a> Held<'a> {
    fn text(self) -> Result<Text<'a>, Unreadable> {
        self.0.map(Text).ok_or(Unreadable)
    }
}

impl<'a> VariantAccess<'a> for Held<'a> {
    type Error = Unreadable;
    fn unit_variant(self) -> Result<(), Unreadable> {
        match self.0 {
            None | Some("null") => Ok(()),
            Some(_) => Err(Unreadable),
        }
    }
    fn newtype_variant_seed<S: DeserializeSeed<'a>>(self, seed: S) -> Result<S::Value, Unreadable> {
        seed.deserialize(self.text()?)
    }
    fn tuple_variant<V: Visitor<'a>>(self, _: usize, visitor: V) -> Result<V::Value, Unreadable> {
        self.text()?.deserialize_seq(visitor)
    }
    fn struct_variant<V: Visitor<'a>>(
        self,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Unreadable> {
        self.text()?.deserialize_map(visitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    enum Shape {
        Dot,
        Line(u32),
        Box { wide: i64, high: Option<u8> },
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Drawing<'a> {
        name: &'a str,
        shapes: Vec<Shape>,
        #[serde(default)]
        size: Option<(u32, u32)>,
    }

    #[test]
    fn what_is_written_is_read() {
        let drawing = Drawing {
            name: "a house",
            shapes: vec![
                Shape::Dot,
                Shape::Line(7),
                Shape::Box {
                    wide: i64::MIN,
                    high: None,
                },
            ],
            size: Some((3, 4)),
        };
        assert_eq!(read(&write(&drawing)), Ok(drawing));
    }

    #[test]
    fn a_struct_is_an_object_and_nothing_may_follow() {
        let dots = || {
            Ok(Drawing {
                name: "x",
                shapes: Vec::new(),
                size: None,
            })
        };
        assert_eq!(read(r#" {"name":"x","more":[{}],"shapes":[]} "#), dots());
        for text in [
            r#"["x",[],null]"#,
            r#"{"name":"x","shapes":[]} x"#,
            r#"{"name":"x"}"#,
            r#"{"name":"x","shapes":[{"Box":[1,2]}]}"#,
            r#"{"name":"x","shapes":["Circle"]}"#,
            "",
        ] {
            assert_eq!(read::<Drawing<'_>>(text), Err(Unreadable), "{text}");
        }
    }
}
