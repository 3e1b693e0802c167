//! Invented vendor credentials of the sample apps: made once, kept in the data folder. Only the simulator takes them.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use pipeline::world::World;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use serde::{Deserialize, Serialize};
use serde_json::json;
use types::vendor::{Environment, Vendor};

/// Where the Xiaomi demo app shows its notifications.
pub const CHANNEL: &str = "carillon-demo";
/// The callback id that vivo's console would give.
pub const VIVO_CALLBACK: &str = "1";
/// Signs as the service account of Google and of Huawei. It opens nothing: ring cannot make RSA keys, so all demos share this one.
const SERVICE_KEY: &str = include_str!("service_key.pem");

/// One app's invented vendor credentials.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Keys {
    pub team_id: String,
    pub key_id: String,
    pub p8: String,
    pub bundle_id: String,
    pub environment: Environment,
    pub xiaomi_secret: String,
    /// Of the other vendors, by the names of their forms. Absent in data folders of earlier versions.
    #[serde(default)]
    pub others: BTreeMap<Vendor, BTreeMap<String, String>>,
}

impl Keys {
    pub fn fresh(world: &World, bundle_id: &str, environment: Environment) -> anyhow::Result<Keys> {
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new())
            .map_err(|_| anyhow::anyhow!("no randomness for a key"))?;
        let body = STANDARD.encode(pkcs8.as_ref());
        let lines: Vec<&str> = (0..body.len()).step_by(64).map(|i| &body[i..(i + 64).min(body.len())]).collect();
        let upper = |bytes: [u8; 5]| hex::encode(bytes).to_uppercase();
        let mut keys = Keys {
            team_id: upper(world.bytes()),
            key_id: upper(world.bytes()),
            p8: format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", lines.join("\n")),
            bundle_id: bundle_id.to_owned(),
            environment,
            xiaomi_secret: hex::encode(world.bytes::<16>()),
            others: BTreeMap::new(),
        };
        keys.complete(world);
        Ok(keys)
    }

    /// Invents what is missing; `true` when something was.
    pub fn complete(&mut self, world: &World) -> bool {
        let before = self.others.len();
        for vendor in Vendor::ALL {
            if !matches!(vendor, Vendor::Apns | Vendor::Xiaomi) {
                self.others.entry(vendor).or_insert_with(|| invent(world, vendor, self.environment));
            }
        }
        self.others.len() > before
    }

    /// Credential fields as the form of this vendor names them.
    pub fn fields(&self, vendor: Vendor) -> Vec<(String, String)> {
        let pairs: &[(&str, &str)] = match vendor {
            Vendor::Apns => &[("team_id", &self.team_id), ("key_id", &self.key_id), ("bundle_id", &self.bundle_id), ("p8", &self.p8)],
            Vendor::Xiaomi => &[("package_name", &self.bundle_id), ("app_secret", &self.xiaomi_secret), ("channel_id", CHANNEL)],
            other => return self.others.get(&other).map(|fields| fields.clone().into_iter().collect()).unwrap_or_default(),
        };
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }
}

fn invent(world: &World, vendor: Vendor, environment: Environment) -> BTreeMap<String, String> {
    let word = || hex::encode(world.bytes::<12>());
    let number = || (100_000_000 + u64::from(u32::from_le_bytes(world.bytes()))).to_string();
    let project = format!("bell-{}-{}", environment.slug(), hex::encode(world.bytes::<4>()));
    let pairs: Vec<(&str, String)> = match vendor {
        // These two have fields of their own in `Keys`.
        Vendor::Apns | Vendor::Xiaomi => Vec::new(),
        Vendor::Fcm => vec![
            (
                "service_account",
                json!({ "type": "service_account", "project_id": project, "private_key_id": word(), "private_key": SERVICE_KEY,
                    "client_email": format!("push@{project}.example.com"), "token_uri": "https://oauth2.googleapis.com/token" })
                .to_string(),
            ),
            ("channel_id", String::new()),
        ],
        Vendor::Harmony => vec![
            (
                "service_account",
                json!({ "project_id": number(), "key_id": word(), "private_key": SERVICE_KEY, "sub_account": number() }).to_string(),
            ),
            ("callback_user", "bell".to_owned()),
            ("callback_key", word()),
        ],
        Vendor::Huawei => vec![
            ("app_id", number()),
            ("client_secret", word()),
            ("channel_id", String::new()),
            ("badge_class", String::new()),
            ("callback_user", "bell".to_owned()),
            ("callback_key", word()),
        ],
        Vendor::Honor => {
            vec![("app_id", number()), ("client_id", word()), ("client_secret", word()), ("badge_class", String::new())]
        }
        Vendor::Oppo => vec![("app_key", word()), ("master_secret", word()), ("channel_id", String::new())],
        Vendor::Vivo => {
            vec![("app_id", number()), ("app_key", word()), ("app_secret", word()), ("callback_id", VIVO_CALLBACK.to_owned())]
        }
        Vendor::Meizu => vec![("app_id", number()), ("app_secret", word()), ("receipt_token", word()), ("pictures", "yes".to_owned())],
        Vendor::Umeng => {
            vec![("appkey", word()), ("app_master_secret", word()), ("channel_activity", String::new()), ("receipts", "yes".to_owned())]
        }
        Vendor::Getui => vec![("app_id", word()), ("app_key", word()), ("master_secret", word())],
        Vendor::Jpush => vec![("app_key", word()), ("master_secret", word()), ("receipts", "yes".to_owned())],
    };
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// What the demo remembers outside the database: app name -> invented keys.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Kept(pub BTreeMap<String, Keys>);

impl Kept {
    /// # Errors
    /// When the file is there and cannot be read.
    pub fn read(path: &Path) -> anyhow::Result<Kept> {
        match std::fs::read(path) {
            Ok(bytes) => serde_json::from_slice(&bytes).with_context(|| format!("reading {}", path.display())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Kept::default()),
            Err(error) => Err(error).with_context(|| format!("reading {}", path.display())),
        }
    }

    /// # Errors
    /// When the file cannot be written.
    pub fn write(&self, path: &Path) -> anyhow::Result<()> {
        std::fs::write(path, serde_json::to_vec_pretty(self)?).with_context(|| format!("writing {}", path.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_vendor_has_a_credential_that_its_form_takes() {
        let keys = Keys::fresh(&World::system(), "com.example.bell", Environment::Production).unwrap();
        for vendor in Vendor::ALL {
            let fields: BTreeMap<String, String> = keys.fields(vendor).into_iter().collect();
            for field in vendor.credential_fields() {
                let value = fields.get(field.name).unwrap_or_else(|| panic!("{vendor:?} lacks {}", field.name));
                assert_eq!(field.check.complain(value), None, "{vendor:?} {}", field.name);
            }
        }
    }

    #[test]
    fn keys_of_an_earlier_version_are_read_and_completed() {
        let mut old = serde_json::to_value(Keys::fresh(&World::system(), "com.example.bell", Environment::Sandbox).unwrap()).unwrap();
        old.as_object_mut().unwrap().remove("others");
        let mut read: Keys = serde_json::from_value(old).unwrap();
        assert!(read.fields(Vendor::Huawei).is_empty());
        assert!(read.complete(&World::system()));
        assert!(!read.fields(Vendor::Huawei).is_empty());
        assert!(!read.complete(&World::system()));
    }
}
