//! Daily quotas, shared. A hash a lane and day: `used`, and what each process has in flight, with the time it last said so: what a
//! killed one held is given back once it must have ended. Redis gone: each node takes its share of what was left as last known.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, PoisonError};

use async_trait::async_trait;
use redis::Script;
use types::Millis;

use super::link::Link;
use super::nodes::Roster;
use crate::coordination::{Quotas, Reserved};

/// KEYS: day. ARGV: process, limit, wanted, seconds a silent process keeps what it holds. Answers {granted, left}, or {-1, 0} when the
/// day is not known.
static RESERVE: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "local used = tonumber(redis.call('HGET', KEYS[1], 'used') or -1)
         if used < 0 then return {-1, 0} end
         local now = tonumber(redis.call('TIME')[1])
         local all = redis.call('HGETALL', KEYS[1])
         local held, seen = {}, {}
         for i = 1, #all, 2 do
           local kind, name = string.match(all[i], '^(%a+):(.*)$')
           if kind == 'node' then held[name] = tonumber(all[i + 1]) end
           if kind == 'seen' then seen[name] = tonumber(all[i + 1]) end
         end
         for name, n in pairs(held) do
           if (seen[name] or 0) + tonumber(ARGV[4]) < now then
             redis.call('HDEL', KEYS[1], 'node:' .. name, 'seen:' .. name)
           else
             used = used + n
           end
         end
         local left = math.max(tonumber(ARGV[2]) - used, 0)
         local got = math.min(left, tonumber(ARGV[3]))
         if got > 0 then
           redis.call('HINCRBY', KEYS[1], 'node:' .. ARGV[1], got)
           redis.call('HSET', KEYS[1], 'seen:' .. ARGV[1], now)
         end
         return {got, left - got}",
    )
});

/// KEYS: day. ARGV: process, reserved, accepted.
static SETTLE: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "if redis.call('HEXISTS', KEYS[1], 'used') == 0 then return 0 end
         local node, seen = 'node:' .. ARGV[1], 'seen:' .. ARGV[1]
         local held = tonumber(redis.call('HGET', KEYS[1], node) or 0) - tonumber(ARGV[2])
         if held > 0 then
           redis.call('HSET', KEYS[1], node, held, seen, redis.call('TIME')[1])
         else
           redis.call('HDEL', KEYS[1], node, seen)
         end
         redis.call('HINCRBY', KEYS[1], 'used', ARGV[3])
         return 1",
    )
});

/// Longer than any request and its lease: a process that was silent for so long has nothing in flight.
const SILENT_S: u64 = 120;
const KEPT_MS: u64 = 2 * 86_400_000;

pub struct RedisQuotas {
    link: Link,
    roster: Roster,
    /// Of this process, not of its node: who starts again under the same name holds nothing.
    process: String,
    /// What was left when Redis was last heard, and this node's part of it once it is gone.
    known: Mutex<HashMap<(i64, Millis), Left>>,
}

#[derive(Clone, Copy, Default)]
struct Left {
    all: u64,
    /// `None` while Redis answers.
    own: Option<u64>,
}

impl RedisQuotas {
    pub fn new(link: Link, roster: Roster) -> RedisQuotas {
        let process = format!("{}/{}", link.node(), std::process::id());
        RedisQuotas { link, roster, process, known: Mutex::default() }
    }

    /// Reserves `wanted` at most: what was granted and what is left after it. `None` = the day is not known.
    async fn exchange(&self, lane_no: i64, day: Millis, limit: u64, wanted: u64) -> Option<(u64, u64)> {
        let mut call = RESERVE.key(self.key(lane_no, day));
        call.arg(&self.process).arg(limit).arg(wanted).arg(SILENT_S);
        let answer = self.link.script::<(i64, u64)>(&call).await;
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        match answer {
            Ok((got, all)) => {
                let got = u64::try_from(got).ok()?;
                known.insert((lane_no, day), Left { all, own: None });
                Some((got, all))
            }
            Err(_) => {
                // Who was never told what is left waits: reading the books would give every node the whole of it.
                let left = known.entry((lane_no, day)).or_default();
                let share = u64::from(self.roster.live().share(left.all.min(u64::from(u32::MAX)) as f64));
                let own = left.own.get_or_insert(share);
                let got = wanted.min(*own);
                *own -= got;
                Some((got, *own))
            }
        }
    }

    fn key(&self, lane_no: i64, day: Millis) -> String {
        self.link.key(&format!("{{lane/{lane_no}}}:quota:{day}"))
    }
}

#[async_trait]
impl Quotas for RedisQuotas {
    async fn begin(&self, lane_no: i64, day: Millis, used: u64) {
        let key = self.key(lane_no, day);
        let mut pipe = redis::pipe();
        pipe.cmd("HSETNX").arg(&key).arg("used").arg(used).ignore();
        pipe.cmd("PEXPIRE").arg(&key).arg(KEPT_MS).ignore();
        let _: Result<(), _> = self.link.pipe(&pipe).await;
        self.known.lock().unwrap_or_else(PoisonError::into_inner).retain(|(lane, end), _| *lane != lane_no || *end >= day);
    }

    async fn left(&self, lane_no: i64, day: Millis, limit: u64) -> Option<u64> {
        self.exchange(lane_no, day, limit, 0).await.map(|(_, left)| left)
    }

    async fn reserve(&self, lane_no: i64, day: Millis, limit: u64, wanted: u64) -> Reserved {
        self.exchange(lane_no, day, limit, wanted).await.map_or(Reserved::Unknown, |(got, _)| Reserved::Got(got))
    }

    async fn settle(&self, lane_no: i64, day: Millis, reserved: u64, accepted: u64) {
        let mut call = SETTLE.key(self.key(lane_no, day));
        call.arg(&self.process).arg(reserved).arg(accepted);
        if self.link.script::<i64>(&call).await.is_err() {
            let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(own) = known.get_mut(&(lane_no, day)).and_then(|left| left.own.as_mut()) {
                *own += reserved.saturating_sub(accepted);
            }
        }
    }
}
