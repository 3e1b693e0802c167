//! The Honor twin against the manual.

use crate::support::desk::{Desk, ears, with};
use crate::support::{Done, now, until};
use serde_json::{Value, json};
use simulator::{Dials, KeyedAccount, Receipts};
use types::vendor::Vendor;

const SEND: &str = "/api/v1/104400001/sendMessage";

fn account() -> KeyedAccount {
    KeyedAccount::new(Vendor::Honor, [("app_id", "104400001"), ("client_id", "client-1"), ("client_secret", "honor-secret")])
}

async fn bearer(d: &Desk) -> reqwest::Result<String> {
    let fields = [("grant_type", "client_credentials"), ("client_id", "client-1"), ("client_secret", "honor-secret")];
    Ok(format!("Bearer {}", d.form("/auth/token", &[], &fields).await?.text("/access_token")))
}

fn body(tokens: &[&str]) -> Value {
    json!({"android": {"ttl": "86400s", "biTag": "tag-1", "targetUserType": 0, "notification": {"title": "标题", "body": "正文",
           "importance": "LOW", "notifyId": 91234, "clickAction": {"type": 3}}}, "token": tokens})
}

#[tokio::test]
async fn refusals_partial_failures_and_receipts() -> Done {
    let (url, heard) = ears(r#"{"code":"0","message":"success"}"#).await?;
    let d = Desk::new(KeyedAccount { receipts_url: Some(url), per_second: 8, ..account() }).await;
    let said =
        d.form("/auth/token", &[], &[("grant_type", "client_credentials"), ("client_id", "client-1"), ("client_secret", "x")]).await?;
    assert_eq!((said.status, said.text("/error")), (401, "invalid_client".into()));
    let bearer = bearer(&d).await?;
    let ms = (now() * 1_000).to_string();
    let send =
        async |path: &str, bearer: &str, ms: &str, body: &Value| d.json(path, &[("authorization", bearer), ("timestamp", ms)], body).await;
    let good = body(&["tok-1"]);
    let n = "/android/notification";
    assert_eq!(send("/api/v2/x", &bearer, &ms, &good).await?.status, 404);
    assert_eq!(send(SEND, "Bearer guess", &ms, &good).await?.status, 401);
    assert_eq!(send("/api/v1/9/sendMessage", &bearer, &ms, &good).await?.text("/code"), "403");
    assert_eq!(send(SEND, &bearer, "1700000000000", &good).await?.text("/code"), "400");
    assert_eq!(send(SEND, &bearer, &ms, &json!({"message": good})).await?.text("/code"), "400");
    for (pointer, value) in [
        ("/token", json!([])),
        (&format!("{n}/title") as &str, Value::Null),
        (&format!("{n}/clickAction"), Value::Null),
        (&format!("{n}/importance"), json!("HIGH")),
        (&format!("{n}/style"), json!(1)),
        (&format!("{n}/click_action"), json!({"type": 3})),
        (&format!("{n}/badge"), json!({"addNum": 1})),
        ("/android/ttl", json!("1d")),
    ] {
        assert_eq!(send(SEND, &bearer, &ms, &with(&good, pointer, value)).await?.text("/code"), "400", "{pointer}");
    }
    d.dial(Dials { receipts: Receipts { delivered_share: 1.0, ..Receipts::default() }, ..Dials::default() });
    let said = send(SEND, &bearer, &ms, &body(&["tok-1", "bad-2", "fail-3", "gone-4"])).await?;
    assert_eq!(said.text("/code"), "200");
    assert_eq!((&said.body["data"]["failTokens"], &said.body["data"]["expireTokens"]), (&json!(["fail-3"]), &json!(["bad-2"])));
    assert_eq!(send(SEND, &bearer, &ms, &body(&["a", "b", "c", "d", "e"])).await?.status, 429);
    let posts = until(|| (d.twin.posted().receipts == 2).then(|| heard.lock().expect("no panic").clone())).await;
    assert!(posts.iter().any(|(_, t)| t.contains("40000002") && t.contains("tok-1") && t.contains("tag-1")));
    let said = send(SEND, &bearer, &ms, &body(&["bad-1"])).await?;
    assert_eq!((said.text("/code"), said.text("/data/sendResult")), ("200".into(), "false".into()));
    d.twin.expire_passes(Vendor::Honor);
    assert_eq!(send(SEND, &bearer, &ms, &good).await?.status, 401);
    Ok(())
}
