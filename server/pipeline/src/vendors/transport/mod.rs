//! The only place that opens sockets towards vendors, and towards the pictures and links that authors name: time-outs, size cap, TLS roots,
//! proxies, metrics.
//!
//! APNs and FCM, one device a request, go over the crate `h2` directly ([`h2`]): half the CPU of reqwest, and a stream the
//! peer refused is told from one whose answer is lost. Every other vendor goes over reqwest with HTTP/1.1 ([`plain`]):
//! bodies are few and large, and a broken connection costs one request. So does FCM over plain http to this machine.

mod dial;
mod fetch;
mod h2;
mod plain;
mod reach;
mod tls;

use std::time::Duration;

use metrics::{Counter, Histogram};
use tokio::time::Instant;
use types::vendor::Vendor;

use super::dialect::{PassPlan, Request, Wire};
use crate::telemetry;
use crate::world::World;

pub use reach::Reached;

/// Bytes read of one answer; the rest is left unread.
const ANSWER_MAX: usize = 1 << 20;
/// A TCP and TLS handshake must be done by then.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Answer headers a dialect may read.
const KEPT_HEADERS: [&str; 3] = ["content-type", "retry-after", "x-rate-limit-reset"];

/// The way to one vendor for one credential. Requests with equal routes share connections.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Route {
    pub vendor: Vendor,
    /// `https://host[:port][/prefix]`, no trailing slash; `http` only to this machine.
    pub base_url: String,
    /// Root certificates beside the public ones, PEM.
    pub ca_pem: Option<String>,
    /// `http://[user:password@]host:port`, spoken to with CONNECT.
    pub egress_proxy: Option<String>,
    /// Address of this machine to leave from.
    pub source: Option<std::net::IpAddr>,
    /// Whole time for one request, waiting for a free stream included.
    pub timeout: Duration,
    /// Connections are shared only within one scope: APNs allows one team (and related keys) on a connection. Made by
    /// [`scope_of`].
    pub scope: String,
}

/// The scope of a credential, from its pass plan.
pub fn scope_of(plan: &PassPlan) -> String {
    match plan {
        PassPlan::Static(_) | PassPlan::Ps256 { .. } | PassPlan::Exchange { .. } => String::new(),
        PassPlan::Es256 { team_id, key_id, .. } => format!("{team_id}/{key_id}"),
    }
}

/// Opens, keeps and shares connections. One for the process, behind an `Arc`.
pub struct Transport {
    streams: h2::Pools,
    plain: plain::Clients,
    gauges: Gauges,
}

impl Transport {
    pub fn new(world: World) -> Transport {
        Transport { streams: h2::Pools::new(world), plain: plain::Clients::default(), gauges: Gauges::default() }
    }

    /// Fetches a picture an author named; see [`fetch`].
    ///
    /// # Errors
    /// Why not, in words for an author.
    pub async fn fetch(&self, url: &str, ca_pem: Option<&str>, allowed: &[String]) -> Result<bytes::Bytes, String> {
        fetch::fetch(url, ca_pem, allowed).await
    }

    /// Asks whether a link of a copy answers; see [`reach`].
    pub async fn reach(&self, url: &str, ca_pem: Option<&str>, allowed: &[String]) -> Reached {
        reach::reach(url, ca_pem, allowed).await
    }

    /// Sends one request and says honestly what is known of it: answered, lost (`TimedOut`), or certainly never
    /// processed (`NeverSent`). Never panics, never fails otherwise.
    pub async fn send(&self, route: &Route, request: Request) -> Wire {
        let started = Instant::now();
        let wire = match route.vendor {
            Vendor::Apns => self.streams.send(route, request, started + route.timeout).await,
            Vendor::Fcm if route.base_url.starts_with("https:") => self.streams.send(route, request, started + route.timeout).await,
            _ => self.plain.send(route, request).await,
        };
        self.gauges.count(route, &wire, started.elapsed());
        wire
    }
}

/// Handles of metrics, made once: the recorder must be installed before the first request.
#[derive(Default)]
struct Gauges {
    of: [std::sync::OnceLock<Vec<(Counter, Histogram)>>; Vendor::ALL.len()],
    egress: std::sync::OnceLock<Vec<Counter>>,
}

const RESULTS: [&str; 6] = ["2xx", "3xx", "4xx", "5xx", "timed_out", "never_sent"];

impl Gauges {
    fn count(&self, route: &Route, wire: &Wire, took: Duration) {
        let result = match wire {
            Wire::Answered { status, .. } => usize::from((status / 100).clamp(2, 5) - 2),
            Wire::TimedOut { .. } => 4,
            Wire::NeverSent { .. } => 5,
        };
        let vendor = route.vendor.slug();
        let place = Vendor::ALL.iter().position(|v| *v == route.vendor).unwrap_or(0);
        let handles = self.of[place].get_or_init(|| {
            let both = |result: &'static str| {
                (
                    metrics::counter!(telemetry::VENDOR_REQUESTS, "vendor" => vendor, "result" => result),
                    metrics::histogram!(telemetry::VENDOR_REQUEST_SECONDS, "vendor" => vendor, "result" => result),
                )
            };
            RESULTS.map(both).into()
        });
        handles[result].0.increment(1);
        handles[result].1.record(took.as_secs_f64());
        let egress = self.egress.get_or_init(|| {
            let one = |(egress, result): (&'static str, &'static str)| {
                metrics::counter!(telemetry::EGRESS_REQUESTS, "egress" => egress, "result" => result)
            };
            ["direct", "proxy"].iter().flat_map(|e| RESULTS.iter().map(|r| one((*e, *r)))).collect()
        });
        egress[result + if route.egress_proxy.is_some() { RESULTS.len() } else { 0 }].increment(1);
    }
}

fn never_sent(words: impl Into<String>) -> Wire {
    Wire::NeverSent { words: words.into() }
}

fn timed_out(words: impl Into<String>) -> Wire {
    Wire::TimedOut { words: words.into() }
}

/// Keeps the headers a dialect may read.
fn kept(headers: &http::HeaderMap) -> Vec<(String, String)> {
    KEPT_HEADERS.iter().filter_map(|name| Some(((*name).to_owned(), headers.get(*name)?.to_str().ok()?.to_owned()))).collect()
}

/// A base URL as requests will use it: lower-case host, no default port, no slash at its end. What cannot be read stays as it is.
pub fn spoken(base_url: &str) -> String {
    reqwest::Url::parse(base_url).map_or_else(|_| base_url.to_owned(), |url| url.as_str().trim_end_matches('/').to_owned())
}

/// Parses a base URL and refuses what must not be spoken to without TLS.
fn checked(base_url: &str) -> Result<reqwest::Url, String> {
    let url = reqwest::Url::parse(base_url).map_err(|_| "the lane's base URL cannot be read".to_owned())?;
    let host = url.host_str().unwrap_or("");
    let here = host == "localhost" || host.trim_matches(['[', ']']).parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback());
    match url.scheme() {
        "https" if !host.is_empty() => Ok(url),
        "http" if here => Ok(url),
        _ => Err("the lane's base URL must be https".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_signed_is_what_is_spoken() {
        assert_eq!(spoken("https://MSGAPI.umeng.com:443/"), "https://msgapi.umeng.com");
        assert_eq!(spoken("https://127.0.0.1:8443/umeng"), "https://127.0.0.1:8443/umeng");
        assert_eq!(spoken("nothing"), "nothing");
    }

    #[test]
    fn plain_http_only_to_this_machine() {
        for good in
            ["https://api.push.apple.com", "https://127.0.0.1:4443/apns", "http://127.0.0.1:1", "http://localhost:1", "http://[::1]:1"]
        {
            assert!(checked(good).is_ok(), "{good}");
        }
        for bad in
            ["http://api.push.apple.com", "http://127.0.0.1.example.com", "ftp://127.0.0.1", "api.push.apple.com", "", "http://10.0.0.1"]
        {
            assert!(checked(bad).is_err(), "{bad}");
        }
    }
}
