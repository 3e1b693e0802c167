//! The copy workbench over the house: what lanes would send, a crowd's rows, words, classes, what was sent before, links.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use app::error::AppError;
use app::ports::workbench::WorkbenchPort;
use app::ports::{Asked, Caller};
use app::ui::returned::RETURNED;
use async_trait::async_trait;
use axum::body::Body;
use axum::extract::{Multipart, Path, Query, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Extension, Router};
use pipeline::access::campaigns::audience::merged;
use pipeline::access::{sensitive, workbench};
use pipeline::channel::preview::{self, Look, Seen};
use pipeline::house::House;
use pipeline::storage::StorageError;
use pipeline::storage::apps::App;
use pipeline::storage::crowds::{Crowd, CrowdFilter};
use pipeline::vendors::transport::Reached;
use serde::Deserialize;
use serde_json::json;
use types::category;
use types::content::{Click, Content, MessageClass};
use types::copy::{render, texts};
use types::cut::{Counts, cuts};
use types::field::FieldError;
use types::ids::{AppId, CopyId, CrowdId};
use types::listing::PageRequest;
use types::people::Permission;
use types::problem::{Code, Problem};
use types::sensitive::Severity;
use types::text::Words;
use types::vendor::Vendor;
use types::vendor::means::Mean;
use types::views::copies::{CopyForm, pairs};
use types::views::shell::ShellInfo;
use types::views::workbench::{CrowdLook, Lacking, LinkLook, Said, VendorText, WordView, WordsView, WorkbenchAsk, WorkbenchView};

use super::copies::{CopiesConsole, app_of, brief, word};
use super::{Actor, asked, audit, failed, store};
use crate::problem::ProblemAnswer;
use crate::web::Web;

/// Crowds to choose from.
const CROWDS: u32 = 200;
/// A person waits for the page: a larger crowd is counted in part.
const COUNTING: Duration = Duration::from_millis(1_500);
/// Whole counts remembered: a crowd never changes.
const COUNTED_KEPT: usize = 64;
/// Links asked at one press.
const LINKS: usize = 10;
/// Largest file of words.
const FILE_MAX: usize = 2 * 1024 * 1024;

type Counted = HashMap<(CrowdId, Vec<String>), Lacking>;

pub struct WorkbenchConsole {
    house: Arc<House>,
    counted: Mutex<Counted>,
}

impl WorkbenchConsole {
    pub fn new(house: Arc<House>) -> WorkbenchConsole {
        WorkbenchConsole { house, counted: Mutex::default() }
    }

    async fn lacking(&self, crowd: &Crowd, need: Vec<String>) -> Result<Lacking, StorageError> {
        let key = (crowd.id.clone(), need.clone());
        if let Some(known) = self.counted.lock().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return Ok(known.clone());
        }
        let started = tokio::time::Instant::now();
        let found = workbench::lacking(&self.house.storage, crowd, &need, || started.elapsed() < COUNTING).await?;
        if found.looked_at == found.rows {
            let mut kept = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
            if kept.len() >= COUNTED_KEPT {
                kept.clear();
            }
            kept.insert(key, found.clone());
        }
        Ok(found)
    }

    /// The chosen crowd with one of its rows; a crowd of another app is none.
    async fn crowd(
        &self,
        app: &App,
        ask: &WorkbenchAsk,
        content: &Content,
        given: &BTreeMap<String, String>,
    ) -> Result<Option<CrowdLook>, StorageError> {
        let storage = &self.house.storage;
        let Some(id) = CrowdId::parse(&ask.crowd) else { return Ok(None) };
        let Some(crowd) = storage.crowds.get(&id).await?.filter(|c| c.app_no == app.no) else { return Ok(None) };
        let rows = crowd.counts.valid;
        let (row, step): (u64, i64) = (ask.row.trim().parse().unwrap_or(1), ask.step.trim().parse().unwrap_or(0));
        let row = row.saturating_add_signed(step).clamp(1, rows.max(1));
        let values = workbench::row(storage, &id, row).await?.map(|row| row.variables).unwrap_or_default();
        let lacking = self.lacking(&crowd, workbench::need(content, given)).await?;
        Ok(Some(CrowdLook { id, name: crowd.name, rows, row, values, lacking }))
    }

    async fn links(&self, content: &Content, ask: bool) -> Vec<LinkLook> {
        let found = addresses(content);
        let asking = found.into_iter().map(|(field, url)| async move {
            let answer = match (ask, url.split_once("://")) {
                (_, Some(("http", _))) => Some((false, Words::new("不是 https", "not https"))),
                (true, Some(("https", _))) => Some(told(self.house.reach(&url).await)),
                (true, _) => Some((true, Words::new("由应用打开，不访问", "opened by the app, not visited"))),
                _ => None,
            };
            LinkLook { field, url, answer }
        });
        futures::future::join_all(asking).await
    }
}

/// The addresses in a content, each once.
fn addresses(content: &Content) -> Vec<(String, String)> {
    let mut out: Vec<(String, String)> = Vec::new();
    let mut add = |field: &str, url: &str| {
        if !url.is_empty() && out.len() < LINKS && !out.iter().any(|(_, known)| known == url) {
            out.push((field.to_owned(), url.to_owned()));
        }
    };
    match &content.click {
        Click::OpenApp => {}
        Click::Url { url } => add("click_to", url),
        Click::Link { link } => add("click_to", link),
    }
    add("image", content.image.as_deref().unwrap_or(""));
    for (field, text) in texts(content) {
        for scheme in ["https://", "http://"] {
            for (at, _) in text.match_indices(scheme) {
                // In a text an address ends where no address goes on: at a blank, a quote, or the first letter beyond ASCII.
                let rest = &text[at..];
                let end = rest.find(|c: char| !c.is_ascii_graphic() || matches!(c, '"' | '\'' | '<' | '>')).unwrap_or(rest.len());
                add(&field, rest[..end].trim_end_matches(['.', ',', ';', ')', '!', '?']));
            }
        }
    }
    out
}

fn told(reached: Reached) -> (bool, Words) {
    match reached {
        Reached::Answers { status, hops } => {
            let (zh, en) = match hops {
                0 => (String::new(), String::new()),
                n => (format!("，跳转 {n} 次"), format!(" after {n} redirects")),
            };
            ((200..300).contains(&status), Words::new(format!("应答 {status}{zh}"), format!("answers {status}{en}")))
        }
        Reached::Form => (false, Words::new("需要 https 地址，且不含用户名", "must be https and name no user")),
        Reached::UnknownHost => (false, Words::new("找不到这个主机", "its host is not known")),
        Reached::Private => (false, Words::new("指向内网，没有访问", "leads into a private network; it was not visited")),
        Reached::TooLate => (false, Words::new("没有及时应答", "did not answer in time")),
        Reached::Refused => (false, Words::new("连接不上，或证书不可信", "cannot be reached, or its certificate is not trusted")),
        Reached::Astray => (false, Words::new("不停跳转，或跳到读不懂的地址", "leads on without an end, or to nowhere")),
    }
}

fn vendor_text(vendor: Vendor, seen: Seen, filled: &Content, default_title: &str) -> VendorText {
    let own = filled.title_for(vendor);
    let planned = (if own.trim().is_empty() { default_title } else { own }.to_owned(), filled.body_for(vendor).to_owned());
    let (said, (title, body)) = match seen {
        Seen::Built(said) => {
            let texts = (said.title.clone(), said.body.clone());
            (Said::Built { title: said.title, body: said.body, bytes: said.bytes as u64 }, texts)
        }
        Seen::Unsayable(reason) => (Said::Unsayable { reason }, planned),
        Seen::NoCredential => (Said::NoCredential, planned),
    };
    let lacks = vendor.lacks(filled);
    let picture = filled.image.is_some() && !lacks.contains(&Mean::Image);
    let counts = (Counts::of(&title), Counts::of(&body));
    VendorText { vendor, said, counts, cuts: cuts(filled, vendor, default_title), title, body, lacks, picture }
}

#[async_trait]
impl WorkbenchPort for WorkbenchConsole {
    async fn view(&self, asked: &Asked, app_id: &AppId, copy: &CopyId, ask: &WorkbenchAsk) -> Result<WorkbenchView, AppError> {
        let (house, lost) = (&self.house, |e: StorageError| failed(&e));
        let app = app_of(house, app_id).await?;
        let row = house.copies.find(&app, copy).await?;
        let shown = CopiesConsole::version_of(house, &row, ask.version.trim().parse().ok()).await?;
        let form = if ask.typed { ask.form.clone() } else { CopyForm::of(&row.name, &row.tags, &shown.content) };
        let (content, mut errors) = form.check(&app.vendor_order, &app.default_title);
        let given = pairs(&ask.values).unwrap_or_else(|reason| {
            errors.push(FieldError { field: "values".to_owned(), reason });
            BTreeMap::new()
        });
        let class = MessageClass::parse(&ask.class).unwrap_or_default();
        let mut crowd = self.crowd(&app, ask, &content, &given).await.map_err(lost)?;
        let own = crowd.as_ref().map(|c| c.values.clone()).unwrap_or_default();
        let look = Look { content: &content, shared: &given, own: &own, class };
        let (filled, seen) = (preview::filled(&look), house.preview(&app, &look).await.map_err(lost)?);
        let values = merged(&given, &own);
        let (found, list) = sensitive::look(&house.storage, &app, &content, &values).await.map_err(lost)?;
        let order: Vec<Vendor> = seen.iter().map(|(vendor, _)| *vendor).collect();
        let (before, before_messages) = workbench::before(&house.storage, app.no, &content, house.world.now()).await.map_err(lost)?;
        let page = PageRequest { after: None, size: CROWDS };
        let crowds = house.storage.crowds.list(app.no, &CrowdFilter::default(), &page).await.map_err(lost)?;
        if let Some(crowd) = crowd.as_mut().filter(|_| !asked.who.rights.may(Permission::SeeRecipients, Some(app_id))) {
            crowd.lacking.first.clear();
        }
        Ok(WorkbenchView {
            number: shown.number,
            app_name: app.name.clone(),
            class: class.slug().to_owned(),
            values: ask.values.clone(),
            missing: render(&content, &values).1.into_iter().collect(),
            mismatches: category::mismatches(&filled, &order, class, &list),
            vendors: seen.into_iter().map(|(vendor, seen)| vendor_text(vendor, seen, &filled, &app.default_title)).collect(),
            links: self.links(&filled, ask.links).await,
            content: filled,
            copy: brief(row),
            form,
            errors,
            crowds: crowds.items.into_iter().map(|c| (c.id, c.name, c.counts.valid)).collect(),
            crowd,
            found,
            before,
            before_days: workbench::BEFORE_DAYS,
            before_messages,
        })
    }

    async fn words(&self, app: &AppId, text: &str, severity: &str, after: Option<String>) -> Result<WordsView, AppError> {
        let app = app_of(&self.house, app).await?;
        let store = &self.house.storage.sensitive;
        let text = word(&types::sensitive::folded(text));
        let page = PageRequest { after, ..PageRequest::default() };
        let words = store.list(app.no, text.as_deref(), Severity::parse(severity), &page).await.map_err(|e| failed(&e))?;
        let counts = store.counts(app.no).await.map_err(|e| failed(&e))?;
        let own = counts.iter().any(|(s, n)| *s == Severity::Marketing && *n > 0);
        let built_in = if own { Vec::new() } else { category::MARKETING.map(str::to_owned).to_vec() };
        let view = |row: pipeline::storage::sensitive::WordRow| WordView {
            text: row.word.text,
            severity: row.word.severity,
            added_by: row.added_by,
            added_at: row.added_at,
        };
        Ok(WordsView { words: words.map(view), counts, built_in })
    }

    async fn add_words(&self, asked: &Asked, app: &AppId, list: &str, severity: &str) -> Result<(), AppError> {
        let app = app_of(&self.house, app).await?;
        let severity = Severity::parse(severity).unwrap_or_default();
        self.house.sensitive.add(&app, list, severity, &super::actor(asked)).await?;
        Ok(())
    }

    async fn remove_word(&self, asked: &Asked, app: &AppId, word: &str) -> Result<(), AppError> {
        let app = app_of(&self.house, app).await?;
        Ok(self.house.sensitive.remove(&app, word, &super::actor(asked)).await?)
    }
}

pub fn routes(web: &Web) -> Router {
    Router::new()
        .route("/apps/{app}/crowds/{crowd}/lacking.csv", get(lacking))
        .route("/apps/{app}/words/file", post(words_file))
        .with_state(web.clone())
}

#[derive(Deserialize)]
struct Need {
    /// Names of variables, separated by commas.
    #[serde(default)]
    need: String,
}

/// Every row of a crowd that lacks one of these variables.
async fn lacking(
    State(web): State<Web>,
    Extension(caller): Extension<Caller>,
    info: Option<Extension<ShellInfo>>,
    Path((app, crowd)): Path<(String, String)>,
    Query(query): Query<Need>,
) -> Response {
    let app = AppId::parse(&app);
    let who = match asked(&caller, Permission::SeeRecipients, app.as_ref()) {
        Ok(who) => who,
        Err(refusal) => return refusal.into_response(),
    };
    let Some(app) = app else { return StatusCode::NOT_FOUND.into_response() };
    let found = async {
        let missing = || Problem::new(Code::NotFound);
        let of = app_of(&web.house, &app).await.map_err(|error| error.problem)?;
        let id = CrowdId::parse(&crowd).ok_or_else(missing)?;
        let crowd = web.house.storage.crowds.get(&id).await.map_err(|e| store(&e))?;
        let crowd = crowd.filter(|c| c.app_no == of.no).ok_or_else(missing)?;
        let actor = actor(&caller, &who);
        audit(&web.house, &actor, "crowd.export", id.as_str(), Some(&app), None, Some(json!({ "lacking": query.need }))).await?;
        Ok(crowd)
    };
    match found.await {
        Ok(crowd) => {
            let need = query.need.split(',').map(str::trim).filter(|n| !n.is_empty()).map(str::to_owned).collect();
            let lang = info.map(|info| info.0.lang).unwrap_or_default();
            let mut response = Body::from_stream(workbench::lacking_file(web.house.storage.clone(), crowd, need, lang)).into_response();
            let headers = response.headers_mut();
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8"));
            headers.insert(header::CONTENT_DISPOSITION, HeaderValue::from_static("attachment; filename=\"lacking.csv\""));
            response
        }
        Err(problem) => ProblemAnswer { problem, request_id: caller.request_id.clone() }.into_response(),
    }
}

fn actor(caller: &Caller, who: &app::ports::Who) -> Actor {
    Actor { id: who.id.as_str().to_owned(), name: who.name.clone(), address: caller.address.clone(), request_id: caller.request_id.clone() }
}

/// A file of words, from the page's plain form.
async fn words_file(
    State(web): State<Web>,
    Extension(caller): Extension<Caller>,
    Path(app): Path<String>,
    multipart: Multipart,
) -> Response {
    let app = AppId::parse(&app);
    let who = match asked(&caller, Permission::Approve, app.as_ref()) {
        Ok(who) => who,
        Err(refusal) => return refusal.into_response(),
    };
    let Some(app) = app else { return StatusCode::NOT_FOUND.into_response() };
    let to = format!("/apps/{app}/words");
    let put = async {
        let (text, severity) = read_words(multipart).await?;
        let of = app_of(&web.house, &app).await.map_err(|error| error.problem)?;
        web.house.sensitive.add(&of, &text, severity, &actor(&caller, &who)).await
    };
    match put.await {
        Ok(_) => Redirect::to(&to).into_response(),
        Err(problem) => {
            let id = web.keep_returned(&caller, &format!("{to}/file"), String::new(), Some(problem));
            Redirect::to(&format!("{to}?{RETURNED}={id}")).into_response()
        }
    }
}

async fn read_words(mut multipart: Multipart) -> Result<(String, Severity), Problem> {
    let unreadable = |_| {
        Problem::because(
            Code::InvalidBody,
            Words::new("文件不完整或太大，请重新上传", "the file is incomplete or too large; send it again"),
        )
    };
    let (mut text, mut severity) = (None, Severity::default());
    while let Some(field) = multipart.next_field().await.map_err(unreadable)? {
        match field.name() {
            Some("file") => {
                let bytes = field.bytes().await.map_err(unreadable)?;
                if bytes.len() > FILE_MAX {
                    return Err(Problem::field("file", Words::new("文件最多 2 MiB", "a file of at most 2 MiB")));
                }
                let read = String::from_utf8(bytes.to_vec());
                text = Some(read.map_err(|_| {
                    Problem::field("file", Words::new("需要 UTF-8 编码，请另存后再上传", "needs UTF-8; save it so and send it again"))
                })?);
            }
            Some("severity") => severity = Severity::parse(&field.text().await.map_err(unreadable)?).unwrap_or_default(),
            _ => {}
        }
    }
    let text = text.ok_or_else(|| Problem::field("file", Words::new("请选择一个文件", "choose a file")))?;
    Ok((text, severity))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_found_in_every_text_and_once() {
        let content = Content {
            title: "看 https://a.example/x?b=1&c=2，好".into(),
            body: "再看(https://a.example/y). 和 http://b.example 以及 https://a.example/x?b=1&c=2".into(),
            click: Click::Link { link: "shop://order/1".into() },
            image: Some("https://img.example/a.png".into()),
            ..Content::default()
        };
        let found = addresses(&content);
        let urls: Vec<&str> = found.iter().map(|(_, url)| url.as_str()).collect();
        let want =
            ["shop://order/1", "https://img.example/a.png", "https://a.example/x?b=1&c=2", "https://a.example/y", "http://b.example"];
        assert_eq!(urls, want);
    }
}
