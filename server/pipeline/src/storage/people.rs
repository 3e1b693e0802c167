//! People, their sessions and one-time links, and the audit log.

use async_trait::async_trait;
use serde_json::Value;
use types::Millis;
use types::ids::{AppId, PersonId};
use types::listing::{Page, PageRequest};
use types::people::Rights;

use super::Result;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    pub id: PersonId,
    /// Lower case.
    pub email: String,
    pub name: String,
    pub rights: Rights,
    /// argon2id PHC string; `None` = none set yet.
    pub password: Option<String>,
    pub disabled: bool,
    pub created_at: Millis,
}

#[derive(Clone, Debug)]
pub struct NewPerson {
    pub id: PersonId,
    pub email: String,
    pub name: String,
    pub rights: Rights,
    pub password: Option<String>,
    pub created_at: Millis,
}

#[derive(Clone, Debug)]
pub struct PersonChange {
    pub name: String,
    pub rights: Rights,
    pub disabled: bool,
}

/// A browser's session; `id` is the hash of what the cookie holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionRow {
    pub id: String,
    pub person: Option<PersonId>,
    pub data: String,
    pub expires_at: Millis,
}

/// The second step of somebody's sign-in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecondStep {
    /// The secret, sealed by the vault.
    pub sealed: Vec<u8>,
    /// A first code proved it; before that it asks nobody.
    pub active: bool,
    /// Of the last code taken.
    pub last_step: i64,
    /// Recovery codes not used yet.
    pub recovery_left: u64,
    pub created_at: Millis,
}

/// A one-time link; `person` is `None` for the one that makes the first administrator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    pub person: Option<PersonId>,
    pub expires_at: Millis,
}

/// Something somebody did. `before` and `after` never hold a secret.
#[derive(Clone, Debug, PartialEq)]
pub struct AuditEntry {
    pub at: Millis,
    /// `usr_…`, `system`, or `cli`.
    pub actor_id: String,
    pub actor_name: String,
    pub address: String,
    pub request_id: String,
    /// `noun.verb`: `app.create`, `campaign.pause`.
    pub action: String,
    /// Id of what it was done to.
    pub object: String,
    pub app: Option<AppId>,
    pub before: Option<Value>,
    pub after: Option<Value>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct AuditRow {
    pub no: i64,
    pub entry: AuditEntry,
    pub hash: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditFilter {
    pub actor_id: Option<String>,
    /// Whole action or its noun with a dot: `app.` finds `app.create`.
    pub action: Option<String>,
    pub app: Option<AppId>,
    /// Id of what it was done to, whole.
    pub object: Option<String>,
    /// At or after this instant.
    pub from: Option<Millis>,
    /// Before this instant.
    pub to: Option<Millis>,
}

/// What a walk along the chain found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuditCheck {
    /// So many rows, every one where and as it was written.
    Whole(u64),
    /// The first number at which something was changed, taken out, put in or cut off.
    BrokenAt(i64),
}

#[async_trait]
pub trait People: Send + Sync {
    /// `Conflict("email")` when the address is taken. The entry is written in the same transaction, here and below.
    async fn create(&self, person: NewPerson, audit: AuditEntry) -> Result<Person>;
    /// Uses up the link that makes the first administrator, and makes it. `Stale("link")` when it is unknown, used or over.
    async fn create_first(&self, link: &str, now: Millis, person: NewPerson, audit: AuditEntry) -> Result<Person>;
    async fn get(&self, id: &PersonId) -> Result<Option<Person>>;
    async fn by_email(&self, email: &str) -> Result<Option<Person>>;
    /// By name.
    async fn list(&self) -> Result<Vec<Person>>;
    async fn count(&self) -> Result<u64>;
    /// Ends the person's sessions when it is disabled. `Conflict("last administrator")` when nobody else would administer.
    async fn change(&self, id: &PersonId, change: PersonChange, audit: AuditEntry) -> Result<Option<Person>>;
    /// Ends all the person's sessions and links. `false` when there is no such person.
    async fn set_password(&self, id: &PersonId, password: String, audit: AuditEntry) -> Result<bool>;

    /// `token` is a hash; an older link of the same person ends.
    async fn put_link(&self, token: &str, link: Link, audit: AuditEntry) -> Result<()>;
    /// `None` when unknown or over.
    async fn link(&self, token: &str, now: Millis) -> Result<Option<Link>>;

    /// `fresh` = a new one; otherwise only one that is still there is changed, so that an ended session stays ended.
    async fn save_session(&self, session: SessionRow, fresh: bool) -> Result<()>;
    /// `None` when unknown or over.
    async fn session(&self, id: &str, now: Millis) -> Result<Option<SessionRow>>;
    async fn drop_session(&self, id: &str) -> Result<()>;
    async fn end_sessions(&self, person: &PersonId) -> Result<u64>;
    /// Those that are not over: of one person, or of everybody signed in.
    async fn sessions(&self, person: Option<&PersonId>, now: Millis) -> Result<Vec<SessionRow>>;
    /// Ends one session of a person. `false` when there is no such one; then nothing is written.
    async fn end_session(&self, person: &PersonId, id: &str, audit: AuditEntry) -> Result<bool>;

    async fn second_step(&self, person: &PersonId) -> Result<Option<SecondStep>>;
    /// Who has an active one.
    async fn with_second_step(&self) -> Result<Vec<PersonId>>;
    /// Keeps a secret that no code has proved yet; `false` when an active one is there, which stays.
    async fn put_second_step(&self, person: &PersonId, sealed: Vec<u8>, now: Millis) -> Result<bool>;
    /// A first code, of this step, proved it: from now on it is asked. Recovery codes (hashes) replace older ones. `false` when
    /// there is none to prove.
    async fn begin_second_step(&self, person: &PersonId, step: i64, recovery: Vec<String>, audit: AuditEntry) -> Result<bool>;
    /// Takes the code of a step; `false` when this step or a later one was taken before.
    async fn take_step(&self, person: &PersonId, step: i64, audit: AuditEntry) -> Result<bool>;
    /// Uses up a recovery code (its hash). `false` when it is unknown or used.
    async fn take_recovery(&self, person: &PersonId, hash: &str, audit: AuditEntry) -> Result<bool>;
    /// Takes the second step away, with its recovery codes. `false` when there was none.
    async fn drop_second_step(&self, person: &PersonId, audit: AuditEntry) -> Result<bool>;
    /// Forgets sessions and links that are over.
    async fn sweep(&self, now: Millis) -> Result<u64>;

    /// Appends one entry; its number.
    async fn audit(&self, entry: AuditEntry) -> Result<i64>;
    /// Newest first.
    async fn audit_list(&self, filter: &AuditFilter, page: &PageRequest) -> Result<Page<AuditRow>>;
    /// Walks the whole chain.
    async fn audit_check(&self) -> Result<AuditCheck>;
    /// Walks what came since the last check; a break found by any walk before is told again. Costs what is new, not what there is.
    async fn audit_check_new(&self) -> Result<AuditCheck>;
    /// A step of the walk that begins anew a day after it last reached the end: at most `limit` entries. `None` = nothing to do.
    async fn audit_check_again(&self, now: Millis, limit: u32) -> Result<Option<AuditCheck>>;
}
