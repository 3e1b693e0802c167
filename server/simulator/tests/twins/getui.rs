//! The Getui twin against the manual.

use crate::support::desk::{Desk, Said, ears, with};
use crate::support::{Done, now, until};
use md5::{Digest, Md5};
use ring::digest::{SHA256, digest};
use serde_json::{Value, json};
use simulator::{Dials, KeyedAccount, Receipts, Verdict};
use types::vendor::Vendor;

fn account() -> KeyedAccount {
    KeyedAccount::new(Vendor::Getui, [("app_id", "simApp"), ("app_key", "simKey"), ("master_secret", "gt-demo-secret")])
}

async fn auth(d: &Desk, timestamp: &str, secret: &str) -> reqwest::Result<Said> {
    let sign = hex::encode(digest(&SHA256, format!("simKey{timestamp}{secret}").as_bytes()));
    d.json("/v2/simApp/auth", &[], &json!({"sign": sign, "timestamp": timestamp, "appkey": "simKey"})).await
}

fn push(request: &str, cid: &str) -> Value {
    json!({"request_id": request, "settings": {"ttl": 7_200_000, "strategy": {"default": 1}}, "audience": {"cid": [cid]},
           "push_message": {"notification": {"title": "标题", "body": "正文", "click_type": "startapp"}}})
}

async fn call(d: &Desk, token: &str, path: &str, body: &Value) -> reqwest::Result<Said> {
    d.json(&format!("/v2/simApp/{path}"), &[("token", token)], body).await
}

#[tokio::test]
async fn tokens_singles_and_batches() -> Done {
    let d = Desk::new(account()).await;
    let ms = (now() * 1_000).to_string();
    assert_eq!(auth(&d, &ms, "wrong-secret").await?.text("/code"), "20001");
    assert_eq!(auth(&d, "1700000000000", "gt-demo-secret").await?.text("/code"), "20001");
    let token = auth(&d, &ms, "gt-demo-secret").await?.text("/data/token");
    let said = call(&d, "guess", "push/single/cid", &push("req-0000001", "cid-1")).await?;
    assert_eq!((said.status, said.text("/code").as_str()), (401, "10001"));
    assert_eq!(call(&d, &token, "push/nothing", &json!({})).await?.status, 404);
    assert_eq!(d.client.get(d.url("/v2/simApp/push/single/cid")).send().await?.status(), 405);
    let good = push("req-0000001", "cid-1");
    for (pointer, value, wanted) in [
        ("/request_id", json!("short"), "request_id is invalid"),
        ("/settings/ttl", json!(259_200_001), "ttl is invalid"),
        ("/audience/cid", json!(["a", "b"]), "audience is invalid"),
        ("/push_message/transmission", json!("x"), "please choose one of notification and transmission and revoke"),
        ("/push_message/notification", json!({"title": "t", "body": "b"}), "click_type is invalid"),
        ("/push_message/notification", json!({"title": "长".repeat(51), "body": "b"}), "title size over limit"),
        ("/audience/cid", json!(["bad-1"]), "target user is invalid"),
        ("/audience/cid", json!(["foreign-1"]), "appid not match cid"),
    ] {
        let said = call(&d, &token, "push/single/cid", &with(&good, pointer, value)).await?;
        assert_eq!((said.status, said.text("/code").as_str(), said.text("/msg").as_str()), (400, "20001", wanted));
    }
    let said = call(&d, &token, "push/single/cid", &good).await?;
    let state = said.body["data"].as_object().and_then(|o| o.values().next()).cloned();
    assert_eq!(state, Some(json!({"cid-1": "successed_online"})));
    assert_eq!(call(&d, &token, "push/single/cid", &good).await?.text("/msg"), "request_id contains duplicate");
    assert_eq!((d.twin.ledger().taken(), d.twin.ledger().last(1)[0].verdict), (1, Verdict::Dropped));
    let list: Vec<Value> = vec![push("req-0000002", "cid-2"), push("req-0000003", "inactive-3"), push("req-0000004", "bad-4")];
    let said = call(&d, &token, "push/single/batch/cid", &json!({"is_async": false, "msg_list": list})).await?;
    let text = said.body["data"].to_string();
    assert!(text.contains(r#""cid-2":"successed_online""#) && text.contains("successed_ignore") && !text.contains("bad-4"), "{text}");
    let many: Vec<Value> = (0..201).map(|n| push(&format!("req-1{n:06}"), "c")).collect();
    assert_eq!(call(&d, &token, "push/single/batch/cid", &json!({ "msg_list": many })).await?.text("/code"), "20001");
    d.twin.expire_passes(Vendor::Getui);
    assert_eq!(call(&d, &token, "push/single/cid", &push("req-0000009", "cid-1")).await?.text("/code"), "10001");
    Ok(())
}

#[tokio::test]
async fn lists_limits_and_receipts() -> Done {
    let (url, heard) = ears("").await?;
    let d = Desk::new(KeyedAccount { receipts_url: Some(url), daily_quota: 4, ..account() }).await;
    d.dial(Dials { receipts: Receipts { delivered_share: 1.0, ..Receipts::default() }, ..Dials::default() });
    let token = auth(&d, &(now() * 1_000).to_string(), "gt-demo-secret").await?.text("/data/token");
    let content = with(&push("req-0000001", ""), "/audience", Value::Null);
    let task = call(&d, &token, "push/list/message", &content).await?.text("/data/taskid");
    assert_eq!(call(&d, &token, "push/list/message", &content).await?.text("/data/taskid"), task, "one request, one task");
    let list = |task: &str, cids: &[&str]| json!({"audience": {"cid": cids}, "taskid": task, "is_async": false});
    assert_eq!(call(&d, &token, "push/list/cid", &list("RASL_no", &["a"])).await?.text("/msg"), "taskid is invalid");
    assert_eq!(call(&d, &token, "push/list/cid", &list(&task, &["a", "a"])).await?.text("/msg"), "cid contains duplicate");
    let said = call(&d, &token, "push/list/cid", &list(&task, &["cid-1", "click-2", "bad-3"])).await?;
    assert_eq!(said.body["data"][&task], json!({"cid-1": "successed_online", "click-2": "successed_online"}));
    let said = call(&d, &token, "push/list/cid", &list(&task, &["a", "b"])).await?;
    assert_eq!((said.status, said.text("/code").as_str()), (403, "30009"));
    let posts = until(|| (d.twin.posted().receipts == 5).then(|| heard.lock().expect("no panic").clone())).await;
    let lines: Vec<Value> = posts.iter().flat_map(|(_, t)| t.lines()).map(serde_json::from_str).collect::<Result<_, _>>()?;
    for line in &lines {
        let part = |name: &str| line[name].as_str().unwrap_or_default().to_owned();
        let signed = format!("simApp{}{task}{}gt-demo-secret", part("cid"), part("msgid"));
        assert_eq!(part("sign"), hex::encode(Md5::digest(signed)));
    }
    let actions = |cid: &str| lines.iter().filter(|l| l["cid"] == cid).filter_map(|l| l["actionId"].as_str()).collect::<Vec<_>>();
    assert_eq!(actions("cid-1"), ["0", "10000"]);
    assert!(actions("click-2").contains(&"10010"));
    Ok(())
}
