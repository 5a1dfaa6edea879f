//! Every field that a client's frame may have: one pass over the text, nothing copied.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{Error, IgnoredAny, MapAccess, SeqAccess, Visitor},
};

use crate::protocol::code::ErrorCode;

/// The first number that does not fit.
const TWO_TO_63: f64 = 9_223_372_036_854_775_808.0;

/// A code and what people are told.
pub type Fault = (ErrorCode, String);

/// Says what is wrong with a field.
pub fn wrong(name: &str, reason: &str) -> Fault {
    (ErrorCode::InvalidFrame, format!("{name} {reason}"))
}

/// The fields by name, whatever is in them: what a frame needs is known when all were read.
#[derive(Default)]
pub struct Fields<'a> {
    pub kind: Field<'a>,
    pub reference: Field<'a>,
    pub token: Field<'a>,
    pub room_id: Field<'a>,
    pub user_id: Field<'a>,
    pub content: Field<'a>,
    pub client_message_id: Field<'a>,
    pub after: Field<'a>,
    pub epoch: Field<'a>,
}

/// What stands in a field.
#[derive(Default)]
pub enum Field<'a> {
    #[default]
    Absent,
    Null,
    Text(Cow<'a, str>),
    Number(i64),
    /// Nothing that a frame has.
    Other,
}

impl<'a> Field<'a> {
    /// The text, if it is one.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// A text that may be absent or null.
    pub fn optional(self, name: &str) -> Result<Option<Cow<'a, str>>, Fault> {
        match self {
            Self::Absent | Self::Null => Ok(None),
            Self::Text(text) => Ok(Some(text)),
            Self::Number(_) | Self::Other => Err(wrong(name, "must be a text")),
        }
    }

    /// A text that must be there.
    pub fn required(self, name: &str) -> Result<Cow<'a, str>, Fault> {
        self.optional(name)?
            .ok_or_else(|| wrong(name, "is missing"))
    }
}

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "snake_case")]
enum Name {
    #[serde(rename = "type")]
    Kind,
    #[serde(rename = "ref")]
    Reference,
    Token,
    RoomId,
    UserId,
    Content,
    ClientMessageId,
    After,
    Epoch,
    #[serde(other)]
    Unknown,
}

/// Not derived: that would take an array for an object.
impl<'de: 'a, 'a> Deserialize<'de> for Fields<'a> {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        source.deserialize_map(FieldsVisitor)
    }
}

struct FieldsVisitor;

impl<'de> Visitor<'de> for FieldsVisitor {
    type Value = Fields<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields<'de>, A::Error> {
        let mut fields = Fields::default();
        while let Some(name) = map.next_key()? {
            let field = match name {
                Name::Kind => &mut fields.kind,
                Name::Reference => &mut fields.reference,
                Name::Token => &mut fields.token,
                Name::RoomId => &mut fields.room_id,
                Name::UserId => &mut fields.user_id,
                Name::Content => &mut fields.content,
                Name::ClientMessageId => &mut fields.client_message_id,
                Name::After => &mut fields.after,
                Name::Epoch => &mut fields.epoch,
                Name::Unknown => {
                    map.next_value::<IgnoredAny>()?;
                    continue;
                }
            };
            // Whoever reads along may take the other one of the two.
            if !matches!(field, Field::Absent) {
                return Err(A::Error::custom("a field comes twice"));
            }
            *field = map.next_value()?;
        }
        Ok(fields)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Field<'a> {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        source.deserialize_any(FieldVisitor)
    }
}

struct FieldVisitor;

impl<'de> Visitor<'de> for FieldVisitor {
    type Value = Field<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Field<'de>, E> {
        Ok(Field::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Field<'de>, E> {
        Ok(Field::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Field<'de>, E> {
        Ok(Field::Number(number))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Field<'de>, E> {
        Ok(i64::try_from(number).map_or(Field::Other, Field::Number))
    }

    /// `1.0` and `1e3` are whole numbers, too (JSON Schema, section 6.1.1 of its validation).
    fn visit_f64<E: Error>(self, number: f64) -> Result<Field<'de>, E> {
        let fits = number.fract() == 0.0 && (-TWO_TO_63..TWO_TO_63).contains(&number);
        Ok(if fits {
            Field::Number(number as i64)
        } else {
            Field::Other
        })
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Field<'de>, E> {
        Ok(Field::Other)
    }

    fn visit_unit<E: Error>(self) -> Result<Field<'de>, E> {
        Ok(Field::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Field<'de>, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Field::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Field<'de>, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Field::Other)
    }
}
