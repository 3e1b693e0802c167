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
}

impl Check {
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
