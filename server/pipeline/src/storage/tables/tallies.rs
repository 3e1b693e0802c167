//! Tallies: one statement per table and step, whatever the number of deltas.

use std::collections::BTreeMap;

use async_trait::async_trait;
use types::Millis;
use types::vendor::Vendor;

use super::{Conn, Db, dead_letters, rows, words};
use crate::storage::tallies::{Delta, Grain, Measure, Point, Tallies};
use crate::storage::{Result, StorageError};

pub struct StoredTallies {
    db: Db,
}

impl StoredTallies {
    pub fn new(db: Db) -> StoredTallies {
        StoredTallies { db }
    }
}

/// Adds deltas to the counters of their messages and to the minute and hour of `now`, inside the caller's transaction; what is
/// counted as a dead letter gets its line in the drawer.
pub async fn add<'a>(conn: &mut Conn, deltas: impl IntoIterator<Item = &'a Delta>, now: Millis) -> Result<()> {
    let deltas: Vec<&Delta> = deltas.into_iter().collect();
    dead_letters::note(&mut *conn, deltas.iter().copied(), now).await?;
    let mut tally: BTreeMap<(i64, i64, String), i64> = BTreeMap::new();
    let mut series: BTreeMap<(i64, i64, String), i64> = BTreeMap::new();
    for delta in deltas {
        let vendor = rows::code_or_zero(delta.vendor);
        *tally.entry((delta.message_no, vendor, delta.measure.key())).or_default() += delta.n;
        *series.entry((delta.app_no, vendor, delta.measure.short_key())).or_default() += delta.n;
    }
    tally.retain(|_, n| *n != 0);
    series.retain(|_, n| *n != 0);
    if !tally.is_empty() {
        let list: Vec<_> = tally.into_iter().map(|((message, vendor, key), n)| (message, vendor, key, n)).collect();
        sqlx::query(words::ADD_TALLY).bind(rows::to_json("tally", &list)?).execute(&mut *conn).await?;
    }
    if !series.is_empty() {
        let mut list = Vec::with_capacity(series.len() * 2);
        for ((app, vendor, key), n) in &series {
            for grain in [Grain::Minute, Grain::Hour] {
                list.push((app, seconds(grain), now.div_euclid(grain.ms()) * grain.ms(), vendor, key, n));
            }
        }
        sqlx::query(words::ADD_SERIES).bind(rows::to_json("series", &list)?).execute(&mut *conn).await?;
    }
    Ok(())
}

const fn seconds(grain: Grain) -> i64 {
    grain.ms() / 1_000
}

fn measure(key: &str) -> Result<Measure> {
    Measure::read(key).ok_or_else(|| StorageError::Corrupt("tally.key: unknown measure".into()))
}

#[async_trait]
impl Tallies for StoredTallies {
    async fn of_message(&self, message_no: i64) -> Result<Vec<(Option<Vendor>, Measure, i64)>> {
        let found: Vec<(i64, String, i64)> = sqlx::query_as(
            "SELECT vendor, key, CAST(SUM(n) AS BIGINT) FROM tally WHERE message_no = $1 GROUP BY vendor, key ORDER BY vendor, key",
        )
        .bind(message_no)
        .fetch_all(self.db.readers())
        .await?;
        found.into_iter().map(|(vendor, key, n)| Ok((rows::vendor_or_none("tally.vendor", vendor)?, measure(&key)?, n))).collect()
    }

    async fn series(&self, app_no: Option<i64>, grain: Grain, from: Millis, to: Millis) -> Result<Vec<Point>> {
        let found: Vec<(i64, i64, String, i64)> =
            match app_no {
                Some(app_no) => sqlx::query_as(
                    "SELECT at, vendor, key, CAST(SUM(n) AS BIGINT) FROM series WHERE app_no = $1 AND grain = $2 AND at >= $3 AND at < $4 \
                     GROUP BY at, vendor, key ORDER BY at, vendor, key",
                )
                .bind(app_no)
                .bind(seconds(grain))
                .bind(from)
                .bind(to)
                .fetch_all(self.db.readers())
                .await?,
                None => {
                    sqlx::query_as(
                        "SELECT at, vendor, key, CAST(SUM(n) AS BIGINT) FROM series \
                     WHERE app_no IN (SELECT no FROM app) AND grain = $1 AND at >= $2 AND at < $3 \
                     GROUP BY at, vendor, key ORDER BY at, vendor, key",
                    )
                    .bind(seconds(grain))
                    .bind(from)
                    .bind(to)
                    .fetch_all(self.db.readers())
                    .await?
                }
            };
        found
            .into_iter()
            .map(|(at, vendor, key, n)| {
                Ok(Point { at, vendor: rows::vendor_or_none("series.vendor", vendor)?, measure: measure(&key)?, n })
            })
            .collect()
    }

    async fn forget_minutes(&self, before: Millis) -> Result<u64> {
        self.db
            .write(move |conn| {
                Box::pin(async move {
                    let gone = sqlx::query("DELETE FROM series WHERE app_no IN (SELECT no FROM app) AND grain = $1 AND at < $2")
                        .bind(seconds(Grain::Minute))
                        .bind(before)
                        .execute(conn)
                        .await?;
                    Ok(gone.rows_affected())
                })
            })
            .await
    }
}
