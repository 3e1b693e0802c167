//! Reading what a process has used, from `/proc`: CPU of all its threads (also ended ones), peak memory.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};

/// `USER_HZ`, the unit of `/proc/<pid>/stat`; 100 on every Linux this builds for.
const TICKS: f64 = 100.0;

/// User and system time of a process so far, children excluded.
pub fn cpu(pid: u32) -> Result<Duration> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).context("/proc/<pid>/stat")?;
    // The name in parentheses may hold spaces; what follows it does not.
    let rest = stat.rsplit_once(')').context("stat without a name")?.1;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    let ticks = |at: usize| -> Result<f64> { fields.get(at).context("short stat")?.parse().context("ticks") };
    Ok(Duration::from_secs_f64((ticks(11)? + ticks(12)?) / TICKS))
}

/// Highest resident memory so far, bytes.
pub fn peak(pid: u32) -> Result<u64> {
    status(pid, "VmHWM:")
}

/// Resident memory now, bytes.
pub fn resident(pid: u32) -> Result<u64> {
    status(pid, "VmRSS:")
}

fn status(pid: u32, name: &str) -> Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).context("/proc/<pid>/status")?;
    let line = status.lines().find_map(|l| l.strip_prefix(name)).context("no such line in status")?;
    let kib: u64 = line.trim().trim_end_matches("kB").trim().parse().context("kB")?;
    Ok(kib * 1024)
}

/// Bytes of a store on disk, its log included.
pub fn on_disk(folder: &Path) -> Result<u64> {
    let mut sum = 0;
    for entry in std::fs::read_dir(folder)? {
        let meta = entry?.metadata()?;
        sum += if meta.is_file() { meta.len() } else { 0 };
    }
    Ok(sum)
}

/// CPU model, cores and memory, for the head of the page.
pub fn machine() -> String {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let cpuinfo = read("/proc/cpuinfo");
    let model =
        cpuinfo.lines().find_map(|l| l.strip_prefix("model name")).map_or("unknown CPU", |l| l.trim_start_matches([' ', '\t', ':']));
    let cores = cpuinfo.lines().filter(|l| l.starts_with("processor")).count();
    let memory = read("/proc/meminfo");
    let kib: u64 = memory
        .lines()
        .find_map(|l| l.strip_prefix("MemTotal:"))
        .and_then(|l| l.trim().trim_end_matches("kB").trim().parse().ok())
        .unwrap_or(0);
    let kernel = read("/proc/sys/kernel/osrelease");
    format!("{cores} x {model}, {} GiB, Linux {}", kib.div_ceil(1024 * 1024), kernel.trim())
}

/// Load of the machine now: figures taken while others work say so.
pub fn load() -> String {
    std::fs::read_to_string("/proc/loadavg").unwrap_or_default().split_whitespace().take(3).collect::<Vec<_>>().join(" ")
}
