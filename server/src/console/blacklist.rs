//! A blacklist file going up: a plain multipart form, led back to the policy page with what became of it.

use app::ports::Caller;
use app::ui::returned::RETURNED;
use axum::extract::{DefaultBodyLimit, Multipart, Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::post;
use axum::{Extension, Router};
use pipeline::access::blacklist::BlacklistFile;
use types::ids::AppId;
use types::people::Permission;
use types::problem::{Code, Problem};
use types::text::{Text, Words};
use types::views::policy::FileReport;

use super::{Actor, asked};
use crate::web::Web;

pub fn routes(web: &Web) -> Router {
    // The desk counts the bytes itself and refuses in words.
    Router::new().route("/apps/{app}/policy/file", post(receive).layer(DefaultBodyLimit::disable())).with_state(web.clone())
}

async fn receive(State(web): State<Web>, Extension(caller): Extension<Caller>, Path(app): Path<String>, form: Multipart) -> Response {
    let Some(app) = AppId::parse(&app) else { return StatusCode::NOT_FOUND.into_response() };
    let who = match asked(&caller, Permission::Operate, Some(&app)) {
        Ok(who) => who,
        Err(refusal) => return refusal.into_response(),
    };
    let actor = Actor {
        id: who.id.as_str().to_owned(),
        name: who.name.clone(),
        address: caller.address.clone(),
        request_id: caller.request_id.clone(),
    };
    let to = format!("/apps/{app}/policy/file");
    // Both ways lead back to the page: with the report, or with the refusal.
    let id = match take(&web, &app, form, &actor).await {
        Ok(report) => web.keep_returned(&caller, &to, serde_json::to_string(&report).unwrap_or_default(), None),
        Err(problem) => web.keep_returned(&caller, &to, String::new(), Some(problem)),
    };
    Redirect::to(&format!("/apps/{app}/policy?{RETURNED}={id}#blacklist")).into_response()
}

async fn take(web: &Web, app: &AppId, mut form: Multipart, actor: &Actor) -> Result<FileReport, Problem> {
    let found = super::copies::app_of(&web.house, app).await.map_err(|error| error.problem)?;
    let unreadable =
        |_| Problem::because(Code::InvalidBody, Words::new("上传的内容不完整，请重新上传", "the upload is incomplete; send it again"));
    let mut file = BlacklistFile::default();
    // Group and reason stand before the file in the form: it is not kept until all of it came.
    while let Some(field) = form.next_field().await.map_err(unreadable)? {
        match field.name() {
            Some("group") => file.group = field.text().await.map_err(unreadable)?.trim().to_owned(),
            Some("reason") => file.reason = field.text().await.map_err(unreadable)?.trim().to_owned(),
            Some("file") => {
                file.name = field.file_name().unwrap_or_default().to_owned();
                if file.name.is_empty() {
                    break;
                }
                let folder = web.house.data_dir.join("uploads");
                return web.house.policy.block_file(&found, &folder, file, super::crowds::parts(field), actor).await;
            }
            _ => {}
        }
    }
    Err(Problem::field("file", Text::new("请选择一个文件", "choose a file")))
}
