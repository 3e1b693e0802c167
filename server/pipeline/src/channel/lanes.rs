//! The supervisor: one runner per lane, started, changed and stopped as apps, credentials and settings change.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use types::Millis;
use types::egress::WayKind;

use super::runner;
use super::step::{Tools, limit_key};
use crate::broker::wakes;
use crate::storage::Result;
use crate::storage::apps::{App, Lane};
use crate::vault::Vault;
use crate::vendors::dialect::{Credential, PassPlan};
use crate::vendors::transport::{Route, scope_of, spoken};
use crate::vendors::{credential, registry};

/// Everything one lane works with; replaced whole when any of it changes.
#[derive(Clone, Debug)]
pub struct LaneConfig {
    pub app: App,
    pub lane: Lane,
    /// `None` = nothing can be sent.
    pub opened: Option<Opened>,
    /// When the credential was stored: tells a new one from the old.
    pub credential_at: Millis,
}

/// An opened credential with all that is derived from it once.
#[derive(Clone)]
pub struct Opened {
    pub credential: Credential,
    pub plan: PassPlan,
    /// Ways out with their shares; at least one.
    pub ways: Vec<(u32, Route)>,
    /// Where access tokens are fetched.
    pub pass_route: Route,
    /// Where pictures are uploaded, when that is another host.
    pub media_route: Option<Route>,
}

impl std::fmt::Debug for Opened {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Opened(…, {} ways)", self.ways.len())
    }
}

/// A change of settings is in force after at most this long, wake-up or not.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// The same while the other nodes' wake-ups cannot be heard.
const LOOK_EVERY_ALONE: Duration = Duration::from_millis(400);
/// Limits of new lanes are opened within this time.
const PREPARE_EVERY: Duration = Duration::from_secs(20);

/// Keeps a runner for every lane until stopped; returns when all have drained.
pub async fn run(tools: Tools, vault: Arc<Vault>, stop: CancellationToken) {
    let tracker = TaskTracker::new();
    let mut runners: BTreeMap<i64, watch::Sender<Arc<LaneConfig>>> = BTreeMap::new();
    let woken = tools.coordination.wakes.listen(wakes::LANES);
    tracker.spawn(prepare_limits(tools.clone(), stop.clone()));
    while !stop.is_cancelled() {
        match read(&tools, &vault, &runners).await {
            Ok(configs) => {
                for (no, config) in configs {
                    match runners.get(&no) {
                        Some(sender) => {
                            sender.send_replace(config);
                        }
                        None => {
                            let (sender, receiver) = watch::channel(config);
                            tracker.spawn(runner::run(tools.clone(), receiver, stop.child_token()));
                            runners.insert(no, sender);
                        }
                    }
                }
            }
            Err(error) => tracing::error!(%error, "lane settings could not be read; the old ones stay in force"),
        }
        let look = if tools.coordination.nodes.linked() { LOOK_EVERY } else { LOOK_EVERY_ALONE };
        tokio::select! {
            () = woken.notified() => {}
            () = tokio::time::sleep(look) => {}
            () = stop.cancelled() => {}
        }
    }
    tracker.close();
    tracker.wait().await;
}

/// What the open lanes of one app work with.
///
/// # Errors
/// When the store fails.
pub(super) async fn of_app(tools: &Tools, vault: &Vault, app: &App) -> Result<Vec<LaneConfig>> {
    let credentials = tools.storage.apps.credentials(app.no).await?;
    let lanes = tools.storage.apps.lanes_of(app.no).await?;
    let config = |lane: Lane| {
        let row = credentials.iter().find(|row| row.vendor == lane.vendor)?;
        let opened = open(vault, app, &lane, &row.sealed)?;
        Some(LaneConfig { app: app.clone(), lane, opened: Some(opened), credential_at: row.updated_at })
    };
    Ok(lanes.into_iter().filter(|lane| lane.settings.enabled && lane.paused.is_none()).filter_map(config).collect())
}

/// What every lane of one app would work with, the closed ones too.
///
/// # Errors
/// When the store fails.
pub(super) async fn whole_app(tools: &Tools, vault: &Vault, app: &App) -> Result<Vec<LaneConfig>> {
    let credentials = tools.storage.apps.credentials(app.no).await?;
    let lanes = tools.storage.apps.lanes_of(app.no).await?;
    let config = |lane: Lane| {
        let row = credentials.iter().find(|row| row.vendor == lane.vendor);
        let opened = row.and_then(|row| open(vault, app, &lane, &row.sealed));
        LaneConfig { app: app.clone(), lane, opened, credential_at: row.map_or(0, |row| row.updated_at) }
    };
    Ok(lanes.into_iter().map(config).collect())
}

/// Opens every lane's limit before its first message needs it, and again when what the nodes share may have been lost.
async fn prepare_limits(tools: Tools, stop: CancellationToken) {
    let missed = tools.coordination.wakes.listen(crate::coordination::MISSED);
    while !stop.is_cancelled() {
        match tools.storage.apps.lanes().await {
            Ok(lanes) => {
                for lane in lanes.iter().filter(|lane| lane.settings.enabled) {
                    let pace = f64::from(lane.settings.pace_per_second.max(1));
                    tools.coordination.limiter.prepare(&limit_key(lane.no), pace).await;
                }
            }
            Err(error) => tracing::warn!(%error, "limits are opened by their first messages"),
        }
        tokio::select! {
            () = missed.notified() => {}
            () = tokio::time::sleep(PREPARE_EVERY) => {}
            () = stop.cancelled() => {}
        }
    }
}

/// The configurations that are new or changed.
async fn read(tools: &Tools, vault: &Vault, known: &BTreeMap<i64, watch::Sender<Arc<LaneConfig>>>) -> Result<Vec<(i64, Arc<LaneConfig>)>> {
    let apps: BTreeMap<i64, App> = tools.storage.apps.list().await?.into_iter().map(|app| (app.no, app)).collect();
    let mut credentials = BTreeMap::new();
    for app in apps.values() {
        for row in tools.storage.apps.credentials(app.no).await? {
            credentials.insert((app.no, row.vendor), row);
        }
    }
    let mut out = Vec::new();
    for lane in tools.storage.apps.lanes().await? {
        let Some(app) = apps.get(&lane.app_no) else { continue };
        let row = credentials.get(&(app.no, lane.vendor));
        let credential_at = row.map_or(0, |row| row.updated_at);
        if let Some(old) = known.get(&lane.no) {
            let old = old.borrow();
            if old.lane == lane && old.app == *app && old.credential_at == credential_at {
                continue;
            }
        }
        let opened = row.and_then(|row| open(vault, app, &lane, &row.sealed));
        let no = lane.no;
        out.push((no, Arc::new(LaneConfig { app: app.clone(), lane, opened, credential_at })));
    }
    Ok(out)
}

fn leave(route: &Route, way: &WayKind) -> Route {
    let route = route.clone();
    match way {
        WayKind::Direct => Route { egress_proxy: None, ..route },
        WayKind::Proxy(to) => Route { egress_proxy: Some(to.clone()), ..route },
        WayKind::Host(to) => Route { base_url: spoken(to), ..route },
        WayKind::Source(ip) => Route { source: Some(*ip), ..route },
    }
}

fn open(vault: &Vault, app: &App, lane: &Lane, sealed: &[u8]) -> Option<Opened> {
    let vendor = lane.vendor;
    let credential = credential::open(vault, app.id.as_str(), vendor, sealed)?;
    match registry::dialect(vendor).pass_plan(&credential) {
        Ok(plan) => {
            let settings = &lane.settings;
            let route = Route {
                vendor,
                base_url: spoken(&settings.base_url),
                ca_pem: settings.ca_pem.clone(),
                egress_proxy: settings.egress_proxy.clone(),
                source: None,
                timeout: Duration::from_millis(u64::from(settings.timeout_ms)),
                scope: scope_of(&plan),
            };
            // Tokens come from the vendor's own pass host, unless the lane was pointed elsewhere (a simulator, a gateway).
            let defaults = vendor.lane_defaults();
            let elsewhere = defaults.pass_url.is_empty() || settings.base_url != defaults.base_url_production;
            let pass_url = if elsewhere { route.base_url.clone() } else { defaults.pass_url.to_owned() };
            let ways: Vec<(u32, Route)> = match settings.ways.as_slice() {
                [] => vec![(1, route)],
                list => list.iter().map(|way| (way.share, leave(&route, &way.kind))).collect(),
            };
            let pass_route = Route { base_url: pass_url, ..ways[0].1.clone() };
            let media_url = if settings.base_url == defaults.base_url_production { vendor.media_url() } else { "" };
            let media_route = (!media_url.is_empty()).then(|| Route { base_url: media_url.to_owned(), ..ways[0].1.clone() });
            Some(Opened { credential, plan, ways, pass_route, media_route })
        }
        Err(error) => {
            tracing::error!(app = %app.id, vendor = vendor.slug(), %error, "the credential cannot be used; enter it again");
            None
        }
    }
}
