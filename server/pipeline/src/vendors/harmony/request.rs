//! One message for up to 1,000 HarmonyOS tokens (huawei.md, 2b).

use serde::Serialize;
use types::content::Click;
use types::vendor::Vendor;

use crate::vendors::dialect::{Batch, Credential, DialectError, Request};
use crate::vendors::huawei::{LIVE_AT_MOST_S, TOKENS_MAX, category, tag};
use crate::vendors::payload::{Data, counted, notify_id, seconds_to_live, sized, texts};
use crate::vendors::service_account::ServiceAccount;

/// More tokens than these cannot be a test message.
const TEST_TOKENS_MAX: usize = 10;
const BADGE_MAX: u32 = 99;

#[derive(Serialize)]
struct Body<'a> {
    payload: Payload<'a>,
    target: Target<'a>,
    #[serde(rename = "pushOptions")]
    options: Options<'a>,
}

#[derive(Serialize)]
struct Payload<'a> {
    notification: Notification<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Notification<'a> {
    category: &'a str,
    title: &'a str,
    body: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    image: Option<&'a str>,
    click_action: ClickAction<'a>,
    notify_id: u32,
    /// The phone shows one id once (huawei.md, 7).
    app_message_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    badge: Option<Badge>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sound: Option<&'a str>,
    foreground_show: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ClickAction<'a> {
    action_type: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    uri: Option<String>,
    data: Data<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Badge {
    set_num: u32,
}

#[derive(Serialize)]
struct Target<'a> {
    token: &'a [&'a str],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Options<'a> {
    ttl: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    bi_tag: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    test_message: Option<bool>,
}

pub(super) fn build(batch: &Batch<'_>, credential: &Credential, pass: &str) -> Result<Request, DialectError> {
    counted(batch, Vendor::Harmony, TOKENS_MAX)?;
    let content = batch.content;
    let (title, body) = texts(batch, Vendor::Harmony)?;
    let body = Body {
        payload: Payload {
            notification: Notification {
                // Required here; what has no right of its own is marketing anyway.
                category: category(content, Vendor::Harmony)?.unwrap_or("MARKETING"),
                title,
                body,
                image: content.image.as_deref(),
                click_action: click(batch),
                notify_id: notify_id(batch.show_key),
                app_message_id: batch.once_key,
                badge: content.badge.map(|number| Badge { set_num: number.min(BADGE_MAX) }),
                sound: content.sound.as_deref().filter(|sound| !sound.is_empty() && *sound != "default"),
                foreground_show: content.show_in_foreground,
            },
        },
        target: Target { token: batch.tokens },
        options: Options {
            ttl: seconds_to_live(batch, LIVE_AT_MOST_S),
            bi_tag: tag(batch)?,
            test_message: (batch.test && batch.tokens.len() <= TEST_TOKENS_MAX).then_some(true),
        },
    };
    Ok(Request {
        method: http::Method::POST,
        path: format!("/v3/{}/messages:send", ServiceAccount::read(credential)?.project()?),
        headers: vec![("authorization", pass.to_owned()), ("push-type", "0".to_owned()), ("content-type", "application/json".to_owned())],
        body: sized(&body, batch, Vendor::Harmony)?,
    })
}

/// There is no action for a web page: the app opens, and finds the address in `data`.
fn click<'a>(batch: &Batch<'a>) -> ClickAction<'a> {
    let uri = match &batch.content.click {
        Click::Link { link } => page(link),
        Click::OpenApp | Click::Url { .. } => None,
    };
    ClickAction { action_type: u8::from(uri.is_some()), uri, data: Data::of(batch) }
}

/// HarmonyOS knows plain links only; an Android intent that wraps one is unwrapped, any other opens the home page.
fn page(link: &str) -> Option<String> {
    let Some(rest) = link.strip_prefix("intent:") else { return Some(link.to_owned()) };
    let (rest, fragment) = rest.rsplit_once("#Intent;")?;
    let scheme = fragment.split(';').find_map(|part| part.strip_prefix("scheme="))?;
    (!rest.is_empty()).then(|| format!("{scheme}:{rest}"))
}

#[cfg(test)]
mod tests {
    use types::content::Content;

    use super::*;
    use crate::vendors::golden::Sample;

    #[test]
    fn intents_are_unwrapped() {
        assert_eq!(page("demo://app/o?id=9").as_deref(), Some("demo://app/o?id=9"));
        assert_eq!(page("intent://app/o?id=9#Intent;scheme=demo;launchFlags=0x4000000;end").as_deref(), Some("demo://app/o?id=9"));
        assert_eq!(page("intent:#Intent;component=com.example.app/.Order;end"), None);
        assert_eq!(page("intent:broken"), None);
    }

    #[test]
    fn a_test_message_has_ten_tokens_at_most() {
        for (n, marked) in [(10, true), (11, false)] {
            let sample = Sample::of(Vendor::Harmony, Content { title: "t".into(), body: "b".into(), ..Content::default() }, n);
            let body =
                sample.with(|batch| build(&Batch { test: true, ..batch.clone() }, &sample.credential, "Bearer x").expect("builds").body);
            assert_eq!(String::from_utf8_lossy(&body).contains(r#""testMessage":true"#), marked);
        }
    }
}
