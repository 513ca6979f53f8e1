//! Monte Carlo simulation of a pricing: requests arrive, offers compete, prices are accepted or not.
//!
//! Pure computation, without database or network. The result is a function of the [`Parameters`] alone: each
//! run has a random number generator of its own, derived from the seed and the number of the run, and all sums
//! are integers. So it is the same to the last bit on any number of threads, and however often it is repeated.

mod fit;
mod model;
mod parameters;
mod random;
mod tally;
#[cfg(test)]
mod tests;
mod threads;

pub(crate) use fit::{Choice, fit};
pub use parameters::{Capacity, Market, Parameters, WhenFull};
pub use tally::{Bin, Estimate, Estimates, Outcome, PriceAcceptance, Quantity, Tally};
pub use threads::start;
