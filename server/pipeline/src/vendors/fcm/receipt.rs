//! FCM has no callback (fcm.md, 6): arrival and clicks are reported by our client through `/v1/client/reports`.

use crate::vendors::dialect::{Callback, DialectError, VendorReceipt};

pub(super) fn read(_callback: &Callback<'_>) -> Result<Vec<VendorReceipt>, DialectError> {
    Err(DialectError::Receipt("FCM sends no callbacks; the app reports through /v1/client/reports".to_owned()))
}
