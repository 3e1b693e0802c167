//! PostgreSQL alone: what grows fastest lies in one table per day.

use pipeline::storage::receipts::NewRaw;

use crate::support::{NOW, app, on_postgres, sending};

#[tokio::test]
async fn rows_of_today_lie_in_the_table_of_today() {
    let storage = on_postgres().await;
    let (app, ..) = sending(&storage, 2).await;
    let raw = NewRaw {
        app_no: app.no,
        vendor: None,
        received_at: NOW,
        content_type: String::new(),
        query: String::new(),
        signature: String::new(),
        body: vec![1],
    };
    storage.receipts.append(raw).await.unwrap();
    let mut stranger = storage.stranger().await;
    stranger
        .run(
            "DO $$ BEGIN \
             ASSERT (SELECT count(*) FROM chunk_recipients) = 2 AND (SELECT count(*) FROM receipt_raw) = 1; \
             ASSERT NOT EXISTS (SELECT 1 FROM chunk_recipients_rest) AND NOT EXISTS (SELECT 1 FROM chunk_outcomes_rest); \
             ASSERT NOT EXISTS (SELECT 1 FROM receipt_raw_rest); \
             END $$",
        )
        .await
        .unwrap();
}

#[tokio::test]
async fn a_day_of_receipts_goes_at_once_when_none_of_them_is_needed() {
    let storage = on_postgres().await;
    app(&storage, "days").await;
    let mut stranger = storage.stranger().await;
    // 18,263 days after 1970 is 2020-01-02; the second row was not applied yet. Their time of arrival is far ahead, so that
    // only whole days can go.
    stranger
        .run(
            "CREATE TABLE receipt_raw_20200102 PARTITION OF receipt_raw FOR VALUES FROM (18263::bigint << 36) TO (18264::bigint << 36); \
             INSERT INTO receipt_raw (no, app_no, source, received_at, content_type, query, body, state) \
             SELECT (18263::bigint << 36) + i, 1, 0, 9000000000000, '', '', '', 2 - i FROM generate_series(1, 2) i",
        )
        .await
        .unwrap();
    assert_eq!(storage.receipts.forget(0, NOW, 10).await.unwrap(), (0, 0), "one of them is still needed");
    stranger.run("UPDATE receipt_raw SET state = 1 WHERE state = 0").await.unwrap();
    assert_eq!(storage.receipts.forget(0, 18_264 * 86_400_000, 10).await.unwrap(), (0, 0), "a day of patience");
    assert_eq!(storage.receipts.forget(0, NOW, 10).await.unwrap(), (0, 2));
    stranger.run("DO $$ BEGIN ASSERT to_regclass('receipt_raw_20200102') IS NULL; END $$").await.unwrap();
}

#[tokio::test]
async fn days_of_lists_go_when_no_chunk_of_them_is_left() {
    let storage = on_postgres().await;
    sending(&storage, 1).await;
    let mut stranger = storage.stranger().await;
    stranger
        .run(
            "CREATE TABLE chunk_recipients_20200102 PARTITION OF chunk_recipients FOR VALUES FROM (18263::bigint << 36) TO (18264::bigint << 36); \
             CREATE TABLE chunk_outcomes_20200102 PARTITION OF chunk_outcomes FOR VALUES FROM (18263::bigint << 36) TO (18264::bigint << 36); \
             INSERT INTO chunk_recipients (chunk_no, bytes) SELECT (18263::bigint << 36) + i, '' FROM generate_series(1, 3) i; \
             INSERT INTO chunk_outcomes (chunk_no, bytes) SELECT (18263::bigint << 36) + i, '' FROM generate_series(1, 3) i; \
             UPDATE chunk SET no = (18263::bigint << 36) + 2",
        )
        .await
        .unwrap();
    assert_eq!(storage.retention.drop_days(NOW).await.unwrap(), 0, "a chunk of that day is there");
    stranger.run("DELETE FROM chunk").await.unwrap();
    assert_eq!(storage.retention.drop_days(18_264 * 86_400_000).await.unwrap(), 0, "a day of patience");
    assert_eq!(storage.retention.drop_days(NOW).await.unwrap(), 6);
    stranger
        .run("DO $$ BEGIN ASSERT to_regclass('chunk_recipients_20200102') IS NULL AND (SELECT count(*) FROM chunk_recipients) = 1; END $$")
        .await
        .unwrap();
}
