//! Who is there: one hash, a field a node, its heartbeat by the clock of Redis.

use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use async_trait::async_trait;
use redis::Script;
use types::Millis;

use super::desk::Live;
use super::link::Link;
use crate::coordination::{GONE_AFTER_MS, LISTED_MS, NodeCard, Nodes, SeenNode};
use crate::world::World;

/// KEYS: nodes. ARGV: name, card ('' = only look, '-' = leave), milliseconds listed. Answers the time and every field.
static BEAT: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "local t = redis.call('TIME')
         local now = tonumber(t[1]) * 1000 + math.floor(tonumber(t[2]) / 1000)
         if ARGV[2] == '-' then redis.call('HDEL', KEYS[1], ARGV[1])
         elseif ARGV[2] ~= '' then redis.call('HSET', KEYS[1], ARGV[1], string.format('%.0f', now) .. ' ' .. ARGV[2]) end
         local all = redis.call('HGETALL', KEYS[1])
         for i = 1, #all, 2 do
           local beat = tonumber(string.match(all[i + 1], '^%d+'))
           if not beat or now - beat > tonumber(ARGV[3]) then redis.call('HDEL', KEYS[1], all[i]) end
         end
         return {string.format('%.0f', now), all}",
    )
});

/// Who takes tokens, as last known; shared with the limiter.
#[derive(Clone, Default)]
pub struct Roster(Arc<Mutex<Live>>);

impl Roster {
    pub fn live(&self) -> Live {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, live: Live) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = live;
    }
}

pub struct RedisNodes {
    link: Link,
    world: World,
    roster: Roster,
    known: Mutex<Vec<SeenNode>>,
}

/// The channel on which nodes say that they came or went.
pub const CHANNEL: &str = "nodes";

impl RedisNodes {
    pub fn new(link: Link, world: World) -> RedisNodes {
        RedisNodes { link, world, roster: Roster::default(), known: Mutex::default() }
    }

    pub fn roster(&self) -> Roster {
        self.roster.clone()
    }

    /// Asks Redis who is there; what was known stays when it does not answer.
    pub async fn look(&self) {
        self.exchange("").await;
    }

    /// Says `card` and hears of all. `true` when it was heard.
    async fn exchange(&self, card: &str) -> bool {
        let mut call = BEAT.key(self.link.key("nodes"));
        call.arg(self.link.node()).arg(card).arg(LISTED_MS);
        let Ok((now, fields)) = self.link.script::<(i64, Vec<(String, String)>)>(&call).await else { return false };
        // Redis counts with its clock, the page with ours.
        let skew = self.world.now() - now;
        let seen = fields.iter().filter_map(|(_, value)| read(value, now, skew)).collect::<Vec<_>>();
        let mut senders: Vec<&str> = seen.iter().filter(|node| node.alive && node.card.sends).map(|node| node.card.name.as_str()).collect();
        senders.sort_unstable();
        if !senders.is_empty() {
            let first = senders.first() == Some(&self.link.node());
            self.roster.set(Live::Known { nodes: senders.len() as u32, first });
        }
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = seen;
        true
    }

    async fn tell(&self) {
        let mut pipe = redis::pipe();
        pipe.cmd("PUBLISH").arg(self.link.key(CHANNEL)).arg(self.link.node()).ignore();
        let _: Result<(), _> = self.link.pipe(&pipe).await;
    }
}

fn read(value: &str, now: Millis, skew: Millis) -> Option<SeenNode> {
    let (beat, card) = value.split_once(' ')?;
    let beat: Millis = beat.parse().ok()?;
    let card: NodeCard = serde_json::from_str(card).ok()?;
    Some(SeenNode { card, last_beat: beat + skew, alive: now - beat <= GONE_AFTER_MS })
}

#[async_trait]
impl Nodes for RedisNodes {
    async fn beat(&self, card: &NodeCard) {
        let is_new = {
            let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            known.iter().find(|node| node.card.name == card.name).is_none_or(|node| node.card.sends != card.sends || !node.alive)
        };
        let heard = match serde_json::to_string(card) {
            Ok(text) => self.exchange(&text).await,
            Err(_) => false,
        };
        if heard && is_new {
            // The others' shares are smaller from now on.
            self.tell().await;
        }
    }

    async fn leave(&self) {
        if self.exchange("-").await {
            self.tell().await;
        }
    }

    async fn list(&self, now: Millis) -> Vec<SeenNode> {
        self.look().await;
        let mut nodes = self.known.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for node in &mut nodes {
            node.alive = now - node.last_beat <= GONE_AFTER_MS;
        }
        nodes.sort_by(|a, b| a.card.name.cmp(&b.card.name));
        nodes
    }

    fn linked(&self) -> bool {
        self.link.down_since().is_none()
    }

    async fn place(&self) -> Option<Option<String>> {
        let mut pipe = redis::pipe();
        pipe.cmd("GET").arg(self.link.key("store"));
        self.link.pipe::<(Option<String>,)>(&pipe).await.ok().map(|(name,)| name)
    }

    async fn name_place(&self, name: &str, replace: bool) {
        let mut pipe = redis::pipe();
        let set = pipe.cmd("SET").arg(self.link.key("store")).arg(name);
        if !replace {
            set.arg("NX");
        }
        set.ignore();
        // Who did not get through looks again.
        let _: Result<(), _> = self.link.pipe(&pipe).await;
    }
}
