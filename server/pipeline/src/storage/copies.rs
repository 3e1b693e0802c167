//! Copies.

/// See the room header.
pub trait Copies: Send + Sync {}
