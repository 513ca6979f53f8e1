//! The generator and its slots: waits in line, then has a text written.

use std::sync::Arc;

use futures_util::StreamExt as _;

use crate::generation::{GenerationError, GenerationSlots, Options, Permit, Place, Prompt, TextGenerator};
use crate::ids::UserId;

use super::writing::Attempt;

/// Has texts written. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Writer {
    generator: Arc<dyn TextGenerator>,
    slots: GenerationSlots,
}

impl Writer {
    /// Writes with this generator, in these slots.
    pub(crate) fn new(generator: Arc<dyn TextGenerator>, slots: GenerationSlots) -> Self {
        Self { generator, slots }
    }

    /// The generator's name.
    pub(super) fn name(&self) -> &'static str {
        self.generator.name()
    }

    /// Waits for a slot, of which this user may have `per_user` at once. The attempt tells its followers.
    pub(super) async fn turn<I: Copy + Send + Sync + 'static>(
        &self,
        attempt: &Attempt<I>,
        user: UserId,
        per_user: usize,
    ) -> Result<Permit, GenerationError> {
        let mut waiting = self.slots.acquire(user, per_user)?;
        let mut place = waiting.place();
        while let Place::InLine(number) = place {
            attempt.waits_at(Some(number));
            place = waiting.moved().await;
        }
        attempt.waits_at(None);
        Ok(waiting.permit().await)
    }

    /// Writes the attempt's text, whose turn it is. A blank one is an error.
    pub(super) async fn write<I: Copy + Send + Sync + 'static>(
        &self,
        attempt: &Attempt<I>,
        _turn: Permit,
        prompt: Prompt,
        max_bytes: usize,
    ) -> Result<(), GenerationError> {
        self.stream(prompt, max_bytes, |piece| attempt.push(piece)).await?;
        match attempt.text().trim().is_empty() {
            true => Err(GenerationError::Malformed { detail: "the text is blank" }),
            false => Ok(()),
        }
    }

    /// Waits for a slot and writes a text that nobody follows: the whole of it.
    pub(super) async fn whole(
        &self,
        user: UserId,
        per_user: usize,
        prompt: Prompt,
        max_bytes: usize,
    ) -> Result<String, GenerationError> {
        let _permit = self.slots.acquire(user, per_user)?.permit().await;
        let mut text = String::new();
        self.stream(prompt, max_bytes, |piece| text.push_str(piece)).await?;
        Ok(text)
    }

    async fn stream(
        &self,
        prompt: Prompt,
        max_bytes: usize,
        mut push: impl FnMut(&str),
    ) -> Result<(), GenerationError> {
        let mut pieces = self.generator.generate(prompt, Options { max_bytes, ..Options::default() });
        while let Some(piece) = pieces.next().await {
            // No column takes this character, and no text needs it.
            push(&piece?.replace('\0', ""));
        }
        Ok(())
    }
}

/// An error as the operator's log has it.
pub(super) fn describe(error: &GenerationError) -> String {
    match error.detail() {
        "" => error.code().to_owned(),
        detail => format!("{}: {detail}", error.code()),
    }
}
