//! People.

/// See the room header.
pub trait People: Send + Sync {}
