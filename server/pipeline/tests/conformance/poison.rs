//! Chunks whose leases end without progress, again and again.

use pipeline::access::actor::Actor;
use pipeline::storage::apps::{App, Lane};
use pipeline::storage::chunks::{ChunkState, Next};
use pipeline::storage::people::AuditEntry;
use pipeline::world::World;
use types::dead::{LAPSES_MAX, POISONED};
use types::ids::ChunkNo;
use types::life::{MessageState, Outcome};
use types::listing::PageRequest;
use types::views::lanes::LaneEventKind;

use super::fresh_storage;
use crate::support::{Fresh, NOW, claim, funnel, sending, step};

fn entry(app: &App) -> AuditEntry {
    Actor::system().entry(&World::system(), "dead_letters.test", app.id.as_str(), Some(&app.id), None, None)
}

async fn deeds(storage: &Fresh) -> usize {
    let log = storage.people.audit_list(&Default::default(), &PageRequest::default()).await.unwrap();
    log.items.iter().filter(|row| row.entry.action == "dead_letters.test").count()
}

/// Claims the only chunk and lets its lease run out, so often; the number of the chunk.
async fn lapse(storage: &Fresh, lane: &Lane, times: u32) -> ChunkNo {
    let mut no = None;
    for i in 0..times {
        let now = NOW + i64::from(i) * 40_000;
        let claimed = claim(storage, lane, now, 1).await.pop().expect("a chunk");
        assert_eq!(storage.chunks.release_lapsed(now + 30_001, None).await.unwrap(), 1);
        no = Some(claimed.no);
    }
    no.expect("a chunk")
}

async fn state(storage: &Fresh, no: ChunkNo) -> ChunkState {
    storage.chunks.view(no).await.unwrap().unwrap().state
}

#[tokio::test]
async fn the_third_lease_without_progress_sets_a_chunk_aside_and_the_others_go_on() {
    let storage = fresh_storage().await;
    let (app, lane, message_no) = sending(&storage, 2).await;
    let no = lapse(&storage, &lane, LAPSES_MAX - 1).await;
    assert_eq!((state(&storage, no).await, storage.chunks.poisoned(app.no, 9).await.unwrap()), (ChunkState::Waiting, vec![]));
    let no = {
        let claimed = claim(&storage, &lane, NOW, 1).await.pop().unwrap();
        storage.chunks.lapse(claimed.no, claimed.fence, NOW + 7, NOW + 1_007).await.unwrap();
        assert!(storage.chunks.lapse(claimed.no, claimed.fence, NOW, NOW).await.is_err(), "the fence moved");
        assert_eq!(claimed.no, no);
        no
    };
    assert_eq!(state(&storage, no).await, ChunkState::Held);
    let aside = storage.chunks.poisoned(app.no, 9).await.unwrap();
    let message = storage.messages.get(message_no).await.unwrap().unwrap();
    assert_eq!(
        (aside.len(), aside[0].no, &aside[0].message, aside[0].lane_no, aside[0].count, aside[0].at),
        (1, no, &message.id, lane.no, 10, NOW + 7)
    );
    assert_eq!(storage.chunks.poisoned_by_lane().await.unwrap(), [(lane.no, 1)]);
    assert_eq!(storage.chunks.poisoned(app.no + 1, 9).await.unwrap(), []);
    let events = storage.lane_events.latest(&[lane.no], 9).await.unwrap();
    assert_eq!(events.iter().map(|e| (e.what, e.node.as_str())).collect::<Vec<_>>(), [(LaneEventKind::SetAside, "node-a")]);

    // The other one is all there is to claim; nothing of this one is lost or counted.
    let other = claim(&storage, &lane, NOW + 900_000, 9).await;
    assert_eq!(other.len(), 1);
    assert_ne!(other[0].no, no);
    storage.chunks.record(step(&other[0], Outcome::Accepted, 10, Next::Done)).await.unwrap();
    assert_eq!(storage.messages.settle(NOW).await.unwrap(), [], "its message is not over");
    let total = funnel(&storage, message_no).await.total;
    assert!(total.holds() && (total.accepted, total.waiting) == (10, 10), "{total:?}");
}

#[tokio::test]
async fn progress_counts_anew() {
    let storage = fresh_storage().await;
    let (app, lane, _) = sending(&storage, 1).await;
    lapse(&storage, &lane, LAPSES_MAX - 1).await;
    let claimed = claim(&storage, &lane, NOW, 1).await.pop().unwrap();
    storage.chunks.record(step(&claimed, Outcome::Accepted, 1, Next::Wait { not_before: NOW })).await.unwrap();
    lapse(&storage, &lane, LAPSES_MAX - 1).await;
    let claimed = claim(&storage, &lane, NOW, 1).await.pop().unwrap();
    storage.chunks.begin(claimed.no, claimed.fence, 7).await.unwrap();
    storage.chunks.release_lapsed(NOW + 30_001, None).await.unwrap();
    lapse(&storage, &lane, LAPSES_MAX - 2).await;
    assert_eq!(storage.chunks.poisoned(app.no, 9).await.unwrap(), []);
    lapse(&storage, &lane, 1).await;
    assert_eq!(storage.chunks.poisoned(app.no, 9).await.unwrap().len(), 1);
}

#[tokio::test]
async fn tried_again_it_goes_as_after_any_lapse_and_counts_anew() {
    let storage = fresh_storage().await;
    let (app, lane, message_no) = sending(&storage, 1).await;
    let no = lapse(&storage, &lane, LAPSES_MAX).await;
    // A pause and its end leave it where it is.
    assert!(storage.messages.pause(message_no).await.unwrap() && storage.messages.resume(message_no).await.unwrap());
    assert!(claim(&storage, &lane, NOW + 900_000, 9).await.is_empty());
    assert_eq!(storage.chunks.try_again(app.no + 1, Some(no), NOW, entry(&app)).await.unwrap(), Vec::<i64>::new(), "another app's");
    assert_eq!(deeds(&storage).await, 0);
    assert_eq!(storage.chunks.try_again(app.no, Some(no), NOW, entry(&app)).await.unwrap(), [lane.no]);
    assert_eq!(storage.chunks.try_again(app.no, None, NOW, entry(&app)).await.unwrap(), Vec::<i64>::new(), "it is in line");
    assert_eq!(deeds(&storage).await, 1);
    let claimed = claim(&storage, &lane, NOW, 9).await.pop().unwrap();
    assert!(claimed.lapsed && claimed.started == u32::MAX, "what may have been sent stays so: {claimed:?}");
    storage.chunks.lapse(no, claimed.fence, NOW, NOW).await.unwrap();
    assert_eq!(state(&storage, no).await, ChunkState::Waiting);

    // Of a paused message it waits for the resume.
    lapse(&storage, &lane, LAPSES_MAX - 1).await;
    storage.messages.pause(message_no).await.unwrap();
    assert_eq!(storage.chunks.try_again(app.no, None, NOW, entry(&app)).await.unwrap(), [lane.no]);
    assert_eq!(state(&storage, no).await, ChunkState::Held);
    storage.messages.resume(message_no).await.unwrap();
    let claimed = claim(&storage, &lane, NOW + 900_000, 9).await.pop().unwrap();
    storage.chunks.record(step(&claimed, Outcome::Accepted, 10, Next::Done)).await.unwrap();
    assert_eq!(funnel(&storage, message_no).await.total.accepted, 10);
}

#[tokio::test]
async fn given_up_it_ends_by_what_may_have_been_sent() {
    let storage = fresh_storage().await;
    let (app, lane, message_no) = sending(&storage, 1).await;
    let lease = |now| pipeline::storage::chunks::Lease { owner: "node-a", now, until: now + 30_000, started: 4 };
    for i in 0..i64::from(LAPSES_MAX) {
        let now = NOW + i * 40_000;
        assert_eq!(storage.chunks.lease(lane.no, lease(now), 1, 10).await.unwrap().len(), 1);
        storage.chunks.release_lapsed(now + 30_001, None).await.unwrap();
    }
    let no = storage.chunks.poisoned(app.no, 9).await.unwrap()[0].no;
    assert_eq!(storage.chunks.give_up(app.no + 1, no, NOW, entry(&app)).await.unwrap(), None, "another app's");
    assert_eq!(storage.chunks.give_up(app.no, no, NOW, entry(&app)).await.unwrap(), Some(10));
    assert_eq!(storage.chunks.give_up(app.no, no, NOW, entry(&app)).await.unwrap(), None, "once");
    assert_eq!(deeds(&storage).await, 1);
    let funnel = funnel(&storage, message_no).await;
    assert!(funnel.total.holds());
    assert_eq!((funnel.total.uncertain, funnel.total.expired, funnel.total.waiting), (4, 6, 0));
    assert!(funnel.losses.iter().all(|loss| loss.reason == POISONED), "{:?}", funnel.losses);
    assert_eq!(storage.messages.settle(NOW).await.unwrap(), [(message_no, None)]);
    let lines = storage.dead_letters.list(app.no, &Default::default(), &PageRequest::default()).await.unwrap().items;
    assert_eq!(lines.iter().map(|l| (l.reason.as_str(), l.over())).collect::<Vec<_>>(), [(POISONED, true); 2]);
}

#[tokio::test]
async fn deadline_and_cancel_end_what_is_set_aside() {
    for cancel in [false, true] {
        let storage = fresh_storage().await;
        let (app, lane, message_no) = sending(&storage, 1).await;
        lapse(&storage, &lane, LAPSES_MAX).await;
        if cancel {
            storage.messages.cancel(message_no, NOW).await.unwrap();
        } else {
            storage.chunks.expire(NOW + 3_600_001, 9).await.unwrap();
            storage.messages.settle(NOW + 3_600_002).await.unwrap();
        }
        assert_eq!(storage.chunks.poisoned(app.no, 9).await.unwrap(), []);
        let message = storage.messages.get(message_no).await.unwrap().unwrap();
        assert_eq!(message.state, if cancel { MessageState::Cancelled } else { MessageState::Finished });
        let total = funnel(&storage, message_no).await.total;
        assert!(total.holds() && total.uncertain == 10, "all of it may have been sent: {total:?}");
    }
}
