//! The copy library as pages show it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::Millis;
use crate::content::{Click, Content, Interruption, Override, Template};
use crate::field::FieldError;
use crate::ids::CopyId;
use crate::text::{Text, Words};
use crate::vendor::Vendor;

/// A row of the library.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CopyBrief {
    pub id: CopyId,
    pub name: String,
    pub tags: Vec<String>,
    pub version: u32,
    pub title: String,
    pub body: String,
    /// Campaigns of any state that name it.
    pub used_in: u64,
    pub changed_at: Millis,
    pub changed_by: String,
    pub archived: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CopyVersionBrief {
    pub number: u32,
    pub note: String,
    pub by: String,
    pub at: Millis,
}

/// One version of a copy with its history.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CopyView {
    pub brief: CopyBrief,
    /// The version shown; the newest unless asked otherwise.
    pub number: u32,
    pub content: Content,
    /// Newest first.
    pub versions: Vec<CopyVersionBrief>,
}

/// What one vendor says differently, as typed; empty = as in the content.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct OverrideForm {
    pub title: String,
    pub body: String,
    pub channel_id: String,
    pub category: String,
    pub template_id: String,
    /// One `name=value` a line.
    pub template_values: String,
}

/// The copy form as typed; field names are those of the inputs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CopyForm {
    pub name: String,
    /// Separated by commas or blanks.
    pub tags: String,
    /// What changed.
    pub note: String,
    pub title: String,
    pub body: String,
    pub subtitle: String,
    /// `open_app`, `url` or `link`.
    pub click: String,
    pub click_to: String,
    pub image: String,
    pub badge: String,
    pub sound: String,
    /// `passive`, `active` or `time-sensitive`.
    pub interruption: String,
    pub thread: String,
    pub channel_id: String,
    pub show_in_foreground: bool,
    pub vibrate: bool,
    pub light: bool,
    /// One `key=value` a line.
    pub extras: String,
    /// By vendor slug.
    pub overrides: BTreeMap<String, OverrideForm>,
}

/// Longest name of a copy or campaign, characters.
pub const NAME_MAX: usize = 60;
const TAGS_MAX: usize = 10;
const TAG_MAX: usize = 20;
const NOTE_MAX: usize = 200;

fn optional(text: &str) -> Option<String> {
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// Line breaks as one `\n`: forms send `\r\n`.
fn lines(text: &str) -> String {
    text.replace("\r\n", "\n").trim().to_owned()
}

/// Reads `key=value` lines. The complaint names the first line that is none.
///
/// # Errors
/// The line number and what to do.
pub fn pairs(text: &str) -> Result<BTreeMap<String, String>, Words> {
    let mut out = BTreeMap::new();
    for (i, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let n = i + 1;
        let (key, value) = line.split_once('=').ok_or_else(|| {
            Words::new(format!("第 {n} 行缺少等号，请写成 名=值"), format!("line {n} has no equals sign; write name=value"))
        })?;
        if out.insert(key.trim().to_owned(), value.trim().to_owned()).is_some() {
            return Err(Words::new(
                format!("第 {n} 行的名「{}」重复，请留一行", key.trim()),
                format!("line {n} repeats \"{}\"; keep one", key.trim()),
            ));
        }
    }
    Ok(out)
}

/// Writes what [`pairs`] reads.
pub fn pair_lines(map: &BTreeMap<String, String>) -> String {
    map.iter().map(|(k, v)| format!("{k}={v}")).collect::<Vec<_>>().join("\n")
}

impl CopyForm {
    pub fn of(name: &str, tags: &[String], content: &Content) -> CopyForm {
        let (click, click_to) = match &content.click {
            Click::OpenApp => ("open_app", String::new()),
            Click::Url { url } => ("url", url.clone()),
            Click::Link { link } => ("link", link.clone()),
        };
        let text = |t: &Option<String>| t.clone().unwrap_or_default();
        CopyForm {
            name: name.to_owned(),
            tags: tags.join(" "),
            note: String::new(),
            title: content.title.clone(),
            body: content.body.clone(),
            subtitle: text(&content.subtitle),
            click: click.to_owned(),
            click_to,
            image: text(&content.image),
            badge: content.badge.map(|n| n.to_string()).unwrap_or_default(),
            sound: text(&content.sound),
            interruption: match content.interruption {
                Interruption::Passive => "passive",
                Interruption::Active => "active",
                Interruption::TimeSensitive => "time-sensitive",
            }
            .to_owned(),
            thread: text(&content.thread),
            channel_id: text(&content.channel_id),
            show_in_foreground: content.show_in_foreground,
            vibrate: content.vibrate,
            light: content.light,
            extras: pair_lines(&content.extras),
            overrides: content
                .overrides
                .iter()
                .map(|(vendor, o)| {
                    let template = o.template.clone().unwrap_or_default();
                    let form = OverrideForm {
                        title: text(&o.title),
                        body: text(&o.body),
                        channel_id: text(&o.channel_id),
                        category: text(&o.category),
                        template_id: template.id,
                        template_values: pair_lines(&template.values),
                    };
                    (vendor.slug().to_owned(), form)
                })
                .collect(),
        }
    }

    /// The tags, each once, in the order typed.
    pub fn tag_list(&self) -> Vec<String> {
        let mut out: Vec<String> = Vec::new();
        for tag in self.tags.split([',', '，', ' ', '\n', '\t']).map(str::trim).filter(|t| !t.is_empty()) {
            if !out.iter().any(|t| t == tag) {
                out.push(tag.to_owned());
            }
        }
        out
    }

    /// The content as far as it can be read, and every complaint about reading it. Bounds are [`crate::meter::check`]'s.
    pub fn read(&self) -> (Content, Vec<FieldError>) {
        let mut errors = Vec::new();
        let badge = optional(&self.badge).and_then(|text| {
            let number = text.parse::<u32>().ok().filter(|n| *n <= 99_999);
            if number.is_none() {
                errors.push(FieldError::new(
                    "badge",
                    Text::new("需要 0–99999 的整数，或留空", "needs a whole number from 0 to 99999, or nothing"),
                ));
            }
            number
        });
        let extras = pairs(&self.extras).unwrap_or_else(|reason| {
            errors.push(FieldError { field: "extras".to_owned(), reason });
            BTreeMap::new()
        });
        let overrides = self
            .overrides
            .iter()
            .filter_map(|(slug, form)| {
                let values = pairs(&form.template_values).unwrap_or_else(|reason| {
                    errors.push(FieldError { field: format!("overrides.{slug}.template_values"), reason });
                    BTreeMap::new()
                });
                let over = Override {
                    title: optional(&form.title),
                    body: optional(&lines(&form.body)),
                    channel_id: optional(&form.channel_id),
                    category: optional(&form.category),
                    template: optional(&form.template_id).map(|id| Template { id, values }),
                };
                Vendor::parse(slug).filter(|_| over != Override::default()).map(|vendor| (vendor, over))
            })
            .collect();
        let content = Content {
            title: self.title.trim().to_owned(),
            body: lines(&self.body),
            subtitle: optional(&self.subtitle),
            click: match self.click.as_str() {
                "url" => Click::Url { url: self.click_to.trim().to_owned() },
                "link" => Click::Link { link: self.click_to.trim().to_owned() },
                _ => Click::OpenApp,
            },
            image: optional(&self.image),
            badge,
            sound: optional(&self.sound),
            interruption: match self.interruption.as_str() {
                "passive" => Interruption::Passive,
                "time-sensitive" => Interruption::TimeSensitive,
                _ => Interruption::Active,
            },
            thread: optional(&self.thread),
            show_in_foreground: self.show_in_foreground,
            vibrate: self.vibrate,
            light: self.light,
            channel_id: optional(&self.channel_id),
            extras,
            overrides,
        };
        (content, errors)
    }

    /// Every complaint: names, tags, reading, and the rules of these vendors. `default_title` stands in for an empty title.
    pub fn check(&self, vendors: &[Vendor], default_title: &str) -> (Content, Vec<FieldError>) {
        let (content, mut errors) = self.read();
        errors.extend(check_name(&self.name));
        let tags = self.tag_list();
        if tags.len() > TAGS_MAX || tags.iter().any(|t| t.chars().count() > TAG_MAX) {
            errors.push(FieldError::new("tags", Text::new("最多 10 个标签，每个最多 20 个字", "at most 10 tags of at most 20 characters")));
        }
        if self.note.chars().count() > NOTE_MAX {
            errors.push(FieldError::new("note", Text::new("最多 200 个字，请缩短", "at most 200 characters; shorten it")));
        }
        let mut asked = content.clone();
        if asked.title.is_empty() {
            default_title.clone_into(&mut asked.title);
        }
        for mut error in crate::meter::check(&asked, vendors) {
            // The form has one field for both kinds of click.
            if error.field.starts_with("click.") {
                error.field = "click_to".to_owned();
            }
            if error.field.starts_with("extras.") {
                error.field = "extras".to_owned();
            }
            errors.push(error);
        }
        (content, errors)
    }
}

/// Bounds of the name of a copy or campaign.
pub fn check_name(name: &str) -> Option<FieldError> {
    let n = name.trim().chars().count();
    if n == 0 {
        return Some(FieldError::new("name", Text::new("请起一个名字", "give it a name")));
    }
    (n > NAME_MAX || name.chars().any(char::is_control)).then(|| {
        FieldError::new(
            "name",
            Words::new(
                format!("最多 {NAME_MAX} 个字，不含控制字符；现在 {n} 个"),
                format!("at most {NAME_MAX} characters, none of them control characters; has {n}"),
            ),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_reads_back_what_it_shows() {
        let content = Content {
            title: "{{姓名|您好}}".into(),
            body: "一\n二".into(),
            subtitle: Some("s".into()),
            click: Click::Link { link: "app://x".into() },
            badge: Some(3),
            interruption: Interruption::TimeSensitive,
            show_in_foreground: true,
            extras: BTreeMap::from([("k".to_owned(), "v=w".to_owned())]),
            overrides: BTreeMap::from([(Vendor::Xiaomi, Override { title: Some("米".into()), ..Override::default() })]),
            ..Content::default()
        };
        let form = CopyForm::of("n", &["a".into(), "b".into()], &content);
        assert_eq!(form.read(), (content, Vec::new()));
        assert_eq!(form.tag_list(), ["a", "b"]);
    }

    #[test]
    fn every_fault_names_its_field() {
        let form = CopyForm {
            name: " ".into(),
            badge: "-1".into(),
            extras: "a=1\nb".into(),
            click: "url".into(),
            click_to: "http://x".into(),
            tags: "x".repeat(21),
            note: "n".repeat(201),
            ..CopyForm::default()
        };
        let (_, errors) = form.check(&Vendor::ALL, "");
        let mut fields: Vec<&str> = errors.iter().map(|e| e.field.as_str()).collect();
        fields.sort_unstable();
        fields.dedup();
        for field in ["badge", "body", "click_to", "extras", "name", "note", "tags"] {
            assert!(fields.contains(&field), "{field} in {fields:?}");
        }
    }

    #[test]
    fn pairs_say_which_line_is_wrong() {
        assert_eq!(pairs("a=1\n\n b = 2 ").unwrap().len(), 2);
        assert!(pairs("a=1\nb").unwrap_err().en.starts_with("line 2"));
        assert!(pairs("a=1\na=2").unwrap_err().en.contains("repeats"));
    }
}
