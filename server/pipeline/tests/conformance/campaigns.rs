//! Campaigns: one revision at a time, one step at a time, one message.

use pipeline::access::actor::Actor;
use pipeline::storage::campaigns::{Campaign, CampaignFilter, Hand, Move, NewVerdict, Shown};
use pipeline::storage::people::AuditFilter;
use pipeline::storage::{Storage, StorageError};
use types::campaign::{CampaignSpec, Said, Section};
use types::ids::{CampaignId, MessageId};
use types::life::{CampaignState, MessageState};
use types::listing::PageRequest;
use types::problem::{Code, Problem};
use types::views::forecast::{Forecast, Overruled};

use super::fresh_storage;
use crate::support::{NOW, app, id_bytes, message};

async fn campaign(storage: &Storage, app_no: i64, name: &str) -> Campaign {
    let spec = CampaignSpec { name: name.into(), ..CampaignSpec::default() };
    storage.campaigns.create(app_no, CampaignId::from_bytes(id_bytes()), spec, Hand { id: "usr_ann", name: "ann" }, NOW).await.unwrap()
}

#[tokio::test]
async fn a_save_names_the_revision_it_saw() {
    let storage = fresh_storage().await;
    let app = app(&storage, "a").await;
    let one = campaign(&storage, app.no, "一").await;
    assert_eq!((one.revision, one.state), (1, CampaignState::Draft));
    let spec = CampaignSpec { name: "二".into(), ..CampaignSpec::default() };
    let two = storage.campaigns.save(&one.id, 1, spec.clone(), Hand { id: "usr_bob", name: "bob" }, NOW + 1).await.unwrap();
    assert_eq!((two.revision, two.spec.name.as_str(), two.changed_by.as_str()), (2, "二", "bob"));
    assert!(matches!(
        storage.campaigns.save(&one.id, 1, spec.clone(), Hand { id: "usr_ann", name: "ann" }, NOW).await,
        Err(StorageError::Stale("campaign"))
    ));
    let start = Move { revision: Some(1), ..Move::new(CampaignState::Draft, CampaignState::Running, "ann", NOW) };
    assert_eq!(storage.campaigns.advance(&one.id, start.clone()).await.unwrap(), None, "an old revision starts nothing");
    let started = storage.campaigns.advance(&one.id, Move { revision: Some(2), ..start }).await.unwrap().unwrap();
    assert_eq!((started.state, started.started_at), (CampaignState::Running, Some(NOW)));
    assert!(matches!(
        storage.campaigns.save(&one.id, started.revision, spec, Hand { id: "usr_ann", name: "ann" }, NOW).await,
        Err(StorageError::Stale("campaign"))
    ));
}

#[tokio::test]
async fn of_many_starters_one_wins_and_the_table_is_law() {
    let storage = fresh_storage().await;
    let app = app(&storage, "a").await;
    let one = campaign(&storage, app.no, "一").await;
    let start = || storage.campaigns.advance(&one.id, Move::new(CampaignState::Draft, CampaignState::Running, "x", NOW));
    let won = futures::future::join_all((0..8).map(|_| start())).await.into_iter().filter(|r| matches!(r, Ok(Some(_)))).count();
    assert_eq!(won, 1);
    for from in CampaignState::ALL {
        for to in CampaignState::ALL {
            let allowed = from.may_become().contains(&to);
            let fresh = CampaignId::from_bytes(id_bytes());
            let answer = storage.campaigns.advance(&fresh, Move::new(from, to, "x", NOW)).await;
            assert_eq!(answer.is_ok(), allowed, "{} -> {}", from.slug(), to.slug());
        }
    }
}

#[tokio::test]
async fn what_missed_its_time_is_counted_and_its_step_is_in_the_log_or_not_taken() {
    let storage = fresh_storage().await;
    let app = app(&storage, "a").await;
    let one = campaign(&storage, app.no, "一").await;
    let wait = Move { due_at: Some(NOW), ..Move::new(CampaignState::Draft, CampaignState::Scheduled, "x", NOW) };
    storage.campaigns.advance(&one.id, wait).await.unwrap().unwrap();
    assert!(storage.campaigns.missed().await.unwrap().is_empty());
    let entry = || {
        let actor = Actor::system();
        actor.entry(&pipeline::world::World::system(), "campaign.late", one.id.as_str(), None, None, None)
    };
    let late =
        || Move { due_at: Some(NOW), audit: Some(entry()), ..Move::new(CampaignState::Scheduled, CampaignState::Missed, "x", NOW + 9) };
    let log = async || storage.people.audit_list(&AuditFilter::default(), &PageRequest::default()).await.unwrap().items.len();
    let before = log().await;
    let missed = storage.campaigns.advance(&one.id, late()).await.unwrap().unwrap();
    assert_eq!((missed.state, missed.due_at), (CampaignState::Missed, Some(NOW)));
    assert_eq!(storage.campaigns.advance(&one.id, late()).await.unwrap(), None, "somebody was faster");
    assert_eq!(log().await, before + 1, "told once");
    assert_eq!(storage.campaigns.missed().await.unwrap(), [(app.no, 1)]);
    assert!(storage.campaigns.due(NOW + 10, 9).await.unwrap().is_empty(), "it does not start by itself");
    // A second person may still judge it.
    let verdict = NewVerdict {
        section: Some(Section::Message),
        said: Said::Approved,
        made_of: "d".into(),
        comment: String::new(),
        person: "usr_eve".into(),
        person_name: "eve".into(),
        at: NOW,
    };
    storage.campaigns.judge(&one.id, missed.revision, &[verdict], None).await.unwrap();
    storage.campaigns.advance(&one.id, Move::new(CampaignState::Missed, CampaignState::Running, "x", NOW)).await.unwrap().unwrap();
    assert!(storage.campaigns.missed().await.unwrap().is_empty());
}

#[tokio::test]
async fn schedules_come_due_and_half_starts_are_found() {
    let storage = fresh_storage().await;
    let app = app(&storage, "a").await;
    let one = campaign(&storage, app.no, "一").await;
    let wait = Move { due_at: Some(NOW + 10), ..Move::new(CampaignState::Draft, CampaignState::Scheduled, "x", NOW) };
    storage.campaigns.advance(&one.id, wait).await.unwrap().unwrap();
    assert!(storage.campaigns.due(NOW + 9, 10).await.unwrap().is_empty());
    assert_eq!(storage.campaigns.due(NOW + 10, 10).await.unwrap().len(), 1);
    storage.campaigns.advance(&one.id, Move::new(CampaignState::Scheduled, CampaignState::Running, "x", NOW + 10)).await.unwrap().unwrap();
    assert!(storage.campaigns.due(NOW + 20, 10).await.unwrap().is_empty());
    assert_eq!(storage.campaigns.half_started(10).await.unwrap().len(), 1);
    assert!(storage.campaigns.take_back(&one.id, Problem::new(Code::InvalidFields), NOW).await.unwrap());
    let back = storage.campaigns.get(&one.id).await.unwrap().unwrap();
    assert_eq!((back.state, back.trouble.map(|p| p.code), back.started_at), (CampaignState::Draft, Some(Code::InvalidFields), None));
    storage.campaigns.advance(&one.id, Move::new(CampaignState::Draft, CampaignState::Running, "x", NOW)).await.unwrap().unwrap();
    let no = message(&storage, app.no).await;
    let id = MessageId::from_bytes(id_bytes());
    assert!(storage.campaigns.set_message(&one.id, no, &id).await.unwrap());
    assert!(!storage.campaigns.set_message(&one.id, no + 1, &id).await.unwrap(), "one message, once");
    assert!(!storage.campaigns.take_back(&one.id, Problem::new(Code::Internal), NOW).await.unwrap());
    assert_eq!(storage.campaigns.running(10).await.unwrap(), [(one.id.clone(), no)]);
    assert!(storage.campaigns.half_started(10).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_campaign_out_of_step_with_its_message_is_found() {
    let storage = fresh_storage().await;
    let app = app(&storage, "a").await;
    let one = campaign(&storage, app.no, "一").await;
    storage.campaigns.advance(&one.id, Move::new(CampaignState::Draft, CampaignState::Running, "x", NOW)).await.unwrap().unwrap();
    let no = message(&storage, app.no).await;
    storage.campaigns.set_message(&one.id, no, &MessageId::from_bytes(id_bytes())).await.unwrap();
    assert!(storage.campaigns.out_of_step(10).await.unwrap().is_empty());
    storage.messages.pause(no).await.unwrap();
    assert_eq!(storage.campaigns.out_of_step(10).await.unwrap()[0].1, MessageState::Paused);
    storage.campaigns.advance(&one.id, Move::new(CampaignState::Running, CampaignState::Paused, "x", NOW)).await.unwrap().unwrap();
    assert!(storage.campaigns.out_of_step(10).await.unwrap().is_empty());
    storage.messages.cancel(no, NOW).await.unwrap();
    assert_eq!(storage.campaigns.out_of_step(10).await.unwrap()[0].1, MessageState::Cancelled);
}

#[tokio::test]
async fn lists_are_newest_first_filtered_and_paged() {
    let storage = fresh_storage().await;
    let app = app(&storage, "a").await;
    for name in ["Alpha", "beta", "ALPHABET"] {
        campaign(&storage, app.no, name).await;
    }
    let filter = CampaignFilter { text: Some("alpha".into()), state: Some(CampaignState::Draft) };
    let first = storage.campaigns.list(app.no, &filter, &PageRequest { after: None, size: 1 }).await.unwrap();
    assert_eq!(first.items[0].spec.name, "ALPHABET");
    let second = storage.campaigns.list(app.no, &filter, &PageRequest { after: first.next, size: 1 }).await.unwrap();
    assert_eq!((second.items[0].spec.name.as_str(), second.next), ("Alpha", None));
    let none = CampaignFilter { state: Some(CampaignState::Paused), ..CampaignFilter::default() };
    assert!(storage.campaigns.list(app.no, &none, &PageRequest::default()).await.unwrap().items.is_empty());
    assert!(storage.campaigns.list(app.no + 1, &CampaignFilter::default(), &PageRequest::default()).await.unwrap().items.is_empty());
}

#[tokio::test]
async fn what_was_said_is_kept_until_an_edit_makes_it_void() {
    let storage = fresh_storage().await;
    let app = app(&storage, "a").await;
    let one = campaign(&storage, app.no, "一").await;
    let other = campaign(&storage, app.no, "二").await;
    assert_eq!(one.editors, ["usr_ann"]);
    let verdict = |section, said| NewVerdict {
        section,
        said,
        made_of: "abc".into(),
        comment: "字".into(),
        person: "usr_eve".into(),
        person_name: "eve".into(),
        at: NOW,
    };
    let both = [verdict(None, Said::Asked), verdict(Some(Section::Message), Said::Approved)];
    storage.campaigns.judge(&one.id, 1, &both, None).await.unwrap();
    let refused = [verdict(Some(Section::Audience), Said::Refused)];
    assert!(matches!(storage.campaigns.judge(&one.id, 2, &refused, None).await, Err(StorageError::Stale("campaign"))), "not what they saw");
    storage.campaigns.judge(&one.id, 1, &refused, None).await.unwrap();
    let asked = async |apps: &[i64]| storage.campaigns.asked(apps, 9).await.unwrap().into_iter().map(|c| c.id).collect::<Vec<_>>();
    assert_eq!((asked(&[app.no]).await, asked(&[app.no + 1]).await), (vec![one.id.clone()], Vec::new()), "those asked for, of these apps");
    storage.campaigns.judge(&other.id, 1, &[verdict(None, Said::Asked)], None).await.unwrap();
    assert_eq!(asked(&[app.no]).await, [other.id.clone(), one.id.clone()], "the newest question first");
    let found = storage.campaigns.verdicts(&one.id, 10).await.unwrap();
    assert_eq!(found.iter().map(|v| v.told.said).collect::<Vec<_>>(), [Said::Refused, Said::Approved, Said::Asked]);
    assert_eq!((found[1].told.clone(), found[1].voided_at), (both[1].clone(), None));
    assert_eq!(storage.campaigns.verdicts(&other.id, 10).await.unwrap().len(), 1);
    let spec = CampaignSpec { name: "三".into(), ..CampaignSpec::default() };
    let saved = storage.campaigns.save(&one.id, 1, spec.clone(), Hand { id: "usr_bob", name: "bob" }, NOW + 7).await.unwrap();
    assert_eq!(saved.editors, ["usr_ann", "usr_bob"]);
    assert_eq!(asked(&[app.no]).await, std::slice::from_ref(&other.id), "an edit takes the question back");
    let again = storage.campaigns.save(&one.id, 2, spec, Hand { id: "usr_ann", name: "ann" }, NOW + 9).await.unwrap();
    assert_eq!(again.editors, ["usr_ann", "usr_bob"], "everybody once");
    let voided = storage.campaigns.verdicts(&one.id, 2).await.unwrap();
    assert_eq!(voided.iter().map(|v| v.voided_at).collect::<Vec<_>>(), [Some(NOW + 7); 2]);
    let start = Move::new(CampaignState::Draft, CampaignState::Running, "x", NOW);
    let running = storage.campaigns.advance(&one.id, start).await.unwrap().unwrap();
    assert!(storage.campaigns.judge(&one.id, running.revision, &refused, None).await.is_err(), "too late to judge");
}

#[tokio::test]
async fn the_forecast_that_was_shown_is_kept_with_the_start_and_only_with_it() {
    let storage = fresh_storage().await;
    let app = app(&storage, "a").await;
    let one = campaign(&storage, app.no, "一").await;
    assert_eq!(storage.campaigns.shown(&one.id).await.unwrap(), None);
    let shown = |planned| Shown {
        made_of: "abc".into(),
        forecast: Forecast { planned, rows: u64::from(u32::MAX), ..Forecast::default() },
        overruled: (planned == 2).then(|| Overruled { by: "ann".into(), why: "必须".into() }),
        at: NOW,
    };
    let wait = Move::new(CampaignState::Draft, CampaignState::Scheduled, "x", NOW);
    let missed = Move { revision: Some(9), shown: Some(shown(1)), ..wait.clone() };
    assert_eq!(storage.campaigns.advance(&one.id, missed).await.unwrap(), None);
    assert_eq!(storage.campaigns.shown(&one.id).await.unwrap(), None, "nothing started, nothing shown");
    for planned in [1, 2] {
        storage.campaigns.advance(&one.id, Move { shown: Some(shown(planned)), ..wait.clone() }).await.unwrap().unwrap();
        assert_eq!(storage.campaigns.shown(&one.id).await.unwrap(), Some(shown(planned)));
        let back = Move::new(CampaignState::Scheduled, CampaignState::Draft, "x", NOW);
        storage.campaigns.advance(&one.id, back).await.unwrap().unwrap();
    }
    storage.campaigns.advance(&one.id, Move::new(CampaignState::Draft, CampaignState::Running, "x", NOW)).await.unwrap().unwrap();
    assert_eq!(storage.campaigns.shown(&one.id).await.unwrap(), Some(shown(2)), "a step without one keeps what was shown");
}
