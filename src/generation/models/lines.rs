//! Splits a body that arrives in arbitrary chunks into lines of bounded length. Lines are bytes: a character
//! may be split over two chunks, but never over two lines.

use super::GenerationError;

/// Longest line. Ollama's last one names every token of the conversation: about 8 bytes for each of up to 128
/// Ki.
pub(super) const LONGEST: usize = 1024 * 1024;

/// The part of a body that was received and not yet read.
#[derive(Debug, Default)]
pub(super) struct Lines {
    received: Vec<u8>,
    /// Where the next line begins.
    start: usize,
    /// Up to where no line break was found.
    searched: usize,
}

impl Lines {
    /// Adds received bytes.
    pub(super) fn push(&mut self, chunk: &[u8]) {
        self.received.drain(..self.start);
        self.searched -= self.start;
        self.start = 0;
        self.received.extend_from_slice(chunk);
    }

    /// The next whole line, without its line break (LF or CRLF); `None` if there is none yet.
    ///
    /// # Errors
    /// If the line is longer than allowed, whether or not its end has been seen.
    pub(super) fn next(&mut self) -> Result<Option<&[u8]>, GenerationError> {
        let unsearched = self.received.get(self.searched..).unwrap_or_default();
        let found = unsearched.iter().position(|byte| *byte == b'\n');
        let end = found.map_or(self.received.len(), |at| self.searched + at);
        if end - self.start > LONGEST {
            return Err(GenerationError::Malformed { detail: "a line is over 1 MiB" });
        }
        if found.is_none() {
            self.searched = end;
            return Ok(None);
        }
        let line = self.received.get(self.start..end).unwrap_or_default();
        (self.start, self.searched) = (end + 1, end + 1);
        Ok(Some(line.strip_suffix(b"\r").unwrap_or(line)))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// All whole lines of a body that arrives in these chunks.
    fn split<'c>(chunks: impl IntoIterator<Item = &'c [u8]>) -> Result<Vec<Vec<u8>>, GenerationError> {
        let (mut lines, mut all) = (Lines::default(), Vec::new());
        for chunk in chunks {
            lines.push(chunk);
            while let Some(line) = lines.next()? {
                all.push(line.to_vec());
            }
        }
        Ok(all)
    }

    #[test]
    fn lines_end_with_either_line_break_and_the_last_one_must_end() {
        let text = "grün\r\n\n{\"a\":1}\nhalf".as_bytes();
        let lines = split([text]).unwrap();
        assert_eq!(lines, ["grün".as_bytes(), b"", b"{\"a\":1}"]);
    }

    #[test]
    fn a_line_over_the_bound_is_refused_before_its_end() {
        let chunk = vec![b'x'; LONGEST / 4];
        assert!(split(std::iter::repeat_n(chunk.as_slice(), 4)).is_ok());
        let chunks = std::iter::repeat_n(chunk.as_slice(), 4).chain([b"x".as_slice()]);
        assert!(matches!(split(chunks), Err(GenerationError::Malformed { .. })));
    }

    proptest! {
        #[test]
        fn chunks_do_not_matter(body: Vec<u8>, sizes in prop::collection::vec(1usize..7, 0..200)) {
            let mut rest = body.as_slice();
            let mut chunks = Vec::new();
            for size in sizes {
                let (chunk, others) = rest.split_at(size.min(rest.len()));
                chunks.push(chunk);
                rest = others;
            }
            chunks.push(rest);
            prop_assert_eq!(split(chunks).unwrap(), split([body.as_slice()]).unwrap());
        }
    }
}
