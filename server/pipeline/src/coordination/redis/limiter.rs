//! The shared limit: tokens leased from Redis in blocks by `pace.lua`.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use redis::Script;
use tokio::time::Instant;

use super::desk::{Answer, Desk, GRACE, Grant, Line, Live, Plan, Said, Terms, Use};
use super::link::{Gone, Link};
use super::nodes::Roster;
use crate::coordination::memory::limiter::{SHORTEST, SPARE, WINDOW};
use crate::coordination::{Limiter, Permit, STRICT};

static PACE: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("pace.lua")));

pub struct RedisLimiter {
    link: Link,
    roster: Roster,
    desk: Mutex<Desk>,
    /// One question a key at a time: the others use what it brings.
    asking: Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>,
}

/// One question to Redis. `now` is for tests; without it the clock of Redis counts.
pub(super) struct Question<'a> {
    pub key: &'a str,
    pub now_us: Option<u64>,
    pub rate: f64,
    pub n: u32,
    pub terms: Terms,
    pub alone: bool,
    /// What became of slots of before.
    pub uses: Vec<Use>,
}

impl Question<'_> {
    pub async fn ask(&self, link: &Link) -> Result<Answer, Gone> {
        let mut call = PACE.key(link.key(&format!("{{{}}}:pace", self.key)));
        call.key(link.key(&format!("{{{}}}:uses", self.key)))
            .arg(self.now_us.map_or_else(String::new, |us| us.to_string()))
            .arg(self.rate)
            .arg(self.n)
            .arg(self.terms.want)
            .arg((self.terms.hold + SPARE).as_micros() as u64)
            .arg(u8::from(self.alone))
            .arg(GRACE.as_micros() as u64)
            .arg(self.terms.ahead.as_micros() as u64);
        for Use { id, leased, used, over_us } in &self.uses {
            call.arg(*id).arg(*leased).arg(*used).arg(*over_us);
        }
        let numbers: Vec<u64> = link.script(&call).await?;
        let grant = |three: &[u64]| match three {
            [offset, n, id] => Some(Grant { offset: Duration::from_micros(*offset), n: u32::try_from(*n).unwrap_or(u32::MAX), id: *id }),
            _ => None,
        };
        Ok(match numbers.as_slice() {
            [1, now_us, grants @ ..] => Answer { now_us: *now_us, what: Said::Granted(grants.chunks(3).filter_map(grant).collect()) },
            [2, now_us, rest] => Answer { now_us: *now_us, what: Said::Shares(Duration::from_micros(*rest)) },
            [0, now_us, wait] => Answer { now_us: *now_us, what: Said::Wait(Duration::from_micros(*wait)) },
            // No script of ours.
            _ => return Err(Gone),
        })
    }
}

impl RedisLimiter {
    pub fn new(link: Link, roster: Roster) -> RedisLimiter {
        RedisLimiter { link, roster, desk: Mutex::default(), asking: Mutex::default() }
    }

    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn line(&self) -> Line {
        self.link.down_since().map_or(Line::Up, |since| Line::Down { since })
    }

    /// Our own limits need no rest and no share: nobody else counts them.
    fn live(&self, key: &str) -> Live {
        if key.starts_with(STRICT) { self.roster.live() } else { Live::ALONE }
    }

    fn plan(&self, key: &str, rate: f64, n: u32) -> Plan {
        self.desk().plan(Instant::now(), key, rate, n, self.line(), self.live(key))
    }

    fn gate(&self, key: &str) -> Arc<tokio::sync::Mutex<()>> {
        let mut asking = self.asking.lock().unwrap_or_else(PoisonError::into_inner);
        asking.entry(key.to_owned()).or_default().clone()
    }

    async fn ask(&self, key: &str, rate: f64, n: u32, terms: Terms) -> Plan {
        let uses = self.desk().uses(Instant::now(), key);
        let question = Question { key, now_us: None, rate, n, terms, alone: self.live(key).alone(), uses };
        let asked = Instant::now();
        match question.ask(&self.link).await {
            Ok(answer) => self.desk().answered(asked, Instant::now(), key, rate, n, terms.hold, &answer),
            // The next plan finds the line down.
            Err(Gone) => Plan::Wait(SHORTEST),
        }
    }
}

#[async_trait]
impl Limiter for RedisLimiter {
    async fn take(&self, key: &str, rate: f64, n: u32) -> Result<Permit, Duration> {
        if n == 0 {
            return Ok(Permit { slot: 0, n, at: Instant::now() });
        }
        if !rate.is_finite() || rate <= 0.0 {
            return Err(WINDOW);
        }
        let plan = match self.plan(key, rate, n) {
            Plan::Ask(_) => {
                let gate = self.gate(key);
                let _one = gate.lock().await;
                // Somebody may have brought tokens meanwhile.
                match self.plan(key, rate, n) {
                    Plan::Ask(terms) => self.ask(key, rate, n, terms).await,
                    other => other,
                }
            }
            other => other,
        };
        match plan {
            Plan::Go(permit) => Ok(permit),
            Plan::Wait(wait) => Err(wait),
            Plan::Ask(_) => Err(SHORTEST),
        }
    }

    fn answered(&self, key: &str, permit: Permit) {
        self.desk().reached(Instant::now(), key, permit);
    }

    fn most(&self, key: &str, rate: f64) -> u32 {
        self.desk().on_shares(Instant::now(), key, rate, self.line(), self.live(key)).unwrap_or(u32::MAX)
    }

    /// Opens the lane's books in Redis, so that their first seconds are over when the first message comes.
    async fn prepare(&self, key: &str, rate: f64) {
        if rate.is_finite() && rate > 0.0 {
            // Of no tokens at all.
            let terms = Terms { want: 0, hold: Duration::ZERO, ahead: Duration::ZERO };
            let question = Question { key, now_us: None, rate, n: 0, terms, alone: self.live(key).alone(), uses: Vec::new() };
            // Gone: the first take opens them.
            let _ = question.ask(&self.link).await;
        }
    }
}
