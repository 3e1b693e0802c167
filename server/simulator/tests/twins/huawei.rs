//! The Huawei twins (HMS v1 and HarmonyOS v3) against the manual.

use crate::support::desk::{Desk, ears, huawei_key_file, rsa_jwt, with};
use crate::support::{Done, now, until};
use serde_json::{Value, json};
use simulator::{Dials, KeyedAccount, Outage, Receipts, Verdict};
use types::vendor::Vendor;

const APP: &str = "100000001";
const SEND: &str = "/v1/100000001/messages:send";
const V3: &str = "/v3/demo-shop/messages:send";

fn account() -> KeyedAccount {
    KeyedAccount::new(Vendor::Huawei, [("app_id", APP), ("client_secret", "hw-secret-0001")])
}

fn body(tokens: &[&str]) -> Value {
    json!({"message": {"token": tokens, "android": {"ttl": "86400s", "bi_tag": "tag-1", "category": "MARKETING", "notification": {
        "title": "标题", "body": "正文", "notify_id": 91234, "click_action": {"type": 3}}}}})
}

async fn bearer(d: &Desk) -> Result<String, reqwest::Error> {
    let fields = [("grant_type", "client_credentials"), ("client_id", APP), ("client_secret", "hw-secret-0001")];
    let said = d.form("/oauth2/v3/token", &[], &fields).await?;
    assert_eq!((said.status, &said.body["token_type"]), (200, &json!("Bearer")));
    Ok(format!("Bearer {}", said.text("/access_token")))
}

async fn code(d: &Desk, bearer: &str, body: &Value) -> Result<String, reqwest::Error> {
    Ok(d.json(SEND, &[("authorization", bearer)], body).await?.text("/code"))
}

#[tokio::test]
async fn tokens_are_issued_by_the_book_and_run_out() -> Done {
    let d = Desk::new(account()).await;
    for (id, secret, sub) in [("x1", "y", 20002), ("999", "y", 20003), (APP, "", 20171), (APP, "wrong", 12304)] {
        let fields = [("grant_type", "client_credentials"), ("client_id", id), ("client_secret", secret)];
        let said = d.form("/oauth2/v3/token", &[], &fields).await?;
        assert_eq!((said.status, &said.body["error"], &said.body["sub_error"]), (400, &json!(1101), &json!(sub)));
    }
    let good = bearer(&d).await?;
    assert_eq!(code(&d, &good, &body(&["tok-1"])).await?, "80000000");
    let said = d.json(SEND, &[("authorization", "Bearer guess")], &body(&["tok-1"])).await?;
    assert_eq!((said.status, said.text("/code")), (401, "80200001".into()));
    assert_eq!(d.twin.expire_passes(Vendor::Huawei), 1);
    assert_eq!(code(&d, &good, &body(&["tok-1"])).await?, "80200003");
    d.dial(Dials { pass_seconds: 60, ..Dials::default() });
    let short = bearer(&d).await?;
    assert_eq!(code(&d, &short, &body(&["tok-1"])).await?, "80000000");
    d.twin.advance_clock(std::time::Duration::from_secs(61));
    assert_eq!(code(&d, &short, &body(&["tok-1"])).await?, "80200003");
    d.dial(Dials { pass_error_share: 1.0, ..Dials::default() });
    let fields = [("grant_type", "client_credentials"), ("client_id", APP), ("client_secret", "hw-secret-0001")];
    assert_eq!(d.form("/oauth2/v3/token", &[], &fields).await?.status, 503);
    Ok(())
}

#[tokio::test]
async fn refusals_follow_the_order_of_the_manual() -> Done {
    let d = Desk::new(account()).await;
    let b = bearer(&d).await?;
    let said = d.json("/v1/messages:send", &[("authorization", &b)], &body(&["t"])).await?;
    assert_eq!((said.status, said.body), (404, Value::Null));
    let said = d.json("/v1/999/messages:send", &[("authorization", &b)], &body(&["t"])).await?;
    assert_eq!(said.text("/code"), "80300002");
    assert_eq!(d.raw(SEND, &[("authorization", &b)], "application/json", "{\"a\":".into()).await?.text("/code"), "80100003");
    let good = body(&["tok-1"]);
    let many = vec!["t"; 1_001];
    let n = "/message/android/notification";
    for (pointer, value, wanted) in [
        ("/message/token", json!("tok-1"), "80100003"),
        ("/message/token", Value::Null, "80300010"),
        ("/message/token", json!([]), "80300010"),
        ("/message/token", json!(many), "80300010"),
        ("/message/topic", json!("news"), "80300010"),
        (&format!("{n}/body"), json!("长".repeat(1_400)), "80300008"),
        ("/message/android/ttl", json!("1d"), "80100003"),
        ("/message/android/ttl", json!("1296001s"), "80100004"),
        ("/message/android/collapse_key", json!(101), "80100013"),
        ("/message/android/urgency", json!("HIGH"), "80300011"),
        ("/message/android/category", json!("NONSENSE"), "80100001"),
        (&format!("{n}/title"), Value::Null, "80100001"),
        (&format!("{n}/click_action"), json!({"type": 1}), "80100001"),
        (&format!("{n}/image"), json!("http://img.example.com/a.png"), "80100001"),
        (&format!("{n}/badge"), json!({"add_num": 100}), "80100001"),
        ("/message/android/receipt_id", json!("RCP9"), "80300013"),
    ] {
        assert_eq!(code(&d, &b, &with(&good, pointer, value)).await?, wanted, "{pointer}");
    }
    assert!(d.twin.ledger().is_empty());
    assert_eq!(code(&d, &b, &json!({"validate_only": true, "message": good["message"]})).await?, "80000000");
    assert!(d.twin.ledger().is_empty(), "validation delivers nothing");
    Ok(())
}

#[tokio::test]
async fn partial_failures_and_flow_control() -> Done {
    let d = Desk::new(KeyedAccount { per_second: 5, ..account() }).await;
    let b = bearer(&d).await?;
    let said = d.json(SEND, &[("authorization", &b)], &body(&["tok-1", "bad-2", "foreign-3"])).await?;
    assert_eq!(said.text("/code"), "80100000");
    let inner: Value = serde_json::from_str(&said.text("/msg"))?;
    assert_eq!(inner, json!({"success": 1, "failure": 2, "illegal_tokens": ["bad-2", "foreign-3"]}));
    assert_eq!(d.twin.ledger().taken_under(Vendor::Huawei, "91234").len(), 1);
    // Three of five places of this second are gone: the unit is devices.
    let said = d.json(SEND, &[("authorization", &b)], &body(&["a", "b", "c"])).await?;
    assert_eq!((said.status, said.body), (503, Value::Null));
    d.twin.advance_clock(std::time::Duration::from_secs(1));
    assert_eq!(code(&d, &b, &body(&["bad-1", "bad-2"])).await?, "80300007");
    let windows = d.twin.ledger().windows(Vendor::Huawei, 5);
    assert_eq!((windows.requests, windows.busiest, windows.over, windows.refused), (2, 3, 0, 1));
    Ok(())
}

#[tokio::test]
async fn receipts_are_signed_and_batched() -> Done {
    let (url, heard) = ears(r#"{"code":"0","message":"success"}"#).await?;
    let mut account = KeyedAccount { receipts_url: Some(url), ..account() };
    account.credential.insert("callback_user".into(), "demo_user".into());
    account.credential.insert("callback_key".into(), "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=".into());
    let d = Desk::new(account).await;
    d.dial(Dials { receipts: Receipts { delivered_share: 1.0, ..Receipts::default() }, ..Dials::default() });
    let b = bearer(&d).await?;
    let mut tokens: Vec<String> = (0..150).map(|n| format!("tok-{n}")).collect();
    tokens.extend(["gone-1", "off-1", "inactive-1", "filtered-1", "nodeliver-1", "bad-1"].map(str::to_owned));
    let tokens: Vec<&str> = tokens.iter().map(String::as_str).collect();
    let said = d.json(SEND, &[("authorization", &b)], &body(&tokens)).await?;
    let said_id = said.body["requestId"].clone();
    let posts = until(|| (d.twin.posted().receipts == 154).then(|| heard.lock().expect("no panic").clone())).await;
    assert_eq!(posts.len(), 2, "at most 100 in a POST");
    let mut seen = std::collections::BTreeMap::new();
    for (head, text) in &posts {
        let value = head.lines().find_map(|l| l.to_ascii_lowercase().starts_with("x-huawei-callback-id").then(|| l.to_owned()));
        assert!(value.is_some_and(|v| v.contains("timestamp=") && v.contains("; nonce=") && v.contains("; value=")));
        for row in serde_json::from_str::<Value>(text)?["statuses"].as_array().ok_or("an array")? {
            assert_eq!((&row["biTag"], &row["requestId"]), (&json!("tag-1"), &said_id));
            *seen.entry(row["status"].as_i64()).or_insert(0) += 1;
        }
    }
    assert_eq!(seen.into_iter().collect::<Vec<_>>(), [(Some(0), 150), (Some(2), 1), (Some(6), 1), (Some(10), 1), (Some(259), 1)]);
    // Two marketing messages a day; the third is accepted and its receipt says 102.
    heard.lock().expect("no panic").clear();
    for _ in 0..2 {
        assert_eq!(code(&d, &b, &body(&["tok-1"])).await?, "80000000");
    }
    let last = until(|| heard.lock().expect("no panic").iter().find(|(_, t)| t.contains(r#""status":102"#)).cloned()).await;
    assert!(last.1.contains("tok-1"));
    Ok(())
}

fn harmony() -> KeyedAccount {
    KeyedAccount::new(Vendor::Harmony, [("service_account", huawei_key_file().as_str())])
}

fn jwt(algorithm: &str, from: i64, life: i64) -> String {
    let aud = "https://oauth-login.cloud.huawei.com/oauth2/v3/token";
    format!("Bearer {}", rsa_jwt(algorithm, "kid-1", &json!({"iss": "sub-1", "aud": aud, "iat": from, "exp": from + life})))
}

fn v3(tokens: &[&str]) -> Value {
    json!({"payload": {"notification": {"category": "MARKETING", "title": "标题", "body": "正文", "appMessageId": "m-42",
           "clickAction": {"actionType": 0}}}, "target": {"token": tokens}, "pushOptions": {"ttl": 86400, "biTag": "tag-1"}})
}

#[tokio::test]
async fn harmony_wants_its_own_token_form_and_reasons() -> Done {
    let d = Desk::new(harmony()).await;
    let send = async |bearer: &str, body: &Value| d.json(V3, &[("authorization", bearer), ("push-type", "0")], body).await;
    let good = jwt("PS256", now(), 3_600);
    for (bearer, wanted) in [
        (jwt("RS256", now(), 3_600), "80200001"),
        (jwt("PS256", now() - 7_200, 3_600), "80200005"),
        (jwt("PS256", now(), 90_000), "80300036"),
        ("Bearer x.y.z".to_owned(), "80200001"),
    ] {
        let said = send(&bearer, &v3(&["t"])).await?;
        assert_eq!((said.status, said.text("/code").as_str()), (401, wanted));
    }
    let said = d.json("/v3/other/messages:send", &[("authorization", &good), ("push-type", "0")], &v3(&["t"])).await?;
    assert_eq!(said.text("/code"), "80300002");
    assert_eq!(d.json(V3, &[("authorization", &good)], &v3(&["t"])).await?.text("/code"), "80100003");
    for (pointer, value, wanted) in [
        ("/pushOptions/ttl", json!("86400s"), "80100003"),
        ("/pushOptions/ttl", json!(1_296_001), "80100004"),
        ("/target/token", json!([]), "80300010"),
        ("/payload/notification/category", Value::Null, "80100001"),
        ("/payload/notification/clickAction", Value::Null, "80100001"),
        ("/payload/notification/appMessageId", json!("m#42"), "80100001"),
    ] {
        assert_eq!(send(&good, &with(&v3(&["tok-1"]), pointer, value)).await?.text("/code"), wanted, "{pointer}");
    }
    let said = send(&good, &v3(&["tok-1", "bad-2", "foreign-3"])).await?;
    let inner: Value = serde_json::from_str(&said.text("/msg"))?;
    assert_eq!(inner["illegalTokens"], json!({"tokenFormatError": ["bad-2"], "noRight": ["foreign-3"]}));
    let said = send(&good, &v3(&["bad-1"])).await?;
    assert_eq!((said.text("/code").as_str(), said.text("/msg").contains("illegalTokens")), ("80300007", true));
    // The phone drops the same appMessageId.
    assert_eq!(send(&good, &v3(&["tok-1"])).await?.text("/code"), "80000000");
    let last = d.twin.ledger().last(1);
    assert_eq!((last[0].verdict, d.twin.ledger().taken()), (Verdict::Dropped, 1));
    Ok(())
}

#[tokio::test]
async fn dials_of_the_front_end_and_the_line() -> Done {
    let d = Desk::new(account()).await;
    let b = bearer(&d).await?;
    d.dial(Dials { http_share: 1.0, http_status: 429, retry_after_s: 7, ..Dials::default() });
    let said = d.json(SEND, &[("authorization", &b)], &body(&["a"])).await?;
    assert_eq!((said.status, said.headers["retry-after"].to_str()?), (429, "7"));
    d.dial(Dials { mid_request_share: 1.0, ..Dials::default() });
    assert!(d.json(SEND, &[("authorization", &b)], &body(&["a"])).await.is_err());
    d.dial(Dials { outage: Outage::Error, ..Dials::default() });
    assert_eq!(d.json(SEND, &[("authorization", &b)], &body(&["a"])).await?.status, 503);
    d.dial(Dials { error_share: 1.0, error: "81000001".into(), ..Dials::default() });
    assert_eq!(d.json(SEND, &[("authorization", &b)], &body(&["a"])).await?.status, 500);
    assert!(d.twin.ledger().is_empty(), "nothing was taken");
    for garbage in [simulator::Garbage::GzipBomb, simulator::Garbage::Huge] {
        d.dial(Dials { garbage_share: 1.0, garbage, ..Dials::default() });
        let said = d.client.post(d.url(SEND)).header("authorization", &b).json(&body(&["a"])).send().await?;
        let size = said.bytes().await?.len();
        assert_eq!(size, 100 << 20, "{garbage:?}");
    }
    d.dial(Dials { cut_share: 1.0, ..Dials::default() });
    assert!(d.json(SEND, &[("authorization", &b)], &body(&["a"])).await.is_err());
    assert!(d.twin.ledger().last(9).iter().all(|e| e.verdict == Verdict::AcceptedUnheard));
    assert_eq!(d.twin.ledger().len(), 3);
    Ok(())
}
