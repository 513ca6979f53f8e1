//! The threads that compute blocks of runs.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use tokio::sync::mpsc;

use super::parameters::Parameters;
use super::tally::Tally;

/// Niceness of these threads: the weakest, so that they take what live traffic leaves. On a server with nothing
/// else to do they are as fast as any.
#[cfg(target_os = "linux")]
const NICE: i32 = 19;

/// Begins to compute on `threads` threads of its own; yields the tallies of the blocks as they are finished.
///
/// On Linux, where each thread has a priority of its own, these have the lowest one.
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
            lower_priority();
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

/// Without it the threads compute as well, so an error is no reason not to.
#[cfg(target_os = "linux")]
fn lower_priority() {
    // POSIX would set the whole process's niceness; on Linux it is an attribute of the thread (setpriority(2)).
    let _ = rustix::process::setpriority_process(Some(rustix::thread::gettid()), NICE);
}

#[cfg(not(target_os = "linux"))]
fn lower_priority() {}
