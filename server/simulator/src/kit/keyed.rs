//! Accounts of the vendors whose consoles give keys: the same fields as the credential form, and what else a console knows.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::rsa::KeyPair as RsaKeyPair;
use ring::signature::KeyPair;
use serde::{Deserialize, Serialize};
use types::field::Check;
use types::vendor::Vendor;

use crate::Trouble;
use crate::accounts::Phones;

/// An app at any vendor but APNs and Xiaomi.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyedAccount {
    pub vendor: Vendor,
    /// By the names of the console's credential form (`app_id`, `client_secret`, `service_account`, …).
    pub credential: BTreeMap<String, String>,
    /// Device messages a day by the vendor's clock; 0 = unlimited. The dial `daily_quota` wins when set.
    #[serde(default)]
    pub daily_quota: u64,
    /// In any one second, in the vendor's unit; 0 = unlimited. The dial `pace_per_second` wins when set.
    #[serde(default)]
    pub per_second: u32,
    /// In any one minute, for the vendors that count by minutes (FCM, JPush, token calls); 0 = unlimited.
    #[serde(default)]
    pub per_minute: u32,
    /// Marketing messages to one device in a day; absent = what the vendor publishes, 0 = unlimited.
    #[serde(default)]
    pub device_daily: Option<u32>,
    /// Contents that may be saved in a day (OPPO, vivo); 0 = unlimited.
    #[serde(default)]
    pub save_daily: u64,
    /// Where receipts go that are configured in the vendor's console.
    #[serde(default)]
    pub receipts_url: Option<String>,
    /// Further receipt configurations: id to URL (Huawei `receipt_id`, vivo `callback.id`); for Meizu the registered URLs.
    #[serde(default)]
    pub callbacks: BTreeMap<String, String>,
    /// What the vendor has granted this app, by the words in `docs/simulator.md`.
    #[serde(default)]
    pub rights: BTreeSet<String>,
    /// Channels and templates registered in the console; empty = nothing is checked.
    #[serde(default)]
    pub channels: BTreeSet<String>,
    /// Test devices registered in the console.
    #[serde(default)]
    pub test_devices: BTreeSet<String>,
    /// The phones that hold this app report to this address what the vendor cannot.
    #[serde(default)]
    pub phones: Option<Phones>,
}

impl KeyedAccount {
    /// An account with nothing but its credential.
    pub fn new<'a>(vendor: Vendor, credential: impl IntoIterator<Item = (&'a str, &'a str)>) -> KeyedAccount {
        KeyedAccount {
            vendor,
            credential: credential.into_iter().map(|(k, v)| (k.to_owned(), v.to_owned())).collect(),
            daily_quota: 0,
            per_second: 0,
            per_minute: 0,
            device_daily: None,
            save_daily: 0,
            receipts_url: None,
            callbacks: BTreeMap::new(),
            rights: BTreeSet::new(),
            channels: BTreeSet::new(),
            test_devices: BTreeSet::new(),
            phones: None,
        }
    }

    pub(crate) fn identity(&self) -> String {
        if let Some(file) = self.credential.get("service_account") {
            return key_file(file).map(|f| f.project_id).unwrap_or_default();
        }
        let name = if self.vendor == Vendor::Umeng { "appkey" } else { self.key_field() };
        self.credential.get(name).cloned().unwrap_or_default()
    }

    fn key_field(&self) -> &'static str {
        match self.vendor {
            Vendor::Oppo | Vendor::Jpush => "app_key",
            _ => "app_id",
        }
    }

    pub(crate) fn mask(&mut self) {
        for field in self.vendor.credential_fields().iter().filter(|f| f.kind.is_secret()) {
            if let Some(value) = self.credential.get_mut(field.name) {
                *value = value.chars().take(4).chain("…".chars()).collect();
            }
        }
        if let Some(phones) = &mut self.phones {
            phones.client_key = "…".into();
        }
    }
}

/// The parts of a service account's key file, by the names both Google and Huawei use.
#[derive(Deserialize)]
struct KeyFile {
    project_id: String,
    #[serde(default, alias = "private_key_id")]
    key_id: String,
    private_key: String,
    #[serde(default, alias = "client_email")]
    sub_account: String,
    #[serde(default)]
    token_uri: String,
}

fn key_file(text: &str) -> Result<KeyFile, Trouble> {
    serde_json::from_str(text).map_err(|e| Trouble::Account(format!("service_account: {e}")))
}

/// What the twin keeps of a service account: never the private half.
#[derive(Debug, Default)]
pub(crate) struct Service {
    pub(crate) key_id: String,
    pub(crate) sub_account: String,
    pub(crate) token_uri: String,
    /// DER `RSAPublicKey`.
    pub(crate) public: Vec<u8>,
}

/// An account made ready for checking.
#[derive(Debug)]
pub(crate) struct Keyed {
    pub(crate) account: KeyedAccount,
    pub(crate) identity: String,
    pub(crate) service: Option<Service>,
}

impl Keyed {
    /// # Errors
    /// A vendor with an account of its own kind, a missing field, a key that is none.
    pub(crate) fn read(account: &KeyedAccount) -> Result<Keyed, Trouble> {
        let vendor = account.vendor;
        if matches!(vendor, Vendor::Apns | Vendor::Xiaomi) {
            return Err(Trouble::Account(format!("{}: has an account of its own form", vendor.slug())));
        }
        for field in vendor.credential_fields() {
            let given = account.credential.get(field.name);
            // What the platform asks about itself (may it ask for receipts?) is no part of the vendor's console.
            if given.is_none() && matches!(field.check, Check::OneOf(_)) {
                continue;
            }
            if let Some(why) = field.check.complain(given.map_or("", String::as_str)) {
                return Err(Trouble::Account(format!("{}: {}: {}", vendor.slug(), field.name, why.en)));
            }
        }
        let service = match account.credential.get("service_account") {
            None => None,
            Some(text) => {
                let file = key_file(text)?;
                let bad = |why: &str| Trouble::Account(format!("service_account.private_key: {why}"));
                let body: String = file.private_key.lines().filter(|l| !l.contains("-----")).map(str::trim).collect();
                let der = STANDARD.decode(body).map_err(|_| bad("no PEM"))?;
                let pair = RsaKeyPair::from_pkcs8(&der).map_err(|e| bad(&e.to_string()))?;
                Some(Service {
                    key_id: file.key_id,
                    sub_account: file.sub_account,
                    token_uri: file.token_uri,
                    public: pair.public_key().as_ref().to_vec(),
                })
            }
        };
        Ok(Keyed { identity: account.identity(), account: account.clone(), service })
    }

    /// A field of the credential; empty when it is not set.
    pub(crate) fn field(&self, name: &str) -> &str {
        self.account.credential.get(name).map_or("", String::as_str)
    }

    pub(crate) fn may(&self, right: &str) -> bool {
        self.account.rights.contains(right)
    }
}
