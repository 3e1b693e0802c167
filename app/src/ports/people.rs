//! People, links and the audit log, for the pages of the same names.

use async_trait::async_trait;
use types::ids::PersonId;
use types::listing::Page;
use types::people::Rights;
use types::views::people::{AuditChain, AuditQuery, AuditView, LinkView, PersonView, SecondStepView, SessionView, SignedIn};

use super::Asked;
use crate::error::AppError;

#[async_trait]
pub trait PeoplePort: Send + Sync {
    async fn list(&self) -> Result<Vec<PersonView>, AppError>;
    /// Makes a person without a password; the link lets them set one.
    async fn invite(&self, asked: &Asked, name: String, email: String, rights: Rights) -> Result<(PersonView, LinkView), AppError>;
    async fn change(&self, asked: &Asked, id: &PersonId, name: String, rights: Rights, disabled: bool) -> Result<PersonView, AppError>;
    /// A new one-time link; the older one ends.
    async fn link(&self, asked: &Asked, id: &PersonId) -> Result<LinkView, AppError>;
    /// The link made last by this administrator, once.
    fn take_fresh_link(&self, asked: &Asked) -> Option<LinkView>;
    async fn own_sessions(&self, asked: &Asked) -> Result<Vec<SessionView>, AppError>;
    async fn all_sessions(&self, asked: &Asked) -> Result<SignedIn, AppError>;
    async fn end_session(&self, asked: &Asked, person: &PersonId, id: &str) -> Result<(), AppError>;
    /// The own one; recovery codes just made are told once.
    async fn second_step(&self, asked: &Asked) -> Result<SecondStepView, AppError>;
    async fn drop_second_step(&self, asked: &Asked, person: &PersonId) -> Result<(), AppError>;
    async fn audit(&self, query: &AuditQuery) -> Result<Page<AuditView>, AppError>;
    async fn audit_chain(&self) -> Result<AuditChain, AppError>;
}
