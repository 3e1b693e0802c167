//! Who may work on a store at the same time: one process alone, or several that agree with each other elsewhere.

use async_trait::async_trait;

use super::Result;

#[async_trait]
pub trait Tenancy: Send + Sync {
    /// Becomes one that works here: `alone`, or beside others who are not. `false` = whoever is there does not allow it.
    /// It lasts until [`Tenancy::leave`], or until the process or its connection ends.
    async fn enter(&self, alone: bool) -> Result<bool>;
    /// Whether it still lasts. A connection that ended is opened again, and `false` says that somebody else came in meanwhile.
    async fn stays(&self) -> Result<bool>;
    async fn leave(&self);
}
