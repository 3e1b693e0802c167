//! Ids: a prefix that says what it is, then a UUIDv7 in 32 hex digits (sorts by time). Made on the server only.

use serde::{Deserialize, Serialize};

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            pub const PREFIX: &'static str = $prefix;

            /// From 16 bytes of a UUIDv7.
            pub fn from_bytes(bytes: [u8; 16]) -> Self {
                let mut text = String::with_capacity($prefix.len() + 32);
                text.push_str($prefix);
                for byte in bytes {
                    text.push(char::from_digit(u32::from(byte >> 4), 16).unwrap_or('0'));
                    text.push(char::from_digit(u32::from(byte & 15), 16).unwrap_or('0'));
                }
                Self(text)
            }

            /// Accepts `prefix` + 32 lowercase hex digits and nothing else.
            pub fn parse(text: &str) -> Option<Self> {
                let rest = text.strip_prefix($prefix)?;
                (rest.len() == 32 && rest.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)))
                    .then(|| Self(text.to_owned()))
            }

            /// For values that come back from our own store.
            pub fn trusted(text: impl Into<String>) -> Self {
                Self(text.into())
            }

            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

id!(/** A client application. */ AppId, "app_");
id!(/** One installation of an app. */ DeviceId, "dev_");
id!(/** A named set of recipients. */ CrowdId, "crd_");
id!(/** An uploaded file that is not yet a crowd. */ UploadId, "upl_");
id!(/** A crowd being made out of others. */ MakingId, "mak_");
id!(/** A text in the copy library. */ CopyId, "cpy_");
id!(/** A campaign. */ CampaignId, "cmp_");
id!(/** One content to its recipients. */ MessageId, "msg_");
id!(/** A person who signs in. */ PersonId, "usr_");

impl CampaignId {
    /// The message a campaign becomes when it starts: known before, so that what vendors keep for it can be made ready.
    pub fn message(&self) -> MessageId {
        MessageId::trusted(format!("{}{}", MessageId::PREFIX, self.0.strip_prefix(Self::PREFIX).unwrap_or(&self.0)))
    }
}

impl MessageId {
    /// The message that takes this one back: one, however often it is asked for.
    pub fn recall(&self) -> MessageId {
        let digits = self.0.strip_prefix(Self::PREFIX).unwrap_or(&self.0);
        match u128::from_str_radix(digits, 16) {
            Ok(number) => MessageId::from_bytes((!number).to_be_bytes()),
            Err(_) => MessageId::trusted(format!("{}-recall", self.0)),
        }
    }
}

/// Number of a chunk in its store: the durable unit of work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ChunkNo(pub i64);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_back_what_it_wrote_and_nothing_else() {
        let id = AppId::from_bytes([0x01; 16]);
        assert_eq!(id.as_str(), "app_01010101010101010101010101010101");
        assert_eq!(AppId::parse(id.as_str()), Some(id));
        assert_eq!(CampaignId::from_bytes([0x01; 16]).message(), MessageId::from_bytes([0x01; 16]));
        let message = MessageId::from_bytes([0x01; 16]);
        assert_eq!(message.recall(), MessageId::from_bytes([0xfe; 16]));
        assert_eq!(message.recall().recall(), message);
        assert_eq!(AppId::parse("app_0101"), None);
        assert_eq!(AppId::parse("msg_01010101010101010101010101010101"), None);
        assert_eq!(AppId::parse("app_0101010101010101010101010101010G"), None);
    }
}
