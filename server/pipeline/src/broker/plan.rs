//! Planning: a message's recipients become chunks, some thousand at a time, each step one transaction with its cursor.
//! A crash repeats at most the step that was not committed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use types::Millis;
use types::content::{MessageClass, Rank};
use types::crowd::KeyKind;
use types::ids::ChunkNo;
use types::life::{FilterRule, Outcome};
use types::vendor::Vendor;

use super::ask::{self, Needs, Together};
use super::health::{Healths, Standings};
use super::policies::Policies;
use super::route::{self, OpenLane};
use super::turns::{self, Rounds};
use super::wakes;
use crate::coordination::{Claim, Coordination};
use crate::policy::Demands;
use crate::storage::apps::App;
use crate::storage::chunks::NewChunk;
use crate::storage::devices::{Reach, Reached};
use crate::storage::frame::{self, Outcomes, Reason, Recipient};
use crate::storage::messages::{Message, Origin, PlanStep, Targets};
use crate::storage::policy::ChunkPolicy;
use crate::storage::tallies::{Delta, Measure};
use crate::storage::{Result, Storage, StorageError};
use crate::telemetry;
use crate::world::World;

mod ramp;
pub mod recall;
mod rehearse;
pub use rehearse::{Counted, Load, Seat, Share};

/// Crowd blocks (1,000 rows each) in one planning step: few partly filled chunks, bounded memory.
const BLOCKS_PER_STEP: i64 = 20;
/// Named targets in one planning step.
const TARGETS_PER_STEP: usize = 10_000;
/// Chunks of an earlier message read in one step of a resend.
const CHUNKS_PER_STEP: u32 = 20;
/// Longest sleep with nothing to plan: a lost wake-up costs at most this.
const IDLE: Duration = Duration::from_secs(1);

/// A node that fell silent loses a crowd after this.
const PLAN_TURN: Duration = Duration::from_secs(10);

/// One named target with its key, in key order.
struct Target {
    key: i64,
    kind: KeyKind,
    vendor: Option<Vendor>,
    text: String,
    variables: BTreeMap<String, String>,
}

/// What one step gathered.
#[derive(Default)]
struct Gathered {
    targets: Vec<Target>,
    /// Recipients taken over from an earlier message, with their lane's vendor.
    again: Vec<(Vendor, Recipient)>,
    /// Devices that go on to another lane, with the tokens not tried yet.
    onward: Vec<(Recipient, Vec<Reach>)>,
    /// Those an earlier message may have reached, to be taken back.
    recall: Vec<recall::Reached>,
    next: i64,
    last: bool,
}

/// Small messages planned in one transaction.
const SIDE_BY_SIDE: usize = 256;
/// What is known of an app's lanes may be this old, milliseconds.
const CONTEXT_KEPT_MS: Millis = 500;

/// What planning asks of an app.
struct Context {
    app: App,
    lanes: Vec<OpenLane>,
    standings: BTreeMap<MessageClass, Standings>,
    /// Of lanes nobody has judged.
    trusted: Standings,
    read_at: Millis,
}

impl Context {
    fn standings_of(&self, message: &Message) -> &Standings {
        self.standings.get(&message.class).unwrap_or(&self.trusted)
    }
}

/// Turns stored messages into chunks.
#[derive(Clone)]
pub struct Planner {
    pub(super) storage: Storage,
    pub(super) coordination: Coordination,
    pub(super) world: World,
    healths: Healths,
    pub(super) policies: Policies,
    contexts: Arc<Mutex<BTreeMap<i64, Arc<Context>>>>,
    rounds: Rounds,
}

impl Planner {
    pub fn new(storage: Storage, coordination: Coordination, world: World, healths: Healths, policies: Policies) -> Planner {
        Planner { storage, coordination, world, healths, policies, contexts: Arc::default(), rounds: Rounds::default() }
    }

    /// Plans until told to stop. A loop for each rank: what a person waits for is never behind a crowd.
    pub async fn run(self, stop: CancellationToken) {
        tokio::join!(self.plan_rank(Rank::Urgent, &stop), self.plan_rank(Rank::Key, &stop), self.plan_rank(Rank::Bulk, &stop));
    }

    async fn plan_rank(&self, rank: Rank, stop: &CancellationToken) {
        let woken = self.coordination.wakes.listen(wakes::PLAN);
        while !stop.is_cancelled() {
            let worked = match self.step(rank).await {
                Ok(worked) => worked,
                Err(error) => {
                    tracing::error!(%error, "planning stopped for a moment");
                    false
                }
            };
            if !worked {
                tokio::select! {
                    () = woken.notified() => {}
                    () = tokio::time::sleep(IDLE) => {}
                    () = stop.cancelled() => return,
                }
            }
        }
    }

    /// One step of the messages of this rank whose turn it is. `false` when none waits.
    ///
    /// # Errors
    /// When the store fails; the messages stay where they were.
    pub async fn step(&self, rank: impl Into<Rank>) -> Result<bool> {
        let rank = rank.into();
        let mut waiting = self.storage.messages.to_plan(rank, SIDE_BY_SIDE as u32).await?;
        self.rounds.sort(rank, &mut waiting, self.world.now());
        // Two nodes would do every step of a crowd twice.
        let mut elsewhere = 0;
        while elsewhere < waiting.len() && self.is_elsewhere(&waiting[elsewhere]).await {
            elsewhere += 1;
        }
        waiting.drain(..elsewhere);
        recall::without_those_too_early(&self.storage, &self.coordination, &mut waiting, self.world.now()).await?;
        // A crowd's step is large enough alone.
        if let Some(first) = waiting
            .iter()
            .position(|message| !matches!(message.targets, Targets::Users { .. } | Targets::Devices { .. } | Targets::Tokens { .. }))
        {
            waiting.truncate(first.max(1));
        }
        // Small ones go together, as many as make a step of the usual size.
        let mut targets = 0;
        let fits = |message: &&Message| {
            targets += message.targets.named();
            targets <= TARGETS_PER_STEP
        };
        let together = waiting.iter().take_while(fits).count();
        waiting.truncate(together.max(1));
        if waiting.is_empty() {
            return Ok(false);
        }
        // Rules that ask the store about each recipient are asked message by message.
        let (mut plain, mut asking) = (Vec::new(), Vec::new());
        for message in waiting {
            let needs = Needs::of(&*self.policies.of(message.app_no).await?, &message);
            if needs.any() { asking.push(message) } else { plain.push(message) }
        }
        self.rounds.charge(rank, plain.iter().chain(&asking));
        let mut failed = None;
        if !plain.is_empty() && self.plan_together(&plain).await.is_err() {
            // One of them may be at fault: the others must not wait for it.
            asking.extend(plain);
        }
        let alone = asking.iter().map(|message| self.plan_together(std::slice::from_ref(message)));
        for planned in futures::future::join_all(alone).await {
            match planned {
                // Stale: somebody was faster; the next look sees it.
                Ok(()) | Err(StorageError::Stale(_)) => {}
                Err(error) => failed = Some(error),
            }
        }
        failed.map_or(Ok(true), Err)
    }

    /// Whether another node plans this crowd. Of small messages the store decides.
    async fn is_elsewhere(&self, message: &Message) -> bool {
        matches!(message.targets, Targets::Crowd { .. } | Targets::Again { .. } | Targets::Recall { .. })
            && self.coordination.locks.claim(&format!("plan/{}", message.no), PLAN_TURN).await == Claim::Theirs
    }

    /// One step of each, in one transaction. A message whose rules ask the store comes alone.
    async fn plan_together(&self, messages: &[Message]) -> Result<()> {
        let mut gathered = Vec::with_capacity(messages.len());
        for message in messages {
            gathered.push(match self.ramp_of(message).await? {
                Some(plan) => self.gather_step(message, &plan).await?,
                None => self.gather(message).await?,
            });
        }
        let mut found = self.reach_all(messages, &gathered).await?.into_iter();
        let (mut steps, mut turns) = (Vec::with_capacity(messages.len()), Vec::new());
        for (message, gathered) in messages.iter().zip(gathered) {
            let context = self.context(message.app_no).await?;
            let reached: Reached = found.by_ref().take(gathered.targets.len()).collect();
            let (from, to, last, now) = (message.cursor, gathered.next, gathered.last, self.world.now());
            let mut sorter = sort(message, &context, gathered, reached);
            let policy = self.policies.of(message.app_no).await?;
            let needs = Needs::of(&policy, message);
            // Held until the slots are written: who asks next sees them.
            if needs.counts && turns.is_empty() {
                turns.push(self.policies.turn(message.app_no).lock_owned().await);
            }
            let mut claim = None;
            if needs.any() {
                let answered = ask::ask(&self.storage, &policy, message, sorter.take(), now).await?;
                claim = answered.claim;
                sorter.groups = answered.groups;
                sorter.out.extend(answered.out);
            }
            let kept = ChunkPolicy { slots: claim.is_some(), blocked_version: policy.blocked_version, ..ChunkPolicy::default() };
            let chunks = sorter.into_chunks(order_of(message, &context), context.standings_of(message), &kept);
            steps.push(PlanStep { message_no: message.no, from, to, chunks, claim, last, now });
        }
        let lanes_of = |step: &PlanStep| step.chunks.iter().filter_map(|chunk| chunk.lane_no).collect::<Vec<i64>>();
        let lanes: Vec<Vec<i64>> = steps.iter().map(lanes_of).collect();
        let stages: Vec<Stages> = steps.iter().map(|step| stages_of(&step.chunks)).collect();
        // What was not written is stale: paused, cancelled, or somebody was faster; the next look sees it.
        let written = self.storage.messages.plan(steps).await?;
        drop(turns);
        let mut woken = BTreeSet::new();
        for (at, _) in written.iter().enumerate().filter(|(_, written)| **written) {
            woken.extend(lanes[at].iter().copied());
            let app = self.context(messages[at].app_no).await?.app.id.to_string();
            for ((vendor, stage), n) in &stages[at] {
                metrics::counter!(telemetry::MESSAGES, "app" => app.clone(), "vendor" => *vendor, "stage" => *stage).increment(*n);
            }
        }
        for lane in woken {
            self.coordination.wakes.wake(&wakes::lane(lane));
        }
        Ok(())
    }

    /// Devices of the targets of all messages, one message after the other: those of one app are looked up together.
    async fn reach_all(&self, messages: &[Message], gathered: &[Gathered]) -> Result<Reached> {
        let mut of_app: BTreeMap<i64, Vec<(usize, &Target)>> = BTreeMap::new();
        let mut place = 0;
        for (message, gathered) in messages.iter().zip(gathered) {
            let list = of_app.entry(message.app_no).or_default();
            for target in &gathered.targets {
                list.push((place, target));
                place += 1;
            }
        }
        let mut out: Reached = vec![Vec::new(); place];
        for (app_no, list) in of_app {
            let targets: Vec<&Target> = list.iter().map(|(_, target)| *target).collect();
            for ((place, _), reaches) in list.iter().zip(self.reach(app_no, &targets).await?) {
                out[*place] = reaches;
            }
        }
        Ok(out)
    }

    async fn context(&self, app_no: i64) -> Result<Arc<Context>> {
        let now = self.world.now();
        if let Some(known) = self.contexts.lock().unwrap_or_else(PoisonError::into_inner).get(&app_no)
            && (known.read_at..known.read_at + CONTEXT_KEPT_MS).contains(&now)
        {
            return Ok(known.clone());
        }
        let app = self.storage.apps.by_no(app_no).await?.ok_or_else(|| StorageError::Corrupt("message without its app".into()))?;
        let credentials: BTreeSet<Vendor> = self.storage.apps.credentials(app_no).await?.into_iter().map(|row| row.vendor).collect();
        let lanes = self.storage.apps.lanes_of(app_no).await?;
        let lanes = lanes
            .into_iter()
            .filter(|lane| lane.settings.enabled && credentials.contains(&lane.vendor))
            .map(|lane| OpenLane { lane_no: lane.no, vendor: lane.vendor, chunk: route::chunk_size(lane.vendor, &lane.settings) })
            .collect::<Vec<OpenLane>>();
        let of = |class| (class, self.healths.standings(app_no, lanes.iter().map(|lane| lane.vendor), class, now));
        let standings = MessageClass::ALL.into_iter().map(of).collect();
        let context = Arc::new(Context { app, lanes, standings, trusted: Standings::default(), read_at: now });
        self.contexts.lock().unwrap_or_else(PoisonError::into_inner).insert(app_no, context.clone());
        Ok(context)
    }

    async fn gather(&self, message: &Message) -> Result<Gathered> {
        let named = |kind: KeyKind, list: Vec<(Option<Vendor>, String)>| {
            let mut targets: Vec<Target> = list
                .into_iter()
                .map(|(vendor, text)| Target { key: frame::key_of(kind, vendor, &text), kind, vendor, text, variables: BTreeMap::new() })
                .collect();
            targets.sort_by(|a, b| (a.key, &a.text).cmp(&(b.key, &b.text)));
            targets.dedup_by(|a, b| a.key == b.key && a.text == b.text);
            let from = usize::try_from(message.cursor).unwrap_or(0).min(targets.len());
            let to = (from + TARGETS_PER_STEP).min(targets.len());
            let last = to == targets.len();
            let targets = targets.drain(from..to).collect();
            Gathered { targets, next: to as i64, last, ..Gathered::default() }
        };
        match &message.targets {
            Targets::Users { users } => Ok(named(KeyKind::User, users.iter().map(|u| (None, u.clone())).collect())),
            Targets::Devices { devices } => Ok(named(KeyKind::Device, devices.iter().map(|d| (None, d.clone())).collect())),
            Targets::Tokens { tokens } => Ok(named(KeyKind::Token, tokens.iter().map(|(v, t)| (Some(*v), t.clone())).collect())),
            Targets::Crowd { crowd } => {
                let mut targets = Vec::new();
                let mut seq = message.cursor;
                let mut last = false;
                while seq < message.cursor + BLOCKS_PER_STEP {
                    let Some(block) = self.storage.crowds.block(crowd, seq).await? else {
                        last = true;
                        break;
                    };
                    targets.extend(block.rows.into_iter().map(|row| Target {
                        key: row.key,
                        kind: row.kind,
                        vendor: row.vendor,
                        text: row.text,
                        variables: row.variables,
                    }));
                    seq += 1;
                }
                Ok(Gathered { targets, next: seq, last, ..Gathered::default() })
            }
            Targets::Onward { chunk, tried, .. } => {
                let onward = match self.storage.chunks.view(ChunkNo(*chunk)).await? {
                    Some(view) => super::onward::silent(&self.storage, &view, tried).await?,
                    None => Vec::new(),
                };
                Ok(Gathered { onward, next: message.cursor + 1, last: true, ..Gathered::default() })
            }
            Targets::Recall { message: earlier, .. } => {
                let (recall, next, last) = recall::gather(&self.storage, earlier, message.cursor).await?;
                Ok(Gathered { recall, next, last, ..Gathered::default() })
            }
            Targets::Again { message: earlier, outcomes, only } => {
                let wanted: Vec<Outcome> = outcomes.iter().filter_map(|slug| Outcome::parse(slug)).collect();
                let Some(earlier) = self.storage.messages.by_id(earlier).await? else {
                    return Ok(Gathered { next: message.cursor, last: true, ..Gathered::default() });
                };
                let chunks = self.storage.chunks.of_message(earlier.no, ChunkNo(message.cursor), CHUNKS_PER_STEP).await?;
                let mut again = Vec::new();
                for chunk in &chunks {
                    let Some(vendor) = chunk.vendor else { continue };
                    let list = Outcomes::decode(&chunk.outcomes)?;
                    for (i, recipient) in frame::decode_recipients(&chunk.recipients)?.into_iter().enumerate() {
                        let (outcome, reason) = list.get(i);
                        let chosen = only.is_empty() || only.iter().any(|ended| ended.is(vendor, outcome, reason));
                        if wanted.contains(&outcome) && chosen {
                            again.push((vendor, recipient));
                        }
                    }
                }
                let next = chunks.last().map_or(message.cursor, |chunk| chunk.no.0);
                Ok(Gathered { again, next, last: chunks.len() < CHUNKS_PER_STEP as usize, ..Gathered::default() })
            }
        }
    }

    /// Devices of every target, in the order of the targets.
    async fn reach(&self, app_no: i64, targets: &[&Target]) -> Result<Reached> {
        let devices = &self.storage.devices;
        let mut out: Reached = vec![Vec::new(); targets.len()];
        for kind in KeyKind::ALL {
            // A token of a vendor without a lane is nobody's here: it would shift the answers of the others.
            let asked = |t: &Target| t.kind == kind && (kind != KeyKind::Token || t.vendor.is_some());
            let indexes: Vec<usize> = (0..targets.len()).filter(|i| asked(targets[*i])).collect();
            for part in indexes.chunks(1_000) {
                let found = match kind {
                    KeyKind::User => {
                        let names: Vec<String> = part.iter().map(|i| targets[*i].text.clone()).collect();
                        devices.reach_users(app_no, &names).await?
                    }
                    KeyKind::Device => {
                        let names: Vec<String> = part.iter().map(|i| targets[*i].text.clone()).collect();
                        devices.reach_devices(app_no, &names).await?
                    }
                    KeyKind::Token => {
                        let names: Vec<(Vendor, String)> =
                            part.iter().filter_map(|i| targets[*i].vendor.map(|v| (v, targets[*i].text.clone()))).collect();
                        devices.reach_tokens(app_no, &names).await?
                    }
                };
                for (i, reaches) in part.iter().zip(found) {
                    out[*i] = reaches;
                }
            }
        }
        Ok(out)
    }
}

/// (vendor, stage) -> recipients.
type Stages = BTreeMap<(&'static str, &'static str), u64>;

/// What planning did, for the metrics.
fn stages_of(chunks: &[NewChunk]) -> Stages {
    let mut stages = Stages::new();
    for chunk in chunks {
        let vendor = chunk.vendor.map_or("", Vendor::slug);
        *stages.entry((vendor, "planned")).or_default() += u64::from(chunk.count);
        if chunk.lane_no.is_none() {
            *stages.entry((vendor, "filtered")).or_default() += u64::from(chunk.count);
        }
    }
    stages
}

/// The order of vendors that counts for this message.
fn order_of<'a>(message: &'a Message, context: &'a Context) -> &'a [Vendor] {
    if message.vendor_order.is_empty() { &context.app.vendor_order } else { &message.vendor_order }
}

/// Every recipient to its lane, or out by its rule. No I/O.
fn sort<'a>(message: &'a Message, context: &Context, gathered: Gathered, reached: Reached) -> Sorter<'a> {
    let (app, lanes) = (&context.app, &context.lanes);
    let order = order_of(message, context);
    let demands = Demands { environment: app.environment, test_only: message.origin == Origin::Test };
    let mut sorter = Sorter::new(message);
    for (vendor, recipient) in gathered.again {
        match lanes.iter().find(|lane| lane.vendor == vendor) {
            Some(lane) => sorter.send(*lane, recipient),
            None => sorter.filter(recipient, FilterRule::NoLane),
        }
    }
    for (recipient, tokens) in gathered.onward {
        // Without an open lane the first way stays the only one: nothing is planned.
        if let Ok(choice) = route::choose(&tokens, order, lanes, demands, context.standings_of(message)) {
            sorter.send(choice.lane, Recipient { token: choice.reach.token.clone(), ..recipient });
        }
    }
    recall::sort(&mut sorter, gathered.recall, lanes);
    let used = types::copy::variables(&message.content);
    for (target, reaches) in gathered.targets.into_iter().zip(reached) {
        sort_target(&mut sorter, target, reaches, &Rules { order, lanes, demands, standings: context.standings_of(message) }, &used);
    }
    sorter
}

/// What decides between the lanes of a device.
struct Rules<'a> {
    order: &'a [Vendor],
    lanes: &'a [OpenLane],
    demands: Demands,
    standings: &'a Standings,
}

fn sort_target(sorter: &mut Sorter<'_>, target: Target, reaches: Vec<Reach>, rules: &Rules<'_>, used: &BTreeSet<String>) {
    let Rules { order, lanes, demands, standings } = *rules;
    let mut variables = target.variables;
    variables.retain(|name, _| used.contains(name));
    let recipient = |device_no: i64, token: &str, text: &str| Recipient {
        key: target.key,
        device_no,
        token: token.to_owned(),
        target: text.to_owned(),
        variables: variables.clone(),
    };
    if reaches.is_empty() {
        // A token nobody registered can still be sent to; a test send never can.
        let lane = target.vendor.filter(|_| target.kind == KeyKind::Token).map(|v| lanes.iter().find(|lane| lane.vendor == v));
        match lane {
            Some(_) if demands.test_only => sorter.filter(recipient(0, &target.text, ""), FilterRule::NotTestDevice),
            Some(Some(lane)) => sorter.send(*lane, recipient(0, &target.text, "")),
            Some(None) => sorter.filter(recipient(0, &target.text, ""), FilterRule::NoLane),
            None if target.kind == KeyKind::Token => sorter.filter(recipient(0, &target.text, ""), FilterRule::NoLane),
            None => sorter.filter(recipient(0, "", &target.text), FilterRule::NoDevice),
        }
        return;
    }
    let mut by_device: BTreeMap<i64, Vec<Reach>> = BTreeMap::new();
    for reach in reaches {
        by_device.entry(reach.device_no).or_default().push(reach);
    }
    for (device_no, tokens) in by_device {
        match route::choose(&tokens, order, lanes, demands, standings) {
            Ok(choice) => sorter.send(choice.lane, recipient(device_no, &choice.reach.token, "")),
            Err(rule) => {
                let token = tokens.first().map_or("", |reach| reach.token.as_str());
                sorter.filter(recipient(device_no, token, ""), rule);
            }
        }
    }
}

/// Collects recipients by lane and cuts them into chunks.
struct Sorter<'a> {
    message: &'a Message,
    groups: BTreeMap<Together, (OpenLane, Vec<Recipient>)>,
    /// Ended before any lane.
    out: Vec<(Recipient, Outcome, Reason)>,
    /// To be taken back: as they were sent, for requests are withdrawn whole.
    back: BTreeMap<(i64, ChunkNo), (OpenLane, Vec<Recipient>)>,
    /// Left out, and counted for the lane all the same.
    out_of: BTreeMap<Vendor, Vec<(Recipient, FilterRule)>>,
}

impl<'a> Sorter<'a> {
    fn new(message: &'a Message) -> Sorter<'a> {
        Sorter { message, groups: BTreeMap::new(), out: Vec::new(), back: BTreeMap::new(), out_of: BTreeMap::new() }
    }

    fn send(&mut self, lane: OpenLane, recipient: Recipient) {
        let together = Together { lane_no: lane.lane_no, ..Together::default() };
        self.groups.entry(together).or_insert_with(|| (lane, Vec::new())).1.push(recipient);
    }

    fn filter(&mut self, recipient: Recipient, rule: FilterRule) {
        self.out.push((recipient, Outcome::Filtered, Reason { slug: rule.slug().to_owned(), words: String::new() }));
    }

    /// Everybody with a lane, to be asked about.
    fn take(&mut self) -> Vec<(OpenLane, Recipient)> {
        std::mem::take(&mut self.groups).into_values().flat_map(|(lane, list)| list.into_iter().map(move |r| (lane, r))).collect()
    }

    fn into_chunks(self, order: &[Vendor], standings: &Standings, kept: &ChunkPolicy) -> Vec<NewChunk> {
        let mut out = Vec::new();
        for (together, (lane, mut recipients)) in self.groups {
            recipients.sort_by_key(|r| (r.key, r.device_no));
            let mut why = route::why(lane.vendor, order, standings);
            if together.held_until > 0 {
                why.push_str("; quiet hours hold it");
            }
            for part in recipients.chunks(lane.chunk.max(1)) {
                let outcomes = Outcomes::waiting(part.len());
                let policy = ChunkPolicy { zone: together.zone.clone(), held_until: together.held_until, ..kept.clone() };
                out.push(NewChunk { policy, ..new_chunk(self.message, Some(lane), part, &outcomes, why.clone()) });
            }
        }
        for (lane, recipients) in self.back.into_values() {
            for part in recipients.chunks(lane.chunk.max(1)) {
                let outcomes = Outcomes::waiting(part.len());
                out.push(new_chunk(self.message, Some(lane), part, &outcomes, "the lane it went out by".to_owned()));
            }
        }
        for (vendor, mut list) in self.out_of {
            list.sort_by_key(|(r, _)| (r.key, r.device_no));
            for part in list.chunks(frame::CHUNK_MAX) {
                out.push(recall::left_out(self.message, vendor, part));
            }
        }
        let mut ended = self.out;
        ended.sort_by_key(|(r, ..)| (r.key, r.device_no));
        for part in ended.chunks(frame::CHUNK_MAX) {
            let mut outcomes = Outcomes::waiting(part.len());
            for (i, (_, outcome, reason)) in part.iter().enumerate() {
                outcomes.set(i, *outcome, Some(reason.clone()));
            }
            let recipients: Vec<Recipient> = part.iter().map(|(r, ..)| r.clone()).collect();
            out.push(new_chunk(self.message, None, &recipients, &outcomes, "left out by policy before any lane".to_owned()));
        }
        out
    }
}

pub(crate) fn new_chunk(message: &Message, lane: Option<OpenLane>, recipients: &[Recipient], outcomes: &Outcomes, why: String) -> NewChunk {
    let vendor = lane.map(|lane| lane.vendor);
    let delta = |measure: Measure, n: i64| Delta { message_no: message.no, app_no: message.app_no, vendor, measure, n };
    let mut deltas = vec![delta(Measure::Planned, recipients.len() as i64)];
    deltas.extend(
        outcomes
            .counts()
            .into_iter()
            .map(|((outcome, reason), n)| delta(Measure::Outcome { outcome, reason: reason.slug, words: reason.words }, n)),
    );
    NewChunk {
        lane_no: lane.map(|lane| lane.lane_no),
        vendor,
        priority: message.rank.priority(),
        flow: turns::flow_of(message),
        deadline: recall::deadline(message),
        count: recipients.len() as u32,
        first_key: recipients.first().map_or(0, |r| r.key),
        last_key: recipients.last().map_or(0, |r| r.key),
        recipients: frame::encode_recipients(recipients),
        outcomes: outcomes.encode(),
        why,
        done: lane.is_none(),
        deltas,
        policy: ChunkPolicy::default(),
    }
}
