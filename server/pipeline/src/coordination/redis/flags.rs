//! Stop flags: kept in memory for the send stage, stored and told through Redis.

use std::sync::Arc;

use async_trait::async_trait;
use types::Millis;

use super::link::Link;
use crate::coordination::memory::flags::MemoryFlags;
use crate::coordination::{Flags, Stop};
use crate::world::World;

/// Channel, and the hash of what is in force.
pub const CHANNEL: &str = "stops";
/// The hash forgets what was set so long ago: storage knows it.
const KEPT_MS: Millis = 86_400_000;

pub struct RedisFlags {
    pub link: Link,
    pub world: World,
    pub known: Arc<MemoryFlags>,
}

/// `-` = lifted.
pub const fn word(stop: Option<Stop>) -> &'static str {
    match stop {
        Some(Stop::Paused) => "paused",
        Some(Stop::Cancelled) => "cancelled",
        None => "-",
    }
}

pub fn read(word: &str) -> Option<Option<Stop>> {
    [Some(Stop::Paused), Some(Stop::Cancelled), None].into_iter().find(|stop| self::word(*stop) == word)
}

/// What is stored of a flag; `None` = too old to be believed.
pub fn read_stored(value: &str, now: Millis) -> Option<Stop> {
    let (word, set) = value.split_once('@')?;
    let set: Millis = set.parse().ok()?;
    if now - set < KEPT_MS { read(word)? } else { None }
}

#[async_trait]
impl Flags for RedisFlags {
    async fn set(&self, message_no: i64, stop: Option<Stop>) {
        self.known.put(message_no, stop);
        let key = self.link.key(CHANNEL);
        let mut pipe = redis::pipe();
        match stop {
            Some(_) => pipe.hset(&key, message_no, format!("{}@{}", word(stop), self.world.now())).ignore(),
            None => pipe.hdel(&key, message_no).ignore(),
        };
        pipe.cmd("PUBLISH").arg(&key).arg(format!("{} {message_no} {}", self.link.node(), word(stop))).ignore();
        // Gone: the others read it from storage, as they do while nobody tells them anything.
        let _: Result<(), _> = self.link.pipe(&pipe).await;
    }

    fn get(&self, message_no: i64) -> Option<Stop> {
        self.known.get(message_no)
    }

    fn replace(&self, stops: &[(i64, Stop)]) {
        self.known.replace(stops);
    }
}
