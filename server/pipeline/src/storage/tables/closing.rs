//! Chunks ended without their lane: past their deadline, or cancelled.

use std::collections::HashMap;

use types::Millis;
use types::life::{MessageState, Outcome};

use super::chunks::marks;
use super::{Conn, rows, slots, tallies};
use crate::storage::Result;
use crate::storage::frame::Outcomes;
use crate::storage::tallies::{Delta, Measure};

/// A chunk about to be ended without its lane.
#[derive(sqlx::FromRow)]
pub struct Closing {
    pub no: i64,
    pub message_no: i64,
    pub app_no: i64,
    pub vendor: i64,
    pub lapsed: bool,
    pub slots: bool,
    pub message_state: i64,
}

/// Ends chunks inside the caller's transaction: whoever still waits gets `outcome` (`Cancelled` when the message was),
/// or `Uncertain` where a lease had run out, for then the request may have left. Returns how many got `outcome`.
pub async fn close(conn: &mut Conn, chunks: Vec<Closing>, outcome: Outcome, now: Millis) -> Result<u64> {
    if chunks.is_empty() {
        return Ok(0);
    }
    let nos = rows::to_json("chunk.no", &chunks.iter().map(|c| c.no).collect::<Vec<_>>())?;
    let lists: Vec<(i64, Vec<u8>)> = sqlx::query_as(concat!(
        "SELECT chunk_no, bytes FROM chunk_outcomes WHERE chunk_no IN (SELECT value FROM ",
        numbers!("$1"),
        " x) ORDER BY chunk_no",
        locked!()
    ))
    .bind(&nos)
    .fetch_all(&mut *conn)
    .await?;
    let mut lists: HashMap<i64, Vec<u8>> = lists.into_iter().collect();
    let mut ended = 0;
    let mut deltas = Vec::with_capacity(chunks.len());
    for chunk in &chunks {
        let bytes = lists.remove(&chunk.no).ok_or_else(|| rows::corrupt("chunk_outcomes", "missing"))?;
        let becomes = match (chunk.lapsed, chunk.message_state == MessageState::Cancelled.code()) {
            (true, _) => Outcome::Uncertain,
            (false, true) => Outcome::Cancelled,
            (false, false) => outcome,
        };
        let before = bytes;
        let Some((mut bytes, n)) = end_open(&before, becomes)? else { continue };
        if chunk.slots {
            slots::give_back(conn, chunk.message_no, chunk.no, &Outcomes::decode(&before)?, &Outcomes::decode(&bytes)?).await?;
        }
        let vendor = rows::vendor_or_none("chunk.vendor", chunk.vendor)?;
        if becomes == Outcome::Uncertain {
            let mut outcomes = Outcomes::decode(&bytes)?;
            for (_, reason) in outcomes.believe(&marks(conn, chunk.no).await?) {
                deltas.extend(Delta::corrected(chunk.message_no, chunk.app_no, vendor, reason));
            }
            bytes = outcomes.encode();
        }
        if becomes == outcome {
            ended += n.unsigned_abs();
        }
        sqlx::query("UPDATE chunk_outcomes SET bytes = $2 WHERE chunk_no = $1").bind(chunk.no).bind(bytes).execute(&mut *conn).await?;
        deltas.push(Delta { message_no: chunk.message_no, app_no: chunk.app_no, vendor, measure: Measure::outcome(becomes), n });
    }
    sqlx::query(concat!(
        "UPDATE chunk SET state = 3, lapsed = FALSE, updated_at = $2 WHERE no IN (SELECT value FROM ",
        numbers!("$1"),
        " x)"
    ))
    .bind(&nos)
    .bind(now)
    .execute(&mut *conn)
    .await?;
    tallies::add(conn, &deltas, now).await?;
    Ok(ended)
}

/// The list with every open recipient ended as `outcome`, and how many there were; `None` when none was open.
pub fn end_open(bytes: &[u8], outcome: Outcome) -> Result<Option<(Vec<u8>, i64)>> {
    let mut outcomes = Outcomes::decode(bytes)?;
    let open = outcomes.open();
    if open.is_empty() {
        return Ok(None);
    }
    for at in &open {
        outcomes.set(*at, outcome, None);
    }
    Ok(Some((outcomes.encode(), open.len() as i64)))
}
