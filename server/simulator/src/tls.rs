//! The twin's certificate: an own CA that signed one leaf for 127.0.0.1, ::1 and localhost.
//!
//! With a folder, CA and leaf survive a restart, so lanes that were given the CA once keep working. The CA's key is
//! thrown away after signing: nobody can sign another name with it.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::Trouble;

pub(crate) fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

pub(crate) struct Identity {
    pub(crate) ca_pem: String,
    leaf_pem: String,
    key_pem: String,
}

/// Reads the identity of `folder`, or makes one (and writes it there when a folder is given).
pub(crate) fn identity(folder: Option<&Path>) -> Result<Identity, Trouble> {
    let Some(folder) = folder else { return make() };
    let (ca, leaf, key) = (folder.join("ca.pem"), folder.join("leaf.pem"), folder.join("leaf.key"));
    if ca.exists() && leaf.exists() && key.exists() {
        return Ok(Identity { ca_pem: fs::read_to_string(ca)?, leaf_pem: fs::read_to_string(leaf)?, key_pem: fs::read_to_string(key)? });
    }
    let made = make()?;
    fs::create_dir_all(folder)?;
    fs::write(&leaf, &made.leaf_pem)?;
    write_secret(&key, &made.key_pem)?;
    fs::write(&ca, &made.ca_pem)?; // last: its presence says that the rest is whole
    Ok(made)
}

#[cfg(unix)]
fn write_secret(path: &Path, text: &str) -> std::io::Result<()> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    fs::OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(path)?.write_all(text.as_bytes())
}

#[cfg(not(unix))]
fn write_secret(path: &Path, text: &str) -> std::io::Result<()> {
    fs::write(path, text)
}

fn make() -> Result<Identity, Trouble> {
    let bad = |e: rcgen::Error| Trouble::Certificate(e.to_string());
    let mut ca = CertificateParams::new(Vec::<String>::new()).map_err(bad)?;
    ca.distinguished_name.push(DnType::CommonName, "Carillon simulator CA");
    ca.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    ca.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let issuer = CertifiedIssuer::self_signed(ca, KeyPair::generate().map_err(bad)?).map_err(bad)?;

    let names = ["127.0.0.1", "::1", "localhost"].map(str::to_owned).to_vec();
    let mut leaf = CertificateParams::new(names).map_err(bad)?;
    leaf.distinguished_name.push(DnType::CommonName, "Carillon simulator");
    leaf.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    leaf.use_authority_key_identifier_extension = true;
    let key = KeyPair::generate().map_err(bad)?;
    let signed = leaf.signed_by(&key, &issuer).map_err(bad)?;
    Ok(Identity { ca_pem: issuer.pem(), leaf_pem: signed.pem(), key_pem: key.serialize_pem() })
}

pub(crate) fn certificates(pem: &str) -> Result<Vec<CertificateDer<'static>>, Trouble> {
    CertificateDer::pem_slice_iter(pem.as_bytes()).collect::<Result<_, _>>().map_err(|e| Trouble::Certificate(e.to_string()))
}

pub(crate) fn acceptor(identity: &Identity) -> Result<tokio_rustls::TlsAcceptor, Trouble> {
    let bad = |e: String| Trouble::Certificate(e);
    let key = PrivateKeyDer::from_pem_slice(identity.key_pem.as_bytes()).map_err(|e| bad(e.to_string()))?;
    let mut config = rustls::ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(|e| bad(e.to_string()))?
        .with_no_client_auth()
        .with_single_cert(certificates(&identity.leaf_pem)?, key)
        .map_err(|e| bad(e.to_string()))?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(tokio_rustls::TlsAcceptor::from(Arc::new(config)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_keeps_the_identity_over_a_restart() -> Result<(), Trouble> {
        let folder = tempfile::tempdir()?;
        let first = identity(Some(folder.path()))?;
        let second = identity(Some(folder.path()))?;
        assert_eq!(first.ca_pem, second.ca_pem);
        assert_eq!(first.leaf_pem, second.leaf_pem);
        assert_ne!(first.ca_pem, identity(None)?.ca_pem);
        acceptor(&second)?;
        Ok(())
    }
}
