//! The dead-letter drawer.

use pipeline::access::actor::Actor;
use pipeline::storage::StorageError;
use pipeline::storage::chunks::{Next, Step};
use pipeline::storage::dead_letters::{DeadFilter, DeadLetter};
use pipeline::storage::frame::{Outcomes, Reason};
use pipeline::storage::messages::{NewMessage, Origin, Targets};
use pipeline::storage::tallies::Measure;
use pipeline::world::World;
use types::life::{MessageState, Outcome};
use types::listing::{Page, PageRequest};
use types::vendor::Vendor;

use super::fresh_storage;
use crate::support::{Fresh, NOW, app, chunk, claim, delta, funnel, lane, message, new_message, plan, sending};

/// Ends recipients of the only claimable chunk: so many with each outcome and reason.
async fn end(storage: &Fresh, lane: &pipeline::storage::apps::Lane, ends: &[(Outcome, &str, usize)], next: Next) {
    let claimed = claim(storage, lane, NOW, 1).await.pop().expect("a chunk");
    let mut outcomes = Outcomes::decode(&claimed.outcomes).unwrap();
    let open = outcomes.open();
    let (mut at, mut deltas) = (0, Vec::new());
    for (outcome, slug, n) in ends {
        let reason = Reason { slug: (*slug).to_owned(), words: format!("of {slug}") };
        for i in &open[at..at + n] {
            outcomes.set(*i, *outcome, Some(reason.clone()));
        }
        at += n;
        let measure = Measure::Outcome { outcome: *outcome, reason: reason.slug, words: reason.words };
        deltas.push(delta(claimed.message_no, claimed.app_no, Some(claimed.vendor), measure, *n as i64));
    }
    let step = Step {
        no: claimed.no,
        fence: claimed.fence,
        open,
        outcomes: outcomes.encode(),
        next,
        references: Vec::new(),
        onward: None,
        deltas,
        now: NOW,
    };
    storage.chunks.record(step).await.unwrap();
}

async fn list(storage: &Fresh, app_no: i64, filter: DeadFilter) -> Page<DeadLetter> {
    storage.dead_letters.list(app_no, &filter, &PageRequest::default()).await.unwrap()
}

fn short(page: &Page<DeadLetter>) -> Vec<(Option<Vendor>, Outcome, &str, &str, u64)> {
    page.items.iter().map(|l| (l.vendor, l.outcome, l.reason.as_str(), l.words.as_str(), l.recipients)).collect()
}

#[tokio::test]
async fn what_could_have_been_accepted_lies_in_the_drawer_until_it_was() {
    let storage = fresh_storage().await;
    let (app, lane, message_no) = sending(&storage, 1).await;
    let ends = [
        (Outcome::Uncertain, "timeout", 3),
        (Outcome::Refused, "unknown", 2),
        (Outcome::Refused, "invalid_token", 1),
        (Outcome::Accepted, "", 1),
    ];
    end(&storage, &lane, &ends, Next::Wait { not_before: NOW }).await;
    let (uncertain, refused) = (
        (Some(Vendor::Xiaomi), Outcome::Uncertain, "timeout", "of timeout", 3),
        (Some(Vendor::Xiaomi), Outcome::Refused, "unknown", "of unknown", 2),
    );
    let mut found = list(&storage, app.no, DeadFilter::default()).await;
    found.items.sort_by_key(|l| l.recipients);
    assert_eq!(short(&found), [refused, uncertain], "a dead token is no dead letter");
    let first = &found.items[0];
    assert_eq!(
        (first.message_no, first.title.as_str(), first.state, first.over(), &first.replay),
        (message_no, "标题", MessageState::Sending, false, &None)
    );

    // The deadline ends the rest.
    assert_eq!(storage.chunks.expire(NOW + 3_600_001, 9).await.unwrap(), 3);
    storage.messages.settle(NOW + 3_600_002).await.unwrap();
    let expired = DeadFilter { outcome: Some(Outcome::Expired), ..DeadFilter::default() };
    let found = list(&storage, app.no, expired).await;
    assert_eq!(short(&found), [(Some(Vendor::Xiaomi), Outcome::Expired, "", "", 3)]);
    assert_eq!((found.items[0].at, found.items[0].over()), (NOW + 3_600_001, true));

    // The drawer says what the counters say.
    let losses: u64 =
        funnel(&storage, message_no).await.losses.iter().filter(|l| types::dead::is_dead(l.outcome, &l.reason)).map(|l| l.devices).sum();
    let all = list(&storage, app.no, DeadFilter::default()).await;
    assert_eq!(all.items.iter().map(|l| l.recipients).sum::<u64>(), losses);
}

#[tokio::test]
async fn a_line_goes_when_all_of_it_arrived_after_all() {
    let storage = fresh_storage().await;
    let (app, lane, message_no) = sending(&storage, 2).await;
    end(&storage, &lane, &[(Outcome::Uncertain, "timeout", 10)], Next::Done).await;
    assert_eq!(list(&storage, app.no, DeadFilter::default()).await.items.len(), 1);
    let claimed = claim(&storage, &lane, NOW, 1).await.pop().unwrap();
    let measure = Measure::Outcome { outcome: Outcome::Uncertain, reason: "timeout".into(), words: "of timeout".into() };
    let moved = [
        delta(message_no, app.no, Some(Vendor::Xiaomi), measure, -10),
        delta(message_no, app.no, Some(Vendor::Xiaomi), Measure::outcome(Outcome::Accepted), 10),
    ];
    let mut step = crate::support::step(&claimed, Outcome::Accepted, 0, Next::Wait { not_before: NOW });
    step.deltas = moved.to_vec();
    storage.chunks.record(step).await.unwrap();
    assert_eq!(list(&storage, app.no, DeadFilter::default()).await, Page::default());
}

#[tokio::test]
async fn filters_and_pages_walk_newest_first() {
    let storage = fresh_storage().await;
    let one = app(&storage, "one").await;
    let two = app(&storage, "two").await;
    let mut messages = Vec::new();
    for vendor in [Vendor::Xiaomi, Vendor::Apns, Vendor::Xiaomi] {
        let lane = lane(&storage, &one, vendor).await;
        let no = message(&storage, one.no).await;
        plan(&storage, no, 0, vec![chunk(no, &lane, 0..4)], true).await;
        end(&storage, &lane, &[(Outcome::Uncertain, "timeout", 3), (Outcome::Refused, "unknown", 1)], Next::Done).await;
        messages.push(storage.messages.get(no).await.unwrap().unwrap());
    }
    let all = list(&storage, one.no, DeadFilter::default()).await;
    assert_eq!(all.items.len(), 6);
    assert_eq!(list(&storage, two.no, DeadFilter::default()).await.items, [], "another app's");
    let mut walked = Vec::new();
    let mut page = PageRequest { after: None, size: 4 };
    loop {
        let found = storage.dead_letters.list(one.no, &DeadFilter::default(), &page).await.unwrap();
        walked.extend(found.items);
        page.after = found.next;
        if page.after.is_none() {
            break;
        }
    }
    assert_eq!(walked, all.items);
    let count = async |filter| list(&storage, one.no, filter).await.items.len();
    assert_eq!(count(DeadFilter { vendor: Some(Vendor::Apns), ..DeadFilter::default() }).await, 2);
    assert_eq!(count(DeadFilter { reason: Some("unknown".into()), ..DeadFilter::default() }).await, 3);
    assert_eq!(count(DeadFilter { message: Some(messages[1].id.clone()), ..DeadFilter::default() }).await, 2);
    assert_eq!(count(DeadFilter { from: Some(NOW), to: Some(NOW + 1), ..DeadFilter::default() }).await, 6);
    assert_eq!(count(DeadFilter { from: Some(NOW + 1), ..DeadFilter::default() }).await, 0);
    assert_eq!(count(DeadFilter { to: Some(NOW), ..DeadFilter::default() }).await, 0);
    let nos: Vec<i64> = all.items.iter().map(|l| l.no).collect();
    assert_eq!(storage.dead_letters.get(one.no, &nos).await.unwrap().len(), 6);
    assert_eq!(storage.dead_letters.get(two.no, &nos).await.unwrap(), []);
    assert_eq!(storage.dead_letters.get(one.no, &[]).await.unwrap(), []);
}

#[tokio::test]
async fn a_line_is_replayed_once() {
    let storage = fresh_storage().await;
    let (app, lane, message_no) = sending(&storage, 1).await;
    end(&storage, &lane, &[(Outcome::Uncertain, "timeout", 6), (Outcome::Refused, "unknown", 4)], Next::Done).await;
    let earlier = storage.messages.get(message_no).await.unwrap().unwrap();
    let lines: Vec<i64> = list(&storage, app.no, DeadFilter::default()).await.items.iter().map(|l| l.no).collect();
    let replay = |lines: Vec<i64>| {
        let targets = Targets::Again { message: earlier.id.clone(), outcomes: vec!["uncertain".into()], only: Vec::new() };
        (lines, NewMessage { origin: Origin::Resend, targets, ..new_message(app.no) })
    };
    let audit = || Actor::system().entry(&World::system(), "dead_letters.replay", app.id.as_str(), Some(&app.id), None, None);
    let made = replay(vec![lines[0]]);
    let given = storage.dead_letters.replay(vec![made.clone()], audit()).await.unwrap();
    assert_eq!(storage.messages.get(given[0]).await.unwrap().unwrap().targets, made.1.targets);
    let taken = storage.dead_letters.get(app.no, &[lines[0]]).await.unwrap().pop().unwrap();
    assert_eq!(taken.replay, Some((made.1.id.clone(), NOW)));
    let open = DeadFilter { replayed: Some(false), ..DeadFilter::default() };
    assert_eq!(list(&storage, app.no, open).await.items.iter().map(|l| l.no).collect::<Vec<_>>(), [lines[1]]);

    // Together with one that was replayed nothing is: no message, no entry.
    let both = replay(vec![lines[1], lines[0]]);
    let refused = storage.dead_letters.replay(vec![both.clone()], audit()).await;
    assert!(matches!(refused, Err(StorageError::Stale(_))), "{refused:?}");
    assert_eq!(storage.messages.by_id(&both.1.id).await.unwrap(), None);
    assert_eq!(storage.dead_letters.get(app.no, &[lines[1]]).await.unwrap()[0].replay, None);
    let log = storage.people.audit_list(&Default::default(), &PageRequest::default()).await.unwrap();
    assert_eq!(log.items.iter().filter(|row| row.entry.action == "dead_letters.replay").count(), 1);
}
