//! What our client says: `POST /v1/client/reports`, header `X-Client-Key`.

use serde::{Deserialize, Serialize};
use types::Millis;
use types::field::FieldError;
use types::ids::{DeviceId, MessageId};
use types::receipt::ReceiptKind;
use types::text::Words;
use types::token::one_spelling;
use types::vendor::Vendor;

/// Reports in one body.
pub const REPORTS_MAX: usize = 500;
/// Characters of a token.
const TOKEN_MAX: usize = 512;

/// One event on one phone. Names its device by `device`, or by `vendor` and `token`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClientReport {
    /// `msg_…`, as the push carried it.
    pub message: String,
    /// `dev_…`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vendor: Option<String>,
    /// `received`, `displayed`, `clicked`, `cleared` or `switched_off`.
    pub event: String,
    /// RFC 3339, by the phone's clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
}

/// A report whose every field reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    pub message: MessageId,
    pub device: Option<DeviceId>,
    pub vendor: Option<Vendor>,
    pub token: String,
    pub kind: ReceiptKind,
    pub at: Option<Millis>,
}

const EVENTS: [(&str, ReceiptKind); 5] = [
    ("received", ReceiptKind::Delivered),
    ("displayed", ReceiptKind::Displayed),
    ("clicked", ReceiptKind::Clicked),
    ("cleared", ReceiptKind::Cleared),
    ("switched_off", ReceiptKind::SwitchOff),
];

impl ClientReport {
    /// # Errors
    /// The first field that does not read, with its reason and remedy.
    pub fn read(&self) -> Result<Report, FieldError> {
        let bad = |field: &str, zh: &str, en: &str| FieldError::new(field, Words::new(zh, en));
        let message = MessageId::parse(&self.message)
            .ok_or_else(|| bad("message", "应为推送里带的 msg_ 编号", "must be the msg_… id that the push carried"))?;
        let kind = EVENTS.iter().find(|(name, _)| *name == self.event).map(|(_, kind)| *kind).ok_or_else(|| {
            bad(
                "event",
                "应为 received、displayed、clicked、cleared 或 switched_off",
                "must be received, displayed, clicked, cleared or switched_off",
            )
        })?;
        let vendor = match self.vendor.as_deref() {
            None => None,
            Some(name) => Some(
                Vendor::parse(name)
                    .ok_or_else(|| bad("vendor", "未知厂商；例如 apns、xiaomi", "unknown vendor; for example apns, xiaomi"))?,
            ),
        };
        let device = match self.device.as_deref() {
            None => None,
            Some(id) => Some(DeviceId::parse(id).ok_or_else(|| bad("device", "应为 dev_ 编号", "must be a dev_… id"))?),
        };
        let token = self.token.as_deref().unwrap_or_default();
        let token = vendor.map_or_else(|| token.to_owned(), |vendor| one_spelling(vendor, token).into_owned());
        if device.is_none() && (token.is_empty() || vendor.is_none()) {
            return Err(bad("device", "请给出 device，或者 vendor 与 token", "give device, or vendor and token"));
        }
        if token.len() > TOKEN_MAX {
            return Err(bad("token", "最长 512 字节", "at most 512 bytes"));
        }
        let at = match self.at.as_deref() {
            None => None,
            Some(text) => {
                let at: jiff::Timestamp = text.parse().map_err(|_| {
                    bad("at", "应为 RFC 3339 时间，例如 2026-11-21T09:30:00Z", "must be an RFC 3339 time such as 2026-11-21T09:30:00Z")
                })?;
                Some(at.as_millisecond())
            }
        };
        Ok(Report { message, device, vendor, token, kind, at })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> ClientReport {
        ClientReport {
            message: MessageId::from_bytes([1; 16]).as_str().to_owned(),
            device: Some(DeviceId::from_bytes([2; 16]).as_str().to_owned()),
            event: "received".to_owned(),
            at: Some("2026-11-21T17:30:00+08:00".to_owned()),
            ..ClientReport::default()
        }
    }

    #[test]
    fn a_report_reads_and_each_bad_field_is_named() {
        let read = report().read().expect("reads");
        assert_eq!((read.kind, read.at), (ReceiptKind::Delivered, Some(1_795_253_400_000)));
        type Spoil = fn(&mut ClientReport);
        let cases: [(&str, Spoil); 7] = [
            ("message", |r| r.message = "msg_1".into()),
            ("event", |r| r.event = "delivered".into()),
            ("device", |r| r.device = Some("phone".into())),
            ("device", |r| r.device = None),
            ("vendor", |r| r.vendor = Some("nokia".into())),
            ("token", |r| r.token = Some("x".repeat(513))),
            ("at", |r| r.at = Some("yesterday".into())),
        ];
        for (field, spoil) in cases {
            let mut bad = report();
            spoil(&mut bad);
            assert_eq!(bad.read().expect_err("refused").field, field);
        }
    }
}
