//! Settings: file < environment (`CARILLON__SECTION__KEY`, short forms) < flags. Refuses what cannot work, naming the remedy.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use config::builder::DefaultState;
use config::{Config, ConfigBuilder, ConfigError, Environment, File, FileFormat, Map};
use pipeline::house::Roles;
use serde::{Deserialize, Serialize};

/// What this process does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Duty {
    /// Pages for people.
    Console,
    /// Signed API, client reports, vendor callbacks.
    Api,
    /// Planning, lanes, receipts.
    Worker,
    /// Schedules, expiry, upkeep; of several nodes one at a time does it.
    Scheduler,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Address and port of console and API.
    pub listen: SocketAddr,
    /// Uploads, signed passes, and the database when no URL is given.
    pub data_dir: PathBuf,
    /// `sqlite:///path/to/file.db` or `postgres://user:password@host/database`; `None` = `carillon.db` in the data folder.
    pub database_url: Option<String>,
    /// `redis://host:6379` or `rediss://…`: where several nodes agree; `None` = this process is the only one.
    pub redis_url: Option<String>,
    /// 32 bytes in base64; everything secret in the database is sealed with it.
    pub master_key_file: Option<PathBuf>,
    /// `https://push.example.com`: what browsers and vendors call us.
    pub public_url: Option<String>,
    /// `http://127.0.0.1:3480`: the control API of a simulator, for the page "Laboratory"; `None` = no such page.
    pub simulator_url: Option<String>,
    /// The built site; `None` = `site` beside the program, else `target/site`.
    pub site_dir: Option<PathBuf>,
    /// What this process does; all of it by default.
    pub roles: Vec<Duty>,
    pub web: Web,
    pub console: Console,
    pub pictures: Pictures,
    pub retention: Retention,
    pub log: Log,
}

/// How long what grows is kept.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Retention {
    /// Days after its end for which it is known who was in a message; 0 = for good. Counters and funnels stay whatever this says.
    pub recipients_days: u32,
}

impl Default for Retention {
    fn default() -> Self {
        Retention { recipients_days: 400 }
    }
}

/// Pictures of pushes are fetched here for the vendors that want them uploaded.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Pictures {
    /// Hosts from which they may come although they are of this network; all others must be on the open Internet.
    pub private_hosts: Vec<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Web {
    /// Serve plain HTTP beyond this machine all the same: only behind something that adds TLS without telling us, never in the open.
    pub insecure: bool,
    /// A proxy in front sets `X-Forwarded-For`; its last entry is the caller's address.
    pub forwarded: bool,
    /// Seconds one request may take until its answer starts.
    pub timeout_seconds: u64,
    /// Seconds between the failing of `/readyz` at a stop and the shutting of the door: what a load balancer needs to notice.
    pub linger_seconds: u64,
    /// Signed calls a second and app; beyond it 429. 0 = no limit.
    pub calls_per_second: u32,
    /// Reports and registrations of phones (client key) a second and app; beyond it 429. 0 = no limit.
    pub client_calls_per_second: u32,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Console {
    /// IANA zone in which pages show times.
    pub zone: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    Text,
    Json,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Log {
    pub format: LogFormat,
    /// `tracing` filter: `info`, `info,pipeline=debug`.
    pub filter: String,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            listen: SocketAddr::from(([127, 0, 0, 1], 3000)),
            data_dir: PathBuf::from("data"),
            database_url: None,
            redis_url: None,
            master_key_file: None,
            public_url: None,
            simulator_url: None,
            site_dir: None,
            roles: vec![Duty::Console, Duty::Api, Duty::Worker, Duty::Scheduler],
            web: Web::default(),
            console: Console::default(),
            pictures: Pictures::default(),
            retention: Retention::default(),
            log: Log::default(),
        }
    }
}

impl Default for Web {
    fn default() -> Self {
        Web {
            insecure: false,
            forwarded: false,
            timeout_seconds: 60,
            linger_seconds: 0,
            calls_per_second: 2_000,
            client_calls_per_second: 5_000,
        }
    }
}

impl Default for Console {
    fn default() -> Self {
        Console { zone: "Asia/Shanghai".to_owned() }
    }
}

impl Default for Log {
    fn default() -> Self {
        Log { format: LogFormat::Text, filter: "info".to_owned() }
    }
}

/// Short forms of the environment and the keys they stand for.
const SHORT: [(&str, &str); 9] = [
    ("CARILLON_LISTEN", "listen"),
    ("CARILLON_DATA_DIR", "data_dir"),
    ("CARILLON_DATABASE_URL", "database_url"),
    ("CARILLON_REDIS_URL", "redis_url"),
    ("CARILLON_MASTER_KEY_FILE", "master_key_file"),
    ("CARILLON_PUBLIC_URL", "public_url"),
    ("CARILLON_SIMULATOR_URL", "simulator_url"),
    ("CARILLON_SITE_DIR", "site_dir"),
    ("CARILLON_ROLES", "roles"),
];
/// Keys whose value may stand in a file named by `CARILLON_…_FILE`.
const FROM_FILE: [(&str, &str); 2] = [("CARILLON_DATABASE_URL_FILE", "database_url"), ("CARILLON_REDIS_URL_FILE", "redis_url")];
/// Read from the working folder when no file is named.
const DEFAULT_FILE: &str = "carillon.toml";

#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    #[error("settings: {0}")]
    Read(#[from] ConfigError),
    #[error("settings: {key} names a file that cannot be read: {error}")]
    SecretFile { key: &'static str, error: std::io::Error },
    /// Everything that is wrong at once.
    #[error("{}", .0.join("\n"))]
    Refused(Vec<String>),
}

/// Reads settings from `file` (or `carillon.toml` here, when it exists), the given environment and the given flags.
///
/// # Errors
/// When a source cannot be read, a key is unknown, or a value has the wrong form.
pub fn read(
    file: Option<&Path>,
    environment: &BTreeMap<String, String>,
    flags: &[(&'static str, String)],
) -> Result<Settings, SettingsError> {
    let mut builder = Config::builder();
    match file {
        Some(path) => builder = builder.add_source(File::from(path.to_path_buf()).format(FileFormat::Toml)),
        None => builder = builder.add_source(File::from(PathBuf::from(DEFAULT_FILE)).format(FileFormat::Toml).required(false)),
    }
    let long: Map<String, String> =
        environment.iter().filter(|(k, _)| k.starts_with("CARILLON__")).map(|(k, v)| (k.clone(), v.clone())).collect();
    builder = builder.add_source(
        Environment::with_prefix("CARILLON")
            .prefix_separator("__")
            .separator("__")
            .try_parsing(true)
            .list_separator(",")
            .with_list_parse_key("roles")
            .with_list_parse_key("pictures.private_hosts")
            .source(Some(long)),
    );
    for (name, key) in SHORT {
        if let Some(value) = environment.get(name).filter(|v| !v.is_empty()) {
            builder = set(builder, key, value)?;
        }
    }
    for (name, key) in FROM_FILE {
        if let Some(path) = environment.get(name).filter(|v| !v.is_empty()) {
            let text = std::fs::read_to_string(path).map_err(|error| SettingsError::SecretFile { key: name, error })?;
            builder = builder.set_override(key, text.trim().to_owned())?;
        }
    }
    for (key, value) in flags {
        builder = set(builder, key, value)?;
    }
    Ok(builder.build()?.try_deserialize()?)
}

/// `roles` is a list, with commas between.
fn set(builder: ConfigBuilder<DefaultState>, key: &str, value: &str) -> Result<ConfigBuilder<DefaultState>, ConfigError> {
    match key {
        "roles" => builder.set_override(key, value.split(',').map(|role| role.trim().to_owned()).collect::<Vec<_>>()),
        _ => builder.set_override(key, value),
    }
}

/// The environment of this process.
pub fn environment() -> BTreeMap<String, String> {
    std::env::vars().filter(|(key, _)| key.starts_with("CARILLON")).collect()
}

impl Settings {
    pub fn database_url(&self) -> String {
        self.database_url.clone().unwrap_or_else(|| format!("sqlite://{}/carillon.db", self.data_dir.display()))
    }

    /// Whether browsers reach us by HTTPS: then cookies are `Secure` with the `__Host-` prefix.
    pub fn secure(&self) -> bool {
        self.public_url.as_deref().is_some_and(|url| url.starts_with("https://"))
    }

    pub fn does(&self, duty: Duty) -> bool {
        self.roles.contains(&duty)
    }

    pub fn roles(&self) -> Roles {
        Roles {
            console: self.does(Duty::Console),
            api: self.does(Duty::Api),
            worker: self.does(Duty::Worker),
            scheduler: self.does(Duty::Scheduler),
        }
    }

    /// Where nodes agree, when there are several.
    pub fn redis_url(&self) -> Option<&str> {
        self.redis_url.as_deref().filter(|url| !url.is_empty())
    }

    /// Refuses what cannot work or would be unsafe. `demo` makes its own master key.
    ///
    /// # Errors
    /// All reasons at once, each with its remedy.
    pub fn check(&self, demo: bool) -> Result<(), SettingsError> {
        let mut wrong = Vec::new();
        if !demo && self.master_key_file.is_none() {
            wrong.push(
                "master_key_file is missing: make one with `carillon admin master-key --file <path>` and set CARILLON_MASTER_KEY_FILE"
                    .to_owned(),
            );
        }
        if let Some(file) = &self.master_key_file
            && !demo
            && let Err(error) = pipeline::vault::MasterKey::read(file)
        {
            wrong.push(format!("master_key_file {}: {error}", file.display()));
        }
        if !self.database_url().starts_with("sqlite:") && !pipeline::storage::shared(&self.database_url()) {
            wrong.push("database_url: use sqlite:///path/to/carillon.db or postgres://user:password@host/database".to_owned());
        }
        if let Some(url) = self.redis_url()
            && !["redis://", "rediss://"].iter().any(|scheme| url.starts_with(scheme))
        {
            wrong.push("redis_url: write it as redis://host:6379, or rediss:// for TLS".to_owned());
        }
        if let Some(url) = &self.public_url {
            let good = (url.starts_with("https://") || url.starts_with("http://")) && !url.ends_with('/') && url.matches('/').count() == 2;
            if !good {
                wrong.push(format!("public_url {url}: write it as https://push.example.com, without a path or a slash at the end"));
            }
        }
        if let Some(url) = &self.simulator_url
            && url.strip_prefix("http://").is_none_or(|host| host.trim_end_matches('/').contains('/'))
        {
            wrong.push(format!("simulator_url {url}: write it as http://127.0.0.1:3480, the address of the simulator's control API"));
        }
        if (self.does(Duty::Console) || self.does(Duty::Api)) && !self.listen.ip().is_loopback() && !self.secure() && !self.web.insecure {
            wrong.push(format!(
                "listen {}: passwords would cross the network in the open; put TLS in front and set public_url to its https:// address, \
                 listen on 127.0.0.1, or set web.insecure = true when you know the way is safe",
                self.listen
            ));
        }
        if self.roles.is_empty() {
            wrong.push("roles: name at least one of console, api, worker, scheduler".to_owned());
        }
        if let Err(error) = crate::zone::table(&self.console.zone, 0) {
            wrong.push(format!("console.zone {}: {error}; use an IANA name such as Asia/Shanghai", self.console.zone));
        }
        if self.web.timeout_seconds == 0 {
            wrong.push("web.timeout_seconds: must be at least 1".to_owned());
        }
        if wrong.is_empty() { Ok(()) } else { Err(SettingsError::Refused(wrong)) }
    }

    /// As JSON, with what may hold a password left out.
    pub fn redacted(&self) -> serde_json::Value {
        let mut value = serde_json::to_value(self).unwrap_or_default();
        for key in ["database_url", "redis_url"] {
            if let Some(text) = value.get(key).and_then(serde_json::Value::as_str) {
                let masked = match (text.find("://"), text.rfind('@')) {
                    (Some(scheme), Some(at)) if scheme < at => format!("{}://…{}", &text[..scheme], &text[at..]),
                    _ => text.to_owned(),
                };
                // A password may also stand among the options.
                let masked = match masked.split_once('?') {
                    Some((address, options)) if options.to_ascii_lowercase().contains("password") => format!("{address}?…"),
                    _ => masked,
                };
                value[key] = serde_json::Value::String(masked);
            }
        }
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
    }

    #[test]
    fn a_flag_beats_the_environment_which_beats_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("c.toml");
        std::fs::write(&file, "listen = \"127.0.0.1:1\"\ndata_dir = \"from-file\"\n[console]\nzone = \"Europe/Berlin\"\n").unwrap();
        let settings = read(Some(&file), &env(&[]), &[]).unwrap();
        assert_eq!(settings.listen.port(), 1);
        assert_eq!(settings.console.zone, "Europe/Berlin");
        let env = env(&[("CARILLON_LISTEN", "127.0.0.1:2"), ("CARILLON__CONSOLE__ZONE", "UTC"), ("CARILLON__ROLES", "console")]);
        let settings = read(Some(&file), &env, &[]).unwrap();
        assert_eq!((settings.listen.port(), settings.console.zone.as_str()), (2, "UTC"));
        assert_eq!(settings.roles, [Duty::Console]);
        assert_eq!(settings.data_dir, PathBuf::from("from-file"));
        let settings = read(Some(&file), &env, &[("listen", "127.0.0.1:3".into()), ("roles", "api, worker".into())]).unwrap();
        assert_eq!(settings.listen.port(), 3);
        assert_eq!(settings.roles, [Duty::Api, Duty::Worker]);
    }

    #[test]
    fn roles_have_a_short_name_too() {
        let settings = read(None, &env(&[("CARILLON_ROLES", "worker, scheduler")]), &[]).unwrap();
        assert_eq!(settings.roles, [Duty::Worker, Duty::Scheduler]);
    }

    #[test]
    fn a_typo_is_refused() {
        let wrong = read(None, &env(&[("CARILLON__CONSOLE__ZONNE", "UTC")]), &[]).unwrap_err();
        assert!(wrong.to_string().contains("zonne"), "{wrong}");
    }

    #[test]
    fn what_cannot_work_is_refused_with_a_remedy() {
        let open = Settings { listen: "0.0.0.0:80".parse().unwrap(), redis_url: Some("http://x".into()), ..Settings::default() };
        let SettingsError::Refused(reasons) = open.check(false).unwrap_err() else { panic!("refused") };
        let all = reasons.join("\n");
        for word in ["master_key_file", "0.0.0.0:80", "redis_url"] {
            assert!(all.contains(word), "{word} in {all}");
        }
        Settings::default().check(true).unwrap();
        let behind =
            Settings { listen: "0.0.0.0:80".parse().unwrap(), public_url: Some("https://p.example.com".into()), ..Settings::default() };
        behind.check(true).unwrap();
        assert!(behind.secure());
    }

    #[test]
    fn passwords_in_urls_are_not_printed() {
        let settings = Settings { database_url: Some("postgres://me:hunter2@db/x".into()), ..Settings::default() };
        let text = settings.redacted().to_string();
        assert!(!text.contains("hunter2"), "{text}");
        assert!(text.contains("postgres://…@db/x"), "{text}");
        let settings = Settings { database_url: Some("postgres://db/x?user=me&password=hunter2".into()), ..Settings::default() };
        let text = settings.redacted().to_string();
        assert!(!text.contains("hunter2"), "{text}");
    }

    #[test]
    fn both_stores_are_known_by_their_scheme() {
        let refused = |url: &str| {
            let words = Settings { database_url: Some(url.into()), ..Settings::default() }.check(true).err().map(|e| e.to_string());
            words.is_some_and(|words| words.contains("database_url"))
        };
        assert!(!refused("sqlite:///x.db") && !refused("postgres://me@db/x") && !refused("postgresql://me@db/x"));
        assert!(refused("mysql://me@db/x") && refused("carillon.db"));
    }
}
