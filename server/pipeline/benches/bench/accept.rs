//! Signed calls against the real binary: durable accepts a second, p99, CPU of the server's process (P5).

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use pipeline::access::keys;
use pipeline::access::signature::{Key, Parts, sha256};
use pipeline::storage::Storage;
use pipeline::vault::Vault;
use pipeline::world::World;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::Instant;

use crate::report::Row;
use crate::server::{Server, answer};
use crate::span::Span;
use crate::store;

const CALLERS: usize = 64;
const BODY: &str =
    r#"{"content":{"title":"复诊提醒","body":"您预约的号源明天 9:00 开始就诊"},"targets":{"users":["user-1"]},"class":"transactional"}"#;

pub async fn measure(calls: u64) -> Result<Vec<Row>> {
    let folder = tempfile::tempdir()?;
    let world = World::system();
    let key_file = folder.path().join("master.key");
    Vault::create_key_file(&world, &key_file)?;
    let vault = Vault::from_key_file(world.clone(), &key_file)?;
    let url = format!("sqlite://{}/bench.db", folder.path().display());
    let secret = keys::fresh_app_secret(&world);
    let app = {
        let storage = Storage::open(&url).await?;
        let app = store::new_app(&storage, &world, "bench").await?;
        storage.apps.add_secret(app.no, keys::seal_secret(&vault, &app.id, &secret), world.now(), None).await?;
        let first = storage.apps.secrets(app.no).await?.first().context("a secret")?.no;
        storage.apps.end_secret(app.no, first, None).await?;
        app
    };
    let server = Server::start(folder.path(), &url, &key_file).await?;
    let address = server.address;
    let signer = Arc::new(Signer { key: Key::new(&secret), app_key: app.app_key.clone(), world: world.clone(), address });
    drive(&signer, calls / 10).await?;
    let span = Span::of(server.pid())?;
    let mut times = drive(&signer, calls).await?;
    let used = span.stop()?;
    drop(server);
    times.sort_unstable();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e3;
    let n = times.len() as f64;
    let storage = Storage::open(&url).await?;
    let stored = storage
        .messages
        .list(app.no, &pipeline::storage::messages::MessageFilter::default(), &types::listing::PageRequest { after: None, size: 1 })
        .await?;
    let newest = stored.items.first().context("nothing was stored")?.no as u64;
    ensure!(newest == calls + calls / 10, "{newest} stored of {}", calls + calls / 10);
    Ok(vec![
        Row::new("signed calls, durable when answered, 64 connections", n / used.wall.as_secs_f64(), "calls a second")
            .at_least("P5", 12_000.0)
            .with_note(format!("{calls} calls, {:.1} s wall; the caller shares the cores", used.wall.as_secs_f64())),
        Row::new("signed calls: p99", at(0.99), "ms").at_most("P5", 20.0).with_note(format!(
            "p50 {:.1} ms, max {:.1} ms",
            at(0.5),
            at(1.0)
        )),
        Row::new("signed calls: CPU of the whole server", used.cpu_us(n), "CPU-µs a call")
            .at_most("P5", 45.0)
            .with_note("planning of each message included"),
    ])
}

struct Signer {
    key: Key,
    app_key: String,
    world: World,
    address: SocketAddr,
}

impl Signer {
    fn request(&self) -> String {
        let timestamp = (self.world.now() / 1_000).to_string();
        let nonce = hex::encode(self.world.bytes::<12>());
        let parts = Parts {
            method: "POST",
            path: "/v1/messages",
            query: "",
            timestamp: &timestamp,
            nonce: &nonce,
            body_sha256: sha256(BODY.as_bytes()),
        };
        let signature = self.key.sign(&parts.to_sign());
        format!(
            "POST /v1/messages HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nX-App-Key: {}\r\n\
             X-Timestamp: {timestamp}\r\nX-Nonce: {nonce}\r\nX-Signature: {signature}\r\n\r\n{BODY}",
            self.address,
            BODY.len(),
            self.app_key
        )
    }
}

/// `calls` calls over [`CALLERS`] connections kept open; the time of each.
async fn drive(signer: &Arc<Signer>, calls: u64) -> Result<Vec<Duration>> {
    let next = Arc::new(AtomicU64::new(0));
    let mut callers = tokio::task::JoinSet::new();
    for _ in 0..CALLERS {
        let (signer, next) = (signer.clone(), next.clone());
        callers.spawn(async move {
            let mut stream = TcpStream::connect(signer.address).await?;
            stream.set_nodelay(true)?;
            let mut times = Vec::new();
            let mut buffer = Vec::with_capacity(4_096);
            while next.fetch_add(1, Ordering::Relaxed) < calls {
                let request = signer.request();
                let started = Instant::now();
                stream.write_all(request.as_bytes()).await?;
                let status = answer(&mut stream, &mut buffer).await?;
                times.push(started.elapsed());
                ensure!(status == 202, "answered {status}: {}", String::from_utf8_lossy(&buffer));
                buffer.clear();
            }
            anyhow::Ok(times)
        });
    }
    let mut times = Vec::new();
    while let Some(done) = callers.join_next().await {
        times.extend(done??);
    }
    Ok(times)
}
