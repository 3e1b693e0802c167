//! A crowd opened step by step: every recipient stands in exactly one step, by a hash of its key and of the message, so that it is
//! not always the same people who come first.

use types::ramp::{RampPlan, WHOLE};

use super::{BLOCKS_PER_STEP, Gathered, Planner, Target};
use crate::storage::Result;
use crate::storage::messages::{Message, Targets};

/// The cursor of such a message: the step above, the block below. `to_plan` knows it, too.
const STEP_BITS: u32 = 32;

fn parts(cursor: i64) -> (usize, i64) {
    let cursor = cursor.max(0);
    (usize::try_from(cursor >> STEP_BITS).unwrap_or(usize::MAX), cursor & ((1 << STEP_BITS) - 1))
}

fn cursor(step: usize, block: i64) -> i64 {
    (i64::try_from(step).unwrap_or(i64::MAX) << STEP_BITS) | block
}

/// 0 ..= 9,999. Pure.
pub fn place(message: &str, key: i64) -> u32 {
    let hash = xxhash_rust::xxh3::xxh3_64_with_seed(&key.to_be_bytes(), xxhash_rust::xxh3::xxh3_64(message.as_bytes()));
    (hash % u64::from(WHOLE)) as u32
}

impl Planner {
    /// The ramp of this message, when it goes by one.
    pub(super) async fn ramp_of(&self, message: &Message) -> Result<Option<RampPlan>> {
        match (&message.targets, &message.campaign) {
            (Targets::Crowd { .. }, Some(_)) => Ok(self.storage.ramps.get(&message.id).await?.map(|ramp| ramp.plan)),
            _ => Ok(None),
        }
    }

    /// The next blocks of the open step.
    pub(super) async fn gather_step(&self, message: &Message, plan: &RampPlan) -> Result<Gathered> {
        let (step, first) = parts(message.cursor);
        let (mut targets, mut block, mut ended) = (Vec::new(), first, false);
        if let Targets::Crowd { crowd } = &message.targets {
            while block < first + BLOCKS_PER_STEP {
                let Some(found) = self.storage.crowds.block(crowd, block).await? else {
                    ended = true;
                    break;
                };
                let of_step = found.rows.into_iter().filter(|row| plan.step_of(place(message.id.as_str(), row.key)) == step);
                targets.extend(of_step.map(|row| Target {
                    key: row.key,
                    kind: row.kind,
                    vendor: row.vendor,
                    text: row.text,
                    variables: row.variables,
                }));
                block += 1;
            }
        }
        let next = if ended { cursor(step + 1, 0) } else { cursor(step, block) };
        Ok(Gathered { targets, next, last: ended && plan.is_last(step), ..Gathered::default() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_holds_step_and_block() {
        for (step, block) in [(0, 0), (0, 9), (1, 0), (2, 12_345)] {
            assert_eq!(parts(cursor(step, block)), (step, block));
        }
        assert!(cursor(0, i64::from(u32::MAX)) < cursor(1, 0));
    }

    #[test]
    fn places_are_even_and_another_message_draws_others() {
        let plan = RampPlan::default();
        let first = |message: &str| {
            (0..100_000_i64).filter(|key| plan.step_of(place(message, key.wrapping_mul(0x9e37_79b9))) == 0).collect::<Vec<_>>()
        };
        let (one, other) = (first("msg_1"), first("msg_2"));
        assert!((850..=1_150).contains(&one.len()), "{}", one.len());
        let both = one.iter().filter(|key| other.contains(key)).count();
        assert!(both < 40, "{both} of {} came first twice", one.len());
        assert_eq!(one, first("msg_1"));
    }
}
