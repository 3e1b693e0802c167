//! Campaigns.

/// See the room header.
pub trait Campaigns: Send + Sync {}
