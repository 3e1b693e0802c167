//! Numbers, rates, times as text: pure, the same on both sides.

use types::Millis;
use types::text::Lang;
use types::views::shell::ZoneTable;

/// `1234567` -> `1,234,567`.
pub fn exact(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Short form: 万 and 亿 in Chinese, K, M and B in English; exact below 10,000. One decimal, cut (never rounded up to a whole that
/// was not reached).
pub fn short(n: u64, lang: Lang) -> String {
    if n < 10_000 {
        return exact(n);
    }
    let (unit, name) = match lang {
        Lang::Zh if n >= 100_000_000 => (100_000_000, " 亿"),
        Lang::Zh => (10_000, " 万"),
        Lang::En if n >= 1_000_000_000 => (1_000_000_000, " B"),
        Lang::En if n >= 1_000_000 => (1_000_000, " M"),
        Lang::En => (1_000, " K"),
    };
    let tenths = n / (unit / 10);
    format!("{}.{}{name}", exact(tenths / 10), tenths % 10)
}

/// `part` of `whole` in percent with one decimal (two below 10 %), cut; `–` when there is no whole.
pub fn percent(part: u64, whole: u64) -> String {
    if whole == 0 {
        return "–".to_owned();
    }
    let hundredths = u128::from(part) * 10_000 / u128::from(whole);
    let (int, frac) = (hundredths / 100, hundredths % 100);
    if int < 10 { format!("{int}.{frac:02}%") } else { format!("{int}.{}%", frac / 10) }
}

/// Bytes with a binary unit: `1.5 MiB`.
pub fn bytes(n: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    if n < 1_024 {
        return format!("{n} B");
    }
    let mut scale = 1_024_u64;
    let mut unit = 0;
    while unit + 1 < UNITS.len() && n / scale >= 1_024 {
        scale *= 1_024;
        unit += 1;
    }
    let tenths = u128::from(n) * 10 / u128::from(scale);
    format!("{}.{} {}", tenths / 10, tenths % 10, UNITS[unit])
}

struct Civil {
    year: i64,
    month: i64,
    day: i64,
    hour: i64,
    minute: i64,
    second: i64,
}

/// Proleptic Gregorian date of local milliseconds (days-from-civil, inverted).
fn civil(local_ms: i64) -> Civil {
    let seconds = local_ms.div_euclid(1_000);
    let days = seconds.div_euclid(86_400);
    let rest = seconds.rem_euclid(86_400);
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let doe = shifted.rem_euclid(146_097);
    let yoe = (doe - doe / 1_460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let month = if mp < 10 { mp + 3 } else { mp - 9 };
    Civil {
        year: yoe + era * 400 + i64::from(month <= 2),
        month,
        day: doy - (153 * mp + 2) / 5 + 1,
        hour: rest / 3_600,
        minute: rest / 60 % 60,
        second: rest % 60,
    }
}

/// `UTC+8`, `UTC-3:30`, `UTC`.
pub fn offset(seconds: i32) -> String {
    if seconds == 0 {
        return "UTC".to_owned();
    }
    let sign = if seconds < 0 { '-' } else { '+' };
    let minutes = seconds.unsigned_abs() / 60;
    if minutes.is_multiple_of(60) { format!("UTC{sign}{}", minutes / 60) } else { format!("UTC{sign}{}:{:02}", minutes / 60, minutes % 60) }
}

/// `2026-11-21 17:30:05 UTC+8`.
pub fn stamp(at: Millis, zone: &ZoneTable) -> String {
    let east = zone.offset_at(at);
    let c = civil(at + i64::from(east) * 1_000);
    format!("{:04}-{:02}-{:02} {:02}:{:02}:{:02} {}", c.year, c.month, c.day, c.hour, c.minute, c.second, offset(east))
}

/// `11-21 17:30 UTC+8`, for lists.
pub fn stamp_short(at: Millis, zone: &ZoneTable) -> String {
    let east = zone.offset_at(at);
    let c = civil(at + i64::from(east) * 1_000);
    format!("{:02}-{:02} {:02}:{:02} {}", c.month, c.day, c.hour, c.minute, offset(east))
}

/// `2026-11-21T17:30` in the zone, for `<input type=datetime-local>`.
pub fn local_input(at: Millis, zone: &ZoneTable) -> String {
    let c = civil(at + i64::from(zone.offset_at(at)) * 1_000);
    format!("{:04}-{:02}-{:02}T{:02}:{:02}", c.year, c.month, c.day, c.hour, c.minute)
}

/// `2026-11-21T09:30:05Z`, for `<time datetime>`.
pub fn rfc3339(at: Millis) -> String {
    let c = civil(at);
    format!("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", c.year, c.month, c.day, c.hour, c.minute, c.second)
}

/// A length of time in words: `1 分 20 秒`, `1 m 20 s`; the two largest units.
pub fn duration(ms: Millis, lang: Lang) -> String {
    let seconds = ms.max(0) / 1_000;
    let units: [(i64, &str, &str); 4] = [(86_400, "天", "d"), (3_600, "小时", "h"), (60, "分", "m"), (1, "秒", "s")];
    let mut rest = seconds;
    let mut parts = Vec::new();
    for (size, zh, en) in units {
        let n = rest / size;
        rest %= size;
        if n > 0 && parts.len() < 2 {
            parts.push(format!("{n} {}", if lang == Lang::Zh { zh } else { en }));
        } else if !parts.is_empty() {
            break;
        }
    }
    if parts.is_empty() { format!("0 {}", if lang == Lang::Zh { "秒" } else { "s" }) } else { parts.join(" ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_and_honest() {
        assert_eq!(exact(0), "0");
        assert_eq!(exact(1_234_567), "1,234,567");
        assert_eq!(short(9_999, Lang::Zh), "9,999");
        assert_eq!(short(12_846_000, Lang::Zh), "1,284.6 万");
        assert_eq!(short(99_999_999, Lang::Zh), "9,999.9 万", "never a 亿 that was not reached");
        assert_eq!(short(234_000_000, Lang::Zh), "2.3 亿");
        assert_eq!(short(12_300, Lang::En), "12.3 K");
        assert_eq!(short(999_999, Lang::En), "999.9 K");
        assert_eq!(short(1_200_000, Lang::En), "1.2 M");
        assert_eq!(percent(1, 0), "–");
        assert_eq!(percent(999, 1_000), "99.9%");
        assert_eq!(percent(99_999, 100_000), "99.9%", "never 100 % that was not reached");
        assert_eq!(percent(392, 10_000), "3.92%");
        assert_eq!(percent(u64::MAX, u64::MAX), "100.0%");
        assert_eq!(bytes(1_023), "1023 B");
        assert_eq!(bytes(1_572_864), "1.5 MiB");
    }

    #[test]
    fn times_show_their_zone() {
        let shanghai = ZoneTable { name: "Asia/Shanghai".into(), steps: vec![(i64::MIN, 28_800)] };
        let at = 1_795_253_405_000; // 2026-11-21T09:30:05Z
        assert_eq!(rfc3339(at), "2026-11-21T09:30:05Z");
        assert_eq!(stamp(at, &shanghai), "2026-11-21 17:30:05 UTC+8");
        assert_eq!(stamp_short(at, &shanghai), "11-21 17:30 UTC+8");
        assert_eq!(local_input(at, &shanghai), "2026-11-21T17:30");
        assert_eq!(rfc3339(951_782_400_000), "2000-02-29T00:00:00Z");
        assert_eq!(rfc3339(-1_000), "1969-12-31T23:59:59Z");
        assert_eq!(offset(-12_600), "UTC-3:30");
        assert_eq!(duration(80_000, Lang::En), "1 m 20 s");
        assert_eq!(duration(3_600_000, Lang::Zh), "1 小时");
        assert_eq!(duration(10, Lang::Zh), "0 秒");
    }
}
