use serde_json::json;

use super::{Desk, fields, message, problem};

#[tokio::test]
async fn a_message_is_taken_back_once_and_says_what_became_of_it() {
    let desk = Desk::new().await;
    let sent = desk.call("POST", "/v1/messages", message()).await;
    let id = sent.body["id"].as_str().expect("an id").to_owned();
    let path = format!("/v1/messages/{id}/recall");
    let before = desk.call("GET", &path, json!(null)).await;
    assert_eq!(
        (before.status.as_u16(), &before.body["recall"], &before.body["over"]),
        (200, &json!(null), &json!(false)),
        "{}",
        before.body
    );

    let wrong = desk.call("POST", &path, json!({ "body": "dear {{name}}" })).await;
    assert_eq!((wrong.status.as_u16(), fields(&wrong)), (422, vec!["body".to_owned()]), "{}", wrong.body);
    assert_eq!(desk.call("POST", &path, json!({ "colour": "red" })).await.status, 400);
    let read = desk.call("GET", &format!("/v1/messages/{id}"), json!(null)).await;
    assert_eq!(read.body["state"], "planning", "what is refused stops nothing");

    let recalled = desk.call("POST", &path, json!({ "title": "Sorry", "body": "withdrawn" })).await;
    assert_eq!((recalled.status.as_u16(), &recalled.body["counts"]["reached"]), (202, &json!(0)), "{}", recalled.body);
    let recall = recalled.body["recall"].as_str().expect("an id").to_owned();
    let again = desk.call("POST", &path, json!(null)).await;
    assert_eq!((again.status.as_u16(), &again.body["recall"]), (202, &json!(recall)), "{}", again.body);
    let read = desk.call("GET", &format!("/v1/messages/{id}"), json!(null)).await;
    assert_eq!(read.body["state"], "cancelled");
    let its_own = desk.call("GET", &format!("/v1/messages/{recall}"), json!(null)).await;
    assert_eq!(its_own.body["origin"], "recall", "{}", its_own.body);
    problem(&desk.call("POST", &format!("/v1/messages/{recall}/recall"), json!(null)).await, 409, "wrong_state");
    problem(&desk.call("GET", "/v1/messages/msg_1/recall", json!(null)).await, 404, "not_found");
}
