//! What a lane does after it has sent: how long it waits for a receipt, how often it sends again, and how much marketing a day may hold.

use serde::{Deserialize, Serialize};

use crate::field::FieldError;
use crate::text::Words;
use crate::vendor::{RepeatClass, Vendor};

/// Resends for want of a receipt, at most.
pub const RESENDS_MAX: u8 = 10;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct FollowUp {
    /// Seconds without a receipt after which something follows; 0 = nothing does.
    pub receipt_wait_s: u32,
    /// How often one recipient is sent to again by this lane.
    pub resend_times: u8,
    pub resend_for_bulk: bool,
    /// After that, or at once without resends: bulk messages go on to the next lane, too.
    pub next_lane_for_bulk: bool,
    /// Marketing messages a day; 0 = no such quota.
    pub bulk_quota: u64,
}

impl FollowUp {
    /// Every complaint; `at` = the field these stand in.
    pub fn check(&self, vendor: Vendor, at: &str) -> Vec<FieldError> {
        let mut errors = Vec::new();
        let mut wrong =
            |field: &str, zh: String, en: String| errors.push(FieldError { field: format!("{at}.{field}"), reason: Words::new(zh, en) });
        if self.receipt_wait_s != 0 && !(10..=86_400).contains(&self.receipt_wait_s) {
            wrong("receipt_wait_s", "需要 10 到 86,400 秒，或 0 = 不等".into(), "needs 10 to 86,400 seconds, or 0 = never".into());
        }
        if self.resend_times > RESENDS_MAX {
            wrong("resend_times", format!("最多 {RESENDS_MAX} 次"), format!("at most {RESENDS_MAX}"));
        }
        if self.resend_times > 0 && self.receipt_wait_s == 0 {
            let (zh, en) = ("重发需要先填等多少秒回执", "to send again, say first how many seconds to wait for a receipt");
            wrong("receipt_wait_s", zh.into(), en.into());
        }
        if self.resend_times > 0 && vendor.repeat_class() == RepeatClass::Nothing {
            let name = vendor.name();
            wrong(
                "resend_times",
                format!("{}没有防重复的标识，不自动重发；填 0", name.zh),
                format!("{} has no key that keeps a repeat from being shown twice; needs 0", name.en),
            );
        }
        if self.bulk_quota > 1_000_000_000_000 {
            wrong("bulk_quota", "最多 1 万亿；0 表示没有".into(), "at most 10^12; 0 = none".into());
        }
        errors
    }

    /// In one line, for people.
    pub fn told(&self) -> Words {
        let (mut zh, mut en) = (Vec::new(), Vec::new());
        match (self.receipt_wait_s, self.resend_times) {
            (0, _) => {
                zh.push("不等回执".to_owned());
                en.push("no receipts are waited for".to_owned());
            }
            (s, 0) => {
                zh.push(format!("等回执 {s} 秒，不重发"));
                en.push(format!("waits {s} s for a receipt, sends nothing again"));
            }
            (s, n) => {
                zh.push(format!("{s} 秒没有回执就重发，最多 {n} 次{}", if self.resend_for_bulk { "，含批量" } else { "" }));
                let bulk = if self.resend_for_bulk { ", bulk too" } else { "" };
                en.push(format!("sends again after {s} s without a receipt, at most {n} times{bulk}"));
            }
        }
        if self.bulk_quota > 0 {
            zh.push(format!("每天批量 {}", self.bulk_quota));
            en.push(format!("{} bulk messages a day", self.bulk_quota));
        }
        Words::new(zh.join("；"), en.join("; "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_complaint_names_its_field() {
        let fields = |rules: FollowUp, vendor| rules.check(vendor, "rules").into_iter().map(|e| e.field).collect::<Vec<_>>();
        let good = FollowUp { receipt_wait_s: 60, resend_times: 2, ..FollowUp::default() };
        assert_eq!(fields(FollowUp::default(), Vendor::Umeng), Vec::<String>::new());
        assert_eq!(fields(good, Vendor::Xiaomi), Vec::<String>::new());
        assert_eq!(fields(good, Vendor::Umeng), ["rules.resend_times"]);
        assert_eq!(fields(FollowUp { receipt_wait_s: 0, ..good }, Vendor::Xiaomi), ["rules.receipt_wait_s"]);
        let wild = FollowUp { receipt_wait_s: 9, resend_times: 11, bulk_quota: u64::MAX, ..good };
        assert_eq!(fields(wild, Vendor::Apns), ["rules.receipt_wait_s", "rules.resend_times", "rules.bulk_quota"]);
    }

    #[test]
    fn a_lane_says_what_follows() {
        let words = FollowUp { receipt_wait_s: 60, resend_times: 2, bulk_quota: 500, ..FollowUp::default() }.told();
        assert_eq!(words.en, "sends again after 60 s without a receipt, at most 2 times; 500 bulk messages a day");
        assert_eq!(FollowUp::default().told().zh, "不等回执");
    }
}
