//! A PostgreSQL of this test run's own: a fresh cluster in a private folder, on a socket inside it and on no port, gone
//! when the run ends (however it ends). Every case gets a database of its own, copied from a migrated template.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

use pipeline::storage::Storage;
use sqlx::{ConnectOptions, Connection};

/// Makes and starts the cluster, says its folder, waits until whoever started it is gone, and takes everything away.
/// With `careful`, as a real one: what is committed is on disk.
const SCRIPT: &str = r#"
trap '' INT TERM HUP
set -e
cd /
place=${TMPDIR:-/tmp}
# In memory where there is room: a database is several hundred small files.
room=$(df -Pk /dev/shm 2>/dev/null | awk 'NR == 2 { print $4 }')
if [ "$2" = quick ] && [ -w /dev/shm ] && [ "${room:-0}" -gt 1000000 ]; then place=/dev/shm; fi
folder=$(mktemp -d "$place/carillon-pg-XXXXXX")
trap 'rm -rf "$folder"' EXIT
"$1/initdb" -D "$folder/data" -U carillon -A trust -E UTF8 --locale=C.UTF-8 --no-sync >"$folder/log" 2>&1 || { cat "$folder/log" >&2; exit 1; }
[ "$2" = careful ] || printf 'fsync = off\nfull_page_writes = off\n' >>"$folder/data/postgresql.conf"
printf "listen_addresses = ''\nunix_socket_directories = '%s'\nmax_connections = 400\nshared_buffers = 128MB\nmax_wal_size = 1GB\n" "$folder" >>"$folder/data/postgresql.conf"
"$1/postgres" -D "$folder/data" >"$folder/log" 2>&1 </dev/null &
server=$!
until "$1/pg_isready" -q -h "$folder"; do
  kill -0 $server 2>/dev/null || { cat "$folder/log" >&2; exit 1; }
  sleep 0.05
done
echo "$folder"
# Whoever reads our words does not wait for us.
exec >/dev/null 2>&1
cat >/dev/null
kill -QUIT $server
wait $server || true
"#;

pub struct Cluster {
    folder: PathBuf,
    /// The script waits for its end.
    _alive: ChildStdin,
    _script: Child,
}

impl Cluster {
    /// # Panics
    /// When there is no PostgreSQL: `scripts/setup test` installs it. A missing one is no reason to skip.
    pub fn start(careful: bool) -> Cluster {
        let programs = programs();
        let mut command = match unprivileged() {
            Some(user) => {
                let mut command = Command::new("setpriv");
                command.args(["--reuid", user, "--regid", &group_of(user), "--clear-groups", "sh"]);
                command
            }
            None => Command::new("sh"),
        };
        command.args(["-c", SCRIPT, "cluster"]).arg(&programs).arg(if careful { "careful" } else { "quick" });
        let mut script = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("sh starts");
        let (alive, said) = (script.stdin.take().expect("stdin"), script.stdout.take().expect("stdout"));
        let mut folder = String::new();
        BufReader::new(said).read_line(&mut folder).expect("the script's answer");
        assert!(!folder.is_empty(), "PostgreSQL did not start; its words are above");
        Cluster { folder: PathBuf::from(folder.trim()), _alive: alive, _script: script }
    }

    pub fn url(&self, database: &str) -> String {
        format!("postgres://carillon@localhost/{database}?host={}", self.folder.display())
    }

    async fn order(&self, sql: String) {
        let mut conn = self.url("postgres").parse::<sqlx::postgres::PgConnectOptions>().expect("a URL").connect().await.expect("connected");
        sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&mut conn).await.expect("done");
        conn.close().await.expect("closed");
    }
}

/// Where `initdb` and its siblings are.
fn programs() -> PathBuf {
    let mut folders: Vec<PathBuf> =
        std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten().map(|e| e.path().join("bin")).collect();
    folders.sort_by_key(|folder| version(folder));
    folders.reverse();
    folders.extend(std::env::var_os("PATH").iter().flat_map(std::env::split_paths));
    let found = folders.into_iter().find(|folder| folder.join("initdb").exists() && folder.join("pg_isready").exists());
    found.expect("PostgreSQL is missing: `scripts/setup test` installs it")
}

fn version(folder: &Path) -> u32 {
    folder.parent().and_then(|f| f.file_name()).and_then(|n| n.to_string_lossy().parse().ok()).unwrap_or(0)
}

fn said(command: &str, args: &[&str]) -> Option<String> {
    let output = Command::new(command).args(args).stderr(Stdio::null()).output().ok().filter(|o| o.status.success())?;
    Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// PostgreSQL refuses to run as root: then as somebody else.
fn unprivileged() -> Option<&'static str> {
    if said("id", &["-u"]).as_deref() != Some("0") {
        return None;
    }
    let known = ["postgres", "nobody"].into_iter().find(|user| said("id", &["-u", user]).is_some());
    Some(known.expect("a user to run PostgreSQL as"))
}

fn group_of(user: &str) -> String {
    said("id", &["-g", user]).expect("its group")
}

/// The cluster of this process, started by the first case that asks.
pub fn cluster() -> &'static Cluster {
    static CLUSTER: OnceLock<Cluster> = OnceLock::new();
    CLUSTER.get_or_init(|| Cluster::start(false))
}

/// A database of one case.
pub struct Database {
    pub url: String,
    name: String,
}

/// Databases whose cases have ended: the next case takes them away.
static OVER: Mutex<Vec<String>> = Mutex::new(Vec::new());

impl Drop for Database {
    fn drop(&mut self) {
        OVER.lock().unwrap_or_else(PoisonError::into_inner).push(std::mem::take(&mut self.name));
    }
}

/// A fresh, migrated one.
pub async fn database() -> Database {
    static TEMPLATE: tokio::sync::OnceCell<()> = tokio::sync::OnceCell::const_new();
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let cluster = tokio::task::spawn_blocking(cluster).await.expect("a cluster");
    TEMPLATE
        .get_or_init(|| async {
            cluster.order("CREATE DATABASE template".to_owned()).await;
            // Closed again at once: a template must not be in use.
            drop(Storage::open(&cluster.url("template")).await.expect("a migrated template"));
        })
        .await;
    let over = std::mem::take(&mut *OVER.lock().unwrap_or_else(PoisonError::into_inner));
    for name in over {
        cluster.order(format!("DROP DATABASE {name} WITH (FORCE)")).await;
    }
    let name = format!("case_{}", NEXT.fetch_add(1, Ordering::Relaxed));
    cluster.order(format!("CREATE DATABASE {name} TEMPLATE template")).await;
    Database { url: cluster.url(&name), name }
}
