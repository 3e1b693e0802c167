//! What the pages about apps and devices show.

use serde::{Deserialize, Serialize};

use crate::Millis;
use crate::ids::{AppId, DeviceId};
use crate::vendor::{Environment, Vendor};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppCard {
    pub id: AppId,
    pub name: String,
    pub description: String,
    pub environment: Environment,
    pub app_key: String,
    pub devices: u64,
    /// Vendors with a credential.
    pub ready: Vec<Vendor>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretView {
    pub no: i64,
    pub created_at: Millis,
    pub last_used_at: Option<Millis>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CredentialView {
    /// Field name -> what may be shown of it.
    pub hints: Vec<(String, String)>,
    pub updated_at: Millis,
    pub updated_by: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LaneView {
    pub vendor: Vendor,
    pub enabled: bool,
    pub base_url: String,
    pub ca_pem: String,
    pub pace_per_second: u32,
    pub batch: u32,
    pub in_flight: u32,
    pub daily_quota: u64,
    /// Part of the day kept for what a person waits for.
    pub reserve_percent: u32,
    pub egress_proxy: String,
    /// Ways out, one a line.
    pub ways: String,
    pub timeout_ms: u32,
    /// Why it stands still.
    pub paused: Option<String>,
    pub credential: Option<CredentialView>,
    /// Where this vendor posts receipts, when the server knows its own address.
    pub callback_url: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppDetail {
    pub id: AppId,
    pub name: String,
    pub description: String,
    pub environment: Environment,
    pub default_title: String,
    pub vendor_order: Vec<Vendor>,
    pub services: Vec<String>,
    pub app_key: String,
    pub client_key: String,
    pub created_at: Millis,
    pub secrets: Vec<SecretView>,
    pub lanes: Vec<LaneView>,
    /// An appSecret that was just made; shown this once.
    pub fresh_secret: Option<String>,
    /// Address for examples.
    pub public_url: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenView {
    pub vendor: Vendor,
    /// First and last four characters.
    pub masked: String,
    pub environment: Environment,
    pub active: bool,
    pub reason: Option<String>,
    pub registered_at: Millis,
    pub quarantined_at: Option<Millis>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceView {
    pub id: DeviceId,
    pub user_id: Option<String>,
    pub model: String,
    pub os_version: String,
    pub app_version: String,
    pub notifications_on: Option<bool>,
    pub environment: Environment,
    pub test: bool,
    pub created_at: Millis,
    pub seen_at: Millis,
    pub tokens: Vec<TokenView>,
}

/// What the list of devices is narrowed to; empty = everything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceQuery {
    pub user: String,
    pub token: String,
    pub vendor: String,
    /// `yes`, `no` or empty.
    pub test: String,
    pub after: String,
}

/// `abcd…wxyz`; short tokens are hidden whole.
pub fn mask(token: &str) -> String {
    let chars: Vec<char> = token.chars().collect();
    if chars.len() < 16 {
        return "…".to_owned();
    }
    let head: String = chars[..4].iter().collect();
    let tail: String = chars[chars.len() - 4..].iter().collect();
    format!("{head}…{tail}")
}

#[cfg(test)]
mod tests {
    use super::mask;

    #[test]
    fn a_masked_token_tells_little() {
        assert_eq!(mask("0123456789abcdef0123"), "0123…0123");
        assert_eq!(mask("short"), "…");
    }
}
