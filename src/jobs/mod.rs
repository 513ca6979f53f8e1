//! Work that outlives the command that began it, and that several sessions follow: texts that are being
//! written, and simulations. What a job has done so far is in memory only: nothing is stored before it is
//! whole. A text is written by the process that began it; a simulation waits in the database, and any process
//! may run it.

mod answers;
mod masterplans;
mod reflections;
mod simulations;
mod texts;
mod writer;
mod writing;

pub(crate) use answers::{Answer, AnswerStatus, Answers, Terms, Unfollowed};
pub(crate) use masterplans::{Masterplans, Unwritten};
pub(crate) use reflections::{ReflectionStatus, Reflections};
pub(crate) use simulations::{SimulationProgress, Simulations};
pub(crate) use writer::Writer;
pub(crate) use writing::{Failure, Follower, Step};
