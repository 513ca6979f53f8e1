//! The same calls by wrk (<https://github.com/wg/wrk>), a load generator that others compare servers with.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::process::{Command, Stdio};

use serde::Deserialize;

/// What wrk's script prints when it is done.
#[derive(Deserialize)]
pub(crate) struct Report {
    pub(crate) requests: usize,
    /// Connections that failed, answers that did not come in time, and those that were no success.
    failed: usize,
    pub(crate) seconds: f64,
    /// Milliseconds until half of the answers, and until all but a hundredth, were there.
    pub(crate) p50: f64,
    pub(crate) p99: f64,
}

/// What is called: each address by each token in turn.
pub(crate) struct Calls<'a> {
    pub(crate) method: &'a str,
    pub(crate) paths: Vec<String>,
    pub(crate) tokens: Vec<&'a str>,
    pub(crate) body: &'a str,
}

/// Lets wrk call for so long over so many connections.
pub(crate) fn run(address: SocketAddr, connections: usize, seconds: f64, calls: &Calls<'_>) -> Report {
    let script = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(script.path(), calls.script()).unwrap();
    let mut wrk = Command::new("wrk");
    wrk.arg("--threads=1").arg(format!("--connections={connections}"));
    wrk.arg(format!("--duration={}s", seconds.ceil())).arg("--script").arg(script.path());
    wrk.arg(format!("http://{address}/")).stdout(Stdio::piped());
    let printed = wrk.output().expect("wrk is not installed").stdout;
    let printed = String::from_utf8(printed).unwrap();
    let report = printed.lines().find(|line| line.starts_with('{')).expect("wrk's script prints a report");
    let report: Report = serde_json::from_str(report).unwrap();
    assert_eq!(report.failed, 0, "{printed}");
    report
}

impl Calls<'_> {
    fn script(&self) -> String {
        let list = |items: &mut dyn Iterator<Item = &str>| {
            items.fold(String::new(), |mut list, item| {
                write!(list, "'{item}',").unwrap();
                list
            })
        };
        format!(
            r#"
local tokens = {{ {tokens} }}
local paths = {{ {paths} }}
local made = 0
request = function()
  local token = tokens[made % #tokens + 1]
  local path = paths[math.floor(made / #tokens) % #paths + 1]
  made = made + 1
  local headers = {{ ["Authorization"] = "Bearer " .. token, ["Content-Type"] = "application/json" }}
  return wrk.format("{method}", path, headers, '{body}')
end
done = function(summary, latency)
  local errors = summary.errors
  local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
  io.write(string.format('{{"requests":%d,"failed":%d,"seconds":%f,"p50":%f,"p99":%f}}\n',
    summary.requests, failed, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3))
end
"#,
            tokens = list(&mut self.tokens.iter().copied()),
            paths = list(&mut self.paths.iter().map(String::as_str)),
            method = self.method,
            body = self.body,
        )
    }
}
