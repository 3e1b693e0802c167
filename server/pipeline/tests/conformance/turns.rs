//! Whose turn it is: shares of flows, near deadlines, key business types, and that none of it looks at the whole backlog.

use pipeline::storage::chunks::{Flow, Lease, NewChunk, Turn};
use pipeline::storage::frame::decode_recipients;
use pipeline::storage::messages::NewMessage;
use types::content::{MessageClass, Rank};
use types::policy::Rules;
use types::vendor::Vendor;

use super::fresh_storage;
use crate::support::{Fresh, NOW, Stranger, app, chunk, lane, message, new_message, plan};

const LEASE: Lease<'static> = Lease { owner: "node-a", now: NOW, until: NOW + 30_000, started: u32::MAX };

/// Keys of the first recipients, in the order of the claim.
async fn in_turn(storage: &Fresh, lane_no: i64, max: u32, near: i64, shares: &[(i64, u32)]) -> Vec<i64> {
    let turn = Turn { near, shares: shares.to_vec() };
    let claimed = storage.chunks.lease_in_turn(lane_no, LEASE, max, 10, &turn).await.unwrap();
    claimed.iter().map(|c| decode_recipients(&c.recipients).unwrap()[0].key).collect()
}

#[tokio::test]
async fn what_is_near_goes_first_then_flows_by_their_shares_and_nothing_stays_unused() {
    let storage = fresh_storage().await;
    let app = app(&storage, "turns").await;
    let lane = lane(&storage, &app, Vendor::Apns).await;
    let message_no = message(&storage, app.no).await;
    let make = |flow, due_in, key: i64| {
        let mut c = chunk(message_no, &lane, key..key + 2);
        (c.flow, c.deadline) = (flow, NOW + due_in);
        c
    };
    // Two flows of four, one of which has a chunk that is due soon, and small messages.
    let mut chunks: Vec<NewChunk> = (0..4).map(|i| make(7, 9_000, 10 * i)).collect();
    chunks.extend((0..4).map(|i| make(8, if i == 3 { 100 } else { 5_000 }, 100 + 10 * i)));
    chunks.extend((0..2).map(|i| make(0, 7_000, 200 + 10 * i)));
    let mut held = make(9, 9_000, 300);
    held.policy.held_until = NOW + 500;
    chunks.push(held);
    plan(&storage, message_no, 0, chunks, true).await;
    let flows = storage.chunks.flows(lane.no, 10, NOW).await.unwrap();
    let of = |no, recipients, due_in| Flow { no, recipients, deadline: NOW + due_in };
    assert_eq!(flows, [of(0, 4, 7_000), of(7, 8, 9_000), of(8, 8, 100)], "what is held waits for nobody's turn");
    assert!(storage.chunks.flows(lane.no, 5, NOW).await.unwrap().is_empty());

    assert_eq!(in_turn(&storage, lane.no, 3, NOW + 1_000, &[(7, 1), (8, 1)]).await, [130, 0, 100], "the near one, then one of each");
    assert_eq!(in_turn(&storage, lane.no, 2, 0, &[(8, 1), (0, 1), (7, 0)]).await, [110, 200]);
    assert_eq!(in_turn(&storage, lane.no, 4, 0, &[(8, 2), (0, 2), (7, 0)]).await, [120, 210, 10, 20], "what two lacked a third has");
    assert_eq!(in_turn(&storage, lane.no, 9, 0, &[(9, 5), (7, 4)]).await, [30], "held ones do not keep the others back");
    assert!(in_turn(&storage, lane.no, 9, i64::MAX, &[(9, 9)]).await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn claimers_in_turn_never_get_the_same_chunk() {
    let storage = fresh_storage().await;
    let app = app(&storage, "race").await;
    let lane = lane(&storage, &app, Vendor::Apns).await;
    let message_no = message(&storage, app.no).await;
    let chunks = (0..120).map(|i| NewChunk { flow: i % 3, ..chunk(message_no, &lane, i * 10..i * 10 + 10) }).collect();
    plan(&storage, message_no, 0, chunks, true).await;
    let mut all = tokio::task::JoinSet::new();
    for worker in 0..8 {
        let storage = storage.storage.clone();
        all.spawn(async move {
            let owner = format!("node-{worker}");
            let turn = Turn { near: if worker % 2 == 0 { i64::MAX } else { 0 }, shares: vec![(0, 1), (1, 1), (2, 1)] };
            let mut mine = Vec::new();
            loop {
                let lease = Lease { owner: &owner, ..LEASE };
                let got = storage.chunks.lease_in_turn(lane.no, lease, 3, 10, &turn).await.unwrap();
                if got.is_empty() {
                    return mine;
                }
                mine.extend(got.into_iter().map(|c| c.no));
            }
        });
    }
    let mut seen: Vec<_> = all.join_all().await.into_iter().flatten().collect();
    assert_eq!(seen.len(), 120);
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), 120, "nothing twice");
}

#[tokio::test]
async fn key_business_types_rank_messages_when_they_come_and_when_the_rules_change() {
    let storage = fresh_storage().await;
    let app = app(&storage, "key").await;
    let other = crate::support::app(&storage, "other").await;
    let lane = lane(&storage, &app, Vendor::Apns).await;
    let rules = |key: &[&str]| Rules { key_businesses: key.iter().map(|b| (*b).to_owned()).collect(), ..Rules::default() };
    let of = |app_no, business: &str, class| NewMessage { business: business.to_owned(), class, ..new_message(app_no) };
    let insert = async |new: NewMessage| match storage.messages.insert(new).await.unwrap() {
        pipeline::storage::messages::Inserted::Fresh { no } => no,
        other => panic!("{other:?}"),
    };
    let rank = async |no| storage.messages.get(no).await.unwrap().unwrap().rank;

    storage.policy.put_rules(app.no, 0, &rules(&["visit", "复诊"]), "Ann", NOW, None).await.unwrap();
    let visit = insert(of(app.no, "visit", MessageClass::Bulk)).await;
    let news = insert(of(app.no, "news", MessageClass::Bulk)).await;
    let code = insert(of(app.no, "visit", MessageClass::Transactional)).await;
    let theirs = insert(of(other.no, "visit", MessageClass::Bulk)).await;
    assert_eq!(
        [rank(visit).await, rank(news).await, rank(code).await, rank(theirs).await],
        [Rank::Key, Rank::Bulk, Rank::Urgent, Rank::Bulk]
    );
    // Many at once are written by another statement.
    let many: Vec<NewMessage> = (0..6).map(|i| of(app.no, if i % 2 == 0 { "复诊" } else { "news" }, MessageClass::Bulk)).collect();
    let inserted = futures::future::join_all(many.into_iter().map(|new| storage.messages.insert(new))).await;
    for (i, one) in inserted.into_iter().enumerate() {
        let pipeline::storage::messages::Inserted::Fresh { no } = one.unwrap() else { panic!("fresh") };
        assert_eq!(rank(no).await, if i % 2 == 0 { Rank::Key } else { Rank::Bulk });
    }
    let planned: Vec<i64> = storage.messages.to_plan(Rank::Key, 99).await.unwrap().into_iter().map(|m| m.no).collect();
    assert!(planned.contains(&visit) && !planned.contains(&news) && planned.len() == 4, "{planned:?}");

    // The other way round, for what waits already.
    let chunks = |message_no, priority| NewChunk { priority, ..chunk(message_no, &lane, 0..10) };
    plan(&storage, visit, 0, vec![chunks(visit, 5)], true).await;
    plan(&storage, news, 0, vec![chunks(news, 10)], true).await;
    plan(&storage, code, 0, vec![chunks(code, 0)], true).await;
    storage.policy.put_rules(app.no, 1, &rules(&["news"]), "Ann", NOW, None).await.unwrap();
    assert_eq!(
        [rank(visit).await, rank(news).await, rank(code).await, rank(theirs).await],
        [Rank::Bulk, Rank::Key, Rank::Urgent, Rank::Bulk]
    );
    let claimed = async |priority| {
        let claimed = storage.chunks.claim(lane.no, "n", NOW, NOW + 10, 9, priority).await.unwrap();
        claimed.into_iter().map(|c| c.message_no).collect::<Vec<_>>()
    };
    assert_eq!((claimed(0).await, claimed(5).await, claimed(10).await), (vec![code], vec![news], vec![visit]));
}

/// 20,000 chunks wait in ten lanes: every claim walks an index from its place on, and sorts nothing.
#[tokio::test]
async fn a_claim_walks_an_index_and_sorts_no_backlog() {
    let storage = fresh_storage().await;
    let app = app(&storage, "plan").await;
    let lanes = storage.apps.lanes_of(app.no).await.unwrap();
    let lane = &lanes[0];
    let message_no = message(&storage, app.no).await;
    for part in 0..10 {
        let chunks = (0..2_000)
            .map(|i| {
                let key = part * 2_000 + i;
                let (flow, deadline) = (i / 10 % 5, NOW + 3_600_000 + key);
                NewChunk { flow, deadline, ..chunk(message_no, &lanes[key as usize % 10], key..key + 1) }
            })
            .collect();
        plan(&storage, message_no, part, chunks, part == 9).await;
    }
    let of = |rest: &str| {
        format!(
            "SELECT no FROM chunk WHERE lane_no = {} AND state = 0 AND priority = 10 {rest} AND not_before <= {NOW} ORDER BY deadline, no LIMIT 4",
            lane.no
        )
    };
    let mut stranger = storage.stranger().await;
    let before = NOW + 3_610_000;
    let near = match stranger {
        Stranger::Sqlite(_) => of(&format!("AND deadline < {before}")),
        Stranger::Postgres(_) => of(&format!("AND (lane_no, priority, deadline) < ({}, 10, {before})", lane.no)),
    };
    let flow = of("AND priority > 0 AND flow = 3");
    let flows = format!(
        "SELECT flow, CAST(SUM(count) AS BIGINT), MIN(deadline) FROM chunk WHERE lane_no = {} AND state = 0 AND priority = 10 \
         AND priority > 0 AND not_before <= {NOW} GROUP BY flow ORDER BY flow",
        lane.no
    );
    for (what, sql, index) in [("near", near, "chunk_claim"), ("flow", flow, "chunk_flow"), ("flows", flows, "chunk_flow")] {
        let told = stranger.explain(&sql).await;
        assert!(told.contains(index), "{what}: {told}");
        let sorts = match stranger {
            Stranger::Sqlite(_) => told.contains("TEMP B-TREE"),
            // The few flows may be put in order in the end.
            Stranger::Postgres(_) => told.contains("Seq Scan on chunk") || (what != "flows" && told.contains("Sort")),
        };
        assert!(!sorts, "{what}: {told}");
    }
}
