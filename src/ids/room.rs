//! Rooms, and positions within them.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use super::{
    BookingId, Category, ConnectionId, ConversationId, EntryId, ProjectId, SessionId, SimulationId, UserId,
};

/// A room: the scope in which events are ordered and delivered. The text form (`session:{id}`) is used by
/// clients and in the event log.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Room {
    /// The chat of a consumer and a provider about a request or booking.
    Session(SessionId),
    /// A user's own notices; joined automatically when the user connects.
    User(UserId),
    /// New requests in a category, for providers.
    Market(Category),
    /// Events of a booking, for its two parties.
    Booking(BookingId),
    /// Events of a project's board.
    Project(ProjectId),
    /// The assistant's replies in a conversation.
    Conversation(ConversationId),
    /// The reflections on a journal entry.
    Entry(EntryId),
    /// The progress of a simulation.
    Simulation(SimulationId),
    /// Synthetic load; only for load-test users.
    LoadTest(Arc<str>),
    /// What the server that the member is connected to is doing, once a second, for admins. Nothing is stored.
    Metrics,
    /// What one connection sends and is sent, without the contents, for admins. Nothing is stored, and nothing is
    /// recorded while nobody is in it.
    Recorder(ConnectionId),
    /// All events, for admins.
    ///
    /// Last in the order of rooms: units of work lock the rooms' rows in this order, and this one is the most
    /// contended.
    Admin,
}

/// The text is not a room name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "must be session:, user:, booking:, project:, conversation:, entry:, simulation: or recorder: with a UUID, market: with a category, metrics or admin"
)]
pub struct InvalidRoom;

impl FromStr for Room {
    type Err = InvalidRoom;
    fn from_str(text: &str) -> Result<Self, InvalidRoom> {
        match text {
            "admin" => return Ok(Self::Admin),
            "metrics" => return Ok(Self::Metrics),
            _ => {}
        }
        let (kind, name) = text.split_once(':').ok_or(InvalidRoom)?;
        fn id<T: FromStr>(name: &str) -> Result<T, InvalidRoom> {
            name.parse().map_err(|_| InvalidRoom)
        }
        Ok(match kind {
            "session" => Self::Session(id(name)?),
            "user" => Self::User(id(name)?),
            "market" => Self::Market(id(name)?),
            "booking" => Self::Booking(id(name)?),
            "project" => Self::Project(id(name)?),
            "conversation" => Self::Conversation(id(name)?),
            "entry" => Self::Entry(id(name)?),
            "simulation" => Self::Simulation(id(name)?),
            "loadtest" => Self::LoadTest(load_test_name(name)?),
            "recorder" => Self::Recorder(id(name)?),
            _ => return Err(InvalidRoom),
        })
    }
}

fn load_test_name(name: &str) -> Result<Arc<str>, InvalidRoom> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    ((1..=64).contains(&name.len()) && name.bytes().all(plain)).then(|| Arc::from(name)).ok_or(InvalidRoom)
}

impl Room {
    /// What comes before the colon of its text form.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Session(_) => "session",
            Self::User(_) => "user",
            Self::Market(_) => "market",
            Self::Booking(_) => "booking",
            Self::Project(_) => "project",
            Self::Conversation(_) => "conversation",
            Self::Entry(_) => "entry",
            Self::Simulation(_) => "simulation",
            Self::LoadTest(_) => "loadtest",
            Self::Metrics => "metrics",
            Self::Recorder(_) => "recorder",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for Room {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Session(id) => write!(f, "session:{id}"),
            Self::User(id) => write!(f, "user:{id}"),
            Self::Market(category) => write!(f, "market:{category}"),
            Self::Booking(id) => write!(f, "booking:{id}"),
            Self::Project(id) => write!(f, "project:{id}"),
            Self::Conversation(id) => write!(f, "conversation:{id}"),
            Self::Entry(id) => write!(f, "entry:{id}"),
            Self::Simulation(id) => write!(f, "simulation:{id}"),
            Self::LoadTest(name) => write!(f, "loadtest:{name}"),
            Self::Metrics => f.write_str("metrics"),
            Self::Recorder(id) => write!(f, "recorder:{id}"),
            Self::Admin => f.write_str("admin"),
        }
    }
}

impl serde::Serialize for Room {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Room {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// Position of an event within its room: 1 for the first, without gaps. 0 means "before the first event".
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    serde::Serialize,
    serde::Deserialize,
    utoipa::ToSchema,
)]
#[serde(transparent)]
pub struct Seq(pub u64);

impl Seq {
    /// The position before the first event of a room.
    pub const START: Seq = Seq(0);

    /// The next position.
    pub(crate) fn next(self) -> Seq {
        Seq(self.0.saturating_add(1))
    }

    /// The form that the databases store; positions beyond `i64::MAX` are never reached.
    pub(crate) fn as_i64(self) -> i64 {
        i64::try_from(self.0).unwrap_or(i64::MAX)
    }

    /// From the form that the databases store; negative numbers are no positions and become [`Seq::START`].
    pub(crate) fn from_i64(seq: i64) -> Seq {
        Seq(u64::try_from(seq).unwrap_or(0))
    }
}

/// See [`Seq::from_i64`]; lets Diesel read rows that hold a position.
impl From<i64> for Seq {
    fn from(seq: i64) -> Seq {
        Seq::from_i64(seq)
    }
}

impl FromStr for Seq {
    type Err = std::num::ParseIntError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

impl fmt::Display for Seq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_room_reads_back_from_its_name() {
        let id = "01890a5d-ac96-774b-bcce-b302099a8057";
        for kind in
            ["session", "user", "booking", "project", "conversation", "entry", "simulation", "recorder"]
        {
            let name = format!("{kind}:{id}");
            assert_eq!(name.parse::<Room>().unwrap().to_string(), name);
        }
        for name in ["market:home-cleaning", "admin", "metrics", "loadtest:a-1"] {
            assert_eq!(name.parse::<Room>().unwrap().to_string(), name);
        }
    }

    #[test]
    fn what_names_no_room_is_refused() {
        for name in
            ["", "admin:", "session:", "session:7", "market:", "market:A B", "nowhere:x", "loadtest:a b"]
        {
            assert_eq!(name.parse::<Room>(), Err(InvalidRoom), "{name}");
        }
    }
}
