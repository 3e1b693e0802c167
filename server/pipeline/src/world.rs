//! Time and randomness come in through this door, so that a test can hold both still.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use rand::RngCore;
use types::Millis;

/// Wall clock in milliseconds since the epoch, UTC.
pub trait Clock: Send + Sync {
    fn now(&self) -> Millis;
}

/// Source of random bytes.
pub trait Random: Send + Sync {
    fn fill(&self, bytes: &mut [u8]);
}

/// Clock and randomness, cheap to clone.
#[derive(Clone)]
pub struct World {
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
}

impl World {
    pub fn new(clock: Arc<dyn Clock>, random: Arc<dyn Random>) -> World {
        World { clock, random }
    }

    /// The real clock and the operating system's randomness.
    pub fn system() -> World {
        World::new(Arc::new(SystemClock), Arc::new(SystemRandom))
    }

    pub fn now(&self) -> Millis {
        self.clock.now()
    }

    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.random.fill(&mut bytes);
        bytes
    }

    /// Uniform in `0.0 .. 1.0`, for jitter.
    pub fn unit(&self) -> f64 {
        (u64::from_le_bytes(self.bytes()) >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Bytes of a fresh UUIDv7; `AppId::from_bytes(world.id())`.
    pub fn id(&self) -> [u8; 16] {
        uuid::Builder::from_unix_timestamp_millis(self.now().unsigned_abs(), &self.bytes()).into_uuid().into_bytes()
    }
}

pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the door")]
    fn now(&self) -> Millis {
        jiff::Timestamp::now().as_millisecond()
    }
}

pub struct SystemRandom;

impl Random for SystemRandom {
    #[expect(clippy::disallowed_methods, reason = "this is the door")]
    fn fill(&self, bytes: &mut [u8]) {
        rand::rng().fill_bytes(bytes);
    }
}

/// A clock that moves only when told.
pub struct HeldClock(AtomicI64);

impl HeldClock {
    pub fn at(now: Millis) -> Arc<HeldClock> {
        Arc::new(HeldClock(AtomicI64::new(now)))
    }

    pub fn advance(&self, by: Millis) {
        self.0.fetch_add(by, Ordering::SeqCst);
    }
}

impl Clock for HeldClock {
    fn now(&self) -> Millis {
        self.0.load(Ordering::SeqCst)
    }
}

/// Reproducible bytes from a seed (splitmix64).
pub struct SeededRandom(AtomicU64);

impl SeededRandom {
    pub fn new(seed: u64) -> Arc<SeededRandom> {
        Arc::new(SeededRandom(AtomicU64::new(seed)))
    }
}

impl Random for SeededRandom {
    fn fill(&self, bytes: &mut [u8]) {
        for part in bytes.chunks_mut(8) {
            let mut z = self.0.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::SeqCst).wrapping_add(0x9e37_79b9_7f4a_7c15);
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            z ^= z >> 31;
            part.copy_from_slice(&z.to_le_bytes()[..part.len()]);
        }
    }
}
