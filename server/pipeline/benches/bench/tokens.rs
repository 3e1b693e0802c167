//! Tokens as the vendors' look, one per number, in no order.

use types::vendor::Vendor;

pub fn of(vendor: Vendor, i: u64) -> String {
    let mixed = i.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    match vendor {
        // 64 hex digits.
        Vendor::Apns => format!("{mixed:016x}{i:016x}{:016x}{mixed:016x}", !i),
        // 44 characters.
        _ => format!("{mixed:016x}AbCdEfGhIjKl{i:016x}"),
    }
}
