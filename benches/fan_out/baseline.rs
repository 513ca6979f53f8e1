//! The lower bound of fan-out: the same frames, built beforehand, each written to each socket by one thread.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Instant;

use bytes::Bytes;

use super::members::Members;
use super::server::{frame, log_of};
use super::{Measured, Options, Pace, Scenario, cpu};

pub(crate) fn measure(options: &Options, scenario: Scenario) -> [Measured; 2] {
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
    Pace::both(options, scenario).map(|pace| one(scenario, pace, &frames, &mut rooms, &mut members))
}

fn one(
    scenario: Scenario,
    pace: Pace,
    frames: &[Vec<Bytes>],
    rooms: &mut [Vec<TcpStream>],
    members: &mut Members,
) -> Measured {
    let messages = frames[0].len();
    members.expect(frames[0].iter().map(Bytes::len).sum());
    let (began, cpu_before) = (Instant::now(), cpu());
    for seq in 0..messages {
        for (room, (frames, streams)) in frames.iter().zip(&mut *rooms).enumerate() {
            for stream in streams {
                stream.write_all(&frames[seq]).unwrap();
            }
            if let Some(rest) = pace.rest(began, seq * scenario.rooms + room + 1, scenario) {
                std::thread::sleep(rest);
            }
        }
    }
    let used = cpu() - cpu_before;
    members.wait_for("done");
    Measured { deliveries: (messages * scenario.connections()) as u64, elapsed: began.elapsed(), cpu: used }
}

/// Reads the handshake as far as its room.
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
