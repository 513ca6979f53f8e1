//! The least that fan-out can cost: the same frames, built beforehand, each written to each socket by one thread.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Instant;

use super::members::Members;
use super::server::{frame, log_of};
use super::{Measured, Options, Scenario, cpu};

pub(crate) fn measure(options: &Options, scenario: Scenario) -> Measured {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut members = Members::connect(listener.local_addr().unwrap(), scenario);
    let mut rooms: Vec<Vec<TcpStream>> = (0..scenario.rooms).map(|_| Vec::new()).collect();
    for _ in 0..scenario.connections() {
        let (mut stream, _) = listener.accept().unwrap();
        stream.set_nodelay(true).unwrap();
        rooms[asked_for(&mut stream)].push(stream);
    }
    members.wait_for("connected");
    let log = log_of(scenario, options.messages);
    let frames: Vec<Vec<_>> = log.iter().map(|events| events.iter().cloned().map(frame).collect()).collect();
    members.expect(frames[0].iter().map(bytes::Bytes::len).sum());
    let (began, cpu_before) = (Instant::now(), cpu());
    for seq in 0..frames[0].len() {
        for (frames, streams) in frames.iter().zip(&mut rooms) {
            for stream in streams {
                stream.write_all(&frames[seq]).unwrap();
            }
        }
    }
    let used = cpu() - cpu_before;
    members.wait_for("done");
    let deliveries = options.messages * scenario.connections() as u64;
    Measured { deliveries, elapsed: began.elapsed(), cpu: used }
}

/// Reads the handshake, up to the room that it names.
fn asked_for(stream: &mut TcpStream) -> usize {
    let mut request = Vec::new();
    let mut buffer = [0; 512];
    while !request.ends_with(b"\r\n\r\n") {
        let read = stream.read(&mut buffer).unwrap();
        request.extend_from_slice(&buffer[..read]);
    }
    let text = String::from_utf8(request).unwrap();
    let room = text.strip_prefix("GET /room/").and_then(|rest| rest.split(' ').next());
    room.unwrap().parse().unwrap()
}
