//! What follows when no receipt came: again by the same lane, when the app is opened, by the next lane, or nothing more.
//!
//! A recipient's way: accepted -> (the lane's wait passes in silence) -> again by the same lane, under the same keys, as often as the
//! lane says -> (silence) -> the next lane, where it says so -> given up: counted, alarmed, and for a person to decide. A phone with
//! iOS is not sent to again while its app is in the background: it would show several; it goes when the app comes to the foreground.

use types::Millis;
use types::ids::ChunkNo;
use types::life::{MessageState, Outcome};
use types::receipt::mark;
use types::vendor::{RepeatClass, Vendor};

use super::wakes;
use crate::coordination::Coordination;
use crate::storage::apps::Lane;
use crate::storage::chunks::{ChunkState, ChunkView};
use crate::storage::devices::TokenState;
use crate::storage::frame::{self, Outcomes, SAID_SOMETHING};
use crate::storage::messages::Message;
use crate::storage::people::AuditEntry;
use crate::storage::resends::{Again, InBackground, Resent};
use crate::storage::{Result, Storage};
use crate::telemetry;
use crate::world::World;

/// Chunks of one message read at once.
const CHUNKS_AT_ONCE: u32 = 50;
/// Recipients whose app came, looked at in one go.
const READY_AT_ONCE: u32 = 1_000;
/// What cannot go now is looked at again after this.
pub const LATER_MS: Millis = 1_000;

/// What follows for one recipient.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    /// By the same lane, now.
    Again,
    /// By the same lane, when its app comes to the foreground.
    WhenOpened,
    NextLane,
    GiveUp,
}

/// A recipient that was accepted and not heard of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Silent {
    pub place: u32,
    /// 0 = nobody registered it.
    pub device_no: i64,
    pub ios: bool,
    /// Its token is still the one that was sent to, and a repeat by the same lane can be of use.
    pub reachable: bool,
}

/// Pure. `most` = resends by this lane; `times` = how often it went again.
pub const fn then(silent: Silent, times: u8, most: u8, next_lane: bool) -> Then {
    if silent.reachable && times < most {
        return match (silent.ios, silent.device_no) {
            (false, _) => Then::Again,
            // Nobody could say that its app came.
            (true, 0) => Then::GiveUp,
            (true, _) => Then::WhenOpened,
        };
    }
    if next_lane { Then::NextLane } else { Then::GiveUp }
}

/// How often this lane repeats a message of this class for want of a receipt, by itself.
pub fn most(lane: &Lane, message: &Message) -> u8 {
    if lane.vendor.repeat_class() == RepeatClass::Nothing || !lane.settings.enabled { 0 } else { lane.settings.resends(message.class) }
}

/// Those of a chunk who were accepted and gave no sign of arrival.
///
/// # Errors
/// When the store fails.
pub async fn silent(storage: &Storage, chunk: &ChunkView, vendor: Vendor) -> Result<Vec<Silent>> {
    let outcomes = Outcomes::decode(&chunk.outcomes)?;
    let recipients = frame::decode_recipients(&chunk.recipients)?;
    let marks = |place: usize| chunk.marks.get(place).copied().unwrap_or(0);
    let quiet: Vec<(usize, &frame::Recipient)> = recipients
        .iter()
        .enumerate()
        .filter(|(place, _)| outcomes.get(*place).0 == Outcome::Accepted && marks(*place) & (mark::DELIVERED | mark::TOKEN_DEAD) == 0)
        .collect();
    let nos: Vec<i64> = quiet.iter().map(|(_, recipient)| recipient.device_no).collect();
    let reached = storage.devices.reach_nos(chunk.app_no, &nos).await?;
    Ok(quiet
        .into_iter()
        .zip(reached)
        .map(|((place, recipient), tokens)| {
            let same =
                |t: &crate::storage::devices::Reach| t.vendor == vendor && t.token == recipient.token && t.state == TokenState::Active;
            Silent {
                place: u32::try_from(place).unwrap_or(u32::MAX),
                device_no: recipient.device_no,
                ios: vendor == Vendor::Apns || tokens.iter().any(|t| t.vendor == Vendor::Apns),
                reachable: marks(place) & SAID_SOMETHING == 0 && (recipient.device_no == 0 || tokens.iter().any(same)),
            }
        })
        .collect())
}

/// What was decided of a chunk whose receipts are due.
#[derive(Debug, Default)]
pub struct Decided {
    pub again: Vec<u32>,
    pub held: Vec<InBackground>,
    pub next_lane: bool,
    /// Went as often as it may, the last time among them, and is not heard of.
    pub exhausted: u64,
}

/// Pure.
pub fn decide(silent: &[Silent], resent: &Resent, most: u8, next_lane: bool) -> Decided {
    let mut decided = Decided::default();
    for one in silent {
        let place = one.place as usize;
        let times = resent.times(place);
        match then(*one, times, most, next_lane) {
            Then::Again => decided.again.push(one.place),
            Then::WhenOpened => decided.held.push(InBackground { place: one.place, device_no: one.device_no }),
            Then::NextLane => decided.next_lane = true,
            Then::GiveUp => {}
        }
        decided.exhausted += u64::from(most > 0 && times >= most && resent.was_in(place));
    }
    decided
}

/// Puts recipients back in line and wakes their lane. `false` when it cannot be now.
///
/// # Errors
/// When the store fails.
pub async fn go(storage: &Storage, coordination: &Coordination, lane: &Lane, again: Again) -> Result<bool> {
    let n = again.places.len() as u64;
    if !storage.resends.again(again).await? {
        return Ok(false);
    }
    coordination.wakes.wake(&wakes::lane(lane.no));
    count(storage, lane, "again", n).await
}

/// For the metrics; answers `true`.
pub async fn count(storage: &Storage, lane: &Lane, result: &'static str, n: u64) -> Result<bool> {
    if n > 0 {
        let app = storage.apps.by_no(lane.app_no).await?.map_or_else(String::new, |app| app.id.to_string());
        metrics::counter!(telemetry::RESENDS, "app" => app, "vendor" => lane.vendor.slug(), "result" => result).increment(n);
    }
    Ok(true)
}

/// The lane a chunk was sent by.
///
/// # Errors
/// When the store fails.
pub async fn lane_of(storage: &Storage, chunk: &ChunkView) -> Result<Option<Lane>> {
    let Some(vendor) = chunk.vendor else { return Ok(None) };
    Ok(storage.apps.lanes_of(chunk.app_no).await?.into_iter().find(|lane| lane.vendor == vendor))
}

/// Sends to whoever waited for the foreground and is there now. Safe to repeat.
///
/// # Errors
/// When the store fails; the rest comes with the next round.
pub async fn opened(storage: &Storage, coordination: &Coordination, world: &World) -> Result<()> {
    let now = world.now();
    for (no, places) in storage.resends.ready(now, READY_AT_ONCE).await? {
        if !open(storage, coordination, now, no, &places).await? {
            storage.resends.later(no, now + LATER_MS).await?;
        }
    }
    Ok(())
}

async fn open(storage: &Storage, coordination: &Coordination, now: Millis, no: ChunkNo, places: &[u32]) -> Result<bool> {
    let nobody = storage.resends.released(no, places.to_vec());
    let Some(chunk) = storage.chunks.view(no).await? else { return nobody.await.map(|()| true) };
    let (lane, message) = (lane_of(storage, &chunk).await?, storage.messages.get(chunk.message_no).await?);
    let (Some(lane), Some(message)) = (lane, message) else { return nobody.await.map(|()| true) };
    if now >= message.deadline || message.state == MessageState::Cancelled {
        return nobody.await.map(|()| true);
    }
    if chunk.state != ChunkState::Done {
        return Ok(false);
    }
    let (resent, most) = (storage.resends.of(no).await?, most(&lane, &message));
    let list = silent(storage, &chunk, lane.vendor).await?;
    let go_now = |s: &Silent| places.contains(&s.place) && s.reachable && resent.times(s.place as usize) < most;
    let (goes, stays): (Vec<u32>, Vec<u32>) = places.iter().copied().partition(|place| list.iter().any(|s| s.place == *place && go_now(s)));
    if !stays.is_empty() {
        storage.resends.released(no, stays).await?;
    }
    if goes.is_empty() {
        return Ok(true);
    }
    go(storage, coordination, &lane, Again { no, seen: resent.rounds, places: goes, now, audit: None }).await
}

/// A person sends once more to everybody of a message who was accepted and not heard of, however often they were sent to. Returns how
/// many go. The entry is written with the first of them.
///
/// # Errors
/// When the store fails.
pub async fn by_hand(storage: &Storage, coordination: &Coordination, message: &Message, now: Millis, audit: AuditEntry) -> Result<u64> {
    let (mut after, mut gone, mut audit) = (ChunkNo(0), 0, Some(audit));
    loop {
        let chunks = storage.chunks.of_message(message.no, after, CHUNKS_AT_ONCE).await?;
        let Some(last) = chunks.last() else { return Ok(gone) };
        after = last.no;
        for chunk in &chunks {
            let Some(lane) = lane_of(storage, chunk).await? else { continue };
            let places: Vec<u32> =
                silent(storage, chunk, lane.vendor).await?.into_iter().filter(|s| s.reachable).map(|s| s.place).collect();
            if places.is_empty() || chunk.state != ChunkState::Done {
                continue;
            }
            let (n, seen) = (places.len() as u64, storage.resends.of(chunk.no).await?.rounds);
            if go(storage, coordination, &lane, Again { no: chunk.no, seen, places, now, audit: audit.clone() }).await? {
                gone += n;
                audit = None;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANDROID: Silent = Silent { place: 0, device_no: 7, ios: false, reachable: true };
    const IOS: Silent = Silent { place: 1, device_no: 8, ios: true, reachable: true };

    #[test]
    fn the_way_of_a_recipient_nobody_heard_of() {
        let mut table = String::new();
        let gone = Silent { reachable: false, ..ANDROID };
        let stranger = Silent { device_no: 0, ..IOS };
        for (name, silent) in [("android", ANDROID), ("ios", IOS), ("token gone", gone), ("ios, unregistered", stranger)] {
            for most in [0, 2] {
                for next_lane in [false, true] {
                    let ways: Vec<String> = (0..=2).map(|times| format!("{:?}", then(silent, times, most, next_lane))).collect();
                    table += &format!("{name}, at most {most}, next lane {next_lane}: {}\n", ways.join(" "));
                }
            }
        }
        insta::assert_snapshot!(table);
    }

    #[test]
    fn who_was_in_the_last_round_and_may_not_go_again_is_counted_once() {
        let mut last = Outcomes::waiting(2);
        last.set(0, Outcome::Accepted, None);
        last.set(1, Outcome::Cancelled, None);
        let resent = Resent { rounds: 1, times: vec![1, 1], last: Some(last) };
        let decided = decide(&[ANDROID, IOS], &resent, 1, false);
        assert_eq!((decided.again.len(), decided.held.len(), decided.next_lane, decided.exhausted), (0, 0, false, 1));
        let decided = decide(&[ANDROID, IOS], &resent, 2, true);
        assert_eq!((decided.again, decided.held.len(), decided.exhausted), (vec![0], 1, 0));
    }
}
