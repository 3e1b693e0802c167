//! Signatures and keys at the door.

use super::*;

#[tokio::test]
async fn every_wrong_header_is_named_and_no_secret_is_told() {
    let desk = Desk::new().await;
    for header in ["X-App-Key", "X-Timestamp", "X-Nonce", "X-Signature"] {
        let answer = desk.spoiled(header, "").await;
        problem(&answer, 401, "signature_missing");
        assert_eq!(fields(&answer), [header]);
    }
    assert!(problem(&desk.spoiled("X-App-Key", "ak_nobody").await, 401, "app_unknown").contains("ak_nobody"));
    problem(&desk.spoiled("X-Timestamp", "soon").await, 401, "timestamp_out_of_range");
    problem(&desk.spoiled("X-Timestamp", "1795179600000").await, 401, "timestamp_out_of_range");
    let late = desk.spoiled("X-Timestamp", &(NOW / 1_000 - 301).to_string()).await;
    assert!(problem(&late, 401, "timestamp_out_of_range").contains("-301 s away"), "{}", late.body);
    problem(&desk.spoiled("X-Nonce", "short").await, 401, "signature_missing");
    let other_second = desk.spoiled("X-Timestamp", &(NOW / 1_000 - 10).to_string()).await;
    problem(&other_second, 401, "signature_wrong");
    let string = other_second.body["string_to_sign"].as_str().expect("the string our side signed");
    assert!(string.starts_with("v1\nGET\n/v1/messages\nsize=1\n1795179590\nnonce-"), "{string}");
    assert!(!other_second.body.to_string().contains(&desk.secret));
}

#[tokio::test]
async fn the_differing_line_is_named_in_the_callers_language() {
    let desk = Desk::new().await;
    let mut request = desk.request("POST", "/v1/messages", "").body(Body::from(message().to_string())).expect("a request");
    let answer = desk.oneshot(request).await;
    assert!(problem(&answer, 401, "signature_wrong").starts_with("line 7 body hash differs"));
    request = desk.request("POST", "/v1/messages", "").body(Body::from(message().to_string())).expect("a request");
    request.headers_mut().insert("accept-language", "zh-CN,zh;q=0.9".parse().expect("a value"));
    let answer = desk.oneshot(request).await;
    assert!(problem(&answer, 401, "signature_wrong").starts_with("第 7 行"), "{}", answer.body);
    assert_eq!(answer.body["title"], "签名不符");
}

#[tokio::test]
async fn a_replay_is_refused_also_after_a_restart_and_a_stranger_cannot_burn_a_nonce() {
    let desk = Desk::new().await;
    let body = json!({"devices": [{"tokens": [{"vendor": "xiaomi", "token": "regid-0000001"}]}]}).to_string();
    let make = |secret: &str| {
        let request = desk.request_with("POST", "/v1/devices", &body, "the-same-nonce-00", secret);
        request.body(Body::from(body.clone())).expect("a request")
    };
    problem(&desk.oneshot(make("as_wrong")).await, 401, "signature_wrong");
    assert_eq!(desk.oneshot(make(&desk.secret)).await.status, 200);
    problem(&desk.oneshot(make(&desk.secret)).await, 401, "nonce_used");
    let again = house(&desk.dir, desk.clock.clone(), 77).await;
    problem(&oneshot(&super::super::router(again, Limits::NONE), make(&desk.secret)).await, 401, "nonce_used");
}

#[tokio::test]
async fn two_live_secrets_both_work_and_an_ended_one_stops() {
    let desk = Desk::new().await;
    assert_eq!(desk.call("GET", "/v1/messages", Value::Null).await.status, 200);
    let second = keys::fresh_app_secret(&desk.house.world);
    let sealed = keys::seal_secret(&desk.house.vault, &desk.app.id, &second);
    desk.house.storage.apps.add_secret(desk.app.no, sealed, NOW, None).await.expect("added");
    desk.clock.advance(300);
    for secret in [&desk.secret, &second] {
        let request = desk.request_with("GET", "/v1/messages", "", &desk.fresh_nonce(), secret).body(Body::empty()).expect("a request");
        assert_eq!(desk.oneshot(request).await.status, 200, "a new secret works at once");
    }
    let first = desk.house.storage.apps.secrets(desk.app.no).await.expect("secrets")[0].no;
    desk.house.storage.apps.end_secret(desk.app.no, first, None).await.expect("ended");
    desk.clock.advance(3_001);
    problem(&desk.call("GET", "/v1/messages", Value::Null).await, 401, "signature_wrong");
}
