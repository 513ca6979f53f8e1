//! The command line of Souk.
fn main() {}
