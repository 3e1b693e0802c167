//! What the twin reads of a payload: enough to check that it agrees with the push type, and what the phone would show.

use serde::Deserialize;
use serde::de::{IgnoredAny, MapAccess, Visitor};

#[derive(Deserialize)]
pub(super) struct Payload {
    pub(super) aps: Aps,
    /// Our own key beside `aps`, read by the app on the phone.
    #[serde(default)]
    pub(super) carillon: Option<Carillon>,
}

#[derive(Deserialize)]
pub(super) struct Carillon {
    #[serde(default)]
    pub(super) message: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct Aps {
    #[serde(default)]
    pub(super) alert: Option<Alert>,
    #[serde(default)]
    pub(super) sound: Option<Sound>,
    #[serde(default)]
    pub(super) badge: Option<u32>,
    #[serde(default, rename = "content-available")]
    pub(super) content_available: Option<u8>,
    #[serde(default, rename = "mutable-content")]
    pub(super) mutable_content: Option<u8>,
    #[serde(default, rename = "thread-id")]
    _thread: Option<Text>,
    #[serde(default)]
    _category: Option<Text>,
    #[serde(default, rename = "interruption-level")]
    pub(super) interruption_level: Option<String>,
    #[serde(default, rename = "relevance-score")]
    pub(super) relevance_score: Option<f64>,
}

/// A string whose content does not matter.
struct Text;

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Text, D::Error> {
        struct Is;
        impl Visitor<'_> for Is {
            type Value = Text;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a string")
            }
            fn visit_str<E>(self, _: &str) -> Result<Text, E> {
                Ok(Text)
            }
        }
        from.deserialize_str(Is)
    }
}

/// A sound: its name, or a dictionary.
pub(super) struct Sound;

impl<'de> Deserialize<'de> for Sound {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Sound, D::Error> {
        struct Is;
        impl<'de> Visitor<'de> for Is {
            type Value = Sound;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a string or a dictionary")
            }
            fn visit_str<E>(self, _: &str) -> Result<Sound, E> {
                Ok(Sound)
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Sound, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Sound)
            }
        }
        from.deserialize_any(Is)
    }
}

/// What is shown: a plain string is a body.
#[derive(Default)]
pub(super) struct Alert {
    pub(super) title: String,
    pub(super) body: String,
}

impl<'de> Deserialize<'de> for Alert {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Alert, D::Error> {
        struct Is;
        impl<'de> Visitor<'de> for Is {
            type Value = Alert;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a string or a dictionary")
            }
            fn visit_str<E>(self, body: &str) -> Result<Alert, E> {
                Ok(Alert { title: String::new(), body: body.to_owned() })
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Alert, A::Error> {
                let mut alert = Alert::default();
                while let Some(key) = map.next_key::<std::borrow::Cow<'de, str>>()? {
                    match key.as_ref() {
                        "title" => alert.title = map.next_value()?,
                        "body" => alert.body = map.next_value()?,
                        "subtitle" => drop(map.next_value::<String>()?),
                        _ => drop(map.next_value::<IgnoredAny>()?),
                    }
                }
                Ok(alert)
            }
        }
        from.deserialize_any(Is)
    }
}

impl Payload {
    /// Whether the payload is what a push of this type carries.
    pub(super) fn agrees_with(&self, push_type: Option<&str>) -> bool {
        let aps = &self.aps;
        let shows = aps.alert.is_some() || aps.sound.is_some() || aps.badge.is_some();
        let levels = ["passive", "active", "time-sensitive", "critical"];
        let proper = aps.interruption_level.as_deref().is_none_or(|l| levels.contains(&l))
            && aps.relevance_score.is_none_or(|s| (0.0..=1.0).contains(&s))
            && aps.mutable_content.is_none_or(|m| m <= 1)
            && aps.content_available.is_none_or(|c| c <= 1);
        proper
            && match push_type {
                Some("alert") => shows,
                Some("background") => !shows && aps.content_available == Some(1),
                _ => true,
            }
    }
}
