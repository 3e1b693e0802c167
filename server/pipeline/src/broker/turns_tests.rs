use proptest::prelude::*;
use types::content::{Content, MessageClass};
use types::ids::MessageId;
use types::life::MessageState;

use super::*;
use crate::storage::messages::Origin;

const NOW: Millis = 1_795_233_600_000;
const HOUR: Millis = 3_600_000;

fn flow(no: i64, recipients: u64, due_in: Millis) -> Flow {
    Flow { no, recipients, deadline: NOW + due_in }
}

/// Who is served in which order: a line for every ten chunks of a lane that takes one at a time.
#[test]
fn the_order_of_a_lane() {
    let mut told = Vec::new();
    let mut table = |what: &str, arrivals: &[(usize, i64, u32)], picks: usize| {
        let (mut turns, mut order) = (Turns::default(), Vec::new());
        for at in 0..picks {
            let here: Vec<(i64, u32)> = arrivals.iter().filter(|(from, ..)| *from <= at).map(|(_, no, size)| (*no, *size)).collect();
            turns.wait(here.iter().map(|(no, _)| *no));
            let flows: Vec<i64> = here.iter().map(|(no, _)| *no).collect();
            let (next, _) = turns.shares(&flows, 1, |_| 1)[0];
            let size = here.iter().find(|(no, _)| *no == next).map_or(1, |(_, size)| *size);
            turns.charge(next, u64::from(size));
            order.push(next.to_string());
        }
        told.push(format!("{what:<52} {}", order.join(" ")));
    };
    table("two of the same size", &[(0, 1, 1_000), (0, 2, 1_000)], 10);
    table("a second one comes when the first had five", &[(0, 1, 1_000), (5, 2, 1_000)], 12);
    table("small messages (0) beside a crowd of large chunks", &[(0, 0, 1), (0, 7, 4)], 12);
    table("three, the last comes late", &[(0, 1, 10), (0, 2, 10), (6, 3, 10)], 14);
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn permits_are_shared_out_and_who_got_none_stands_behind() {
    let mut turns = Turns::default();
    turns.wait([1, 2, 3]);
    assert_eq!(turns.shares(&[1, 2, 3], 4, |_| 1_000), [(1, 2), (2, 1), (3, 1)]);
    assert_eq!(turns.shares(&[1, 2, 3], 2, |_| 1_000), [(1, 1), (2, 1), (3, 0)]);
    assert_eq!(turns.shares(&[2], 9, |_| 1_000), [(2, 9)]);
    turns.charge(1, 5_000);
    assert_eq!(turns.shares(&[1, 2], 4, |_| 1_000), [(2, 4), (1, 0)], "what it had is made good");
}

#[test]
fn a_deadline_matters_before_the_line_is_worked_off_and_not_else() {
    let a_minute_of_work = |due_in| near(NOW, &[flow(1, 50_000, due_in), flow(2, 10_000, 24 * HOUR)], 1_000.0);
    assert_eq!(a_minute_of_work(HOUR), 0);
    // 60 s of work and a quarter of it, and a minute.
    assert_eq!(a_minute_of_work(134_999), NOW + 135_000);
    assert_eq!(a_minute_of_work(135_000), 0);
    assert_eq!(near(NOW, &[flow(1, 1, 30_000)], 1_000.0), NOW + 60_001);
    assert!(near(NOW, &[flow(1, u64::MAX, HOUR)], 0.0) > NOW + 1_000 * HOUR, "a lane without a pace is never done");
}

fn message(no: i64, app_no: i64, targets: Targets, due_in: Millis) -> Message {
    Message {
        no,
        id: MessageId::from_bytes([1; 16]),
        app_no,
        campaign: None,
        origin: Origin::Campaign,
        class: MessageClass::Bulk,
        rank: Rank::Bulk,
        business: String::new(),
        content: Content::default(),
        variables: BTreeMap::new(),
        targets,
        vendor_order: vec![],
        versions: None,
        hours: None,
        state: MessageState::Planning,
        cursor: 0,
        deadline: NOW + due_in,
        account: String::new(),
        address: String::new(),
        created_at: 0,
        finished_at: None,
        forgotten_at: None,
    }
}

fn named(n: usize) -> Targets {
    Targets::Users { users: vec![String::new(); n] }
}

fn crowd() -> Targets {
    Targets::Crowd { crowd: types::ids::CrowdId::from_bytes([2; 16]) }
}

#[test]
fn planning_goes_round_between_apps_and_between_the_campaigns_of_one() {
    let of_app_1 = [message(1, 1, crowd(), HOUR), message(2, 1, crowd(), 2 * HOUR)];
    let others = [message(3, 2, crowd(), 3 * HOUR), message(4, 3, named(5), 4 * HOUR), message(5, 1, named(1_000), 5 * HOUR)];
    let rounds = Rounds::default();
    let mut order = Vec::new();
    for _ in 0..12 {
        let mut waiting: Vec<Message> = of_app_1.iter().chain(&others).cloned().collect();
        rounds.sort(Rank::Bulk, &mut waiting, NOW);
        // As the planner does: a crowd's step alone, small ones together.
        let small = waiting.iter().take_while(|m| flow_of(m) == 0).count();
        waiting.truncate(small.max(1));
        rounds.charge(Rank::Bulk, waiting.iter());
        order.push(waiting.iter().map(|m| m.no.to_string()).collect::<Vec<_>>().join("+"));
    }
    assert_eq!(order, ["4+5", "1", "3", "4+5", "2", "3", "4+5", "1", "3", "4+5", "2", "3"]);
    let mut waiting = vec![message(1, 1, crowd(), HOUR), message(2, 1, crowd(), 500_000), message(3, 1, crowd(), 400_000)];
    rounds.sort(Rank::Bulk, &mut waiting, NOW);
    assert_eq!(waiting.iter().map(|m| m.no).collect::<Vec<_>>(), [3, 2, 1], "what is due soon is planned first");
}

#[test]
fn who_has_a_share_of_its_own() {
    let of = |targets| flow_of(&message(9, 1, targets, HOUR));
    assert_eq!((of(crowd()), of(named(1_001)), of(named(1_000)), of(named(1))), (9, 9, 0, 0));
    let earlier = MessageId::from_bytes([3; 16]);
    assert_eq!(of(Targets::Again { message: earlier, outcomes: vec![], only: vec![] }), 9);
}

proptest! {
    /// Whoever waits all the time never falls behind another who does by more than two of the largest chunks, whatever comes and goes.
    #[test]
    fn nobody_who_waits_falls_behind(
        sizes in prop::collection::vec(1_u64..1_000, 5),
        events in prop::collection::vec((0_usize..5, any::<bool>(), 1_u32..5), 1..200),
    ) {
        let largest = *sizes.iter().max().expect("five");
        let mut turns = Turns::default();
        // 0 and 1 always wait; the others come and go.
        let mut here: BTreeSet<usize> = [0, 1].into();
        let mut had = [0_u64; 5];
        for (who, comes, picks) in events {
            if who > 1 {
                if comes { here.insert(who); } else { here.remove(&who); }
            }
            turns.wait(here.iter().map(|i| *i as i64));
            let flows: Vec<i64> = here.iter().map(|i| *i as i64).collect();
            let shares = turns.shares(&flows, picks, |flow| sizes[flow as usize]);
            prop_assert_eq!(shares.iter().map(|(_, n)| *n).sum::<u32>(), picks, "every permit is given");
            prop_assert!(flows.iter().all(|flow| shares.iter().any(|(f, _)| f == flow)), "everybody stands in the line");
            for (flow, n) in shares {
                let taken = sizes[flow as usize] * u64::from(n);
                turns.charge(flow, taken);
                had[flow as usize] += taken;
            }
            prop_assert!(had[0].abs_diff(had[1]) <= 2 * largest, "{} and {}", had[0], had[1]);
        }
    }

    /// Who comes late is served at once and holds nobody up: between two of its chunks everybody else has about one.
    #[test]
    fn a_late_one_neither_waits_nor_blocks(size in 1_u64..1_000, before in 1_usize..500) {
        let mut turns = Turns::default();
        let one = |turns: &mut Turns, flows: &[i64]| {
            turns.wait(flows.iter().copied());
            let (next, _) = turns.shares(flows, 1, |_| size)[0];
            turns.charge(next, size);
            next
        };
        for _ in 0..before {
            one(&mut turns, &[1]);
        }
        let order: Vec<i64> = (0..20).map(|_| one(&mut turns, &[1, 2])).collect();
        prop_assert!(order.windows(3).all(|three| three.contains(&1) && three.contains(&2)), "{order:?}");
    }
}
