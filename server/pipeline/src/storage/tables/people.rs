//! People.

use async_trait::async_trait;
use sqlx::AssertSqlSafe;
use types::Millis;
use types::ids::{AppId, PersonId};
use types::listing::{Page, PageRequest};
use types::people::Role;

use super::{Conn, Database, Db, audit_walk, rows, second_step, words};
use crate::storage::people::{
    AuditCheck, AuditEntry, AuditFilter, AuditRow, Link, NewPerson, People, Person, PersonChange, SecondStep, SessionRow,
};
use crate::storage::{Result, StorageError};

pub struct StoredPeople {
    db: Db,
}

impl StoredPeople {
    pub fn new(db: Db) -> StoredPeople {
        StoredPeople { db }
    }
}

type PersonRow = (String, String, String, String, Option<String>, bool, Millis);

const PERSON: &str = "SELECT id, email, name, rights, password, disabled, created_at FROM person";

fn person((id, email, name, rights, password, disabled, created_at): PersonRow) -> Result<Person> {
    Ok(Person { id: PersonId::trusted(id), email, name, rights: rows::json("person.rights", &rights)?, password, disabled, created_at })
}

pub(super) type LogRow =
    (i64, Millis, String, String, String, String, String, String, Option<String>, Option<String>, Option<String>, String);

pub(super) const LOG: &str =
    "SELECT no, at, actor_id, actor_name, address, request_id, action, object, app_id, before, after, hash FROM audit";

fn log_row(row: LogRow) -> Result<AuditRow> {
    let (no, at, actor_id, actor_name, address, request_id, action, object, app, before, after, hash) = row;
    let json = |column: &str, text: Option<String>| text.map(|t| rows::json(column, &t)).transpose();
    Ok(AuditRow {
        no,
        entry: AuditEntry {
            at,
            actor_id,
            actor_name,
            address,
            request_id,
            action,
            object,
            app: app.map(AppId::trusted),
            before: json("audit.before", before)?,
            after: json("audit.after", after)?,
        },
        hash,
    })
}

/// SHA-256 over the hash before, the number, and every column; each part with its length, so that nothing can be shifted between columns.
pub(super) fn chain(previous: &str, row: &LogRow) -> String {
    let mut context = ring::digest::Context::new(&ring::digest::SHA256);
    let mut part = |text: Option<&str>| match text {
        Some(text) => {
            context.update(&(text.len() as u64).to_le_bytes());
            context.update(text.as_bytes());
        }
        None => context.update(&u64::MAX.to_le_bytes()),
    };
    part(Some(previous));
    part(Some(&row.0.to_string()));
    part(Some(&row.1.to_string()));
    for text in [&row.2, &row.3, &row.4, &row.5, &row.6, &row.7] {
        part(Some(text));
    }
    for text in [&row.8, &row.9, &row.10] {
        part(text.as_deref());
    }
    hex::encode(context.finish())
}

/// The end of the log, held until the end of this work: one after the other.
async fn head(conn: &mut Conn) -> Result<(i64, String)> {
    Ok(sqlx::query_as(concat!("SELECT no, hash FROM audit_head WHERE one = 1", locked!())).fetch_one(conn).await?)
}

/// Appends to the log inside the caller's transaction.
pub(super) async fn append(conn: &mut Conn, entry: &AuditEntry) -> Result<i64> {
    let (last, previous) = head(&mut *conn).await?;
    let json = |column: &str, value: &Option<serde_json::Value>| value.as_ref().map(|v| rows::to_json(column, v)).transpose();
    let mut row: LogRow = (
        last + 1,
        entry.at,
        entry.actor_id.clone(),
        entry.actor_name.clone(),
        entry.address.clone(),
        entry.request_id.clone(),
        entry.action.clone(),
        entry.object.clone(),
        entry.app.as_ref().map(|a| a.as_str().to_owned()),
        json("audit.before", &entry.before)?,
        json("audit.after", &entry.after)?,
        String::new(),
    );
    row.11 = chain(&previous, &row);
    sqlx::query(
        "INSERT INTO audit (no, at, actor_id, actor_name, address, request_id, action, object, app_id, before, after, hash) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
    )
    .bind(row.0)
    .bind(row.1)
    .bind(&row.2)
    .bind(&row.3)
    .bind(&row.4)
    .bind(&row.5)
    .bind(&row.6)
    .bind(&row.7)
    .bind(&row.8)
    .bind(&row.9)
    .bind(&row.10)
    .bind(&row.11)
    .execute(&mut *conn)
    .await?;
    sqlx::query("UPDATE audit_head SET no = $1, hash = $2 WHERE one = 1").bind(row.0).bind(&row.11).execute(conn).await?;
    Ok(row.0)
}

/// As [`append`], for deeds that may be the machine's own.
pub(super) async fn append_some(conn: &mut Conn, entry: Option<&AuditEntry>) -> Result<()> {
    match entry {
        Some(entry) => append(conn, entry).await.map(drop),
        None => Ok(()),
    }
}

async fn insert(conn: &mut Conn, person: &NewPerson) -> Result<Person> {
    let taken = |error: sqlx::Error| {
        if words::taken(&error, "person.email") { StorageError::Conflict("email") } else { StorageError::Database(error) }
    };
    sqlx::query("INSERT INTO person (id, email, name, rights, admin, password, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7)")
        .bind(person.id.as_str())
        .bind(&person.email)
        .bind(&person.name)
        .bind(rows::to_json("person.rights", &person.rights)?)
        .bind(i64::from(person.rights.role == Some(Role::Admin)))
        .bind(&person.password)
        .bind(person.created_at)
        .execute(conn)
        .await
        .map_err(taken)?;
    Ok(Person {
        id: person.id.clone(),
        email: person.email.clone(),
        name: person.name.clone(),
        rights: person.rights.clone(),
        password: person.password.clone(),
        disabled: false,
        created_at: person.created_at,
    })
}

async fn read(conn: &mut Conn, id: &str) -> Result<Option<Person>> {
    let row: Option<PersonRow> = sqlx::query_as(AssertSqlSafe(format!("{PERSON} WHERE id = $1"))).bind(id).fetch_optional(conn).await?;
    row.map(person).transpose()
}

#[async_trait]
impl People for StoredPeople {
    async fn create(&self, person: NewPerson, audit: AuditEntry) -> Result<Person> {
        self.db
            .write(move |conn| {
                Box::pin(async move {
                    let made = insert(&mut *conn, &person).await?;
                    append(conn, &audit).await?;
                    Ok(made)
                })
            })
            .await
    }

    async fn create_first(&self, link: &str, now: Millis, person: NewPerson, audit: AuditEntry) -> Result<Person> {
        let link = link.to_owned();
        self.db
            .write(move |conn| {
                Box::pin(async move {
                    let used = sqlx::query("DELETE FROM link WHERE token = $1 AND person_id IS NULL AND expires_at > $2")
                        .bind(&link)
                        .bind(now)
                        .execute(&mut *conn)
                        .await?;
                    if used.rows_affected() == 0 {
                        return Err(StorageError::Stale("link"));
                    }
                    // Those that other nodes printed, too.
                    sqlx::query("DELETE FROM link WHERE person_id IS NULL").execute(&mut *conn).await?;
                    let made = insert(&mut *conn, &person).await?;
                    append(conn, &audit).await?;
                    Ok(made)
                })
            })
            .await
    }

    async fn get(&self, id: &PersonId) -> Result<Option<Person>> {
        let row: Option<PersonRow> =
            sqlx::query_as(AssertSqlSafe(format!("{PERSON} WHERE id = $1"))).bind(id.as_str()).fetch_optional(self.db.readers()).await?;
        row.map(person).transpose()
    }

    async fn by_email(&self, email: &str) -> Result<Option<Person>> {
        let row: Option<PersonRow> =
            sqlx::query_as(AssertSqlSafe(format!("{PERSON} WHERE email = $1"))).bind(email).fetch_optional(self.db.readers()).await?;
        row.map(person).transpose()
    }

    async fn list(&self) -> Result<Vec<Person>> {
        let rows: Vec<PersonRow> =
            sqlx::query_as(AssertSqlSafe(format!("{PERSON} ORDER BY name, no"))).fetch_all(self.db.readers()).await?;
        rows.into_iter().map(person).collect()
    }

    async fn count(&self) -> Result<u64> {
        let n: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM person").fetch_one(self.db.readers()).await?;
        rows::number("count", n)
    }

    async fn change(&self, id: &PersonId, change: PersonChange, audit: AuditEntry) -> Result<Option<Person>> {
        let id = id.clone();
        self.db
            .write(move |conn| {
                Box::pin(async move {
                    let admin = change.rights.role == Some(Role::Admin);
                    if !admin || change.disabled {
                        // Two who remove each other: the second one sees what the first did.
                        head(&mut *conn).await?;
                        let others: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM person WHERE admin = 1 AND NOT disabled AND id <> $1")
                            .bind(id.as_str())
                            .fetch_one(&mut *conn)
                            .await?;
                        if others == 0 {
                            return Err(StorageError::Conflict("last administrator"));
                        }
                    }
                    let changed = sqlx::query("UPDATE person SET name = $2, rights = $3, admin = $4, disabled = $5 WHERE id = $1")
                        .bind(id.as_str())
                        .bind(&change.name)
                        .bind(rows::to_json("person.rights", &change.rights)?)
                        .bind(i64::from(admin))
                        .bind(change.disabled)
                        .execute(&mut *conn)
                        .await?;
                    if changed.rows_affected() == 0 {
                        return Ok(None);
                    }
                    if change.disabled {
                        sqlx::query("DELETE FROM session WHERE person_id = $1").bind(id.as_str()).execute(&mut *conn).await?;
                        sqlx::query("DELETE FROM link WHERE person_id = $1").bind(id.as_str()).execute(&mut *conn).await?;
                    }
                    append(&mut *conn, &audit).await?;
                    read(conn, id.as_str()).await
                })
            })
            .await
    }

    async fn set_password(&self, id: &PersonId, password: String, audit: AuditEntry) -> Result<bool> {
        let id = id.clone();
        self.db
            .write(move |conn| {
                Box::pin(async move {
                    let changed = sqlx::query("UPDATE person SET password = $2 WHERE id = $1")
                        .bind(id.as_str())
                        .bind(&password)
                        .execute(&mut *conn)
                        .await?;
                    if changed.rows_affected() == 0 {
                        return Ok(false);
                    }
                    sqlx::query("DELETE FROM session WHERE person_id = $1").bind(id.as_str()).execute(&mut *conn).await?;
                    sqlx::query("DELETE FROM link WHERE person_id = $1").bind(id.as_str()).execute(&mut *conn).await?;
                    append(conn, &audit).await?;
                    Ok(true)
                })
            })
            .await
    }

    async fn put_link(&self, token: &str, link: Link, audit: AuditEntry) -> Result<()> {
        let token = token.to_owned();
        self.db
            .write(move |conn| {
                Box::pin(async move {
                    let person = link.person.as_ref().map(PersonId::as_str);
                    // Somebody has one; for the first administrator every node prints its own at its start.
                    sqlx::query("DELETE FROM link WHERE person_id = $1").bind(person).execute(&mut *conn).await?;
                    sqlx::query("INSERT INTO link (token, person_id, expires_at) VALUES ($1, $2, $3)")
                        .bind(&token)
                        .bind(person)
                        .bind(link.expires_at)
                        .execute(&mut *conn)
                        .await?;
                    append(conn, &audit).await?;
                    Ok(())
                })
            })
            .await
    }

    async fn link(&self, token: &str, now: Millis) -> Result<Option<Link>> {
        let row: Option<(Option<String>, Millis)> =
            sqlx::query_as("SELECT person_id, expires_at FROM link WHERE token = $1 AND expires_at > $2")
                .bind(token)
                .bind(now)
                .fetch_optional(self.db.readers())
                .await?;
        Ok(row.map(|(person, expires_at)| Link { person: person.map(PersonId::trusted), expires_at }))
    }

    async fn save_session(&self, session: SessionRow, fresh: bool) -> Result<()> {
        self.db
            .write(move |conn| {
                Box::pin(async move {
                    let statement = if fresh {
                        "INSERT INTO session (id, person_id, data, expires_at) VALUES ($1, $2, $3, $4)"
                    } else {
                        "UPDATE session SET person_id = $2, data = $3, expires_at = $4 WHERE id = $1"
                    };
                    sqlx::query(statement)
                        .bind(&session.id)
                        .bind(session.person.as_ref().map(PersonId::as_str))
                        .bind(&session.data)
                        .bind(session.expires_at)
                        .execute(conn)
                        .await?;
                    Ok(())
                })
            })
            .await
    }

    async fn session(&self, id: &str, now: Millis) -> Result<Option<SessionRow>> {
        let row: Option<(String, Option<String>, String, Millis)> =
            sqlx::query_as("SELECT id, person_id, data, expires_at FROM session WHERE id = $1 AND expires_at > $2")
                .bind(id)
                .bind(now)
                .fetch_optional(self.db.readers())
                .await?;
        Ok(row.map(|(id, person, data, expires_at)| SessionRow { id, person: person.map(PersonId::trusted), data, expires_at }))
    }

    async fn drop_session(&self, id: &str) -> Result<()> {
        let id = id.to_owned();
        self.db
            .write(move |conn| {
                Box::pin(async move {
                    sqlx::query("DELETE FROM session WHERE id = $1").bind(&id).execute(conn).await?;
                    Ok(())
                })
            })
            .await
    }

    async fn end_sessions(&self, person: &PersonId) -> Result<u64> {
        let person = person.clone();
        self.db
            .write(move |conn| {
                Box::pin(async move {
                    let ended = sqlx::query("DELETE FROM session WHERE person_id = $1").bind(person.as_str()).execute(conn).await?;
                    Ok(ended.rows_affected())
                })
            })
            .await
    }

    async fn sessions(&self, person: Option<&PersonId>, now: Millis) -> Result<Vec<SessionRow>> {
        let found: Vec<(String, Option<String>, String, Millis)> = sqlx::query_as(
            "SELECT id, person_id, data, expires_at FROM session WHERE person_id IS NOT NULL AND ($1 IS NULL OR person_id = $1) \
             AND expires_at > $2 ORDER BY expires_at DESC, id LIMIT 1000",
        )
        .bind(person.map(PersonId::as_str))
        .bind(now)
        .fetch_all(self.db.readers())
        .await?;
        let row = |(id, person, data, expires_at): (_, Option<String>, _, _)| SessionRow {
            id,
            person: person.map(PersonId::trusted),
            data,
            expires_at,
        };
        Ok(found.into_iter().map(row).collect())
    }

    async fn end_session(&self, person: &PersonId, id: &str, audit: AuditEntry) -> Result<bool> {
        let (person, id) = (person.clone(), id.to_owned());
        self.db
            .write(move |conn| {
                Box::pin(async move {
                    let ended = sqlx::query("DELETE FROM session WHERE id = $1 AND person_id = $2")
                        .bind(&id)
                        .bind(person.as_str())
                        .execute(&mut *conn)
                        .await?;
                    if ended.rows_affected() == 0 {
                        return Ok(false);
                    }
                    append(conn, &audit).await?;
                    Ok(true)
                })
            })
            .await
    }

    async fn second_step(&self, person: &PersonId) -> Result<Option<SecondStep>> {
        second_step::get(&self.db, person.as_str()).await
    }

    async fn with_second_step(&self) -> Result<Vec<PersonId>> {
        let found: Vec<String> = sqlx::query_scalar("SELECT person_id FROM second_step WHERE active = 1 ORDER BY person_id")
            .fetch_all(self.db.readers())
            .await?;
        Ok(found.into_iter().map(PersonId::trusted).collect())
    }

    async fn put_second_step(&self, person: &PersonId, sealed: Vec<u8>, now: Millis) -> Result<bool> {
        let person = person.clone();
        self.db.write(move |conn| Box::pin(async move { second_step::put(conn, person.as_str(), &sealed, now).await })).await
    }

    async fn begin_second_step(&self, person: &PersonId, step: i64, recovery: Vec<String>, audit: AuditEntry) -> Result<bool> {
        let person = person.clone();
        self.db.write(move |conn| Box::pin(async move { second_step::begin(conn, person.as_str(), step, &recovery, &audit).await })).await
    }

    async fn take_step(&self, person: &PersonId, step: i64, audit: AuditEntry) -> Result<bool> {
        let person = person.clone();
        self.db.write(move |conn| Box::pin(async move { second_step::take(conn, person.as_str(), step, &audit).await })).await
    }

    async fn take_recovery(&self, person: &PersonId, hash: &str, audit: AuditEntry) -> Result<bool> {
        let (person, hash) = (person.clone(), hash.to_owned());
        self.db.write(move |conn| Box::pin(async move { second_step::recover(conn, person.as_str(), &hash, &audit).await })).await
    }

    async fn drop_second_step(&self, person: &PersonId, audit: AuditEntry) -> Result<bool> {
        let person = person.clone();
        self.db.write(move |conn| Box::pin(async move { second_step::forget(conn, person.as_str(), &audit).await })).await
    }

    async fn sweep(&self, now: Millis) -> Result<u64> {
        self.db
            .write(move |conn| {
                Box::pin(async move {
                    let sessions = sqlx::query("DELETE FROM session WHERE expires_at <= $1").bind(now).execute(&mut *conn).await?;
                    let links = sqlx::query("DELETE FROM link WHERE expires_at <= $1").bind(now).execute(conn).await?;
                    Ok(sessions.rows_affected() + links.rows_affected())
                })
            })
            .await
    }

    async fn audit(&self, entry: AuditEntry) -> Result<i64> {
        self.db.write(move |conn| Box::pin(async move { append(conn, &entry).await })).await
    }

    async fn audit_list(&self, filter: &AuditFilter, page: &PageRequest) -> Result<Page<AuditRow>> {
        let mut query = sqlx::QueryBuilder::<Database>::new(LOG);
        query.push(" WHERE no < ").push_bind(rows::before(page.after.as_deref()));
        if let Some(actor) = &filter.actor_id {
            query.push(" AND actor_id = ").push_bind(actor);
        }
        if let Some(app) = &filter.app {
            query.push(" AND app_id = ").push_bind(app.as_str());
        }
        if let Some(object) = &filter.object {
            query.push(" AND object = ").push_bind(object);
        }
        if let Some(from) = filter.from {
            query.push(" AND at >= ").push_bind(from);
        }
        if let Some(to) = filter.to {
            query.push(" AND at < ").push_bind(to);
        }
        match &filter.action {
            // From the noun with its dot to the noun with the sign after the dot.
            Some(noun) if noun.ends_with('.') => {
                let end = format!("{}/", noun.trim_end_matches('.'));
                query.push(" AND action >= ").push_bind(noun).push(" AND action < ").push_bind(end);
            }
            Some(action) => {
                query.push(" AND action = ").push_bind(action);
            }
            None => {}
        }
        query.push(" ORDER BY no DESC LIMIT ").push_bind(i64::from(page.size) + 1);
        let rows: Vec<LogRow> = query.build_query_as().fetch_all(self.db.readers()).await?;
        let items = rows.into_iter().map(log_row).collect::<Result<Vec<_>>>()?;
        Ok(Page::cut(items, page.size, |row| row.no.to_string()))
    }

    async fn audit_check(&self) -> Result<AuditCheck> {
        audit_walk::whole(&self.db).await
    }

    async fn audit_check_new(&self) -> Result<AuditCheck> {
        audit_walk::new(&self.db).await
    }

    async fn audit_check_again(&self, now: Millis, limit: u32) -> Result<Option<AuditCheck>> {
        audit_walk::again(&self.db, now, limit).await
    }
}
