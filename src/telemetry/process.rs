//! Processor time, memory and open file descriptors of the process, read from `/proc` when the metrics are collected.

use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{Counter, IntGauge, Opts};

/// Reads `/proc/self` on each collection; on systems without it, the gauges stay at zero.
pub(super) struct Process {
    cpu: Counter,
    resident: IntGauge,
    descriptors: IntGauge,
}

impl Process {
    pub(super) fn new() -> prometheus::Result<Self> {
        let gauge = |name: &str, help: &str| IntGauge::with_opts(Opts::new(name, help));
        let cpu = "process_cpu_seconds_total";
        Ok(Self {
            cpu: Counter::new(cpu, "Processor time, user and system, in seconds")?,
            resident: gauge("process_resident_memory_bytes", "Resident memory, in bytes")?,
            descriptors: gauge("process_open_fds", "Open file descriptors")?,
        })
    }
}

impl Collector for Process {
    fn desc(&self) -> Vec<&Desc> {
        let gauges = [&self.resident, &self.descriptors].into_iter().flat_map(Collector::desc);
        self.cpu.desc().into_iter().chain(gauges).collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        self.resident.set(resident_bytes().unwrap_or(0));
        self.descriptors.set(open_descriptors().unwrap_or(0));
        // By the difference: two readers at once may then be a tick apart, and never far below what was shown before.
        let used = cpu_seconds().unwrap_or(0.0) - self.cpu.get();
        if used > 0.0 {
            self.cpu.inc_by(used);
        }
        let gauges = [&self.resident, &self.descriptors].into_iter().flat_map(Collector::collect);
        self.cpu.collect().into_iter().chain(gauges).collect()
    }
}

#[cfg(target_os = "linux")]
fn cpu_seconds() -> Option<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    // The process's name, in parentheses, may contain anything; the fields after it are numbers (proc_pid_stat(5)).
    let (_, fields) = stat.rsplit_once(')')?;
    let mut times = fields.split_whitespace().skip(11).take(2).map(str::parse::<u64>);
    let ticks = times.next()?.ok()? + times.next()?.ok()?;
    Some(ticks as f64 / rustix::param::clock_ticks_per_second() as f64)
}

#[cfg(not(target_os = "linux"))]
fn cpu_seconds() -> Option<f64> {
    None
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
