//! Nonces: a row each, seen by every process at once.
//!
//! A call does not wait until its nonce is on disk (`synchronous_commit` is off for that statement alone): what the call
//! writes afterwards is later in the same log, so it is never on disk without its nonce.

use std::sync::atomic::{AtomicU32, Ordering};

use sqlx::PgPool;
use types::Millis;

use crate::storage::Result;

/// Those that ran out are swept once in so many, twice as many at a time.
const SWEEP_EVERY: u32 = 64;

pub async fn remember(pool: &PgPool, app_no: i64, nonce: &str, now: Millis, until: Millis) -> Result<bool> {
    static SEEN: AtomicU32 = AtomicU32::new(0);
    if SEEN.fetch_add(1, Ordering::Relaxed).is_multiple_of(SWEEP_EVERY) {
        sqlx::query(
            "DELETE FROM nonce WHERE (app_no, nonce) IN (SELECT app_no, nonce FROM nonce WHERE until < $1 ORDER BY until LIMIT $2 \
             FOR UPDATE SKIP LOCKED)",
        )
        .bind(now)
        .bind(i64::from(2 * SWEEP_EVERY))
        .execute(pool)
        .await?;
    }
    // One that ran out but was not swept yet counts as new.
    let done = sqlx::query(
        "INSERT INTO nonce (app_no, nonce, until) SELECT $1, $2, $3 WHERE set_config('synchronous_commit', 'off', TRUE) = 'off' \
         ON CONFLICT (app_no, nonce) DO UPDATE SET until = excluded.until WHERE nonce.until < $4",
    )
    .bind(app_no)
    .bind(nonce)
    .bind(until)
    .bind(now)
    .execute(pool)
    .await?;
    Ok(done.rows_affected() > 0)
}
