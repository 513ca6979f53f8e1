//! The threads that compute blocks of runs.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use tokio::sync::mpsc;

use super::parameters::Parameters;
use super::tally::Tally;

/// Begins to compute on `threads` threads of its own; yields the tallies of the blocks as they are finished.
///
/// The threads end after the last block. If the receiver is dropped, they end after their present block.
///
/// # Errors
/// If the system starts no further thread. Those that were started end.
pub fn start(parameters: Parameters, threads: usize) -> io::Result<mpsc::Receiver<Tally>> {
    let (sender, receiver) = mpsc::channel(threads.max(1));
    let next = Arc::new(AtomicU32::new(0));
    for _ in 0..threads.max(1) {
        let (sender, next) = (sender.clone(), Arc::clone(&next));
        thread::Builder::new().name("simulation".to_owned()).spawn(move || {
            loop {
                let block = next.fetch_add(1, Ordering::Relaxed);
                if block >= parameters.blocks() || sender.blocking_send(parameters.block(block)).is_err() {
                    break;
                }
            }
        })?;
    }
    Ok(receiver)
}
