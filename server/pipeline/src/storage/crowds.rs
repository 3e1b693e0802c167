//! Crowds.

/// See the room header.
pub trait Crowds: Send + Sync {}
