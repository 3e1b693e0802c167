//! The real house on either store with the simulator in-process. On the way out it checks itself: equation and recount.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use pipeline::access::accept::{Accepted, Submission};
use pipeline::access::actor::Actor;
use pipeline::house::{House, Plan};
use pipeline::storage::apps::{App, CredentialRow, LaneSettings, NewApp};
use pipeline::storage::devices::Registration;
use pipeline::storage::frame::Outcomes;
use pipeline::storage::messages::{Message, MessageFilter, Origin, Targets};
use pipeline::storage::policy::NewBlocked;
use pipeline::storage::tallies::fold;
use pipeline::vault::{MasterKey, Vault};
use pipeline::vendors::credential::credential_aad;
use pipeline::world::World;
use simulator::{Account, ApnsAccount, Channel, Options, Simulator, XiaomiAccount};
use types::content::{Content, MessageClass};
use types::funnel::Funnel;
use types::ids::{AppId, ChunkNo, DeviceId};
use types::life::MessageState;
use types::listing::PageRequest;
use types::policy::Rules;
use types::vendor::{Environment, Vendor};

use crate::cluster::Database;
use crate::redis_server::PrivateRedis;

/// Longest a condition may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

pub struct TestHouse {
    pub house: Arc<House>,
    pub app: App,
    pub simulator: Simulator,
    folder: tempfile::TempDir,
    url: String,
    _database: Option<Database>,
    _redis: Option<PrivateRedis>,
    key: MasterKey,
    world: World,
}

/// A node that ends as kill -9 would end it: nothing it had begun goes on, nothing is said to anybody.
pub struct Doomed {
    pub house: Arc<House>,
    runtime: Option<tokio::runtime::Runtime>,
}

impl Doomed {
    pub fn kill(mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Drop for Doomed {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

fn p8() -> String {
    let random = ring::rand::SystemRandom::new();
    let pkcs8 = ring::signature::EcdsaKeyPair::generate_pkcs8(&ring::signature::ECDSA_P256_SHA256_FIXED_SIGNING, &random).expect("a key");
    let body = base64::engine::general_purpose::STANDARD.encode(pkcs8.as_ref());
    format!("-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n")
}

async fn build(url: &str, folder: &std::path::Path, key: &MasterKey, world: &World, node: &str, redis_url: Option<String>) -> Arc<House> {
    let vault = Vault::new(world.clone(), key, None).expect("a vault");
    let plan = Plan {
        database_url: url.to_owned(),
        data_dir: folder.to_owned(),
        node: node.to_owned(),
        roles: pipeline::house::Roles::ALL,
        redis_url,
        version: String::new(),
        world: world.clone(),
        vault: Arc::new(vault),
        public_url: None,
    };
    House::build(plan).await.expect("a house")
}

pub async fn on_sqlite() -> TestHouse {
    TestHouse::new(None).await
}

pub async fn on_postgres() -> TestHouse {
    TestHouse::new(Some(crate::cluster::database().await)).await
}

pub async fn on_postgres_and_redis() -> TestHouse {
    let redis = PrivateRedis::start().await;
    let house = TestHouse::first_of_several(redis.url()).await;
    TestHouse { _redis: Some(redis), ..house }
}

impl TestHouse {
    /// An app with both lanes towards the simulator; workers run. `database` is the store, or `None` for a file in the folder.
    async fn new(database: Option<Database>) -> TestHouse {
        Self::open(database, None).await
    }

    /// The first of several nodes.
    pub async fn first_of_several(redis_url: String) -> TestHouse {
        Self::open(Some(crate::cluster::database().await), Some(redis_url)).await
    }

    /// One more node on the same store, at work; its folder is its own.
    pub async fn another(&self, node: &str, redis_url: String) -> Arc<House> {
        let house = build(&self.url, &self.folder.path().join(node), &self.key, &self.world, node, Some(redis_url)).await;
        house.start().await.expect("workers");
        house
    }

    /// The same, for a node that may be refused.
    pub async fn try_another(&self, node: &str, redis_url: String) -> Result<Arc<House>, pipeline::house::BuildError> {
        let house = build(&self.url, &self.folder.path().join(node), &self.key, &self.world, node, Some(redis_url)).await;
        house.start().await.map(|()| house)
    }

    /// One more node with a world of its own, to be killed.
    pub async fn doomed(&self, node: &str, redis_url: String) -> Doomed {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
        let (url, key, world, node, place) =
            (self.url.clone(), self.key.clone(), self.world.clone(), node.to_owned(), self.folder.path().join(node));
        let handle = runtime.handle().clone();
        let building = tokio::task::spawn_blocking(move || {
            handle.block_on(async move {
                let house = build(&url, &place, &key, &world, &node, Some(redis_url)).await;
                house.start().await.expect("workers");
                house
            })
        });
        let house = building.await.expect("a node");
        Doomed { house, runtime: Some(runtime) }
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    async fn open(database: Option<Database>, redis_url: Option<String>) -> TestHouse {
        // One provider for the process; a second call by a parallel test finds it there.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let (folder, world) = (tempfile::tempdir().expect("a folder"), World::system());
        let url =
            database.as_ref().map(|d| d.url.clone()).unwrap_or_else(|| format!("sqlite://{}", folder.path().join("carillon.db").display()));
        let key = MasterKey::random(&world);
        let simulator = Simulator::start(Options::default()).await.expect("a simulator");
        let house = build(&url, folder.path(), &key, &world, "node-1", redis_url).await;
        let app = register(&house, &simulator).await;
        house.start().await.expect("workers");
        TestHouse { house, app, simulator, folder, url, _database: database, _redis: None, key, world }
    }

    /// The process ends cleanly and another one takes over.
    pub async fn restart(&mut self, node: &str) {
        self.house.stop().await;
        self.house = build(&self.url, self.folder.path(), &self.key, &self.world, node, None).await;
        self.house.start().await.expect("workers");
    }

    /// `n` devices, half of them on each vendor, users `u0 …`; returns the users.
    pub async fn devices(&self, n: usize) -> Vec<String> {
        let users: Vec<String> = (0..n).map(|i| format!("u{i}")).collect();
        for part in users.chunks(1_000) {
            let list = part.iter().map(|user| self.registration(user, user[1..].parse().unwrap_or(0))).collect();
            self.house.storage.devices.register(self.app.no, list).await.expect("registered");
        }
        users
    }

    /// Phones with a token of Xiaomi's and, where `also` says so, one of APNs'. Returns their users.
    pub async fn phones_of_both(&self, n: usize, also: impl Fn(usize) -> bool) -> Vec<String> {
        let users: Vec<String> = (0..n).map(|i| format!("u{i}")).collect();
        let phone = |(i, user): (usize, &String)| {
            let mut phone = self.registration(user, 2 * i);
            phone.tokens = vec![(Vendor::Xiaomi, format!("reg-id-{i:06}"))];
            if also(i) {
                phone.tokens.push((Vendor::Apns, format!("{:064x}", 0x2000_0000 + i)));
            }
            phone
        };
        let list = users.iter().enumerate().map(phone).collect();
        self.house.storage.devices.register(self.app.no, list).await.expect("registered");
        users
    }

    pub fn registration(&self, user: &str, i: usize) -> Registration {
        let token = if i.is_multiple_of(2) {
            (Vendor::Apns, format!("{:064x}", 0x1000_0000 + i))
        } else {
            (Vendor::Xiaomi, format!("reg-id-{i:06}"))
        };
        Registration {
            fresh_id: DeviceId::from_bytes(self.world.id()),
            id: None,
            user_id: Some(user.to_owned()),
            model: "test".into(),
            os_version: "1".into(),
            app_version: "1.0".into(),
            notifications_on: Some(true),
            environment: Environment::Production,
            test: None,
            zone: None,
            tokens: vec![token],
            now: self.world.now(),
        }
    }

    pub fn submission(&self, targets: Targets) -> Submission {
        Submission {
            campaign: None,
            origin: Origin::Api,
            class: MessageClass::Bulk,
            business: "test".into(),
            content: Content { title: "Title".into(), body: "Body".into(), ..Content::default() },
            variables: BTreeMap::new(),
            targets,
            vendor_order: Vec::new(),
            versions: None,
            hours: None,
            deadline: None,
            idempotency: None,
            account: "tester".into(),
            address: "127.0.0.1".into(),
        }
    }

    pub async fn send(&self, submission: Submission) -> Accepted {
        self.house.accept.submit(&self.app, submission).await.expect("accepted")
    }

    pub async fn lane(&self, vendor: Vendor, change: impl FnOnce(&mut LaneSettings)) {
        let lanes = self.house.storage.apps.lanes_of(self.app.no).await.expect("lanes");
        let lane = lanes.into_iter().find(|lane| lane.vendor == vendor).expect("a lane");
        let mut settings = lane.settings;
        change(&mut settings);
        self.house.storage.apps.put_lane(self.app.no, vendor, settings, None).await.expect("changed");
        self.house.coordination.wakes.wake(pipeline::broker::wakes::LANES);
    }

    pub async fn lane_no(&self, vendor: Vendor) -> i64 {
        let lanes = self.house.storage.apps.lanes_of(self.app.no).await.expect("lanes");
        lanes.into_iter().find(|lane| lane.vendor == vendor).expect("a lane").no
    }

    pub async fn funnel(&self, message_no: i64) -> Funnel {
        let funnel = fold(self.house.storage.tallies.of_message(message_no).await.expect("tallies"));
        assert!(funnel.total.holds(), "the equation broke: {:?}", funnel.total);
        funnel
    }

    pub async fn message(&self, no: i64) -> Message {
        self.house.storage.messages.get(no).await.expect("a store").expect("a message")
    }

    /// Waits for the message to be over; every look on the way must balance.
    pub async fn finished(&self, message_no: i64) -> Funnel {
        self.until(message_no, |message, _| matches!(message.state, MessageState::Finished | MessageState::Cancelled)).await
    }

    /// Waits for a condition on message and funnel.
    pub async fn until(&self, message_no: i64, mut done: impl FnMut(&Message, &Funnel) -> bool) -> Funnel {
        let started = tokio::time::Instant::now();
        loop {
            let funnel = self.funnel(message_no).await;
            let message = self.message(message_no).await;
            if done(&message, &funnel) {
                return funnel;
            }
            if started.elapsed() >= PATIENCE {
                panic!("never came: {:?} {:?}\n{}", message.state, funnel.total, self.lanes_now(message_no).await);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Why nothing moves, for whoever reads a failure.
    async fn lanes_now(&self, message_no: i64) -> String {
        let lanes = self.house.storage.apps.lanes_of(self.app.no).await.expect("lanes");
        let numbers: Vec<i64> = lanes.iter().map(|lane| lane.no).collect();
        let events = self.house.storage.lane_events.latest(&numbers, 5).await.expect("events");
        let chunks = self.house.storage.chunks.of_message(message_no, ChunkNo(0), 100).await.expect("chunks");
        let chunks: Vec<String> = chunks
            .iter()
            .map(|c| {
                format!(
                    "{:?} {:?} x{} not before {} tried {} now {}",
                    c.vendor,
                    c.state,
                    c.count,
                    c.not_before,
                    c.attempts,
                    self.world.now()
                )
            })
            .collect();
        let used = lanes.iter().filter(|lane| lane.settings.ca_pem.is_some());
        let lines: Vec<String> = used.map(|lane| format!("{}: {:?}", lane.vendor.slug(), self.house.lane_status(lane.no))).collect();
        format!("{}\n{}\n{events:?}\n{:?}", lines.join("\n"), chunks.join("\n"), self.house.storage.chunks.leases().await)
    }

    /// Waits for the message that follows this one on the next lane.
    pub async fn onward_of(&self, message_no: i64) -> Message {
        let id = self.message(message_no).await.id;
        let started = tokio::time::Instant::now();
        loop {
            let filter = MessageFilter { origin: Some(Origin::Onward), ..MessageFilter::default() };
            let found =
                self.house.storage.messages.list(self.app.no, &filter, &PageRequest { after: None, size: 10 }).await.expect("a list");
            let follows = |m: &Message| matches!(&m.targets, Targets::Onward { message, .. } if *message == id);
            if let Some(message) = found.items.into_iter().find(follows) {
                return message;
            }
            assert!(started.elapsed() < PATIENCE, "nothing went on");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Counters equal a recount of every outcome in every chunk.
    pub async fn recount(&self, message_no: i64) {
        let mut counted: BTreeMap<String, u64> = BTreeMap::new();
        let mut after = ChunkNo(0);
        loop {
            let chunks = self.house.storage.chunks.of_message(message_no, after, 100).await.expect("chunks");
            let Some(last) = chunks.last() else { break };
            after = last.no;
            for chunk in &chunks {
                for (outcome, _) in Outcomes::decode(&chunk.outcomes).expect("outcomes").iter() {
                    *counted.entry(outcome.slug().to_owned()).or_default() += 1;
                }
            }
        }
        let total = self.funnel(message_no).await.total;
        for outcome in types::life::Outcome::ALL {
            assert_eq!(counted.get(outcome.slug()).copied().unwrap_or(0), total.get(outcome), "{}", outcome.slug());
        }
    }

    /// Device messages the simulator took under the show key of a message.
    pub async fn taken(&self, message_no: i64, vendor: Vendor) -> BTreeMap<u64, u32> {
        let key = pipeline::channel::step::show_key(&self.message(message_no).await);
        self.simulator.ledger().taken_under(vendor, &key).into_iter().collect()
    }

    pub async fn rules(&self, rules: Rules) {
        let seen = self.house.policy.of(&self.app).await.expect("a store").revision;
        self.house.policy.save(&self.app, seen, rules, &Actor::system()).await.expect("saved");
    }

    pub async fn block(&self, users: &[&str], group: &str) {
        let entries = users.iter().map(|u| NewBlocked { user_id: (*u).into(), group: group.into(), reason: "asked".into() }).collect();
        self.house.policy.block(&self.app, entries, &Actor::system()).await.expect("blocked");
    }

    /// Devices of one vendor only: `n` users `v0 …`.
    pub async fn of_vendor(&self, vendor: Vendor, n: usize) -> Vec<String> {
        let users: Vec<String> = (0..n).map(|i| format!("v{i}")).collect();
        let place = |i: usize| if vendor == Vendor::Apns { 2 * i } else { 2 * i + 1 };
        for part in (0..n).collect::<Vec<_>>().chunks(1_000) {
            let list = part.iter().map(|i| self.registration(&users[*i], place(*i))).collect();
            self.house.storage.devices.register(self.app.no, list).await.expect("registered");
        }
        users
    }

    pub async fn send_to(&self, users: &[String]) -> i64 {
        self.send(self.submission(Targets::Users { users: users.to_vec() })).await.no
    }

    pub async fn end(self) {
        self.house.stop().await;
        self.simulator.stop().await;
    }
}

async fn register(house: &House, simulator: &Simulator) -> App {
    let world = &house.world;
    let key = p8();
    simulator
        .add_account(Account::Apns(ApnsAccount {
            team_id: "TEAM123456".into(),
            key_id: "KEY1234567".into(),
            key: key.clone(),
            bundle_id: "com.example.app".into(),
            environment: Environment::Production,
            phones: None,
        }))
        .expect("an account");
    simulator
        .add_account(Account::Xiaomi(XiaomiAccount {
            package_name: "com.example.app".into(),
            app_secret: "xiaomi-secret-of-the-test".into(),
            channels: vec![Channel::plain("news")],
            daily_quota: 0,
            requests_per_second: 0,
        }))
        .expect("an account");
    let app = house
        .storage
        .apps
        .create(
            NewApp {
                id: AppId::from_bytes(world.id()),
                name: "Test".into(),
                description: String::new(),
                environment: Environment::Production,
                default_title: "Default".into(),
                vendor_order: vec![Vendor::Apns, Vendor::Xiaomi],
                services: vec!["push".into()],
                app_key: format!("ak_{}", hex::encode(world.bytes::<8>())),
                client_key: format!("ck_{}", hex::encode(world.bytes::<8>())),
                callback_secret: hex::encode(world.bytes::<16>()),
                secret_sealed: Vec::new(),
                created_at: world.now(),
            },
            None,
        )
        .await
        .expect("an app");
    for (vendor, fields) in [
        (Vendor::Apns, vec![("team_id", "TEAM123456"), ("key_id", "KEY1234567"), ("bundle_id", "com.example.app"), ("p8", key.as_str())]),
        (Vendor::Xiaomi, vec![("package_name", "com.example.app"), ("app_secret", "xiaomi-secret-of-the-test"), ("channel_id", "news")]),
    ] {
        let fields: BTreeMap<&str, &str> = fields.into_iter().collect();
        let aad = credential_aad(app.id.as_str(), vendor);
        let aad: Vec<&str> = aad.iter().map(String::as_str).collect();
        let sealed = house.vault.seal(&aad, &serde_json::to_vec(&fields).expect("json"));
        let row = CredentialRow { vendor, sealed, hints: Vec::new(), updated_at: world.now(), updated_by: "test".into() };
        house.storage.apps.put_credential(app.no, row, None).await.expect("a credential");
        let lanes = house.storage.apps.lanes_of(app.no).await.expect("lanes");
        let mut settings = lanes.into_iter().find(|lane| lane.vendor == vendor).expect("a lane").settings;
        settings.base_url = simulator.base_url(vendor);
        settings.ca_pem = Some(simulator.ca_pem().to_owned());
        house.storage.apps.put_lane(app.no, vendor, settings, None).await.expect("a lane");
    }
    house.storage.apps.by_no(app.no).await.expect("a store").expect("the app")
}
