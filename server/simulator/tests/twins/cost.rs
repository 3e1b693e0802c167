//! What the twin costs: CPU of its own threads per request, against its budget (8 µs per APNs request, 60 µs per request of
//! 1,000 targets). A measurement, not a check: `cargo test --release -p simulator --test twins cost -- --ignored --nocapture`.

use std::sync::Arc;
use std::time::Duration;

use crate::support::{BUNDLE, CHANNEL, KID, P8, PACKAGE, SECRET, TEAM, apns_account, client, now, until, xiaomi_account};
use bytes::Bytes;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use simulator::{Account, Options, Simulator};
use types::vendor::Vendor;

const CONNECTIONS: usize = 4;
const APNS_REQUESTS: usize = 100_000;
const XIAOMI_REQUESTS: usize = 1_000;

/// CPU time of every thread called `twin`, in nanoseconds.
fn twin_cpu() -> u64 {
    let Ok(tasks) = std::fs::read_dir("/proc/self/task") else { return 0 };
    let of = |path: std::path::PathBuf| {
        let name = std::fs::read_to_string(path.join("comm")).ok()?;
        let schedule = std::fs::read_to_string(path.join("schedstat")).ok()?;
        name.trim().eq("twin").then(|| schedule.split(' ').next().and_then(|n| n.parse::<u64>().ok()))?
    };
    tasks.filter_map(|t| of(t.ok()?.path())).sum()
}

async fn apns(twin: &Simulator, jwt: &str, first: usize) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(twin.ca_pem().as_bytes())?)?;
    let mut tls = rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    tls.alpn_protocols = vec![b"h2".to_vec()];
    let url: http::Uri = twin.base_url(Vendor::Apns).parse()?;
    let tcp = tokio::net::TcpStream::connect((url.host().unwrap_or_default(), url.port_u16().unwrap_or_default())).await?;
    tcp.set_nodelay(true)?;
    let stream = tokio_rustls::TlsConnector::from(Arc::new(tls)).connect(ServerName::try_from("localhost")?, tcp).await?;
    let (sender, connection) = h2::client::Builder::new().initial_max_send_streams(1).handshake::<_, Bytes>(stream).await?;
    tokio::spawn(connection);
    let body = Bytes::from_static(br#"{"aps":{"alert":{"title":"Order shipped","body":"Parcel 17 is on its way"},"mutable-content":1},"carillon":{"message":"msg_1"}}"#);
    let places = Arc::new(tokio::sync::Semaphore::new(200));
    let mut flying = tokio::task::JoinSet::new();
    for n in first..first + APNS_REQUESTS / CONNECTIONS {
        let place = Arc::clone(&places).acquire_owned().await?;
        let request = http::Request::post(format!("https://localhost/3/device/{n:064x}"))
            .header("authorization", format!("bearer {jwt}"))
            .header("apns-topic", BUNDLE)
            .header("apns-push-type", "alert")
            .header("apns-priority", "10")
            .header("apns-collapse-id", "show-key-of-the-bench")
            .body(())?;
        let mut ready = sender.clone().ready().await?;
        let (response, mut data) = ready.send_request(request, false)?;
        data.send_data(body.clone(), true)?;
        flying.spawn(async move {
            let status = response.await.map(|r| r.status());
            drop(place);
            status
        });
        while let Some(done) = flying.try_join_next() {
            assert_eq!(done??, 200);
        }
    }
    while let Some(done) = flying.join_next().await {
        assert_eq!(done??, 200);
    }
    Ok(())
}

#[test]
#[ignore = "a measurement; run it in release"]
fn the_twin_keeps_its_budget() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let inside = tokio::runtime::Builder::new_multi_thread().worker_threads(1).thread_name("twin").enable_all().build()?;
    let outside = tokio::runtime::Builder::new_multi_thread().worker_threads(1).thread_name("client").enable_all().build()?;
    let twin = inside.block_on(inside.spawn(Simulator::start(Options::default())))??;
    let p8 = P8::generate();
    twin.add_account(apns_account(&p8))?;
    twin.add_account(Account::Xiaomi(xiaomi_account()))?;
    let twin = Arc::new(twin);
    let jwt = p8.jwt(TEAM, KID, now());

    let before = twin_cpu();
    outside.block_on(async {
        let mut lines = tokio::task::JoinSet::new();
        for line in 0..CONNECTIONS {
            let (twin, jwt) = (Arc::clone(&twin), jwt.clone());
            lines.spawn(async move { apns(&twin, &jwt, line * APNS_REQUESTS).await });
        }
        while let Some(done) = lines.join_next().await {
            done??;
        }
        Ok::<_, Box<dyn std::error::Error + Send + Sync>>(())
    })?;
    let apns_micros = (twin_cpu() - before) as f64 / 1_000.0 / APNS_REQUESTS as f64;

    let before = twin_cpu();
    outside.block_on(async {
        let (client, url) = (client(&twin), format!("{}/v3/message/regid", twin.base_url(Vendor::Xiaomi)));
        for n in 0..XIAOMI_REQUESTS {
            let targets: Vec<String> = (0..1_000).map(|i| format!("bench-registration-id-{:010}", n * 1_000 + i)).collect();
            let form = [
                ("registration_id", targets.join(",")),
                ("restricted_package_name", PACKAGE.into()),
                ("title", "t".into()),
                ("description", "d".into()),
                ("extra.channel_id", CHANNEL.into()),
                ("extra.jobkey", "bench".into()),
            ];
            let sent = client.post(&url).header("authorization", format!("key={SECRET}")).form(&form).send().await?;
            assert!(sent.text().await?.contains(r#""code":0"#));
        }
        Ok::<_, Box<dyn std::error::Error + Send + Sync>>(())
    })?;
    let xiaomi_micros = (twin_cpu() - before) as f64 / 1_000.0 / XIAOMI_REQUESTS as f64;
    outside.block_on(until(|| (twin.ledger().len() == APNS_REQUESTS + XIAOMI_REQUESTS * 1_000).then_some(())));
    eprintln!("twin: {apns_micros:.1} µs CPU per APNs request, {xiaomi_micros:.0} µs per Xiaomi request of 1,000 targets");
    outside.shutdown_timeout(Duration::from_secs(1));
    inside.shutdown_timeout(Duration::from_secs(1));
    Ok(())
}
