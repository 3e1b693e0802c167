//! Where a vendor's limit ends a text, and what a text is made of. Pure.

use serde::{Deserialize, Serialize};

use crate::content::Content;
use crate::meter::{LIMITS, MeterField, Unit, meters};
use crate::vendor::Vendor;

/// A text counted every way vendors count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Unicode scalar values.
    pub characters: u64,
    /// UTF-8.
    pub bytes: u64,
    pub half_widths: u64,
    /// Chinese characters, full-width signs and the like: two half-widths each, emoji not among them.
    pub full_width: u64,
    /// Scalar values of emoji; one picture may be made of several.
    pub emoji: u64,
}

/// Pictographs, their modifiers, flags, and what joins and varies them.
fn is_emoji(c: char) -> bool {
    matches!(u32::from(c), 0x1f000..=0x1faff | 0x2600..=0x27bf | 0x2b00..=0x2bff | 0x200d | 0xfe0f | 0x20e3 | 0xe0020..=0xe007f)
}

impl Counts {
    pub fn of(text: &str) -> Counts {
        let emoji = text.chars().filter(|c| is_emoji(*c)).count() as u64;
        let wide = text.chars().filter(|c| u32::from(*c) >= 0x1100 && !is_emoji(*c)).count() as u64;
        Counts {
            characters: Unit::Characters.count(text),
            bytes: Unit::Bytes.count(text),
            half_widths: Unit::HalfWidths.count(text),
            full_width: wide,
            emoji,
        }
    }
}

/// The byte at which `text` goes over `max`, counted in `unit`; `None` = all of it fits. Never inside a character.
pub fn cut_at(unit: Unit, text: &str, max: u64) -> Option<usize> {
    let mut used = 0;
    for (at, c) in text.char_indices() {
        let mut one = [0; 4];
        used += unit.count(c.encode_utf8(&mut one));
        if used > max {
            return Some(at);
        }
    }
    None
}

/// One limit of one vendor over one text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cut {
    pub field: MeterField,
    pub unit: Unit,
    pub used: u64,
    pub max: u64,
    /// Byte of the field's text at which the limit is passed; none for the whole payload.
    pub at: Option<usize>,
    pub source: String,
    pub checked_on: String,
}

/// Every limit of this vendor over a filled content. `default_title` stands in for an empty title.
pub fn cuts(content: &Content, vendor: Vendor, default_title: &str) -> Vec<Cut> {
    let own = content.title_for(vendor);
    let title = if own.trim().is_empty() { default_title } else { own };
    let used = meters(content, &[vendor]);
    LIMITS
        .iter()
        .filter(|limit| limit.vendor == vendor)
        .zip(used)
        .map(|(limit, meter)| {
            let (used, at) = match limit.field {
                MeterField::Title => (limit.unit.count(title), cut_at(limit.unit, title, limit.max)),
                MeterField::Body => (meter.used, cut_at(limit.unit, content.body_for(vendor), limit.max)),
                MeterField::Payload => (meter.used, None),
            };
            let (source, checked_on) = (limit.source.to_owned(), limit.checked_on.to_owned());
            Cut { field: limit.field, unit: limit.unit, used, max: limit.max, at, source, checked_on }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_text_is_counted_every_way() {
        let counts = Counts::of("A药，🎉👨‍👩‍👧");
        assert_eq!((counts.characters, counts.full_width, counts.emoji), (9, 2, 6));
        assert_eq!(counts.bytes, 1 + 3 + 3 + 4 + 3 * 4 + 2 * 3);
        // The joiner stands above U+1100 and counts twice as well: vivo's rule knows no exception.
        assert_eq!(counts.half_widths, 1 + 2 * 8);
    }

    #[test]
    fn limits_stand_beside_their_own_figures() {
        let content = Content { title: "药".repeat(60), body: "b".into(), ..Content::default() };
        let oppo = cuts(&content, Vendor::Oppo, "Shop");
        assert_eq!((oppo[0].field, oppo[0].used, oppo[0].max, oppo[0].at), (MeterField::Title, 60, 50, Some(150)));
        assert_eq!((oppo[1].field, oppo[1].used, oppo[1].at), (MeterField::Body, 1, None));
        let vivo = cuts(&content, Vendor::Vivo, "Shop");
        assert_eq!((vivo[0].used, vivo[0].at), (120, Some(60)), "twenty Chinese characters");
        let empty = cuts(&Content { body: "b".into(), ..Content::default() }, Vendor::Meizu, "Shop");
        assert_eq!(empty[0].used, 4, "the app's title is what is sent");
    }

    proptest! {
        #[test]
        fn what_stands_before_the_cut_fits_and_one_more_does_not(text in "\\PC{0,80}", max in 0u64..60) {
            for unit in [Unit::Characters, Unit::Bytes, Unit::HalfWidths] {
                match cut_at(unit, &text, max) {
                    None => prop_assert!(unit.count(&text) <= max),
                    Some(at) => {
                        let (before, after) = text.split_at(at);
                        prop_assert!(unit.count(before) <= max);
                        let more: String = before.chars().chain(after.chars().take(1)).collect();
                        prop_assert!(unit.count(&more) > max);
                    }
                }
            }
        }
    }
}
