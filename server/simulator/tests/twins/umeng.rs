//! The Umeng twin against the manual.

use crate::support::desk::{Desk, Said, ears, with};
use crate::support::{Done, now, until};
use md5::{Digest, Md5};
use serde_json::{Value, json};
use simulator::{Dials, KeyedAccount, Receipts};
use types::vendor::Vendor;

const KEY: &str = "5sim0000000000000000abcd";
const SECRET: &str = "um-demo-secret";

fn account() -> KeyedAccount {
    KeyedAccount::new(Vendor::Umeng, [("appkey", KEY), ("app_master_secret", SECRET)])
}

fn token(name: &str) -> String {
    format!("{name:a<44}")
}

fn message(tokens: &[String]) -> Value {
    json!({"appkey": KEY, "timestamp": now().to_string(), "type": if tokens.len() == 1 { "unicast" } else { "listcast" },
           "device_tokens": tokens.join(","), "production_mode": "true",
           "payload": {"display_type": "notification", "body": {"ticker": "标题", "title": "标题", "text": "正文", "after_open": "go_app"}}})
}

async fn signed(d: &Desk, base: &str, body: &str) -> reqwest::Result<Said> {
    let sign = hex::encode(Md5::digest(format!("POST{base}/api/send{body}{SECRET}")));
    d.raw(&format!("/api/send?sign={sign}"), &[], "application/json", body.to_owned()).await
}

async fn send(d: &Desk, body: &Value) -> reqwest::Result<Said> {
    signed(d, &d.url(""), &body.to_string()).await
}

#[tokio::test]
async fn signatures_codes_and_tokens() -> Done {
    let d = Desk::new(account()).await;
    let good = message(&[token("tok-1")]);
    let said = signed(&d, "https://elsewhere.example.com", &good.to_string()).await?;
    assert_eq!((said.status, said.text("/ret"), said.text("/data/error_code")), (400, "FAIL".into(), "2027".into()));
    assert_eq!(d.json("/api/send", &[], &good).await?.text("/data/error_code"), "2007");
    assert_eq!(d.raw("/api/send?sign=1", &[], "application/json", "{".into()).await?.text("/data/error_code"), "2008");
    assert_eq!(signed(&d, "https://msgapi.umeng.com", &good.to_string()).await?.text("/ret"), "SUCCESS");
    let many: Vec<String> = (0..501).map(|n| token(&n.to_string())).collect();
    for (pointer, value, wanted) in [
        ("/appkey", Value::Null, "1000"),
        ("/appkey", json!("other"), "2021"),
        ("/timestamp", json!("1700000000"), "2028"),
        ("/timestamp", json!("soon"), "2036"),
        ("/type", Value::Null, "1016"),
        ("/production_mode", json!(true), "1017"),
        ("/device_tokens", json!(""), "1015"),
        ("/device_tokens", json!(many.join(",")), "2015"),
        ("/payload/display_type", json!("popup"), "1019"),
        ("/payload/body/ticker", Value::Null, "1008"),
        ("/payload/body/text", Value::Null, "1010"),
        ("/payload/body/play_sound", json!(true), "1013"),
        ("/payload/body/after_open", json!("go_url"), "1007"),
        ("/payload/body/text", json!("长".repeat(700)), "2022"),
        ("/policy", json!({"expire_time": "2001-01-01 00:00:00"}), "2001"),
        ("/policy", json!({"expire_time": "2101-01-01 00:00:00"}), "2040"),
        ("/policy", json!({"expire_time": "tomorrow"}), "2030"),
        ("/device_tokens", json!("too-short"), "4010"),
        ("/device_tokens", json!(token("bad-1")), "4020"),
        ("/device_tokens", json!(token("foreign-1")), "4014"),
    ] {
        assert_eq!(send(&d, &with(&good, pointer, value)).await?.text("/data/error_code"), wanted, "{pointer}");
    }
    let said = send(&d, &message(&[token("bad-1"), token("bad-2")])).await?;
    assert_eq!(said.text("/data/error_code"), "4025");
    let said = send(&d, &message(&[token("tok-1"), token("bad-2")])).await?;
    assert!(said.text("/data/msg_id").starts_with("ul"), "bad ones among good ones are dropped in silence");
    assert_eq!(d.twin.ledger().taken(), 2);
    assert_eq!(d.twin.ledger().repeats(None).other_key, 1, "nothing protects: the same text came twice without any key");
    d.dial(Dials { pace_per_second: 1, ..Dials::default() });
    d.twin.advance_clock(std::time::Duration::from_secs(2));
    assert_eq!(send(&d, &message(&[token("tok-3")])).await?.text("/ret"), "SUCCESS");
    assert_eq!(send(&d, &message(&[token("tok-3")])).await?.text("/data/error_code"), "4009");
    Ok(())
}

#[tokio::test]
async fn receipts_of_the_paid_edition() -> Done {
    let (url, heard) = ears("").await?;
    let mut account = account();
    account.rights.insert("pro".into());
    let d = Desk::new(account).await;
    d.dial(Dials { receipts: Receipts { delivered_share: 1.0, ..Receipts::default() }, ..Dials::default() });
    let body = with(&message(&[token("tok-1"), token("click-2")]), "/receipt_url", json!(url));
    let id = send(&d, &body).await?.text("/data/msg_id");
    let posts = until(|| (d.twin.posted().receipts == 3).then(|| heard.lock().expect("no panic").clone())).await;
    let rows: Vec<Value> = posts.iter().flat_map(|(_, t)| serde_json::from_str::<Vec<Value>>(t).unwrap_or_default()).collect();
    assert!(rows.iter().all(|r| r["msg_id"] == id));
    assert!(rows.iter().any(|r| r["event"] == "click" && r["device_token"] == token("click-2")));
    Ok(())
}
