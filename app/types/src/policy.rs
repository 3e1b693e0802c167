//! Rules of an app: quiet hours, caps, blacklist, stop switch. One document per app, changed whole, with a revision.

use serde::{Deserialize, Serialize};

use crate::Millis;
use crate::content::{MessageClass, Rank};
use crate::field::FieldError;
use crate::hours::Hours;
use crate::text::Text;
use crate::vendor::Vendor;

/// The zone of an app whose rules name none.
pub const DEFAULT_ZONE: &str = "Asia/Shanghai";
/// Rules of one kind.
pub const RULES_MAX: usize = 20;
/// A cap's number, and the largest window for the same content.
pub const CAP_MAX: u32 = 1_000;
pub const SAME_CONTENT_MAX_MINUTES: u32 = 7 * 24 * 60;
/// Characters of a business type, a zone, a reason.
pub const BUSINESS_MAX: usize = 40;
pub const REASON_MAX: usize = 200;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rules {
    /// IANA; days and quiet hours are told by it.
    pub zone: String,
    pub quiet: Vec<Quiet>,
    pub caps: Vec<Cap>,
    pub same_content: Option<SameContent>,
    pub vendor_caps: Vec<VendorCap>,
    /// Business types whose bulk messages go before all other bulk.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub key_businesses: Vec<String>,
    /// A campaign to more devices is approved by a second person; 0 = never.
    #[serde(skip_serializing_if = "is_never")]
    pub approve_above: u64,
    /// Before a campaign to more devices the app's name is typed; 0 = never.
    #[serde(skip_serializing_if = "is_usual")]
    pub confirm_above: u64,
}

/// Devices above which the app's name is typed, where no rule says otherwise.
pub const CONFIRM_ABOVE: u64 = 100_000;

// Written only where they differ: a node of the version before reads the rest.
const fn is_never(n: &u64) -> bool {
    *n == 0
}

const fn is_usual(n: &u64) -> bool {
    *n == CONFIRM_ABOVE
}

impl Default for Rules {
    fn default() -> Rules {
        Rules {
            zone: DEFAULT_ZONE.to_owned(),
            quiet: Vec::new(),
            caps: Vec::new(),
            same_content: None,
            vendor_caps: Vec::new(),
            key_businesses: Vec::new(),
            approve_above: 0,
            confirm_above: CONFIRM_ABOVE,
        }
    }
}

/// Hours in which nobody is disturbed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quiet {
    /// Empty = every business type.
    #[serde(default)]
    pub businesses: Vec<String>,
    /// Minutes of the day; `from > to` goes over midnight.
    pub from: u16,
    pub to: u16,
    pub by: ZoneOf,
    pub then: Then,
    /// Only ever about the class transactional: bulk cannot be exempt.
    #[serde(default)]
    pub transactional_exempt: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ZoneOf {
    #[default]
    App,
    /// The device's own zone where it named one.
    User,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Then {
    /// Waits until the quiet hours end.
    #[default]
    Hold,
    Drop,
}

/// At most so many messages for one person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cap {
    /// Counts messages of this business type only; `None` = all.
    #[serde(default)]
    pub business: Option<String>,
    pub per: Span,
    pub most: u32,
    #[serde(default)]
    pub transactional_exempt: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Span {
    /// A day of the app's zone.
    #[default]
    Day,
    /// Today and the six days before.
    Week,
}

impl Span {
    pub const fn name(self) -> Text {
        match self {
            Span::Day => Text::new("每天", "a day"),
            Span::Week => Text::new("7 天内", "in 7 days"),
        }
    }
}

/// The same content to the same person once in so many minutes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SameContent {
    pub minutes: u32,
    #[serde(default)]
    pub transactional_exempt: bool,
}

/// What a vendor takes of bulk messages for one device and day (days of China), with where the figure is from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VendorCap {
    pub vendor: Vendor,
    pub most: u32,
    #[serde(default)]
    pub source: String,
    /// `2026-11-21`
    #[serde(default)]
    pub as_of: String,
}

/// The app-wide stop switch: nothing of the app is sent while it is on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stopped {
    pub by: String,
    pub at: Millis,
    pub why: String,
}

/// App versions a message is for; inclusive.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Versions {
    pub min: Option<String>,
    pub max: Option<String>,
}

impl Versions {
    /// `None` when neither end is set.
    pub fn of(min: &str, max: &str) -> Option<Versions> {
        let end = |text: &str| Some(text.trim().to_owned()).filter(|t| !t.is_empty());
        let versions = Versions { min: end(min), max: end(max) };
        (versions != Versions::default()).then_some(versions)
    }

    /// A device that never told its version is outside.
    pub fn holds(&self, version: &str) -> bool {
        let Some(version) = parts(version) else { return false };
        let end = |text: &Option<String>| text.as_deref().and_then(parts);
        end(&self.min).is_none_or(|min| version >= min) && end(&self.max).is_none_or(|max| version <= max)
    }

    /// In words for a reason: `2.0 to 3.1`.
    pub fn words(&self) -> String {
        match (&self.min, &self.max) {
            (Some(min), Some(max)) => format!("{min} to {max}"),
            (Some(min), None) => format!("{min} or later"),
            (None, Some(max)) => format!("{max} or earlier"),
            (None, None) => "every version".to_owned(),
        }
    }

    pub fn check(&self, field: &str) -> Vec<FieldError> {
        let mut errors = Vec::new();
        for (name, end) in [("min", &self.min), ("max", &self.max)] {
            if end.as_deref().is_some_and(|text| parts(text).is_none() || text.len() > 40) {
                errors.push(FieldError::new(format!("{field}.{name}"), Text::new("写成 1.2.3 的形式", "write it as 1.2.3")));
            }
        }
        if let (Some(min), Some(max)) = (self.min.as_deref().and_then(parts), self.max.as_deref().and_then(parts))
            && min > max
        {
            errors.push(FieldError::new(format!("{field}.max"), Text::new("最高版本低于最低版本", "is below the smallest version")));
        }
        errors
    }
}

/// `1.2.3-beta` as numbers without zeros at the end; `None` when it begins with no digit.
fn parts(version: &str) -> Option<Vec<u64>> {
    let version = version.trim().trim_start_matches(['v', 'V']);
    let numbers = version.split(|c: char| !c.is_ascii_digit() && c != '.').next().unwrap_or("");
    let mut list = numbers.split('.').map(|n| n.parse::<u64>().ok()).collect::<Option<Vec<u64>>>()?;
    while list.last() == Some(&0) {
        list.pop();
    }
    Some(list)
}

/// What the rules are asked about.
#[derive(Clone, Copy, Debug)]
pub struct About<'a> {
    pub class: MessageClass,
    pub business: &'a str,
    /// The message's own hours.
    pub hours: Option<Hours>,
}

impl Quiet {
    pub fn concerns(&self, about: About<'_>) -> bool {
        let exempt = self.transactional_exempt && about.class == MessageClass::Transactional;
        !exempt && (self.businesses.is_empty() || self.businesses.iter().any(|b| b == about.business))
    }
}

impl Cap {
    pub fn concerns(&self, about: About<'_>) -> bool {
        let exempt = self.transactional_exempt && about.class == MessageClass::Transactional;
        !exempt && self.business.as_deref().is_none_or(|b| b == about.business)
    }
}

impl Rules {
    /// The place in every line.
    pub fn rank(&self, about: About<'_>) -> Rank {
        match about.class {
            MessageClass::Bulk if self.key_businesses.iter().any(|b| b == about.business) => Rank::Key,
            class => class.into(),
        }
    }

    /// Whether a slot must be claimed for such a message: only then it costs anything.
    pub fn counts(&self, about: About<'_>) -> bool {
        let same = self.same_content.is_some_and(|rule| !(rule.transactional_exempt && about.class == MessageClass::Transactional));
        same || (about.class == MessageClass::Bulk && !self.vendor_caps.is_empty()) || self.caps.iter().any(|cap| cap.concerns(about))
    }

    /// Whether people of different zones must be told apart.
    pub fn by_user_zone(&self, about: About<'_>) -> bool {
        about.hours.is_some_and(|hours| hours.by == ZoneOf::User)
            || self.quiet.iter().any(|quiet| quiet.by == ZoneOf::User && quiet.concerns(about))
    }

    /// Every complaint but the zone's, which only the server can judge.
    pub fn check(&self) -> Vec<FieldError> {
        let mut errors = Vec::new();
        let mut bad = |field: String, text: Text| errors.push(FieldError::new(field, text));
        let business = |text: &str| !text.trim().is_empty() && text.chars().count() <= BUSINESS_MAX;
        for (n, name) in [(self.quiet.len(), "quiet"), (self.caps.len(), "caps"), (self.vendor_caps.len(), "vendor_caps")] {
            if n > RULES_MAX {
                bad(name.to_owned(), Text::new("最多 20 条", "at most 20 rules"));
            }
        }
        if self.key_businesses.len() > RULES_MAX || !self.key_businesses.iter().all(|b| business(b)) {
            bad("key_businesses".to_owned(), Text::new("业务类型 1–40 个字，最多 20 个", "1 to 40 characters each, at most 20"));
        }
        for (i, quiet) in self.quiet.iter().enumerate() {
            if quiet.from >= 1_440 || quiet.to >= 1_440 || quiet.from == quiet.to {
                bad(
                    format!("quiet[{i}].from"),
                    Text::new("开始与结束须不同，且在一天之内", "start and end must differ and lie within a day"),
                );
            }
            if quiet.businesses.len() > RULES_MAX || !quiet.businesses.iter().all(|b| business(b)) {
                bad(format!("quiet[{i}].businesses"), Text::new("业务类型 1–40 个字，最多 20 个", "1 to 40 characters each, at most 20"));
            }
        }
        for (i, cap) in self.caps.iter().enumerate() {
            if !(1..=CAP_MAX).contains(&cap.most) {
                bad(format!("caps[{i}].most"), Text::new("1–1000 条", "1 to 1000 messages"));
            }
            if !cap.business.as_deref().is_none_or(business) {
                bad(format!("caps[{i}].business"), Text::new("业务类型 1–40 个字", "1 to 40 characters"));
            }
        }
        if self.same_content.is_some_and(|rule| !(1..=SAME_CONTENT_MAX_MINUTES).contains(&rule.minutes)) {
            bad("same_content.minutes".to_owned(), Text::new("1–10080 分钟", "1 to 10080 minutes"));
        }
        for (i, cap) in self.vendor_caps.iter().enumerate() {
            if !(1..=CAP_MAX).contains(&cap.most) {
                bad(format!("vendor_caps[{i}].most"), Text::new("1–1000 条", "1 to 1000 messages"));
            }
            if cap.source.chars().count() > REASON_MAX || cap.as_of.chars().count() > 10 {
                bad(format!("vendor_caps[{i}].source"), Text::new("出处最多 200 字，日期 10 字", "source up to 200, date 10 characters"));
            }
            if self.vendor_caps[..i].iter().any(|other| other.vendor == cap.vendor) {
                bad(format!("vendor_caps[{i}].vendor"), Text::new("每个厂商一条", "one rule for each vendor"));
            }
        }
        errors
    }
}

/// What vendors publish for apps that are no news apps, to start from. Their classes are their own; bulk stands for
/// marketing here.
pub fn published_caps() -> Vec<VendorCap> {
    [
        (Vendor::Huawei, 2, "Huawei Push Kit: marketing messages per device and day (news apps with a licence: 5)", "2026-11-21"),
        (Vendor::Honor, 2, "Honor Push: information & marketing per device, app and day, since 2023-02-01 (news: 5)", "2026-11-21"),
        (Vendor::Oppo, 2, "OPPO Push: public channel per device and day (news: 5)", "2026-11-21"),
        (Vendor::Vivo, 2, "vivo Push: operational messages per device and day (news: 5)", "2026-11-21"),
        (Vendor::Xiaomi, 5, "MiPush: public class per device, app and day, 2026-02 (licence: 8)", "2026-11-21"),
        (Vendor::Meizu, 3, "Flyme Push: public messages per device and day, since 2025-05-07 (news: 5)", "2026-11-21"),
    ]
    .into_iter()
    .map(|(vendor, most, source, as_of)| VendorCap { vendor, most, source: source.to_owned(), as_of: as_of.to_owned() })
    .collect()
}

/// What "used" means, shown beside every cap.
pub const COUNTED: Text = Text::new(
    "计入的是厂商已接收、或仍可能送达（等待、不确定）的消息，不是尝试次数；一个人多台设备收同一条计 1；被拒绝、过期、取消或过滤后名额退回",
    "Counted is what a vendor accepted or may still deliver (waiting, uncertain), not attempts; one message on several devices of a person is 1; \
     refused, expired, cancelled and filtered ones give their place back",
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_compare_by_number() {
        let from = |min: &str, max: &str| Versions::of(min, max).unwrap();
        assert!(from("1.9", "").holds("1.10.0"), "ten is more than nine");
        assert!(from("2.0", "2.0").holds("2"));
        assert!(from("", "3.1").holds("3.1.0"));
        assert!(!from("", "3.1").holds("3.1.1"));
        assert!(from("1.2", "").holds("v1.2.3-beta"));
        assert!(!from("1.2", "").holds(""), "nobody knows");
        assert!(!from("1.2", "").holds("nightly"));
        assert_eq!(Versions::of(" ", ""), None);
        assert_eq!(from("2", "1").check("versions").len(), 1);
        assert_eq!(from("x", "1").check("versions").len(), 1);
    }

    #[test]
    fn rules_read_back_and_bad_ones_are_named() {
        let mut rules = Rules { vendor_caps: published_caps(), ..Rules::default() };
        assert_eq!(rules.check(), []);
        rules.quiet.push(Quiet {
            businesses: vec![String::new()],
            from: 60,
            to: 60,
            by: ZoneOf::User,
            then: Then::Drop,
            transactional_exempt: true,
        });
        rules.caps.push(Cap { business: None, per: Span::Week, most: 0, transactional_exempt: false });
        rules.same_content = Some(SameContent { minutes: 0, transactional_exempt: false });
        rules.vendor_caps.push(VendorCap { vendor: Vendor::Huawei, most: 1, source: String::new(), as_of: String::new() });
        let fields: Vec<String> = rules.check().into_iter().map(|e| e.field).collect();
        assert_eq!(fields, ["quiet[0].from", "quiet[0].businesses", "caps[0].most", "same_content.minutes", "vendor_caps[6].vendor"]);
        let text = serde_json::to_string(&rules).unwrap();
        assert_eq!(serde_json::from_str::<Rules>(&text).unwrap(), rules);
        assert!(serde_json::from_str::<Rules>(r#"{"quite":[]}"#).is_err(), "a word nobody knows is no rule");
    }

    #[test]
    fn a_key_business_type_goes_before_other_bulk_and_never_before_a_person() {
        let rules = Rules { key_businesses: vec!["visit".into()], ..Rules::default() };
        let rank = |class, business| rules.rank(About { class, business, hours: None });
        assert_eq!(rank(MessageClass::Bulk, "visit"), Rank::Key);
        assert_eq!((rank(MessageClass::Bulk, "news"), rank(MessageClass::Bulk, "")), (Rank::Bulk, Rank::Bulk));
        assert_eq!(rank(MessageClass::Transactional, "visit"), Rank::Urgent);
        assert!(Rank::ALL.is_sorted_by_key(|rank| rank.priority()), "smaller goes first");
        for rank in Rank::ALL {
            assert_eq!(Rank::of_priority(rank.priority()), rank);
        }
        let bad = |list: Vec<String>| Rules { key_businesses: list, ..Rules::default() }.check().len();
        assert_eq!((bad(vec![" ".into()]), bad(vec!["x".repeat(41)]), bad(vec!["x".into(); 21]), bad(vec!["x".into()])), (1, 1, 1, 0));
    }

    #[test]
    fn bulk_is_never_exempt() {
        let quiet = Quiet { businesses: vec![], from: 0, to: 1, by: ZoneOf::App, then: Then::Hold, transactional_exempt: true };
        assert!(quiet.concerns(About { class: MessageClass::Bulk, business: "b", hours: None }));
        assert!(!quiet.concerns(About { class: MessageClass::Transactional, business: "b", hours: None }));
    }
}
