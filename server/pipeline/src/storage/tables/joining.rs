//! Messages come in: callers who wait for the writer at the same time join one piece of work.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::oneshot;
use types::Millis;
use types::content::{MessageClass, Rank};
use types::ids::{CampaignId, MessageId};

use super::{Conn, Database, Db, rows};
use crate::storage::messages::{Inserted, NewMessage};
use crate::storage::{Result, StorageError};

/// Rows in one INSERT: 22 values each, far below what either store takes in one statement.
const ROWS: usize = 500;

type Answer = oneshot::Sender<Result<Inserted>>;

/// Who waits. The first one of them has asked for the writer.
#[derive(Clone, Default)]
pub struct Line(Arc<Mutex<Vec<(NewMessage, Answer)>>>);

/// What the work took from the line, to answer them after the commit.
type Taken = Arc<Mutex<Option<(Arc<Vec<NewMessage>>, Vec<Answer>)>>>;

impl Line {
    fn take(&self) -> Vec<(NewMessage, Answer)> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Stored when this returns, whoever did it.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn insert(&self, db: &Db, message: NewMessage) -> Result<Inserted> {
        let (answer, answered) = oneshot::channel();
        let first = {
            let mut line = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            line.push((message, answer));
            line.len() == 1
        };
        if first {
            // A task of its own: the others are served even when the first caller goes away.
            tokio::spawn(serve(self.clone(), db.clone()));
        }
        answered.await.map_err(|_| StorageError::Database(sqlx::Error::WorkerCrashed))?
    }
}

async fn serve(line: Line, db: Db) {
    let taken = Taken::default();
    let done = {
        let (line, taken) = (line.clone(), taken.clone());
        db.write(move |conn| {
            Box::pin(async move {
                let messages = {
                    let mut taken = taken.lock().unwrap_or_else(PoisonError::into_inner);
                    // Work that is done again is done for the same callers.
                    let (messages, _) = taken.get_or_insert_with(|| {
                        let (messages, answers): (Vec<_>, Vec<_>) = line.take().into_iter().unzip();
                        (Arc::new(messages), answers)
                    });
                    messages.clone()
                };
                insert_all(conn, &messages).await
            })
        })
        .await
    };
    let taken = taken.lock().unwrap_or_else(PoisonError::into_inner).take();
    let Some((messages, answers)) = taken else {
        // The writer is gone. Dropping their answers tells them.
        return drop(line.take());
    };
    match done {
        Ok(inserted) => {
            for (answer, inserted) in answers.into_iter().zip(inserted) {
                // A caller may have gone away; the message is stored all the same.
                let _ = answer.send(Ok(inserted));
            }
        }
        // One of them may be at fault; each hears what is said of itself.
        Err(_) => {
            for (message, answer) in messages.iter().cloned().zip(answers) {
                let _ = answer.send(db.write_once(move |conn| Box::pin(async move { insert_one(conn, &message).await })).await);
            }
        }
    }
}

/// Stores all of them; the answers are in the order of the messages.
async fn insert_all(conn: &mut Conn, messages: &[NewMessage]) -> Result<Vec<Inserted>> {
    let mut inserted: Vec<Option<Inserted>> = vec![None; messages.len()];
    // A key may be there already. In one order everywhere, so that no two wait for each other.
    let mut keyed: Vec<usize> = (0..messages.len()).filter(|i| messages[*i].idempotency.is_some()).collect();
    keyed.sort_by_key(|i| (messages[*i].app_no, messages[*i].idempotency.as_ref().map(|(key, _)| key)));
    for i in keyed {
        inserted[i] = Some(insert_one(&mut *conn, &messages[i]).await?);
    }
    let free: Vec<usize> = (0..messages.len()).filter(|i| messages[*i].idempotency.is_none()).collect();
    for part in free.chunks(ROWS) {
        if let [i] = part {
            inserted[*i] = Some(insert_one(&mut *conn, &messages[*i]).await?);
            continue;
        }
        let list: Vec<&NewMessage> = part.iter().map(|i| &messages[*i]).collect();
        for (i, no) in part.iter().zip(insert_rows(&mut *conn, &list).await?) {
            inserted[*i] = Some(Inserted::Fresh { no });
        }
    }
    inserted.into_iter().map(|one| one.ok_or(StorageError::Stale("message"))).collect()
}

/// Messages without a key of the caller's: nothing can be there already.
async fn insert_rows(conn: &mut Conn, messages: &[&NewMessage]) -> Result<Vec<i64>> {
    // As texts first: a list that cannot be written is no half a statement.
    let texts: Vec<([String; 4], [Option<String>; 2])> = messages
        .iter()
        .map(|m| {
            let versions = m.versions.as_ref().map(|v| rows::to_json("message.versions", v)).transpose()?;
            let texts = [
                rows::to_json("message.content", &m.content)?,
                rows::to_json("message.variables", &m.variables)?,
                rows::to_json("message.targets", &m.targets)?,
                rows::to_json("message.vendor_order", &m.vendor_order)?,
            ];
            let hours = m.hours.as_ref().map(|h| rows::to_json("message.hours", h)).transpose()?;
            Ok((texts, [versions, hours]))
        })
        .collect::<Result<_>>()?;
    let mut insert = sqlx::QueryBuilder::<Database>::new(
        "INSERT INTO message (id, app_no, campaign, origin, class, priority, business, content, variables, targets, vendor_order, \
         state, cursor, planned_all, deadline, account, address, created_at, versions, hours) ",
    );
    insert.push_values(messages.iter().zip(&texts), |mut row, (message, ([content, variables, targets, order], [versions, hours]))| {
        row.push_bind(message.id.as_str()).push_bind(message.app_no).push_bind(message.campaign.as_ref().map(CampaignId::as_str));
        row.push_bind(message.origin.slug()).push_bind(message.class.slug());
        match message.class {
            MessageClass::Transactional => row.push_bind(message.class.priority()),
            MessageClass::Bulk => row
                .push("CASE WHEN EXISTS (SELECT 1 FROM key_business k WHERE k.app_no = ")
                .push_bind_unseparated(message.app_no)
                .push_unseparated(" AND k.business = ")
                .push_bind_unseparated(message.business.as_str())
                .push_unseparated(") THEN ")
                .push_bind_unseparated(Rank::Key.priority())
                .push_unseparated(" ELSE ")
                .push_bind_unseparated(Rank::Bulk.priority())
                .push_unseparated(" END"),
        };
        row.push_bind(message.business.as_str()).push_bind(content).push_bind(variables).push_bind(targets).push_bind(order);
        row.push("0, 0, FALSE").push_bind(message.deadline).push_bind(message.account.as_str());
        row.push_bind(message.address.as_str()).push_bind(message.now).push_bind(versions.as_deref()).push_bind(hours.as_deref());
    });
    insert.push(" RETURNING id, no");
    let given: Vec<(String, i64)> = insert.build_query_as().persistent(false).fetch_all(conn).await?;
    let given: BTreeMap<String, i64> = given.into_iter().collect();
    messages.iter().map(|message| given.get(message.id.as_str()).copied().ok_or(StorageError::Stale("message"))).collect()
}

/// Stores one message without a key of the caller's, inside the caller's transaction. Returns its number.
pub async fn insert_fresh(conn: &mut Conn, message: &NewMessage) -> Result<i64> {
    match insert_one(conn, message).await? {
        Inserted::Fresh { no } => Ok(no),
        Inserted::Again { .. } | Inserted::OtherBody => Err(StorageError::Conflict("message")),
    }
}

async fn insert_one(conn: &mut Conn, message: &NewMessage) -> Result<Inserted> {
    let (key, hash) = message.idempotency.as_ref().map_or((None, None), |(key, hash)| (Some(key.as_str()), Some(hash.as_slice())));
    let fresh: Option<i64> = sqlx::query_scalar(
        "INSERT INTO message (id, app_no, campaign, origin, class, priority, business, content, variables, targets, vendor_order, \
         state, cursor, planned_all, deadline, idem_key, idem_hash, account, address, created_at, versions, hours) \
         VALUES ($1, $2, $3, $4, $5, \
         CASE WHEN $6 > 0 AND EXISTS (SELECT 1 FROM key_business k WHERE k.app_no = $2 AND k.business = $7) THEN $19 ELSE $6 END, $7, $8, $9, $10, $11, 0, 0, FALSE, $12, $13, $14, $15, $16, $17, $18, $20) \
         ON CONFLICT (app_no, idem_key) WHERE idem_key IS NOT NULL DO NOTHING RETURNING no",
    )
    .bind(message.id.as_str())
    .bind(message.app_no)
    .bind(message.campaign.as_ref().map(CampaignId::as_str))
    .bind(message.origin.slug())
    .bind(message.class.slug())
    .bind(message.class.priority())
    .bind(&message.business)
    .bind(rows::to_json("message.content", &message.content)?)
    .bind(rows::to_json("message.variables", &message.variables)?)
    .bind(rows::to_json("message.targets", &message.targets)?)
    .bind(rows::to_json("message.vendor_order", &message.vendor_order)?)
    .bind(message.deadline)
    .bind(key)
    .bind(hash)
    .bind(&message.account)
    .bind(&message.address)
    .bind(message.now)
    .bind(message.versions.as_ref().map(|v| rows::to_json("message.versions", v)).transpose()?)
    .bind(Rank::Key.priority())
    .bind(message.hours.as_ref().map(|h| rows::to_json("message.hours", h)).transpose()?)
    .fetch_optional(&mut *conn)
    .await?;
    if let Some(no) = fresh {
        return Ok(Inserted::Fresh { no });
    }
    let (no, id, created_at, same): (i64, String, Millis, bool) =
        sqlx::query_as("SELECT no, id, created_at, idem_hash = $3 FROM message WHERE app_no = $1 AND idem_key = $2")
            .bind(message.app_no)
            .bind(key)
            .bind(hash)
            .fetch_one(conn)
            .await?;
    Ok(if same { Inserted::Again { no, id: MessageId::trusted(id), created_at } } else { Inserted::OtherBody })
}
