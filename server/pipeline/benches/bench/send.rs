//! The whole path: a crowd in the store -> planned -> claimed -> paced -> built -> sent over TLS -> judged -> recorded (P1, P2).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, ensure};
use base64::Engine;
use pipeline::access::accept::Submission;
use pipeline::house::{House, Plan};
use pipeline::storage::apps::CredentialRow;
use pipeline::storage::messages::{Origin, Targets};
use pipeline::storage::tallies::fold;
use pipeline::vault::{MasterKey, Vault};
use pipeline::vendors::credential::credential_aad;
use pipeline::world::World;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use simulator::{Account, ApnsAccount, Channel, Dials, Scenario, XiaomiAccount};
use types::content::{Content, MessageClass};
use types::life::MessageState;
use types::vendor::{Environment, Vendor};

use crate::report::Row;
use crate::span::Span;
use crate::twin::Twin;
use crate::{crowds, meter, store};

/// Above anything reachable here: the pace is not what is measured.
const PACE: u32 = 1_000_000;

fn p8() -> Result<String> {
    let random = ring::rand::SystemRandom::new();
    let key = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).map_err(|_| anyhow!("a key"))?;
    let text = base64::engine::general_purpose::STANDARD.encode(key.as_ref());
    let lines: Vec<&str> = text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap_or_default()).collect();
    Ok(format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", lines.join("\n")))
}

fn fields(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// Who we are at both vendors.
pub struct Identity {
    key: String,
}

const TEAM: &str = "TEAM567890";
const KEY_ID: &str = "KEY4567890";
const BUNDLE: &str = "com.example.bench";
const SECRET: &str = "bench-secret-0123456789";
const CHANNEL: &str = "108001";

impl Identity {
    pub fn new() -> Result<Identity> {
        Ok(Identity { key: p8()? })
    }

    pub fn credential(&self, vendor: Vendor) -> BTreeMap<String, String> {
        match vendor {
            Vendor::Apns => fields(&[("team_id", TEAM), ("key_id", KEY_ID), ("bundle_id", BUNDLE), ("p8", &self.key)]),
            _ => fields(&[("package_name", BUNDLE), ("app_secret", SECRET), ("channel_id", CHANNEL)]),
        }
    }

    /// Vendors that know us; no token of ours means anything to them.
    pub fn scenario(&self) -> Scenario {
        Scenario {
            accounts: vec![
                Account::Apns(ApnsAccount {
                    team_id: TEAM.to_owned(),
                    key_id: KEY_ID.to_owned(),
                    key: self.key.clone(),
                    bundle_id: BUNDLE.to_owned(),
                    environment: Environment::Production,
                    phones: None,
                }),
                Account::Xiaomi(XiaomiAccount {
                    package_name: BUNDLE.to_owned(),
                    app_secret: SECRET.to_owned(),
                    channels: vec![Channel::plain(CHANNEL)],
                    daily_quota: 0,
                    requests_per_second: 0,
                }),
            ],
            apns: Some(Dials { magic: false, ..Dials::default() }),
            xiaomi: Some(Dials { magic: false, ..Dials::default() }),
            ..Scenario::default()
        }
    }
}

pub async fn measure(vendor: Vendor, devices: u64) -> Result<Vec<Row>> {
    let identity = Identity::new()?;
    let scenario = identity.scenario();
    let twin = Twin::start(&scenario)?;
    let folder = tempfile::tempdir()?;
    let world = World::system();
    let vault = Arc::new(Vault::new(world.clone(), &MasterKey::random(&world), None)?);
    let house = House::build(Plan {
        database_url: format!("sqlite://{}/bench.db", folder.path().display()),
        data_dir: folder.path().to_owned(),
        node: "bench".to_owned(),
        roles: pipeline::house::Roles::ALL,
        redis_url: None,
        version: String::new(),
        world: world.clone(),
        vault: vault.clone(),
        public_url: None,
    })
    .await?;
    let app = store::new_app(&house.storage, &world, "bench").await?;
    let credential = identity.credential(vendor);
    let aad = credential_aad(app.id.as_str(), vendor);
    let aad: Vec<&str> = aad.iter().map(String::as_str).collect();
    let sealed = vault.seal(&aad, &serde_json::to_vec(&credential)?);
    let row = CredentialRow { vendor, sealed, hints: Vec::new(), updated_at: world.now(), updated_by: "bench".to_owned() };
    house.storage.apps.put_credential(app.no, row, None).await?;
    let lane = house.storage.apps.lanes_of(app.no).await?.into_iter().find(|lane| lane.vendor == vendor).context("a lane")?;
    let mut settings = lane.settings;
    settings.base_url = twin.base_url(vendor).to_owned();
    settings.ca_pem = Some(twin.address.ca_pem.clone());
    settings.pace_per_second = PACE;
    house.storage.apps.put_lane(app.no, vendor, settings, None).await?;
    let crowd = crowds::import(&house.storage, &world, folder.path(), app.no, vendor, devices).await?;
    let disk = meter::on_disk(folder.path())?;

    let (span, theirs) = (Span::start()?, Span::of(twin.pid())?);
    house.start().await?;
    let accepted = house
        .accept
        .submit(
            &app,
            Submission {
                campaign: None,
                origin: Origin::Campaign,
                class: MessageClass::Bulk,
                business: "bench".to_owned(),
                content: Content {
                    title: "复诊提醒".to_owned(), body: "您预约的号源明天 9:00 开始就诊".to_owned(), ..Content::default()
                },
                variables: BTreeMap::new(),
                targets: Targets::Crowd { crowd: crowd.id.clone() },
                vendor_order: vec![vendor],
                versions: None,
                deadline: None,
                idempotency: None,
                account: "bench".to_owned(),
                address: "127.0.0.1".to_owned(),
            },
        )
        .await
        .map_err(|problem| anyhow!("{problem:?}"))?;
    let limit = tokio::time::Instant::now() + Duration::from_secs(900);
    loop {
        let message = house.storage.messages.get(accepted.no).await?.context("the message")?;
        if message.state == MessageState::Finished {
            break;
        }
        let total = fold(house.storage.tallies.of_message(accepted.no).await?).total;
        ensure!(total.holds(), "the equation is broken: {total:?}");
        ensure!(tokio::time::Instant::now() < limit, "not finished in time: {total:?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let (used, theirs) = (span.stop()?, theirs.stop()?);
    let total = fold(house.storage.tallies.of_message(accepted.no).await?).total;
    let funnel = fold(house.storage.tallies.of_message(accepted.no).await?);
    ensure!(total.accepted == devices, "not everybody was accepted: {total:?} {:?}", funnel.losses);
    house.stop().await;
    let grown = meter::on_disk(folder.path())?.saturating_sub(disk);
    let peak = meter::peak(std::process::id())? as f64 / 1_048_576.0;
    let books = twin.stop()?;
    ensure!(books.taken == devices && books.repeated == 0, "the ledger says {} taken, {} repeated", books.taken, books.repeated);

    let n = devices as f64;
    let note = format!(
        "{devices} devices, {:.1} s wall, {:.2} CPU-s; simulator {:.2} CPU-s; ledger equal",
        used.wall.as_secs_f64(),
        used.cpu.as_secs_f64(),
        theirs.cpu.as_secs_f64()
    );
    let cost = match vendor {
        Vendor::Apns => Row::new("APNs, whole path", used.cpu_us(n), "CPU-µs a notification").at_most("P1", 20.0),
        _ => Row::new("bulk, Xiaomi, whole path", used.cpu_us(n), "CPU-s a million device messages").at_most("P2", 1.5),
    };
    let name = vendor.name().en;
    Ok(vec![
        cost.with_note(note),
        Row::new(&format!("{name}: rate on this machine, simulator included"), n / used.wall.as_secs_f64(), "devices a second"),
        Row::new(&format!("{name}: peak memory, import included"), peak, "MiB RSS").at_most("P7", 256.0),
        Row::new(&format!("{name}: disk"), grown as f64 / n, "bytes a device message").at_most("P7", 48.0),
    ])
}
