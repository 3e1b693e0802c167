//! Slots: claimed with the chunks they are for, given back with the outcome that ends them.

use types::Millis;
use types::life::Outcome;
use types::vendor::Vendor;

use super::{Conn, rows};
use crate::storage::frame::{self, Outcomes};
use crate::storage::policy::{Claim, slot_device};
use crate::storage::{Result, StorageError};

/// Rows in one statement.
const AT_ONCE: usize = 5_000;

/// As the statement below reads it: (device, person, counts as, business, bulk, content, vendor, at).
type SlotJson<'a> = (i64, i64, i64, &'a str, bool, i64, i64, Millis);

/// Whether a push that ended so gives its place back.
const fn gives_back(outcome: Outcome) -> bool {
    matches!(outcome, Outcome::Refused | Outcome::Expired | Outcome::Cancelled | Outcome::Filtered)
}

/// Inside the transaction that writes the chunks. `Stale` when somebody claimed since the step was decided.
pub async fn claim(conn: &mut Conn, app_no: i64, message_no: i64, claim: &Claim) -> Result<()> {
    if claim.slots.is_empty() {
        return Ok(());
    }
    let mine = sqlx::query("UPDATE policy SET claims = claims + 1 WHERE app_no = $1 AND claims = $2")
        .bind(app_no)
        .bind(claim.seen)
        .execute(&mut *conn)
        .await?;
    if mine.rows_affected() == 0 {
        return Err(StorageError::Stale("slots"));
    }
    for part in claim.slots.chunks(AT_ONCE) {
        // Business, class and time are the same for all of a step, but a list of lists carries them as cheaply.
        let list: Vec<SlotJson<'_>> = part
            .iter()
            .map(|s| (s.device_no, s.person, s.counts_as, s.business.as_str(), s.bulk, s.content, rows::code_or_zero(s.vendor), s.at))
            .collect();
        sqlx::query(concat!(
            "INSERT INTO policy_slot (message_no, app_no, device_no, person, counts_as, business, bulk, content, vendor, at) \
             SELECT $1, $2, CAST(value ->> 0 AS BIGINT), CAST(value ->> 1 AS BIGINT), CAST(value ->> 2 AS BIGINT), value ->> 3, \
             CAST(value ->> 4 AS BOOLEAN), CAST(value ->> 5 AS BIGINT), CAST(value ->> 6 AS BIGINT), CAST(value ->> 7 AS BIGINT) FROM ",
            lists!("$3"),
            " x WHERE true ON CONFLICT (message_no, device_no) DO NOTHING"
        ))
        .bind(message_no)
        .bind(app_no)
        .bind(rows::to_json("policy_slot", &list)?)
        .execute(&mut *conn)
        .await?;
    }
    Ok(())
}

/// Inside the transaction that writes `after` in the place of `before`.
pub async fn give_back(conn: &mut Conn, message_no: i64, chunk_no: i64, before: &Outcomes, after: &Outcomes) -> Result<()> {
    let ended: Vec<usize> = (0..after.len()).filter(|i| gives_back(after.get(*i).0) && !gives_back(before.get(*i).0)).collect();
    if ended.is_empty() {
        return Ok(());
    }
    let recipients: Vec<u8> =
        sqlx::query_scalar("SELECT bytes FROM chunk_recipients WHERE chunk_no = $1").bind(chunk_no).fetch_one(&mut *conn).await?;
    let recipients = frame::decode_recipients(&recipients)?;
    let devices: Vec<i64> = ended.into_iter().filter_map(|i| recipients.get(i).map(slot_device)).collect();
    sqlx::query(concat!("DELETE FROM policy_slot WHERE message_no = $1 AND device_no IN (SELECT value FROM ", numbers!("$2"), " x)"))
        .bind(message_no)
        .bind(rows::to_json("policy_slot.device_no", &devices)?)
        .execute(conn)
        .await?;
    Ok(())
}

/// They go by another vendor now.
pub async fn moved(conn: &mut Conn, message_no: i64, vendor: Option<Vendor>, recipients: &[u8]) -> Result<()> {
    let devices: Vec<i64> = frame::decode_recipients(recipients)?.iter().map(slot_device).collect();
    sqlx::query(concat!(
        "UPDATE policy_slot SET vendor = $3 WHERE message_no = $1 AND device_no IN (SELECT value FROM ",
        numbers!("$2"),
        " x)"
    ))
    .bind(message_no)
    .bind(rows::to_json("policy_slot.device_no", &devices)?)
    .bind(rows::code_or_zero(vendor))
    .execute(conn)
    .await?;
    Ok(())
}
