//! Signed calls against the real binary: durable accepts a second, p99, CPU of the server's process (P5).

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use pipeline::access::keys;
use pipeline::access::signature::{Key, Parts, sha256};
use pipeline::storage::Storage;
use pipeline::vault::Vault;
use pipeline::world::World;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::Instant;

use crate::report::Row;
use crate::span::Span;
use crate::store;

const CALLERS: usize = 64;
const BODY: &str =
    r#"{"content":{"title":"复诊提醒","body":"您预约的号源明天 9:00 开始就诊"},"targets":{"users":["user-1"]},"class":"transactional"}"#;

/// Where the release server is: `CARILLON_BINARY`, or beside this program.
fn binary() -> Result<PathBuf> {
    let path = match std::env::var_os("CARILLON_BINARY") {
        Some(path) => PathBuf::from(path),
        None => std::env::current_exe()?.parent().and_then(std::path::Path::parent).context("a folder")?.join("carillon"),
    };
    ensure!(path.exists(), "{} is missing: build it first (make server), or name it in CARILLON_BINARY", path.display());
    Ok(path)
}

/// The server's process, ended with this value.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        // Gone already is as good.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

async fn free_port() -> Result<SocketAddr> {
    Ok(tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?.local_addr()?)
}

pub async fn measure(calls: u64) -> Result<Vec<Row>> {
    let binary = binary()?;
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
    let address = free_port().await?;
    let child = Command::new(&binary)
        .arg("serve")
        .env("CARILLON_DATABASE_URL", &url)
        .env("CARILLON_DATA_DIR", folder.path())
        .env("CARILLON_MASTER_KEY_FILE", &key_file)
        .env("CARILLON_LISTEN", address.to_string())
        .env("CARILLON__WEB__CALLS_PER_SECOND", "0")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .with_context(|| binary.display().to_string())?;
    let mut server = Server(child);
    let limit = Instant::now() + Duration::from_secs(20);
    while TcpStream::connect(address).await.is_err() {
        if let Some(status) = server.0.try_wait()? {
            bail!("the server ended: {status}");
        }
        ensure!(Instant::now() < limit, "the server does not listen");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let signer = Arc::new(Signer { key: Key::new(&secret), app_key: app.app_key.clone(), world: world.clone(), address });
    drive(&signer, calls / 10).await?;
    let span = Span::of(server.0.id())?;
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

/// Reads one answer whole (head and `Content-Length` bytes) and returns its status.
async fn answer(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Result<u16> {
    loop {
        if let Some(end) = buffer.windows(4).position(|w| w == b"\r\n\r\n") {
            let head = std::str::from_utf8(&buffer[..end])?;
            let status = head.get(9..12).context("a status")?.parse()?;
            let length: usize = head
                .lines()
                .find_map(|line| line.split_once(':').filter(|(name, _)| name.eq_ignore_ascii_case("content-length")))
                .map_or(Ok(0), |(_, value)| value.trim().parse())?;
            if buffer.len() >= end + 4 + length {
                return Ok(status);
            }
        }
        ensure!(stream.read_buf(buffer).await? > 0, "the server closed the connection");
    }
}
