//! Vendors as data: names, credential fields, limits with source and date, what each can report.
//!
//! How to add a vendor: a variant here, a folder in `pipeline::vendors`, a dialect in the simulator; the compiler names the rest.

use serde::{Deserialize, Serialize};

use crate::field::{Check, CredentialField, FieldKind};
use crate::funnel::{Source, Stage};
use crate::text::Text;

/// Who carries the push.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Vendor {
    Apns,
    Xiaomi,
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

/// How a vendor counts what its pace limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PaceUnit {
    Requests,
    Targets,
}

/// Lane defaults of a vendor; each app's lane may differ at run time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LaneDefaults {
    pub base_url_production: &'static str,
    pub base_url_sandbox: &'static str,
    /// In the vendor's own unit, per second.
    pub pace_per_second: u32,
    pub pace_unit: PaceUnit,
    /// Recipients in one request.
    pub batch: u32,
    /// Recipients in one durable chunk: the most that can become uncertain in one crash, per request in flight.
    pub chunk: u32,
    /// Device messages a day, 0 = no limit known.
    pub daily_quota: u64,
    /// Requests (batch vendors) or streams (APNs) in flight.
    pub in_flight: u32,
    pub source: &'static str,
    /// ISO date on which the figures were read.
    pub checked_on: &'static str,
}

impl Vendor {
    pub const ALL: [Vendor; 2] = [Vendor::Apns, Vendor::Xiaomi];

    pub const fn slug(self) -> &'static str {
        match self {
            Vendor::Apns => "apns",
            Vendor::Xiaomi => "xiaomi",
        }
    }

    pub fn parse(text: &str) -> Option<Vendor> {
        Self::ALL.into_iter().find(|v| v.slug().eq_ignore_ascii_case(text.trim()))
    }

    /// Number in stores; never reused.
    pub const fn code(self) -> i64 {
        match self {
            Vendor::Apns => 1,
            Vendor::Xiaomi => 3,
        }
    }

    pub fn from_code(code: i64) -> Option<Vendor> {
        Self::ALL.into_iter().find(|v| v.code() == code)
    }

    pub const fn name(self) -> Text {
        match self {
            Vendor::Apns => Text::new("APNs", "APNs"),
            Vendor::Xiaomi => Text::new("小米", "Xiaomi"),
        }
    }

    /// Whether tokens of this vendor know a sandbox (`vendors/*.md`, section 1).
    pub const fn has_sandbox(self) -> bool {
        matches!(self, Vendor::Apns)
    }

    pub const fn repeat_class(self) -> RepeatClass {
        match self {
            Vendor::Apns => RepeatClass::Replaces,
            Vendor::Xiaomi => RepeatClass::PhoneShowsOnce,
        }
    }

    pub const fn lane_defaults(self) -> LaneDefaults {
        match self {
            Vendor::Apns => LaneDefaults {
                base_url_production: "https://api.push.apple.com",
                base_url_sandbox: "https://api.sandbox.push.apple.com",
                pace_per_second: 5_000,
                pace_unit: PaceUnit::Requests,
                batch: 1,
                chunk: 250,
                daily_quota: 0,
                in_flight: 500,
                source: "Apple publishes no pace; ours is a courtesy limit",
                checked_on: "2026-11-20",
            },
            Vendor::Xiaomi => LaneDefaults {
                base_url_production: "https://api.xmpush.xiaomi.com",
                base_url_sandbox: "https://api.xmpush.xiaomi.com",
                pace_per_second: 500,
                pace_unit: PaceUnit::Requests,
                batch: 1_000,
                chunk: 1_000,
                daily_quota: 0,
                in_flight: 4,
                source: "dev.mi.com pId 1656: 500 requests/s below 100 k devices",
                checked_on: "2026-11-20",
            },
        }
    }

    /// The credential form, declared once: drawn by the console, checked on both sides, masked by `secret`.
    pub const fn credential_fields(self) -> &'static [CredentialField] {
        match self {
            Vendor::Apns => {
                const {
                    &[
                        CredentialField {
                            name: "team_id",
                            label: Text::new("团队 ID", "Team ID"),
                            help: Text::new("Apple 开发者账号的 10 位团队标识", "The 10-character team id of the Apple developer account"),
                            kind: FieldKind::Line,
                            check: Check::Alphanumeric { len: 10 },
                        },
                        CredentialField {
                            name: "key_id",
                            label: Text::new("密钥 ID", "Key ID"),
                            help: Text::new("p8 密钥的 10 位标识", "The 10-character id of the p8 key"),
                            kind: FieldKind::Line,
                            check: Check::Alphanumeric { len: 10 },
                        },
                        CredentialField {
                            name: "bundle_id",
                            label: Text::new("Bundle ID", "Bundle ID"),
                            help: Text::new("作为 apns-topic 发送", "Sent as apns-topic"),
                            kind: FieldKind::Line,
                            check: Check::ReverseDomain,
                        },
                        CredentialField {
                            name: "p8",
                            label: Text::new("p8 私钥", "p8 private key"),
                            help: Text::new("PEM 全文，以 BEGIN PRIVATE KEY 开头", "The whole PEM text, starting with BEGIN PRIVATE KEY"),
                            kind: FieldKind::SecretText,
                            check: Check::PemPrivateKey,
                        },
                    ]
                }
            }
            Vendor::Xiaomi => {
                const {
                    &[
                        CredentialField {
                            name: "package_name",
                            label: Text::new("包名", "Package name"),
                            help: Text::new("作为 restricted_package_name 发送", "Sent as restricted_package_name"),
                            kind: FieldKind::Line,
                            check: Check::ReverseDomain,
                        },
                        CredentialField {
                            name: "app_secret",
                            label: Text::new("AppSecret", "AppSecret"),
                            help: Text::new("小米开放平台的服务端密钥", "The server secret of the Xiaomi console"),
                            kind: FieldKind::Secret,
                            check: Check::Length { min: 8, max: 128 },
                        },
                        CredentialField {
                            name: "channel_id",
                            label: Text::new("默认通知渠道", "Default channel id"),
                            help: Text::new(
                                "extra.channel_id；文案没有指定时使用，小米要求必填",
                                "extra.channel_id, used when the copy names none; Xiaomi requires one",
                            ),
                            kind: FieldKind::Line,
                            check: Check::Length { min: 1, max: 64 },
                        },
                    ]
                }
            }
        }
    }

    /// Who can say that a recipient reached `stage`. Never a rate across `NotMeasurable`.
    pub const fn source_of(self, stage: Stage) -> Source {
        match (self, stage) {
            (_, Stage::Planned | Stage::Filtered | Stage::Submitted) => Source::Measured,
            (_, Stage::Accepted) => Source::Vendor,
            // The notification service extension reports arrival; APNs itself reports nothing (apns.md, 6).
            (Vendor::Apns, Stage::Delivered | Stage::Clicked) => Source::Measured,
            (Vendor::Apns, Stage::Displayed) => Source::NotMeasurable,
            (Vendor::Xiaomi, Stage::Delivered | Stage::Clicked) => Source::Vendor,
            // Shown is known only when our client says so; Xiaomi reports the tray permission, not the showing (xiaomi.md, 6).
            (Vendor::Xiaomi, Stage::Displayed) => Source::Measured,
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
