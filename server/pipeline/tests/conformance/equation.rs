//! planned = sum of outcomes + waiting, whatever people and lanes do, and the counters equal a recount of the lists.

use std::collections::BTreeMap;

use pipeline::access::actor::Actor;
use pipeline::storage::chunks::{ChunkState, Claimed, Next};
use pipeline::storage::frame::{Outcomes, Reason};
use pipeline::storage::receipts::{Application, Mark};
use pipeline::storage::tallies::Measure;
use pipeline::storage::{Storage, StorageError};
use pipeline::world::World;
use proptest::prelude::*;
use types::ids::ChunkNo;
use types::life::{MessageState, Outcome};
use types::receipt::{ReceiptKind, mark};
use types::vendor::Vendor;

use super::fresh_storage;
use crate::support::{NOW, app, chunk, filtered_chunk, funnel, lane, message, plan, step};

#[derive(Clone, Debug)]
enum Act {
    Plan {
        chunks: i64,
        filtered: i64,
        last: bool,
    },
    Claim {
        max: u32,
    },
    /// Of a chunk in hand (also one whose lease is gone): how many get which outcome, and what next.
    Record {
        which: usize,
        outcome: Outcome,
        n: usize,
        next: u8,
    },
    Pause,
    Resume,
    Cancel,
    Expire {
        limit: u32,
    },
    Lapse,
    TryAgain,
    GiveUp,
    Settle,
    /// A receipt for one of the planned recipients, at any time, also twice, also before anything was sent.
    Receipt {
        which: usize,
        kind: ReceiptKind,
    },
    /// Time goes on by minutes; a chunk's deadline is an hour away.
    Later {
        minutes: i64,
    },
}

fn act() -> impl Strategy<Value = Act> {
    let outcome = prop_oneof![Just(Outcome::Accepted), Just(Outcome::Refused), Just(Outcome::Uncertain)];
    prop_oneof![
        4 => (0i64..3, 0i64..4, prop::bool::weighted(0.3)).prop_map(|(chunks, filtered, last)| Act::Plan { chunks, filtered, last }),
        6 => (1u32..4).prop_map(|max| Act::Claim { max }),
        8 => (any::<usize>(), outcome, 0usize..11, 0u8..3).prop_map(|(which, outcome, n, next)| Act::Record { which, outcome, n, next }),
        1 => Just(Act::Pause),
        2 => Just(Act::Resume),
        1 => Just(Act::Cancel),
        1 => (1u32..4).prop_map(|limit| Act::Expire { limit }),
        3 => Just(Act::Lapse),
        1 => Just(Act::TryAgain),
        1 => Just(Act::GiveUp),
        1 => Just(Act::Settle),
        6 => (any::<usize>(), prop::sample::select(ReceiptKind::ALL.to_vec())).prop_map(|(which, kind)| Act::Receipt { which, kind }),
        2 => (0i64..25).prop_map(|minutes| Act::Later { minutes }),
    ]
}

/// Every counter of the message, counted anew from the lists in its chunks.
async fn recount(storage: &Storage, message_no: i64) -> BTreeMap<(Option<Vendor>, Measure), i64> {
    let mut counted = BTreeMap::new();
    for chunk in storage.chunks.of_message(message_no, ChunkNo(0), 10_000).await.unwrap() {
        *counted.entry((chunk.vendor, Measure::Planned)).or_default() += i64::from(chunk.count);
        let outcomes = Outcomes::decode(&chunk.outcomes).unwrap();
        assert_eq!(outcomes.len(), chunk.count as usize);
        if chunk.state == ChunkState::Done {
            assert!(outcomes.open().is_empty() || chunk.attempts > 0, "only a lane may leave somebody open");
        }
        for (i, byte) in chunk.marks.iter().enumerate() {
            let arrived = byte & mark::DELIVERED != 0;
            assert!(!arrived || outcomes.get(i).0 != Outcome::Uncertain, "what arrived is not uncertain");
            for kind in (0..8u8).map(|bit| 1 << bit).filter(|bit| byte & bit != 0).filter_map(ReceiptKind::of_bit) {
                *counted.entry((chunk.vendor, Measure::Receipt(kind))).or_default() += 1;
            }
        }
        for ((outcome, Reason { slug, words }), n) in outcomes.counts() {
            *counted.entry((chunk.vendor, Measure::Outcome { outcome, reason: slug, words })).or_default() += n;
        }
    }
    counted
}

async fn live(acts: Vec<Act>) {
    let storage = fresh_storage().await;
    let app = app(&storage, "equation").await;
    let lane = lane(&storage, &app, Vendor::Xiaomi).await;
    let no = message(&storage, app.no).await;
    let entry = || Actor::system().entry(&World::system(), "dead_letters.test", app.id.as_str(), Some(&app.id), None, None);
    let (mut now, mut key, mut hands) = (NOW, 0i64, Vec::<Claimed>::new());
    for act in acts {
        let state = storage.messages.get(no).await.unwrap().unwrap();
        match act {
            Act::Plan { chunks, filtered, last } => {
                if state.state != MessageState::Planning {
                    continue;
                }
                let mut list: Vec<_> = (0..chunks).map(|i| chunk(no, &lane, key + i * 10..key + i * 10 + 10)).collect();
                key += chunks * 10;
                if filtered > 0 {
                    list.push(filtered_chunk(no, app.no, key..key + filtered));
                    key += filtered;
                }
                plan(&storage, no, state.cursor, list, last).await;
            }
            Act::Claim { max } => {
                let claimed = storage.chunks.claim(lane.no, "node", now, now + 60_000, max, 10).await.unwrap();
                assert!(claimed.is_empty() || matches!(state.state, MessageState::Planning | MessageState::Sending));
                hands.extend(claimed);
            }
            Act::Record { which, outcome, n, next } => {
                if hands.is_empty() {
                    continue;
                }
                let claimed = hands.swap_remove(which % hands.len());
                let mut step = match next {
                    0 => step(&claimed, outcome, usize::MAX, Next::Done),
                    1 => step(&claimed, outcome, n, Next::Wait { not_before: now + 1_000 }),
                    _ => step(&claimed, outcome, n, Next::Hold),
                };
                step.now = now;
                match storage.chunks.record(step).await {
                    Ok(()) | Err(StorageError::Stale("chunk")) => {}
                    Err(other) => panic!("{other}"),
                }
            }
            Act::Pause => drop(storage.messages.pause(no).await.unwrap()),
            Act::Resume => drop(storage.messages.resume(no).await.unwrap()),
            Act::Cancel => drop(storage.messages.cancel(no, now).await.unwrap()),
            Act::Expire { limit } => drop(storage.chunks.expire(now, limit).await.unwrap()),
            Act::Lapse => drop(storage.chunks.release_lapsed(now, None).await.unwrap()),
            Act::TryAgain => drop(storage.chunks.try_again(app.no, None, now, entry()).await.unwrap()),
            Act::GiveUp => {
                for aside in storage.chunks.poisoned(app.no, 1).await.unwrap() {
                    storage.chunks.give_up(app.no, aside.no, now, entry()).await.unwrap();
                }
            }
            Act::Settle => drop(storage.messages.settle(now).await.unwrap()),
            Act::Receipt { which, kind } => {
                let chunks = storage.chunks.of_message(no, ChunkNo(0), 10_000).await.unwrap();
                let sent: Vec<_> = chunks.iter().filter(|c| c.vendor.is_some()).collect();
                if sent.is_empty() {
                    continue;
                }
                let chunk = sent[which % sent.len()];
                // Few recipients, so that receipts meet each other and the outcomes.
                let index = (which / sent.len()) as u32 % chunk.count.min(4);
                let mark = Mark {
                    chunk: chunk.no,
                    message_no: no,
                    app_no: app.no,
                    vendor: chunk.vendor,
                    count: chunk.count,
                    index,
                    bits: kind.marks(),
                };
                let application = || Application { marks: vec![mark, mark], now, ..Application::default() };
                storage.receipts.apply(application()).await.unwrap();
                assert_eq!(storage.receipts.apply(application()).await.unwrap(), 0, "a repeat counts nothing");
            }
            Act::Later { minutes } => now += minutes * 60_000,
        }
        let stored: BTreeMap<_, _> = storage
            .tallies
            .of_message(no)
            .await
            .unwrap()
            .into_iter()
            .map(|(vendor, measure, n)| ((vendor, measure), n))
            .filter(|(_, n)| *n != 0)
            .collect();
        assert_eq!(stored, recount(&storage, no).await);
        assert!(funnel(&storage, no).await.total.holds());
    }
    // In the end everybody has an outcome.
    storage.messages.cancel(no, now).await.unwrap();
    storage.chunks.release_lapsed(i64::MAX, None).await.unwrap();
    storage.messages.settle(now).await.unwrap();
    let total = funnel(&storage, no).await.total;
    assert!(total.holds() && total.waiting == 0, "{total:?}");
    assert!(storage.messages.get(no).await.unwrap().unwrap().finished_at.is_some());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn it_closes_after_every_step(acts in prop::collection::vec(act(), 1..60)) {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(live(acts));
    }
}
