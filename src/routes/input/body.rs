use std::{fmt, marker::PhantomData, ops::Deref};

use actix_web::{Error, FromRequest, HttpRequest, dev::Payload, web};
use futures_util::future::LocalBoxFuture;
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, MapAccess, Visitor, value::MapAccessDeserializer},
};

use super::patience::{in_time, patience};

/// A JSON body that is an object.
pub struct Body<T>(T);

impl<T> Body<T> {
    /// What the body says.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> Deref for Body<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: DeserializeOwned + 'static> FromRequest for Body<T> {
    type Error = Error;
    type Future = LocalBoxFuture<'static, Result<Self, Error>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let patience = patience(request);
        let read = web::Json::<Object<T>>::from_request(request, payload);
        Box::pin(async move {
            let body = in_time(patience, read).await?;
            Ok(Self(body.into_inner().0))
        })
    }
}

/// A struct that is read from a JSON object alone.
///
/// serde also reads one from a list, field by field: `[]` would be an update of nothing.
pub(super) struct Object<T>(pub T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        source.deserialize_map(Reader(PhantomData))
    }
}

struct Reader<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for Reader<T> {
    type Value = Object<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<M: MapAccess<'de>>(self, map: M) -> Result<Object<T>, M::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(Object)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize, Default)]
    #[serde(default)]
    struct Form {
        name: String,
    }

    #[test]
    fn a_list_is_no_object() {
        let read = |text| serde_json::from_str::<Object<Form>>(text).map(|body| body.0.name);
        assert_eq!(read(r#"{"name": "ann", "other": [1]}"#).unwrap(), "ann");
        assert_eq!(read("{}").unwrap(), "");
        for text in ["[]", r#"["ann"]"#, "null", "7", r#""ann""#] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
