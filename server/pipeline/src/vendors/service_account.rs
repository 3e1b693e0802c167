//! A service account's key file, as Huawei and Google hand it out: JSON with ids and a PKCS#8 RSA key.

use ring::signature::RsaKeyPair;
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::pki_types::pem::PemObject;
use serde_json::{Map, Value};

use super::dialect::{Credential, DialectError};

const FIELD: &str = "service_account";

fn wrong(reason: impl Into<String>) -> DialectError {
    DialectError::Credential { field: FIELD, reason: reason.into() }
}

pub(super) struct ServiceAccount(Map<String, Value>);

impl ServiceAccount {
    pub(super) fn read(credential: &Credential) -> Result<ServiceAccount, DialectError> {
        serde_json::from_str(credential.get(FIELD)).map(ServiceAccount).map_err(|_| wrong("is no key file in JSON; paste the whole file"))
    }

    pub(super) fn get(&self, name: &str) -> &str {
        self.0.get(name).and_then(Value::as_str).unwrap_or("").trim()
    }

    pub(super) fn need(&self, name: &str) -> Result<String, DialectError> {
        match self.get(name) {
            "" => Err(wrong(format!("the key file lacks {name}"))),
            value => Ok(value.to_owned()),
        }
    }

    /// The project, fit for a path.
    pub(super) fn project(&self) -> Result<String, DialectError> {
        let project = self.need("project_id")?;
        if project.len() <= 128 && project.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b':')) {
            return Ok(project);
        }
        Err(wrong("the key file's project_id has odd characters"))
    }

    /// The private key in PKCS#8 DER, proven to be an RSA key that can sign.
    pub(super) fn rsa_key(&self) -> Result<Vec<u8>, DialectError> {
        let der = PrivatePkcs8KeyDer::from_pem_slice(self.need("private_key")?.as_bytes())
            .map_err(|_| wrong("the key file's private_key is no PKCS#8 PEM"))?;
        RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()).map_err(|_| wrong("the key file's private_key is no RSA key"))?;
        Ok(der.secret_pkcs8_der().to_vec())
    }
}
