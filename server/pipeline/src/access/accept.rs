//! The one way in for a message: checked, stored durably, then answered.

use std::collections::BTreeMap;

use types::Millis;
use types::content::{Content, MessageClass};
use types::field::FieldError;
use types::hours::Hours;
use types::ids::{CampaignId, MessageId};
use types::policy::Versions;
use types::problem::{Code, Problem};
use types::text::{Text, Words};
use types::vendor::Vendor;

use crate::broker::wakes;
use crate::coordination::Coordination;
use crate::storage::apps::App;
use crate::storage::messages::{Inserted, NewMessage, Origin, Targets};
use crate::storage::{Storage, StorageError};
use crate::world::World;

/// Targets one call may name; more belong into a crowd.
pub const TARGETS_MAX: usize = 10_000;
/// Longest life of a message: 30 days (Apple stores no longer).
pub const LIFE_MAX: Millis = 30 * 24 * 3_600_000;

/// What a caller wants sent.
#[derive(Clone, Debug)]
pub struct Submission {
    pub campaign: Option<CampaignId>,
    pub origin: Origin,
    pub class: MessageClass,
    pub business: String,
    pub content: Content,
    pub variables: BTreeMap<String, String>,
    pub targets: Targets,
    pub vendor_order: Vec<Vendor>,
    /// App versions it is for; `None` = all.
    pub versions: Option<Versions>,
    /// Sends in these hours only; `None` = at any hour.
    pub hours: Option<Hours>,
    /// `None` = 24 h from now.
    pub deadline: Option<Millis>,
    /// (`Idempotency-Key`, sha256 of the body).
    pub idempotency: Option<(String, [u8; 32])>,
    pub account: String,
    pub address: String,
}

/// An accepted message: durable before this value exists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    pub no: i64,
    pub id: MessageId,
    pub created_at: Millis,
    /// `false` = the same Idempotency-Key and body came before.
    pub fresh: bool,
}

#[derive(Clone)]
pub struct Accept {
    storage: Storage,
    coordination: Coordination,
    world: World,
}

impl Accept {
    pub fn new(storage: Storage, coordination: Coordination, world: World) -> Accept {
        Accept { storage, coordination, world }
    }

    /// Checks and stores. Nothing is kept of what is refused.
    ///
    /// # Errors
    /// `InvalidFields` with every field at fault; `IdempotencyConflict`; `Unavailable` when the store fails.
    pub async fn submit(&self, app: &App, submission: Submission) -> Result<Accepted, Problem> {
        let message = self.draft(app, submission)?;
        let (id, now) = (message.id.clone(), message.now);
        match self.storage.messages.insert(message).await.map_err(|error| store_problem(&error))? {
            Inserted::Fresh { no } => {
                self.planned();
                Ok(Accepted { no, id, created_at: now, fresh: true })
            }
            Inserted::Again { no, id, created_at } => Ok(Accepted { no, id, created_at, fresh: false }),
            Inserted::OtherBody => Err(Problem::because(
                Code::IdempotencyConflict,
                Text::new(
                    "换一个 Idempotency-Key，或重发与第一次完全相同的内容",
                    "use a new Idempotency-Key, or send exactly the first body again",
                ),
            )),
        }
    }

    /// A message waits to be planned.
    pub fn planned(&self) {
        self.coordination.wakes.wake(wakes::PLAN);
    }

    /// What a submission becomes; nothing is stored.
    ///
    /// # Errors
    /// `InvalidFields` with every field at fault.
    pub fn draft(&self, app: &App, submission: Submission) -> Result<NewMessage, Problem> {
        let now = self.world.now();
        let errors = check(app, &submission, now);
        if !errors.is_empty() {
            return Err(Problem::fields(errors));
        }
        // A campaign starts once: its message's id is known before.
        let id = match (&submission.campaign, submission.origin, &submission.targets) {
            (Some(campaign), Origin::Campaign, _) => campaign.message(),
            (_, Origin::Recall, Targets::Recall { message, .. }) => message.recall(),
            _ => MessageId::from_bytes(self.world.id()),
        };
        Ok(NewMessage {
            id,
            app_no: app.no,
            campaign: submission.campaign,
            origin: submission.origin,
            class: submission.class,
            business: submission.business,
            content: submission.content,
            variables: submission.variables,
            targets: submission.targets,
            vendor_order: submission.vendor_order,
            versions: submission.versions,
            hours: submission.hours,
            deadline: submission.deadline.unwrap_or(now + types::campaign::DEFAULT_LIFE_MS),
            idempotency: submission.idempotency,
            account: submission.account,
            address: submission.address,
            now,
        })
    }
}

/// A store's failure as a caller may see it; the cause goes to the log.
pub fn store_problem(error: &StorageError) -> Problem {
    match error {
        StorageError::Conflict(what) => {
            Problem::because(Code::Conflict, Words::new(format!("已存在：{what}"), format!("already there: {what}")))
        }
        StorageError::Stale(what) => Problem::because(
            Code::Conflict,
            Words::new(
                format!("别人刚刚改过（{what}），请刷新后重试"),
                format!("somebody changed it first ({what}); reload and try again"),
            ),
        ),
        other => {
            tracing::error!(error = %other, "the store failed a call");
            Problem::new(Code::Unavailable)
        }
    }
}

/// Every complaint about a submission, field by field. Pure.
pub fn check(app: &App, submission: &Submission, now: Millis) -> Vec<FieldError> {
    let mut content = submission.content.clone();
    if content.title.trim().is_empty() {
        content.title.clone_from(&app.default_title);
    }
    let vendors: Vec<Vendor> = if submission.vendor_order.is_empty() { app.vendor_order.clone() } else { submission.vendor_order.clone() };
    let mut errors: Vec<FieldError> = types::meter::check(&content, &vendors)
        .into_iter()
        .map(|mut error| {
            error.field = format!("content.{}", error.field);
            error
        })
        .collect();
    let count = match &submission.targets {
        Targets::Users { users } => {
            errors.extend(bad_names("targets.users", users.iter().map(String::as_str)));
            Some(users.len())
        }
        Targets::Devices { devices } => {
            errors.extend(bad_names("targets.devices", devices.iter().map(String::as_str)));
            Some(devices.len())
        }
        Targets::Tokens { tokens } => {
            errors.extend(bad_names("targets.tokens", tokens.iter().map(|(_, token)| token.as_str())));
            Some(tokens.len())
        }
        Targets::Crowd { .. } | Targets::Again { .. } | Targets::Onward { .. } | Targets::Recall { .. } => None,
    };
    match count {
        Some(0) => errors.push(FieldError::new("targets", Text::new("至少一个接收人", "name at least one recipient"))),
        Some(n) if n > TARGETS_MAX => errors.push(FieldError {
            field: "targets".to_owned(),
            reason: Words::new(
                format!("一次最多 {TARGETS_MAX} 个，现在 {n} 个；更多请上传人群包"),
                format!("at most {TARGETS_MAX} in one call, has {n}; upload a crowd for more"),
            ),
        }),
        _ => {}
    }
    if let Some(deadline) = submission.deadline {
        if deadline <= now {
            errors.push(FieldError::new("deadline", Text::new("截止时间已过，请给将来的时间", "is in the past; name a time to come")));
        } else if deadline > now + LIFE_MAX {
            errors.push(FieldError::new("deadline", Text::new("最多 30 天以后", "at most 30 days ahead")));
        }
    }
    errors.extend(submission.versions.iter().flat_map(|versions| versions.check("versions")));
    if submission.business.chars().count() > 40 {
        errors.push(FieldError::new("business", Text::new("最多 40 个字", "at most 40 characters")));
    }
    if submission.variables.len() > 50 || submission.variables.iter().any(|(k, v)| k.chars().count() > 32 || v.chars().count() > 1_000) {
        errors.push(FieldError::new(
            "variables",
            Text::new("最多 50 个变量，名 32 字、值 1000 字以内", "at most 50 variables, names up to 32 and values up to 1000 characters"),
        ));
    }
    if let Some((key, _)) = &submission.idempotency
        && (key.is_empty() || key.len() > 255)
    {
        errors.push(FieldError::new("Idempotency-Key", Text::new("1–255 个字符", "1 to 255 characters")));
    }
    errors
}

fn bad_names<'a>(field: &str, names: impl Iterator<Item = &'a str>) -> Option<FieldError> {
    for (i, name) in names.enumerate() {
        if name.trim().is_empty() || name.len() > 256 || name.chars().any(char::is_control) {
            return Some(FieldError::new(
                format!("{field}[{i}]"),
                Text::new("1–256 字节，不能为空白或含控制字符", "1 to 256 bytes, neither blank nor with control characters"),
            ));
        }
    }
    None
}
