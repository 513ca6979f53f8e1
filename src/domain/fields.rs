//! Collects validation errors of an input, so that the client gets all of them at once.

use super::{Error, FieldError};

/// The field errors so far.
#[derive(Debug, Default)]
pub(crate) struct Fields(Vec<FieldError>);

impl Fields {
    /// The parsed field, or `None` after recording the error.
    pub(crate) fn take<T, E: std::fmt::Display>(
        &mut self,
        field: &'static str,
        parsed: Result<T, E>,
    ) -> Option<T> {
        parsed.map_err(|error| self.0.push(FieldError::new(field, error.to_string()))).ok()
    }

    /// Like [`Fields::take`], for a field that may be absent.
    pub(crate) fn take_optional<T, E: std::fmt::Display>(
        &mut self,
        field: &'static str,
        parsed: Option<Result<T, E>>,
    ) -> Option<Option<T>> {
        match parsed {
            Some(parsed) => self.take(field, parsed).map(Some),
            None => Some(None),
        }
    }

    /// Records an error that concerns more than one field.
    pub(crate) fn refuse(&mut self, field: &'static str, message: &'static str) {
        self.0.push(FieldError::new(field, message));
    }

    /// The command, if every part of it parsed; otherwise all errors.
    pub(crate) fn finish<T>(self, command: Option<T>) -> Result<T, Error> {
        match command {
            Some(command) if self.0.is_empty() => Ok(command),
            _ => Err(Error::Invalid(self.0)),
        }
    }
}
