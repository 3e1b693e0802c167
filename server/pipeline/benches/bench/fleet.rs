//! A house with lanes to its twins: who we are at every vendor, what is sent, and when it is over.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, ensure};
use base64::Engine;
use pipeline::access::accept::{Accepted, Submission};
use pipeline::house::{House, Plan, Roles};
use pipeline::storage::apps::{App, CredentialRow, LaneSettings};
use pipeline::storage::messages::{Origin, Targets};
use pipeline::storage::tallies::fold;
use pipeline::vault::{MasterKey, Vault};
use pipeline::vendors::credential::credential_aad;
use pipeline::world::World;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use simulator::{Account, ApnsAccount, Channel, Dials, KeyedAccount, Scenario, XiaomiAccount};
use types::content::{Content, MessageClass};
use types::funnel::Funnel;
use types::life::MessageState;
use types::vendor::{Environment, Vendor};

use crate::samples::Sample;
use crate::twin::Twin;

/// Longest a measured campaign may take.
const PATIENCE: Duration = Duration::from_secs(900);

fn p8() -> Result<String> {
    let random = ring::rand::SystemRandom::new();
    let key = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).map_err(|_| anyhow!("a key"))?;
    let text = base64::engine::general_purpose::STANDARD.encode(key.as_ref());
    let lines: Vec<&str> = text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap_or_default()).collect();
    Ok(format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", lines.join("\n")))
}

/// Who we are at every vendor.
pub struct Identity {
    key: String,
}

impl Identity {
    pub fn new() -> Result<Identity> {
        Ok(Identity { key: p8()? })
    }

    pub fn credential(&self, vendor: Vendor) -> BTreeMap<String, String> {
        let mut credential = Sample::of(vendor).credential;
        if vendor == Vendor::Apns {
            credential.insert("p8".to_owned(), self.key.clone());
        }
        credential
    }

    fn account(&self, vendor: Vendor) -> Account {
        let mut known = self.credential(vendor);
        let mut field = |name: &str| known.remove(name).unwrap_or_default();
        match vendor {
            Vendor::Apns => Account::Apns(ApnsAccount {
                team_id: field("team_id"),
                key_id: field("key_id"),
                key: self.key.clone(),
                bundle_id: field("bundle_id"),
                environment: Environment::Production,
                phones: None,
            }),
            Vendor::Xiaomi => Account::Xiaomi(XiaomiAccount {
                package_name: field("package_name"),
                app_secret: field("app_secret"),
                channels: vec![Channel::plain(field("channel_id"))],
                daily_quota: 0,
                requests_per_second: 0,
            }),
            _ => Account::Keyed(KeyedAccount::new(vendor, known.iter().map(|(name, value)| (name.as_str(), value.as_str())))),
        }
    }

    /// Vendors that know us; no token of ours means anything to them.
    pub fn scenario(&self, lanes: impl IntoIterator<Item = (Vendor, Dials)>) -> Result<Scenario> {
        let mut scenario = serde_json::to_value(Scenario::default())?;
        let mut accounts = Vec::new();
        for (vendor, dials) in lanes {
            accounts.push(self.account(vendor));
            scenario[vendor.slug()] = serde_json::to_value(Dials { magic: false, ..dials })?;
        }
        scenario["accounts"] = serde_json::to_value(accounts)?;
        Ok(serde_json::from_value(scenario)?)
    }
}

/// A house in a private folder, SQLite and memory unless the plan is changed.
pub fn plan(folder: &Path, world: &World, key: &MasterKey) -> Result<Plan> {
    Ok(Plan {
        database_url: format!("sqlite://{}/bench.db", folder.display()),
        data_dir: folder.to_owned(),
        node: "bench".to_owned(),
        roles: Roles::ALL,
        redis_url: None,
        version: String::new(),
        world: world.clone(),
        vault: Arc::new(Vault::new(world.clone(), key, None)?),
        public_url: None,
    })
}

/// A lane with its credential, to its twin.
pub async fn furnish(
    house: &House,
    app: &App,
    who: &Identity,
    twin: &Twin,
    vendor: Vendor,
    set: impl FnOnce(&mut LaneSettings),
) -> Result<()> {
    let aad = credential_aad(app.id.as_str(), vendor);
    let aad: Vec<&str> = aad.iter().map(String::as_str).collect();
    let sealed = house.vault.seal(&aad, &serde_json::to_vec(&who.credential(vendor))?);
    let row = CredentialRow { vendor, sealed, hints: Vec::new(), updated_at: house.world.now(), updated_by: "bench".to_owned() };
    house.storage.apps.put_credential(app.no, row, None).await?;
    let lane = house.storage.apps.lanes_of(app.no).await?.into_iter().find(|lane| lane.vendor == vendor).context("a lane")?;
    let mut settings = lane.settings;
    settings.base_url = twin.base_url(vendor)?.to_owned();
    settings.ca_pem = Some(twin.address.ca_pem.clone());
    set(&mut settings);
    house.storage.apps.put_lane(app.no, vendor, settings, None).await?;
    Ok(())
}

pub fn submission(vendor: Vendor, class: MessageClass, targets: Targets) -> Submission {
    Submission {
        campaign: None,
        origin: Origin::Campaign,
        class,
        business: "bench".to_owned(),
        content: Content {
            title: "复诊提醒".to_owned(), body: "您预约的号源明天 9:00 开始就诊".to_owned(), ..Content::default()
        },
        variables: BTreeMap::new(),
        targets,
        vendor_order: vec![vendor],
        deadline: None,
        versions: None,
        hours: None,
        idempotency: None,
        account: "bench".to_owned(),
        address: "127.0.0.1".to_owned(),
    }
}

pub async fn submit(house: &House, app: &App, submission: Submission) -> Result<Accepted> {
    house.accept.submit(app, submission).await.map_err(|problem| anyhow!("{problem:?}"))
}

/// Waits until all of these are finished, and looks at the equation all the while. `look` is told how many were accepted so far.
pub async fn finished(house: &House, messages: &[i64], mut look: impl AsyncFnMut(u64) -> Result<()>) -> Result<Vec<Funnel>> {
    let limit = tokio::time::Instant::now() + PATIENCE;
    loop {
        let (mut funnels, mut open, mut accepted) = (Vec::new(), 0, 0);
        for no in messages {
            // The state first: tallies read after "finished" are whole.
            let message = house.storage.messages.get(*no).await?.context("the message")?;
            let funnel = fold(house.storage.tallies.of_message(*no).await?);
            ensure!(funnel.total.holds(), "the equation is broken: {:?}", funnel.total);
            open += usize::from(message.state != MessageState::Finished);
            accepted += funnel.total.accepted;
            funnels.push(funnel);
        }
        look(accepted).await?;
        if open == 0 {
            return Ok(funnels);
        }
        let totals = || funnels.iter().map(|funnel| &funnel.total).collect::<Vec<_>>();
        ensure!(tokio::time::Instant::now() < limit, "not finished in time: {:?}", totals());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
