//! One message for up to 1,000 tokens (honor.md, 2).

use serde::Serialize;
use types::content::{Click, MessageClass};
use types::vendor::Vendor;

use crate::vendors::dialect::{Batch, Credential, DialectError, Request};
use crate::vendors::payload::{Data, counted, intent_uri, notify_id, seconds_to_live, sized, texts, wrong};

/// Unproven, taken from Huawei; read on 2026-11-21.
const TOKENS_MAX: usize = 1_000;
const LIVE_AT_MOST_S: i64 = 1_296_000;
const BADGE_MAX: u32 = 99;

#[derive(Serialize)]
struct Body<'a> {
    android: Android<'a>,
    token: &'a [&'a str],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Android<'a> {
    ttl: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    bi_tag: Option<&'a str>,
    target_user_type: u8,
    data: String,
    notification: Notification<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Notification<'a> {
    title: &'a str,
    body: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    image: Option<&'a str>,
    importance: &'a str,
    notify_id: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    group: Option<&'a str>,
    click_action: ClickAction<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    badge: Option<Badge<'a>>,
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
#[serde(rename_all = "camelCase")]
struct Badge<'a> {
    set_num: u32,
    badge_class: &'a str,
}

pub(super) fn build(batch: &Batch<'_>, credential: &Credential, pass: &str) -> Result<Request, DialectError> {
    counted(batch, Vendor::Honor, TOKENS_MAX)?;
    let content = batch.content;
    let (title, body) = texts(batch, Vendor::Honor)?;
    let class = credential.get("badge_class").trim();
    let badge = content.badge.filter(|_| !class.is_empty());
    let body = Body {
        android: Android {
            ttl: format!("{}s", seconds_to_live(batch, LIVE_AT_MOST_S)),
            bi_tag: batch.callback.map(|callback| callback.parameter.as_str()),
            target_user_type: u8::from(batch.test),
            data: Data::of(batch).text()?,
            notification: Notification {
                title,
                body,
                image: content.image.as_deref(),
                importance: importance(batch)?,
                notify_id: notify_id(batch.show_key),
                group: content.thread.as_deref(),
                click_action: click(batch),
                badge: badge.map(|number| Badge { set_num: number.min(BADGE_MAX), badge_class: class }),
            },
        },
        token: batch.tokens,
    };
    Ok(Request {
        method: http::Method::POST,
        path: format!("/api/v1/{}/sendMessage", credential.get("app_id").trim()),
        headers: vec![
            ("authorization", pass.to_owned()),
            ("timestamp", batch.now.to_string()),
            ("content-type", "application/json; charset=UTF-8".to_owned()),
        ],
        // The bound is unpublished; Huawei's is kept.
        body: sized(&body, batch, Vendor::Honor)?,
    })
}

/// Honor's classification: LOW is marketing, NORMAL service and communication. The copy's category may say which.
fn importance<'a>(batch: &Batch<'a>) -> Result<&'a str, DialectError> {
    match batch.content.category_for(Vendor::Honor).map(str::trim) {
        Some(category @ ("LOW" | "NORMAL")) => Ok(category),
        Some(_) => Err(wrong("category", "Honor has two categories: LOW (marketing) and NORMAL (service and communication)")),
        None if batch.class == MessageClass::Transactional => Ok("NORMAL"),
        None => Ok("LOW"),
    }
}

fn click<'a>(batch: &Batch<'a>) -> ClickAction<'a> {
    match &batch.content.click {
        Click::OpenApp => ClickAction { kind: 3, intent: None, url: None },
        Click::Url { url } => ClickAction { kind: 2, intent: None, url: Some(url) },
        Click::Link { link } => ClickAction { kind: 1, intent: Some(intent_uri(link, batch.message)), url: None },
    }
}

#[cfg(test)]
mod tests {
    use types::content::Content;

    use super::*;
    use crate::vendors::golden::Sample;

    fn of(content: Content, n: usize, change: impl FnOnce(Batch<'_>) -> Batch<'_>) -> Result<String, DialectError> {
        let sample = Sample::of(Vendor::Honor, content, n);
        sample.with(|batch| {
            let request = build(&change(batch.clone()), &sample.credential, "Bearer x")?;
            Ok(String::from_utf8_lossy(&request.body).into_owned())
        })
    }

    fn good() -> Content {
        Content { title: "t".into(), body: "b".into(), ..Content::default() }
    }

    #[test]
    fn class_and_category_choose_the_importance() {
        let importance = |content, class| of(content, 1, |batch| Batch { class, ..batch });
        let mut own = good();
        own.overrides.entry(Vendor::Honor).or_default().category = Some("LOW".into());
        assert!(importance(good(), MessageClass::Bulk).expect("builds").contains(r#""importance":"LOW""#));
        assert!(importance(good(), MessageClass::Transactional).expect("builds").contains(r#""importance":"NORMAL""#));
        assert!(importance(own.clone(), MessageClass::Transactional).expect("builds").contains(r#""importance":"LOW""#));
        own.overrides.entry(Vendor::Honor).or_default().category = Some("HIGH".into());
        assert!(importance(own, MessageClass::Bulk).expect_err("refused").to_string().starts_with("category: Honor has two"));
    }

    #[test]
    fn test_sends_are_marked_and_bounds_hold() {
        assert!(of(good(), 1, |batch| Batch { test: true, ..batch }).expect("builds").contains(r#""targetUserType":1"#));
        assert!(of(good(), 1_001, |batch| batch).expect_err("refused").to_string().starts_with("tokens: Honor takes 1 to 1000"));
        assert!(
            of(Content { body: "x".repeat(5_000), ..good() }, 1, |b| b).expect_err("refused").to_string().starts_with("payload: Honor")
        );
    }
}
