//! One message for up to 1,000 HMS tokens (huawei.md, 2).

use serde::Serialize;
use types::content::{Click, Content, MessageClass};
use types::vendor::Vendor;

use crate::vendors::dialect::{Batch, Credential, DialectError, Request};
use crate::vendors::payload::{Data, counted, intent_uri, notify_id, seconds_to_live, sized, texts, wrong};

/// Figures of huawei.md, 2, read on 2026-11-21.
pub(in crate::vendors) const TOKENS_MAX: usize = 1_000;
pub(in crate::vendors) const LIVE_AT_MOST_S: i64 = 1_296_000;
/// Stated for v3; ours is shorter.
const TAG_MAX: usize = 64;
const BADGE_MAX: u32 = 99;

#[derive(Serialize)]
struct Body<'a> {
    message: Message<'a>,
}

#[derive(Serialize)]
struct Message<'a> {
    android: Android<'a>,
    token: &'a [&'a str],
}

#[derive(Serialize)]
struct Android<'a> {
    urgency: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    category: Option<&'a str>,
    ttl: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    bi_tag: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    target_user_type: Option<u8>,
    /// Beside a notification it reaches the app with the click.
    data: String,
    notification: Notification<'a>,
}

#[derive(Serialize)]
struct Notification<'a> {
    title: &'a str,
    body: &'a str,
    click_action: ClickAction<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    image: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    channel_id: Option<&'a str>,
    notify_id: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    group: Option<&'a str>,
    importance: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    badge: Option<Badge<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sound: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    default_sound: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    vibrate_config: Option<[&'static str; 1]>,
    foreground_show: bool,
}

#[derive(Serialize)]
struct ClickAction<'a> {
    #[serde(rename = "type")]
    kind: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    intent: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<&'a str>,
}

#[derive(Serialize)]
struct Badge<'a> {
    set_num: u32,
    class: &'a str,
}

pub(super) fn build(batch: &Batch<'_>, credential: &Credential, pass: &str) -> Result<Request, DialectError> {
    counted(batch, Vendor::Huawei, TOKENS_MAX)?;
    let content = batch.content;
    let (title, body) = texts(batch, Vendor::Huawei)?;
    let own_channel = content.channel_for(Vendor::Huawei).unwrap_or(credential.get("channel_id")).trim();
    let sound = content.sound.as_deref().filter(|sound| !sound.is_empty());
    let body = Body {
        message: Message {
            android: Android {
                // HIGH needs a right that few have (80300011).
                urgency: "NORMAL",
                category: category(content, Vendor::Huawei)?,
                ttl: format!("{}s", seconds_to_live(batch, LIVE_AT_MOST_S)),
                bi_tag: tag(batch)?,
                target_user_type: batch.test.then_some(1),
                data: Data::of(batch).text()?,
                notification: Notification {
                    title,
                    body,
                    click_action: click(batch),
                    image: content.image.as_deref(),
                    channel_id: Some(own_channel).filter(|channel| !channel.is_empty()),
                    notify_id: notify_id(batch.show_key),
                    group: content.thread.as_deref(),
                    importance: if batch.class == MessageClass::Transactional { "NORMAL" } else { "LOW" },
                    badge: badge(content, credential),
                    sound: sound.filter(|sound| *sound != "default"),
                    default_sound: (sound == Some("default")).then_some(true),
                    vibrate_config: content.vibrate.then_some(["1s"]),
                    foreground_show: content.show_in_foreground,
                },
            },
            token: batch.tokens,
        },
    };
    Ok(Request {
        method: http::Method::POST,
        path: format!("/v1/{}/messages:send", credential.get("app_id").trim()),
        headers: vec![("authorization", pass.to_owned()), ("content-type", "application/json; charset=UTF-8".to_owned())],
        body: sized(&body, batch, Vendor::Huawei)?,
    })
}

fn click<'a>(batch: &Batch<'a>) -> ClickAction<'a> {
    match &batch.content.click {
        Click::OpenApp => ClickAction { kind: 3, intent: None, url: None },
        Click::Url { url } => ClickAction { kind: 2, intent: None, url: Some(url) },
        Click::Link { link } => ClickAction { kind: 1, intent: Some(intent_uri(link, batch.message)), url: None },
    }
}

/// The number needs the launcher's class; without one it is left out (the credential form says so).
fn badge<'a>(content: &Content, credential: &'a Credential) -> Option<Badge<'a>> {
    let class = credential.get("badge_class").trim();
    let number = content.badge.filter(|_| !class.is_empty())?;
    Some(Badge { set_num: number.min(BADGE_MAX), class })
}

/// Huawei's own word for the kind of message; new ones come, so only the form is checked here.
pub(in crate::vendors) fn category(content: &Content, vendor: Vendor) -> Result<Option<&str>, DialectError> {
    let Some(category) = content.category_for(vendor).map(str::trim) else { return Ok(None) };
    if category.len() > 32 || !category.bytes().all(|b| b.is_ascii_uppercase() || b == b'_') {
        return Err(wrong("category", format!("{} has categories like IM, WORK, HEALTH, MARKETING; choose one", vendor.name().en)));
    }
    Ok(Some(category))
}

/// Our batch word, echoed in receipts.
pub(in crate::vendors) fn tag<'a>(batch: &Batch<'a>) -> Result<Option<&'a str>, DialectError> {
    let Some(callback) = batch.callback else { return Ok(None) };
    if callback.parameter.len() > TAG_MAX {
        return Err(wrong("callback", format!("a batch tag has at most {TAG_MAX} bytes, has {}", callback.parameter.len())));
    }
    Ok(Some(&callback.parameter))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vendors::golden::Sample;
    use crate::vendors::payload::BODY_MAX;

    fn of(content: Content, n: usize) -> Result<Request, DialectError> {
        let sample = Sample::of(Vendor::Huawei, content, n);
        sample.with(|batch| build(batch, &sample.credential, "Bearer x"))
    }

    fn good() -> Content {
        Content { title: "t".into(), body: "b".into(), ..Content::default() }
    }

    #[test]
    fn every_bound_names_field_and_figures() {
        let error = |content, n| of(content, n).expect_err("refused").to_string();
        assert!(error(good(), 0).starts_with("tokens: Huawei takes 1 to 1000"));
        assert!(error(good(), 1_001).starts_with("tokens: Huawei takes 1 to 1000 tokens a request, has 1001"));
        assert!(error(Content { body: " ".into(), ..good() }, 1).starts_with("body: Huawei requires a text"));
        let mut odd = good();
        odd.overrides.entry(Vendor::Huawei).or_default().category = Some("marketing".into());
        assert!(error(odd, 1).starts_with("category: Huawei has categories like"));
    }

    #[test]
    fn the_bound_of_4096_bytes_does_not_count_tokens() {
        let spare = |body: &str, n| {
            let request = of(Content { body: body.into(), ..good() }, n).expect("fits");
            let tokens = Sample::of(Vendor::Huawei, good(), n).tokens;
            BODY_MAX + serde_json::to_vec(&tokens).expect("JSON").len() - 2 - request.body.len()
        };
        let room = spare("b", 1) + 1;
        assert_eq!(spare(&"x".repeat(room), 1), 0);
        assert_eq!(spare(&"x".repeat(room), 900), 0, "tokens do not count");
        let error = of(Content { body: "x".repeat(room + 1), ..good() }, 900).expect_err("one too many").to_string();
        assert!(error.contains("allows 4096 bytes without the tokens, has 4097"), "{error}");
    }

    #[test]
    fn a_test_send_is_marked_and_a_person_is_not_marketing() {
        let sample = Sample::of(Vendor::Huawei, good(), 1);
        let body = sample.with(|batch| {
            let batch = Batch { test: true, class: MessageClass::Transactional, ..batch.clone() };
            build(&batch, &sample.credential, "Bearer x").expect("builds").body
        });
        let body = std::str::from_utf8(&body).expect("UTF-8").to_owned();
        assert!(body.contains(r#""target_user_type":1"#) && body.contains(r#""importance":"NORMAL""#), "{body}");
    }
}
