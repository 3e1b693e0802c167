//! What a verdict means for the recipient: pure. The three consequences of a class, the vendor's repeat class, the attempt.

use types::content::MessageClass;
use types::failure::{FailureClass, ForLane, ForMessage};
use types::life::Outcome;
use types::vendor::RepeatClass;

use super::retry::UNKNOWN_ATTEMPTS;
use crate::vendors::dialect::{Failure, Judgement, Verdict};

/// What becomes of one recipient after one failed attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Stays waiting; the same request goes again later.
    Again,
    End(Outcome),
}

/// How often an unknown answer may be repeated when the repeat only replaces what is shown.
const REPLACING_REPEATS: u32 = 2;

/// After a failure. `attempt` counts claims of the chunk, from 1.
pub fn after_failure(failure: &Failure, repeat: RepeatClass, class: MessageClass, attempt: u32) -> Fate {
    if failure.never_sent {
        return Fate::Again;
    }
    match failure.class.consequences().message {
        ForMessage::GiveUp => Fate::End(Outcome::Refused),
        ForMessage::ByRepeatClass => after_silence(repeat, class, attempt),
        ForMessage::Later if failure.class == FailureClass::Unknown && attempt >= UNKNOWN_ATTEMPTS => Fate::End(Outcome::Refused),
        ForMessage::Later => Fate::Again,
    }
}

/// After a request whose answer nobody saw (time-out, crash): reliability page, section 2.
pub const fn after_silence(repeat: RepeatClass, class: MessageClass, attempt: u32) -> Fate {
    match repeat {
        RepeatClass::ServerDrops | RepeatClass::PhoneShowsOnce => Fate::Again,
        RepeatClass::Replaces => match class {
            MessageClass::Transactional if attempt < REPLACING_REPEATS => Fate::Again,
            _ => Fate::End(Outcome::Uncertain),
        },
        RepeatClass::Nothing => Fate::End(Outcome::Uncertain),
    }
}

/// A mass of dead tokens in one step is a wrong credential or environment, not dead phones.
pub const MASS_DEATH_SHARE: f64 = 0.2;
pub const MASS_DEATH_SAMPLE: usize = 20;

/// Should these dead tokens be set aside?
pub fn may_quarantine(dead: usize, asked: usize) -> bool {
    asked < MASS_DEATH_SAMPLE || (dead as f64) <= (asked as f64) * MASS_DEATH_SHARE
}

/// Does this answer count against the vendor? What it says of one device alone does not; "too fast" does when it says nothing else.
pub fn strike(judged: &Judgement) -> Option<(FailureClass, &str)> {
    judged.verdicts.iter().find_map(|verdict| match verdict {
        Verdict::Failed(f) if !f.device_only && !f.batch_only && matches!(f.class.consequences().lane, ForLane::Strike | ForLane::Slow) => {
            Some((f.class, f.words.as_str()))
        }
        _ => None,
    })
}

/// Does this answer make the whole lane stand still?
pub fn halts(judged: &Judgement) -> bool {
    judged.verdicts.iter().any(|v| {
        let Verdict::Failed(failure) = v else { return false };
        let lane = failure.class.consequences().lane;
        !failure.device_only && !failure.batch_only && matches!(lane, ForLane::Slow | ForLane::CloseUntilReset | ForLane::PauseWithAlarm)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_contract_of_unknown_outcomes() {
        use MessageClass::{Bulk, Transactional};
        assert_eq!(after_silence(RepeatClass::PhoneShowsOnce, Bulk, 9), Fate::Again);
        assert_eq!(after_silence(RepeatClass::Replaces, Bulk, 1), Fate::End(Outcome::Uncertain));
        assert_eq!(after_silence(RepeatClass::Replaces, Transactional, 1), Fate::Again);
        assert_eq!(after_silence(RepeatClass::Replaces, Transactional, 2), Fate::End(Outcome::Uncertain));
        assert_eq!(after_silence(RepeatClass::Nothing, Transactional, 1), Fate::End(Outcome::Uncertain));
    }

    #[test]
    fn every_class_ends_or_waits_as_its_table_says() {
        for class in FailureClass::ALL {
            let failure = Failure::new(class, "w");
            let fate = after_failure(&failure, RepeatClass::Replaces, MessageClass::Bulk, 1);
            let expected = match class {
                FailureClass::InvalidToken | FailureClass::BadContent => Fate::End(Outcome::Refused),
                FailureClass::Timeout => Fate::End(Outcome::Uncertain),
                _ => Fate::Again,
            };
            assert_eq!(fate, expected, "{}", class.slug());
            let unsent = Failure { never_sent: true, ..failure };
            assert_eq!(after_failure(&unsent, RepeatClass::Nothing, MessageClass::Bulk, 50), Fate::Again, "{}", class.slug());
        }
        let unknown = Failure::new(FailureClass::Unknown, "?");
        assert_eq!(after_failure(&unknown, RepeatClass::Replaces, MessageClass::Bulk, 3), Fate::End(Outcome::Refused));
    }

    #[test]
    fn a_mass_of_dead_tokens_retires_nobody() {
        assert!(may_quarantine(3, 1_000));
        assert!(may_quarantine(200, 1_000));
        assert!(!may_quarantine(201, 1_000));
        assert!(may_quarantine(5, 5), "a handful is believed");
    }
}
