//! Notification, unicast of one, broadcast of up to 1,000 (oppo.md, 2).

use bytes::Bytes;
use ring::digest::{SHA256, digest};
use serde_json::{Map, Value, json};
use types::content::{Click, Template};
use types::vendor::Vendor;

use crate::vendors::dialect::{Batch, Credential, DialectError, Request};
use crate::vendors::form::Form;
use crate::vendors::payload::{counted, intent_uri, notify_id, seconds_to_live, texts, wrong};
use crate::vendors::ttl::kept_seconds;

/// Figures of oppo.md, 2, read on 2026-11-21.
const TOKENS_MAX: usize = 1_000;
const TITLE_MAX: usize = 50;
/// Up to here as a normal notification: the newest manual's figure, older ones allow 200.
const CONTENT_NORMAL_MAX: usize = 50;
/// Up to here as a long text.
const CONTENT_LONG_MAX: usize = 128;
const URL_MAX: usize = 2_000;
const PARAMETERS_MAX: usize = 4_000;
const CALLBACK_MAX: usize = 200;
/// The newest manual says 100, older ones 50; ours is 49.
const CALLBACK_PARAMETER_MAX: usize = 100;
/// Ten days; more is cut by the vendor.
const LIVE_AT_MOST_S: i64 = 864_000;

/// A big picture is shown with a text up to here; with a longer one it would be lost.
pub(super) const PICTURE_TEXT_MAX: usize = types::vendor::means::OPPO_PICTURE_TEXT_MAX;

/// Recipients by a saved content: all but a single one, and a single one that is to see a picture, which unicast has not.
pub(super) fn broadcasts(batch: &Batch<'_>) -> bool {
    batch.tokens.len() > 1 || (picture_url(batch).is_some() && !batch.singly)
}

fn picture_url<'a>(batch: &Batch<'a>) -> Option<&'a str> {
    let fits = batch.content.body_for(Vendor::Oppo).chars().count() <= PICTURE_TEXT_MAX;
    batch.content.image.as_deref().filter(|_| fits)
}

/// Names the uploaded picture among the materials of the lane, with its address.
pub(super) fn picture_key<'a>(batch: &Batch<'a>, credential: &Credential) -> Option<(String, &'a str)> {
    let url = picture_url(batch)?;
    Some((digest_of(&["oppo picture", credential.get("app_key"), url]), url))
}

/// A value of the notification: typed in JSON, plain text in a form.
pub(super) enum Said {
    Text(String),
    Number(i64),
    Flag(bool),
}

impl Said {
    pub(super) fn flat(&self) -> String {
        match self {
            Said::Text(text) => text.clone(),
            Said::Number(number) => number.to_string(),
            Said::Flag(flag) => flag.to_string(),
        }
    }

    fn json(&self) -> Value {
        match self {
            Said::Text(text) => Value::from(text.as_str()),
            Said::Number(number) => Value::from(*number),
            Said::Flag(flag) => Value::from(*flag),
        }
    }
}

pub(super) type Notification = Vec<(&'static str, Said)>;

/// The content type of every call.
pub(super) fn headers() -> Vec<(&'static str, String)> {
    vec![("content-type", "application/x-www-form-urlencoded; charset=UTF-8".to_owned())]
}

fn bounded(field: &'static str, text: &str, max: usize) -> Result<usize, DialectError> {
    let n = text.chars().count();
    if n > max {
        return Err(wrong(field, format!("OPPO allows {max} characters, has {n}; shorten it or write an own text for OPPO")));
    }
    Ok(n)
}

/// Everything but the recipients and the id. In a saved content nothing may depend on the recipients.
pub(super) fn notification(batch: &Batch<'_>, credential: &Credential) -> Result<Notification, DialectError> {
    use Said::{Flag, Number, Text};
    let content = batch.content;
    let (title, body) = texts(batch, Vendor::Oppo)?;
    bounded("title", title, TITLE_MAX)?;
    let length = bounded("body", body, CONTENT_LONG_MAX)?;
    let picture = picture_key(batch, credential)
        .filter(|_| broadcasts(batch))
        .and_then(|(key, _)| batch.prepared.get(&key))
        .and_then(|id| id.split_once(':'));
    let style = match picture {
        Some(("big", _)) => 3,
        _ if length > CONTENT_NORMAL_MAX => 2,
        _ => 1,
    };
    let mut out: Notification = vec![("style", Number(style)), ("title", Text(title.to_owned())), ("content", Text(body.to_owned()))];
    match picture {
        Some(("big", id)) => out.push(("big_picture_id", Text(id.to_owned()))),
        Some((_, id)) => out.push(("small_picture_id", Text(id.to_owned()))),
        None => {}
    }
    match &content.click {
        Click::OpenApp => out.push(("click_action_type", Number(0))),
        Click::Url { url } => {
            bounded("click.url", url, URL_MAX)?;
            out.extend([("click_action_type", Number(2)), ("click_action_url", Text(url.clone()))]);
        }
        Click::Link { link } => {
            let intent = intent_uri(link, batch.message);
            bounded("click.link", &intent, URL_MAX)?;
            out.extend([("click_action_type", Number(5)), ("click_action_url", Text(intent))]);
        }
    }
    // What the app gets with the click; texts only, as the phone hands them over as extras of an intent.
    let mut parameters: Map<String, Value> = content.extras.iter().map(|(key, value)| (key.clone(), json!(value))).collect();
    parameters.insert("carillon".to_owned(), json!(batch.message));
    let parameters = Value::Object(parameters).to_string();
    let n = parameters.chars().count();
    if n > PARAMETERS_MAX {
        return Err(wrong("extras", format!("OPPO allows {PARAMETERS_MAX} characters as JSON, has {n}; shorten the extras")));
    }
    out.push(("action_parameters", Text(parameters)));
    // A saved content serves batches that come later: its time must not change with every one of them.
    let live = if !broadcasts(batch) { seconds_to_live(batch, LIVE_AT_MOST_S) } else { kept_seconds(batch, 1, LIVE_AT_MOST_S) };
    out.extend([("show_time_type", Number(0)), ("off_line", Flag(true)), ("off_line_ttl", Number(live))]);
    let channel = content.channel_for(Vendor::Oppo).filter(|c| !c.trim().is_empty()).unwrap_or(credential.get("channel_id")).trim();
    if !channel.is_empty() {
        out.push(("channel_id", Text(channel.to_owned())));
    }
    if let Some(category) = content.category_for(Vendor::Oppo) {
        out.push(("category", Text(category.trim().to_ascii_uppercase())));
    }
    out.push(("notify_id", Number(i64::from(notify_id(batch.show_key)))));
    if let Some(template) = content.template_for(Vendor::Oppo) {
        out.extend(private(template));
    }
    if let Some(callback) = batch.callback {
        let (url, parameter) = (&callback.url, short(&callback.parameter));
        if url.len() > CALLBACK_MAX {
            return Err(wrong("callback", format!("OPPO allows an address of {CALLBACK_MAX} bytes, has {}", url.len())));
        }
        if parameter.len() > CALLBACK_PARAMETER_MAX {
            return Err(wrong("callback", format!("OPPO allows a parameter of {CALLBACK_PARAMETER_MAX} bytes, has {}", parameter.len())));
        }
        out.extend([("call_back_url", Text(url.clone())), ("call_back_parameter", Text(parameter.to_owned()))]);
    }
    Ok(out)
}

/// A private template. Which names stand in its title and which in its text only the vendor knows: both get all.
fn private(template: &Template) -> [(&'static str, Said); 3] {
    let values = json!(template.values).to_string();
    [
        ("private_msg_template_id", Said::Text(template.id.trim().to_owned())),
        ("private_title_parameters", Said::Text(values.clone())),
        ("private_content_parameters", Said::Text(values)),
    ]
}

/// How our receipt words begin; left out on the way, so that they fit the 50 bytes of older manuals, and put back by
/// [`long`].
const WORD_HEAD: &str = "msg_";

fn short(parameter: &str) -> &str {
    parameter.strip_prefix(WORD_HEAD).filter(|rest| is_short(rest)).unwrap_or(parameter)
}

/// A receipt's word as we had given it.
pub(super) fn long(parameter: &str) -> String {
    if is_short(parameter) { format!("{WORD_HEAD}{parameter}") } else { parameter.to_owned() }
}

/// `<32 hex>.<MAC>`.
fn is_short(text: &str) -> bool {
    text.split_once('.').is_some_and(|(id, _)| id.len() == 32 && id.bytes().all(|b| b.is_ascii_hexdigit()))
}

fn digest_of(parts: &[&str]) -> String {
    hex::encode(&digest(&SHA256, parts.join("\n").as_bytes()).as_ref()[..16])
}

/// Names the saved content among those of the lane.
pub(super) fn saved_key(notification: &Notification, credential: &Credential) -> String {
    let mut parts = vec!["oppo".to_owned(), credential.get("app_key").to_owned()];
    for (name, value) in notification {
        parts.extend([(*name).to_owned(), value.flat().len().to_string(), value.flat()]);
    }
    digest_of(&parts.iter().map(String::as_str).collect::<Vec<_>>())
}

pub(super) fn build(batch: &Batch<'_>, credential: &Credential, pass: &str) -> Result<Request, DialectError> {
    counted(batch, Vendor::Oppo, TOKENS_MAX)?;
    if batch.tokens.iter().any(|token| token.contains(';')) {
        return Err(wrong("tokens", "a registration id holds a semicolon"));
    }
    let notification = notification(batch, credential)?;
    let (path, body) = match batch.tokens {
        [token] if !broadcasts(batch) => {
            let mut object: Map<String, Value> = notification.iter().map(|(name, value)| ((*name).to_owned(), value.json())).collect();
            // Message and target: the vendor takes it once, and a resend, which is a message of its own, is none (oppo.md, 7).
            object.insert("app_message_id".to_owned(), json!(digest_of(&[batch.message, token])));
            let message = json!({"target_type": 2, "target_value": token, "notification": object}).to_string();
            ("unicast", Form::of(&[("message", &message), ("auth_token", pass)]))
        }
        tokens => {
            let key = saved_key(&notification, credential);
            let id = batch.prepared.get(&key).ok_or_else(|| wrong("content", "is not yet saved at OPPO"))?;
            let targets = tokens.join(";");
            ("broadcast", Form::of(&[("message_id", id), ("target_type", "2"), ("target_value", &targets), ("auth_token", pass)]))
        }
    };
    Ok(Request {
        method: http::Method::POST,
        path: format!("/server/v1/message/notification/{path}"),
        headers: headers(),
        body: Bytes::from(body.0),
    })
}

#[cfg(test)]
mod tests;
