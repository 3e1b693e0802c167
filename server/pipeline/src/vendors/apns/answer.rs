//! What APNs said: status and `reason` (apns.md, 3 and 4).

use serde_json::Value;
use types::Millis;
use types::failure::FailureClass::{self, Auth, BadContent, InvalidToken, RateLimited, Timeout, Unknown, VendorError};

use crate::vendors::dialect::{Batch, Failure, Judgement, Verdict, Wire};
use crate::vendors::words::stable;

/// A provider token may be signed anew at most once in this time; apns.md, 1.
const TOKEN_PAUSE: Millis = 20 * 60 * 1_000;

/// The table of apns.md, 4. `None`: a reason nobody has named yet.
fn class_of(reason: &str) -> Option<FailureClass> {
    Some(match reason {
        "BadDeviceToken" | "DeviceTokenNotForTopic" | "MissingDeviceToken" | "ExpiredToken" | "Unregistered" => InvalidToken,
        "BadCollapseId" | "BadExpirationDate" | "BadMessageId" | "BadPriority" | "DuplicateHeaders" | "InvalidPushType"
        | "PayloadEmpty" | "PayloadTooLarge" => BadContent,
        "BadTopic"
        | "MissingTopic"
        | "TopicDisallowed"
        | "BadCertificate"
        | "BadCertificateEnvironment"
        | "ExpiredProviderToken"
        | "Forbidden"
        | "InvalidProviderToken"
        | "MissingProviderToken"
        | "UnrelatedKeyIdInToken"
        | "BadEnvironmentKeyIdInToken"
        | "BadEnvironmentKeyInToken"
        | "TooManyProviderTokenUpdates" => Auth,
        "TooManyRequests" => RateLimited,
        "IdleTimeout" => Timeout,
        "BadPath" | "MethodNotAllowed" | "InternalServerError" | "ServiceUnavailable" | "Shutdown" => VendorError,
        _ => return None,
    })
}

/// A reason we do not know, by its status.
fn class_of_status(status: u16) -> FailureClass {
    match status {
        400 | 413 => BadContent,
        401 | 403 => Auth,
        410 => InvalidToken,
        429 => RateLimited,
        500..=599 => VendorError,
        _ => Unknown,
    }
}

/// No reason to be read (empty, a web page, cut short): a gateway may be speaking, so nobody's token dies of it.
fn class_without_reason(status: u16) -> FailureClass {
    match class_of_status(status) {
        InvalidToken | BadContent => Unknown,
        class => class,
    }
}

pub(super) fn judge(batch: &Batch<'_>, wire: &Wire) -> Judgement {
    let n = batch.tokens.len();
    let (status, headers, body) = match wire {
        Wire::Answered { status, headers, body } => (*status, headers, body),
        Wire::TimedOut { words } => return Judgement::all(n, Verdict::Failed(Failure::new(Timeout, words.clone()))),
        Wire::NeverSent { words } => {
            return Judgement::all(n, Verdict::Failed(Failure { never_sent: true, ..Failure::new(Timeout, words.clone()) }));
        }
    };
    // Success is 200 with nothing in it; a page served with 200 is somebody else's answer.
    if status == 200 {
        if body.is_empty() {
            return Judgement::all(n, Verdict::Accepted);
        }
        return Judgement::all(n, Verdict::Failed(Failure::new(Unknown, "200 with a body")));
    }
    let read: Option<Value> = serde_json::from_slice(body).ok();
    let reason = read.as_ref().and_then(|v| v.get("reason")).and_then(Value::as_str).unwrap_or("");
    let mut failure = if reason.is_empty() {
        Failure::new(class_without_reason(status), format!("{status} without a reason"))
    } else {
        // 2xx and 3xx never carry a reason of Apple's; never success, never a dead token.
        let class = if status < 400 { Unknown } else { class_of(reason).unwrap_or_else(|| class_of_status(status)) };
        Failure::new(class, stable(&status.to_string(), reason))
    };
    if failure.class == InvalidToken && status == 410 {
        failure.dead_since = read.as_ref().and_then(|v| v.get("timestamp")).and_then(Value::as_i64).filter(|at| *at > 0);
    }
    failure.retry_after = match reason {
        "TooManyProviderTokenUpdates" => Some(TOKEN_PAUSE),
        _ => retry_after(headers),
    };
    // Apple's only pace is per device (apns.md, 5).
    failure.device_only = reason == "TooManyRequests";
    // The connection was too old to take the request.
    failure.never_sent = reason == "IdleTimeout";
    let renew_pass = status == 403 && reason == "ExpiredProviderToken";
    Judgement { renew_pass, ..Judgement::all(n, Verdict::Failed(failure)) }
}

/// `Retry-After` in seconds, bounded to a day.
fn retry_after(headers: &[(String, String)]) -> Option<Millis> {
    let (_, value) = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("retry-after"))?;
    let seconds: u32 = value.trim().parse().ok()?;
    Some(i64::from(seconds.min(86_400)) * 1_000)
}
