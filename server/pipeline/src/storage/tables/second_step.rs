//! The second step of signing in, inside the caller's transaction.

use types::Millis;

use super::people::append;
use super::{Conn, Db, rows};
use crate::storage::Result;
use crate::storage::people::{AuditEntry, SecondStep};

pub async fn get(db: &Db, person: &str) -> Result<Option<SecondStep>> {
    let row: Option<(Vec<u8>, i64, i64, Millis, i64)> = sqlx::query_as(
        "SELECT s.sealed, s.active, s.last_step, s.created_at, \
         (SELECT COUNT(*) FROM recovery_code r WHERE r.person_id = s.person_id) FROM second_step s WHERE s.person_id = $1",
    )
    .bind(person)
    .fetch_optional(db.readers())
    .await?;
    row.map(|(sealed, active, last_step, created_at, left)| {
        let recovery_left = rows::number("recovery_code", left)?;
        Ok(SecondStep { sealed, active: active == 1, last_step, recovery_left, created_at })
    })
    .transpose()
}

pub async fn put(conn: &mut Conn, person: &str, sealed: &[u8], now: Millis) -> Result<bool> {
    let put = sqlx::query(
        "INSERT INTO second_step (person_id, sealed, active, last_step, created_at) VALUES ($1, $2, 0, 0, $3) \
         ON CONFLICT (person_id) DO UPDATE SET sealed = excluded.sealed, created_at = excluded.created_at WHERE second_step.active = 0",
    )
    .bind(person)
    .bind(sealed)
    .bind(now)
    .execute(conn)
    .await?;
    Ok(put.rows_affected() == 1)
}

pub async fn begin(conn: &mut Conn, person: &str, step: i64, recovery: &[String], audit: &AuditEntry) -> Result<bool> {
    let begun = sqlx::query("UPDATE second_step SET active = 1, last_step = $2 WHERE person_id = $1 AND active = 0")
        .bind(person)
        .bind(step)
        .execute(&mut *conn)
        .await?;
    if begun.rows_affected() == 0 {
        return Ok(false);
    }
    sqlx::query("DELETE FROM recovery_code WHERE person_id = $1").bind(person).execute(&mut *conn).await?;
    for hash in recovery {
        sqlx::query("INSERT INTO recovery_code (person_id, hash) VALUES ($1, $2)").bind(person).bind(hash).execute(&mut *conn).await?;
    }
    append(conn, audit).await?;
    Ok(true)
}

pub async fn take(conn: &mut Conn, person: &str, step: i64, audit: &AuditEntry) -> Result<bool> {
    let taken = sqlx::query("UPDATE second_step SET last_step = $2 WHERE person_id = $1 AND active = 1 AND last_step < $2")
        .bind(person)
        .bind(step)
        .execute(&mut *conn)
        .await?;
    told(conn, taken.rows_affected(), audit).await
}

pub async fn recover(conn: &mut Conn, person: &str, hash: &str, audit: &AuditEntry) -> Result<bool> {
    let used =
        sqlx::query("DELETE FROM recovery_code WHERE person_id = $1 AND hash = $2").bind(person).bind(hash).execute(&mut *conn).await?;
    told(conn, used.rows_affected(), audit).await
}

pub async fn forget(conn: &mut Conn, person: &str, audit: &AuditEntry) -> Result<bool> {
    sqlx::query("DELETE FROM recovery_code WHERE person_id = $1").bind(person).execute(&mut *conn).await?;
    let gone = sqlx::query("DELETE FROM second_step WHERE person_id = $1").bind(person).execute(&mut *conn).await?;
    told(conn, gone.rows_affected(), audit).await
}

/// Only what happened is written down.
async fn told(conn: &mut Conn, rows: u64, audit: &AuditEntry) -> Result<bool> {
    if rows > 0 {
        append(conn, audit).await?;
    }
    Ok(rows > 0)
}
