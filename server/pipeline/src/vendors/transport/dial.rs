//! Getting to an HTTP/2 peer: TCP (or CONNECT through a proxy), TLS with ALPN `h2`, handshake.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use h2::client::{Connection, SendRequest};
use http::header::HeaderName;
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderValue, Uri};
use rustls::pki_types::ServerName;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::super::dialect::Request;
use super::{Route, checked, tls};

/// Longest answer of a proxy to CONNECT.
const PROXY_HEAD_MAX: usize = 8 * 1_024;

/// Everything of a route that a connection and a request head need, worked out once.
pub(super) struct Target {
    authority: Authority,
    /// Path prefix of the base URL, without a slash at its end.
    prefix: String,
    host: String,
    port: u16,
    name: ServerName<'static>,
    tls: TlsConnector,
    proxy: Option<Proxy>,
    source: Option<IpAddr>,
}

struct Proxy {
    address: (String, u16),
    authorization: Option<String>,
}

type Opened = (SendRequest<Bytes>, Connection<TlsStream<TcpStream>, Bytes>);

impl Target {
    pub(super) fn new(route: &Route) -> Result<Target, String> {
        let url = checked(&route.base_url)?;
        if url.scheme() != "https" {
            return Err("HTTP/2 is spoken over https only".to_owned());
        }
        let host = url.host_str().unwrap_or("").trim_matches(['[', ']']).to_owned();
        let name = ServerName::try_from(host.clone()).map_err(|_| "the host of the base URL cannot be read".to_owned())?;
        let authority = url.authority().rsplit('@').next().unwrap_or("").to_owned();
        Ok(Target {
            authority: Authority::try_from(authority).map_err(|_| "the host of the base URL cannot be read".to_owned())?,
            prefix: url.path().trim_end_matches('/').to_owned(),
            host,
            port: url.port_or_known_default().unwrap_or(443),
            name,
            tls: TlsConnector::from(Arc::new(tls::config(route.ca_pem.as_deref(), b"h2")?)),
            proxy: route.egress_proxy.as_deref().map(Proxy::new).transpose()?,
            source: route.source,
        })
    }

    /// # Errors
    /// Words for the console when a path or header value cannot be sent.
    pub(super) fn head(&self, request: &Request) -> Result<http::Request<()>, String> {
        let path = if self.prefix.is_empty() {
            PathAndQuery::try_from(request.path.as_str())
        } else {
            PathAndQuery::from_maybe_shared(Bytes::from([self.prefix.as_str(), request.path.as_str()].concat()))
        }
        .map_err(|_| "the path cannot be sent".to_owned())?;
        let mut parts = http::uri::Parts::default();
        parts.scheme = Some(Scheme::HTTPS);
        parts.authority = Some(self.authority.clone());
        parts.path_and_query = Some(path);
        let mut head = http::Request::new(());
        *head.method_mut() = request.method.clone();
        *head.uri_mut() = Uri::from_parts(parts).map_err(|_| "the address cannot be sent".to_owned())?;
        let headers = head.headers_mut();
        headers.reserve(request.headers.len());
        for (name, value) in &request.headers {
            let mut value = HeaderValue::from_str(value).map_err(|_| format!("header {name} cannot be sent"))?;
            // Secret, or new with every request: never put in the compression table (apns.md, 2).
            value.set_sensitive(matches!(*name, "authorization" | "apns-id"));
            headers.append(HeaderName::from_static(name), value);
        }
        Ok(head)
    }

    /// # Errors
    /// Words for the console; no byte of a request was sent.
    pub(super) async fn connect(&self) -> Result<Opened, String> {
        let socket = match &self.proxy {
            None => tcp(&self.host, self.port, self.source).await?,
            Some(proxy) => proxy.tunnel(&self.host, self.port).await?,
        };
        let stream = self.tls.connect(self.name.clone(), socket).await.map_err(|e| format!("TLS: {}", plain_words(&e)))?;
        if stream.get_ref().1.alpn_protocol() != Some(b"h2".as_slice()) {
            return Err("the peer does not speak HTTP/2".to_owned());
        }
        h2::client::Builder::new()
            .enable_push(false)
            // Until the peer's settings are known; APNs allows one stream before the first valid token.
            .initial_max_send_streams(1)
            .initial_window_size(1 << 20)
            .initial_connection_window_size(1 << 24)
            .max_header_list_size(16 * 1_024)
            .handshake(stream)
            .await
            .map_err(|_| "HTTP/2 handshake failed".to_owned())
    }
}

async fn tcp(host: &str, port: u16, source: Option<IpAddr>) -> Result<TcpStream, String> {
    let connected = match source {
        None => TcpStream::connect((host, port)).await,
        Some(source) => from(source, host, port).await,
    };
    let socket = connected.map_err(|e| format!("connection failed: {}", e.kind()))?;
    socket.set_nodelay(true).map_err(|e| format!("connection failed: {}", e.kind()))?;
    Ok(socket)
}

/// Leaves from one address of this machine, to the first address of the host that is of its family.
async fn from(source: IpAddr, host: &str, port: u16) -> std::io::Result<TcpStream> {
    let there = tokio::net::lookup_host((host, port)).await?.find(|there| there.is_ipv4() == source.is_ipv4());
    let there = there.ok_or_else(|| std::io::Error::from(std::io::ErrorKind::AddrNotAvailable))?;
    let socket = if source.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.bind(SocketAddr::new(source, 0))?;
    socket.connect(there).await
}

/// A TLS error without addresses.
fn plain_words(error: &std::io::Error) -> String {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        Some(rustls::Error::InvalidCertificate(why)) => format!("certificate refused: {why:?}").chars().take(80).collect(),
        Some(_) => "handshake refused".to_owned(),
        None => error.kind().to_string(),
    }
}

impl Proxy {
    fn new(address: &str) -> Result<Proxy, String> {
        let url = reqwest::Url::parse(address).map_err(|_| "the lane's proxy cannot be read".to_owned())?;
        let (Some(host), "http") = (url.host_str(), url.scheme()) else {
            return Err("the lane's proxy must be http://host:port".to_owned());
        };
        let authorization = (!url.username().is_empty())
            .then(|| format!("Basic {}", STANDARD.encode(format!("{}:{}", url.username(), url.password().unwrap_or("")))));
        Ok(Proxy { address: (host.to_owned(), url.port_or_known_default().unwrap_or(80)), authorization })
    }

    async fn tunnel(&self, host: &str, port: u16) -> Result<TcpStream, String> {
        let mut socket = tcp(&self.address.0, self.address.1, None).await.map_err(|e| format!("proxy: {e}"))?;
        let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
        let mut ask = format!("CONNECT {host}:{port} HTTP/1.1\r\nhost: {host}:{port}\r\n");
        if let Some(authorization) = &self.authorization {
            ask.push_str(&format!("proxy-authorization: {authorization}\r\n"));
        }
        ask.push_str("\r\n");
        let failed = |e: std::io::Error| format!("proxy: {}", e.kind());
        socket.write_all(ask.as_bytes()).await.map_err(failed)?;
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\n") {
            if answer.len() >= PROXY_HEAD_MAX {
                return Err("proxy: answer too long".to_owned());
            }
            // Byte by byte: what follows the head belongs to TLS.
            answer.push(socket.read_u8().await.map_err(failed)?);
        }
        let head = String::from_utf8_lossy(&answer);
        match head.split_whitespace().nth(1) {
            Some("200") => Ok(socket),
            Some(status) if status.len() == 3 => Err(format!("proxy: refused with {status}")),
            _ => Err("proxy: no HTTP".to_owned()),
        }
    }
}
