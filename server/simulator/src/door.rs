//! The only place of the twin that asks for the time, for chance, or for a socket outwards.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use tokio::time::Instant;
use types::Millis;

/// A clock that only moves forward: the wall time of the start plus monotonic time since, plus what a test added.
pub(crate) struct Clock {
    start_micros: i64,
    since: Instant,
    ahead_micros: AtomicI64,
}

impl Clock {
    #[expect(clippy::disallowed_methods, reason = "this is the twin's door to the wall clock")]
    pub(crate) fn start() -> Clock {
        let since_epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Clock {
            start_micros: i64::try_from(since_epoch.as_micros()).unwrap_or(i64::MAX),
            since: Instant::now(),
            ahead_micros: AtomicI64::new(0),
        }
    }

    /// Microseconds since the epoch, never going back.
    pub(crate) fn micros(&self) -> i64 {
        let passed = i64::try_from(self.since.elapsed().as_micros()).unwrap_or(i64::MAX);
        self.start_micros.saturating_add(passed).saturating_add(self.ahead_micros.load(Ordering::Relaxed))
    }

    pub(crate) fn millis(&self) -> Millis {
        self.micros() / 1_000
    }

    pub(crate) fn seconds(&self) -> i64 {
        self.micros() / 1_000_000
    }

    /// Moves the twin's clock forward (quota days, token ages).
    pub(crate) fn advance(&self, by: Duration) {
        self.ahead_micros.fetch_add(i64::try_from(by.as_micros()).unwrap_or(0), Ordering::Relaxed);
    }
}

/// Reproducible chance (splitmix64): the same seed and the same order of questions give the same answers.
pub(crate) struct Chance(AtomicU64);

impl Chance {
    pub(crate) fn seeded(seed: u64) -> Chance {
        Chance(AtomicU64::new(seed))
    }

    pub(crate) fn next(&self) -> u64 {
        mix(self.0.fetch_add(GOLDEN, Ordering::Relaxed).wrapping_add(GOLDEN))
    }

    /// True in `share` (0.0 to 1.0) of the cases.
    pub(crate) fn hits(&self, share: f64) -> bool {
        share > 0.0 && unit(self.next()) < share
    }

    /// Uniform in `0 ..= most`.
    pub(crate) fn up_to(&self, most: u64) -> u64 {
        if most == 0 { 0 } else { self.next() % (most + 1) }
    }
}

const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

pub(crate) fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// 64 random bits as a number in `0.0 .. 1.0`.
pub(crate) fn unit(bits: u64) -> f64 {
    (bits >> 11) as f64 / (1u64 << 53) as f64
}

/// The client that posts receipts and client reports. `ca_pem`: extra roots for `https` callbacks.
#[expect(clippy::disallowed_methods, reason = "this is the twin's door outwards: receipts and client reports")]
pub(crate) fn poster(ca_pem: Option<&str>) -> Result<reqwest::Client, crate::Trouble> {
    let mut roots = rustls::RootCertStore::empty();
    if let Some(pem) = ca_pem {
        for cert in crate::tls::certificates(pem)? {
            roots.add(cert).map_err(|e| crate::Trouble::Certificate(e.to_string()))?;
        }
    }
    let tls = rustls::ClientConfig::builder_with_provider(crate::tls::provider())
        .with_safe_default_protocol_versions()
        .map_err(|e| crate::Trouble::Certificate(e.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .no_proxy()
        .timeout(Duration::from_secs(5))
        .build()
        .map_err(|e| crate::Trouble::Certificate(e.to_string()))
}
