//! SQLite: one writer connection with group commit, a pool of readers, WAL, `synchronous=FULL`.
//!
//! Every write job runs inside a shared `BEGIN IMMEDIATE … COMMIT`; its caller is answered after the commit. Many callers
//! share one fsync; a job that fails is rolled back alone (savepoint).

use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, Executor, Transaction};
use tokio::sync::{mpsc, oneshot};

use types::Millis;

use super::{Result, Storage, StorageError};

mod nonces;
mod tenancy;
#[macro_use]
mod words;
#[path = "../tables/mod.rs"]
#[expect(clippy::duplicate_mod, reason = "written once, compiled for each store")]
mod tables;

type Conn = SqliteConnection;
type Database = sqlx::Sqlite;

/// Jobs in one commit, at most: bounds the time a caller waits for the others.
const GROUP_MAX: usize = 256;
/// Jobs waiting for the writer; more callers wait at the door.
const QUEUE: usize = 4_096;

static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("../../migrations/sqlite");

type Finish = Box<dyn FnOnce(std::result::Result<(), String>) + Send>;
type Work = Box<dyn for<'c> FnOnce(&'c mut SqliteConnection) -> BoxFuture<'c, (bool, Finish)> + Send>;

struct Job {
    work: Work,
    /// A savepoint around it, so that it can be taken back alone.
    guarded: bool,
}

/// The store's two doors: `write` (serialised, grouped, durable) and `read` (a snapshot each).
#[derive(Clone)]
pub struct Db {
    writer: mpsc::Sender<Job>,
    readers: SqlitePool,
    nonces: Arc<nonces::Nonces>,
}

/// Opens and migrates the database, and starts the writer.
///
/// # Errors
/// When the file cannot be opened or a migration fails.
pub async fn open(url: &str) -> Result<Storage> {
    let options = SqliteConnectOptions::from_str(url)?
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(Duration::from_secs(10))
        .pragma("cache_size", "-16000")
        .pragma("temp_store", "MEMORY")
        .disable_statement_logging();
    if let Some(parent) = options.get_filename().parent().filter(|p| !p.as_os_str().is_empty() && !Path::new(p).exists()) {
        std::fs::create_dir_all(parent).map_err(sqlx::Error::Io)?;
    }
    let mut writer = options.connect().await?;
    MIGRATIONS.run(&mut writer).await?;
    let readers = SqlitePoolOptions::new().max_connections(6).connect_with(options.read_only(true)).await?;
    let (sender, jobs) = mpsc::channel(QUEUE);
    let nonces = Arc::new(nonces::Nonces::new());
    tokio::spawn(write_loop(writer, jobs, nonces.clone()));
    Ok(tables::storage(Db { writer: sender, readers, nonces }, Arc::new(tenancy::OneOwner)))
}

impl Db {
    /// A connection for reading.
    pub fn readers(&self) -> &SqlitePool {
        &self.readers
    }

    /// Whether this nonce is new. See `nonces`.
    ///
    /// # Errors
    /// When what others wrote cannot be read, or too many are known.
    pub async fn remember_nonce(&self, app_no: i64, nonce: &str, now: Millis, until: Millis) -> Result<bool> {
        let (fresh, alone) = self.nonces.remember(&self.readers, app_no, nonce, now, until).await?;
        if alone {
            self.nudge();
        }
        Ok(fresh)
    }

    /// From now on only this process writes.
    ///
    /// # Errors
    /// When what others wrote cannot be read.
    pub async fn nobody_else(&self, now: Millis) -> Result<()> {
        self.nonces.be_alone(&self.readers, now).await
    }

    /// Lets the writer commit what was handed to it beside the jobs. When its queue is full it will do so anyway.
    fn nudge(&self) {
        let work: Work = Box::new(|_| Box::pin(async { (true, Box::new(|_| {}) as Finish) }));
        let _ = self.writer.try_send(Job { work, guarded: false });
    }

    /// One moment of the whole store, for reading.
    ///
    /// # Errors
    /// When no connection is free in time.
    pub async fn snapshot(&self) -> Result<Transaction<'static, sqlx::Sqlite>> {
        Ok(self.readers.begin().await?)
    }

    /// Runs `work` in the writer's transaction and answers after the commit. An error rolls back this work alone.
    ///
    /// # Errors
    /// What `work` returned, or a database error when the commit failed (then nothing of the group is stored).
    pub async fn write<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c mut SqliteConnection) -> BoxFuture<'c, Result<T>> + Send + 'static,
    {
        self.queue(true, work).await
    }

    /// The same for work that changes the store by its last statement only: one statement fails whole by itself, and the
    /// two statements around a guarded work cost more than a small one does.
    ///
    /// # Errors
    /// As [`Db::write`].
    pub async fn write_once<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c mut SqliteConnection) -> BoxFuture<'c, Result<T>> + Send + 'static,
    {
        self.queue(false, work).await
    }

    async fn queue<T, F>(&self, guarded: bool, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c mut SqliteConnection) -> BoxFuture<'c, Result<T>> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel::<Result<T>>();
        let work: Work = Box::new(move |conn| {
            Box::pin(async move {
                let result = work(conn).await;
                let keep = result.is_ok();
                let finish: Finish = Box::new(move |committed| {
                    let result = match (result, committed) {
                        (Ok(value), Ok(())) => Ok(value),
                        (Ok(_), Err(words)) => Err(StorageError::Database(sqlx::Error::Protocol(words))),
                        (Err(error), _) => Err(error),
                    };
                    // The caller may have gone away; the work is stored all the same.
                    let _ = answer.send(result);
                });
                (keep, finish)
            })
        });
        let gone = || StorageError::Database(sqlx::Error::WorkerCrashed);
        self.writer.send(Job { work, guarded }).await.map_err(|_| gone())?;
        answered.await.map_err(|_| gone())?
    }
}

async fn write_loop(mut conn: SqliteConnection, mut jobs: mpsc::Receiver<Job>, nonces: Arc<nonces::Nonces>) {
    let mut group: Vec<Job> = Vec::with_capacity(GROUP_MAX);
    while jobs.recv_many(&mut group, GROUP_MAX).await > 0 {
        let mut finishes = Vec::with_capacity(group.len());
        let outcome = run_group(&mut conn, &mut group, &mut finishes, &nonces).await;
        let outcome = outcome.map_err(|e| e.to_string());
        if let Err(words) = &outcome {
            tracing::error!(error = %words, jobs = finishes.len(), "the writer's commit failed; its callers were told");
            let _ = conn.execute("ROLLBACK").await;
            // A job that never ran drops its answer channel, and its caller reads that as an error.
            group.clear();
        }
        for finish in finishes {
            finish(outcome.clone());
        }
    }
    if let Err(error) = conn.close().await {
        tracing::warn!(%error, "closing the writer's connection");
    }
}

async fn run_group(
    conn: &mut SqliteConnection,
    group: &mut Vec<Job>,
    finishes: &mut Vec<Finish>,
    nonces: &nonces::Nonces,
) -> sqlx::Result<()> {
    run(conn, "BEGIN IMMEDIATE").await?;
    let alone = group.len() == 1;
    for job in group.drain(..) {
        let guarded = job.guarded && !alone;
        if guarded {
            run(conn, "SAVEPOINT job").await?;
        }
        let (keep, finish) = (job.work)(conn).await;
        finishes.push(finish);
        match (guarded, keep) {
            (true, false) => {
                run(conn, "ROLLBACK TO job").await?;
                run(conn, "RELEASE job").await?;
            }
            (true, true) => run(conn, "RELEASE job").await?,
            (false, false) if alone => return run(conn, "ROLLBACK").await,
            (false, _) => {}
        }
    }
    // Last: whatever a job took in, the nonce of its call was handed over before.
    nonces.write(conn).await?;
    run(conn, "COMMIT").await
}

/// Prepared once per connection; a bare `execute(text)` would be parsed anew every time.
async fn run(conn: &mut SqliteConnection, statement: &'static str) -> sqlx::Result<()> {
    sqlx::query(statement).execute(conn).await.map(drop)
}
