//! What a request says to the reader, read back from its bytes: what a preview shows is what is sent. Pure.

use serde_json::Value;
use types::vendor::Vendor;

use super::dialect::{Batch, Credential, Dialect, DialectError, Prepared, Request, What};

/// Title and body as they stand in a built request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    pub title: String,
    pub body: String,
    /// Bytes of the body of the request that carries them.
    pub bytes: usize,
}

/// More materials than any vendor needs for one content.
const MATERIALS_MAX: usize = 8;

/// Builds every request this batch leads to, as the lane would, and reads the texts back. What vendors would answer on the way
/// (ids of saved contents) is made up; a picture is left out, for nothing is fetched.
///
/// # Errors
/// Why this content cannot be said in the vendor's language.
pub fn said(dialect: &dyn Dialect, batch: &Batch<'_>, credential: &Credential, pass: &str) -> Result<Said, DialectError> {
    let vendor = dialect.vendor();
    let mut prepared = Prepared::default();
    let mut found = None;
    for _ in 0..MATERIALS_MAX {
        let asking = Batch { prepared: &prepared, ..batch.clone() };
        match dialect.prepare(&asking, credential, pass)? {
            None => {
                let request = dialect.build(&asking, credential, pass)?;
                let found = found.or_else(|| read(vendor, &request));
                return found.ok_or(DialectError::Content { field: "body", reason: "the request carries no text".to_owned() });
            }
            Some(wanted) => match wanted.what {
                What::Say(request) => {
                    found = found.or_else(|| read(vendor, &request));
                    let id = format!("prepared-{}", prepared.ids.len());
                    prepared.ids.insert(wanted.key, id);
                }
                What::Upload(_) => drop(prepared.left_out.insert(wanted.key, String::new())),
            },
        }
    }
    Err(DialectError::Content { field: "content", reason: "needs ever more materials".to_owned() })
}

/// Where this vendor's requests carry the texts; `None` = this one carries none.
fn read(vendor: Vendor, request: &Request) -> Option<Said> {
    let json = |at: &str, title: &str, body: &str| {
        let all: Value = serde_json::from_slice(&request.body).ok()?;
        texts(all.pointer(at)?, title, body)
    };
    let (title, body) = match vendor {
        Vendor::Apns => json("/aps/alert", "title", "body"),
        Vendor::Fcm => json("/message/notification", "title", "body"),
        Vendor::Xiaomi => form_texts(request, "title", "description"),
        Vendor::Huawei => json("/message/android/notification", "title", "body"),
        Vendor::Harmony => json("/payload/notification", "title", "body"),
        Vendor::Honor => json("/android/notification", "title", "body"),
        // One phone gets it as JSON in a form; for many it is saved first, every field flat.
        Vendor::Oppo => match form_value(request, "message") {
            Some(message) => texts(serde_json::from_str::<Value>(&message).ok()?.pointer("/notification")?, "title", "content"),
            None => form_texts(request, "title", "content"),
        },
        Vendor::Vivo => json("", "title", "content"),
        Vendor::Meizu => {
            let message: Value = serde_json::from_str(&form_value(request, "messageJson")?).ok()?;
            texts(message.pointer("/noticeBarInfo")?, "title", "content")
        }
        Vendor::Umeng => json("/payload/body", "title", "text"),
        Vendor::Getui => json("/push_message/notification", "title", "body"),
        Vendor::Jpush => json("/notification/android", "title", "alert"),
    }?;
    Some(Said { title, body, bytes: request.body.len() })
}

/// A title may be missing (APNs leaves an empty one out), a body never is.
fn texts(object: &Value, title: &str, body: &str) -> Option<(String, String)> {
    let text = |name: &str| object.get(name).and_then(Value::as_str).map(str::to_owned);
    Some((text(title).unwrap_or_default(), text(body)?))
}

fn form_value(request: &Request, name: &str) -> Option<String> {
    let pairs: Vec<(String, String)> = serde_urlencoded::from_bytes(&request.body).ok()?;
    pairs.into_iter().find(|(key, _)| key == name).map(|(_, value)| value)
}

fn form_texts(request: &Request, title: &str, body: &str) -> Option<(String, String)> {
    Some((form_value(request, title).unwrap_or_default(), form_value(request, body)?))
}

#[cfg(test)]
mod tests {
    use types::content::{Click, Content};
    use types::meter::{LIMITS, MeterField};

    use super::*;
    use crate::vendors::golden::Sample;
    use crate::vendors::registry::dialect;

    fn of(vendor: Vendor, content: &Content, n: usize) -> Result<Said, DialectError> {
        let sample = Sample::of(vendor, content.clone(), n);
        sample.with(|batch| said(dialect(vendor), batch, &sample.credential, "PASS"))
    }

    #[test]
    fn every_vendors_texts_are_read_back_for_one_phone_and_for_many() {
        let content = Content {
            title: "号源 \"50%\" & 更多 🎉".into(),
            body: "第一行\n第二行 <b>=?&＋".into(),
            click: Click::Url { url: "https://shop.example/a?b=1&c=2".into() },
            image: Some("https://img.example/a.png".into()),
            ..Content::default()
        };
        for vendor in Vendor::ALL {
            for n in [1, if vendor.lane_defaults().batch == 1 { 1 } else { 3 }] {
                let said = of(vendor, &content, n).unwrap_or_else(|e| panic!("{vendor:?} of {n}: {e}"));
                assert_eq!((said.title.as_str(), said.body.as_str()), (content.title.as_str(), content.body.as_str()), "{vendor:?} of {n}");
            }
        }
    }

    /// The limits that meters and marks show are those of the builders: one more than allowed is refused, and not before.
    #[test]
    fn the_limits_shown_are_the_limits_kept() {
        for limit in LIMITS.iter().filter(|limit| limit.field != MeterField::Payload) {
            for letter in ["药", "a"] {
                let fits = usize::try_from(limit.max / limit.unit.count(letter)).expect("small");
                let with = |n: usize| {
                    let (title, body) = if limit.field == MeterField::Title { (n, 1) } else { (1, n) };
                    let content = Content { title: letter.repeat(title), body: letter.repeat(body), ..Content::default() };
                    of(limit.vendor, &content, 1)
                };
                let what = format!("{:?} {:?} of {letter}", limit.vendor, limit.field);
                assert!(with(fits).is_ok(), "{what}: {fits} fit");
                let error = with(fits + 1).expect_err(&what).to_string();
                assert!(error.starts_with(limit.field.slug()), "{what}: {error}");
            }
        }
    }
}
