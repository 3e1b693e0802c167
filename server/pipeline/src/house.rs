//! Builds every room once and hands it its neighbours; imported by no room.

use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use types::vendor::Vendor;

use crate::access::accept::Accept;
use crate::access::campaigns::CampaignDesk;
use crate::access::controls::Controls;
use crate::access::copies::CopyDesk;
use crate::access::crowd::Limits;
use crate::access::crowd::import::Crowds;
use crate::access::dead_letters::DeadDesk;
use crate::access::policy::PolicyDesk;
use crate::access::sensitive::SensitiveDesk;
use crate::broker::health::Healths;
use crate::broker::plan::Planner;
use crate::broker::policies::Policies;
use crate::broker::wakes;
use crate::channel::egress::Egresses;
use crate::channel::materials::Materials;
use crate::channel::preview::{self, Look, Seen};
use crate::channel::shelf::SharedPasses;
use crate::channel::status::{LaneStatus, Statuses};
use crate::channel::step::{Callbacks, MessageCache, Tools};
use crate::channel::{ahead, handover, lanes};
use crate::coordination::{Claim, Coordination, Locks, MISSED, NodeCard};
use crate::receipts::apply::{Applier, Turn};
use crate::receipts::listen::Listener;
use crate::storage::Storage;
use crate::storage::apps::App;
use crate::upkeep::Caretaker;
use crate::vault::Vault;
use crate::vendors::pass::Passes;
use crate::vendors::transport::{Reached, Transport};
use crate::world::World;

mod measure;
mod presence;

/// A node that fell silent loses its turn at the receipts after this.
const RECEIPTS_TURN: Duration = Duration::from_secs(10);
/// What is in flight at a stop gets this long.
pub const DRAIN: Duration = Duration::from_secs(25);
/// Between two looks at the stop flags in the store, and while the other nodes are not heard.
const FLAGS_EVERY: Duration = Duration::from_secs(30);
const FLAGS_EVERY_ALONE: Duration = Duration::from_secs(1);

/// What the house is built from.
pub struct Plan {
    /// `sqlite:///path/to/file.db` or `postgres://user@host/database`
    pub database_url: String,
    /// Uploads and the like.
    pub data_dir: PathBuf,
    /// Name of this process in leases; unique among living processes.
    pub node: String,
    /// What this process does.
    pub roles: Roles,
    /// `redis://…`: where nodes agree; `None` = inside this process.
    pub redis_url: Option<String>,
    pub version: String,
    pub world: World,
    pub vault: Arc<Vault>,
    /// `https://push.example.com`: where vendors post receipts; `None` = no vendor receipts.
    pub public_url: Option<String>,
}

/// What a process does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Roles {
    /// Pages for people.
    pub console: bool,
    /// Signed calls, client reports, vendor callbacks.
    pub api: bool,
    /// Planning, lanes, receipts.
    pub worker: bool,
    /// Schedules, expiry, resending, upkeep: on one node at a time.
    pub scheduler: bool,
}

impl Roles {
    pub const ALL: Roles = Roles { console: true, api: true, worker: true, scheduler: true };

    /// Sends, or looks after what is sent.
    pub const fn works(self) -> bool {
        self.worker || self.scheduler
    }

    pub fn names(self) -> Vec<String> {
        let all = [(self.console, "console"), (self.api, "api"), (self.worker, "worker"), (self.scheduler, "scheduler")];
        all.into_iter().filter(|(does, _)| *does).map(|(_, name)| name.to_owned()).collect()
    }
}

/// All rooms, wired.
pub struct House {
    pub storage: Storage,
    pub coordination: Coordination,
    pub world: World,
    pub vault: Arc<Vault>,
    pub accept: Accept,
    pub controls: Controls,
    pub crowds: Crowds,
    pub copies: CopyDesk,
    pub campaigns: CampaignDesk,
    pub policy: PolicyDesk,
    pub sensitive: SensitiveDesk,
    pub dead_letters: DeadDesk,
    /// The back door: callbacks and client reports.
    pub receipts: Listener,
    /// What each lane of this process is doing.
    pub statuses: Statuses,
    pub data_dir: PathBuf,
    pub public_url: Option<String>,
    planner: Planner,
    caretaker: Caretaker,
    applier: Applier,
    tools: Tools,
    stop: CancellationToken,
    tasks: TaskTracker,
    /// Of all processes only this one works on the store.
    alone: bool,
    /// Every other process on the store hears what this one says, and is heard.
    told: bool,
    roles: Roles,
    card: NodeCard,
    /// Bodies of receipts were stored by this process.
    arrived: Arc<tokio::sync::Notify>,
    /// Heartbeats end after the last lane.
    left: CancellationToken,
    /// Somebody else works here now.
    ousted: AtomicBool,
    shared_coordination: bool,
    shared_store: bool,
    opened: tokio::time::Instant,
    /// Held while this process works; the system lets go of it however the process ends.
    lock: Mutex<Option<std::fs::File>>,
}

/// Why the house could not be built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    #[error(transparent)]
    Storage(#[from] crate::storage::StorageError),
    #[error("{0}")]
    Other(String),
}

impl House {
    /// Opens the store and wires every room; nothing runs yet.
    ///
    /// # Errors
    /// When the store cannot be opened or migrated.
    pub async fn build(plan: Plan) -> Result<Arc<House>, BuildError> {
        let storage = Storage::open(&plan.database_url).await?;
        let world = plan.world;
        let coordination = match &plan.redis_url {
            Some(url) => Coordination::redis(url, &plan.node, world.clone()).map_err(|error| BuildError::Other(error.to_string()))?,
            None => Coordination::memory(),
        };
        let card = NodeCard {
            name: plan.node.clone(),
            roles: plan.roles.names(),
            version: plan.version,
            started: world.now(),
            sends: plan.roles.worker,
            ..NodeCard::default()
        };
        let accept = Accept::new(storage.clone(), coordination.clone(), world.clone());
        let controls = Controls::new(storage.clone(), coordination.clone(), world.clone(), accept.clone());
        let crowds = Crowds::new(storage.clone(), world.clone(), plan.data_dir.join("uploads"), Limits::default())
            .map_err(|error| BuildError::Other(format!("uploads folder: {error}")))?;
        let statuses = Statuses::default();
        let healths = Healths::default();
        let policies = Policies::new(storage.clone(), world.clone());
        let stop = CancellationToken::new();
        let shelf = SharedPasses::new(storage.clone(), world.clone(), plan.node.clone(), plan.data_dir.join("passes"));
        let tools = Tools {
            storage: storage.clone(),
            coordination: coordination.clone(),
            world: world.clone(),
            transport: Arc::new(Transport::new(world.clone())),
            passes: Arc::new(Passes::new(world.clone(), plan.vault.clone(), Arc::new(shelf))),
            materials: Arc::new(Materials::default()),
            pictures: Arc::default(),
            egresses: Arc::default(),
            writes: Default::default(),
            statuses: statuses.clone(),
            healths: healths.clone(),
            policies: policies.clone(),
            callbacks: callbacks(plan.public_url.clone()),
            messages: Arc::new(MessageCache::default()),
            owner: plan.node.clone(),
            stopping: stop.clone(),
        };
        let shared = crate::storage::shared(&plan.database_url);
        let alone = plan.roles.works() && (plan.redis_url.is_none() || !shared);
        let arrived = Arc::new(tokio::sync::Notify::new());
        let receipts = Listener::new(storage.clone(), world.clone(), arrived.clone());
        let woken = coordination.wakes.listen(wakes::RECEIPTS);
        let sole_owner = alone.then(|| plan.node.clone());
        let planner = Planner::new(storage.clone(), coordination.clone(), world.clone(), healths.clone(), policies.clone());
        let house = House {
            dead_letters: DeadDesk::new(storage.clone(), coordination.clone(), world.clone(), accept.clone()),
            policy: PolicyDesk::new(storage.clone(), coordination.clone(), world.clone(), policies),
            copies: CopyDesk::new(storage.clone(), world.clone()),
            sensitive: SensitiveDesk::new(storage.clone(), world.clone()),
            campaigns: CampaignDesk::new(storage.clone(), world.clone(), accept.clone(), controls.clone(), planner.clone()),
            planner,
            caretaker: Caretaker::new(storage.clone(), coordination.clone(), world.clone(), sole_owner),
            applier: Applier::new(storage.clone(), world.clone(), woken, plan.vault.clone(), healths.clone()),
            receipts,
            storage,
            coordination,
            world,
            vault: plan.vault,
            accept,
            controls,
            crowds,
            statuses,
            data_dir: plan.data_dir,
            public_url: plan.public_url,
            tools,
            stop,
            tasks: TaskTracker::new(),
            alone,
            told: plan.redis_url.is_some() || (!shared && plan.roles == Roles::ALL),
            arrived,
            roles: plan.roles,
            card,
            left: CancellationToken::new(),
            ousted: AtomicBool::new(false),
            shared_coordination: plan.redis_url.is_some(),
            shared_store: shared,
            opened: tokio::time::Instant::now(),
            lock: Mutex::default(),
        };
        Ok(Arc::new(house))
    }

    /// Starts every worker: planning, lanes, upkeep, receipts. What a former process left is taken up first.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn start(self: &Arc<Self>) -> Result<(), BuildError> {
        if self.alone {
            self.lock_folder().await?;
            self.storage.apps.nobody_else(self.world.now()).await?;
        }
        if self.roles.works() {
            self.enter().await?;
            tokio::spawn(self.clone().stay());
        }
        let meeting = if self.shared_coordination && self.shared_store { Some(self.meet().await?) } else { None };
        let made = self.storage.apps.complete_lanes().await?;
        if made > 0 {
            tracing::info!(lanes = made, "apps got the lanes of vendors that joined since");
        }
        let released = self.caretaker.wake_up().await?;
        if released > 0 {
            tracing::info!(chunks = released, "took up what the last process left");
        }
        // The others' shares are smaller before this node takes its first token.
        self.coordination.nodes.beat(&self.card()).await;
        tokio::spawn(self.clone().heartbeat(meeting));
        self.tasks.spawn(pass_on(self.arrived.clone(), self.coordination.clone(), self.stop.clone()));
        if self.roles.console || self.roles.api || self.alone {
            // Uploads lie in this node's folder.
            let nobody_else = !self.shared_store && self.roles == Roles::ALL;
            self.crowds.recover(nobody_else).await.map_err(|problem| BuildError::Other(problem.to_string()))?;
            self.tasks.spawn(self.crowds.clone().run(self.stop.clone()));
        }
        if self.roles.worker {
            self.controls.load_flags().await.map_err(|problem| BuildError::Other(problem.to_string()))?;
            self.tasks.spawn(keep_flags(self.controls.clone(), self.coordination.clone(), self.told, self.stop.clone()));
            self.tasks.spawn(self.planner.clone().run(self.stop.clone()));
            self.tasks.spawn(lanes::run(self.tools.clone(), self.vault.clone(), self.stop.clone()));
            self.tasks.spawn(ahead::run(self.tools.clone(), self.vault.clone(), self.stop.clone()));
            self.tasks.spawn(handover::run(self.tools.clone(), self.stop.clone()));
            self.tasks.spawn(apply_receipts(self.applier.clone(), self.coordination.locks.clone(), self.stop.clone()));
        }
        if self.roles.scheduler {
            self.tasks.spawn(self.caretaker.clone().run(self.stop.clone()));
            let (campaigns, locks) = (self.campaigns.clone(), self.coordination.locks.clone());
            self.tasks.spawn(campaigns.run(locks, self.stop.clone()));
        }
        Ok(())
    }

    pub const fn roles(&self) -> Roles {
        self.roles
    }

    /// What this node and the others know of a lane.
    pub fn lane_status(&self, lane_no: i64) -> LaneStatus {
        self.statuses.get(lane_no).with(self.coordination.standstills.get(lane_no))
    }

    /// What each lane of an app would send of a content, by the functions that send it.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn preview(&self, app: &App, look: &Look<'_>) -> Result<Vec<(Vendor, Seen)>, crate::storage::StorageError> {
        preview::of_app(&self.tools, &self.vault, app, look).await
    }

    /// Whether a link of a copy answers, through the door that pictures are fetched by.
    pub async fn reach(&self, url: &str) -> Reached {
        self.tools.transport.reach(url, None, &self.tools.pictures.allowed()).await
    }

    /// How the ways out of every lane fare in this process.
    pub fn egresses(&self) -> &Egresses {
        &self.tools.egresses
    }

    /// Hosts of this network from which pictures may be fetched all the same.
    pub fn allow_picture_hosts(&self, hosts: Vec<String>) {
        self.tools.pictures.allow(hosts);
    }

    /// Days for which the recipients of a message that is over are kept; 0 = for good.
    pub fn keep_recipients(&self, days: u32) {
        self.caretaker.keep_recipients(days);
    }

    /// For workers that live outside the pipeline (schedules of the console, the demo's phones): stopped with the house.
    pub fn stopping(&self) -> CancellationToken {
        self.stop.clone()
    }

    /// Its own name among the nodes.
    pub fn node(&self) -> &str {
        &self.card.name
    }

    /// Whether this process agrees with others through Redis.
    pub const fn among_others(&self) -> bool {
        self.shared_coordination
    }

    /// Drains and leaves.
    pub async fn stop(&self) {
        self.drain().await;
        self.leave().await;
    }

    /// Tells every worker to stop and waits until what is in flight has ended and is recorded, but not longer than [`DRAIN`]; what is
    /// left then comes back by its lease. The doors may stay open meanwhile.
    pub async fn drain(&self) {
        self.stop.cancel();
        self.tasks.close();
        self.coordination.nodes.beat(&self.card()).await;
        if tokio::time::timeout(DRAIN, self.tasks.wait()).await.is_err() {
            tracing::warn!(lanes = ?self.statuses.working(), "not everything in flight ended in time; its leases run out");
        }
    }

    /// After the doors are shut: the other nodes' shares grow, the store is free for another process.
    pub async fn leave(&self) {
        self.left.cancel();
        self.coordination.nodes.leave().await;
        self.storage.tenancy.leave().await;
        self.lock.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

/// Tells whoever applies receipts, on whichever node, that some came.
async fn pass_on(arrived: Arc<tokio::sync::Notify>, coordination: Coordination, stop: CancellationToken) {
    while stop.run_until_cancelled(arrived.notified()).await.is_some() {
        coordination.wakes.wake(wakes::RECEIPTS);
    }
}

/// One node applies receipts at a time; where nobody can be asked the store decides who was faster.
async fn apply_receipts(applier: Applier, locks: Arc<dyn Locks>, stop: CancellationToken) {
    let asked = locks.clone();
    let turn: Turn = Arc::new(move || {
        let locks = asked.clone();
        Box::pin(async move { locks.claim(wakes::RECEIPTS, RECEIPTS_TURN).await != Claim::Theirs })
    });
    applier.run(turn, stop).await;
    locks.release(wakes::RECEIPTS).await;
}

/// Reads the truth when this node may have missed a flag, and often while nobody can tell it.
async fn keep_flags(controls: Controls, coordination: Coordination, told: bool, stop: CancellationToken) {
    let missed = coordination.wakes.listen(MISSED);
    while !stop.is_cancelled() {
        let pause = if told && coordination.nodes.linked() { FLAGS_EVERY } else { FLAGS_EVERY_ALONE };
        tokio::select! {
            () = missed.notified() => {}
            () = tokio::time::sleep(pause) => {}
            () = stop.cancelled() => return,
        }
        if let Err(problem) = controls.load_flags().await {
            tracing::warn!(%problem, "stop flags could not be read; those known stay in force");
        }
    }
}

/// Where a lane's vendor shall post receipts.
fn callbacks(public_url: Option<String>) -> Callbacks {
    Arc::new(move |config, message| {
        let base = public_url.as_deref()?;
        Some(crate::vendors::dialect::CallbackTarget {
            url: format!("{base}/callbacks/{}/{}", config.lane.vendor.slug(), config.app.callback_secret),
            parameter: crate::receipts::mac::parameter(&config.app.callback_secret, message),
        })
    })
}
