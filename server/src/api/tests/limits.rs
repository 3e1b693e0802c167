//! How often an app may call. The limiter's time is the real one.

use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use serde_json::Value;

use super::{Desk, make_app, problem};
use crate::api::limit::Limits;

#[tokio::test]
async fn an_app_that_calls_too_often_is_told_when_to_come_back() {
    let mut desk = Desk::new().await;
    let (other, other_secret) = make_app(&desk.house, "Other").await;
    desk.router = crate::api::router(desk.house.clone(), Limits { calls: 20, client_calls: 0 });
    let answers = futures::future::join_all((0..200).map(|_| desk.call("GET", "/v1/messages", Value::Null))).await;
    let through = answers.iter().filter(|a| a.status == StatusCode::OK).count();
    assert!((1..200).contains(&through), "{through} of 200 at once at 20 a second");
    let refused = answers.into_iter().find(|a| a.status != StatusCode::OK).expect("some must wait");
    problem(&refused, 429, "too_many_requests");
    assert_eq!(refused.headers["retry-after"], "1");
    assert_eq!(refused.headers["content-type"], "application/problem+json");

    // A refused call did not use up its nonce: the very same one passes later.
    let same = |nonce: &str| desk.request_with("GET", "/v1/messages", "", nonce, &desk.secret).body(Body::empty()).expect("a request");
    let nonces: Vec<String> = (0..200).map(|_| desk.fresh_nonce()).collect();
    let again = futures::future::join_all(nonces.iter().map(|nonce| desk.oneshot(same(nonce)))).await;
    let refused = again.iter().position(|a| a.status == StatusCode::TOO_MANY_REQUESTS).expect("some must wait");
    let limit = tokio::time::Instant::now() + Duration::from_secs(20);
    loop {
        let answer = desk.oneshot(same(&nonces[refused])).await;
        if answer.status == StatusCode::OK {
            break;
        }
        problem(&answer, 429, "too_many_requests");
        assert!(tokio::time::Instant::now() < limit, "never let in again");
    }
    // One app's haste is not another's.
    (desk.app, desk.secret) = (other, other_secret);
    assert_eq!(desk.call("GET", "/v1/messages", Value::Null).await.status, StatusCode::OK);
}

#[tokio::test]
async fn phones_have_a_limit_of_their_own() {
    let mut desk = Desk::new().await;
    desk.router = crate::api::router(desk.house.clone(), Limits { calls: 0, client_calls: 10 });
    let body = r#"{"reports":[]}"#;
    let report = async |key: &str| {
        let request = Request::post("/v1/client/reports").header("X-Client-Key", key).body(Body::from(body)).expect("a request");
        desk.oneshot(request).await.status
    };
    let key = desk.app.client_key.clone();
    let statuses = futures::future::join_all((0..40).map(|_| report(&key))).await;
    assert!(statuses.contains(&StatusCode::TOO_MANY_REQUESTS), "{statuses:?}");
    assert_eq!(report("ck_nobody").await, StatusCode::UNAUTHORIZED);
    let signed = futures::future::join_all((0..40).map(|_| desk.call("GET", "/v1/messages", Value::Null))).await;
    assert!(signed.iter().all(|a| a.status == StatusCode::OK), "0 = no limit");
}
