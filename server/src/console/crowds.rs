//! Crowds for the console: the port, and the two plain routes a page needs: the file going up, the rejected rows coming down.

use std::sync::Arc;
use std::time::Duration;

use app::error::AppError;
use app::ports::crowds::CrowdsPort;
use app::ports::{Asked, Caller, Who};
use app::ui::returned::RETURNED;
use axum::body::Body;
use axum::extract::multipart::Field;
use axum::extract::{DefaultBodyLimit, Multipart, Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Extension, Json, Router};
use bytes::Bytes;
use futures::Stream;
use pipeline::access::crowd::recipe;
use pipeline::house::House;
use pipeline::storage::StorageError;
use pipeline::storage::campaigns::CampaignFilter;
use pipeline::storage::crowds::{Crowd, CrowdFilter, Upload};
use pipeline::storage::makings::Making;
use serde_json::json;
use types::crowd::{Mapping, Overrule};
use types::ids::{AppId, CrowdId, MakingId, PersonId, UploadId};
use types::listing::PageRequest;
use types::making::{Source, formula, tags_of};
use types::people::Permission;
use types::problem::{Code, Problem};
use types::text::Words;
use types::views::crowds::{
    CheckProgress, CombineForm, CombineView, CrowdLine, CrowdList, CrowdView, MakingStep, MakingView, Received, UploadLine, UploadView,
};
use types::views::shell::ShellInfo;

use super::copies::app_of;
use super::{Actor, asked, audit, failed};
use crate::web::Web;

/// Crowds, campaigns and makings a form offers, newest first.
const OFFERED: u32 = 200;
const LATE: u32 = 20;
/// An upload that sends nothing for so long is over.
const IDLE: Duration = Duration::from_secs(60);

pub struct CrowdsConsole {
    pub house: Arc<House>,
}

impl CrowdsConsole {
    async fn app_no(&self, app: &AppId) -> Result<i64, AppError> {
        Ok(app_no(&self.house, app).await?)
    }

    /// Of an upload or a crowd: a person's name; what called the API stays as it is.
    async fn name_of(&self, id: &str) -> Result<String, AppError> {
        let Some(person) = PersonId::parse(id) else { return Ok(id.to_owned()) };
        let person = self.house.storage.people.get(&person).await.map_err(|e| failed(&e))?;
        Ok(person.map_or_else(|| id.to_owned(), |p| p.name))
    }

    async fn told(&self, making: Making) -> Result<MakingView, AppError> {
        let step = |step: &types::making::Step| MakingStep {
            op: step.op,
            words: step.source.words(),
            crowd: match &step.source {
                Source::Crowd { id, .. } => Some(id.clone()),
                Source::Devices(_) | Source::Deeds(_) => None,
            },
        };
        Ok(MakingView {
            created_by: self.name_of(&making.created_by).await?,
            formula: formula(&making.steps),
            steps: making.steps.iter().map(step).collect(),
            id: making.id,
            name: making.name,
            key: making.key,
            state: making.state,
            progress: making.progress,
            sizes: making.sizes,
            problem: making.problem,
            crowd: making.crowd,
            created_at: making.created_at,
            changed_at: making.changed_at,
        })
    }
}

async fn app_no(house: &House, app: &AppId) -> Result<i64, Problem> {
    let found = house.storage.apps.get(app).await.map_err(|e| super::store(&e))?;
    found.map(|app| app.no).ok_or_else(|| Problem::new(Code::NotFound))
}

fn line(crowd: Crowd) -> CrowdLine {
    CrowdLine {
        id: crowd.id,
        name: crowd.name,
        key: crowd.mapping.key,
        valid: crowd.counts.valid,
        unknown: crowd.counts.unknown,
        file_name: crowd.file_name,
        created_at: crowd.created_at,
        tags: crowd.tags,
    }
}

fn upload_line(upload: Upload) -> UploadLine {
    UploadLine {
        id: upload.id,
        file_name: upload.file_name,
        file_size: upload.file_size,
        state: upload.state,
        created_at: upload.created_at,
    }
}

#[async_trait::async_trait]
impl CrowdsPort for CrowdsConsole {
    async fn list(&self, app: &AppId, name: &str, tag: &str, after: Option<String>) -> Result<CrowdList, AppError> {
        let app_no = self.app_no(app).await?;
        let filter = CrowdFilter { name: super::copies::word(name), tag: super::copies::word(tag) };
        let page = PageRequest { after, ..PageRequest::default() };
        let crowds = self.house.storage.crowds.list(app_no, &filter, &page).await.map_err(|e| failed(&e))?;
        let uploads =
            if page.after.is_none() { self.house.storage.crowds.open_uploads(app_no).await.map_err(|e| failed(&e))? } else { Vec::new() };
        Ok(CrowdList { crowds: crowds.map(line), uploads: uploads.into_iter().map(upload_line).collect() })
    }

    async fn upload(&self, app: &AppId, id: &UploadId) -> Result<UploadView, AppError> {
        let look = self.house.crowds.look(self.app_no(app).await?, id).await?;
        let upload = look.upload;
        let progress = look.progress.map(|seen| CheckProgress {
            bytes: seen.bytes,
            bytes_read: seen.bytes_read,
            rows_read: seen.rows_read,
            rows_stored: seen.rows_stored,
        });
        Ok(UploadView {
            id: upload.id,
            file_name: upload.file_name,
            file_size: upload.file_size,
            state: upload.state,
            detected: upload.detected,
            overrule: upload.overrule,
            mapping: look.mapping,
            remembered: look.remembered,
            same_file: look.same_file.map(line),
            counts: upload.counts,
            reasons: upload.reasons.into_iter().collect(),
            problem: upload.problem,
            progress,
            created_at: upload.created_at,
        })
    }

    async fn overrule(&self, app: &AppId, id: &UploadId, overrule: Overrule) -> Result<(), AppError> {
        Ok(self.house.crowds.overrule(self.app_no(app).await?, id, overrule).await?)
    }

    async fn check(&self, app: &AppId, id: &UploadId, mapping: Mapping) -> Result<(), AppError> {
        Ok(self.house.crowds.check(self.app_no(app).await?, id, mapping).await?)
    }

    async fn cancel(&self, app: &AppId, id: &UploadId) -> Result<(), AppError> {
        // Whose it is, is asked first.
        self.house.crowds.look(self.app_no(app).await?, id).await?;
        self.house.crowds.cancel(id);
        self.house.crowds.wait(id).await;
        Ok(())
    }

    async fn discard(&self, asked: &Asked, app: &AppId, id: &UploadId) -> Result<(), AppError> {
        if self.house.crowds.discard(self.app_no(app).await?, id).await? {
            audit(&self.house, &super::actor(asked), "crowd.discard", id.as_str(), Some(app), None, None).await?;
        }
        Ok(())
    }

    async fn confirm(&self, asked: &Asked, app: &AppId, id: &UploadId, name: &str) -> Result<CrowdId, AppError> {
        let app_no = self.app_no(app).await?;
        let crowd = self.house.crowds.confirm(app_no, id, name, asked.who.id.as_str()).await?;
        let after = json!({ "upload": id.as_str(), "name": name.trim() });
        audit(&self.house, &super::actor(asked), "crowd.confirm", crowd.as_str(), Some(app), None, Some(after)).await?;
        Ok(crowd)
    }

    async fn crowd(&self, app: &AppId, id: &CrowdId) -> Result<CrowdView, AppError> {
        let app_no = self.app_no(app).await?;
        let crowd = self.house.storage.crowds.get(id).await.map_err(|e| failed(&e))?.filter(|crowd| crowd.app_no == app_no);
        let crowd = crowd.ok_or_else(|| AppError::new(Code::NotFound))?;
        let made = self.house.storage.makings.of_crowd(crowd.no).await.map_err(|e| failed(&e))?;
        let made = match made {
            Some(making) => Some(self.told(making).await?),
            None => None,
        };
        Ok(CrowdView {
            made,
            tags: crowd.tags,
            created_by: self.name_of(&crowd.created_by).await?,
            id: crowd.id,
            name: crowd.name,
            mapping: crowd.mapping,
            detected: crowd.detected,
            counts: crowd.counts,
            reasons: crowd.reasons.into_iter().collect(),
            file_name: crowd.file_name,
            file_size: crowd.file_size,
            sha256: crowd.sha256,
            created_at: crowd.created_at,
        })
    }

    async fn tag(&self, asked: &Asked, app: &AppId, id: &CrowdId, tags: &str) -> Result<(), AppError> {
        let app = app_of(&self.house, app).await?;
        Ok(self.house.crowds.tag(&app, id, &tags_of(tags), &super::actor(asked)).await?)
    }

    async fn choices(&self, app: &AppId) -> Result<CombineView, AppError> {
        let app_no = self.app_no(app).await?;
        let storage = &self.house.storage;
        let page = PageRequest { after: None, size: OFFERED };
        let crowds = storage.crowds.list(app_no, &CrowdFilter::default(), &page).await.map_err(|e| failed(&e))?;
        let campaigns = storage.campaigns.list(app_no, &CampaignFilter::default(), &page).await.map_err(|e| failed(&e))?;
        let mut makings = Vec::new();
        for making in storage.makings.list(app_no, LATE).await.map_err(|e| failed(&e))? {
            makings.push(self.told(making).await?);
        }
        // Only what was started was read by anybody.
        let campaigns = campaigns.items.into_iter().filter(|c| c.started_at.is_some()).map(|c| (c.id, c.spec.name)).collect();
        Ok(CombineView { crowds: crowds.items.into_iter().map(line).collect(), campaigns, makings })
    }

    async fn combine(&self, asked: &Asked, app: &AppId, form: &CombineForm) -> Result<MakingId, AppError> {
        let app = app_of(&self.house, app).await?;
        Ok(self.house.crowds.combine(&app, recipe::read(form)?, &super::actor(asked)).await?)
    }

    async fn making(&self, app: &AppId, id: &MakingId) -> Result<MakingView, AppError> {
        let found = self.house.storage.makings.get(self.app_no(app).await?, id).await.map_err(|e| failed(&e))?;
        self.told(found.ok_or_else(|| AppError::new(Code::NotFound))?).await
    }

    async fn stop_making(&self, asked: &Asked, app: &AppId, id: &MakingId) -> Result<(), AppError> {
        let app = app_of(&self.house, app).await?;
        self.making(&app.id, id).await?;
        self.house.crowds.stop_making(&app, id, &super::actor(asked)).await?;
        Ok(())
    }
}

/// Plain routes of the crowd pages; signed in, each asking for its permission.
pub fn routes(web: &Web) -> Router {
    Router::new()
        // The service counts the bytes itself and refuses in words.
        .route("/apps/{app}/crowds/files", post(receive).layer(DefaultBodyLimit::disable()))
        .route("/apps/{app}/crowds/uploads/{upload}/rejects.csv", get(rejects_of_upload))
        .route("/apps/{app}/crowds/{crowd}/rejects.csv", get(rejects_of_crowd))
        .with_state(web.clone())
}

/// Scripts get JSON; a plain form is led on, or back with the refusal.
async fn receive(
    State(web): State<Web>,
    Extension(caller): Extension<Caller>,
    Path(app): Path<String>,
    headers: HeaderMap,
    multipart: Multipart,
) -> Response {
    let scripts = headers.get(header::ACCEPT).and_then(|v| v.to_str().ok()).is_some_and(|v| v.contains("application/json"));
    let Some(app) = AppId::parse(&app) else { return StatusCode::NOT_FOUND.into_response() };
    let who = match asked(&caller, Permission::Operate, Some(&app)) {
        Ok(who) => who,
        Err(refusal) => return refusal.into_response(),
    };
    match (take(&web, &caller, &who, &app, multipart).await, scripts) {
        (Ok(upload), true) => Json(Received { upload }).into_response(),
        (Ok(upload), false) => Redirect::to(&format!("/apps/{app}/crowds/uploads/{upload}")).into_response(),
        (Err(problem), true) => {
            let status = StatusCode::from_u16(problem.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            let request_id = (problem.code == Code::Internal).then(|| caller.request_id.clone());
            (status, Json(AppError { problem, request_id })).into_response()
        }
        (Err(problem), false) => {
            let to = format!("/apps/{app}/crowds/files");
            let id = web.keep_returned(&caller, &to, String::new(), Some(problem));
            Redirect::to(&format!("/apps/{app}/crowds/upload?{RETURNED}={id}")).into_response()
        }
    }
}

async fn take(web: &Web, caller: &Caller, who: &Who, app: &AppId, mut multipart: Multipart) -> Result<UploadId, Problem> {
    let app_no = app_no(&web.house, app).await?;
    let unreadable =
        |_| Problem::because(Code::InvalidBody, Words::new("上传的内容不完整，请重新上传", "the upload is incomplete; send it again"));
    while let Some(field) = multipart.next_field().await.map_err(unreadable)? {
        if field.name() != Some("file") {
            continue;
        }
        let name = field.file_name().unwrap_or_default().to_owned();
        let id = web.house.crowds.receive(app_no, who.id.as_str(), &name, parts(field)).await?;
        audit(&web.house, &actor(caller, who), "crowd.upload", id.as_str(), Some(app), None, Some(json!({ "file": name }))).await?;
        return Ok(id);
    }
    Err(Problem::field("file", Words::new("请选择一个文件", "choose a file")))
}

fn actor(caller: &Caller, who: &Who) -> Actor {
    Actor { id: who.id.as_str().to_owned(), name: who.name.clone(), address: caller.address.clone(), request_id: caller.request_id.clone() }
}

/// The bytes of a file as they come; a sender that falls silent has broken off.
pub(super) fn parts(field: Field<'_>) -> impl Stream<Item = Result<Bytes, String>> + Send {
    futures::stream::unfold(field, |mut field| async move {
        match tokio::time::timeout(IDLE, field.chunk()).await {
            Ok(Ok(Some(bytes))) => Some((Ok(bytes), field)),
            Ok(Ok(None)) => None,
            Ok(Err(error)) => Some((Err(error.to_string()), field)),
            Err(_) => Some((Err(format!("no byte for {} s", IDLE.as_secs())), field)),
        }
    })
}

async fn rejects_of_upload(
    State(web): State<Web>,
    Extension(caller): Extension<Caller>,
    info: Option<Extension<ShellInfo>>,
    Path((app, upload)): Path<(String, String)>,
) -> Response {
    let (Some(app), Some(id)) = (AppId::parse(&app), UploadId::parse(&upload)) else { return StatusCode::NOT_FOUND.into_response() };
    let who = match asked(&caller, Permission::Operate, Some(&app)) {
        Ok(who) => who,
        Err(refusal) => return refusal.into_response(),
    };
    let lang = info.map(|info| info.0.lang).unwrap_or_default();
    let found = async {
        let rows = web.house.crowds.rejects_of_upload(app_no(&web.house, &app).await?, &id, lang).await?;
        audit(&web.house, &actor(&caller, &who), "crowd.rejects", id.as_str(), Some(&app), None, None).await?;
        Ok(rows)
    };
    download(found.await)
}

async fn rejects_of_crowd(
    State(web): State<Web>,
    Extension(caller): Extension<Caller>,
    info: Option<Extension<ShellInfo>>,
    Path((app, crowd)): Path<(String, String)>,
) -> Response {
    let (Some(app), Some(id)) = (AppId::parse(&app), CrowdId::parse(&crowd)) else { return StatusCode::NOT_FOUND.into_response() };
    let who = match asked(&caller, Permission::SeeRecipients, Some(&app)) {
        Ok(who) => who,
        Err(refusal) => return refusal.into_response(),
    };
    let lang = info.map(|info| info.0.lang).unwrap_or_default();
    let found = async {
        let rows = web.house.crowds.rejects_of_crowd(app_no(&web.house, &app).await?, &id, lang).await?;
        audit(&web.house, &actor(&caller, &who), "crowd.rejects", id.as_str(), Some(&app), None, None).await?;
        Ok(rows)
    };
    download(found.await)
}

fn download(found: Result<impl Stream<Item = Result<Bytes, StorageError>> + Send + 'static, Problem>) -> Response {
    match found {
        Ok(rows) => {
            let mut response = Body::from_stream(rows).into_response();
            let headers = response.headers_mut();
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8"));
            headers.insert(header::CONTENT_DISPOSITION, HeaderValue::from_static("attachment; filename=\"rejects.csv\""));
            response
        }
        Err(problem) => StatusCode::from_u16(problem.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR).into_response(),
    }
}
