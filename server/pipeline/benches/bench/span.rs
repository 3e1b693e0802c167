//! A stretch of this process: wall and CPU between two marks.

use std::time::Duration;

use anyhow::Result;
use tokio::time::Instant;

use crate::meter;

pub struct Span {
    started: Instant,
    cpu: Duration,
    pid: u32,
}

#[derive(Clone, Copy, Debug)]
pub struct Used {
    pub wall: Duration,
    pub cpu: Duration,
}

impl Span {
    pub fn start() -> Result<Span> {
        Span::of(std::process::id())
    }

    /// Of another process.
    pub fn of(pid: u32) -> Result<Span> {
        Ok(Span { cpu: meter::cpu(pid)?, started: Instant::now(), pid })
    }

    pub fn stop(&self) -> Result<Used> {
        Ok(Used { wall: self.started.elapsed(), cpu: meter::cpu(self.pid)?.saturating_sub(self.cpu) })
    }
}

impl Used {
    /// CPU-µs for each of `n`.
    pub fn cpu_us(&self, n: f64) -> f64 {
        self.cpu.as_secs_f64() * 1e6 / n
    }
}
