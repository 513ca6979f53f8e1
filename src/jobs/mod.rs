//! Work that outlives the command that began it, and that several sessions follow: texts that are being
//! written. A job runs on the process that began it, and what it has done so far is in memory only: nothing is
//! stored before it is whole.

mod reflections;
mod writing;

pub(crate) use reflections::{ReflectionStatus, Reflections};
pub(crate) use writing::{Failure, Follower, Step};
