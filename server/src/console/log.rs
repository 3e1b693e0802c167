//! The audit log: what a query asks for, entries in words, and the file of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use app::ports::Caller;
use axum::extract::{Query, State};
use axum::http::Uri;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Extension, Router};
use futures::Stream;
use jiff::tz::TimeZone;
use pipeline::access::spreadsheet::{self, Format, Lines};
use pipeline::house::House;
use pipeline::storage::people::{AuditFilter, AuditRow};
use serde_json::{Value, json};
use types::ids::AppId;
use types::listing::{PAGE_MAX, PageRequest};
use types::people::Permission;
use types::problem::Problem;
use types::text::{Lang, Text};
use types::views::people::{AuditQuery, AuditView};
use types::views::shell::{ShellInfo, ZoneTable};

use super::books::local_time;
use super::dead_letters::zone_of;
use super::{Actor, asked, audit, deeds, store};
use crate::problem::ProblemAnswer;
use crate::web::Web;

/// Ids and what they are called.
pub type Names = BTreeMap<String, String>;

const COLUMNS: [Text; 11] = [
    Text::new("编号", "no"),
    Text::new("时间", "at"),
    Text::new("人员编号", "actor_id"),
    Text::new("谁", "actor"),
    Text::new("代码", "action"),
    Text::new("做了什么", "what"),
    Text::new("对象编号", "object_id"),
    Text::new("对象", "object"),
    Text::new("从哪里", "address"),
    Text::new("请求编号", "request_id"),
    Text::new("变更", "changes"),
];

/// What a query asks for.
///
/// # Errors
/// Field errors of its times.
pub fn filter(query: &AuditQuery, zone: &TimeZone) -> Result<AuditFilter, Problem> {
    let text = |t: &str| Some(t.trim().to_owned()).filter(|t| !t.is_empty() && t.len() <= 100);
    let time = |field: &str, value: &str| Some(value).filter(|v| !v.is_empty()).map(|v| local_time(field, v, zone)).transpose();
    let (from, to) = match (time("from", &query.from), time("to", &query.to)) {
        (Ok(from), Ok(to)) => (from, to),
        (from, to) => return Err(Problem::fields([from.err(), to.err()].into_iter().flatten().collect())),
    };
    Ok(AuditFilter {
        actor_id: text(&query.actor),
        action: text(&query.action),
        app: AppId::parse(query.app.trim()),
        object: text(&query.object),
        from,
        to,
    })
}

/// # Errors
/// When the store fails.
pub async fn names(house: &House) -> Result<Names, Problem> {
    let apps = house.storage.apps.list().await.map_err(|e| store(&e))?.into_iter().map(|a| (a.id.as_str().to_owned(), a.name));
    let people = house.storage.people.list().await.map_err(|e| store(&e))?.into_iter().map(|p| (p.id.as_str().to_owned(), p.name));
    Ok(apps.chain(people).collect())
}

pub fn view(row: AuditRow, names: &Names) -> AuditView {
    let entry = row.entry;
    let (before, after) = (entry.before.as_ref(), entry.after.as_ref());
    AuditView {
        no: row.no,
        at: entry.at,
        deed: deeds::deed(&entry.action),
        about: deeds::about(&entry.action, &entry.object, names, before, after),
        changes: deeds::changes(before, after),
        actor_id: entry.actor_id,
        actor_name: entry.actor_name,
        address: entry.address,
        request_id: entry.request_id,
        action: entry.action,
        object: entry.object,
    }
}

pub fn routes(web: &Web) -> Router {
    Router::new().route("/audit.csv", get(export)).route("/audit.xlsx", get(export)).with_state(web.clone())
}

/// Every entry that fits, newest first; the taking of it is an entry of its own.
async fn export(
    State(web): State<Web>,
    Extension(caller): Extension<Caller>,
    info: Option<Extension<ShellInfo>>,
    Query(query): Query<AuditQuery>,
    uri: Uri,
) -> Response {
    let who = match asked(&caller, Permission::Administer, None) {
        Ok(who) => who,
        Err(refusal) => return refusal.into_response(),
    };
    let (format, lang) = (Format::of_path(uri.path()), info.map(|info| info.0.lang).unwrap_or_default());
    let found = async {
        let filter = filter(&query, &zone_of(&web.settings))?;
        let names = names(&web.house).await?;
        let actor = Actor {
            id: who.id.as_str().to_owned(),
            name: who.name.clone(),
            address: caller.address.clone(),
            request_id: caller.request_id.clone(),
        };
        audit(&web.house, &actor, "audit.export", "audit", None, None, Some(json!({ "filter": told(&query) }))).await?;
        let lines = lines(web.house.clone(), filter, names, lang, web.zone.clone());
        Ok(spreadsheet::file(format, &COLUMNS.map(|column| column.get(lang)), lines))
    };
    match found.await {
        Ok(file) => super::outcomes::download("audit", format, file),
        Err(problem) => ProblemAnswer { problem, request_id: caller.request_id.clone() }.into_response(),
    }
}

/// What was asked, without what was left empty.
fn told(query: &AuditQuery) -> Value {
    let all = [
        ("actor", &query.actor),
        ("action", &query.action),
        ("app", &query.app),
        ("object", &query.object),
        ("from", &query.from),
        ("to", &query.to),
    ];
    all.into_iter()
        .filter(|(_, text)| !text.is_empty())
        .map(|(key, text)| (key.to_owned(), json!(text)))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

fn lines(
    house: Arc<House>,
    filter: AuditFilter,
    names: Names,
    lang: Lang,
    zone: ZoneTable,
) -> impl Stream<Item = Result<Lines, pipeline::storage::StorageError>> + Send + 'static {
    let start = Some(PageRequest { after: None, size: PAGE_MAX });
    let shared = Arc::new((house, filter, names, zone));
    futures::stream::try_unfold(start, move |page| {
        let shared = shared.clone();
        async move {
            let (house, filter, names, zone) = &*shared;
            let Some(page) = page else { return Ok(None) };
            let found = house.storage.people.audit_list(filter, &page).await?;
            let lines = found.items.into_iter().map(|row| line(view(row, names), lang, zone)).collect::<Lines>();
            let next = found.next.map(|after| PageRequest { after: Some(after), size: PAGE_MAX });
            Ok(Some((lines, next)))
        }
    })
}

fn line(entry: AuditView, lang: Lang, zone: &ZoneTable) -> Vec<String> {
    let changes = entry.changes.into_iter().map(|c| {
        let label = c.label.get(lang);
        if c.was.is_empty() { format!("{label}: {}", c.is) } else { format!("{label}: {} → {}", c.was, c.is) }
    });
    let changes = changes.collect::<Vec<_>>().join("; ");
    vec![
        entry.no.to_string(),
        spreadsheet::stamp(entry.at, zone),
        entry.actor_id,
        entry.actor_name,
        entry.action,
        entry.deed.get(lang).to_owned(),
        entry.object,
        entry.about.get(lang).to_owned(),
        entry.address,
        entry.request_id,
        changes,
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_becomes_a_filter_or_names_what_is_wrong() {
        let zone = TimeZone::get("Asia/Shanghai").unwrap();
        let app = AppId::from_bytes([1; 16]);
        let query = AuditQuery {
            actor: " usr_1 ".into(),
            action: "app.".into(),
            app: app.as_str().into(),
            object: "x".into(),
            from: "2026-11-21T17:00".into(),
            ..AuditQuery::default()
        };
        let found = filter(&query, &zone).unwrap();
        assert_eq!((found.actor_id.as_deref(), found.object.as_deref(), found.app), (Some("usr_1"), Some("x"), Some(app)));
        assert_eq!((found.from, found.to), (Some(1_795_251_600_000), None));
        assert_eq!(told(&AuditQuery { object: "x".into(), ..AuditQuery::default() }), json!({ "object": "x" }));
        let wrong = AuditQuery { from: "x".into(), to: "y".into(), ..AuditQuery::default() };
        let fields: Vec<String> = filter(&wrong, &zone).unwrap_err().errors.into_iter().map(|e| e.field).collect();
        assert_eq!(fields, ["from", "to"]);
    }
}
