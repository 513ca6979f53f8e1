//! Strict JSON from clients: an object must be an object.
//!
//! The code that serde derives for a struct also accepts a list, field by position. For a client that is a
//! latent bug (a field that is added or moved changes what its list means), and for the server it is a way
//! around every check that relies on field names. So structs are read here through a deserializer that
//! rejects lists for structs at any depth.

use std::fmt;

use serde::de::{
    Deserialize, DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, Error, MapAccess, SeqAccess,
    VariantAccess, Visitor,
};

const NO_OBJECT: &str = "must be an object";

/// Parses a whole text.
///
/// # Errors
/// As `serde_json::from_str`, and if a list or a plain value stands in the place of an object.
pub(crate) fn from_str<'de, T: Deserialize<'de>>(text: &'de str) -> serde_json::Result<T> {
    let mut json = serde_json::Deserializer::from_str(text);
    let value = T::deserialize(Strict(&mut json))?;
    json.end()?;
    Ok(value)
}

/// Why a document was refused.
#[derive(Debug)]
pub(crate) enum DocumentError {
    /// It is no JSON.
    Syntax(serde_json::Error),
    /// It is JSON, and something in it is not what was expected.
    Data {
        /// Where, such as `slot.end`; empty for the whole document.
        path: String,
        /// What was expected. Quotes what was found.
        message: String,
    },
}

/// Parses a whole document that people write; the error says where in it something is wrong.
///
/// # Errors
/// See [`DocumentError`].
pub(crate) fn from_slice<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, DocumentError> {
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let parsed = serde_path_to_error::deserialize(Strict(&mut json)).map_err(|error| {
        let path = error.path().to_string();
        let cause = error.into_inner();
        if !cause.is_data() {
            return DocumentError::Syntax(cause);
        }
        // Without serde_json's "at line 1 column 7", which adds nothing to the path.
        let message = cause.to_string();
        let message = message.split(" at line ").next().unwrap_or_default().to_owned();
        DocumentError::Data { path: if path == "." { String::new() } else { path }, message }
    })?;
    json.end().map_err(DocumentError::Syntax)?;
    Ok(parsed)
}

/// A deserializer that forwards to another one, but accepts only an object for a struct.
struct Strict<T>(T);

macro_rules! forward {
    ($($method:ident($($argument:ident: $type:ty),*))*) => {$(
        fn $method<V: Visitor<'de>>(self, $($argument: $type,)* visitor: V) -> Result<V::Value, D::Error> {
            self.0.$method($($argument,)* Strict(visitor))
        }
    )*};
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Strict<D> {
    type Error = D::Error;

    forward! {
        deserialize_any() deserialize_bool() deserialize_i8() deserialize_i16() deserialize_i32() deserialize_i64()
        deserialize_i128() deserialize_u8() deserialize_u16() deserialize_u32() deserialize_u64() deserialize_u128()
        deserialize_f32() deserialize_f64() deserialize_char() deserialize_str() deserialize_string()
        deserialize_bytes() deserialize_byte_buf() deserialize_option() deserialize_unit() deserialize_seq()
        deserialize_map() deserialize_identifier() deserialize_ignored_any()
        deserialize_unit_struct(name: &'static str)
        deserialize_newtype_struct(name: &'static str)
        deserialize_tuple(length: usize)
        deserialize_tuple_struct(name: &'static str, length: usize)
        deserialize_enum(name: &'static str, variants: &'static [&'static str])
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        // Not `deserialize_struct`: serde_json's reports a wrong type without asking the visitor.
        self.0.deserialize_any(Object(visitor))
    }

    fn is_human_readable(&self) -> bool {
        self.0.is_human_readable()
    }
}

macro_rules! forward_values {
    ($($method:ident($type:ty))*) => {$(
        fn $method<E: Error>(self, value: $type) -> Result<V::Value, E> {
            self.0.$method(value)
        }
    )*};
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Strict<V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.expecting(f)
    }

    forward_values! {
        visit_bool(bool) visit_i8(i8) visit_i16(i16) visit_i32(i32) visit_i64(i64) visit_i128(i128)
        visit_u8(u8) visit_u16(u16) visit_u32(u32) visit_u64(u64) visit_u128(u128) visit_f32(f32) visit_f64(f64)
        visit_char(char) visit_str(&str) visit_borrowed_str(&'de str) visit_string(String)
        visit_bytes(&[u8]) visit_borrowed_bytes(&'de [u8]) visit_byte_buf(Vec<u8>)
    }

    fn visit_none<E: Error>(self) -> Result<V::Value, E> {
        self.0.visit_none()
    }

    fn visit_unit<E: Error>(self) -> Result<V::Value, E> {
        self.0.visit_unit()
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<V::Value, D::Error> {
        self.0.visit_some(Strict(deserializer))
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<V::Value, D::Error> {
        self.0.visit_newtype_struct(Strict(deserializer))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<V::Value, A::Error> {
        self.0.visit_seq(Strict(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<V::Value, A::Error> {
        self.0.visit_map(Strict(map))
    }

    fn visit_enum<A: EnumAccess<'de>>(self, data: A) -> Result<V::Value, A::Error> {
        self.0.visit_enum(Strict(data))
    }
}

/// The visitor of a struct; rejects everything but an object.
struct Object<V>(V);

macro_rules! refuse_values {
    ($($method:ident($($type:ty)?))*) => {$(
        fn $method<E: Error>(self $(, _: $type)?) -> Result<V::Value, E> {
            Err(E::custom(NO_OBJECT))
        }
    )*};
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Object<V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    refuse_values! {
        visit_bool(bool) visit_i64(i64) visit_u64(u64) visit_f64(f64) visit_str(&str) visit_unit()
    }

    fn visit_seq<A: SeqAccess<'de>>(self, _: A) -> Result<V::Value, A::Error> {
        Err(A::Error::custom(NO_OBJECT))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<V::Value, A::Error> {
        self.0.visit_map(Strict(map))
    }
}

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for Strict<S> {
    type Value = S::Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<S::Value, D::Error> {
        self.0.deserialize(Strict(deserializer))
    }
}

impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for Strict<A> {
    type Error = A::Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, A::Error> {
        self.0.next_element_seed(Strict(seed))
    }

    fn size_hint(&self) -> Option<usize> {
        self.0.size_hint()
    }
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Strict<A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, A::Error> {
        self.0.next_key_seed(Strict(seed))
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, A::Error> {
        self.0.next_value_seed(Strict(seed))
    }

    fn size_hint(&self) -> Option<usize> {
        self.0.size_hint()
    }
}

impl<'de, A: EnumAccess<'de>> EnumAccess<'de> for Strict<A> {
    type Error = A::Error;
    type Variant = Strict<A::Variant>;

    fn variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<(T::Value, Self::Variant), A::Error> {
        let (value, variant) = self.0.variant_seed(Strict(seed))?;
        Ok((value, Strict(variant)))
    }
}

impl<'de, A: VariantAccess<'de>> VariantAccess<'de> for Strict<A> {
    type Error = A::Error;

    fn unit_variant(self) -> Result<(), A::Error> {
        self.0.unit_variant()
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, A::Error> {
        self.0.newtype_variant_seed(Strict(seed))
    }

    fn tuple_variant<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, A::Error> {
        self.0.tuple_variant(length, Strict(visitor))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, A::Error> {
        self.0.struct_variant(fields, Object(visitor))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;
    use serde_json::value::RawValue;

    use super::*;

    #[derive(Debug, Default, PartialEq, Deserialize)]
    struct Point {
        x: i32,
        y: Option<i32>,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    enum Shape {
        Empty,
        Dot(Point),
        Line { from: Point, to: Point },
    }

    #[derive(Debug, PartialEq, Deserialize)]
    struct Drawing {
        #[serde(default)]
        points: Vec<Point>,
        #[serde(default)]
        named: BTreeMap<String, Point>,
        shape: Option<Shape>,
        pair: Option<(i32, i32)>,
        boxed: Option<Box<Point>>,
    }

    fn refusal<'a, T: Deserialize<'a> + fmt::Debug>(text: &'a str) -> String {
        from_str::<T>(text).expect_err(text).to_string()
    }

    #[test]
    fn objects_are_read_and_lists_where_lists_are_due() {
        let drawing = r#"{"points":[{"x":1},{"x":2,"y":3}],"named":{"a":{"x":4}},"shape":{"Dot":{"x":5}},
            "pair":[1,2],"boxed":{"x":6}}"#;
        let read: Drawing = from_str(drawing).unwrap();
        assert_eq!(read.points, [Point { x: 1, y: None }, Point { x: 2, y: Some(3) }]);
        assert_eq!(read.shape, Some(Shape::Dot(Point { x: 5, y: None })));
        assert_eq!((read.pair, read.named.len()), (Some((1, 2)), 1));
        assert_eq!(from_str::<Shape>(r#""Empty""#).unwrap(), Shape::Empty);
        let raw: Vec<&RawValue> = from_str("[1, [2]]").unwrap();
        assert_eq!(raw.last().map(|raw| raw.get()), Some("[2]"));
    }

    #[test]
    fn nothing_else_is_an_object_at_any_depth() {
        for text in ["[1,2]", "[]", "1", "-1", "1.5", "true", "null", r#""x""#] {
            assert!(refusal::<Point>(text).starts_with(NO_OBJECT), "{text}");
        }
        for text in [
            r#"{"points":[[1,2]]}"#,
            r#"{"named":{"a":[1,2]}}"#,
            r#"{"shape":{"Dot":[1,2]}}"#,
            r#"{"shape":{"Line":[[1,2],[3,4]]}}"#,
            r#"{"shape":{"Line":{"from":[1,2],"to":{"x":1}}}}"#,
            r#"{"boxed":[1]}"#,
        ] {
            assert!(refusal::<Drawing>(text).starts_with(NO_OBJECT), "{text}");
        }
    }

    #[test]
    fn all_else_is_as_the_library_has_it() {
        assert!(refusal::<Point>(r#"{"x":1,"x":2}"#).starts_with("duplicate field `x`"));
        assert!(refusal::<Point>(r#"{"x":1} x"#).starts_with("trailing characters"));
        assert!(refusal::<serde_json::Value>(&"[".repeat(1000)).starts_with("recursion limit"));
        assert!(refusal::<f64>("NaN").starts_with("expected"));
    }
}
