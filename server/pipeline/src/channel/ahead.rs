//! Before the first batch: pictures uploaded and contents saved, minutes before a scheduled start and beside the planning of one that
//! starts at once. A lane that cannot be made ready holds nobody up: its first batch prepares again.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use types::Millis;
use types::campaign::{AHEAD_MS, DEFAULT_LIFE_MS};
use types::content::Content;
use types::failure::FailureClass;
use types::ids::CampaignId;

use super::call::{self, Ready};
use super::lanes::{self, LaneConfig};
use super::naming::show_key_of;
use super::step::Tools;
use crate::storage::Result;
use crate::storage::apps::App;
use crate::storage::campaigns::Campaign;
use crate::storage::materials::{Preparation, Stage};
use crate::vault::Vault;
use crate::vendors::dialect::{Batch, Prepared};
use crate::vendors::registry;

/// Between two looks.
const EVERY: Duration = Duration::from_secs(1);
/// Campaigns looked at in one round, of those to come and of those that run.
const AT_ONCE: u32 = 50;
/// Whoever took a preparation up and fell silent loses it after this.
const TURN_MS: Millis = 90_000;
/// A preparation that failed is tried again after this.
const AGAIN_MS: Millis = 30_000;
const LONGEST_MS: Millis = 3_600_000;
/// Where nothing ends by itself.
const LONG_MS: Millis = 7 * 86_400_000;
/// Running campaigns whose lanes all stand, remembered so that they are not looked at every second.
const SETTLED: usize = 1_000;
/// Stand for any recipients: what is prepared ahead is the same for all.
const ANYBODY: [&str; 2] = ["anybody-0000000000", "anybody-0000000001"];

/// What is prepared of one campaign, the same for all its lanes.
struct Task {
    campaign: CampaignId,
    message_no: i64,
    content: Content,
    /// Its texts differ from one recipient to the next.
    pictures_only: bool,
    class: types::content::MessageClass,
    /// When the first batch is built at the earliest: what is saved says how long it lives from then.
    starts_at: Millis,
    deadline: Millis,
    made_of: String,
}

/// Looks for campaigns about to start, and for those just started, until stopped.
pub async fn run(tools: Tools, vault: Arc<Vault>, stop: CancellationToken) {
    let tracker = TaskTracker::new();
    let mut settled = BTreeSet::new();
    while !stop.is_cancelled() {
        if let Err(error) = round(&tools, &vault, &mut settled, &tracker).await {
            tracing::warn!(%error, "nothing is prepared ahead for a moment; first batches prepare by themselves");
        }
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            () = stop.cancelled() => {}
        }
    }
    tracker.close();
    tracker.wait().await;
}

async fn round(tools: &Tools, vault: &Vault, settled: &mut BTreeSet<CampaignId>, tracker: &TaskTracker) -> Result<()> {
    let now = tools.world.now();
    let mut campaigns = tools.storage.campaigns.due(now + AHEAD_MS, AT_ONCE).await?;
    for (id, _) in tools.storage.campaigns.running(AT_ONCE).await? {
        if !settled.contains(&id)
            && let Some(campaign) = tools.storage.campaigns.get(&id).await?
        {
            campaigns.push(campaign);
        }
    }
    for campaign in campaigns {
        let started = campaign.message.is_some();
        let Some(app) = tools.storage.apps.by_no(campaign.app_no).await? else { continue };
        let Some(task) = task(tools, &app, &campaign, now).await? else { continue };
        let task = Arc::new(task);
        let known = tools.storage.materials.preparations(&task.campaign).await?;
        let stands = |lane_no: i64| {
            known.iter().find(|one| one.lane_no == lane_no && one.made_of == task.made_of && now < one.ends_at).map(|one| one.stage)
        };
        let mut all_stand = true;
        for config in lanes::of_app(tools, vault, &app).await? {
            match stands(config.lane.no) {
                Some(Stage::Ready | Stage::Nothing) => continue,
                Some(Stage::UnderWay | Stage::Failed) => all_stand = false,
                None => {
                    all_stand = false;
                    let (tools, task) = (tools.clone(), task.clone());
                    tracker.spawn(async move {
                        if let Err(error) = one(&tools, &config, &task).await {
                            tracing::warn!(%error, lane = config.lane.no, "a preparation could not be written down");
                        }
                    });
                }
            }
        }
        if started && all_stand {
            if settled.len() >= SETTLED {
                settled.clear();
            }
            settled.insert(campaign.id);
        }
    }
    Ok(())
}

/// What a campaign will say, as far as it is known now; `None` = nothing to say, which its start will tell.
async fn task(tools: &Tools, app: &App, campaign: &Campaign, now: Millis) -> Result<Option<Task>> {
    let spec = &campaign.spec;
    let Some(id) = &spec.copy else { return Ok(None) };
    let Some(copy) = tools.storage.copies.get(id).await?.filter(|copy| copy.app_no == app.no) else { return Ok(None) };
    let content = match spec.copy_version {
        None => copy.newest.content,
        Some(number) => match tools.storage.copies.version(id, number).await? {
            Some(version) => version.content,
            None => return Ok(None),
        },
    };
    let starts_at = campaign.due_at.unwrap_or(now);
    let deadline = spec.deadline.unwrap_or(starts_at + DEFAULT_LIFE_MS);
    let (content, missing) = types::copy::render(&content, &spec.variables);
    let words = serde_json::to_string(&(&content, &app.default_title, spec.class, deadline)).unwrap_or_default();
    Ok(Some(Task {
        campaign: campaign.id.clone(),
        message_no: campaign.message.as_ref().map_or(0, |(no, _)| *no),
        content,
        pictures_only: !missing.is_empty(),
        class: spec.class,
        starts_at,
        deadline,
        made_of: format!("{:032x}", xxhash_rust::xxh3::xxh3_128(words.as_bytes())),
    }))
}

/// One lane's share.
async fn one(tools: &Tools, config: &LaneConfig, task: &Task) -> Result<()> {
    let now = tools.world.now();
    let mut row = Preparation {
        campaign: task.campaign.clone(),
        lane_no: config.lane.no,
        made_of: task.made_of.clone(),
        stage: Stage::UnderWay,
        words: String::new(),
        at: now,
        ends_at: now + TURN_MS,
    };
    if !tools.storage.materials.take_up(&row).await? {
        return Ok(());
    }
    let done = prepare(tools, config, task, now).await;
    row.at = tools.world.now();
    (row.stage, row.words, row.ends_at) = match done {
        Ok(Ready { materials: 0, left_out: None, .. }) => {
            let texts_differ = task.pictures_only && registry::dialect(config.lane.vendor).prepares_ahead();
            (Stage::Nothing, if texts_differ { "texts differ".to_owned() } else { String::new() }, row.at + LONG_MS)
        }
        Ok(Ready { left_out: Some(words), .. }) => (Stage::Ready, words, row.at + AGAIN_MS),
        Ok(Ready { ends_at, .. }) => (Stage::Ready, String::new(), ends_at.unwrap_or(row.at + LONG_MS)),
        Err(failure) => {
            tracing::warn!(lane = config.lane.no, campaign = %task.campaign, words = failure.words, "a lane could not be made ready ahead");
            // What is refused for good, or until the vendor's clock turns, is not asked for every moment.
            let least = if failure.class == FailureClass::BadContent { AHEAD_MS } else { AGAIN_MS };
            (Stage::Failed, failure.words, row.at + failure.retry_after.unwrap_or(0).clamp(least, LONGEST_MS))
        }
    };
    tools.storage.materials.settle(&row).await
}

async fn prepare(
    tools: &Tools,
    config: &LaneConfig,
    task: &Task,
    now: Millis,
) -> std::result::Result<Ready, crate::vendors::dialect::Failure> {
    let Some(opened) = config.opened.as_ref().filter(|_| registry::dialect(config.lane.vendor).prepares_ahead()) else {
        return Ok(Ready::default());
    };
    let message = task.campaign.message();
    let show_key = show_key_of(message.as_str());
    let callback = (tools.callbacks)(config, message.as_str());
    let batch = Batch {
        environment: config.app.environment,
        base_url: &opened.ways[0].1.base_url,
        class: task.class,
        content: &task.content,
        default_title: &config.app.default_title,
        message: message.as_str(),
        show_key: &show_key,
        once_key: &show_key,
        recall: None,
        traces: &[],
        tokens: &ANYBODY,
        // A moment after the start, as the first batch will see it.
        now: now.max(task.starts_at + 1_000),
        deadline: task.deadline,
        callback: callback.as_ref(),
        test: false,
        prepared: &Prepared::default(),
        singly: false,
    };
    call::prepare_ahead(tools, config, opened, task.message_no, &batch, task.pictures_only).await
}
