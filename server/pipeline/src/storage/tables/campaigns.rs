//! Campaigns.

use async_trait::async_trait;
use types::Millis;
use types::campaign::{CampaignSpec, Said, Section};
use types::ids::{CampaignId, CopyId, MessageId};
use types::life::{CampaignState, MessageState};
use types::listing::{Page, PageRequest};
use types::problem::Problem;

use super::{Conn, Db, people, rows};
use crate::storage::campaigns::{Campaign, CampaignFilter, Campaigns, Hand, Move, NewVerdict, Shown, Verdict};
use crate::storage::people::AuditEntry;
use crate::storage::{Result, StorageError};

pub struct StoredCampaigns {
    db: Db,
}

impl StoredCampaigns {
    pub fn new(db: Db) -> StoredCampaigns {
        StoredCampaigns { db }
    }
}

#[derive(sqlx::FromRow)]
struct Row {
    no: i64,
    id: String,
    app_no: i64,
    revision: i64,
    state: String,
    spec: String,
    due_at: Option<Millis>,
    message_no: Option<i64>,
    message_id: Option<String>,
    trouble: Option<String>,
    created_at: Millis,
    created_by: String,
    changed_at: Millis,
    changed_by: String,
    started_at: Option<Millis>,
    finished_at: Option<Millis>,
    editors: String,
}

#[derive(sqlx::FromRow)]
struct ShownRow {
    made_of: String,
    forecast: String,
    overruled: Option<String>,
    shown_at: Millis,
}

#[derive(sqlx::FromRow)]
struct VerdictRow {
    section: String,
    said: String,
    made_of: String,
    comment: String,
    person: String,
    person_name: String,
    at: Millis,
    voided_at: Option<Millis>,
}

impl TryFrom<VerdictRow> for Verdict {
    type Error = StorageError;

    fn try_from(row: VerdictRow) -> Result<Verdict> {
        let section = Some(row.section).filter(|s| !s.is_empty());
        Ok(Verdict {
            told: NewVerdict {
                section: section.map(|s| rows::slug("campaign_verdict.section", &s, Section::parse)).transpose()?,
                said: rows::slug("campaign_verdict.said", &row.said, Said::parse)?,
                made_of: row.made_of,
                comment: row.comment,
                person: row.person,
                person_name: row.person_name,
                at: row.at,
            },
            voided_at: row.voided_at,
        })
    }
}

/// Keeps the forecast that was shown; a second start replaces it.
async fn keep_shown(conn: &mut Conn, campaign_no: i64, shown: &Shown) -> Result<()> {
    sqlx::query(
        "INSERT INTO campaign_forecast (campaign_no, made_of, forecast, overruled, shown_at) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (campaign_no) DO UPDATE SET made_of = excluded.made_of, forecast = excluded.forecast, \
         overruled = excluded.overruled, shown_at = excluded.shown_at",
    )
    .bind(campaign_no)
    .bind(&shown.made_of)
    .bind(rows::to_json("campaign_forecast.forecast", &shown.forecast)?)
    .bind(shown.overruled.as_ref().map(|o| rows::to_json("campaign_forecast.overruled", o)).transpose()?)
    .bind(shown.at)
    .execute(conn)
    .await?;
    Ok(())
}

impl TryFrom<Row> for Campaign {
    type Error = StorageError;

    fn try_from(row: Row) -> Result<Campaign> {
        Ok(Campaign {
            no: row.no,
            id: CampaignId::trusted(row.id),
            app_no: row.app_no,
            revision: row.revision,
            state: rows::slug("campaign.state", &row.state, CampaignState::parse)?,
            spec: rows::json("campaign.spec", &row.spec)?,
            due_at: row.due_at,
            message: row.message_no.zip(row.message_id.map(MessageId::trusted)),
            trouble: row.trouble.as_deref().map(|text| rows::json("campaign.trouble", text)).transpose()?,
            created_at: row.created_at,
            created_by: row.created_by,
            changed_at: row.changed_at,
            changed_by: row.changed_by,
            started_at: row.started_at,
            finished_at: row.finished_at,
            editors: rows::json("campaign.editors", &row.editors)?,
        })
    }
}

fn all(found: Vec<Row>) -> Result<Vec<Campaign>> {
    found.into_iter().map(Campaign::try_from).collect()
}

/// `trouble` as it is stored.
fn problem(trouble: Option<&Problem>) -> Result<Option<String>> {
    trouble.map(|p| rows::to_json("campaign.trouble", p)).transpose()
}

#[async_trait]
impl Campaigns for StoredCampaigns {
    async fn create(&self, app_no: i64, id: CampaignId, spec: CampaignSpec, by: Hand<'_>, now: Millis) -> Result<Campaign> {
        let (by, editors) = (by.name.to_owned(), rows::to_json("campaign.editors", &[by.id])?);
        self.db
            .write(move |conn| {
                Box::pin(async move {
                    let row: Row = sqlx::query_as(
                        "INSERT INTO campaign (id, app_no, revision, state, name, copy, spec, created_at, created_by, changed_at, changed_by, editors) \
                         VALUES ($1, $2, 1, 'draft', $3, $4, $5, $6, $7, $6, $7, $8) RETURNING *",
                    )
                    .bind(id.as_str())
                    .bind(app_no)
                    .bind(&spec.name)
                    .bind(spec.copy.as_ref().map(CopyId::as_str))
                    .bind(rows::to_json("campaign.spec", &spec)?)
                    .bind(now)
                    .bind(&by)
                    .bind(&editors)
                    .fetch_one(conn)
                    .await?;
                    row.try_into()
                })
            })
            .await
    }

    async fn save(&self, id: &CampaignId, revision: i64, spec: CampaignSpec, by: Hand<'_>, now: Millis) -> Result<Campaign> {
        let (id, by, person) = (id.clone(), by.name.to_owned(), by.id.to_owned());
        self.db
            .write(move |conn| {
                Box::pin(async move {
                    let known: Option<String> = sqlx::query_scalar("SELECT editors FROM campaign WHERE id = $1")
                        .bind(id.as_str())
                        .fetch_optional(&mut *conn)
                        .await?;
                    let mut editors: Vec<String> = rows::json("campaign.editors", &known.ok_or(StorageError::Stale("campaign"))?)?;
                    if !editors.contains(&person) {
                        editors.push(person);
                    }
                    // Somebody else's edit in between moves the revision: then nothing is written.
                    let row: Option<Row> = sqlx::query_as(
                        "UPDATE campaign SET revision = revision + 1, name = $3, copy = $4, spec = $5, trouble = NULL, changed_at = $6, \
                         changed_by = $7, editors = $8 WHERE id = $1 AND revision = $2 AND state = 'draft' RETURNING *",
                    )
                    .bind(id.as_str())
                    .bind(revision)
                    .bind(&spec.name)
                    .bind(spec.copy.as_ref().map(CopyId::as_str))
                    .bind(rows::to_json("campaign.spec", &spec)?)
                    .bind(now)
                    .bind(&by)
                    .bind(rows::to_json("campaign.editors", &editors)?)
                    .fetch_optional(&mut *conn)
                    .await?;
                    let row = row.ok_or(StorageError::Stale("campaign"))?;
                    sqlx::query("UPDATE campaign_verdict SET voided_at = $2 WHERE campaign_no = $1 AND voided_at IS NULL")
                        .bind(row.no)
                        .bind(now)
                        .execute(conn)
                        .await?;
                    row.try_into()
                })
            })
            .await
    }

    async fn get(&self, id: &CampaignId) -> Result<Option<Campaign>> {
        let row: Option<Row> =
            sqlx::query_as("SELECT * FROM campaign WHERE id = $1").bind(id.as_str()).fetch_optional(self.db.readers()).await?;
        row.map(Campaign::try_from).transpose()
    }

    async fn list(&self, app_no: i64, filter: &CampaignFilter, page: &PageRequest) -> Result<Page<Campaign>> {
        let found: Vec<Row> = sqlx::query_as(concat!(
            "SELECT * FROM campaign WHERE app_no = $1 AND no < $2 AND ($3 IS NULL OR state = $3) \
             AND ($4 IS NULL OR id = $4 OR ",
            holds!("lower(name)", "lower($4)"),
            ") ORDER BY no DESC LIMIT $5"
        ))
        .bind(app_no)
        .bind(rows::before(page.after.as_deref()))
        .bind(filter.state.map(CampaignState::slug))
        .bind(filter.text.as_deref())
        .bind(i64::from(page.size) + 1)
        .fetch_all(self.db.readers())
        .await?;
        let page = Page::cut(found, page.size, |row| row.no.to_string());
        Ok(Page { items: all(page.items)?, next: page.next })
    }

    async fn advance(&self, id: &CampaignId, step: Move) -> Result<Option<Campaign>> {
        if !step.from.may_become().contains(&step.to) {
            return Err(StorageError::Conflict("campaign state"));
        }
        let id = id.clone();
        self.db
            .write(move |conn| {
                Box::pin(async move {
                    let spec = step.spec.as_ref().map(|s| rows::to_json("campaign.spec", s)).transpose()?;
                    let row: Option<Row> = sqlx::query_as(
                        "UPDATE campaign SET state = $3, revision = revision + 1, spec = COALESCE($5, spec), due_at = $6, trouble = $7, \
                         changed_at = $8, changed_by = $9, \
                         started_at = CASE WHEN $3 = 'running' AND started_at IS NULL THEN $8 ELSE started_at END, \
                         finished_at = CASE WHEN $3 IN ('finished', 'cancelled') THEN $8 ELSE finished_at END \
                         WHERE id = $1 AND state = $2 AND ($4 IS NULL OR revision = $4) RETURNING *",
                    )
                    .bind(id.as_str())
                    .bind(step.from.slug())
                    .bind(step.to.slug())
                    .bind(step.revision)
                    .bind(spec)
                    .bind(step.due_at)
                    .bind(problem(step.trouble.as_ref())?)
                    .bind(step.now)
                    .bind(&step.by)
                    .fetch_optional(&mut *conn)
                    .await?;
                    if let (Some(row), Some(shown)) = (&row, &step.shown) {
                        keep_shown(&mut *conn, row.no, shown).await?;
                    }
                    if row.is_some() {
                        people::append_some(conn, step.audit.as_ref()).await?;
                    }
                    row.map(Campaign::try_from).transpose()
                })
            })
            .await
    }

    async fn take_back(&self, id: &CampaignId, trouble: Problem, now: Millis) -> Result<bool> {
        let id = id.clone();
        self.db
            .write(move |conn| {
                Box::pin(async move {
                    let done = sqlx::query(
                        "UPDATE campaign SET state = 'draft', revision = revision + 1, trouble = $2, started_at = NULL, changed_at = $3 \
                         WHERE id = $1 AND state = 'running' AND message_no IS NULL",
                    )
                    .bind(id.as_str())
                    .bind(problem(Some(&trouble))?)
                    .bind(now)
                    .execute(conn)
                    .await?;
                    Ok(done.rows_affected() > 0)
                })
            })
            .await
    }

    async fn set_message(&self, id: &CampaignId, no: i64, message: &MessageId) -> Result<bool> {
        let (id, message) = (id.clone(), message.clone());
        self.db
            .write(move |conn| {
                Box::pin(async move {
                    let done = sqlx::query("UPDATE campaign SET message_no = $2, message_id = $3 WHERE id = $1 AND message_no IS NULL")
                        .bind(id.as_str())
                        .bind(no)
                        .bind(message.as_str())
                        .execute(conn)
                        .await?;
                    Ok(done.rows_affected() > 0)
                })
            })
            .await
    }

    async fn due(&self, now: Millis, limit: u32) -> Result<Vec<Campaign>> {
        let found: Vec<Row> =
            sqlx::query_as("SELECT * FROM campaign WHERE state = 'scheduled' AND due_at <= $1 ORDER BY due_at, no LIMIT $2")
                .bind(now)
                .bind(i64::from(limit))
                .fetch_all(self.db.readers())
                .await?;
        all(found)
    }

    async fn missed(&self) -> Result<Vec<(i64, u64)>> {
        let found: Vec<(i64, i64)> = sqlx::query_as("SELECT app_no, count(*) FROM campaign WHERE state = 'missed' GROUP BY app_no")
            .fetch_all(self.db.readers())
            .await?;
        found.into_iter().map(|(app, n)| Ok((app, rows::number("campaign.missed", n)?))).collect()
    }

    async fn half_started(&self, limit: u32) -> Result<Vec<Campaign>> {
        let found: Vec<Row> = sqlx::query_as(
            "SELECT * FROM campaign WHERE state IN ('running', 'paused') AND state = 'running' AND message_no IS NULL ORDER BY no LIMIT $1",
        )
        .bind(i64::from(limit))
        .fetch_all(self.db.readers())
        .await?;
        all(found)
    }

    async fn out_of_step(&self, limit: u32) -> Result<Vec<(Campaign, MessageState)>> {
        #[derive(sqlx::FromRow)]
        struct Pair {
            #[sqlx(flatten)]
            campaign: Row,
            message_state: i64,
        }
        // Message states: 0 planning, 1 sending, 2 paused, 3 finished, 4 cancelled.
        let found: Vec<Pair> = sqlx::query_as(
            "SELECT c.*, m.state AS message_state FROM campaign c JOIN message m ON m.no = c.message_no \
             WHERE c.state IN ('running', 'paused') AND NOT (c.state = 'running' AND m.state IN (0, 1)) \
             AND NOT (c.state = 'paused' AND m.state = 2) ORDER BY c.no LIMIT $1",
        )
        .bind(i64::from(limit))
        .fetch_all(self.db.readers())
        .await?;
        found
            .into_iter()
            .map(|pair| Ok((pair.campaign.try_into()?, rows::word("message.state", pair.message_state, MessageState::from_code)?)))
            .collect()
    }

    async fn running(&self, limit: u32) -> Result<Vec<(CampaignId, i64)>> {
        let found: Vec<(String, i64)> = sqlx::query_as(
            "SELECT id, message_no FROM campaign WHERE state IN ('running', 'paused') AND state = 'running' AND message_no IS NOT NULL \
             ORDER BY no DESC LIMIT $1",
        )
        .bind(i64::from(limit))
        .fetch_all(self.db.readers())
        .await?;
        Ok(found.into_iter().map(|(id, no)| (CampaignId::trusted(id), no)).collect())
    }

    async fn shown(&self, id: &CampaignId) -> Result<Option<Shown>> {
        let row: Option<ShownRow> = sqlx::query_as(
            "SELECT f.made_of, f.forecast, f.overruled, f.shown_at FROM campaign_forecast f JOIN campaign c ON c.no = f.campaign_no \
             WHERE c.id = $1",
        )
        .bind(id.as_str())
        .fetch_optional(self.db.readers())
        .await?;
        let Some(row) = row else { return Ok(None) };
        Ok(Some(Shown {
            made_of: row.made_of,
            forecast: rows::json("campaign_forecast.forecast", &row.forecast)?,
            overruled: row.overruled.map(|text| rows::json("campaign_forecast.overruled", &text)).transpose()?,
            at: row.shown_at,
        }))
    }

    async fn judge(&self, id: &CampaignId, revision: i64, verdicts: &[NewVerdict], audit: Option<AuditEntry>) -> Result<()> {
        let (id, verdicts) = (id.clone(), verdicts.to_vec());
        self.db
            .write(move |conn| {
                Box::pin(async move {
                    let no: Option<i64> = sqlx::query_scalar(concat!(
                        "SELECT no FROM campaign WHERE id = $1 AND revision = $2 AND state IN ('draft', 'scheduled', 'missed')",
                        locked!()
                    ))
                    .bind(id.as_str())
                    .bind(revision)
                    .fetch_optional(&mut *conn)
                    .await?;
                    let no = no.ok_or(StorageError::Stale("campaign"))?;
                    for verdict in &verdicts {
                        sqlx::query(
                            "INSERT INTO campaign_verdict (campaign_no, section, said, made_of, comment, person, person_name, at) \
                             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
                        )
                        .bind(no)
                        .bind(verdict.section.map_or("", Section::slug))
                        .bind(verdict.said.slug())
                        .bind(&verdict.made_of)
                        .bind(&verdict.comment)
                        .bind(&verdict.person)
                        .bind(&verdict.person_name)
                        .bind(verdict.at)
                        .execute(&mut *conn)
                        .await?;
                    }
                    people::append_some(conn, audit.as_ref()).await
                })
            })
            .await
    }

    async fn between(&self, app_no: i64, from: Millis, to: Millis, limit: u32) -> Result<Vec<Campaign>> {
        let found: Vec<Row> = sqlx::query_as(
            "SELECT * FROM campaign WHERE app_no = $1 AND (state = 'draft' OR \
             (coalesce(started_at, due_at) >= $2 AND coalesce(started_at, due_at) < $3)) ORDER BY no DESC LIMIT $4",
        )
        .bind(app_no)
        .bind(from)
        .bind(to)
        .bind(i64::from(limit))
        .fetch_all(self.db.readers())
        .await?;
        found.into_iter().map(Campaign::try_from).collect()
    }

    async fn asked(&self, apps: &[i64], limit: u32) -> Result<Vec<Campaign>> {
        let found: Vec<Row> = sqlx::query_as(concat!(
            "SELECT c.* FROM campaign c JOIN (SELECT campaign_no, max(no) AS asked FROM campaign_verdict \
             WHERE section = '' AND voided_at IS NULL GROUP BY campaign_no) v ON v.campaign_no = c.no \
             WHERE c.state IN ('draft', 'scheduled', 'missed') AND c.app_no IN (SELECT value FROM ",
            numbers!("$1"),
            " x) ORDER BY v.asked DESC LIMIT $2"
        ))
        .bind(rows::to_json("apps", apps)?)
        .bind(i64::from(limit))
        .fetch_all(self.db.readers())
        .await?;
        found.into_iter().map(Campaign::try_from).collect()
    }

    async fn verdicts(&self, id: &CampaignId, limit: u32) -> Result<Vec<Verdict>> {
        let found: Vec<VerdictRow> = sqlx::query_as(
            "SELECT v.section, v.said, v.made_of, v.comment, v.person, v.person_name, v.at, v.voided_at \
             FROM campaign_verdict v JOIN campaign c ON c.no = v.campaign_no WHERE c.id = $1 ORDER BY v.no DESC LIMIT $2",
        )
        .bind(id.as_str())
        .bind(i64::from(limit))
        .fetch_all(self.db.readers())
        .await?;
        found.into_iter().map(Verdict::try_from).collect()
    }
}
