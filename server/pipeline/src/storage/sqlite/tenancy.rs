//! A file has one owner, who locks its folder (`house`): here nobody else can come in.

use async_trait::async_trait;

use crate::storage::Result;
use crate::storage::tenancy::Tenancy;

pub struct OneOwner;

#[async_trait]
impl Tenancy for OneOwner {
    async fn enter(&self, _: bool) -> Result<bool> {
        Ok(true)
    }

    async fn stays(&self) -> Result<bool> {
        Ok(true)
    }

    async fn leave(&self) {}
}
