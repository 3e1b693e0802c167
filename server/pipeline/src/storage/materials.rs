//! Materials at vendors: saved contents and uploaded pictures, per lane, found again by the digest of what they are made of.

use async_trait::async_trait;
use types::Millis;

use super::Result;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Material {
    pub lane_no: i64,
    pub key: String,
    /// `content` or `image`.
    pub kind: String,
    /// The message it was made for first.
    pub message_no: i64,
    /// `None` = the vendor refused; `words` says why.
    pub vendor_id: Option<String>,
    pub words: String,
    pub made_at: Millis,
    /// Not used from then on.
    pub ends_at: Millis,
}

#[async_trait]
pub trait Materials: Send + Sync {
    async fn get(&self, lane_no: i64, key: &str) -> Result<Option<Material>>;

    /// Adds it, or replaces the one under the same key.
    async fn put(&self, material: &Material) -> Result<()>;

    async fn forget(&self, lane_no: i64, key: &str) -> Result<()>;

    /// What was made for a message, by lane and age.
    async fn of_message(&self, message_no: i64) -> Result<Vec<Material>>;

    /// Removes what ended before `before`; at most `limit`. Returns how many.
    async fn clear(&self, before: Millis, limit: u32) -> Result<u64>;
}
