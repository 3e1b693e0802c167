//! Tokens as the vendors' look, one per number; those of the two large lanes in no order.

use std::sync::LazyLock;

use types::vendor::Vendor;

use crate::samples::Sample;

static SAMPLES: LazyLock<[Sample; Vendor::ALL.len()]> = LazyLock::new(|| Vendor::ALL.map(Sample::of));

pub fn of(vendor: Vendor, i: u64) -> String {
    let mixed = i.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    match vendor {
        // 64 hex digits.
        Vendor::Apns => format!("{mixed:016x}{i:016x}{:016x}{mixed:016x}", !i),
        // 44 characters.
        Vendor::Xiaomi => format!("{mixed:016x}AbCdEfGhIjKl{i:016x}"),
        other => Vendor::ALL.iter().position(|vendor| *vendor == other).map_or_else(String::new, |at| SAMPLES[at].token(i)),
    }
}
