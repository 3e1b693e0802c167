//! A recall's recipients: whoever an earlier message may have reached, chunk by chunk, each with what its vendor needs to take it
//! back. Nobody is asked before the earlier message has come to rest.

use types::Millis;
use types::ids::{ChunkNo, MessageId};
use types::life::{FilterRule, MessageState, Outcome};
use types::receipt::mark;
use types::vendor::Vendor;
use types::vendor::recall::RecallMeans;

use super::{CHUNKS_PER_STEP, OpenLane, Sorter, new_chunk};
use crate::coordination::{Coordination, Stop};
use crate::storage::chunks::{ChunkView, NewChunk};
use crate::storage::frame::{self, Outcomes, Reason, Recipient};
use crate::storage::messages::{Message, Targets};
use crate::storage::{Result, Storage};

/// The variable in which a recipient carries the vendor's ids of the requests that may have held it, joined by commas.
pub const REFERENCE: &str = "recall";
/// A recall is worth most at once: its chunks come before campaigns with later deadlines. What the phone keeps lives as long as
/// what it takes back.
const WITHIN_MS: Millis = 6 * 3_600_000;

/// Somebody the earlier message may have reached.
pub struct Reached {
    pub vendor: Vendor,
    /// The chunk of the earlier message.
    pub chunk: ChunkNo,
    pub recipient: Recipient,
    /// Nothing is asked, for this reason.
    pub refused: Option<FilterRule>,
}

pub fn deadline(message: &Message) -> Millis {
    match message.targets {
        Targets::Recall { .. } => message.deadline.min(message.created_at + WITHIN_MS),
        _ => message.deadline,
    }
}

/// Takes out the recalls whose earlier message still moves. One that was not stopped yet (its caller ended in between) is stopped here.
pub async fn without_those_too_early(
    storage: &Storage,
    coordination: &Coordination,
    waiting: &mut Vec<Message>,
    now: Millis,
) -> Result<()> {
    let mut early = Vec::new();
    for message in waiting.iter() {
        let Targets::Recall { message: earlier, .. } = &message.targets else { continue };
        let Some(earlier) = storage.messages.by_id(earlier).await? else { continue };
        if earlier.finished_at.is_some() {
            continue;
        }
        early.push(message.no);
        if !matches!(earlier.state, MessageState::Finished | MessageState::Cancelled) {
            coordination.flags.set(earlier.no, Some(Stop::Cancelled)).await;
            storage.messages.cancel(earlier.no, now).await?;
        }
    }
    waiting.retain(|message| !early.contains(&message.no));
    Ok(())
}

/// The next chunks of the earlier message, the place after them, and whether they were the last.
pub async fn gather(storage: &Storage, earlier: &MessageId, cursor: i64) -> Result<(Vec<Reached>, i64, bool)> {
    let Some(earlier) = storage.messages.by_id(earlier).await? else { return Ok((Vec::new(), cursor, true)) };
    let chunks = storage.chunks.of_message(earlier.no, ChunkNo(cursor), CHUNKS_PER_STEP).await?;
    let mut out = Vec::new();
    for chunk in &chunks {
        let Some(vendor) = chunk.vendor else { continue };
        let references = match vendor.recall().means {
            RecallMeans::Withdraw => references(storage, earlier.no, vendor, chunk).await?,
            RecallMeans::Overwrite | RecallMeans::Nothing => Vec::new(),
        };
        out.extend(reached(vendor, chunk, &references)?);
    }
    let next = chunks.last().map_or(cursor, |chunk| chunk.no.0);
    Ok((out, next, chunks.len() < CHUNKS_PER_STEP as usize))
}

/// The vendor's ids of the requests this chunk went out with. A list message of Getui's serves many chunks, and is written down with
/// the first one that used it: the others find it there.
async fn references(storage: &Storage, message_no: i64, vendor: Vendor, chunk: &ChunkView) -> Result<Vec<String>> {
    let own = storage.chunks.references(chunk.no).await?;
    if !own.is_empty() || vendor != Vendor::Getui || chunk.count < 2 {
        return Ok(own);
    }
    storage.chunks.shared_references(message_no, vendor).await
}

/// Everybody of a chunk whom it may have reached. Pure.
fn reached(vendor: Vendor, chunk: &ChunkView, references: &[String]) -> Result<Vec<Reached>> {
    let outcomes = Outcomes::decode(&chunk.outcomes)?;
    let recipients = frame::decode_recipients(&chunk.recipients)?;
    let count = recipients.len();
    let mut out = Vec::new();
    for (i, mut recipient) in recipients.into_iter().enumerate() {
        if !matches!(outcomes.get(i).0, Outcome::Accepted | Outcome::Uncertain) {
            continue;
        }
        let marks = chunk.marks.get(i).copied().unwrap_or(0);
        recipient.variables.clear();
        let refused = refused(vendor, count, marks, references.len());
        if refused.is_none() && !references.is_empty() {
            recipient.variables.insert(REFERENCE.to_owned(), references.join(","));
        }
        out.push(Reached { vendor, chunk: chunk.no, recipient, refused });
    }
    Ok(out)
}

/// Why nothing is asked about a recipient, or `None`. `count` = recipients of its chunk, `known` = request ids known for it.
fn refused(vendor: Vendor, count: usize, marks: u8, known: usize) -> Option<FilterRule> {
    if marks & (mark::CLICKED | mark::CLEARED) != 0 {
        // Nothing is on the screen any more; an overwriting notice would be a new one.
        return Some(FilterRule::Opened);
    }
    let can = match (vendor, vendor.recall().means) {
        (_, RecallMeans::Nothing) => false,
        // Only single sends carry an id to be replaced under: what went alone was one.
        (Vendor::Vivo, _) => count == 1,
        (_, RecallMeans::Overwrite) => true,
        // Which of several tasks held whom is known for requests to one phone, or when there was one task.
        (Vendor::Getui, RecallMeans::Withdraw) => known == 1,
        (_, RecallMeans::Withdraw) => known > 0,
    };
    (!can).then_some(FilterRule::NoRecall)
}

/// Everybody to the lane it went out by, or out. No I/O.
pub(super) fn sort(sorter: &mut Sorter<'_>, list: Vec<Reached>, lanes: &[OpenLane]) {
    for Reached { vendor, chunk, recipient, refused } in list {
        match (refused, lanes.iter().find(|lane| lane.vendor == vendor)) {
            (None, Some(lane)) => {
                sorter.back.entry((lane.lane_no, chunk)).or_insert_with(|| (*lane, Vec::new())).1.push(recipient);
            }
            (None, None) => sorter.out_of.entry(vendor).or_default().push((recipient, FilterRule::NoLane)),
            (Some(rule), _) => sorter.out_of.entry(vendor).or_default().push((recipient, rule)),
        }
    }
}

/// Recipients that are over before any request, counted for their lane.
pub fn left_out(message: &Message, vendor: Vendor, list: &[(Recipient, FilterRule)]) -> NewChunk {
    let mut outcomes = Outcomes::waiting(list.len());
    for (i, (_, rule)) in list.iter().enumerate() {
        outcomes.set(i, Outcome::Filtered, Some(Reason { slug: rule.slug().to_owned(), words: String::new() }));
    }
    let recipients: Vec<Recipient> = list.iter().map(|(recipient, _)| recipient.clone()).collect();
    let lane = OpenLane { lane_no: 0, vendor, chunk: list.len() };
    let chunk = new_chunk(message, Some(lane), &recipients, &outcomes, "not to be taken back".to_owned());
    NewChunk { lane_no: None, done: true, ..chunk }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_of_whom() {
        let none = 0;
        for vendor in Vendor::ALL {
            assert_eq!(refused(vendor, 1, mark::CLICKED, 1), Some(FilterRule::Opened), "{vendor:?}");
            assert_eq!(refused(vendor, 5, mark::DELIVERED | mark::CLEARED, 1), Some(FilterRule::Opened), "{vendor:?}");
        }
        let no = Some(FilterRule::NoRecall);
        let table = [
            (Vendor::Apns, 1_000, 0, None),
            (Vendor::Xiaomi, 1_000, 0, None),
            (Vendor::Vivo, 1, 0, None),
            (Vendor::Vivo, 2, 0, no),
            (Vendor::Umeng, 1, 1, no),
            (Vendor::Jpush, 1_000, 3, None),
            (Vendor::Jpush, 1_000, 0, no),
            (Vendor::Getui, 1_000, 1, None),
            (Vendor::Getui, 1_000, 2, no),
            (Vendor::Getui, 1, 0, no),
        ];
        for (vendor, count, known, expected) in table {
            assert_eq!(refused(vendor, count, none, known), expected, "{vendor:?} of {count}, {known} known");
        }
    }

    #[test]
    fn only_those_it_may_have_reached() {
        let people: Vec<Recipient> = (0..4)
            .map(|i| Recipient {
                key: i,
                token: format!("t{i}"),
                variables: [("n".to_owned(), "v".to_owned())].into(),
                ..Recipient::default()
            })
            .collect();
        let mut outcomes = Outcomes::waiting(4);
        for (i, outcome) in [Outcome::Accepted, Outcome::Refused, Outcome::Uncertain, Outcome::Cancelled].into_iter().enumerate() {
            outcomes.set(i, outcome, None);
        }
        let chunk = ChunkView {
            no: ChunkNo(1),
            message_no: 1,
            app_no: 1,
            vendor: Some(Vendor::Jpush),
            state: crate::storage::chunks::ChunkState::Done,
            count: 4,
            attempts: 1,
            started: 4,
            not_before: 0,
            updated_at: 0,
            why: String::new(),
            recipients: frame::encode_recipients(&people),
            outcomes: outcomes.encode(),
            marks: Vec::new(),
        };
        let found = reached(Vendor::Jpush, &chunk, &["a".to_owned(), "b".to_owned()]).unwrap();
        let tokens: Vec<&str> = found.iter().map(|r| r.recipient.token.as_str()).collect();
        assert_eq!(tokens, ["t0", "t2"]);
        assert_eq!(found[0].recipient.variables, [(REFERENCE.to_owned(), "a,b".to_owned())].into());
    }
}
