//! HTTP/1.1: answers, broken answers, redirects, bombs.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use pipeline::vendors::dialect::Wire;
use pipeline::vendors::transport::{Route, Transport};
use pipeline::world::World;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use types::vendor::Vendor;

use crate::peers::{Peer, closed_port, proxy, read_head, request};

/// Reads requests with a body of `content-length` and answers each with `answer(path)`; an empty answer closes.
async fn peer(answer: impl Fn(&str) -> Vec<u8> + Send + Sync + 'static) -> (Peer, Arc<AtomicUsize>) {
    let requests = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&requests);
    let answer = Arc::new(answer);
    let peer = Peer::start(b"http/1.1", move |mut tls| {
        let (answer, counted) = (Arc::clone(&answer), Arc::clone(&counted));
        async move {
            loop {
                let head = read_head(&mut tls).await;
                let Some(path) = head.split_whitespace().nth(1) else { return };
                let length: usize =
                    head.lines().find_map(|l| l.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok()).unwrap_or(0);
                let mut body = vec![0; length];
                tls.read_exact(&mut body).await.expect("a body");
                counted.fetch_add(1, SeqCst);
                let bytes = answer(path);
                if path.ends_with("/silence") {
                    // Until the client gives up.
                    let _ = tls.read_u8().await;
                    return;
                }
                if tls.write_all(&bytes).await.is_err() || path.ends_with("/close") {
                    return;
                }
            }
        }
    })
    .await;
    (peer, requests)
}

fn answer(status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    [format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n{headers}\r\n", body.len()).as_bytes(), body].concat()
}

async fn send(route: &Route, path: &str) -> Wire {
    Transport::new(World::system()).send(route, request(path, "a=1")).await
}

#[tokio::test]
async fn answers_come_through_and_redirects_are_not_followed() {
    let (peer, requests) = peer(|path| match path {
        "/prefix/v3/message/regid" => answer("200 OK", "content-type: application/json\r\nretry-after: 3\r\n", b"{\"code\":0}"),
        _ => answer("302 Found", "location: /prefix/v3/message/regid\r\n", b""),
    })
    .await;
    let wire = send(&peer.route(Vendor::Xiaomi), "/v3/message/regid").await;
    let Wire::Answered { status: 200, headers, body } = wire else { panic!("{wire:?}") };
    assert_eq!(&body[..], b"{\"code\":0}");
    assert_eq!(headers, vec![("content-type".into(), "application/json".into()), ("retry-after".into(), "3".into())]);
    let wire = send(&peer.route(Vendor::Xiaomi), "/moved").await;
    assert!(matches!(wire, Wire::Answered { status: 302, .. }), "{wire:?}");
    assert_eq!(requests.load(SeqCst), 2);
}

#[tokio::test]
async fn a_closed_connection_and_a_broken_answer_are_unknown() {
    let (peer, requests) = peer(|path| match path {
        "/prefix/empty/close" => Vec::new(),
        _ => b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"code\":0".to_vec(),
    })
    .await;
    for path in ["/empty/close", "/half/close"] {
        let wire = send(&peer.route(Vendor::Xiaomi), path).await;
        assert!(matches!(wire, Wire::TimedOut { .. }), "{path}: {wire:?}");
    }
    assert_eq!(requests.load(SeqCst), 2, "nothing was repeated behind our back");
}

#[tokio::test]
async fn silence_times_out() {
    let (peer, _) = peer(|_| Vec::new()).await;
    let route = Route { timeout: Duration::from_millis(300), ..peer.route(Vendor::Xiaomi) };
    let wire = send(&route, "/silence").await;
    assert!(matches!(wire, Wire::TimedOut { ref words } if words == "no answer in time"), "{wire:?}");
}

#[tokio::test]
async fn large_answers_and_gzip_bombs_are_cut_at_one_mebibyte() {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    for _ in 0..64 {
        std::io::Write::write_all(&mut gzip, &vec![b'x'; 1 << 20]).expect("squeezed");
    }
    let bomb = gzip.finish().expect("squeezed");
    assert!(bomb.len() < 1 << 17);
    let (peer, _) = peer(move |path| match path {
        "/prefix/bomb" => answer("200 OK", "content-encoding: gzip\r\n", &bomb),
        _ => answer("200 OK", "", &vec![b'x'; 5 << 20]),
    })
    .await;
    for path in ["/bomb", "/large"] {
        let wire = send(&peer.route(Vendor::Xiaomi), path).await;
        let Wire::Answered { status: 200, body, .. } = wire else { panic!("{path}: {wire:?}") };
        assert_eq!(body.len(), 1 << 20, "{path}");
    }
}

#[tokio::test]
async fn no_connection_means_never_sent() {
    let (peer, requests) = peer(|_| answer("200 OK", "", b"{}")).await;
    let good = peer.route(Vendor::Xiaomi);
    let closed = Route { base_url: format!("https://127.0.0.1:{}", closed_port().await), ..good.clone() };
    let stranger = Route { ca_pem: None, ..good.clone() };
    let proxy_away = Route { egress_proxy: Some(format!("http://127.0.0.1:{}", closed_port().await)), ..good.clone() };
    let far_plain = Route { base_url: "http://192.0.2.1".into(), ..good };
    for route in [closed, stranger, proxy_away, far_plain] {
        let wire = send(&route, "/a").await;
        assert!(matches!(wire, Wire::NeverSent { .. }), "{route:?}: {wire:?}");
    }
    assert_eq!(requests.load(SeqCst), 0);
}

#[tokio::test]
async fn the_way_through_a_proxy() {
    let (peer, _) = peer(|_| answer("200 OK", "", b"{}")).await;
    let (port, tunnels) = proxy().await;
    let route = Route { egress_proxy: Some(format!("http://127.0.0.1:{port}")), ..peer.route(Vendor::Xiaomi) };
    let wire = send(&route, "/a").await;
    assert!(matches!(wire, Wire::Answered { status: 200, .. }), "{wire:?}");
    assert_eq!(tunnels.load(SeqCst), 1);
}
