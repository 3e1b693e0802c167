//! One form for up to 1,000 regIds (xiaomi.md, 2).

use bytes::Bytes;
use serde::Serialize;
use types::content::Click;
use types::vendor::Vendor;

use crate::vendors::dialect::{Batch, Credential, DialectError, Request};
use crate::vendors::form::Form;
use crate::vendors::payload::{notify_id, wrong};

/// Figures of xiaomi.md, 2, read on 2026-11-20.
const TOKENS_MAX: usize = 1_000;
const TITLE_MAX: usize = 49;
const DESCRIPTION_MAX: usize = 127;
const PAYLOAD_MAX: usize = 4_000;
const CALLBACK_MAX: usize = 128;
const PARAMETER_MAX: usize = 256;
const OWN_KEYS_MAX: usize = 10;
const OWN_VALUE_MAX: usize = 1_024;
/// Private messages may wait ten days; the vendor cuts public ones to one.
const LIVE_AT_MOST_MS: i64 = 10 * 24 * 3_600 * 1_000;
/// Every receipt there is: 1 + 2 + 16 + 32 + 64 + 128.
const EVERY_RECEIPT: &str = "243";

/// What the app gets with a click on the notification.
#[derive(Serialize)]
struct Payload<'a> {
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    link: Option<&'a str>,
}

pub(super) fn build(batch: &Batch<'_>, credential: &Credential, pass: &str) -> Result<Request, DialectError> {
    let content = batch.content;
    if batch.tokens.is_empty() || batch.tokens.len() > TOKENS_MAX {
        return Err(wrong("tokens", format!("Xiaomi takes 1 to {TOKENS_MAX} regIds a request, has {}", batch.tokens.len())));
    }
    if batch.tokens.iter().any(|token| token.is_empty() || token.contains(',')) {
        return Err(wrong("tokens", "a regId is empty or holds a comma"));
    }
    let own_title = content.title_for(Vendor::Xiaomi);
    let title = if own_title.trim().is_empty() { batch.default_title } else { own_title };
    bounded("title", title, TITLE_MAX)?;
    let description = content.body_for(Vendor::Xiaomi);
    bounded("body", description, DESCRIPTION_MAX)?;
    let channel = content.channel_for(Vendor::Xiaomi).filter(|c| !c.is_empty()).unwrap_or(credential.get("channel_id"));
    if channel.trim().is_empty() {
        return Err(wrong("channel_id", "Xiaomi requires a channel; name one in the copy or in the credential"));
    }
    if content.extras.len() > OWN_KEYS_MAX {
        return Err(wrong("extras", format!("Xiaomi allows {OWN_KEYS_MAX} own keys, has {}", content.extras.len())));
    }

    let ids: usize = batch.tokens.iter().map(|token| token.len() + 3).sum();
    let mut form = Form(String::with_capacity(ids + ids / 8 + 1_024));
    form.name("registration_id");
    for (i, token) in batch.tokens.iter().enumerate() {
        if i > 0 {
            form.0.push_str("%2C");
        }
        form.encode(token);
    }
    form.field("restricted_package_name", credential.get("package_name"));
    form.field("pass_through", "0");
    form.field("title", title);
    form.field("description", description);
    let (url, link) = match &content.click {
        Click::OpenApp => (None, None),
        Click::Url { url } => (Some(url.as_str()), None),
        Click::Link { link } => (None, Some(link.as_str())),
    };
    let payload = serde_json::to_string(&Payload { message: batch.message, url, link })
        .map_err(|e| wrong("payload", format!("cannot be written as JSON: {e}")))?;
    form.field("payload", &payload);
    form.field("notify_type", "-1");
    form.field("notify_id", &notify_id(batch.show_key).to_string());
    form.field("time_to_live", &(batch.deadline - batch.now).clamp(1, LIVE_AT_MOST_MS).to_string());
    form.field("extra.channel_id", channel);
    form.field("extra.notify_foreground", if content.show_in_foreground { "1" } else { "0" });
    match &content.click {
        Click::OpenApp => form.field("extra.notify_effect", "1"),
        Click::Link { link } => {
            form.field("extra.notify_effect", "2");
            form.field("extra.intent_uri", link);
        }
        Click::Url { url } => {
            form.field("extra.notify_effect", "3");
            form.field("extra.web_uri", url);
        }
    }
    form.field("extra.jobkey", batch.once_key);
    if let Some(callback) = batch.callback {
        if callback.url.len() > CALLBACK_MAX {
            return Err(wrong("callback", format!("Xiaomi allows an address of {CALLBACK_MAX} bytes, has {}", callback.url.len())));
        }
        if callback.parameter.len() > PARAMETER_MAX {
            return Err(wrong("callback", format!("Xiaomi allows a parameter of {PARAMETER_MAX} bytes, has {}", callback.parameter.len())));
        }
        form.field("extra.callback", &callback.url);
        form.field("extra.callback.param", &callback.parameter);
        form.field("extra.callback.type", EVERY_RECEIPT);
    }
    let mut carried = title.len() + description.len() + payload.len();
    for (key, value) in &content.extras {
        if key.is_empty() || key.chars().count() > OWN_VALUE_MAX || value.chars().count() > OWN_VALUE_MAX {
            return Err(wrong("extras", format!("Xiaomi allows {OWN_VALUE_MAX} characters for a key and for a value")));
        }
        carried += key.len() + value.len();
        form.0.push_str("&extra.");
        form.encode(key);
        form.0.push('=');
        form.encode(value);
    }
    if carried > PAYLOAD_MAX {
        return Err(wrong(
            "payload",
            format!("Xiaomi allows about {PAYLOAD_MAX} bytes in all, has {carried}; shorten the text or the extras"),
        ));
    }
    Ok(Request {
        method: http::Method::POST,
        path: "/v3/message/regid".to_owned(),
        headers: vec![("authorization", pass.to_owned()), ("content-type", "application/x-www-form-urlencoded;charset=UTF-8".to_owned())],
        body: Bytes::from(form.0),
    })
}

fn bounded(field: &'static str, text: &str, max: usize) -> Result<(), DialectError> {
    if text.trim().is_empty() {
        return Err(wrong(field, "Xiaomi requires a text that is not blank"));
    }
    // Bytes are never fewer than characters.
    if text.len() > max {
        let n = text.chars().count();
        if n > max {
            return Err(wrong(field, format!("Xiaomi allows {max} characters, has {n}; shorten it or write an own text for Xiaomi")));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use types::content::Content;

    use super::*;
    use crate::vendors::golden::Sample;

    fn error_of(content: Content, n: usize) -> String {
        let sample = Sample::of(Vendor::Xiaomi, content, n);
        sample.with(|batch| build(batch, &sample.credential, "key=x")).expect_err("refused").to_string()
    }

    #[test]
    fn every_bound_names_field_and_figures() {
        let good = Content { title: "t".into(), body: "b".into(), ..Content::default() };
        assert!(error_of(Content { title: "药".repeat(50), ..good.clone() }, 1).starts_with("title: Xiaomi allows 49 characters, has 50"));
        assert!(error_of(Content { body: "药".repeat(128), ..good.clone() }, 1).starts_with("body: Xiaomi allows 127 characters, has 128"));
        assert!(error_of(Content { body: " ".into(), ..good.clone() }, 1).starts_with("body: Xiaomi requires a text"));
        assert!(error_of(good.clone(), 1_001).starts_with("tokens: Xiaomi takes 1 to 1000"));
        assert!(error_of(good.clone(), 0).starts_with("tokens: Xiaomi takes 1 to 1000"));
        let extras = |n: usize, len: usize| (0..n).map(|i| (format!("k{i}"), "v".repeat(len))).collect();
        assert!(error_of(Content { extras: extras(11, 1), ..good.clone() }, 1).starts_with("extras: Xiaomi allows 10 own keys, has 11"));
        assert!(error_of(Content { extras: extras(1, 1_025), ..good.clone() }, 1).starts_with("extras: Xiaomi allows 1024 characters"));
        assert!(error_of(Content { extras: extras(10, 1_000), ..good }, 1).starts_with("payload: Xiaomi allows about 4000 bytes"));
    }

    #[test]
    fn a_comma_in_a_token_never_becomes_a_second_recipient() {
        let mut sample = Sample::of(Vendor::Xiaomi, Content { title: "t".into(), body: "b".into(), ..Content::default() }, 1);
        sample.tokens[0] = "reg-a,reg-b".into();
        assert!(sample.with(|batch| build(batch, &sample.credential, "key=x")).is_err());
    }

    #[test]
    fn a_callback_over_the_vendor_bound_is_refused() {
        let mut sample = Sample::of(Vendor::Xiaomi, Content { title: "t".into(), body: "b".into(), ..Content::default() }, 1);
        sample.callback =
            Some(crate::vendors::dialect::CallbackTarget { url: format!("https://{}", "x".repeat(121)), parameter: String::new() });
        assert!(sample.with(|batch| build(batch, &sample.credential, "key=x")).is_err());
    }
}
