//! Crowds.
use async_trait::async_trait;
use std::collections::BTreeMap;
use types::crowd::KeyKind;
use types::ids::CrowdId;
use types::vendor::Vendor;
pub struct CrowdRow {
    pub kind: KeyKind,
    pub vendor: Option<Vendor>,
    pub text: String,
    pub variables: BTreeMap<String, String>,
}
pub struct CrowdBlock {
    pub rows: Vec<CrowdRow>,
}
#[async_trait]
pub trait Crowds: Send + Sync {
    async fn block(&self, crowd: &CrowdId, seq: i64) -> super::Result<Option<CrowdBlock>>;
}
