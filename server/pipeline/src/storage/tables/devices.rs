//! Devices.

use async_trait::async_trait;
use types::Millis;
use types::ids::DeviceId;
use types::listing::{Page, PageRequest};
use types::vendor::Vendor;

use super::{Db, apps, people, registering, rows};
use crate::storage::devices::{Device, DeviceFilter, Devices, Named, Reach, Reached, Registration, Token, TokenState};
use crate::storage::people::AuditEntry;
use crate::storage::{Result, StorageError};

/// Tokens with what decides about them, as one JSON text: `list` of names, and how devices and tokens are found by them.
macro_rules! reaching {
    ($list:expr, $joined:literal) => {
        concat!(
            "SELECT ",
            gathered!(
                "x.key, d.no, t.vendor, t.token, t.environment, t.state, CAST(d.notifications_on AS INTEGER), CAST(d.test AS INTEGER)"
            ),
            " FROM ",
            $list,
            " x CROSS JOIN ",
            $joined
        )
    };
}

pub struct StoredDevices {
    db: Db,
}

impl StoredDevices {
    pub fn new(db: Db) -> StoredDevices {
        StoredDevices { db }
    }

    /// The devices with their tokens, in the order given.
    async fn with_tokens(&self, found: Vec<DeviceRow>) -> Result<Vec<Device>> {
        let mut devices: Vec<Device> = found.into_iter().map(Device::try_from).collect::<Result<_>>()?;
        if devices.is_empty() {
            return Ok(devices);
        }
        let nos: Vec<i64> = devices.iter().map(|d| d.no).collect();
        let tokens: Vec<TokenRow> = sqlx::query_as(concat!(
            "SELECT x.key AS at, t.vendor, t.token, t.environment, t.state, t.reason, t.registered_at, t.quarantined_at \
             FROM ",
            numbers!("$1"),
            " x CROSS JOIN device_token t WHERE t.device_no = x.value ORDER BY x.key, t.vendor, t.no"
        ))
        .bind(rows::to_json("device.no", &nos)?)
        .fetch_all(self.db.readers())
        .await?;
        for row in tokens {
            let at: usize = rows::number("device.no", row.at)?;
            if let Some(device) = devices.get_mut(at) {
                device.tokens.push(row.try_into()?);
            }
        }
        Ok(devices)
    }

    /// One of the `reaching!` questions.
    async fn reach(&self, sql: &'static str, app_no: i64, asked: usize, names: String) -> Result<Reached> {
        let found: String = sqlx::query_scalar(sql).bind(app_no).bind(names).fetch_one(self.db.readers()).await?;
        placed(asked, &found)
    }

    async fn one(&self, row: Option<DeviceRow>) -> Result<Option<Device>> {
        Ok(self.with_tokens(row.into_iter().collect()).await?.pop())
    }
}

#[derive(sqlx::FromRow)]
struct DeviceRow {
    no: i64,
    id: String,
    app_no: i64,
    user_id: Option<String>,
    model: String,
    os_version: String,
    app_version: String,
    notifications_on: Option<bool>,
    environment: i64,
    zone: Option<String>,
    test: bool,
    created_at: Millis,
    seen_at: Millis,
}

impl TryFrom<DeviceRow> for Device {
    type Error = StorageError;

    fn try_from(row: DeviceRow) -> Result<Device> {
        Ok(Device {
            no: row.no,
            id: DeviceId::trusted(row.id),
            app_no: row.app_no,
            user_id: row.user_id,
            model: row.model,
            os_version: row.os_version,
            app_version: row.app_version,
            notifications_on: row.notifications_on,
            environment: rows::environment("device.environment", row.environment)?,
            zone: row.zone,
            test: row.test,
            created_at: row.created_at,
            seen_at: row.seen_at,
            tokens: Vec::new(),
        })
    }
}

#[derive(sqlx::FromRow)]
struct TokenRow {
    at: i64,
    vendor: i64,
    token: String,
    environment: i64,
    state: i64,
    reason: Option<String>,
    registered_at: Millis,
    quarantined_at: Option<Millis>,
}

impl TryFrom<TokenRow> for Token {
    type Error = StorageError;

    fn try_from(row: TokenRow) -> Result<Token> {
        Ok(Token {
            vendor: rows::vendor("device_token.vendor", row.vendor)?,
            token: row.token,
            environment: rows::environment("device_token.environment", row.environment)?,
            state: token_state(row.state)?,
            reason: row.reason,
            registered_at: row.registered_at,
            quarantined_at: row.quarantined_at,
        })
    }
}

fn token_state(code: i64) -> Result<TokenState> {
    rows::word("device_token.state", code, |code| match code {
        0 => Some(TokenState::Active),
        1 => Some(TokenState::Quarantined),
        _ => None,
    })
}

/// As the statements below write it: (place in the list asked, device no, vendor, token, environment, state,
/// notifications on, test).
type ReachJson = (usize, i64, i64, String, i64, i64, Option<i64>, i64);

/// Sorts what was found into the places asked. It comes as one JSON text: a thousand rows of eight columns cost three times
/// as much on their way out of SQLite.
fn placed(asked: usize, found: &str) -> Result<Reached> {
    let found: Vec<ReachJson> = rows::json("reach", found)?;
    let mut reached: Reached = vec![Vec::new(); asked];
    for (at, device_no, vendor, token, environment, state, notifications_on, test) in found {
        let reach = Reach {
            device_no,
            vendor: rows::vendor("device_token.vendor", vendor)?,
            token,
            environment: rows::environment("device_token.environment", environment)?,
            state: token_state(state)?,
            notifications_on: notifications_on.map(|on| on != 0),
            test: test != 0,
        };
        if let Some(place) = reached.get_mut(at) {
            place.push(reach);
        }
    }
    Ok(reached)
}

#[async_trait]
impl Devices for StoredDevices {
    async fn register(&self, app_no: i64, registrations: Vec<Registration>) -> Result<Vec<DeviceId>> {
        self.db.write(move |conn| Box::pin(registering::register(conn, app_no, registrations))).await
    }

    async fn get(&self, app_no: i64, id: &DeviceId) -> Result<Option<Device>> {
        let row = sqlx::query_as("SELECT * FROM device WHERE app_no = $1 AND id = $2")
            .bind(app_no)
            .bind(id.as_str())
            .fetch_optional(self.db.readers())
            .await?;
        self.one(row).await
    }

    async fn by_no(&self, no: i64) -> Result<Option<Device>> {
        let row = sqlx::query_as("SELECT * FROM device WHERE no = $1").bind(no).fetch_optional(self.db.readers()).await?;
        self.one(row).await
    }

    async fn named(&self, nos: &[i64]) -> Result<Vec<Named>> {
        if nos.is_empty() {
            return Ok(Vec::new());
        }
        let found: Vec<(i64, String, Option<String>)> =
            sqlx::query_as(concat!("SELECT no, id, user_id FROM device WHERE no IN (SELECT value FROM ", numbers!("$1"), " x)"))
                .bind(rows::to_json("device.no", nos)?)
                .fetch_all(self.db.readers())
                .await?;
        Ok(found.into_iter().map(|(no, id, user)| Named { no, id: DeviceId::trusted(id), user }).collect())
    }

    async fn list(&self, app_no: i64, filter: &DeviceFilter, page: &PageRequest) -> Result<Page<Device>> {
        // The most selective question leads, so that each form is an index walk; the rest narrows it.
        let sql = if filter.token.is_some() {
            concat!(
                "SELECT d.* FROM device d WHERE d.app_no = $1 AND d.no < $2 \
             AND ($4 IS NULL OR d.user_id = $4) AND ($7 IS NULL OR d.test = $7) \
             AND d.no IN (SELECT t.device_no FROM device_token t WHERE t.app_no = $1 \
                          AND t.token IN ($5, lower($5)) AND (t.token = $5 OR t.vendor = 1) AND t.vendor IN (SELECT value FROM ",
                numbers!("$6"),
                " x)) \
             ORDER BY d.no DESC LIMIT $3"
            )
        } else if filter.user_id.is_some() {
            concat!(
                "SELECT d.* FROM device d WHERE d.app_no = $1 AND d.no < $2 AND d.user_id = $4 AND ($7 IS NULL OR d.test = $7) \
             AND ($5 IS NULL) AND (",
                length_of!("$6"),
                " = $8 OR EXISTS \
                 (SELECT 1 FROM device_token t WHERE t.device_no = d.no AND t.vendor IN (SELECT value FROM ",
                numbers!("$6"),
                " x))) \
             ORDER BY d.no DESC LIMIT $3"
            )
        } else if filter.test == Some(true) {
            concat!(
                "SELECT d.* FROM device d WHERE d.app_no = $1 AND d.no < $2 AND d.test = ",
                yes!(),
                " \
             AND ($4 IS NULL) AND ($5 IS NULL) AND $7 AND (",
                length_of!("$6"),
                " = $8 OR EXISTS \
                 (SELECT 1 FROM device_token t WHERE t.device_no = d.no AND t.vendor IN (SELECT value FROM ",
                numbers!("$6"),
                " x))) \
             ORDER BY d.no DESC LIMIT $3"
            )
        } else {
            concat!(
                "SELECT d.* FROM device d WHERE d.app_no = $1 AND d.no < $2 \
             AND ($4 IS NULL) AND ($5 IS NULL) AND ($7 IS NULL OR d.test = $7) AND (",
                length_of!("$6"),
                " = $8 OR EXISTS \
                 (SELECT 1 FROM device_token t WHERE t.device_no = d.no AND t.vendor IN (SELECT value FROM ",
                numbers!("$6"),
                " x))) \
             ORDER BY d.no DESC LIMIT $3"
            )
        };
        let every = Vendor::ALL.map(Vendor::code);
        let vendors: Vec<i64> = filter.vendor.map_or_else(|| every.to_vec(), |v| vec![v.code()]);
        let found: Vec<DeviceRow> = sqlx::query_as(sql)
            .bind(app_no)
            .bind(rows::before(page.after.as_deref()))
            .bind(i64::from(page.size) + 1)
            .bind(filter.user_id.as_deref())
            .bind(filter.token.as_deref())
            .bind(rows::to_json("vendor", &vendors)?)
            .bind(filter.test)
            .bind(every.len() as i64)
            .fetch_all(self.db.readers())
            .await?;
        let page = Page::cut(found, page.size, |row| row.no.to_string());
        Ok(Page { items: self.with_tokens(page.items).await?, next: page.next })
    }

    async fn set_test(&self, app_no: i64, id: &DeviceId, test: bool, audit: Option<AuditEntry>) -> Result<bool> {
        let id = id.clone();
        self.db
            .write(move |conn| {
                Box::pin(async move {
                    let done = sqlx::query("UPDATE device SET test = $3 WHERE app_no = $1 AND id = $2")
                        .bind(app_no)
                        .bind(id.as_str())
                        .bind(test)
                        .execute(&mut *conn)
                        .await?;
                    if done.rows_affected() == 0 {
                        return Ok(false);
                    }
                    people::append_some(conn, audit.as_ref()).await?;
                    Ok(true)
                })
            })
            .await
    }

    async fn count(&self, app_no: i64) -> Result<u64> {
        let n: Option<i64> =
            sqlx::query_scalar("SELECT devices FROM app WHERE no = $1").bind(app_no).fetch_optional(self.db.readers()).await?;
        rows::number("app.devices", n.unwrap_or(0))
    }

    async fn reach_users(&self, app_no: i64, users: &[String]) -> Result<Reached> {
        let sql = reaching!(
            texts!("$2"),
            "device d CROSS JOIN device_token t WHERE d.app_no = $1 AND d.user_id = x.value AND t.device_no = d.no"
        );
        self.reach(sql, app_no, users.len(), rows::to_json("users", users)?).await
    }

    async fn reach_devices(&self, app_no: i64, devices: &[String]) -> Result<Reached> {
        let sql =
            reaching!(texts!("$2"), "device d CROSS JOIN device_token t WHERE d.id = x.value AND d.app_no = $1 AND t.device_no = d.no");
        self.reach(sql, app_no, devices.len(), rows::to_json("devices", devices)?).await
    }

    async fn reach_nos(&self, app_no: i64, devices: &[i64]) -> Result<Reached> {
        let sql =
            reaching!(numbers!("$2"), "device d CROSS JOIN device_token t WHERE d.no = x.value AND d.app_no = $1 AND t.device_no = d.no");
        self.reach(sql, app_no, devices.len(), rows::to_json("devices", devices)?).await
    }

    async fn reach_tokens(&self, app_no: i64, tokens: &[(Vendor, String)]) -> Result<Reached> {
        let asked: Vec<(i64, &str)> = tokens.iter().map(|(vendor, token)| (vendor.code(), token.as_str())).collect();
        let sql = reaching!(
            lists!("$2"),
            "device_token t CROSS JOIN device d \
             WHERE t.app_no = $1 AND t.vendor = CAST(x.value ->> 0 AS BIGINT) AND t.token = x.value ->> 1 AND d.no = t.device_no"
        );
        self.reach(sql, app_no, tokens.len(), rows::to_json("tokens", &asked)?).await
    }

    async fn quarantine(&self, app_no: i64, vendor: Vendor, tokens: &[(String, Option<Millis>)], reason: &str, now: Millis) -> Result<u64> {
        let tokens = rows::to_json("tokens", tokens)?;
        let reason = reason.to_owned();
        self.db
            .write(move |conn| {
                Box::pin(async move {
                    let done = sqlx::query(concat!(
                        "UPDATE device_token SET state = 1, reason = $4, quarantined_at = $5 WHERE state = 0 AND no IN \
                         (SELECT t.no FROM ",
                        lists!("$3"),
                        " x CROSS JOIN device_token t \
                          WHERE t.app_no = $1 AND t.vendor = $2 AND t.token = x.value ->> 0 \
                          AND (x.value ->> 1 IS NULL OR t.registered_at <= CAST(x.value ->> 1 AS BIGINT)))"
                    ))
                    .bind(app_no)
                    .bind(vendor.code())
                    .bind(&tokens)
                    .bind(&reason)
                    .bind(now)
                    .execute(conn)
                    .await?;
                    Ok(done.rows_affected())
                })
            })
            .await
    }

    async fn switched_off(&self, app_no: i64, device_no: i64, at: Millis) -> Result<()> {
        self.db
            .write(move |conn| {
                Box::pin(async move {
                    sqlx::query("UPDATE device SET notifications_on = FALSE WHERE no = $1 AND app_no = $2 AND seen_at <= $3")
                        .bind(device_no)
                        .bind(app_no)
                        .bind(at)
                        .execute(conn)
                        .await?;
                    Ok(())
                })
            })
            .await
    }

    async fn replace_token(&self, app_no: i64, vendor: Vendor, old: &str, new: &str, now: Millis) -> Result<()> {
        let (old, new) = (old.to_owned(), new.to_owned());
        self.db
            .write(move |conn| {
                Box::pin(async move {
                    if old == new {
                        return Ok(());
                    }
                    apps::lock(&mut *conn, app_no).await?;
                    // When the phone has registered the new name already, only the old one goes.
                    let moved = sqlx::query(
                        "UPDATE device_token SET token = $4, registered_at = $5, state = 0, reason = NULL, quarantined_at = NULL \
                         WHERE app_no = $1 AND vendor = $2 AND token = $3 \
                         AND NOT EXISTS (SELECT 1 FROM device_token n WHERE n.app_no = $1 AND n.vendor = $2 AND n.token = $4)",
                    )
                    .bind(app_no)
                    .bind(vendor.code())
                    .bind(&old)
                    .bind(&new)
                    .bind(now)
                    .execute(&mut *conn)
                    .await?;
                    if moved.rows_affected() == 0 {
                        sqlx::query("DELETE FROM device_token WHERE app_no = $1 AND vendor = $2 AND token = $3")
                            .bind(app_no)
                            .bind(vendor.code())
                            .bind(&old)
                            .execute(conn)
                            .await?;
                    }
                    Ok(())
                })
            })
            .await
    }
}
