//! The real binary as a process of its own, ended with its value; and a caller that speaks HTTP/1.1 to it.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::time::Instant;

/// Where the release server is: `CARILLON_BINARY`, or beside this program.
fn binary() -> Result<PathBuf> {
    let path = match std::env::var_os("CARILLON_BINARY") {
        Some(path) => PathBuf::from(path),
        None => std::env::current_exe()?.parent().and_then(Path::parent).context("a folder")?.join("carillon"),
    };
    ensure!(path.exists(), "{} is missing: build it first (make server), or name it in CARILLON_BINARY", path.display());
    Ok(path)
}

pub struct Server {
    child: Child,
    pub address: SocketAddr,
}

impl Drop for Server {
    fn drop(&mut self) {
        // Gone already is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Server {
    /// `carillon serve` on this store; listens when this returns.
    pub async fn start(folder: &Path, url: &str, key_file: &Path) -> Result<Server> {
        let binary = binary()?;
        let address = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?.local_addr()?;
        let child = Command::new(&binary)
            .arg("serve")
            .env("CARILLON_DATABASE_URL", url)
            .env("CARILLON_DATA_DIR", folder)
            .env("CARILLON_MASTER_KEY_FILE", key_file)
            .env("CARILLON_LISTEN", address.to_string())
            .env("CARILLON__WEB__CALLS_PER_SECOND", "0")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| binary.display().to_string())?;
        let mut server = Server { child, address };
        let limit = Instant::now() + Duration::from_secs(20);
        while TcpStream::connect(address).await.is_err() {
            if let Some(status) = server.child.try_wait()? {
                bail!("the server ended: {status}");
            }
            ensure!(Instant::now() < limit, "the server does not listen");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(server)
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }
}

/// Reads one answer whole (head and `Content-Length` bytes) and returns its status.
pub async fn answer(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Result<u16> {
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
