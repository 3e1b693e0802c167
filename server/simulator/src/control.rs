//! The control API, plain HTTP under `/simulator/`: accounts, dials, ledger, receipts (`docs/simulator.md`).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use types::vendor::Vendor;

use crate::dials::{Dials, Scenario, VENDORS, patched, vendor_named};
use crate::scripts::{self, Order};
use crate::twin::Twin;
use crate::{Account, Trouble};

/// What the control API can show besides the twin itself.
pub(crate) struct Desk {
    pub(crate) twin: Arc<Twin>,
    pub(crate) ca_pem: String,
    pub(crate) base_urls: BTreeMap<&'static str, String>,
    pub(crate) stop: CancellationToken,
}

const BODY_CAP: usize = 1024 * 1024;

pub(crate) async fn listen(listener: TcpListener, desk: Arc<Desk>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            () = desk.stop.cancelled() => break,
            accepted = listener.accept() => {
                if let Ok((tcp, _)) = accepted {
                    let desk = Arc::clone(&desk);
                    connections.spawn(async move {
                        let served = crate::wire::serve_plain(tcp, |request| answer(Arc::clone(&desk), request)).await;
                        if let Err(e) = served {
                            tracing::debug!(error = %e, "a control connection ended");
                        }
                    });
                }
            }
            Some(_) = connections.join_next() => {}
        }
    }
    connections.shutdown().await;
}

/// Status and what went wrong, or a value.
type Outcome = Result<Value, (StatusCode, String)>;

fn bad(why: impl ToString) -> (StatusCode, String) {
    (StatusCode::BAD_REQUEST, why.to_string())
}

async fn answer(desk: Arc<Desk>, request: Request<Incoming>) -> Response<Full<Bytes>> {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path().to_owned();
    if path == "/simulator/ca.pem" && parts.method == Method::GET {
        return respond(StatusCode::OK, "application/x-pem-file", desk.ca_pem.clone());
    }
    let outcome = match Limited::new(body, BODY_CAP).collect().await {
        Ok(body) => handle(&desk, &parts.method, &path, parts.uri.query().unwrap_or_default(), &body.to_bytes()),
        Err(_) => Err((StatusCode::PAYLOAD_TOO_LARGE, format!("the body is over {BODY_CAP} bytes"))),
    };
    match outcome {
        Ok(value) => respond(StatusCode::OK, "application/json", value.to_string()),
        Err((status, why)) => respond(status, "application/json", json!({ "error": why }).to_string()),
    }
}

fn respond(status: StatusCode, kind: &'static str, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

fn handle(desk: &Desk, method: &Method, path: &str, query: &str, body: &[u8]) -> Outcome {
    let Some(rest) = path.strip_prefix("/simulator/") else { return Err((StatusCode::NOT_FOUND, "the API is under /simulator/".into())) };
    let parts: Vec<&str> = rest.split('/').collect();
    let query: BTreeMap<String, String> = serde_urlencoded::from_str(query).map_err(bad)?;
    let twin = &desk.twin;
    match (method.as_str(), parts.as_slice()) {
        ("GET", ["state"]) => Ok(state(desk)),
        ("GET", ["accounts"]) => Ok(json!(twin.accounts().listed().iter().map(Account::masked).collect::<Vec<_>>())),
        ("POST", ["accounts"]) => {
            let account: Account = parse(body)?;
            let identity = account.identity();
            twin.add_account(account).map_err(bad)?;
            Ok(json!({ "identity": identity }))
        }
        ("DELETE", ["accounts", vendor, identity @ ..]) => {
            let removed = twin.remove_account(vendor_of(vendor)?, &identity.join("/")).map_err(bad)?;
            if removed { Ok(json!({ "removed": true })) } else { Err((StatusCode::NOT_FOUND, "no such account".into())) }
        }
        ("GET", ["dials", vendor]) => Ok(json!(*twin.dials(vendor_of(vendor)?))),
        ("PUT", ["dials", vendor]) => set(twin, vendor_of(vendor)?, parse(body)?),
        ("PATCH", ["dials", vendor]) => {
            let vendor = vendor_of(vendor)?;
            let patch: Map<String, Value> = parse(body)?;
            set(twin, vendor, patched(&twin.dials(vendor), &patch).map_err(bad)?)
        }
        ("POST", ["scenario"]) => {
            let text = std::str::from_utf8(body).map_err(bad)?;
            play(twin, Scenario::read(text).map_err(bad)?, &desk.stop).map_err(bad)?;
            Ok(json!({ "playing": true }))
        }
        ("GET", ["scripts"]) => Ok(json!(twin.scripts.listed())),
        ("POST", ["scripts"]) => {
            let order: Order = parse(body)?;
            if order.steps.is_empty() {
                return Err(bad("steps: none"));
            }
            Ok(json!({ "id": scripts::start(twin, order, &desk.stop).map_err(bad)? }))
        }
        ("POST", ["scripts", id, "stop"]) => {
            let id = id.parse().map_err(|_| bad("a script has a number"))?;
            let stopped = twin.scripts.stop(twin, id).map_err(bad)?;
            if stopped { Ok(json!({ "stopped": true })) } else { Err((StatusCode::NOT_FOUND, "no such script plays".into())) }
        }
        ("POST", ["receipts"]) => by_hand(twin, parse(body)?),
        ("POST", ["passes", vendor, "expire"]) => Ok(json!({ "expired": twin.kit.expire(vendor_of(vendor)?, twin.clock.millis()) })),
        ("POST", ["clock"]) => {
            #[derive(Deserialize)]
            struct Ahead {
                advance_ms: u64,
            }
            let ahead: Ahead = parse(body)?;
            twin.clock.advance(Duration::from_millis(ahead.advance_ms));
            Ok(json!({ "now": twin.clock.millis() }))
        }
        ("POST", ["reset"]) => {
            twin.reset().map_err(|e| (StatusCode::INTERNAL_SERVER_ERROR, e.to_string()))?;
            Ok(json!({ "reset": true }))
        }
        ("GET", ["ledger", what @ ..]) => ledger(twin, what, &query),
        _ => Err((StatusCode::NOT_FOUND, format!("{method} {path} is not part of the control API"))),
    }
}

fn ledger(twin: &Twin, what: &[&str], query: &BTreeMap<String, String>) -> Outcome {
    let ledger = &twin.ledger;
    let vendor = || query.get("vendor").map_or_else(|| Err(bad("vendor: which one? ?vendor=apns, xiaomi, …")), |v| vendor_of(v));
    let number =
        |name: &str, otherwise: u64| query.get(name).map_or(Ok(otherwise), |v| v.parse().map_err(|_| bad(format!("{name}: not a number"))));
    match what {
        ["counts"] => Ok(json!({ "total": ledger.len(), "taken": ledger.taken(), "counts": ledger.counts() })),
        ["answers"] => Ok(json!(ledger.answers())),
        ["repeats"] => Ok(json!(ledger.repeats(query.get("key").map(String::as_str)))),
        ["windows"] => Ok(json!(ledger.windows(vendor()?, number("limit", u64::MAX)?))),
        ["rates"] => Ok(json!(ledger.rates(vendor()?))),
        ["last"] => Ok(json!(ledger.last(usize::try_from(number("count", 20)?.min(10_000)).unwrap_or(20)))),
        ["tokens", token] => ledger
            .last_of(vendor()?, token)
            .map(|entry| json!(entry))
            .ok_or_else(|| (StatusCode::NOT_FOUND, "this token has received nothing".into())),
        _ => Err((StatusCode::NOT_FOUND, "ledger: counts, answers, repeats, windows, rates, last or tokens/{token}".into())),
    }
}

#[derive(Deserialize)]
struct ByHand {
    /// Absent: Xiaomi.
    vendor: Option<String>,
    /// For the others: `delivered`, `clicked`, `off`, `gone`, …, or a word of the vendor's own.
    #[serde(default)]
    kind: String,
    /// Jobkey or message id of a request the twin has accepted.
    key: String,
    targets: Vec<String>,
    /// The other fields of the manual: `type`, `barStatus`, `errorCode`, `replaceTarget`, `timestamp`, …
    #[serde(flatten)]
    content: Map<String, Value>,
}

fn by_hand(twin: &Twin, given: ByHand) -> Outcome {
    let vendor = given.vendor.as_deref().map_or(Ok(Vendor::Xiaomi), vendor_of)?;
    if vendor != Vendor::Xiaomi {
        let sent = twin.kit.sent_under(vendor, &given.key);
        let sent = sent.ok_or_else(|| (StatusCode::NOT_FOUND, format!("nothing was sent under `{}`", given.key)))?;
        if sent.url.is_empty() {
            return Err(bad("that request has no address for receipts"));
        }
        twin.told(&sent, &given.kind, &given.targets);
        return Ok(json!({ "id": sent.id, "callback": sent.url }));
    }
    let sent =
        twin.xiaomi.sent_under(&given.key).ok_or_else(|| (StatusCode::NOT_FOUND, format!("nothing was sent under `{}`", given.key)))?;
    if sent.callback.is_none() {
        return Err(bad("that message asked for no receipts (no extra.callback)"));
    }
    let mut content = given.content;
    content.insert("targets".into(), json!(given.targets.join(",")));
    content.entry("type").or_insert(json!(1));
    twin.receipt_by_hand(&sent, content);
    Ok(json!({ "id": sent.id, "callback": sent.callback }))
}

fn set(twin: &Twin, vendor: Vendor, dials: Dials) -> Outcome {
    twin.set_dials(vendor, dials).map_err(bad)?;
    Ok(json!(*twin.dials(vendor)))
}

fn parse<T: serde::de::DeserializeOwned>(body: &[u8]) -> Result<T, (StatusCode, String)> {
    serde_json::from_slice(body).map_err(bad)
}

fn vendor_of(text: &str) -> Result<Vendor, (StatusCode, String)> {
    vendor_named(text).ok_or_else(|| bad(format!("vendor: `{text}` is none of {}", VENDORS.map(Vendor::slug).join(", "))))
}

fn state(desk: &Desk) -> Value {
    let twin = &desk.twin;
    let dials: BTreeMap<&str, Value> = VENDORS.into_iter().map(|v| (v.slug(), json!(*twin.dials(v)))).collect();
    json!({
        "now": twin.clock.millis(),
        "base_urls": desk.base_urls,
        "accounts": twin.accounts().listed().iter().map(Account::masked).collect::<Vec<_>>(),
        "dials": dials,
        "ledger": { "total": twin.ledger.len(), "taken": twin.ledger.taken(), "answers": twin.ledger.answers() },
        "goaways": twin.goaways.load(std::sync::atomic::Ordering::Relaxed),
        "receipts": twin.mail.posted(),
    })
}

/// Sets up accounts and dials at once, then takes the steps in the background.
pub(crate) fn play(twin: &Arc<Twin>, scenario: Scenario, stop: &CancellationToken) -> Result<(), Trouble> {
    for (vendor, dials) in scenario.dials() {
        if let Some(dials) = dials {
            twin.set_dials(vendor, dials.clone())?;
        }
    }
    scripts::tried(twin, &scenario.steps)?;
    // Before the steps, which may begin at once.
    for account in scenario.accounts {
        twin.add_account(account)?;
    }
    if !scenario.steps.is_empty() {
        scripts::start(twin, Order { name: "scenario".into(), text: String::new(), steps: scenario.steps }, stop)?;
    }
    Ok(())
}
