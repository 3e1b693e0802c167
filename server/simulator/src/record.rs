//! One device message on the books: 32 bytes.

use serde::Serialize;
use types::vendor::Vendor;
use xxhash_rust::xxh3::xxh3_64;

use crate::dials::VENDORS;

/// Hash under which a token is kept; queries by token text use it too.
pub fn token_hash(token: &str) -> u64 {
    xxh3_64(token.as_bytes())
}

/// What became of one device message at the vendor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Taken and answered.
    Accepted,
    /// Taken; the answer was cut, held back or garbled.
    AcceptedUnheard,
    /// Refused for its token; the caller was told.
    BadToken,
    /// Refused for another reason; the caller was told.
    Refused,
    /// Answered like an accepted one and dropped: the vendor had this id already.
    Dropped,
    /// The caller took an earlier one back: under this key the phone shows it no more.
    Withdrawn,
}

impl Verdict {
    const ALL: [Verdict; 6] =
        [Verdict::Accepted, Verdict::AcceptedUnheard, Verdict::BadToken, Verdict::Refused, Verdict::Dropped, Verdict::Withdrawn];

    pub const fn taken(self) -> bool {
        matches!(self, Verdict::Accepted | Verdict::AcceptedUnheard)
    }
}

/// One device message, 32 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record {
    pub token: u64,
    /// Ten-microsecond ticks since the epoch (48 bits), vendor (8), verdict (8).
    pub(crate) when: u64,
    /// Number of the key and of the text in the tables of the ledger.
    pub(crate) key: u32,
    pub(crate) text: u32,
    /// Request: one number per request of a batch vendor, the head of the `apns-id` for APNs.
    pub trace: u64,
}

const TICK_MICROS: i64 = 10;

impl Record {
    pub(crate) fn new(vendor: Vendor, verdict: Verdict, at_micros: i64, token: u64, key: u32, text: u32, trace: u64) -> Record {
        let ticks = (at_micros / TICK_MICROS).unsigned_abs() & 0xffff_ffff_ffff;
        let verdict = Verdict::ALL.iter().position(|v| *v == verdict).unwrap_or(0) as u64;
        Record { token, when: ticks << 16 | vendor.code().unsigned_abs() << 8 | verdict, key, text, trace }
    }

    pub fn vendor(&self) -> Vendor {
        let code = (self.when >> 8 & 0xff).cast_signed();
        VENDORS.into_iter().find(|v| v.code() == code).unwrap_or(Vendor::Apns)
    }

    pub fn verdict(&self) -> Verdict {
        Verdict::ALL.get((self.when & 0xff) as usize).copied().unwrap_or(Verdict::Refused)
    }

    /// Microseconds since the epoch, never going back within one run of the twin.
    pub fn micros(&self) -> i64 {
        (self.when >> 16).cast_signed() * TICK_MICROS
    }

    pub(crate) fn bytes(&self) -> [u8; 32] {
        let mut out = [0; 32];
        out[..8].copy_from_slice(&self.token.to_le_bytes());
        out[8..16].copy_from_slice(&self.when.to_le_bytes());
        out[16..20].copy_from_slice(&self.key.to_le_bytes());
        out[20..24].copy_from_slice(&self.text.to_le_bytes());
        out[24..].copy_from_slice(&self.trace.to_le_bytes());
        out
    }

    pub(crate) fn read(b: &[u8; 32]) -> Record {
        let word = |i: usize| u64::from_le_bytes([b[i], b[i + 1], b[i + 2], b[i + 3], b[i + 4], b[i + 5], b[i + 6], b[i + 7]]);
        let (names, trace) = (word(16), word(24));
        Record { token: word(0), when: word(8), key: (names & 0xffff_ffff) as u32, text: (names >> 32) as u32, trace }
    }
}
