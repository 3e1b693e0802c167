//! The stage of a chaos run: a store with an app, devices and a crowd, the simulator, and an engine that can be killed.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use base64::Engine as _;
use bytes::Bytes;
use pipeline::access::accept::{Accepted, Submission};
use pipeline::access::actor::Actor;
use pipeline::access::crowd::import::ImportOrder;
use pipeline::house::{House, Plan};
use pipeline::storage::apps::{App, CredentialRow, NewApp};
use pipeline::storage::devices::Registration;
use pipeline::storage::messages::{Origin, Targets};
use pipeline::vault::Vault;
use pipeline::vendors::credential::credential_aad;
use pipeline::world::{SeededRandom, SystemClock, World};
use simulator::{Account, ApnsAccount, Channel, Dials, Options, Simulator, XiaomiAccount};
use types::content::{Content, MessageClass};
use types::ids::{AppId, CrowdId, DeviceId};
use types::life::MessageState;
use types::vendor::{Environment, Vendor};

const STORE: &str = "carillon.db";
const KEY_FILE: &str = "master.key";
/// Users in the crowd that no device belongs to.
const STRANGERS: usize = 7;
/// Every so many devices one has a token that the vendor calls dead.
const DEAD_EVERY: usize = 997;
const BUNDLE: &str = "com.example.app";
const XIAOMI_BATCH: u32 = 100;
const SECRET: &str = "xiaomi-secret-of-the-test";

/// Reproducible chance.
pub struct Toss(World);

impl Toss {
    pub fn new(seed: u64) -> Toss {
        Toss(World::new(Arc::new(SystemClock), SeededRandom::new(seed)))
    }

    /// Uniform in `0 .. n`.
    pub fn below(&self, n: u64) -> u64 {
        (self.0.unit() * n as f64) as u64
    }
}

pub struct Stage {
    /// Looks only while an engine runs; writes only between engines.
    pub house: Arc<House>,
    pub simulator: Simulator,
    app: App,
    crowd: CrowdId,
    devices: usize,
    folder: tempfile::TempDir,
}

/// The engine's process. Dropping kills it too.
pub struct Engine(Child);

impl Engine {
    pub fn lives(&mut self) -> bool {
        matches!(self.0.try_wait(), Ok(None))
    }

    /// SIGKILL, and gone when this returns.
    pub fn kill(&mut self) {
        self.0.kill().expect("a process to kill");
        self.0.wait().expect("it is gone");
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        // Already gone is fine.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

async fn house(folder: &Path, node: &str) -> Arc<House> {
    // One provider for the process; a second call finds it there.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let world = World::system();
    let vault = Vault::from_key_file(world.clone(), &folder.join(KEY_FILE)).expect("a vault");
    let plan = Plan {
        database_url: format!("sqlite://{}", folder.join(STORE).display()),
        data_dir: folder.to_owned(),
        node: node.to_owned(),
        roles: pipeline::house::Roles::ALL,
        redis_url: None,
        version: String::new(),
        world,
        vault: Arc::new(vault),
        public_url: None,
    };
    House::build(plan).await.expect("a house")
}

impl Stage {
    pub async fn set(devices: usize) -> Stage {
        let folder = tempfile::tempdir().expect("a folder");
        Vault::create_key_file(&World::system(), &folder.path().join(KEY_FILE)).expect("a master key");
        let simulator = Simulator::start(Options::default()).await.expect("a simulator");
        let house = house(folder.path(), "stage").await;
        let app = register(&house, &simulator).await;
        for vendor in Vendor::ALL {
            // Answers take their time, so that a kill finds requests in flight.
            let dials = Dials { latency_ms: 5, jitter_ms: 20, ..simulator.dials(vendor) };
            simulator.set_dials(vendor, dials).expect("dials");
        }
        register_devices(&house, app.no, devices).await;
        let crowd = crowd(&house, app.no, devices).await;
        Stage { house, simulator, app, crowd, devices, folder }
    }

    pub fn recipients(&self) -> u64 {
        (self.devices + STRANGERS) as u64
    }

    /// Durable before an engine knows of it; every round has its own text.
    pub async fn submit(&self, round: u64) -> Accepted {
        let submission = Submission {
            campaign: None,
            origin: Origin::Api,
            class: MessageClass::Bulk,
            business: "chaos".into(),
            content: Content { title: format!("Round {round}"), body: "Body".into(), ..Content::default() },
            variables: BTreeMap::new(),
            targets: Targets::Crowd { crowd: self.crowd.clone() },
            vendor_order: Vec::new(),
            versions: None,
            hours: None,
            deadline: None,
            idempotency: None,
            account: "chaos".into(),
            address: "127.0.0.1".into(),
        };
        self.house.accept.submit(&self.app, submission).await.expect("accepted")
    }

    /// Connections x streams x batch, by the lane's settings.
    pub fn most_in_flight(&self, vendor: Vendor) -> u64 {
        let batch = if vendor == Vendor::Xiaomi { XIAOMI_BATCH } else { 1 };
        u64::from(vendor.lane_defaults().in_flight * batch)
    }

    pub async fn state(&self, message_no: i64) -> MessageState {
        self.house.storage.messages.get(message_no).await.expect("a store").expect("a message").state
    }

    /// What an operator does with chunks that were in flight at three kills in a row.
    pub async fn try_again(&self) {
        // Nothing set aside is no trouble.
        let _ = self.house.dead_letters.try_again(&self.app, None, &Actor::system()).await;
    }

    pub fn engine(&self) -> Engine {
        let child = Command::new(env!("CARGO_BIN_EXE_carillon"))
            .args(["serve", "--roles", "worker,scheduler"])
            // Nothing of the environment of whoever runs the tests.
            .env_clear()
            .env("CARILLON_DATA_DIR", self.folder.path())
            .env("CARILLON_DATABASE_URL", format!("sqlite://{}", self.folder.path().join(STORE).display()))
            .env("CARILLON_MASTER_KEY_FILE", self.folder.path().join(KEY_FILE))
            .env("CARILLON_LISTEN", "127.0.0.1:0")
            .env("CARILLON__LOG__FILTER", "error")
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn();
        Engine(child.expect("an engine"))
    }

    pub async fn end(self) {
        self.house.stop().await;
        self.simulator.stop().await;
    }
}

fn token(i: usize) -> (Vendor, String) {
    let dead = i % DEAD_EVERY == DEAD_EVERY - 1;
    match (i.is_multiple_of(2), dead) {
        (true, false) => (Vendor::Apns, format!("{:064x}", 0x1000_0000 + i)),
        (true, true) => (Vendor::Apns, format!("dead{i:060x}")),
        (false, false) => (Vendor::Xiaomi, format!("reg-id-{i:08}")),
        (false, true) => (Vendor::Xiaomi, format!("bad-id-{i:08}")),
    }
}

async fn register_devices(house: &House, app_no: i64, devices: usize) {
    let world = &house.world;
    let all: Vec<usize> = (0..devices).collect();
    for part in all.chunks(1_000) {
        let registration = |i: &usize| Registration {
            fresh_id: DeviceId::from_bytes(world.id()),
            id: None,
            user_id: Some(format!("u{i}")),
            model: "test".into(),
            os_version: "1".into(),
            app_version: "1.0".into(),
            notifications_on: Some(true),
            environment: Environment::Production,
            test: None,
            zone: None,
            tokens: vec![token(*i)],
            now: world.now(),
        };
        house.storage.devices.register(app_no, part.iter().map(registration).collect()).await.expect("registered");
    }
}

/// Uploaded as a person would: a file with one column.
async fn crowd(house: &House, app_no: i64, devices: usize) -> CrowdId {
    let mut file = String::from("user_id\n");
    for i in 0..devices + STRANGERS {
        file.push_str(&format!("u{i}\n"));
    }
    let bytes: Vec<Result<Bytes, std::io::Error>> =
        file.as_bytes().chunks(64 * 1024).map(|part| Ok(Bytes::copy_from_slice(part))).collect();
    let order = ImportOrder { name: "everybody".into(), file_name: "everybody.csv".into(), ..ImportOrder::default() };
    house.crowds.import_all(app_no, "chaos", order, futures::stream::iter(bytes)).await.expect("a crowd").id
}

async fn register(house: &House, simulator: &Simulator) -> App {
    let world = &house.world;
    let random = ring::rand::SystemRandom::new();
    let pkcs8 = ring::signature::EcdsaKeyPair::generate_pkcs8(&ring::signature::ECDSA_P256_SHA256_FIXED_SIGNING, &random).expect("a key");
    let p8 = base64::engine::general_purpose::STANDARD.encode(pkcs8.as_ref());
    let p8 = format!("-----BEGIN PRIVATE KEY-----\n{p8}\n-----END PRIVATE KEY-----\n");
    let (team, key) = ("TEAM123456", "KEY1234567");
    let apns = ApnsAccount {
        team_id: team.into(),
        key_id: key.into(),
        key: p8.clone(),
        bundle_id: BUNDLE.into(),
        environment: Environment::Production,
        phones: None,
    };
    let xiaomi = XiaomiAccount {
        package_name: BUNDLE.into(),
        app_secret: SECRET.into(),
        channels: vec![Channel::plain("news")],
        daily_quota: 0,
        requests_per_second: 0,
    };
    for account in [Account::Apns(apns), Account::Xiaomi(xiaomi)] {
        simulator.add_account(account).expect("an account");
    }
    let fresh = NewApp {
        id: AppId::from_bytes(world.id()),
        name: "Chaos".into(),
        description: String::new(),
        environment: Environment::Production,
        default_title: "Default".into(),
        vendor_order: vec![Vendor::Apns, Vendor::Xiaomi],
        services: vec!["push".into()],
        app_key: "ak_chaos".into(),
        client_key: "ck_chaos".into(),
        callback_secret: hex::encode(world.bytes::<16>()),
        secret_sealed: Vec::new(),
        created_at: world.now(),
    };
    let app = house.storage.apps.create(fresh, None).await.expect("an app");
    for (vendor, fields) in [
        (Vendor::Apns, vec![("team_id", team), ("key_id", key), ("bundle_id", BUNDLE), ("p8", p8.as_str())]),
        (Vendor::Xiaomi, vec![("package_name", BUNDLE), ("app_secret", SECRET), ("channel_id", "news")]),
    ] {
        let fields: BTreeMap<&str, &str> = fields.into_iter().collect();
        let aad = credential_aad(app.id.as_str(), vendor);
        let aad: Vec<&str> = aad.iter().map(String::as_str).collect();
        let sealed = house.vault.seal(&aad, &serde_json::to_vec(&fields).expect("json"));
        let row = CredentialRow { vendor, sealed, hints: Vec::new(), updated_at: world.now(), updated_by: "chaos".into() };
        house.storage.apps.put_credential(app.no, row, None).await.expect("a credential");
        let lanes = house.storage.apps.lanes_of(app.no).await.expect("lanes");
        let mut settings = lanes.into_iter().find(|lane| lane.vendor == vendor).expect("a lane").settings;
        settings.base_url = simulator.base_url(vendor);
        settings.ca_pem = Some(simulator.ca_pem().to_owned());
        if vendor == Vendor::Xiaomi {
            // Small batches: more requests, more moments between them.
            settings.batch = XIAOMI_BATCH;
            settings.pace_per_second = 60;
        }
        house.storage.apps.put_lane(app.no, vendor, settings, None).await.expect("a lane");
    }
    house.storage.apps.by_no(app.no).await.expect("a store").expect("the app")
}
