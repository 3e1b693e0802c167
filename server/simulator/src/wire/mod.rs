//! The TLS listener: one port, several vendors by path prefix, HTTP/2 and HTTP/1.1 by ALPN.

mod http1;
mod http2;
mod tap;

pub(crate) use http1::serve_plain;

use std::sync::Arc;

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderValue, Response, header};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use types::vendor::Vendor;

use crate::twin::{Head, Line, Reply, Twin};
use crate::{apns, dials, kit, xiaomi};

/// A body beyond this is not read to its end (bytes).
const BODY_CAP: usize = 2 * 1024 * 1024;

pub(crate) async fn listen(listener: TcpListener, tls: TlsAcceptor, twin: Arc<Twin>, stop: CancellationToken) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            accepted = listener.accept() => match accepted {
                Ok((tcp, _)) => {
                    connections.spawn(connection(tcp, tls.clone(), Arc::clone(&twin)));
                }
                // Out of descriptors: the next connection may have more luck.
                Err(e) => {
                    tracing::warn!(error = %e, "the simulator could not accept a connection");
                    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
                }
            },
            Some(_) = connections.join_next() => {}
        }
    }
    connections.shutdown().await;
}

async fn connection(tcp: TcpStream, tls: TlsAcceptor, twin: Arc<Twin>) {
    if tcp.set_nodelay(true).is_err() {
        return;
    }
    let Ok(stream) = tls.accept(tcp).await else { return };
    let http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
    let ended = if http2 { http2::serve(stream, &twin).await.map_err(Into::into) } else { http1::serve(stream, Arc::clone(&twin)).await };
    if let Err(e) = ended {
        tracing::debug!(error = %e, "a connection to the simulator ended");
    }
}

/// Which vendor a path means, and the rest of it as that vendor sees it.
fn route(path: &str) -> Option<(Vendor, apns::Host, &str)> {
    let under = |prefix: &str| path.strip_prefix(prefix).filter(|rest| rest.is_empty() || rest.starts_with('/'));
    if let Some(rest) = under("/apns/production") {
        return Some((Vendor::Apns, apns::Host::Production, rest));
    }
    if let Some(rest) = under("/apns/sandbox") {
        return Some((Vendor::Apns, apns::Host::Sandbox, rest));
    }
    if let Some(rest) = under("/apns") {
        return Some((Vendor::Apns, apns::Host::Either, rest));
    }
    if under("/3").is_some() {
        return Some((Vendor::Apns, apns::Host::Either, path));
    }
    // `/huawei/oauth2/v3/token`: the hosts of one vendor share its prefix.
    let slug = path.strip_prefix('/')?.split('/').next()?;
    let vendor = dials::VENDORS.into_iter().find(|v| v.slug() == slug)?;
    Some((vendor, apns::Host::Either, &path[slug.len() + 1..]))
}

/// Looks at one whole request. No waiting happens here: delay and end are in the reply.
fn judge(twin: &Arc<Twin>, line: &mut Line, parts: &Parts, body: &Bytes) -> Reply {
    line.requests += 1;
    if let Some(picture) = crate::kit::pictures::at(parts.uri.path()) {
        return Reply::png(picture);
    }
    let Some((vendor, host, rest)) = route(parts.uri.path()) else {
        return Reply::json(404, r#"{"error":"no vendor answers under this path: /apns/…, /xiaomi/…, … or /3/device/…"}"#.into());
    };
    let dials = twin.dials(vendor);
    if let Some(closed) = twin.closed_door(&dials) {
        return closed;
    }
    let mut reply = match vendor {
        Vendor::Apns => apns::answer(twin, &dials, line, host, &parts.method, rest, &parts.headers, body),
        Vendor::Xiaomi => xiaomi::answer(twin, &dials, &parts.method, rest, &parts.headers, body),
        _ => kit::serve(twin, &dials, vendor, parts, rest, body),
    };
    reply.delay += twin.delay(&dials);
    reply
}

/// Whether the dials break this request off while its body is being read.
fn breaks_off(twin: &Twin, path: &str) -> bool {
    route(path).is_some_and(|(vendor, ..)| twin.chance.hits(twin.dials(vendor).mid_request_share))
}

/// Status and headers of a reply.
fn head_of(reply: &mut Reply) -> Response<()> {
    let mut response = Response::new(());
    *response.status_mut() = http::StatusCode::from_u16(reply.status).unwrap_or(http::StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    for (name, value) in reply.extra.drain(..) {
        headers.insert(name, value);
    }
    match std::mem::replace(&mut reply.head, Head::Plain) {
        Head::Plain => {}
        Head::Json => drop(headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json;charset=UTF-8"))),
        Head::Html => drop(headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html"))),
        Head::Apns { id, unique } => {
            headers.insert(apns::APNS_ID, id);
            if let Some(unique) = unique {
                headers.insert(apns::APNS_UNIQUE_ID, unique);
            }
            if !reply.body.is_empty() {
                headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
            }
        }
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_find_their_vendor() {
        assert_eq!(route("/3/device/ab"), Some((Vendor::Apns, apns::Host::Either, "/3/device/ab")));
        assert_eq!(route("/apns/3/device/ab"), Some((Vendor::Apns, apns::Host::Either, "/3/device/ab")));
        assert_eq!(route("/apns/sandbox/3/device/ab"), Some((Vendor::Apns, apns::Host::Sandbox, "/3/device/ab")));
        assert_eq!(route("/xiaomi/v3/message/regid"), Some((Vendor::Xiaomi, apns::Host::Either, "/v3/message/regid")));
        assert_eq!(route("/huawei/oauth2/v3/token"), Some((Vendor::Huawei, apns::Host::Either, "/oauth2/v3/token")));
        assert_eq!(route("/xiaomine"), None);
        assert_eq!(route("/"), None);
    }
}
