//! The second ask of an app's rules, with a chunk in hand: quiet hours that began meanwhile, accounts blacklisted meanwhile.
//! Whoever may not go any more ends here; whoever must wait is held.

use types::Millis;
use types::life::{FilterRule, Outcome};

use super::step::Tools;
use crate::broker::ask::{Needs, about};
use crate::policy::quiet::{self, Said};
use crate::storage::Result;
use crate::storage::chunks::Claimed;
use crate::storage::frame::{Outcomes, Reason, Recipient};
use crate::storage::messages::Message;

/// Ends those who may not go, and says until when the rest is held, or `None` when it goes now.
///
/// # Errors
/// When the store fails.
pub async fn ask(
    tools: &Tools,
    chunk: &Claimed,
    message: &Message,
    recipients: &[Recipient],
    outcomes: &mut Outcomes,
) -> Result<Option<Millis>> {
    let policy = tools.policies.of(chunk.app_no).await?;
    let needs = Needs::of(&policy, message);
    if needs.blacklist && policy.blocked_version != chunk.policy.blocked_version {
        let open = outcomes.open();
        let devices: Vec<i64> = open.iter().map(|i| recipients[*i].device_no).filter(|no| *no > 0).collect();
        let blocked = tools.storage.policy.blocked_devices(chunk.app_no, &message.business, &devices).await?;
        for i in open {
            if let Some(group) = blocked.get(&recipients[i].device_no) {
                let words = if group.is_empty() { "all" } else { group };
                outcomes.set(i, Outcome::Filtered, Some(reason(FilterRule::Blacklist, words)));
            }
        }
    }
    if !needs.quiet {
        return Ok(None);
    }
    let (zone, now) = (chunk.policy.zone.as_deref(), tools.world.now());
    let (outcome, words) = match quiet::ask(&policy.rules, about(message), zone, now, chunk.deadline) {
        Said::Go => return Ok(None),
        Said::Wait { until } => return Ok(Some(until)),
        Said::End { outcome, words } => (outcome, words),
    };
    for i in outcomes.open() {
        outcomes.set(i, outcome, Some(reason(FilterRule::QuietHours, &words)));
    }
    Ok(None)
}

/// When the message's own hours end for this chunk; `None` = never.
///
/// # Errors
/// When the store fails.
pub async fn shuts(tools: &Tools, chunk: &Claimed, message: &Message) -> Result<Option<Millis>> {
    if message.hours.is_none() {
        return Ok(None);
    }
    let policy = tools.policies.of(chunk.app_no).await?;
    Ok(quiet::shuts(&policy.rules, message.hours, chunk.policy.zone.as_deref(), tools.world.now()))
}

fn reason(rule: FilterRule, words: &str) -> Reason {
    Reason { slug: rule.slug().to_owned(), words: words.to_owned() }
}
