//! Passes: what a request is authorised with. Static ones are handed through; ES256 provider tokens are signed here.
//!
//! apns.md, 1: a provider token lives one hour and may be signed anew at most once in 20 minutes, over all workers and over
//! restarts. So: one signing for everybody, renewal at 50 minutes ± jitter, and the signed token outlives the process
//! behind [`PassStore`].

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, RwLock};

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use serde::{Deserialize, Serialize};
use types::Millis;
use types::vendor::Environment;

use super::dialect::PassPlan;
use crate::vault::Vault;
use crate::world::World;

const MINUTE: Millis = 60_000;
/// Never sign again before this age.
const YOUNG: Millis = 20 * MINUTE;
/// Sign again at this age, give or take [`JITTER`].
const RENEW_AT: Millis = 50 * MINUTE;
const JITTER: Millis = 3 * MINUTE;
/// A token from the future (clock set back) or older than this is not used.
const TOO_OLD: Millis = 58 * MINUTE;

/// Why there is no pass.
#[derive(Debug, thiserror::Error)]
pub enum PassError {
    #[error("the p8 key cannot sign: it is no P-256 private key")]
    Key,
    #[error("pass store: {0}")]
    Store(#[from] std::io::Error),
}

/// Keeps sealed tokens between two lives of the process. Keys are hex digests.
#[async_trait]
pub trait PassStore: Send + Sync {
    async fn get(&self, key: &str) -> std::io::Result<Option<Vec<u8>>>;
    async fn put(&self, key: &str, sealed: Vec<u8>) -> std::io::Result<()>;
}

/// One small file per token in a folder of the data directory.
pub struct FilePassStore {
    dir: PathBuf,
}

impl FilePassStore {
    pub fn new(dir: PathBuf) -> FilePassStore {
        FilePassStore { dir }
    }
}

#[async_trait]
impl PassStore for FilePassStore {
    async fn get(&self, key: &str) -> std::io::Result<Option<Vec<u8>>> {
        match tokio::fs::read(self.dir.join(key)).await {
            Ok(sealed) => Ok(Some(sealed)),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(e),
        }
    }

    /// Whole or not at all: written beside, flushed, renamed.
    async fn put(&self, key: &str, sealed: Vec<u8>) -> std::io::Result<()> {
        let dir = self.dir.clone();
        let path = self.dir.join(key);
        tokio::task::spawn_blocking(move || {
            std::fs::create_dir_all(&dir)?;
            let mut file = tempfile::NamedTempFile::new_in(&dir)?;
            std::io::Write::write_all(&mut file, &sealed)?;
            file.as_file().sync_all()?;
            file.persist(&path).map_err(|e| e.error)?;
            std::fs::File::open(&dir)?.sync_all()
        })
        .await
        .map_err(std::io::Error::other)?
    }
}

/// Team, key, environment, and a digest of the key itself: a corrected p8 under the same id makes a new token.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Owner {
    team: String,
    key: String,
    environment: Environment,
    digest: [u8; 8],
}

#[derive(Clone, Serialize, Deserialize)]
struct Signed {
    /// Value of the header `authorization`.
    header: String,
    signed_at: Millis,
    renew_at: Millis,
}

impl Signed {
    fn age(&self, now: Millis) -> Millis {
        now - self.signed_at
    }

    fn usable(&self, now: Millis) -> bool {
        (-MINUTE..TOO_OLD).contains(&self.age(now))
    }
}

/// All passes of the process; share one behind an `Arc`.
pub struct Passes {
    world: World,
    vault: Arc<Vault>,
    store: Arc<dyn PassStore>,
    signed: RwLock<HashMap<Owner, (Arc<str>, Millis)>>,
    /// Held while reading the store or signing, so that one signs for all.
    signing: tokio::sync::Mutex<HashMap<Owner, Signed>>,
}

impl Passes {
    pub fn new(world: World, vault: Arc<Vault>, store: Arc<dyn PassStore>) -> Passes {
        Passes { world, vault, store, signed: RwLock::default(), signing: tokio::sync::Mutex::default() }
    }

    /// The value for the header `authorization`. Cheap when nothing is to be signed.
    ///
    /// # Errors
    /// When the key cannot sign or the signed token cannot be kept (a token that is not kept would be signed again
    /// after a restart, too soon).
    pub async fn get(&self, plan: &PassPlan, environment: Environment) -> Result<Arc<str>, PassError> {
        let owner = match plan {
            PassPlan::Static(value) => return Ok(Arc::from(value.as_str())),
            PassPlan::Es256 { team_id, key_id, pkcs8_der } => owner(team_id, key_id, pkcs8_der, environment),
        };
        let now = self.world.now();
        if let Some((header, renew_at)) = self.signed.read().unwrap_or_else(|e| e.into_inner()).get(&owner)
            && now < *renew_at
            && now > *renew_at - RENEW_AT - 2 * JITTER
        {
            return Ok(Arc::clone(header));
        }
        self.sign(plan, owner, false).await
    }

    /// Asks for a new token because the vendor called the present one expired. Signs only if the present one is older
    /// than 20 minutes; otherwise the present one comes back.
    ///
    /// # Errors
    /// As [`Passes::get`].
    pub async fn renew(&self, plan: &PassPlan, environment: Environment) -> Result<Arc<str>, PassError> {
        match plan {
            PassPlan::Static(value) => Ok(Arc::from(value.as_str())),
            PassPlan::Es256 { team_id, key_id, pkcs8_der } => self.sign(plan, owner(team_id, key_id, pkcs8_der, environment), true).await,
        }
    }

    async fn sign(&self, plan: &PassPlan, owner: Owner, refused: bool) -> Result<Arc<str>, PassError> {
        let mut all = self.signing.lock().await;
        let now = self.world.now();
        let place = owner.place();
        let known = match all.get(&owner) {
            Some(signed) => Some(signed.clone()),
            None => self.kept(&place).await?,
        };
        let fresh_enough = |signed: &Signed| {
            let age = signed.age(now);
            signed.usable(now) && if refused { age < YOUNG } else { now < signed.renew_at || age < YOUNG }
        };
        let signed = match known.filter(fresh_enough) {
            Some(signed) => signed,
            None => {
                let signed = self.make(plan, now)?;
                let plain = serde_json::to_vec(&signed).unwrap_or_default();
                self.store.put(&place, self.vault.seal(&["pass", &place], &plain)).await?;
                signed
            }
        };
        let header: Arc<str> = Arc::from(signed.header.as_str());
        self.signed.write().unwrap_or_else(|e| e.into_inner()).insert(owner.clone(), (Arc::clone(&header), signed.renew_at));
        all.insert(owner, signed);
        Ok(header)
    }

    async fn kept(&self, place: &str) -> Result<Option<Signed>, PassError> {
        let Some(sealed) = self.store.get(place).await? else { return Ok(None) };
        let plain = match self.vault.open(&["pass", place], &sealed) {
            Ok(plain) => plain,
            Err(e) => {
                tracing::warn!(error = %e, "a kept provider token cannot be opened; a new one is signed");
                return Ok(None);
            }
        };
        Ok(serde_json::from_slice(&plain).ok())
    }

    fn make(&self, plan: &PassPlan, now: Millis) -> Result<Signed, PassError> {
        let PassPlan::Es256 { team_id, key_id, pkcs8_der } = plan else { return Err(PassError::Key) };
        let random = SystemRandom::new();
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8_der, &random).map_err(|_| PassError::Key)?;
        let head = serde_json::json!({"alg": "ES256", "kid": key_id}).to_string();
        let claims = serde_json::json!({"iss": team_id, "iat": now / 1_000}).to_string();
        let mut token = format!("{}.{}", URL_SAFE_NO_PAD.encode(head), URL_SAFE_NO_PAD.encode(claims));
        let signature = key.sign(&random, token.as_bytes()).map_err(|_| PassError::Key)?;
        token.push('.');
        token.push_str(&URL_SAFE_NO_PAD.encode(signature));
        let jitter = ((self.world.unit() * 2.0 - 1.0) * JITTER as f64) as Millis;
        Ok(Signed { header: format!("bearer {token}"), signed_at: now, renew_at: now + RENEW_AT + jitter })
    }
}

fn owner(team: &str, key: &str, pkcs8: &[u8], environment: Environment) -> Owner {
    let digest = xxhash_rust::xxh3::xxh3_64(pkcs8).to_le_bytes();
    Owner { team: team.to_owned(), key: key.to_owned(), environment, digest }
}

impl Owner {
    /// Name in the store, safe as a file name.
    fn place(&self) -> String {
        let text = format!("{}\n{}\n{}\n{}", self.team, self.key, self.environment.slug(), hex::encode(self.digest));
        hex::encode(&ring::digest::digest(&ring::digest::SHA256, text.as_bytes()).as_ref()[..16])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vault::MasterKey;
    use crate::world::{HeldClock, SeededRandom};
    use ring::signature::{ECDSA_P256_SHA256_FIXED, KeyPair, UnparsedPublicKey};

    const START: Millis = 1_795_179_600_000;

    struct Desk {
        clock: Arc<HeldClock>,
        dir: tempfile::TempDir,
        plan: PassPlan,
        public: Vec<u8>,
    }

    impl Desk {
        fn new() -> Desk {
            let random = SystemRandom::new();
            let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).expect("a key");
            let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.as_ref(), &random).expect("a key");
            Desk {
                clock: HeldClock::at(START),
                dir: tempfile::tempdir().expect("a folder"),
                plan: PassPlan::Es256 { team_id: "TEAM000001".into(), key_id: "KEY0000001".into(), pkcs8_der: pkcs8.as_ref().to_vec() },
                public: key.public_key().as_ref().to_vec(),
            }
        }

        /// A process that starts now.
        fn start(&self, seed: u64) -> Passes {
            let world = World::new(self.clock.clone(), SeededRandom::new(seed));
            let master = MasterKey::random(&World::new(self.clock.clone(), SeededRandom::new(1)));
            let vault = Arc::new(Vault::new(world.clone(), &master, None).expect("a vault"));
            Passes::new(world, vault, Arc::new(FilePassStore::new(self.dir.path().join("passes"))))
        }
    }

    #[tokio::test]
    async fn the_token_is_a_strict_rfc_7515_jwt() {
        let desk = Desk::new();
        let header = desk.start(2).get(&desk.plan, Environment::Production).await.expect("signed");
        let token = header.strip_prefix("bearer ").expect("lower-case scheme");
        let parts: Vec<&str> = token.split('.').collect();
        let json =
            |part: &str| serde_json::from_slice::<serde_json::Value>(&URL_SAFE_NO_PAD.decode(part).expect("base64url")).expect("JSON");
        assert_eq!(json(parts[0]), serde_json::json!({"alg": "ES256", "kid": "KEY0000001"}));
        assert_eq!(json(parts[1]), serde_json::json!({"iss": "TEAM000001", "iat": START / 1_000}));
        let signature = URL_SAFE_NO_PAD.decode(parts[2]).expect("base64url");
        assert_eq!(signature.len(), 64);
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, &desk.public)
            .verify(format!("{}.{}", parts[0], parts[1]).as_bytes(), &signature)
            .expect("the signature holds");
    }

    #[tokio::test]
    async fn one_signing_serves_a_hundred_workers_and_a_hundred_restarts() {
        let desk = Desk::new();
        let passes = Arc::new(desk.start(2));
        let mut seen = std::collections::HashSet::new();
        let workers: Vec<_> = (0..100)
            .map(|_| {
                let (passes, plan) = (Arc::clone(&passes), desk.plan.clone());
                tokio::spawn(async move { passes.get(&plan, Environment::Production).await.expect("signed") })
            })
            .collect();
        for worker in workers {
            seen.insert(worker.await.expect("joined"));
        }
        for restart in 0..100 {
            desk.clock.advance(11_000);
            seen.insert(desk.start(restart).get(&desk.plan, Environment::Production).await.expect("kept"));
        }
        assert_eq!(seen.len(), 1, "18 minutes, 100 restarts, one token");
    }

    #[tokio::test]
    async fn renewed_near_fifty_minutes_and_never_within_twenty() {
        let desk = Desk::new();
        let passes = desk.start(2);
        let env = Environment::Production;
        let first = passes.get(&desk.plan, env).await.expect("signed");
        desk.clock.advance(19 * MINUTE);
        assert_eq!(passes.renew(&desk.plan, env).await.expect("kept"), first, "too young to be signed again");
        desk.clock.advance(27 * MINUTE);
        assert_eq!(passes.get(&desk.plan, env).await.expect("kept"), first, "46 minutes old");
        desk.clock.advance(8 * MINUTE);
        let second = passes.get(&desk.plan, env).await.expect("signed");
        assert_ne!(second, first, "54 minutes old");
        desk.clock.advance(21 * MINUTE);
        let third = passes.renew(&desk.plan, env).await.expect("signed");
        assert_ne!(third, second, "refused and older than 20 minutes");
        assert_eq!(passes.get(&desk.plan, env).await.expect("kept"), third);
    }

    #[tokio::test]
    async fn environments_and_keys_never_share() {
        let desk = Desk::new();
        let passes = desk.start(2);
        let production = passes.get(&desk.plan, Environment::Production).await.expect("signed");
        desk.clock.advance(1_000);
        assert_ne!(passes.get(&desk.plan, Environment::Sandbox).await.expect("signed"), production);
        assert_ne!(passes.get(&Desk::new().plan, Environment::Production).await.expect("signed"), production);
    }

    #[tokio::test]
    async fn nothing_readable_is_kept_and_a_key_that_is_none_is_named() {
        let desk = Desk::new();
        let header = desk.start(2).get(&desk.plan, Environment::Production).await.expect("signed");
        for entry in std::fs::read_dir(desk.dir.path().join("passes")).expect("a folder") {
            let bytes = std::fs::read(entry.expect("a file").path()).expect("read");
            assert!(!bytes.windows(20).any(|w| w == &header.as_bytes()[..20]));
        }
        let bad = PassPlan::Es256 { team_id: "T".into(), key_id: "K".into(), pkcs8_der: vec![1, 2, 3] };
        assert!(matches!(desk.start(2).get(&bad, Environment::Production).await, Err(PassError::Key)));
    }
}
