//! Rules and blacklist over the signed API.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::Desk;

#[tokio::test]
async fn rules_are_read_replaced_and_refused_when_stale_or_wrong() {
    let desk = Desk::new().await;
    let first = desk.call("GET", "/v1/policy", Value::Null).await;
    assert_eq!((first.status, &first.body["revision"], &first.body["rules"]["zone"]), (StatusCode::OK, &json!(0), &json!("Asia/Shanghai")));
    let rules = json!({"zone": "Europe/Berlin", "caps": [{"per": "week", "most": 5}],
        "quiet": [{"from": 1320, "to": 480, "by": "user", "then": "hold", "transactional_exempt": true}]});
    let saved = desk.call("PUT", "/v1/policy", json!({"revision": 0, "rules": rules})).await;
    assert_eq!((saved.status, &saved.body["revision"]), (StatusCode::OK, &json!(1)), "{}", saved.body);
    let late = desk.call("PUT", "/v1/policy", json!({"revision": 0, "rules": {}})).await;
    assert_eq!(late.status, StatusCode::CONFLICT, "{}", late.body);
    let wrong = desk
        .call("PUT", "/v1/policy", json!({"revision": 1, "rules": {"zone": "Mars/Olympus", "caps": [{"per": "day", "most": 0}]}}))
        .await;
    let fields: Vec<&str> = wrong.body["errors"].as_array().expect("errors").iter().filter_map(|e| e["field"].as_str()).collect();
    assert_eq!((wrong.status, fields), (StatusCode::UNPROCESSABLE_ENTITY, vec!["caps[0].most", "zone"]));
    let kept = desk.call("GET", "/v1/policy", Value::Null).await;
    assert_eq!(kept.body["rules"]["caps"][0]["most"], 5);
}

#[tokio::test]
async fn the_blacklist_is_filled_listed_and_emptied() {
    let desk = Desk::new().await;
    let entries = json!([{"user_id": "u1", "reason": "asked"}, {"user_id": "u1", "group": "news"}, {"user_id": "u2", "group": "all"}]);
    let added = desk.call("POST", "/v1/blacklist", json!({"entries": entries})).await;
    assert_eq!((added.status, &added.body["entries"]), (StatusCode::OK, &json!(3)), "{}", added.body);
    let bad = desk.call("POST", "/v1/blacklist", json!({"entries": [{"user_id": " "}]})).await;
    assert_eq!((bad.status, &bad.body["errors"][0]["field"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!("entries[0].user_id")));
    let of = async |query: &str| {
        desk.call("GET", &format!("/v1/blacklist?{query}"), Value::Null).await.body["items"].as_array().map_or(0, Vec::len)
    };
    assert_eq!((of("").await, of("user_id=u1").await, of("group=all").await, of("group=news").await), (3, 2, 2, 1));
    let gone = desk.call("DELETE", "/v1/blacklist?user_id=u1", Value::Null).await;
    assert_eq!((gone.status, &gone.body["entries"]), (StatusCode::OK, &json!(1)));
    assert_eq!(desk.call("DELETE", "/v1/blacklist?user_id=u1", Value::Null).await.body["entries"], 0);
    assert_eq!(of("user_id=u1").await, 1, "news is another entry");
}

#[tokio::test]
async fn a_file_fills_the_blacklist_and_its_bad_rows_are_named() {
    let desk = Desk::new().await;
    let file = "账号,分组,备注\nu1,news,asked\nu2,,\nu2,,twice\n,news,\n";
    let target = "/v1/blacklist/file?file_name=list.csv&group=visit&reason=file";
    let said = desk.oneshot(desk.request("POST", target, file).body(file.into()).expect("a request")).await;
    assert_eq!(said.status, StatusCode::OK, "{}", said.body);
    let counts = ["rows", "added", "duplicate", "rejected"].map(|key| said.body[key].as_u64().expect("a count"));
    assert_eq!(counts, [4, 2, 1, 1]);
    assert_eq!(said.body["rejects"], json!([{ "row": 4, "reason": "no account" }]));
    let listed = desk.call("GET", "/v1/blacklist", Value::Null).await;
    let entry =
        |user: &str| listed.body["items"].as_array().expect("items").iter().find(|e| e["user_id"] == user).cloned().expect("an entry");
    assert_eq!((&entry("u1")["group"], &entry("u1")["reason"]), (&json!("news"), &json!("asked")));
    assert_eq!((&entry("u2")["group"], &entry("u2")["reason"]), (&json!("visit"), &json!("file")));
    let other = "city,age\nBeijing,1\nX,2\n";
    let nothing = desk.oneshot(desk.request("POST", target, other).body(other.into()).expect("a request")).await;
    assert_eq!(nothing.status, StatusCode::BAD_REQUEST, "{}", nothing.body);
}
