//! Fetching a picture from the address an author gave: never from this machine's own network, never more than a bound, never
//! longer than a moment. Every name is looked up here, every address it leads to is looked at, and the connection goes to exactly
//! these: a name that leads elsewhere the next time (DNS rebinding) gains nothing, and neither does a redirect.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use bytes::{Bytes, BytesMut};

use super::{CONNECT_TIMEOUT, tls};
use crate::vendors::picture::PICTURE_MAX;

/// For one hop, from the first byte to the last.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Addresses of pictures often lead to another once or twice.
const HOPS: usize = 3;

/// Fetches `url`. `allowed` = hosts that may be of this network (a demo, an own picture server).
///
/// # Errors
/// Why not, in words for an author.
pub(super) async fn fetch(url: &str, ca_pem: Option<&str>, allowed: &[String]) -> Result<Bytes, String> {
    let mut at = reqwest::Url::parse(url).map_err(|_| "the picture's address cannot be read".to_owned())?;
    for _ in 0..=HOPS {
        let client = client(&at, ca_pem, allowed).await.map_err(Shut::of_picture)?;
        let mut response = client.get(at.clone()).send().await.map_err(|error| lost(&error).to_owned())?;
        let status = response.status();
        if status.is_redirection() {
            let to = response.headers().get(http::header::LOCATION).and_then(|to| to.to_str().ok());
            at = to.and_then(|to| at.join(to).ok()).ok_or("the picture's address leads to one that cannot be read")?;
            continue;
        }
        if status != reqwest::StatusCode::OK {
            return Err(format!("the picture's address answers {}", status.as_u16()));
        }
        let mut body = BytesMut::new();
        while let Some(piece) = response.chunk().await.map_err(|error| lost(&error).to_owned())? {
            if body.len() + piece.len() > PICTURE_MAX {
                return Err(format!("the picture is larger than {} MiB", PICTURE_MAX >> 20));
            }
            body.extend_from_slice(&piece);
        }
        return Ok(body.freeze());
    }
    Err(format!("the picture's address leads on more than {HOPS} times"))
}

/// Why an address is not gone to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Shut {
    /// Not https, or it names a user.
    Form,
    UnknownHost,
    /// Every address of the host is of a private network.
    Private,
    Client(String),
}

impl Shut {
    fn of_picture(self) -> String {
        match self {
            Shut::Form => "the picture's address must be https and name no user".to_owned(),
            Shut::UnknownHost => "the picture's host is not known".to_owned(),
            Shut::Private => "the picture's host is of a private network; put the picture where the phones can see it too".to_owned(),
            Shut::Client(words) => words,
        }
    }
}

/// A client that can reach the looked-up addresses of this one host and nothing else.
#[expect(clippy::disallowed_methods, reason = "this is the door")]
pub(super) async fn client(url: &reqwest::Url, ca_pem: Option<&str>, allowed: &[String]) -> Result<reqwest::Client, Shut> {
    if url.scheme() != "https" || !url.username().is_empty() || url.password().is_some() {
        return Err(Shut::Form);
    }
    let host = url.host_str().unwrap_or("").trim_matches(['[', ']']).to_owned();
    let port = url.port_or_known_default().unwrap_or(443);
    let looked_up = tokio::time::timeout(CONNECT_TIMEOUT, tokio::net::lookup_host((host.as_str(), port))).await;
    let found: Vec<SocketAddr> = match looked_up {
        Ok(Ok(found)) => found.collect(),
        _ => return Err(Shut::UnknownHost),
    };
    let open = allowed.iter().any(|name| name.eq_ignore_ascii_case(&host));
    let reachable: Vec<SocketAddr> = found.into_iter().filter(|address| open || is_public(address.ip())).collect();
    if reachable.is_empty() {
        return Err(Shut::Private);
    }
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls::config(ca_pem, b"http/1.1").map_err(Shut::Client)?)
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(TIMEOUT)
        .resolve_to_addrs(&host, &reachable)
        .no_proxy()
        .build()
        .map_err(|e| Shut::Client(format!("HTTP client: {}", e.without_url())))
}

fn lost(error: &reqwest::Error) -> &'static str {
    match (error.is_timeout(), error.is_connect()) {
        (true, _) => "the picture did not come in time",
        (false, true) => "the picture's host cannot be reached",
        _ => "the picture broke off on its way",
    }
}

/// An address of the open Internet.
fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => is_public_v6(ip),
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    let special = ip.is_loopback()
        || ip.is_private()
        || ip.is_link_local()
        || ip.is_multicast()
        || ip.is_broadcast()
        || ip.is_documentation()
        // This network, carrier NAT, protocol assignments, benchmarks, reserved.
        || a == 0
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 198 && (18..20).contains(&b))
        || a >= 240;
    !special
}

fn is_public_v6(ip: Ipv6Addr) -> bool {
    let s = ip.segments();
    // Addresses that hold one of the old kind (mapped, NAT64, 6to4) are as good as that.
    let v4 = |high: u16, low: u16| is_public_v4(Ipv4Addr::from((u32::from(high) << 16) | u32::from(low)));
    match s {
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => v4(high, low),
        [0x2002, high, low, ..] => v4(high, low),
        // Global unicast is 2000::/3; of it Teredo and documentation are set apart.
        [first, second, ..] => (0x2000..0x4000).contains(&first) && !(first == 0x2001 && (second == 0 || second == 0xdb8)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_open_internet_is_public() {
        let ip = |text: &str| is_public(text.parse().expect("an address"));
        for good in ["1.1.1.1", "93.184.216.34", "100.63.0.1", "198.20.0.1", "2606:4700::1111", "::ffff:1.1.1.1", "2002:101:101::1"] {
            assert!(ip(good), "{good}");
        }
        for bad in [
            "127.0.0.1",
            "10.0.0.1",
            "172.16.5.4",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "224.0.0.1",
            "198.18.0.1",
            "192.0.0.8",
            "203.0.113.5",
            "240.0.0.1",
            "255.255.255.255",
            "::1",
            "::",
            "fe80::1",
            "fc00::1",
            "fd12::1",
            "ff02::1",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "64:ff9b::a00:1",
            "2002:7f00:1::",
            "2001:db8::1",
            "2001::1",
            "::7f00:1",
        ] {
            assert!(!ip(bad), "{bad}");
        }
    }

    #[tokio::test]
    async fn addresses_that_lead_inside_are_refused_before_a_connection() {
        let _ = rustls::crypto::ring::default_provider().install_default();
        for (url, says) in [
            ("https://127.0.0.1:1/a.png", "private network"),
            ("https://[::1]/a.png", "private network"),
            ("https://localhost/a.png", "private network"),
            ("https://169.254.169.254/latest", "private network"),
            ("http://1.1.1.1/a.png", "must be https"),
            ("https://user@1.1.1.1/a.png", "must be https"),
            ("file:///etc/passwd", "must be https"),
            ("nothing", "cannot be read"),
        ] {
            let words = fetch(url, None, &[]).await.expect_err(url);
            assert!(words.contains(says), "{url}: {words}");
        }
        let words = fetch("https://127.0.0.1:1/a.png", None, &["127.0.0.1".to_owned()]).await.expect_err("nobody listens");
        assert!(words.contains("cannot be reached"), "{words}");
    }
}
