//! `docs/vendors.md` is what the code says of every vendor; `VENDORS_PAGE=write cargo test -p types --test vendors_page` writes it.

use std::fmt::Write;
use std::path::Path;

use types::funnel::{Source, Stage};
use types::meter::LIMITS;
use types::vendor::means::Mean;
use types::vendor::{PaceUnit, RepeatClass, Vendor};

fn signs(vendor: Vendor) -> String {
    let one = |stage: Stage| {
        let source = vendor.source_of(stage);
        format!("{} {}", source.sign(), source.name().en)
    };
    [Stage::Accepted, Stage::Delivered, Stage::Displayed, Stage::Clicked]
        .into_iter()
        .map(|stage| format!("{}: {}", stage.name().en.to_lowercase(), one(stage)))
        .collect::<Vec<_>>()
        .join(" · ")
}

const fn repeats(class: RepeatClass) -> &'static str {
    match class {
        RepeatClass::ServerDrops => "A: the vendor drops a repeat; repeated with the same key",
        RepeatClass::PhoneShowsOnce => "B: the phone shows it once; repeated with the same key",
        RepeatClass::Replaces => "C: a repeat replaces the first and may alert again; transactional once more, bulk ends as uncertain",
        RepeatClass::Nothing => "D: nothing protects; never repeated by itself",
    }
}

fn recall(vendor: Vendor) -> String {
    let can = vendor.recall();
    format!("{}: {} ({})", can.means.name().en.to_lowercase(), can.words.en, can.certainty.name().en.to_lowercase())
}

fn page() -> String {
    let mut out = String::from(
        "# Vendors\n\nWritten by a test from the code (`app/types/src/vendor`, `app/types/src/meter.rs`); change it there. Every figure is a \
         default that a lane can change at run time, except what a vendor can report.\n\n\
         Aliyun and Yunxin are not built: both resell the channels above, add a hop and report less of what happens behind it.\n",
    );
    for vendor in Vendor::ALL {
        let lane = vendor.lane_defaults();
        let unit = match lane.pace_unit {
            PaceUnit::Requests => "requests",
            PaceUnit::Targets => "devices",
        };
        let can = |wanted: bool| {
            let list: Vec<&str> = Mean::ALL.into_iter().filter(|m| vendor.can(*m) == wanted).map(|m| m.name().en).collect();
            if list.is_empty() { "nothing".to_owned() } else { list.join(", ").to_lowercase() }
        };
        let sizes: Vec<String> = LIMITS
            .iter()
            .filter(|limit| limit.vendor == vendor)
            .map(|l| format!("{} {} {} ({}, {})", l.field.name().en.to_lowercase(), l.max, l.unit.name().en, l.source, l.checked_on))
            .collect();
        let quota = if lane.daily_quota == 0 { "none known".to_owned() } else { format!("{} device messages", lane.daily_quota) };
        let _ = write!(out, "\n## {}\n\n| | |\n|---|---|\n", vendor.name().en);
        for (name, value) in [
            ("kind", if vendor.is_third_party() { "third party, the floor of every order" } else { "native lane" }.to_owned()),
            ("address", format!("`{}`", lane.base_url_production)),
            ("batch", format!("{} in one request, {} in one chunk", lane.batch, lane.chunk)),
            ("pace", format!("{} {unit} a second ({}, {})", lane.pace_per_second, lane.source, lane.checked_on)),
            ("daily quota", quota),
            ("sizes", if sizes.is_empty() { "no limit of its own known".to_owned() } else { sizes.join("; ") }),
            ("unknown outcome", repeats(vendor.repeat_class()).to_owned()),
            ("who says so", signs(vendor)),
            ("can say", can(true)),
            ("lacks", can(false)),
            ("recall", recall(vendor)),
        ] {
            let _ = writeln!(out, "| {name} | {value} |");
        }
    }
    out
}

#[test]
fn the_page_of_vendors_is_what_the_code_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/vendors.md");
    let page = page();
    if std::env::var_os("VENDORS_PAGE").is_some() {
        std::fs::write(&path, &page).expect("docs/vendors.md");
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(kept, page, "docs/vendors.md is old: VENDORS_PAGE=write cargo test -p types --test vendors_page");
}

#[test]
fn nothing_is_measured_that_a_vendor_cannot_report() {
    for vendor in Vendor::ALL {
        for stage in Stage::ALL {
            let source = vendor.source_of(stage);
            assert!(!source.sign().is_empty() && (source != Source::NotMeasurable || stage > Stage::Accepted), "{vendor:?} {stage:?}");
        }
    }
}
