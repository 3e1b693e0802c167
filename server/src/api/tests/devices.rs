//! Devices and tokens over HTTP.

use axum::http::StatusCode;
use serde_json::{Value, json};
use types::content::MessageClass;

use super::{Desk, apns, fields, problem};

#[tokio::test]
async fn an_apns_token_is_one_token_in_either_case() {
    let desk = Desk::new().await;
    let (upper, lower) = ("AB".repeat(32), "ab".repeat(32));
    let body = |token: &str| json!({"devices": [{"user_id": "u1", "tokens": [{"vendor": "apns", "token": token}]}]});
    let first = desk.call("POST", "/v1/devices", body(&upper)).await;
    let again = desk.call("POST", "/v1/devices", body(&lower)).await;
    assert_eq!(first.body["ids"], again.body["ids"], "{} {}", first.body, again.body);
    let id = first.body["ids"][0].as_str().expect("an id").to_owned();
    let one = desk.call("GET", &format!("/v1/devices/{id}"), Value::Null).await;
    assert_eq!(one.body["tokens"][0]["token"], lower.as_str());
    for query in [format!("token={upper}"), format!("token={upper}&vendor=apns"), format!("token={lower}")] {
        let listed = desk.call("GET", &format!("/v1/devices?{query}"), Value::Null).await;
        assert_eq!(listed.body["items"][0]["id"], id.as_str(), "{query}: {}", listed.body);
    }
    // As a target it leads to the device it belongs to, and is found again by either spelling.
    let targets = json!({"tokens": [{"vendor": "apns", "token": upper}]});
    let sent = desk.call("POST", "/v1/messages", json!({"targets": targets, "content": {"title": "t", "body": "b"}})).await;
    assert_eq!(sent.status, StatusCode::ACCEPTED, "{}", sent.body);
    let message = sent.body["id"].as_str().expect("an id").to_owned();
    let planner = pipeline::broker::plan::Planner::new(
        desk.house.storage.clone(),
        desk.house.coordination.clone(),
        desk.house.world.clone(),
        Default::default(),
        pipeline::broker::policies::Policies::new(desk.house.storage.clone(), desk.house.world.clone()),
    );
    for class in [MessageClass::Transactional, MessageClass::Bulk] {
        while planner.step(class).await.expect("planned") {}
    }
    for token in [&upper, &lower] {
        let found = desk.call("GET", &format!("/v1/messages/{message}/recipients?vendor=apns&token={token}"), Value::Null).await;
        assert_eq!(found.body["items"][0]["device"], id.as_str(), "{}", found.body);
    }
}

#[tokio::test]
async fn devices_are_registered_read_changed_listed_and_lose_tokens() {
    let desk = Desk::new().await;
    let body = json!({"devices": [
        {"user_id": "张三", "model": "iPhone", "notifications_on": true, "tokens": [{"vendor": "apns", "token": apns(1)}]},
        {"user_id": "u2", "test": true, "tokens": [{"vendor": "xiaomi", "token": "regid-0000001"}]}]});
    let answer = desk.call("POST", "/v1/devices", body.clone()).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let ids: Vec<String> = serde_json::from_value(answer.body["ids"].clone()).expect("ids");
    assert_eq!(desk.call("POST", "/v1/devices", body).await.body["ids"], json!(ids), "the same tokens are the same devices");
    let one = desk.call("GET", &format!("/v1/devices/{}", ids[0]), Value::Null).await;
    assert_eq!((one.body["user_id"].as_str(), one.body["tokens"][0]["state"].as_str()), (Some("张三"), Some("active")));
    let put = desk.call("PUT", &format!("/v1/devices/{}", ids[0]), json!({"user_id": "u9", "tokens": []})).await;
    assert_eq!((put.status.as_u16(), put.body["user_id"].as_str()), (200, Some("u9")), "{}", put.body);
    let listed = desk.call("GET", "/v1/devices?test=true&size=10", Value::Null).await;
    assert_eq!(listed.body["items"].as_array().map(Vec::len), Some(1), "{}", listed.body);
    let gone = desk.call("DELETE", &format!("/v1/devices/{}/tokens/apns", ids[0]), Value::Null).await;
    assert_eq!(gone.status, 204);
    let one = desk.call("GET", &format!("/v1/devices/{}", ids[0]), Value::Null).await;
    assert_eq!(one.body["tokens"][0]["state"], "quarantined");
    problem(&desk.call("DELETE", &format!("/v1/devices/{}/tokens/xiaomi", ids[0]), Value::Null).await, 404, "not_found");
}

#[tokio::test]
async fn registrations_at_fault_name_each_field_and_store_nothing() {
    let desk = Desk::new().await;
    let answer = desk
        .call("POST", "/v1/devices", json!({"devices": [
            {"tokens": [{"vendor": "apns", "token": apns(1)}]},
            {"id": "dev_1", "user_id": " ", "model": "m".repeat(129), "tokens": [{"vendor": "apns", "token": "xyz"}, {"vendor": "apns", "token": apns(2)}]},
            {"tokens": []}]}))
        .await;
    problem(&answer, 422, "invalid_fields");
    let mut names = fields(&answer);
    names.sort();
    let expected = [
        "devices[1].id",
        "devices[1].model",
        "devices[1].tokens[0].token",
        "devices[1].tokens[1].vendor",
        "devices[1].user_id",
        "devices[2].tokens",
    ];
    assert_eq!(names, expected);
    assert_eq!(desk.house.storage.devices.count(desk.app.no).await.expect("a count"), 0);
    problem(&desk.call("POST", "/v1/devices", json!({"devices": []})).await, 422, "invalid_fields");
    let unknown = desk.call("POST", "/v1/devices", json!({"devices": [], "colour": "red"})).await;
    assert!(problem(&unknown, 400, "invalid_body").contains("unknown field `colour`"), "{}", unknown.body);
    let stranger = format!("dev_{}", "0".repeat(32));
    let answer =
        desk.call("POST", "/v1/devices", json!({"devices": [{"id": stranger, "tokens": [{"vendor": "apns", "token": apns(1)}]}]})).await;
    problem(&answer, 404, "not_found");
    problem(&desk.call("GET", &format!("/v1/devices/{stranger}"), Value::Null).await, 404, "not_found");
    problem(&desk.call("GET", "/v1/devices?size=0", Value::Null).await, 422, "invalid_fields");
    problem(&desk.call("GET", "/v1/devices?colour=red", Value::Null).await, 422, "invalid_fields");
    problem(&desk.call("GET", "/v1/devices?vendor=nokia", Value::Null).await, 422, "invalid_fields");
}
