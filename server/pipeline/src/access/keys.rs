//! An app's keys: how they are made, and how its server secret is sealed. One place, so that console and API agree.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use types::ids::AppId;

use crate::vault::{Vault, VaultError};
use crate::world::World;

/// Public name of an app in the signed API: `ak_` and 24 hex digits.
pub fn fresh_app_key(world: &World) -> String {
    format!("ak_{}", hex::encode(world.bytes::<12>()))
}

/// Key of the client library, for reports and its own registration: `ck_` and 32 hex digits. No server secret.
pub fn fresh_client_key(world: &World) -> String {
    format!("ck_{}", hex::encode(world.bytes::<16>()))
}

/// Path segment of vendor callbacks: 128 random bits in hex.
pub fn fresh_callback_secret(world: &World) -> String {
    hex::encode(world.bytes::<16>())
}

/// Server secret, shown once: `as_` and 256 random bits in base64url.
pub fn fresh_app_secret(world: &World) -> String {
    format!("as_{}", URL_SAFE_NO_PAD.encode(world.bytes::<32>()))
}

/// Sealed for this app only.
pub fn seal_secret(vault: &Vault, app: &AppId, secret: &str) -> Vec<u8> {
    vault.seal(&[app.as_str(), "app_secret"], secret.as_bytes())
}

/// # Errors
/// When the value was changed, moved from another app, or sealed by another master key.
pub fn open_secret(vault: &Vault, app: &AppId, sealed: &[u8]) -> Result<String, VaultError> {
    String::from_utf8(vault.open(&[app.as_str(), "app_secret"], sealed)?).map_err(|_| VaultError::Sealed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vault::MasterKey;
    use crate::world::{HeldClock, SeededRandom};

    #[test]
    fn a_secret_opens_for_its_own_app_only() {
        let world = World::new(HeldClock::at(0), SeededRandom::new(3));
        let vault = Vault::new(world.clone(), &MasterKey::random(&world), None).expect("a vault");
        let (one, two) = (AppId::from_bytes(world.id()), AppId::from_bytes(world.id()));
        let secret = fresh_app_secret(&world);
        assert!(secret.starts_with("as_") && secret.len() == 46, "{secret}");
        let sealed = seal_secret(&vault, &one, &secret);
        assert_eq!(open_secret(&vault, &one, &sealed).expect("opens"), secret);
        assert!(open_secret(&vault, &two, &sealed).is_err());
    }
}
