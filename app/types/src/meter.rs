//! Length limits as data (vendor, field, unit, max, source, date) and the meters over them.

use serde::{Deserialize, Serialize};

use crate::content::{Click, Content};
use crate::field::FieldError;
use crate::text::{Text, Words};
use crate::vendor::Vendor;

/// How a vendor counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Unicode scalar values; a Chinese character counts 1.
    Characters,
    /// UTF-8 bytes.
    Bytes,
    /// A Latin letter counts 1, a Chinese character, a full-width sign or an emoji 2.
    HalfWidths,
}

impl Unit {
    pub fn count(self, text: &str) -> u64 {
        match self {
            Unit::Characters => text.chars().count() as u64,
            Unit::Bytes => text.len() as u64,
            Unit::HalfWidths => text.chars().map(|c| if u32::from(c) < 0x1100 { 1 } else { 2 }).sum(),
        }
    }

    pub const fn name(self) -> Text {
        match self {
            Unit::Characters => Text::new("字", "chars"),
            Unit::Bytes => Text::new("字节", "bytes"),
            Unit::HalfWidths => Text::new("半角字", "half-width chars"),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MeterField {
    Title,
    Body,
    /// Title, body, subtitle, link and extras together, as JSON.
    Payload,
}

impl MeterField {
    pub const fn slug(self) -> &'static str {
        match self {
            MeterField::Title => "title",
            MeterField::Body => "body",
            MeterField::Payload => "payload",
        }
    }

    pub const fn name(self) -> Text {
        match self {
            MeterField::Title => Text::new("标题", "Title"),
            MeterField::Body => Text::new("正文", "Body"),
            MeterField::Payload => Text::new("整包", "Payload"),
        }
    }
}

/// One limit of one vendor.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LengthLimit {
    pub vendor: Vendor,
    pub field: MeterField,
    pub unit: Unit,
    /// Largest allowed count, inclusive.
    pub max: u64,
    pub source: &'static str,
    pub checked_on: &'static str,
}

/// Every length limit we know.
pub const LIMITS: &[LengthLimit] = &[
    LengthLimit {
        vendor: Vendor::Apns,
        field: MeterField::Payload,
        unit: Unit::Bytes,
        max: 4_096,
        source: "Apple provider API: 4 KB for alert pushes",
        checked_on: "2026-11-20",
    },
    LengthLimit {
        vendor: Vendor::Xiaomi,
        field: MeterField::Title,
        unit: Unit::Characters,
        max: 49,
        source: "dev.mi.com pId 1559: shorter than 50",
        checked_on: "2026-11-20",
    },
    LengthLimit {
        vendor: Vendor::Xiaomi,
        field: MeterField::Body,
        unit: Unit::Characters,
        max: 127,
        source: "dev.mi.com pId 1559: shorter than 128",
        checked_on: "2026-11-20",
    },
    LengthLimit {
        vendor: Vendor::Xiaomi,
        field: MeterField::Payload,
        unit: Unit::Bytes,
        max: 4_000,
        source: "about 4 KB in all (low confidence), some kept for our own keys",
        checked_on: "2026-11-20",
    },
    // What wraps the texts of these takes 300 to 500 bytes of their 4,096; the sender counts exactly.
    LengthLimit {
        vendor: Vendor::Huawei,
        field: MeterField::Payload,
        unit: Unit::Bytes,
        max: 3_600,
        source: "Push Kit send API: 4096 bytes without the tokens, some kept for our own keys",
        checked_on: "2026-11-21",
    },
    LengthLimit {
        vendor: Vendor::Harmony,
        field: MeterField::Payload,
        unit: Unit::Bytes,
        max: 3_600,
        source: "Push Kit scenario messages: 4096 bytes without the tokens, some kept for our own keys",
        checked_on: "2026-11-21",
    },
    LengthLimit {
        vendor: Vendor::Honor,
        field: MeterField::Payload,
        unit: Unit::Bytes,
        max: 3_600,
        source: "Honor publishes none; Huawei's 4096 bytes are kept, less our own keys",
        checked_on: "2026-11-21",
    },
    LengthLimit {
        vendor: Vendor::Fcm,
        field: MeterField::Payload,
        unit: Unit::Bytes,
        max: 3_600,
        source: "FCM send API: 4096 bytes a message, some kept for token and our own keys",
        checked_on: "2026-11-21",
    },
    LengthLimit {
        vendor: Vendor::Umeng,
        field: MeterField::Payload,
        unit: Unit::Bytes,
        max: 1_840,
        source: "Umeng U-Push: the payload of Android",
        checked_on: "2026-11-21",
    },
    LengthLimit {
        vendor: Vendor::Getui,
        field: MeterField::Title,
        unit: Unit::Characters,
        max: 50,
        source: "Getui REST v2, notification.title",
        checked_on: "2026-11-21",
    },
    LengthLimit {
        vendor: Vendor::Getui,
        field: MeterField::Body,
        unit: Unit::Characters,
        max: 256,
        source: "Getui REST v2, notification.body",
        checked_on: "2026-11-21",
    },
    LengthLimit {
        vendor: Vendor::Jpush,
        field: MeterField::Payload,
        unit: Unit::Bytes,
        max: 2_000,
        source: "JPush v3: the iOS object of a push, smaller than Android's 4000",
        checked_on: "2026-11-21",
    },
    LengthLimit {
        vendor: Vendor::Oppo,
        field: MeterField::Title,
        unit: Unit::Characters,
        max: 50,
        source: "OPPO notification fields: title at most 50 (older manuals 32)",
        checked_on: "2026-11-21",
    },
    LengthLimit {
        vendor: Vendor::Oppo,
        field: MeterField::Body,
        unit: Unit::Characters,
        max: 128,
        source: "OPPO notification fields: long text at most 128; over 50 it is sent as long text",
        checked_on: "2026-11-21",
    },
    LengthLimit {
        vendor: Vendor::Vivo,
        field: MeterField::Title,
        unit: Unit::HalfWidths,
        max: 40,
        source: "vivo message fields: title at most 40; the older rule of counting, a Chinese character as 2",
        checked_on: "2026-11-21",
    },
    LengthLimit {
        vendor: Vendor::Vivo,
        field: MeterField::Body,
        unit: Unit::HalfWidths,
        max: 100,
        source: "vivo message fields: content at most 100; the older rule of counting, a Chinese character as 2",
        checked_on: "2026-11-21",
    },
    LengthLimit {
        vendor: Vendor::Meizu,
        field: MeterField::Title,
        unit: Unit::Characters,
        max: 32,
        source: "Meizu push API: noticeBarInfo.title 1 to 32",
        checked_on: "2026-11-21",
    },
    LengthLimit {
        vendor: Vendor::Meizu,
        field: MeterField::Body,
        unit: Unit::Characters,
        max: 100,
        source: "Meizu push API: noticeBarInfo.content 1 to 100",
        checked_on: "2026-11-21",
    },
];

/// One bar of the composer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Meter {
    pub vendor: Vendor,
    pub field: MeterField,
    pub unit: Unit,
    pub used: u64,
    pub max: u64,
}

impl Meter {
    pub const fn over(&self) -> bool {
        self.used > self.max
    }
}

/// Bytes our own keys add to every payload (message id, receipt key, JSON punctuation of `aps`).
const OWN_KEYS: u64 = 160;

/// Every meter of a (rendered) content for these vendors.
pub fn meters(content: &Content, vendors: &[Vendor]) -> Vec<Meter> {
    LIMITS
        .iter()
        .filter(|limit| vendors.contains(&limit.vendor))
        .map(|limit| {
            let vendor = limit.vendor;
            let used = match limit.field {
                MeterField::Title => limit.unit.count(content.title_for(vendor)),
                MeterField::Body => limit.unit.count(content.body_for(vendor)),
                MeterField::Payload => payload_bytes(content, vendor),
            };
            Meter { vendor, field: limit.field, unit: limit.unit, used, max: limit.max }
        })
        .collect()
}

fn payload_bytes(content: &Content, vendor: Vendor) -> u64 {
    let quoted = |text: &str| serde_json::to_string(text).map_or(0, |s| s.len() as u64);
    let link = match &content.click {
        Click::OpenApp => 0,
        Click::Url { url } => quoted(url),
        Click::Link { link } => quoted(link),
    };
    let extras: u64 = content.extras.iter().map(|(k, v)| quoted(k) + quoted(v) + 2).sum();
    let optional = |text: &Option<String>| text.as_deref().map_or(0, |t| quoted(t) + 14);
    OWN_KEYS
        + quoted(content.title_for(vendor))
        + quoted(content.body_for(vendor))
        + optional(&content.subtitle)
        + optional(&content.image)
        + optional(&content.sound)
        + optional(&content.thread)
        + link
        + extras
}

/// Every complaint about a content, for these vendors. Variables are counted as written; the sender checks again when filled.
pub fn check(content: &Content, vendors: &[Vendor]) -> Vec<FieldError> {
    let mut errors = crate::copy::check(content);
    let mut long = |field: &str, text: &str, max: usize| {
        let n = text.chars().count();
        if n > max {
            errors.push(FieldError {
                field: field.to_owned(),
                reason: Words::new(
                    format!("最多 {max} 个字，现在 {n} 个，请缩短"),
                    format!("at most {max} characters, has {n}; shorten it"),
                ),
            });
        }
    };
    long("title", &content.title, 200);
    long("body", &content.body, 2_000);
    long("subtitle", content.subtitle.as_deref().unwrap_or(""), 200);
    long("thread", content.thread.as_deref().unwrap_or(""), 64);
    long("sound", content.sound.as_deref().unwrap_or(""), 64);
    long("channel_id", content.channel_id.as_deref().unwrap_or(""), 64);
    if content.body.trim().is_empty() {
        errors.push(FieldError::new("body", Text::new("正文不能为空，请填写", "must not be empty; write a body")));
    }
    let https = |url: &str| url.len() <= 1_024 && url.starts_with("https://") && url.len() > 10 && !url.contains(char::is_whitespace);
    if let Some(image) = &content.image
        && !https(image)
    {
        errors.push(FieldError::new(
            "image",
            Text::new("需要 https:// 图片地址，最多 1024 字节", "needs an https:// address of at most 1024 bytes"),
        ));
    }
    match &content.click {
        Click::OpenApp => {}
        Click::Url { url } if https(url) => {}
        Click::Url { .. } => {
            errors.push(FieldError::new(
                "click.url",
                Text::new("需要 https:// 网址，最多 1024 字节", "needs an https:// address of at most 1024 bytes"),
            ));
        }
        Click::Link { link } => {
            let good = link.len() <= 1_024
                && link.contains(':')
                && !link.contains(char::is_whitespace)
                && !link.to_ascii_lowercase().starts_with("javascript:");
            if !good {
                errors.push(FieldError::new(
                    "click.link",
                    Text::new(
                        "需要形如 scheme://path 的应用内链接，最多 1024 字节",
                        "needs an in-app link of the form scheme://path, at most 1024 bytes",
                    ),
                ));
            }
        }
    }
    if content.extras.len() > 10 {
        errors.push(FieldError::new("extras", Text::new("最多 10 个自定义键", "at most 10 keys of your own")));
    }
    for (key, value) in &content.extras {
        if key.is_empty() || key.len() > 64 || value.len() > 1_024 || key == "aps" || key.starts_with("carillon") {
            errors.push(FieldError::new(
                format!("extras.{key}"),
                Text::new(
                    "键 1–64 字节、值最多 1024 字节，不能用 aps 或 carillon 开头",
                    "key of 1 to 64 bytes, value of at most 1024, not `aps` nor starting with `carillon`",
                ),
            ));
        }
    }
    for vendor in vendors {
        if content.title_for(*vendor).trim().is_empty() {
            errors.push(FieldError {
                field: "title".to_owned(),
                reason: Words::new(format!("{} 要求标题不为空", vendor.name().zh), format!("{} requires a title", vendor.name().en)),
            });
        }
    }
    for meter in meters(content, vendors).into_iter().filter(Meter::over) {
        let over = content.overrides.get(&meter.vendor);
        let own = match meter.field {
            MeterField::Title => over.is_some_and(|o| o.title.is_some()),
            MeterField::Body => over.is_some_and(|o| o.body.is_some()),
            MeterField::Payload => false,
        };
        let field = if own { format!("overrides.{}.{}", meter.vendor.slug(), meter.field.slug()) } else { meter.field.slug().to_owned() };
        errors.push(FieldError {
            field,
            reason: Words::new(
                format!(
                    "{} 的{}最多 {} {}，现在 {}；请缩短，或为 {} 单独写一份",
                    meter.vendor.name().zh,
                    meter.field.name().zh,
                    meter.max,
                    meter.unit.name().zh,
                    meter.used,
                    meter.vendor.name().zh
                ),
                format!(
                    "{}: {} allows {} {}, has {}; shorten it or write an own text for {}",
                    meter.vendor.name().en,
                    meter.field.name().en.to_lowercase(),
                    meter.max,
                    meter.unit.name().en,
                    meter.used,
                    meter.vendor.name().en
                ),
            ),
        });
    }
    errors
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn xiaomi_counts_characters_and_names_the_field() {
        let content = Content { title: "药".repeat(50), body: "b".into(), ..Content::default() };
        let errors = check(&content, &[Vendor::Xiaomi]);
        assert_eq!(errors.len(), 1);
        assert_eq!(errors[0].field, "title");
        assert!(errors[0].reason.en.contains("allows 49 chars, has 50"), "{}", errors[0].reason.en);
        assert!(check(&Content { title: "药".repeat(49), ..content }, &[Vendor::Xiaomi]).is_empty());
    }

    #[test]
    fn vivo_counts_a_chinese_character_twice() {
        assert_eq!(Unit::HalfWidths.count("会员日 -50%，é🎉"), 6 + 5 + 2 + 1 + 2);
        let content = Content { title: "药".repeat(21), body: "b".into(), ..Content::default() };
        let errors = check(&content, &[Vendor::Vivo]);
        assert!(errors.len() == 1 && errors[0].reason.en.contains("allows 40 half-width chars, has 42"), "{errors:?}");
        assert!(check(&Content { title: "药".repeat(20), ..content }, &[Vendor::Vivo]).is_empty());
    }

    #[test]
    fn a_vendor_text_of_its_own_mends_it() {
        let mut content = Content { title: "t".repeat(60), body: "b".into(), ..Content::default() };
        content.overrides.insert(Vendor::Xiaomi, crate::content::Override { title: Some("short".into()), ..Default::default() });
        assert!(check(&content, &[Vendor::Apns, Vendor::Xiaomi]).is_empty());
    }

    #[test]
    fn links_are_bounded() {
        let bad = |click| check(&Content { title: "t".into(), body: "b".into(), click, ..Content::default() }, &[]).len();
        assert_eq!(bad(Click::Url { url: "http://a".into() }), 1);
        assert_eq!(bad(Click::Link { link: "javascript:alert(1)".into() }), 1);
        assert_eq!(bad(Click::Link { link: "shop://order/1".into() }), 0);
    }
}
