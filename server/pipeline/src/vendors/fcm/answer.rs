//! What Google said: the `errorCode` of an FcmError first, else `status` (fcm.md, 3 and 4).

use serde_json::{Map, Value};
use types::Millis;
use types::failure::FailureClass::{self, Auth, BadContent, InvalidToken, RateLimited, Timeout, Unknown, VendorError};

use crate::vendors::dialect::{Batch, Failure, Judgement, Verdict, Wire};
use crate::vendors::hearing::{class_of_status, heard, retry_after, without_json};
use crate::vendors::words::stable;

/// Google's advice where it names no time (fcm.md, 5).
const PACE_PAUSE: Millis = 60_000;
const FAULT_PAUSE: Millis = 10_000;

pub(super) fn judge(batch: &Batch<'_>, wire: &Wire) -> Judgement {
    let n = batch.tokens.len();
    let all = |failure: Failure| Judgement::all(n, Verdict::Failed(failure));
    let (status, headers, body) = match heard(wire) {
        Ok(answer) => answer,
        Err(silence) => return all(silence),
    };
    // A front end answers with a web page now and then.
    let answer = match serde_json::from_slice::<Value>(body) {
        Ok(Value::Object(answer)) => answer,
        _ => return Judgement { renew_pass: status == 401, ..all(paused(without_json(status, headers), headers)) },
    };
    let error = answer.get("error").and_then(Value::as_object);
    if status == 200 && error.is_none() {
        // `projects/<project>/messages/<id>`.
        let id = answer.get("name").and_then(Value::as_str).and_then(|name| name.strip_prefix("projects/"));
        let id = id.and_then(|name| name.split_once("/messages/")).map(|(_, id)| id).filter(|id| !id.is_empty());
        let Some(id) = id else { return all(Failure::new(Unknown, "200 without a message name")) };
        return Judgement { reference: Some(id.to_owned()), ..Judgement::all(n, Verdict::Accepted) };
    }
    let Some(error) = error.filter(|_| status >= 400) else {
        return all(Failure::new(Unknown, format!("{status} with an answer that says neither yes nor no")));
    };
    let refusal = Refusal::read(error);
    let class = refusal.class(status);
    let named = if refusal.code.is_empty() { refusal.status } else { refusal.code };
    let mut failure = Failure::new(class, stable(&format!("{status} {named}"), refusal.said));
    // The text says whose pace: the project's, or this device's alone.
    failure.device_only = class == RateLimited && refusal.said.to_lowercase().contains("device");
    let renew_pass = status == 401 && refusal.code.is_empty();
    Judgement { renew_pass, ..all(paused(failure, headers)) }
}

fn paused(failure: Failure, headers: &[(String, String)]) -> Failure {
    let pause = match failure.class {
        RateLimited => Some(PACE_PAUSE),
        VendorError => Some(FAULT_PAUSE),
        _ => None,
    };
    Failure { retry_after: retry_after(headers).or(pause), ..failure }
}

struct Refusal<'a> {
    /// `errorCode` of the FcmError among the details, or empty.
    code: &'a str,
    status: &'a str,
    said: &'a str,
    /// Fields a BadRequest complains of.
    fields: Vec<&'a str>,
}

impl<'a> Refusal<'a> {
    fn read(error: &'a Map<String, Value>) -> Refusal<'a> {
        fn text<'v>(object: &'v Value, key: &str) -> &'v str {
            object.get(key).and_then(Value::as_str).unwrap_or("")
        }
        let own = |key: &str| error.get(key).and_then(Value::as_str).unwrap_or("");
        let details = error.get("details").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let of_kind = |end: &'static str| details.iter().filter(move |detail| text(detail, "@type").ends_with(end));
        let violations = of_kind("google.rpc.BadRequest").filter_map(|detail| detail.get("fieldViolations")?.as_array()).flatten();
        Refusal {
            code: of_kind("FcmError").map(|detail| text(detail, "errorCode")).next().unwrap_or(""),
            status: own("status"),
            said: own("message"),
            fields: violations.map(|violation| text(violation, "field")).collect(),
        }
    }

    /// The tables of fcm.md, 4.
    fn class(&self, status: u16) -> FailureClass {
        match self.code {
            "UNREGISTERED" | "SENDER_ID_MISMATCH" => InvalidToken,
            "INVALID_ARGUMENT" if self.speaks_of_the_token() => InvalidToken,
            "INVALID_ARGUMENT" => BadContent,
            "QUOTA_EXCEEDED" => RateLimited,
            "UNSPECIFIED_ERROR" | "UNAVAILABLE" | "INTERNAL" => VendorError,
            "THIRD_PARTY_AUTH_ERROR" | "APNS_AUTH_ERROR" => Auth,
            "" if self.status == "DEADLINE_EXCEEDED" => Timeout,
            // The project or the path, never the token.
            "" if status == 404 => Auth,
            "" if status == 400 => BadContent,
            _ => class_of_status(status),
        }
    }

    /// The same code serves bad bodies: only words on the registration token, with no complaint of another field.
    fn speaks_of_the_token(&self) -> bool {
        self.said.to_lowercase().contains("registration token") && self.fields.iter().all(|field| *field == "message.token")
    }
}

#[cfg(test)]
mod tests {
    use types::content::Content;
    use types::vendor::Vendor;

    use super::*;
    use crate::vendors::golden::Sample;

    /// One edit away from an honest success, so not among the fixtures that are mutated.
    #[test]
    fn a_name_without_an_id_is_no_success() {
        let sample = Sample::of(Vendor::Fcm, Content::default(), 1);
        for (body, accepted) in
            [(&br#"{"name":"projects/demo-shop/messages/"}"#[..], false), (&br#"{"name":"projects/demo-shop/messages/7"}"#[..], true)]
        {
            let wire = Wire::Answered { status: 200, headers: Vec::new(), body: body.into() };
            let judgement = sample.with(|batch| judge(batch, &wire));
            assert_eq!(judgement.verdicts == [Verdict::Accepted], accepted, "{judgement:?}");
        }
    }
}
