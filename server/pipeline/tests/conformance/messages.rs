//! Accepted once, planned in steps, stopped at once.

use pipeline::storage::chunks::{ChunkState, Next};
use pipeline::storage::messages::{Inserted, MessageFilter, Origin, PlanStep};
use types::content::{MessageClass, Rank};
use types::hours::Hours;
use types::ids::{CampaignId, ChunkNo, MessageId};
use types::life::{MessageState, Outcome};
use types::listing::PageRequest;
use types::policy::ZoneOf;
use types::vendor::Vendor;

use super::fresh_storage;
use crate::support::{NOW, app, chunk, claim, filtered_chunk, funnel, id_bytes, lane, message, new_message, plan, sending, step};

#[tokio::test]
async fn a_message_reads_back_as_it_was_accepted() {
    let storage = fresh_storage().await;
    let app = app(&storage, "read").await;
    let mut new = new_message(app.no);
    new.hours = Some(Hours { from: 540, to: 1_200, by: ZoneOf::User });
    let Inserted::Fresh { no } = storage.messages.insert(new.clone()).await.unwrap() else { panic!("fresh") };
    let got = storage.messages.get(no).await.unwrap().unwrap();
    assert_eq!((&got.id, &got.content, &got.variables, &got.targets), (&new.id, &new.content, &new.variables, &new.targets));
    assert_eq!(got.hours, new.hours);
    assert_eq!((got.state, got.cursor, got.finished_at, got.deadline), (MessageState::Planning, 0, None, new.deadline));
    assert_eq!(
        (&got.business, &got.account, &got.address, got.origin, got.class),
        (&new.business, &new.account, &new.address, new.origin, new.class)
    );
    assert_eq!(storage.messages.by_id(&new.id).await.unwrap(), Some(got));
    assert_eq!(storage.messages.get(no + 1).await.unwrap(), None);
}

#[tokio::test]
async fn an_idempotency_key_makes_one_message_also_when_calls_race() {
    let storage = fresh_storage().await;
    let (app, other) = (app(&storage, "idem").await, app(&storage, "other").await);
    let with = |app_no: i64, key: &str, hash: u8| {
        let mut m = new_message(app_no);
        m.idempotency = Some((key.to_owned(), [hash; 32]));
        m
    };
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let (storage, call) = (storage.storage.clone(), with(app.no, "k", 1));
        calls.spawn(async move { (call.id.clone(), storage.messages.insert(call).await.unwrap()) });
    }
    let answers = calls.join_all().await;
    let made: Vec<_> = answers.iter().filter(|(_, a)| matches!(a, Inserted::Fresh { .. })).collect();
    let [(id, Inserted::Fresh { no })] = made.as_slice() else { panic!("{made:?}") };
    for (_, answer) in answers.iter().filter(|(_, a)| !matches!(a, Inserted::Fresh { .. })) {
        assert_eq!(*answer, Inserted::Again { no: *no, id: id.clone(), created_at: NOW });
    }
    assert_eq!(storage.messages.insert(with(app.no, "k", 2)).await.unwrap(), Inserted::OtherBody);
    assert!(matches!(storage.messages.insert(with(other.no, "k", 2)).await.unwrap(), Inserted::Fresh { .. }));
    assert!(matches!(storage.messages.insert(with(app.no, "k2", 1)).await.unwrap(), Inserted::Fresh { .. }));
}

#[tokio::test]
async fn steps_of_many_messages_are_written_together_and_a_stale_one_is_left_out() {
    let storage = fresh_storage().await;
    let app = app(&storage, "together").await;
    let lane = lane(&storage, &app, Vendor::Xiaomi).await;
    let mut steps = Vec::new();
    for i in 0..60 {
        let no = message(&storage, app.no).await;
        // Several chunks each, more than one statement takes in all.
        let chunks = (0..10).map(|n| chunk(no, &lane, i * 100 + n * 3..i * 100 + n * 3 + 3)).collect();
        let from = i64::from(i == 7);
        steps.push(PlanStep { message_no: no, from, to: from + 1, chunks, claim: None, last: i % 2 == 0, now: NOW });
    }
    let written = storage.messages.plan(steps.clone()).await.unwrap();
    for (i, (step, written)) in steps.iter().zip(written).enumerate() {
        assert_eq!(written, i != 7, "message {i}");
        let message = storage.messages.get(step.message_no).await.unwrap().unwrap();
        let state = if written && step.last { MessageState::Sending } else { MessageState::Planning };
        assert_eq!((message.state, message.cursor), (state, i64::from(written)), "message {i}");
        let stored = storage.chunks.of_message(step.message_no, ChunkNo(0), 100).await.unwrap();
        assert_eq!(stored.len(), if written { 10 } else { 0 });
        for (chunk, planned) in stored.iter().zip(&step.chunks) {
            assert_eq!((&chunk.recipients, &chunk.outcomes), (&planned.recipients, &planned.outcomes), "each with its own lists");
        }
        assert_eq!(funnel(&storage, step.message_no).await.total.planned, if written { 30 } else { 0 });
    }
    assert!(storage.messages.plan(Vec::new()).await.unwrap().is_empty());
}

#[tokio::test]
async fn callers_at_the_same_time_each_get_their_own_message() {
    let storage = fresh_storage().await;
    let app = app(&storage, "callers").await;
    let mut callers = tokio::task::JoinSet::new();
    for i in 0..300u32 {
        let mut fresh = new_message(app.no);
        fresh.business = format!("caller {i}");
        // Some with a key, of which a few are the same and of the same body.
        fresh.idempotency = (i % 10 == 0).then(|| (format!("k{}", i % 100), [1; 32]));
        let storage = storage.storage.clone();
        callers.spawn(async move { (i, storage.messages.insert(fresh).await.unwrap()) });
    }
    let mut fresh = 0;
    while let Some(done) = callers.join_next().await {
        let (i, inserted) = done.unwrap();
        let (Inserted::Fresh { no } | Inserted::Again { no, .. }) = inserted else { panic!("{inserted:?}") };
        let stored = storage.messages.get(no).await.unwrap().unwrap();
        if let Inserted::Fresh { .. } = inserted {
            fresh += 1;
            assert_eq!(stored.business, format!("caller {i}"));
        }
    }
    assert_eq!(fresh, 270 + 10, "ten keys, three callers each");
    // Who is at fault hears so; the others are stored.
    let taken = new_message(app.no);
    storage.messages.insert(taken.clone()).await.unwrap();
    let (good, bad) = tokio::join!(storage.messages.insert(new_message(app.no)), storage.messages.insert(taken));
    assert!(matches!(good, Ok(Inserted::Fresh { .. })), "{good:?}");
    assert!(bad.is_err(), "an id is there once: {bad:?}");
}

#[tokio::test]
async fn a_planning_step_counts_once() {
    let storage = fresh_storage().await;
    let app = app(&storage, "plan").await;
    let lane = lane(&storage, &app, Vendor::Xiaomi).await;
    let no = message(&storage, app.no).await;
    let make = |from, last| PlanStep {
        message_no: no,
        from,
        to: from + 1,
        chunks: vec![chunk(no, &lane, from * 10..from * 10 + 10), filtered_chunk(no, app.no, 1_000 + from * 5..1_005 + from * 5)],
        claim: None,
        last,
        now: NOW,
    };
    assert_eq!(storage.messages.plan(vec![make(0, false)]).await.unwrap(), [true]);
    assert_eq!(storage.messages.plan(vec![make(0, false)]).await.unwrap(), [false]);
    assert_eq!(storage.messages.get(no).await.unwrap().unwrap().cursor, 1);
    assert_eq!(storage.messages.plan(vec![make(1, true)]).await.unwrap(), [true]);
    assert_eq!(storage.messages.plan(vec![make(2, true)]).await.unwrap(), [false], "planned already");
    assert_eq!(storage.messages.get(no).await.unwrap().unwrap().state, MessageState::Sending);
    let total = funnel(&storage, no).await.total;
    assert_eq!((total.planned, total.filtered, total.waiting, total.holds()), (30, 10, 20, true));
    assert_eq!(storage.chunks.of_message(no, ChunkNo(0), 100).await.unwrap().len(), 4);
    assert!(storage.messages.settle(NOW).await.unwrap().is_empty());
}

#[tokio::test]
async fn each_class_is_planned_by_deadline_and_never_behind_the_other() {
    let storage = fresh_storage().await;
    let app = app(&storage, "urgent").await;
    let mut made = Vec::new();
    let bulk = (0..40).map(|i| (MessageClass::Bulk, 900 - i));
    for (class, life) in bulk.chain([(MessageClass::Transactional, 5_000), (MessageClass::Transactional, 500)]) {
        let mut m = new_message(app.no);
        (m.class, m.deadline) = (class, NOW + life);
        made.push(m.id.clone());
        storage.messages.insert(m).await.unwrap();
    }
    let order =
        async |rank, limit| -> Vec<MessageId> { storage.messages.to_plan(rank, limit).await.unwrap().into_iter().map(|m| m.id).collect() };
    assert_eq!(order(Rank::Urgent, 10).await, [made[41].clone(), made[40].clone()]);
    assert_eq!(order(Rank::Bulk, 2).await, [made[39].clone(), made[38].clone()]);
    assert_eq!(order(Rank::Bulk, 100).await.len(), 40);
}

#[tokio::test]
async fn pause_holds_what_waits_and_resume_goes_on_where_it_was() {
    let storage = fresh_storage().await;
    let (app, lane, no) = sending(&storage, 3).await;
    let in_hand = claim(&storage, &lane, NOW, 1).await.pop().unwrap();
    assert!(storage.messages.pause(no).await.unwrap());
    assert!(!storage.messages.pause(no).await.unwrap());
    assert!(claim(&storage, &lane, NOW, 9).await.is_empty());
    assert_eq!(storage.messages.stopped().await.unwrap(), [(no, MessageState::Paused)]);
    // Back in line means held, while it is paused.
    storage.chunks.record(step(&in_hand, Outcome::Accepted, 3, Next::Wait { not_before: NOW })).await.unwrap();
    assert_eq!(storage.chunks.view(in_hand.no).await.unwrap().unwrap().state, ChunkState::Held);
    assert!(storage.messages.resume(no).await.unwrap());
    assert!(!storage.messages.resume(no).await.unwrap());
    assert_eq!(storage.messages.get(no).await.unwrap().unwrap().state, MessageState::Sending);
    assert_eq!(claim(&storage, &lane, NOW, 9).await.len(), 3);
    assert!(storage.messages.stopped().await.unwrap().is_empty());

    // A message that was not wholly planned goes on planning; a step computed before the pause is refused.
    let half = message(&storage, app.no).await;
    plan(&storage, half, 0, vec![chunk(half, &lane, 0..10)], false).await;
    storage.messages.pause(half).await.unwrap();
    assert!(storage.messages.to_plan(Rank::Bulk, 9).await.unwrap().is_empty());
    let late = PlanStep { message_no: half, from: 1, to: 2, chunks: vec![], claim: None, last: true, now: NOW };
    assert_eq!(storage.messages.plan(vec![late]).await.unwrap(), [false]);
    storage.messages.resume(half).await.unwrap();
    let back = storage.messages.get(half).await.unwrap().unwrap();
    assert_eq!((back.state, back.cursor), (MessageState::Planning, 1));
}

#[tokio::test]
async fn a_step_that_held_for_a_pause_already_lifted_is_not_lost() {
    let storage = fresh_storage().await;
    let (_, lane, no) = sending(&storage, 1).await;
    let in_hand = claim(&storage, &lane, NOW, 1).await.pop().unwrap();
    storage.messages.pause(no).await.unwrap();
    storage.messages.resume(no).await.unwrap();
    storage.chunks.record(step(&in_hand, Outcome::Accepted, 3, Next::Hold)).await.unwrap();
    assert_eq!(claim(&storage, &lane, NOW, 1).await.len(), 1);
}

#[tokio::test]
async fn cancel_ends_everybody_who_waits_and_leaves_the_rest_to_its_lane() {
    let storage = fresh_storage().await;
    // More chunks than one transaction ends.
    let (_, lane, no) = sending(&storage, 450).await;
    let mut hands = claim(&storage, &lane, NOW, 3).await;
    assert_eq!(storage.messages.cancel(no, NOW).await.unwrap(), Some(4_470));
    assert_eq!(storage.messages.cancel(no, NOW).await.unwrap(), None);
    assert!(claim(&storage, &lane, NOW, 9).await.is_empty());
    assert_eq!(storage.messages.stopped().await.unwrap(), [(no, MessageState::Cancelled)]);
    let total = funnel(&storage, no).await.total;
    assert_eq!((total.planned, total.cancelled, total.waiting), (4_500, 4_470, 30));

    storage.chunks.record(step(&hands.pop().unwrap(), Outcome::Accepted, 10, Next::Done)).await.unwrap();
    storage.chunks.record(step(&hands.pop().unwrap(), Outcome::Accepted, 4, Next::Wait { not_before: NOW })).await.unwrap();
    let total = funnel(&storage, no).await.total;
    assert_eq!((total.accepted, total.cancelled, total.waiting), (14, 4_476, 10));
    // The third hand died: what it held may have been sent.
    storage.chunks.release_lapsed(NOW + 60_000, None).await.unwrap();
    assert!(claim(&storage, &lane, NOW + 60_000, 9).await.is_empty());
    assert!(storage.messages.settle(NOW + 7).await.unwrap().is_empty(), "cancelled is not finished");
    let total = funnel(&storage, no).await.total;
    assert_eq!((total.accepted, total.cancelled, total.uncertain, total.waiting), (14, 4_476, 10, 0));
    let ended = storage.messages.get(no).await.unwrap().unwrap();
    assert_eq!((ended.state, ended.finished_at), (MessageState::Cancelled, Some(NOW + 7)));
    assert!(storage.messages.stopped().await.unwrap().is_empty());
    assert!(!storage.messages.pause(no).await.unwrap() && !storage.messages.resume(no).await.unwrap());
}

#[tokio::test]
async fn cancel_while_planning_stops_the_planning() {
    let storage = fresh_storage().await;
    let app = app(&storage, "half").await;
    let lane = lane(&storage, &app, Vendor::Xiaomi).await;
    let no = message(&storage, app.no).await;
    plan(&storage, no, 0, vec![chunk(no, &lane, 0..10)], false).await;
    assert_eq!(storage.messages.cancel(no, NOW + 1).await.unwrap(), Some(10));
    assert!(storage.messages.to_plan(Rank::Bulk, 9).await.unwrap().is_empty());
    let total = funnel(&storage, no).await.total;
    assert_eq!((total.planned, total.cancelled), (10, 10));
    assert_eq!(storage.messages.get(no).await.unwrap().unwrap().finished_at, Some(NOW + 1));
}

#[tokio::test]
async fn a_cancel_cut_short_is_completed_later() {
    let fresh = fresh_storage().await;
    let (_, _, no) = sending(&fresh, 300).await;
    {
        let mut cancel = std::pin::pin!(fresh.messages.cancel(no, NOW));
        // Until the first part is through, then never again, as when the process dies.
        while fresh.messages.get(no).await.unwrap().unwrap().state != MessageState::Cancelled {
            assert!(futures::poll!(&mut cancel).is_pending());
            tokio::task::yield_now().await;
        }
    }
    let storage = fresh.reopen().await;
    storage.messages.settle(NOW + 1).await.unwrap();
    let total = funnel(&storage, no).await.total;
    assert_eq!((total.cancelled, total.waiting, total.holds()), (3_000, 0, true));
    assert!(storage.messages.get(no).await.unwrap().unwrap().finished_at.is_some());
}

#[tokio::test]
async fn lists_filter_and_page_newest_first() {
    let storage = fresh_storage().await;
    let app = app(&storage, "list").await;
    let campaign = CampaignId::from_bytes(id_bytes());
    let mut ids = Vec::new();
    for i in 0..6 {
        let mut m = new_message(app.no);
        m.campaign = (i % 2 == 0).then(|| campaign.clone());
        m.origin = if i % 2 == 0 { Origin::Campaign } else { Origin::Api };
        m.account = format!("ak_{}", i % 3);
        // Not in the order of their numbers, and two at one time.
        m.now = NOW + [3, 1, 2, 2, 5, 4][i];
        ids.push(m.id.clone());
        storage.messages.insert(m).await.unwrap();
    }
    let list = async |filter: MessageFilter| {
        let mut seen: Vec<usize> = Vec::new();
        let mut page = PageRequest { after: None, size: 2 };
        loop {
            let got = storage.messages.list(app.no, &filter, &page).await.unwrap();
            seen.extend(got.items.iter().map(|m| ids.iter().position(|id| *id == m.id).unwrap()));
            let Some(next) = got.next else { return seen };
            page.after = Some(next);
        }
    };
    let all = MessageFilter::default();
    assert_eq!(list(all.clone()).await, [5, 4, 3, 2, 1, 0]);
    assert_eq!(list(MessageFilter { campaign: Some(campaign), ..all.clone() }).await, [4, 2, 0]);
    assert_eq!(list(MessageFilter { origin: Some(Origin::Api), ..all.clone() }).await, [5, 3, 1]);
    assert_eq!(list(MessageFilter { text: Some("ak_1".into()), ..all.clone() }).await, [4, 1]);
    assert_eq!(list(MessageFilter { text: Some(ids[3].as_str().into()), ..all.clone() }).await, [3]);
    assert_eq!(list(MessageFilter { text: Some("msg_".into()), state: Some(MessageState::Planning), ..all.clone() }).await.len(), 6);
    assert_eq!(list(MessageFilter { state: Some(MessageState::Paused), ..all.clone() }).await, [0usize; 0]);
    // By time: newest first by creation, from inclusive, to exclusive, together with the other filters.
    let at = |ms: i64| Some(NOW + ms);
    assert_eq!(list(MessageFilter { from: at(0), ..all.clone() }).await, [4, 5, 0, 3, 2, 1]);
    assert_eq!(list(MessageFilter { from: at(2), to: at(4), ..all.clone() }).await, [0, 3, 2]);
    assert_eq!(list(MessageFilter { to: at(2), ..all.clone() }).await, [1]);
    assert_eq!(list(MessageFilter { from: at(2), to: at(5), origin: Some(Origin::Api), ..all.clone() }).await, [5, 3]);
    assert_eq!(list(MessageFilter { from: at(6), ..all.clone() }).await, [0usize; 0]);
    // By lane: what is planned for it; by the address it was sent from; both, with a time and without.
    let apns = lane(&storage, &app, Vendor::Apns).await;
    for i in [1, 4] {
        let no = storage.messages.by_id(&ids[i]).await.unwrap().unwrap().no;
        plan(&storage, no, 0, vec![chunk(no, &apns, 0..3)], true).await;
    }
    for time in [all.clone(), MessageFilter { from: at(0), ..all.clone() }] {
        let of = |vendor| list(MessageFilter { vendor, ..time.clone() });
        let mut found = of(Some(Vendor::Apns)).await;
        found.sort_unstable();
        assert_eq!(found, [1, 4]);
        assert_eq!(of(Some(Vendor::Fcm)).await, [0usize; 0]);
        assert_eq!(list(MessageFilter { address: Some("127.0.0.1".into()), vendor: Some(Vendor::Apns), ..time.clone() }).await.len(), 2);
        assert_eq!(list(MessageFilter { address: Some("127.0.0".into()), ..time.clone() }).await, [0usize; 0], "exactly this one");
    }
}
