//! What the folders have in common without being told.

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
pub(super) use by_files;
