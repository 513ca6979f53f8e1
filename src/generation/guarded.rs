//! What every generator gets around it: deadlines, the bound on its text, and metrics.

use futures_util::{StreamExt, stream};

use super::bounded::{Deadlines, bounded};
use super::generator::{Options, TextGenerator, TextStream};
use super::metrics::Metrics;
use super::prompt::Prompt;

/// A generator that keeps its deadlines and is measured.
#[derive(Debug)]
pub(super) struct Guarded<G> {
    pub(super) generator: G,
    pub(super) deadlines: Deadlines,
    pub(super) metrics: Metrics,
}

impl<G: TextGenerator> TextGenerator for Guarded<G> {
    fn name(&self) -> &'static str {
        self.generator.name()
    }

    fn generate(&self, prompt: Prompt, options: Options) -> TextStream {
        let measured = self.metrics.begin(self.name(), prompt.task());
        let text = bounded(self.generator.generate(prompt, options), self.deadlines, options.max_bytes);
        stream::unfold(Some((text, measured)), |state| async move {
            let (mut text, mut measured) = state?;
            match text.next().await {
                Some(Ok(piece)) => {
                    measured.piece();
                    Some((Ok(piece), Some((text, measured))))
                }
                Some(Err(error)) => {
                    measured.end(error.code());
                    Some((Err(error), None))
                }
                None => {
                    measured.end("complete");
                    None
                }
            }
        })
        .boxed()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures_util::TryStreamExt;
    use prometheus::{Encoder, Registry, TextEncoder};

    use super::*;
    use crate::generation::error::GenerationError;
    use crate::generation::slots::GenerationSlots;

    /// Plays what it holds, then ends, or waits forever.
    #[derive(Debug)]
    struct Scripted(Vec<Result<&'static str, GenerationError>>, End);

    #[derive(Debug, Clone, Copy, PartialEq)]
    enum End {
        There,
        Never,
    }

    impl TextGenerator for Scripted {
        fn name(&self) -> &'static str {
            "scripted"
        }

        fn generate(&self, _: Prompt, _: Options) -> TextStream {
            let pieces = stream::iter(self.0.clone()).map(|piece| piece.map(str::to_owned));
            match self.1 {
                End::There => pieces.boxed(),
                End::Never => pieces.chain(stream::pending()).boxed(),
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn each_generation_is_counted_once_by_how_it_ended() {
        let registry = Registry::new();
        let metrics = Metrics::new(&registry, &GenerationSlots::new(1, 1)).unwrap();
        let minute = Duration::from_secs(60);
        let deadlines = Deadlines { first: minute, idle: minute, total: minute };
        let prompt = || Prompt::Reflection { title: None, text: "Slept badly.".to_owned() };
        let begin = |script, end| {
            let generator = Scripted(script, end);
            Guarded { generator, deadlines, metrics: metrics.clone() }.generate(prompt(), Options::default())
        };
        let text: Result<String, _> = begin(vec![Ok("a"), Ok("b")], End::There).try_collect().await;
        assert_eq!(text, Ok("ab".to_owned()));
        let text: Result<String, _> =
            begin(vec![Ok("a"), Err(GenerationError::Cut)], End::There).try_collect().await;
        assert_eq!(text, Err(GenerationError::Cut));
        let text: Result<String, _> = begin(vec![Ok("a")], End::Never).try_collect().await;
        assert!(matches!(text, Err(GenerationError::TimedOut(_))), "{text:?}");
        let mut stream = begin(vec![Ok("a"), Ok("b")], End::There);
        stream.next().await;
        drop(stream);

        let mut shown = Vec::new();
        TextEncoder::new().encode(&registry.gather(), &mut shown).unwrap();
        let shown = String::from_utf8(shown).unwrap();
        for line in [
            r#"souk_generations_started_total{generator="scripted",task="reflection"} 4"#,
            r#"outcome="complete",task="reflection"} 1"#,
            r#"outcome="generator_cut",task="reflection"} 1"#,
            r#"outcome="generator_timed_out",task="reflection"} 1"#,
            r#"outcome="cancelled",task="reflection"} 1"#,
            r#"souk_generation_first_piece_seconds_count{generator="scripted"} 4"#,
            "souk_generations_running 0",
            "souk_generations_waiting 0",
        ] {
            assert!(shown.contains(line), "{line} in {shown}");
        }
    }
}
