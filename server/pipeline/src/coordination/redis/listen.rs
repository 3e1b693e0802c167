//! What the other nodes say: one subscription, opened again whenever it breaks. After every opening what is stored is read, and every
//! sleeper is woken, because something may have been missed.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use redis::Msg;

use super::link::{Gone, Link, PATIENCE, Weak};
use super::nodes::{self, RedisNodes};
use super::{flags, outbox, standstills};
use crate::coordination::memory::flags::MemoryFlags;
use crate::coordination::memory::standstills::MemoryStandstills;
use crate::coordination::memory::wakes::MemoryWakes;
use crate::coordination::{Standstills, Wakes};
use crate::world::World;

/// Between two tries.
const AGAIN: Duration = Duration::from_millis(200);
/// A line on which nothing comes, not even our own question, is dead.
const SILENCE: Duration = Duration::from_secs(2);

/// Where the news goes.
#[derive(Clone)]
struct Ears {
    wakes: Arc<MemoryWakes>,
    flags: Arc<MemoryFlags>,
    stands: Arc<MemoryStandstills>,
    nodes: std::sync::Weak<RedisNodes>,
    world: World,
    /// What this node says comes back to it.
    own: String,
}

pub fn start(
    link: &Link,
    wakes: &Arc<MemoryWakes>,
    flags: &Arc<MemoryFlags>,
    stands: &Arc<MemoryStandstills>,
    nodes: &Arc<RedisNodes>,
    world: World,
) {
    let ears = Ears {
        wakes: wakes.clone(),
        flags: flags.clone(),
        stands: stands.clone(),
        nodes: Arc::downgrade(nodes),
        world,
        own: link.node().to_owned(),
    };
    let (weak, stop) = (link.weak(), link.stop());
    tokio::spawn(async move {
        stop.run_until_cancelled(async {
            loop {
                if let Err(error) = ears.session(&weak).await {
                    tracing::debug!(%error, "the other nodes are not heard");
                }
                tokio::time::sleep(AGAIN).await;
            }
        })
        .await;
    });
}

impl Ears {
    /// One subscription, until it breaks.
    async fn session(&self, weak: &Weak) -> Result<(), redis::RedisError> {
        let Some(link) = weak.upgrade() else { return Ok(()) };
        let connecting = tokio::time::timeout(PATIENCE, link.client().get_async_pubsub()).await;
        let Ok(pubsub) = connecting else { return Ok(()) };
        let (mut sink, mut stream) = pubsub?.split();
        let channels = [outbox::WAKES, flags::CHANNEL, standstills::CHANNEL, nodes::CHANNEL].map(|name| link.key(name));
        sink.subscribe(&channels[..]).await?;
        // What was missed must be read; without it the line is worth nothing.
        if self.catch_up(&link).await.is_err() {
            return Ok(());
        }
        drop(link);
        loop {
            match tokio::time::timeout(SILENCE, stream.next()).await {
                Ok(Some(message)) => self.hear(&channels, &message).await,
                Ok(None) => return Ok(()),
                // A line that was cut without a word says nothing for ever.
                Err(_) => match tokio::time::timeout(PATIENCE * 2, sink.ping::<redis::Value>()).await {
                    Ok(answer) => drop(answer?),
                    Err(_) => return Ok(()),
                },
            }
        }
    }

    async fn hear(&self, channels: &[String; 4], message: &Msg) {
        let Ok(text) = message.get_payload::<String>() else { return };
        let mut words = text.split(' ');
        if words.next() == Some(self.own.as_str()) {
            return;
        }
        let channel = message.get_channel_name();
        if channel == channels[0] {
            for name in words {
                self.wakes.wake(name);
            }
        } else if channel == channels[1] {
            if let (Some(Ok(no)), Some(stop)) = (words.next().map(str::parse), words.next().and_then(flags::read)) {
                self.flags.put(no, stop);
            }
        } else if channel == channels[2] {
            if let (Some(field), Some(value)) = (words.next(), words.next())
                && let Some((lane, change)) = standstills::read(field, value)
            {
                self.stands.change(lane, change);
            }
        } else if let Some(nodes) = self.nodes.upgrade() {
            nodes.look().await;
        }
    }

    /// What is stored is heard as if it were said now.
    async fn catch_up(&self, link: &Link) -> Result<(), Gone> {
        let (stops, stands) = (link.key(flags::CHANNEL), link.key(standstills::CHANNEL));
        let mut pipe = redis::pipe();
        pipe.hgetall(&stops).hgetall(&stands);
        type Stored = (Vec<(i64, String)>, Vec<(String, String)>);
        let (stored_stops, stored_stands) = link.pipe::<Stored>(&pipe).await?;
        let now = self.world.now();
        let mut old = redis::pipe();
        for (no, value) in stored_stops {
            match flags::read_stored(&value, now) {
                Some(stop) => self.flags.put(no, Some(stop)),
                None => {
                    old.hdel(&stops, no).ignore();
                }
            }
        }
        for (field, value) in stored_stands {
            match standstills::read(&field, &value) {
                Some((_, change)) if standstills::over(change, now) => old.hdel(&stands, &field).ignore(),
                Some((lane, change)) => {
                    self.stands.change(lane, change);
                    &mut old
                }
                None => old.hdel(&stands, &field).ignore(),
            };
        }
        if !old.is_empty() {
            let _: Result<(), _> = link.pipe(&old).await;
        }
        if let Some(nodes) = self.nodes.upgrade() {
            nodes.look().await;
        }
        self.wakes.wake_all();
        Ok(())
    }
}
