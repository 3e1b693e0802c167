//! A Redis of the test's own: its port, its folder, ended with the test.

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

pub struct PrivateRedis {
    port: u16,
    folder: TempDir,
    cluster: bool,
    child: Option<Child>,
}

impl PrivateRedis {
    /// A plain server; keeps nothing over a restart.
    pub async fn start() -> PrivateRedis {
        Self::run(false).await
    }

    /// A cluster of one: it refuses every call whose keys do not share a slot.
    pub async fn cluster() -> PrivateRedis {
        Self::run(true).await
    }

    async fn run(cluster: bool) -> PrivateRedis {
        let folder = tempfile::tempdir().expect("a folder");
        let mut redis = PrivateRedis { port: 0, folder, cluster, child: None };
        // A port that was free may be taken before the server has it: then another one.
        for _ in 0..20 {
            redis.port = TcpListener::bind(("127.0.0.1", 0)).and_then(|l| l.local_addr()).expect("a free port").port();
            if redis.launch().await {
                return redis;
            }
        }
        panic!("redis-server did not start; `scripts/setup test` installs it");
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// As a power cut would: nothing is kept.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().expect("killed");
            child.wait().expect("gone");
        }
    }

    pub async fn start_again(&mut self) {
        assert!(self.launch().await, "redis-server starts again");
    }

    /// One command of a stranger.
    pub async fn ask<T: redis::FromRedisValue>(&self, command: &redis::Cmd) -> redis::RedisResult<T> {
        let client = redis::Client::open(self.url())?;
        let mut connection = client.get_multiplexed_async_connection().await?;
        command.query_async(&mut connection).await
    }

    /// `false` when it ended at once.
    async fn launch(&mut self) -> bool {
        let mut command = Command::new("redis-server");
        command.args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--port", &self.port.to_string()]);
        command.arg("--dir").arg(self.folder.path());
        if self.cluster {
            // The bus listens 10,000 higher unless it is told where.
            let bus = TcpListener::bind(("127.0.0.1", 0)).and_then(|l| l.local_addr()).expect("a free port").port();
            command.args(["--cluster-enabled", "yes", "--cluster-port", &bus.to_string()]);
        }
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let mut child = child.expect("redis-server is installed by `scripts/setup test`");
        loop {
            if child.try_wait().expect("a child").is_some() {
                return false;
            }
            if self.ask::<String>(&redis::cmd("PING")).await.is_ok() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        self.child = Some(child);
        if self.cluster {
            let mut slots = redis::cmd("CLUSTER");
            slots.arg("ADDSLOTSRANGE").arg(0).arg(16_383);
            self.ask::<()>(&slots).await.expect("slots");
            let mut info = redis::cmd("CLUSTER");
            info.arg("INFO");
            while !self.ask::<String>(&info).await.is_ok_and(|text| text.contains("cluster_state:ok")) {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
        true
    }
}

impl Drop for PrivateRedis {
    fn drop(&mut self) {
        self.kill();
    }
}
