//! The whole router over a real house on a temporary store; the clock stands still.

mod dead_letters;
mod devices;
mod limits;
mod policy;
mod recall;
mod signing;

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use pipeline::access::keys;
use pipeline::access::signature::{Key, Parts, sha256};
use pipeline::house::{House, Plan};
use pipeline::storage::apps::{App, NewApp};
use pipeline::vault::{MasterKey, Vault};
use pipeline::world::{HeldClock, SeededRandom, World};
use serde_json::{Value, json};
use tower::ServiceExt;
use types::ids::AppId;
use types::vendor::{Environment, Vendor};

use super::limit::Limits;

const NOW: i64 = 1_795_179_600_000;

struct Desk {
    house: Arc<House>,
    router: Router,
    app: App,
    secret: String,
    clock: Arc<HeldClock>,
    dir: tempfile::TempDir,
    nonce: std::cell::Cell<u64>,
}

struct Answer {
    status: StatusCode,
    headers: axum::http::HeaderMap,
    body: Value,
}

async fn house(dir: &tempfile::TempDir, clock: Arc<HeldClock>, seed: u64) -> Arc<House> {
    let world = World::new(clock, SeededRandom::new(seed));
    let master = MasterKey::random(&World::new(HeldClock::at(0), SeededRandom::new(1)));
    let vault = Arc::new(Vault::new(world.clone(), &master, None).expect("a vault"));
    House::build(Plan {
        database_url: format!("sqlite://{}", dir.path().join("test.db").display()),
        data_dir: dir.path().to_owned(),
        node: "test".into(),
        roles: pipeline::house::Roles::ALL,
        redis_url: None,
        version: String::new(),
        world,
        vault,
        public_url: None,
    })
    .await
    .expect("a house")
}

impl Desk {
    async fn new() -> Desk {
        let dir = tempfile::tempdir().expect("a folder");
        let clock = HeldClock::at(NOW);
        let house = house(&dir, clock.clone(), 2).await;
        let (app, secret) = make_app(&house, "Shop").await;
        let router = super::router(house.clone(), Limits::NONE);
        Desk { house, router, app, secret, clock, dir, nonce: std::cell::Cell::new(0) }
    }

    fn fresh_nonce(&self) -> String {
        self.nonce.set(self.nonce.get() + 1);
        format!("nonce-{:016}", self.nonce.get())
    }

    fn request(&self, method: &str, target: &str, body: &str) -> axum::http::request::Builder {
        self.request_with(method, target, body, &self.fresh_nonce(), &self.secret)
    }

    fn request_with(&self, method: &str, target: &str, body: &str, nonce: &str, secret: &str) -> axum::http::request::Builder {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let timestamp = (self.house.world.now() / 1_000).to_string();
        let parts = Parts { method, path, query, timestamp: &timestamp, nonce, body_sha256: sha256(body.as_bytes()) };
        Request::builder()
            .method(method)
            .uri(target)
            .header("X-App-Key", &self.app.app_key)
            .header("X-Timestamp", &timestamp)
            .header("X-Nonce", nonce)
            .header("X-Signature", Key::new(secret).sign(&parts.to_sign()))
    }

    async fn oneshot(&self, request: Request<Body>) -> Answer {
        oneshot(&self.router, request).await
    }

    async fn call(&self, method: &str, target: &str, body: Value) -> Answer {
        let text = if body.is_null() { String::new() } else { body.to_string() };
        let request = self.request(method, target, &text).body(Body::from(text)).expect("a request");
        self.oneshot(request).await
    }

    /// The call with a header replaced (or removed, when empty).
    async fn spoiled(&self, header: &'static str, value: &str) -> Answer {
        let mut request = self.request("GET", "/v1/messages?size=1", "").body(Body::empty()).expect("a request");
        request.headers_mut().remove(header);
        if !value.is_empty() {
            request.headers_mut().insert(header, value.parse().expect("a value"));
        }
        self.oneshot(request).await
    }
}

async fn oneshot(router: &Router, request: Request<Body>) -> Answer {
    let response = router.clone().oneshot(request).await.expect("an answer");
    let (status, headers) = (response.status(), response.headers().clone());
    let bytes = to_bytes(response.into_body(), 1 << 24).await.expect("a body");
    let body = if bytes.is_empty() {
        Value::Null
    } else {
        serde_json::from_slice(&bytes).unwrap_or_else(|_| String::from_utf8_lossy(&bytes).into())
    };
    Answer { status, headers, body }
}

async fn make_app(house: &House, name: &str) -> (App, String) {
    let id = AppId::from_bytes(house.world.id());
    let secret = keys::fresh_app_secret(&house.world);
    let app = house
        .storage
        .apps
        .create(
            NewApp {
                id: id.clone(),
                name: name.into(),
                description: String::new(),
                environment: Environment::Production,
                default_title: "Shop".into(),
                vendor_order: vec![Vendor::Xiaomi, Vendor::Apns],
                services: vec!["push".into()],
                app_key: keys::fresh_app_key(&house.world),
                client_key: keys::fresh_client_key(&house.world),
                callback_secret: keys::fresh_callback_secret(&house.world),
                secret_sealed: keys::seal_secret(&house.vault, &id, &secret),
                created_at: NOW,
            },
            None,
        )
        .await
        .expect("an app");
    (app, secret)
}

fn problem(answer: &Answer, status: u16, code: &str) -> String {
    assert_eq!((answer.status.as_u16(), answer.body["code"].as_str()), (status, Some(code)), "{}", answer.body);
    assert_eq!(answer.headers["content-type"], "application/problem+json");
    assert_eq!(answer.body["status"], status);
    let id = answer.body["request_id"].as_str().expect("a request id");
    assert_eq!(answer.headers["x-request-id"], id);
    assert!(!answer.body["title"].as_str().expect("a title").is_empty());
    answer.body["detail"].as_str().unwrap_or_default().to_owned()
}

fn fields(answer: &Answer) -> Vec<String> {
    answer.body["errors"].as_array().into_iter().flatten().map(|e| e["field"].as_str().expect("a field").to_owned()).collect()
}

fn message() -> Value {
    json!({"content": {"title": "订单", "body": "已发货"}, "targets": {"users": ["u1"]}})
}

fn apns(n: u64) -> String {
    format!("{n:064x}")
}

#[tokio::test]
async fn a_message_is_durable_read_paused_resumed_and_cancelled() {
    let desk = Desk::new().await;
    let sent = desk.call("POST", "/v1/messages", message()).await;
    assert_eq!((sent.status.as_u16(), sent.body["repeated"].as_bool()), (202, Some(false)), "{}", sent.body);
    let id = sent.body["id"].as_str().expect("an id").to_owned();
    let read = desk.call("GET", &format!("/v1/messages/{id}"), Value::Null).await;
    assert_eq!((read.body["state"].as_str(), read.body["equation"]["planned"].as_u64()), (Some("planning"), Some(0)), "{}", read.body);
    assert_eq!(read.body["deadline"], "2026-11-21T13:00:00Z", "a day from now");
    let verb = async |verb: &str, body: Value| desk.call("POST", &format!("/v1/messages/{id}:{verb}"), body).await;
    problem(&verb("resend", json!({"outcomes": ["refused"]})).await, 409, "wrong_state");
    assert_eq!(verb("pause", Value::Null).await.status, 204);
    problem(&verb("pause", Value::Null).await, 409, "wrong_state");
    assert_eq!(verb("resume", Value::Null).await.status, 204);
    assert_eq!(verb("cancel", Value::Null).await.body["cancelled"], 0);
    problem(&verb("cancel", Value::Null).await, 409, "wrong_state");
    problem(&verb("explode", Value::Null).await, 404, "not_found");
    problem(&verb("resend", json!({"outcomes": ["accepted"]})).await, 422, "invalid_fields");
    let again = verb("resend", json!({"outcomes": ["cancelled"]})).await;
    assert_eq!(again.status, 202, "{}", again.body);
    let list = desk.call("GET", "/v1/messages?state=cancelled", Value::Null).await;
    assert_eq!(list.body["items"][0]["id"], json!(id));
}

#[tokio::test]
async fn an_idempotency_key_sends_once() {
    let desk = Desk::new().await;
    let send = async |body: Value| {
        let text = body.to_string();
        let request =
            desk.request("POST", "/v1/messages", &text).header("Idempotency-Key", "order-17").body(Body::from(text)).expect("a request");
        desk.oneshot(request).await
    };
    let first = send(message()).await;
    let second = send(message()).await;
    assert_eq!((first.status.as_u16(), second.status.as_u16()), (202, 200));
    assert_eq!((&first.body["id"], second.body["repeated"].as_bool()), (&second.body["id"], Some(true)));
    let mut other = message();
    other["content"]["body"] = json!("另一条");
    problem(&send(other).await, 409, "idempotency_conflict");
}

#[tokio::test]
async fn messages_at_fault_name_each_field_and_leave_no_trace() {
    let desk = Desk::new().await;
    let refused = async |change: Value, code: u16, field: &str| {
        let mut body = message();
        for (key, value) in change.as_object().expect("an object") {
            body[key] = value.clone();
        }
        let answer = desk.call("POST", "/v1/messages", body).await;
        assert_eq!(answer.status, code, "{change}: {}", answer.body);
        if code == 422 {
            assert!(fields(&answer).iter().any(|f| f == field), "{change}: {}", answer.body);
        }
    };
    let long = json!({"content": {"title": "药".repeat(50), "body": "b"}});
    refused(long, 422, "content.title").await;
    refused(json!({"content": {"title": "t", "body": " "}}), 422, "content.body").await;
    refused(json!({"content": {"title": "t", "body": "b", "click": {"kind": "url", "url": "http://a"}}}), 422, "content.click.url").await;
    refused(json!({"content": {"title": "t", "body": "b", "colour": 1}}), 400, "").await;
    refused(json!({"targets": {}}), 422, "targets").await;
    refused(json!({"targets": {"users": []}}), 422, "targets").await;
    refused(json!({"targets": {"users": ["a"], "devices": ["b"]}}), 422, "targets").await;
    refused(json!({"targets": {"users": vec!["a"; 10_001]}}), 422, "targets").await;
    refused(json!({"targets": {"tokens": [{"vendor": "apns", "token": "xyz"}]}}), 422, "targets.tokens[0].token").await;
    refused(json!({"targets": {"tokens": [{"vendor": "nokia", "token": "xyz"}]}}), 400, "").await;
    refused(json!({"targets": {"crowd": format!("crd_{}", "0".repeat(32))}}), 422, "targets.crowd").await;
    refused(json!({"deadline": "tomorrow"}), 422, "deadline").await;
    refused(json!({"deadline": "2026-11-20T12:59:59+00:00"}), 422, "deadline").await;
    refused(json!({"deadline": "2027-11-20T12:59:59+00:00"}), 422, "deadline").await;
    refused(json!({"class": "urgent"}), 400, "").await;
    refused(json!({"business": "b".repeat(41)}), 422, "business").await;
    let list = desk.call("GET", "/v1/messages", Value::Null).await;
    assert_eq!(list.body["items"], json!([]), "nothing refused leaves a trace");
    let text = "x".repeat((1 << 20) + 1);
    let request = desk.request("POST", "/v1/messages", &text).body(Body::from(text)).expect("a request");
    problem(&desk.oneshot(request).await, 413, "too_large");
    let request = desk.request("POST", "/v1/messages", "{").body(Body::from("{")).expect("a request");
    assert!(problem(&desk.oneshot(request).await, 400, "invalid_body").contains("line 1"));
}

#[tokio::test]
async fn apps_never_see_each_others_things() {
    let desk = Desk::new().await;
    let sent = desk.call("POST", "/v1/messages", message()).await;
    let device = desk.call("POST", "/v1/devices", json!({"devices": [{"tokens": [{"vendor": "apns", "token": apns(1)}]}]})).await;
    let (app, secret) = make_app(&desk.house, "Other").await;
    let other = Desk {
        app,
        secret,
        router: desk.router.clone(),
        house: desk.house.clone(),
        clock: desk.clock.clone(),
        dir: tempfile::tempdir().expect("a folder"),
        nonce: std::cell::Cell::new(0),
    };
    let message = sent.body["id"].as_str().expect("an id");
    for (method, target) in [
        ("GET", format!("/v1/messages/{message}")),
        ("GET", format!("/v1/messages/{message}/recipients")),
        ("POST", format!("/v1/messages/{message}:cancel")),
        ("GET", format!("/v1/devices/{}", device.body["ids"][0].as_str().expect("an id"))),
    ] {
        problem(&other.call(method, &target, Value::Null).await, 404, "not_found");
    }
}

#[tokio::test]
async fn recipients_are_paged_filtered_and_found_by_name() {
    use pipeline::storage::chunks::NewChunk;
    use pipeline::storage::frame::{Outcomes, Reason, Recipient, encode_recipients, key_of};
    use pipeline::storage::messages::PlanStep;
    use types::crowd::KeyKind;
    use types::ids::MessageId;
    use types::life::Outcome;

    let desk = Desk::new().await;
    let device =
        desk.call("POST", "/v1/devices", json!({"devices": [{"user_id": "u0", "tokens": [{"vendor": "apns", "token": apns(1)}]}]})).await;
    let users: Vec<String> = (0..25).map(|i| format!("u{i}")).collect();
    let mut body = message();
    body["targets"] = json!({"users": users});
    let sent = desk.call("POST", "/v1/messages", body).await;
    let id = sent.body["id"].as_str().expect("an id").to_owned();
    let message_no = desk.house.storage.messages.by_id(&MessageId::trusted(id.as_str())).await.expect("read").expect("there").no;
    // Planned by hand: two chunks, every fifth recipient refused.
    let mut all: Vec<Recipient> = users
        .iter()
        .map(|user| Recipient {
            key: key_of(KeyKind::User, None, user),
            device_no: i64::from(user == "u0"),
            target: user.clone(),
            ..Recipient::default()
        })
        .collect();
    all.sort_by_key(|r| r.key);
    let chunks = all
        .chunks(15)
        .map(|part| {
            let mut outcomes = Outcomes::waiting(part.len());
            for i in (0..part.len()).step_by(5) {
                outcomes.set(i, Outcome::Refused, Some(Reason { slug: "invalid_token".into(), words: "410 Unregistered".into() }));
            }
            NewChunk {
                lane_no: None,
                vendor: Some(Vendor::Apns),
                priority: 10,
                flow: 0,
                deadline: NOW + 1_000,
                count: part.len() as u32,
                first_key: part[0].key,
                last_key: part[part.len() - 1].key,
                recipients: encode_recipients(part),
                outcomes: outcomes.encode(),
                why: "first in order".into(),
                done: true,
                policy: pipeline::storage::policy::ChunkPolicy::default(),
                deltas: Vec::new(),
            }
        })
        .collect();
    let step = PlanStep { message_no, from: 0, to: 25, chunks, claim: None, last: true, now: NOW };
    assert_eq!(desk.house.storage.messages.plan(vec![step]).await.expect("planned"), [true]);

    let mut seen = Vec::new();
    let mut target = format!("/v1/messages/{id}/recipients?size=10");
    loop {
        let page = desk.call("GET", &target, Value::Null).await;
        assert_eq!(page.status, 200, "{}", page.body);
        seen.extend(page.body["items"].as_array().expect("items").iter().map(|r| r["target"].as_str().expect("a target").to_owned()));
        let Some(next) = page.body["next"].as_str() else { break };
        target = format!("/v1/messages/{id}/recipients?size=10&after={next}");
    }
    let expected: Vec<String> = all.iter().map(|r| r.target.clone()).collect();
    assert_eq!(seen, expected, "each once, in order");
    let refused = desk.call("GET", &format!("/v1/messages/{id}/recipients?outcome=refused&outcome=expired"), Value::Null).await;
    assert_eq!(refused.body["items"].as_array().map(Vec::len), Some(5), "{}", refused.body);
    assert_eq!(refused.body["items"][0]["words"], "410 Unregistered");
    let one = desk.call("GET", &format!("/v1/messages/{id}/recipients?user_id=u0"), Value::Null).await;
    let found = &one.body["items"][0];
    assert_eq!((&found["device"], found["user_id"].as_str(), found["vendor"].as_str()), (&device.body["ids"][0], Some("u0"), Some("apns")));
    let nobody = desk.call("GET", &format!("/v1/messages/{id}/recipients?user_id=u99"), Value::Null).await;
    assert_eq!(nobody.body["items"], json!([]));
    for bad in ["outcome=lost", "user_id=a&device_id=b", "token=a", "after=x", "size=201"] {
        problem(&desk.call("GET", &format!("/v1/messages/{id}/recipients?{bad}"), Value::Null).await, 422, "invalid_fields");
    }
}

#[tokio::test]
async fn phones_register_and_report_with_the_client_key_only() {
    let desk = Desk::new().await;
    let post = async |target: &str, key: &str, body: Value| {
        let mut request = Request::post(target).body(Body::from(body.to_string())).expect("a request");
        if !key.is_empty() {
            request.headers_mut().insert("x-client-key", key.parse().expect("a value"));
        }
        desk.oneshot(request).await
    };
    let key = desk.app.client_key.clone();
    let phone = json!({"user_id": "u1", "tokens": [{"vendor": "apns", "token": apns(7)}]});
    let made = post("/v1/client/devices", &key, phone.clone()).await;
    assert_eq!(made.status, 200, "{}", made.body);
    let mut test = phone.clone();
    test["test"] = json!(true);
    let refused = post("/v1/client/devices", &key, test).await;
    problem(&refused, 422, "invalid_fields");
    assert_eq!(fields(&refused), ["test"]);
    let reports = json!({"reports": [
        {"message": format!("msg_{}", "1".repeat(32)), "device": made.body["ids"][0], "event": "received"},
        {"message": "msg_1", "device": made.body["ids"][0], "event": "received"}]});
    let answer = post("/v1/client/reports", &key, reports.clone()).await;
    assert_eq!((answer.status.as_u16(), answer.body["kept"].as_u64()), (200, Some(1)), "{}", answer.body);
    assert_eq!(answer.body["refused"][0]["field"], "reports[1].message");
    for (target, body) in [("/v1/client/devices", phone), ("/v1/client/reports", reports)] {
        let missing = post(target, "", body.clone()).await;
        problem(&missing, 401, "client_key_wrong");
        assert_eq!(fields(&missing), ["X-Client-Key"]);
        for wrong in ["ck_nobody", &desk.secret, &desk.app.app_key] {
            problem(&post(target, wrong, body.clone()).await, 401, "client_key_wrong");
        }
    }
    problem(&post("/v1/client/reports", &key, json!({"reports": []})).await, 422, "invalid_fields");
    problem(&post("/v1/client/reports", &key, json!({"reports": [{"colour": 1}]})).await, 400, "invalid_body");
}

#[tokio::test]
async fn callbacks_are_kept_before_they_are_answered_and_strangers_find_nothing() {
    let desk = Desk::new().await;
    let post = async |target: String, body: String| desk.oneshot(Request::post(target).body(Body::from(body)).expect("a request")).await;
    let secret = &desk.app.callback_secret;
    let good = post(format!("/callbacks/xiaomi/{secret}"), "data=%7B%7D".into()).await;
    assert_eq!(good.status, 200);
    let garbage = post(format!("/callbacks/xiaomi/{secret}"), "\u{1}<html>".into()).await;
    assert_eq!(garbage.status, 200, "kept raw, whatever it is");
    for target in
        [format!("/callbacks/xiaomi/{}", "0".repeat(32)), format!("/callbacks/apns/{secret}"), format!("/callbacks/nokia/{secret}")]
    {
        problem(&post(target, "data=%7B%7D".into()).await, 404, "not_found");
    }
    let large = post(format!("/callbacks/xiaomi/{secret}"), "x".repeat((1 << 20) + 1)).await;
    assert_eq!(large.status, 413);

    // A vendor that tries the address hears its random word again, by either method; a stranger hears nothing.
    let look = async |target: String| desk.oneshot(Request::get(target).body(Body::empty()).expect("a request")).await;
    let (got, posted) = (
        look(format!("/callbacks/jpush/{secret}?echostr=Ab12cd34")).await,
        post(format!("/callbacks/jpush/{secret}"), "echostr=Ab12cd34".into()).await,
    );
    for answer in [got, posted] {
        assert_eq!((answer.status.as_u16(), answer.body.as_str()), (200, Some("Ab12cd34")));
        assert_eq!(answer.headers["content-type"], "text/plain");
    }
    problem(&look(format!("/callbacks/jpush/{}?echostr=Ab12cd34", "0".repeat(32))).await, 404, "not_found");
}

#[tokio::test]
async fn a_crowd_is_uploaded_read_and_sent_to() {
    let desk = Desk::new().await;
    let file = "user_id,name\nu1,张三\nu2,李四\nu1,again\n,nobody\n";
    let request =
        desk.request("POST", "/v1/crowds?name=%E4%BC%9A%E5%91%98&file_name=a.csv", file).body(Body::from(file)).expect("a request");
    let made = desk.oneshot(request).await;
    assert_eq!((made.status.as_u16(), made.body["name"].as_str()), (201, Some("会员")), "{}", made.body);
    assert_eq!((made.body["rows"].as_u64(), made.body["valid"].as_u64(), made.body["duplicate"].as_u64()), (Some(4), Some(2), Some(1)));
    let id = made.body["id"].as_str().expect("an id");
    assert_eq!(desk.call("GET", &format!("/v1/crowds/{id}"), Value::Null).await.body, made.body);
    let rejects = desk.call("GET", &format!("/v1/crowds/{id}/rejects"), Value::Null).await;
    assert_eq!(rejects.headers["content-type"], "text/csv; charset=utf-8");
    let mut body = message();
    body["targets"] = json!({"crowd": id});
    assert_eq!(desk.call("POST", "/v1/messages", body).await.status, 202);
    problem(&desk.call("POST", "/v1/crowds", Value::Null).await, 422, "invalid_fields");
}

#[tokio::test]
async fn a_large_file_streams_under_its_declared_hash_and_a_forged_one_leaves_nothing() {
    let desk = Desk::new().await;
    let file: String = std::iter::once("user_id\n".to_owned()).chain((0..200_000).map(|i| format!("user-{i}\n"))).collect();
    assert!(file.len() > 1 << 20);
    let target = "/v1/crowds?name=large";
    let signed = |declared: &str, body: &str| {
        let request = desk.request("POST", target, declared);
        request.header("X-Content-Sha256", hex::encode(sha256(declared.as_bytes()))).body(Body::from(body.to_owned())).expect("a request")
    };
    let whole = desk.request("POST", target, &file).body(Body::from(file.clone())).expect("a request");
    assert!(problem(&desk.oneshot(whole).await, 413, "too_large").contains("X-Content-Sha256"));
    let forged = desk.oneshot(signed(&file, &file.replace("user-7\n", "user-x\n"))).await;
    assert!(forged.status.is_client_error(), "{} {}", forged.status, forged.body);
    assert_eq!(desk.call("GET", "/v1/crowds", Value::Null).await.body["items"], json!([]));
    let made = desk.oneshot(signed(&file, &file)).await;
    assert_eq!((made.status.as_u16(), made.body["valid"].as_u64()), (201, Some(200_000)), "{}", made.body);
    let wrong = desk.request("POST", target, "a").header("X-Content-Sha256", "zz").body(Body::from("a")).expect("a request");
    problem(&desk.oneshot(wrong).await, 422, "invalid_fields");
}

#[tokio::test]
async fn wrong_addresses_and_methods_are_problems_too() {
    let desk = Desk::new().await;
    let answer = desk.call("PATCH", "/v1/messages", Value::Null).await;
    assert_eq!((answer.status.as_u16(), answer.headers["content-type"].to_str().expect("text")), (405, "application/problem+json"));
    let cursor = desk.call("GET", &format!("/v1/messages/msg_{}/recipients?after=x", "0".repeat(32)), Value::Null).await;
    assert!(cursor.status == 404 || cursor.status == 422, "{}", cursor.body);
}

#[tokio::test]
async fn the_description_names_every_call_and_its_page_has_a_policy_of_its_own() {
    let desk = Desk::new().await;
    let get = async |target: &str| desk.oneshot(Request::get(target).body(Body::empty()).expect("a request")).await;
    let described = get("/openapi.json").await;
    assert_eq!(described.status, 200);
    let paths = described.body["paths"].as_object().expect("paths");
    let mut calls: Vec<String> = paths
        .iter()
        .flat_map(|(path, item)| item.as_object().expect("an item").keys().map(move |method| format!("{} {path}", method.to_uppercase())))
        .collect();
    calls.sort();
    insta::assert_snapshot!(calls.join("\n"));
    // What is described is there: unsigned, every signed call says so and nothing is 404.
    for call in calls.iter().filter(|call| call.contains(" /v1/") && !call.contains("/v1/client")) {
        let (method, path) = call.split_once(' ').expect("two words");
        let path = path.replace("{id}", "x").replace("{vendor}", "apns");
        let answer = desk.oneshot(Request::builder().method(method).uri(path).body(Body::empty()).expect("a request")).await;
        problem(&answer, 401, "signature_missing");
    }
    let page = get("/docs/api/").await;
    assert_eq!(page.status, 200);
    assert!(page.headers["content-security-policy"].to_str().expect("text").contains("script-src 'self'"));
}
