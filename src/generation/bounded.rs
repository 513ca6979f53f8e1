//! Deadlines and the size of a text, applied in one place for every generator.

use std::time::Duration;

use futures_util::{StreamExt, stream};
use tokio::time::{Instant, timeout_at};

use super::error::{GenerationError, Wait};
use super::generator::TextStream;

/// How long a generator may take. Only time in which the caller waits for the generator counts towards
/// `first` and `idle`: a caller that is slow itself does not fail the generation by that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Deadlines {
    /// Until the first piece, from the first poll; includes connecting and the head of the response.
    pub(crate) first: Duration,
    /// Between two pieces.
    pub(crate) idle: Duration,
    /// Until the end, from the first poll: a service that sends a word now and then must not hold its place
    /// forever.
    pub(crate) total: Duration,
}

/// Ends `stream` with an error when a deadline passes, when the text exceeds `max_bytes`, or when it is
/// empty. Empty pieces are dropped, and count as silence. The inner stream is dropped with the first error.
pub(crate) fn bounded(stream: TextStream, deadlines: Deadlines, max_bytes: usize) -> TextStream {
    let state = Bounded { stream, deadlines, max_bytes, bytes: 0, end: None };
    stream::unfold(Some(state), |state| async move {
        let mut state = state?;
        match state.next().await {
            Ok(Some(piece)) => Some((Ok(piece), Some(state))),
            Ok(None) => None,
            Err(error) => Some((Err(error), None)),
        }
    })
    .boxed()
}

struct Bounded {
    stream: TextStream,
    deadlines: Deadlines,
    max_bytes: usize,
    /// How much came so far.
    bytes: usize,
    /// When the total time is over; set by the first poll.
    end: Option<Instant>,
}

impl Bounded {
    async fn next(&mut self) -> Result<Option<String>, GenerationError> {
        let now = Instant::now();
        let end = *self.end.get_or_insert(now + self.deadlines.total);
        let (wait, limit) = match self.bytes {
            0 => (Wait::First, self.deadlines.first),
            _ => (Wait::Idle, self.deadlines.idle),
        };
        let (wait, deadline) = if now + limit < end { (wait, now + limit) } else { (Wait::Total, end) };
        let too_late = GenerationError::TimedOut(wait);
        loop {
            let next = timeout_at(deadline, self.stream.next()).await;
            match next.map_err(|_| too_late.clone())?.transpose()? {
                // A stream of empty pieces that are always ready would never let the timer have its say.
                Some(piece) if piece.is_empty() && Instant::now() < deadline => {}
                Some(piece) if piece.is_empty() => return Err(too_late),
                Some(piece) => {
                    self.bytes = self.bytes.saturating_add(piece.len());
                    let fits = self.bytes <= self.max_bytes;
                    return if fits { Ok(Some(piece)) } else { Err(GenerationError::TooLong) };
                }
                None if self.bytes == 0 => {
                    return Err(GenerationError::Malformed { detail: "the text is empty" });
                }
                None => return Ok(None),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use futures_util::stream::BoxStream;

    use super::*;

    const DEADLINES: Deadlines = Deadlines {
        first: Duration::from_secs(10),
        idle: Duration::from_secs(2),
        total: Duration::from_secs(60),
    };

    /// Pieces, each after so many milliseconds; then the end, after `end` milliseconds.
    fn pieces(pieces: &[(u64, &str)], end: u64) -> BoxStream<'static, Result<String, GenerationError>> {
        let pieces: Vec<_> = pieces.iter().map(|(after, text)| (*after, Some((*text).to_owned()))).collect();
        let all = pieces.into_iter().chain([(end, None)]);
        let slow = stream::iter(all).then(|(after, text)| async move {
            tokio::time::sleep(Duration::from_millis(after)).await;
            text
        });
        slow.take_while(|text| std::future::ready(text.is_some()))
            .filter_map(async |text| text.map(Ok))
            .boxed()
    }

    /// The text so far, how it ended, and after how long.
    async fn read(mut stream: TextStream) -> (String, Option<GenerationError>, Duration) {
        let (began, mut text) = (Instant::now(), String::new());
        while let Some(piece) = stream.next().await {
            match piece {
                Ok(piece) => text += &piece,
                Err(error) => {
                    assert_eq!(stream.next().await, None, "nothing after an error");
                    return (text, Some(error), began.elapsed());
                }
            }
        }
        (text, None, began.elapsed())
    }

    #[tokio::test(start_paused = true)]
    async fn a_text_in_time_passes_unchanged() {
        let stream = pieces(&[(9_999, "Good "), (1_999, "morning"), (0, ".")], 1_999);
        let (text, error, _) = read(bounded(stream, DEADLINES, 13)).await;
        assert_eq!((text.as_str(), error), ("Good morning.", None));
    }

    #[tokio::test(start_paused = true)]
    async fn each_deadline_ends_the_text_with_its_name() {
        for (stream, wait, after) in [
            (pieces(&[(10_001, "late")], 0), Wait::First, 10_000),
            // Nothing at all is no text: silence goes on.
            (pieces(&[(5_000, ""), (5_001, "late")], 0), Wait::First, 10_000),
            (pieces(&[(1_000, "Good "), (2_001, "late")], 0), Wait::Idle, 3_000),
            (pieces(&[(1_000, "Good")], 2_001), Wait::Idle, 3_000),
            (pieces(&[(1_000, "a"); 100], 0), Wait::Total, 60_000),
        ] {
            let (_, error, took) = read(bounded(stream, DEADLINES, 1_000)).await;
            assert_eq!(error, Some(GenerationError::TimedOut(wait)));
            assert_eq!(took, Duration::from_millis(after), "{wait:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_caller_that_is_slow_does_not_time_the_generator_out() {
        let mut stream = bounded(pieces(&[(0, "Good "), (0, "morning")], 0), DEADLINES, 1_000);
        assert_eq!(stream.next().await, Some(Ok("Good ".to_owned())));
        tokio::time::advance(Duration::from_secs(30)).await;
        assert_eq!(stream.next().await, Some(Ok("morning".to_owned())));
        assert_eq!(stream.next().await, None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_text_that_is_too_long_or_empty_is_none() {
        let (text, error, _) = read(bounded(pieces(&[(0, "Good "), (0, "morning")], 0), DEADLINES, 11)).await;
        assert_eq!((text.as_str(), error), ("Good ", Some(GenerationError::TooLong)));
        let (_, error, _) = read(bounded(pieces(&[(0, "")], 0), DEADLINES, 11)).await;
        assert!(matches!(error, Some(GenerationError::Malformed { .. })), "{error:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn an_error_releases_the_stream_below_before_the_caller_lets_go() {
        let held = Arc::new(());
        let inner = Arc::clone(&held);
        let endless = stream::pending().map(move |never: String| {
            let _ = &inner;
            Ok(never)
        });
        let mut stream = bounded(endless.boxed(), DEADLINES, 11);
        assert_eq!(stream.next().await, Some(Err(GenerationError::TimedOut(Wait::First))));
        assert_eq!(Arc::strong_count(&held), 1);
    }
}
