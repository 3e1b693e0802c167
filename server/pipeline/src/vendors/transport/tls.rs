//! One TLS configuration for both transports: rustls with ring, public roots, and the lane's own.

use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

/// # Errors
/// Words for the console when the PEM holds no usable certificate.
pub(super) fn config(ca_pem: Option<&str>, alpn: &[u8]) -> Result<ClientConfig, String> {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    if let Some(pem) = ca_pem {
        let mut added = 0;
        for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
            let certificate = certificate.map_err(|_| "the lane's CA is no PEM".to_owned())?;
            roots.add(certificate).map_err(|e| format!("the lane's CA is refused: {e}"))?;
            added += 1;
        }
        if added == 0 {
            return Err("the lane's CA holds no certificate".to_owned());
        }
    }
    let mut config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|e| format!("TLS: {e}"))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![alpn.to_vec()];
    Ok(config)
}
