//! The control API and the phones.

use std::sync::{Arc, Mutex};

use crate::support::{BUNDLE, Done, KID, P8, TEAM, apns_account, client, now, twin, until, xiaomi_account};
use serde_json::{Value, json};
use simulator::{Account, Dials, Phones, Receipts};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use types::vendor::Vendor;

#[tokio::test]
async fn accounts_dials_and_ledger_are_reachable_over_http() -> Done {
    let twin = twin().await;
    let client = client(&twin);
    let url = |path: &str| format!("{}/simulator/{path}", twin.control_url());
    let get = async |path: &str| client.get(url(path)).send().await?.json::<Value>().await;

    let added = client.post(url("accounts")).json(&Account::Xiaomi(xiaomi_account())).send().await?;
    assert_eq!(added.json::<Value>().await?, json!({"identity": "com.example.app"}));
    let broken =
        json!({"vendor": "apns", "team_id": TEAM, "key_id": KID, "key": "nonsense", "bundle_id": BUNDLE, "environment": "sandbox"});
    let refused = client.post(url("accounts")).json(&broken).send().await?;
    assert_eq!(refused.status(), 400);
    assert!(refused.text().await?.contains("p8"));
    let listed = get("accounts").await?;
    assert_eq!(listed[0]["package_name"], "com.example.app");
    assert!(!listed.to_string().contains("xm-secret-0001"), "secrets are not shown");

    let patched = client.patch(url("dials/xiaomi")).json(&json!({"latency_ms": 5, "receipts": {"never": true}})).send().await?;
    assert_eq!(patched.json::<Value>().await?["latency_ms"], 5);
    assert_eq!(twin.dials(Vendor::Xiaomi).latency_ms, 5);
    assert_eq!(client.patch(url("dials/xiaomi")).json(&json!({"latency": 5})).send().await?.status(), 400);
    assert_eq!(client.put(url("dials/nokia")).json(&json!({})).send().await?.status(), 400);

    let scenario = "[[steps]]\nafter_ms = 1\nvendor = \"apns\"\ndials = { outage = \"hang\" }\n";
    assert_eq!(client.post(url("scenario")).body(scenario).send().await?.status(), 200);
    until(|| (twin.dials(Vendor::Apns).outage == simulator::Outage::Hang).then_some(())).await;
    let typo = "[[steps]]\nafter_ms = 1\nvendor = \"apns\"\ndials = { outrage = \"hang\" }\n";
    assert_eq!(client.post(url("scenario")).body(typo).send().await?.status(), 400);

    let state = get("state").await?;
    assert_eq!(state["base_urls"]["apns"], twin.base_url(Vendor::Apns));
    assert_eq!(get("ledger/counts").await?, json!({"total": 0, "taken": 0, "counts": []}));
    assert_eq!(get("ledger/repeats").await?["same_key"], 0);
    assert_eq!(get("ledger/windows?vendor=xiaomi&limit=3").await?["over"], 0);
    assert_eq!(client.get(url("ledger/windows")).send().await?.status(), 400);
    assert_eq!(client.get(url("ledger/tokens/abc?vendor=apns")).send().await?.status(), 404);
    assert!(client.get(url("ca.pem")).send().await?.text().await?.contains("BEGIN CERTIFICATE"));
    assert_eq!(client.delete(url("accounts/xiaomi/com.example.app")).send().await?.status(), 200);
    assert_eq!(client.delete(url("accounts/xiaomi/com.example.app")).send().await?.status(), 404);
    Ok(())
}

#[tokio::test]
async fn a_script_is_listed_and_stopping_it_puts_the_dials_back() -> Done {
    let twin = twin().await;
    let client = client(&twin);
    let url = |path: &str| format!("{}/simulator/{path}", twin.control_url());
    let scripts = async || client.get(url("scripts")).send().await?.json::<Value>().await;
    twin.set_dials(Vendor::Huawei, Dials { latency_ms: 3, ..Dials::default() })?;

    let hour = 3_600_000;
    let order = json!({"name": "down", "text": "as written", "steps": [
        {"after_ms": 0, "vendor": "huawei", "dials": {"outage": "error", "latency_ms": 9}},
        {"after_ms": hour, "vendor": "huawei", "dials": {"outage": "none"}},
    ]});
    let made = client.post(url("scripts")).json(&order).send().await?.json::<Value>().await?;
    until(|| (twin.dials(Vendor::Huawei).outage == simulator::Outage::Error).then_some(())).await;
    let listed = scripts().await?;
    assert_eq!((&listed[0]["id"], &listed[0]["state"], &listed[0]["taken"]), (&made["id"], &json!("playing"), &json!(1)));
    assert_eq!(listed[0]["text"], "as written");
    let at = |step: usize| listed[0]["steps"][step]["at"].as_i64().unwrap_or(0);
    assert_eq!(at(1) - at(0), hour);

    // What somebody turned by hand meanwhile, and the script did not touch, stays.
    assert_eq!(client.patch(url("dials/huawei")).json(&json!({"slow_ms": 5})).send().await?.status(), 200);
    let stop = url(&format!("scripts/{}/stop", made["id"]));
    assert_eq!(client.post(&stop).send().await?.status(), 200);
    assert_eq!(twin.dials(Vendor::Huawei), Dials { latency_ms: 3, slow_ms: 5, ..Dials::default() });
    assert_eq!(scripts().await?[0]["state"], "stopped");
    assert_eq!(client.post(&stop).send().await?.status(), 404, "it is over");

    let short = json!({"steps": [{"after_ms": 1, "vendor": "xiaomi", "dials": {"daily_quota": 7}}]});
    assert_eq!(client.post(url("scripts")).json(&short).send().await?.status(), 200);
    until(|| (twin.dials(Vendor::Xiaomi).daily_quota == 7).then_some(())).await;
    let mut newest = scripts().await?[0].clone();
    while newest["state"] == "playing" {
        newest = scripts().await?[0].clone();
    }
    assert_eq!((&newest["state"], &newest["trouble"]), (&json!("done"), &json!("")));
    let wrong = json!({"steps": [{"after_ms": 0, "vendor": "xiaomi", "dials": {"error_share": 7}}]});
    assert_eq!(client.post(url("scripts")).json(&wrong).send().await?.status(), 400);
    assert_eq!(client.post(url("scripts")).json(&json!({"steps": []})).send().await?.status(), 400);
    Ok(())
}

#[tokio::test]
async fn the_phones_report_what_arrived_and_what_was_opened() -> Done {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/v1/client/reports", listener.local_addr()?);
    let heard = Arc::new(Mutex::new(Vec::<(String, Value)>::new()));
    let kept = Arc::clone(&heard);
    tokio::spawn(async move {
        let mut first = true;
        while let Ok((mut tcp, _)) = listener.accept().await {
            let mut bytes = Vec::new();
            while !bytes.ends_with(b"]}") && tcp.read_buf(&mut bytes).await.is_ok_and(|n| n > 0) {}
            let text = String::from_utf8_lossy(&bytes).into_owned();
            // The first try finds a server in trouble; a phone tries again.
            let status = if std::mem::take(&mut first) { "503 Busy" } else { "202 Accepted" };
            if let Some((head, body)) = text.split_once("\r\n\r\n")
                && status.starts_with('2')
            {
                kept.lock().expect("no panic").push((head.to_ascii_lowercase(), serde_json::from_str(body).unwrap_or_default()));
            }
            let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            drop(tcp.write_all(answer.as_bytes()).await);
        }
    });

    let (twin, p8) = (twin().await, P8::generate());
    let Account::Apns(mut account) = apns_account(&p8) else { return Err("an APNs account".into()) };
    account.phones = Some(Phones { url, client_key: "ck_123".into() });
    twin.add_account(Account::Apns(account))?;
    let receipts = Receipts { delivered_share: 1.0, clicked_share: 1.0, click_delay_ms: 10, ..Receipts::default() };
    twin.set_dials(Vendor::Apns, Dials { receipts, ..Dials::default() })?;
    let client = client(&twin);
    let token = "4f".repeat(32);
    let push = async |body: Value| {
        let request = client.post(format!("{}/3/device/{token}", twin.base_url(Vendor::Apns)));
        let request = request.header("authorization", format!("bearer {}", p8.jwt(TEAM, KID, now() - 1)));
        let request = request.header("apns-topic", BUNDLE).header("apns-push-type", "alert").header("apns-collapse-id", "k");
        request.body(body.to_string()).send().await.map(|r| r.status().as_u16())
    };
    // No mutable-content: the extension does not run, and nothing is reported.
    assert_eq!(push(json!({"aps": {"alert": "a"}, "carillon": {"message": "msg_quiet"}})).await?, 200);
    twin.set_dials(Vendor::Apns, Dials { resign_seconds: 0, ..twin.dials(Vendor::Apns) })?;
    assert_eq!(push(json!({"aps": {"alert": "a", "mutable-content": 1}, "carillon": {"message": "msg_1"}})).await?, 200);
    let events = || {
        let heard = heard.lock().expect("no panic");
        let mut events: Vec<Value> = heard.iter().flat_map(|(_, b)| b["reports"].as_array().cloned().unwrap_or_default()).collect();
        events.sort_by_key(|e| e["event"].as_str().map(str::to_owned));
        (events.len() >= 2).then_some(events)
    };
    let events = until(events).await;
    assert_eq!(events.len(), 2);
    for (event, name) in events.iter().zip(["clicked", "received"]) {
        assert_eq!((&event["event"], &event["message"], &event["vendor"]), (&json!(name), &json!("msg_1"), &json!("apns")));
        assert_eq!(event["token"], token);
        assert!(event["at"].as_str().is_some_and(|at| at.ends_with('Z')));
    }
    assert!(heard.lock().expect("no panic").iter().all(|(head, _)| head.contains("x-client-key: ck_123")));
    assert!(twin.posted().failed >= 1);
    Ok(())
}
