//! Collects what is wrong with a body, so that the client learns all of it at once.

use crate::domain::{Error, FieldError};

/// The wrong fields so far.
#[derive(Debug, Default)]
pub struct Fields(Vec<FieldError>);

impl Fields {
    /// A parsed field; `None`, with the error remembered, where it does not parse.
    pub fn take<T, E: std::fmt::Display>(&mut self, field: &'static str, parsed: Result<T, E>) -> Option<T> {
        parsed.map_err(|error| self.0.push(FieldError::new(field, error.to_string()))).ok()
    }

    /// Like [`Fields::take`], for a field that may be absent.
    pub fn take_optional<T, E: std::fmt::Display>(
        &mut self,
        field: &'static str,
        parsed: Option<Result<T, E>>,
    ) -> Option<Option<T>> {
        match parsed {
            Some(parsed) => self.take(field, parsed).map(Some),
            None => Some(None),
        }
    }

    /// Remembers an error that concerns more than one field.
    pub fn refuse(&mut self, field: &'static str, message: &'static str) {
        self.0.push(FieldError::new(field, message));
    }

    /// The command, when every part of it parsed; all errors otherwise.
    pub fn finish<T>(self, command: Option<T>) -> Result<T, Error> {
        match command {
            Some(command) if self.0.is_empty() => Ok(command),
            _ => Err(Error::Invalid(self.0)),
        }
    }
}
