//! Vendors that are known by name and not spoken yet: nothing is sent, and the reason is said.

use types::vendor::Vendor;

use super::dialect::{
    Batch, Callback, CallbackReply, Credential, Dialect, DialectError, Judgement, PassPlan, Request, VendorReceipt, Wire,
};
use super::dialect::{Failure, Verdict};
use types::failure::FailureClass;

struct Silent(Vendor);

pub(super) fn of(vendor: Vendor) -> &'static dyn Dialect {
    static ALL: std::sync::OnceLock<Vec<Silent>> = std::sync::OnceLock::new();
    let all = ALL.get_or_init(|| (1..=12).filter_map(Vendor::from_code).map(Silent).collect());
    all.iter().find(|silent| silent.0 == vendor).map_or(&Silent(Vendor::Apns) as &'static dyn Dialect, |silent| silent)
}

const WHY: &str = "this vendor is not spoken yet";

impl Dialect for Silent {
    fn vendor(&self) -> Vendor {
        self.0
    }

    fn pass_plan(&self, _credential: &Credential) -> Result<PassPlan, DialectError> {
        Err(DialectError::Credential { field: "vendor", reason: WHY.to_owned() })
    }

    fn build(&self, _batch: &Batch<'_>, _credential: &Credential, _pass: &str) -> Result<Request, DialectError> {
        Err(DialectError::Content { field: "vendor", reason: WHY.to_owned() })
    }

    fn judge(&self, batch: &Batch<'_>, _wire: &Wire) -> Judgement {
        Judgement::all(batch.tokens.len(), Verdict::Failed(Failure::new(FailureClass::Unknown, WHY)))
    }

    fn read_receipts(&self, _callback: &Callback<'_>) -> Result<Vec<VendorReceipt>, DialectError> {
        Err(DialectError::Receipt(WHY.to_owned()))
    }

    fn callback_reply(&self, _callback: &Callback<'_>) -> Option<CallbackReply> {
        None
    }

    fn token_is_plausible(&self, _token: &str) -> bool {
        false
    }
}
