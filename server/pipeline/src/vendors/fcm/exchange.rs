//! The access token: an assertion signed with the service account's key, exchanged at Google's (fcm.md, 1).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use serde_json::{Value, json};
use types::Millis;

use crate::vendors::dialect::{Credential, DialectError, Failure, Issued, Request, Wire};
use crate::vendors::hearing::token;
use crate::vendors::service_account::ServiceAccount;

const SCOPE: &str = "https://www.googleapis.com/auth/firebase.messaging";
const LIVES_S: i64 = 3_600;

pub(super) fn build(credential: &Credential, now: Millis) -> Result<Request, DialectError> {
    let file = ServiceAccount::read(credential)?;
    let mut head = json!({"alg": "RS256", "typ": "JWT"});
    let key_id = file.get("private_key_id");
    if !key_id.is_empty() {
        head["kid"] = Value::from(key_id);
    }
    let issued = now / 1_000;
    let claims = json!({
        "iss": file.need("client_email")?,
        "scope": SCOPE,
        // The address is the lane's to choose; the file says only whom the assertion is for.
        "aud": file.need("token_uri")?,
        "iat": issued,
        "exp": issued + LIVES_S,
    });
    let mut assertion = format!("{}.{}", URL_SAFE_NO_PAD.encode(head.to_string()), URL_SAFE_NO_PAD.encode(claims.to_string()));
    let bad = || DialectError::Credential { field: "service_account", reason: "the private key cannot sign".to_owned() };
    let key = RsaKeyPair::from_pkcs8(&file.rsa_key()?).map_err(|_| bad())?;
    let mut signature = vec![0; key.public().modulus_len()];
    key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), assertion.as_bytes(), &mut signature).map_err(|_| bad())?;
    assertion.push('.');
    assertion.push_str(&URL_SAFE_NO_PAD.encode(signature));
    let form = serde_urlencoded::to_string([("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"), ("assertion", &assertion)])
        .map_err(|e| DialectError::Credential { field: "service_account", reason: format!("cannot be written: {e}") })?;
    Ok(Request {
        method: http::Method::POST,
        path: "/token".to_owned(),
        headers: vec![("content-type", "application/x-www-form-urlencoded".to_owned())],
        body: Bytes::from(form),
    })
}

/// `invalid_grant` and its kin: the key was revoked, or the clock is wrong.
pub(super) fn read(wire: &Wire) -> Result<Issued, Failure> {
    token::read(wire, |answer| {
        let error = answer.get("error").and_then(Value::as_str).filter(|error| !error.is_empty())?;
        let said = answer.get("error_description").and_then(Value::as_str).unwrap_or("");
        Some((error.to_owned(), said.to_owned()))
    })
}

#[cfg(test)]
mod tests {
    use ring::signature::{KeyPair, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
    use types::content::Content;
    use types::vendor::Vendor;

    use super::*;
    use crate::vendors::golden::Sample;

    #[test]
    fn the_assertion_is_signed_by_the_account_and_says_what_google_asks() {
        let sample = Sample::of(Vendor::Fcm, Content::default(), 1);
        let request = build(&sample.credential, sample.now).expect("a request");
        let form: Vec<(String, String)> = serde_urlencoded::from_bytes(&request.body).expect("a form");
        assert_eq!(form[0], ("grant_type".to_owned(), "urn:ietf:params:oauth:grant-type:jwt-bearer".to_owned()));
        let parts: Vec<&str> = form[1].1.split('.').collect();
        let read = |part: &str| URL_SAFE_NO_PAD.decode(part).expect("Base64");
        let json = |part: &str| serde_json::from_slice::<Value>(&read(part)).expect("JSON");
        assert_eq!(json(parts[0]), json!({"alg": "RS256", "typ": "JWT", "kid": "8c1f00000000000000000000000000bb"}));
        let seconds = sample.now / 1_000;
        let claims = json!({"iss": "push@demo-shop.iam.gserviceaccount.com", "scope": SCOPE,
            "aud": "https://oauth2.googleapis.com/token", "iat": seconds, "exp": seconds + 3_600});
        assert_eq!(json(parts[1]), claims);
        let key = ServiceAccount::read(&sample.credential).and_then(|file| file.rsa_key()).expect("a key");
        let public = RsaKeyPair::from_pkcs8(&key).expect("a key").public_key().as_ref().to_vec();
        let signed = [parts[0], ".", parts[1]].concat();
        let verifier = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, public);
        assert!(verifier.verify(signed.as_bytes(), &read(parts[2])).is_ok());
    }
}
