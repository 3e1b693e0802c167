//! What the HTTP layer calls: store raw, answer, wake the worker. Reads nothing it does not need to.

use std::sync::Arc;

use serde::Serialize;
use tokio::sync::Notify;
use types::field::FieldError;
use types::problem::{Code, Problem};
use types::text::Words;
use types::vendor::Vendor;

use super::report::{ClientReport, REPORTS_MAX};
use crate::storage::receipts::NewRaw;
use crate::storage::{Storage, StorageError};
use crate::vendors::dialect::Callback;
use crate::vendors::registry;
use crate::world::World;

/// Bytes of one body.
pub const BODY_MAX: usize = 1 << 20;
/// Bytes kept of content type and query.
const HEAD_MAX: usize = 2_048;

/// What to answer the vendor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    pub content_type: &'static str,
    pub body: String,
}

/// What became of one client report, in the order they came.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "verdict", rename_all = "snake_case")]
pub enum ReportVerdict {
    /// Kept; it will be counted when its message is known to this app.
    Kept,
    Refused {
        error: FieldError,
    },
}

#[derive(Clone)]
pub struct Listener {
    storage: Storage,
    world: World,
    woken: Arc<Notify>,
}

fn inner(error: StorageError) -> Problem {
    tracing::error!(%error, "the back door cannot store");
    Problem::new(Code::Unavailable)
}

fn cut(text: &str) -> String {
    text.chars().take(HEAD_MAX).collect()
}

impl Listener {
    /// `woken` is shared with [`super::apply::Applier`].
    pub fn new(storage: Storage, world: World, woken: Arc<Notify>) -> Listener {
        Listener { storage, world, woken }
    }

    /// A vendor's callback at `/callbacks/{vendor}/{secret}`: on disk when this returns.
    ///
    /// # Errors
    /// `NotFound` for an unknown secret or a vendor without callbacks, `TooLarge` over [`BODY_MAX`], `Unavailable` when the
    /// store fails (a vendor that repeats will repeat).
    pub async fn vendor_callback(
        &self,
        vendor: Vendor,
        secret: &str,
        content_type: &str,
        query: &str,
        signature: &str,
        body: Vec<u8>,
    ) -> Result<Answer, Problem> {
        let callback = Callback { content_type, query, signature, body: &body };
        let reply = registry::dialect(vendor).callback_reply(&callback).ok_or_else(|| Problem::new(Code::NotFound))?;
        let answer = Answer { status: 200, content_type: reply.content_type, body: reply.body };
        let app = self.storage.apps.by_callback_secret(secret).await.map_err(inner)?.ok_or_else(|| Problem::new(Code::NotFound))?;
        if body.len() > BODY_MAX {
            return Err(Problem::new(Code::TooLarge));
        }
        let raw = NewRaw {
            app_no: app.no,
            vendor: Some(vendor),
            received_at: self.world.now(),
            content_type: cut(content_type),
            query: cut(query),
            signature: cut(signature),
            body,
        };
        self.storage.receipts.append(raw).await.map_err(inner)?;
        self.woken.notify_one();
        Ok(answer)
    }

    /// Reports of our client. Those that read are on disk when this returns.
    ///
    /// # Errors
    /// `ClientKeyWrong`, `TooLarge` over [`REPORTS_MAX`] reports, `InvalidFields` for none, `Unavailable` when the store fails.
    pub async fn client_reports(&self, client_key: &str, reports: Vec<ClientReport>) -> Result<Vec<ReportVerdict>, Problem> {
        let app = self.storage.apps.by_client_key(client_key).await.map_err(inner)?;
        let app = app.ok_or_else(|| Problem::new(Code::ClientKeyWrong))?;
        if reports.is_empty() {
            return Err(Problem::field("reports", Words::new("至少一条", "at least one")));
        }
        if reports.len() > REPORTS_MAX {
            let detail = Words::new(
                format!("一次最多 {REPORTS_MAX} 条；请分几次上报"),
                format!("at most {REPORTS_MAX} reports at once; send them in parts"),
            );
            return Err(Problem::because(Code::TooLarge, detail));
        }
        let mut kept = Vec::with_capacity(reports.len());
        let mut verdicts = Vec::with_capacity(reports.len());
        for (at, report) in reports.into_iter().enumerate() {
            match report.read() {
                Ok(_) => {
                    kept.push(report);
                    verdicts.push(ReportVerdict::Kept);
                }
                Err(error) => {
                    let error = FieldError { field: format!("reports[{at}].{}", error.field), ..error };
                    verdicts.push(ReportVerdict::Refused { error });
                }
            }
        }
        if !kept.is_empty() {
            let body = serde_json::to_vec(&kept).map_err(|_| Problem::new(Code::Internal))?;
            let raw = NewRaw {
                app_no: app.no,
                vendor: None,
                received_at: self.world.now(),
                content_type: "application/json".to_owned(),
                query: String::new(),
                signature: String::new(),
                body,
            };
            self.storage.receipts.append(raw).await.map_err(inner)?;
            self.woken.notify_one();
        }
        Ok(verdicts)
    }
}
