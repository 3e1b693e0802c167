//! Dead letters: recipients that ended without being accepted although they could have been.

use crate::failure::{FailureClass, ForMessage};
use crate::life::Outcome;
use crate::text::Text;

/// The reason of recipients whose chunk was set aside (it took its sender down three times) and given up by a person.
pub const POISONED: &str = "poisoned";

/// Leases of a chunk that may end without any progress before it is set aside.
pub const LAPSES_MAX: u32 = 3;

/// Lines that one replay takes.
pub const REPLAY_MAX: usize = 200;

/// Outcomes a dead letter may have.
pub const OUTCOMES: [Outcome; 3] = [Outcome::Refused, Outcome::Expired, Outcome::Uncertain];

/// Whether such an end may be tried again. A refusal of the token or of the content stays one whatever the lane does.
pub fn is_dead(outcome: Outcome, reason: &str) -> bool {
    match outcome {
        Outcome::Expired | Outcome::Uncertain => true,
        Outcome::Refused => FailureClass::parse(reason).is_none_or(|class| class.consequences().message != ForMessage::GiveUp),
        Outcome::Waiting | Outcome::Accepted | Outcome::Filtered | Outcome::Cancelled => false,
    }
}

/// What a person should do before sending again.
pub fn remedy(outcome: Outcome, reason: &str) -> Text {
    const EXPIRED: Text = Text::new(
        "截止时间前没轮到发送：看通道的速率、配额和熔断，再以新的截止时间补发",
        "The deadline came first: look at the lane's pace, quota and breaker, then replay with a later deadline",
    );
    const EXPIRED_POISONED: Text = Text::new(
        "所在批次三次使发送进程出错而被放弃；修好原因后补发",
        "Their chunk took its sender down three times and was given up; replay once the cause is mended",
    );
    const POISONED_SENT: Text = Text::new(
        "所在批次三次使发送进程出错，可能已送达；补发可能让手机再提醒一次",
        "Their chunk took its sender down three times and may have been sent; a replay may alert some phones again",
    );
    const SENT: Text = Text::new(
        "可能已送达，只是没有应答；补发前先看回执，支持去重的厂商不会重复显示",
        "May have arrived, the answer is missing: look at the receipts first; vendors that drop repeats show it once",
    );
    const REFUSED: Text = Text::new(
        "重试几次后仍被拒；把厂商原话报给开发，修好后补发",
        "Refused after several tries: give the vendor's words to developers, replay once it is mended",
    );
    match (outcome, reason) {
        (Outcome::Uncertain, POISONED) => POISONED_SENT,
        (_, POISONED) => EXPIRED_POISONED,
        (Outcome::Uncertain, _) => SENT,
        (Outcome::Expired, _) => EXPIRED,
        _ => REFUSED,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_have_been_accepted_is_a_dead_letter() {
        assert!(is_dead(Outcome::Uncertain, "timeout") && is_dead(Outcome::Expired, "") && is_dead(Outcome::Uncertain, POISONED));
        let refused: Vec<&str> = FailureClass::ALL.map(FailureClass::slug).into_iter().filter(|r| is_dead(Outcome::Refused, r)).collect();
        assert_eq!(refused, ["timeout", "rate_limited", "quota_exceeded", "auth", "vendor_error", "unknown"]);
        for outcome in [Outcome::Waiting, Outcome::Accepted, Outcome::Filtered, Outcome::Cancelled] {
            assert!(!is_dead(outcome, ""), "{}", outcome.slug());
        }
        assert_eq!(Outcome::ALL.into_iter().filter(|o| is_dead(*o, "")).collect::<Vec<_>>(), OUTCOMES, "the list of filters");
    }

    #[test]
    fn every_dead_letter_has_its_remedy() {
        let words: Vec<String> = OUTCOMES
            .into_iter()
            .flat_map(|outcome| ["", POISONED, "timeout", "vendor_error", "unknown"].map(|reason| (outcome, reason)))
            .map(|(outcome, reason)| format!("{:<9} {reason:<12} {}", outcome.slug(), remedy(outcome, reason).en))
            .collect();
        insta::assert_snapshot!(words.join("\n"));
    }
}
