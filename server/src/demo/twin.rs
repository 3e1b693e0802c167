//! The demo's vendors: the simulator in this process, with accounts made once and kept in the data folder.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use pipeline::world::World;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use serde::{Deserialize, Serialize};
use simulator::{Account, ApnsAccount, Channel, Dials, Options, Phones, Receipts, Simulator, XiaomiAccount};
use types::vendor::{Environment, Vendor};

/// One app's invented vendor credentials.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Keys {
    pub team_id: String,
    pub key_id: String,
    pub p8: String,
    pub bundle_id: String,
    pub environment: Environment,
    pub xiaomi_secret: String,
}

/// Where the Xiaomi demo app shows its notifications.
pub const CHANNEL: &str = "carillon-demo";

impl Keys {
    pub fn fresh(world: &World, bundle_id: &str, environment: Environment) -> anyhow::Result<Keys> {
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new())
            .map_err(|_| anyhow::anyhow!("no randomness for a key"))?;
        let body = STANDARD.encode(pkcs8.as_ref());
        let lines: Vec<&str> = (0..body.len()).step_by(64).map(|i| &body[i..(i + 64).min(body.len())]).collect();
        let upper = |bytes: [u8; 5]| hex::encode(bytes).to_uppercase();
        Ok(Keys {
            team_id: upper(world.bytes()),
            key_id: upper(world.bytes()),
            p8: format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", lines.join("\n")),
            bundle_id: bundle_id.to_owned(),
            environment,
            xiaomi_secret: hex::encode(world.bytes::<16>()),
        })
    }

    /// Credential fields as the form of this vendor names them.
    pub fn fields(&self, vendor: Vendor) -> Vec<(String, String)> {
        let pairs: &[(&str, &str)] = match vendor {
            Vendor::Apns => &[("team_id", &self.team_id), ("key_id", &self.key_id), ("bundle_id", &self.bundle_id), ("p8", &self.p8)],
            Vendor::Xiaomi => &[("package_name", &self.bundle_id), ("app_secret", &self.xiaomi_secret), ("channel_id", CHANNEL)],
            _ => &[],
        };
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }
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

/// Starts the simulator; its certificate and ledger are kept in `folder`.
///
/// # Errors
/// When its files or sockets fail.
pub async fn start(folder: &Path) -> anyhow::Result<Simulator> {
    std::fs::create_dir_all(folder).with_context(|| format!("data folder {}", folder.display()))?;
    let simulator = Simulator::start(Options { folder: Some(folder.to_owned()), keep_ledger: true, ..Options::default() })
        .await
        .context("starting the simulator")?;
    for vendor in Vendor::ALL {
        // A believable day: most arrive, some are read, a few phones have notifications switched off.
        let receipts = Receipts { delivered_share: 0.9, clicked_share: 0.06, switch_off_share: 0.02, ..Receipts::default() };
        simulator.set_dials(vendor, Dials { token_fault_share: 0.01, receipts, ..Dials::default() }).context("dials")?;
    }
    Ok(simulator)
}

/// Registers an app at the simulated vendors. `base` is our own address: the phones report there.
///
/// # Errors
/// When the simulator refuses the account.
pub fn register(simulator: &Simulator, keys: &Keys, base: &str, client_key: &str) -> anyhow::Result<()> {
    simulator.add_account(Account::Apns(ApnsAccount {
        team_id: keys.team_id.clone(),
        key_id: keys.key_id.clone(),
        key: keys.p8.clone(),
        bundle_id: keys.bundle_id.clone(),
        environment: keys.environment,
        phones: Some(Phones { url: format!("{base}/v1/client/reports"), client_key: client_key.to_owned() }),
    }))?;
    simulator.add_account(Account::Xiaomi(XiaomiAccount {
        package_name: keys.bundle_id.clone(),
        app_secret: keys.xiaomi_secret.clone(),
        channels: vec![Channel::plain(CHANNEL)],
        daily_quota: 0,
        requests_per_second: 0,
    }))?;
    Ok(())
}
