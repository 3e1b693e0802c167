//! The Meizu twin against the manual.

use crate::support::desk::{Desk, Said, ears, with};
use crate::support::{Done, until};
use md5::{Digest, Md5};
use serde_json::{Value, json};
use simulator::{Dials, KeyedAccount, Receipts};
use types::vendor::Vendor;

const PUSH: &str = "/garcia/api/server/push/varnished/pushByPushId";

fn account() -> KeyedAccount {
    KeyedAccount::new(Vendor::Meizu, [("app_id", "10001"), ("app_secret", "mz-demo-secret"), ("receipt_token", "rt-1")])
}

fn message() -> Value {
    json!({"noticeBarInfo": {"noticeMsgType": 0, "noticeBarType": 0, "title": "标题", "content": "正文"}, "clickTypeInfo": {"clickType": 0},
           "pushTimeInfo": {"offLine": 1, "validTime": 24}, "advanceInfo": {"notifyKey": "k1"}, "extra": {}})
}

async fn call(d: &Desk, path: &str, secret: &str, fields: &[(&str, &str)]) -> reqwest::Result<Said> {
    let mut fields = fields.to_vec();
    fields.sort_unstable();
    let pairs: String = fields.iter().map(|(k, v)| format!("{k}={v}")).collect();
    let sign = hex::encode(Md5::digest(format!("{pairs}{secret}")));
    fields.push(("sign", &sign));
    d.form(path, &[], &fields).await
}

async fn push(d: &Desk, ids: &str, message: &Value) -> reqwest::Result<Said> {
    call(d, PUSH, "mz-demo-secret", &[("appId", "10001"), ("pushIds", ids), ("messageJson", &message.to_string())]).await
}

#[tokio::test]
async fn signatures_fields_and_both_tables() -> Done {
    let d = Desk::new(KeyedAccount { per_second: 20, ..account() }).await;
    let text = message().to_string();
    let fields = [("appId", "10001"), ("pushIds", "a"), ("messageJson", text.as_str())];
    let said = call(&d, PUSH, "wrong-secret", &fields).await?;
    assert_eq!((said.status, said.text("/code").as_str(), &said.body["value"]), (200, "1006", &json!("")));
    assert_eq!(call(&d, PUSH, "mz-demo-secret", &[("appId", "9"), ("pushIds", "a")]).await?.text("/code"), "110000");
    assert_eq!(push(&d, "", &message()).await?.text("/code"), "110004");
    assert_eq!(push(&d, &vec!["a"; 101].join(","), &message()).await?.text("/code"), "1005");
    for (pointer, value) in [
        ("/noticeBarInfo/title", json!("长".repeat(33))),
        ("/noticeBarInfo/content", json!("长".repeat(101))),
        ("/noticeBarInfo/noticeBarType", json!(1)),
        ("/noticeExpandInfo", json!({"noticeExpandType": 2, "noticeExpandImgUrl": "https://img"})),
        ("/clickTypeInfo", json!({"clickType": 2})),
        ("/pushTimeInfo/validTime", json!(73)),
        ("/advanceInfo/notifyKey", json!("123456789")),
        ("/extra", json!({"callback": "https://unregistered.example.com/r"})),
        ("/extra", json!({"callback.type": 4})),
    ] {
        assert_eq!(push(&d, "a", &with(&message(), pointer, value)).await?.text("/code"), "1005", "{pointer}");
    }
    assert!(d.twin.ledger().is_empty());
    let said = push(&d, "reg-1,bad-2,gone-3,off-4,foreign-5,fail-6", &message()).await?;
    assert_eq!(
        (said.text("/code").as_str(), &said.body["value"]),
        ("200", &json!({"110002": ["gone-3"], "110003": ["bad-2"], "110010": ["off-4"], "201": ["foreign-5"], "501": ["fail-6"]}))
    );
    assert_eq!(d.twin.ledger().taken_under(Vendor::Meizu, "k1").len(), 1);
    // Three public messages a day for one device, then by name; the same number at the top means speed.
    for _ in 0..2 {
        assert_eq!(push(&d, "reg-1", &message()).await?.body["value"], json!({}));
    }
    assert_eq!(push(&d, "reg-1", &message()).await?.body["value"], json!({"110011": ["reg-1"]}));
    d.dial(Dials { pace_per_second: 1, ..Dials::default() });
    d.twin.advance_clock(std::time::Duration::from_secs(2));
    assert_eq!(push(&d, "reg-2", &message()).await?.text("/code"), "200");
    assert_eq!(push(&d, "reg-3", &message()).await?.text("/code"), "110010");
    Ok(())
}

#[tokio::test]
async fn tasks_and_receipts() -> Done {
    let (url, heard) = ears("").await?;
    let mut account = account();
    account.callbacks.insert("1".into(), url.clone());
    let d = Desk::new(account).await;
    let text = message().to_string();
    let fields = [("appId", "10001"), ("pushType", "0"), ("messageJson", text.as_str())];
    let made = call(&d, "/garcia/api/server/push/pushTask/getTaskId", "mz-demo-secret", &fields).await?;
    let task = made.text("/value/taskId");
    let path = "/garcia/api/server/push/task/varnished/pushByPushId";
    let send = async |task: &str| call(&d, path, "mz-demo-secret", &[("appId", "10001"), ("taskId", task), ("pushIds", "a,b")]).await;
    assert_eq!(send(&task).await?.text("/code"), "200");
    assert_eq!(send("7").await?.text("/code"), "110032");
    d.dial(Dials { receipts: Receipts { delivered_share: 1.0, ..Receipts::default() }, ..Dials::default() });
    let m = with(&message(), "/extra", json!({"callback": url, "callback.param": "cmp-42", "callback.type": "3"}));
    let id = push(&d, "reg-1,click-2", &m).await?.text("/msgId");
    let posts = until(|| (d.twin.posted().receipts == 3).then(|| heard.lock().expect("no panic").clone())).await;
    let mut rows = serde_json::Map::new();
    for (_, body) in &posts {
        let fields: std::collections::BTreeMap<String, String> = serde_urlencoded::from_str(body)?;
        assert_eq!(fields["access_token"], "rt-1");
        rows.extend(serde_json::from_str::<serde_json::Map<String, Value>>(&fields["cb"])?);
    }
    assert_eq!(rows[&format!("{id}-1")], json!({"param": "cmp-42", "type": 1, "targets": ["reg-1", "click-2"]}));
    assert_eq!(rows[&format!("{id}-2")], json!({"param": "cmp-42", "type": 2, "targets": ["click-2"]}));
    Ok(())
}

#[tokio::test]
async fn pictures_and_redirects() -> Done {
    let mut account = account();
    account.rights.insert("vip".into());
    let d = Desk::new(account).await;
    let upload = async |fields: &[(&str, &str)]| call(&d, "/garcia/api/server/push/uploadImg", "mz-demo-secret", fields).await;
    let source = "https://img.example.com/a.png";
    assert_eq!(upload(&[("appId", "10001"), ("imgType", "1")]).await?.text("/code"), "110004");
    assert_eq!(upload(&[("appId", "10001"), ("imgType", "2"), ("imgUrl", source)]).await?.text("/code"), "1005");
    assert_eq!(upload(&[("appId", "10001"), ("imgType", "1"), ("imgUrl", "a.png")]).await?.text("/code"), "1005");
    let bar = upload(&[("appId", "10001"), ("imgType", "0"), ("imgUrl", source)]).await?.text("/value/imgUrl");
    let expanded = upload(&[("appId", "10001"), ("imgType", "1"), ("imgUrl", source)]).await?.text("/value/imgUrl");
    assert_eq!(d.twin.ledger().pictures(Vendor::Meizu)[1].bytes, source.as_bytes());
    let shown = |url: &str| with(&message(), "/noticeExpandInfo", json!({"noticeExpandType": 2, "noticeExpandImgUrl": url}));
    for (url, code) in [(source, "1005"), (bar.as_str(), "1005"), (expanded.as_str(), "200")] {
        assert_eq!(push(&d, "reg-1", &shown(url)).await?.text("/code"), code, "{url}");
    }
    d.dial(Dials { redirect: true, ..Dials::default() });
    let said = push(&d, "reg-2", &message()).await?;
    let there = said.text("/redirect");
    assert!(said.text("/code") == "300" && there.ends_with(PUSH), "{there}");
    let below = there.split_once("/meizu").ok_or("of the twin")?.1.to_owned();
    let text = message().to_string();
    let fields = [("appId", "10001"), ("pushIds", "reg-2"), ("messageJson", text.as_str())];
    assert_eq!(call(&d, &below, "mz-demo-secret", &fields).await?.text("/code"), "200");
    Ok(())
}
