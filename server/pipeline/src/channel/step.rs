//! One chunk's turn: ask policy, take tokens, build, send, judge, record. Whatever happens, what is known is recorded.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::AtomicI64;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use types::Millis;
use types::content::Rank;
use types::failure::{FailureClass, ForLane, ForMessage, ForToken};
use types::life::{FilterRule, Outcome};
use types::vendor::PaceUnit;

use super::call::{self, Said, Unsayable};
use super::egress::Egresses;
use super::guard::Guard;
use super::lanes::{LaneConfig, Opened};
use super::mark::{Begin, Mark, Writes, requests_at_once};
use super::materials::Materials;
pub use super::naming::{once_key, show_key, trace_id};
use super::pictures::Pictures;
use super::render::Group;
use super::settle::{Fate, after_failure, after_silence, halts, strike};
use super::status::Statuses;
use super::turnstile::Turnstile;
use super::{gate, render, retry};
use crate::broker::health::Healths;
use crate::broker::policies::Policies;
use crate::coordination::{Change, Coordination, Stop};
use crate::policy::{Gate, before_send, stops};
use crate::storage::chunks::Claimed;
use crate::storage::frame::{self, Outcomes, Reason, Recipient};
use crate::storage::messages::Message;
use crate::storage::{Result, Storage, StorageError};
use crate::vendors::dialect::{CallbackTarget, Judgement, Verdict};
use crate::vendors::pass::Passes;
use crate::vendors::transport::Transport;
use crate::world::World;

mod asking;
mod record;
mod tokens;

pub use tokens::limit_key;
use tokens::{AtHand, Held, Wanted, beside};

/// Gives the receipt address for a message (by its id) of an app, when this installation has a public address.
pub type Callbacks = Arc<dyn Fn(&LaneConfig, &str) -> Option<CallbackTarget> + Send + Sync>;

/// A lease outlives the vendor's time-out by this much (reliability page, trap 3).
pub const LEASE_MARGIN_MS: Millis = 10_000;
/// Longest sleep of who waits for tokens: a stop, a change of pace and the lease are looked at after it.
const TOKEN_WAIT_MAX: Duration = Duration::from_secs(1);
/// Contents kept rendered and messages kept read.
const MESSAGES_KEPT: usize = 256;

/// What every lane needs, shared by all.
#[derive(Clone)]
pub struct Tools {
    pub storage: Storage,
    pub coordination: Coordination,
    pub world: World,
    pub transport: Arc<Transport>,
    pub passes: Arc<Passes>,
    pub materials: Arc<Materials>,
    pub pictures: Arc<Pictures>,
    pub egresses: Arc<Egresses>,
    pub writes: Writes,
    pub statuses: Statuses,
    pub healths: Healths,
    pub policies: Policies,
    pub callbacks: Callbacks,
    pub messages: Arc<MessageCache>,
    /// Name of this process in leases.
    pub owner: String,
    /// The house is being stopped: what is in flight ends, the rest of a chunk goes back in line.
    pub stopping: CancellationToken,
}

/// Messages do not change once accepted (but for their state, which is not read from here).
#[derive(Default)]
pub struct MessageCache(std::sync::Mutex<BTreeMap<i64, Arc<Message>>>);

impl MessageCache {
    async fn get(&self, storage: &Storage, no: i64) -> Result<Arc<Message>> {
        if let Some(message) = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner).get(&no) {
            return Ok(message.clone());
        }
        let message = storage.messages.get(no).await?.ok_or_else(|| StorageError::Corrupt("chunk without its message".into()))?;
        let message = Arc::new(message);
        let mut kept = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if kept.len() >= MESSAGES_KEPT {
            kept.pop_first();
        }
        kept.insert(no, message.clone());
        Ok(message)
    }
}

/// What the lane should know after a step.
#[derive(Debug, Default, PartialEq)]
pub struct Effect {
    /// Requests that showed the vendor well / failing.
    pub well: u32,
    pub strikes: u32,
    /// Stand still until then (rate answer).
    pub slow_until: Option<Millis>,
    /// Stand still until then (quota answer).
    pub closed_until: Option<Millis>,
    /// Stand still until a person mends it.
    pub pause: Option<String>,
    /// Class slug and the vendor's words of the last failure.
    pub last_failure: Option<(String, String)>,
    /// Device messages accepted in this step.
    pub accepted: u64,
    /// Device messages the vendor itself failed at.
    pub failed: u64,
}

/// What a step may do.
#[derive(Clone, Debug)]
pub struct Terms {
    pub lease_until: Millis,
    /// Device messages this step may hand over (the lane's daily quota); the rest waits.
    pub allowance: u64,
    pub rank: Rank,
    pub turnstile: Arc<Turnstile>,
    /// The lane as it is set now: a change of pace, or a stop, is in force at once.
    pub now: watch::Receiver<Arc<LaneConfig>>,
    pub begin: Begin,
}

/// One chunk being worked on.
struct Work<'a> {
    tools: &'a Tools,
    config: &'a LaneConfig,
    message: Arc<Message>,
    chunk: &'a Claimed,
    recipients: Vec<Recipient>,
    outcomes: Outcomes,
    /// Who had no outcome when the chunk was claimed.
    open: Vec<usize>,
    effect: Effect,
    references: Vec<String>,
    dead: Vec<(String, Option<Millis>, String)>,
    asked: usize,
    /// So many were refused for the lane's sake: they were certainly not sent.
    turned_away: usize,
    /// Latest wish of a failed recipient that stays waiting.
    again_in: Option<Millis>,
    /// Quiet hours hold the rest until then.
    held: Option<Millis>,
    /// When the message's own hours end: what is not sent by then waits for the next opening.
    shuts: Option<Millis>,
    replaced: Vec<(String, String)>,
    terms: Terms,
    /// Made longer while tokens are slow to come.
    lease_until: AtomicI64,
    /// How far sending may go.
    mark: Mark,
    opened: &'a Opened,
    show_key: String,
    once_key: String,
    callback: Option<CallbackTarget>,
}

/// Works on a claimed chunk and records the result.
///
/// # Errors
/// Only when the store fails or the lease was lost; the chunk then comes back by its lease.
pub async fn work(tools: &Tools, config: &LaneConfig, chunk: Claimed, terms: Terms, guard: &Guard) -> Result<Effect> {
    let message = tools.messages.get(&tools.storage, chunk.message_no).await?;
    let recipients = frame::decode_recipients(&chunk.recipients)?;
    let outcomes = Outcomes::decode(&chunk.outcomes)?;
    let before = outcomes.counts();
    let Some(opened) = &config.opened else {
        return Err(StorageError::Stale("lane without a credential"));
    };
    let mut work = Work {
        opened,
        show_key: show_key(&message),
        once_key: once_key(&message),
        callback: (tools.callbacks)(config, message.id.as_str()),
        tools,
        config,
        message,
        chunk: &chunk,
        recipients,
        open: outcomes.open(),
        outcomes,
        effect: Effect::default(),
        references: Vec::new(),
        dead: Vec::new(),
        asked: 0,
        turned_away: 0,
        again_in: None,
        held: None,
        shuts: None,
        replaced: Vec::new(),
        lease_until: AtomicI64::new(terms.lease_until),
        mark: Mark::of(&chunk, &config.lane, &tools.writes, &terms.begin),
        terms,
    };
    let stop = work.send_all(guard).await?;
    work.record(before, stop).await
}

impl Work<'_> {
    /// Sends to every open recipient, or until told to stop.
    async fn send_all(&mut self, guard: &Guard) -> Result<Option<Stop>> {
        if self.chunk.lapsed {
            self.settle_lapsed();
        }
        if self.held().await? {
            return Ok(None);
        }
        let mut open = self.outcomes.open();
        let allowance = usize::try_from(self.terms.allowance).unwrap_or(usize::MAX);
        if open.len() > allowance {
            open.truncate(allowance);
            // The runner keeps the lane closed; a larger quota opens it at once, so the chunk itself waits only a moment.
            self.again_in = Some(1_000);
        }
        let mut groups = render::groups(&self.message.content, &self.message.variables, &self.recipients, &open);
        if self.batch() == 1 {
            // Whoever has a text of one's own does not wait for the answer to another's.
            let singles: Vec<Group> = groups.extract_if(.., |group| !self.withdraws_whole(&group.references)).collect();
            if let Some(stop) = self.send_singly(&singles, guard).await? {
                return Ok(Some(stop));
            }
            if self.shut() && self.held().await? {
                return Ok(None);
            }
        }
        for group in groups {
            let batch = if self.withdraws_whole(&group.references) { group.members.len().max(2) } else { self.batch() };
            let mut line: VecDeque<&[usize]> = group.members.chunks(batch).collect();
            while let Some(part) = line.pop_front() {
                if let Some(stop) = self.stop() {
                    return Ok(Some(stop));
                }
                if self.shut() && self.held().await? {
                    return Ok(None);
                }
                if !self.gate(part) || self.blocked(guard) {
                    continue;
                }
                let n = match self.config.lane.vendor.lane_defaults().pace_unit {
                    PaceUnit::Requests => 1,
                    PaceUnit::Targets => part.len() as u32,
                };
                let turn = Mutex::new(self.turn().await?);
                self.keep_lease().await?;
                self.mark.reach(&self.tools.storage, part.iter().copied().max().unwrap_or(0)).await?;
                let (traces, tokens) = (Vec::new(), part.iter().map(|i| self.recipients[*i].token.as_str()).collect::<Vec<_>>());
                let called = self.call(&group, &traces, &tokens, &Wanted { work: self, n, guard, turn }).await;
                let said = match called {
                    Ok(said) => said,
                    Err(Held::Lost(error)) => return Err(error),
                    Err(Held::Stopped) => match self.stop() {
                        Some(stop) => return Ok(Some(stop)),
                        None => continue,
                    },
                    Err(Held::TooMany) => {
                        self.again_in = Some(self.again_in.unwrap_or(0).max(1_000));
                        continue;
                    }
                };
                match said {
                    // Nobody got it because of somebody: the halves are asked for themselves.
                    Ok(judged) if judged.split && part.len() > 1 => {
                        let (front, back) = part.split_at(part.len() / 2);
                        line.push_front(back);
                        line.push_front(front);
                    }
                    Ok(judged) => self.judge(part, judged, guard),
                    Err(words) => self.filter(part, &words),
                }
            }
        }
        Ok(None)
    }

    /// One request per recipient, many at once, in the order of their places: the mark follows it.
    async fn send_singly(&mut self, groups: &[Group], guard: &Guard) -> Result<Option<Stop>> {
        let members = render::in_order(groups);
        let at_once = requests_at_once(&self.config.lane);
        let mut turn = self.turn().await?;
        let mut queue = members.iter().copied().peekable();
        let mut stop = None;
        let mut done: Vec<(usize, Said)> = Vec::with_capacity(members.len());
        // What a first use costs is done before there are tokens in the hand.
        call::ready(self.tools, self.config, self.opened).await;
        let mut mark = std::mem::replace(&mut self.mark, Mark::of(self.chunk, &self.config.lane, &self.tools.writes, &self.terms.begin));
        {
            let this = &*self;
            let mut flying = FuturesUnordered::new();
            let mut landed = Vec::new();
            let mut waiting = None;
            loop {
                let mut short_for = None;
                while stop.is_none()
                    && landed.is_empty()
                    && flying.len() < at_once
                    && let Some((i, of)) = queue.peek().copied()
                {
                    stop = this.stop();
                    let late = before_send(this.chunk.deadline, this.tools.world.now()) == Gate::Expired;
                    if stop.is_some() || late || this.shut() || this.blocked(guard) {
                        // What is left is settled below: expired, held, or back in line.
                        queue = members[members.len()..].iter().copied().peekable();
                        break;
                    }
                    // One token for one request, used at once, so it is taken last: what waits in the hand may meet another's in the
                    // vendor's second.
                    let ready = async {
                        this.keep_lease().await?;
                        mark.reach(&this.tools.storage, i).await?;
                        Ok::<_, StorageError>(this.try_take(1).await)
                    };
                    let permit = match beside(ready, &mut flying, &mut landed).await? {
                        Ok(permit) => permit,
                        Err(wait) => {
                            waiting.get_or_insert_with(|| this.wait());
                            short_for = Some(wait);
                            break;
                        }
                    };
                    waiting = None;
                    this.lag();
                    queue.next();
                    flying.push(async move {
                        let trace = [trace_id(this.chunk.no.0, i)];
                        let token = [this.recipients[i].token.as_str()];
                        match this.call(&groups[of], &trace, &token, &AtHand(permit)).await {
                            Ok(said) => (i, said),
                            Err(never) => match never {},
                        }
                    });
                }
                if queue.peek().is_none() {
                    // The next chunk's requests go while the last answers of this one come.
                    turn = None;
                }
                if landed.is_empty() {
                    match short_for {
                        None => landed.extend(flying.next().await),
                        Some(wait) => tokio::select! {
                            Some(answer) = flying.next() => landed.push(answer),
                            () = tokio::time::sleep(wait.min(TOKEN_WAIT_MAX)) => {}
                        },
                    }
                }
                if landed.is_empty() && flying.is_empty() && (queue.peek().is_none() || stop.is_some()) {
                    break;
                }
                for (i, judged) in landed.drain(..) {
                    if let Ok(judged) = &judged {
                        guard.note(strike(judged), this.tools.world.now());
                        if halts(judged) {
                            // The rest would hear the same: back in line, to wait with the lane.
                            queue = members[members.len()..].iter().copied().peekable();
                        }
                    }
                    done.push((i, judged));
                }
            }
        }
        drop(turn);
        self.mark = mark;
        for (i, judged) in done {
            match judged {
                Ok(judged) => self.apply(&[i], judged),
                Err(words) => self.filter(&[i], &words),
            }
        }
        if stop.is_none() && before_send(self.chunk.deadline, self.tools.world.now()) == Gate::Expired {
            let open: Vec<usize> = members.iter().map(|(i, _)| *i).filter(|i| self.outcomes.get(*i).0 == Outcome::Waiting).collect();
            self.gate(&open);
        }
        Ok(stop)
    }

    fn singly(&self) -> bool {
        let until = self.tools.coordination.standstills.get(self.config.lane.no).singly_until;
        until.is_some_and(|until| self.tools.world.now() < until)
    }

    /// Recipients in one request: one while only the single interface is open.
    fn batch(&self) -> usize {
        let lane = &self.config.lane;
        if self.singly() {
            return 1;
        }
        let defaults = lane.vendor.lane_defaults();
        let batch = lane.settings.batch.clamp(1, defaults.batch);
        let paced = match defaults.pace_unit {
            PaceUnit::Requests => batch,
            PaceUnit::Targets => batch.min(self.most().max(1)),
        };
        paced as usize
    }

    /// The last lease ran out: what was open then may have been sent, as far as the mark stood.
    fn settle_lapsed(&mut self) {
        let fate = after_silence(self.config.lane.vendor.repeat_class(), self.message.class, self.chunk.attempts.saturating_sub(1));
        let begun = self.chunk.started as usize;
        for i in self.outcomes.open().into_iter().filter(|i| *i < begun) {
            let reason = Reason { slug: FailureClass::Timeout.slug().to_owned(), words: "sender stopped before the answer".to_owned() };
            match fate {
                Fate::End(outcome) => self.outcomes.set(i, outcome, Some(reason)),
                Fate::Again => self.outcomes.mark_asked(i, reason),
            }
        }
    }

    fn stop(&self) -> Option<Stop> {
        stops(self.tools.coordination.flags.get(self.chunk.message_no), self.tools.policies.stopped(self.chunk.app_no))
    }

    /// Asks the app's rules and the message's own hours; `true` when what is left waits until [`Work::held`].
    async fn held(&mut self) -> Result<bool> {
        self.held = gate::ask(self.tools, self.chunk, &self.message, &self.recipients, &mut self.outcomes).await?;
        self.shuts = gate::shuts(self.tools, self.chunk, &self.message).await?;
        Ok(self.held.is_some())
    }

    /// The message's own hours ended while this chunk was on its way.
    fn shut(&self) -> bool {
        self.shuts.is_some_and(|at| self.tools.world.now() >= at)
    }

    /// `false` (and expired) when it is too late for these.
    fn gate(&mut self, members: &[usize]) -> bool {
        match before_send(self.chunk.deadline, self.tools.world.now()) {
            Gate::Go => true,
            Gate::Expired => {
                for i in members {
                    // Who was asked before may have got it: that is not "expired".
                    match self.outcomes.get(*i).1.cloned() {
                        Some(asked) => self.outcomes.set(*i, Outcome::Uncertain, Some(asked)),
                        None => self.outcomes.set(*i, Outcome::Expired, None),
                    }
                }
                false
            }
        }
    }

    /// The lane was told to stand still while this chunk was on its way.
    fn blocked(&self, guard: &Guard) -> bool {
        let now = self.tools.world.now();
        let tripped = matches!(guard.state(), super::breaker::BreakerState::Tripped { .. });
        let live = self.terms.now.borrow();
        let lane = &live.lane;
        tripped
            || !lane.settings.enabled
            || lane.paused.is_some()
            || self.tools.stopping.is_cancelled()
            || self.effect.pause.is_some()
            || self.closed(now)
            || self.effect.slow_until.is_some_and(|until| now < until)
    }

    /// A quota answer closed the lane for this class: this chunk's own, another chunk's, another node's.
    fn closed(&self, now: Millis) -> bool {
        let told = self.tools.coordination.standstills.get(self.config.lane.no).closed.of(self.message.class);
        self.effect.closed_until.max(told).is_some_and(|until| now < until)
    }

    /// What cannot be said in the vendor's language never reaches it: filtered, not refused.
    fn filter(&mut self, members: &[usize], words: &Unsayable) {
        for i in members {
            self.outcomes.set(*i, Outcome::Filtered, Some(Reason { slug: FilterRule::Content.slug().to_owned(), words: words.0.clone() }));
        }
    }

    fn judge(&mut self, members: &[usize], judged: Judgement, guard: &Guard) {
        guard.note(strike(&judged), self.tools.world.now());
        self.apply(members, judged);
    }

    /// Verdicts become outcomes, and consequences for tokens and lane.
    fn apply(&mut self, members: &[usize], judged: Judgement) {
        let now = self.tools.world.now();
        let (lane, class) = (&self.config.lane, self.message.class);
        self.asked += members.len();
        self.references.extend(judged.reference);
        self.replaced.extend(judged.replaced);
        let mut struck = false;
        for (i, verdict) in members.iter().zip(judged.verdicts) {
            match verdict {
                Verdict::Accepted => {
                    self.outcomes.set(*i, Outcome::Accepted, None);
                    self.effect.accepted += 1;
                }
                Verdict::Failed(failure) => {
                    let k = failure.class.consequences();
                    if k.lane != ForLane::Healthy && !failure.device_only {
                        self.effect.failed += 1;
                    }
                    self.effect.last_failure = Some((failure.class.slug().to_owned(), failure.words.clone()));
                    if k.token == ForToken::Quarantine {
                        self.dead.push((self.recipients[*i].token.clone(), failure.dead_since, failure.words.clone()));
                    }
                    match after_failure(&failure, lane.vendor.repeat_class(), class, self.chunk.attempts) {
                        Fate::Again => {
                            self.turned_away +=
                                usize::from(k.lane == ForLane::CloseUntilReset && !failure.batch_only && !failure.device_only);
                            if !failure.never_sent && k.message == ForMessage::ByRepeatClass {
                                let reason = Reason { slug: failure.class.slug().to_owned(), words: failure.words.clone() };
                                self.outcomes.mark_asked(*i, reason);
                            }
                            let wait = retry::wait(failure.class, self.chunk.attempts, failure.retry_after, self.tools.world.unit());
                            self.again_in = Some(self.again_in.unwrap_or(0).max(wait));
                        }
                        Fate::End(outcome) => {
                            let reason = Reason { slug: failure.class.slug().to_owned(), words: failure.words.clone() };
                            self.outcomes.set(*i, outcome, Some(reason));
                        }
                    }
                    match k.lane {
                        _ if failure.device_only => {}
                        _ if failure.batch_only => {
                            let until = failure.retry_after.map_or_else(|| retry::next_beijing_midnight(now), |ms| now + ms);
                            self.tools.coordination.standstills.change(lane.no, Change::Singly { until });
                            self.again_in = Some(self.again_in.unwrap_or(0));
                        }
                        ForLane::Healthy => {}
                        ForLane::Strike => struck = true,
                        ForLane::Slow => self.effect.slow_until = Some(now + failure.retry_after.unwrap_or(1_000).clamp(200, 600_000)),
                        ForLane::CloseUntilReset => {
                            let until = failure.retry_after.map_or_else(|| retry::next_beijing_midnight(now), |ms| now + ms);
                            self.effect.closed_until = Some(until);
                            self.again_in = Some(self.again_in.unwrap_or(0).max(until - now));
                        }
                        ForLane::PauseWithAlarm => self.effect.pause = Some(failure.words),
                    }
                }
            }
        }
        if struck { self.effect.strikes += 1 } else { self.effect.well += 1 }
    }
}
