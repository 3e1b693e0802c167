//! Rules, stop switch, blacklist; slots as they are read.

use std::collections::BTreeMap;

use async_trait::async_trait;
use types::Millis;
use types::content::Rank;
use types::crowd::KeyKind;
use types::ids::MessageId;
use types::listing::{Page, PageRequest};
use types::policy::{Rules, Stopped};

use super::{Conn, Db, people, rows};
use crate::storage::frame::key_of;
use crate::storage::people::AuditEntry;
use crate::storage::policy::{AppPolicy, Blocked, Facts, Held, NewBlocked, Policy, Slot};
use crate::storage::{Result, StorageError};

/// Items in one list parameter.
const AT_ONCE: usize = 1_000;

pub struct StoredPolicy {
    db: Db,
}

impl StoredPolicy {
    pub fn new(db: Db) -> StoredPolicy {
        StoredPolicy { db }
    }
}

#[derive(sqlx::FromRow)]
struct PolicyRow {
    revision: i64,
    rules: String,
    stopped: Option<String>,
    blocked_version: i64,
    changed_by: String,
    changed_at: Millis,
}

#[derive(sqlx::FromRow)]
struct BlockedRow {
    no: i64,
    user_id: String,
    grp: String,
    reason: String,
    added_by: String,
    added_at: Millis,
}

/// As the statement below writes it: (person, counts as, device, business, bulk, content, vendor, at).
type SlotJson = (i64, i64, i64, String, i64, i64, i64, Millis);

/// (device, its id, user, app version, zone).
type FactsJson = (i64, String, Option<String>, String, Option<String>);

/// The app's row, made when it is first needed.
async fn ensure(conn: &mut Conn, app_no: i64, now: Millis) -> Result<()> {
    sqlx::query(
        "INSERT INTO policy (app_no, revision, rules, blocked_version, claims, changed_by, changed_at) VALUES ($1, 0, '{}', 0, 0, '', $2) \
         ON CONFLICT (app_no) DO NOTHING",
    )
    .bind(app_no)
    .bind(now)
    .execute(conn)
    .await?;
    Ok(())
}

/// Takes over the key business types (a JSON list), also for what is not sent yet.
async fn rank(conn: &mut Conn, app_no: i64, key: String) -> Result<()> {
    sqlx::query("DELETE FROM key_business WHERE app_no = $1").bind(app_no).execute(&mut *conn).await?;
    sqlx::query(concat!(
        "INSERT INTO key_business (app_no, business) SELECT $1, value FROM ",
        texts!("$2"),
        " x WHERE true ON CONFLICT (app_no, business) DO NOTHING"
    ))
    .bind(app_no)
    .bind(key)
    .execute(&mut *conn)
    .await?;
    let (key, bulk) = (Rank::Key.priority(), Rank::Bulk.priority());
    let moved: Vec<(i64, i64)> = sqlx::query_as(
        "UPDATE message SET priority = CASE WHEN priority = $2 THEN $3 ELSE $2 END \
         WHERE app_no = $1 AND state < 3 AND finished_at IS NULL AND priority IN ($2, $3) \
         AND (priority = $2) <> EXISTS (SELECT 1 FROM key_business k WHERE k.app_no = message.app_no AND k.business = message.business) \
         RETURNING no, priority",
    )
    .bind(app_no)
    .bind(key)
    .bind(bulk)
    .fetch_all(&mut *conn)
    .await?;
    // What a lane has in its hands goes on as it was taken.
    for (message_no, priority) in moved {
        sqlx::query("UPDATE chunk SET priority = $2 WHERE message_no = $1 AND state IN (0, 2) AND state < 3 AND priority > 0")
            .bind(message_no)
            .bind(priority)
            .execute(&mut *conn)
            .await?;
    }
    Ok(())
}

#[async_trait]
impl Policy for StoredPolicy {
    async fn get(&self, app_no: i64) -> Result<AppPolicy> {
        let row: Option<PolicyRow> =
            sqlx::query_as("SELECT revision, rules, stopped, blocked_version, changed_by, changed_at FROM policy WHERE app_no = $1")
                .bind(app_no)
                .fetch_optional(self.db.readers())
                .await?;
        let Some(row) = row else { return Ok(AppPolicy::default()) };
        Ok(AppPolicy {
            revision: row.revision,
            rules: rows::json("policy.rules", &row.rules)?,
            stopped: row.stopped.map(|text| rows::json("policy.stopped", &text)).transpose()?,
            blocked_version: row.blocked_version,
            changed_by: row.changed_by,
            changed_at: row.changed_at,
        })
    }

    async fn put_rules(&self, app_no: i64, seen: i64, rules: &Rules, by: &str, now: Millis, audit: Option<AuditEntry>) -> Result<i64> {
        let key = rows::to_json("policy.rules", &rules.key_businesses)?;
        let (rules, by) = (rows::to_json("policy.rules", rules)?, by.to_owned());
        self.db
            .write(move |conn| {
                Box::pin(async move {
                    ensure(&mut *conn, app_no, now).await?;
                    let revision: Option<i64> = sqlx::query_scalar(
                        "UPDATE policy SET revision = revision + 1, rules = $3, changed_by = $4, changed_at = $5 \
                         WHERE app_no = $1 AND revision = $2 RETURNING revision",
                    )
                    .bind(app_no)
                    .bind(seen)
                    .bind(rules)
                    .bind(by)
                    .bind(now)
                    .fetch_optional(&mut *conn)
                    .await?;
                    let revision = revision.ok_or(StorageError::Stale("policy"))?;
                    sqlx::query("UPDATE chunk SET not_before = 0, held_until = 0 WHERE app_no = $1 AND held_until > 0 AND state = 0")
                        .bind(app_no)
                        .execute(&mut *conn)
                        .await?;
                    rank(&mut *conn, app_no, key).await?;
                    people::append_some(conn, audit.as_ref()).await?;
                    Ok(revision)
                })
            })
            .await
    }

    async fn set_stop(&self, app_no: i64, stopped: Option<Stopped>, now: Millis, audit: Option<AuditEntry>) -> Result<()> {
        let stopped = stopped.map(|stopped| rows::to_json("policy.stopped", &stopped)).transpose()?;
        self.db
            .write(move |conn| {
                Box::pin(async move {
                    ensure(&mut *conn, app_no, now).await?;
                    sqlx::query("UPDATE policy SET stopped = $2 WHERE app_no = $1").bind(app_no).bind(stopped).execute(&mut *conn).await?;
                    people::append_some(conn, audit.as_ref()).await
                })
            })
            .await
    }

    async fn block(&self, app_no: i64, entries: &[NewBlocked], by: &str, now: Millis, audit: Option<AuditEntry>) -> Result<()> {
        let lists = entries
            .chunks(AT_ONCE)
            .map(|part| {
                let list: Vec<_> = part.iter().map(|e| (&e.user_id, &e.group, &e.reason)).collect();
                rows::to_json("blacklist", &list)
            })
            .collect::<Result<Vec<String>>>()?;
        let by = by.to_owned();
        self.db
            .write(move |conn| {
                Box::pin(async move {
                    ensure(&mut *conn, app_no, now).await?;
                    for list in lists {
                        sqlx::query(concat!(
                            "INSERT INTO blacklist (app_no, user_id, grp, reason, added_by, added_at) \
                             SELECT $1, value ->> 0, value ->> 1, value ->> 2, $2, $3 FROM ",
                            lists!("$4"),
                            " x WHERE true ON CONFLICT (app_no, user_id, grp) DO UPDATE SET reason = excluded.reason, \
                             added_by = excluded.added_by, added_at = excluded.added_at"
                        ))
                        .bind(app_no)
                        .bind(&by)
                        .bind(now)
                        .bind(list)
                        .execute(&mut *conn)
                        .await?;
                    }
                    sqlx::query("UPDATE policy SET blocked_version = blocked_version + 1 WHERE app_no = $1")
                        .bind(app_no)
                        .execute(&mut *conn)
                        .await?;
                    people::append_some(conn, audit.as_ref()).await
                })
            })
            .await
    }

    async fn unblock(&self, app_no: i64, entries: &[(String, String)], audit: Option<AuditEntry>) -> Result<u64> {
        let list = rows::to_json("blacklist", entries)?;
        self.db
            .write(move |conn| {
                Box::pin(async move {
                    let gone = sqlx::query(concat!(
                        "DELETE FROM blacklist WHERE app_no = $1 AND (user_id, grp) IN (SELECT value ->> 0, value ->> 1 FROM ",
                        lists!("$2"),
                        " x)"
                    ))
                    .bind(app_no)
                    .bind(list)
                    .execute(&mut *conn)
                    .await?
                    .rows_affected();
                    if gone > 0 {
                        people::append_some(conn, audit.as_ref()).await?;
                    }
                    Ok(gone)
                })
            })
            .await
    }

    async fn blocked(&self, app_no: i64, text: Option<&str>, group: Option<&str>, page: &PageRequest) -> Result<Page<Blocked>> {
        let found: Vec<BlockedRow> = sqlx::query_as(
            "SELECT no, user_id, grp, reason, added_by, added_at FROM blacklist WHERE app_no = $1 AND no < $2 \
             AND ($4 IS NULL OR substr(user_id, 1, length($4)) = $4) AND ($5 IS NULL OR grp = $5) ORDER BY no DESC LIMIT $3",
        )
        .bind(app_no)
        .bind(rows::before(page.after.as_deref()))
        .bind(i64::from(page.size) + 1)
        .bind(text)
        .bind(group)
        .fetch_all(self.db.readers())
        .await?;
        let page = Page::cut(found, page.size, |row| row.no.to_string());
        let items = page
            .items
            .into_iter()
            .map(|row| Blocked {
                no: row.no,
                user_id: row.user_id,
                group: row.grp,
                reason: row.reason,
                added_by: row.added_by,
                added_at: row.added_at,
            })
            .collect();
        Ok(Page { items, next: page.next })
    }

    async fn blocked_count(&self, app_no: i64) -> Result<(u64, u64)> {
        let (entries, accounts): (i64, i64) = sqlx::query_as("SELECT COUNT(*), COUNT(DISTINCT user_id) FROM blacklist WHERE app_no = $1")
            .bind(app_no)
            .fetch_one(self.db.readers())
            .await?;
        Ok((rows::number("blacklist", entries)?, rows::number("blacklist", accounts)?))
    }

    async fn blocked_devices(&self, app_no: i64, business: &str, devices: &[i64]) -> Result<BTreeMap<i64, String>> {
        let mut out = BTreeMap::new();
        for part in devices.chunks(AT_ONCE) {
            let found: Vec<(i64, String)> = sqlx::query_as(concat!(
                "SELECT d.no, MIN(b.grp) FROM ",
                numbers!("$2"),
                " x CROSS JOIN device d CROSS JOIN blacklist b \
                 WHERE d.no = x.value AND b.app_no = $1 AND b.user_id = d.user_id AND b.grp IN ('', $3) GROUP BY d.no"
            ))
            .bind(app_no)
            .bind(rows::to_json("device.no", part)?)
            .bind(business)
            .fetch_all(self.db.readers())
            .await?;
            out.extend(found);
        }
        Ok(out)
    }

    async fn facts(&self, app_no: i64, devices: &[i64]) -> Result<BTreeMap<i64, Facts>> {
        let mut out = BTreeMap::new();
        for part in devices.chunks(AT_ONCE) {
            let found: String = sqlx::query_scalar(concat!(
                "SELECT ",
                gathered!("d.no, d.id, d.user_id, d.app_version, d.zone"),
                " FROM ",
                numbers!("$2"),
                " x CROSS JOIN device d WHERE d.no = x.value AND d.app_no = $1"
            ))
            .bind(app_no)
            .bind(rows::to_json("device.no", part)?)
            .fetch_one(self.db.readers())
            .await?;
            let found: Vec<FactsJson> = rows::json("facts", &found)?;
            out.extend(found.into_iter().map(|(no, id, user, app_version, zone)| {
                let person = match &user {
                    Some(user) => key_of(KeyKind::User, None, user),
                    None => key_of(KeyKind::Device, None, &id),
                };
                (no, Facts { person, app_version, zone })
            }));
        }
        Ok(out)
    }

    async fn claims(&self, app_no: i64) -> Result<i64> {
        let claims =
            sqlx::query_scalar("SELECT claims FROM policy WHERE app_no = $1").bind(app_no).fetch_optional(self.db.readers()).await?;
        Ok(claims.unwrap_or(0))
    }

    async fn slots(&self, app_no: i64, persons: &[i64], since: Millis) -> Result<Vec<Slot>> {
        let mut out = Vec::new();
        for part in persons.chunks(AT_ONCE) {
            let found: String = sqlx::query_scalar(concat!(
                "SELECT ",
                gathered!("s.person, s.counts_as, s.device_no, s.business, CAST(s.bulk AS INTEGER), s.content, s.vendor, s.at"),
                " FROM ",
                numbers!("$2"),
                " x CROSS JOIN policy_slot s WHERE s.app_no = $1 AND s.person = x.value AND s.at >= $3"
            ))
            .bind(app_no)
            .bind(rows::to_json("person", part)?)
            .bind(since)
            .fetch_one(self.db.readers())
            .await?;
            for (person, counts_as, device_no, business, bulk, content, vendor, at) in rows::json::<Vec<SlotJson>>("slots", &found)? {
                let vendor = rows::vendor_or_none("policy_slot.vendor", vendor)?;
                out.push(Slot { person, counts_as, device_no, business, bulk: bulk != 0, content, vendor, at });
            }
        }
        Ok(out)
    }

    async fn message_ids(&self, nos: &[i64]) -> Result<BTreeMap<i64, MessageId>> {
        let mut out = BTreeMap::new();
        for part in nos.chunks(AT_ONCE) {
            let found: Vec<(i64, String)> =
                sqlx::query_as(concat!("SELECT m.no, m.id FROM ", numbers!("$1"), " x CROSS JOIN message m WHERE m.no = x.value"))
                    .bind(rows::to_json("message.no", part)?)
                    .fetch_all(self.db.readers())
                    .await?;
            out.extend(found.into_iter().map(|(no, id)| (no, MessageId::trusted(id))));
        }
        Ok(out)
    }

    async fn forget_slots(&self, before: Millis, limit: u32) -> Result<u64> {
        self.db
            .write(move |conn| {
                Box::pin(async move {
                    // Numbers of messages grow with time: the oldest stand first.
                    let gone = sqlx::query(
                        "DELETE FROM policy_slot WHERE at < $1 AND (message_no, device_no) IN \
                         (SELECT message_no, device_no FROM policy_slot ORDER BY message_no, device_no LIMIT $2)",
                    )
                    .bind(before)
                    .bind(i64::from(limit))
                    .execute(conn)
                    .await?;
                    Ok(gone.rows_affected())
                })
            })
            .await
    }

    async fn at_cap(&self, app_no: i64, business: Option<&str>, bulk_only: bool, since: Millis, most: u32) -> Result<u64> {
        let persons: i64 = sqlx::query_scalar(concat!(
            "SELECT COUNT(*) FROM (SELECT person FROM policy_slot WHERE app_no = $1 AND at >= $2 AND ($3 IS NULL OR business = $3) \
             AND (NOT $4 OR bulk = ",
            yes!(),
            ") GROUP BY person HAVING COUNT(DISTINCT counts_as) >= $5) full_ones"
        ))
        .bind(app_no)
        .bind(since)
        .bind(business)
        .bind(bulk_only)
        .bind(i64::from(most))
        .fetch_one(self.db.readers())
        .await?;
        rows::number("policy_slot", persons)
    }

    async fn held(&self, app_no: i64, now: Millis) -> Result<Held> {
        let (chunks, devices, first, last): (i64, Option<i64>, Option<Millis>, Option<Millis>) = sqlx::query_as(
            "SELECT COUNT(*), CAST(SUM(count) AS BIGINT), MIN(held_until), MAX(held_until) FROM chunk \
             WHERE app_no = $1 AND held_until > $2 AND held_until > 0 AND state = 0",
        )
        .bind(app_no)
        .bind(now)
        .fetch_one(self.db.readers())
        .await?;
        Ok(Held { chunks: rows::number("held", chunks)?, devices: rows::number("held", devices.unwrap_or(0))?, first, last })
    }

    async fn zones(&self, app_no: i64) -> Result<Vec<(String, u64)>> {
        let found: Vec<(String, i64)> =
            sqlx::query_as("SELECT zone, COUNT(*) FROM device WHERE app_no = $1 AND zone IS NOT NULL GROUP BY zone ORDER BY zone")
                .bind(app_no)
                .fetch_all(self.db.readers())
                .await?;
        found.into_iter().map(|(zone, n)| Ok((zone, rows::number("device.zone", n)?))).collect()
    }
}
