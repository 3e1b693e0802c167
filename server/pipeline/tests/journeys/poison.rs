//! A chunk that makes its runner panic, and the others beside it.

use pipeline::access::actor::Actor;
use pipeline::storage::frame::{decode_recipients, encode_recipients};
use pipeline::storage::messages::Targets;
use types::dead::POISONED;
use types::ids::ChunkNo;
use types::life::MessageState;
use types::policy::{Rules, Then};
use types::vendor::Vendor;

use super::house;
use crate::support::TestHouse;

/// The list of a chunk as a stranger writes it: the next runner finds fewer recipients than outcomes, and breaks down.
async fn write(t: &TestHouse, no: ChunkNo, recipients: Vec<u8>) {
    if pipeline::storage::shared(t.url()) {
        let pool = sqlx::PgPool::connect(t.url()).await.expect("a connection");
        let done =
            sqlx::query("UPDATE chunk_recipients SET bytes = $2 WHERE chunk_no = $1").bind(no.0).bind(recipients).execute(&pool).await;
        assert_eq!(done.expect("written").rows_affected(), 1);
        pool.close().await;
    } else {
        let pool = sqlx::SqlitePool::connect(t.url()).await.expect("a connection");
        let done =
            sqlx::query("UPDATE chunk_recipients SET bytes = $2 WHERE chunk_no = $1").bind(no.0).bind(recipients).execute(&pool).await;
        assert_eq!(done.expect("written").rows_affected(), 1);
        pool.close().await;
    }
}

/// A message of one chunk that waits for its lane, with its list spoilt; the message, the chunk, and the list as it was.
async fn spoilt(t: &TestHouse, users: &[String]) -> (i64, ChunkNo, Vec<u8>) {
    let sent = t.send(t.submission(Targets::Users { users: users.to_vec() })).await;
    t.until(sent.no, |message, _| message.state == MessageState::Sending).await;
    let chunk = t.house.storage.chunks.of_message(sent.no, ChunkNo(0), 9).await.expect("chunks").pop().expect("one chunk");
    let mut list = decode_recipients(&chunk.recipients).expect("a list");
    list.pop();
    write(t, chunk.no, encode_recipients(&list)).await;
    (sent.no, chunk.no, chunk.recipients)
}

async fn aside(t: &TestHouse, n: usize) {
    let started = tokio::time::Instant::now();
    while t.house.dead_letters.poisoned(&t.app).await.expect("a list").len() != n {
        assert!(started.elapsed() < std::time::Duration::from_secs(60), "never {n} set aside");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_chunk_that_breaks_its_runner_is_set_aside_and_the_others_go_on() {
    let t = house().await;
    let users = t.of_vendor(Vendor::Xiaomi, 30).await;
    // Quiet hours hold what is planned, so that nobody takes it up before it is spoilt.
    t.rules(super::policy::quiet_now(&t, Then::Hold)).await;
    let lane_no = t.lane_no(Vendor::Xiaomi).await;
    let (mended, its_chunk, list) = spoilt(&t, &users[..10]).await;
    let (given_up, other_chunk, _) = spoilt(&t, &users[10..20]).await;
    t.rules(Rules { zone: "UTC".into(), ..Rules::default() }).await;
    let well = t.send_to(&users[20..]).await;

    assert_eq!(t.finished(well).await.total.accepted, 10, "the others go on");
    aside(&t, 2).await;
    for message in [mended, given_up] {
        let total = t.funnel(message).await.total;
        assert_eq!((total.planned, total.waiting), (10, 10), "{total:?}");
    }
    assert_eq!(t.simulator.ledger().taken(), 10, "nothing of them was sent");

    // The cause is mended, one is tried again.
    let (desk, actor) = (&t.house.dead_letters, Actor::system());
    write(&t, its_chunk, list).await;
    assert_eq!(desk.try_again(&t.app, Some(its_chunk), &actor).await.expect("in line"), [lane_no]);
    assert_eq!(t.finished(mended).await.total.accepted, 10);
    t.recount(mended).await;

    // The other is given up: a vendor of this class may have been asked, as far as anybody knows.
    assert_eq!(desk.give_up(&t.app, other_chunk, &actor).await.expect("ended"), 10);
    let funnel = t.finished(given_up).await;
    assert_eq!((funnel.total.uncertain, funnel.total.waiting), (10, 0), "{:?}", funnel.losses);
    assert!(funnel.losses.iter().all(|loss| loss.reason == POISONED), "{:?}", funnel.losses);
    assert!(desk.give_up(&t.app, other_chunk, &actor).await.is_err(), "it is over");
    aside(&t, 0).await;
    t.end().await;
}
