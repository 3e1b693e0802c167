//! The console's doors, tried whole: every server function and every page, without a session, and by every role, in the own app and
//! in another. A function or page that is missing from the lists fails the test, so nothing is forgotten.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use leptos::server_fn::axum::server_fn_paths;
use pipeline::house::House;
use pipeline::storage::people::{AuditCheck, NewPerson};
use pipeline::vault::Vault;
use pipeline::world::World;
use server::console::{self, Actor};
use server::passwords::Passwords;
use server::run::{self, Running};
use server::settings::Settings;
use tempfile::TempDir;
use types::ids::{AppId, PersonId};
use types::people::{Permission, Rights, Role};
use types::vendor::Environment;

#[path = "console/files.rs"]
mod files;

const PASSWORD: &str = "correct horse battery";

/// What a call needs.
#[derive(Clone, Copy, PartialEq)]
enum Need {
    /// To be signed in; what it shows is narrowed inside.
    Anybody,
    /// Of the app in its arguments.
    Of(Permission),
    /// Of no app.
    General(Permission),
}

use Need::{Anybody, General, Of};
use Permission::{Administer, Approve, Develop, Operate, See, SeeRecipients};

/// The table again, written by hand: the test compares it with what the functions really do.
const CALLS: &[(&str, Need)] = &[
    ("list_apps", Anybody),
    ("register_app", General(Develop)),
    ("read_app", Of(Develop)),
    ("change_app", Of(Develop)),
    ("add_app_secret", Of(Develop)),
    ("end_app_secret", Of(Develop)),
    ("put_vendor_credential", Of(Develop)),
    ("drop_vendor_credential", Of(Develop)),
    ("put_lane", Of(Develop)),
    ("pause_lane", Of(Develop)),
    ("list_nodes", General(Develop)),
    ("list_audit", General(Administer)),
    ("check_audit", General(Administer)),
    ("list_devices", Of(SeeRecipients)),
    ("read_device", Of(SeeRecipients)),
    ("set_test_device", Of(Develop)),
    ("view_laboratory", General(Develop)),
    ("read_dials", General(Develop)),
    ("turn_dials", General(Develop)),
    ("play_script", General(Develop)),
    ("stop_script", General(Develop)),
    ("list_own_sessions", Anybody),
    ("end_own_session", Anybody),
    ("view_second_step", Anybody),
    ("list_sessions", General(Administer)),
    ("end_session", General(Administer)),
    ("drop_second_step", General(Administer)),
    ("list_people", General(Administer)),
    ("fresh_link", General(Administer)),
    ("invite_person", General(Administer)),
    ("change_person", General(Administer)),
    ("make_person_link", General(Administer)),
    ("list_crowds", Of(See)),
    ("view_crowd", Of(See)),
    ("tag_crowd", Of(Operate)),
    ("combine_choices", Of(See)),
    ("combine_crowds", Of(Operate)),
    ("view_making", Of(See)),
    ("stop_making", Of(Operate)),
    ("view_upload", Of(Operate)),
    ("overrule_upload", Of(Operate)),
    ("check_upload", Of(Operate)),
    ("cancel_check", Of(Operate)),
    ("discard_upload", Of(Operate)),
    ("confirm_upload", Of(Operate)),
    ("list_copies", Of(See)),
    ("read_copy", Of(See)),
    ("copy_rules", Of(See)),
    ("save_copy", Of(Operate)),
    ("archive_copy", Of(Operate)),
    ("view_workbench", Of(Operate)),
    ("list_words", Of(See)),
    ("add_words", Of(Approve)),
    ("remove_word", Of(Approve)),
    ("list_campaigns", Of(See)),
    ("read_campaign", Of(See)),
    ("campaign_choices", Of(See)),
    ("look_campaign", Of(Operate)),
    ("save_campaign", Of(Operate)),
    ("duplicate_campaign", Of(Operate)),
    ("test_campaign", Of(Operate)),
    ("launch_campaign", Of(Operate)),
    ("control_campaign", Of(Operate)),
    ("resend_campaign", Of(Operate)),
    ("read_progress", Of(See)),
    ("view_overview", Of(See)),
    ("view_lanes", Of(See)),
    ("view_funnel", Of(See)),
    ("list_messages", Of(See)),
    ("view_message", Of(See)),
    ("list_recipients", Of(SeeRecipients)),
    ("list_dead_letters", Of(See)),
    ("replay_dead_letters", Of(Operate)),
    ("try_chunk_again", Of(Operate)),
    ("give_chunk_up", Of(Operate)),
    ("view_forecast", Of(See)),
    ("view_approval", Of(See)),
    ("ask_approval", Of(Operate)),
    ("judge_campaign", Of(Approve)),
    ("view_calendar", Of(See)),
    ("list_waiting", Of(Approve)),
    ("view_start", Of(Operate)),
    ("start_campaign", Of(Operate)),
    ("view_schedule", Of(See)),
    ("save_schedule", Of(Operate)),
    ("decide_late", Of(Operate)),
    ("view_recall", Of(See)),
    ("recall_sent", Of(Operate)),
    ("view_ramp", Of(See)),
    ("choose_ramp", Of(Operate)),
    ("continue_ramp", Of(Operate)),
    ("list_breakers", Of(See)),
    ("save_breaker", Of(Develop)),
    ("list_follow_ups", Of(See)),
    ("save_follow_up", Of(Develop)),
    ("view_silent", Of(See)),
    ("resend_silent", Of(Operate)),
    ("view_policy", Of(See)),
    ("save_policy", Of(Approve)),
    ("stop_app", Of(Operate)),
    ("list_blacklist", Of(SeeRecipients)),
    ("block_accounts", Of(Operate)),
    ("unblock_account", Of(Operate)),
];

/// Arguments for every call at once: what a call does not know it ignores, so that each gets past its reading of arguments.
fn arguments(app: &AppId) -> Vec<(String, String)> {
    let mut out: Vec<(String, String)> = Vec::new();
    let mut add = |name: &str, value: &str| out.push((name.to_owned(), value.to_owned()));
    add("app", app.as_str());
    for text in
        ["upload", "crowd", "message", "name", "text", "tag", "state", "email", "environment", "vendor", "key", "making", "tags", "person"]
    {
        add(text, "x");
    }
    for text in ["encoding", "delimiter", "header", "id"] {
        add(text, "x");
    }
    add("what", "pause");
    add("lines[0]", "1");
    add("said", "approved");
    for number in ["no", "key_column", "expected", "revision", "script", "chunk"] {
        add(number, "1");
    }
    for truth in ["test", "archived"] {
        add(truth, "true");
    }
    let query =
        "ip user token vendor test after actor action campaign message range from to audit state origin text outcome reason receipt";
    for key in query.split(' ') {
        add(&format!("query[{key}]"), "");
    }
    let form = "name business class crowd copy copy_version variables lanes when local zone deadline tags note title body subtitle click \
                click_to image badge sound interruption thread channel_id extras";
    for key in form.split_whitespace() {
        add(&format!("form[{key}]"), "x");
    }
    add("form[show_in_foreground]", "true");
    for (key, value) in [
        ("base_url", "x"),
        ("pace_per_second", "1"),
        ("batch", "1"),
        ("in_flight", "1"),
        ("daily_quota", "0"),
        ("reserve_percent", "10"),
        ("timeout_ms", "1"),
    ] {
        add(&format!("lane[{key}]"), value);
    }
    out
}

struct Bench {
    running: Running,
    house: Arc<House>,
    client: reqwest::Client,
    base: String,
    one: AppId,
    two: AppId,
    /// Slug of the role -> cookie.
    cookies: BTreeMap<&'static str, String>,
    folder: TempDir,
}

#[expect(clippy::disallowed_methods, reason = "this client plays the browser")]
fn browser() -> reqwest::Client {
    // The first test of the process installs it; the others find it there.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().expect("a client")
}

async fn person(house: &House, hash: &str, email: &str, rights: Rights) {
    let id = PersonId::from_bytes(house.world.id());
    let entry = Actor::system().entry(&house.world, "person.create", id.as_str(), None, None, None);
    let new = NewPerson { id, email: email.into(), name: email.into(), rights, password: Some(hash.into()), created_at: house.world.now() };
    house.storage.people.create(new, entry).await.expect("a person");
}

impl Bench {
    async fn new() -> Bench {
        let folder = tempfile::tempdir().expect("a folder");
        let key: PathBuf = folder.path().join("key");
        Vault::create_key_file(&World::system(), &key).expect("a key");
        let settings = Settings {
            listen: "127.0.0.1:0".parse().expect("an address"),
            data_dir: folder.path().join("data"),
            master_key_file: Some(key),
            site_dir: Some(folder.path().join("no-site")),
            ..Settings::default()
        };
        let house = run::build(&settings).await.expect("a house");
        let app = |name: &str| {
            let form = app::ports::apps::AppForm { name: name.into(), ..Default::default() };
            let house = house.clone();
            async move {
                let made = console::apps::register(&house, &Actor::system(), &form, Environment::Sandbox).await;
                made.expect("an app").app.id
            }
        };
        let (one, two) = (app("One").await, app("Two").await);
        let hash = Passwords::new(World::system()).expect("a hasher").hash(PASSWORD).await.expect("a hash");
        let running = Running::start(settings, house.clone(), None).await.expect("a listener");
        let base = format!("http://{}", running.address);
        let mut bench =
            Bench { running, house: house.clone(), client: browser(), base, one: one.clone(), two, cookies: BTreeMap::new(), folder };
        for role in Role::ALL {
            let email = format!("{}@example.com", role.slug());
            person(&house, &hash, &email, Rights { role: Some(role), apps: BTreeMap::new() }).await;
            let cookie = bench.sign_in(&email, PASSWORD).await.expect("signed in");
            bench.cookies.insert(role.slug(), cookie);
        }
        let only = Rights { role: None, apps: BTreeMap::from([(one, Role::Admin)]) };
        person(&house, &hash, "only@example.com", only).await;
        let cookie = bench.sign_in("only@example.com", PASSWORD).await.expect("signed in");
        bench.cookies.insert("only", cookie);
        bench
    }

    /// The address of a server function.
    fn call(name: &str) -> &'static str {
        server_fn_paths().map(|(path, _)| path).find(|path| name_of(path) == name).unwrap_or_else(|| panic!("{name}"))
    }

    async fn form(&self, path: &str, cookie: Option<&str>, pairs: &[(String, String)]) -> reqwest::Response {
        let mut request = self.client.post(format!("{}{path}", self.base)).header("origin", &self.base).form(pairs);
        if let Some(cookie) = cookie {
            request = request.header("cookie", cookie);
        }
        request.send().await.expect("an answer")
    }

    async fn page(&self, path: &str, cookie: Option<&str>) -> (u16, String) {
        let mut request = self.client.get(format!("{}{path}", self.base)).header("accept", "text/html");
        if let Some(cookie) = cookie {
            request = request.header("cookie", cookie);
        }
        let response = request.send().await.expect("an answer");
        let location = response.headers().get("location").and_then(|v| v.to_str().ok()).unwrap_or_default().to_owned();
        (response.status().as_u16(), location)
    }

    /// `name=value` of the session cookie, or `None` when refused.
    async fn sign_in(&self, email: &str, password: &str) -> Option<String> {
        let pairs = [("email".to_owned(), email.to_owned()), ("password".to_owned(), password.to_owned())];
        let response = self.form("/session/sign-in", None, &pairs).await;
        assert_eq!(response.status().as_u16(), 303);
        let cookie = response.headers().get("set-cookie")?.to_str().ok()?.to_owned();
        for attribute in ["HttpOnly", "SameSite=Lax", "Path=/"] {
            assert!(cookie.contains(attribute), "{attribute} in {cookie}");
        }
        cookie.split(';').next().map(str::to_owned)
    }

    async fn end(self) {
        self.running.stop().await.expect("an end");
        self.house.stop().await;
        drop(self.folder);
    }
}

fn name_of(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

#[tokio::test]
async fn every_server_function_asks_the_table_first() {
    let bench = Bench::new().await;
    let needs: BTreeMap<&str, Need> = CALLS.iter().copied().collect();
    let mut seen = Vec::new();
    for (path, method) in server_fn_paths() {
        assert_eq!(method.as_str(), "POST", "{path}");
        let need = *needs.get(name_of(path)).unwrap_or_else(|| panic!("{path} is missing from the table of this test"));
        seen.push(name_of(path));
        let own = arguments(&bench.one);
        let refused = bench.form(path, None, &own).await;
        let (status, body) = (refused.status().as_u16(), refused.text().await.unwrap_or_default());
        assert_eq!(status, 401, "{path} without a session: {body}");
        assert!(body.contains("not_signed_in"), "{path} without a session: {body}");
        for role in Role::ALL {
            let allowed = match need {
                Anybody => true,
                Of(permission) | General(permission) => role.may(permission),
            };
            let answer = bench.form(path, bench.cookies.get(role.slug()).map(String::as_str), &own).await;
            let (status, body) = (answer.status().as_u16(), answer.text().await.unwrap_or_default());
            assert!(!body.contains("invalid_body"), "{path}: an argument is missing from this test: {body}");
            assert_eq!(status != 403 && !body.contains("not_allowed"), allowed, "{path} as {}: {status} {body}", role.slug());
            assert_ne!(status, 401, "{path} as {}", role.slug());
        }
        // Administrator of one app only: nothing in the other, nothing that belongs to no app.
        let only = bench.cookies.get("only").map(String::as_str);
        let elsewhere = bench.form(path, only, &arguments(&bench.two)).await;
        assert_eq!(elsewhere.status().as_u16() == 403, need != Anybody, "{path} in another app");
    }
    seen.sort_unstable();
    let mut table: Vec<&str> = needs.keys().copied().collect();
    table.sort_unstable();
    assert_eq!(seen, table, "the table names functions that are not there");
    // All that was done is in the log, and the log is whole.
    assert!(matches!(bench.house.storage.people.audit_check().await.expect("a check"), AuditCheck::Whole(n) if n > 10));
    bench.end().await;
}

#[tokio::test]
async fn every_page_opens_for_whom_the_table_says() {
    use app::routes::{Door, PAGES};
    let bench = Bench::new().await;
    let concrete = |path: &str, app: &AppId| {
        path.split('/')
            .map(|part| match part {
                ":app" => app.as_str().to_owned(),
                part if part.starts_with(':') => "x".to_owned(),
                part => part.to_owned(),
            })
            .collect::<Vec<_>>()
            .join("/")
    };
    for page in PAGES {
        let path = concrete(page.path, &bench.one);
        let (status, location) = bench.page(&path, None).await;
        if page.door == Door::Open {
            assert_eq!(status, 200, "{path}");
            continue;
        }
        assert_eq!(status, 303, "{path} without a session");
        assert!(location.starts_with("/sign-in?next="), "{path}: {location}");
        for role in Role::ALL {
            let (status, location) = bench.page(&path, bench.cookies.get(role.slug()).map(String::as_str)).await;
            let allowed = match page.door {
                Door::Needs(permission) | Door::NeedsSomewhere(permission) => role.may(permission),
                Door::Open | Door::SignedIn => true,
            };
            assert_eq!(location != "/forbidden", allowed, "{path} as {}: {status} {location}", role.slug());
        }
        if let (Door::Needs(_), true) = (page.door, page.path.contains(":app")) {
            let (_, location) = bench.page(&concrete(page.path, &bench.two), bench.cookies.get("only").map(String::as_str)).await;
            assert_eq!(location, "/forbidden", "{path} in another app");
        }
    }
    let (status, _) = bench.page("/nowhere", bench.cookies.get("admin").map(String::as_str)).await;
    assert_eq!(status, 404);
    bench.end().await;
}

#[tokio::test]
async fn a_session_begins_ends_and_cannot_be_forged() {
    let bench = Bench::new().await;
    assert_eq!(bench.sign_in("admin@example.com", "correct horse batterY").await, None, "a wrong password");
    assert_eq!(bench.sign_in("nobody@example.com", PASSWORD).await, None, "an unknown person");
    let first = bench.sign_in("admin@example.com", PASSWORD).await.expect("a session");
    let second = bench.sign_in("admin@example.com", PASSWORD).await.expect("a session");
    assert_ne!(first, second, "a new id at every sign-in");
    assert_eq!(bench.page("/account", Some(&first)).await.0, 200);

    // Forged: from another site, by header or by origin.
    let state_changes: Vec<String> = server_fn_paths().map(|(path, _)| path.to_owned()).chain(["/session/sign-out".to_owned()]).collect();
    for path in &state_changes {
        for (name, value) in
            [("sec-fetch-site", "cross-site"), ("sec-fetch-site", "same-site"), ("origin", "https://evil.example"), ("origin", "null")]
        {
            let forged = bench
                .client
                .post(format!("{}{path}", bench.base))
                .header("cookie", &first)
                .header(name, value)
                .form(&arguments(&bench.one))
                .send()
                .await
                .expect("an answer");
            assert_eq!(forged.status().as_u16(), 403, "{path} with {name}: {value}");
        }
    }
    assert_eq!(bench.page("/account", Some(&first)).await.0, 200, "no forged request signed anybody out");

    // A new password ends the other sessions and starts this one anew.
    let change =
        |current: &str| vec![("current".to_owned(), current.to_owned()), ("password".to_owned(), "another horse battery".to_owned())];
    let wrong = bench.form("/session/password", Some(&first), &change("nonsense nonsense")).await;
    assert_eq!(wrong.headers().get("location").and_then(|v| v.to_str().ok()), Some("/account?reason=current"));
    let done = bench.form("/session/password", Some(&first), &change(PASSWORD)).await;
    assert_eq!(done.headers().get("location").and_then(|v| v.to_str().ok()), Some("/account?reason=done"));
    let fresh =
        done.headers().get("set-cookie").and_then(|v| v.to_str().ok()).and_then(|v| v.split(';').next()).expect("a cookie").to_owned();
    assert_eq!(bench.page("/account", Some(&first)).await.0, 303, "the old id is over");
    assert_eq!(bench.page("/account", Some(&second)).await.0, 303, "the other browser is signed out");
    assert_eq!(bench.page("/account", Some(&fresh)).await.0, 200);

    // Signing out ends it for good.
    bench.form("/session/sign-out", Some(&fresh), &[]).await;
    assert_eq!(bench.page("/account", Some(&fresh)).await.0, 303, "reuse after signing out");
    bench.end().await;
}

/// Where an answer leads, and the session cookie it sets.
fn led(response: &reqwest::Response) -> (String, Option<String>) {
    let header = |name: &str| response.headers().get(name).and_then(|v| v.to_str().ok()).map(str::to_owned);
    (header("location").unwrap_or_default(), header("set-cookie").and_then(|v| v.split(';').next().map(str::to_owned)))
}

#[tokio::test]
async fn a_second_step_is_asked_and_no_code_works_twice() {
    use server::{second_step, totp};
    let bench = Bench::new().await;
    let pairs = |list: &[(&str, &str)]| list.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect::<Vec<_>>();
    let text = async |path: &str, cookie: &str| {
        let page = bench.client.get(format!("{}{path}", bench.base)).header("cookie", cookie).header("accept", "text/html");
        page.send().await.expect("an answer").text().await.expect("a page")
    };
    let people = &bench.house.storage.people;
    let admin = people.by_email("admin@example.com").await.expect("a look").expect("the administrator");
    let other = bench.sign_in("admin@example.com", PASSWORD).await.expect("another browser");
    let cookie = bench.sign_in("admin@example.com", PASSWORD).await.expect("a session");

    // Set up: by the password only, and it asks nobody before a first code.
    let refused = bench.form("/session/second-step/prepare", Some(&cookie), &pairs(&[("current", "nonsense nonsense")])).await;
    assert_eq!(led(&refused).0, "/account/second-step?reason=current");
    bench.form("/session/second-step/prepare", Some(&cookie), &pairs(&[("current", PASSWORD)])).await;
    assert!(bench.sign_in("admin@example.com", PASSWORD).await.is_some());
    let step = people.second_step(&admin.id).await.expect("a look").expect("a secret");
    assert!(!step.active);
    let secret = second_step::secret(&bench.house, &admin.id, &step).expect("opened");
    assert!(!String::from_utf8_lossy(&step.sealed).contains(&totp::base32(&secret)), "sealed");
    let page = text("/account/second-step", &cookie).await;
    assert!(page.contains("<path d=\"M4 4h1v1h-1z") && page.contains(&totp::base32(&secret)[..4]), "the code to scan, and the key");
    let now = totp::step_at(bench.house.world.now());
    let code = |step: i64| format!("{:06}", totp::code(&secret, step));
    let wrong = bench.form("/session/second-step/confirm", Some(&cookie), &pairs(&[("code", "12345")])).await;
    assert_eq!(led(&wrong).0, "/account/second-step?reason=code");
    let on = bench.form("/session/second-step/confirm", Some(&cookie), &pairs(&[("code", &code(now))])).await;
    let (to, fresh) = led(&on);
    assert_eq!(to, "/account/second-step?reason=on");
    let cookie = fresh.expect("a new session");
    assert_eq!(bench.page("/account", Some(&other)).await.0, 303, "the other browser is signed out");
    let page = text("/account/second-step", &cookie).await;
    let codes: Vec<String> = page.split("<code>").skip(1).filter_map(|rest| rest.split('<').next()).map(str::to_owned).collect();
    assert_eq!(codes.len(), totp::RECOVERY_CODES);
    assert!(!text("/account/second-step", &cookie).await.contains(&codes[0]), "shown once");

    // The password alone is nobody.
    let password = pairs(&[("email", "admin@example.com"), ("password", PASSWORD), ("next", "/people")]);
    let sign_in = async || {
        let (to, waiting) = led(&bench.form("/session/sign-in", None, &password).await);
        assert_eq!(to, "/sign-in/code");
        waiting.expect("a session that waits")
    };
    let say = async |cookie: &str, typed: &str| led(&bench.form("/session/code", Some(cookie), &pairs(&[("code", typed)])).await);
    let waiting = sign_in().await;
    assert_eq!(bench.page("/account", Some(&waiting)).await.0, 303);
    assert_eq!(bench.form(Bench::call("list_people"), Some(&waiting), &[]).await.status().as_u16(), 401);
    assert_eq!(say(&waiting, &code(now)).await.0, "/sign-in/code?reason=code", "the code that proved the phone is used");
    let (to, inside) = say(&waiting, &code(now + 1)).await;
    assert_eq!(to, "/people", "where one wanted to go");
    let inside = inside.expect("a session");
    assert_ne!(inside, waiting, "a new id");
    assert_eq!(bench.page("/account", Some(&inside)).await.0, 200);
    assert_eq!(bench.page("/account", Some(&waiting)).await.0, 303);
    let waiting = sign_in().await;
    assert_eq!(say(&waiting, &code(now + 1)).await.0, "/sign-in/code?reason=code", "no code twice");

    // Without the phone: a recovery code, once.
    assert_eq!(say(&waiting, &codes[3].to_uppercase()).await.0, "/people");
    let waiting = sign_in().await;
    assert_eq!(say(&waiting, &codes[3]).await.0, "/sign-in/code?reason=code");
    assert_eq!(people.second_step(&admin.id).await.expect("a look").expect("there").recovery_left, totp::RECOVERY_CODES as u64 - 1);

    // Guessing is stopped, also with the next right code.
    let mut last = String::new();
    for _ in 0..12 {
        last = say(&waiting, "000000").await.0;
    }
    assert_eq!(last, "/sign-in/code?reason=slow");
    assert_eq!(say(&waiting, &codes[4]).await.0, "/sign-in/code?reason=slow");

    // A link sets the password and does not stand for the phone.
    let (token, _) = console::people::make_link(&bench.house, &Actor::cli(), Some(&admin.id)).await.expect("a link");
    let by_link = bench.form("/session/link", None, &pairs(&[("token", &token), ("password", "another horse battery")])).await;
    assert_eq!(led(&by_link).0, "/sign-in/code");

    // The way back when the phone is lost.
    let settings = Settings::default();
    let order = server::admin::Order::DropSecondStep { email: "Admin@example.com".into() };
    server::admin::run(order, &settings, &bench.house).await.expect("taken away");
    let only_password = bench.sign_in("admin@example.com", "another horse battery").await.expect("a session");
    assert_eq!(bench.page("/account", Some(&only_password)).await.0, 200);
    let order = server::admin::Order::DropSecondStep { email: "admin@example.com".into() };
    assert!(server::admin::run(order, &settings, &bench.house).await.is_err(), "there is none any more");
    bench.end().await;
}

#[tokio::test]
async fn sessions_are_listed_and_ended_one_by_one() {
    let bench = Bench::new().await;
    let here = bench.sign_in("viewer@example.com", PASSWORD).await.expect("a session");
    let there = bench.sign_in("viewer@example.com", PASSWORD).await.expect("a session");
    let list = async |cookie: &str| -> Vec<types::views::people::SessionView> {
        let answer = bench.form(Bench::call("list_own_sessions"), Some(cookie), &[]).await;
        answer.json().await.expect("sessions")
    };
    let own = list(&here).await;
    // Those of the bench and these two.
    assert_eq!((own.len(), own.iter().filter(|s| s.own).count()), (3, 1));
    assert!(own.iter().all(|s| s.address == "127.0.0.1" && s.since > 0 && s.name == "viewer@example.com"));
    let mine = own.iter().find(|s| s.own).expect("the own one").id.clone();
    let their = list(&there).await.into_iter().find(|s| s.own).expect("the own one").id;
    assert!(!here.contains(&mine), "the list names no cookie");
    let id = |id: &str| vec![("id".to_owned(), id.to_owned())];
    // Somebody else cannot end it by its name; the owner can, once.
    let stranger = bench.cookies.get("operator").map(String::as_str);
    assert_eq!(bench.form(Bench::call("end_own_session"), stranger, &id(&their)).await.status().as_u16(), 500, "not theirs");
    assert_eq!(bench.page("/account", Some(&there)).await.0, 200);
    assert_eq!(bench.form(Bench::call("end_own_session"), Some(&here), &id(&their)).await.status().as_u16(), 200);
    assert_eq!(bench.page("/account", Some(&there)).await.0, 303, "out at once");
    assert_eq!(bench.page("/account", Some(&here)).await.0, 200);
    // An administrator ends the other one.
    let admin = bench.cookies.get("admin").map(String::as_str);
    let viewer = own[0].person.as_str().to_owned();
    let both = vec![("id".to_owned(), mine), ("person".to_owned(), viewer)];
    assert_eq!(bench.form(Bench::call("end_session"), admin, &both).await.status().as_u16(), 200);
    assert_eq!(bench.page("/account", Some(&here)).await.0, 303);
    let log = bench.house.storage.people.audit_list(&Default::default(), &Default::default()).await.expect("the log");
    assert_eq!(log.items.iter().filter(|row| row.entry.action == "session.end").count(), 2);
    bench.end().await;
}

#[tokio::test]
async fn pages_carry_their_headers_and_keep_to_themselves() {
    let bench = Bench::new().await;
    let page = bench.client.get(format!("{}/sign-in?next=//evil.example", bench.base)).send().await.expect("an answer");
    let header = |name: &str| page.headers().get(name).and_then(|v| v.to_str().ok()).unwrap_or_default().to_owned();
    let policy = header("content-security-policy");
    assert!(policy.contains("script-src 'self' 'nonce-") && policy.contains("frame-ancestors 'none'"), "{policy}");
    assert!(!policy.contains("unsafe-inline"), "{policy}");
    assert_eq!(header("x-content-type-options"), "nosniff");
    assert_eq!(header("cache-control"), "no-store");
    assert!(header("x-request-id").starts_with("req_"));
    // After signing in one stays here.
    let pairs =
        [("email", "viewer@example.com"), ("password", PASSWORD), ("next", "//evil.example")].map(|(k, v)| (k.to_owned(), v.to_owned()));
    let signed_in = bench.form("/session/sign-in", None, &pairs).await;
    assert_eq!(signed_in.headers().get("location").and_then(|v| v.to_str().ok()), Some("/"));
    bench.end().await;
}
