//! Fenced locks and nonces.

use std::sync::LazyLock;
use std::time::Duration;

use async_trait::async_trait;
use redis::Script;

use super::link::Link;
use crate::coordination::{Claim, Locks, Nonces};

/// KEYS: lock. ARGV: node, milliseconds. The fence is at least the time, so it grows over the loss of everything too.
static CLAIM: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "local t = redis.call('TIME')
         local now = tonumber(t[1]) * 1000000 + tonumber(t[2])
         local lasts = tonumber(ARGV[2])
         local held = redis.call('HMGET', KEYS[1], 'node', 'fence', 'over')
         local fence = tonumber(held[2] or 0)
         local is_held = held[1] and held[1] ~= '' and tonumber(held[3]) > now
         if is_held and held[1] ~= ARGV[1] then return '' end
         if not is_held then fence = math.max(fence + 1, now) end
         fence = string.format('%.0f', fence)
         redis.call('HSET', KEYS[1], 'node', ARGV[1], 'fence', fence, 'over', string.format('%.0f', now + lasts * 1000))
         redis.call('PEXPIRE', KEYS[1], lasts + 86400000)
         return fence",
    )
});

static RELEASE: LazyLock<Script> = LazyLock::new(|| {
    Script::new("if redis.call('HGET', KEYS[1], 'node') == ARGV[1] then redis.call('HSET', KEYS[1], 'node', '', 'over', 0) end return 1")
});

pub struct RedisLocks {
    pub link: Link,
}

impl RedisLocks {
    fn key(&self, name: &str) -> String {
        self.link.key(&format!("lock:{name}"))
    }
}

#[async_trait]
impl Locks for RedisLocks {
    async fn claim(&self, name: &str, lasts: Duration) -> Claim {
        let mut call = CLAIM.key(self.key(name));
        call.arg(self.link.node()).arg(lasts.as_millis() as u64);
        match self.link.script::<String>(&call).await {
            Ok(fence) if fence.is_empty() => Claim::Theirs,
            Ok(fence) => fence.parse().map_or(Claim::Unknown, |fence| Claim::Mine { fence }),
            Err(_) => Claim::Unknown,
        }
    }

    async fn release(&self, name: &str) {
        let mut call = RELEASE.key(self.key(name));
        call.arg(self.link.node());
        // Gone: it ends by itself.
        let _: Result<i64, _> = self.link.script(&call).await;
    }
}

pub struct RedisNonces {
    pub link: Link,
}

#[async_trait]
impl Nonces for RedisNonces {
    async fn first(&self, app_no: i64, nonce: &str, kept: Duration) -> Option<bool> {
        let key = self.link.key(&format!("nonce:{app_no}:{nonce}"));
        let mut pipe = redis::pipe();
        pipe.cmd("SET").arg(key).arg(1).arg("NX").arg("PX").arg(kept.as_millis() as u64);
        self.link.pipe::<(Option<String>,)>(&pipe).await.ok().map(|(set,)| set.is_some())
    }
}
