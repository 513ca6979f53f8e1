//! Log lines through `env_logger`: text for people or JSON for machines, with the fields of `log`'s key-value
//! arguments.
//!
//! Every line is scrubbed (see `scrub.rs`): no token leaves, whatever a library or a careless message
//! contains.

use std::io::{self, Write};

use env_logger::fmt::Formatter;
use log::Record;
use log::kv::{self, Key, Value, VisitSource};

use super::scrub::scrub;

/// The format of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// `2026-05-01T09:30:00.125Z INFO  souk::http GET /offers/{id} 200 request_id=..`
    Text,
    /// One JSON object per line: `at`, `level`, `target`, `message` and the fields.
    Json,
}

/// Sends log lines that pass `filter` to standard error. A second call has no effect.
pub fn init(format: Format, filter: &str) {
    let mut builder = env_logger::Builder::new();
    builder.parse_filters(filter);
    match format {
        Format::Text => builder.format(text),
        Format::Json => builder.format(json),
    };
    // Fails only if a logger is installed already, which then stays.
    if builder.try_init().is_ok() {
        std::panic::set_hook(Box::new(log_panic));
    }
}

/// Logs a panic as a regular line instead of loose text on standard error.
fn log_panic(panic: &std::panic::PanicHookInfo<'_>) {
    let place = panic.location().map(ToString::to_string).unwrap_or_default();
    let thread = std::thread::current().name().unwrap_or("unnamed").to_owned();
    let what = panic.payload_as_str().unwrap_or("no message");
    log::error!(place = place.as_str(), thread = thread.as_str(); "panicked: {what}");
}

fn text(out: &mut Formatter, record: &Record<'_>) -> io::Result<()> {
    let mut line = format!("{:5} {} {}", record.level(), record.target(), record.args());
    let _ = record.key_values().visit(&mut TextFields(&mut line));
    // A line break in client-supplied text must not look like the start of the next line.
    let line = scrub(&line).replace('\n', "\\n").replace('\r', "\\r");
    let at = out.timestamp_millis();
    writeln!(out, "{at} {line}")
}

fn json(out: &mut Formatter, record: &Record<'_>) -> io::Result<()> {
    let mut fields = JsonFields(serde_json::Map::new());
    let _ = record.key_values().visit(&mut fields);
    let own = [
        ("at", out.timestamp_millis().to_string()),
        ("level", record.level().to_string()),
        ("target", record.target().to_owned()),
        ("message", scrub(&record.args().to_string()).into_owned()),
    ];
    fields.0.extend(own.map(|(key, value)| (key.to_owned(), value.into())));
    serde_json::to_writer(&mut *out, &fields.0)?;
    writeln!(out)
}

struct TextFields<'a>(&'a mut String);

impl<'kvs> VisitSource<'kvs> for TextFields<'_> {
    fn visit_pair(&mut self, key: Key<'kvs>, value: Value<'kvs>) -> Result<(), kv::Error> {
        use std::fmt::Write as _;
        write!(self.0, " {key}={value}")?;
        Ok(())
    }
}

struct JsonFields(serde_json::Map<String, serde_json::Value>);

impl<'kvs> VisitSource<'kvs> for JsonFields {
    fn visit_pair(&mut self, key: Key<'kvs>, value: Value<'kvs>) -> Result<(), kv::Error> {
        let shown = match (value.to_u64(), value.to_i64(), value.to_f64(), value.to_bool()) {
            (Some(number), ..) => number.into(),
            (_, Some(number), ..) => number.into(),
            (_, _, Some(number), _) => number.into(),
            (.., Some(truth)) => truth.into(),
            _ => scrub(&value.to_string()).into_owned().into(),
        };
        self.0.insert(key.to_string(), shown);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_keep_their_kind_in_json_and_lose_their_tokens() {
        let pairs: &[(&str, Value<'_>)] =
            &[("status", 200_u16.into()), ("path", "/ws?token=abc.def".into()), ("seconds", 0.5.into())];
        let mut fields = JsonFields(serde_json::Map::new());
        kv::Source::visit(&pairs, &mut fields).unwrap();
        let line = serde_json::Value::Object(fields.0).to_string();
        assert_eq!(line, r#"{"path":"/ws?token=***","seconds":0.5,"status":200}"#);
    }
}
