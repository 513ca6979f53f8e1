//! Memory and open file descriptors of the process, read from `/proc` when the metrics are collected.

use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{IntGauge, Opts};

/// Reads `/proc/self` on each collection; on systems without it, the gauges stay at zero.
pub(super) struct Process {
    resident: IntGauge,
    descriptors: IntGauge,
}

impl Process {
    pub(super) fn new() -> prometheus::Result<Self> {
        let gauge = |name: &str, help: &str| IntGauge::with_opts(Opts::new(name, help));
        Ok(Self {
            resident: gauge("process_resident_memory_bytes", "Resident memory, in bytes")?,
            descriptors: gauge("process_open_fds", "Open file descriptors")?,
        })
    }
}

impl Collector for Process {
    fn desc(&self) -> Vec<&Desc> {
        [&self.resident, &self.descriptors].into_iter().flat_map(Collector::desc).collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        self.resident.set(resident_bytes().unwrap_or(0));
        self.descriptors.set(open_descriptors().unwrap_or(0));
        [&self.resident, &self.descriptors].into_iter().flat_map(Collector::collect).collect()
    }
}

fn resident_bytes() -> Option<i64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: i64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1024)
}

fn open_descriptors() -> Option<i64> {
    // One of them is the handle of this listing itself.
    let listed = std::fs::read_dir("/proc/self/fd").ok()?.count();
    i64::try_from(listed.saturating_sub(1)).ok()
}
