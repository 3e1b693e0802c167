//! Campaigns at the door: checks, starts, schedules, crashes in between, test sends, progress.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::StreamExt;
use pipeline::access::accept::Accept;
use pipeline::access::actor::Actor;
use pipeline::access::campaigns::CampaignDesk;
use pipeline::access::campaigns::launch::Pressed;
use pipeline::access::controls::Controls;
use pipeline::access::copies::CopyDesk;
use pipeline::access::outcomes;
use pipeline::access::spreadsheet::Format;
use pipeline::broker::plan::Planner;
use pipeline::coordination::Coordination;
use pipeline::statistics::funnel;
use pipeline::statistics::recipients::Person;
use pipeline::storage::Storage;
use pipeline::storage::apps::{App, CredentialRow, NewApp};
use pipeline::storage::campaigns::{Campaign, Move};
use pipeline::storage::crowd_frame::{BlockWriter, put_value};
use pipeline::storage::crowds::NewUpload;
use pipeline::storage::devices::Registration;
use pipeline::storage::frame::key_of;
use pipeline::storage::messages::{MessageFilter, Origin};
use pipeline::storage::people::AuditFilter;
use pipeline::storage::policy::NewBlocked;
use pipeline::world::{HeldClock, SeededRandom, World};
use tempfile::TempDir;
use types::Millis;
use types::campaign::{Said, Section};
use types::content::MessageClass;
use types::crowd::{CrowdCounts, Detected, Encoding, KeyKind, Mapping};
use types::ids::{AppId, CrowdId, DeviceId, UploadId};
use types::life::{CampaignState, FilterRule, Outcome};
use types::listing::PageRequest;
use types::policy::{Cap, Rules, Span};
use types::problem::{Code, Problem};
use types::text::Lang;
use types::vendor::{Environment, Vendor};
use types::views::campaigns::CampaignForm;
use types::views::copies::CopyForm;

#[path = "campaigns/workbench.rs"]
mod workbench;

/// 2026-11-21 09:00:00 UTC.
const NOW: Millis = 1_795_251_600_000;

struct Desk {
    storage: Storage,
    clock: Arc<HeldClock>,
    world: World,
    desk: CampaignDesk,
    controls: Controls,
    copies: CopyDesk,
    planner: Planner,
    app: App,
    _folder: TempDir,
}

fn ann() -> Actor {
    Actor { id: "usr_ann".into(), name: "ann".into(), address: "127.0.0.1".into(), request_id: "req_1".into() }
}

impl Desk {
    /// An app with an open Xiaomi lane and users `u0 .. u5`, of whom `u0` owns the test device.
    async fn open() -> Desk {
        let folder = tempfile::tempdir().unwrap();
        let storage = Storage::open(&format!("sqlite://{}/store.db", folder.path().display())).await.unwrap();
        let clock = HeldClock::at(NOW);
        let world = World::new(clock.clone(), SeededRandom::new(7));
        let coordination = Coordination::memory();
        let accept = Accept::new(storage.clone(), coordination.clone(), world.clone());
        let controls = Controls::new(storage.clone(), coordination.clone(), world.clone(), accept.clone());
        let app = NewApp {
            id: AppId::from_bytes(world.id()),
            name: "患者端".into(),
            description: String::new(),
            environment: Environment::Production,
            default_title: "晨钟健康".into(),
            vendor_order: vec![Vendor::Xiaomi, Vendor::Apns],
            services: vec!["push".into()],
            app_key: "ak".into(),
            client_key: "ck".into(),
            callback_secret: "cb".into(),
            secret_sealed: vec![1],
            created_at: NOW,
        };
        let app = storage.apps.create(app, None).await.unwrap();
        let row = CredentialRow { vendor: Vendor::Xiaomi, sealed: vec![1], hints: vec![], updated_at: NOW, updated_by: "t".into() };
        storage.apps.put_credential(app.no, row, None).await.unwrap();
        let devices = (0..6).map(|i| Registration {
            fresh_id: DeviceId::from_bytes(world.id()),
            id: None,
            user_id: Some(format!("u{i}")),
            model: "Mi 15".into(),
            os_version: "15".into(),
            app_version: "9".into(),
            // One person switched notifications off.
            notifications_on: Some(i != 5),
            environment: Environment::Production,
            test: Some(i == 0),
            zone: None,
            tokens: vec![(Vendor::Xiaomi, format!("token-{i}"))],
            now: NOW,
        });
        storage.devices.register(app.no, devices.collect()).await.unwrap();
        let copies = CopyDesk::new(storage.clone(), world.clone());
        let planner = Planner::new(
            storage.clone(),
            coordination,
            world.clone(),
            pipeline::broker::health::Healths::default(),
            pipeline::broker::policies::Policies::new(storage.clone(), world.clone()),
        );
        let desk = CampaignDesk::new(storage.clone(), world.clone(), accept, controls.clone(), planner.clone());
        Desk { storage, clock, world, desk, controls, copies, planner, app, _folder: folder }
    }

    async fn crowd(&self, users: &[&str]) -> CrowdId {
        let id = UploadId::from_bytes(self.world.id());
        let detected = Detected {
            encoding: Encoding::Utf8,
            bom: false,
            gzip: false,
            delimiter: Some(','),
            header: true,
            columns: vec!["id".into(), "姓名".into()],
            preview: vec![],
            bad_bytes: 0,
        };
        let upload = NewUpload {
            id: id.clone(),
            app_no: self.app.no,
            file_name: "f.csv".into(),
            file_size: 1,
            sha256: id.to_string(),
            path: "f".into(),
            detected,
            signature: "s".into(),
            created_by: "usr_ann".into(),
            now: NOW,
        };
        self.storage.crowds.add_upload(upload).await.unwrap();
        let mapping = Mapping { variables: BTreeMap::from([("姓名".to_owned(), 1)]), ..Mapping::default() };
        let no = self.storage.crowds.begin_check(&id, &CrowdId::from_bytes(self.world.id()), &mapping, NOW).await.unwrap();
        let mut sorted = users.to_vec();
        sorted.sort_by_key(|u| key_of(KeyKind::User, None, u));
        let mut writer = BlockWriter::new(KeyKind::User, &["姓名".to_owned()]);
        for user in &sorted {
            let mut values = Vec::new();
            put_value(&mut values, 0, &format!("名{user}"));
            writer.push(key_of(KeyKind::User, None, user), None, user, &values);
        }
        if !writer.is_empty() {
            self.storage.crowds.add_blocks(no, vec![writer.take()]).await.unwrap();
        }
        let counts = CrowdCounts { rows: users.len() as u64, valid: users.len() as u64, ..CrowdCounts::default() };
        self.storage.crowds.finish_check(&id, no, &counts, &BTreeMap::new(), NOW).await.unwrap();
        self.storage.crowds.confirm(&id, &format!("crowd {no}"), "usr_ann", NOW).await.unwrap().0
    }

    async fn form(&self, users: &[&str]) -> CampaignForm {
        let crowd = self.crowd(users).await;
        let copy =
            CopyForm {
                name: format!("copy of {crowd}"), title: "{{姓名}}您好".into(), body: "请复诊".into(), ..CopyForm::default()
            };
        let copy = self.copies.save(&self.app, None, &copy, &ann()).await.unwrap();
        CampaignForm {
            name: "复诊提醒".into(),
            class: "bulk".into(),
            crowd: crowd.to_string(),
            copy: copy.id.to_string(),
            lanes: "app".into(),
            when: "now".into(),
            zone: "Asia/Shanghai".into(),
            ..CampaignForm::default()
        }
    }

    async fn messages(&self) -> usize {
        self.storage.messages.list(self.app.no, &MessageFilter::default(), &PageRequest::default()).await.unwrap().items.len()
    }
}

fn fields(problem: &Problem) -> Vec<&str> {
    problem.errors.iter().map(|e| e.field.as_str()).collect()
}

#[tokio::test]
async fn a_started_campaign_is_one_message_of_a_fixed_version() {
    let desk = Desk::open().await;
    let form = desk.form(&["u0", "u1", "u5", "nobody"]).await;
    let draft = desk.desk.save(&desk.app, None, &form, &ann()).await.unwrap();
    let check = desk.desk.check(&desk.app, &draft.spec, true).await.unwrap();
    assert_eq!(check.errors, []);
    let estimate = check.estimate.unwrap();
    assert_eq!((estimate.rows, estimate.looked_at, estimate.reachable[&Vendor::Xiaomi]), (4, 4, 2));
    assert_eq!(estimate.filtered, [(FilterRule::NoDevice, 1), (FilterRule::SwitchOff, 1)]);
    assert!(check.samples.iter().all(|s| s.content.title.starts_with("名") && s.missing.is_empty()));

    let running = desk.desk.launch(&desk.app, &draft.id, draft.revision, &Pressed::default(), &ann()).await.unwrap();
    assert_eq!((running.state, running.spec.copy_version), (CampaignState::Running, Some(1)));
    assert_eq!(running.spec.deadline, Some(NOW + 24 * 3_600_000));
    let again = desk.desk.launch(&desk.app, &draft.id, draft.revision, &Pressed::default(), &ann()).await.unwrap_err();
    assert_eq!(again.code, Code::WrongState);
    assert_eq!(desk.messages().await, 1);

    while desk.planner.step(MessageClass::Bulk).await.unwrap() {}
    let progress = desk.desk.progress(&running, &BTreeMap::new()).await.unwrap();
    assert!(progress.equation.holds());
    assert_eq!((progress.equation.planned, progress.equation.filtered, progress.equation.waiting), (4, 2, 2), "as the estimate said");
    let lane = progress.lanes.iter().find(|l| l.vendor == Some(Vendor::Xiaomi)).unwrap();
    assert!(lane.eta.is_some() && progress.eta == lane.eta);

    desk.desk.pause(&desk.app, &draft.id, &ann()).await.unwrap();
    assert_eq!(desk.desk.pause(&desk.app, &draft.id, &ann()).await.unwrap_err().code, Code::WrongState);
    let paused = desk.desk.find(&desk.app, &draft.id).await.unwrap();
    let progress = desk.desk.progress(&paused, &BTreeMap::new()).await.unwrap();
    let lane = progress.lanes.iter().find(|l| l.vendor == Some(Vendor::Xiaomi)).unwrap();
    assert_eq!((lane.eta, lane.why_waiting.as_ref().unwrap().en.as_str()), (None, "the campaign is paused"));
    desk.desk.resume(&desk.app, &draft.id, &ann()).await.unwrap();
    assert_eq!(desk.desk.resend(&desk.app, &draft.id, &[Outcome::Cancelled], &ann()).await.unwrap_err().code, Code::InvalidFields);
    desk.desk.cancel(&desk.app, &draft.id, &ann()).await.unwrap();
    let over = desk.desk.find(&desk.app, &draft.id).await.unwrap();
    assert_eq!(over.state, CampaignState::Cancelled);
    assert_eq!(desk.desk.equation(over.message.unwrap().0).await.unwrap().cancelled, 2);
    desk.desk.resend(&desk.app, &draft.id, &[Outcome::Cancelled], &ann()).await.unwrap();
    while desk.planner.step(MessageClass::Bulk).await.unwrap() {}
    let resends = desk.desk.side_messages(&desk.app, &draft.id, Origin::Resend).await.unwrap();
    assert_eq!(resends[0].equation.planned, 2, "exactly those two");

    let log = desk.storage.people.audit_list(&AuditFilter::default(), &PageRequest::default()).await.unwrap();
    let actions: Vec<String> = log.items.into_iter().map(|row| row.entry.action).rev().collect();
    let campaign: Vec<&str> = actions.iter().filter_map(|a| a.strip_prefix("campaign.")).collect();
    assert_eq!(campaign, ["create", "start", "pause", "resume", "cancel", "resend"]);
}

#[tokio::test]
async fn what_must_be_mended_is_named_field_by_field() {
    let desk = Desk::open().await;
    let empty = CampaignForm { name: "x".into(), ..CampaignForm::default() };
    let draft = desk.desk.save(&desk.app, None, &empty, &ann()).await.unwrap();
    let refused = desk.desk.launch(&desk.app, &draft.id, draft.revision, &Pressed::default(), &ann()).await.unwrap_err();
    assert_eq!(fields(&refused), ["copy", "crowd"]);

    let good = desk.form(&["nobody", "none"]).await;
    let form = CampaignForm { when: "at".into(), local: "2026-11-20T08:00".into(), deadline: "2026-11-19T08:00".into(), ..good };
    let saved = desk.desk.save(&desk.app, Some((&draft.id, draft.revision)), &form, &ann()).await.unwrap();
    let refused = desk.desk.launch(&desk.app, &draft.id, saved.revision, &Pressed::default(), &ann()).await.unwrap_err();
    assert_eq!(fields(&refused), ["local", "deadline", "crowd"]);
    assert!(refused.errors[2].reason.en.contains("no reachable device in the 2 rows looked at (no device 2)"));
    assert_eq!(desk.messages().await, 0, "nothing refused leaves half a trace");

    let stale = desk.desk.save(&desk.app, Some((&draft.id, draft.revision)), &form, &ann()).await.unwrap_err();
    assert_eq!(stale.code, Code::Conflict);
    let stale = desk.desk.launch(&desk.app, &draft.id, draft.revision, &Pressed::default(), &ann()).await.unwrap_err();
    assert_eq!(stale.code, Code::Conflict);

    let long = CopyForm { name: "long".into(), title: "题".repeat(50), body: "b".into(), ..CopyForm::default() };
    assert_eq!(desk.copies.save(&desk.app, None, &long, &ann()).await.unwrap_err().errors[0].field, "title");
}

#[tokio::test]
async fn a_schedule_starts_at_its_time_or_says_why_not() {
    let desk = Desk::open().await;
    let form = CampaignForm { when: "at".into(), local: "2026-11-21T18:00".into(), ..desk.form(&["u1"]).await };
    let good = desk.desk.save(&desk.app, None, &form, &ann()).await.unwrap();
    let scheduled = desk.desk.launch(&desk.app, &good.id, good.revision, &Pressed::default(), &ann()).await.unwrap();
    assert_eq!((scheduled.state, scheduled.due_at), (CampaignState::Scheduled, Some(NOW + 3_600_000)));
    let form = CampaignForm { when: "at".into(), local: "2026-11-21T18:00".into(), ..desk.form(&["u2"]).await };
    let bad = desk.desk.save(&desk.app, None, &form, &ann()).await.unwrap();
    desk.desk.launch(&desk.app, &bad.id, bad.revision, &Pressed::default(), &ann()).await.unwrap();
    let copy = bad.spec.copy.clone().unwrap();
    desk.copies.archive(&desk.app, &copy, true, &ann()).await.unwrap();

    desk.clock.advance(3_599_000);
    desk.desk.tick().await.unwrap();
    assert_eq!(desk.messages().await, 0);
    // The process was down at the hour itself.
    desk.clock.advance(600_000);
    desk.desk.tick().await.unwrap();
    desk.desk.tick().await.unwrap();
    assert_eq!(desk.messages().await, 1);
    assert_eq!(desk.desk.find(&desk.app, &good.id).await.unwrap().state, CampaignState::Running);
    let back = desk.desk.find(&desk.app, &bad.id).await.unwrap();
    assert_eq!((back.state, fields(&back.trouble.unwrap())), (CampaignState::Draft, vec!["copy"]));
}

#[tokio::test]
async fn a_start_cut_short_is_finished_once() {
    let desk = Desk::open().await;
    let draft = desk.desk.save(&desk.app, None, &desk.form(&["u1"]).await, &ann()).await.unwrap();
    // The process died between the state and the message.
    let step = Move::new(CampaignState::Draft, CampaignState::Running, "ann", NOW);
    desk.storage.campaigns.advance(&draft.id, step).await.unwrap().unwrap();
    desk.desk.tick().await.unwrap();
    assert_eq!(desk.messages().await, 0, "a start this young is in its caller's hands");
    desk.clock.advance(6_000);
    desk.desk.tick().await.unwrap();
    desk.desk.tick().await.unwrap();
    assert_eq!(desk.messages().await, 1);
    let running = desk.desk.find(&desk.app, &draft.id).await.unwrap();
    let (no, _) = running.message.unwrap();
    // The message ends; the campaign follows.
    desk.storage.messages.cancel(no, NOW).await.unwrap();
    desk.desk.tick().await.unwrap();
    assert_eq!(desk.desk.find(&desk.app, &draft.id).await.unwrap().state, CampaignState::Cancelled);
}

#[tokio::test]
async fn a_test_send_reaches_test_devices_only() {
    let desk = Desk::open().await;
    let draft = desk.desk.save(&desk.app, None, &desk.form(&["u1", "u2"]).await, &ann()).await.unwrap();
    let all = desk.storage.devices.list(desk.app.no, &Default::default(), &PageRequest::default()).await.unwrap().items;
    let test: Vec<DeviceId> = all.iter().filter(|d| d.test).map(|d| d.id.clone()).collect();
    let live = all.iter().find(|d| !d.test).unwrap().id.clone();
    let refused = desk.desk.test_send(&desk.app, &draft.id, &[test[0].clone(), live], &ann()).await.unwrap_err();
    assert_eq!(fields(&refused), ["devices"]);
    assert_eq!(fields(&desk.desk.test_send(&desk.app, &draft.id, &[], &ann()).await.unwrap_err()), ["devices"]);
    assert_eq!(desk.messages().await, 0);
    desk.desk.test_send(&desk.app, &draft.id, &test, &ann()).await.unwrap();
    while desk.planner.step(MessageClass::Bulk).await.unwrap() {}
    let tests = desk.desk.side_messages(&desk.app, &draft.id, Origin::Test).await.unwrap();
    assert_eq!((tests.len(), tests[0].equation.planned, tests[0].equation.waiting), (1, 1, 1));
    assert_eq!(desk.desk.find(&desk.app, &draft.id).await.unwrap().state, CampaignState::Draft, "a test starts nothing");
}

/// Test sends, and test sends sent again, carry the campaign's id; its funnel counts neither, however many there are.
#[tokio::test]
async fn a_campaigns_funnel_counts_its_message_and_resends_but_no_test() {
    let desk = Desk::open().await;
    let draft = desk.desk.save(&desk.app, None, &desk.form(&["u0", "u1"]).await, &ann()).await.unwrap();
    let all = desk.storage.devices.list(desk.app.no, &Default::default(), &PageRequest::default()).await.unwrap().items;
    let test: Vec<DeviceId> = all.iter().filter(|d| d.test).map(|d| d.id.clone()).collect();
    desk.desk.test_send(&desk.app, &draft.id, &test, &ann()).await.unwrap();
    let campaign = MessageFilter { campaign: Some(draft.id.clone()), ..MessageFilter::default() };
    let sent = async || desk.storage.messages.list(desk.app.no, &campaign, &PageRequest::default()).await.unwrap().items;
    let tested = sent().await.remove(0);
    desk.storage.messages.cancel(tested.no, NOW).await.unwrap();
    while desk.planner.step(MessageClass::Bulk).await.unwrap() {}
    let tested = desk.storage.messages.get(tested.no).await.unwrap().unwrap();
    desk.controls.resend(&desk.app, &tested, &[Outcome::Cancelled], "ann", "").await.unwrap();
    assert_eq!(funnel::parts(&desk.storage, desk.app.no, &draft.id).await.unwrap(), [], "nothing was started");

    desk.desk.launch(&desk.app, &draft.id, draft.revision, &Pressed::default(), &ann()).await.unwrap();
    while desk.planner.step(MessageClass::Bulk).await.unwrap() {}
    desk.desk.cancel(&desk.app, &draft.id, &ann()).await.unwrap();
    desk.desk.test_send(&desk.app, &draft.id, &test, &ann()).await.unwrap();
    desk.desk.resend(&desk.app, &draft.id, &[Outcome::Cancelled], &ann()).await.unwrap();
    while desk.planner.step(MessageClass::Bulk).await.unwrap() {}
    let all = sent().await;
    let origins: Vec<Origin> = all.iter().rev().map(|m| m.origin).collect();
    assert_eq!(origins, [Origin::Test, Origin::Test, Origin::Campaign, Origin::Test, Origin::Resend]);
    let parts = funnel::parts(&desk.storage, desk.app.no, &draft.id).await.unwrap();
    assert_eq!(parts, [(all[2].no, all[2].id.clone()), (all[0].no, all[0].id.clone())]);
    let nos: Vec<i64> = parts.iter().map(|(no, _)| *no).collect();
    let total = funnel::of_messages(&desk.storage, &nos).await.unwrap().total;
    assert!(total.holds());
    assert_eq!((total.planned, total.cancelled, total.waiting), (4, 2, 2), "two cancelled, and the same two again");
}

fn eve() -> Actor {
    Actor { id: "usr_eve".into(), name: "eve".into(), ..ann() }
}

impl Desk {
    async fn rules(&self, rules: Rules) {
        let seen = self.storage.policy.get(self.app.no).await.unwrap().revision;
        self.storage.policy.put_rules(self.app.no, seen, &rules, "t", NOW, None).await.unwrap();
        // What planning knows of the rules may be half a second old.
        self.clock.advance(1_000);
    }

    async fn start(&self, campaign: &Campaign, pressed: Pressed) -> Result<Campaign, Problem> {
        self.desk.launch(&self.app, &campaign.id, campaign.revision, &pressed, &ann()).await
    }

    async fn judge(&self, campaign: &Campaign, sections: &[Section], said: Said, by: &Actor) -> Result<(), Problem> {
        self.desk.judge(&self.app, &campaign.id, campaign.revision, (sections, said), "看过", by).await
    }
}

/// The estimate of the composer, the forecast and the fact are three answers to one question.
#[tokio::test]
async fn estimate_forecast_and_fact_agree_on_every_rule() {
    let desk = Desk::open().await;
    let rules = Rules { caps: vec![Cap { business: None, per: Span::Day, most: 1, transactional_exempt: false }], ..Rules::default() };
    desk.rules(rules).await;
    let before = desk.form(&["u1"]).await;
    let before = desk.desk.save(&desk.app, None, &before, &ann()).await.unwrap();
    desk.start(&before, Pressed::default()).await.unwrap();
    while desk.planner.step(MessageClass::Bulk).await.unwrap() {}
    let blocked = NewBlocked { user_id: "u2".into(), group: String::new(), reason: String::new() };
    desk.storage.policy.block(desk.app.no, &[blocked], "t", NOW, None).await.unwrap();
    desk.clock.advance(1_000);

    let form = desk.form(&["u0", "u1", "u2", "u3", "u4", "u5", "nobody"]).await;
    let draft = desk.desk.save(&desk.app, None, &form, &ann()).await.unwrap();
    let estimate = desk.desk.check(&desk.app, &draft.spec, true).await.unwrap().estimate.unwrap();
    let expected = [(FilterRule::NoDevice, 1), (FilterRule::SwitchOff, 1), (FilterRule::Blacklist, 1), (FilterRule::Cap, 1)];
    assert_eq!((estimate.filtered.as_slice(), estimate.reachable[&Vendor::Xiaomi]), (&expected[..], 3));
    let slots = async || desk.storage.policy.claims(desk.app.no).await.unwrap();
    let claimed = slots().await;
    let view = desk.desk.forecast_view(&desk.app, &draft.id).await.unwrap();
    let forecast = view.forecast.unwrap();
    assert_eq!((forecast.planned, forecast.reachable(), forecast.dropped(), forecast.missed()), (7, 3, 4, 0));
    assert_eq!(slots().await, claimed, "a forecast takes nobody's place");
    assert_eq!(desk.messages().await, 1, "and stores nothing");
    assert_eq!(forecast.others.iter().map(|o| (o.id.clone(), o.devices)).collect::<Vec<_>>(), [(before.id.clone(), 1)]);

    let running = desk.start(&draft, Pressed::default()).await.unwrap();
    while desk.planner.step(MessageClass::Bulk).await.unwrap() {}
    let view = desk.desk.forecast_view(&desk.app, &running.id).await.unwrap();
    let facts = view.facts.unwrap();
    assert_eq!(view.forecast.unwrap(), forecast, "the one that was shown");
    assert_eq!((facts.equation.planned, facts.equation.filtered, facts.equation.waiting), (7, 4, 3));
    assert_eq!(facts.rules.len(), 4);
    for rule in &facts.rules {
        assert_eq!(rule.rule.devices, rule.fact, "{rule:?}");
    }
    assert_eq!((facts.lanes[0].equation.planned, facts.lanes[0].forecast.as_ref().unwrap().devices), (3, 3));
}

#[tokio::test]
async fn a_deadline_that_must_be_missed_is_answered_for_by_name() {
    let desk = Desk::open().await;
    desk.storage
        .apps
        .pause_lane(
            desk.storage.apps.lanes_of(desk.app.no).await.unwrap().iter().find(|l| l.vendor == Vendor::Xiaomi).unwrap().no,
            Some("auth: bad key".into()),
            None,
        )
        .await
        .unwrap();
    let draft = desk.desk.save(&desk.app, None, &desk.form(&["u1", "u2"]).await, &ann()).await.unwrap();
    let refused = desk.start(&draft, Pressed::default()).await.unwrap_err();
    assert_eq!(fields(&refused), ["why"]);
    assert!(refused.errors[0].reason.en.contains("2 devices miss the deadline"), "{}", refused.errors[0].reason.en);
    let started = desk.start(&draft, Pressed { why: "  the key comes at noon ".into(), ..Pressed::default() }).await.unwrap();
    let view = desk.desk.forecast_view(&desk.app, &started.id).await.unwrap();
    assert_eq!(view.overruled.map(|o| (o.by, o.why)), Some(("ann".into(), "the key comes at noon".into())));
    let log = desk.storage.people.audit_list(&AuditFilter::default(), &PageRequest::default()).await.unwrap();
    assert!(log.items.iter().any(|row| row.entry.action == "campaign.overrule" && row.entry.actor_id == "usr_ann"));
}

#[tokio::test]
async fn a_large_one_needs_a_second_person_who_said_yes_to_exactly_this() {
    let desk = Desk::open().await;
    desk.rules(Rules { approve_above: 1, confirm_above: 1, ..Rules::default() }).await;
    let form = desk.form(&["u1", "u2"]).await;
    let draft = desk.desk.save(&desk.app, None, &form, &ann()).await.unwrap();
    let typed = || Pressed { app_name: desk.app.name.clone(), why: String::new() };
    assert_eq!(fields(&desk.start(&draft, Pressed::default()).await.unwrap_err()), ["approval", "app_name"]);
    assert_eq!(fields(&desk.start(&draft, typed()).await.unwrap_err()), ["approval"]);
    desk.judge(&draft, &[], Said::Asked, &ann()).await.unwrap();
    let own = desk.judge(&draft, &Section::ALL, Said::Approved, &ann()).await.unwrap_err();
    assert_eq!(own.code, Code::NotAllowed, "no self-approval");
    // What waits, as each of them sees it.
    let waiting = async |who: &Actor| {
        let list = desk.desk.waiting(std::slice::from_ref(&desk.app), (&who.id, &who.name)).await.unwrap();
        list.into_iter()
            .map(|w| (w.id, w.asked_by, w.barred.is_some(), w.sections.iter().filter(|(_, s)| s.is_some()).count()))
            .collect::<Vec<_>>()
    };
    let line = |barred, judged| vec![(draft.id.clone(), "ann".to_owned(), barred, judged)];
    assert_eq!((waiting(&ann()).await, waiting(&eve()).await), (line(true, 0), line(false, 0)));
    desk.judge(&draft, &Section::ALL[..2], Said::Approved, &eve()).await.unwrap();
    assert_eq!(waiting(&eve()).await, line(false, 2));
    assert_eq!(fields(&desk.start(&draft, typed()).await.unwrap_err()), ["approval"], "two of three");
    desk.judge(&draft, &Section::ALL, Said::Approved, &eve()).await.unwrap();
    assert!(waiting(&eve()).await.is_empty(), "approved whole");
    // An edit, and back again: void all the same.
    let edited = CampaignForm { business: "x".into(), ..form.clone() };
    let changed = desk.desk.save(&desk.app, Some((&draft.id, draft.revision)), &edited, &ann()).await.unwrap();
    let changed = desk.desk.save(&desk.app, Some((&draft.id, changed.revision)), &form, &ann()).await.unwrap();
    assert_eq!(fields(&desk.start(&changed, typed()).await.unwrap_err()), ["approval"]);
    let late = desk.judge(&draft, &Section::ALL, Said::Approved, &eve()).await.unwrap_err();
    assert_eq!(late.code, Code::Conflict, "not what they saw");
    let empty = desk.desk.judge(&desk.app, &changed.id, changed.revision, (&Section::ALL, Said::Refused), " ", &eve()).await.unwrap_err();
    assert_eq!(fields(&empty), ["comment"]);
    desk.judge(&changed, &Section::ALL[..1], Said::Refused, &eve()).await.unwrap();
    let refused = desk.start(&changed, typed()).await.unwrap_err();
    assert!(refused.errors[0].reason.en.contains("eve"), "{}", refused.errors[0].reason.en);
    desk.judge(&changed, &Section::ALL, Said::Approved, &eve()).await.unwrap();
    let view = desk.desk.approval_view(&desk.app, &changed.id, ("usr_ann", "ann")).await.unwrap();
    assert!(view.approved() && view.required() && view.barred.is_some());
    assert_eq!(view.history.iter().filter(|v| v.void).count(), 6, "what was said before the edit, the asking too");
    assert_eq!(desk.start(&changed, typed()).await.unwrap().state, CampaignState::Running);
    let log = desk.storage.people.audit_list(&AuditFilter::default(), &PageRequest::default()).await.unwrap();
    let said: Vec<&str> = log
        .items
        .iter()
        .rev()
        .map(|row| row.entry.action.as_str())
        .filter(|a| ["campaign.ask", "campaign.approve", "campaign.refuse"].contains(a))
        .collect();
    assert_eq!(said, ["campaign.ask", "campaign.approve", "campaign.approve", "campaign.refuse", "campaign.approve"]);
}

#[tokio::test]
async fn who_wrote_the_copy_may_not_approve_what_uses_it() {
    let desk = Desk::open().await;
    let draft = desk.desk.save(&desk.app, None, &desk.form(&["u1", "u2"]).await, &ann()).await.unwrap();
    let copy = desk.storage.copies.get(draft.spec.copy.as_ref().unwrap()).await.unwrap().unwrap();
    let form = CopyForm { name: copy.name.clone(), title: "{{姓名}}".into(), body: "夏娃的话".into(), ..CopyForm::default() };
    desk.copies.save(&desk.app, Some((&copy.id, copy.newest.number)), &form, &eve()).await.unwrap();
    let own = desk.judge(&draft, &Section::ALL, Said::Approved, &eve()).await.unwrap_err();
    assert!(own.code == Code::NotAllowed && own.detail.is_some_and(|why| why.en.contains("copy")));
    assert!(desk.desk.approval_view(&desk.app, &draft.id, ("usr_eve", "eve")).await.unwrap().barred.is_some());
    desk.judge(&draft, &Section::ALL, Said::Approved, &Actor { id: "usr_mia".into(), name: "mia".into(), ..ann() }).await.unwrap();
}

#[tokio::test]
async fn a_scheduled_one_whose_yes_was_voided_does_not_start() {
    let desk = Desk::open().await;
    desk.rules(Rules { approve_above: 1, ..Rules::default() }).await;
    let schedule = |form: CampaignForm| CampaignForm { when: "at".into(), local: "2026-11-21T18:00".into(), ..form };
    let mut both = Vec::new();
    for users in [["u1", "u2"], ["u3", "u4"]] {
        let draft = desk.desk.save(&desk.app, None, &schedule(desk.form(&users).await), &ann()).await.unwrap();
        desk.judge(&draft, &Section::ALL, Said::Approved, &eve()).await.unwrap();
        both.push(desk.start(&draft, Pressed::default()).await.unwrap());
    }
    assert!(both.iter().all(|c| c.state == CampaignState::Scheduled));
    // The copy of the second goes on after the yes; it is sent in its newest version.
    let copy = desk.storage.copies.get(both[1].spec.copy.as_ref().unwrap()).await.unwrap().unwrap();
    let form = CopyForm { name: copy.name.clone(), title: "{{姓名}}".into(), body: "改过了".into(), ..CopyForm::default() };
    desk.copies.save(&desk.app, Some((&copy.id, copy.newest.number)), &form, &ann()).await.unwrap();
    desk.clock.advance(3_600_000);
    desk.desk.tick().await.unwrap();
    assert_eq!(desk.desk.find(&desk.app, &both[0].id).await.unwrap().state, CampaignState::Running);
    let back = desk.desk.find(&desk.app, &both[1].id).await.unwrap();
    assert_eq!((back.state, fields(&back.trouble.unwrap())), (CampaignState::Draft, vec!["approval"]));
    assert_eq!(desk.messages().await, 1);
}

/// A recipient's messages are found however the message named them; the file of outcomes has a line for everybody and starts no formula.
#[tokio::test]
async fn messages_are_found_by_recipient_and_their_outcomes_are_a_file() {
    let desk = Desk::open().await;
    let draft = desk.desk.save(&desk.app, None, &desk.form(&["u0", "u1", "=nobody"]).await, &ann()).await.unwrap();
    let all = desk.storage.devices.list(desk.app.no, &Default::default(), &PageRequest::default()).await.unwrap().items;
    let test: Vec<DeviceId> = all.iter().filter(|d| d.test).map(|d| d.id.clone()).collect();
    // To the device of u0, by its id.
    let tested = desk.desk.test_send(&desk.app, &draft.id, &test, &ann()).await.unwrap();
    let (no, id) = desk.start(&draft, Pressed::default()).await.unwrap().message.unwrap();
    while desk.planner.step(MessageClass::Bulk).await.unwrap() {}
    let got = async |user: &str, no: i64| {
        let person = Person::of(&desk.storage, desk.app.no, user).await.unwrap();
        person.is_in(&desk.storage, no).await.unwrap()
    };
    for (user, campaign, tested_too) in [("u0", true, true), ("u1", true, false), ("u2", false, false), ("=nobody", true, false)] {
        assert_eq!((got(user, no).await, got(user, tested.no).await), (campaign, tested_too), "{user}");
    }
    let parts: Vec<_> = outcomes::file(
        desk.storage.clone(),
        vec![(no, id.clone()), (tested.no, tested.id.clone())],
        Lang::En,
        Format::Csv,
        Default::default(),
    )
    .collect()
    .await;
    let text = parts.into_iter().map(|part| String::from_utf8(part.unwrap().to_vec()).unwrap()).collect::<String>();
    let mut rows = csv::ReaderBuilder::new().from_reader(text.trim_start_matches('\u{feff}').as_bytes());
    assert_eq!(rows.headers().unwrap().iter().take(6).collect::<Vec<_>>(), ["message", "user", "device", "target", "lane", "outcome"]);
    let rows: Vec<csv::StringRecord> = rows.records().map(Result::unwrap).collect();
    let mut told: Vec<(&str, &str, &str, &str)> = rows.iter().map(|r| (&r[0], &r[1], &r[3], &r[5])).collect();
    told.sort_unstable();
    let mut expected = vec![
        (id.as_str(), "u0", "", "waiting"),
        (id.as_str(), "u1", "", "waiting"),
        (id.as_str(), "", "'=nobody", "filtered"),
        (tested.id.as_str(), "u0", "", "waiting"),
    ];
    expected.sort_unstable();
    assert_eq!(told, expected);
    assert!(!text.contains("token-"), "no token stands in the file");
}
