//! The judge: what the store says against what the simulator's ledger says, recipient by recipient.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;

use pipeline::channel::step::show_key;
use pipeline::storage::chunks::{ChunkState, ChunkView};
use pipeline::storage::frame::{Outcomes, decode_recipients};
use pipeline::storage::tallies::fold;
use simulator::token_hash;
use types::funnel::Funnel;
use types::ids::ChunkNo;
use types::life::Outcome;
use types::vendor::Vendor;

use crate::stage::Stage;

/// What was seen on the way.
#[derive(Default)]
pub struct Trial {
    kills: u32,
    looks: u64,
    known: u64,
    /// Recipients before the marks of what was in the engine's hands when it died, by vendor: the most that may be repeated
    /// or unknown.
    in_flight: BTreeMap<Vendor, u64>,
}

/// What the round came to.
pub struct Report {
    kills: u32,
    looks: u64,
    accepted: u64,
    refused: u64,
    filtered: u64,
    uncertain: u64,
    /// Of the uncertain ones, those the vendor has.
    arrived: u64,
    repeated: u64,
    in_flight: BTreeMap<Vendor, u64>,
    /// Most requests in any second so far, by vendor.
    busiest: BTreeMap<Vendor, u64>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Report { kills, looks, accepted, refused, filtered, uncertain, arrived, repeated, in_flight, busiest } = self;
        let list = |counts: &BTreeMap<Vendor, u64>| {
            counts.iter().map(|(vendor, n)| format!("{} {n}", vendor.slug())).collect::<Vec<_>>().join(", ")
        };
        write!(
            f,
            "{kills} kills, {looks} looks balanced; accepted {accepted}, refused {refused}, filtered {filtered}; \
             uncertain {uncertain} (arrived {arrived}), repeated under the same key {repeated} (in flight when killed: {}); \
             busiest second: {}",
            list(in_flight),
            list(busiest)
        )
    }
}

async fn funnel(stage: &Stage, message_no: i64) -> Funnel {
    fold(stage.house.storage.tallies.of_message(message_no).await.expect("tallies"))
}

async fn chunks(stage: &Stage, message_no: i64) -> Vec<ChunkView> {
    let mut all = Vec::new();
    let mut after = ChunkNo(0);
    loop {
        let part = stage.house.storage.chunks.of_message(message_no, after, 200).await.expect("chunks");
        let Some(last) = part.last() else { return all };
        after = last.no;
        all.extend(part);
    }
}

fn outcomes(chunk: &ChunkView) -> Vec<Outcome> {
    Outcomes::decode(&chunk.outcomes).expect("outcomes").iter().map(|(outcome, _)| outcome).collect()
}

impl Trial {
    /// A snapshot while the engine runs: it balances in every lane, and nothing known becomes unknown.
    pub async fn look(&mut self, stage: &Stage, message_no: i64) -> u64 {
        let funnel = funnel(stage, message_no).await;
        assert!(funnel.total.holds(), "the equation broke: {:?}", funnel.total);
        for lane in &funnel.lanes {
            assert!(lane.equation.holds(), "the equation of {:?} broke: {:?}", lane.vendor, lane.equation);
        }
        let known = funnel.total.planned - funnel.total.waiting;
        assert!(known >= self.known, "{known} recipients have an outcome, {} had one before", self.known);
        self.known = known;
        self.looks += 1;
        known
    }

    /// The engine is dead and the store still: counters equal a recount, and what is leased is what was in flight.
    pub async fn after_kill(&mut self, stage: &Stage, message_no: i64) {
        self.kills += 1;
        let chunks = chunks(stage, message_no).await;
        self.recount(stage, message_no, &chunks).await;
        let mut leased: BTreeMap<Vendor, u64> = BTreeMap::new();
        for chunk in chunks.iter().filter(|chunk| chunk.state == ChunkState::Leased) {
            let begun = chunk.started as usize;
            let open = outcomes(chunk).iter().take(begun).filter(|o| **o == Outcome::Waiting).count() as u64;
            if let Some(vendor) = chunk.vendor {
                *leased.entry(vendor).or_default() += open;
            }
        }
        for (vendor, open) in leased {
            let most = stage.most_in_flight(vendor);
            assert!(open <= most, "{}: {open} recipients in the engine's hands, the lane's settings allow {most}", vendor.slug());
            *self.in_flight.entry(vendor).or_default() += open;
        }
    }

    async fn recount(&mut self, stage: &Stage, message_no: i64, chunks: &[ChunkView]) {
        self.look(stage, message_no).await;
        let total = funnel(stage, message_no).await.total;
        let mut counted: BTreeMap<Outcome, u64> = BTreeMap::new();
        for outcome in chunks.iter().flat_map(outcomes) {
            *counted.entry(outcome).or_default() += 1;
        }
        assert_eq!(counted.values().sum::<u64>(), total.planned, "planned is what stands in the chunks");
        for outcome in Outcome::ALL {
            assert_eq!(counted.get(&outcome).copied().unwrap_or(0), total.get(outcome), "recount of {}", outcome.slug());
        }
    }

    /// The message is over.
    pub async fn verdict(mut self, stage: &Stage, message_no: i64) -> Report {
        let chunks = chunks(stage, message_no).await;
        self.recount(stage, message_no, &chunks).await;
        let total = funnel(stage, message_no).await.total;
        assert_eq!((total.planned, total.waiting), (stage.recipients(), 0), "everybody was planned once and has an outcome");
        assert_eq!((total.expired, total.cancelled), (0, 0));

        let message = stage.house.storage.messages.get(message_no).await.expect("a store").expect("a message");
        let key = show_key(&message);
        let ledger = stage.simulator.ledger();
        let mut taken: HashMap<Vendor, HashMap<u64, u32>> = HashMap::new();
        for vendor in Vendor::ALL {
            taken.insert(vendor, ledger.taken_under(vendor, &key));
        }
        let mut met = BTreeSet::new();
        let mut repeated: BTreeMap<Vendor, u64> = BTreeMap::new();
        let mut uncertain: BTreeMap<Vendor, u64> = BTreeMap::new();
        let mut arrived = 0;
        for chunk in &chunks {
            let recipients = decode_recipients(&chunk.recipients).expect("recipients");
            for (recipient, outcome) in recipients.iter().zip(outcomes(chunk)) {
                if recipient.device_no != 0 {
                    assert!(met.insert(recipient.device_no), "device {} stands in two chunks", recipient.device_no);
                }
                let hash = token_hash(&recipient.token);
                let times = chunk.vendor.and_then(|v| taken.get_mut(&v)).and_then(|t| t.remove(&hash)).unwrap_or(0);
                match outcome {
                    Outcome::Accepted => assert!(times >= 1, "{:?} {} counts as accepted and never arrived", chunk.vendor, recipient.token),
                    Outcome::Uncertain => arrived += u64::from(times > 0),
                    other => assert_eq!(times, 0, "{:?} {} arrived and counts as {}", chunk.vendor, recipient.token, other.slug()),
                }
                let Some(vendor) = chunk.vendor else { continue };
                *repeated.entry(vendor).or_default() += u64::from(times.saturating_sub(1));
                *uncertain.entry(vendor).or_default() += u64::from(outcome == Outcome::Uncertain);
            }
        }
        for (vendor, left) in &taken {
            assert!(left.is_empty(), "{}: {} tokens got it that were never planned", vendor.slug(), left.len());
        }
        let of = |counts: &BTreeMap<Vendor, u64>, vendor| counts.get(&vendor).copied().unwrap_or(0);
        // Class C: never repeated by itself, so the unknown ones are named. Class B: repeated under one key, so none is unknown.
        assert_eq!(of(&repeated, Vendor::Apns), 0, "APNs would alert again");
        assert!(of(&uncertain, Vendor::Apns) <= of(&self.in_flight, Vendor::Apns), "more unknown than in flight");
        assert_eq!(of(&uncertain, Vendor::Xiaomi), 0, "a jobkey makes a repeat safe");
        assert!(of(&repeated, Vendor::Xiaomi) <= of(&self.in_flight, Vendor::Xiaomi), "more repeated than in flight");
        assert_eq!(ledger.repeats(None).other_key, 0, "the same text came under another key");
        Report {
            kills: self.kills,
            looks: self.looks,
            accepted: total.accepted,
            refused: total.refused,
            filtered: total.filtered,
            uncertain: uncertain.values().sum(),
            arrived,
            busiest: Vendor::ALL.into_iter().map(|vendor| (vendor, ledger.windows(vendor, u64::MAX).busiest)).collect(),
            repeated: repeated.values().sum(),
            in_flight: self.in_flight,
        }
    }
}
