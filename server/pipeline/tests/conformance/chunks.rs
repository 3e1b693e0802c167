//! Claims, fences, leases, deadlines.

use std::collections::BTreeSet;

use pipeline::storage::StorageError;
use pipeline::storage::chunks::{ChunkState, HandOver, Lease, Next, Step};
use pipeline::storage::frame::{Outcomes, decode_recipients};
use pipeline::storage::tallies::Measure;
use types::ids::ChunkNo;
use types::life::{MessageState, Outcome};
use types::vendor::Vendor;

use super::fresh_storage;
use crate::support::{self, NOW, app, chunk, claim, delta, filtered_chunk, funnel, lane, message, plan, recipients, sending, step};

#[tokio::test]
async fn a_claim_brings_the_lists_and_a_record_ends_the_chunk() {
    let storage = fresh_storage().await;
    let (app, lane, message_no) = sending(&storage, 1).await;
    let claimed = claim(&storage, &lane, NOW, 4).await.pop().unwrap();
    assert_eq!((claimed.message_no, claimed.app_no, claimed.lane_no, claimed.vendor), (message_no, app.no, lane.no, Vendor::Xiaomi));
    assert_eq!((claimed.fence, claimed.attempts, claimed.lapsed, claimed.count), (1, 1, false, 10));
    assert_eq!(decode_recipients(&claimed.recipients).unwrap(), recipients(0..10));
    let mut done = step(&claimed, Outcome::Accepted, 10, Next::Done);
    done.references = vec!["xm-1".to_owned(), "xm-2".to_owned()];
    storage.chunks.record(done).await.unwrap();

    let view = storage.chunks.view(claimed.no).await.unwrap().unwrap();
    assert_eq!((view.state, view.attempts, view.why.as_str()), (ChunkState::Done, 1, "native lane"));
    assert!(view.marks.is_empty());
    assert!(Outcomes::decode(&view.outcomes).unwrap().open().is_empty());
    assert_eq!(storage.chunks.by_reference(Vendor::Xiaomi, "xm-2").await.unwrap(), Some(claimed.no));
    assert_eq!(storage.chunks.by_reference(Vendor::Apns, "xm-2").await.unwrap(), None);
    assert_eq!(storage.messages.settle(NOW + 5).await.unwrap(), [(message_no, None)]);
    assert_eq!(storage.messages.settle(NOW + 6).await.unwrap(), []);
    let ended = storage.messages.get(message_no).await.unwrap().unwrap();
    assert_eq!((ended.state, ended.finished_at), (MessageState::Finished, Some(NOW + 5)));
    assert_eq!(funnel(&storage, message_no).await.total.accepted, 10);
}

#[tokio::test]
async fn two_claimers_never_get_the_same_chunk() {
    let storage = fresh_storage().await;
    let (_, lane, _) = sending(&storage, 120).await;
    let mut tasks = tokio::task::JoinSet::new();
    for worker in 0..8 {
        let (storage, lane) = (storage.storage.clone(), lane.clone());
        tasks.spawn(async move {
            let mut mine = Vec::new();
            loop {
                let got = storage.chunks.claim(lane.no, &format!("node-{worker}"), NOW, NOW + 30_000, 3, 10).await.unwrap();
                if got.is_empty() {
                    return mine;
                }
                mine.extend(got.into_iter().map(|c| c.no));
            }
        });
    }
    let mut seen = BTreeSet::new();
    while let Some(mine) = tasks.join_next().await {
        for no in mine.unwrap() {
            assert!(seen.insert(no), "{no:?} twice");
        }
    }
    assert_eq!(seen.len(), 120);
}

#[tokio::test]
async fn one_priority_by_deadline_then_number() {
    let storage = fresh_storage().await;
    let app = app(&storage, "order").await;
    let lane = lane(&storage, &app, Vendor::Apns).await;
    let message_no = message(&storage, app.no).await;
    let make = |priority, deadline, at: i64| {
        let mut c = chunk(message_no, &lane, at..at + 1);
        (c.priority, c.deadline) = (priority, NOW + deadline);
        c
    };
    let chunks = vec![make(10, 900, 0), make(10, 100, 1), make(0, 500, 2), make(10, 100, 3), make(0, 200, 4)];
    plan(&storage, message_no, 0, chunks, true).await;
    let claim = async |max, priority| {
        let claimed = storage.chunks.claim(lane.no, "node-a", NOW, NOW + 30_000, max, priority).await.unwrap();
        claimed.iter().map(|c| decode_recipients(&c.recipients).unwrap()[0].key).collect::<Vec<i64>>()
    };
    assert_eq!(claim(9, 0).await, [4, 2], "urgent ones apart from the rest");
    let (first, rest) = (claim(1, 10).await, claim(9, 10).await);
    assert_eq!((first, rest), (vec![1], vec![3, 0]));
}

#[tokio::test]
async fn what_waits_is_not_claimed_before_its_time() {
    let storage = fresh_storage().await;
    let (_, lane, _) = sending(&storage, 1).await;
    let claimed = claim(&storage, &lane, NOW, 1).await.pop().unwrap();
    assert_eq!(storage.chunks.next_due(lane.no).await.unwrap(), None);
    storage.chunks.record(step(&claimed, Outcome::Accepted, 4, Next::Wait { not_before: NOW + 500 })).await.unwrap();
    assert_eq!(storage.chunks.next_due(lane.no).await.unwrap(), Some(NOW + 500));
    assert!(claim(&storage, &lane, NOW + 499, 1).await.is_empty());
    let again = claim(&storage, &lane, NOW + 500, 1).await.pop().unwrap();
    assert_eq!((again.fence, again.attempts, again.lapsed), (2, 2, false));
    assert_eq!(Outcomes::decode(&again.outcomes).unwrap().open().len(), 6);
}

#[tokio::test]
async fn a_stale_fence_writes_nothing() {
    let storage = fresh_storage().await;
    let (_, lane, message_no) = sending(&storage, 1).await;
    let old = claim(&storage, &lane, NOW, 1).await.pop().unwrap();
    assert_eq!(storage.chunks.release_lapsed(NOW + 30_000, None).await.unwrap(), 0, "not yet: the lease runs to this very moment");
    assert_eq!(storage.chunks.release_lapsed(NOW + 30_001, None).await.unwrap(), 1);
    let mut late = step(&old, Outcome::Accepted, 10, Next::Done);
    late.references = vec!["late".to_owned()];
    let refused = |r: Result<(), StorageError>| assert!(matches!(r, Err(StorageError::Stale("chunk"))), "{r:?}");
    // Whether or not somebody else has claimed it by now.
    refused(storage.chunks.record(late.clone()).await);
    let new = claim(&storage, &lane, NOW + 30_001, 1).await.pop().unwrap();
    assert!(new.lapsed && new.fence > old.fence && new.attempts == 2);
    refused(storage.chunks.record(late).await);
    refused(storage.chunks.renew(old.no, old.fence, NOW + 90_000).await);
    assert_eq!(funnel(&storage, message_no).await.total.accepted, 0);
    assert_eq!(storage.chunks.by_reference(Vendor::Xiaomi, "late").await.unwrap(), None);
    let view = storage.chunks.view(new.no).await.unwrap().unwrap();
    assert_eq!(Outcomes::decode(&view.outcomes).unwrap().open().len(), 10);

    storage.chunks.renew(new.no, new.fence, NOW + 90_000).await.unwrap();
    assert_eq!(storage.chunks.release_lapsed(NOW + 89_999, None).await.unwrap(), 0);
    let done: Step = step(&new, Outcome::Uncertain, 10, Next::Done);
    storage.chunks.record(done.clone()).await.unwrap();
    refused(storage.chunks.record(done).await);
    assert_eq!(funnel(&storage, message_no).await.total.uncertain, 10);
}

#[tokio::test]
async fn the_mark_of_a_lapsed_lease_stays_until_a_clean_one() {
    let storage = fresh_storage().await;
    let (_, lane, message_no) = sending(&storage, 1).await;
    let lease = async |now: i64, started| {
        let lease = Lease { owner: "node-a", now, until: now + 30_000, started };
        storage.chunks.lease(lane.no, lease, 1, 10).await.unwrap().pop().unwrap()
    };
    let first = lease(NOW, 2).await;
    assert_eq!((first.started, first.lapsed), (2, false));
    storage.chunks.begin(first.no, first.fence, 4).await.unwrap();
    assert!(matches!(storage.chunks.begin(first.no, first.fence + 1, 9).await, Err(StorageError::Stale("chunk"))));
    assert_eq!(storage.chunks.view(first.no).await.unwrap().unwrap().started, 4);
    assert_eq!(storage.chunks.release_lapsed(NOW + 30_001, None).await.unwrap(), 1);
    assert!(matches!(storage.chunks.begin(first.no, first.fence, 9).await, Err(StorageError::Stale("chunk"))), "the lease is over");
    // Who takes it up hears how far it had come, and only goes further from there.
    let second = lease(NOW + 30_001, 2).await;
    assert_eq!((second.started, second.lapsed), (4, true));
    storage.chunks.record(step(&second, Outcome::Uncertain, 4, Next::Wait { not_before: 0 })).await.unwrap();
    let third = lease(NOW + 30_002, 2).await;
    assert_eq!((third.started, third.lapsed), (2, false), "what was open is known: it begins anew");
    storage.chunks.begin(third.no, third.fence, 7).await.unwrap();
    // Stopped by a person while its lease is out: only what may have left is unknown.
    storage.chunks.release_lapsed(NOW + 60_003, None).await.unwrap();
    storage.messages.cancel(message_no, NOW + 60_004).await.unwrap();
    let total = funnel(&storage, message_no).await.total;
    assert_eq!((total.uncertain, total.cancelled, total.waiting, total.holds()), (7, 3, 0, true));
}

#[tokio::test]
async fn a_single_process_takes_back_what_dead_ones_held() {
    let storage = fresh_storage().await;
    let (_, lane, _) = sending(&storage, 2).await;
    storage.chunks.claim(lane.no, "dead", NOW, NOW + 60_000, 1, 10).await.unwrap();
    storage.chunks.claim(lane.no, "alive", NOW, NOW + 60_000, 1, 10).await.unwrap();
    assert_eq!(storage.chunks.release_lapsed(NOW, Some("alive")).await.unwrap(), 1);
    let back = claim(&storage, &lane, NOW, 9).await;
    assert_eq!((back.len(), back[0].lapsed), (1, true));
}

#[tokio::test]
async fn a_deadline_ends_who_waits_and_spares_who_is_in_hand() {
    let storage = fresh_storage().await;
    let (_, lane, message_no) = sending(&storage, 3).await;
    let deadline = NOW + 3_600_000;
    let in_hand = claim(&storage, &lane, NOW, 1).await.pop().unwrap();
    let half = claim(&storage, &lane, NOW, 1).await.pop().unwrap();
    storage.chunks.record(step(&half, Outcome::Accepted, 4, Next::Wait { not_before: NOW })).await.unwrap();
    assert_eq!(storage.chunks.expire(deadline, 100).await.unwrap(), 0, "the deadline itself is still in time");
    assert_eq!(storage.chunks.expire(deadline + 1, 100).await.unwrap(), 16);
    assert_eq!(storage.chunks.expire(deadline + 1, 100).await.unwrap(), 0);
    storage.chunks.record(step(&in_hand, Outcome::Accepted, 10, Next::Done)).await.unwrap();
    let total = funnel(&storage, message_no).await.total;
    assert_eq!((total.planned, total.accepted, total.expired, total.waiting), (30, 14, 16, 0));
    assert_eq!(storage.messages.settle(NOW).await.unwrap().len(), 1);
}

#[tokio::test]
async fn who_may_have_been_sent_never_ends_as_expired_or_cancelled() {
    let storage = fresh_storage().await;
    let (_, lane, message_no) = sending(&storage, 2).await;
    claim(&storage, &lane, NOW, 1).await;
    storage.chunks.release_lapsed(NOW + 30_001, None).await.unwrap();
    assert_eq!(storage.chunks.expire(NOW + 3_600_001, 100).await.unwrap(), 10);
    let total = funnel(&storage, message_no).await.total;
    assert_eq!((total.uncertain, total.expired), (10, 10));
}

#[tokio::test]
async fn a_recipient_is_found_in_its_chunk() {
    let storage = fresh_storage().await;
    let app = app(&storage, "holding").await;
    let (apns, xiaomi) = (lane(&storage, &app, Vendor::Apns).await, lane(&storage, &app, Vendor::Xiaomi).await);
    let message_no = message(&storage, app.no).await;
    let other = message(&storage, app.no).await;
    plan(&storage, other, 0, vec![chunk(other, &apns, -100..100)], true).await;
    let chunks = vec![
        chunk(message_no, &apns, -20..-10),
        chunk(message_no, &apns, -10..0),
        chunk(message_no, &xiaomi, -15..5),
        filtered_chunk(message_no, app.no, 5..9),
    ];
    plan(&storage, message_no, 0, chunks, true).await;
    let count = async |key| storage.chunks.holding(message_no, key).await.unwrap().len();
    assert_eq!((count(-20).await, count(-10).await, count(4).await, count(8).await, count(9).await, count(-21).await), (1, 2, 1, 1, 0, 0));
    let nobody = storage.chunks.holding(message_no, 8).await.unwrap().pop().unwrap();
    assert_eq!((nobody.state, nobody.vendor), (ChunkState::Done, None));

    let mut seen = Vec::new();
    let mut after = ChunkNo(0);
    loop {
        let page = storage.chunks.of_message(message_no, after, 3).await.unwrap();
        let Some(last) = page.last() else { break };
        after = last.no;
        seen.extend(page.iter().map(|c| c.no.0));
    }
    assert!(seen.len() == 4 && seen.is_sorted());
}

#[tokio::test]
async fn the_backlog_counts_what_waits() {
    let storage = fresh_storage().await;
    let (_, lane, message_no) = sending(&storage, 3).await;
    claim(&storage, &lane, NOW, 1).await;
    let backlog = storage.chunks.backlog().await.unwrap();
    assert_eq!(backlog.len(), 1);
    assert_eq!((backlog[0].0, backlog[0].1.chunks, backlog[0].1.recipients, backlog[0].1.oldest), (lane.no, 2, 20, Some(NOW)));
    storage.messages.pause(message_no).await.unwrap();
    assert!(storage.chunks.backlog().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_chunk_nobody_was_asked_about_may_change_lanes_once() {
    let storage = fresh_storage().await;
    let (app, lane, message_no) = sending(&storage, 2).await;
    let before = funnel(&storage, message_no).await.total;
    let claimed = storage.chunks.claim_untouched(lane.no, "n", NOW, NOW + 10, 1, 10).await.unwrap().pop().unwrap();
    let other = support::lane(&storage, &app, Vendor::Apns).await;
    let (moved, stays) = (chunk(message_no, &other, 0..4), chunk(message_no, &lane, 4..10));
    let back = delta(message_no, app.no, Some(lane.vendor), Measure::Planned, -i64::from(claimed.count));
    let over = HandOver { no: claimed.no, fence: claimed.fence, chunks: vec![moved, stays], deltas: vec![back], now: NOW };
    storage.chunks.hand_over(over.clone()).await.unwrap();
    assert!(matches!(storage.chunks.hand_over(over).await, Err(StorageError::Stale(_))), "the old chunk is gone");
    assert!(storage.chunks.view(claimed.no).await.unwrap().is_none());
    let after = funnel(&storage, message_no).await;
    assert_eq!((after.total.planned, after.total.waiting), (before.planned, before.waiting));
    let there = after.lanes.iter().find(|l| l.vendor == Some(other.vendor)).unwrap();
    assert_eq!(there.equation.planned, 4);

    // What a lane has claimed once is not for changing lanes; a paused message's neither.
    let touched = claim(&storage, &lane, NOW, 9).await;
    assert_eq!(touched.len(), 2);
    storage.chunks.record(step(&touched[0], Outcome::Waiting, 0, Next::Wait { not_before: NOW })).await.unwrap();
    assert!(storage.chunks.claim_untouched(lane.no, "n", NOW, NOW + 10, 9, 10).await.unwrap().is_empty());
    // Unless the vendor refused all of it for the lane's sake.
    storage.chunks.record(step(&touched[1], Outcome::Waiting, 0, Next::Untouched)).await.unwrap();
    let again = storage.chunks.claim_untouched(lane.no, "n", NOW, NOW + 10, 9, 10).await.unwrap();
    assert_eq!(again.iter().map(|c| (c.no, c.attempts)).collect::<Vec<_>>(), [(touched[1].no, 1)]);
    let here = storage.chunks.claim_untouched(other.no, "n", NOW, NOW + 10, 9, 10).await.unwrap().pop().unwrap();
    storage.messages.pause(message_no).await.unwrap();
    let over = HandOver { no: here.no, fence: here.fence, chunks: Vec::new(), deltas: Vec::new(), now: NOW };
    assert!(matches!(storage.chunks.hand_over(over).await, Err(StorageError::Stale(_))), "paused");
}

#[tokio::test]
async fn a_lanes_line_is_told_by_who_is_served_together_and_ends_when_its_chunks_do() {
    let storage = fresh_storage().await;
    let app = app(&storage, "line").await;
    let lane = lane(&storage, &app, Vendor::Apns).await;
    let message_no = message(&storage, app.no).await;
    let make = |priority, deadline, from: i64, held: i64| {
        let mut c = chunk(message_no, &lane, from..from + 10);
        (c.priority, c.deadline, c.policy.held_until) = (priority, NOW + deadline, held);
        c
    };
    let chunks = vec![
        make(10, 900, 0, 0),
        make(10, 900, 10, 0),
        make(10, 900, 20, NOW + 50),
        make(0, 500, 30, 0),
        filtered_chunk(message_no, app.no, 40..43),
    ];
    plan(&storage, message_no, 0, chunks, true).await;
    let told = async || {
        let line = storage.chunks.line(lane.no).await.unwrap();
        line.into_iter().map(|part| (part.priority, part.deadline - NOW, part.not_before, part.recipients)).collect::<Vec<_>>()
    };
    let all = [(0, 500, 0, 10), (10, 900, 0, 20), (10, 900, NOW + 50, 10)];
    assert_eq!(told().await, all);
    assert!(storage.chunks.line(lane.no + 1).await.unwrap().is_empty());
    let claimed = storage.chunks.claim(lane.no, "me", NOW, NOW + 30_000, 8, 10).await.unwrap();
    assert_eq!(told().await, all, "what is under way still takes its time");
    assert!(storage.chunks.ends(message_no).await.unwrap().is_empty());
    for one in &claimed {
        let mut done = step(one, Outcome::Accepted, 10, Next::Done);
        done.now = NOW + 77;
        storage.chunks.record(done).await.unwrap();
    }
    assert!(storage.chunks.ends(message_no).await.unwrap().is_empty(), "some still wait");
    let rest = [
        storage.chunks.claim(lane.no, "me", NOW + 60, NOW + 30_000, 8, 10).await.unwrap(),
        storage.chunks.claim(lane.no, "me", NOW + 60, NOW + 30_000, 8, 0).await.unwrap(),
    ];
    for one in rest.iter().flatten() {
        let mut done = step(one, Outcome::Accepted, 10, Next::Done);
        done.now = NOW + 99;
        storage.chunks.record(done).await.unwrap();
    }
    assert!(told().await.is_empty());
    assert_eq!(storage.chunks.ends(message_no).await.unwrap(), [(Vendor::Apns, NOW + 99)]);
}

/// Of vendors that withdraw by request id, and of nobody else.
#[tokio::test]
async fn the_requests_a_chunk_went_out_with_are_found_again() {
    let storage = fresh_storage().await;
    let app = app(&storage, "a").await;
    let message_no = message(&storage, app.no).await;
    let (jpush, xiaomi) = (lane(&storage, &app, Vendor::Jpush).await, lane(&storage, &app, Vendor::Xiaomi).await);
    let chunks = vec![
        chunk(message_no, &jpush, 0..10),
        chunk(message_no, &jpush, 10..20),
        chunk(message_no, &jpush, 20..21),
        chunk(message_no, &xiaomi, 30..40),
    ];
    plan(&storage, message_no, 0, chunks, true).await;
    let mut nos = Vec::new();
    for (lane, references) in [(&jpush, vec!["2", "1"]), (&jpush, vec![]), (&jpush, vec!["3"]), (&xiaomi, vec!["x"])] {
        let claimed = claim(&storage, lane, NOW, 1).await.pop().unwrap();
        let mut done = step(&claimed, Outcome::Accepted, 10, Next::Done);
        done.references = references.into_iter().map(str::to_owned).collect();
        storage.chunks.record(done).await.unwrap();
        nos.push(claimed.no);
    }
    let mut found = Vec::new();
    for no in nos {
        found.push(storage.chunks.references(no).await.unwrap().join(","));
    }
    assert_eq!(found, ["1,2", "", "3", ""]);
    // Of chunks of several recipients only.
    assert_eq!(storage.chunks.shared_references(message_no, Vendor::Jpush).await.unwrap(), ["1", "2"]);
    assert!(storage.chunks.shared_references(message_no, Vendor::Xiaomi).await.unwrap().is_empty());
    assert!(storage.chunks.shared_references(message_no + 1, Vendor::Jpush).await.unwrap().is_empty());
}
