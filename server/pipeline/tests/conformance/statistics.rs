//! The books answer from counters what a look at every recipient would say.

use pipeline::statistics::recipients::{RecipientFilter, page};
use pipeline::statistics::{funnel, health, recount, series};
use pipeline::storage::chunks::Next;
use types::life::Outcome;
use types::vendor::Vendor;

use crate::support::{self, NOW};

#[tokio::test]
async fn every_number_leads_to_its_recipients() {
    let storage = super::fresh_storage().await;
    let (app, lane, message_no) = support::sending(&storage, 4).await;
    for (i, claimed) in support::claim(&storage, &lane, NOW, 3).await.into_iter().enumerate() {
        let outcome = if i == 0 { Outcome::Refused } else { Outcome::Accepted };
        storage.chunks.record(support::step(&claimed, outcome, 7, Next::Wait { not_before: NOW })).await.unwrap();
    }
    let counted = funnel::of_message(&storage, message_no).await.unwrap();
    assert!(counted.total.holds());
    let audit = recount::audit(&storage, message_no, NOW, 3).await.unwrap();
    assert!(audit.agrees(), "{audit:?}");

    let filters = [
        (RecipientFilter::default(), counted.total.planned),
        (RecipientFilter { outcome: Some(Outcome::Refused), ..RecipientFilter::default() }, counted.total.refused),
        (RecipientFilter { outcome: Some(Outcome::Accepted), ..RecipientFilter::default() }, counted.total.accepted),
        (RecipientFilter { outcome: Some(Outcome::Waiting), ..RecipientFilter::default() }, counted.total.waiting),
        (RecipientFilter { reason: Some("invalid_token".into()), ..RecipientFilter::default() }, 7),
        (RecipientFilter { words: Some("20301 / bad".into()), ..RecipientFilter::default() }, 7),
        (RecipientFilter { words: Some(String::new()), ..RecipientFilter::default() }, 33),
        (RecipientFilter { vendor: Some(None), ..RecipientFilter::default() }, 0),
        (RecipientFilter { vendor: Some(Some(Vendor::Xiaomi)), ..RecipientFilter::default() }, 40),
    ];
    for (filter, expected) in filters {
        let mut tokens = Vec::new();
        let mut after = None;
        loop {
            let part = page(&storage, message_no, &filter, after.as_deref(), 6).await.unwrap();
            assert!(part.items.len() <= 6);
            tokens.extend(part.items.into_iter().map(|row| row.token));
            after = part.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(tokens.len() as u64, expected, "{filter:?}");
        tokens.sort();
        tokens.dedup();
        assert_eq!(tokens.len() as u64, expected, "nobody twice: {filter:?}");
    }

    // The same over time: the hours and minutes around now hold what the message's counters hold.
    for (from, to) in [(NOW - 3_600_000, NOW + 60_000), (NOW, NOW + 1), (NOW - 90_000, NOW + 7_200_000), (NOW - 3 * 86_400_000, NOW + 1)] {
        let over = funnel::over_time(&storage, app.no, from, to, NOW - 2 * 86_400_000).await.unwrap();
        assert_eq!(over.total, counted.total, "{from} {to}");
    }
    let sent = series::sent(&storage, app.no, NOW - 600_000, NOW + 60_000, NOW - 86_400_000).await.unwrap();
    assert_eq!(sent.lanes.iter().map(|(_, list)| list.iter().sum::<u64>()).sum::<u64>(), counted.total.submitted());
    let books = health::lanes(&storage, app.no, NOW + 60_000, NOW - 3_600_000).await.unwrap();
    let xiaomi = books.iter().find(|b| b.lane.vendor == Vendor::Xiaomi).unwrap();
    assert_eq!((xiaomi.backlog.chunks, xiaomi.last_minute, xiaomi.has_credential), (4, 21, false));
}
