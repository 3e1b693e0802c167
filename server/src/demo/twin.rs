//! The demo's vendors: the simulator in this process, with an account for each of a sample app's credentials.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context;
use pipeline::storage::apps::App;
use simulator::{Account, ApnsAccount, Channel, Dials, KeyedAccount, Options, Phones, Receipts, Simulator, XiaomiAccount};
use types::vendor::Vendor;

use super::keys::{CHANNEL, Keys, VIVO_CALLBACK};

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

/// Registers an app at the simulated vendors. `base` is our own address: vendors call back there, phones report there.
///
/// # Errors
/// When the simulator refuses the account.
pub fn register(simulator: &Simulator, keys: &Keys, base: &str, app: &App) -> anyhow::Result<()> {
    let phones = Some(Phones { url: format!("{base}/v1/client/reports"), client_key: app.client_key.clone() });
    simulator.add_account(Account::Apns(ApnsAccount {
        team_id: keys.team_id.clone(),
        key_id: keys.key_id.clone(),
        key: keys.p8.clone(),
        bundle_id: keys.bundle_id.clone(),
        environment: keys.environment,
        phones: phones.clone(),
    }))?;
    simulator.add_account(Account::Xiaomi(XiaomiAccount {
        package_name: keys.bundle_id.clone(),
        app_secret: keys.xiaomi_secret.clone(),
        channels: vec![Channel::plain(CHANNEL)],
        daily_quota: 0,
        requests_per_second: 0,
    }))?;
    for (vendor, credential) in &keys.others {
        let callback = format!("{base}/callbacks/{}/{}", vendor.slug(), app.callback_secret);
        let rights: &[&str] = match vendor {
            Vendor::Umeng => &["pro"],
            Vendor::Jpush => &["vip"],
            _ => &[],
        };
        simulator.add_account(Account::Keyed(KeyedAccount {
            receipts_url: Some(callback.clone()),
            callbacks: BTreeMap::from([(VIVO_CALLBACK.to_owned(), callback)]),
            rights: rights.iter().map(|right| (*right).to_owned()).collect(),
            // Whoever plays sends more than two messages to a phone in a day.
            device_daily: Some(0),
            phones: phones.clone(),
            credential: credential.clone(),
            ..KeyedAccount::new(*vendor, [])
        }))?;
    }
    Ok(())
}
