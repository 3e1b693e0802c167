//! Words an app does not want to send, or not without a second look: found however they are dressed up. Pure.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::content::Content;
use crate::copy;
use crate::field::FieldError;
use crate::text::{Text, Words};

/// What finding a word means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Nothing with it is saved or started.
    Refuse,
    /// Shown to whoever composes.
    #[default]
    Warn,
    /// Of advertising: looked for only where the message goes as a system message.
    Marketing,
}

impl Severity {
    pub const ALL: [Severity; 3] = [Severity::Refuse, Severity::Warn, Severity::Marketing];

    pub const fn slug(self) -> &'static str {
        match self {
            Severity::Refuse => "refuse",
            Severity::Warn => "warn",
            Severity::Marketing => "marketing",
        }
    }

    pub fn parse(text: &str) -> Option<Severity> {
        Self::ALL.into_iter().find(|s| s.slug() == text)
    }

    pub const fn name(self) -> Text {
        match self {
            Severity::Refuse => Text::new("禁止", "Refuse"),
            Severity::Warn => Text::new("提醒", "Warn"),
            Severity::Marketing => Text::new("营销词", "Marketing word"),
        }
    }
}

/// Longest word, characters.
pub const WORD_MAX: usize = 64;
/// Words in one app's list.
pub const LIST_MAX: usize = 20_000;

/// One word of a list.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Word {
    pub text: String,
    pub severity: Severity,
}

/// A letter as it is compared: half-width, lower case; what is neither letter nor digit is nothing.
fn fold(c: char, mut out: impl FnMut(char)) {
    let half = match u32::from(c) {
        wide @ 0xff01..=0xff5e => char::from_u32(wide - 0xfee0).unwrap_or(c),
        _ => c,
    };
    half.to_lowercase().filter(|c| c.is_alphanumeric()).for_each(&mut out);
}

/// A text as it is compared.
pub fn folded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    text.chars().for_each(|c| fold(c, |c| out.push(c)));
    out
}

/// A text made ready to be searched: its letters, and for each the place it has in the text.
struct Searched<'a> {
    text: &'a str,
    letters: String,
    /// Byte of `letters` -> where its character begins and ends in `text`.
    places: BTreeMap<usize, (usize, usize)>,
}

impl<'a> Searched<'a> {
    fn of(text: &'a str) -> Searched<'a> {
        let (mut letters, mut places) = (String::with_capacity(text.len()), BTreeMap::new());
        for (at, c) in text.char_indices() {
            fold(c, |f| {
                places.insert(letters.len(), (at, at + c.len_utf8()));
                letters.push(f);
            });
        }
        Searched { text, letters, places }
    }

    /// Where a folded word stands: from and to in the text. A Latin word or a number must not be a part of a longer one:
    /// what stands directly beside it is no Latin letter or digit.
    fn find(&self, word: &str) -> Option<(usize, usize)> {
        let latin = |c: char| c.is_ascii_alphanumeric();
        let beside = |c: Option<char>| {
            let mut half = None;
            c.into_iter().for_each(|c| fold(c, |f| half = Some(f)));
            half.is_some_and(latin)
        };
        for (at, found) in self.letters.match_indices(word) {
            let from = self.places.get(&at)?.0;
            let to = self.places.range(..at + found.len()).next_back()?.1.1;
            let starts_inside = word.starts_with(latin) && beside(self.text[..from].chars().next_back());
            let ends_inside = word.ends_with(latin) && beside(self.text[to..].chars().next());
            if !starts_inside && !ends_inside {
                return Some((from, to));
            }
        }
        None
    }
}

/// Where `word` stands in `text`, whatever its case, its width, and the blanks and signs between its letters.
pub fn find(text: &str, word: &str) -> Option<(usize, usize)> {
    let word = folded(word);
    if word.is_empty() { None } else { Searched::of(text).find(&word) }
}

/// A word in a field, as it is written there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    pub field: String,
    pub word: String,
    /// As it is written in the text.
    pub written: String,
    pub severity: Severity,
}

/// Every word of the list in the texts of a content, as written and as filled with `values`; each field and word once.
pub fn search(content: &Content, values: &BTreeMap<String, String>, words: &[Word]) -> Vec<Found> {
    let filled = copy::render(content, values).0;
    let plain = copy::texts(content);
    let mut out: Vec<Found> = Vec::new();
    let list: Vec<(String, &Word)> = words.iter().map(|w| (folded(&w.text), w)).filter(|(folded, _)| !folded.is_empty()).collect();
    for (field, text) in plain.into_iter().chain(copy::texts(&filled)) {
        let searched = Searched::of(text);
        for (folded, word) in &list {
            let known = |f: &Found| f.field == field && f.word == word.text;
            if let Some((from, to)) = searched.find(folded)
                && !out.iter().any(known)
            {
                let written = text[from..to].to_owned();
                out.push(Found { field: field.clone(), word: word.text.clone(), written, severity: word.severity });
            }
        }
    }
    out
}

impl Found {
    /// What to do about it.
    pub fn complaint(&self) -> FieldError {
        let (word, written) = (&self.word, &self.written);
        FieldError {
            field: self.field.clone(),
            reason: Words::new(
                format!("含禁止词「{word}」（写作「{written}」）；请换个说法，或在敏感词页移除它"),
                format!("holds the refused word \"{word}\" (written \"{written}\"); say it differently, or take it off the list of words"),
            ),
        }
    }
}

/// Words as pasted or from a file: one a line, or `word,severity`. What cannot be one is named by its line.
///
/// # Errors
/// Every line that is no word, the first 20.
pub fn read_list(text: &str, severity: Severity) -> Result<Vec<Word>, Vec<FieldError>> {
    let (mut out, mut errors): (BTreeMap<String, Word>, Vec<FieldError>) = (BTreeMap::new(), Vec::new());
    for (i, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
        let mut cells = line.split([',', '\t', '，']).map(|cell| cell.trim().trim_matches('"').trim());
        let word = cells.next().unwrap_or("");
        let said = cells.next().unwrap_or("");
        let heading = i == 0 && ["word", "words", "词", "敏感词"].contains(&word.to_lowercase().as_str());
        if word.is_empty() && said.is_empty() || heading {
            continue;
        }
        let severity = if said.is_empty() {
            Some(severity)
        } else {
            Severity::parse(&said.to_lowercase()).or_else(|| Severity::ALL.into_iter().find(|s| s.name().zh == said))
        };
        let folded = folded(word);
        let good = !folded.is_empty() && word.chars().count() <= WORD_MAX && !word.chars().any(char::is_control);
        match severity.filter(|_| good) {
            Some(severity) => drop(out.insert(folded, Word { text: word.to_owned(), severity })),
            None if errors.len() < 20 => errors.push(FieldError::new(
                format!("list[{}]", i + 1),
                Text::new(
                    "每行一个词（1–64 字，至少一个字母、汉字或数字），可加「,refuse / warn / marketing」",
                    "one word a line, 1 to 64 characters with at least one letter or digit, and optionally ,refuse or ,warn or ,marketing",
                ),
            )),
            None => {}
        }
    }
    if out.is_empty() && errors.is_empty() || out.len() > LIST_MAX {
        let n = out.len();
        errors.push(FieldError::new(
            "list",
            Words::new(format!("一次 1 到 {LIST_MAX} 个词，现在 {n} 个"), format!("1 to {LIST_MAX} words, has {n}")),
        ));
    }
    if errors.is_empty() { Ok(out.into_values().collect()) } else { Err(errors) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::vendor::Vendor;

    fn words(list: &[(&str, Severity)]) -> Vec<Word> {
        list.iter().map(|(text, severity)| Word { text: (*text).to_owned(), severity: *severity }).collect()
    }

    #[test]
    fn a_word_is_found_however_it_is_dressed() {
        for text in ["这里有赌博", "赌 博", "赌*博！", "赌\u{200b}博", "ＶＩＰ赌-博"] {
            assert!(find(text, "赌博").is_some(), "{text}");
        }
        for text in ["get it FREE!", "ｆｒｅｅ gift", "f-r.e e", "买free送"] {
            assert!(find(text, "Free").is_some(), "{text}");
        }
        assert_eq!(find("a 赌-博 b", "赌博").map(|(from, to)| &"a 赌-博 b"[from..to]), Some("赌-博"));
    }

    #[test]
    fn a_latin_word_is_no_part_of_a_longer_one() {
        for text in ["Essex", "a best exam", "carefree", "freedom"] {
            assert_eq!(find(text, "sex").or(find(text, "free")), None, "{text}");
        }
        assert!(find("110 or 1100", "110").is_some());
        assert_eq!(find("1100", "110"), None);
    }

    #[test]
    fn every_text_of_a_copy_is_searched_as_written_and_as_filled() {
        let mut content = Content { title: "{{a}}博".into(), body: "好{{x|违禁}}".into(), ..Content::default() };
        content.overrides.entry(Vendor::Xiaomi).or_default().body = Some("免 费".into());
        let list = words(&[("赌博", Severity::Refuse), ("免费", Severity::Warn), ("违禁", Severity::Refuse)]);
        let values = BTreeMap::from([("a".to_owned(), "赌".to_owned())]);
        let found: Vec<(String, String)> = search(&content, &values, &list).into_iter().map(|f| (f.field, f.word)).collect();
        let pair = |field: &str, word: &str| (field.to_owned(), word.to_owned());
        assert_eq!(found.len(), 3, "{found:?}");
        for one in [pair("title", "赌博"), pair("body", "违禁"), pair("overrides.xiaomi.body", "免费")] {
            assert!(found.contains(&one), "{one:?} in {found:?}");
        }
    }

    #[test]
    fn lists_are_read_as_people_write_them() {
        let got = read_list("\u{feff}word,severity\r\n赌博\n FREE , warn\nfree\n优惠,营销词\n\n", Severity::Refuse).expect("words");
        let got: Vec<(&str, Severity)> = got.iter().map(|w| (w.text.as_str(), w.severity)).collect();
        assert_eq!(got, [("free", Severity::Refuse), ("优惠", Severity::Marketing), ("赌博", Severity::Refuse)], "the last word counts");
        let errors = read_list("ok\n!!!\nx,never", Severity::Warn).expect_err("two lines");
        assert_eq!(errors.iter().map(|e| e.field.as_str()).collect::<Vec<_>>(), ["list[2]", "list[3]"]);
        assert_eq!(read_list(" \n", Severity::Warn).expect_err("nothing")[0].field, "list");
    }

    proptest! {
        /// Any word, in any disguise of case, width and what stands between its letters, in any surroundings.
        #[test]
        fn disguises_do_not_help(
            letters in prop::collection::vec(prop_oneof!["[a-zA-Z0-9]", "[一-鿋]"], 1..8),
            between in prop::collection::vec("[ \\-_.,!*·，。　\u{200b}]{0,3}", 8),
            wide in prop::collection::vec(any::<bool>(), 8),
            shout in prop::collection::vec(any::<bool>(), 8),
            (before, after) in ("([一-鿋 ！]{0,5})", "([一-鿋 ！]{0,5})"),
        ) {
            let word: String = letters.concat();
            let mut dressed = before;
            for (i, c) in word.chars().enumerate() {
                let c = if shout[i] { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() };
                let full = char::from_u32(u32::from(c) + 0xfee0).filter(|_| wide[i] && c.is_ascii_graphic());
                dressed.push(full.unwrap_or(c));
                if i + 1 < word.chars().count() {
                    dressed.push_str(&between[i]);
                }
            }
            dressed.push_str(&after);
            prop_assert!(find(&dressed, &word).is_some(), "{word:?} in {dressed:?}");
        }

        /// What is said to be found is there: folded, it is the word.
        #[test]
        fn what_is_found_is_the_word(text in "\\PC{0,60}", word in "\\PC{1,4}") {
            if let Some((from, to)) = find(&text, &word) {
                prop_assert_eq!(folded(&text[from..to]), folded(&word));
            }
        }
    }
}
