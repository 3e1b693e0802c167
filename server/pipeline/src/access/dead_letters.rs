//! The dead-letter drawer: what lies in it, who they are as a file, and sending to them once more.

use std::collections::BTreeMap;

use serde_json::json;
use types::dead::REPLAY_MAX;
use types::ids::{ChunkNo, MessageId};
use types::listing::{PAGE_MAX, Page, PageRequest};
use types::problem::{Code, Problem};
use types::text::{Lang, Text, Words};
use types::token::masked;
use types::views::shell::ZoneTable;
use types::{Millis, dead};

use super::accept::{Accept, Accepted, Submission, store_problem};
use super::actor::Actor;
use super::spreadsheet::{self, File, Format, Lines};
use crate::broker::wakes;
use crate::coordination::Coordination;
use crate::storage::apps::App;
use crate::storage::chunks::Poisoned;
use crate::storage::dead_letters::{DeadFilter, DeadLetter};
use crate::storage::devices::Named;
use crate::storage::frame::{self, Outcomes};
use crate::storage::messages::{Ended, Message, Origin, Targets};
use crate::storage::people::AuditEntry;
use crate::storage::{Result as Stored, Storage};
use crate::world::World;

/// Chunks read for one part of a file.
const CHUNKS_AT_ONCE: u32 = 20;
/// Lines a file holds the recipients of, newest first.
pub const EXPORT_MAX: usize = 5_000;

/// Chunks set aside that a page shows.
const POISONED_SHOWN: u32 = 100;

const COLUMNS: [Text; 11] = [
    Text::new("消息", "message"),
    Text::new("通道", "lane"),
    Text::new("结果", "outcome"),
    Text::new("原因", "reason"),
    Text::new("厂商原话", "vendor_words"),
    Text::new("批次最后变化", "chunk_changed_at"),
    Text::new("用户", "user"),
    Text::new("终端", "device"),
    Text::new("标识", "target"),
    Text::new("怎么办", "remedy"),
    Text::new("补发消息", "replayed_by"),
];

#[derive(Clone)]
pub struct DeadDesk {
    storage: Storage,
    world: World,
    accept: Accept,
    coordination: Coordination,
}

impl DeadDesk {
    pub fn new(storage: Storage, coordination: Coordination, world: World, accept: Accept) -> DeadDesk {
        DeadDesk { storage, world, accept, coordination }
    }

    /// # Errors
    /// When the store fails.
    pub async fn list(&self, app: &App, filter: &DeadFilter, page: &PageRequest) -> Result<Page<DeadLetter>, Problem> {
        self.storage.dead_letters.list(app.no, filter, page).await.map_err(|e| store_problem(&e))
    }

    /// Sends to these lines once more: for each message one of its own to exactly these recipients, whom policy is asked about
    /// again, until `deadline`. All or nothing; a line is replayed once, and who ends badly again has a new line.
    ///
    /// # Errors
    /// `InvalidFields` for lines that are not there and for the deadline; `WrongState` when a message still runs or a line was
    /// replayed before.
    pub async fn replay(&self, app: &App, lines: &[i64], deadline: Millis, actor: &Actor) -> Result<Vec<Accepted>, Problem> {
        let lines = self.chosen(app, lines).await?;
        if let Some(line) = lines.iter().find(|line| !line.over()) {
            return Err(Problem::because(
                Code::WrongState,
                Words::new(
                    format!("第 {} 行的消息 {} 还没结束；结束后再补发", line.no, line.message),
                    format!("line {}: its message {} still runs; replay it once it is over", line.no, line.message),
                ),
            ));
        }
        if let Some((line, by)) = lines.iter().find_map(|line| line.replay.as_ref().map(|(by, _)| (line, by))) {
            return Err(replayed(line.no, by));
        }
        let mut by_message: BTreeMap<i64, Vec<DeadLetter>> = BTreeMap::new();
        for line in lines {
            by_message.entry(line.message_no).or_default().push(line);
        }
        let (mut replays, mut told) = (Vec::new(), Vec::new());
        for (message_no, lines) in by_message {
            let earlier = self.storage.messages.get(message_no).await.map_err(|e| store_problem(&e))?;
            let earlier = earlier.ok_or_else(|| Problem::new(Code::NotFound))?;
            let recipients: u64 = lines.iter().map(|line| line.recipients).sum();
            let draft = self.accept.draft(app, again(&earlier, &lines, deadline, actor))?;
            told.push(json!({ "message": draft.id, "of": earlier.id, "recipients": recipients }));
            replays.push((lines.iter().map(|line| line.no).collect::<Vec<i64>>(), draft));
        }
        let made: Vec<(MessageId, Millis)> = replays.iter().map(|(_, draft)| (draft.id.clone(), draft.now)).collect();
        let entry = actor.entry(
            &self.world,
            "dead_letters.replay",
            app.id.as_str(),
            Some(&app.id),
            None,
            Some(json!({ "replays": told, "deadline": deadline })),
        );
        let given = self.storage.dead_letters.replay(replays, entry).await.map_err(|e| store_problem(&e))?;
        self.accept.planned();
        Ok(made.into_iter().zip(given).map(|((id, created_at), no)| Accepted { no, id, created_at, fresh: true }).collect())
    }

    /// Chunks that took their sender down too often and wait for a person, newest first.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn poisoned(&self, app: &App) -> Result<Vec<Poisoned>, Problem> {
        self.storage.chunks.poisoned(app.no, POISONED_SHOWN).await.map_err(|e| store_problem(&e))
    }

    /// One of them, or all, goes back in line and counts anew. Returns their lanes.
    ///
    /// # Errors
    /// `WrongState` when it is not set aside any more.
    pub async fn try_again(&self, app: &App, no: Option<ChunkNo>, actor: &Actor) -> Result<Vec<i64>, Problem> {
        let named = no.map_or_else(|| "all".to_owned(), |no| no.0.to_string());
        let entry = self.entry(app, "dead_letters.try_again", &named, actor);
        let lanes = self.storage.chunks.try_again(app.no, no, self.world.now(), entry).await.map_err(|e| store_problem(&e))?;
        if lanes.is_empty() {
            return Err(not_aside());
        }
        for lane in &lanes {
            self.coordination.wakes.wake(&wakes::lane(*lane));
        }
        Ok(lanes)
    }

    /// Ends one of them: who may have been sent to as uncertain, the others as expired. Returns how many ended.
    ///
    /// # Errors
    /// `WrongState` when it is not set aside any more.
    pub async fn give_up(&self, app: &App, no: ChunkNo, actor: &Actor) -> Result<u64, Problem> {
        let entry = self.entry(app, "dead_letters.give_up", &no.0.to_string(), actor);
        let ended = self.storage.chunks.give_up(app.no, no, self.world.now(), entry).await.map_err(|e| store_problem(&e))?;
        ended.ok_or_else(not_aside)
    }

    fn entry(&self, app: &App, action: &str, chunk: &str, actor: &Actor) -> AuditEntry {
        actor.entry(&self.world, action, app.id.as_str(), Some(&app.id), None, Some(json!({ "chunk": chunk })))
    }

    /// These lines of this app, in their order.
    async fn chosen(&self, app: &App, lines: &[i64]) -> Result<Vec<DeadLetter>, Problem> {
        let mut wanted = lines.to_vec();
        wanted.sort_unstable();
        wanted.dedup();
        if wanted.is_empty() {
            return Err(Problem::field("lines", Text::new("至少选一行", "choose at least one line")));
        }
        if wanted.len() > REPLAY_MAX {
            let (zh, en) =
                (format!("一次最多 {REPLAY_MAX} 行，分几次补发"), format!("at most {REPLAY_MAX} lines at once; replay in parts"));
            return Err(Problem::field("lines", Words::new(zh, en)));
        }
        let found = self.storage.dead_letters.get(app.no, &wanted).await.map_err(|e| store_problem(&e))?;
        match wanted.iter().find(|no| found.iter().all(|line| line.no != **no)) {
            None => Ok(found),
            Some(no) => {
                let words = Words::new(format!("没有第 {no} 行；刷新后再选"), format!("there is no line {no}; reload and choose again"));
                Err(Problem::field("lines", words))
            }
        }
    }

    /// The recipients of these lines, or, when none is named, of those that fit, as a file: read piece by piece while it is sent.
    ///
    /// # Errors
    /// `InvalidFields` for lines that are not there.
    pub async fn export(
        &self,
        app: &App,
        lines: &[i64],
        filter: &DeadFilter,
        lang: Lang,
        (format, zone): (Format, ZoneTable),
    ) -> Result<File, Problem> {
        let lines = if lines.is_empty() { self.fitting(app, filter).await? } else { self.chosen(app, lines).await? };
        let mut by_message: BTreeMap<i64, Vec<DeadLetter>> = BTreeMap::new();
        for line in lines {
            by_message.entry(line.message_no).or_default().push(line);
        }
        let storage = self.storage.clone();
        let start = (by_message.into_iter().collect::<Vec<_>>(), ChunkNo(0));
        let parts = futures::stream::try_unfold(start, move |(mut left, mut after)| {
            let (storage, zone) = (storage.clone(), zone.clone());
            async move {
                loop {
                    let Some((message_no, lines)) = left.last() else { return Ok(None) };
                    let (part, next) = part(&storage, *message_no, lines, after, (lang, &zone)).await?;
                    match next {
                        Some(next) => after = next,
                        None => {
                            left.pop();
                            after = ChunkNo(0);
                        }
                    }
                    if !part.is_empty() {
                        return Ok(Some((part, (left, after))));
                    }
                }
            }
        });
        Ok(spreadsheet::file(format, &COLUMNS.map(|column| column.get(lang)), parts))
    }

    async fn fitting(&self, app: &App, filter: &DeadFilter) -> Result<Vec<DeadLetter>, Problem> {
        let mut page = PageRequest { after: None, size: PAGE_MAX };
        let mut lines = Vec::new();
        loop {
            let found = self.list(app, filter, &page).await?;
            lines.extend(found.items);
            page.after = found.next;
            if page.after.is_none() || lines.len() >= EXPORT_MAX {
                lines.truncate(EXPORT_MAX);
                return Ok(lines);
            }
        }
    }
}

fn not_aside() -> Problem {
    Problem::because(Code::WrongState, Words::new("这个批次已经不在隔离中；请刷新", "it is not set aside any more; reload the page"))
}

fn replayed(line: i64, by: &MessageId) -> Problem {
    Problem::because(
        Code::WrongState,
        Words::new(
            format!("第 {line} 行已由 {by} 补发；再次失败的在那条消息名下"),
            format!("line {line} was replayed by {by}; who failed again has a line of that message"),
        ),
    )
}

fn again(earlier: &Message, lines: &[DeadLetter], deadline: Millis, actor: &Actor) -> Submission {
    let ended = |line: &DeadLetter| {
        let DeadLetter { vendor, outcome, reason, words, .. } = line;
        Some(Ended { vendor: (*vendor)?, outcome: *outcome, reason: reason.clone(), words: words.clone() })
    };
    let mut outcomes: Vec<String> = lines.iter().map(|line| line.outcome.slug().to_owned()).collect();
    outcomes.sort_unstable();
    outcomes.dedup();
    Submission {
        campaign: earlier.campaign.clone(),
        // A test sent again is still a test.
        origin: if earlier.origin == Origin::Test { Origin::Test } else { Origin::Resend },
        class: earlier.class,
        business: earlier.business.clone(),
        content: earlier.content.clone(),
        variables: earlier.variables.clone(),
        targets: Targets::Again { message: earlier.id.clone(), outcomes, only: lines.iter().filter_map(ended).collect() },
        vendor_order: earlier.vendor_order.clone(),
        versions: earlier.versions.clone(),
        hours: earlier.hours,
        deadline: Some(deadline),
        idempotency: None,
        account: actor.name.clone(),
        address: actor.address.clone(),
    }
}

/// The lines of a file for some chunks of a message, and where it goes on.
async fn part(
    storage: &Storage,
    message_no: i64,
    lines: &[DeadLetter],
    after: ChunkNo,
    (lang, zone): (Lang, &ZoneTable),
) -> Stored<(Lines, Option<ChunkNo>)> {
    let chunks = storage.chunks.of_message(message_no, after, CHUNKS_AT_ONCE).await?;
    let mut out = Lines::new();
    for chunk in &chunks {
        let outcomes = Outcomes::decode(&chunk.outcomes)?;
        let line_of = |i: usize| {
            let (outcome, reason) = outcomes.get(i);
            let (slug, words) = reason.map_or(("", ""), |r| (r.slug.as_str(), r.words.as_str()));
            lines.iter().find(|l| l.vendor == chunk.vendor && l.outcome == outcome && l.reason == slug && l.words == words)
        };
        let chosen: Vec<(usize, &DeadLetter)> = (0..outcomes.len()).filter_map(|i| Some((i, line_of(i)?))).collect();
        if chosen.is_empty() {
            continue;
        }
        let recipients = frame::decode_recipients(&chunk.recipients)?;
        let nos: Vec<i64> = chosen.iter().filter_map(|(i, _)| recipients.get(*i).map(|r| r.device_no)).filter(|no| *no > 0).collect();
        let devices: BTreeMap<i64, Named> = storage.devices.named(&nos).await?.into_iter().map(|named| (named.no, named)).collect();
        for (i, line) in chosen {
            let Some(recipient) = recipients.get(i) else { continue };
            let device = devices.get(&recipient.device_no);
            // What named it may be a token: never whole.
            let unnamed = recipient.target == recipient.token || (recipient.target.is_empty() && device.is_none());
            let target = if unnamed { masked(&recipient.token) } else { recipient.target.clone() };
            let at = spreadsheet::stamp(chunk.updated_at, zone);
            out.push(
                [
                    line.message.as_str(),
                    line.vendor.map_or("", types::vendor::Vendor::slug),
                    line.outcome.slug(),
                    &line.reason,
                    &line.words,
                    &at,
                    device.and_then(|d| d.user.as_deref()).unwrap_or_default(),
                    device.map_or("", |d| d.id.as_str()),
                    &target,
                    dead::remedy(line.outcome, &line.reason).get(lang),
                    line.replay.as_ref().map_or("", |(by, _)| by.as_str()),
                ]
                .map(str::to_owned)
                .into(),
            );
        }
    }
    let more = chunks.len() == CHUNKS_AT_ONCE as usize;
    Ok((out, chunks.last().filter(|_| more).map(|chunk| chunk.no)))
}
