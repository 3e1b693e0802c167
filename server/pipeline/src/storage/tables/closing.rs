//! Chunks ended without their lane: past their deadline, or cancelled.

use std::collections::{BTreeMap, HashMap};

use types::Millis;
use types::dead::POISONED;
use types::life::{MessageState, Outcome};
use types::vendor::Vendor;

use super::chunks::marks;
use super::{Conn, rows, slots, tallies};
use crate::storage::Result;
use crate::storage::frame::{Outcomes, Reason};
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
    pub started: i64,
    pub message_state: i64,
    /// Set aside: the reason of whoever has none.
    pub poisoned: bool,
}

/// Ends chunks inside the caller's transaction: whoever still waits gets `outcome` (`Cancelled` when the message was),
/// or `Uncertain` before the mark of a lease that had run out, or where an answer stayed away, for then the request may have
/// left. Returns how many got `outcome`.
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
        let stopped = if chunk.message_state == MessageState::Cancelled.code() { Outcome::Cancelled } else { outcome };
        let why = chunk.poisoned.then(|| Reason { slug: POISONED.to_owned(), words: String::new() });
        let before = Outcomes::decode(&bytes)?;
        let mut outcomes = before.clone();
        let mut by: BTreeMap<(Outcome, Reason), i64> = BTreeMap::new();
        if chunk.lapsed {
            for at in outcomes.open().into_iter().filter(|at| (*at as i64) < chunk.started) {
                let reason = outcomes.get(at).1.or(why.as_ref()).cloned();
                *by.entry((Outcome::Uncertain, reason.clone().unwrap_or_default())).or_default() += 1;
                outcomes.set(at, Outcome::Uncertain, reason);
            }
        }
        for (how, n) in outcomes.end_open_for(stopped, why.as_ref().filter(|_| stopped == outcome)) {
            *by.entry(how).or_default() += n;
        }
        if by.is_empty() {
            continue;
        }
        if chunk.slots {
            slots::give_back(conn, chunk.message_no, chunk.no, &before, &outcomes).await?;
        }
        let vendor = rows::vendor_or_none("chunk.vendor", chunk.vendor)?;
        ended += by.iter().filter(|((became, _), _)| *became == outcome).map(|(_, n)| n.unsigned_abs()).sum::<u64>();
        deltas.extend(ended_as(by, chunk.message_no, chunk.app_no, vendor));
        if outcomes.any(Outcome::Uncertain) {
            for (_, reason) in outcomes.believe(&marks(conn, chunk.no).await?, false) {
                deltas.extend(Delta::corrected(chunk.message_no, chunk.app_no, vendor, reason));
            }
        }
        let bytes = outcomes.encode();
        sqlx::query("UPDATE chunk_outcomes SET bytes = $2 WHERE chunk_no = $1").bind(chunk.no).bind(bytes).execute(&mut *conn).await?;
    }
    sqlx::query(concat!(
        "UPDATE chunk SET state = 3, lapsed = FALSE, resending = FALSE, poisoned_at = NULL, updated_at = $2 WHERE no IN (SELECT value FROM ",
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

/// What [`Outcomes::end_open`] did, as counters.
pub fn ended_as(
    ended: BTreeMap<(Outcome, Reason), i64>,
    message_no: i64,
    app_no: i64,
    vendor: Option<Vendor>,
) -> impl Iterator<Item = Delta> {
    ended.into_iter().map(move |((outcome, reason), n)| {
        let measure = Measure::Outcome { outcome, reason: reason.slug, words: reason.words };
        Delta { message_no, app_no, vendor, measure, n }
    })
}
