//! THE TWIN: pretends to be every vendor, as strict as the vendor, with dials, receipts and a ledger.
//!
//! ```text
//! lanes --TLS--> wire (h2, http/1.1) -> apns | xiaomi | kit -> ten vendors -> ledger   the truth: what phones would get
//!                                                  |
//!                                                  +-> receipts -> callbacks of the vendors, reports of the phones
//! people, tests --HTTP--> control (/simulator/…): accounts, dials, ledger queries
//! ```
//!
//! Comes in: requests of lanes, accounts, dials. Goes out: answers, receipts, the ledger. Never: anything of the
//! pipeline; the twin is written from the vendors' manuals alone, so that it cannot share a misreading with an adapter.
//! How to add a vendor: a file with a `kit::Desk` (answers in the reject order of its manual, refusals, receipts), a line in
//! `kit::desk` and in `dials::VENDORS`, its section in `docs/simulator.md`.

mod accounts;
mod apns;
mod control;
mod dials;
mod door;
mod fcm;
mod getui;
mod honor;
mod huawei;
mod jpush;
mod kit;
mod ledger;
mod meizu;
mod meters;
mod oppo;
mod receipts;
mod record;
mod scripts;
mod tls;
mod twin;
mod umeng;
mod vivo;
mod wire;
mod xiaomi;

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use types::vendor::Vendor;

pub use crate::accounts::{Account, ApnsAccount, Channel, ChannelClass, Phones, XiaomiAccount};
pub use crate::dials::{Dials, Garbage, Outage, Receipts, Scenario, Step, VENDORS};
pub use crate::kit::KeyedAccount;
pub use crate::ledger::{Answers, Count, Entry, Ledger, Picture, Record, Repeats, Stored, Verdict, Windows, token_hash};
pub use crate::receipts::Posted;

/// How to start a twin. The default listens on free ports of 127.0.0.1, keeps nothing, and knows no account.
#[derive(Clone, Debug)]
pub struct Options {
    /// TLS: the vendors. Port 0 = a free one.
    pub listen: SocketAddr,
    /// Plain HTTP: the control API. Keep it on loopback: it has no sign-in.
    pub control: SocketAddr,
    /// Same seed, same chance.
    pub seed: u64,
    /// Keeps CA, certificate and ledger here over restarts.
    pub folder: Option<PathBuf>,
    /// Whether the ledger is kept in `folder` too.
    pub keep_ledger: bool,
    /// Accounts, dials and steps to begin with.
    pub scenario: Scenario,
    /// How often due receipts are posted; Xiaomi does it about once a second.
    pub receipts_every: Duration,
    /// PEM of extra roots for `https` callbacks; `http` needs none.
    pub callback_ca_pem: Option<String>,
}

impl Default for Options {
    fn default() -> Options {
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Options {
            listen: any,
            control: any,
            seed: 1,
            folder: None,
            keep_ledger: false,
            scenario: Scenario::default(),
            receipts_every: Duration::from_secs(1),
            callback_ca_pem: None,
        }
    }
}

/// What can go wrong outside of the play.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    #[error("the simulator's files or sockets: {0}")]
    Io(#[from] std::io::Error),
    #[error("the simulator's certificate: {0}")]
    Certificate(String),
    #[error("account: {0}")]
    Account(String),
    #[error("dials: {0}")]
    Dials(String),
    #[error("scenario: {0}")]
    Scenario(String),
}

/// A running twin. Dropping it stops it; [`Simulator::stop`] also waits until it has stopped.
pub struct Simulator {
    twin: Arc<twin::Twin>,
    listen: SocketAddr,
    control: SocketAddr,
    ca_pem: String,
    stop: CancellationToken,
    tasks: JoinSet<()>,
}

impl Simulator {
    /// Binds both listeners and answers from then on.
    ///
    /// # Errors
    /// A taken port, an unreadable folder, an account or dial that makes no sense.
    pub async fn start(options: Options) -> Result<Simulator, Trouble> {
        let identity = tls::identity(options.folder.as_deref())?;
        let kept = options.folder.as_deref().filter(|_| options.keep_ledger);
        let twin = Arc::new(twin::Twin::new(options.seed, Ledger::open(kept)?));
        let stop = CancellationToken::new();
        let (vendors, desk) = (TcpListener::bind(options.listen).await?, TcpListener::bind(options.control).await?);
        let (listen, control) = (vendors.local_addr()?, desk.local_addr()?);
        let poster = door::poster(options.callback_ca_pem.as_deref())?;
        control::play(&twin, options.scenario, &stop)?;

        let base_urls: BTreeMap<_, _> = VENDORS.into_iter().map(|v| (v.slug(), base_url_at(listen, v))).collect();
        let office = Arc::new(control::Desk { twin: Arc::clone(&twin), ca_pem: identity.ca_pem.clone(), base_urls, stop: stop.clone() });
        let mut tasks = JoinSet::new();
        tasks.spawn(wire::listen(vendors, tls::acceptor(&identity)?, Arc::clone(&twin), stop.clone()));
        tasks.spawn(control::listen(desk, office));
        tasks.spawn(receipts::postman(Arc::clone(&twin), poster, options.receipts_every, stop.clone()));
        Ok(Simulator { twin, listen, control, ca_pem: identity.ca_pem, stop, tasks })
    }

    /// What a lane's `base_url` must be for this vendor.
    pub fn base_url(&self, vendor: Vendor) -> String {
        base_url_at(self.listen, vendor)
    }

    /// `http://127.0.0.1:port`, without `/simulator`.
    pub fn control_url(&self) -> String {
        format!("http://{}", self.control)
    }

    /// The CA that lanes must trust.
    pub fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    /// The books. Queries read what is there at that moment.
    pub fn ledger(&self) -> &Ledger {
        &self.twin.ledger
    }

    /// Adds an account, or replaces the one with the same identity.
    pub fn add_account(&self, account: Account) -> Result<(), Trouble> {
        self.twin.add_account(account)
    }

    pub fn dials(&self, vendor: Vendor) -> Dials {
        Dials::clone(&self.twin.dials(vendor))
    }

    /// # Errors
    /// Values that make no sense, each named.
    pub fn set_dials(&self, vendor: Vendor, dials: Dials) -> Result<(), Trouble> {
        self.twin.set_dials(vendor, dials)
    }

    /// Accounts and dials at once, steps in the background.
    pub fn play(&self, scenario: Scenario) -> Result<(), Trouble> {
        control::play(&self.twin, scenario, &self.stop)
    }

    /// Receipts posted so far, and those still waiting for their time.
    pub fn posted(&self) -> Posted {
        self.twin.mail.posted()
    }

    /// HTTP/2 connections sent away with GOAWAY so far.
    pub fn goaways(&self) -> u64 {
        self.twin.goaways.load(std::sync::atomic::Ordering::Relaxed)
    }

    /// Ends the life of every access token that this vendor has issued. Returns how many were good.
    pub fn expire_passes(&self, vendor: Vendor) -> usize {
        self.twin.kit.expire(vendor, self.twin.clock.millis())
    }

    /// Moves the twin's clock forward: quota days, ages of tokens, receipts that become due.
    pub fn advance_clock(&self, by: Duration) {
        self.twin.clock.advance(by);
    }

    /// Empties ledger, quotas, windows and undelivered receipts; accounts and dials stay.
    pub fn reset(&self) -> Result<(), Trouble> {
        Ok(self.twin.reset()?)
    }

    /// Closes every connection and writes the ledger out.
    pub async fn stop(mut self) {
        self.stop.cancel();
        while self.tasks.join_next().await.is_some() {}
        self.twin.ledger.flush();
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        self.stop.cancel();
        self.twin.ledger.flush();
    }
}

fn base_url_at(listen: SocketAddr, vendor: Vendor) -> String {
    // A wildcard address is reached over loopback, which the certificate names.
    let host = if listen.ip().is_unspecified() { Ipv4Addr::LOCALHOST.into() } else { listen.ip() };
    format!("https://{}/{}", SocketAddr::from((host, listen.port())), vendor.slug())
}

/// `carillon simulator`: starts, says where it listens, and stops when `shutdown` completes.
pub async fn run(options: Options, shutdown: impl Future<Output = ()>) -> Result<(), Trouble> {
    let folder = options.folder.clone();
    let simulator = Simulator::start(options).await?;
    for vendor in VENDORS {
        tracing::info!(vendor = vendor.slug(), base_url = simulator.base_url(vendor), "the simulator answers");
    }
    let ca = folder.map_or_else(|| format!("{}/simulator/ca.pem", simulator.control_url()), |f| f.join("ca.pem").display().to_string());
    tracing::info!(control = format!("{}/simulator/state", simulator.control_url()), ca, "the simulator's control API");
    shutdown.await;
    simulator.stop().await;
    Ok(())
}
