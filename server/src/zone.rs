//! The console's time zone as a table for the browser.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use types::Millis;
use types::views::shell::ZoneTable;

/// Steps are given for so long before and after the moment asked.
const SPAN_MS: Millis = 3 * 366 * 86_400_000;

/// # Errors
/// When the IANA name is unknown.
pub fn table(name: &str, now: Millis) -> Result<ZoneTable, jiff::Error> {
    let zone = TimeZone::get(name)?;
    let start = Timestamp::from_millisecond(now.saturating_sub(SPAN_MS))?;
    let end = now.saturating_add(SPAN_MS);
    let mut steps = vec![(start.as_millisecond(), zone.to_offset(start).seconds())];
    for step in zone.following(start) {
        let at = step.timestamp().as_millisecond();
        if at > end {
            break;
        }
        steps.push((at, step.offset().seconds()));
    }
    Ok(ZoneTable { name: name.to_owned(), steps })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOVEMBER: Millis = 1_795_253_405_000; // 2026-11-21T09:30:05Z

    #[test]
    fn summer_and_winter_have_their_own_offset() {
        let berlin = table("Europe/Berlin", NOVEMBER).unwrap();
        assert_eq!(berlin.offset_at(NOVEMBER), 3_600);
        assert_eq!(berlin.offset_at(NOVEMBER - 120 * 86_400_000), 7_200);
        let shanghai = table("Asia/Shanghai", NOVEMBER).unwrap();
        assert_eq!(shanghai.steps.len(), 1);
        assert_eq!(shanghai.offset_at(NOVEMBER), 28_800);
        assert!(table("Mars/Olympus", NOVEMBER).is_err());
    }
}
