//! A push taken back by its task (getui.md, 2: `push_message.revoke`), on Getui's own channel: one phone by the single interface,
//! several by a list message of their own. What a phone's vendor showed in Getui's place stays.

use serde_json::{Value, json};

use super::prepare::KEPT_MS;
use super::request::{LIVE_AT_MOST_S, post};
use crate::vendors::dialect::{Batch, Credential, DialectError, Paced, Preparation, Request, What};
use crate::vendors::payload::wrong;
use crate::vendors::proof::sha256_hex;

/// What both interfaces have in common. Without `force`: it would take every notification of the app where the task is not found.
fn revoke(task: &str, ttl: i64) -> Result<Value, DialectError> {
    if task.is_empty() {
        return Err(wrong("recall", "Getui takes a push back by its task id, and none is known"));
    }
    Ok(json!({
        "settings": { "ttl": ttl, "strategy": { "default": 1 } },
        "push_message": { "revoke": { "old_task_id": task, "force": false } },
    }))
}

fn key(batch: &Batch<'_>, task: &str, credential: &Credential) -> String {
    sha256_hex(&["getui revoke\n", credential.get("app_id").trim(), "\n", batch.once_key, "\n", task])
}

pub(super) fn prepare(batch: &Batch<'_>, task: &str, credential: &Credential, pass: &str) -> Result<Option<Preparation>, DialectError> {
    let key = key(batch, task, credential);
    if batch.prepared.get(&key).is_some() {
        return Ok(None);
    }
    let mut body = revoke(task, LIVE_AT_MOST_S * 1_000)?;
    body["request_id"] = json!(&sha256_hex(&[&key, &batch.now.to_string()])[..32]);
    let request = post(credential, "/push/list/message", pass, &body)?;
    Ok(Some(Preparation { kind: "content", key, what: What::Say(request), lives: KEPT_MS, paced: Paced::WithSends }))
}

pub(super) fn build(batch: &Batch<'_>, task: &str, credential: &Credential, pass: &str) -> Result<Request, DialectError> {
    if let [token] = batch.tokens {
        let mut body = revoke(task, (batch.deadline - batch.now).clamp(1_000, LIVE_AT_MOST_S * 1_000))?;
        body["request_id"] = json!(&sha256_hex(&["getui revoke single\n", batch.once_key, "\n", token])[..32]);
        body["audience"] = json!({ "cid": [token] });
        return post(credential, "/push/single/cid", pass, &body);
    }
    let kept = batch.prepared.get(&key(batch, task, credential));
    let taskid = kept.ok_or_else(|| wrong("recall", "the list message is not saved at Getui"))?;
    post(credential, "/push/list/cid", pass, &json!({ "audience": { "cid": batch.tokens }, "taskid": taskid, "is_async": false }))
}
