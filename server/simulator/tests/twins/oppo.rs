//! The OPPO twin against the manual.

use crate::support::desk::{Desk, ears, with};
use crate::support::{Done, now, until};
use ring::digest::{SHA256, digest};
use serde_json::{Value, json};
use simulator::{Dials, KeyedAccount, Receipts, Verdict};
use types::vendor::Vendor;

const KEY: &str = "oppo_demo_key";
const SECRET: &str = "oppo_demo_master";
const N: &str = "/server/v1/message/notification/";

fn account() -> KeyedAccount {
    KeyedAccount::new(Vendor::Oppo, [("app_key", KEY), ("master_secret", SECRET)])
}

fn id(n: u32) -> String {
    format!("OPPO_CN_{n:032x}")
}

async fn sign_in(d: &Desk, key: &str, timestamp: &str, secret: &str) -> reqwest::Result<Value> {
    let sign = hex::encode(digest(&SHA256, format!("{key}{timestamp}{secret}").as_bytes()));
    let fields = [("app_key", key), ("timestamp", timestamp), ("sign", &sign)];
    Ok(d.form("/server/v1/auth", &[], &fields).await?.body)
}

async fn token(d: &Desk) -> reqwest::Result<String> {
    let said = sign_in(d, KEY, &(now() * 1_000).to_string(), SECRET).await?;
    Ok(said["data"]["auth_token"].as_str().unwrap_or_default().to_owned())
}

fn message(target: &str) -> Value {
    json!({"target_type": 2, "target_value": target,
           "notification": {"title": "标题", "content": "正文", "app_message_id": "m-1", "category": "MARKETING"}})
}

async fn unicast(d: &Desk, token: &str, message: &Value) -> reqwest::Result<String> {
    Ok(d.form(&format!("{N}unicast"), &[], &[("auth_token", token), ("message", &message.to_string())]).await?.text("/code"))
}

#[tokio::test]
async fn tokens_are_exchanged_by_the_book() -> Done {
    let d = Desk::new(account()).await;
    let ms = (now() * 1_000).to_string();
    assert_eq!(sign_in(&d, "", &ms, SECRET).await?["code"], 15);
    assert_eq!(sign_in(&d, KEY, "", SECRET).await?["code"], 18);
    assert_eq!(sign_in(&d, "stranger", &ms, SECRET).await?["code"], 14);
    assert_eq!(sign_in(&d, KEY, "1700000000000", SECRET).await?["code"], 19);
    assert_eq!(sign_in(&d, KEY, &ms, "wrong").await?["code"], 16);
    assert_eq!(d.client.get(d.url("/server/v1/auth")).send().await?.json::<Value>().await?["code"], 12);
    let token = token(&d).await?;
    let text = message(&id(1)).to_string();
    let path = format!("{N}unicast");
    assert_eq!(d.form(&path, &[], &[("message", &text)]).await?.text("/code"), "29");
    assert_eq!(d.form(&path, &[("auth_token", "other")], &[("auth_token", &token), ("message", &text)]).await?.text("/code"), "11");
    assert_eq!(d.form(&path, &[("auth_token", &token)], &[("message", &text)]).await?.text("/code"), "0");
    d.twin.expire_passes(Vendor::Oppo);
    assert_eq!(d.form(&path, &[("auth_token", &token)], &[("message", &text)]).await?.text("/code"), "11");
    Ok(())
}

#[tokio::test]
async fn fields_ids_and_repeats() -> Done {
    let d = Desk::new(account()).await;
    let token = token(&d).await?;
    let good = message(&id(1));
    for (pointer, value, wanted) in [
        ("/notification/title", Value::Null, "40"),
        ("/notification/title", json!("长".repeat(51)), "41"),
        ("/notification/content", json!("长".repeat(51)), "41"),
        ("/notification/click_action_type", json!(4), "41"),
        ("/notification/action_parameters", json!({"a": 1}), "41"),
        ("/notification/category", json!("WORK"), "67"),
        ("/notification/notify_level", json!(16), "67"),
        ("/notification/badge_operation_type", json!(0), "59"),
        ("/notification/small_picture_id", json!("p"), "41"),
        ("/target_value", json!("OPPO_CN_1;OPPO_CN_2"), "41"),
        ("/target_value", json!("OPPO_IN_00000000000000000000000000000001"), "10000"),
        ("/target_value", json!("short"), "10000"),
        ("/target_value", json!("OPPO_CN_bad0bad0000000000000000000000001"), "10000"),
    ] {
        assert_eq!(unicast(&d, &token, &with(&good, pointer, value)).await?, wanted, "{pointer}");
    }
    assert_eq!(d.twin.ledger().taken(), 0);
    assert_eq!(unicast(&d, &token, &good).await?, "0");
    assert_eq!(unicast(&d, &token, &good).await?, "32", "the same id to the same target");
    assert_eq!(unicast(&d, &token, &message(&id(2))).await?, "0", "the same id to another target");
    assert_eq!((d.twin.ledger().taken(), d.twin.ledger().last(2)[1].verdict), (2, Verdict::Dropped));
    let list = json!([message(&id(3)), message(&id(1)), message("OPPO_CN_bad0bad0000000000000000000000002")]).to_string();
    let said = d.form(&format!("{N}unicast_batch"), &[], &[("auth_token", &token), ("messages", &list)]).await?;
    assert_eq!((said.text("/code").as_str(), said.text("/data/0/registrationId")), ("0", id(3)));
    assert_eq!((said.text("/data/1/errorCode"), said.text("/data/2/errorCode")), ("32".into(), "10000".into()));
    Ok(())
}

#[tokio::test]
async fn contents_broadcasts_limits_and_receipts() -> Done {
    let d = Desk::new(KeyedAccount { daily_quota: 4, save_daily: 2, ..account() }).await;
    let token = token(&d).await?;
    let (url, heard) = ears("").await?;
    let save = async |own: &str| {
        let fields = [("auth_token", token.as_str()), ("title", "标题"), ("content", "正文"), ("app_message_id", own)];
        let more = [("notify_id", "77"), ("call_back_url", url.as_str()), ("call_back_parameter", "cmp-42")];
        d.form(&format!("{N}save_message_content"), &[], &[&fields[..], &more[..]].concat()).await
    };
    let said = save("c-1").await?;
    let content = said.text("/data/message_id");
    assert_eq!(save("c-1").await?.text("/data/message_id"), content, "stored once");
    assert_eq!(save("c-2").await?.text("/code"), "0");
    assert_eq!(save("c-3").await?.text("/code"), "42");
    let broadcast = async |content: &str, ids: &[String]| {
        let fields = [("auth_token", token.as_str()), ("message_id", content), ("target_type", "2"), ("target_value", &ids.join(";"))];
        d.form(&format!("{N}broadcast"), &[], &fields).await
    };
    assert_eq!(broadcast("nothing", &[id(1)]).await?.text("/code"), "31");
    d.dial(Dials { receipts: Receipts { delivered_share: 1.0, ..Receipts::default() }, ..Dials::default() });
    let ids = [id(1), id(2), "OPPO_CN_bad0bad0000000000000000000000001".into(), "OPPO_CN_deaddead000000000000000000000001".into()];
    let said = broadcast(&content, &ids).await?;
    assert_eq!(said.body["data"]["10000"], json!([ids[2]]));
    assert_eq!(broadcast(&content, &[id(9)]).await?.text("/code"), "33");
    let posts = until(|| (d.twin.posted().receipts == 3).then(|| heard.lock().expect("no panic").clone())).await;
    let rows: Vec<Value> = posts.iter().flat_map(|(_, t)| serde_json::from_str::<Vec<Value>>(t).unwrap_or_default()).collect();
    let arrived = rows.iter().find(|r| r["eventType"] == "push_arrive").ok_or("a receipt")?;
    assert_eq!((&arrived["registrationIds"], &arrived["param"]), (&json!(format!("{},{}", ids[0], ids[1])), &json!("cmp-42")));
    assert_eq!(arrived["taskId"], said.text("/data/task_id"));
    assert!(arrived["eventTime"].is_string() && rows.iter().any(|r| r["eventType"] == "regid_invalid"));
    d.dial(Dials { pace_per_second: 1, daily_quota: 100, content_seconds: 1, ..Dials::default() });
    assert_eq!(broadcast(&content, &ids).await?.text("/code"), "13", "the unit is target users");
    assert_eq!(d.twin.ledger().windows(Vendor::Oppo, 4).over, 0);
    Ok(())
}

/// `multipart/form-data` by hand: fields, and a file when there is one.
async fn upload(d: &Desk, token: &str, kind: &str, ttl: &str, file: Option<&[u8]>) -> reqwest::Result<Value> {
    let mut body = Vec::new();
    if !ttl.is_empty() {
        body.extend_from_slice(format!("--B\r\nContent-Disposition: form-data; name=\"picture_ttl\"\r\n\r\n{ttl}\r\n").as_bytes());
    }
    if let Some(file) = file {
        body.extend_from_slice(
            b"--B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"p.png\"\r\nContent-Type: image/png\r\n\r\n",
        );
        body.extend_from_slice(file);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"--B--\r\n");
    let call = d.client.post(d.url(&format!("/server/v1/media/upload/{kind}"))).header("auth_token", token);
    call.header("content-type", "multipart/form-data; boundary=B").body(body).send().await?.json().await
}

#[tokio::test]
async fn pictures_are_looked_at_kept_and_used_in_broadcasts_only() -> Done {
    let d = Desk::new(KeyedAccount { save_daily: 2, ..account() }).await;
    let token = token(&d).await?;
    let made = async |name: &str| d.client.get(d.url("").replace("/oppo", &format!("/pictures/{name}"))).send().await?.bytes().await;
    let (big, small) = (made("876x324.png").await?, made("144x144.png").await?);
    for (kind, ttl, file, code) in [
        ("big_picture", "", Some(big.as_ref()), 40),
        ("big_picture", "0", Some(big.as_ref()), 41),
        ("big_picture", "60", None, 40),
        ("big_picture", "60", Some(small.as_ref()), 41),
        ("big_picture", "60", Some(b"<html>".as_slice()), 41),
        ("small_picture", "60", Some(made("144x144-60.png").await?.as_ref()), 41),
        ("medium_picture", "60", Some(big.as_ref()), 20),
    ] {
        assert_eq!(upload(&d, &token, kind, ttl, file).await?["code"], code, "{kind} {ttl}");
    }
    assert_eq!(upload(&d, "", "big_picture", "60", Some(&big)).await?["code"], 29);
    assert!(d.twin.ledger().pictures(Vendor::Oppo).is_empty());
    let said = upload(&d, &token, "big_picture", "60", Some(&big)).await?;
    let (id, kept) = (said["data"]["big_picture_id"].as_str().ok_or("an id")?, d.twin.ledger().pictures(Vendor::Oppo));
    assert_eq!((kept.len(), kept[0].id.as_str(), kept[0].bytes.as_slice()), (1, id, big.as_ref()), "byte for byte");
    let save = async |fields: &[(&str, &str)]| {
        let base = [("auth_token", token.as_str()), ("title", "标题"), ("content", "正文")];
        d.form(&format!("{N}save_message_content"), &[], &[&base[..], fields].concat()).await
    };
    assert_eq!(save(&[("style", "3")]).await?.text("/code"), "40", "which picture?");
    assert_eq!(save(&[("style", "3"), ("big_picture_id", "stranger")]).await?.text("/code"), "51");
    assert_eq!(save(&[("small_picture_id", id)]).await?.text("/code"), "51", "a big one is no small one");
    assert_eq!(save(&[("style", "3"), ("big_picture_id", id)]).await?.text("/code"), "0");
    assert_eq!(upload(&d, &token, "small_picture", "60", Some(&small)).await?["code"], 0);
    assert_eq!(upload(&d, &token, "small_picture", "60", Some(&small)).await?["code"], 34, "two a day");
    Ok(())
}
