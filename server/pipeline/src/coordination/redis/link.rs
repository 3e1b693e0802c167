//! The line to Redis: one multiplexed connection, a short patience, and the knowledge whether it stands. While it is down nobody waits
//! for it; one task knocks until it is up again.

use std::future::Future;
use std::sync::Arc;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{Client, FromRedisValue, Pipeline, RedisResult, ScriptInvocation};
use tokio::time::Instant;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::AddressError;

/// An answer that takes longer does not come.
pub const PATIENCE: Duration = Duration::from_millis(250);
/// Between two knocks while it is down.
const KNOCK_EVERY: Duration = Duration::from_millis(200);
/// Between two looks while it is up and nobody asks.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Redis did not answer.
#[derive(Debug)]
pub struct Gone;

/// Cheap to clone; the background tasks end with the last one.
#[derive(Clone)]
pub struct Link(Arc<Inner>);

struct Inner {
    client: Client,
    manager: ConnectionManager,
    prefix: String,
    node: String,
    /// `None` = it stands.
    down_since: Mutex<Option<Instant>>,
    stop: CancellationToken,
    _end: DropGuard,
}

/// What background tasks hold: it does not keep the line open.
#[derive(Clone)]
pub struct Weak(std::sync::Weak<Inner>);

impl Weak {
    pub fn upgrade(&self) -> Option<Link> {
        self.0.upgrade().map(Link)
    }
}

impl Link {
    pub fn open(url: &str, node: &str) -> Result<Link, AddressError> {
        let words = |error: redis::RedisError| AddressError(error.to_string());
        let client = Client::open(url).map_err(words)?;
        let config = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(PATIENCE))
            .set_response_timeout(Some(PATIENCE))
            .set_number_of_retries(0)
            .set_pipeline_buffer_size(1_024);
        let manager = client.get_connection_manager_lazy(config).map_err(words)?;
        let prefix = format!("carillon:{}", client.get_connection_info().redis_settings().db());
        let stop = CancellationToken::new();
        Ok(Link(Arc::new(Inner {
            client,
            manager,
            prefix,
            node: node.to_owned(),
            // Until the first answer nobody knows.
            down_since: Mutex::new(Some(Instant::now())),
            _end: stop.clone().drop_guard(),
            stop,
        })))
    }

    /// A key or channel of this installation; what belongs to one call shares the tag in braces.
    pub fn key(&self, rest: &str) -> String {
        format!("{}:{rest}", self.0.prefix)
    }

    pub fn node(&self) -> &str {
        &self.0.node
    }

    pub fn weak(&self) -> Weak {
        Weak(Arc::downgrade(&self.0))
    }

    pub fn stop(&self) -> CancellationToken {
        self.0.stop.clone()
    }

    pub fn client(&self) -> &Client {
        &self.0.client
    }

    /// Since when it is down; `None` = it stands.
    pub fn down_since(&self) -> Option<Instant> {
        *self.0.down_since.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub async fn script<T: FromRedisValue>(&self, script: &ScriptInvocation<'_>) -> Result<T, Gone> {
        let mut manager = self.0.manager.clone();
        self.ask(script.invoke_async(&mut manager)).await
    }

    pub async fn pipe<T: FromRedisValue>(&self, pipe: &Pipeline) -> Result<T, Gone> {
        let mut manager = self.0.manager.clone();
        self.ask(pipe.query_async(&mut manager)).await
    }

    async fn ask<T>(&self, answer: impl Future<Output = RedisResult<T>>) -> Result<T, Gone> {
        if self.down_since().is_some() {
            return Err(Gone);
        }
        self.heard(tokio::time::timeout(PATIENCE, answer).await)
    }

    fn heard<T>(&self, answer: Result<RedisResult<T>, tokio::time::error::Elapsed>) -> Result<T, Gone> {
        let words = match answer {
            Ok(Ok(answer)) => return Ok(answer),
            Ok(Err(error)) => error.to_string(),
            Err(_) => "no answer in time".to_owned(),
        };
        let mut down = self.0.down_since.lock().unwrap_or_else(PoisonError::into_inner);
        if down.is_none() {
            *down = Some(Instant::now());
            tracing::warn!(words, "redis is gone: this node goes on alone, with its share of every limit");
        }
        Err(Gone)
    }

    /// Knocks while it is down, looks now and then while it is up.
    pub fn watch(&self) {
        let (weak, stop) = (self.weak(), self.stop());
        tokio::spawn(async move {
            loop {
                let Some(link) = weak.upgrade() else { return };
                let pause = if link.knock().await { LOOK_EVERY } else { KNOCK_EVERY };
                drop(link);
                tokio::select! {
                    () = tokio::time::sleep(pause) => {}
                    () = stop.cancelled() => return,
                }
            }
        });
    }

    async fn knock(&self) -> bool {
        let mut manager = self.0.manager.clone();
        let command = redis::cmd("PING");
        let answer = tokio::time::timeout(PATIENCE, command.query_async::<String>(&mut manager)).await;
        if self.heard(answer).is_err() {
            return false;
        }
        let mut down = self.0.down_since.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(since) = down.take() {
            tracing::info!(seconds = since.elapsed().as_secs(), "redis answers: this node goes on with the others");
        }
        true
    }
}
