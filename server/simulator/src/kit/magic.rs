//! Magic tokens: what a token asks the twin to do with it, written where every vendor's token format has room.

use std::time::Duration;

use crate::twin::End;

/// What a token asks for. Each vendor answers in its own words, and ignores what it cannot say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Magic {
    None,
    /// Refused as a token that never was one.
    Bad,
    /// Of another app or project.
    Foreign,
    /// Failed for this send, with no reason given.
    Fail,
    /// Inactive for long.
    Inactive,
    /// Accepted, and never heard of again.
    NoDeliver,
    Deliver,
    Click,
    /// Delivered, every receipt twice.
    Dup,
    /// The phone's notification switch is off.
    Off,
    /// The app is gone from the phone.
    Gone,
    /// Discarded by the vendor's review.
    Filtered,
    /// The phone has had its share of today.
    Capped,
    Slow,
    Hang,
    Cut,
}

/// The word before the first `-`; and the same for tokens of hexadecimal digits, as their first eight.
const WORDS: [(&str, &str, Magic); 16] = [
    ("bad", "bad0bad0", Magic::Bad),
    ("foreign", "f0e1f0e1", Magic::Foreign),
    ("fail", "fa11fa11", Magic::Fail),
    ("inactive", "1d1e1d1e", Magic::Inactive),
    ("nodeliver", "0def0def", Magic::NoDeliver),
    ("deliver", "de11de11", Magic::Deliver),
    ("click", "c11cc11c", Magic::Click),
    ("dup", "d0b1d0b1", Magic::Dup),
    ("off", "0ff00ff0", Magic::Off),
    ("disabled", "d15ad15a", Magic::Off),
    ("gone", "deaddead", Magic::Gone),
    ("filtered", "f117f117", Magic::Filtered),
    ("quota", "ca00ca00", Magic::Capped),
    ("slow", "510e510e", Magic::Slow),
    ("hang", "dea7dea7", Magic::Hang),
    ("cut", "c077c077", Magic::Cut),
];

impl Magic {
    pub(crate) fn of(token: &str) -> Magic {
        if let Some((word, _)) = token.split_once('-')
            && let Some((.., magic)) = WORDS.iter().find(|(known, ..)| *known == word)
        {
            return *magic;
        }
        // OPPO writes `OPPO_CN_` before its digits.
        let digits = token.rsplit_once('_').map_or(token, |(_, digits)| digits);
        let doubled = digits.len() >= 8 && digits.as_bytes()[..4].eq_ignore_ascii_case(&digits.as_bytes()[4..8]);
        if !doubled {
            return Magic::None;
        }
        let found = WORDS.iter().find(|(_, hex, _)| digits.as_bytes()[..8].eq_ignore_ascii_case(hex.as_bytes()));
        found.map_or(Magic::None, |(.., magic)| *magic)
    }

    /// What one such token makes of the whole request.
    pub(crate) fn spoils(self, slow_ms: u32) -> (Duration, End) {
        match self {
            Magic::Slow => (Duration::from_millis(u64::from(slow_ms)), End::Answer),
            Magic::Hang => (Duration::ZERO, End::Hang),
            Magic::Cut => (Duration::ZERO, End::Cut),
            _ => (Duration::ZERO, End::Answer),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn magic_stands_in_front_or_in_the_digits() {
        assert_eq!(Magic::of("bad-17"), Magic::Bad);
        assert_eq!(Magic::of("badly"), Magic::None);
        assert_eq!(Magic::of("OPPO_CN_deaddead000000000000000000000001"), Magic::Gone);
        assert_eq!(Magic::of("BAD0BAD0000000000000000000000001"), Magic::Bad);
        assert_eq!(Magic::of("00000000000000000000000000000001"), Magic::None);
        assert_eq!(Magic::of("你好你好你好"), Magic::None);
    }
}
