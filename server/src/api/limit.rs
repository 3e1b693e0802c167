//! How often an app may call, asked of the house's limiter: so that one app's loop is not every app's trouble.

use std::time::Duration;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use types::problem::{Code, Problem};
use types::text::Words;

use super::Api;
use super::caller::By;
use super::frame::Failure;

/// Calls a second and app; 0 = no limit.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Signed calls.
    pub calls: u32,
    /// Reports and registrations by client key.
    pub client_calls: u32,
}

impl Limits {
    pub const NONE: Limits = Limits { calls: 0, client_calls: 0 };
}

/// A short crowd at the door is let in one by one; who would stand longer than all of these is sent away.
const PATIENCE: [Duration; 3] = [Duration::from_millis(10), Duration::from_millis(40), Duration::from_millis(150)];

/// # Errors
/// `TooManyRequests` with `Retry-After`.
pub async fn admit(api: &Api, what: &str, app_no: i64, rate: u32) -> Result<(), Failure> {
    if rate == 0 {
        return Ok(());
    }
    let key = format!("{what}/{app_no}");
    let mut patience = PATIENCE.into_iter();
    loop {
        let Err(wait) = api.house.coordination.limiter.take(&key, f64::from(rate), 1).await else { return Ok(()) };
        let Some(pause) = patience.next() else {
            let seconds = wait.as_secs() + 1;
            let detail = Words::new(
                format!("本应用每秒最多 {rate} 次调用；请 {seconds} 秒后再试，可原样重发"),
                format!("this app may call {rate} times a second; try again in {seconds} s, the same request will do"),
            );
            return Err(Failure::later(Problem::because(Code::TooManyRequests, detail), seconds));
        };
        tokio::time::sleep(pause.max(wait)).await;
    }
}

/// For calls by client key. A key nobody has is the handler's to refuse.
pub async fn clients(State(api): State<Api>, request: Request, next: Next) -> Response {
    let key = request.headers().get("x-client-key").and_then(|v| v.to_str().ok()).unwrap_or_default().to_owned();
    match admit_client(&api, &key).await {
        Ok(()) => next.run(request).await,
        Err(failure) => failure.into_response(),
    }
}

async fn admit_client(api: &Api, key: &str) -> Result<(), Failure> {
    match api.callers.find(By::ClientKey, key).await? {
        Some(caller) => admit(api, "client", caller.app.no, api.limits.client_calls).await,
        None => Ok(()),
    }
}
