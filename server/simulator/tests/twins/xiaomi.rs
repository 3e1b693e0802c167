//! The Xiaomi twin against the manual, and its receipts at a callback of the test's own.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::support::{CHANNEL, Done, PACKAGE, SECRET, client, twin, until, xiaomi_account};
use serde_json::{Value, json};
use simulator::{Account, Channel, ChannelClass, Dials, Garbage, Outage, Receipts, Simulator, Verdict, token_hash};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use types::vendor::Vendor;

struct Bench {
    twin: Simulator,
    client: reqwest::Client,
}

type Fields = Vec<(&'static str, String)>;

fn form(targets: &str) -> Fields {
    vec![
        ("registration_id", targets.to_owned()),
        ("restricted_package_name", PACKAGE.into()),
        ("pass_through", "0".into()),
        ("title", "标题".into()),
        ("description", "正文 & <b>bold</b>".into()),
        ("notify_id", "91234".into()),
        ("extra.channel_id", CHANNEL.into()),
        ("extra.jobkey", "job1".into()),
    ]
}

fn with(mut fields: Fields, name: &'static str, value: &str) -> Fields {
    fields.retain(|(n, _)| *n != name);
    fields.push((name, value.to_owned()));
    fields
}

fn without(mut fields: Fields, name: &str) -> Fields {
    fields.retain(|(n, _)| *n != name);
    fields
}

impl Bench {
    async fn new() -> Bench {
        let twin = twin().await;
        twin.add_account(Account::Xiaomi(xiaomi_account())).expect("the account is proper");
        Bench { client: client(&twin), twin }
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.twin.base_url(Vendor::Xiaomi))
    }

    async fn send(&self, fields: &Fields) -> Result<Value, reqwest::Error> {
        let request = self.client.post(self.url("/v3/message/regid")).header("authorization", format!("key={SECRET}"));
        request.form(fields).send().await?.json().await
    }

    async fn code(&self, fields: &Fields) -> Result<i64, reqwest::Error> {
        Ok(self.send(fields).await?["code"].as_i64().unwrap_or(i64::MIN))
    }
}

#[tokio::test]
async fn a_request_with_good_and_bad_targets_is_partly_taken() -> Done {
    let b = Bench::new().await;
    let answer = b.send(&form("reg-a,bad-1,reg+c=,bad-2")).await?;
    assert_eq!((answer["result"].as_str(), answer["code"].as_i64()), (Some("ok"), Some(0)));
    assert_eq!(answer["data"]["bad_regids"], "bad-1,bad-2");
    assert!(answer["data"]["id"].as_str().is_some_and(|id| id.starts_with("sdm")));
    let taken = b.twin.ledger().taken_under(Vendor::Xiaomi, "job1");
    assert_eq!(taken.len(), 2);
    assert_eq!(taken[&token_hash("reg+c=")], 1);
    let entry = b.twin.ledger().last_of(Vendor::Xiaomi, "reg-a").ok_or("on the books")?;
    assert_eq!((entry.title.as_str(), entry.body.as_str()), ("标题", "正文 & <b>bold</b>"));
    assert_eq!(b.code(&form("bad-1,bad-2")).await?, 20301);
    let again = b.send(&form("reg-a")).await?;
    assert_ne!(again["data"]["id"], answer["data"]["id"], "the server does not drop repeats");
    assert_eq!(b.twin.ledger().repeats(Some("job1")).same_key, 1);
    Ok(())
}

#[tokio::test]
async fn refusals_follow_the_order_of_the_manual() -> Done {
    let b = Bench::new().await;
    let many = vec!["r"; 1_001].join(",");
    let wrong: Fields = vec![
        ("restricted_package_name", "com.foreign".into()),
        ("registration_id", many),
        ("title", "x".repeat(50)),
        ("description", "y".repeat(128)),
        ("notify_id", "-1".into()),
        ("extra.jobkey", "_bad".into()),
        ("extra.callback.param", "p".repeat(257)),
        ("extra.callback", format!("https://example.com/{}", "c".repeat(128))),
    ];
    // Not POST, then a bad key, then one mend after the other.
    let get = b.client.get(b.url("/v3/message/regid")).send().await?.json::<Value>().await?;
    assert_eq!(get["code"], 10021);
    let key = b.client.post(b.url("/v3/message/regid")).header("authorization", "key=wrong").form(&wrong).send().await?;
    assert_eq!(key.json::<Value>().await?["code"], 21301);
    let mut fields = wrong;
    let mut codes = vec![b.code(&fields).await?];
    for (name, value) in [
        ("restricted_package_name", PACKAGE),
        ("registration_id", "reg-a"),
        ("title", "t"),
        ("description", "d"),
        ("notify_id", "0"),
        ("extra.jobkey", "ok-1"),
        ("extra.callback.param", "p"),
        ("extra.callback", "ftp://example.com/"),
        ("extra.callback", "https://example.com/r"),
        ("extra.channel_id", "nobody"),
        ("extra.channel_id", CHANNEL),
    ] {
        fields = with(fields, name, value);
        codes.push(b.code(&fields).await?);
    }
    assert_eq!(codes, [22022, 10017, 10017, 10017, 22103, 10017, 65036, 65037, 65038, 27001, 27001, 0]);
    assert_eq!(b.code(&without(form("reg-a"), "restricted_package_name")).await?, 10016);
    assert_eq!(b.code(&form("")).await?, 10016);
    assert_eq!(b.code(&with(form("reg-a"), "title", "  ")).await?, 10016);
    assert_eq!(b.code(&with(form("reg-a"), "title", &"题".repeat(49))).await?, 0);
    assert_eq!(b.code(&with(form("reg-a"), "extra.jobkey", &"k".repeat(21))).await?, 10017);
    assert_eq!(b.code(&with(form("reg-a"), "payload", &"k".repeat(4_097))).await?, 10018);
    let mut own = form("reg-a");
    own.extend(["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"].map(|_| ("extra.own", "v".into())));
    assert_eq!(b.code(&own).await?, 0);
    own.push(("extra.one_more", "v".into()));
    assert_eq!(b.code(&own).await?, 65014);
    let mime = b.client.post(b.url("/v3/message/regid")).header("authorization", format!("key={SECRET}")).body("{}").send().await?;
    assert_eq!(mime.json::<Value>().await?["code"], 10007);
    Ok(())
}

#[tokio::test]
async fn private_channels_need_their_template() -> Done {
    let b = Bench::new().await;
    let mut account = xiaomi_account();
    let templates = std::collections::BTreeMap::from([("T1".to_owned(), vec!["order".to_owned()])]);
    account.channels.push(Channel { id: "p1".into(), class: ChannelClass::Private, templates });
    b.twin.add_account(Account::Xiaomi(account))?;
    let base = with(form("reg-a"), "extra.channel_id", "p1");
    assert_eq!(b.code(&base).await?, 27001);
    let named = with(base, "extra.template_id", "T1");
    assert_eq!(b.code(&with(named.clone(), "extra.template_param", r#"{"other":"1"}"#)).await?, 27001);
    assert_eq!(b.code(&with(named, "extra.template_param", r#"{"order":"17"}"#)).await?, 0);
    Ok(())
}

#[tokio::test]
async fn pace_and_quota_are_kept_to_the_unit() -> Done {
    let b = Bench::new().await;
    let account = simulator::XiaomiAccount { requests_per_second: 3, daily_quota: 5, ..xiaomi_account() };
    b.twin.add_account(Account::Xiaomi(account))?;
    let mut codes = Vec::new();
    for _ in 0..4 {
        codes.push(b.code(&form("reg-a")).await?);
    }
    assert_eq!(codes, [0, 0, 0, 200002]);
    b.twin.advance_clock(Duration::from_secs(1));
    let over = b.send(&form("reg-a,reg-b,reg-c")).await?;
    assert_eq!(over["code"], 200001);
    assert_eq!(over["reason"], "app daily quota exceeded, quota 5, acked 3");
    let last = b.send(&form("reg-a,reg-b")).await?;
    assert_eq!((&last["data"]["day_quota"], &last["data"]["day_acked"]), (&json!("5"), &json!("5")));
    b.twin.advance_clock(Duration::from_secs(86_400));
    assert_eq!(b.code(&form("reg-a")).await?, 0, "a new day in Shanghai");
    let windows = b.twin.ledger().windows(Vendor::Xiaomi, 3);
    assert_eq!((windows.busiest, windows.over, windows.refused), (3, 0, 1));
    Ok(())
}

#[tokio::test]
async fn multi_messages_drop_in_silence_over_the_quota() -> Done {
    let b = Bench::new().await;
    b.twin.set_dials(Vendor::Xiaomi, Dials { daily_quota: 2, ..Dials::default() })?;
    let one = |target: &str, title: &str| {
        json!({"target": target, "message": {"title": title, "description": "d", "restricted_package_name": PACKAGE,
               "pass_through": 0, "extra": {"channel_id": CHANNEL, "jobkey": "job2"}}})
    };
    let messages = json!([one("reg-a", "A"), one("bad-x", "X"), one("reg-b", "B"), one("reg-c", "C")]).to_string();
    let request = b.client.post(b.url("/v2/multi_messages/regids")).header("authorization", format!("key={SECRET}"));
    let answer: Value = request.form(&[("messages", messages)]).send().await?.json().await?;
    assert_eq!(answer["code"], 0);
    assert_eq!(answer["data"]["channel_exceed_quota"], format!("{CHANNEL}:1"));
    assert_eq!(answer["data"]["bad_regids"], "bad-x");
    assert_eq!(b.twin.ledger().last_of(Vendor::Xiaomi, "reg-b").map(|e| e.title), Some("B".into()));
    assert_eq!(b.twin.ledger().last_of(Vendor::Xiaomi, "reg-c"), None);
    Ok(())
}

#[tokio::test]
async fn dials_spoil_the_answer_but_not_the_books() -> Done {
    let b = Bench::new().await;
    let dial = |dials: Dials| b.twin.set_dials(Vendor::Xiaomi, dials);
    for garbage in [Garbage::Empty, Garbage::Html, Garbage::TruncatedJson, Garbage::WrongTypes] {
        dial(Dials { garbage_share: 1.0, garbage, ..Dials::default() })?;
        let read = b.code(&form("reg-a")).await;
        assert!(read.is_err() || read.is_ok_and(|code| code == i64::MIN), "{garbage:?}");
    }
    assert!(b.twin.ledger().last(9).iter().all(|e| e.verdict == Verdict::AcceptedUnheard));
    assert_eq!(b.twin.ledger().len(), 4);
    dial(Dials { cut_share: 1.0, ..Dials::default() })?;
    assert!(b.code(&form("reg-a")).await.is_err());
    assert_eq!(b.twin.ledger().len(), 5);
    for outage in [Outage::Refuse, Outage::Error] {
        dial(Dials { outage, ..Dials::default() })?;
        assert!(b.code(&form("reg-a")).await.is_err());
    }
    dial(Dials { error_share: 1.0, error: "10002".into(), ..Dials::default() })?;
    assert_eq!(b.code(&form("reg-a")).await?, 10002);
    dial(Dials { partial_share: 0.5, ..Dials::default() })?;
    let targets: Vec<String> = (0..200).map(|n| format!("reg-{n}")).collect();
    let answer = b.send(&form(&targets.join(","))).await?;
    let bad = answer["data"]["bad_regids"].as_str().map_or(0, |t| t.split(',').count());
    assert!((60..140).contains(&bad), "{bad} of 200");
    assert_eq!(b.twin.ledger().len(), 205);
    Ok(())
}

/// A callback that answers 200 and keeps every `data` it got.
async fn callback() -> Result<(String, Arc<Mutex<Vec<Value>>>), std::io::Error> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/r", listener.local_addr()?);
    let heard = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&heard);
    tokio::spawn(async move {
        while let Ok((mut tcp, _)) = listener.accept().await {
            let kept = Arc::clone(&kept);
            tokio::spawn(async move {
                let mut bytes = Vec::new();
                while let Ok(n) = tcp.read_buf(&mut bytes).await {
                    if n == 0 {
                        return;
                    }
                    let text = String::from_utf8_lossy(&bytes).into_owned();
                    let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
                    let length =
                        head.lines().find_map(|l| l.to_ascii_lowercase().strip_prefix("content-length: ").and_then(|v| v.parse().ok()));
                    if body.len() < length.unwrap_or(0) {
                        continue;
                    }
                    let fields: Vec<(String, String)> = serde_urlencoded::from_str(body).unwrap_or_default();
                    if let [(name, data)] = fields.as_slice() {
                        assert_eq!(name, "data");
                        kept.lock().expect("no panic").push(serde_json::from_str(data).unwrap_or_default());
                    }
                    bytes.clear();
                    if tcp.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await.is_err() {
                        return;
                    }
                }
            });
        }
    });
    Ok((url, heard))
}

/// (type, bar status, target) of everything heard, sorted.
fn receipts(heard: &Mutex<Vec<Value>>) -> Vec<(i64, String, String)> {
    let mut rows = Vec::new();
    for entry in heard.lock().expect("no panic").iter().filter_map(Value::as_object).flat_map(|o| o.values()) {
        assert_eq!((&entry["param"], &entry["jobkey"]), (&json!("t42"), &json!("job1")));
        assert!(entry["timestamp"].is_i64());
        for target in entry["targets"].as_str().unwrap_or_default().split(',') {
            let bar = entry["barStatus"].as_str().unwrap_or_default();
            rows.push((entry["type"].as_i64().unwrap_or_default(), bar.to_owned(), target.to_owned()));
        }
    }
    rows.sort();
    rows
}

fn asking(targets: &str, url: &str, types: &str) -> Fields {
    with(with(with(form(targets), "extra.callback", url), "extra.callback.param", "t42"), "extra.callback.type", types)
}

#[tokio::test]
async fn receipts_come_in_the_form_of_the_manual() -> Done {
    let b = Bench::new().await;
    let (url, heard) = callback().await?;
    let targets = "reg-a,click-b,off-c,gone-d,disabled-e,filtered-f,quota-g,nodeliver-h,bad-i,moved-j";
    assert_eq!(b.code(&asking(targets, &url, "243")).await?, 0);
    until(|| (receipts(&heard).len() >= 8).then_some(())).await;
    let rows = receipts(&heard);
    let rows: Vec<(i64, &str, &str)> = rows.iter().map(|(t, b, r)| (*t, b.as_str(), r.as_str())).collect();
    // reg-a is ordinary, and the dial says that nothing ordinary arrives.
    assert_eq!(
        rows,
        [
            (1, "Disable", "off-c"),
            (1, "Enable", "click-b"),
            (1, "Enable", "moved-j"),
            (2, "Enable", "click-b"),
            (16, "", "gone-d"),
            (32, "", "disabled-e"),
            (64, "", "filtered-f"),
            (128, "", "quota-g"),
        ]
    );
    let all = heard.lock().expect("no panic").clone();
    let moved =
        all.iter().filter_map(Value::as_object).flat_map(|o| o.values()).any(|e| e["replaceTarget"] == json!({"moved-j": "fresh-j"}));
    assert!(moved);
    Ok(())
}

#[tokio::test]
async fn shares_masks_repeats_and_receipts_by_hand() -> Done {
    let b = Bench::new().await;
    let (url, heard) = callback().await?;
    let receipts_dial = Receipts { delivered_share: 0.8, clicked_share: 0.25, duplicate_share: 0.5, ..Receipts::default() };
    b.twin.set_dials(Vendor::Xiaomi, Dials { receipts: receipts_dial, ..Dials::default() })?;
    let targets: Vec<String> = (0..400).map(|n| format!("reg-{n}")).collect();
    assert_eq!(b.code(&asking(&targets.join(","), &url, "3")).await?, 0);
    until(|| (b.twin.posted().waiting == 0 && b.twin.posted().receipts > 300).then_some(())).await;
    let rows = receipts(&heard);
    let mut distinct = rows.clone();
    distinct.dedup();
    let delivered = distinct.iter().filter(|r| r.0 == 1).count();
    let clicked = distinct.iter().filter(|r| r.0 == 2).count();
    assert!((280..360).contains(&delivered), "{delivered} of 400 for a share of 0.8");
    assert!((45..120).contains(&clicked), "{clicked} of {delivered} for a share of 0.25");
    assert!(rows.len() > distinct.len() + 100, "half of them came twice");

    heard.lock().expect("no panic").clear();
    // An undefined bit in the sum silences everything; a mask leaves out what it does not name.
    assert_eq!(b.code(&asking("click-a", &url, "246")).await?, 0);
    assert_eq!(b.code(&asking("click-b", &url, "2")).await?, 0);
    until(|| (!receipts(&heard).is_empty()).then_some(())).await;
    assert_eq!(receipts(&heard).iter().map(|r| (r.0, r.2.as_str())).collect::<Vec<_>>(), [(2, "click-b")]);

    heard.lock().expect("no panic").clear();
    let control = format!("{}/simulator/receipts", b.twin.control_url());
    let late = json!({"key": "job1", "targets": ["reg-a", "reg-b"], "type": 16, "errorCode": 1});
    assert_eq!(b.client.post(&control).json(&late).send().await?.status(), 200);
    until(|| (receipts(&heard).len() == 2).then_some(())).await;
    let unknown = json!({"key": "nothing", "targets": ["reg-a"]});
    assert_eq!(b.client.post(&control).json(&unknown).send().await?.status(), 404);
    Ok(())
}
