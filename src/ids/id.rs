//! Identifiers: UUIDv7 (RFC 9562, section 5.7), one type per noun.

use std::fmt;
use std::str::FromStr;

use crate::clock::Timestamp;

/// A UUID in its canonical text form: 36 lower-case characters, as both databases store it.
///
/// Kept as text because it is written far more often than it is parsed; `Copy`, without allocation.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct UuidText([u8; 36]);

impl UuidText {
    /// A new version-7 UUID whose leading bits are `at`, so that ids sort by creation time.
    pub(crate) fn new(at: Timestamp) -> Self {
        let micros = u64::try_from(at.as_micros()).unwrap_or(0);
        let seconds = micros / 1_000_000;
        let nanos = u32::try_from(micros % 1_000_000).unwrap_or(0) * 1_000;
        Self::from_uuid(uuid::Uuid::new_v7(uuid::Timestamp::from_unix(uuid::NoContext, seconds, nanos)))
    }

    /// The lowest id of this time: every id that was made at this moment or later is not below it.
    pub(crate) fn first_at(at: Timestamp) -> Self {
        let millis = u64::try_from(at.as_micros() / 1_000).unwrap_or(0) & 0xffff_ffff_ffff;
        let builder = uuid::Builder::from_unix_timestamp_millis(millis, &[0; 10]);
        Self::from_uuid(builder.into_uuid())
    }

    fn from_uuid(uuid: uuid::Uuid) -> Self {
        let mut text = [0; 36];
        uuid.hyphenated().encode_lower(&mut text);
        Self(text)
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        // Only the hyphenated form. Accepting braces, URNs and bare hex would give one thing several ids.
        (text.len() == 36).then(|| uuid::Uuid::parse_str(text).ok()).flatten().map(Self::from_uuid)
    }

    pub(crate) fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// The time that its leading bits are, to the millisecond; `None` for another version than 7.
    fn time(&self) -> Option<Timestamp> {
        let uuid = uuid::Uuid::parse_str(self.as_str()).ok()?;
        let (seconds, nanos) = uuid.get_timestamp().filter(|_| uuid.get_version_num() == 7)?.to_unix();
        let at = Timestamp::from_seconds(i64::try_from(seconds).ok()?)?;
        Some(at.plus(std::time::Duration::from_nanos(nanos.into())))
    }
}

impl fmt::Display for UuidText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text is not a hyphenated UUID.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a UUID")]
pub struct InvalidId;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, diesel::expression::AsExpression, diesel::deserialize::FromSqlRow)]
        #[diesel(sql_type = diesel::sql_types::Text)]
        pub struct $name(UuidText);

        impl $name {
            /// A new id that sorts by `at`.
            pub fn new(at: Timestamp) -> Self {
                Self(UuidText::new(at))
            }

            /// The canonical text: 36 lower-case characters.
            pub(crate) fn as_str(&self) -> &str {
                self.0.as_str()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;
            fn from_str(text: &str) -> Result<Self, InvalidId> {
                UuidText::parse(text).map(Self).ok_or(InvalidId)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }

        impl<DB: diesel::backend::Backend> diesel::deserialize::FromSql<diesel::sql_types::Text, DB> for $name
        where
            String: diesel::deserialize::FromSql<diesel::sql_types::Text, DB>,
        {
            fn from_sql(bytes: DB::RawValue<'_>) -> diesel::deserialize::Result<Self> {
                Ok(String::from_sql(bytes)?.parse()?)
            }
        }

        impl<DB: diesel::backend::Backend> diesel::serialize::ToSql<diesel::sql_types::Text, DB> for $name
        where
            str: diesel::serialize::ToSql<diesel::sql_types::Text, DB>,
        {
            fn to_sql<'b>(&'b self, out: &mut diesel::serialize::Output<'b, '_, DB>) -> diesel::serialize::Result {
                <str as diesel::serialize::ToSql<diesel::sql_types::Text, DB>>::to_sql(self.as_str(), out)
            }
        }

        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
                utoipa::openapi::ObjectBuilder::new()
                    .schema_type(utoipa::openapi::schema::Type::String)
                    .format(Some(utoipa::openapi::SchemaFormat::KnownFormat(utoipa::openapi::KnownFormat::Uuid)))
                    .into()
            }
        }

        impl utoipa::ToSchema for $name {}
    )*};
}

ids! {
    /// A user, the subject of authentication.
    UserId;
    /// A provider: the selling side of a user.
    ProviderId;
    /// A consumer: the buying side of a user.
    ConsumerId;
    /// A service in a provider's catalogue.
    ServiceId;
    /// An offer template of a provider.
    TemplateId;
    /// A photo in a provider's portfolio.
    PhotoId;
    /// A consumer's request for work.
    RequestId;
    /// A provider's offer on a request.
    OfferId;
    /// A booking made from an accepted offer.
    BookingId;
    /// A chat between a consumer and a provider.
    SessionId;
    /// A message in a chat session.
    MessageId;
    /// A kanban project.
    ProjectId;
    /// A task on a project's board.
    TaskId;
    /// A column of a project's board.
    ColumnId;
    /// A comment on a task.
    CommentId;
    /// An invitation to a project.
    InvitationId;
    /// A conversation with the assistant.
    ConversationId;
    /// A plan of work, drafted in a conversation.
    MasterplanId;
    /// A journal entry.
    EntryId;
    /// A reflection on a journal entry.
    ReflectionId;
    /// A simulation run.
    SimulationId;
    /// A login: the family of refresh tokens that one sign-in started; the `sid` claim of our tokens.
    LoginId;
    /// A live connection: one WebSocket or Socket.IO session.
    ConnectionId;
    /// A row of the audit trail.
    AuditId;
    /// The row of a refresh token.
    RefreshId;
    /// A process that uses the database: a server or a command.
    NodeId;
    /// An attempt to log in whose password is being verified.
    AttemptId;
}

impl LoginId {
    /// The id of a login at another issuer: UUIDv8 (RFC 9562, section 5.8) with 122 bits of `hash`.
    pub(crate) fn of_outside_session(hash: [u8; 16]) -> Self {
        Self(UuidText::from_uuid(uuid::Builder::from_custom_bytes(hash).into_uuid()))
    }
}

/// The `jti` of an access token: a UUID in our tokens, any text in those of other issuers (bounded by the
/// token's length).
#[derive(Clone, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct TokenId(pub String);

impl NodeId {
    /// When the process took its id: when it opened the database.
    pub(crate) fn made_at(self) -> Option<Timestamp> {
        self.0.time()
    }
}

impl AuditId {
    /// The lowest id of this time, for searching the trail by time.
    pub(crate) fn first_at(at: Timestamp) -> Self {
        Self(UuidText::first_at(at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_sort_by_the_time_they_were_made() {
        let at = Timestamp::from_seconds(1_700_000_000).unwrap();
        let early = OfferId::new(at);
        let late = OfferId::new(at.plus(std::time::Duration::from_millis(2)));
        assert!(early < late);
        assert!(early.as_str() < late.as_str());
        assert_eq!(NodeId::new(at).made_at(), Some(at));
        let of_version_4: NodeId = "9a1f3d4e-7c70-4a55-9a5b-2f0f1f8e1c11".parse().unwrap();
        assert_eq!(of_version_4.made_at(), None);
    }

    #[test]
    fn one_thing_has_one_name() {
        let id = "01890a5d-ac96-774b-bcce-b302099a8057";
        assert_eq!(id.to_uppercase().parse::<UserId>().unwrap().to_string(), id);
        for other in ["01890a5dac96774bbcceb302099a8057", "{01890a5d-ac96-774b-bcce-b302099a8057}", "", "x"] {
            assert_eq!(other.parse::<UserId>(), Err(InvalidId));
        }
    }
}
