//! Two languages, one value: a text exists in both or does not compile.

use serde::{Deserialize, Serialize};

/// The languages of the console.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Lang {
    #[default]
    Zh,
    En,
}

impl Lang {
    /// BCP 47 tag for `<html lang>`.
    pub const fn tag(self) -> &'static str {
        match self {
            Lang::Zh => "zh-CN",
            Lang::En => "en",
        }
    }

    /// Reads a cookie value, a query value or an `Accept-Language` header.
    pub fn read(text: &str) -> Option<Lang> {
        let first = text.trim().get(..2)?.to_ascii_lowercase();
        match first.as_str() {
            "zh" => Some(Lang::Zh),
            "en" => Some(Lang::En),
            _ => None,
        }
    }
}

/// One text in both languages, fixed at compile time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Text {
    pub zh: &'static str,
    pub en: &'static str,
}

impl Text {
    pub const fn new(zh: &'static str, en: &'static str) -> Text {
        Text { zh, en }
    }

    pub const fn get(self, lang: Lang) -> &'static str {
        match lang {
            Lang::Zh => self.zh,
            Lang::En => self.en,
        }
    }

    /// Replaces `{0}`, `{1}`, … in order.
    pub fn fill(self, lang: Lang, values: &[&str]) -> String {
        let mut out = self.get(lang).to_owned();
        for (i, value) in values.iter().enumerate() {
            out = out.replace(&format!("{{{i}}}"), value);
        }
        out
    }
}

/// A text made at run time on the server in both languages (an error with a name in it, say).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Words {
    pub zh: String,
    pub en: String,
}

impl Words {
    pub fn new(zh: impl Into<String>, en: impl Into<String>) -> Words {
        Words { zh: zh.into(), en: en.into() }
    }

    pub fn get(&self, lang: Lang) -> &str {
        match lang {
            Lang::Zh => &self.zh,
            Lang::En => &self.en,
        }
    }
}

impl From<Text> for Words {
    fn from(text: Text) -> Words {
        Words::new(text.zh, text.en)
    }
}
