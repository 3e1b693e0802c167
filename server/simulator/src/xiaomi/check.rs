//! The checks of one message, in the order of the manual (`vendors/xiaomi.md` section 2). The first complaint wins.

use crate::accounts::{ChannelClass, XiaomiAccount};

/// What a message says, whether it came as form fields or inside `multi_messages`.
pub(super) trait Fields {
    fn get(&self, name: &str) -> Option<String>;
    /// Names of `extra.` keys, without the prefix, and their values.
    fn extras(&self) -> Vec<(String, String)>;

    fn filled(&self, name: &str) -> Option<String> {
        self.get(name).filter(|v| !v.trim().is_empty())
    }
}

/// Code and reason.
pub(super) type Complaint = (i64, String);

const TITLE_BELOW: usize = 50;
const DESCRIPTION_BELOW: usize = 128;
const PAYLOAD_MOST: usize = 4_096;
const CALLBACK_MOST: usize = 128;
const PARAM_MOST: usize = 256;
const JOBKEY_MOST: usize = 20;
const OWN_EXTRAS_MOST: usize = 10;
const OWN_EXTRA_CHARS: usize = 1_024;
const AHEAD_MOST_MILLIS: i64 = 7 * 86_400_000;

/// `extra.` keys that Xiaomi itself knows; the others are the caller's own.
const KNOWN_EXTRAS: [&str; 24] = [
    "channel_id",
    "channel_name",
    "channel_description",
    "template_id",
    "template_param",
    "notify_effect",
    "intent_uri",
    "web_uri",
    "notify_foreground",
    "callback",
    "callback.param",
    "callback.type",
    "jobkey",
    "only_send_once",
    "flow_control",
    "badge",
    "locale",
    "model",
    "app_version",
    "connpt",
    "locale_not_in",
    "model_not_in",
    "app_version_not_in",
    "connpt_not_in",
];

/// Steps 5 to 7, and the values around them. `now` in milliseconds.
pub(super) fn message(fields: &dyn Fields, account: &XiaomiAccount, now: i64) -> Result<(), Complaint> {
    let missing = |name: &str| (10016, format!("missing required parameter: {name}"));
    let wrong = |name: &str, why: &str| (10017, format!("parameter value is wrong: {name}: {why}"));

    let silent = match fields.get("pass_through").as_deref() {
        None | Some("0") => false,
        Some("1") => true,
        Some(_) => return Err(wrong("pass_through", "0 or 1")),
    };
    for (name, below) in [("title", TITLE_BELOW), ("description", DESCRIPTION_BELOW)] {
        match fields.filled(name) {
            None if silent => {}
            None => return Err(missing(name)),
            Some(text) if text.chars().count() >= below => return Err(wrong(name, &format!("must be shorter than {below} characters"))),
            Some(_) => {}
        }
    }
    if fields.get("payload").is_some_and(|p| p.len() > PAYLOAD_MOST) {
        return Err((10018, "payload is too long".into()));
    }
    let integer = |name: &str| fields.get(name).map(|v| v.parse::<i64>().map_err(|_| wrong(name, "not an integer"))).transpose();
    if let Some(kinds) = integer("notify_type")?
        && !(-1..=7).contains(&kinds)
    {
        return Err(wrong("notify_type", "-1 or a sum of 1, 2 and 4"));
    }
    if integer("time_to_live")?.is_some_and(|ms| ms < 0) {
        return Err(wrong("time_to_live", "milliseconds, not negative"));
    }
    if integer("time_to_send")?.is_some_and(|at| at > now + AHEAD_MOST_MILLIS) {
        return Err(wrong("time_to_send", "at most 7 days ahead"));
    }

    if let Some(id) = fields.get("notify_id")
        && !id.parse::<i64>().is_ok_and(|id| (0..=i64::from(i32::MAX)).contains(&id))
    {
        return Err((22103, "notify id is illegal".into()));
    }
    if let Some(key) = fields.get("extra.jobkey") {
        let proper = (1..=JOBKEY_MOST).contains(&key.len())
            && key.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'))
            && !key.starts_with('_');
        if !proper {
            return Err(wrong("extra.jobkey", "[0-9A-Za-z_-], at most 20, not starting with _"));
        }
    }
    if fields.get("extra.callback.param").is_some_and(|p| p.len() > PARAM_MOST) {
        return Err((65036, "callback param is too long".into()));
    }
    if let Some(url) = fields.get("extra.callback") {
        if url.len() > CALLBACK_MOST {
            return Err((65037, "callback url is too long".into()));
        }
        if !url.parse::<http::Uri>().is_ok_and(|u| matches!(u.scheme_str(), Some("http" | "https")) && u.host().is_some()) {
            return Err((65038, "callback url is illegal".into()));
        }
    }
    if fields.get("extra.callback.type").is_some_and(|t| t.parse::<u32>().is_err()) {
        return Err(wrong("extra.callback.type", "a sum of bits"));
    }
    let own: Vec<_> = fields.extras().into_iter().filter(|(name, _)| !KNOWN_EXTRAS.contains(&name.as_str())).collect();
    if own.len() > OWN_EXTRAS_MOST {
        return Err((65014, "too many custom keys in extra".into()));
    }
    if own.iter().any(|(name, value)| name.chars().count() > OWN_EXTRA_CHARS || value.chars().count() > OWN_EXTRA_CHARS) {
        return Err((65015, "a custom key or value in extra is too long".into()));
    }
    channel(fields, account)
}

fn channel(fields: &dyn Fields, account: &XiaomiAccount) -> Result<(), Complaint> {
    let invalid = |why: &str| Err((27001, format!("invalid channel info! {why}")));
    let Some(id) = fields.filled("extra.channel_id") else { return invalid("extra.channel_id is missing") };
    let Some(channel) = account.channels.iter().find(|c| c.id == id) else { return invalid("the channel is not registered") };
    if channel.class != ChannelClass::Private || channel.templates.is_empty() {
        return Ok(());
    }
    let Some(variables) = fields.filled("extra.template_id").and_then(|t| channel.templates.get(&t)) else {
        return invalid("the private channel needs an approved template");
    };
    let given = fields.get("extra.template_param").unwrap_or_else(|| "{}".into());
    let Ok(given) = serde_json::from_str::<std::collections::BTreeMap<String, String>>(&given) else {
        return invalid("template_param is no JSON object of strings");
    };
    let same = given.len() == variables.len() && variables.iter().all(|v| given.contains_key(v));
    let proper = given.values().all(|v| (1..=128).contains(&v.chars().count()) && !v.trim().is_empty());
    if same && proper { Ok(()) } else { invalid("template_param does not match the template") }
}
