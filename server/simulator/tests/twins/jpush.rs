//! The JPush twin against the manual.

use crate::support::desk::{Desk, Said, ears, with};
use crate::support::{Done, until};
use serde_json::{Value, json};
use simulator::{Dials, KeyedAccount, Receipts, Verdict};
use types::vendor::Vendor;

/// Basic of `simkey:jp-demo-secret`.
const BASIC: &str = "Basic c2lta2V5OmpwLWRlbW8tc2VjcmV0";

fn account() -> KeyedAccount {
    KeyedAccount::new(Vendor::Jpush, [("app_key", "simkey"), ("master_secret", "jp-demo-secret")])
}

fn push(ids: &[&str]) -> Value {
    json!({"platform": ["android", "ios"], "audience": {"registration_id": ids},
           "notification": {"android": {"alert": "正文", "title": "标题"}, "ios": {"alert": {"title": "标题", "body": "正文"}, "mutable-content": true}},
           "options": {"time_to_live": 3_600, "apns_production": true}})
}

async fn send(d: &Desk, body: &Value) -> reqwest::Result<Said> {
    d.json("/v3/push", &[("authorization", BASIC)], body).await
}

#[tokio::test]
async fn refusals_audiences_and_cids() -> Done {
    let d = Desk::new(account()).await;
    let said = d.json("/v3/push", &[("authorization", "Basic eDp5")], &push(&["a"])).await?;
    assert_eq!((said.status, said.text("/error/code").as_str()), (401, "1004"));
    for (pointer, value, wanted) in [
        ("/platform", Value::Null, "1002"),
        ("/platform", json!("symbian"), "1003"),
        ("/audience", Value::Null, "1002"),
        ("/audience/registration_id", json!([]), "1003"),
        ("/audience/registration_id", json!(vec!["a"; 1_001]), "1003"),
        ("/notification", Value::Null, "1002"),
        ("/notification/android/alert", Value::Null, "1002"),
        ("/notification/ios/mutable_content", json!(true), "1009"),
        ("/notification/android/alert", json!("长".repeat(1_400)), "1005"),
        ("/options/time_to_live", json!(259_201), "1003"),
        ("/options/apns_production", json!("true"), "1003"),
        ("/callback", json!({"url": "https://example.com/r"}), "2006"),
        ("/cid", json!("home-made"), "1003"),
        ("/audience/registration_id", json!(["bad-1", "gone-2"]), "1011"),
    ] {
        assert_eq!(send(&d, &with(&push(&["a"]), pointer, value)).await?.text("/error/code"), wanted, "{pointer}");
    }
    assert_eq!(d.json("/v3/push/validate", &[("authorization", BASIC)], &push(&["a"])).await?.status, 200);
    assert_eq!(d.twin.ledger().taken(), 0);
    let pool = d.client.get(d.url("/v3/push/cid?type=push&count=2")).header("authorization", BASIC).send().await?.json::<Value>().await?;
    let cid = pool["cidlist"][1].clone();
    let body = with(&push(&["id-1", "bad-2"]), "/cid", cid);
    let first = send(&d, &body).await?;
    let again = send(&d, &body).await?;
    assert_eq!((first.status, first.text("/msg_id")), (200, again.text("/msg_id")));
    assert!(!first.text("/msg_id").is_empty() && first.body["msg_id"].is_string());
    assert_eq!((d.twin.ledger().taken(), d.twin.ledger().last(1)[0].verdict), (1, Verdict::Dropped));
    Ok(())
}

#[tokio::test]
async fn minutes_batches_and_callbacks() -> Done {
    let (url, heard) = ears("").await?;
    let mut account = KeyedAccount { per_minute: 2, ..account() };
    account.rights.insert("vip".into());
    let d = Desk::new(account).await;
    d.dial(Dials { receipts: Receipts { delivered_share: 1.0, ..Receipts::default() }, ..Dials::default() });
    let said =
        send(&d, &with(&push(&["id-1", "click-2", "off-3"]), "/callback", json!({"url": url, "params": {"p": "cmp-42"}, "type": 7})))
            .await?;
    assert_eq!((said.headers["x-rate-limit-limit"].to_str()?, said.headers["x-rate-limit-remaining"].to_str()?), ("2", "1"));
    let entry = |target: &str| json!({"platform": "all", "target": target, "notification": {"alert": "正文"}});
    let list = json!({"pushlist": {"simkey-00000000-0000-0000-0000-000000000001": entry("id-4"), "simkey-00000000-0000-0000-0000-000000000002": entry("bad-5")}});
    let batch = d.json("/v3/push/batch/regid/single", &[("authorization", BASIC)], &list).await?;
    assert!(!batch.text("/simkey-00000000-0000-0000-0000-000000000001/msg_id").is_empty());
    assert_eq!(batch.text("/simkey-00000000-0000-0000-0000-000000000002/error/code"), "1011");
    let third = send(&d, &push(&["id-1"])).await?;
    assert_eq!((third.status, third.text("/error/code").as_str()), (429, "2002"));
    assert!(third.headers["x-rate-limit-reset"].to_str()?.parse::<u32>()? <= 60);
    d.twin.advance_clock(std::time::Duration::from_secs(60));
    assert_eq!(send(&d, &push(&["id-1"])).await?.status, 200);
    let posts = until(|| (d.twin.posted().receipts == 4).then(|| heard.lock().expect("no panic").clone())).await;
    assert!(posts.iter().all(|(head, _)| head.contains(BASIC)));
    let rows: Vec<Value> = posts.iter().flat_map(|(_, t)| serde_json::from_str::<Vec<Value>>(t).unwrap_or_default()).collect();
    let mut kinds: Vec<_> = rows.iter().map(|r| (r["userid"].as_str().unwrap_or_default(), r["type"].as_i64())).collect();
    kinds.sort_unstable();
    assert_eq!(kinds, [("click-2", Some(1)), ("click-2", Some(2)), ("id-1", Some(1)), ("off-3", Some(4))]);
    assert!(rows.iter().all(|r| r["params"] == json!({"p": "cmp-42"}) && r["msgid"] == said.text("/msg_id")));
    Ok(())
}
