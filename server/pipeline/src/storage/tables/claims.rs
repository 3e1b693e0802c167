//! Claims: which chunks a lane takes next. Each statement walks one index from its place on and stops when it has enough.

use std::collections::BTreeMap;

use types::Millis;
use types::ids::ChunkNo;

use super::{Conn, Db, resends, rows};
use crate::storage::Result;
use crate::storage::chunks::{Claimed, Turn};
use crate::storage::policy::ChunkPolicy;

#[derive(sqlx::FromRow)]
struct ClaimRow {
    no: i64,
    message_no: i64,
    app_no: i64,
    vendor: i64,
    priority: i64,
    flow: i64,
    deadline: Millis,
    count: i64,
    fence: i64,
    attempts: i64,
    lapsed: bool,
    slots: bool,
    zone: Option<String>,
    blocked_version: i64,
    started: i64,
    resending: bool,
}

/// What a claim asks for.
#[derive(Clone)]
pub struct Claiming {
    pub lane_no: i64,
    pub owner: String,
    pub now: Millis,
    pub until: Millis,
    pub max: u32,
    pub priority: i64,
    pub started: u32,
    pub by: By,
}

/// In which order.
#[derive(Clone)]
pub enum By {
    Deadline,
    /// The same, and only what no vendor was ever asked about.
    Untouched,
    Turn(Turn),
}

/// A claim by this choice of chunks; what comes besides is `$8`.
macro_rules! claim_of {
    ($started:literal, $($chosen:expr),+) => {
        concat!(
            "UPDATE chunk SET state = 1, fence = fence + 1, attempts = attempts + 1, lease_owner = $2, lease_until = $4, \
             updated_at = $3, started = ",
            $started,
            " WHERE no ",
            one_of_free!($($chosen),+),
            " RETURNING no, message_no, app_no, vendor, priority, flow, deadline, count, fence, attempts, lapsed, started, slots, zone, \
             blocked_version, resending"
        )
    };
}

const BY_DEADLINE: &str = claim_of!(
    "CASE WHEN lapsed THEN started ELSE $7 END",
    "SELECT no FROM chunk WHERE lane_no = $1 AND state = 0 AND priority = $6 AND not_before <= $3 ORDER BY deadline, no LIMIT $5"
);
const UNTOUCHED: &str = claim_of!(
    "$7",
    "SELECT no FROM chunk WHERE lane_no = $1 AND state = 0 AND priority = $6 AND not_before <= $3 \
     AND attempts = 0 AND NOT lapsed ORDER BY deadline, no LIMIT $5"
);
const NEAR: &str = claim_of!(
    "CASE WHEN lapsed THEN started ELSE $7 END",
    "SELECT no FROM chunk WHERE lane_no = $1 AND state = 0 AND priority = $6 AND ",
    due_before!(),
    " AND not_before <= $3 ORDER BY deadline, no LIMIT $5"
);
/// The index of flows holds no urgent chunks.
const OF_FLOW: &str = claim_of!(
    "CASE WHEN lapsed THEN started ELSE $7 END",
    "SELECT no FROM chunk WHERE lane_no = $1 AND state = 0 AND priority = $6 AND priority > 0 AND flow = $8 AND not_before <= $3 \
     ORDER BY deadline, no LIMIT $5"
);

async fn take(conn: &mut Conn, asked: &Claiming, sql: &'static str, most: u32, extra: Option<i64>) -> Result<Vec<ClaimRow>> {
    let query = sqlx::query_as(sql)
        .bind(asked.lane_no)
        .bind(&asked.owner)
        .bind(asked.now)
        .bind(asked.until)
        .bind(i64::from(most))
        .bind(asked.priority)
        .bind(i64::from(asked.started));
    let query = match extra {
        Some(extra) => query.bind(extra),
        None => query,
    };
    let mut claimed: Vec<ClaimRow> = query.fetch_all(conn).await?;
    claimed.sort_by_key(|c| (c.priority, c.deadline, c.no));
    Ok(claimed)
}

async fn in_turn(conn: &mut Conn, asked: &Claiming, turn: &Turn) -> Result<Vec<ClaimRow>> {
    let mut claimed = match turn.near {
        0 => Vec::new(),
        near => take(&mut *conn, asked, NEAR, asked.max, Some(near)).await?,
    };
    let left = |claimed: &[ClaimRow]| asked.max.saturating_sub(u32::try_from(claimed.len()).unwrap_or(u32::MAX));
    let mut has_more = Vec::new();
    for (flow, share) in &turn.shares {
        let most = left(&claimed).min(*share);
        if most == 0 {
            has_more.push(*flow);
            continue;
        }
        let got = take(&mut *conn, asked, OF_FLOW, most, Some(*flow)).await?;
        if got.len() == most as usize {
            has_more.push(*flow);
        }
        claimed.extend(got);
    }
    for flow in has_more {
        let most = left(&claimed);
        if most == 0 {
            break;
        }
        claimed.extend(take(&mut *conn, asked, OF_FLOW, most, Some(flow)).await?);
    }
    Ok(claimed)
}

async fn claim(conn: &mut Conn, asked: Claiming) -> Result<Vec<ClaimRow>> {
    match &asked.by {
        By::Deadline => take(conn, &asked, BY_DEADLINE, asked.max, None).await,
        By::Untouched => take(conn, &asked, UNTOUCHED, asked.max, None).await,
        By::Turn(turn) => in_turn(conn, &asked, turn).await,
    }
}

impl Claiming {
    /// Whether one statement says it all.
    fn is_single(&self) -> bool {
        match &self.by {
            By::Deadline | By::Untouched => true,
            By::Turn(turn) => turn.near == 0 && turn.shares.len() <= 1,
        }
    }
}

/// Claims, and brings the lists.
pub async fn claimed(db: &Db, asked: Claiming) -> Result<Vec<Claimed>> {
    let lane_no = asked.lane_no;
    let claimed: Vec<ClaimRow> = if asked.is_single() {
        db.write_once(move |conn| Box::pin(claim(conn, asked))).await?
    } else {
        db.write(move |conn| Box::pin(claim(conn, asked))).await?
    };
    if claimed.is_empty() {
        return Ok(Vec::new());
    }
    // The lists are read outside the writer: while we hold the lease nobody else ends a recipient (`believe` sees to what
    // receipts correct meanwhile).
    let nos: Vec<i64> = claimed.iter().map(|c| c.no).collect();
    let lists: Vec<(i64, Vec<u8>, Vec<u8>)> = sqlx::query_as(concat!(
        "SELECT x.key, r.bytes, o.bytes FROM ",
        numbers!("$1"),
        " x CROSS JOIN chunk_recipients r CROSS JOIN chunk_outcomes o \
             WHERE r.chunk_no = x.value AND o.chunk_no = x.value ORDER BY x.key"
    ))
    .bind(rows::to_json("chunk.no", &nos)?)
    .fetch_all(db.readers())
    .await?;
    if lists.len() != claimed.len() {
        return Err(rows::corrupt("chunk_recipients", "missing"));
    }
    let resending: Vec<i64> = claimed.iter().filter(|c| c.resending).map(|c| c.no).collect();
    let mut again = if resending.is_empty() { BTreeMap::new() } else { resends::lists(db, &resending).await? };
    claimed
        .into_iter()
        .zip(lists)
        .map(|(c, (_, recipients, outcomes))| {
            let outcomes = match (c.resending, again.remove(&c.no)) {
                (false, _) => outcomes,
                (true, Some(list)) => list,
                (true, None) => return Err(rows::corrupt("chunk_resend", "missing")),
            };
            Ok(Claimed {
                no: ChunkNo(c.no),
                message_no: c.message_no,
                app_no: c.app_no,
                lane_no,
                vendor: rows::vendor("chunk.vendor", c.vendor)?,
                flow: c.flow,
                deadline: c.deadline,
                count: rows::number("chunk.count", c.count)?,
                fence: c.fence,
                attempts: rows::number("chunk.attempts", c.attempts)?,
                lapsed: c.lapsed,
                resending: c.resending,
                started: rows::number("chunk.started", c.started)?,
                recipients,
                outcomes,
                policy: ChunkPolicy { slots: c.slots, zone: c.zone, blocked_version: c.blocked_version, held_until: 0 },
            })
        })
        .collect()
}
