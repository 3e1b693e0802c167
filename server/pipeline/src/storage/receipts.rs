//! Receipts.

/// See the room header.
pub trait Receipts: Send + Sync {}
