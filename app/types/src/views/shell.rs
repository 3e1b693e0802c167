//! What every page knows: who is here, which apps there are, language, theme, zone.

use serde::{Deserialize, Serialize};

use crate::Millis;
use crate::ids::{AppId, PersonId};
use crate::people::Rights;
use crate::problem::Problem;
use crate::text::Lang;
use crate::vendor::Environment;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Theme {
    /// What the device prefers.
    #[default]
    Auto,
    Light,
    Dark,
}

impl Theme {
    pub const ALL: [Theme; 3] = [Theme::Auto, Theme::Light, Theme::Dark];

    pub const fn slug(self) -> &'static str {
        match self {
            Theme::Auto => "auto",
            Theme::Light => "light",
            Theme::Dark => "dark",
        }
    }

    pub fn parse(text: &str) -> Option<Theme> {
        Self::ALL.into_iter().find(|t| t.slug() == text)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonBrief {
    pub id: PersonId,
    pub name: String,
    pub email: String,
    pub rights: Rights,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppBrief {
    pub id: AppId,
    pub name: String,
    pub environment: Environment,
}

/// A zone as a table, so that server and browser print the same text without a time zone database in the browser.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ZoneTable {
    /// IANA name.
    pub name: String,
    /// `(from, offset)`: from this instant on, so many seconds east of UTC. Sorted; the first entry also holds before.
    pub steps: Vec<(Millis, i32)>,
}

impl ZoneTable {
    /// Seconds east of UTC at an instant; 0 for an empty table.
    pub fn offset_at(&self, at: Millis) -> i32 {
        let after = self.steps.partition_point(|(from, _)| *from <= at);
        self.steps.get(after.saturating_sub(1)).map_or(0, |(_, offset)| *offset)
    }
}

/// A form that was posted without scripts and refused: the page it came from shows again what was typed, once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Returned {
    /// Also in the query of the page, so that it belongs to this page alone.
    pub id: String,
    /// The path it was posted to.
    pub to: String,
    /// As it was posted, urlencoded; empty for a form whose fields are not kept.
    pub fields: String,
    /// Why, when the query does not say it.
    pub problem: Option<Problem>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShellInfo {
    pub lang: Lang,
    pub theme: Theme,
    /// `None` = nobody is signed in.
    pub person: Option<PersonBrief>,
    /// The apps this person may see.
    pub apps: Vec<AppBrief>,
    /// The app chosen last.
    pub selected: Option<AppId>,
    pub zone: ZoneTable,
    /// When the page was made.
    pub now: Millis,
    pub returned: Option<Returned>,
    /// A simulator is attached: its page is in the menu.
    pub laboratory: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_offset_is_that_of_the_last_step() {
        let zone = ZoneTable { name: "X".into(), steps: vec![(0, 3_600), (100, 7_200)] };
        assert_eq!(zone.offset_at(-5), 3_600);
        assert_eq!(zone.offset_at(99), 3_600);
        assert_eq!(zone.offset_at(100), 7_200);
        assert_eq!(ZoneTable::default().offset_at(7), 0);
    }
}
