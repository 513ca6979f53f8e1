//! Server-sent events (HTML standard, section 9.2), as far as OpenAI's stream uses them: the data of each
//! event.
//!
//! Written out, since a crate for it would bring a parser generator and no bound. Lines end with LF or CRLF;
//! a lone CR, which the standard also allows, is sent by no server.

use super::GenerationError;
use super::lines::LONGEST;

/// The event that is being received.
#[derive(Debug, Default)]
pub(super) struct Events {
    data: Option<Vec<u8>>,
}

impl Events {
    /// Takes the next line; returns the event's data if the line ends an event that has some.
    ///
    /// # Errors
    /// If the event's lines together are longer than one line may be.
    pub(super) fn line(&mut self, line: &[u8]) -> Result<Option<Vec<u8>>, GenerationError> {
        if line.is_empty() {
            return Ok(self.data.take());
        }
        // Other fields (`event`, `id`, `retry`) and comments (an empty field name) do not matter here.
        let Some(value) = line.strip_prefix(b"data").and_then(value) else { return Ok(None) };
        match &mut self.data {
            Some(data) => {
                data.push(b'\n');
                data.extend_from_slice(value);
            }
            None => self.data = Some(value.to_vec()),
        }
        if self.data.as_ref().is_some_and(|data| data.len() > LONGEST) {
            return Err(GenerationError::Malformed { detail: "an event is over 1 MiB" });
        }
        Ok(None)
    }
}

/// The value of a field, from what follows its name.
fn value(rest: &[u8]) -> Option<&[u8]> {
    match rest.strip_prefix(b":") {
        Some(value) => Some(value.strip_prefix(b" ").unwrap_or(value)),
        None => rest.is_empty().then_some(rest),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events(text: &str) -> Vec<String> {
        let mut events = Events::default();
        let lines = text.lines().filter_map(|line| events.line(line.as_bytes()).unwrap());
        lines.map(|data| String::from_utf8(data).unwrap()).collect()
    }

    #[test]
    fn an_event_is_its_data_lines_up_to_a_blank_line() {
        assert_eq!(events("data: a\n\ndata:b\n\n"), ["a", "b"]);
        assert_eq!(events("data: a\ndata:  b\ndata\n\n"), ["a\n b\n"]);
        assert_eq!(events(": keep-alive\n\nevent: x\nid: 1\ndata: a\nretry: 5\n\n"), ["a"]);
        assert_eq!(events("data: unfinished\n"), Vec::<String>::new());
        assert_eq!(events("database: a\n\n"), Vec::<String>::new());
    }

    #[test]
    fn an_event_is_bounded_however_many_lines_it_has() {
        let mut events = Events::default();
        let line = [b"data:".as_slice(), &vec![b'x'; LONGEST / 2]].concat();
        assert_eq!(events.line(&line), Ok(None));
        assert!(matches!(events.line(&line), Err(GenerationError::Malformed { .. })));
    }
}
