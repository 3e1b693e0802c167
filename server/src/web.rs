//! HTTP: console pages and server functions, plain forms, health, static files, and what other rooms add.
//!
//! ```text
//! outer(request id, address, security headers, log)
//!   open_routes                       API, client reports, vendor callbacks, docs: own authentication
//!   csrf -> session -> know -> door   everything a browser with a cookie may reach
//!     console (2 MiB bodies, time-out)   pages, /api server functions, /session forms, /preferences
//!     signed_in_routes                   uploads, downloads, event streams, charts: own limits
//! ```

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use app::ports::{Caller, Ports};
use app::routes::{self, Door};
use app::ui::posted::Posted;
use axum::Router;
use axum::extract::{ConnectInfo, Query, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use leptos::prelude::{LeptosOptions, provide_context, use_context};
use leptos_axum::LeptosRoutes;
use metrics_exporter_prometheus::PrometheusHandle;
use pipeline::house::House;
use serde::Deserialize;
use tokio_util::sync::CancellationToken;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::csrf::CsrfLayer;
use tower_http::limit::RequestBodyLimitLayer;
use tower_http::services::ServeDir;
use tower_http::set_header::SetResponseHeaderLayer;
use tower_http::timeout::TimeoutLayer;
use types::ids::AppId;
use types::text::Lang;
use types::views::shell::{AppBrief, PersonBrief, ShellInfo, Theme, ZoneTable};

use crate::api::limit::Limits;
use crate::passwords::{Passwords, Throttle};
use crate::settings::Settings;
use crate::site::FoundSite;
use crate::{console, second_step, session};

/// Largest form or server-function body.
pub const CONSOLE_BODY: usize = 2 * 1024 * 1024;
/// Largest form posted to its own page.
const POSTED_MAX: usize = 256 * 1024;
const YEAR_SECONDS: u32 = 31_536_000;

/// What every handler may need; cheap to clone.
#[derive(Clone)]
pub struct Web(Arc<Inner>);

pub struct Inner {
    pub house: Arc<House>,
    pub settings: Settings,
    pub site: FoundSite,
    pub zone: ZoneTable,
    pub ports: Ports,
    pub passwords: Passwords,
    pub throttle: Throttle,
    pub metrics: Option<PrometheusHandle>,
    pub returned: crate::returned::Waiting,
    /// Recovery codes just made, until their page showed them.
    pub recovery: Arc<console::once::Once<Vec<String>>>,
    /// The door is being shut: streams end.
    pub stop: CancellationToken,
    /// This node is on its way out: readiness fails.
    pub leaving: CancellationToken,
}

impl std::ops::Deref for Web {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl Web {
    /// # Errors
    /// When the zone is unknown or the password hasher cannot be made.
    pub fn new(
        house: Arc<House>,
        settings: Settings,
        site: FoundSite,
        metrics: Option<PrometheusHandle>,
        stop: CancellationToken,
    ) -> anyhow::Result<Web> {
        let zone = crate::zone::table(&settings.console.zone, house.world.now())?;
        let passwords = Passwords::new(house.world.clone())?;
        let recovery = Arc::default();
        let ports = console::ports(&house, &settings, &recovery);
        Ok(Web(Arc::new(Inner {
            house,
            settings,
            site,
            zone,
            ports,
            passwords,
            throttle: Throttle::default(),
            metrics,
            returned: Default::default(),
            recovery,
            stop,
            leaving: CancellationToken::new(),
        })))
    }

    /// What the frame of a page shows to this caller.
    async fn shell_info(&self, caller: &Caller, headers: &HeaderMap, path: &str) -> Result<ShellInfo, app::error::AppError> {
        let apps: Vec<AppBrief> = match &caller.who {
            Some(who) => self.ports.shell.apps(who).await?,
            None => Vec::new(),
        };
        let named = routes::app_in(path).and_then(AppId::parse);
        let remembered = cookie(headers, "app").and_then(AppId::parse);
        let selected = [named, remembered]
            .into_iter()
            .flatten()
            .find(|id| apps.iter().any(|a| a.id == *id))
            .or_else(|| apps.first().map(|a| a.id.clone()));
        let accept = headers.get(header::ACCEPT_LANGUAGE).and_then(|v| v.to_str().ok());
        Ok(ShellInfo {
            lang: cookie(headers, "lang").and_then(Lang::read).or_else(|| accept.and_then(Lang::read)).unwrap_or_default(),
            theme: cookie(headers, "theme").and_then(Theme::parse).unwrap_or_default(),
            person: caller.who.as_ref().map(|who| PersonBrief {
                id: who.id.clone(),
                name: who.name.clone(),
                email: who.email.clone(),
                rights: who.rights.clone(),
            }),
            apps,
            selected,
            zone: self.zone.clone(),
            now: self.house.world.now(),
            returned: None,
            laboratory: self.settings.simulator_url.is_some(),
        })
    }
}

/// The value of one cookie of ours.
pub fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|v| v.to_str().ok())
        .flat_map(|line| line.split(';'))
        .find_map(|pair| pair.trim().strip_prefix(name)?.strip_prefix('='))
}

/// Routes with an authentication of their own: the signed API, client reports, vendor callbacks, API pages. One line a room.
fn open_routes(web: &Web) -> Router {
    let limits = Limits { calls: web.settings.web.calls_per_second, client_calls: web.settings.web.client_calls_per_second };
    crate::api::router(web.house.clone(), limits)
}

/// Routes for signed-in people with limits of their own: uploads, downloads, event streams, charts. One line a room; each asks
/// [`console::asked`] for its permission first.
fn signed_in_routes(web: &Web) -> Router {
    console::crowds::routes(web)
        .merge(console::blacklist::routes(web))
        .merge(console::dead_letters::routes(web))
        .merge(console::log::routes(web))
        .merge(crate::live::routes(web))
        .merge(console::outcomes::routes(web))
        .merge(console::workbench::routes(web))
        .merge(crate::charts::routes(console::books::BooksConsole::new(web.house.clone(), &web.settings)))
}

/// The whole application.
///
/// # Panics
/// Never: a public address that is no origin was refused with the settings.
pub fn router(web: &Web) -> Router {
    let csrf = match web.settings.public_url.as_deref() {
        Some(origin) => CsrfLayer::new().add_trusted_origin(origin).unwrap_or_else(|error| {
            tracing::warn!(%error, origin, "public_url is no origin; cross-site checks use the Host header alone");
            CsrfLayer::new()
        }),
        None => CsrfLayer::new(),
    };
    let timeout = Duration::from_secs(web.settings.web.timeout_seconds);
    let console = console_routes(web)
        .layer(from_fn_with_state(web.clone(), crate::returned::keep))
        .layer(RequestBodyLimitLayer::new(CONSOLE_BODY))
        .layer(TimeoutLayer::with_status_code(StatusCode::GATEWAY_TIMEOUT, timeout));
    let people = &web.house.storage.people;
    let behind_session = console
        .merge(signed_in_routes(web))
        .layer(from_fn_with_state(web.clone(), door))
        .layer(from_fn_with_state(web.clone(), session::know))
        .layer(session::layer(people.clone(), web.house.world.clone(), web.settings.secure()))
        .layer(csrf);
    let health = Router::new()
        .route("/livez", get(async || "ok\n"))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics_page))
        .with_state(web.clone());
    let roles = web.house.roles();
    let mut all = health;
    if roles.console {
        all = all.merge(behind_session).nest_service("/pkg", package(web));
    }
    if roles.api {
        all = all.merge(open_routes(web));
    }
    all.layer(CatchPanicLayer::new()).layer(from_fn_with_state(web.clone(), outer))
}

/// Hashed names never change: kept for a year.
fn package(web: &Web) -> Router {
    let files = ServeDir::new(web.site.folder.join("pkg")).precompressed_br().precompressed_gzip();
    let keep = HeaderValue::from_str(&format!("public, max-age={YEAR_SECONDS}, immutable")).unwrap_or(HeaderValue::from_static("public"));
    Router::new().fallback_service(files).layer(SetResponseHeaderLayer::overriding(header::CACHE_CONTROL, keep))
}

fn console_routes(web: &Web) -> Router {
    let options = LeptosOptions::builder().output_name("carillon").build();
    let site = web.site.names.clone();
    let ports = web.ports.clone();
    let context = move || {
        provide_context(ports.clone());
        let info = use_context::<http::request::Parts>().and_then(|parts| parts.extensions.get::<ShellInfo>().cloned());
        if let Some(info) = info {
            provide_context(info);
        }
    };
    let app_fn = {
        let site = site.clone();
        move || app::shell(site.clone())
    };
    let pages = leptos_axum::generate_route_list(app::App);
    let anything = leptos_axum::render_app_async_with_context(context.clone(), app_fn.clone());
    let written_anew = anything.clone();
    // Plain pages whose form is posted to the page itself, for its text is too long for an address. Nothing is stored by it.
    let posted = move |request: Request| {
        let page = written_anew.clone();
        async move {
            let (mut parts, body) = request.into_parts();
            let Ok(bytes) = axum::body::to_bytes(body, POSTED_MAX).await else { return StatusCode::PAYLOAD_TOO_LARGE.into_response() };
            let Ok(text) = String::from_utf8(bytes.to_vec()) else { return StatusCode::BAD_REQUEST.into_response() };
            parts.extensions.insert(Posted(text));
            page(Request::from_parts(parts, axum::body::Body::empty())).await
        }
    };
    let folder = web.site.folder.clone();
    let fallback = move |request: Request| {
        let anything = anything.clone();
        let folder = folder.clone();
        async move {
            let is_file = request.uri().path().rsplit('/').next().is_some_and(|name| name.contains('.'));
            if !is_file {
                return anything(request).await;
            }
            // Files at the root of the site (icons); a service never fails, it answers 404.
            match tower::ServiceExt::oneshot(ServeDir::new(folder).append_index_html_on_directories(false), request).await {
                Ok(response) => response.map(axum::body::Body::new),
                Err(never) => match never {},
            }
        }
    };
    let forms: Router<LeptosOptions> = Router::new()
        .route("/session/sign-in", post(session::sign_in))
        .route("/session/sign-out", post(session::sign_out))
        .route("/session/first", post(session::first))
        .route("/session/link", post(session::by_link))
        .route("/session/password", post(session::password))
        .route("/session/code", post(second_step::code))
        .route("/session/second-step/prepare", post(second_step::prepare))
        .route("/session/second-step/confirm", post(second_step::confirm))
        .route("/session/second-step/end", post(second_step::end))
        .route("/preferences", get(preferences))
        .with_state(web.clone());
    let forms = forms.route("/apps/{app}/copies/{id}/workbench", post(posted));
    Router::new().leptos_routes_with_context(&options, pages, context, app_fn).merge(forms).fallback(fallback).with_state(options)
}

#[derive(Deserialize)]
struct Preferences {
    lang: Option<String>,
    theme: Option<String>,
    #[serde(default)]
    back: String,
}

/// Language and theme, kept in cookies for a year; works without scripts.
async fn preferences(State(web): State<Web>, Query(wish): Query<Preferences>) -> Response {
    let mut response = Redirect::to(session::own_path(&wish.back)).into_response();
    let secure = if web.settings.secure() { "; Secure" } else { "" };
    let lang = wish.lang.as_deref().and_then(Lang::read).map(|l| ("lang", if l == Lang::Zh { "zh" } else { "en" }));
    let theme = wish.theme.as_deref().and_then(Theme::parse).map(|t| ("theme", t.slug()));
    for (name, value) in [lang, theme].into_iter().flatten() {
        set_cookie(&mut response, &format!("{name}={value}; Path=/; Max-Age={YEAR_SECONDS}; SameSite=Lax{secure}"));
    }
    response
}

fn set_cookie(response: &mut Response, line: &str) {
    if let Ok(value) = HeaderValue::from_str(line) {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
}

/// The peer, or what a trusted proxy says.
fn address(web: &Web, request: &Request) -> String {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|c| c.0.ip().to_string());
    let forwarded = web
        .settings
        .web
        .forwarded
        .then(|| request.headers().get("x-forwarded-for").and_then(|v| v.to_str().ok()))
        .flatten()
        .and_then(|list| list.rsplit(',').next())
        .and_then(|last| last.trim().parse::<std::net::IpAddr>().ok())
        .map(|ip| ip.to_string());
    forwarded.or(peer).unwrap_or_else(|| "unknown".to_owned())
}

/// Outermost: names the request, notes where it comes from, sets the headers every answer carries.
async fn outer(State(web): State<Web>, mut request: Request, next: Next) -> Response {
    let request_id = format!("req_{}", hex::encode(web.house.world.id()));
    let agent = request.headers().get(header::USER_AGENT).and_then(|v| v.to_str().ok()).unwrap_or_default().chars().take(200).collect();
    let caller = Caller { who: None, address: address(&web, &request), agent, session: None, request_id: request_id.clone() };
    request.extensions_mut().insert(caller);
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let started = tokio::time::Instant::now();
    let mut response = next.run(request).await;
    let status = response.status();
    let elapsed = started.elapsed();
    metrics::histogram!(pipeline::telemetry::HTTP_REQUEST_SECONDS).record(elapsed.as_secs_f64());
    metrics::counter!(pipeline::telemetry::HTTP_REQUESTS, "status" => status.as_str().to_owned()).increment(1);
    tracing::debug!(%request_id, %method, path, status = status.as_u16(), ms = elapsed.as_millis(), "answered");
    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::from_str(&request_id) {
        headers.insert("x-request-id", value);
    }
    let fixed: [(HeaderName, &'static str); 6] = [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "same-origin"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
        (HeaderName::from_static("x-permitted-cross-domain-policies"), "none"),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if web.settings.secure() {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000; includeSubDomains"));
    }
    // Pages set their own with a nonce; everything else may load nothing.
    headers
        .entry(header::CONTENT_SECURITY_POLICY)
        .or_insert(HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"));
    response
}

/// Asks for every page: may this caller open it? Also leads `/` on, and gathers what the frame shows.
async fn door(State(web): State<Web>, mut request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    let Some(caller) = request.extensions().get::<Caller>().cloned() else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    // Server functions and plain forms ask for themselves.
    if path.starts_with("/api/") || path.starts_with("/session/") || path == "/preferences" {
        return next.run(request).await;
    }
    let info = match web.shell_info(&caller, request.headers(), &path).await {
        Ok(mut info) => {
            info.returned = web.take_returned(&caller, request.uri().query());
            info
        }
        Err(error) => {
            tracing::error!(%error, "gathering the frame of a page");
            return StatusCode::SERVICE_UNAVAILABLE.into_response();
        }
    };
    if let Some(page) = routes::find(&path) {
        let Some(who) = &caller.who else {
            if page.door == Door::Open {
                request.extensions_mut().insert(info);
                return no_store(next.run(request).await);
            }
            let wanted = request.uri().path_and_query().map_or("/", |p| p.as_str());
            let query = serde_urlencoded::to_string([("next", wanted)]).unwrap_or_default();
            return no_store(Redirect::to(&format!("/sign-in?{query}")).into_response());
        };
        let named = routes::app_in(&path).and_then(AppId::parse);
        let allowed = match page.door {
            Door::Open | Door::SignedIn => true,
            Door::Needs(permission) => who.rights.may(permission, named.as_ref()),
            Door::NeedsSomewhere(permission) => {
                who.rights.may(permission, None) || who.rights.apps.values().any(|role| role.may(permission))
            }
        };
        // An app that is not there and one that may not be seen look the same.
        let app_there = !page.path.contains(":app") || named.as_ref().is_some_and(|id| info.apps.iter().any(|a| a.id == *id));
        if !allowed || !app_there {
            return no_store(Redirect::to("/forbidden").into_response());
        }
        if path == "/"
            && let Some(app) = &info.selected
            && let Some(home) = home(who, app)
        {
            return no_store(Redirect::to(&home).into_response());
        }
    }
    let remember = routes::app_in(&path).filter(|id| cookie(request.headers(), "app") != Some(id)).map(str::to_owned);
    request.extensions_mut().insert(info);
    let mut response = next.run(request).await;
    if let Some(id) = remember {
        let secure = if web.settings.secure() { "; Secure" } else { "" };
        set_cookie(&mut response, &format!("app={id}; Path=/; Max-Age={YEAR_SECONDS}; SameSite=Lax; HttpOnly{secure}"));
    }
    no_store(response)
}

/// Pages hold people's data: no cache keeps them.
fn no_store(mut response: Response) -> Response {
    response.headers_mut().entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

/// The first page of the menu that this person may open in an app.
fn home(who: &app::ports::Who, app: &AppId) -> Option<String> {
    routes::PAGES
        .iter()
        .filter(|p| p.menu.is_some() && p.path.contains(":app"))
        .find(|p| matches!(p.door, Door::Needs(permission) if who.rights.may(permission, Some(app))))
        .and_then(|p| p.href(Some(app.as_str())))
}

/// Ready = the store answers and we are not on the way out. `?verbose` names the checks.
async fn ready(State(web): State<Web>, request: Request) -> Response {
    let stopping = web.leaving.is_cancelled();
    let store = web.house.storage.apps.list().await;
    let verbose = request.uri().query().is_some_and(|q| q.contains("verbose"));
    let text = if verbose {
        format!(
            "store: {}\nmigrations: {}\nother nodes: {}\nstopping: {}\n",
            if store.is_ok() { "ok" } else { "failed" },
            if store.is_ok() { "ok" } else { "unknown" },
            // Not heard, this node still serves, with its share of every limit.
            if web.house.coordination.nodes.linked() { "heard" } else { "not heard" },
            if stopping { "yes" } else { "no" }
        )
    } else {
        String::from(if store.is_ok() && !stopping { "ok\n" } else { "not ready\n" })
    };
    if let Err(error) = &store {
        tracing::warn!(%error, "not ready");
    }
    (if store.is_ok() && !stopping { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }, text).into_response()
}

/// For scrapers on this machine or a private network; never through a proxy.
async fn metrics_page(State(web): State<Web>, request: Request) -> Response {
    let near = request.extensions().get::<ConnectInfo<SocketAddr>>().is_some_and(|c| match c.0.ip() {
        std::net::IpAddr::V4(ip) => ip.is_loopback() || ip.is_private(),
        std::net::IpAddr::V6(ip) => ip.is_loopback() || ip.is_unique_local(),
    });
    let proxied = request.headers().contains_key("x-forwarded-for") || request.headers().contains_key("forwarded");
    match &web.metrics {
        Some(handle) if near && !proxied => {
            if let Err(error) = web.house.measure().await {
                tracing::warn!(%error, "lanes could not be measured");
            }
            handle.render().into_response()
        }
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}
