//! The dead-letter drawer: the port, and the plain route of its file.

use std::sync::Arc;

use app::error::AppError;
use app::ports::dead_letters::DeadLettersPort;
use app::ports::{Asked, Caller};
use async_trait::async_trait;
use axum::extract::{Path, RawQuery, State};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Extension, Router};
use jiff::tz::TimeZone;
use pipeline::access::spreadsheet::Format;
use pipeline::house::House;
use pipeline::storage::chunks::Poisoned;
use pipeline::storage::dead_letters::{DeadFilter, DeadLetter};
use serde_json::json;
use types::ids::{AppId, CampaignId, ChunkNo, MessageId};
use types::life::Outcome;
use types::listing::{PAGE_SIZE, PageRequest};
use types::people::Permission;
use types::problem::Problem;
use types::text::Text;
use types::vendor::Vendor;
use types::views::dead_letters::{DeadLine, DeadQuery, DeadView, PoisonedView};
use types::views::lanes::SilentView;
use types::views::shell::ShellInfo;

use super::books::local_time;
use super::copies::{app_of, word};
use super::{Actor, asked, audit};
use crate::problem::ProblemAnswer;
use crate::settings::Settings;
use crate::web::Web;

pub struct DeadConsole {
    house: Arc<House>,
    zone: TimeZone,
}

pub(super) fn zone_of(settings: &Settings) -> TimeZone {
    // An unknown zone was refused with the settings.
    TimeZone::get(&settings.console.zone).unwrap_or(TimeZone::UTC)
}

impl DeadConsole {
    pub fn new(house: Arc<House>, settings: &Settings) -> DeadConsole {
        DeadConsole { house, zone: zone_of(settings) }
    }
}

/// What a query asks for.
fn filter(query: &DeadQuery, zone: &TimeZone) -> Result<DeadFilter, Problem> {
    let time = |field: &str, value: &str| Some(value).filter(|v| !v.is_empty()).map(|v| local_time(field, v, zone)).transpose();
    let (from, to) = match (time("from", &query.from), time("to", &query.to)) {
        (Ok(from), Ok(to)) => (from, to),
        (from, to) => return Err(Problem::fields([from.err(), to.err()].into_iter().flatten().collect())),
    };
    let named = query.message.trim();
    let (message, campaign) = (MessageId::parse(named), CampaignId::parse(named));
    if !named.is_empty() && message.is_none() && campaign.is_none() {
        let words = Text::new("填写完整的编号：msg_ 或 cmp_ 加 32 位十六进制", "give a whole id: msg_ or cmp_ and 32 hex digits");
        return Err(Problem::field("message", words));
    }
    Ok(DeadFilter {
        vendor: Vendor::parse(&query.vendor),
        outcome: Outcome::parse(&query.outcome),
        reason: word(&query.reason),
        message,
        campaign,
        from,
        to,
        replayed: match query.state.as_str() {
            "all" => None,
            state => Some(state == "replayed"),
        },
    })
}

fn line(letter: DeadLetter) -> DeadLine {
    DeadLine {
        over: letter.over(),
        no: letter.no,
        message: letter.message,
        title: letter.title,
        campaign: letter.campaign,
        vendor: letter.vendor,
        outcome: letter.outcome,
        reason: letter.reason,
        words: letter.words,
        recipients: letter.recipients,
        at: letter.at,
        replay: letter.replay,
    }
}

#[async_trait]
impl DeadLettersPort for DeadConsole {
    async fn list(&self, app: &AppId, query: &DeadQuery) -> Result<DeadView, AppError> {
        let app = app_of(&self.house, app).await?;
        let page = PageRequest { after: Some(query.after.clone()).filter(|a| !a.is_empty()), size: PAGE_SIZE };
        let found = self.house.dead_letters.list(&app, &filter(query, &self.zone)?, &page).await?;
        // What waits for a decision stands above the list, on its first page.
        let poisoned = if page.after.is_none() { self.house.dead_letters.poisoned(&app).await? } else { Vec::new() };
        let aside = |chunk: Poisoned| PoisonedView {
            no: chunk.no.0,
            message: chunk.message,
            vendor: chunk.vendor,
            recipients: u64::from(chunk.count),
            since: chunk.at,
            deadline: chunk.deadline,
        };
        Ok(DeadView { now: self.house.world.now(), lines: found.map(line), poisoned: poisoned.into_iter().map(aside).collect() })
    }

    async fn replay(&self, asked: &Asked, app: &AppId, lines: &[i64], deadline: &str) -> Result<(), AppError> {
        let app = app_of(&self.house, app).await?;
        let deadline = local_time("deadline", deadline, &self.zone).map_err(|error| Problem::fields(vec![error]))?;
        self.house.dead_letters.replay(&app, lines, deadline, &super::actor(asked)).await?;
        Ok(())
    }

    async fn try_again(&self, asked: &Asked, app: &AppId, chunk: Option<i64>) -> Result<(), AppError> {
        let app = app_of(&self.house, app).await?;
        self.house.dead_letters.try_again(&app, chunk.map(ChunkNo), &super::actor(asked)).await?;
        Ok(())
    }

    async fn silent(&self, app: &AppId, message: &MessageId) -> Result<SilentView, AppError> {
        let app = app_of(&self.house, app).await?;
        Ok(super::follow_up::silent(&self.house, &app, message).await?)
    }

    async fn resend_silent(&self, asked: &Asked, app: &AppId, message: &MessageId) -> Result<(), AppError> {
        let app = app_of(&self.house, app).await?;
        let message = self.house.controls.find(&app, message).await?;
        self.house.controls.resend_silent(&app, &message, &super::actor(asked)).await?;
        Ok(())
    }

    async fn give_up(&self, asked: &Asked, app: &AppId, chunk: i64) -> Result<(), AppError> {
        let app = app_of(&self.house, app).await?;
        self.house.dead_letters.give_up(&app, ChunkNo(chunk), &super::actor(asked)).await?;
        Ok(())
    }
}

pub fn routes(web: &Web) -> Router {
    Router::new()
        .route("/apps/{app}/dead-letters/recipients.csv", get(recipients))
        .route("/apps/{app}/dead-letters/recipients.xlsx", get(recipients))
        .with_state(web.clone())
}

/// What the address asks for: lines by number (`lines[0]=7`), or a filter.
fn wish(query: &str) -> (Vec<i64>, DeadQuery) {
    let pairs: Vec<(String, String)> = serde_urlencoded::from_str(query).unwrap_or_default();
    let (mut lines, mut wish) = (Vec::new(), DeadQuery::default());
    for (name, value) in pairs {
        match name.as_str() {
            "vendor" => wish.vendor = value,
            "outcome" => wish.outcome = value,
            "reason" => wish.reason = value,
            "message" => wish.message = value,
            "from" => wish.from = value,
            "to" => wish.to = value,
            "state" => wish.state = value,
            name if name.starts_with("lines[") => lines.extend(value.parse::<i64>().ok()),
            _ => {}
        }
    }
    (lines, wish)
}

async fn recipients(
    State(web): State<Web>,
    Extension(caller): Extension<Caller>,
    info: Option<Extension<ShellInfo>>,
    Path(app): Path<String>,
    RawQuery(query): RawQuery,
    uri: Uri,
) -> Response {
    let Some(app) = AppId::parse(&app) else { return StatusCode::NOT_FOUND.into_response() };
    let who = match asked(&caller, Permission::SeeRecipients, Some(&app)) {
        Ok(who) => who,
        Err(refusal) => return refusal.into_response(),
    };
    let lang = info.map(|info| info.0.lang).unwrap_or_default();
    let format = Format::of_path(uri.path());
    let (lines, query) = wish(query.as_deref().unwrap_or(""));
    let found = async {
        let filter = filter(&query, &zone_of(&web.settings))?;
        let of = app_of(&web.house, &app).await.map_err(|error| error.problem)?;
        let rows = web.house.dead_letters.export(&of, &lines, &filter, lang, (format, web.zone.clone())).await?;
        let actor = Actor {
            id: who.id.as_str().to_owned(),
            name: who.name.clone(),
            address: caller.address.clone(),
            request_id: caller.request_id.clone(),
        };
        let what = if lines.is_empty() { json!({ "filter": query }) } else { json!({ "lines": lines }) };
        audit(&web.house, &actor, "dead_letters.export", app.as_str(), Some(&app), None, Some(what)).await?;
        Ok(rows)
    };
    match found.await {
        Ok(rows) => super::outcomes::download("dead-letters", format, rows),
        Err(problem) => ProblemAnswer { problem, request_id: caller.request_id.clone() }.into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_names_lines_or_a_filter() {
        let (lines, query) = wish("app=x&lines%5B0%5D=7&lines[3]=9&deadline=&lines[4]=x&vendor=xiaomi&state=all");
        assert_eq!(lines, [7, 9]);
        assert_eq!(query, DeadQuery { vendor: "xiaomi".into(), state: "all".into(), ..DeadQuery::default() });
    }

    #[test]
    fn a_query_becomes_a_filter_or_names_what_is_wrong() {
        let zone = TimeZone::UTC;
        let message = MessageId::from_bytes([1; 16]);
        let query = DeadQuery { message: format!(" {message} "), outcome: "expired".into(), ..DeadQuery::default() };
        let expected =
            DeadFilter { message: Some(message), outcome: Some(Outcome::Expired), replayed: Some(false), ..DeadFilter::default() };
        assert_eq!(filter(&query, &zone).unwrap(), expected);
        assert_eq!(filter(&DeadQuery { state: "all".into(), ..DeadQuery::default() }, &zone).unwrap().replayed, None);
        let wrong = DeadQuery { from: "yesterday".into(), to: "x".into(), ..DeadQuery::default() };
        let fields: Vec<String> = filter(&wrong, &zone).unwrap_err().errors.into_iter().map(|e| e.field).collect();
        assert_eq!(fields, ["from", "to"]);
        assert_eq!(filter(&DeadQuery { message: "msg_1".into(), ..DeadQuery::default() }, &zone).unwrap_err().errors[0].field, "message");
    }
}
