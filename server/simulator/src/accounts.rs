//! What the vendors' consoles know: the accounts. Without one, every request is refused; there is no "accept anybody".

use std::collections::BTreeMap;
use std::sync::Arc;

use base64::Engine;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use types::vendor::{Environment, Vendor};

use crate::Trouble;
use crate::dials::vendor_named;
use crate::kit::{Keyed, KeyedAccount};

/// An account at one vendor, as its console holds it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "vendor", rename_all = "lowercase")]
pub enum Account {
    Apns(ApnsAccount),
    Xiaomi(XiaomiAccount),
    /// All others: one form, told apart by their `vendor`.
    #[serde(untagged)]
    Keyed(KeyedAccount),
}

/// By hand, so that a mistake is named by its field and not as "matches no variant".
impl<'de> Deserialize<'de> for Account {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Account, D::Error> {
        use serde::de::Error;
        let mut value = Map::deserialize(from)?;
        let vendor = value.get("vendor").and_then(Value::as_str).and_then(vendor_named);
        let read = match vendor.ok_or_else(|| D::Error::custom("vendor: missing, or none of the twelve"))? {
            Vendor::Apns => {
                value.remove("vendor");
                serde_json::from_value(value.into()).map(Account::Apns)
            }
            Vendor::Xiaomi => {
                value.remove("vendor");
                serde_json::from_value(value.into()).map(Account::Xiaomi)
            }
            _ => serde_json::from_value(value.into()).map(Account::Keyed),
        };
        read.map_err(D::Error::custom)
    }
}

/// A p8 key of a team and the topics it may push to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApnsAccount {
    pub team_id: String,
    pub key_id: String,
    /// PEM: the public key (`BEGIN PUBLIC KEY`), or the p8 itself, of which only the public half is kept.
    pub key: String,
    pub bundle_id: String,
    pub environment: Environment,
    /// The phones that hold this app: they post client reports when a push arrives.
    #[serde(default)]
    pub phones: Option<Phones>,
}

/// Where the app on the phones reports to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Phones {
    /// Whole URL of the client-report endpoint, `http://…/v1/client/reports`.
    pub url: String,
    pub client_key: String,
}

/// An Android app at Xiaomi.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct XiaomiAccount {
    pub package_name: String,
    pub app_secret: String,
    pub channels: Vec<Channel>,
    /// Device messages a day, counted from 00:00 Asia/Shanghai; 0 = unlimited. The dial `daily_quota` wins when set.
    #[serde(default)]
    pub daily_quota: u64,
    /// Requests in any one second; 0 = unlimited. The dial `pace_per_second` wins when set.
    #[serde(default)]
    pub requests_per_second: u32,
}

/// A notification channel registered in Xiaomi's console.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Channel {
    pub id: String,
    #[serde(default)]
    pub class: ChannelClass,
    /// Approved templates of a private channel: template id to the names of its variables.
    #[serde(default)]
    pub templates: BTreeMap<String, Vec<String>>,
}

impl Channel {
    /// A channel of the default class.
    pub fn plain(id: impl Into<String>) -> Channel {
        Channel { id: id.into(), ..Channel::default() }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ChannelClass {
    #[default]
    Default,
    Public,
    /// Needs `extra.template_id` and `extra.template_param` when it has templates.
    Private,
}

impl Account {
    pub fn vendor(&self) -> Vendor {
        match self {
            Account::Apns(_) => Vendor::Apns,
            Account::Xiaomi(_) => Vendor::Xiaomi,
            Account::Keyed(a) => a.vendor,
        }
    }

    /// Two accounts with the same identity replace each other.
    pub fn identity(&self) -> String {
        match self {
            Account::Apns(a) => format!("{}/{}/{}", a.team_id, a.key_id, a.bundle_id),
            Account::Xiaomi(a) => a.package_name.clone(),
            Account::Keyed(a) => a.identity(),
        }
    }

    /// For showing: secrets cut to four characters.
    pub(crate) fn masked(&self) -> Account {
        let mask = |text: &str| text.chars().take(4).chain("…".chars()).collect::<String>();
        let mut copy = self.clone();
        match &mut copy {
            Account::Apns(a) => {
                a.key = "…".into();
                if let Some(phones) = &mut a.phones {
                    phones.client_key = mask(&phones.client_key);
                }
            }
            Account::Xiaomi(a) => a.app_secret = mask(&a.app_secret),
            Account::Keyed(a) => a.mask(),
        }
        copy
    }
}

/// One APNs key with every topic registered for it.
#[derive(Clone, Debug)]
pub(crate) struct Key {
    pub(crate) team_id: String,
    pub(crate) key_id: String,
    pub(crate) point: Vec<u8>,
    pub(crate) environment: Environment,
    pub(crate) topics: Vec<(String, Option<Phones>)>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Accounts {
    listed: Vec<Account>,
    pub(crate) keys: Vec<Key>,
    pub(crate) xiaomi: Vec<XiaomiAccount>,
    pub(crate) keyed: Vec<Arc<Keyed>>,
}

impl Accounts {
    pub(crate) fn add(&mut self, account: Account) -> Result<(), Trouble> {
        // Refuse before anything changes.
        match &account {
            Account::Apns(apns) => drop(point_of(&apns.key)?),
            Account::Keyed(keyed) => drop(Keyed::read(keyed)?),
            Account::Xiaomi(_) => {}
        }
        let identity = account.identity();
        self.listed.retain(|a| a.vendor() != account.vendor() || a.identity() != identity);
        self.listed.push(account);
        self.index()
    }

    pub(crate) fn remove(&mut self, vendor: Vendor, identity: &str) -> Result<bool, Trouble> {
        let before = self.listed.len();
        self.listed.retain(|a| a.vendor() != vendor || a.identity() != identity);
        let removed = self.listed.len() < before;
        self.index()?;
        Ok(removed)
    }

    pub(crate) fn listed(&self) -> &[Account] {
        &self.listed
    }

    fn index(&mut self) -> Result<(), Trouble> {
        self.keys.clear();
        self.xiaomi.clear();
        self.keyed.clear();
        for account in &self.listed {
            match account {
                Account::Xiaomi(a) => self.xiaomi.push(a.clone()),
                Account::Keyed(a) => self.keyed.push(Arc::new(Keyed::read(a)?)),
                Account::Apns(a) => {
                    let topic = (a.bundle_id.clone(), a.phones.clone());
                    let known = self.keys.iter_mut().find(|k| k.team_id == a.team_id && k.key_id == a.key_id);
                    match known {
                        Some(key) => key.topics.push(topic),
                        None => self.keys.push(Key {
                            team_id: a.team_id.clone(),
                            key_id: a.key_id.clone(),
                            point: point_of(&a.key)?,
                            environment: a.environment,
                            topics: vec![topic],
                        }),
                    }
                }
            }
        }
        Ok(())
    }
}

/// The uncompressed P-256 point (65 bytes) of a public key or p8 in PEM.
fn point_of(pem: &str) -> Result<Vec<u8>, Trouble> {
    let bad = || Trouble::Account("APNs key: neither a P-256 public key nor a p8 in PEM".into());
    let private = pem.contains("BEGIN PRIVATE KEY");
    let body: String = pem.lines().filter(|l| !l.contains("-----")).flat_map(|l| l.chars().filter(|c| !c.is_whitespace())).collect();
    let der = base64::engine::general_purpose::STANDARD.decode(body).map_err(|_| bad())?;
    if private {
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &der, &SystemRandom::new()).map_err(|_| bad())?;
        return Ok(pair.public_key().as_ref().to_vec());
    }
    // SubjectPublicKeyInfo of P-256 is a fixed head of 26 bytes and the point 04 x y.
    const HEAD: [u8; 26] = [
        0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01,
        0x07, 0x03, 0x42, 0x00,
    ];
    match der.strip_prefix(HEAD.as_slice()) {
        Some(point) if point.len() == 65 && point[0] == 4 => Ok(point.to_vec()),
        _ => Err(bad()),
    }
}
