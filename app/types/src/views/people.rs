//! What the pages about people show.

use serde::{Deserialize, Serialize};

use crate::Millis;
use crate::ids::PersonId;
use crate::people::Rights;
use crate::text::Words;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonView {
    pub id: PersonId,
    pub name: String,
    pub email: String,
    pub rights: Rights,
    pub disabled: bool,
    /// Whether a password was ever set.
    pub has_password: bool,
    pub created_at: Millis,
}

/// A one-time link, shown once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkView {
    /// `/link?token=…`, to be put behind the console's address.
    pub path: String,
    /// The whole address when the server knows its own.
    pub url: Option<String>,
    pub expires_at: Millis,
}

/// A browser somebody is signed in with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionView {
    /// As the store names it: a hash, not the cookie.
    pub id: String,
    pub person: PersonId,
    pub name: String,
    /// 0 = begun before this was kept, like the two texts.
    pub since: Millis,
    pub seen: Millis,
    pub address: String,
    pub agent: String,
    /// When it ends by itself if nothing is done in it.
    pub expires_at: Millis,
    /// The one that asks.
    pub own: bool,
}

/// Who is signed in, and who has a second step.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedIn {
    pub sessions: Vec<SessionView>,
    pub second_steps: Vec<(PersonId, String)>,
}

/// The own second step of signing in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SecondStepView {
    Off,
    /// Waits for its first code. The QR code is a path in a square of this side.
    Prepared {
        side: u32,
        path: String,
        secret: String,
    },
    On {
        since: Millis,
        recovery_left: u64,
        /// Shown once.
        codes: Vec<String>,
    },
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditView {
    pub no: i64,
    pub at: Millis,
    pub actor_id: String,
    pub actor_name: String,
    pub address: String,
    pub request_id: String,
    /// The code, as the filter takes it.
    pub action: String,
    pub deed: Words,
    /// The id, as it stands in the log.
    pub object: String,
    pub about: Words,
    pub changes: Vec<ChangeView>,
}

/// One field that changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeView {
    pub label: Words,
    pub was: String,
    pub is: String,
}

/// What the list of the audit log is narrowed to; empty = everything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AuditQuery {
    pub actor: String,
    /// `app.` or `app.create`.
    pub action: String,
    /// An app's id.
    pub app: String,
    /// The id of what it was done to.
    pub object: String,
    /// Local times of the console's zone, as the form sends them.
    pub from: String,
    pub to: String,
    pub after: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditChain {
    pub rows: u64,
    /// The first number at which the chain does not hold.
    pub broken_at: Option<i64>,
}
