//! A failure is a class; a class has three consequences: for the message, for the token, for the lane.

use serde::{Deserialize, Serialize};

use crate::text::Text;

/// What a vendor's refusal or silence means. `Unknown` is never success.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureClass {
    Timeout,
    InvalidToken,
    RateLimited,
    QuotaExceeded,
    BadContent,
    Auth,
    VendorError,
    Unknown,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ForMessage {
    /// Repeat later, before the deadline.
    Later,
    /// Refused for good in this lane.
    GiveUp,
    /// The answer is unknown: repeat only by the vendor's class.
    ByRepeatClass,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ForToken {
    Keep,
    /// Set aside; a mass of these sets nobody aside and raises an alarm.
    Quarantine,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ForLane {
    Healthy,
    /// Counts against the breaker.
    Strike,
    /// Slow down, then go on.
    Slow,
    /// Closed until the vendor's clock resets it.
    CloseUntilReset,
    /// Stopped with a reason until a person mends the credential.
    PauseWithAlarm,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Consequences {
    pub message: ForMessage,
    pub token: ForToken,
    pub lane: ForLane,
}

impl FailureClass {
    pub const ALL: [FailureClass; 8] = [
        FailureClass::Timeout,
        FailureClass::InvalidToken,
        FailureClass::RateLimited,
        FailureClass::QuotaExceeded,
        FailureClass::BadContent,
        FailureClass::Auth,
        FailureClass::VendorError,
        FailureClass::Unknown,
    ];

    pub const fn slug(self) -> &'static str {
        match self {
            FailureClass::Timeout => "timeout",
            FailureClass::InvalidToken => "invalid_token",
            FailureClass::RateLimited => "rate_limited",
            FailureClass::QuotaExceeded => "quota_exceeded",
            FailureClass::BadContent => "bad_content",
            FailureClass::Auth => "auth",
            FailureClass::VendorError => "vendor_error",
            FailureClass::Unknown => "unknown",
        }
    }

    pub fn parse(text: &str) -> Option<FailureClass> {
        Self::ALL.into_iter().find(|c| c.slug() == text)
    }

    pub const fn consequences(self) -> Consequences {
        use FailureClass::*;
        let (message, token, lane) = match self {
            Timeout => (ForMessage::ByRepeatClass, ForToken::Keep, ForLane::Strike),
            InvalidToken => (ForMessage::GiveUp, ForToken::Quarantine, ForLane::Healthy),
            RateLimited => (ForMessage::Later, ForToken::Keep, ForLane::Slow),
            QuotaExceeded => (ForMessage::Later, ForToken::Keep, ForLane::CloseUntilReset),
            BadContent => (ForMessage::GiveUp, ForToken::Keep, ForLane::Healthy),
            Auth => (ForMessage::Later, ForToken::Keep, ForLane::PauseWithAlarm),
            VendorError => (ForMessage::Later, ForToken::Keep, ForLane::Strike),
            Unknown => (ForMessage::Later, ForToken::Keep, ForLane::Strike),
        };
        Consequences { message, token, lane }
    }

    pub const fn name(self) -> Text {
        match self {
            FailureClass::Timeout => Text::new("厂商接口超时", "Vendor did not answer"),
            FailureClass::InvalidToken => Text::new("令牌失效", "Token invalid"),
            FailureClass::RateLimited => Text::new("触发限速", "Rate limited"),
            FailureClass::QuotaExceeded => Text::new("配额用尽", "Quota used up"),
            FailureClass::BadContent => Text::new("内容不合规", "Content refused"),
            FailureClass::Auth => Text::new("凭证被拒", "Credential refused"),
            FailureClass::VendorError => Text::new("厂商服务错误", "Vendor error"),
            FailureClass::Unknown => Text::new("未知应答", "Unknown answer"),
        }
    }

    /// What a person should do next.
    pub const fn remedy(self) -> Text {
        match self {
            FailureClass::Timeout => {
                Text::new("按厂商规则自动处理；持续出现请看通道页", "Handled by the vendor's repeat rule; if it lasts, see the lane page")
            }
            FailureClass::InvalidToken => {
                Text::new("令牌已隔离，用户重新打开应用后恢复", "Token set aside; it returns when the app registers again")
            }
            FailureClass::RateLimited => Text::new("通道自动降速后重发", "The lane slows down and sends again by itself"),
            FailureClass::QuotaExceeded => Text::new("等厂商配额重置，或向厂商申请", "Wait for the vendor's reset or apply for more"),
            FailureClass::BadContent => Text::new("修改文案或类别后重新发送", "Change copy or category, then send again"),
            FailureClass::Auth => Text::new("到应用页更新厂商凭证", "Renew the vendor credential on the app page"),
            FailureClass::VendorError => Text::new("自动重试中", "Repeated automatically"),
            FailureClass::Unknown => {
                Text::new("自动重试少数几次；请把厂商原话报给开发", "Repeated a few times; report the vendor's words to developers")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_consequences() {
        let table: Vec<String> = FailureClass::ALL
            .iter()
            .map(|c| {
                let k = c.consequences();
                format!("{:<14} {:?} · {:?} · {:?}", c.slug(), k.message, k.token, k.lane)
            })
            .collect();
        insta::assert_snapshot!(table.join("\n"));
    }
}
