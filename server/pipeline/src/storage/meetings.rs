//! The name of the store and the pulse of the nodes that work on it: by both they know that they meet in the same place.

use async_trait::async_trait;

use super::Result;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreName {
    pub name: String,
    /// Moved by every node that met the others.
    pub beats: i64,
    /// It got its name just now.
    pub fresh: bool,
}

#[async_trait]
pub trait Meetings: Send + Sync {
    /// The name; `fresh` becomes it when the store has none.
    async fn name(&self, fresh: &str) -> Result<StoreName>;
    /// A node is there. With `seen` only while nobody else moved it: `false` then says that somebody did.
    async fn beat(&self, seen: Option<i64>) -> Result<bool>;
}
