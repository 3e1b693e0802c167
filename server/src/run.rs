//! The program's orders: serve, demo, simulator, migrate, config, admin.

use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use clap::{Parser, Subcommand};
use metrics_exporter_prometheus::PrometheusHandle;
use pipeline::house::{House, Plan};
use pipeline::vault::Vault;
use pipeline::world::World;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::settings::{self, Duty, Settings};
use crate::web::Web;
use crate::{admin, console, site, telemetry, web};

/// Time for answers in flight after the stop was asked for.
const DRAIN: Duration = Duration::from_secs(25);
/// Old sessions and links are swept so often.
const SWEEP: Duration = Duration::from_secs(600);

/// Mobile push, self-hosted: console and engine.
#[derive(Parser, Debug)]
#[command(name = "carillon", version)]
struct Cli {
    /// Settings file (TOML); without it `carillon.toml` in this folder, when it exists.
    #[arg(long, global = true, env = "CARILLON_CONFIG")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    order: Order,
}

#[derive(clap::Args, Debug, Default)]
struct Flags {
    /// Address and port, for example 127.0.0.1:3000.
    #[arg(long)]
    listen: Option<String>,
    #[arg(long)]
    data_dir: Option<String>,
    /// sqlite:///path/to/carillon.db or postgres://user:password@host/database
    #[arg(long)]
    database_url: Option<String>,
    /// What this process does, of console, api, worker, scheduler; all by default.
    #[arg(long)]
    roles: Option<String>,
}

#[derive(Subcommand, Debug)]
enum Order {
    /// Serve console and API, and send.
    Serve {
        #[command(flatten)]
        flags: Flags,
    },
    /// Everything on this machine with invented vendors and a sample workspace; keeps its state in the data folder.
    Demo {
        #[command(flatten)]
        flags: Flags,
    },
    /// The vendors' twin alone: strict, with dials, receipts and a ledger.
    Simulator {
        /// Where the vendors listen (TLS).
        #[arg(long, default_value = "127.0.0.1:3443")]
        listen: SocketAddr,
        /// Where the control API listens (plain HTTP, no sign-in: keep it on this machine).
        #[arg(long, default_value = "127.0.0.1:3480")]
        control: SocketAddr,
        /// Keeps certificate and ledger over restarts.
        #[arg(long)]
        folder: Option<PathBuf>,
        /// Accounts, dials and steps to begin with (JSON).
        #[arg(long)]
        scenario: Option<PathBuf>,
        #[arg(long, default_value_t = 1)]
        seed: u64,
    },
    /// Bring the database up to date and stop.
    Migrate {
        #[command(flatten)]
        flags: Flags,
    },
    /// Look at the settings.
    Config {
        #[command(subcommand)]
        order: ConfigOrder,
    },
    /// People and keys from the terminal.
    Admin {
        #[command(subcommand)]
        order: admin::Order,
    },
}

#[derive(Subcommand, Debug)]
enum ConfigOrder {
    /// Read everything, refuse what cannot work, print nothing else.
    Check,
    /// Print what is in force, without secrets, as JSON.
    Print,
}

impl Flags {
    fn pairs(self) -> Vec<(&'static str, String)> {
        [("listen", self.listen), ("data_dir", self.data_dir), ("database_url", self.database_url), ("roles", self.roles)]
            .into_iter()
            .filter_map(|(key, value)| value.map(|v| (key, v)))
            .collect()
    }
}

/// Reads the flags and does what they say.
///
/// # Errors
/// Whatever stopped the order, in words.
pub fn main() -> anyhow::Result<()> {
    // Before anything may build a TLS configuration: one provider for the whole process.
    rustls::crypto::ring::default_provider().install_default().map_err(|_| anyhow::anyhow!("a TLS provider is installed already"))?;
    let cli = Cli::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(run(cli))
}

fn say(text: &str) -> anyhow::Result<()> {
    writeln!(std::io::stdout(), "{text}").context("writing to the terminal")
}

async fn run(cli: Cli) -> anyhow::Result<()> {
    let environment = settings::environment();
    let read = |flags: Flags| settings::read(cli.config.as_deref(), &environment, &flags.pairs());
    match cli.order {
        Order::Serve { flags } => {
            let settings = read(flags)?;
            settings.check(false)?;
            telemetry::logs(&settings.log)?;
            serve(settings, false).await
        }
        Order::Demo { flags } => {
            let mut settings = read(flags)?;
            settings.check(true)?;
            crate::demo::settle(&mut settings)?;
            telemetry::logs(&settings.log)?;
            serve(settings, true).await
        }
        Order::Simulator { listen, control, folder, scenario, seed } => {
            telemetry::logs(&settings::Log::default())?;
            let scenario = match scenario {
                Some(path) => {
                    let text = std::fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
                    simulator::Scenario::read(&text).with_context(|| format!("scenario {}", path.display()))?
                }
                None => simulator::Scenario::default(),
            };
            let keep_ledger = folder.is_some();
            let options = simulator::Options { listen, control, seed, folder, keep_ledger, scenario, ..simulator::Options::default() };
            let stop = async {
                if let Err(error) = stop_asked().await {
                    tracing::error!(%error, "signals cannot be heard; stopping");
                }
            };
            simulator::run(options, stop).await.context("the simulator")
        }
        Order::Migrate { flags } => {
            let settings = read(flags)?;
            pipeline::storage::Storage::open(&settings.database_url()).await?;
            say("the database is up to date")
        }
        Order::Config { order } => {
            let settings = read(Flags::default())?;
            match order {
                ConfigOrder::Check => {
                    settings.check(false)?;
                    say("settings are good")
                }
                ConfigOrder::Print => say(&serde_json::to_string_pretty(&settings.redacted())?),
            }
        }
        Order::Admin { order } => {
            if let Some(answer) = admin::without_store(&order)? {
                return say(&answer);
            }
            let settings = read(Flags::default())?;
            settings.check(false)?;
            let house = build(&settings).await?;
            say(&admin::run(order, &settings, &house).await?)
        }
    }
}

/// The house of these settings; nothing runs yet.
///
/// # Errors
/// When the store or the master key cannot be opened.
pub async fn build(settings: &Settings) -> anyhow::Result<Arc<House>> {
    let world = World::system();
    let key = settings.master_key_file.as_deref().context("master_key_file is missing")?;
    let vault = Vault::from_key_file(world.clone(), key).with_context(|| format!("master key {}", key.display()))?;
    std::fs::create_dir_all(&settings.data_dir).with_context(|| format!("data folder {}", settings.data_dir.display()))?;
    let plan = Plan {
        database_url: settings.database_url(),
        data_dir: settings.data_dir.clone(),
        node: node_name(&world),
        roles: settings.roles(),
        redis_url: settings.redis_url().map(str::to_owned),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        vault: Arc::new(vault),
        world,
        public_url: settings.public_url.clone(),
    };
    let house = House::build(plan).await.context("building the house")?;
    house.allow_picture_hosts(settings.pictures.private_hosts.clone());
    house.keep_recipients(settings.retention.recipients_days);
    Ok(house)
}

/// The machine's name, and what tells this process from the others on it and from the one before.
fn node_name(world: &World) -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let host: String = host.trim().chars().filter(|c| c.is_ascii_alphanumeric() || "-.".contains(*c)).take(40).collect();
    let host = if host.is_empty() { "node" } else { &host };
    format!("{host}-{}", hex::encode(world.bytes::<4>()))
}

/// A console over a house that listens, until told to stop.
pub struct Running {
    pub address: SocketAddr,
    pub web: Web,
    task: tokio::task::JoinHandle<std::io::Result<()>>,
    stop: CancellationToken,
}

impl Running {
    /// Opens the listener and serves in the background.
    ///
    /// # Errors
    /// When the address is taken or the console cannot be built.
    pub async fn start(settings: Settings, house: Arc<House>, metrics: Option<PrometheusHandle>) -> anyhow::Result<Running> {
        let listener = TcpListener::bind(settings.listen).await.with_context(|| format!("listening on {}", settings.listen))?;
        let address = listener.local_addr()?;
        let stop = CancellationToken::new();
        let web = Web::new(house, settings.clone(), site::find(settings.site_dir.as_deref()), metrics, stop.clone())?;
        let service = web::router(&web).into_make_service_with_connect_info::<SocketAddr>();
        let stopped = stop.clone();
        let task = tokio::spawn(async move { axum::serve(listener, service).with_graceful_shutdown(stopped.cancelled_owned()).await });
        Ok(Running { address, web, task, stop })
    }

    /// Readiness fails from now on; the door stays open.
    pub fn turn_away(&self) {
        self.web.leaving.cancel();
    }

    /// Readiness fails at once; answers in flight get their time.
    ///
    /// # Errors
    /// When the listener failed.
    pub async fn stop(self) -> anyhow::Result<()> {
        self.stop_within(DRAIN).await
    }

    async fn stop_within(self, patience: Duration) -> anyhow::Result<()> {
        self.turn_away();
        self.stop.cancel();
        match tokio::time::timeout(patience, self.task).await {
            Ok(ended) => ended?.context("serving"),
            // Event streams stay open as long as their browsers; they are cut.
            Err(_) => Ok(()),
        }
    }
}

/// When nobody is known yet: a one-time link for the first administrator.
///
/// # Errors
/// When the store fails.
pub async fn first_link(house: &House, settings: &Settings, address: SocketAddr) -> anyhow::Result<Option<String>> {
    if house.storage.people.count().await? > 0 {
        return Ok(None);
    }
    let (token, _) = console::people::make_link(house, &console::Actor::system(), None).await.map_err(|p| admin::words(&p))?;
    let base = settings.public_url.clone().unwrap_or_else(|| format!("http://{address}"));
    Ok(Some(format!("{base}/first?token={token}")))
}

async fn stop_asked() -> anyhow::Result<()> {
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::select! {
        asked = tokio::signal::ctrl_c() => asked?,
        _ = terminate.recv() => {}
    }
    Ok(())
}

async fn sweep(house: Arc<House>, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(SWEEP) => {}
        }
        if let Err(error) = house.storage.people.sweep(house.world.now()).await {
            tracing::warn!(%error, "sweeping sessions");
        }
    }
}

/// Serves until SIGTERM or Ctrl-C.
///
/// # Errors
/// Whatever stopped it.
pub async fn serve(mut settings: Settings, demo: bool) -> anyhow::Result<()> {
    let metrics = telemetry::metrics()?;
    if demo && settings.public_url.is_none() {
        // The simulator posts receipts to this machine.
        settings.public_url = Some(format!("http://{}", settings.listen));
    }
    // Before the console, which shows its page when there is a simulator.
    let mut twin = None;
    if demo {
        let simulator = crate::demo::simulator(&settings).await?;
        settings.simulator_url = Some(simulator.control_url());
        twin = Some(simulator);
    }
    let house = build(&settings).await?;
    house.start().await.context("starting the lanes")?;
    let stop = CancellationToken::new();
    let sweeper = tokio::spawn(sweep(house.clone(), stop.clone()));
    // A node without pages and API listens too: /livez, /readyz, /metrics.
    let running = Running::start(settings.clone(), house.clone(), Some(metrics)).await?;
    tracing::info!(address = %running.address, "the console listens");
    if let Some(simulator) = &twin {
        say("Preparing the sample workspace (some seconds the first time) …")?;
        let told = crate::demo::furnish(&house, &settings, simulator, &format!("http://{}", running.address)).await?;
        say(&format!(
            "\nCarillon demo: http://{}\n  sign in as   {}\n  password     {}\n  simulator    {}/simulator/state\n  data         {}\nStop with Ctrl-C; the next start finds everything as it was.",
            running.address,
            told.email,
            told.password,
            told.control_url,
            settings.data_dir.display()
        ))?;
    } else {
        say(&format!("Carillon listens on http://{}", running.address))?;
        if settings.does(Duty::Console)
            && let Some(link) = first_link(&house, &settings, running.address).await?
        {
            say(&format!("Nobody is known yet. Create the administrator with this one-time link (48 hours):\n{link}"))?;
        }
    }
    tokio::select! {
        asked = stop_asked() => asked?,
        // Only a process that was ousted stops its lanes by itself.
        () = house.stopping().cancelled_owned() => {}
    }
    tracing::info!("stopping");
    stop.cancel();
    let began = tokio::time::Instant::now();
    running.turn_away();
    let linger = tokio::time::sleep(Duration::from_secs(settings.web.linger_seconds));
    tokio::join!(house.drain(), linger);
    // Lanes and answers share the time; an answer in flight gets a second of it at least.
    running.stop_within(DRAIN.saturating_sub(began.elapsed()).max(Duration::from_secs(1))).await?;
    house.leave().await;
    if let Some(twin) = twin {
        twin.stop().await;
    }
    sweeper.await.context("the sweeper")?;
    anyhow::ensure!(!house.ousted(), "another process took this database over");
    Ok(())
}
