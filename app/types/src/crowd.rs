//! Crowd files: what was detected, how columns map, what became of the rows.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::text::Text;

/// What a row names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyKind {
    #[default]
    User,
    Device,
    /// Vendor + token.
    Token,
}

impl KeyKind {
    pub const ALL: [KeyKind; 3] = [KeyKind::User, KeyKind::Device, KeyKind::Token];

    pub const fn slug(self) -> &'static str {
        match self {
            KeyKind::User => "user",
            KeyKind::Device => "device",
            KeyKind::Token => "token",
        }
    }

    pub fn parse(text: &str) -> Option<KeyKind> {
        Self::ALL.into_iter().find(|k| k.slug() == text)
    }

    pub const fn code(self) -> i64 {
        match self {
            KeyKind::User => 1,
            KeyKind::Device => 2,
            KeyKind::Token => 3,
        }
    }

    pub fn from_code(code: i64) -> Option<KeyKind> {
        Self::ALL.into_iter().find(|k| k.code() == code)
    }

    pub const fn name(self) -> Text {
        match self {
            KeyKind::User => Text::new("用户 ID", "User id"),
            KeyKind::Device => Text::new("设备 ID", "Device id"),
            KeyKind::Token => Text::new("厂商 + 令牌", "Vendor and token"),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Encoding {
    #[serde(rename = "utf-8")]
    Utf8,
    #[serde(rename = "utf-16le")]
    Utf16Le,
    #[serde(rename = "utf-16be")]
    Utf16Be,
    /// The superset of GBK and GB2312.
    Gb18030,
    /// Not a text file.
    Xlsx,
}

impl Encoding {
    pub const ALL: [Encoding; 5] = [Encoding::Utf8, Encoding::Utf16Le, Encoding::Utf16Be, Encoding::Gb18030, Encoding::Xlsx];

    pub const fn name(self) -> &'static str {
        match self {
            Encoding::Utf8 => "UTF-8",
            Encoding::Utf16Le => "UTF-16LE",
            Encoding::Utf16Be => "UTF-16BE",
            Encoding::Gb18030 => "GB18030",
            Encoding::Xlsx => "XLSX",
        }
    }
}

/// What a look at the first part of a file says. People may overrule each part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Detected {
    pub encoding: Encoding,
    /// Has a byte-order mark.
    pub bom: bool,
    pub gzip: bool,
    /// `,` `;` tab or `|`; `None` = one column, or a workbook.
    pub delimiter: Option<char>,
    pub header: bool,
    /// Column names (from the header, or `1`, `2`, …).
    pub columns: Vec<String>,
    /// Up to 20 rows as they will be read.
    pub preview: Vec<Vec<String>>,
    /// Bytes that are no text in this encoding within the looked-at part.
    pub bad_bytes: u64,
}

/// How columns become recipients. Column numbers from 0.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mapping {
    pub key: KeyKind,
    /// Column of the user id, device id or token.
    pub key_column: u32,
    /// Column of the vendor, for tokens.
    #[serde(default)]
    pub vendor_column: Option<u32>,
    /// The vendor of every row, when no column says it.
    #[serde(default)]
    pub vendor: Option<crate::vendor::Vendor>,
    /// Variable name -> column.
    #[serde(default)]
    pub variables: BTreeMap<String, u32>,
}

/// Why a row is not in the crowd.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RejectReason {
    EmptyKey,
    /// White space or a control character inside the id.
    BadCharacter,
    TooLong,
    MissingField,
    UnknownVendor,
    /// Not the form of this vendor's tokens.
    BadToken,
    /// A cell that is no whole number and no text (fraction, formula without a cached value, error).
    BadCell,
    Duplicate,
}

impl RejectReason {
    pub const ALL: [RejectReason; 8] = [
        RejectReason::EmptyKey,
        RejectReason::BadCharacter,
        RejectReason::TooLong,
        RejectReason::MissingField,
        RejectReason::UnknownVendor,
        RejectReason::BadToken,
        RejectReason::BadCell,
        RejectReason::Duplicate,
    ];

    pub const fn slug(self) -> &'static str {
        match self {
            RejectReason::EmptyKey => "empty_key",
            RejectReason::BadCharacter => "bad_character",
            RejectReason::TooLong => "too_long",
            RejectReason::MissingField => "missing_field",
            RejectReason::UnknownVendor => "unknown_vendor",
            RejectReason::BadToken => "bad_token",
            RejectReason::BadCell => "bad_cell",
            RejectReason::Duplicate => "duplicate",
        }
    }

    pub fn parse(text: &str) -> Option<RejectReason> {
        Self::ALL.into_iter().find(|r| r.slug() == text)
    }

    pub const fn name(self) -> Text {
        match self {
            RejectReason::EmptyKey => Text::new("标识为空", "empty key"),
            RejectReason::BadCharacter => Text::new("标识中有空白或控制字符", "white space or control character inside the key"),
            RejectReason::TooLong => Text::new("标识过长", "key too long"),
            RejectReason::MissingField => Text::new("缺少列", "field missing"),
            RejectReason::UnknownVendor => Text::new("未知厂商", "unknown vendor"),
            RejectReason::BadToken => Text::new("令牌格式不对", "not the form of this vendor's tokens"),
            RejectReason::BadCell => Text::new("单元格不是文本或整数", "cell is neither text nor a whole number"),
            RejectReason::Duplicate => Text::new("重复", "duplicate"),
        }
    }
}

/// The sums of one reading: rows = valid + duplicate + malformed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CrowdCounts {
    /// Data rows read, blank ones and the header not counted.
    pub rows: u64,
    pub valid: u64,
    pub duplicate: u64,
    pub malformed: u64,
    /// Valid rows whose user, device or token this app does not know (yet).
    pub unknown: u64,
    /// Byte sequences that were no text and became U+FFFD.
    pub bad_bytes: u64,
}
