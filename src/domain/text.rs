//! User-entered text: trimmed, bounded, in Unicode normalization form C, without control characters.

use unicode_normalization::UnicodeNormalization;
use utoipa::openapi::schema::Schema;
use utoipa::openapi::{ObjectBuilder, Type};

/// Text of 1 to `MAX` characters, without line breaks.
#[derive(
    Clone,
    Debug,
    PartialEq,
    Eq,
    serde::Serialize,
    diesel::expression::AsExpression,
    diesel::deserialize::FromSqlRow,
)]
#[diesel(sql_type = diesel::sql_types::Text)]
pub struct SingleLine<const MAX: usize>(String);

/// Text of at most `MAX` characters, with line breaks; may be empty.
#[derive(
    Clone,
    Debug,
    PartialEq,
    Eq,
    serde::Serialize,
    diesel::expression::AsExpression,
    diesel::deserialize::FromSqlRow,
)]
#[diesel(sql_type = diesel::sql_types::Text)]
pub struct MultiLine<const MAX: usize>(String);

impl<const MAX: usize> SingleLine<MAX> {
    /// Trims and normalizes; the error states the requirement, for people.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = normalized(text);
        let length = text.chars().count();
        if length == 0 || length > MAX {
            return Err(format!("must have 1 to {MAX} characters"));
        }
        if text.chars().any(char::is_control) {
            return Err("must not have line breaks or control characters".to_owned());
        }
        Ok(Self(text))
    }

    /// The text, trimmed and normalized.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl<const MAX: usize> SingleLine<MAX> {
    fn bounded() -> ObjectBuilder {
        ObjectBuilder::new()
            .min_length(Some(1))
            .max_length(Some(MAX))
            .pattern(Some(r"^[^\x00-\x1f\x7f-\x9f]+$"))
    }
}

impl<const MAX: usize> MultiLine<MAX> {
    fn bounded() -> ObjectBuilder {
        ObjectBuilder::new().max_length(Some(MAX))
    }

    /// Schema of what [`MultiLine::parse_some`] accepts, for the OpenAPI document.
    pub(crate) fn some() -> Schema {
        Self::bounded().schema_type(Type::String).min_length(Some(1)).build().into()
    }

    /// Trims and normalizes; the error states the requirement, for people.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = normalized(text);
        if text.chars().count() > MAX {
            return Err(format!("must have at most {MAX} characters"));
        }
        if text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
            return Err("must not have control characters".to_owned());
        }
        Ok(Self(text))
    }

    /// Like [`MultiLine::parse`], but rejects empty text.
    pub(crate) fn parse_some(text: &str) -> Result<Self, String> {
        let prose = Self::parse(text)?;
        if prose.0.is_empty() { Err(format!("must have 1 to {MAX} characters")) } else { Ok(prose) }
    }

    /// The text, trimmed and normalized.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// Diesel and OpenAPI implementations for both types. Stored text is read without parsing, so that a bound
/// may become stricter without making old rows unreadable.
macro_rules! stored_as_text {
    ($($name:ident),+) => {$(
        impl<const MAX: usize> $name<MAX> {
            /// Text that was parsed before it was stored, where the column holds it in another form.
            pub(crate) fn from_stored(text: String) -> Self {
                Self(text)
            }
        }

        impl<DB: diesel::backend::Backend, const MAX: usize>
            diesel::deserialize::FromSql<diesel::sql_types::Text, DB> for $name<MAX>
        where
            String: diesel::deserialize::FromSql<diesel::sql_types::Text, DB>,
        {
            fn from_sql(bytes: DB::RawValue<'_>) -> diesel::deserialize::Result<Self> {
                String::from_sql(bytes).map(Self)
            }
        }

        impl<DB: diesel::backend::Backend, const MAX: usize>
            diesel::serialize::ToSql<diesel::sql_types::Text, DB> for $name<MAX>
        where
            str: diesel::serialize::ToSql<diesel::sql_types::Text, DB>,
        {
            fn to_sql<'b>(
                &'b self,
                out: &mut diesel::serialize::Output<'b, '_, DB>,
            ) -> diesel::serialize::Result {
                <str as diesel::serialize::ToSql<diesel::sql_types::Text, DB>>::to_sql(&self.0, out)
            }
        }

        impl<const MAX: usize> utoipa::PartialSchema for $name<MAX> {
            fn schema() -> utoipa::openapi::RefOr<Schema> {
                Self::bounded().schema_type(Type::String).into()
            }
        }

        impl<const MAX: usize> utoipa::ToSchema for $name<MAX> {
            fn name() -> std::borrow::Cow<'static, str> {
                format!("{}{MAX}", stringify!($name)).into()
            }
        }
    )+};
}

stored_as_text!(SingleLine, MultiLine);

fn normalized(text: &str) -> String {
    text.trim().nfc().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_trimmed_and_normalized() {
        assert_eq!(SingleLine::<10>::parse("  Cafe\u{301} ").unwrap().as_str(), "Café");
        assert_eq!(MultiLine::<10>::parse("a\nb ").unwrap().as_str(), "a\nb");
    }

    #[test]
    fn length_is_counted_in_characters() {
        assert!(SingleLine::<3>::parse("äöü").is_ok());
        assert!(SingleLine::<3>::parse("äöüß").is_err());
        assert!(SingleLine::<3>::parse("   ").is_err());
        assert!(MultiLine::<3>::parse("").is_ok());
        assert!(MultiLine::<3>::parse_some(" ").is_err());
    }

    #[test]
    fn control_characters_are_refused() {
        assert!(SingleLine::<9>::parse("a\nb").is_err());
        assert!(MultiLine::<9>::parse("a\0b").is_err());
    }
}
