//! Recipients of a message one by one: every number of the funnel leads here.

use std::collections::BTreeSet;

use types::Millis;
use types::crowd::KeyKind;
use types::ids::ChunkNo;
use types::life::Outcome;
use types::listing::Page;
use types::receipt::ReceiptKind;
use types::vendor::Vendor;

use crate::storage::chunks::ChunkView;
use crate::storage::frame::{self, Outcomes};
use crate::storage::{Result, Storage};

/// Chunks looked through for one page, at most; a page may then be short and still lead on.
const CHUNKS_PER_PAGE: u32 = 400;
const AT_ONCE: u32 = 50;

/// All empty = everybody.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecipientFilter {
    pub outcome: Option<Outcome>,
    /// `Some(None)` = those without a lane.
    pub vendor: Option<Option<Vendor>>,
    /// Slug of a class or rule.
    pub reason: Option<String>,
    /// The vendor's words, exactly; empty = those without any.
    pub words: Option<String>,
    /// Has this receipt.
    pub receipt: Option<ReceiptKind>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecipientRow {
    pub chunk: ChunkNo,
    pub index: u32,
    pub device_no: i64,
    /// What the caller or the crowd called it, when no device says.
    pub target: String,
    pub token: String,
    pub vendor: Option<Vendor>,
    pub outcome: Outcome,
    pub reason: String,
    pub words: String,
    /// `types::receipt::mark`.
    pub marks: u8,
    /// Why this lane.
    pub why: String,
    /// When its chunk last changed.
    pub at: Millis,
}

/// `after` is the cursor of the last page: `chunk.index`.
///
/// # Errors
/// When the store fails.
pub async fn page(
    storage: &Storage,
    message_no: i64,
    filter: &RecipientFilter,
    after: Option<&str>,
    size: u32,
) -> Result<Page<RecipientRow>> {
    let (mut chunk_no, mut index) = after.and_then(read_cursor).unwrap_or((0, u32::MAX));
    let mut rows: Vec<RecipientRow> = Vec::new();
    let mut looked = 0;
    // The chunk of the cursor is looked at again, behind its index.
    let mut from = chunk_no.saturating_sub(1).max(0);
    loop {
        let chunks = storage.chunks.of_message(message_no, ChunkNo(from), AT_ONCE).await?;
        if chunks.is_empty() {
            return Ok(Page { items: rows, next: None });
        }
        for chunk in chunks {
            from = chunk.no.0;
            looked += 1;
            let first = if chunk.no.0 == chunk_no && index != u32::MAX { index + 1 } else { 0 };
            for row in matching(&chunk, filter, first)? {
                if rows.len() == size as usize {
                    let next = rows.last().map(|last| format!("{}.{}", last.chunk.0, last.index));
                    return Ok(Page { items: rows, next });
                }
                rows.push(row);
            }
            (chunk_no, index) = (chunk.no.0, u32::MAX);
            if looked >= CHUNKS_PER_PAGE {
                return Ok(Page { items: rows, next: Some(format!("{}.{}", chunk.no.0, u32::MAX - 1)) });
            }
        }
    }
}

/// Who somebody is, in the ways a message may have named them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Person {
    /// Of the account, its devices and their tokens.
    pub keys: BTreeSet<i64>,
    pub devices: BTreeSet<i64>,
}

impl Person {
    /// # Errors
    /// When the store fails.
    pub async fn of(storage: &Storage, app_no: i64, user: &str) -> Result<Person> {
        let mut person = Person { keys: [frame::key_of(KeyKind::User, None, user)].into(), ..Person::default() };
        for reach in storage.devices.reach_users(app_no, &[user.to_owned()]).await?.into_iter().flatten() {
            person.keys.insert(frame::key_of(KeyKind::Token, Some(reach.vendor), &reach.token));
            person.devices.insert(reach.device_no);
        }
        let nos: Vec<i64> = person.devices.iter().copied().collect();
        for named in storage.devices.named(&nos).await? {
            person.keys.insert(frame::key_of(KeyKind::Device, None, named.id.as_str()));
        }
        Ok(person)
    }

    /// Whether this message was planned for them: an index seek for each key, and a look into the chunks that may hold it.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn is_in(&self, storage: &Storage, message_no: i64) -> Result<bool> {
        for key in &self.keys {
            for chunk in storage.chunks.holding(message_no, *key).await? {
                let theirs = |r: &frame::Recipient| r.key == *key || (r.device_no > 0 && self.devices.contains(&r.device_no));
                if frame::decode_recipients(&chunk.recipients)?.iter().any(theirs) {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }
}

fn read_cursor(text: &str) -> Option<(i64, u32)> {
    let (chunk, index) = text.split_once('.')?;
    Some((chunk.parse().ok()?, index.parse().ok()?))
}

/// Recipients of one chunk that pass, from `first` on. Looks at the cheap parts first.
fn matching(chunk: &ChunkView, filter: &RecipientFilter, first: u32) -> Result<Vec<RecipientRow>> {
    if first >= chunk.count || filter.vendor.is_some_and(|vendor| chunk.vendor != vendor) {
        return Ok(Vec::new());
    }
    let outcomes = Outcomes::decode(&chunk.outcomes)?;
    let bit = filter.receipt.map(own_bit);
    let passes = |i: usize| {
        let (outcome, reason) = outcomes.get(i);
        let marks = chunk.marks.get(i).copied().unwrap_or(0);
        filter.outcome.is_none_or(|wanted| wanted == outcome)
            && filter.reason.as_ref().is_none_or(|wanted| reason.is_some_and(|r| r.slug == *wanted))
            && filter.words.as_ref().is_none_or(|wanted| reason.map_or("", |r| r.words.as_str()) == wanted)
            && bit.is_none_or(|bit| marks & bit != 0)
    };
    let chosen: Vec<usize> = (first as usize..outcomes.len()).filter(|i| passes(*i)).collect();
    if chosen.is_empty() {
        return Ok(Vec::new());
    }
    let recipients = frame::decode_recipients(&chunk.recipients)?;
    let rows = chosen.into_iter().filter_map(|i| {
        let recipient = recipients.get(i)?;
        let (outcome, reason) = outcomes.get(i);
        let reason = reason.cloned().unwrap_or_default();
        Some(RecipientRow {
            chunk: chunk.no,
            index: u32::try_from(i).unwrap_or(u32::MAX),
            device_no: recipient.device_no,
            target: recipient.target.clone(),
            token: recipient.token.clone(),
            vendor: chunk.vendor,
            outcome,
            reason: reason.slug,
            words: reason.words,
            marks: chunk.marks.get(i).copied().unwrap_or(0),
            why: chunk.why.clone(),
            at: chunk.updated_at,
        })
    });
    Ok(rows.collect())
}

/// The bit that is this kind's own (a click also proves showing and arrival).
pub fn own_bit(kind: ReceiptKind) -> u8 {
    (0..8u8).map(|i| 1 << i).find(|bit| ReceiptKind::of_bit(*bit) == Some(kind)).unwrap_or(0)
}
