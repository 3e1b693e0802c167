//! The first ask of an app's rules: who of those that have a lane may be sent to, when, and at the cost of which slot.
//! Facts are read here, decided by `policy`, and written with the chunks.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use types::Millis;
use types::content::MessageClass;
use types::life::{FilterRule, Outcome};
use types::policy::{About, Rules};
use types::vendor::Vendor;

use super::route::OpenLane;
use crate::policy::caps::{self, Asked, Lost, Windows};
use crate::policy::quiet::{self, Said};
use crate::storage::frame::{LOST_TO, Reason, Recipient};
use crate::storage::messages::{Message, Origin, Targets};
use crate::storage::policy::{AppPolicy, Claim, Facts, Slot, slot_device};
use crate::storage::{Result, Storage};

/// Recipients of one lane that wait together: of one zone where that matters, held until the same moment.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Together {
    pub lane_no: i64,
    pub zone: Option<String>,
    pub held_until: Millis,
}

/// What the rules made of a step.
#[derive(Default)]
pub struct Answered {
    pub groups: BTreeMap<Together, (OpenLane, Vec<Recipient>)>,
    /// Left out, or expired because their quiet hours end too late.
    pub out: Vec<(Recipient, Outcome, Reason)>,
    pub claim: Option<Claim>,
}

/// What must be asked about a message: most need nothing of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Needs {
    pub blacklist: bool,
    pub versions: bool,
    pub quiet: bool,
    pub zones: bool,
    pub counts: bool,
}

impl Needs {
    pub fn of(policy: &AppPolicy, message: &Message) -> Needs {
        let about = about(message);
        // A test goes to registered test devices at any hour and as often as it takes.
        let test = message.origin == Origin::Test;
        // What takes a message back goes to whoever got it, at any hour.
        if message.origin == Origin::Recall {
            return Needs { blacklist: false, versions: false, quiet: false, zones: false, counts: false };
        }
        Needs {
            blacklist: policy.blocked_version > 0,
            versions: message.versions.is_some(),
            quiet: !test && (message.hours.is_some() || policy.rules.quiet.iter().any(|quiet| quiet.concerns(about))),
            zones: !test && policy.rules.by_user_zone(about),
            counts: !test && policy.rules.counts(about),
        }
    }

    pub const fn any(self) -> bool {
        self.blacklist || self.versions || self.quiet || self.counts
    }
}

pub fn about(message: &Message) -> About<'_> {
    About { class: message.class, business: &message.business, hours: message.hours }
}

/// The first message of a chain of resends: they count as one.
async fn counts_as(storage: &Storage, message: &Message) -> Result<i64> {
    let mut no = message.no;
    let mut targets = message.targets.clone();
    // A chain is as long as there are lanes and people who press the button; a broken one ends itself.
    for _ in 0..32 {
        let (Targets::Again { message: earlier, .. } | Targets::Onward { message: earlier, .. }) = &targets else { break };
        let Some(earlier) = storage.messages.by_id(earlier).await? else { break };
        no = earlier.no;
        targets = earlier.targets;
    }
    Ok(no)
}

/// Hash of what a person with these variables would read.
fn content_hash(message: &Message) -> impl Fn(&Recipient) -> i64 {
    let used = types::copy::variables(&message.content);
    let shared: BTreeMap<&String, &String> = message.variables.iter().filter(|(name, _)| used.contains(*name)).collect();
    // A value that cannot be written hashes as empty: then only the personal part tells them apart.
    let base = serde_json::to_vec(&(&message.content, shared)).unwrap_or_default();
    let base = xxhash_rust::xxh3::xxh3_64(&base);
    move |recipient| {
        let own = if recipient.variables.is_empty() {
            0
        } else {
            let text: String = recipient.variables.iter().flat_map(|(k, v)| [k.as_str(), "\u{1}", v.as_str(), "\u{2}"]).collect();
            xxhash_rust::xxh3::xxh3_64(text.as_bytes())
        };
        (base ^ own.rotate_left(1)).cast_signed()
    }
}

/// One recipient on the way through the rules.
struct Candidate {
    lane: OpenLane,
    recipient: Recipient,
    zone: Option<String>,
    held_until: Millis,
}

/// Asks every rule about every recipient that has a lane.
///
/// # Errors
/// When the store fails.
pub async fn ask(
    storage: &Storage,
    policy: &AppPolicy,
    message: &Message,
    found: Vec<(OpenLane, Recipient)>,
    now: Millis,
) -> Result<Answered> {
    let needs = Needs::of(policy, message);
    let rules = &policy.rules;
    let devices: Vec<i64> = found.iter().map(|(_, r)| r.device_no).filter(|no| *no > 0).collect();
    let blocked =
        if needs.blacklist { storage.policy.blocked_devices(message.app_no, &message.business, &devices).await? } else { BTreeMap::new() };
    let facts =
        if needs.versions || needs.zones || needs.counts { storage.policy.facts(message.app_no, &devices).await? } else { BTreeMap::new() };
    let mut answered = Answered::default();
    let mut candidates = Vec::with_capacity(found.len());
    let mut hushes: BTreeMap<Option<String>, Said> = BTreeMap::new();
    for (lane, recipient) in found {
        let known = facts.get(&recipient.device_no);
        if let Some(refusal) = refused(message, &blocked, known, &recipient) {
            answered.out.push((recipient, Outcome::Filtered, refusal));
            continue;
        }
        let zone = known.filter(|_| needs.zones).and_then(|facts| facts.zone.clone());
        let mut held_until = 0;
        if needs.quiet {
            let asked = || quiet::ask(rules, about(message), zone.as_deref(), now, message.deadline);
            match hushes.entry(zone.clone()).or_insert_with(asked) {
                Said::Go => {}
                Said::Wait { until } => held_until = *until,
                Said::End { outcome, words } => {
                    answered.out.push((recipient, *outcome, reason(FilterRule::QuietHours, words)));
                    continue;
                }
            }
        }
        candidates.push(Candidate { lane, recipient, zone, held_until });
    }
    if needs.counts {
        candidates = count(storage, rules, message, candidates, &facts, now, &mut answered).await?;
    }
    for Candidate { lane, recipient, zone, held_until } in candidates {
        let together = Together { lane_no: lane.lane_no, zone, held_until };
        answered.groups.entry(together).or_insert_with(|| (lane, Vec::new())).1.push(recipient);
    }
    Ok(answered)
}

/// Blacklist and version: whoever they leave out is out whatever the hour.
fn refused(message: &Message, blocked: &BTreeMap<i64, String>, facts: Option<&Facts>, recipient: &Recipient) -> Option<Reason> {
    if let Some(group) = blocked.get(&recipient.device_no) {
        return Some(reason(FilterRule::Blacklist, if group.is_empty() { "all" } else { group }));
    }
    let versions = message.versions.as_ref()?;
    let version = facts.map_or("", |facts| facts.app_version.as_str());
    let words = || format!("for {}; has {}", versions.words(), if version.is_empty() { "none we know" } else { version });
    (!versions.holds(version)).then(|| reason(FilterRule::Version, &words()))
}

/// Caps, the same content, the vendor's cap: reads what the persons had, and claims a slot for everybody who may go.
async fn count(
    storage: &Storage,
    rules: &Rules,
    message: &Message,
    candidates: Vec<Candidate>,
    facts: &BTreeMap<i64, Facts>,
    now: Millis,
    answered: &mut Answered,
) -> Result<Vec<Candidate>> {
    let person = |r: &Recipient| facts.get(&r.device_no).map_or(r.key, |facts| facts.person);
    let windows = Windows::of(rules, now);
    let counts_as = counts_as(storage, message).await?;
    // Before the slots: whatever is claimed after this moment makes our step stale.
    let seen = storage.policy.claims(message.app_no).await?;
    let persons: BTreeSet<i64> = candidates.iter().map(|c| person(&c.recipient)).collect();
    let persons: Vec<i64> = persons.into_iter().collect();
    let mut had: HashMap<i64, Vec<Slot>> = HashMap::new();
    for slot in storage.policy.slots(message.app_no, &persons, windows.oldest(rules)).await? {
        had.entry(slot.person).or_default().push(slot);
    }
    let hash = content_hash(message);
    let mut claim = Claim { seen, slots: Vec::with_capacity(candidates.len()) };
    let mut lost: Vec<(Recipient, Lost)> = Vec::new();
    let mut go = Vec::with_capacity(candidates.len());
    for candidate in candidates {
        let recipient = &candidate.recipient;
        let (person, device_no, vendor) = (person(recipient), slot_device(recipient), candidate.lane.vendor);
        let asked = Asked { about: about(message), counts_as, content: hash(recipient), now };
        let before = had.get(&person).map_or(&[][..], Vec::as_slice);
        match caps::decide(rules, &windows, asked, before, device_no, vendor) {
            Ok(()) => {
                claim.slots.push(slot(message, asked, person, device_no, vendor));
                go.push(candidate);
            }
            Err(no) => lost.push((candidate.recipient, no)),
        }
    }
    let winners: BTreeSet<i64> = lost.iter().map(|(_, lost)| lost.winner).collect();
    let ids = storage.policy.message_ids(&winners.into_iter().collect::<Vec<_>>()).await?;
    let zone = quiet::zone(&rules.zone);
    for (recipient, Lost { rule, words, winner, at }) in lost {
        let id = ids.get(&winner).map_or_else(|| "a message no longer kept".to_owned(), ToString::to_string);
        let at = jiff::Timestamp::from_millisecond(at)
            .map(|at| at.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M").to_string())
            .unwrap_or_default();
        answered.out.push((recipient, Outcome::Filtered, reason(rule, &format!("{words}{LOST_TO}{id} at {at}"))));
    }
    answered.claim = Some(claim);
    Ok(go)
}

fn slot(message: &Message, asked: Asked<'_>, person: i64, device_no: i64, vendor: Vendor) -> Slot {
    Slot {
        person,
        counts_as: asked.counts_as,
        device_no,
        business: message.business.clone(),
        bulk: message.class == MessageClass::Bulk,
        content: asked.content,
        vendor: Some(vendor),
        at: asked.now,
    }
}

fn reason(rule: FilterRule, words: &str) -> Reason {
    Reason { slug: rule.slug().to_owned(), words: words.to_owned() }
}

#[cfg(test)]
#[path = "ask_tests.rs"]
mod tests;
