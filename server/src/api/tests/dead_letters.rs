use serde_json::json;

use super::Desk;

#[tokio::test]
async fn the_drawer_is_read_by_filter_and_replays_name_what_is_wrong() {
    let desk = Desk::new().await;
    let empty = desk.call("GET", "/v1/dead-letters?lane=xiaomi&outcome=expired&replayed=false", json!(null)).await;
    assert_eq!((empty.status.as_u16(), empty.body), (200, json!({ "items": [], "next": null })));
    for (query, field) in [
        ("lane=nokia", "lane"),
        ("outcome=accepted", "outcome"),
        ("from=yesterday", "from"),
        ("message=x", "message"),
        ("colour=red", "colour"),
    ] {
        let wrong = desk.call("GET", &format!("/v1/dead-letters?{query}"), json!(null)).await;
        assert_eq!((wrong.status.as_u16(), &wrong.body["errors"][0]["field"]), (422, &json!(field)), "{query}");
    }
    let later = "2027-01-01T00:00:00Z";
    for (body, field) in [
        (json!({ "lines": [], "deadline": later }), "lines"),
        (json!({ "lines": [7], "deadline": later }), "lines"),
        (json!({ "lines": [7], "deadline": "" }), "deadline"),
        (json!({ "lines": [7], "deadline": "soon" }), "deadline"),
    ] {
        let wrong = desk.call("POST", "/v1/dead-letters/replay", body.clone()).await;
        assert_eq!((wrong.status.as_u16(), &wrong.body["errors"][0]["field"]), (422, &json!(field)), "{body}");
    }
}
