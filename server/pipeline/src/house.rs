//! Builds every room once and hands it its neighbours; imported by no room.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::access::accept::Accept;
use crate::access::campaigns::CampaignDesk;
use crate::access::controls::Controls;
use crate::access::copies::CopyDesk;
use crate::access::crowd::Limits;
use crate::access::crowd::import::Crowds;
use crate::access::policy::PolicyDesk;
use crate::broker::health::Healths;
use crate::broker::plan::Planner;
use crate::broker::policies::Policies;
use crate::channel::egress::Egresses;
use crate::channel::materials::Materials;
use crate::channel::status::Statuses;
use crate::channel::step::{Callbacks, MessageCache, Tools};
use crate::channel::{ahead, handover, lanes};
use crate::coordination::Coordination;
use crate::receipts::apply::Applier;
use crate::receipts::listen::Listener;
use crate::storage::Storage;
use crate::upkeep::Caretaker;
use crate::vault::Vault;
use crate::vendors::pass::Passes;
use crate::vendors::transport::Transport;
use crate::world::World;

/// How long a start waits for a process that is still draining.
const LOCK_PATIENCE: Duration = Duration::from_secs(30);

/// What the house is built from.
pub struct Plan {
    /// `sqlite:///path/to/file.db` or `postgres://user@host/database`
    pub database_url: String,
    /// Uploads, signed passes and the like.
    pub data_dir: PathBuf,
    /// Name of this process in leases; unique among living processes.
    pub node: String,
    /// No other process works on this store (always so with SQLite).
    pub alone: bool,
    pub world: World,
    pub vault: Arc<Vault>,
    /// `https://push.example.com`: where vendors post receipts; `None` = no vendor receipts.
    pub public_url: Option<String>,
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
    alone: bool,
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
        let coordination = Coordination::memory();
        let world = plan.world;
        let accept = Accept::new(storage.clone(), coordination.clone(), world.clone());
        let controls = Controls::new(storage.clone(), coordination.clone(), world.clone(), accept.clone());
        let crowds = Crowds::new(storage.clone(), world.clone(), plan.data_dir.join("uploads"), Limits::default())
            .map_err(|error| BuildError::Other(format!("uploads folder: {error}")))?;
        let statuses = Statuses::default();
        let healths = Healths::default();
        let policies = Policies::new(storage.clone(), world.clone());
        let stop = CancellationToken::new();
        let store = crate::vendors::pass::FilePassStore::new(plan.data_dir.join("passes"));
        let tools = Tools {
            storage: storage.clone(),
            coordination: coordination.clone(),
            world: world.clone(),
            transport: Arc::new(Transport::new(world.clone())),
            passes: Arc::new(Passes::new(world.clone(), plan.vault.clone(), Arc::new(store))),
            materials: Arc::new(Materials::default()),
            pictures: Arc::default(),
            egresses: Arc::default(),
            statuses: statuses.clone(),
            healths: healths.clone(),
            policies: policies.clone(),
            callbacks: callbacks(plan.public_url.clone()),
            messages: Arc::new(MessageCache::default()),
            owner: plan.node.clone(),
            stopping: stop.clone(),
        };
        let woken = Arc::new(tokio::sync::Notify::new());
        let receipts = Listener::new(storage.clone(), world.clone(), woken.clone());
        let sole_owner = plan.alone.then(|| plan.node.clone());
        let house = House {
            policy: PolicyDesk::new(storage.clone(), coordination.clone(), world.clone(), policies.clone()),
            copies: CopyDesk::new(storage.clone(), world.clone()),
            campaigns: CampaignDesk::new(storage.clone(), world.clone(), accept.clone(), controls.clone()),
            planner: Planner::new(storage.clone(), coordination.clone(), world.clone(), healths.clone(), policies),
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
            alone: plan.alone,
            lock: Mutex::default(),
        };
        Ok(Arc::new(house))
    }

    /// Starts every worker: planning, lanes, upkeep, receipts. What a former process left is taken up first.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn start(&self) -> Result<(), BuildError> {
        if self.alone {
            self.lock_folder().await?;
            self.storage.apps.nobody_else(self.world.now()).await?;
        }
        let made = self.storage.apps.complete_lanes().await?;
        if made > 0 {
            tracing::info!(lanes = made, "apps got the lanes of vendors that joined since");
        }
        let released = self.caretaker.wake_up().await?;
        if released > 0 {
            tracing::info!(chunks = released, "took up what the last process left");
        }
        self.controls.load_flags().await.map_err(|problem| BuildError::Other(problem.to_string()))?;
        self.crowds.recover().await.map_err(|problem| BuildError::Other(problem.to_string()))?;
        self.tasks.spawn(self.crowds.clone().run(self.stop.clone()));
        self.tasks.spawn(self.planner.clone().run(self.stop.clone()));
        self.tasks.spawn(lanes::run(self.tools.clone(), self.vault.clone(), self.stop.clone()));
        self.tasks.spawn(ahead::run(self.tools.clone(), self.vault.clone(), self.stop.clone()));
        self.tasks.spawn(handover::run(self.tools.clone(), self.stop.clone()));
        self.tasks.spawn(self.applier.clone().run(self.stop.clone()));
        self.tasks.spawn(self.caretaker.clone().run(self.stop.clone()));
        self.tasks.spawn(self.campaigns.clone().run(self.stop.clone()));
        Ok(())
    }

    /// One process a store: a second one would take the first one's leases for a dead process's. An old process that is still
    /// draining is waited for.
    async fn lock_folder(&self) -> Result<(), BuildError> {
        let path = self.data_dir.join("working.lock");
        let failed = |error: std::io::Error| BuildError::Other(format!("{}: {error}", path.display()));
        let file = std::fs::OpenOptions::new().create(true).truncate(false).write(true).open(&path).map_err(failed)?;
        let started = tokio::time::Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(std::fs::TryLockError::WouldBlock) if started.elapsed() < LOCK_PATIENCE => {
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
                Err(std::fs::TryLockError::WouldBlock) => {
                    return Err(BuildError::Other(format!(
                        "another process works on {}; stop it first, or give this one its own data folder",
                        self.data_dir.display()
                    )));
                }
                Err(std::fs::TryLockError::Error(error)) => return Err(failed(error)),
            }
        }
        *self.lock.lock().unwrap_or_else(PoisonError::into_inner) = Some(file);
        Ok(())
    }

    /// How the ways out of every lane fare in this process.
    pub fn egresses(&self) -> &Egresses {
        &self.tools.egresses
    }

    /// Hosts of this network from which pictures may be fetched all the same.
    pub fn allow_picture_hosts(&self, hosts: Vec<String>) {
        self.tools.pictures.allow(hosts);
    }

    /// For workers that live outside the pipeline (schedules of the console, the demo's phones): stopped with the house.
    pub fn stopping(&self) -> CancellationToken {
        self.stop.clone()
    }

    /// Tells every worker to stop and waits until what is in flight has ended and is recorded.
    pub async fn stop(&self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
        self.lock.lock().unwrap_or_else(PoisonError::into_inner).take();
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
