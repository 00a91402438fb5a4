//! Named fields out of one JSON object, each as the text it was sent as. One reader serves every
//! kind of object: what it looks for is a list of names, not a type with a reader of its own.

use crate::json::{self, Unreadable};
use serde_json::value::RawValue;

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
    for (name, value) in json::entries(text)? {
        let place = names.iter().position(|one| *one == name);
        if let Some(found) = place.and_then(|place| found.get_mut(place))
            && found.replace(value).is_some()
        {
            return Err(Unreadable);
        }
    }
    Ok(())
}
