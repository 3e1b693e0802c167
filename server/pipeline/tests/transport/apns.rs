//! HTTP/2: what is known of a request when the peer misbehaves.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use h2::Reason;
use h2::server::SendResponse;
use pipeline::vendors::dialect::Wire;
use pipeline::vendors::transport::{Route, Transport};
use pipeline::world::World;
use types::vendor::Vendor;

use crate::peers::{Peer, Tls, closed_port, proxy, request};

/// What the peer does with one stream.
#[derive(Clone, Copy)]
enum Act {
    Answer(u16, &'static str),
    /// Answers without reading the body, then refuses the rest of it.
    Early,
    Silence,
    Refuse,
    Break,
    Huge,
    /// Answers, and takes no stream after this one: GOAWAY.
    LastOne,
    /// Tears the connection down without a word.
    TearDown,
}

#[derive(Default)]
struct Seen {
    /// Path -> times a stream with it was processed (answered).
    answered: Mutex<HashMap<String, usize>>,
    connections: AtomicUsize,
    now: AtomicUsize,
    most: AtomicUsize,
}

type Script = Arc<dyn Fn(usize, usize, &str) -> Act + Send + Sync>;

/// `script(connection, stream on it, path)`.
async fn peer(streams: u32, script: Script) -> (Peer, Arc<Seen>) {
    let seen = Arc::new(Seen::default());
    let kept = Arc::clone(&seen);
    let peer = Peer::start(b"h2", move |tls| serve(tls, streams, Arc::clone(&script), Arc::clone(&kept))).await;
    (peer, seen)
}

async fn serve(tls: Tls, streams: u32, script: Script, seen: Arc<Seen>) {
    let connection_no = seen.connections.fetch_add(1, SeqCst);
    let Ok(mut connection) = h2::server::Builder::new().max_concurrent_streams(streams).handshake::<_, Bytes>(tls).await else { return };
    let mut n = 0;
    while let Some(Ok((call, mut respond))) = connection.accept().await {
        let path = call.uri().path().to_owned();
        let act = script(connection_no, n, &path);
        n += 1;
        match act {
            Act::LastOne => connection.graceful_shutdown(),
            Act::TearDown => return,
            _ => {}
        }
        let seen = Arc::clone(&seen);
        seen.most.fetch_max(seen.now.fetch_add(1, SeqCst) + 1, SeqCst);
        tokio::spawn(async move {
            act_on(act, call.into_body(), &mut respond, &path, &seen).await;
            seen.now.fetch_sub(1, SeqCst);
        });
    }
}

async fn act_on(act: Act, mut body: h2::RecvStream, respond: &mut SendResponse<Bytes>, path: &str, seen: &Seen) {
    let head =
        |status: u16| http::Response::builder().status(status).header("apns-id", "x").header("retry-after", "7").body(()).expect("a head");
    let read_all = async |body: &mut h2::RecvStream| {
        while let Some(Ok(piece)) = body.data().await {
            let _ = body.flow_control().release_capacity(piece.len());
        }
    };
    let answered = || {
        *seen.answered.lock().expect("unpoisoned").entry(path.to_owned()).or_default() += 1;
    };
    match act {
        Act::Answer(status, text) => {
            read_all(&mut body).await;
            answered();
            let mut stream = respond.send_response(head(status), text.is_empty()).expect("answered");
            if !text.is_empty() {
                stream.send_data(Bytes::from_static(text.as_bytes()), true).expect("body");
            }
        }
        Act::LastOne => {
            read_all(&mut body).await;
            answered();
            respond.send_response(head(200), true).expect("answered");
        }
        Act::Early => {
            answered();
            // Dropping the unread body makes the server reset the stream with NO_ERROR behind its answer.
            drop(body);
            respond.send_response(head(200), true).expect("answered");
        }
        Act::Silence => {
            read_all(&mut body).await;
            // Until the client gives the stream up.
            std::future::poll_fn(|cx| respond.poll_reset(cx)).await.expect("a reset");
        }
        Act::Refuse => respond.send_reset(Reason::REFUSED_STREAM),
        Act::Break => respond.send_reset(Reason::INTERNAL_ERROR),
        Act::Huge => {
            read_all(&mut body).await;
            let mut stream = respond.send_response(head(400), false).expect("answered");
            let piece = Bytes::from(vec![b'x'; 64 * 1_024]);
            for _ in 0..64 {
                stream.reserve_capacity(piece.len());
                match std::future::poll_fn(|cx| stream.poll_capacity(cx)).await {
                    Some(Ok(_)) if stream.send_data(piece.clone(), false).is_ok() => {}
                    _ => return,
                }
            }
        }
        Act::TearDown => {}
    }
}

fn transport() -> Arc<Transport> {
    Arc::new(Transport::new(World::system()))
}

async fn burst(transport: &Arc<Transport>, route: &Route, n: usize) -> Vec<Wire> {
    let calls: Vec<_> = (0..n)
        .map(|i| {
            let (transport, route) = (Arc::clone(transport), route.clone());
            tokio::spawn(async move { transport.send(&route, request(&format!("/3/device/{i}"), "{\"aps\":{}}")).await })
        })
        .collect();
    let mut wires = Vec::new();
    for call in calls {
        wires.push(call.await.expect("joined"));
    }
    wires
}

fn status_of(wire: &Wire) -> u16 {
    match wire {
        Wire::Answered { status, .. } => *status,
        other => panic!("not answered: {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_hundred_at_once_stay_below_the_peers_bound_and_the_first_goes_alone() {
    let (peer, seen) = peer(40, Arc::new(|_, _, _| Act::Answer(200, ""))).await;
    let transport = transport();
    let wires = burst(&transport, &peer.route(Vendor::Apns), 300).await;
    assert!(wires.iter().all(|wire| status_of(wire) == 200));
    let answered = seen.answered.lock().expect("unpoisoned");
    assert_eq!(answered.len(), 300);
    assert!(answered.iter().all(|(path, times)| *times == 1 && path.starts_with("/prefix/3/device/")));
    assert!(seen.connections.load(SeqCst) <= 8);
    assert!(seen.most.load(SeqCst) <= 8 * 40, "{}", seen.most.load(SeqCst));
}

#[tokio::test]
async fn only_one_stream_before_a_valid_answer() {
    // Every token is refused: the bound stays at one.
    let (peer, seen) = peer(100, Arc::new(|_, _, _| Act::Answer(403, "{\"reason\":\"InvalidProviderToken\"}"))).await;
    let transport = transport();
    let wires = burst(&transport, &peer.route(Vendor::Apns), 20).await;
    assert!(wires.iter().all(|wire| status_of(wire) == 403));
    assert_eq!((seen.most.load(SeqCst), seen.connections.load(SeqCst)), (1, 1));
}

#[tokio::test]
async fn fcm_takes_the_same_way_and_a_403_of_one_device_proves_the_connection() {
    let (peer, seen) = peer(100, Arc::new(|_, n, _| if n == 0 { Act::Answer(403, "{}") } else { Act::Silence })).await;
    let route = Route { timeout: Duration::from_millis(500), ..peer.route(Vendor::Fcm) };
    let wires = burst(&transport(), &route, 6).await;
    // With one stream at a time all but one of the silent ones would never have been sent.
    assert_eq!(wires.iter().filter(|wire| matches!(wire, Wire::TimedOut { .. })).count(), 5, "{wires:?}");
    assert_eq!((seen.most.load(SeqCst), seen.connections.load(SeqCst)), (5, 1));
}

#[tokio::test]
async fn status_body_and_retry_after_come_through() {
    let (peer, _) = peer(10, Arc::new(|_, _, _| Act::Answer(410, "{\"reason\":\"Unregistered\"}"))).await;
    let wire = transport().send(&peer.route(Vendor::Apns), request("/3/device/a", "{}")).await;
    let Wire::Answered { status, headers, body } = wire else { panic!("{wire:?}") };
    assert_eq!((status, &body[..]), (410, b"{\"reason\":\"Unregistered\"}".as_slice()));
    assert_eq!(headers, vec![("retry-after".to_owned(), "7".to_owned())]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn forty_goaways_lose_nothing_and_repeat_nothing() {
    // Every connection ends gracefully with its tenth stream.
    let (peer, seen) = peer(100, Arc::new(|_, n, _| if n == 9 { Act::LastOne } else { Act::Answer(200, "") })).await;
    let transport = transport();
    let route = peer.route(Vendor::Apns);
    for _ in 0..20 {
        let wires = burst(&transport, &route, 20).await;
        for wire in wires {
            assert!(matches!(wire, Wire::Answered { status: 200, .. }), "{wire:?}");
        }
    }
    let answered = seen.answered.lock().expect("unpoisoned");
    assert_eq!(answered.values().sum::<usize>(), 400, "each request was processed exactly once");
    assert!(seen.connections.load(SeqCst) >= 10);
}

#[tokio::test]
async fn a_refused_stream_is_tried_again_and_then_named_never_sent() {
    let (peer, seen) = peer(10, Arc::new(|_, n, _| if n < 2 { Act::Refuse } else { Act::Answer(200, "") })).await;
    let transport = transport();
    assert_eq!(status_of(&transport.send(&peer.route(Vendor::Apns), request("/3/device/a", "{}")).await), 200);
    assert_eq!(seen.answered.lock().expect("unpoisoned").values().sum::<usize>(), 1);
    let (stubborn, _) = self::peer(10, Arc::new(|_, _, _| Act::Refuse)).await;
    let wire = transport.send(&stubborn.route(Vendor::Apns), request("/3/device/a", "{}")).await;
    assert!(matches!(wire, Wire::NeverSent { ref words } if words == "stream refused"), "{wire:?}");
}

#[tokio::test]
async fn a_reset_and_a_torn_connection_leave_the_outcome_unknown() {
    let (peer, _) = peer(10, Arc::new(|_, _, path| if path.ends_with("reset") { Act::Break } else { Act::TearDown })).await;
    let transport = transport();
    for (path, words) in [("/3/device/reset", "stream reset"), ("/3/device/torn", "connection lost")] {
        let wire = transport.send(&peer.route(Vendor::Apns), request(path, "{}")).await;
        assert!(matches!(wire, Wire::TimedOut { words: ref said } if said == words), "{path}: {wire:?}");
    }
}

#[tokio::test]
async fn silence_times_out_and_gives_the_stream_back() {
    let (peer, _) = peer(1, Arc::new(|_, n, _| if n == 1 { Act::Silence } else { Act::Answer(200, "") })).await;
    let transport = transport();
    let route = Route { timeout: Duration::from_millis(300), ..peer.route(Vendor::Apns) };
    assert_eq!(status_of(&transport.send(&route, request("/3/device/a", "{}")).await), 200);
    let wire = transport.send(&route, request("/3/device/b", "{}")).await;
    assert!(matches!(wire, Wire::TimedOut { ref words } if words == "no answer in time"), "{wire:?}");
    let patient = Route { timeout: Duration::from_secs(10), ..route };
    assert_eq!(status_of(&transport.send(&patient, request("/3/device/c", "{}")).await), 200, "the one stream is free again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_before_the_body_was_read_counts() {
    let (peer, seen) = peer(100, Arc::new(|_, _, _| Act::Early)).await;
    let transport = transport();
    let wires = burst(&transport, &peer.route(Vendor::Apns), 200).await;
    assert!(wires.iter().all(|wire| status_of(wire) == 200));
    assert_eq!(seen.answered.lock().expect("unpoisoned").values().sum::<usize>(), 200);
}

#[tokio::test]
async fn an_answer_of_four_mebibytes_is_cut_at_one() {
    let (peer, _) = peer(10, Arc::new(|_, _, _| Act::Huge)).await;
    let wire = transport().send(&peer.route(Vendor::Apns), request("/3/device/a", "{}")).await;
    let Wire::Answered { status: 400, body, .. } = wire else { panic!("{wire:?}") };
    assert_eq!(body.len(), 1 << 20);
}

#[tokio::test]
async fn no_connection_means_never_sent() {
    let (peer, _) = peer(10, Arc::new(|_, _, _| Act::Answer(200, ""))).await;
    let transport = transport();
    let good = peer.route(Vendor::Apns);
    let closed = Route { base_url: format!("https://127.0.0.1:{}", closed_port().await), ..good.clone() };
    let stranger = Route { ca_pem: None, ..good.clone() };
    let plain = Route { base_url: format!("http://127.0.0.1:{}", peer.port), ..good.clone() };
    let no_pem = Route { ca_pem: Some("none".into()), ..good.clone() };
    for (route, said) in
        [(&closed, "connection failed"), (&stranger, "certificate refused"), (&plain, "https only"), (&no_pem, "CA holds no certificate")]
    {
        let wire = transport.send(route, request("/3/device/a", "{}")).await;
        assert!(matches!(wire, Wire::NeverSent { ref words } if words.contains(said)), "{said}: {wire:?}");
    }
    // At once again: the pause before the next try is answered without waiting.
    let wire = transport.send(&closed, request("/3/device/a", "{}")).await;
    assert!(matches!(wire, Wire::NeverSent { .. }), "{wire:?}");
    assert_eq!(status_of(&transport.send(&good, request("/3/device/a", "{}")).await), 200);
}

#[tokio::test]
async fn teams_never_share_a_connection_and_equal_routes_do() {
    let (peer, seen) = peer(10, Arc::new(|_, _, _| Act::Answer(200, ""))).await;
    let transport = transport();
    for scope in ["team1/key1", "team2/key2", "team1/key1"] {
        let route = Route { scope: scope.to_owned(), ..peer.route(Vendor::Apns) };
        assert_eq!(status_of(&transport.send(&route, request("/3/device/a", "{}")).await), 200);
    }
    assert_eq!(seen.connections.load(SeqCst), 2);
}

#[tokio::test]
async fn the_way_through_a_proxy() {
    let (peer, _) = peer(10, Arc::new(|_, _, _| Act::Answer(200, ""))).await;
    let (port, tunnels) = proxy().await;
    let transport = transport();
    let route = Route { egress_proxy: Some(format!("http://user:pass@127.0.0.1:{port}")), ..peer.route(Vendor::Apns) };
    assert_eq!(status_of(&transport.send(&route, request("/3/device/a", "{}")).await), 200);
    assert_eq!(tunnels.load(SeqCst), 1);
    let away = Route { egress_proxy: Some(format!("http://127.0.0.1:{}", closed_port().await)), ..route };
    assert!(matches!(transport.send(&away, request("/3/device/a", "{}")).await, Wire::NeverSent { .. }));
}
