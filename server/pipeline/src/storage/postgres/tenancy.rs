//! An advisory lock on a connection of its own: alone holds it exclusively, several share it. It ends with the connection, so a dead
//! process holds nothing.

use std::time::Duration;

use async_trait::async_trait;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{ConnectOptions, Connection};
use tokio::sync::Mutex;

use crate::storage::tenancy::Tenancy;
use crate::storage::{Result, StorageError};

/// Of this house among all advisory locks of a database; migrations use numbers of their own.
const KEY: i64 = 0x6361_7269_6c6c_6f6e;
/// A server that does not answer for so long is asked over a new connection.
const PATIENCE: Duration = Duration::from_secs(5);

pub struct Tenant {
    options: PgConnectOptions,
    held: Mutex<Held>,
}

#[derive(Default)]
struct Held {
    /// How we are in; `None` = not at all.
    alone: Option<bool>,
    connection: Option<PgConnection>,
}

impl Tenant {
    pub fn new(options: PgConnectOptions) -> Tenant {
        Tenant { options, held: Mutex::default() }
    }

    async fn lock(&self, alone: bool) -> Result<Option<PgConnection>> {
        let mut connection = self.options.connect().await?;
        let ask = if alone { "SELECT pg_try_advisory_lock($1)" } else { "SELECT pg_try_advisory_lock_shared($1)" };
        let got: bool = sqlx::query_scalar(ask).bind(KEY).fetch_one(&mut connection).await?;
        Ok(got.then_some(connection))
    }
}

#[async_trait]
impl Tenancy for Tenant {
    async fn enter(&self, alone: bool) -> Result<bool> {
        let mut held = self.held.lock().await;
        held.connection = None;
        held.connection = self.lock(alone).await?;
        held.alone = held.connection.is_some().then_some(alone);
        Ok(held.connection.is_some())
    }

    async fn stays(&self) -> Result<bool> {
        let mut held = self.held.lock().await;
        let Some(alone) = held.alone else { return Ok(false) };
        if let Some(connection) = &mut held.connection
            && matches!(tokio::time::timeout(PATIENCE, connection.ping()).await, Ok(Ok(())))
        {
            return Ok(true);
        }
        // Whoever was cut off looks again: the server let go of the lock with the connection.
        held.connection = None;
        let again = tokio::time::timeout(PATIENCE, self.lock(alone)).await;
        held.connection = again.map_err(|_| StorageError::Database(sqlx::Error::PoolTimedOut))??;
        Ok(held.connection.is_some())
    }

    async fn leave(&self) {
        let mut held = self.held.lock().await;
        held.alone = None;
        if let Some(connection) = held.connection.take() {
            // A connection that cannot be closed politely is closed all the same.
            let _: sqlx::Result<()> = connection.close().await;
        }
    }
}
