//! The end of a turn: what is known is recorded in one transaction, then counted, and dead tokens are set aside.

use std::collections::BTreeMap;

use types::Millis;
use types::content::MessageClass;
use types::life::Outcome;

use super::{Effect, Work};
use crate::broker::{onward, resend};
use crate::channel::counting;
use crate::channel::settle::may_quarantine;
use crate::coordination::Stop;
use crate::storage::Result;
use crate::storage::chunks::{Next, Step};
use crate::storage::frame::Reason;
use crate::storage::messages::Origin;
use crate::storage::tallies::{Delta, Measure};
use crate::telemetry;

impl Work<'_> {
    pub(super) async fn record(mut self, before: BTreeMap<(Outcome, Reason), i64>, stop: Option<Stop>) -> Result<Effect> {
        let now = self.tools.world.now();
        if stop == Some(Stop::Cancelled) {
            self.outcomes.end_open(Outcome::Cancelled);
        }
        let open = self.outcomes.open().len();
        let next = match (stop, self.held) {
            _ if open == 0 => Next::Done,
            (Some(Stop::Paused), _) => Next::Hold,
            (None, Some(until)) => Next::Quiet { until },
            (None, None) if self.untaken() => Next::Untouched,
            _ => Next::Wait { not_before: now + self.again_in.unwrap_or(0) },
        };
        let step = Step {
            no: self.chunk.no,
            fence: self.chunk.fence,
            open: std::mem::take(&mut self.open),
            outcomes: self.outcomes.encode(),
            next,
            references: std::mem::take(&mut self.references),
            onward: self.onward(now),
            deltas: self.deltas(&before),
            now,
        };
        let became: Vec<(Outcome, i64)> = step.deltas.iter().filter_map(outcome_of).collect();
        self.tools.storage.chunks.record(step).await?;
        self.count(&became);
        self.retire_tokens(now).await;
        Ok(self.effect)
    }

    /// What this step changed. Whoever is sent to again was counted when it was accepted: only that it went again is.
    fn deltas(&self, before: &BTreeMap<(Outcome, Reason), i64>) -> Vec<Delta> {
        let (chunk, vendor) = (self.chunk, self.config.lane.vendor);
        let accepted = i64::try_from(self.effect.accepted).unwrap_or(i64::MAX);
        let count = |measure| Delta { message_no: chunk.message_no, app_no: chunk.app_no, vendor: Some(vendor), measure, n: accepted };
        let mut deltas =
            if chunk.resending { vec![count(Measure::Resent)] } else { counting::deltas(chunk, vendor, before, &self.outcomes.counts()) };
        if self.message.class == MessageClass::Bulk && self.config.lane.settings.bulk_quota > 0 {
            deltas.push(count(Measure::Bulk));
        }
        deltas
    }

    /// Its first claim, and nobody of it was sent to: the lane stood still before it was asked, or all it said was that this class is
    /// closed. The chunk need not wait for the vendor's next day where another lane is open.
    fn untaken(&self) -> bool {
        let all = self.recipients.len();
        let first = self.chunk.attempts == 1 && !self.chunk.lapsed && self.outcomes.open().len() == all;
        first && self.turned_away == self.asked && (self.asked > 0 || self.again_in.is_none())
    }

    /// For the metrics, once it is recorded.
    fn count(&self, became: &[(Outcome, i64)]) {
        let (app, vendor) = (self.app_label(), self.config.lane.vendor.slug());
        for (outcome, n) in became {
            metrics::counter!(telemetry::VENDOR_RECIPIENTS, "app" => app.clone(), "vendor" => vendor, "result" => outcome.slug())
                .increment(n.unsigned_abs());
        }
        if self.chunk.resending {
            return;
        }
        for (stage, n) in [("submitted", self.asked as u64), ("accepted", self.effect.accepted)] {
            metrics::counter!(telemetry::MESSAGES, "app" => app.clone(), "vendor" => vendor, "stage" => stage).increment(n);
        }
    }

    /// When the receipts of what was accepted now are due, on a lane that is told to wait for them.
    fn onward(&self, now: Millis) -> Option<Millis> {
        let lane = &self.config.lane;
        let follows = resend::most(lane, &self.message) > 0 || onward::goes_on(lane, self.message.class);
        let waits = lane.settings.receipt_wait_s > 0
            && (self.effect.accepted > 0 || self.chunk.resending)
            && !matches!(self.message.origin, Origin::Test | Origin::Recall)
            && follows;
        waits.then(|| now + Millis::from(lane.settings.receipt_wait_s) * 1_000).filter(|due| *due < self.chunk.deadline)
    }

    /// After the outcomes are safe: set dead tokens aside, unless too many died at once.
    async fn retire_tokens(&mut self, now: Millis) {
        let (vendor, app_no, lane_no) = (self.config.lane.vendor, self.config.app.no, self.config.lane.no);
        if !self.dead.is_empty() {
            if may_quarantine(self.dead.len(), self.asked) {
                let mut by_words: BTreeMap<String, Vec<(String, Option<Millis>)>> = BTreeMap::new();
                for (token, since, words) in self.dead.drain(..) {
                    by_words.entry(words).or_default().push((token, since));
                }
                for (words, tokens) in by_words {
                    if let Err(error) = self.tools.storage.devices.quarantine(app_no, vendor, &tokens, &words, now).await {
                        tracing::warn!(%error, lane = lane_no, "dead tokens could not be set aside; the next answer names them again");
                    }
                }
            } else {
                tracing::error!(
                    lane = lane_no,
                    dead = self.dead.len(),
                    asked = self.asked,
                    "a mass of dead tokens: credential or environment suspected, none set aside"
                );
                self.tools.statuses.change(lane_no, |status| status.mass_death_at = Some(now));
            }
        }
        for (old, new) in self.replaced.drain(..) {
            if let Err(error) = self.tools.storage.devices.replace_token(app_no, vendor, &old, &new, now).await {
                tracing::warn!(%error, lane = lane_no, "a token could not be renamed");
            }
        }
    }
}

/// So many became this.
fn outcome_of(delta: &Delta) -> Option<(Outcome, i64)> {
    match &delta.measure {
        Measure::Outcome { outcome, .. } if delta.n > 0 => Some((*outcome, delta.n)),
        _ => None,
    }
}
