//! Between what a person typed and a spec: pure. Local times become instants here.

use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone};
use types::Millis;
use types::campaign::{CampaignSpec, Schedule};
use types::content::MessageClass;
use types::field::FieldError;
use types::ids::{CopyId, CrowdId};
use types::policy::Versions;
use types::text::{Text, Words};
use types::vendor::Vendor;
use types::views::campaigns::CampaignForm;
use types::views::copies::{check_name, pair_lines, pairs};

/// What could be read of a form. Any error = nothing is saved.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReadForm {
    pub spec: CampaignSpec,
    pub errors: Vec<FieldError>,
}

/// An instant, and what had to be done to a local time that exists twice or not at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instant {
    pub at: Millis,
    pub note: Option<Words>,
}

/// `YYYY-MM-DDTHH:MM` in an IANA zone.
///
/// # Errors
/// Which of the two (`local` or `zone`) is wrong, why, and what to do.
pub fn instant(local: &str, zone: &str) -> Result<Instant, FieldError> {
    let tz = TimeZone::get(zone.trim()).map_err(|_| FieldError {
        field: "zone".to_owned(),
        reason: Words::new(
            format!("没有时区「{}」，请从列表选，例如 Asia/Shanghai", shorten(zone)),
            format!("there is no zone \"{}\"; choose from the list, for example Asia/Shanghai", shorten(zone)),
        ),
    })?;
    let civil: DateTime = local.trim().parse().map_err(|_| {
        FieldError::new("local", Text::new("请填写日期和时间，例如 2026-11-21T08:30", "enter date and time, for example 2026-11-21T08:30"))
    })?;
    let ambiguous = tz.to_ambiguous_zoned(civil);
    let kind = ambiguous.offset();
    let zoned = ambiguous.compatible().map_err(|_| FieldError::new("local", Text::new("这个时间太远了", "this time is too far away")))?;
    let shown = zoned.strftime("%Y-%m-%d %H:%M UTC%:z").to_string();
    let note = match kind {
        AmbiguousOffset::Unambiguous { .. } => None,
        AmbiguousOffset::Gap { .. } => Some(Words::new(
            format!("{zone} 当天拨快时钟，没有 {civil} 这个时刻，顺延为 {shown}"),
            format!("clocks in {zone} skip {civil} that day; it was moved to {shown}"),
        )),
        AmbiguousOffset::Fold { .. } => Some(Words::new(
            format!("{zone} 当天拨慢时钟，{civil} 出现两次，取第一次 {shown}"),
            format!("clocks in {zone} show {civil} twice that day; the first one was taken: {shown}"),
        )),
    };
    Ok(Instant { at: zoned.timestamp().as_millisecond(), note })
}

fn shorten(text: &str) -> String {
    text.trim().chars().take(40).collect()
}

fn id<T>(text: &str, field: &str, parse: impl Fn(&str) -> Option<T>, errors: &mut Vec<FieldError>) -> Option<T> {
    let text = text.trim();
    if text.is_empty() {
        return None;
    }
    let parsed = parse(text);
    if parsed.is_none() {
        errors.push(FieldError::new(field, Text::new("请从列表中选择", "choose from the list")));
    }
    parsed
}

/// Reads a form; completeness is asked only before the start.
pub fn read(form: &CampaignForm) -> ReadForm {
    let mut errors: Vec<FieldError> = check_name(&form.name).into_iter().collect();
    let business = form.business.trim().to_owned();
    if business.chars().count() > 40 {
        errors.push(FieldError::new("business", Text::new("最多 40 个字，请缩短", "at most 40 characters; shorten it")));
    }
    let crowd = id(&form.crowd, "crowd", CrowdId::parse, &mut errors);
    let copy = id(&form.copy, "copy", CopyId::parse, &mut errors);
    let copy_version = id(&form.copy_version, "copy_version", |t| t.parse::<u32>().ok().filter(|n| *n > 0), &mut errors);
    let variables = pairs(&form.variables).unwrap_or_else(|reason| {
        errors.push(FieldError { field: "variables".to_owned(), reason });
        Default::default()
    });
    if variables.len() > 50 || variables.iter().any(|(k, v)| k.is_empty() || k.chars().count() > 32 || v.chars().count() > 1_000) {
        errors.push(FieldError::new(
            "variables",
            Text::new(
                "最多 50 个变量，名 1–32 字、值 1000 字以内",
                "at most 50 variables, names of 1 to 32 and values up to 1000 characters",
            ),
        ));
    }
    let vendor_order = match form.lanes.trim() {
        "" | "app" => Vec::new(),
        list => {
            let order: Vec<Option<Vendor>> = list.split(',').map(Vendor::parse).collect();
            if order.iter().any(Option::is_none) {
                errors.push(FieldError::new("lanes", Text::new("请从列表中选择", "choose from the list")));
            }
            order.into_iter().flatten().collect()
        }
    };
    let schedule = if form.when == "at" {
        match instant(&form.local, &form.zone) {
            Ok(instant) => Schedule::At { local: form.local.trim().to_owned(), zone: form.zone.trim().to_owned(), at: instant.at },
            Err(error) => {
                errors.push(error);
                Schedule::Now
            }
        }
    } else {
        Schedule::Now
    };
    let deadline = match form.deadline.trim() {
        "" => None,
        local => match instant(local, &form.zone) {
            Ok(instant) => Some(instant.at),
            Err(error) => {
                let field = if error.field == "local" { "deadline".to_owned() } else { error.field };
                errors.push(FieldError { field, reason: error.reason });
                None
            }
        },
    };
    errors.extend(Versions::of(&form.version_min, &form.version_max).iter().flat_map(|v| v.check("version")).map(|mut e| {
        e.field = e.field.replace('.', "_");
        e
    }));
    let spec = CampaignSpec {
        name: form.name.trim().to_owned(),
        crowd,
        copy,
        copy_version,
        variables,
        class: MessageClass::parse(&form.class).unwrap_or_default(),
        business,
        vendor_order,
        versions: Versions::of(&form.version_min, &form.version_max),
        schedule,
        deadline,
        // Of the page of its own.
        ask_after: None,
        hours: None,
    };
    ReadForm { spec, errors }
}

/// What was done to the times of a spec without being asked.
pub fn notes(spec: &CampaignSpec) -> Vec<Words> {
    match &spec.schedule {
        Schedule::Now => Vec::new(),
        Schedule::At { local, zone, .. } => instant(local, zone).ok().and_then(|i| i.note).into_iter().collect(),
    }
}

/// A spec as the form shows it; `zone` is used where the spec names none.
pub fn write(spec: &CampaignSpec, zone: &str) -> CampaignForm {
    let (when, local, zone) = match &spec.schedule {
        Schedule::Now => ("now", String::new(), zone),
        Schedule::At { local, zone, .. } => ("at", local.clone(), zone.as_str()),
    };
    CampaignForm {
        name: spec.name.clone(),
        business: spec.business.clone(),
        class: spec.class.slug().to_owned(),
        crowd: spec.crowd.as_ref().map(ToString::to_string).unwrap_or_default(),
        copy: spec.copy.as_ref().map(ToString::to_string).unwrap_or_default(),
        copy_version: spec.copy_version.map(|n| n.to_string()).unwrap_or_default(),
        variables: pair_lines(&spec.variables),
        lanes: if spec.vendor_order.is_empty() {
            "app".to_owned()
        } else {
            spec.vendor_order.iter().map(|v| v.slug()).collect::<Vec<_>>().join(",")
        },
        when: when.to_owned(),
        local,
        zone: zone.to_owned(),
        deadline: spec.deadline.and_then(|at| local_text(at, zone)).unwrap_or_default(),
        version_min: spec.versions.as_ref().and_then(|v| v.min.clone()).unwrap_or_default(),
        version_max: spec.versions.as_ref().and_then(|v| v.max.clone()).unwrap_or_default(),
    }
}

fn local_text(at: Millis, zone: &str) -> Option<String> {
    let tz = TimeZone::get(zone).ok()?;
    Some(jiff::Timestamp::from_millisecond(at).ok()?.to_zoned(tz).strftime("%Y-%m-%dT%H:%M").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form() -> CampaignForm {
        CampaignForm {
            name: "复诊提醒".into(),
            business: "复诊".into(),
            class: "bulk".into(),
            crowd: CrowdId::from_bytes([1; 16]).to_string(),
            copy: CopyId::from_bytes([2; 16]).to_string(),
            copy_version: "3".into(),
            variables: "a=1".into(),
            lanes: "xiaomi,apns".into(),
            when: "at".into(),
            local: "2026-11-22T08:30".into(),
            zone: "Asia/Shanghai".into(),
            deadline: "2026-11-22T20:00".into(),
            version_min: "2.0".into(),
            version_max: String::new(),
        }
    }

    #[test]
    fn a_form_reads_back_what_it_shows() {
        let read = read(&form());
        assert_eq!(read.errors, []);
        assert_eq!(write(&read.spec, "UTC"), form());
        assert_eq!(read.spec.schedule, Schedule::At { local: form().local, zone: form().zone, at: 1_795_307_400_000 });
        let plain = CampaignForm { when: "now".into(), local: String::new(), zone: "UTC".into(), lanes: "app".into(), ..form() };
        assert_eq!(write(&super::read(&plain).spec, "UTC"), plain);
    }

    #[test]
    fn every_fault_names_its_field() {
        let bad = CampaignForm {
            name: String::new(),
            business: "字".repeat(41),
            crowd: "x".into(),
            copy: "y".into(),
            copy_version: "0".into(),
            variables: "novalue".into(),
            lanes: "nokia".into(),
            deadline: "soon".into(),
            version_min: "new".into(),
            local: "tomorrow".into(),
            ..form()
        };
        let fields: Vec<String> = read(&bad).errors.into_iter().map(|e| e.field).collect();
        assert_eq!(fields, ["name", "business", "crowd", "copy", "copy_version", "variables", "lanes", "local", "deadline", "version_min"]);
        let zone = read(&CampaignForm { zone: "Mars/Olympus".into(), ..form() });
        assert_eq!(zone.errors[0].field, "zone");
    }

    #[test]
    fn an_hour_that_is_skipped_or_comes_twice_is_said() {
        let gap = instant("2026-03-29T02:30", "Europe/Berlin").unwrap();
        assert_eq!(gap.at, 1_774_747_800_000, "moved to 03:30 +02:00");
        assert!(gap.note.unwrap().en.contains("moved to 2026-03-29 03:30 UTC+02:00"));
        let fold = instant("2026-10-25T02:30", "Europe/Berlin").unwrap();
        assert_eq!(fold.at, 1_792_888_200_000, "the first of the two, +02:00");
        assert!(fold.note.unwrap().en.contains("twice"));
        assert_eq!(instant("2026-10-25T02:30", "Asia/Shanghai").unwrap().note, None);
    }
}
