//! How alike two texts are: shared pairs of neighbouring letters over all of them (Jaccard). Pure.

use std::collections::BTreeSet;

use crate::content::Content;
use crate::copy::{Piece, parse};
use crate::sensitive::folded;

/// From here on two texts are near-duplicates.
pub const NEAR: f64 = 0.6;

/// A text as a set of its neighbouring letters. Case, width and signs do not count.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shingles(BTreeSet<(char, char)>);

impl Shingles {
    pub fn of(text: &str) -> Shingles {
        let letters: Vec<char> = folded(text).chars().collect();
        match letters.as_slice() {
            [] => Shingles::default(),
            [only] => Shingles(BTreeSet::from([(*only, '\0')])),
            more => Shingles(more.windows(2).map(|pair| (pair[0], pair[1])).collect()),
        }
    }

    /// Title and body of a content; in the place of a variable stands nothing, so that differently filled ones are alike.
    pub fn of_content(content: &Content) -> Shingles {
        Shingles::of(&format!("{}\n{}", without_variables(&content.title), without_variables(&content.body)))
    }

    /// 0 = nothing in common, 1 = the same. Two empty texts have nothing in common.
    pub fn likeness(&self, other: &Shingles) -> f64 {
        let shared = self.0.intersection(&other.0).count();
        let all = self.0.len() + other.0.len() - shared;
        if all == 0 { 0.0 } else { shared as f64 / all as f64 }
    }
}

fn without_variables(text: &str) -> String {
    let Ok(pieces) = parse(text) else { return text.to_owned() };
    pieces.into_iter().map(|piece| if let Piece::Plain(plain) = piece { plain } else { String::new() }).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn likeness(a: &str, b: &str) -> f64 {
        Shingles::of(a).likeness(&Shingles::of(b))
    }

    #[test]
    fn a_word_changed_is_near_and_another_text_is_not() {
        let text = "您预约的张医生明天上午出诊，请提前十五分钟到院取号";
        assert!(likeness(text, "您预约的李医生明天上午出诊，请提前十五分钟到院取号！") > NEAR);
        assert!(likeness(text, "会员日全场五折，今晚八点开抢") < 0.1);
        assert_eq!(likeness("ＳＡＬＥ today", "sale, TODAY"), 1.0);
        assert_eq!(likeness("", ""), 0.0);
        assert_eq!(likeness("a", "a"), 1.0);
        let content = |title: &str| Content { title: title.into(), body: "号源已开放".into(), ..Content::default() };
        assert_eq!(Shingles::of_content(&content("{{name|您}}好")).likeness(&Shingles::of_content(&content("{{user}}好"))), 1.0);
    }

    proptest! {
        #[test]
        fn likeness_is_a_share_and_goes_both_ways(a in "\\PC{0,40}", b in "\\PC{0,40}") {
            let there = likeness(&a, &b);
            prop_assert!((0.0..=1.0).contains(&there));
            prop_assert_eq!(there, likeness(&b, &a));
            if !folded(&a).is_empty() {
                prop_assert_eq!(likeness(&a, &a), 1.0);
            }
        }
    }
}
