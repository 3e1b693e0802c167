//! The dials: how a vendor behaves today. Every share is 0.0 to 1.0, every time in milliseconds, 0 or absent = off.

use serde::{Deserialize, Serialize};
use types::vendor::Vendor;

use crate::accounts::Account;

/// Every vendor the twin knows, whether or not the lanes speak to it yet.
pub const VENDORS: [Vendor; 12] = [
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

/// What FCM's `errorCode` can be.
pub(crate) const FCM_CODES: [&str; 8] = [
    "UNSPECIFIED_ERROR",
    "INVALID_ARGUMENT",
    "UNREGISTERED",
    "SENDER_ID_MISMATCH",
    "QUOTA_EXCEEDED",
    "UNAVAILABLE",
    "INTERNAL",
    "THIRD_PARTY_AUTH_ERROR",
];

/// The vendor of this slug.
pub(crate) fn vendor_named(slug: &str) -> Option<Vendor> {
    VENDORS.into_iter().find(|v| v.slug().eq_ignore_ascii_case(slug))
}

/// How one vendor behaves. The default is a vendor in good health without receipts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Dials {
    pub latency_ms: u32,
    /// Added to the latency, uniform in `0 ..= jitter_ms`.
    pub jitter_ms: u32,
    /// Share of requests that take `slow_ms` longer.
    pub slow_share: f64,
    pub slow_ms: u32,
    /// Share of requests refused with `error`.
    pub error_share: f64,
    /// An APNs reason (`ServiceUnavailable`), an FCM error code (`UNAVAILABLE`), or another vendor's number (`10001`).
    pub error: String,
    pub outage: Outage,
    /// Share of requests answered by a front end with `http_status` before the vendor sees them.
    pub http_share: f64,
    pub http_status: u16,
    /// Seconds in `Retry-After` of those answers, of an outage, and of refusals for pace; 0 = no such header.
    pub retry_after_s: u32,
    /// Share of requests whose connection is closed while their body is being read: nothing was taken.
    pub mid_request_share: f64,
    /// Life of access tokens issued from now on; 0 = the vendor's own.
    pub pass_seconds: u32,
    /// Life of contents saved from now on; 0 = a day.
    pub content_seconds: u32,
    /// Tokens must have the vendor's form, where it has one (OPPO, Umeng).
    pub token_form: bool,
    /// Keep the vendor's hours (vivo: operational messages from 07:00 to 23:00 in China only).
    pub vendor_hours: bool,
    /// Meizu: answer every push with code 300 and another address of the twin.
    pub redirect: bool,
    /// Read the texts as the vendor's review does (vivo: nothing that looks like a test).
    pub review: bool,
    /// Share of calls for an access token that end with 503.
    pub pass_error_share: f64,
    /// Share of the targets of each request, drawn anew each time, that is refused by name (APNs and FCM: see `token_fault_share`).
    pub partial_share: f64,
    /// Share of tokens that are dead, decided by the token's hash: the same tokens every time.
    pub token_fault_share: f64,
    /// What APNs says of a dead token (`Unregistered`, `BadDeviceToken`, …); Xiaomi always says `bad_regids`.
    pub token_fault: String,
    /// Share of requests whose connection is closed before they are looked at: nothing was taken.
    pub reset_share: f64,
    /// Share of requests that are taken and whose answer is then cut: the caller cannot know.
    pub cut_share: f64,
    /// Share of requests that are taken and answered with `garbage`.
    pub garbage_share: f64,
    pub garbage: Garbage,
    /// HTTP/2: GOAWAY after this many requests on a connection.
    pub goaway_every: u32,
    /// GOAWAY with an error code and a reason in its debug data instead of a graceful one.
    pub goaway_error: bool,
    /// HTTP/2: our first SETTINGS come so much later.
    pub late_settings_ms: u32,
    /// HTTP/2: a PING so often; the answers stand in the ledger as `pong`.
    pub ping_ms: u32,
    /// HTTP/2: streams allowed before the first valid APNs token, and after it.
    pub first_streams: u32,
    pub max_streams: u32,
    /// Requests in any one second.
    pub pace_per_second: u32,
    /// Device messages a day from 00:00 Asia/Shanghai.
    pub daily_quota: u64,
    /// Whether magic tokens work (`docs/simulator.md`).
    pub magic: bool,
    /// Accept the JWT forms that Apple accepts though RFC 7515 does not, and a missing push type.
    pub apple_compat: bool,
    /// APNs device tokens must be 64 hex digits.
    pub token_64_hex: bool,
    /// APNs: a key that shows a new JWT earlier than this after its last new one gets `TooManyProviderTokenUpdates`.
    pub resign_seconds: u32,
    pub receipts: Receipts,
}

/// Receipts of the vendor, or (APNs) reports of the phones.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Receipts {
    /// Share of accepted device messages that arrive, decided by token and key.
    pub delivered_share: f64,
    /// Share of the arrived ones that are clicked.
    pub clicked_share: f64,
    /// Share of the arrived ones on phones whose notification switch is off.
    pub switch_off_share: f64,
    pub delay_ms: u32,
    pub jitter_ms: u32,
    /// A click comes this much after the arrival.
    pub click_delay_ms: u32,
    /// Share of receipts that are posted twice.
    pub duplicate_share: f64,
    /// Clicks are posted before arrivals.
    pub out_of_order: bool,
    pub never: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outage {
    #[default]
    None,
    /// 503 to everything.
    Error,
    /// Nothing is ever answered.
    Hang,
    /// Connections are closed at once.
    Refuse,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Garbage {
    #[default]
    Empty,
    Html,
    TruncatedJson,
    WrongTypes,
    /// JSON with a number that is none.
    Nan,
    /// The success of another vendor.
    OtherVendor,
    /// A small body that unpacks to 100 MiB.
    GzipBomb,
    /// 100 MiB as they are.
    Huge,
}

impl Garbage {
    pub(crate) fn body(self, vendor: Vendor) -> &'static str {
        match self {
            Garbage::Empty | Garbage::GzipBomb | Garbage::Huge => "",
            Garbage::Nan => r#"{"code":NaN,"result":Infinity,"data":{"id":-0}}"#,
            Garbage::OtherVendor if vendor == Vendor::Huawei => r#"{"result":"ok","code":0,"data":{"id":"sdm1"},"info":"Received push"}"#,
            Garbage::OtherVendor => r#"{"code":"80000000","msg":"Success","requestId":"175343040012300001001701"}"#,
            Garbage::Html => "<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>",
            Garbage::TruncatedJson => r#"{"result":"ok","code":0,"data":{"id":"sdm"#,
            Garbage::WrongTypes => r#"{"result":true,"code":"zero","reason":42,"data":[1,2,3]}"#,
        }
    }
}

impl Default for Dials {
    fn default() -> Dials {
        Dials {
            latency_ms: 0,
            jitter_ms: 0,
            slow_share: 0.0,
            slow_ms: 3_000,
            error_share: 0.0,
            error: String::new(),
            outage: Outage::None,
            http_share: 0.0,
            http_status: 429,
            retry_after_s: 0,
            mid_request_share: 0.0,
            pass_seconds: 0,
            pass_error_share: 0.0,
            content_seconds: 0,
            token_form: true,
            vendor_hours: false,
            redirect: false,
            review: false,
            partial_share: 0.0,
            token_fault_share: 0.0,
            token_fault: "Unregistered".into(),
            reset_share: 0.0,
            cut_share: 0.0,
            garbage_share: 0.0,
            garbage: Garbage::Empty,
            goaway_every: 0,
            goaway_error: false,
            late_settings_ms: 0,
            ping_ms: 0,
            first_streams: 1,
            max_streams: 1_000,
            pace_per_second: 0,
            daily_quota: 0,
            magic: true,
            apple_compat: false,
            token_64_hex: true,
            resign_seconds: 1_200,
            receipts: Receipts::default(),
        }
    }
}

impl Dials {
    /// Every complaint about these values, empty when they make sense for `vendor`.
    pub fn complaints(&self, vendor: Vendor) -> Vec<String> {
        let mut found = Vec::new();
        let shares = [
            ("slow_share", self.slow_share),
            ("error_share", self.error_share),
            ("partial_share", self.partial_share),
            ("http_share", self.http_share),
            ("mid_request_share", self.mid_request_share),
            ("pass_error_share", self.pass_error_share),
            ("token_fault_share", self.token_fault_share),
            ("reset_share", self.reset_share),
            ("cut_share", self.cut_share),
            ("garbage_share", self.garbage_share),
            ("receipts.delivered_share", self.receipts.delivered_share),
            ("receipts.clicked_share", self.receipts.clicked_share),
            ("receipts.switch_off_share", self.receipts.switch_off_share),
            ("receipts.duplicate_share", self.receipts.duplicate_share),
        ];
        for (name, share) in shares {
            if !(0.0..=1.0).contains(&share) {
                found.push(format!("{name}: {share} is not between 0 and 1"));
            }
        }
        if !(400..600).contains(&self.http_status) {
            found.push(format!("http_status: {} is no refusal (400 to 599)", self.http_status));
        }
        if self.first_streams == 0 || self.max_streams == 0 {
            found.push("first_streams and max_streams: at least 1".into());
        }
        let known = |reason: &str| crate::apns::Reason::parse(reason).is_some();
        match vendor {
            Vendor::Apns => {
                if !self.error.is_empty() && !known(&self.error) {
                    found.push(format!("error: `{}` is not a reason of APNs", self.error));
                }
                if !known(&self.token_fault) {
                    found.push(format!("token_fault: `{}` is not a reason of APNs", self.token_fault));
                }
            }
            Vendor::Fcm => {
                if !self.error.is_empty() && !FCM_CODES.contains(&self.error.as_str()) {
                    found.push(format!("error: `{}` is not an error code of FCM", self.error));
                }
            }
            _ => {
                if !self.error.is_empty() && self.error.parse::<i64>().is_err() {
                    found.push(format!("error: `{}` is not a code of {}", self.error, vendor.slug()));
                }
            }
        }
        if self.error_share > 0.0 && self.error.is_empty() {
            found.push("error: which one? error_share is set and error is empty".into());
        }
        found
    }
}

/// Accounts, dials and what changes when: the content of a scenario file (JSON or TOML).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Scenario {
    pub accounts: Vec<Account>,
    pub apns: Option<Dials>,
    pub fcm: Option<Dials>,
    pub xiaomi: Option<Dials>,
    pub huawei: Option<Dials>,
    pub harmony: Option<Dials>,
    pub honor: Option<Dials>,
    pub oppo: Option<Dials>,
    pub vivo: Option<Dials>,
    pub meizu: Option<Dials>,
    pub umeng: Option<Dials>,
    pub getui: Option<Dials>,
    pub jpush: Option<Dials>,
    /// In order; each waits `after_ms` after the one before.
    pub steps: Vec<Step>,
}

/// One change of dials: the named fields change, the others stay.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    pub after_ms: u64,
    pub vendor: Vendor,
    pub dials: serde_json::Map<String, serde_json::Value>,
}

impl Scenario {
    /// The dials it sets, by vendor.
    pub fn dials(&self) -> [(Vendor, Option<&Dials>); 12] {
        VENDORS.map(|vendor| {
            let dials = match vendor {
                Vendor::Apns => &self.apns,
                Vendor::Fcm => &self.fcm,
                Vendor::Xiaomi => &self.xiaomi,
                Vendor::Huawei => &self.huawei,
                Vendor::Harmony => &self.harmony,
                Vendor::Honor => &self.honor,
                Vendor::Oppo => &self.oppo,
                Vendor::Vivo => &self.vivo,
                Vendor::Meizu => &self.meizu,
                Vendor::Umeng => &self.umeng,
                Vendor::Getui => &self.getui,
                Vendor::Jpush => &self.jpush,
            };
            (vendor, dials.as_ref())
        })
    }

    /// Reads JSON when the text starts with `{`, TOML otherwise.
    pub fn read(text: &str) -> Result<Scenario, crate::Trouble> {
        let read = if text.trim_start().starts_with('{') {
            serde_json::from_str(text).map_err(|e| e.to_string())
        } else {
            toml::from_str(text).map_err(|e| e.to_string())
        };
        read.map_err(|e| crate::Trouble::Scenario(e.trim().to_owned()))
    }
}

/// `dials` with the fields of `patch` (nested objects field by field).
pub(crate) fn patched(dials: &Dials, patch: &serde_json::Map<String, serde_json::Value>) -> Result<Dials, String> {
    fn merge(into: &mut serde_json::Value, from: &serde_json::Value) {
        match (into, from) {
            (serde_json::Value::Object(into), serde_json::Value::Object(from)) => {
                for (key, value) in from {
                    merge(into.entry(key.clone()).or_insert(serde_json::Value::Null), value);
                }
            }
            (into, from) => *into = from.clone(),
        }
    }
    let mut value = serde_json::to_value(dials).map_err(|e| e.to_string())?;
    merge(&mut value, &serde_json::Value::Object(patch.clone()));
    serde_json::from_value(value).map_err(|e| e.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patch_changes_only_what_it_names() -> Result<(), String> {
        let patch = serde_json::json!({"latency_ms": 20, "receipts": {"delivered_share": 0.9}});
        let patch = patch.as_object().ok_or("object")?;
        let dials = patched(&Dials { goaway_every: 7, ..Dials::default() }, patch)?;
        assert_eq!((dials.latency_ms, dials.goaway_every, dials.receipts.delivered_share), (20, 7, 0.9));
        let typo = serde_json::json!({"latencyms": 20});
        assert!(patched(&dials, typo.as_object().ok_or("object")?).is_err());
        Ok(())
    }

    #[test]
    fn a_scenario_reads_from_toml_and_from_json() -> Result<(), crate::Trouble> {
        let toml = "[xiaomi]\npartial_share = 0.1\n\n[[accounts]]\nvendor = \"xiaomi\"\npackage_name = \"com.example.app\"\napp_secret = \"secret-secret\"\nchannels = [{ id = \"100234\" }]\n\n[[steps]]\nafter_ms = 500\nvendor = \"apns\"\ndials = { outage = \"error\" }\n";
        let read = Scenario::read(toml)?;
        assert_eq!(read.xiaomi.as_ref().map(|d| d.partial_share), Some(0.1));
        assert_eq!(read.accounts.len(), 1);
        assert_eq!(read.steps.len(), 1);
        let json = serde_json::to_string(&read).map_err(|e| crate::Trouble::Scenario(e.to_string()))?;
        assert_eq!(Scenario::read(&json)?, read);
        assert!(Scenario::read("[nokia]\n").is_err());
        Ok(())
    }

    #[test]
    fn senseless_dials_are_named() {
        let dials = Dials { error_share: 2.0, error: "Nonsense".into(), max_streams: 0, ..Dials::default() };
        assert_eq!(dials.complaints(Vendor::Apns).len(), 3);
        assert!(Dials::default().complaints(Vendor::Xiaomi).is_empty());
    }
}
