//! Secrets at rest: AES-256-GCM, one random nonce per value, bound to what the value belongs to.
//!
//! A sealed value is `version (1) · key id (1) · nonce (12) · ciphertext and tag`. The key lives outside the database,
//! in a file of 32 bytes in base64. A second, old key may still open while values are sealed anew.

use std::io::Write;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};

use crate::world::World;

const VERSION: u8 = 1;
const NONCE: usize = 12;
const HEAD: usize = 2 + NONCE;

/// Why a value could not be sealed or opened. Never carries the value.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    #[error("master key file: {0}")]
    File(#[from] std::io::Error),
    #[error("the master key must be 32 bytes in base64; make one with `carillon admin master-key`")]
    NotAKey,
    #[error("this value was sealed with master key {0}, which is not configured")]
    OtherKey(u8),
    #[error("a sealed value cannot be opened: changed, cut short, or moved to another place")]
    Sealed,
}

/// 32 bytes of master key.
#[derive(Clone)]
pub struct MasterKey([u8; 32]);

impl MasterKey {
    pub fn random(world: &World) -> MasterKey {
        MasterKey(world.bytes())
    }

    /// # Errors
    /// `NotAKey` unless `text` is base64 of exactly 32 bytes.
    pub fn from_base64(text: &str) -> Result<MasterKey, VaultError> {
        let bytes = STANDARD.decode(text.trim()).map_err(|_| VaultError::NotAKey)?;
        bytes.try_into().map(MasterKey).map_err(|_| VaultError::NotAKey)
    }

    /// # Errors
    /// When the file cannot be read or holds no key.
    pub fn read(path: &Path) -> Result<MasterKey, VaultError> {
        MasterKey::from_base64(&std::fs::read_to_string(path)?)
    }

    /// First byte of the key's SHA-256: tells which key sealed a value, nothing more.
    fn id(&self) -> u8 {
        ring::digest::digest(&ring::digest::SHA256, &self.0).as_ref()[0]
    }

    fn aead(&self) -> Result<LessSafeKey, VaultError> {
        UnboundKey::new(&AES_256_GCM, &self.0).map(LessSafeKey::new).map_err(|_| VaultError::NotAKey)
    }
}

impl std::fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MasterKey(…)")
    }
}

/// Seals and opens; cheap to share behind an `Arc`.
pub struct Vault {
    world: World,
    /// The first one seals; all may open.
    keys: Vec<(u8, LessSafeKey)>,
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Vault({} keys)", self.keys.len())
    }
}

impl Vault {
    /// `old` is a retired key that may still open what it sealed.
    ///
    /// # Errors
    /// `NotAKey` when the cipher refuses a key (never for 32 bytes).
    pub fn new(world: World, key: &MasterKey, old: Option<&MasterKey>) -> Result<Vault, VaultError> {
        let mut keys = vec![(key.id(), key.aead()?)];
        if let Some(old) = old {
            keys.push((old.id(), old.aead()?));
        }
        Ok(Vault { world, keys })
    }

    /// # Errors
    /// When the file cannot be read or holds no key.
    pub fn from_key_file(world: World, path: &Path) -> Result<Vault, VaultError> {
        Vault::new(world, &MasterKey::read(path)?, None)
    }

    /// Writes a new random key, readable by its owner only. Refuses to replace a file: a lost key loses every secret.
    ///
    /// # Errors
    /// When the file exists or cannot be written.
    pub fn create_key_file(world: &World, path: &Path) -> Result<(), VaultError> {
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(path)?;
        writeln!(file, "{}", STANDARD.encode(MasterKey::random(world).0))?;
        file.sync_all()?;
        Ok(())
    }

    /// Seals `plain` for the place `aad` names (app id, vendor, field …): it opens nowhere else.
    pub fn seal(&self, aad: &[&str], plain: &[u8]) -> Vec<u8> {
        let (id, key) = &self.keys[0];
        let nonce: [u8; NONCE] = self.world.bytes();
        let mut sealed = Vec::with_capacity(HEAD + plain.len() + AES_256_GCM.tag_len());
        sealed.extend_from_slice(&[VERSION, *id]);
        sealed.extend_from_slice(&nonce);
        let mut secret = plain.to_vec();
        // Fails only beyond 64 GiB of plain text; then an empty body is stored, which never opens.
        if key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(bind(*id, aad)), &mut secret).is_ok() {
            sealed.append(&mut secret);
        }
        sealed
    }

    /// # Errors
    /// `Sealed` when the value was changed, cut or moved; `OtherKey` when its key is not ours.
    pub fn open(&self, aad: &[&str], sealed: &[u8]) -> Result<Vec<u8>, VaultError> {
        let ([VERSION, id, rest @ ..], true) = (sealed, sealed.len() >= HEAD + AES_256_GCM.tag_len()) else {
            return Err(VaultError::Sealed);
        };
        let (nonce, body) = rest.split_at(NONCE);
        let mut tried = false;
        for (_, key) in self.keys.iter().filter(|(known, _)| known == id) {
            tried = true;
            let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| VaultError::Sealed)?;
            let mut body = body.to_vec();
            if let Ok(plain) = key.open_in_place(nonce, Aad::from(bind(*id, aad)), &mut body) {
                return Ok(plain.to_vec());
            }
        }
        Err(if tried { VaultError::Sealed } else { VaultError::OtherKey(*id) })
    }
}

/// Associated data without ambiguity: version, key id, then every part behind its length.
fn bind(id: u8, aad: &[&str]) -> Vec<u8> {
    let mut out = vec![VERSION, id];
    for part in aad {
        out.extend_from_slice(&(part.len() as u64).to_le_bytes());
        out.extend_from_slice(part.as_bytes());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::{HeldClock, SeededRandom};

    fn world(seed: u64) -> World {
        World::new(HeldClock::at(0), SeededRandom::new(seed))
    }

    fn vault(seed: u64) -> Vault {
        Vault::new(world(99), &MasterKey::random(&world(seed)), None).expect("a vault")
    }

    #[test]
    fn opens_what_it_sealed_and_only_there() {
        let vault = vault(1);
        let sealed = vault.seal(&["app_1", "xiaomi", "credential"], "密钥".as_bytes());
        assert_eq!(vault.open(&["app_1", "xiaomi", "credential"], &sealed).expect("opens"), "密钥".as_bytes());
        for moved in [&["app_2", "xiaomi", "credential"][..], &["app_1", "apns", "credential"], &["app_1xiaomi", "", "credential"], &[]] {
            assert!(matches!(vault.open(moved, &sealed), Err(VaultError::Sealed)), "{moved:?}");
        }
    }

    #[test]
    fn every_changed_bit_and_every_cut_is_refused() {
        let vault = vault(1);
        let sealed = vault.seal(&["a"], b"secret");
        for at in 0..sealed.len() * 8 {
            let mut bad = sealed.clone();
            bad[at / 8] ^= 1 << (at % 8);
            assert!(vault.open(&["a"], &bad).is_err(), "bit {at}");
        }
        for len in 0..sealed.len() {
            assert!(vault.open(&["a"], &sealed[..len]).is_err(), "cut at {len}");
        }
    }

    #[test]
    fn two_seals_differ_and_the_plain_text_is_not_in_them() {
        let vault = vault(1);
        let (one, two) = (vault.seal(&["a"], b"plaintext"), vault.seal(&["a"], b"plaintext"));
        assert_ne!(one, two);
        assert!(!one.windows(9).any(|w| w == b"plaintext"));
    }

    #[test]
    fn an_old_key_opens_but_never_seals() {
        let (old, new) = (MasterKey::random(&world(1)), MasterKey::random(&world(2)));
        assert_ne!(old.id(), new.id());
        let before = Vault::new(world(9), &old, None).expect("old").seal(&["a"], b"x");
        let both = Vault::new(world(9), &new, Some(&old)).expect("both");
        assert_eq!(both.open(&["a"], &before).expect("the old key opens"), b"x");
        let after = both.seal(&["a"], b"y");
        let alone = Vault::new(world(9), &new, None).expect("new");
        assert_eq!(alone.open(&["a"], &after).expect("sealed by the new key"), b"y");
        assert!(matches!(alone.open(&["a"], &before), Err(VaultError::OtherKey(id)) if id == old.id()));
    }

    #[test]
    fn a_key_file_is_made_once_and_read_back() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("master.key");
        Vault::create_key_file(&world(5), &path).expect("made");
        assert!(matches!(Vault::create_key_file(&world(6), &path), Err(VaultError::File(_))), "never replaced");
        let sealed = Vault::from_key_file(world(7), &path).expect("read").seal(&["a"], b"x");
        assert_eq!(Vault::from_key_file(world(8), &path).expect("read again").open(&["a"], &sealed).expect("opens"), b"x");
        std::fs::write(&path, "c2hvcnQ=").expect("overwritten");
        assert!(matches!(Vault::from_key_file(world(7), &path), Err(VaultError::NotAKey)));
    }
}
