//! Event streams of live pages: one JSON a second while something moves, then the last one and the end.

use std::convert::Infallible;
use std::time::Duration;

use app::ports::Caller;
use axum::extract::{Path, State};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::routing::get;
use axum::{Extension, Router};
use futures::{Stream, stream};
use types::ids::{AppId, CampaignId};
use types::people::Permission;
use types::problem::{Code, Problem};

use crate::console::asked;
use crate::problem::ProblemAnswer;
use crate::web::Web;

const EVERY: Duration = Duration::from_secs(1);
/// The page opens a new stream then, and its session is looked at again.
const LONGEST: u32 = 600;

pub fn routes(web: &Web) -> Router {
    Router::new().route("/live/apps/{app}/campaigns/{id}", get(campaign)).with_state(web.clone())
}

async fn campaign(
    State(web): State<Web>,
    Extension(caller): Extension<Caller>,
    Path((app, id)): Path<(String, String)>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, ProblemAnswer> {
    let app = AppId::parse(&app);
    // Who is not signed in learns nothing about ids.
    asked(&caller, Permission::See, app.as_ref())?;
    let missing = || ProblemAnswer { problem: Problem::new(Code::NotFound), request_id: caller.request_id.clone() };
    let app = app.ok_or_else(missing)?;
    let id = CampaignId::parse(&id).ok_or_else(missing)?;
    // A campaign that is not there is a 404, not an empty stream.
    web.ports
        .campaigns
        .progress(&app, &id)
        .await
        .map_err(|e| ProblemAnswer { problem: e.problem, request_id: caller.request_id.clone() })?;
    let stop = web.stop.clone();
    let events = stream::unfold(Some(0_u32), move |round| {
        let (web, app, id, stop) = (web.clone(), app.clone(), id.clone(), stop.clone());
        async move {
            let round = round?;
            if round > 0 {
                tokio::select! {
                    () = tokio::time::sleep(EVERY) => {}
                    () = stop.cancelled() => return None,
                }
            }
            let progress = web.ports.campaigns.progress(&app, &id).await.ok()?;
            let event = Event::default().json_data(&progress).ok()?;
            Some((Ok(event), (progress.is_moving() && round < LONGEST).then_some(round + 1)))
        }
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::default()))
}
