//! After a while without a receipt: the device's next lane. Every such second way is a message of its own, bound to the chunk it
//! follows, so that nobody is sent to by two lanes without a record of it.
//!
//! Only lanes whose vendor reports arrivals wait for them, and only those told to (`receipt_wait_s`); bulk only when the lane
//! says so, for a phone may then show both (reliability page, section 2).

use types::Millis;
use types::ids::{ChunkNo, MessageId};
use types::life::Outcome;
use types::receipt::mark;
use types::vendor::Vendor;

use super::wakes;
use crate::coordination::Coordination;
use crate::storage::chunks::ChunkView;
use crate::storage::devices::{Reach, TokenState};
use crate::storage::frame::{self, Outcomes, Recipient};
use crate::storage::messages::{Inserted, Message, NewMessage, Origin, Targets};
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
    let quiet: Vec<Recipient> = frame::decode_recipients(&chunk.recipients)?
        .into_iter()
        .enumerate()
        .filter(|(i, recipient)| {
            let marks = chunk.marks.get(*i).copied().unwrap_or(0);
            recipient.device_no > 0 && outcomes.get(*i).0 == Outcome::Accepted && marks & (mark::DELIVERED | mark::TOKEN_DEAD) == 0
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

/// Sends on what is due. Safe to repeat: a chunk leads to one further message at most.
///
/// # Errors
/// When the store fails; the rest comes with the next round.
pub async fn round(storage: &Storage, coordination: &Coordination, world: &World) -> Result<usize> {
    let now = world.now();
    let due = storage.chunks.onward_due(now, AT_ONCE).await?;
    let mut sent = 0;
    for no in &due {
        if let Some(chunk) = storage.chunks.view(*no).await?
            && let Some(message) = storage.messages.get(chunk.message_no).await?
            && now < message.deadline
            && send_on(storage, world, &chunk, &message, now).await?
        {
            sent += 1;
        }
    }
    storage.chunks.onward_done(&due).await?;
    if sent > 0 {
        coordination.wakes.wake(wakes::PLAN);
    }
    Ok(sent)
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
            deadline: message.deadline,
            idempotency: Some((key, digest)),
            account: message.account.clone(),
            address: String::new(),
            now,
        })
        .await?;
    Ok(matches!(inserted, Inserted::Fresh { .. }))
}
