//! The hours of a day in which a campaign sends; outside them what waits goes on at the next opening. Pure.

use serde::{Deserialize, Serialize};

use crate::field::FieldError;
use crate::policy::ZoneOf;
use crate::text::{Text, Words};

const DAY: u16 = 24 * 60;

/// Minutes of the day; `from > to` goes over midnight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Hours {
    pub from: u16,
    pub to: u16,
    pub by: ZoneOf,
}

/// `07:30`
pub fn clock(minutes: u16) -> String {
    format!("{:02}:{:02}", minutes / 60, minutes % 60)
}

/// `07:30` as minutes of the day.
pub fn minutes(text: &str) -> Option<u16> {
    let (hour, minute) = text.trim().split_once(':')?;
    // A field may say seconds, too; no rule goes by them.
    let minute = minute.split(':').next()?;
    let digits = |part: &str| (part.len() <= 2).then(|| part.parse::<u16>().ok()).flatten();
    let (hour, minute) = (digits(hour)?, digits(minute)?);
    (hour < 24 && minute < 60).then_some(hour * 60 + minute)
}

impl Hours {
    /// From a form: two times of the day, both empty for "at any hour".
    ///
    /// # Errors
    /// Each field at fault.
    pub fn read(opens: &str, closes: &str, by: &str) -> Result<Option<Hours>, Vec<FieldError>> {
        if opens.trim().is_empty() && closes.trim().is_empty() {
            return Ok(None);
        }
        let bad = |field: &str| {
            FieldError::new(
                field,
                Text::new("请填写时间，例如 09:00；两个都留空则全天", "a time such as 09:00; leave both empty for any hour"),
            )
        };
        let (from, to) = (minutes(opens), minutes(closes));
        let mut errors: Vec<FieldError> =
            [("opens", from), ("closes", to)].into_iter().filter(|(_, at)| at.is_none()).map(|(field, _)| bad(field)).collect();
        if from.is_some() && from == to {
            errors.push(FieldError::new(
                "closes",
                Text::new("不能与开始时间相同，请改成另一个时间", "is the hour it opens; choose another one"),
            ));
        }
        match (from, to) {
            (Some(from), Some(to)) if errors.is_empty() => {
                let by = if by == "user" { ZoneOf::User } else { ZoneOf::App };
                Ok(Some(Hours { from, to, by }))
            }
            _ => Err(errors),
        }
    }

    /// How long it is open in a day, in minutes.
    pub const fn open_minutes(self) -> u16 {
        (self.to + DAY - self.from) % DAY
    }

    /// `09:00–20:00`
    pub fn span(self) -> String {
        format!("{}–{}", clock(self.from), clock(self.to))
    }

    /// In words; `zone` is the app's.
    pub fn words(self, zone: &str) -> Words {
        let span = self.span();
        match self.by {
            ZoneOf::App => Words::new(format!("只在 {span}（{zone}）发送"), format!("sent only {span} ({zone})")),
            ZoneOf::User => Words::new(format!("只在每位用户当地的 {span} 发送"), format!("sent only {span} in each user's own zone")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_says_both_ends_or_none() {
        let read = |opens: &str, closes: &str, by: &str| {
            Hours::read(opens, closes, by).map_err(|errors| errors.into_iter().map(|e| e.field).collect::<Vec<_>>())
        };
        assert_eq!(read(" ", "", "app"), Ok(None));
        assert_eq!(read("09:00", "20:30", "app"), Ok(Some(Hours { from: 540, to: 1_230, by: ZoneOf::App })));
        assert_eq!(read("22:00:00", "6:05", "user"), Ok(Some(Hours { from: 1_320, to: 365, by: ZoneOf::User })), "over midnight");
        for (opens, closes, fields) in [
            ("9", "20:00", vec!["opens"]),
            ("24:00", "07:60", vec!["opens", "closes"]),
            ("", "20:00", vec!["opens"]),
            ("09:00", "", vec!["closes"]),
            ("09:00", "9:00", vec!["closes"]),
            ("-1:00", "1:000", vec!["opens", "closes"]),
        ] {
            assert_eq!(read(opens, closes, "app"), Err(fields.into_iter().map(str::to_owned).collect()), "{opens} {closes}");
        }
    }

    #[test]
    fn the_words_name_the_zone() {
        let day = Hours { from: 540, to: 1_200, by: ZoneOf::App };
        assert_eq!(day.words("Asia/Shanghai").en, "sent only 09:00–20:00 (Asia/Shanghai)");
        assert_eq!(day.open_minutes(), 660);
        let night = Hours { from: 1_320, to: 360, by: ZoneOf::User };
        assert_eq!((night.open_minutes(), night.words("UTC").zh.as_str()), (480, "只在每位用户当地的 22:00–06:00 发送"));
    }
}
