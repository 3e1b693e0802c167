//! Every vendor x every class of failure: an answer among the fixtures leads to it, or the manual says why none can.

use std::collections::BTreeMap;

use types::failure::FailureClass::{self, QuotaExceeded, Timeout};
use types::vendor::Vendor;

use super::dialect::{Verdict, Wire};
use super::golden::{answer_of, fixtures, judge};

/// What a vendor's answers cannot say.
fn cannot(vendor: Vendor, class: FailureClass) -> Option<&'static str> {
    match (vendor, class) {
        (Vendor::Apns, QuotaExceeded) => Some("Apple keeps no daily count (apns.md, 5)"),
        (Vendor::Fcm, QuotaExceeded) => Some("there is no daily quota, every limit is a pace (fcm.md, 4)"),
        (Vendor::Huawei | Vendor::Harmony, QuotaExceeded) => Some("a used-up quota is accepted and shows in receipts only (huawei.md, 4)"),
        _ => None,
    }
}

/// Class -> the fixtures that lead to it.
fn met(vendor: Vendor) -> BTreeMap<FailureClass, Vec<String>> {
    let mut met: BTreeMap<FailureClass, Vec<String>> = BTreeMap::new();
    let mut note = |wire: &Wire, name: String| {
        for verdict in judge(vendor, wire).verdicts {
            if let Verdict::Failed(failure) = verdict {
                met.entry(failure.class).or_default().push(name.clone());
            }
        }
    };
    for path in fixtures(vendor, "answer") {
        note(&answer_of(&path), path.file_name().map_or(String::new(), |name| name.to_string_lossy().into_owned()));
    }
    note(&Wire::TimedOut { words: "no answer".into() }, "silence".into());
    met
}

#[test]
fn every_class_is_met_or_its_absence_explained() {
    let mut complaints = Vec::new();
    for vendor in Vendor::ALL {
        let met = met(vendor);
        for class in FailureClass::ALL {
            match (met.get(&class), cannot(vendor, class)) {
                (None, None) => complaints.push(format!("{}: no answer leads to {} and nothing says why", vendor.slug(), class.slug())),
                (Some(cases), Some(why)) => {
                    complaints.push(format!("{}: {} is said to be impossible ({why}), but see {}", vendor.slug(), class.slug(), cases[0]));
                }
                (Some(_), None) | (None, Some(_)) => {}
            }
        }
        assert!(met.contains_key(&Timeout), "{}: silence is no failure", vendor.slug());
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}
