//! A push taken back by its id (jpush.md, 2: `DELETE /v3/push/{msg_id}`), whoever was in it. The manual names the call and says
//! nothing of its answer: 200 without an error counts, and what the table of codes says of content or targets is a refusal of the
//! recall, never of a token.

use http::Method;
use types::failure::FailureClass::{BadContent, InvalidToken};

use super::answer::{answer, failure_of};
use crate::vendors::dialect::{Batch, DialectError, Failure, Judgement, Request, Verdict, Wire};
use crate::vendors::hearing::{class_of_status, heard, without_json};
use crate::vendors::payload::wrong;

pub(super) fn build(id: &str, pass: &str) -> Result<Request, DialectError> {
    if id.is_empty() || !id.bytes().all(|b| b.is_ascii_digit()) {
        return Err(wrong("recall", "JPush takes a push back by its message id, and none is known"));
    }
    Ok(Request {
        method: Method::DELETE,
        path: format!("/v3/push/{id}"),
        headers: vec![("authorization", pass.to_owned())],
        body: bytes::Bytes::new(),
    })
}

pub(super) fn judge(batch: &Batch<'_>, wire: &Wire) -> Judgement {
    let verdict = match refused(batch, wire) {
        None => Verdict::Accepted,
        Some(failure) if failure.class == InvalidToken => Verdict::Failed(Failure { class: BadContent, ..failure }),
        Some(failure) => Verdict::Failed(failure),
    };
    Judgement::all(batch.tokens.len(), verdict)
}

fn refused(batch: &Batch<'_>, wire: &Wire) -> Option<Failure> {
    let (status, headers, body) = match heard(wire) {
        Ok(heard) => heard,
        Err(failure) => return Some(failure),
    };
    match answer(wire) {
        Ok((status, headers, answer)) => match failure_of(status, headers, &answer, batch.now) {
            Some(failure) => Some(failure),
            None if status == 200 => None,
            None => Some(Failure::new(class_of_status(status), format!("{status} without an error"))),
        },
        // Nothing to read is nothing to complain of.
        Err(_) if status == 200 && body.iter().all(u8::is_ascii_whitespace) => None,
        Err(_) => Some(without_json(status, headers)),
    }
}
