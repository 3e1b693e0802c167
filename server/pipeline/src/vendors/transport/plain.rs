//! HTTP/1.1 by reqwest, one client per (roots, proxy).

use std::collections::HashMap;
use std::sync::RwLock;
use std::time::Duration;

use bytes::{Bytes, BytesMut};

use super::super::dialect::{Request, Wire};
use super::{ANSWER_MAX, CONNECT_TIMEOUT, Route, checked, kept, never_sent, timed_out, tls};

type Key = (Option<String>, Option<String>, Option<std::net::IpAddr>);

#[derive(Default)]
pub(super) struct Clients {
    clients: RwLock<HashMap<Key, reqwest::Client>>,
}

impl Clients {
    fn client(&self, route: &Route) -> Result<reqwest::Client, String> {
        let key = (route.ca_pem.clone(), route.egress_proxy.clone(), route.source);
        if let Some(client) = self.clients.read().unwrap_or_else(|e| e.into_inner()).get(&key) {
            return Ok(client.clone());
        }
        let client = build(route)?;
        Ok(self.clients.write().unwrap_or_else(|e| e.into_inner()).entry(key).or_insert(client).clone())
    }

    pub(super) async fn send(&self, route: &Route, request: Request) -> Wire {
        let prepared = checked(&route.base_url).and_then(|base| Ok((base, self.client(route)?)));
        let (base, client) = match prepared {
            Ok(pair) => pair,
            Err(words) => return never_sent(words),
        };
        let url = format!("{}{}", base.as_str().trim_end_matches('/'), request.path);
        let mut call = client.request(request.method, url).timeout(route.timeout).body(request.body);
        for (name, value) in request.headers {
            let Ok(mut value) = http::HeaderValue::from_maybe_shared(Bytes::from(value)) else {
                return never_sent(format!("header {name} cannot be sent"));
            };
            value.set_sensitive(matches!(name, "authorization" | "authtoken" | "auth_token" | "token"));
            call = call.header(name, value);
        }
        let mut response = match call.send().await {
            Ok(response) => response,
            Err(error) => return lost(&error),
        };
        let status = response.status().as_u16();
        let headers = kept(response.headers());
        let mut body = BytesMut::new();
        loop {
            match response.chunk().await {
                Ok(None) => break,
                Ok(Some(piece)) => {
                    let room = ANSWER_MAX - body.len();
                    body.extend_from_slice(&piece[..piece.len().min(room)]);
                    if piece.len() >= room {
                        break;
                    }
                }
                // The vendor has the request; what it decided broke off with the answer.
                Err(_) => return timed_out("the answer broke off"),
            }
        }
        Wire::Answered { status, headers, body: body.freeze() }
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the door")]
fn build(route: &Route) -> Result<reqwest::Client, String> {
    let mut builder = reqwest::Client::builder()
        .tls_backend_preconfigured(tls::config(route.ca_pem.as_deref(), b"http/1.1")?)
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .connect_timeout(CONNECT_TIMEOUT)
        .pool_idle_timeout(Duration::from_secs(50))
        .tcp_nodelay(true)
        .no_proxy();
    if let Some(source) = route.source {
        builder = builder.local_address(source);
    }
    if let Some(proxy) = &route.egress_proxy {
        builder = builder.proxy(reqwest::Proxy::all(proxy).map_err(|_| "the lane's proxy cannot be read".to_owned())?);
    }
    builder.build().map_err(|e| format!("HTTP client: {}", e.without_url()))
}

/// Never sent only if no connection came about; everything later is unknown.
fn lost(error: &reqwest::Error) -> Wire {
    if error.is_builder() {
        return never_sent("the request cannot be built");
    }
    if error.is_connect() {
        return never_sent(if error.is_timeout() { "no connection in time" } else { "connection refused" });
    }
    timed_out(if error.is_timeout() { "no answer in time" } else { "connection lost" })
}
