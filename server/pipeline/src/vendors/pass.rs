//! Passes: what a request is authorised with. Static ones are handed through, JWTs are signed here, access tokens are
//! fetched through an [`Exchanger`]: one signing or fetching for everybody, before the old one ends, never in a storm.
//!
//! apns.md, 1: a provider token lives one hour and may be signed anew at most once in 20 minutes, over all workers and over
//! restarts. So: one signing for everybody, renewal at 50 minutes ± jitter, and the signed token outlives the process
//! behind [`PassStore`].

use std::collections::HashMap;
use std::sync::{Arc, Mutex, RwLock};

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, RSA_PSS_SHA256, RsaKeyPair};
use serde::{Deserialize, Serialize};
use types::Millis;
use types::failure::FailureClass;
use types::vendor::Environment;

use super::dialect::{Failure, Issued, PassPlan};
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
/// After a failed exchange nobody asks again for this long, unless the vendor says otherwise.
const EXCHANGE_PAUSE: Millis = 10_000;

/// Why there is no pass.
#[derive(Debug, thiserror::Error)]
pub enum PassError {
    #[error("the private key cannot sign: it is not of the kind this vendor asks for")]
    Key,
    #[error("access token: {}", .0.words)]
    Refused(Failure),
    #[error("pass store: {0}")]
    Store(#[from] std::io::Error),
}

/// Keeps sealed tokens between two lives of the process, and for the other nodes. Keys are hex digests.
#[async_trait]
pub trait PassStore: Send + Sync {
    async fn get(&self, key: &str) -> std::io::Result<Option<Vec<u8>>>;
    /// Waits until nobody else who keeps passes here makes this one.
    async fn turn(&self, key: &str) -> std::io::Result<()>;
    /// Ends the turn. `false`, and nothing is kept, when it was over before: somebody else's pass counts.
    async fn put(&self, key: &str, sealed: Vec<u8>) -> std::io::Result<bool>;
    /// The turn ends with nothing made.
    async fn over(&self, key: &str);
}

#[derive(Clone, Serialize, Deserialize)]
struct Held {
    /// As the dialect's `build` wants it.
    header: String,
    signed_at: Millis,
    renew_at: Millis,
    /// Not used from then on.
    ends_at: Millis,
}

impl Held {
    fn age(&self, now: Millis) -> Millis {
        now - self.signed_at
    }

    fn usable(&self, now: Millis) -> bool {
        -MINUTE <= self.age(now) && now < self.ends_at
    }
}

/// One pass's place: held while reading the store, signing or fetching, so that one does it for all.
#[derive(Default)]
struct Desk {
    known: Option<Held>,
    /// The store was asked.
    looked: bool,
    /// The last exchange failed; nobody asks again before then.
    failed: Option<(Failure, Millis)>,
}

/// What a turn led to.
enum Made {
    /// In the store, and the turn is over.
    Kept(Held),
    /// The old one serves on.
    Old(Arc<str>),
}

/// Pass, when it was made, when it is renewed.
type Ready = (Arc<str>, Millis, Millis);

/// All passes of the process; share one behind an `Arc`.
pub struct Passes {
    world: World,
    vault: Arc<Vault>,
    store: Arc<dyn PassStore>,
    ready: RwLock<HashMap<String, Ready>>,
    desks: Mutex<HashMap<String, Arc<tokio::sync::Mutex<Desk>>>>,
}

/// Fetches an access token: the lane's transport and dialect, seen from here.
#[async_trait]
pub trait Exchanger: Send + Sync {
    async fn exchange(&self) -> Result<Issued, Failure>;
}

/// For plans that need no exchange.
pub struct NoExchange;

#[async_trait]
impl Exchanger for NoExchange {
    async fn exchange(&self) -> Result<Issued, Failure> {
        Err(Failure::new(FailureClass::Auth, "no way to fetch an access token"))
    }
}

impl Passes {
    pub fn new(world: World, vault: Arc<Vault>, store: Arc<dyn PassStore>) -> Passes {
        Passes { world, vault, store, ready: RwLock::default(), desks: Mutex::default() }
    }

    /// What requests are authorised with. Cheap when nothing is to be signed or fetched.
    ///
    /// # Errors
    /// When the key cannot sign, the exchange is refused, or the pass cannot be kept (a token that is not kept would be
    /// signed again after a restart, too soon).
    pub async fn get(&self, plan: &PassPlan, environment: Environment, exchanger: &dyn Exchanger) -> Result<Arc<str>, PassError> {
        if let PassPlan::Static(value) = plan {
            return Ok(Arc::from(value.as_str()));
        }
        let place = place_of(plan, environment);
        let now = self.world.now();
        if let Some((header, signed_at, renew_at)) = self.ready.read().unwrap_or_else(|e| e.into_inner()).get(&place)
            && now < *renew_at
            && now >= *signed_at - MINUTE
        {
            return Ok(Arc::clone(header));
        }
        self.make_one(plan, place, None, exchanger).await
    }

    /// Asks for a new pass because the vendor called `refused` expired. Another one comes back when somebody else has
    /// renewed it meanwhile; the same one when it is too young to be renewed.
    ///
    /// # Errors
    /// As [`Passes::get`].
    pub async fn renew(
        &self,
        plan: &PassPlan,
        environment: Environment,
        refused: &str,
        exchanger: &dyn Exchanger,
    ) -> Result<Arc<str>, PassError> {
        match plan {
            PassPlan::Static(value) => Ok(Arc::from(value.as_str())),
            _ => self.make_one(plan, place_of(plan, environment), Some(refused), exchanger).await,
        }
    }

    fn desk(&self, place: &str) -> Arc<tokio::sync::Mutex<Desk>> {
        self.desks.lock().unwrap_or_else(|e| e.into_inner()).entry(place.to_owned()).or_default().clone()
    }

    async fn make_one(
        &self,
        plan: &PassPlan,
        place: String,
        refused: Option<&str>,
        exchanger: &dyn Exchanger,
    ) -> Result<Arc<str>, PassError> {
        let desk = self.desk(&place);
        let mut desk = desk.lock().await;
        let now = self.world.now();
        if !desk.looked {
            desk.known = self.kept(&place).await?;
            desk.looked = true;
        }
        let known = desk.known.clone().filter(|held| held.usable(now));
        let young = known.as_ref().is_some_and(|held| held.age(now) < plan.young());
        let serves = known.as_ref().is_some_and(|held| match refused {
            Some(refused) => held.header != refused || young,
            None => now < held.renew_at || young,
        });
        if let Some(held) = known.as_ref().filter(|_| serves) {
            return Ok(self.publish(place, held));
        }
        if let Some((failure, until)) = desk.failed.clone().filter(|(_, until)| now < *until) {
            return match known.filter(|_| refused.is_none()) {
                Some(held) => Ok(Arc::from(held.header.as_str())),
                None => Err(PassError::Refused(Failure { retry_after: Some(until - now), ..failure })),
            };
        }
        // Nodes use one pass: APNs counts how often a key signs, and calls the second one refused.
        self.store.turn(&place).await?;
        match self.in_turn(plan, &place, refused, &mut desk, known, exchanger).await {
            Ok(Made::Kept(held)) => Ok(self.publish(place, &held)),
            Ok(Made::Old(pass)) => {
                self.store.over(&place).await;
                Ok(pass)
            }
            Err(error) => {
                self.store.over(&place).await;
                Err(error)
            }
        }
    }

    /// Makes one, unless another node has meanwhile. A pass that was kept has ended the turn.
    async fn in_turn(
        &self,
        plan: &PassPlan,
        place: &str,
        refused: Option<&str>,
        desk: &mut Desk,
        known: Option<Held>,
        exchanger: &dyn Exchanger,
    ) -> Result<Made, PassError> {
        let now = self.world.now();
        let newer = |held: &Held| {
            held.usable(now)
                && refused.is_none_or(|refused| held.header != refused)
                && known.as_ref().is_none_or(|known| held.signed_at > known.signed_at)
        };
        if let Some(held) = self.kept(place).await?.filter(newer) {
            self.store.over(place).await;
            desk.failed = None;
            desk.known = Some(held.clone());
            return Ok(Made::Kept(held));
        }
        let made = match plan {
            PassPlan::Exchange { .. } => match exchanger.exchange().await {
                Ok(issued) => self.issued(issued, now),
                Err(failure) => {
                    let wait = failure.retry_after.unwrap_or(EXCHANGE_PAUSE).clamp(EXCHANGE_PAUSE / 10, 10 * MINUTE);
                    tracing::warn!(class = failure.class.slug(), words = failure.words, "an access token could not be fetched");
                    desk.failed = Some((failure.clone(), self.world.now() + wait));
                    // What still lives serves on; nobody notices until it ends.
                    return match known.filter(|_| refused.is_none()) {
                        Some(held) => Ok(Made::Old(Arc::from(held.header.as_str()))),
                        None => Err(PassError::Refused(failure)),
                    };
                }
            },
            _ => self.sign(plan, now)?,
        };
        let plain = serde_json::to_vec(&made).unwrap_or_default();
        let held = if self.store.put(place, self.vault.seal(&["pass", place], &plain)).await? {
            made
        } else {
            // The turn was over before this was made: the pass of whoever came next is everybody's.
            let theirs = self.kept(place).await?.filter(|held| held.usable(self.world.now()));
            theirs.ok_or_else(|| std::io::Error::other("another node makes this pass"))?
        };
        desk.failed = None;
        desk.known = Some(held.clone());
        Ok(Made::Kept(held))
    }

    fn publish(&self, place: String, held: &Held) -> Arc<str> {
        let header: Arc<str> = Arc::from(held.header.as_str());
        self.ready.write().unwrap_or_else(|e| e.into_inner()).insert(place, (Arc::clone(&header), held.signed_at, held.renew_at));
        header
    }

    async fn kept(&self, place: &str) -> Result<Option<Held>, PassError> {
        let Some(sealed) = self.store.get(place).await? else { return Ok(None) };
        let plain = match self.vault.open(&["pass", place], &sealed) {
            Ok(plain) => plain,
            Err(e) => {
                tracing::warn!(error = %e, "a kept pass cannot be opened; a new one is made");
                return Ok(None);
            }
        };
        Ok(serde_json::from_slice(&plain).ok())
    }

    fn issued(&self, issued: Issued, now: Millis) -> Held {
        let lives = issued.lives.max(MINUTE);
        // Five minutes early for an hour, two hours early for a day; spread, so that nodes do not meet.
        let early = (5 * MINUTE).max(lives / 12).min(lives / 2);
        let jitter = (self.world.unit() * early as f64 / 4.0) as Millis;
        let spare = (lives / 10).min(MINUTE / 2);
        Held { header: issued.pass, signed_at: now, renew_at: now + lives - early - jitter, ends_at: now + lives - spare }
    }

    fn sign(&self, plan: &PassPlan, now: Millis) -> Result<Held, PassError> {
        let random = SystemRandom::new();
        let seconds = now / 1_000;
        let (head, claims) = match plan {
            PassPlan::Es256 { team_id, key_id, .. } => {
                (serde_json::json!({"alg": "ES256", "kid": key_id}), serde_json::json!({"iss": team_id, "iat": seconds}))
            }
            PassPlan::Ps256 { issuer, key_id, audience, .. } => (
                serde_json::json!({"alg": "PS256", "kid": key_id, "typ": "JWT"}),
                serde_json::json!({"aud": audience, "iss": issuer, "iat": seconds, "exp": seconds + 3_600}),
            ),
            PassPlan::Static(_) | PassPlan::Exchange { .. } => return Err(PassError::Key),
        };
        let mut token = format!("{}.{}", URL_SAFE_NO_PAD.encode(head.to_string()), URL_SAFE_NO_PAD.encode(claims.to_string()));
        let (scheme, signature) = match plan {
            PassPlan::Ps256 { pkcs8_der, .. } => {
                let key = RsaKeyPair::from_pkcs8(pkcs8_der).map_err(|_| PassError::Key)?;
                let mut signature = vec![0; key.public().modulus_len()];
                key.sign(&RSA_PSS_SHA256, &random, token.as_bytes(), &mut signature).map_err(|_| PassError::Key)?;
                ("Bearer", signature)
            }
            PassPlan::Es256 { pkcs8_der, .. } => {
                let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8_der, &random).map_err(|_| PassError::Key)?;
                ("bearer", key.sign(&random, token.as_bytes()).map_err(|_| PassError::Key)?.as_ref().to_vec())
            }
            PassPlan::Static(_) | PassPlan::Exchange { .. } => return Err(PassError::Key),
        };
        token.push('.');
        token.push_str(&URL_SAFE_NO_PAD.encode(signature));
        let jitter = ((self.world.unit() * 2.0 - 1.0) * JITTER as f64) as Millis;
        Ok(Held { header: format!("{scheme} {token}"), signed_at: now, renew_at: now + RENEW_AT + jitter, ends_at: now + TOO_OLD })
    }
}

impl PassPlan {
    /// Never renewed before this age.
    fn young(&self) -> Millis {
        match self {
            PassPlan::Static(_) => Millis::MAX,
            PassPlan::Es256 { .. } => YOUNG,
            // No vendor limits these by age; a second refusal stops the lane, so that there is no storm.
            PassPlan::Ps256 { .. } | PassPlan::Exchange { .. } => 0,
        }
    }
}

/// Name in the store, safe as a file name. A digest of the key itself is in it: a corrected key under the same id makes a
/// new pass.
fn place_of(plan: &PassPlan, environment: Environment) -> String {
    let digest = |key: &[u8]| hex::encode(xxhash_rust::xxh3::xxh3_64(key).to_le_bytes());
    let text = match plan {
        PassPlan::Static(value) => value.clone(),
        PassPlan::Es256 { team_id, key_id, pkcs8_der } => format!("{team_id}\n{key_id}\n{}", digest(pkcs8_der)),
        PassPlan::Ps256 { issuer, key_id, audience, pkcs8_der } => {
            format!("{issuer}\n{key_id}\n{audience}\n{}", digest(pkcs8_der))
        }
        PassPlan::Exchange { identity } => identity.clone(),
    };
    let text = format!("{text}\n{}", environment.slug());
    hex::encode(&ring::digest::digest(&ring::digest::SHA256, text.as_bytes()).as_ref()[..16])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vault::MasterKey;
    use crate::world::{HeldClock, SeededRandom};
    use ring::signature::{ECDSA_P256_SHA256_FIXED, KeyPair, UnparsedPublicKey};

    const START: Millis = 1_795_179_600_000;

    /// What outlives a process.
    #[derive(Default)]
    struct Kept {
        passes: Mutex<HashMap<String, Vec<u8>>>,
        /// Turns taken, and ended.
        turns: Mutex<(u32, u32)>,
    }

    #[async_trait]
    impl PassStore for Kept {
        async fn get(&self, key: &str) -> std::io::Result<Option<Vec<u8>>> {
            Ok(self.passes.lock().unwrap().get(key).cloned())
        }

        async fn turn(&self, _: &str) -> std::io::Result<()> {
            self.turns.lock().unwrap().0 += 1;
            Ok(())
        }

        async fn put(&self, key: &str, sealed: Vec<u8>) -> std::io::Result<bool> {
            self.over(key).await;
            self.passes.lock().unwrap().insert(key.to_owned(), sealed);
            Ok(true)
        }

        async fn over(&self, _: &str) {
            self.turns.lock().unwrap().1 += 1;
        }
    }

    struct Desk {
        clock: Arc<HeldClock>,
        kept: Arc<Kept>,
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
                kept: Arc::default(),
                plan: PassPlan::Es256 { team_id: "TEAM000001".into(), key_id: "KEY0000001".into(), pkcs8_der: pkcs8.as_ref().to_vec() },
                public: key.public_key().as_ref().to_vec(),
            }
        }

        /// A process that starts now.
        fn start(&self, seed: u64) -> Passes {
            let world = World::new(self.clock.clone(), SeededRandom::new(seed));
            let master = MasterKey::random(&World::new(self.clock.clone(), SeededRandom::new(1)));
            let vault = Arc::new(Vault::new(world.clone(), &master, None).expect("a vault"));
            Passes::new(world, vault, self.kept.clone())
        }
    }

    #[tokio::test]
    async fn the_token_is_a_strict_rfc_7515_jwt() {
        let desk = Desk::new();
        let header = desk.start(2).get(&desk.plan, Environment::Production, &NoExchange).await.expect("signed");
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
                tokio::spawn(async move { passes.get(&plan, Environment::Production, &NoExchange).await.expect("signed") })
            })
            .collect();
        for worker in workers {
            seen.insert(worker.await.expect("joined"));
        }
        for restart in 0..100 {
            desk.clock.advance(11_000);
            seen.insert(desk.start(restart).get(&desk.plan, Environment::Production, &NoExchange).await.expect("kept"));
        }
        assert_eq!(seen.len(), 1, "18 minutes, 100 restarts, one token");
    }

    #[tokio::test]
    async fn renewed_near_fifty_minutes_and_never_within_twenty() {
        let desk = Desk::new();
        let passes = desk.start(2);
        let env = Environment::Production;
        let first = passes.get(&desk.plan, env, &NoExchange).await.expect("signed");
        desk.clock.advance(19 * MINUTE);
        assert_eq!(passes.renew(&desk.plan, env, &first, &NoExchange).await.expect("kept"), first, "too young to be signed again");
        desk.clock.advance(27 * MINUTE);
        assert_eq!(passes.get(&desk.plan, env, &NoExchange).await.expect("kept"), first, "46 minutes old");
        desk.clock.advance(8 * MINUTE);
        let second = passes.get(&desk.plan, env, &NoExchange).await.expect("signed");
        assert_ne!(second, first, "54 minutes old");
        desk.clock.advance(21 * MINUTE);
        let third = passes.renew(&desk.plan, env, &second, &NoExchange).await.expect("signed");
        assert_ne!(third, second, "refused and older than 20 minutes");
        assert_eq!(passes.get(&desk.plan, env, &NoExchange).await.expect("kept"), third);
    }

    #[tokio::test]
    async fn environments_and_keys_never_share() {
        let desk = Desk::new();
        let passes = desk.start(2);
        let production = passes.get(&desk.plan, Environment::Production, &NoExchange).await.expect("signed");
        desk.clock.advance(1_000);
        assert_ne!(passes.get(&desk.plan, Environment::Sandbox, &NoExchange).await.expect("signed"), production);
        assert_ne!(passes.get(&Desk::new().plan, Environment::Production, &NoExchange).await.expect("signed"), production);
    }

    #[tokio::test]
    async fn nothing_readable_is_kept_and_a_key_that_is_none_is_named() {
        let desk = Desk::new();
        let header = desk.start(2).get(&desk.plan, Environment::Production, &NoExchange).await.expect("signed");
        let kept = desk.kept.passes.lock().unwrap().values().cloned().collect::<Vec<_>>();
        assert_eq!(kept.len(), 1);
        assert!(!kept[0].windows(20).any(|w| w == &header.as_bytes()[..20]));
        let bad = PassPlan::Es256 { team_id: "T".into(), key_id: "K".into(), pkcs8_der: vec![1, 2, 3] };
        assert!(matches!(desk.start(2).get(&bad, Environment::Production, &NoExchange).await, Err(PassError::Key)));
    }

    /// Hands out numbered tokens, or refuses.
    struct Counter {
        asked: std::sync::atomic::AtomicU32,
        refuse: std::sync::atomic::AtomicBool,
    }

    #[async_trait]
    impl Exchanger for Counter {
        async fn exchange(&self) -> Result<Issued, Failure> {
            use std::sync::atomic::Ordering::SeqCst;
            let n = self.asked.fetch_add(1, SeqCst) + 1;
            tokio::task::yield_now().await;
            if self.refuse.load(SeqCst) {
                return Err(Failure::new(FailureClass::Auth, "secret wrong"));
            }
            Ok(Issued { pass: format!("Bearer t{n}"), lives: 60 * MINUTE })
        }
    }

    #[tokio::test]
    async fn an_exchange_serves_all_is_renewed_early_and_never_storms() {
        use std::sync::atomic::Ordering::SeqCst;
        let desk = Desk::new();
        let passes = Arc::new(desk.start(2));
        let counter = Arc::new(Counter { asked: 0.into(), refuse: false.into() });
        let plan = PassPlan::Exchange { identity: "app\nsecret".into() };
        let env = Environment::Production;
        let mut workers = Vec::new();
        for _ in 0..50 {
            let (passes, plan, counter) = (passes.clone(), plan.clone(), counter.clone());
            workers.push(tokio::spawn(async move { passes.get(&plan, env, counter.as_ref()).await.expect("issued") }));
        }
        for worker in workers {
            assert_eq!(&*worker.await.expect("joined"), "Bearer t1");
        }
        desk.clock.advance(56 * MINUTE);
        assert_eq!(&*passes.get(&plan, env, counter.as_ref()).await.expect("renewed"), "Bearer t2", "before its end");
        assert_eq!(&*desk.start(3).get(&plan, env, counter.as_ref()).await.expect("kept"), "Bearer t2", "over a restart");

        // Everybody hears "expired" of the same token: one fetches, the others take what came.
        desk.clock.advance(MINUTE);
        for _ in 0..20 {
            assert_eq!(&*passes.renew(&plan, env, "Bearer t2", counter.as_ref()).await.expect("renewed"), "Bearer t3");
        }
        assert_eq!(counter.asked.load(SeqCst), 3);

        // Refused: what lives serves on; when it has ended the vendor's words come through, and only now and then a request.
        counter.refuse.store(true, SeqCst);
        desk.clock.advance(57 * MINUTE);
        for _ in 0..20 {
            assert_eq!(&*passes.get(&plan, env, counter.as_ref()).await.expect("still good"), "Bearer t3");
        }
        assert_eq!(counter.asked.load(SeqCst), 4);
        desk.clock.advance(10 * MINUTE);
        for _ in 0..20 {
            let error = passes.get(&plan, env, counter.as_ref()).await.expect_err("over");
            assert_eq!(error.to_string(), "access token: secret wrong");
        }
        assert_eq!(counter.asked.load(SeqCst), 5);
        counter.refuse.store(false, SeqCst);
        desk.clock.advance(MINUTE);
        assert_eq!(&*passes.get(&plan, env, counter.as_ref()).await.expect("mended"), "Bearer t6");
        let (taken, ended) = *desk.kept.turns.lock().unwrap();
        assert_eq!(taken, ended, "every turn ends, whatever came of it");
    }
}
