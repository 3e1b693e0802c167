//! Reading scripts as people write them: one step a line, `12:03 huawei outage=error`, `+5m huawei outage=none`. Pure.

use jiff::Timestamp;
use jiff::civil::Time;
use jiff::tz::TimeZone;
use serde_json::{Map, Value, json};
use types::Millis;
use types::problem::Problem;
use types::text::Words;
use types::vendor::Vendor;
use types::views::laboratory::{Dial, DialKind, EFFECTS, ScriptForm, dial_named};

const NAME_MAX: usize = 80;
const TEXT_MAX: usize = 4_000;
const LINES_MAX: usize = 100;
/// A script is over by then.
const LONGEST_MS: Millis = 48 * 3_600_000;
const MINUTE_MS: Millis = 60_000;
const DAY_MS: Millis = 24 * 60 * MINUTE_MS;

/// One step: so long after the one before.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    pub after_ms: u64,
    pub vendor: Vendor,
    pub dials: Map<String, Value>,
}

/// A script that makes sense.
#[derive(Clone, Debug, PartialEq)]
pub struct Script {
    pub name: String,
    pub text: String,
    pub steps: Vec<Step>,
}

/// # Errors
/// The field, and for the long form the line, with the remedy.
pub fn read(form: &ScriptForm, now: Millis, zone: &TimeZone) -> Result<Script, Problem> {
    let (text, field) = if form.text.trim().is_empty() { (short_form(form)?, "at") } else { (form.text.trim().to_owned(), "text") };
    if text.len() > TEXT_MAX {
        return Err(Problem::field(field, Words::new("最多 4000 字节", "at most 4,000 bytes")));
    }
    let mut steps = Vec::new();
    let mut last = now;
    for (i, line) in text.lines().enumerate() {
        let line = line.split('#').next().unwrap_or("").trim();
        if line.is_empty() {
            continue;
        }
        let told = |why: Words| {
            let n = i + 1;
            Problem::field(field, Words::new(format!("第 {n} 行：{}", why.zh), format!("line {n}: {}", why.en)))
        };
        let (at, vendor, dials) = step(line, now, last, zone).map_err(told)?;
        if at - now > LONGEST_MS {
            return Err(told(Words::new("超过 48 小时", "more than 48 hours ahead")));
        }
        steps.push(Step { after_ms: (at - last).unsigned_abs(), vendor, dials });
        last = at;
    }
    if steps.is_empty() || steps.len() > LINES_MAX {
        return Err(Problem::field(field, Words::new("需要 1 到 100 步", "needs 1 to 100 steps")));
    }
    let name = form.name.trim();
    let name = if name.is_empty() { text.lines().next().unwrap_or("").to_owned() } else { name.to_owned() };
    Ok(Script { name: name.chars().take(NAME_MAX).collect(), text, steps })
}

/// "Huawei down for five minutes at 12:03" as lines.
fn short_form(form: &ScriptForm) -> Result<String, Problem> {
    let vendor = Vendor::parse(&form.vendor).ok_or_else(|| Problem::field("vendor", Words::new("请选择厂商", "choose a vendor")))?;
    let effect = EFFECTS.iter().find(|e| e.slug == form.effect);
    let effect = effect.ok_or_else(|| Problem::field("effect", Words::new("请选择情形", "choose what happens")))?;
    let minutes: f64 = form.minutes.trim().parse().unwrap_or(0.0);
    if !(0.05..=1_440.0).contains(&minutes) {
        return Err(Problem::field("minutes", Words::new("需要 0.05 到 1440 分钟", "needs 0.05 to 1,440 minutes")));
    }
    let at = form.at.trim();
    let at = if at.is_empty() { "+0s" } else { at };
    let (vendor, seconds) = (vendor.slug(), (minutes * 60.0).round());
    Ok(format!("{at} {vendor} {}\n+{seconds}s {vendor} {}", effect.on, effect.off))
}

fn step(line: &str, now: Millis, last: Millis, zone: &TimeZone) -> Result<(Millis, Vendor, Map<String, Value>), Words> {
    let mut words = line.split_whitespace();
    let at = when(words.next().unwrap_or(""), now, last, zone)?;
    let name = words.next().unwrap_or("");
    let vendor = Vendor::parse(name).ok_or_else(|| {
        let all = Vendor::ALL.map(Vendor::slug).join(", ");
        Words::new(format!("`{name}` 不是厂商（{all}）"), format!("`{name}` is no vendor ({all})"))
    })?;
    let mut dials = Map::new();
    for word in words {
        let Some((name, text)) = word.split_once('=') else {
            return Err(Words::new(format!("`{word}` 要写成 旋钮=值"), format!("write `{word}` as dial=value")));
        };
        let dial = dial_named(name).ok_or_else(|| Words::new(format!("没有旋钮 `{name}`"), format!("there is no dial `{name}`")))?;
        put(&mut dials, dial, value(dial, text, false)?);
    }
    if dials.is_empty() {
        return Err(Words::new("没有写旋钮，例如 outage=error", "no dial, such as outage=error"));
    }
    Ok((at, vendor, dials))
}

/// `12:03`, `12:03:30`: the next such time after the line before. `+30s`, `+5m`, `+1h`: so long after the line before.
fn when(text: &str, now: Millis, last: Millis, zone: &TimeZone) -> Result<Millis, Words> {
    let wrong = || {
        Words::new(
            format!("时间 `{text}` 要写成 12:03、12:03:30、+30s、+5m 或 +1h"),
            format!("write the time `{text}` as 12:03, 12:03:30, +30s, +5m or +1h"),
        )
    };
    if let Some(later) = text.strip_prefix('+') {
        let digits = later.trim_end_matches(char::is_alphabetic);
        let unit = match &later[digits.len()..] {
            "ms" => 1,
            "s" | "" => 1_000,
            "m" => MINUTE_MS,
            "h" => 60 * MINUTE_MS,
            _ => return Err(wrong()),
        };
        let n: i64 = digits.parse().ok().filter(|n| (0..=LONGEST_MS).contains(n)).ok_or_else(wrong)?;
        return Ok(last + n.saturating_mul(unit).min(2 * LONGEST_MS));
    }
    let time: Time = text.parse().map_err(|_| wrong())?;
    let day = Timestamp::from_millisecond(last).map_err(|_| wrong())?.to_zoned(zone.clone()).date();
    let at = day.to_datetime(time).to_zoned(zone.clone()).map_err(|_| wrong())?.timestamp().as_millisecond();
    Ok(match last - at {
        behind if behind <= 0 => at,
        // This very minute: at once.
        behind if last == now && behind < MINUTE_MS => now,
        _ => at + DAY_MS,
    })
}

/// Puts a value where the control API wants it: `receipts.…` in an object of its own.
pub fn put(dials: &mut Map<String, Value>, dial: &Dial, value: Value) {
    match dial.name.split_once('.') {
        None => drop(dials.insert(dial.name.to_owned(), value)),
        Some((outer, inner)) => {
            let inside = dials.entry(outer).or_insert_with(|| json!({}));
            if let Some(inside) = inside.as_object_mut() {
                inside.insert(inner.to_owned(), value);
            }
        }
    }
}

/// A dial's value from its text. `percent`: shares are in percent without a sign, as the form has them.
///
/// # Errors
/// What this dial takes.
pub fn value(dial: &Dial, text: &str, percent: bool) -> Result<Value, Words> {
    let text = text.trim();
    match dial.kind {
        DialKind::Share => {
            let (digits, scale) = match text.strip_suffix('%') {
                Some(digits) => (digits, 100.0),
                None => (text, if percent { 100.0 } else { 1.0 }),
            };
            let share = digits.trim().parse::<f64>().ok().map(|n| n / scale).filter(|n| (0.0..=1.0).contains(n));
            share.map(Value::from).ok_or_else(|| Words::new("需要 0 到 100 之间的百分比", "needs a percentage from 0 to 100"))
        }
        DialKind::Number => {
            let whole = text.parse::<u32>().map(Value::from);
            whole.map_err(|_| Words::new("需要整数", "needs a whole number"))
        }
        DialKind::Word if text.len() <= 100 => Ok(Value::from(text)),
        DialKind::Word => Err(Words::new("最多 100 字节", "at most 100 bytes")),
        DialKind::Switch => Ok(Value::from(matches!(text, "true" | "yes" | "on" | "1"))),
        DialKind::Choice(all) => match all.iter().find(|(slug, _)| *slug == text) {
            Some((slug, _)) => Ok(Value::from(*slug)),
            None => {
                let choices: Vec<&str> = all.iter().map(|(slug, _)| *slug).collect();
                let choices = choices.join(" / ");
                Err(Words::new(format!("只能是 {choices}"), format!("must be one of {choices}")))
            }
        },
    }
}

/// A dial's value as the form shows it.
pub fn shown(dial: &Dial, value: Option<&Value>) -> String {
    match (dial.kind, value) {
        (_, None) => dial.rest.to_owned(),
        (DialKind::Share, Some(value)) => {
            let percent = value.as_f64().unwrap_or(0.0) * 100.0;
            // Four decimals are plenty, and hide what binary fractions add.
            ((percent * 10_000.0).round() / 10_000.0).to_string()
        }
        (_, Some(Value::String(text))) => text.clone(),
        (_, Some(value)) => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Millis = 1_795_253_405_000; // 2026-11-21T09:30:05Z, 17:30:05 in Shanghai

    fn written(text: &str) -> Result<Vec<(u64, Vendor, String)>, String> {
        let form = ScriptForm { text: text.into(), ..ScriptForm::default() };
        let zone = TimeZone::get("Asia/Shanghai").unwrap();
        match read(&form, NOW, &zone) {
            Ok(script) => Ok(script.steps.into_iter().map(|s| (s.after_ms, s.vendor, Value::Object(s.dials).to_string())).collect()),
            Err(problem) => Err(problem.errors[0].reason.en.clone()),
        }
    }

    #[test]
    fn clock_times_are_the_next_of_the_zone_and_plus_counts_from_the_line_before() {
        let steps = written("17:33 huawei outage=error # down\n\n+5m huawei outage=none\n17:45:30 xiaomi daily_quota=10").unwrap();
        let seconds: Vec<u64> = steps.iter().map(|s| s.0 / 1_000).collect();
        assert_eq!(seconds, [175, 300, 450]);
        assert_eq!(steps[2].2, r#"{"daily_quota":10}"#);
        assert_eq!(written("17:30 huawei outage=hang").unwrap()[0].0, 0, "this very minute is now");
        assert_eq!(written("17:29 huawei outage=hang").unwrap()[0].0, 86_400_000 - 65_000, "past today is tomorrow");
        assert_eq!(written("23:59 apns error_share=30% error=ServiceUnavailable\n00:01 apns error_share=0").unwrap()[1].0, 120_000);
    }

    #[test]
    fn receipts_stand_in_their_own_object() {
        assert_eq!(
            written("+0 vivo receipts.never=true receipts.delivered_share=0.5 latency_ms=7").unwrap()[0].2,
            r#"{"latency_ms":7,"receipts":{"delivered_share":0.5,"never":true}}"#
        );
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line() {
        for (text, word) in [
            ("soon huawei outage=error", "line 1: write the time `soon`"),
            ("+1s nokia outage=error", "`nokia` is no vendor"),
            ("+1s huawei\n", "no dial"),
            ("+1s huawei outage", "dial=value"),
            ("+1s huawei\u{a0}x=1", "x"),
            ("+1s huawei warp=9", "no dial `warp`"),
            ("+1s huawei outage=maybe", "must be one of none"),
            ("+1s huawei partial_share=140%", "percentage"),
            ("+1s huawei latency_ms=-1", "whole number"),
            ("+49h huawei outage=error", "48 hours"),
            ("+99999999999999999999h huawei outage=error", "write the time"),
            ("# nothing", "1 to 100 steps"),
        ] {
            let told = written(text).unwrap_err();
            assert!(told.contains(word), "{text}: {told}");
        }
    }

    #[test]
    fn the_short_form_is_two_lines() {
        let zone = TimeZone::UTC;
        let form = |vendor: &str, minutes: &str| ScriptForm {
            vendor: vendor.into(),
            effect: "down".into(),
            minutes: minutes.into(),
            ..ScriptForm::default()
        };
        let script = read(&form("huawei", "5"), NOW, &zone).unwrap();
        assert_eq!(script.text, "+0s huawei outage=error\n+300s huawei outage=none");
        assert_eq!(script.steps[1].after_ms, 300_000);
        assert_eq!(read(&form("", "5"), NOW, &zone).unwrap_err().errors[0].field, "vendor");
        assert_eq!(read(&form("huawei", "NaN"), NOW, &zone).unwrap_err().errors[0].field, "minutes");
    }

    #[test]
    fn shares_come_back_as_they_were_typed() {
        let dial = dial_named("error_share").unwrap();
        for text in ["0", "12.5", "33.3333", "100", "0.1"] {
            assert_eq!(shown(dial, Some(&value(dial, text, true).unwrap())), text);
        }
    }
}
