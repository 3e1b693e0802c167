//! Every dialect against its twin over real sockets with TLS: crowds, single sends, dead tokens, a token that expired, an outage.

use pipeline::access::controls::Notice;
use pipeline::storage::apps::CredentialRow;
use pipeline::storage::messages::Targets;
use pipeline::vendors::credential::credential_aad;
use simulator::{Account, Dials, KeyedAccount, Outage};
use types::content::MessageClass;
use types::life::Outcome;
use types::vendor::Vendor;

use crate::samples::Sample;
use crate::support::{TestHouse, on_sqlite};

/// Those with an account of the common form: all but APNs and Xiaomi, which the other journeys drive.
pub fn keyed() -> impl Iterator<Item = Vendor> {
    Vendor::ALL.into_iter().filter(|v| !matches!(v, Vendor::Apns | Vendor::Xiaomi))
}

/// A house in which every keyed vendor has a lane to its twin.
pub async fn house() -> TestHouse {
    let t = on_sqlite().await;
    open_lanes(&t, keyed()).await;
    t
}

/// Lanes of these vendors to their twins.
pub async fn open_lanes(t: &TestHouse, vendors: impl IntoIterator<Item = Vendor>) {
    for vendor in vendors {
        let credential = Sample::of(vendor).credential;
        let mut account = KeyedAccount::new(vendor, credential.iter().map(|(k, v)| (k.as_str(), v.as_str())));
        if vendor == Vendor::Meizu {
            account.rights.insert("vip".into());
        }
        t.simulator.add_account(Account::Keyed(account)).unwrap_or_else(|e| panic!("{vendor:?}: {e}"));
        let aad = credential_aad(t.app.id.as_str(), vendor);
        let aad: Vec<&str> = aad.iter().map(String::as_str).collect();
        let sealed = t.house.vault.seal(&aad, &serde_json::to_vec(&credential).expect("json"));
        let row = CredentialRow { vendor, sealed, hints: Vec::new(), updated_at: t.house.world.now(), updated_by: "test".into() };
        t.house.storage.apps.put_credential(t.app.no, row, None).await.expect("a credential");
        let (url, ca) = (t.simulator.base_url(vendor), t.simulator.ca_pem().to_owned());
        t.lane(vendor, |lane| (lane.base_url, lane.ca_pem, lane.batch) = (url, Some(ca), lane.batch.min(20))).await;
    }
}

/// `n` phones of one vendor; returns their users.
pub async fn phones(t: &TestHouse, vendor: Vendor, n: usize) -> Vec<String> {
    let sample = Sample::of(vendor);
    let list = (0..n)
        .map(|i| {
            let mut phone = t.registration(&format!("{}-{i}", vendor.slug()), 2 * i);
            phone.tokens = vec![(vendor, sample.token(i as u64))];
            phone
        })
        .collect();
    t.house.storage.devices.register(t.app.no, list).await.expect("registered");
    (0..n).map(|i| format!("{}-{i}", vendor.slug())).collect()
}

/// No verdict per token in the answer (umeng.md, jpush.md, 3): a dead one among living ones is dropped in silence.
fn silent_about_tokens(vendor: Vendor) -> bool {
    matches!(vendor, Vendor::Umeng | Vendor::Jpush)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_vendor_takes_a_crowd_and_single_phones_and_equals_the_ledger() {
    let t = house().await;
    let mut users = Vec::new();
    for vendor in keyed() {
        // 41: two full requests of twenty and one phone left over.
        users.extend(phones(&t, vendor, 41).await);
    }
    let sent = t.send(t.submission(Targets::Users { users: users.clone() })).await;
    let funnel = t.finished(sent.no).await;
    for vendor in keyed() {
        let lane = funnel.lanes.iter().find(|lane| lane.vendor == Some(vendor)).unwrap_or_else(|| panic!("{vendor:?} has no lane"));
        assert_eq!(lane.equation.accepted, 41, "{vendor:?}: {:?}", funnel.losses);
        assert_eq!(t.simulator.ledger().taken_by(vendor).len(), 41, "{vendor:?}: what phones got");
    }
    let mut urgent = t.submission(Targets::Users { users: users.iter().step_by(41).cloned().collect() });
    urgent.class = MessageClass::Transactional;
    let urgent = t.send(urgent).await;
    let funnel = t.finished(urgent.no).await;
    assert_eq!(funnel.total.accepted, keyed().count() as u64, "one phone of each: {:?}", funnel.losses);
    assert_eq!(t.simulator.ledger().repeats(None).same_key, 0);
    t.recount(sent.no).await;
    t.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dead_tokens_are_named_and_set_aside_and_the_others_hear_it() {
    let t = house().await;
    for vendor in keyed() {
        let users = phones(&t, vendor, 60).await;
        t.simulator.set_dials(vendor, Dials { token_fault_share: 0.08, ..t.simulator.dials(vendor) }).expect("dials");
        let sent = t.send(t.submission(Targets::Users { users })).await;
        let funnel = t.finished(sent.no).await;
        let lane = &funnel.lanes.iter().find(|lane| lane.vendor == Some(vendor)).expect("a lane").equation;
        let heard = t.simulator.ledger().taken_by(vendor).len() as u64;
        assert_eq!(lane.accepted + lane.refused, 60, "{vendor:?}: {:?}", funnel.losses);
        assert!(heard > 40 && heard < 60, "{vendor:?}: {heard} phones got it; the dial must bite");
        if silent_about_tokens(vendor) {
            assert!(lane.accepted >= heard, "{vendor:?}");
            continue;
        }
        assert_eq!(lane.accepted, heard, "{vendor:?}: {:?}", funnel.losses);
        assert!(funnel.losses.iter().all(|loss| loss.reason == "invalid_token"), "{vendor:?}: {:?}", funnel.losses);
    }
    t.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_access_token_that_ended_is_renewed_and_nothing_is_lost() {
    let t = house().await;
    for vendor in keyed() {
        let users = phones(&t, vendor, 3).await;
        for round in 0..2 {
            let sent = t.send(t.submission(Targets::Users { users: users.clone() })).await;
            let paused = t.house.storage.apps.lanes_of(t.app.no).await.expect("lanes").into_iter().find_map(|lane| lane.paused);
            assert_eq!(paused, None, "{vendor:?}, round {round}");
            let funnel = t.finished(sent.no).await;
            assert_eq!(funnel.total.get(Outcome::Accepted), 3, "{vendor:?}, round {round}: {:?}", funnel.losses);
            t.simulator.expire_passes(vendor);
        }
    }
    t.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outage_of_any_vendor_is_waited_out() {
    let t = house().await;
    for vendor in keyed() {
        let users = phones(&t, vendor, 5).await;
        t.simulator.set_dials(vendor, Dials { outage: Outage::Error, ..t.simulator.dials(vendor) }).expect("dials");
        let sent = t.send(t.submission(Targets::Users { users })).await;
        let looked = t.until(sent.no, |message, _| message.state == types::life::MessageState::Sending).await;
        assert_eq!(looked.total.accepted, 0, "{vendor:?}: an error page is no success");
        t.simulator.set_dials(vendor, Dials { outage: Outage::None, ..t.simulator.dials(vendor) }).expect("dials");
        let funnel = t.finished(sent.no).await;
        assert_eq!(funnel.total.accepted, 5, "{vendor:?}: {:?}", funnel.losses);
        assert_eq!(t.simulator.ledger().taken_by(vendor).len(), 5, "{vendor:?}");
    }
    t.end().await;
}

/// Each vendor by its own means, and a vendor without any says so.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_vendor_takes_back_what_it_can() {
    let t = house().await;
    let mut users = Vec::new();
    for vendor in keyed() {
        // Two full requests of twenty, and one phone for the single interfaces: vendors count what a phone gets in a day.
        users.extend(phones(&t, vendor, 41).await);
    }
    let alone: Vec<String> = users.iter().skip(40).step_by(41).cloned().collect();
    users.retain(|user| !alone.contains(user));
    let sent = t.send(t.submission(Targets::Users { users })).await;
    assert_eq!(t.finished(sent.no).await.total.accepted, 400);
    let single = t.send(t.submission(Targets::Users { users: alone })).await;
    assert_eq!(t.finished(single.no).await.total.accepted, 10);
    let notice = Notice { title: "Sorry".into(), body: "Withdrawn".into() };
    for (no, n, phone) in [(sent.no, 40, 0), (single.no, 1, 40)] {
        let message = t.message(no).await;
        let recall = t.house.controls.recall(&t.app, &message, &notice, "tester", "local").await.expect("recalled");
        let taken = t.finished(recall.no).await;
        let view = t.house.controls.recall_view(&t.app, "it".into(), &[message]).await.expect("a view");
        assert!(view.is_over(), "{:?}", view.total);
        for lane in &view.lanes {
            let (c, vendor) = (lane.counts, lane.vendor);
            assert_eq!((c.reached, c.withdrawn + c.overwritten + c.opened + c.beyond), (n, n), "{vendor:?}: {c:?} {:?}", taken.losses);
            let expected = match (vendor, n) {
                (Vendor::Umeng, _) | (Vendor::Vivo, 40) => (0, 0, n),
                (Vendor::Getui | Vendor::Jpush, _) => (n, 0, 0),
                _ => (0, n, 0),
            };
            assert_eq!((c.withdrawn, c.overwritten, c.beyond), expected, "{vendor:?}: {c:?} {:?}", taken.losses);
            let ledger = t.simulator.ledger();
            if c.overwritten > 0 {
                let last = ledger.last_of(vendor, &Sample::of(vendor).token(phone)).expect("a notification");
                assert_eq!((last.title.as_str(), last.body.as_str()), ("Sorry", "Withdrawn"), "{vendor:?}");
            }
        }
        t.recount(recall.no).await;
    }
    for vendor in [Vendor::Getui, Vendor::Jpush] {
        assert_eq!(t.simulator.ledger().withdrawn(vendor), 41, "{vendor:?}: what its twin took back");
    }
    t.end().await;
}
