//! Receipts: later reports, from vendors or from our client, in one table of kinds.

use serde::{Deserialize, Serialize};

use crate::text::Text;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReceiptKind {
    Delivered,
    Displayed,
    Clicked,
    Cleared,
    /// Arrived, but the notification switch is off.
    SwitchOff,
    /// The vendor says the token is dead (uninstalled, unregistered).
    TokenDead,
    OverQuota,
    /// Excluded by the vendor's own filters.
    Discarded,
    /// A code nobody has named yet; the vendor's words are kept.
    Unknown,
}

/// Marks of one recipient in its chunk, one byte, only ever added: any order and any repeat gives the same byte.
pub mod mark {
    pub const DELIVERED: u8 = 1;
    pub const DISPLAYED: u8 = 2;
    pub const CLICKED: u8 = 4;
    pub const CLEARED: u8 = 8;
    pub const SWITCH_OFF: u8 = 16;
    pub const TOKEN_DEAD: u8 = 32;
    pub const OVER_QUOTA: u8 = 64;
    pub const DISCARDED: u8 = 128;
}

impl ReceiptKind {
    pub const ALL: [ReceiptKind; 9] = [
        ReceiptKind::Delivered,
        ReceiptKind::Displayed,
        ReceiptKind::Clicked,
        ReceiptKind::Cleared,
        ReceiptKind::SwitchOff,
        ReceiptKind::TokenDead,
        ReceiptKind::OverQuota,
        ReceiptKind::Discarded,
        ReceiptKind::Unknown,
    ];

    pub const fn slug(self) -> &'static str {
        match self {
            ReceiptKind::Delivered => "delivered",
            ReceiptKind::Displayed => "displayed",
            ReceiptKind::Clicked => "clicked",
            ReceiptKind::Cleared => "cleared",
            ReceiptKind::SwitchOff => "switch_off",
            ReceiptKind::TokenDead => "token_dead",
            ReceiptKind::OverQuota => "over_quota",
            ReceiptKind::Discarded => "discarded",
            ReceiptKind::Unknown => "unknown",
        }
    }

    pub fn parse(text: &str) -> Option<ReceiptKind> {
        Self::ALL.into_iter().find(|k| k.slug() == text)
    }

    /// The marks this receipt proves: a click proves showing and arrival; a closed switch proves arrival only.
    pub const fn marks(self) -> u8 {
        use mark::*;
        match self {
            ReceiptKind::Delivered => DELIVERED,
            ReceiptKind::Displayed => DISPLAYED | DELIVERED,
            ReceiptKind::Clicked => CLICKED | DISPLAYED | DELIVERED,
            ReceiptKind::Cleared => CLEARED | DISPLAYED | DELIVERED,
            ReceiptKind::SwitchOff => SWITCH_OFF | DELIVERED,
            ReceiptKind::TokenDead => TOKEN_DEAD,
            ReceiptKind::OverQuota => OVER_QUOTA,
            ReceiptKind::Discarded => DISCARDED,
            ReceiptKind::Unknown => 0,
        }
    }

    /// The kind whose own bit `bit` is (for counting newly set bits).
    pub const fn of_bit(bit: u8) -> Option<ReceiptKind> {
        match bit {
            mark::DELIVERED => Some(ReceiptKind::Delivered),
            mark::DISPLAYED => Some(ReceiptKind::Displayed),
            mark::CLICKED => Some(ReceiptKind::Clicked),
            mark::CLEARED => Some(ReceiptKind::Cleared),
            mark::SWITCH_OFF => Some(ReceiptKind::SwitchOff),
            mark::TOKEN_DEAD => Some(ReceiptKind::TokenDead),
            mark::OVER_QUOTA => Some(ReceiptKind::OverQuota),
            mark::DISCARDED => Some(ReceiptKind::Discarded),
            _ => None,
        }
    }

    pub const fn name(self) -> Text {
        match self {
            ReceiptKind::Delivered => Text::new("送达", "Delivered"),
            ReceiptKind::Displayed => Text::new("展示", "Displayed"),
            ReceiptKind::Clicked => Text::new("点击", "Clicked"),
            ReceiptKind::Cleared => Text::new("清除", "Cleared"),
            ReceiptKind::SwitchOff => Text::new("通知开关关闭", "Notification switch off"),
            ReceiptKind::TokenDead => Text::new("令牌已失效", "Token dead"),
            ReceiptKind::OverQuota => Text::new("超出厂商配额", "Over the vendor's quota"),
            ReceiptKind::Discarded => Text::new("被厂商过滤", "Discarded by vendor"),
            ReceiptKind::Unknown => Text::new("未知回执", "Unknown receipt"),
        }
    }
}
