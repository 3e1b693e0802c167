//! Vendors as data: names, credential fields, limits with source and date, what each can report.
//!
//! How to add a vendor: a variant here with its [`limits`], [`credentials`] and [`means`], a folder in `pipeline::vendors`,
//! a dialect in the simulator; the compiler names the rest.

use serde::{Deserialize, Serialize};

use crate::funnel::{Source, Stage};
use crate::text::Text;

mod credentials;
pub mod limits;
pub mod means;
pub mod recall;

pub use limits::{LaneDefaults, PaceUnit};

/// Who carries the push.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Vendor {
    Apns,
    Fcm,
    Xiaomi,
    /// Android and HarmonyOS up to 4: tokens of HMS.
    Huawei,
    /// HarmonyOS 5 and later: another kind of token, another key, another interface.
    Harmony,
    Honor,
    Oppo,
    Vivo,
    Meizu,
    Umeng,
    Getui,
    Jpush,
}

/// Where an app, a credential, a token lives. The two never mix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Environment {
    Production,
    Sandbox,
}

impl Environment {
    pub const ALL: [Environment; 2] = [Environment::Production, Environment::Sandbox];

    pub const fn slug(self) -> &'static str {
        match self {
            Environment::Production => "production",
            Environment::Sandbox => "sandbox",
        }
    }

    pub fn parse(text: &str) -> Option<Environment> {
        Self::ALL.into_iter().find(|e| e.slug() == text)
    }

    pub const fn code(self) -> i64 {
        match self {
            Environment::Production => 1,
            Environment::Sandbox => 2,
        }
    }

    pub fn from_code(code: i64) -> Option<Environment> {
        Self::ALL.into_iter().find(|e| e.code() == code)
    }

    pub const fn name(self) -> Text {
        match self {
            Environment::Production => Text::new("生产", "PRODUCTION"),
            Environment::Sandbox => Text::new("沙箱", "SANDBOX"),
        }
    }
}

/// What happens when a request with an unknown outcome is repeated (reliability page, section 2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RepeatClass {
    /// A: the vendor's server drops the repeat.
    ServerDrops,
    /// B: the phone shows it once.
    PhoneShowsOnce,
    /// C: the repeat replaces the shown one and may alert again.
    Replaces,
    /// D: nothing protects; never repeated by itself.
    Nothing,
}

impl Vendor {
    /// Those that are spoken here, in the order lists show them.
    pub const ALL: [Vendor; 12] = [
        Vendor::Apns,
        Vendor::Fcm,
        Vendor::Xiaomi,
        Vendor::Huawei,
        Vendor::Harmony,
        Vendor::Honor,
        Vendor::Oppo,
        Vendor::Vivo,
        Vendor::Meizu,
        Vendor::Umeng,
        Vendor::Getui,
        Vendor::Jpush,
    ];

    pub const fn slug(self) -> &'static str {
        match self {
            Vendor::Apns => "apns",
            Vendor::Fcm => "fcm",
            Vendor::Xiaomi => "xiaomi",
            Vendor::Huawei => "huawei",
            Vendor::Harmony => "harmony",
            Vendor::Honor => "honor",
            Vendor::Oppo => "oppo",
            Vendor::Vivo => "vivo",
            Vendor::Meizu => "meizu",
            Vendor::Umeng => "umeng",
            Vendor::Getui => "getui",
            Vendor::Jpush => "jpush",
        }
    }

    pub fn parse(text: &str) -> Option<Vendor> {
        Self::ALL.into_iter().find(|v| v.slug().eq_ignore_ascii_case(text.trim()))
    }

    /// Number in stores; never reused.
    pub const fn code(self) -> i64 {
        match self {
            Vendor::Apns => 1,
            Vendor::Fcm => 2,
            Vendor::Xiaomi => 3,
            Vendor::Huawei => 4,
            Vendor::Harmony => 12,
            Vendor::Honor => 5,
            Vendor::Oppo => 6,
            Vendor::Vivo => 7,
            Vendor::Meizu => 8,
            Vendor::Umeng => 9,
            Vendor::Getui => 10,
            Vendor::Jpush => 11,
        }
    }

    pub fn from_code(code: i64) -> Option<Vendor> {
        Self::ALL.into_iter().find(|v| v.code() == code)
    }

    pub const fn name(self) -> Text {
        match self {
            Vendor::Apns => Text::new("APNs", "APNs"),
            Vendor::Fcm => Text::new("FCM", "FCM"),
            Vendor::Xiaomi => Text::new("小米", "Xiaomi"),
            Vendor::Huawei => Text::new("华为", "Huawei"),
            Vendor::Harmony => Text::new("鸿蒙", "HarmonyOS"),
            Vendor::Honor => Text::new("荣耀", "Honor"),
            Vendor::Oppo => Text::new("OPPO", "OPPO"),
            Vendor::Vivo => Text::new("vivo", "vivo"),
            Vendor::Meizu => Text::new("魅族", "Meizu"),
            Vendor::Umeng => Text::new("友盟", "Umeng"),
            Vendor::Getui => Text::new("个推", "Getui"),
            Vendor::Jpush => Text::new("极光", "JPush"),
        }
    }

    /// Whether tokens of this vendor know a sandbox (`vendors/*.md`, section 1).
    pub const fn has_sandbox(self) -> bool {
        matches!(self, Vendor::Apns)
    }

    /// Third parties carry what no native lane takes: the floor of every order.
    pub const fn is_third_party(self) -> bool {
        matches!(self, Vendor::Umeng | Vendor::Getui | Vendor::Jpush)
    }

    /// Reliability page, section 2; OPPO by broadcast, Getui by list (both without an id of the request), vivo by its unproven
    /// `requestId` are taken as the weaker kind.
    pub const fn repeat_class(self) -> RepeatClass {
        match self {
            Vendor::Jpush => RepeatClass::ServerDrops,
            Vendor::Xiaomi | Vendor::Harmony => RepeatClass::PhoneShowsOnce,
            Vendor::Apns | Vendor::Fcm | Vendor::Huawei | Vendor::Honor | Vendor::Oppo | Vendor::Vivo | Vendor::Meizu | Vendor::Getui => {
                RepeatClass::Replaces
            }
            Vendor::Umeng => RepeatClass::Nothing,
        }
    }

    /// Who can say that a recipient reached `stage`. Never a rate across `NotMeasurable`.
    pub const fn source_of(self, stage: Stage) -> Source {
        match (self, stage) {
            (_, Stage::Planned | Stage::Filtered | Stage::Submitted) => Source::Measured,
            (_, Stage::Accepted) => Source::Vendor,
            // The notification service extension reports arrival; APNs and FCM themselves report nothing (apns.md, fcm.md, 6).
            (Vendor::Apns | Vendor::Fcm, Stage::Delivered) => Source::Measured,
            (_, Stage::Delivered) => Source::Vendor,
            (Vendor::Apns, Stage::Displayed) => Source::NotMeasurable,
            (Vendor::Getui, Stage::Displayed) => Source::Vendor,
            // Where our client is silent, showing is only concluded from a click or a clearing.
            (_, Stage::Displayed) => Source::Inferred,
            (Vendor::Xiaomi | Vendor::Meizu | Vendor::Umeng | Vendor::Getui | Vendor::Jpush, Stage::Clicked) => Source::Vendor,
            (_, Stage::Clicked) => Source::Measured,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs_and_codes_read_back() {
        for vendor in Vendor::ALL {
            assert_eq!(Vendor::parse(vendor.slug()), Some(vendor));
            assert_eq!(Vendor::from_code(vendor.code()), Some(vendor));
        }
        assert_eq!(Vendor::parse(" XIAOMI "), Some(Vendor::Xiaomi));
        assert_eq!(Vendor::parse("nokia"), None);
    }
}
