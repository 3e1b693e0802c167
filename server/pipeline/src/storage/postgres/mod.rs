//! PostgreSQL: a pool of connections, each write a transaction of its own, `synchronous_commit=on`.
//!
//! Any number of nodes write at once: claims pass over what others hold, rows that are read to decide are locked, every
//! chunk carries its fence. PostgreSQL itself makes one fsync serve many commits.

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions};
use sqlx::{ConnectOptions, Connection, Postgres, Transaction};

use types::Millis;

use super::{Result, Storage, StorageError};

mod nonces;
mod tenancy;
#[macro_use]
mod words;
#[path = "../tables/mod.rs"]
#[expect(clippy::duplicate_mod, reason = "written once, compiled for each store")]
mod tables;

type Conn = PgConnection;
type Database = Postgres;

/// Connections of one node; each is a process of the server.
const CONNECTIONS: u32 = 16;
/// A connection that rested longer is tried before it is used.
const RESTED: Duration = Duration::from_secs(5);
/// Tables of coming days are made this often, and this many days ahead.
const DAYS_EVERY: Duration = Duration::from_secs(3_600);
const DAYS_AHEAD: i32 = 2;
/// Pauses before a transaction that was in another's way is done again; after the last one its error is the caller's.
const AGAIN: [Duration; 5] = [
    Duration::from_millis(2),
    Duration::from_millis(10),
    Duration::from_millis(40),
    Duration::from_millis(120),
    Duration::from_millis(400),
];

static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("../../migrations/postgres");

/// The store's two doors: `write` (a durable transaction) and `readers`.
#[derive(Clone)]
pub struct Db {
    pool: PgPool,
    _days: Arc<Days>,
}

/// Makes the tables of coming days as long as the store is open.
struct Days(tokio::task::JoinHandle<()>);

impl Drop for Days {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Opens and migrates the database. Nodes that start together take turns: the migrations hold an advisory lock.
///
/// # Errors
/// When the server cannot be reached or a migration fails.
pub async fn open(url: &str) -> Result<Storage> {
    let options = PgConnectOptions::from_str(url)?
        .application_name("carillon")
        .options([
            ("synchronous_commit", "on"),
            ("default_transaction_isolation", "read committed"),
            ("idle_in_transaction_session_timeout", "60s"),
            ("lock_timeout", "20s"),
            // Our statements are short; compiling them takes longer than running them.
            ("jit", "off"),
        ])
        .disable_statement_logging();
    let tenant = tenancy::Tenant::new(options.clone().application_name("carillon tenancy"));
    let pool = PgPoolOptions::new()
        .max_connections(CONNECTIONS)
        .acquire_timeout(Duration::from_secs(10))
        .test_before_acquire(false)
        .before_acquire(|conn, about| {
            Box::pin(async move {
                if about.idle_for > RESTED {
                    conn.ping().await?;
                }
                Ok(true)
            })
        })
        .connect_with(options)
        .await?;
    MIGRATIONS.run(&pool).await?;
    make_days(&pool).await?;
    let days = Arc::new(Days(tokio::spawn(keep_days(pool.clone()))));
    Ok(tables::storage(Db { pool, _days: days }, Arc::new(tenant)))
}

async fn make_days(pool: &PgPool) -> sqlx::Result<()> {
    sqlx::query("SELECT make_days($1)").bind(DAYS_AHEAD).execute(pool).await.map(drop)
}

/// A day without a table of its own is no loss: its rows go to the table for all others.
async fn keep_days(pool: PgPool) {
    loop {
        tokio::time::sleep(DAYS_EVERY).await;
        if let Err(error) = make_days(&pool).await {
            tracing::warn!(%error, "making the tables of the coming days");
        }
    }
}

impl Db {
    /// Connections for reading.
    pub fn readers(&self) -> &PgPool {
        &self.pool
    }

    /// One moment of the whole store, for reading.
    ///
    /// # Errors
    /// When the server cannot be reached.
    pub async fn snapshot(&self) -> Result<Transaction<'static, Postgres>> {
        Ok(self.pool.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY").await?)
    }

    /// Whether this nonce is new. See `nonces`.
    ///
    /// # Errors
    /// When the server cannot be reached.
    pub async fn remember_nonce(&self, app_no: i64, nonce: &str, now: Millis, until: Millis) -> Result<bool> {
        nonces::remember(&self.pool, app_no, nonce, now, until).await
    }

    /// On a server nobody is ever alone: every nonce is looked up where all processes see it.
    ///
    /// # Errors
    /// Never.
    pub async fn nobody_else(&self, _now: Millis) -> Result<()> {
        Ok(())
    }

    /// Runs `work` in a transaction and answers after the commit. An error takes it back. The work is done to its end even
    /// when the caller goes away. What the server took back because two transactions were in each other's way is done again.
    ///
    /// # Errors
    /// What `work` returned, or a database error when the commit failed (then nothing is stored).
    pub async fn write<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c mut Conn) -> BoxFuture<'c, Result<T>> + Clone + Send + 'static,
    {
        let pool = self.pool.clone();
        finish(tokio::spawn(again(move || {
            let (pool, work) = (pool.clone(), work.clone());
            async move {
                let mut transaction = pool.begin().await?;
                match work(&mut transaction).await {
                    Ok(value) => {
                        transaction.commit().await?;
                        Ok(value)
                    }
                    Err(error) => {
                        transaction.rollback().await?;
                        Err(error)
                    }
                }
            }
        })))
        .await
    }

    /// The same for work that changes the store by its last statement only: that statement is a transaction by itself.
    ///
    /// # Errors
    /// As [`Db::write`].
    pub async fn write_once<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c mut Conn) -> BoxFuture<'c, Result<T>> + Clone + Send + 'static,
    {
        let pool = self.pool.clone();
        finish(tokio::spawn(again(move || {
            let (pool, work) = (pool.clone(), work.clone());
            async move { work(&mut *pool.acquire().await?).await }
        })))
        .await
    }
}

/// Does a transaction again that the server took back because it was in another's way; nothing of it is stored then.
async fn again<T, F>(mut work: impl FnMut() -> F + Send) -> Result<T>
where
    F: Future<Output = Result<T>> + Send,
{
    for pause in AGAIN {
        match work().await {
            Err(StorageError::Database(error)) if is_in_the_way(&error) => {
                tracing::debug!(%error, "a transaction is done again");
                metrics::counter!(crate::telemetry::STORE_RETRIES).increment(1);
                tokio::time::sleep(pause).await;
            }
            done => return done,
        }
    }
    work().await
}

/// Deadlock or serialization failure: the other transaction went through, so the same one may now.
fn is_in_the_way(error: &sqlx::Error) -> bool {
    error.as_database_error().and_then(|error| error.code()).is_some_and(|code| matches!(code.as_ref(), "40P01" | "40001"))
}

async fn finish<T>(task: tokio::task::JoinHandle<Result<T>>) -> Result<T> {
    task.await.map_err(|_| StorageError::Database(sqlx::Error::WorkerCrashed))?
}
