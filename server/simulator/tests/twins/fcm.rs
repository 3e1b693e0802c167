//! The FCM twin against the manual.

use crate::support::desk::{Desk, Said, google_key_file, rsa_jwt, with};
use crate::support::{Done, now};
use serde_json::{Value, json};
use simulator::{Dials, KeyedAccount};
use types::vendor::Vendor;

const SEND: &str = "/v1/projects/demo-shop/messages:send";

fn account() -> KeyedAccount {
    KeyedAccount::new(Vendor::Fcm, [("service_account", google_key_file().as_str())])
}

async fn exchange(d: &Desk, algorithm: &str, iss: &str, scope: &str, life: i64) -> reqwest::Result<Said> {
    let scope = format!("https://www.googleapis.com/auth/{scope}");
    let claims = json!({"iss": iss, "scope": scope, "aud": "https://oauth2.googleapis.com/token", "iat": now(), "exp": now() + life});
    let fields = [("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"), ("assertion", &rsa_jwt(algorithm, "kid-1", &claims))];
    d.form("/token", &[], &fields).await
}

fn body(token: &str) -> Value {
    json!({"message": {"token": token, "notification": {"title": "标题", "body": "正文"}, "data": {"link": "shop://order/17"},
           "android": {"priority": "HIGH", "ttl": "3600s", "notification": {"channel_id": "orders", "tag": "m-81"}}}})
}

#[tokio::test]
async fn assertions_are_checked() -> Done {
    let d = Desk::new(account()).await;
    let iss = "push@demo-shop.example.com";
    for (algorithm, iss, scope, life, wanted) in [
        ("PS256", iss, "firebase.messaging", 3_600, "invalid_grant"),
        ("RS256", "stranger@example.com", "firebase.messaging", 3_600, "invalid_grant"),
        ("RS256", iss, "drive", 3_600, "invalid_scope"),
        ("RS256", iss, "firebase.messaging", 3_601, "invalid_grant"),
    ] {
        let said = exchange(&d, algorithm, iss, scope, life).await?;
        assert_eq!((said.status, said.text("/error").as_str()), (400, wanted));
    }
    assert_eq!(exchange(&d, "RS256", iss, "firebase.messaging", 3_600).await?.text("/expires_in"), "3599");
    Ok(())
}

#[tokio::test]
async fn sends_and_their_refusals() -> Done {
    let d = Desk::new(KeyedAccount { per_minute: 4, ..account() }).await;
    let said = exchange(&d, "RS256", "push@demo-shop.example.com", "firebase.messaging", 3_600).await?;
    let bearer = format!("Bearer {}", said.text("/access_token"));
    let send = async |path: &str, bearer: &str, body: &Value| d.json(path, &[("authorization", bearer)], body).await;
    assert_eq!(send("/fcm/send", &bearer, &body("t")).await?.status, 404);
    let said = send(SEND, "Bearer guess", &body("t")).await?;
    assert_eq!((said.status, said.text("/error/status"), said.text("/error/details")), (401, "UNAUTHENTICATED".into(), String::new()));
    assert_eq!(send("/v1/projects/other/messages:send", &bearer, &body("t")).await?.status, 403);
    for (pointer, value, field) in [
        ("/message/text", json!("x"), "message.text"),
        ("/message/android/notification/channell", json!("x"), "message.android.notification.channell"),
        ("/message/topic", json!("news"), "message"),
        ("/message/token", Value::Null, "message"),
        ("/message/data", json!({"n": 1}), "message.data"),
        ("/message/data", json!({"google.x": "1"}), "message.data"),
        ("/message/android/ttl", json!("1h"), "message.android.ttl"),
        ("/message/android/ttl", json!("2419201s"), "message.android.ttl"),
        ("/message/android/priority", json!("LOUD"), "message.android.priority"),
    ] {
        let said = send(SEND, &bearer, &with(&body("t"), pointer, value)).await?;
        assert_eq!((said.status, said.text("/error/details/0/fieldViolations/0/field").as_str()), (400, field));
    }
    assert_eq!(send(SEND, &bearer, &with(&body("t"), "/message/data", json!({"k": "v".repeat(4_100)}))).await?.status, 400);
    for (token, status, code) in [
        ("bad-1", 400, "INVALID_ARGUMENT"),
        ("gone-1", 404, "UNREGISTERED"),
        ("foreign-1", 403, "SENDER_ID_MISMATCH"),
        ("quota-1", 429, "QUOTA_EXCEEDED"),
        ("fail-1", 500, "INTERNAL"),
    ] {
        let said = send(SEND, &bearer, &body(token)).await?;
        assert_eq!((said.status, said.text("/error/details/0/errorCode").as_str()), (status, code));
    }
    let camel =
        json!({"validateOnly": true, "message": {"token": "t", "android": {"collapseKey": "c", "notification": {"channelId": "o"}}}});
    assert_eq!(send(SEND, &bearer, &camel).await?.status, 200);
    assert_eq!(d.twin.ledger().taken(), 0);
    let said = send(SEND, &bearer, &body("tok-1")).await?;
    assert!(said.text("/name").starts_with("projects/demo-shop/messages/0:"));
    assert_eq!(send(SEND, &bearer, &body("tok-1")).await?.status, 200, "nothing drops a repeat");
    assert_eq!(d.twin.ledger().repeats(Some("m-81")).same_key, 1);
    d.dial(Dials { retry_after_s: 60, ..Dials::default() });
    assert_eq!(send(SEND, &bearer, &body("tok-2")).await?.status, 200);
    let said = send(SEND, &bearer, &body("tok-3")).await?;
    assert_eq!((said.status, said.headers["retry-after"].to_str()?), (429, "60"));
    d.dial(Dials { error_share: 1.0, error: "THIRD_PARTY_AUTH_ERROR".into(), ..Dials::default() });
    assert_eq!(send(SEND, &bearer, &body("tok-3")).await?.status, 401);
    Ok(())
}
