//! Passwords: argon2id, at most two at work, a dummy for unknown people, and a throttle per account and address.

use std::collections::{HashMap, VecDeque};
use std::sync::Mutex;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use pipeline::world::World;
use tokio::sync::Semaphore;
use types::Millis;
use types::people::PASSWORD_MIN;
use types::text::Words;

/// 46 MiB, one pass, one lane (ASVS 5.0 appendix C).
const MEMORY_KIB: u32 = 46 * 1024;
/// Hashes computed at once: bounds memory to about 92 MiB.
const AT_ONCE: usize = 2;
pub const PASSWORD_MAX: usize = 1024;

/// Long passwords that still are in every list of broken ones (lower case; ours are at least twelve characters).
const COMMON: &str = include_str!("common_passwords.txt");

#[derive(Debug, thiserror::Error)]
#[error("hashing a password: {0}")]
pub struct HashError(String);

pub struct Passwords {
    world: World,
    doors: Semaphore,
    /// Hash of a random text: verifying against it costs what a real one costs.
    dummy: String,
}

fn hasher() -> Result<Argon2<'static>, HashError> {
    let params = Params::new(MEMORY_KIB, 1, 1, None).map_err(|e| HashError(e.to_string()))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

fn hash_now(password: &[u8], salt: &[u8]) -> Result<String, HashError> {
    let hash: PasswordHash = hasher()?.hash_password_with_salt(password, salt).map_err(|e| HashError(e.to_string()))?;
    Ok(hash.to_string())
}

impl Passwords {
    /// # Errors
    /// When the cipher refuses its own parameters.
    pub fn new(world: World) -> Result<Passwords, HashError> {
        let dummy = hash_now(&world.bytes::<16>(), &world.bytes::<16>())?;
        Ok(Passwords { world, doors: Semaphore::new(AT_ONCE), dummy })
    }

    async fn heavy<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, HashError> {
        let _door = self.doors.acquire().await.map_err(|e| HashError(e.to_string()))?;
        tokio::task::spawn_blocking(work).await.map_err(|e| HashError(e.to_string()))
    }

    /// The PHC string to keep.
    ///
    /// # Errors
    /// When the worker failed.
    pub async fn hash(&self, password: &str) -> Result<String, HashError> {
        let salt = self.world.bytes::<16>();
        let password = password.to_owned();
        self.heavy(move || hash_now(password.as_bytes(), &salt)).await?
    }

    /// Whether the password fits; with `None` (unknown person, no password yet) the same work is done and the answer is no.
    ///
    /// # Errors
    /// When the worker failed.
    pub async fn fits(&self, password: &str, hash: Option<&str>) -> Result<bool, HashError> {
        let known = hash.is_some();
        let hash = hash.unwrap_or(&self.dummy).to_owned();
        let password = password.to_owned();
        let fits = self
            .heavy(move || {
                PasswordHash::new(&hash)
                    .is_ok_and(|parsed| hasher().is_ok_and(|argon| argon.verify_password(password.as_bytes(), &parsed).is_ok()))
            })
            .await?;
        Ok(fits && known)
    }
}

/// What is wrong with a new password; `None` when it may be used. `about` = words it must not consist of (e-mail, name).
pub fn complain(password: &str, about: &[&str]) -> Option<Words> {
    let length = password.chars().count();
    if length < PASSWORD_MIN {
        return Some(Words::new(
            format!("至少 {PASSWORD_MIN} 个字符（建议 15 个以上），现在是 {length} 个"),
            format!("needs at least {PASSWORD_MIN} characters (15 and more is advised), has {length}"),
        ));
    }
    if password.len() > PASSWORD_MAX {
        return Some(Words::new(format!("最多 {PASSWORD_MAX} 字节"), format!("may have at most {PASSWORD_MAX} bytes")));
    }
    let lower = password.to_lowercase();
    let few = lower.chars().collect::<std::collections::HashSet<_>>().len() < 5;
    let known = COMMON.lines().any(|line| line == lower);
    let own = about.iter().any(|word| word.len() >= 4 && lower.replace(word.to_lowercase().as_str(), "").chars().count() < 6);
    if few || known || own {
        return Some(Words::new(
            "太容易被猜到：常见密码、重复字符，或由邮箱、姓名拼成；请换一个",
            "too easy to guess: a common password, repeated characters, or made of the e-mail or name; choose another",
        ));
    }
    None
}

/// Failures counted in this window.
const WINDOW_MS: Millis = 15 * 60_000;
/// Failures of one account: 4 windows an hour stay under 100 guesses.
const PER_ACCOUNT: usize = 10;
/// Failures from one address (many people may share one).
const PER_ADDRESS: usize = 60;
/// Keys remembered; the oldest half goes when there are more.
const KEYS: usize = 20_000;

/// Counts failed sign-ins; the count is taken before the password is looked at, so a guesser pays for every try.
#[derive(Default)]
pub struct Throttle {
    tries: Mutex<HashMap<String, VecDeque<Millis>>>,
}

impl Throttle {
    /// Takes one try of an account and an address; `Err` = how long to wait, in ms.
    ///
    /// # Errors
    /// The wait when either is used up.
    pub fn take(&self, account: &str, address: &str, now: Millis) -> Result<(), Millis> {
        let mut tries = self.tries.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if tries.len() > KEYS {
            tries.retain(|_, times| times.back().is_some_and(|last| now - last < WINDOW_MS / 2));
        }
        let keys = [(format!("a:{account}"), PER_ACCOUNT), (format!("h:{address}"), PER_ADDRESS)];
        for (key, most) in &keys {
            let times = tries.entry(key.clone()).or_default();
            while times.front().is_some_and(|first| now - first >= WINDOW_MS) {
                times.pop_front();
            }
            if times.len() >= *most {
                return Err(times.front().map_or(WINDOW_MS, |first| WINDOW_MS - (now - first)));
            }
        }
        for (key, _) in keys {
            tries.entry(key).or_default().push_back(now);
        }
        Ok(())
    }

    /// A success gives the account's tries back.
    pub fn clear(&self, account: &str) {
        self.tries.lock().unwrap_or_else(std::sync::PoisonError::into_inner).remove(&format!("a:{account}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_fits_its_own_hash_only_and_nobody_fits_none() {
        let passwords = Passwords::new(World::system()).unwrap();
        let hash = passwords.hash("correct horse battery").await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=47104,t=1,p=1$"), "{hash}");
        assert!(passwords.fits("correct horse battery", Some(&hash)).await.unwrap());
        assert!(!passwords.fits("correct horse batterY", Some(&hash)).await.unwrap());
        assert!(!passwords.fits("correct horse battery", None).await.unwrap());
        assert!(!passwords.fits("x", Some("not a hash")).await.unwrap());
    }

    #[test]
    fn weak_passwords_are_refused_with_a_reason() {
        assert!(complain("short", &[]).is_some());
        assert!(complain("aaaaaaaaaaaaaaa", &[]).is_some());
        assert!(complain("Password1234", &[]).is_some());
        assert!(complain("maria.lopez12", &["maria.lopez"]).is_some());
        assert!(complain("correct horse battery", &["maria.lopez"]).is_none());
        assert!(complain("中文也可以做一个很长的密码", &[]).is_none());
    }

    #[test]
    fn guessing_is_slow_and_a_success_forgives() {
        let throttle = Throttle::default();
        for _ in 0..PER_ACCOUNT {
            throttle.take("a@x", "1.1.1.1", 0).unwrap();
        }
        assert_eq!(throttle.take("a@x", "2.2.2.2", 1_000), Err(WINDOW_MS - 1_000), "another address does not help");
        throttle.take("b@x", "1.1.1.1", 0).unwrap();
        throttle.take("a@x", "1.1.1.1", WINDOW_MS).unwrap();
        let mut evaluated = 0;
        for second in 0..3_600 {
            if throttle.take("c@x", &second.to_string(), second * 1_000).is_ok() {
                evaluated += 1;
            }
        }
        assert!(evaluated <= 100, "{evaluated} guesses an hour");
        throttle.clear("c@x");
        throttle.take("c@x", "9", 3_600_000).unwrap();
    }
}
