//! The vivo twin against the manual.

use crate::support::desk::{Desk, ears, with};
use crate::support::{Done, now, until};
use md5::{Digest, Md5};
use serde_json::{Value, json};
use simulator::{Dials, KeyedAccount, Receipts, Verdict};
use types::vendor::Vendor;

fn account() -> KeyedAccount {
    KeyedAccount::new(Vendor::Vivo, [("app_id", "10001"), ("app_key", "vivo-demo-key"), ("app_secret", "vivo-demo-secret")])
}

fn sign_in(secret: &str, at: i64) -> Value {
    let sign = hex::encode(Md5::digest(format!("10001vivo-demo-key{at}{secret}")));
    json!({"appId": 10001, "appKey": "vivo-demo-key", "timestamp": at, "sign": sign})
}

async fn token(d: &Desk) -> reqwest::Result<String> {
    Ok(d.json("/message/auth", &[], &sign_in("vivo-demo-secret", now() * 1_000)).await?.text("/authToken"))
}

fn message(request: &str, to: &str) -> Value {
    json!({"appId": 10001, "regId": to, "notifyType": 4, "title": "标题", "content": "正文", "timeToLive": 86_400, "skipType": 1,
           "classification": 0, "requestId": request})
}

async fn code(d: &Desk, token: &str, path: &str, body: &Value) -> reqwest::Result<String> {
    Ok(d.json(path, &[("authToken", token)], body).await?.text("/result"))
}

#[tokio::test]
async fn auth_codes_and_expiry() -> Done {
    let d = Desk::new(account()).await;
    let ms = now() * 1_000;
    let good = sign_in("vivo-demo-secret", ms);
    for (pointer, value, wanted) in [
        ("/appId", Value::Null, "10200"),
        ("/appKey", Value::Null, "10201"),
        ("/timestamp", Value::Null, "10203"),
        ("/sign", Value::Null, "10204"),
        ("/appId", json!(7), "10205"),
        ("/appKey", json!("other"), "10202"),
        ("/timestamp", json!(1_700_000_000_000_i64), "10207"),
        ("/sign", json!("00"), "10206"),
    ] {
        assert_eq!(d.json("/message/auth", &[], &with(&good, pointer, value)).await?.text("/result"), wanted);
    }
    let token = token(&d).await?;
    assert_eq!(code(&d, "guess", "/message/send", &message("r-1", "reg-1")).await?, "10000");
    assert_eq!(code(&d, &token, "/message/send", &with(&message("r-1", "reg-1"), "/appId", json!(9))).await?, "10094");
    assert_eq!(code(&d, &token, "/message/send", &message("r-1", "reg-1")).await?, "0");
    d.twin.advance_clock(std::time::Duration::from_secs(86_401));
    assert_eq!(code(&d, &token, "/message/send", &message("r-2", "reg-1")).await?, "10000");
    Ok(())
}

#[tokio::test]
async fn single_sends_and_their_refusals() -> Done {
    let d = Desk::new(account()).await;
    let token = token(&d).await?;
    let good = message("r-1", "reg-1");
    for (pointer, value, wanted) in [
        ("/regId", Value::Null, "10050"),
        ("/requestId", Value::Null, "10352"),
        ("/notifyType", json!(5), "10054"),
        ("/title", json!(""), "10055"),
        ("/title", json!("长".repeat(41)), "10056"),
        ("/content", json!("长".repeat(101)), "10058"),
        ("/timeToLive", json!(59), "10059"),
        ("/skipType", json!(0), "10060"),
        ("/skipType", json!(2), "10061"),
        ("/category", json!("WORK"), "10096"),
        ("/category", json!("IM"), "10097"),
        ("/clientCustomMap", json!({"a": "b".repeat(1_024)}), "10067"),
        ("/extra", json!({"own": "1"}), "10304"),
        ("/extra", json!({"callback.id": "5"}), "10305"),
        ("/content", json!("敏感词"), "10103"),
    ] {
        assert_eq!(code(&d, &token, "/message/send", &with(&good, pointer, value)).await?, wanted, "{pointer}");
    }
    let said = d.json("/message/send", &[("authToken", &token)], &message("r-2", "bad-1")).await?;
    assert_eq!((said.text("/result").as_str(), &said.body["invalidUser"]), ("10302", &json!({"status": 1, "userid": "bad-1"})));
    assert_eq!(code(&d, &token, "/message/send", &message("r-3", "inactive-1")).await?, "10311");
    let said = d.json("/message/send", &[("authToken", &token)], &with(&message("r-4", "reg-1"), "/pushMode", json!(1))).await?;
    assert_eq!(said.body["invalidUser"]["status"], 4);
    let first = d.json("/message/send", &[("authToken", &token)], &message("r-5", "reg-5")).await?.text("/taskId");
    let again = d.json("/message/send", &[("authToken", &token)], &message("r-5", "reg-5")).await?.text("/taskId");
    assert_eq!((first == again, d.twin.ledger().taken(), d.twin.ledger().last(1)[0].verdict), (true, 1, Verdict::Dropped));
    d.dial(Dials { review: true, ..Dials::default() });
    assert_eq!(code(&d, &token, "/message/send", &with(&message("r-6", "reg-6"), "/title", json!("Hello"))).await?, "10104");
    Ok(())
}

#[tokio::test]
async fn lists_hours_totals_and_receipts() -> Done {
    let (url, heard) = ears("").await?;
    let mut account = KeyedAccount { daily_quota: 6, ..account() };
    account.callbacks.insert("5".into(), url);
    let d = Desk::new(account).await;
    d.dial(Dials { receipts: Receipts { delivered_share: 1.0, ..Receipts::default() }, ..Dials::default() });
    let token = token(&d).await?;
    let mut content = with(&message("save-1", ""), "/regId", Value::Null);
    content["extra"] = json!({"callback.id": "5", "callback.param": "cmp-42"});
    let task = d.json("/message/saveListPayload", &[("authToken", &token)], &content).await?.text("/taskId");
    let call = |task: &str, request: &str, ids: &[&str]| json!({"appId": 10001, "taskId": task, "regIds": ids, "requestId": request, "pushMode": 0});
    for (body, wanted) in [
        (call(&task, "l-1", &[]), "10150"),
        (call("", "l-1", &["a", "b"]), "10151"),
        (call("x", "l-1", &["a", "b"]), "10152"),
        (call(&task, "l-1", &["a"]), "10153"),
        (call("123", "l-1", &["a", "b"]), "10155"),
        (call(&task, "", &["a", "b"]), "10352"),
    ] {
        assert_eq!(code(&d, &token, "/message/pushToList", &body).await?, wanted);
    }
    let said = d.json("/message/pushToList", &[("authToken", &token)], &call(&task, "l-1", &["reg-1", "reg-2", "bad-3", "gone-4"])).await?;
    assert_eq!(said.body["invalidUsers"], json!([{"status": 1, "userid": "bad-3"}]));
    assert_eq!(code(&d, &token, "/message/pushToList", &call(&task, "l-2", &["a", "b", "c"])).await?, "10070");
    let posts = until(|| (d.twin.posted().receipts == 3).then(|| heard.lock().expect("no panic").clone())).await;
    let rows: Vec<Value> = posts.iter().filter_map(|(_, t)| Some(serde_json::from_str::<Value>(t).ok()?[&task].clone())).collect();
    assert!(rows.iter().any(|r| r["ackType"] == "0" && r["targets"] == "reg-1,reg-2" && r["param"] == "cmp-42"), "{rows:?}");
    assert!(rows.iter().any(|r| r["ackType"] == "102" && r["targets"] == "gone-4"));
    // Three o'clock at night in China.
    d.dial(Dials { vendor_hours: true, pace_per_second: 1, daily_quota: 100, ..Dials::default() });
    let hour = (now() / 3_600 + 8) % 24;
    let ahead = (27 - hour) % 24 * 3_600;
    d.twin.advance_clock(std::time::Duration::from_secs(u64::try_from(ahead)?));
    let said = d.json("/message/auth", &[], &sign_in("vivo-demo-secret", (now() + ahead) * 1_000)).await?;
    let token = said.text("/authToken");
    assert_eq!(code(&d, &token, "/message/send", &message("n-1", "reg-7")).await?, "10071");
    assert_eq!(code(&d, &token, "/message/send", &with(&message("n-2", "reg-7"), "/classification", json!(1))).await?, "0");
    Ok(())
}
