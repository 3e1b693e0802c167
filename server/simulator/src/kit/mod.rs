//! The desk that every vendor but APNs and Xiaomi shares: accounts, faults, limits, books, receipts.
//!
//! A vendor's own file holds what its manual says and nothing else: who is let in, what is refused with which code and in
//! which order, how an answer and a receipt are written. `desk` names them all.

mod ask;
pub(crate) mod json;
pub(crate) mod jwt;
pub(crate) mod keyed;
pub(crate) mod letters;
pub(crate) mod limits;
mod magic;
pub(crate) mod pictures;

use std::sync::Arc;

use bytes::Bytes;
use http::request::Parts;
use types::vendor::Vendor;

pub(crate) use self::ask::{Ask, Content, Holder, Limit, No, SENSITIVE, Target, insist};
pub(crate) use self::keyed::Keyed;
pub use self::keyed::KeyedAccount;
pub(crate) use self::letters::{Again, Errand, Event, Kind, Post, Reached};
pub(crate) use self::magic::Magic;
use crate::dials::{Dials, Outage};

use crate::twin::{Fate, Reply, Twin};
use crate::{fcm, getui, honor, huawei, jpush, meizu, oppo, umeng, vivo};

/// One vendor.
pub(crate) struct Desk {
    /// Judges a request in the reject order of the manual.
    pub(crate) answer: fn(&Ask<'_>) -> Result<Reply, No>,
    /// Writes a refusal as this vendor writes it.
    pub(crate) refusal: fn(&Ask<'_>, &No) -> Reply,
    /// Writes receipts as this vendor writes them; what it has no word for is left out.
    pub(crate) letters: fn(&Twin, &Keyed, &[Event]) -> Vec<Post>,
    /// Where access tokens are issued: the faults of sends do not concern these.
    pub(crate) passes: &'static [&'static str],
    /// Whether clicks are the vendor's own receipts; else only the app on the phone can tell.
    pub(crate) clicks: bool,
}

pub(crate) fn desk(vendor: Vendor) -> Option<&'static Desk> {
    match vendor {
        Vendor::Huawei => Some(&huawei::DESK),
        Vendor::Harmony => Some(&huawei::harmony::DESK),
        Vendor::Honor => Some(&honor::DESK),
        Vendor::Oppo => Some(&oppo::DESK),
        Vendor::Vivo => Some(&vivo::DESK),
        Vendor::Meizu => Some(&meizu::DESK),
        Vendor::Fcm => Some(&fcm::DESK),
        Vendor::Getui => Some(&getui::DESK),
        Vendor::Jpush => Some(&jpush::DESK),
        Vendor::Umeng => Some(&umeng::DESK),
        // These two have desks of their own.
        Vendor::Apns | Vendor::Xiaomi => None,
    }
}

/// Whether this vendor's pace counts targets and not requests (section 5 of each manual).
pub(crate) fn counts_targets(vendor: Vendor) -> bool {
    matches!(vendor, Vendor::Huawei | Vendor::Harmony | Vendor::Honor | Vendor::Oppo | Vendor::Vivo)
}

/// One request to a vendor of this desk, from the dials to the reply.
pub(crate) fn serve(twin: &Arc<Twin>, dials: &Dials, vendor: Vendor, parts: &Parts, path: &str, body: &Bytes) -> Reply {
    let Some(desk) = desk(vendor) else { return Reply::bare(404) };
    if dials.outage == Outage::Error {
        twin.ledger.refuse(vendor, "503");
        return Reply::html(503, "<html><body><h1>503 Service Temporarily Unavailable</h1></body></html>").later(dials.retry_after_s);
    }
    let for_pass = desk.passes.iter().any(|p| path.starts_with(p));
    if for_pass && twin.chance.hits(dials.pass_error_share) {
        twin.ledger.refuse(vendor, "pass 503");
        return Reply::html(503, "<html><body><h1>503 Service Temporarily Unavailable</h1></body></html>");
    }
    if !for_pass && let Some(refused) = twin.http_error(dials, vendor) {
        return refused;
    }
    let fate = if for_pass { Fate::Plain } else { twin.fate(dials) };
    let ask = Ask::new(twin, dials, vendor, parts, path, body, fate);
    let result = if fate == Fate::Error { Err(No::new(dials.error.clone(), "as the dial says")) } else { (desk.answer)(&ask) };
    match result {
        Ok(reply) => ask.spoil(reply),
        Err(no) => {
            let reply = (desk.refusal)(&ask, &no);
            match no.limit {
                Limit::None => twin.ledger.refuse(vendor, &no.code),
                limit => twin.ledger.refuse_over_limit(vendor, &no.code, limit == Limit::Quota),
            }
            if no.limit == Limit::Pace { reply.later(dials.retry_after_s) } else { reply }
        }
    }
}
