//! Crowd files: what was detected, how columns map, what became of the rows.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::text::Text;
use crate::vendor::Vendor;

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

    /// Reads [`Encoding::name`] in any case.
    pub fn parse(text: &str) -> Option<Encoding> {
        Self::ALL.into_iter().find(|e| e.name().eq_ignore_ascii_case(text))
    }
}

/// What people write in the vendor column, in either language and any case.
pub fn vendor_named(text: &str) -> Option<Vendor> {
    const ALIASES: [(Vendor, &[&str]); 12] = [
        (Vendor::Apns, &["apns", "apn", "ios", "apple", "iphone", "苹果"]),
        (Vendor::Fcm, &["fcm", "google", "firebase", "谷歌"]),
        (Vendor::Xiaomi, &["xiaomi", "mi", "mipush", "redmi", "小米", "红米"]),
        (Vendor::Huawei, &["huawei", "hms", "华为"]),
        (Vendor::Harmony, &["harmony", "harmonyos", "hmos", "next", "鸿蒙"]),
        (Vendor::Honor, &["honor", "荣耀"]),
        (Vendor::Oppo, &["oppo", "realme", "oneplus", "heytap", "一加", "真我"]),
        (Vendor::Vivo, &["vivo", "iqoo"]),
        (Vendor::Meizu, &["meizu", "flyme", "魅族"]),
        (Vendor::Umeng, &["umeng", "友盟"]),
        (Vendor::Getui, &["getui", "gt", "个推"]),
        (Vendor::Jpush, &["jpush", "jiguang", "极光"]),
    ];
    let text = text.trim();
    ALIASES.into_iter().find(|(_, names)| names.iter().any(|n| n.eq_ignore_ascii_case(text))).map(|(v, _)| v)
}

/// What stands between two fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Delimiter {
    Comma,
    Semicolon,
    Tab,
    Pipe,
    /// One column.
    Nothing,
}

impl Delimiter {
    pub const ALL: [Delimiter; 5] = [Delimiter::Comma, Delimiter::Semicolon, Delimiter::Tab, Delimiter::Pipe, Delimiter::Nothing];

    pub const fn sign(self) -> Option<char> {
        match self {
            Delimiter::Comma => Some(','),
            Delimiter::Semicolon => Some(';'),
            Delimiter::Tab => Some('\t'),
            Delimiter::Pipe => Some('|'),
            Delimiter::Nothing => None,
        }
    }

    pub const fn slug(self) -> &'static str {
        match self {
            Delimiter::Comma => "comma",
            Delimiter::Semicolon => "semicolon",
            Delimiter::Tab => "tab",
            Delimiter::Pipe => "pipe",
            Delimiter::Nothing => "nothing",
        }
    }

    pub fn parse(text: &str) -> Option<Delimiter> {
        Self::ALL.into_iter().find(|d| d.slug() == text)
    }

    pub fn of_sign(sign: Option<char>) -> Option<Delimiter> {
        Self::ALL.into_iter().find(|d| d.sign() == sign)
    }

    pub const fn name(self) -> Text {
        match self {
            Delimiter::Comma => Text::new("逗号 ,", "comma ,"),
            Delimiter::Semicolon => Text::new("分号 ;", "semicolon ;"),
            Delimiter::Tab => Text::new("制表符", "tab"),
            Delimiter::Pipe => Text::new("竖线 |", "pipe |"),
            Delimiter::Nothing => Text::new("只有一列", "one column"),
        }
    }
}

/// What a person says against the detection; `None` = as detected.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Overrule {
    #[serde(default)]
    pub encoding: Option<Encoding>,
    #[serde(default)]
    pub delimiter: Option<Delimiter>,
    #[serde(default)]
    pub header: Option<bool>,
}

/// The life of an uploaded file until it is a crowd.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UploadState {
    /// On disk and looked at; the mapping is the person's turn.
    Received,
    /// Its rows are being read.
    Checking,
    /// Counted and staged; a name makes it a crowd.
    Checked,
    Confirmed,
    /// The reading ended with a problem; another mapping or detection may help.
    Failed,
}

impl UploadState {
    pub const ALL: [UploadState; 5] =
        [UploadState::Received, UploadState::Checking, UploadState::Checked, UploadState::Confirmed, UploadState::Failed];

    pub const fn slug(self) -> &'static str {
        match self {
            UploadState::Received => "received",
            UploadState::Checking => "checking",
            UploadState::Checked => "checked",
            UploadState::Confirmed => "confirmed",
            UploadState::Failed => "failed",
        }
    }

    pub fn parse(text: &str) -> Option<UploadState> {
        Self::ALL.into_iter().find(|s| s.slug() == text)
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
    pub vendor: Option<Vendor>,
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

    /// Number in stores; never reused.
    pub const fn code(self) -> u8 {
        match self {
            RejectReason::EmptyKey => 1,
            RejectReason::BadCharacter => 2,
            RejectReason::TooLong => 3,
            RejectReason::MissingField => 4,
            RejectReason::UnknownVendor => 5,
            RejectReason::BadToken => 6,
            RejectReason::BadCell => 7,
            RejectReason::Duplicate => 8,
        }
    }

    pub fn from_code(code: u8) -> Option<RejectReason> {
        Self::ALL.into_iter().find(|r| r.code() == code)
    }

    pub fn parse(text: &str) -> Option<RejectReason> {
        Self::ALL.into_iter().find(|r| r.slug() == text)
    }

    pub const fn name(self) -> Text {
        match self {
            RejectReason::EmptyKey => Text::new("标识为空", "empty key"),
            RejectReason::BadCharacter => Text::new("标识中有空白或控制字符", "white space or control character inside the key"),
            RejectReason::TooLong => Text::new("标识或变量过长", "key or variables too long"),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_codes_read_back() {
        for vendor in Vendor::ALL {
            assert_eq!(vendor_named(vendor.slug()), Some(vendor));
            assert_eq!(vendor_named(vendor.name().zh), Some(vendor));
        }
        assert_eq!(vendor_named(" 苹果 "), Some(Vendor::Apns));
        assert_eq!(vendor_named("nokia"), None);
        for reason in RejectReason::ALL {
            assert_eq!(RejectReason::from_code(reason.code()), Some(reason));
        }
    }
}
