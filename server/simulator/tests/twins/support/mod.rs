//! A bare client for the twin: no code of the adapters, a JWT made by ring.

pub mod desk;

use std::time::{Duration, SystemTime};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use simulator::{Account, ApnsAccount, Channel, Options, Simulator, XiaomiAccount};
use types::vendor::Environment;

pub type Done = Result<(), Box<dyn std::error::Error>>;

pub const TEAM: &str = "TEAM123456";
pub const KID: &str = "KEY1234567";
pub const BUNDLE: &str = "com.example.shop";
pub const PACKAGE: &str = "com.example.app";
pub const SECRET: &str = "xm-secret-0001";
pub const CHANNEL: &str = "100234";

#[expect(clippy::disallowed_methods, reason = "a test needs real time for the JWT")]
pub fn now() -> i64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |d| d.as_secs().cast_signed())
}

/// A p8 as Apple's site gives it.
pub struct P8 {
    der: Vec<u8>,
}

impl P8 {
    pub fn generate() -> P8 {
        let der = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new()).expect("a key").as_ref().to_vec();
        P8 { der }
    }

    pub fn pem(&self) -> String {
        format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", STANDARD.encode(&self.der))
    }

    fn signed(&self, der: bool, text: &str) -> Vec<u8> {
        let algorithm = if der { &ECDSA_P256_SHA256_ASN1_SIGNING } else { &ECDSA_P256_SHA256_FIXED_SIGNING };
        let random = SystemRandom::new();
        let pair = EcdsaKeyPair::from_pkcs8(algorithm, &self.der, &random).expect("own key");
        pair.sign(&random, text.as_bytes()).expect("a signature").as_ref().to_vec()
    }

    pub fn jwt(&self, team: &str, kid: &str, iat: i64) -> String {
        let part = |text: String| URL_SAFE_NO_PAD.encode(text);
        let head =
            format!("{}.{}", part(format!(r#"{{"alg":"ES256","kid":"{kid}"}}"#)), part(format!(r#"{{"iss":"{team}","iat":{iat}}}"#)));
        let signature = URL_SAFE_NO_PAD.encode(self.signed(false, &head));
        format!("{head}.{signature}")
    }

    /// As `a2` and pushy write it: standard base64 with padding, DER signature.
    pub fn sloppy_jwt(&self, team: &str, kid: &str, iat: i64) -> String {
        let part = |text: String| STANDARD.encode(text);
        let head =
            format!("{}.{}", part(format!(r#"{{"alg":"ES256","kid":"{kid}"}}"#)), part(format!(r#"{{"iss":"{team}","iat":{iat}}}"#)));
        let signature = STANDARD.encode(self.signed(true, &head));
        format!("{head}.{signature}")
    }
}

pub fn apns_account(p8: &P8) -> Account {
    Account::Apns(ApnsAccount {
        team_id: TEAM.into(),
        key_id: KID.into(),
        key: p8.pem(),
        bundle_id: BUNDLE.into(),
        environment: Environment::Production,
        phones: None,
    })
}

pub fn xiaomi_account() -> XiaomiAccount {
    XiaomiAccount {
        package_name: PACKAGE.into(),
        app_secret: SECRET.into(),
        channels: vec![Channel::plain(CHANNEL)],
        daily_quota: 0,
        requests_per_second: 0,
    }
}

pub async fn twin() -> Simulator {
    let options = Options { receipts_every: Duration::from_millis(20), ..Options::default() };
    Simulator::start(options).await.expect("the twin starts")
}

#[expect(clippy::disallowed_methods, reason = "the test's own client")]
pub fn client(twin: &Simulator) -> reqwest::Client {
    let mut roots = rustls::RootCertStore::empty();
    use rustls::pki_types::pem::PemObject;
    roots.add(rustls::pki_types::CertificateDer::from_pem_slice(twin.ca_pem().as_bytes()).expect("a CA")).expect("a root");
    let mut tls = rustls::ClientConfig::builder_with_provider(std::sync::Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    reqwest::Client::builder().tls_backend_preconfigured(tls).no_proxy().timeout(Duration::from_secs(5)).build().expect("a client")
}

/// Waits until `check` gives something, at most ten seconds.
pub async fn until<T>(mut check: impl FnMut() -> Option<T>) -> T {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(10);
    loop {
        if let Some(found) = check() {
            return found;
        }
        assert!(tokio::time::Instant::now() < deadline, "waited ten seconds in vain");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
