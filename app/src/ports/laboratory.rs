//! The simulator, where one is attached.

use async_trait::async_trait;
use types::vendor::Vendor;
use types::views::laboratory::{DialValues, LaboratoryView, ScriptForm};

use super::Asked;
use crate::error::AppError;

#[async_trait]
pub trait LaboratoryPort: Send + Sync {
    /// `None` = no simulator is attached; then all other questions answer `NotFound`.
    async fn view(&self) -> Result<Option<LaboratoryView>, AppError>;
    async fn dials(&self, vendor: Vendor) -> Result<DialValues, AppError>;
    /// Turns the dials whose value differs from what the person had `seen`: a script may have turned others meanwhile.
    async fn turn(&self, asked: &Asked, vendor: Vendor, seen: DialValues, dials: DialValues) -> Result<(), AppError>;
    async fn play(&self, asked: &Asked, form: ScriptForm) -> Result<(), AppError>;
    /// Stops a script and puts back what it had changed.
    async fn stop(&self, asked: &Asked, script: u64) -> Result<(), AppError>;
}
