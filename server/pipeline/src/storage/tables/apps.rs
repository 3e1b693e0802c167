//! Apps.

use async_trait::async_trait;
use serde_json::json;
use types::Millis;
use types::ids::AppId;
use types::vendor::{Environment, Vendor};

use super::{Conn, Db, people, rows, words};
use crate::storage::apps::{App, AppChange, AppSecret, Apps, CREDENTIAL_REFUSED, CredentialRow, Lane, LaneSettings, NewApp};
use crate::storage::people::AuditEntry;
use crate::storage::{Result, StorageError};

/// `last_used_at` of a secret is this coarse, so that a busy caller does not write it with every call.
const TOUCH_MS: Millis = 60_000;

pub struct StoredApps {
    db: Db,
}

impl StoredApps {
    pub fn new(db: Db) -> StoredApps {
        StoredApps { db }
    }
}

#[derive(sqlx::FromRow)]
struct AppRow {
    no: i64,
    id: String,
    name: String,
    description: String,
    environment: i64,
    default_title: String,
    vendor_order: String,
    services: String,
    app_key: String,
    client_key: String,
    callback_secret: String,
    created_at: Millis,
}

impl TryFrom<AppRow> for App {
    type Error = StorageError;

    fn try_from(row: AppRow) -> Result<App> {
        Ok(App {
            no: row.no,
            id: AppId::trusted(row.id),
            name: row.name,
            description: row.description,
            environment: rows::environment("app.environment", row.environment)?,
            default_title: row.default_title,
            vendor_order: rows::json("app.vendor_order", &row.vendor_order)?,
            services: rows::json("app.services", &row.services)?,
            app_key: row.app_key,
            client_key: row.client_key,
            callback_secret: row.callback_secret,
            created_at: row.created_at,
        })
    }
}

type SecretRow = (i64, Vec<u8>, Millis, Option<Millis>);

fn secret((no, sealed, created_at, last_used_at): SecretRow) -> AppSecret {
    AppSecret { no, sealed, created_at, last_used_at }
}

type CredentialTuple = (i64, Vec<u8>, String, Millis, String);

fn credential((vendor, sealed, hints, updated_at, updated_by): CredentialTuple) -> Result<CredentialRow> {
    Ok(CredentialRow {
        vendor: rows::vendor("credential.vendor", vendor)?,
        sealed,
        hints: rows::json("credential.hints", &hints)?,
        updated_at,
        updated_by,
    })
}

type LaneRow = (i64, i64, i64, String, Option<String>);

fn lane((no, app_no, vendor, settings, paused): LaneRow) -> Result<Lane> {
    Ok(Lane { no, app_no, vendor: rows::vendor("lane.vendor", vendor)?, settings: rows::json("lane.settings", &settings)?, paused })
}

/// What a lane starts with.
fn default_settings(vendor: Vendor, environment: Environment) -> LaneSettings {
    let defaults = vendor.lane_defaults();
    LaneSettings {
        enabled: true,
        base_url: match environment {
            Environment::Production => defaults.base_url_production,
            Environment::Sandbox => defaults.base_url_sandbox,
        }
        .to_owned(),
        ca_pem: None,
        pace_per_second: defaults.pace_per_second,
        batch: defaults.batch,
        in_flight: defaults.in_flight,
        daily_quota: defaults.daily_quota,
        reserve_percent: LaneSettings::default_reserve(),
        egress_proxy: None,
        timeout_ms: 10_000,
        ..LaneSettings::default()
    }
}

/// A second app of one name is the caller's mistake; a second key would be ours, and stays a database error.
fn name_taken(error: sqlx::Error) -> StorageError {
    if words::taken(&error, "app.name") { StorageError::Conflict("name") } else { StorageError::Database(error) }
}

async fn add_secret(conn: &mut Conn, app_no: i64, sealed: &[u8], now: Millis) -> Result<AppSecret> {
    let row: SecretRow = sqlx::query_as(
        "INSERT INTO app_secret (app_no, sealed, created_at) VALUES ($1, $2, $3) RETURNING no, sealed, created_at, last_used_at",
    )
    .bind(app_no)
    .bind(sealed)
    .bind(now)
    .fetch_one(conn)
    .await?;
    Ok(secret(row))
}

async fn add_lane(conn: &mut Conn, app_no: i64, vendor: Vendor, environment: Environment) -> Result<()> {
    sqlx::query("INSERT INTO lane (app_no, vendor, settings) VALUES ($1, $2, $3) ON CONFLICT (app_no, vendor) DO NOTHING")
        .bind(app_no)
        .bind(vendor.code())
        .bind(rows::to_json("lane.settings", &default_settings(vendor, environment))?)
        .execute(conn)
        .await?;
    Ok(())
}

/// One at a time decides what this app has.
pub(super) async fn lock(conn: &mut Conn, app_no: i64) -> Result<()> {
    sqlx::query(concat!("SELECT no FROM app WHERE no = $1", locked!())).bind(app_no).execute(conn).await?;
    Ok(())
}

async fn live_secrets(conn: &mut Conn, app_no: i64) -> Result<i64> {
    Ok(sqlx::query_scalar("SELECT COUNT(*) FROM app_secret WHERE app_no = $1").bind(app_no).fetch_one(conn).await?)
}

#[async_trait]
impl Apps for StoredApps {
    async fn create(&self, app: NewApp, audit: Option<AuditEntry>) -> Result<App> {
        self.db
            .write(move |conn| {
                Box::pin(async move {
                    let row: AppRow = sqlx::query_as(
                        "INSERT INTO app (id, name, description, environment, default_title, vendor_order, services, \
                         app_key, client_key, callback_secret, created_at) \
                         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) RETURNING *",
                    )
                    .bind(app.id.as_str())
                    .bind(&app.name)
                    .bind(&app.description)
                    .bind(app.environment.code())
                    .bind(&app.default_title)
                    .bind(rows::to_json("app.vendor_order", &app.vendor_order)?)
                    .bind(rows::to_json("app.services", &app.services)?)
                    .bind(&app.app_key)
                    .bind(&app.client_key)
                    .bind(&app.callback_secret)
                    .bind(app.created_at)
                    .fetch_one(&mut *conn)
                    .await
                    .map_err(name_taken)?;
                    add_secret(&mut *conn, row.no, &app.secret_sealed, app.created_at).await?;
                    for vendor in Vendor::ALL {
                        add_lane(&mut *conn, row.no, vendor, app.environment).await?;
                    }
                    people::append_some(conn, audit.as_ref()).await?;
                    row.try_into()
                })
            })
            .await
    }

    async fn change(&self, id: &AppId, change: AppChange, audit: Option<AuditEntry>) -> Result<Option<App>> {
        let id = id.clone();
        self.db
            .write(move |conn| {
                Box::pin(async move {
                    let row: Option<AppRow> = sqlx::query_as(
                        "UPDATE app SET name = $2, description = $3, default_title = $4, vendor_order = $5, services = $6 \
                         WHERE id = $1 RETURNING *",
                    )
                    .bind(id.as_str())
                    .bind(&change.name)
                    .bind(&change.description)
                    .bind(&change.default_title)
                    .bind(rows::to_json("app.vendor_order", &change.vendor_order)?)
                    .bind(rows::to_json("app.services", &change.services)?)
                    .fetch_optional(&mut *conn)
                    .await
                    .map_err(name_taken)?;
                    if row.is_some() {
                        people::append_some(conn, audit.as_ref()).await?;
                    }
                    row.map(App::try_from).transpose()
                })
            })
            .await
    }

    async fn list(&self) -> Result<Vec<App>> {
        let found: Vec<AppRow> = sqlx::query_as("SELECT * FROM app ORDER BY no").fetch_all(self.db.readers()).await?;
        found.into_iter().map(App::try_from).collect()
    }

    async fn get(&self, id: &AppId) -> Result<Option<App>> {
        let row: Option<AppRow> =
            sqlx::query_as("SELECT * FROM app WHERE id = $1").bind(id.as_str()).fetch_optional(self.db.readers()).await?;
        row.map(App::try_from).transpose()
    }

    async fn by_no(&self, no: i64) -> Result<Option<App>> {
        let row: Option<AppRow> = sqlx::query_as("SELECT * FROM app WHERE no = $1").bind(no).fetch_optional(self.db.readers()).await?;
        row.map(App::try_from).transpose()
    }

    async fn by_key(&self, app_key: &str) -> Result<Option<App>> {
        let row: Option<AppRow> =
            sqlx::query_as("SELECT * FROM app WHERE app_key = $1").bind(app_key).fetch_optional(self.db.readers()).await?;
        row.map(App::try_from).transpose()
    }

    async fn by_client_key(&self, client_key: &str) -> Result<Option<App>> {
        let row: Option<AppRow> =
            sqlx::query_as("SELECT * FROM app WHERE client_key = $1").bind(client_key).fetch_optional(self.db.readers()).await?;
        row.map(App::try_from).transpose()
    }

    async fn by_callback_secret(&self, secret: &str) -> Result<Option<App>> {
        let row: Option<AppRow> =
            sqlx::query_as("SELECT * FROM app WHERE callback_secret = $1").bind(secret).fetch_optional(self.db.readers()).await?;
        row.map(App::try_from).transpose()
    }

    async fn secrets(&self, app_no: i64) -> Result<Vec<AppSecret>> {
        let found: Vec<SecretRow> =
            sqlx::query_as("SELECT no, sealed, created_at, last_used_at FROM app_secret WHERE app_no = $1 ORDER BY no")
                .bind(app_no)
                .fetch_all(self.db.readers())
                .await?;
        Ok(found.into_iter().map(secret).collect())
    }

    async fn add_secret(&self, app_no: i64, sealed: Vec<u8>, now: Millis, audit: Option<AuditEntry>) -> Result<AppSecret> {
        self.db
            .write(move |conn| {
                Box::pin(async move {
                    lock(&mut *conn, app_no).await?;
                    if live_secrets(&mut *conn, app_no).await? >= 2 {
                        return Err(StorageError::Conflict("secrets"));
                    }
                    let made = add_secret(&mut *conn, app_no, &sealed, now).await?;
                    let audit = audit.map(|entry| AuditEntry { after: Some(json!({ "secret_no": made.no })), ..entry });
                    people::append_some(conn, audit.as_ref()).await?;
                    Ok(made)
                })
            })
            .await
    }

    async fn end_secret(&self, app_no: i64, secret_no: i64, audit: Option<AuditEntry>) -> Result<bool> {
        self.db
            .write(move |conn| {
                Box::pin(async move {
                    lock(&mut *conn, app_no).await?;
                    let gone = sqlx::query("DELETE FROM app_secret WHERE app_no = $1 AND no = $2")
                        .bind(app_no)
                        .bind(secret_no)
                        .execute(&mut *conn)
                        .await?;
                    if gone.rows_affected() == 0 {
                        return Ok(false);
                    }
                    // The error takes the deletion back.
                    if live_secrets(&mut *conn, app_no).await? == 0 {
                        return Err(StorageError::Conflict("last secret"));
                    }
                    people::append_some(conn, audit.as_ref()).await?;
                    Ok(true)
                })
            })
            .await
    }

    async fn touch_secret(&self, secret_no: i64, now: Millis) -> Result<()> {
        let used: Option<Option<Millis>> = sqlx::query_scalar("SELECT last_used_at FROM app_secret WHERE no = $1")
            .bind(secret_no)
            .fetch_optional(self.db.readers())
            .await?;
        let Some(used) = used else { return Ok(()) };
        if used.is_some_and(|used| used > now - TOUCH_MS) {
            return Ok(());
        }
        self.db
            .write(move |conn| {
                Box::pin(async move {
                    sqlx::query("UPDATE app_secret SET last_used_at = $2 WHERE no = $1").bind(secret_no).bind(now).execute(conn).await?;
                    Ok(())
                })
            })
            .await
    }

    async fn credentials(&self, app_no: i64) -> Result<Vec<CredentialRow>> {
        let found: Vec<CredentialTuple> =
            sqlx::query_as("SELECT vendor, sealed, hints, updated_at, updated_by FROM credential WHERE app_no = $1 ORDER BY vendor")
                .bind(app_no)
                .fetch_all(self.db.readers())
                .await?;
        found.into_iter().map(credential).collect()
    }

    async fn credential(&self, app_no: i64, vendor: Vendor) -> Result<Option<CredentialRow>> {
        let row: Option<CredentialTuple> =
            sqlx::query_as("SELECT vendor, sealed, hints, updated_at, updated_by FROM credential WHERE app_no = $1 AND vendor = $2")
                .bind(app_no)
                .bind(vendor.code())
                .fetch_optional(self.db.readers())
                .await?;
        row.map(credential).transpose()
    }

    async fn put_credential(&self, app_no: i64, row: CredentialRow, audit: Option<AuditEntry>) -> Result<()> {
        self.db
            .write(move |conn| {
                Box::pin(async move {
                    sqlx::query(
                        "INSERT INTO credential (app_no, vendor, sealed, hints, updated_at, updated_by) VALUES ($1, $2, $3, $4, $5, $6) \
                         ON CONFLICT (app_no, vendor) DO UPDATE SET sealed = excluded.sealed, hints = excluded.hints, \
                         updated_at = excluded.updated_at, updated_by = excluded.updated_by",
                    )
                    .bind(app_no)
                    .bind(row.vendor.code())
                    .bind(&row.sealed)
                    .bind(rows::to_json("credential.hints", &row.hints)?)
                    .bind(row.updated_at)
                    .bind(&row.updated_by)
                    .execute(&mut *conn)
                    .await?;
                    sqlx::query("UPDATE lane SET paused = NULL WHERE app_no = $1 AND vendor = $2 AND substr(paused, 1, length($3)) = $3")
                        .bind(app_no)
                        .bind(row.vendor.code())
                        .bind(CREDENTIAL_REFUSED)
                        .execute(&mut *conn)
                        .await?;
                    people::append_some(conn, audit.as_ref()).await
                })
            })
            .await
    }

    async fn drop_credential(&self, app_no: i64, vendor: Vendor, audit: Option<AuditEntry>) -> Result<bool> {
        self.db
            .write(move |conn| {
                Box::pin(async move {
                    let gone = sqlx::query("DELETE FROM credential WHERE app_no = $1 AND vendor = $2")
                        .bind(app_no)
                        .bind(vendor.code())
                        .execute(&mut *conn)
                        .await?;
                    if gone.rows_affected() == 0 {
                        return Ok(false);
                    }
                    people::append_some(conn, audit.as_ref()).await?;
                    Ok(true)
                })
            })
            .await
    }

    async fn complete_lanes(&self) -> Result<u64> {
        self.db
            .write(move |conn| {
                Box::pin(async move {
                    let apps: Vec<(i64, i64)> = sqlx::query_as("SELECT no, environment FROM app").fetch_all(&mut *conn).await?;
                    let known: Vec<(i64, i64)> = sqlx::query_as("SELECT app_no, vendor FROM lane").fetch_all(&mut *conn).await?;
                    let known: std::collections::BTreeSet<(i64, i64)> = known.into_iter().collect();
                    let mut made = 0;
                    for (app_no, environment) in apps {
                        let environment = rows::word("app.environment", environment, Environment::from_code)?;
                        for vendor in Vendor::ALL.into_iter().filter(|v| !known.contains(&(app_no, v.code()))) {
                            add_lane(&mut *conn, app_no, vendor, environment).await?;
                            made += 1;
                        }
                    }
                    Ok(made)
                })
            })
            .await
    }

    async fn lanes(&self) -> Result<Vec<Lane>> {
        let found: Vec<LaneRow> =
            sqlx::query_as("SELECT no, app_no, vendor, settings, paused FROM lane ORDER BY no").fetch_all(self.db.readers()).await?;
        found.into_iter().map(lane).collect()
    }

    async fn lanes_of(&self, app_no: i64) -> Result<Vec<Lane>> {
        let found: Vec<LaneRow> = sqlx::query_as("SELECT no, app_no, vendor, settings, paused FROM lane WHERE app_no = $1 ORDER BY vendor")
            .bind(app_no)
            .fetch_all(self.db.readers())
            .await?;
        found.into_iter().map(lane).collect()
    }

    async fn put_lane(&self, app_no: i64, vendor: Vendor, settings: LaneSettings, audit: Option<AuditEntry>) -> Result<Lane> {
        self.db
            .write(move |conn| {
                Box::pin(async move {
                    let row: LaneRow = sqlx::query_as(
                        "INSERT INTO lane (app_no, vendor, settings) VALUES ($1, $2, $3) \
                         ON CONFLICT (app_no, vendor) DO UPDATE SET settings = excluded.settings \
                         RETURNING no, app_no, vendor, settings, paused",
                    )
                    .bind(app_no)
                    .bind(vendor.code())
                    .bind(rows::to_json("lane.settings", &settings)?)
                    .fetch_one(&mut *conn)
                    .await?;
                    people::append_some(conn, audit.as_ref()).await?;
                    lane(row)
                })
            })
            .await
    }

    async fn pause_lane(&self, lane_no: i64, why: Option<String>, audit: Option<AuditEntry>) -> Result<()> {
        self.db
            .write(move |conn| {
                Box::pin(async move {
                    sqlx::query("UPDATE lane SET paused = $2 WHERE no = $1").bind(lane_no).bind(why).execute(&mut *conn).await?;
                    people::append_some(conn, audit.as_ref()).await
                })
            })
            .await
    }

    async fn remember_nonce(&self, app_no: i64, nonce: &str, now: Millis, until: Millis) -> Result<bool> {
        self.db.remember_nonce(app_no, nonce, now, until).await
    }

    async fn nobody_else(&self, now: Millis) -> Result<()> {
        self.db.nobody_else(now).await
    }
}
