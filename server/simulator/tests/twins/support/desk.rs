//! A bench for the vendors of the kit: one account, raw calls, a callback of the test's own, RSA tokens made by ring.

use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::rand::SystemRandom;
use ring::rsa::KeyPair;
use ring::signature::{RSA_PKCS1_SHA256, RSA_PSS_SHA256};
use serde_json::{Value, json};
use simulator::{Account, Dials, KeyedAccount, Simulator};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use types::vendor::Vendor;

use super::{client, twin};

/// Made for these tests, used nowhere else.
pub const SERVICE_KEY: &str = include_str!("service_key.pem");

pub struct Desk {
    pub twin: Simulator,
    pub client: reqwest::Client,
    pub vendor: Vendor,
}

/// Status, headers that matter, body (null when it is no JSON).
pub struct Said {
    pub status: u16,
    pub headers: reqwest::header::HeaderMap,
    pub body: Value,
}

impl Said {
    /// A field as text, whatever its form; empty when it is missing.
    pub fn text(&self, pointer: &str) -> String {
        match self.body.pointer(pointer) {
            None | Some(Value::Null) => String::new(),
            Some(value) => value.as_str().map_or_else(|| value.to_string(), str::to_owned),
        }
    }
}

impl Desk {
    pub async fn new(account: KeyedAccount) -> Desk {
        let twin = twin().await;
        let vendor = account.vendor;
        twin.add_account(Account::Keyed(account)).expect("the account is proper");
        Desk { client: client(&twin), twin, vendor }
    }

    pub fn dial(&self, dials: Dials) {
        self.twin.set_dials(self.vendor, dials).expect("the dials make sense");
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.twin.base_url(self.vendor))
    }

    pub async fn json(&self, path: &str, headers: &[(&str, &str)], body: &Value) -> reqwest::Result<Said> {
        self.raw(path, headers, "application/json", body.to_string()).await
    }

    pub async fn form(&self, path: &str, headers: &[(&str, &str)], fields: &[(&str, &str)]) -> reqwest::Result<Said> {
        let body = serde_urlencoded::to_string(fields).expect("a form");
        self.raw(path, headers, "application/x-www-form-urlencoded", body).await
    }

    pub async fn raw(&self, path: &str, headers: &[(&str, &str)], kind: &str, body: String) -> reqwest::Result<Said> {
        let mut request = self.client.post(self.url(path)).header("content-type", kind).body(body);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = request.send().await?;
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let body = answer.bytes().await?;
        Ok(Said { status, headers, body: serde_json::from_slice(&body).unwrap_or_default() })
    }
}

/// A service account's key file as Google writes it.
pub fn google_key_file() -> String {
    json!({"project_id": "demo-shop", "private_key_id": "kid-1", "private_key": SERVICE_KEY,
           "client_email": "push@demo-shop.example.com", "token_uri": "https://oauth2.googleapis.com/token"})
    .to_string()
}

/// The same as Huawei writes it.
pub fn huawei_key_file() -> String {
    json!({"project_id": "demo-shop", "key_id": "kid-1", "private_key": SERVICE_KEY, "sub_account": "sub-1"}).to_string()
}

/// A JWT of the service account: `PS256` or `RS256`.
pub fn rsa_jwt(algorithm: &str, kid: &str, claims: &Value) -> String {
    let der: String = SERVICE_KEY.lines().filter(|l| !l.contains("-----")).collect();
    let pair = KeyPair::from_pkcs8(&STANDARD.decode(der).expect("base64")).expect("a key");
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let head = format!("{}.{}", part(&json!({"alg": algorithm, "typ": "JWT", "kid": kid})), part(claims));
    let mut signature = vec![0; pair.public().modulus_len()];
    let padding: &dyn ring::signature::RsaEncoding = if algorithm == "PS256" { &RSA_PSS_SHA256 } else { &RSA_PKCS1_SHA256 };
    pair.sign(padding, &SystemRandom::new(), head.as_bytes(), &mut signature).expect("a signature");
    format!("{head}.{}", URL_SAFE_NO_PAD.encode(signature))
}

/// Head (lower case) and body of each POST.
pub type Heard = Arc<Mutex<Vec<(String, String)>>>;

/// A callback that answers 200 with `reply` and keeps what it got.
pub async fn ears(reply: &'static str) -> Result<(String, Heard), std::io::Error> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/r", listener.local_addr()?);
    let heard = Heard::default();
    let kept = Arc::clone(&heard);
    tokio::spawn(async move {
        while let Ok((mut tcp, _)) = listener.accept().await {
            let kept = Arc::clone(&kept);
            tokio::spawn(async move {
                let mut bytes = Vec::new();
                while tcp.read_buf(&mut bytes).await.is_ok_and(|n| n > 0) {
                    let text = String::from_utf8_lossy(&bytes).into_owned();
                    let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
                    let length = head.lines().find_map(|l| l.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
                    if body.len() < length.unwrap_or(0usize) {
                        continue;
                    }
                    kept.lock().expect("no panic").push((head.to_owned(), body.to_owned()));
                    bytes.clear();
                    let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{reply}", reply.len());
                    if tcp.write_all(answer.as_bytes()).await.is_err() {
                        return;
                    }
                }
            });
        }
    });
    Ok((url, heard))
}

/// `value` with the field at a JSON pointer set, or removed when the new one is null.
pub fn with(value: &Value, pointer: &str, new: Value) -> Value {
    let mut value = value.clone();
    let (parent, name) = pointer.rsplit_once('/').expect("a pointer");
    let holder = value.pointer_mut(parent).and_then(Value::as_object_mut).expect("an object to hold it");
    match new {
        Value::Null => drop(holder.remove(name)),
        new => drop(holder.insert(name.to_owned(), new)),
    }
    value
}
