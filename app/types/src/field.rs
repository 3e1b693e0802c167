//! Declared fields: what a credential form shows and what both sides check.

use serde::{Deserialize, Serialize};

use crate::text::{Text, Words};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldKind {
    Line,
    /// One line, never shown again.
    Secret,
    /// Several lines, never shown again.
    SecretText,
}

impl FieldKind {
    pub const fn is_secret(self) -> bool {
        matches!(self, FieldKind::Secret | FieldKind::SecretText)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Check {
    Length {
        min: usize,
        max: usize,
    },
    Alphanumeric {
        len: usize,
    },
    /// `com.example.app`
    ReverseDomain,
    PemPrivateKey,
    /// A JSON object with these texts, one of them a PKCS#8 `private_key`.
    ServiceAccount {
        keys: &'static [&'static str],
    },
    /// A whole number, written without sign.
    Digits {
        max: usize,
    },
    OneOf(&'static [&'static str]),
}

impl Check {
    pub const fn may_be_empty(self) -> bool {
        matches!(self, Check::Length { min: 0, .. })
    }

    /// `None` when the value passes, else what is wrong and what to do.
    pub fn complain(self, value: &str) -> Option<Words> {
        let value = value.trim();
        match self {
            Check::Length { min, max } => {
                let n = value.chars().count();
                (n < min || n > max).then(|| {
                    Words::new(format!("需要 {min} 到 {max} 个字符，现在是 {n} 个"), format!("needs {min} to {max} characters, has {n}"))
                })
            }
            Check::Alphanumeric { len } => {
                let good = value.len() == len && value.bytes().all(|b| b.is_ascii_alphanumeric());
                (!good).then(|| Words::new(format!("需要正好 {len} 位字母或数字"), format!("needs exactly {len} letters or digits")))
            }
            Check::ReverseDomain => {
                let good = value.len() <= 255
                    && value.split('.').count() >= 2
                    && value
                        .split('.')
                        .all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'));
                (!good).then(|| Words::new("需要形如 com.example.app 的标识", "needs the form com.example.app"))
            }
            Check::ServiceAccount { keys } => service_account(value, keys),
            Check::Digits { max } => {
                let good = (1..=max).contains(&value.len()) && value.bytes().all(|b| b.is_ascii_digit());
                (!good).then(|| Words::new(format!("需要 1 到 {max} 位数字"), format!("needs 1 to {max} digits")))
            }
            Check::OneOf(choices) => {
                let said = choices.join(" / ");
                (!choices.contains(&value)).then(|| Words::new(format!("只能是 {said}"), format!("must be one of {said}")))
            }
            Check::PemPrivateKey => {
                let good =
                    value.len() <= 8_192 && value.contains("-----BEGIN PRIVATE KEY-----") && value.contains("-----END PRIVATE KEY-----");
                (!good).then(|| {
                    Words::new(
                        "需要 PKCS#8 PEM：以 -----BEGIN PRIVATE KEY----- 开头、END 结尾",
                        "needs a PKCS#8 PEM that starts with -----BEGIN PRIVATE KEY----- and ends with its END line",
                    )
                })
            }
        }
    }
}

fn service_account(value: &str, keys: &[&str]) -> Option<Words> {
    let Ok(serde_json::Value::Object(file)) = serde_json::from_str(value) else {
        return Some(Words::new("需要密钥文件的 JSON 全文", "needs the whole JSON text of the key file"));
    };
    for key in keys {
        let text = file.get(*key).and_then(serde_json::Value::as_str).unwrap_or("");
        if text.trim().is_empty() {
            return Some(Words::new(format!("密钥文件缺少 {key}"), format!("the key file lacks {key}")));
        }
        if *key == "private_key" && !text.contains("-----BEGIN PRIVATE KEY-----") {
            return Some(Words::new("private_key 需要 PKCS#8 PEM", "private_key needs a PKCS#8 PEM"));
        }
    }
    None
}

/// One field of a vendor's credential.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CredentialField {
    pub name: &'static str,
    pub label: Text,
    pub help: Text,
    pub kind: FieldKind,
    pub check: Check,
}

/// A complaint about one field: which, why, what to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldError {
    /// Name of the field as the form or the API body spells it; `targets[3].token` for nested ones.
    pub field: String,
    pub reason: Words,
}

impl FieldError {
    pub fn new(field: impl Into<String>, reason: impl Into<Words>) -> FieldError {
        FieldError { field: field.into(), reason: reason.into() }
    }
}
