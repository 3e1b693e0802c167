//! What believed receipts ask of devices and of the order of lanes.

use std::collections::{BTreeMap, BTreeSet};

use types::Millis;
use types::receipt::{ReceiptKind, mark};
use types::vendor::Vendor;

use super::apply::Place;
use crate::storage::receipts::{Application, Fact, Mark};

#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Named {
    Device(i64),
    Token(Vendor, String),
}

#[derive(Default)]
pub(super) struct LaneEffects {
    pub(super) seen: u32,
    /// Receipts that prove an arrival by themselves (a click follows one).
    pub(super) arrived: u64,
    /// Token -> since when, in which words.
    pub(super) dead: BTreeMap<String, (Millis, String)>,
}

/// What believed receipts ask of devices.
#[derive(Default)]
pub(super) struct Effects {
    pub(super) lanes: BTreeMap<(i64, Vendor), LaneEffects>,
    pub(super) replaced: BTreeMap<(i64, Vendor, String), String>,
    pub(super) switched_off: BTreeMap<(i64, Named), Millis>,
    /// Devices whose person opened the app by a push, as our client says: it is in the foreground.
    pub(super) opened: BTreeSet<i64>,
}

impl Effects {
    pub(super) fn take(&mut self, application: &mut Application, fact: Fact, place: &Place) {
        let bits = fact.kind.marks();
        // A clock of the future would let an old receipt win over a new registration.
        let at = fact.at.unwrap_or(fact.received_at).min(fact.received_at);
        if bits != 0 {
            application.marks.push(Mark {
                chunk: place.chunk.no,
                message_no: place.chunk.message_no,
                app_no: fact.app_no,
                vendor: place.chunk.vendor,
                count: place.chunk.count,
                index: place.index,
                bits,
            });
        }
        let Some(vendor) = place.chunk.vendor else { return };
        metrics::counter!(crate::telemetry::RECEIPTS, "vendor" => vendor.slug(), "kind" => fact.kind.slug()).increment(1);
        let lane = self.lanes.entry((fact.app_no, vendor)).or_default();
        lane.seen += 1;
        lane.arrived += u64::from(matches!(fact.kind, ReceiptKind::Delivered | ReceiptKind::SwitchOff));
        // Only a vendor may call a token dead or renamed; our client key is public.
        let from_vendor = !fact.reference.is_empty();
        if fact.kind == ReceiptKind::TokenDead && from_vendor && fact.replaced_by.is_none() {
            lane.dead.insert(fact.token.clone(), (at, fact.words));
        }
        if let (false, ReceiptKind::Clicked, Some(no)) = (from_vendor, fact.kind, place.device_no) {
            self.opened.insert(no);
        }
        if bits & mark::SWITCH_OFF != 0 {
            let named = match place.device_no {
                Some(no) => Named::Device(no),
                None => Named::Token(vendor, fact.token.clone()),
            };
            let since = self.switched_off.entry((fact.app_no, named)).or_insert(at);
            *since = at.max(*since);
        }
        if let (true, Some(new)) = (from_vendor, fact.replaced_by) {
            self.replaced.insert((fact.app_no, vendor, fact.token), new);
        }
    }
}
