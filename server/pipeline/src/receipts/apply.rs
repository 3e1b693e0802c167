//! The worker: raw bodies -> facts -> recipients -> marks. Every step may be repeated; the same receipts in any order and any
//! number lead to the same marks, because marks are only ever added.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use tokio::sync::{Mutex, Notify};
use tokio_util::sync::CancellationToken;
use types::Millis;
use types::crowd::KeyKind;
use types::ids::{ChunkNo, MessageId};
use types::life::MessageState;
use types::vendor::Vendor;

use super::effects::{Effects, Named};
use super::guard::Guard;
use super::kept::Kept;
use super::mac;
use super::report::ClientReport;
use crate::broker::health::Healths;
use crate::storage::chunks::ChunkView;
use crate::storage::frame;
use crate::storage::receipts::{Application, Fact, Orphan, Raw, RawEnd};
use crate::storage::{Result, Storage, StorageError};
use crate::vault::Vault;
use crate::vendors::dialect::{Callback, Proven};
use crate::vendors::{credential, registry};
use crate::world::World;

/// Bodies taken at once.
const TAKE: u32 = 200;
/// Orphans looked at in one step.
const ORPHANS: u32 = 500;
/// Sleep when nothing came.
const IDLE: Duration = Duration::from_secs(1);
/// Decoded chunks kept (about 25 KiB each).
const CHUNKS_KEPT: usize = 512;
const MESSAGES_KEPT: usize = 4_096;
const REFERENCES_KEPT: usize = 16_384;
/// While its message is still being planned an orphan is tried this often.
const PLANNING_RETRY_MS: Millis = 2_000;
/// Longest time between two tries.
const RETRY_MAX_MS: Millis = 3_600_000;
/// An orphan is given up after this.
pub const ORPHAN_LIFE_MS: Millis = 7 * 86_400_000;
/// An applied raw body is kept this long, for questions.
pub const RAW_LIFE_MS: Millis = 3 * 86_400_000;
/// Between two looks at what may be forgotten.
const FORGET_EVERY_MS: Millis = 60_000;

/// Whether this node applies receipts now.
pub type Turn = Arc<dyn Fn() -> BoxFuture<'static, bool> + Send + Sync>;

/// What a step did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stepped {
    pub bodies: usize,
    pub receipts: usize,
    pub refused: usize,
    /// Bits that were not set before.
    pub new_marks: u64,
    pub orphaned: usize,
    pub joined: usize,
}

/// A chunk, small: whose token and whose device stands where.
pub(super) struct Decoded {
    pub(super) no: ChunkNo,
    pub(super) message_no: i64,
    pub(super) vendor: Option<Vendor>,
    pub(super) count: u32,
    /// (hash of the token, index), sorted.
    tokens: Vec<(i64, u32)>,
    /// (device no, index), sorted; without unregistered ones.
    devices: Vec<(i64, u32)>,
}

fn hash(token: &str) -> i64 {
    frame::key_of(KeyKind::Token, None, token)
}

impl Decoded {
    fn of(view: &ChunkView) -> Result<Decoded> {
        let recipients = frame::decode_recipients(&view.recipients)?;
        let at = |i: usize| u32::try_from(i).unwrap_or(u32::MAX);
        let mut tokens: Vec<(i64, u32)> =
            recipients.iter().enumerate().filter(|(_, r)| !r.token.is_empty()).map(|(i, r)| (hash(&r.token), at(i))).collect();
        let mut devices: Vec<(i64, u32)> =
            recipients.iter().enumerate().filter(|(_, r)| r.device_no > 0).map(|(i, r)| (r.device_no, at(i))).collect();
        tokens.sort_unstable();
        devices.sort_unstable();
        Ok(Decoded { no: view.no, message_no: view.message_no, vendor: view.vendor, count: view.count, tokens, devices })
    }

    fn first(list: &[(i64, u32)], key: i64) -> Option<u32> {
        let at = list.partition_point(|(k, _)| *k < key);
        list.get(at).filter(|(k, _)| *k == key).map(|(_, index)| *index)
    }

    fn find(&self, token: &str, device_no: Option<i64>) -> Option<u32> {
        let by_token = (!token.is_empty()).then(|| Self::first(&self.tokens, hash(token))).flatten();
        by_token.or_else(|| device_no.and_then(|no| Self::first(&self.devices, no)))
    }
}

#[derive(Clone, Copy)]
struct MessageRef {
    no: i64,
    app_no: i64,
    planning: bool,
}

/// Where a fact belongs.
#[derive(Clone)]
pub(super) struct Place {
    pub(super) chunk: Arc<Decoded>,
    pub(super) index: u32,
    pub(super) device_no: Option<i64>,
}

enum Resolved {
    Found(Place),
    /// Not yet; the message is being planned, or unknown.
    NotYet {
        planning: bool,
    },
    /// Belongs to somebody else.
    Never,
}

/// Why a callback is believed.
enum Believed {
    /// By path and by the word we gave the vendor; its signature holds, if it gives one.
    ByOurWord,
    /// By the vendor's signature on each of these lines.
    ByTheirs(Proven),
    Not(String),
}

struct Memory {
    secrets: HashMap<i64, Arc<str>>,
    messages: Kept<MessageId, MessageRef>,
    named: Kept<i64, MessageId>,
    chunks: Kept<i64, Arc<Decoded>>,
    references: Kept<(Vendor, String), ChunkNo>,
    guard: Guard,
    /// Messages up to this number were there at the last look; -1 before the first.
    newest_message: i64,
    forgot_at: Millis,
}

/// The worker behind [`super::listen::Listener`]; one per process.
#[derive(Clone)]
pub struct Applier {
    storage: Storage,
    world: World,
    woken: Arc<Notify>,
    vault: Arc<Vault>,
    healths: Healths,
    memory: Arc<Mutex<Memory>>,
}

impl Applier {
    pub fn new(storage: Storage, world: World, woken: Arc<Notify>, vault: Arc<Vault>, healths: Healths) -> Applier {
        let memory = Memory {
            secrets: HashMap::new(),
            messages: Kept::new(MESSAGES_KEPT),
            named: Kept::new(MESSAGES_KEPT),
            chunks: Kept::new(CHUNKS_KEPT),
            references: Kept::new(REFERENCES_KEPT),
            guard: Guard::default(),
            newest_message: -1,
            forgot_at: Millis::MIN,
        };
        Applier { storage, world, woken, vault, healths, memory: Arc::new(Mutex::new(memory)) }
    }

    /// Applies what comes as long as it is this node's `turn`; of several one does.
    pub async fn run(self, turn: Turn, stop: CancellationToken) {
        while !stop.is_cancelled() {
            let stepped = if turn().await { self.step().await } else { Ok(Stepped::default()) };
            let worked = match stepped {
                Ok(stepped) => stepped.bodies > 0 || stepped.joined > 0,
                // Two took their turn at the same time; the other one was faster.
                Err(StorageError::Stale(_)) => true,
                Err(error) => {
                    tracing::error!(%error, "applying receipts stopped for a moment");
                    false
                }
            };
            if !worked {
                tokio::select! {
                    () = self.woken.notified() => {}
                    () = tokio::time::sleep(IDLE) => {}
                    () = stop.cancelled() => return,
                }
            }
        }
    }

    /// Takes what waits, applies it in one transaction.
    ///
    /// # Errors
    /// When the store fails; then nothing is lost, the bodies are taken again.
    pub async fn step(&self) -> Result<Stepped> {
        let mut memory = self.memory.lock().await;
        let now = self.world.now();
        let mut out = Stepped::default();
        let mut application = Application { now, ..Application::default() };
        let mut effects = Effects::default();

        let raws = self.storage.receipts.take(TAKE).await?;
        out.bodies = raws.len();
        for raw in &raws {
            let (facts, end) = self.read(&mut memory, raw).await?;
            out.receipts += facts.len();
            out.refused += end.refused as usize;
            application.raws.push(end);
            for fact in facts {
                match self.resolve(&mut memory, &fact).await? {
                    Resolved::Found(place) => effects.take(&mut application, fact, &place),
                    Resolved::NotYet { planning } => application.orphans.push((fact, now + retry_in(0, planning))),
                    Resolved::Never => {
                        if let Some(end) = application.raws.last_mut() {
                            end.found = end.found.saturating_sub(1);
                            end.refused += 1;
                            end.error.get_or_insert_with(|| "names a message of another app".to_owned());
                        }
                        out.refused += 1;
                    }
                }
            }
        }
        out.orphaned = application.orphans.len();

        let newest = self.storage.receipts.newest_message().await?;
        if memory.newest_message < 0 {
            // What came while nobody looked is found by the orphans' own times.
            memory.newest_message = newest;
        }
        for Orphan { no, fact, tries } in self.storage.receipts.orphans_due(now, memory.newest_message, ORPHANS).await? {
            match self.resolve(&mut memory, &fact).await? {
                Resolved::Found(place) => {
                    effects.take(&mut application, fact, &place);
                    application.joined.push(no);
                    out.joined += 1;
                }
                Resolved::NotYet { planning } => application.later.push((no, now + retry_in(tries, planning))),
                Resolved::Never => application.joined.push(no),
            }
        }

        let anything = !(application.raws.is_empty() && application.joined.is_empty() && application.later.is_empty());
        if anything {
            // First the devices, then the transaction that ends the bodies: a crash between the two repeats both.
            self.act(&mut memory, effects, now).await?;
            out.new_marks = self.storage.receipts.apply(application).await?;
            metrics::counter!(crate::telemetry::RECEIPTS_APPLIED).increment(out.receipts as u64);
            metrics::counter!(crate::telemetry::RECEIPTS_REFUSED).increment(out.refused as u64);
        }
        memory.newest_message = newest;
        if now.saturating_sub(memory.forgot_at) >= FORGET_EVERY_MS {
            memory.forgot_at = now;
            let (orphans, _) = self.storage.receipts.forget(now - ORPHAN_LIFE_MS, now - RAW_LIFE_MS, 10_000).await?;
            if orphans > 0 {
                tracing::warn!(orphans, "receipts whose message never appeared were given up");
            }
        }
        Ok(out)
    }

    /// Does the vendor's own signature hold? Receipts of a lane whose credential is gone are believed by path and MAC.
    async fn genuine(&self, app_no: i64, vendor: Vendor, callback: &Callback<'_>, at: Millis) -> Result<Believed> {
        let rows = self.storage.apps.credentials(app_no).await?;
        let Some(row) = rows.into_iter().find(|row| row.vendor == vendor) else { return Ok(Believed::ByOurWord) };
        let app = self.storage.apps.by_no(app_no).await?.ok_or_else(|| StorageError::Corrupt("receipt without its app".into()))?;
        let Some(opened) = credential::open(&self.vault, app.id.as_str(), vendor, &row.sealed) else {
            return Ok(Believed::Not("the credential that would prove it cannot be opened".to_owned()));
        };
        let dialect = registry::dialect(vendor);
        Ok(match dialect.proven(callback, &opened) {
            Some(proven) => Believed::ByTheirs(proven),
            None => dialect.genuine(callback, &opened, at).map_or_else(Believed::Not, |()| Believed::ByOurWord),
        })
    }

    async fn secret(&self, memory: &mut Memory, app_no: i64) -> Result<Arc<str>> {
        if let Some(secret) = memory.secrets.get(&app_no) {
            return Ok(secret.clone());
        }
        let app = self.storage.apps.by_no(app_no).await?.ok_or_else(|| StorageError::Corrupt("receipt without its app".into()))?;
        let secret: Arc<str> = app.callback_secret.into();
        memory.secrets.insert(app_no, secret.clone());
        Ok(secret)
    }

    /// The facts of a body that are believed, and how the body ends.
    async fn read(&self, memory: &mut Memory, raw: &Raw) -> Result<(Vec<Fact>, RawEnd)> {
        let body = &raw.raw;
        let mut end = RawEnd { no: raw.no, found: 0, refused: 0, error: None };
        let mut facts = Vec::new();
        let Some(vendor) = body.vendor else {
            match serde_json::from_slice::<Vec<ClientReport>>(&body.body) {
                Ok(reports) => {
                    for report in reports.iter().filter_map(|r| r.read().ok()) {
                        facts.push(Fact {
                            app_no: body.app_no,
                            message: Some(report.message),
                            vendor: report.vendor,
                            reference: String::new(),
                            token: report.token,
                            device: report.device,
                            kind: report.kind,
                            at: report.at,
                            words: String::new(),
                            replaced_by: None,
                            received_at: body.received_at,
                        });
                    }
                }
                Err(error) => end.error = Some(format!("unreadable at column {}", error.column())),
            }
            end.found = facts.len() as u32;
            return Ok((facts, end));
        };
        let secret = self.secret(memory, body.app_no).await?;
        let callback = Callback { content_type: &body.content_type, query: &body.query, signature: &body.signature, body: &body.body };
        let proven = match self.genuine(body.app_no, vendor, &callback, body.received_at).await? {
            Believed::ByOurWord => None,
            Believed::ByTheirs(proven) => Some(proven),
            Believed::Not(reason) => {
                end.refused = 1;
                end.error = Some(reason);
                return Ok((facts, end));
            }
        };
        if let Some(proven) = proven.as_ref().filter(|proven| proven.refused > 0) {
            end.refused = proven.refused;
            end.error = Some("a line whose signature does not hold".to_owned());
        }
        let callback = Callback { body: proven.as_ref().map_or(body.body.as_slice(), |proven| &proven.body), ..callback };
        // A reader that panics on some body must not stop every receipt behind it.
        let read = catch_unwind(AssertUnwindSafe(|| registry::dialect(vendor).read_receipts(&callback)));
        match read {
            Ok(Ok(receipts)) => {
                let mut words: HashMap<String, Option<MessageId>> = HashMap::new();
                for receipt in receipts {
                    let message = match words.get(&receipt.parameter) {
                        Some(known) => known.clone(),
                        None => {
                            let message = mac::verify(&secret, &receipt.parameter);
                            words.insert(receipt.parameter.clone(), message.clone());
                            message
                        }
                    };
                    // Without our word only the vendor's own signature over a request id of ours is believed.
                    let by_reference = proven.is_some() && receipt.parameter.is_empty() && !receipt.reference.is_empty();
                    if message.is_none() && !by_reference {
                        end.refused += 1;
                        end.error.get_or_insert_with(|| "a callback parameter that is not ours".to_owned());
                        continue;
                    }
                    facts.push(Fact {
                        app_no: body.app_no,
                        message,
                        vendor: Some(vendor),
                        reference: receipt.reference,
                        token: receipt.token,
                        device: None,
                        kind: receipt.kind,
                        at: receipt.at,
                        words: receipt.words,
                        replaced_by: receipt.replaced_by,
                        received_at: body.received_at,
                    });
                }
            }
            Ok(Err(error)) => end.error = Some(error.to_string()),
            Err(_) => end.error = Some("the reader broke on this body; report it to the developers".to_owned()),
        }
        end.found = facts.len() as u32;
        Ok((facts, end))
    }

    async fn message(&self, memory: &mut Memory, id: &MessageId) -> Result<Option<MessageRef>> {
        if let Some(known) = memory.messages.get(id) {
            return Ok(Some(known));
        }
        let Some(message) = self.storage.messages.by_id(id).await? else { return Ok(None) };
        let planning = message.state == MessageState::Planning || message.state == MessageState::Paused;
        let found = MessageRef { no: message.no, app_no: message.app_no, planning };
        if !planning {
            memory.messages.put(id.clone(), found);
        }
        Ok(Some(found))
    }

    async fn chunk(&self, memory: &mut Memory, no: ChunkNo) -> Result<Option<Arc<Decoded>>> {
        if let Some(known) = memory.chunks.get(&no.0) {
            return Ok(Some(known));
        }
        let Some(view) = self.storage.chunks.view(no).await? else { return Ok(None) };
        let decoded = Arc::new(Decoded::of(&view)?);
        memory.chunks.put(no.0, decoded.clone());
        Ok(Some(decoded))
    }

    async fn resolve(&self, memory: &mut Memory, fact: &Fact) -> Result<Resolved> {
        let named = match &fact.message {
            Some(id) => Some(id.clone()),
            None => self.message_behind(memory, fact).await?,
        };
        let Some(named) = named else { return Ok(Resolved::NotYet { planning: false }) };
        let Some(message) = self.message(memory, &named).await? else { return Ok(Resolved::NotYet { planning: false }) };
        if message.app_no != fact.app_no {
            return Ok(Resolved::Never);
        }
        // The short way: the vendor's request id names the chunk.
        if let Some(vendor) = fact.vendor
            && !fact.reference.is_empty()
            && let Some(no) = self.reference(memory, vendor, &fact.reference).await?
            && let Some(chunk) = self.chunk(memory, no).await?
            && chunk.message_no == message.no
            && let Some(index) = chunk.find(&fact.token, None)
        {
            return Ok(Resolved::Found(Place { chunk, index, device_no: None }));
        }
        // The long way: whatever may have named this recipient leads to its key, and the key to its chunk.
        let mut keys = BTreeSet::new();
        let mut devices = Vec::new();
        if let (Some(vendor), false) = (fact.vendor, fact.token.is_empty()) {
            keys.insert(frame::key_of(KeyKind::Token, Some(vendor), &fact.token));
            let reached = self.storage.devices.reach_tokens(fact.app_no, &[(vendor, fact.token.clone())]).await?;
            for reach in reached.into_iter().flatten() {
                devices.extend(self.storage.devices.by_no(reach.device_no).await?);
            }
        }
        if let Some(id) = &fact.device {
            devices.extend(self.storage.devices.get(fact.app_no, id).await?);
        }
        for device in &devices {
            keys.insert(frame::key_of(KeyKind::Device, None, device.id.as_str()));
            keys.extend(device.user_id.iter().map(|user| frame::key_of(KeyKind::User, None, user)));
            keys.extend(device.tokens.iter().map(|t| frame::key_of(KeyKind::Token, Some(t.vendor), &t.token)));
        }
        for key in keys {
            for view in self.storage.chunks.holding(message.no, key).await? {
                if view.vendor.is_none() || fact.vendor.is_some_and(|vendor| view.vendor != Some(vendor)) {
                    continue;
                }
                let chunk = match memory.chunks.get(&view.no.0) {
                    Some(known) => known,
                    None => {
                        let decoded = Arc::new(Decoded::of(&view)?);
                        memory.chunks.put(view.no.0, decoded.clone());
                        decoded
                    }
                };
                if let Some(index) = chunk.find(&fact.token, None) {
                    return Ok(Resolved::Found(Place { chunk, index, device_no: devices.first().map(|d| d.no) }));
                }
                for device in &devices {
                    if let Some(index) = chunk.find("", Some(device.no)) {
                        return Ok(Resolved::Found(Place { chunk, index, device_no: Some(device.no) }));
                    }
                }
            }
        }
        Ok(Resolved::NotYet { planning: message.planning })
    }

    /// The message of the request that a fact without a word of ours speaks of; `None` while no answer with this id is recorded.
    async fn message_behind(&self, memory: &mut Memory, fact: &Fact) -> Result<Option<MessageId>> {
        let Some(vendor) = fact.vendor else { return Ok(None) };
        let Some(no) = self.reference(memory, vendor, &fact.reference).await? else { return Ok(None) };
        let Some(chunk) = self.chunk(memory, no).await? else { return Ok(None) };
        if let Some(known) = memory.named.get(&chunk.message_no) {
            return Ok(Some(known));
        }
        let Some(message) = self.storage.messages.get(chunk.message_no).await? else { return Ok(None) };
        memory.named.put(chunk.message_no, message.id.clone());
        Ok(Some(message.id))
    }

    async fn reference(&self, memory: &mut Memory, vendor: Vendor, reference: &str) -> Result<Option<ChunkNo>> {
        let key = (vendor, reference.to_owned());
        if let Some(known) = memory.references.get(&key) {
            return Ok(Some(known));
        }
        let found = self.storage.chunks.by_reference(vendor, reference).await?;
        if let Some(no) = found {
            memory.references.put(key, no);
        }
        Ok(found)
    }

    /// What receipts mean for devices.
    async fn act(&self, memory: &mut Memory, effects: Effects, now: Millis) -> Result<()> {
        for ((app_no, vendor), lane) in effects.lanes {
            self.healths.acknowledged(app_no, vendor, now, lane.arrived);
            let dead = lane.dead.len() as u32;
            if !memory.guard.believe(app_no, vendor, lane.seen, dead, now) {
                if dead > 0 {
                    tracing::error!(
                        app_no,
                        vendor = vendor.slug(),
                        dead,
                        "too many dead tokens at once: none is set aside; check credential and environment"
                    );
                    metrics::counter!(crate::telemetry::MASS_DEATHS, "vendor" => vendor.slug()).increment(1);
                }
                continue;
            }
            let mut by_words: BTreeMap<String, Vec<(String, Option<Millis>)>> = BTreeMap::new();
            for (token, (since, words)) in lane.dead {
                by_words.entry(words).or_default().push((token, Some(since)));
            }
            for (words, tokens) in by_words {
                self.storage.devices.quarantine(app_no, vendor, &tokens, &words, now).await?;
            }
        }
        for ((app_no, vendor, old), new) in effects.replaced {
            self.storage.devices.replace_token(app_no, vendor, &old, &new, now).await?;
        }
        for device_no in effects.opened {
            self.storage.resends.foreground(device_no, now).await?;
        }
        for ((app_no, device), at) in effects.switched_off {
            let device_no = match device {
                Named::Device(no) => Some(no),
                Named::Token(vendor, token) => {
                    let reached = self.storage.devices.reach_tokens(app_no, &[(vendor, token)]).await?;
                    reached.into_iter().flatten().next().map(|reach| reach.device_no)
                }
            };
            if let Some(no) = device_no {
                self.storage.devices.switched_off(app_no, no, at).await?;
            }
        }
        Ok(())
    }
}

/// Milliseconds until the next try: 2, 4, 8 … seconds up to an hour; short while the message is being planned.
fn retry_in(tries: u32, planning: bool) -> Millis {
    if planning { PLANNING_RETRY_MS } else { (1_000i64 << tries.saturating_add(1).min(20)).min(RETRY_MAX_MS) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orphans_are_tried_less_and_less_often() {
        let waits: Vec<Millis> = (0..14).map(|tries| retry_in(tries, false)).collect();
        assert!(waits.is_sorted());
        assert_eq!((waits[0], waits[13]), (2_000, RETRY_MAX_MS));
        assert_eq!(retry_in(9, true), PLANNING_RETRY_MS);
        assert_eq!(retry_in(u32::MAX, false), RETRY_MAX_MS);
    }
}
