//! HTTP/2 behaviour of the APNs twin, seen by a bare h2 client: stream limit, GOAWAY, silence.

use std::sync::Arc;
use std::time::Duration;

use crate::support::{BUNDLE, Done, KID, P8, TEAM, apns_account, now, twin, until};
use bytes::Bytes;
use futures::FutureExt;
use futures::future::join_all;
use h2::client::SendRequest;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use simulator::{Dials, Simulator};
use types::vendor::Vendor;

type Sender = SendRequest<Bytes>;
/// Ends with what ended the connection.
type Driver = tokio::task::JoinHandle<Result<(), h2::Error>>;

async fn connect(twin: &Simulator) -> Result<(Sender, Driver), Box<dyn std::error::Error>> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(twin.ca_pem().as_bytes())?)?;
    let mut tls = rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    tls.alpn_protocols = vec![b"h2".to_vec()];
    let url: http::Uri = twin.base_url(Vendor::Apns).parse()?;
    let tcp = tokio::net::TcpStream::connect((url.host().unwrap_or_default(), url.port_u16().unwrap_or_default())).await?;
    let stream = tokio_rustls::TlsConnector::from(Arc::new(tls)).connect(ServerName::try_from("localhost")?, tcp).await?;
    let (sender, connection) = h2::client::Builder::new().initial_max_send_streams(1).handshake(stream).await?;
    Ok((sender, tokio::spawn(connection)))
}

fn request(jwt: &str, token: &str) -> http::Request<()> {
    let request = http::Request::post(format!("https://localhost/3/device/{token}"));
    let request = request.header("authorization", format!("bearer {jwt}")).header("apns-topic", BUNDLE);
    request.header("apns-push-type", "alert").body(()).unwrap_or_default()
}

async fn push(sender: &Sender, jwt: &str, token: impl AsRef<str>) -> Result<http::StatusCode, h2::Error> {
    let mut sender = sender.clone().ready().await?;
    let (response, mut body) = sender.send_request(request(jwt, token.as_ref()), false)?;
    body.send_data(Bytes::from_static(br#"{"aps":{"alert":"hi"}}"#), true)?;
    Ok(response.await?.status())
}

#[tokio::test]
async fn one_stream_until_the_first_valid_token_then_many() -> Done {
    let (twin, p8) = (twin().await, P8::generate());
    twin.add_account(apns_account(&p8))?;
    twin.set_dials(Vendor::Apns, Dials { latency_ms: 30, max_streams: 50, ..Dials::default() })?;
    let (sender, _driver) = connect(&twin).await?;
    assert_eq!(push(&sender, &p8.jwt("TEAM000000", KID, now()), "1".repeat(64)).await?, 403);
    assert_eq!(sender.current_max_send_streams(), 1);
    let jwt = p8.jwt(TEAM, KID, now());
    assert_eq!(push(&sender, &jwt, "1".repeat(64)).await?, 200);
    until(|| (sender.current_max_send_streams() == 50).then_some(())).await;
    let began = tokio::time::Instant::now();
    let all = join_all((0..50).map(|n| push(&sender, &jwt, format!("1{n:063x}")).boxed_local())).await;
    assert!(all.into_iter().all(|s| s.is_ok_and(|s| s == 200)));
    assert!(began.elapsed() < Duration::from_millis(30 * 25), "they ran side by side");
    assert_eq!(twin.ledger().taken(), 51);
    // The limit falls during the connection, and the client hears of it.
    twin.set_dials(Vendor::Apns, Dials { max_streams: 3, ..Dials::default() })?;
    assert_eq!(push(&sender, &jwt, "2".repeat(64)).await?, 200);
    until(|| (sender.current_max_send_streams() == 3).then_some(())).await;
    Ok(())
}

#[tokio::test]
async fn goaway_tells_the_last_stream_and_its_reason() -> Done {
    let (twin, p8) = (twin().await, P8::generate());
    twin.add_account(apns_account(&p8))?;
    let jwt = p8.jwt(TEAM, KID, now());
    for (error, wanted) in [(false, h2::Reason::NO_ERROR), (true, h2::Reason::INTERNAL_ERROR)] {
        let (sender, driver) = connect(&twin).await?;
        twin.set_dials(Vendor::Apns, Dials { goaway_every: 10, goaway_error: error, ..Dials::default() })?;
        let before = twin.ledger().taken();
        assert_eq!(push(&sender, &jwt, "1".repeat(64)).await?, 200);
        until(|| (sender.current_max_send_streams() == 1_000).then_some(())).await;
        let all = join_all((0..40).map(|n| push(&sender, &jwt, format!("1{n:063x}")).boxed_local())).await;
        let heard = all.iter().filter(|a| a.is_ok()).count() as u64;
        let taken = twin.ledger().taken() - before;
        assert_eq!(heard + 1, taken, "what was taken was answered, the rest was not looked at");
        assert!((10..41).contains(&taken), "{taken}");
        drop(sender);
        let ended = tokio::time::timeout(Duration::from_secs(5), driver).await??;
        match ended {
            Ok(()) => assert!(!error),
            Err(e) => assert_eq!(e.reason(), Some(wanted), "{e}"),
        }
    }
    Ok(())
}

#[tokio::test]
async fn settings_may_come_late_and_pings_are_answered() -> Done {
    let (twin, p8) = (twin().await, P8::generate());
    twin.add_account(apns_account(&p8))?;
    twin.set_dials(Vendor::Apns, Dials { late_settings_ms: 400, ping_ms: 50, ..Dials::default() })?;
    let (sender, _driver) = connect(&twin).await?;
    let began = tokio::time::Instant::now();
    assert_eq!(push(&sender, &p8.jwt(TEAM, KID, now()), "1".repeat(64)).await?, 200);
    assert!(began.elapsed() >= Duration::from_millis(300), "nothing is answered before the settings");
    let pongs = || twin.ledger().answers().get(&Vendor::Apns).and_then(|a| a.get("pong")).copied().unwrap_or(0);
    until(|| (pongs() >= 3).then_some(())).await;
    Ok(())
}
