//! A stored vendor credential, sealed for one app and one vendor.

use types::vendor::Vendor;

use super::dialect::Credential;
use crate::vault::Vault;

/// Associated data of a vendor credential: it opens for this app and vendor only.
pub fn credential_aad(app: &str, vendor: Vendor) -> [String; 3] {
    [app.to_owned(), vendor.slug().to_owned(), "credential".to_owned()]
}

/// `None` = it cannot be opened with this master key; said in the log.
pub fn open(vault: &Vault, app: &str, vendor: Vendor, sealed: &[u8]) -> Option<Credential> {
    let aad = credential_aad(app, vendor);
    let aad: Vec<&str> = aad.iter().map(String::as_str).collect();
    let Ok(Ok(fields)) = vault.open(&aad, sealed).map(|plain| serde_json::from_slice(&plain)) else {
        tracing::error!(app, vendor = vendor.slug(), "the credential cannot be opened with this master key; enter it again");
        return None;
    };
    Some(Credential { fields })
}
