//! THE LANGUAGES: one folder per vendor, always the same files: request, answer, receipt, fixtures.
//!
//! Comes in: a batch of recipients with one content; the bytes of an answer; the bytes of a callback.
//! Goes out: a request; one verdict per recipient; receipts. Never: storage, retries, decisions about lanes.
//! Neighbours: none. How to add one: a variant in `types::vendor`, a folder here, an arm in `registry`, fixtures.
//!
//! `hearing`, `payload`, `form`, `entries`, `ttl` and `proof` hold what several vendors have in common; `picture` reads a header.
//! `dialect` is the seam, `registry` finds one, `pass` keeps signed tokens, `transport` alone opens sockets.

/// Methods of a dialect that only hand over to the files of its folder, which always have the same names.
macro_rules! by_files {
    (exchange) => {
        fn pass_plan(
            &self,
            credential: &$crate::vendors::dialect::Credential,
        ) -> Result<$crate::vendors::dialect::PassPlan, $crate::vendors::dialect::DialectError> {
            exchange::plan(credential)
        }

        fn exchange(
            &self,
            credential: &$crate::vendors::dialect::Credential,
            now: types::Millis,
        ) -> Result<$crate::vendors::dialect::Request, $crate::vendors::dialect::DialectError> {
            exchange::request(credential, now)
        }

        fn read_exchange(
            &self,
            wire: &$crate::vendors::dialect::Wire,
            now: types::Millis,
        ) -> Result<$crate::vendors::dialect::Issued, $crate::vendors::dialect::Failure> {
            exchange::read(wire, now)
        }
    };
    (send) => {
        fn build(
            &self,
            batch: &$crate::vendors::dialect::Batch<'_>,
            credential: &$crate::vendors::dialect::Credential,
            pass: &str,
        ) -> Result<$crate::vendors::dialect::Request, $crate::vendors::dialect::DialectError> {
            request::build(batch, credential, pass)
        }

        fn judge(
            &self,
            batch: &$crate::vendors::dialect::Batch<'_>,
            wire: &$crate::vendors::dialect::Wire,
        ) -> $crate::vendors::dialect::Judgement {
            answer::judge(batch, wire)
        }

        fn read_receipts(
            &self,
            callback: &$crate::vendors::dialect::Callback<'_>,
        ) -> Result<Vec<$crate::vendors::dialect::VendorReceipt>, $crate::vendors::dialect::DialectError> {
            receipt::read(callback)
        }
    };
    (ok) => {
        fn callback_reply(&self, _callback: &$crate::vendors::dialect::Callback<'_>) -> Option<$crate::vendors::dialect::CallbackReply> {
            Some($crate::vendors::dialect::CallbackReply { content_type: "text/plain", body: "ok".to_owned() })
        }
    };
}
use by_files;

pub mod apns;
pub mod credential;
pub mod dialect;
mod entries;
pub mod fcm;
mod form;
pub mod getui;
pub mod harmony;
mod hearing;
pub mod honor;
pub mod huawei;
pub mod jpush;
pub mod meizu;
pub mod oppo;
pub mod pass;
mod payload;
pub mod picture;
mod proof;
pub mod registry;
mod service_account;
pub mod transport;
mod ttl;
pub mod umeng;
pub mod vivo;
mod words;
pub mod xiaomi;

#[cfg(test)]
mod coverage;
#[cfg(test)]
mod golden;
