//! What requests of several vendors have in common: our own key for the app, stable ids, links, times to live.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::Serialize;
use serde::ser::SerializeMap;
use types::content::Click;
use types::vendor::Vendor;

use super::dialect::{Batch, DialectError};

/// The body without the tokens (huawei.md, 2; honor.md, 2, takes the same).
pub(super) const BODY_MAX: usize = 4_096;

pub(super) fn wrong(field: &'static str, reason: impl Into<String>) -> DialectError {
    DialectError::Content { field, reason: reason.into() }
}

/// `carillon`: what the app needs to follow the click and to report.
#[derive(Serialize)]
pub(super) struct Own<'a> {
    pub message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub link: Option<&'a str>,
}

impl<'a> Own<'a> {
    pub(super) fn of(batch: &Batch<'a>) -> Own<'a> {
        let (url, link) = match &batch.content.click {
            Click::OpenApp => (None, None),
            Click::Url { url } => (Some(url.as_str()), None),
            Click::Link { link } => (None, Some(link.as_str())),
        };
        Own { message: batch.message, url, link }
    }
}

/// The data an app receives: `carillon`, and the content's extras beside it.
pub(super) struct Data<'a> {
    pub own: Own<'a>,
    pub extras: &'a BTreeMap<String, String>,
}

impl<'a> Data<'a> {
    pub(super) fn of(batch: &Batch<'a>) -> Data<'a> {
        Data { own: Own::of(batch), extras: &batch.content.extras }
    }

    pub(super) fn text(&self) -> Result<String, DialectError> {
        serde_json::to_string(self).map_err(|e| wrong("extras", format!("cannot be written as JSON: {e}")))
    }
}

impl Serialize for Data<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("carillon", &self.own)?;
        for (key, value) in self.extras.iter().filter(|(key, _)| *key != "carillon") {
            map.serialize_entry(key, value)?;
        }
        map.end()
    }
}

/// Title (the app's own when the content has none) and body, neither blank.
pub(super) fn texts<'a>(batch: &Batch<'a>, vendor: Vendor) -> Result<(&'a str, &'a str), DialectError> {
    let own = batch.content.title_for(vendor);
    let title = if own.trim().is_empty() { batch.default_title } else { own };
    let body = batch.content.body_for(vendor);
    for (field, text) in [("title", title), ("body", body)] {
        if text.trim().is_empty() {
            return Err(wrong(field, format!("{} requires a text that is not blank", vendor.name().en)));
        }
    }
    Ok((title, body))
}

/// As many recipients as the vendor takes, none of them empty.
pub(super) fn counted(batch: &Batch<'_>, vendor: Vendor, most: usize) -> Result<(), DialectError> {
    let n = batch.tokens.len();
    if n == 0 || n > most {
        return Err(wrong("tokens", format!("{} takes 1 to {most} tokens a request, has {n}", vendor.name().en)));
    }
    if batch.tokens.iter().any(|token| token.is_empty()) {
        return Err(wrong("tokens", "one is empty"));
    }
    Ok(())
}

/// Seconds until the deadline, at least one, at most what the vendor stores.
pub(super) fn seconds_to_live(batch: &Batch<'_>, most: i64) -> i64 {
    ((batch.deadline - batch.now) / 1_000).clamp(1, most)
}

/// 0 ..= 2^31 - 1, the same for every repeat of one showing: a second notification replaces the first.
pub(super) fn notify_id(show_key: &str) -> u32 {
    (xxhash_rust::xxh3::xxh3_64(show_key.as_bytes()) & 0x7fff_ffff) as u32
}

/// Android's written form of an intent that opens `link`. The page opened finds our message id in the string extra
/// `carillon`, so that the app can report the click.
pub(super) fn intent_uri(link: &str, message: &str) -> String {
    if let Some(head) = link.strip_suffix(";end").filter(|_| link.starts_with("intent:")) {
        return format!("{head};S.carillon={message};end");
    }
    match link.split_once(':') {
        Some((scheme, rest)) if scheme != "intent" => {
            format!("intent:{rest}#Intent;scheme={scheme};launchFlags=0x4000000;S.carillon={message};end")
        }
        _ => link.to_owned(),
    }
}

/// The body as JSON, within the bound that counts everything but the tokens.
pub(super) fn sized(body: &impl Serialize, batch: &Batch<'_>, vendor: Vendor) -> Result<Bytes, DialectError> {
    let mut json = Vec::with_capacity(1_024 + batch.tokens.iter().map(|token| token.len() + 3).sum::<usize>());
    let failed = |e: serde_json::Error| wrong("payload", format!("cannot be written as JSON: {e}"));
    serde_json::to_writer(&mut json, body).map_err(failed)?;
    // A body that is small with its tokens is small without them.
    if json.len() > BODY_MAX {
        let tokens = serde_json::to_vec(batch.tokens).map_err(failed)?.len();
        let rest = json.len() - tokens + 2;
        if rest > BODY_MAX {
            let reason =
                format!("{} allows {BODY_MAX} bytes without the tokens, has {rest}; shorten the text or the extras", vendor.name().en);
            return Err(wrong("payload", reason));
        }
    }
    Ok(Bytes::from(json))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn links_become_intents_that_name_the_message() {
        assert_eq!(
            intent_uri("demo://app/o?id=9", "msg_1"),
            "intent://app/o?id=9#Intent;scheme=demo;launchFlags=0x4000000;S.carillon=msg_1;end"
        );
        assert_eq!(
            intent_uri("intent:#Intent;component=com.example.app/.Order;end", "msg_1"),
            "intent:#Intent;component=com.example.app/.Order;S.carillon=msg_1;end"
        );
        assert_eq!(intent_uri("intent:broken", "msg_1"), "intent:broken");
    }

    proptest! {
        #[test]
        fn notify_ids_fit_31_bits(key in "[0-9a-z]{20}") {
            prop_assert!(notify_id(&key) <= 2_147_483_647);
        }
    }
}
