//! After a while without a receipt: the device's next lane. Every such second way is a message of its own, bound to the chunk it
//! follows, so that nobody is sent to by two lanes without a record of it.
//!
//! Only lanes whose vendor reports arrivals wait for them, and only those told to (`receipt_wait_s`); bulk only when the lane
//! says so, for a phone may then show both (reliability page, section 2). First comes what `resend` says of the same lane.

use types::Millis;
use types::content::MessageClass;
use types::funnel::{Source, Stage};
use types::ids::{ChunkNo, MessageId};
use types::life::{MessageState, Outcome};
use types::receipt::mark;
use types::vendor::Vendor;

use super::{resend, wakes};
use crate::coordination::Coordination;
use crate::storage::apps::Lane;
use crate::storage::chunks::{ChunkState, ChunkView};
use crate::storage::devices::{Reach, TokenState};
use crate::storage::frame::{self, Outcomes, Recipient};
use crate::storage::messages::{Inserted, Message, NewMessage, Origin, Targets};
use crate::storage::resends::Again;
use crate::storage::{Result, Storage};
use crate::world::World;

/// Chunks looked at in one go.
const AT_ONCE: u32 = 50;

/// Devices of a chunk that were accepted without a sign of arrival, with their tokens of lanes not tried yet.
///
/// # Errors
/// When the store fails.
pub async fn silent(storage: &Storage, chunk: &ChunkView, tried: &[Vendor]) -> Result<Vec<(Recipient, Vec<Reach>)>> {
    let outcomes = Outcomes::decode(&chunk.outcomes)?;
    // Who waits for the foreground goes again by its first lane.
    let held = storage.resends.held(chunk.no).await?;
    let waits = |i: usize| u32::try_from(i).is_ok_and(|place| held.contains(&place));
    let quiet: Vec<Recipient> = frame::decode_recipients(&chunk.recipients)?
        .into_iter()
        .enumerate()
        .filter(|(i, recipient)| {
            let marks = chunk.marks.get(*i).copied().unwrap_or(0);
            recipient.device_no > 0
                && !waits(*i)
                && outcomes.get(*i).0 == Outcome::Accepted
                && marks & (mark::DELIVERED | mark::TOKEN_DEAD) == 0
        })
        .map(|(_, recipient)| recipient)
        .collect();
    let nos: Vec<i64> = quiet.iter().map(|r| r.device_no).collect();
    let reached = storage.devices.reach_nos(chunk.app_no, &nos).await?;
    Ok(quiet
        .into_iter()
        .zip(reached)
        .filter_map(|(recipient, mut tokens)| {
            tokens.retain(|reach| !tried.contains(&reach.vendor) && reach.state == TokenState::Active);
            (!tokens.is_empty()).then_some((recipient, tokens))
        })
        .collect())
}

/// What became of a chunk whose receipts are due.
enum Looked {
    /// Nothing more, or what follows is written elsewhere.
    Over { onward: bool },
    /// Back in line: the entry that it was due went with it.
    Again,
    /// Cannot be decided now.
    Later,
}

/// Sees to what is due: again by the same lane, as often as it says, then the next one. Safe to repeat: a chunk leads to one further
/// message at most, and goes again once for every look that finds it as it was.
///
/// # Errors
/// When the store fails; the rest comes with the next round.
pub async fn round(storage: &Storage, coordination: &Coordination, world: &World) -> Result<usize> {
    let now = world.now();
    let due = storage.chunks.onward_due(now, AT_ONCE).await?;
    let (mut over, mut later, mut sent) = (Vec::new(), Vec::new(), 0);
    for no in due {
        match look(storage, coordination, world, no, now).await? {
            Looked::Over { onward } => {
                sent += usize::from(onward);
                over.push(no);
            }
            Looked::Again => {}
            Looked::Later => later.push(no),
        }
    }
    storage.chunks.onward_later(&later, now + resend::LATER_MS).await?;
    storage.chunks.onward_done(&over).await?;
    if sent > 0 {
        coordination.wakes.wake(wakes::PLAN);
    }
    Ok(sent)
}

async fn look(storage: &Storage, coordination: &Coordination, world: &World, no: ChunkNo, now: Millis) -> Result<Looked> {
    let over = Ok(Looked::Over { onward: false });
    let Some(chunk) = storage.chunks.view(no).await? else { return over };
    let (Some(message), Some(lane)) = (storage.messages.get(chunk.message_no).await?, resend::lane_of(storage, &chunk).await?) else {
        return over;
    };
    if now >= message.deadline || message.state == MessageState::Cancelled {
        return over;
    }
    let most = resend::most(&lane, &message);
    if message.state == MessageState::Paused || (most > 0 && chunk.state != ChunkState::Done) {
        return Ok(Looked::Later);
    }
    let next_lane = goes_on(&lane, message.class);
    let (silent, resent) = (resend::silent(storage, &chunk, lane.vendor).await?, storage.resends.of(no).await?);
    let decided = resend::decide(&silent, &resent, most, next_lane);
    if !decided.held.is_empty() {
        storage.resends.hold(no, decided.held, message.deadline).await?;
    }
    if !decided.again.is_empty() {
        let again = Again { no, seen: resent.rounds, places: decided.again, now, audit: None };
        return Ok(if resend::go(storage, coordination, &lane, again).await? { Looked::Again } else { Looked::Later });
    }
    if decided.exhausted > 0 {
        tracing::warn!(message = %message.id, vendor = lane.vendor.slug(), n = decided.exhausted, "sent again as often as the lane allows, and not heard of");
        resend::count(storage, &lane, "exhausted", decided.exhausted).await?;
    }
    let onward = decided.next_lane && send_on(storage, world, &chunk, &message, now).await?;
    Ok(Looked::Over { onward })
}

/// Whether devices of this lane go on to their next one when no receipt came.
pub fn goes_on(lane: &Lane, class: MessageClass) -> bool {
    let settings = &lane.settings;
    (class == MessageClass::Transactional || settings.next_lane_for_bulk) && lane.vendor.source_of(Stage::Delivered) == Source::Vendor
}

async fn send_on(storage: &Storage, world: &World, chunk: &ChunkView, message: &Message, now: Millis) -> Result<bool> {
    let mut tried: Vec<Vendor> = chunk.vendor.into_iter().collect();
    if let Targets::Onward { tried: before, .. } = &message.targets {
        tried.extend(before);
    }
    if silent(storage, chunk, &tried).await?.is_empty() {
        return Ok(false);
    }
    let ChunkNo(no) = chunk.no;
    let key = format!("onward-{no}");
    let hash = xxhash_rust::xxh3::xxh3_128(key.as_bytes()).to_be_bytes();
    let mut digest = [0; 32];
    digest[..16].copy_from_slice(&hash);
    let inserted = storage
        .messages
        .insert(NewMessage {
            id: MessageId::from_bytes(world.id()),
            app_no: message.app_no,
            campaign: message.campaign.clone(),
            origin: Origin::Onward,
            class: message.class,
            business: message.business.clone(),
            content: message.content.clone(),
            variables: message.variables.clone(),
            targets: Targets::Onward { message: message.id.clone(), chunk: no, tried },
            vendor_order: message.vendor_order.clone(),
            versions: message.versions.clone(),
            hours: message.hours,
            deadline: message.deadline,
            idempotency: Some((key, digest)),
            account: message.account.clone(),
            address: String::new(),
            now,
        })
        .await?;
    Ok(matches!(inserted, Inserted::Fresh { .. }))
}
