//! Decision tables: what each rule says about every case that matters, as one page to read. Quiet hours and caps have theirs beside
//! them, the blacklist in the conformance suite, since the store answers it.

use types::Millis;
use types::content::MessageClass;
use types::policy::{About, Quiet, Rules, SameContent, Then, VendorCap, Versions, ZoneOf};
use types::vendor::{Environment, Vendor};

use super::caps::{Asked, Windows, decide};
use super::{Demands, Gate, admit, before_send, quiet, stops};
use crate::coordination::Stop;
use crate::storage::devices::{Reach, TokenState};
use crate::storage::policy::Slot;

const NOON: Millis = 1_795_233_600_000; // 2026-11-21T12:00+08:00
const MINUTE: Millis = 60_000;
const HOUR: Millis = 60 * MINUTE;

#[test]
fn environment_and_test_devices() {
    let device = |environment, test| Reach {
        device_no: 1,
        vendor: Vendor::Xiaomi,
        token: "t".into(),
        environment,
        state: TokenState::Active,
        notifications_on: Some(true),
        test,
    };
    let devices = [
        ("production", device(Environment::Production, false)),
        ("production, test device", device(Environment::Production, true)),
        ("sandbox", device(Environment::Sandbox, false)),
        ("sandbox, test device", device(Environment::Sandbox, true)),
        ("test device, switched off", Reach { notifications_on: Some(false), ..device(Environment::Production, true) }),
        ("test device, switch unknown", Reach { notifications_on: None, ..device(Environment::Production, true) }),
        ("test device, quarantined", Reach { state: TokenState::Quarantined, ..device(Environment::Production, true) }),
        (
            "sandbox, switched off, quarantined",
            Reach { notifications_on: Some(false), state: TokenState::Quarantined, ..device(Environment::Sandbox, false) },
        ),
    ];
    let mut lines = Vec::new();
    for environment in [Environment::Production, Environment::Sandbox] {
        for (what, test_only) in [("message", false), ("test send", true)] {
            lines.push(format!("{what} of an app in {}:", environment.slug()));
            for (name, device) in &devices {
                let said = admit(device, Demands { environment, test_only }).map_or_else(|rule| rule.slug(), |()| "go");
                lines.push(format!("  {name:<35} {said}"));
            }
        }
    }
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn deadline() {
    let hold = Quiet { businesses: vec![], from: 12 * 60 - 1, to: 13 * 60, by: ZoneOf::App, then: Then::Hold, transactional_exempt: true };
    let rules = [
        ("no quiet hours", Rules::default()),
        ("quiet until 13:00", Rules { quiet: vec![hold.clone()], ..Rules::default() }),
        ("quiet, dropped", Rules { quiet: vec![Quiet { then: Then::Drop, ..hold }], ..Rules::default() }),
    ];
    let deadlines = [
        ("an hour ago", NOON - HOUR),
        ("a millisecond ago", NOON - 1),
        ("now", NOON),
        ("in a millisecond", NOON + 1),
        ("when it is quiet no more", NOON + HOUR),
        ("a millisecond later", NOON + HOUR + 1),
    ];
    let mut lines = Vec::new();
    for (name, rules) in &rules {
        lines.push(format!("at 12:00, {name}:"));
        for (when, deadline) in deadlines {
            for class in [MessageClass::Bulk, MessageClass::Transactional] {
                let asked = quiet::ask(rules, About { class, business: "news", hours: None }, None, NOON, deadline);
                let said = match (before_send(deadline, NOON), asked) {
                    (Gate::Expired, _) => "expired".to_owned(),
                    (Gate::Go, quiet::Said::Go) => "go".to_owned(),
                    (Gate::Go, quiet::Said::Wait { until }) => format!("waits {} min", (until - NOON) / MINUTE),
                    (Gate::Go, quiet::Said::End { outcome, words }) => format!("{}: {words}", outcome.slug()),
                };
                lines.push(format!("  deadline {when:<25} {:<14} {said}", class.slug()));
            }
        }
    }
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn version_filter() {
    let filters = [("", ""), ("2.0", ""), ("", "2.9"), ("2.0", "2.9"), ("2.0", "2.0"), ("10", "")];
    let versions = ["", "nightly", "1.9.9", "2", "2.0", "v2.0.0", "2.0.1", "2.0-beta", "2.9", "2.9.0", "2.9.1", "2.10", "10.0", "02.5"];
    let mut lines = Vec::new();
    for (min, max) in filters {
        let filter = Versions::of(min, max);
        lines.push(format!("{}:", filter.as_ref().map_or_else(|| "no filter".to_owned(), Versions::words)));
        let said = |version: &str| if filter.as_ref().is_none_or(|f| f.holds(version)) { "go" } else { "version" };
        lines.extend(versions.iter().map(|version| format!("  {version:<10} {}", said(version))));
    }
    insta::assert_snapshot!(lines.join("\n").replace("             ", "(none)       "));
}

#[test]
fn stop_switches() {
    let mut lines = Vec::new();
    for (campaign, of_message) in [("runs", None), ("paused", Some(Stop::Paused)), ("cancelled", Some(Stop::Cancelled))] {
        for (app, of_app) in [("runs", false), ("stopped", true)] {
            let said = match stops(of_message, of_app) {
                None => "go",
                Some(Stop::Paused) => "hold",
                Some(Stop::Cancelled) => "end as cancelled",
            };
            lines.push(format!("campaign {campaign:<10} app {app:<8} {said}"));
        }
    }
    insta::assert_snapshot!(lines.join("\n"));
}

fn slot(counts_as: i64, ago: Millis) -> Slot {
    Slot {
        person: 1,
        counts_as,
        device_no: 7,
        business: "news".into(),
        bulk: true,
        content: 90,
        vendor: Some(Vendor::Huawei),
        at: NOON - ago,
    }
}

/// Message 9 with content 90 is asked about at noon, for device 7 of Huawei's.
fn said(rules: &Rules, class: MessageClass, vendor: Vendor, had: &[Slot]) -> String {
    let asked = Asked { about: About { class, business: "news", hours: None }, counts_as: 9, content: 90, now: NOON };
    match decide(rules, &Windows::of(rules, NOON), asked, had, 7, vendor) {
        Ok(()) => "go".to_owned(),
        Err(lost) => format!("{}: {}; had {}", lost.rule.slug(), lost.words, lost.winner),
    }
}

#[test]
fn same_content() {
    let rules = [("within an hour", false), ("within an hour, transactional exempt", true)].map(|(name, transactional_exempt)| {
        (name, Rules { same_content: Some(SameContent { minutes: 60, transactional_exempt }), ..Rules::default() })
    });
    let had = [
        ("nothing", vec![]),
        ("it, a minute ago", vec![slot(1, MINUTE)]),
        ("it, just within the hour", vec![slot(1, HOUR - 1)]),
        ("it, exactly an hour ago", vec![slot(1, HOUR)]),
        ("another content", vec![Slot { content: 91, ..slot(1, MINUTE) }]),
        ("it on another device", vec![Slot { device_no: 8, vendor: Some(Vendor::Apns), ..slot(1, MINUTE) }]),
        ("it as another business", vec![Slot { business: "visit".into(), ..slot(1, MINUTE) }]),
        ("it as a transactional one", vec![Slot { bulk: false, ..slot(1, MINUTE) }]),
        ("its own first try", vec![slot(9, MINUTE)]),
        ("it twice", vec![slot(1, 30 * MINUTE), slot(2, MINUTE)]),
    ];
    let mut lines = Vec::new();
    for (name, rules) in &rules {
        lines.push(format!("the same once {name}:"));
        for (what, had) in &had {
            for class in [MessageClass::Bulk, MessageClass::Transactional] {
                lines.push(format!("  had {what:<26} {:<14} {}", class.slug(), said(rules, class, Vendor::Huawei, had)));
            }
        }
    }
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn vendors_caps() {
    let cap = |vendor, most| VendorCap { vendor, most, source: String::new(), as_of: String::new() };
    let rules =
        Rules { zone: "America/New_York".into(), vendor_caps: vec![cap(Vendor::Huawei, 2), cap(Vendor::Oppo, 1)], ..Rules::default() };
    let had = [
        ("nothing", vec![]),
        ("one", vec![slot(1, HOUR)]),
        ("two", vec![slot(1, 2 * HOUR), slot(2, HOUR)]),
        ("two since midnight in China", vec![slot(1, 12 * HOUR), slot(2, HOUR)]),
        ("one of them before midnight", vec![slot(1, 12 * HOUR + 1), slot(2, HOUR)]),
        ("two, one transactional", vec![Slot { bulk: false, ..slot(1, 2 * HOUR) }, slot(2, HOUR)]),
        ("two, one on another device", vec![Slot { device_no: 8, ..slot(1, 2 * HOUR) }, slot(2, HOUR)]),
        ("two, one by another vendor", vec![Slot { vendor: Some(Vendor::Oppo), ..slot(1, 2 * HOUR) }, slot(2, HOUR)]),
        ("one, and its own first try", vec![slot(9, 2 * HOUR), slot(2, HOUR)]),
        ("one message, twice counted", vec![slot(1, 2 * HOUR), slot(1, HOUR)]),
    ];
    let mut lines = Vec::new();
    for vendor in [Vendor::Huawei, Vendor::Oppo, Vendor::Apns] {
        lines.push(format!("by {}, with caps of 2 for huawei and 1 for oppo:", vendor.slug()));
        for (what, had) in &had {
            for class in [MessageClass::Bulk, MessageClass::Transactional] {
                lines.push(format!("  had {what:<28} {:<14} {}", class.slug(), said(&rules, class, vendor, had)));
            }
        }
    }
    insta::assert_snapshot!(lines.join("\n"));
}
