//! Forms posted without scripts and refused: what was typed waits here, in memory, for the one page that shows it again.

use app::pages::KEPT;
use app::ports::Caller;
use app::ui::returned::RETURNED;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use types::problem::Problem;
use types::views::shell::Returned;

use crate::console::once::Once;
use crate::web::{CONSOLE_BODY, Web};

/// Larger forms are not kept.
const FIELDS_MAX: usize = 64 * 1024;

/// Waiting forms; the key names the person too, so that nobody sees another's.
pub type Waiting = Once<Returned>;

fn key(caller: &Caller, id: &str) -> String {
    format!("{} {id}", caller.who.as_ref().map_or("", |who| who.id.as_str()))
}

impl Web {
    /// Keeps what came back and answers its id for the query of the next page.
    pub fn keep_returned(&self, caller: &Caller, to: &str, fields: String, problem: Option<Problem>) -> String {
        let id = hex::encode(self.house.world.id());
        let back = Returned { id: id.clone(), to: to.to_owned(), fields, problem };
        self.returned.put(key(caller, &id), back, self.house.world.now());
        id
    }

    /// What the query of a page asks for, once.
    pub fn take_returned(&self, caller: &Caller, query: Option<&str>) -> Option<Returned> {
        let id = query?.split('&').find_map(|pair| pair.strip_prefix(RETURNED)?.strip_prefix('='))?;
        self.returned.take(&key(caller, id), self.house.world.now())
    }
}

/// `address` with the id of what came back, in place of an older one.
fn with_id(address: &str, id: &str) -> String {
    let (path, query) = address.split_once('?').unwrap_or((address, ""));
    let old = format!("{RETURNED}=");
    let kept = query.split('&').filter(|pair| !pair.is_empty() && !pair.starts_with(&old));
    let pairs: Vec<&str> = kept.collect();
    let rest = pairs.iter().map(|pair| format!("{pair}&")).collect::<String>();
    format!("{path}?{rest}{RETURNED}={id}")
}

/// A form of the list, posted by a browser without scripts.
fn is_plain(request: &Request) -> bool {
    let says = |name| request.headers().get(name).and_then(|v: &HeaderValue| v.to_str().ok()).unwrap_or_default();
    request.method() == Method::POST
        && KEPT.contains(&request.uri().path())
        && says(header::ACCEPT).contains("text/html")
        && says(header::CONTENT_TYPE).starts_with("application/x-www-form-urlencoded")
}

/// Around the server functions: a refused plain post takes its fields along.
pub async fn keep(State(web): State<Web>, request: Request, next: Next) -> Response {
    let plain = is_plain(&request);
    let path = request.uri().path().to_owned();
    let caller = request.extensions().get::<Caller>().cloned();
    let (true, Some(caller)) = (plain, caller) else { return next.run(request).await };
    let (parts, body) = request.into_parts();
    let Ok(bytes) = to_bytes(body, CONSOLE_BODY).await else { return StatusCode::PAYLOAD_TOO_LARGE.into_response() };
    let mut response = next.run(Request::from_parts(parts, Body::from(bytes.clone()))).await;
    let back = response.headers().get(header::LOCATION).and_then(|v| v.to_str().ok()).filter(|to| to.contains("__err=")).map(str::to_owned);
    if let (Some(back), Ok(fields)) = (back.filter(|_| bytes.len() <= FIELDS_MAX), String::from_utf8(bytes.to_vec())) {
        let id = web.keep_returned(&caller, &path, fields, None);
        if let Ok(value) = HeaderValue::from_str(&with_id(&back, &id)) {
            response.headers_mut().insert(header::LOCATION, value);
        }
    }
    response
}

#[cfg(test)]
mod tests {
    use super::with_id;

    #[test]
    fn the_newest_id_stands_alone() {
        assert_eq!(with_id("/a", "2"), "/a?returned=2");
        assert_eq!(with_id("http://h/a?x=1&returned=1&__err=e", "2"), "http://h/a?x=1&__err=e&returned=2");
    }
}
