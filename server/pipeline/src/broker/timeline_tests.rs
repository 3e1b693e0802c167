use types::policy::{Quiet, Then, ZoneOf};

use super::*;

const NOON: Millis = 1_795_233_600_000; // 2026-11-21T12:00+08:00
const MINUTE: Millis = 60_000;
const HOUR: Millis = 60 * MINUTE;

fn job(devices: f64) -> Job {
    Job {
        arrives: NOON,
        deadline: NOON + 24 * HOUR,
        rank: Rank::Bulk,
        business: "news".into(),
        hours: None,
        age: 9,
        asks: true,
        parts: vec![Part { zone: None, not_before: 0, devices, cost: 1.0 }],
    }
}

fn track(rules: &Rules) -> Track<'_> {
    Track { now: NOON, rules, pace: 10.0, closed_until: 0, quota: None }
}

fn quiet(from: u16, to: u16, then: Then) -> Rules {
    let quiet = Quiet { businesses: vec![], from, to, by: ZoneOf::App, then, transactional_exempt: true };
    Rules { quiet: vec![quiet], ..Rules::default() }
}

#[test]
fn the_pace_decides_and_a_batch_costs_its_share() {
    let rules = Rules::default();
    let run_of = |job: Job| run(&track(&rules), &[job], 0);
    let alone = run_of(job(6_000.0));
    assert_eq!((alone.sent, alone.first_at, alone.finish_at), (6_000, Some(NOON), Some(NOON + 10 * MINUTE)));
    let mut batched = job(6_000.0);
    batched.parts[0].cost = 0.001;
    assert_eq!(run_of(batched).finish_at, Some(NOON + 600));
    assert_eq!(run_of(job(0.0)), Run::default());
}

#[test]
fn who_is_more_urgent_or_due_earlier_goes_first_and_later_ones_do_not() {
    let rules = Rules::default();
    let earlier = Job { deadline: NOON + HOUR, ..job(600.0) };
    let urgent = Job { rank: Rank::Urgent, arrives: NOON + 2 * MINUTE, ..job(1_200.0) };
    let later = Job { deadline: NOON + 48 * HOUR, ..job(90_000.0) };
    let found = run(&track(&rules), &[earlier.clone(), job(600.0), urgent, later.clone()], 1);
    assert_eq!(found.first_at, Some(NOON + MINUTE), "that one would be late if it were served last");
    assert_eq!(found.finish_at, Some(NOON + 5 * MINUTE), "a minute side by side, two for the urgent ones, another minute");
    assert_eq!(found.ahead, 600 + 1_200 + 600);
    let key = Job { rank: Rank::Key, ..job(600.0) };
    let found = run(&track(&rules), &[earlier, key, later], 1);
    assert_eq!(
        (found.first_at, found.finish_at, found.ahead),
        (Some(NOON), Some(NOON + MINUTE), 0),
        "key business goes before any other bulk"
    );
    let side_by_side = run(&track(&rules), &[job(6_000.0), job(600.0)], 1);
    assert_eq!((side_by_side.finish_at, side_by_side.ahead), (Some(NOON + 2 * MINUTE), 600), "each in its turn");
    let urgent = Job { rank: Rank::Urgent, arrives: NOON + MINUTE, ..job(1_200.0) };
    let cut = run(&track(&rules), &[urgent, job(1_200.0)], 1);
    assert_eq!((cut.ahead, cut.finish_at), (1_200, Some(NOON + 4 * MINUTE)), "they cut in");
}

#[test]
fn the_deadline_cuts_and_every_device_is_counted_once() {
    let rules = Rules::default();
    let found = run(&track(&rules), &[Job { deadline: NOON + MINUTE, ..job(1_000.0) }], 0);
    assert_eq!((found.sent, found.missed, found.hushed), (600, 400, 0));
    let stopped = Track { closed_until: Millis::MAX, ..track(&rules) };
    let found = run(&stopped, &[job(1_000.0)], 0);
    assert_eq!((found.sent, found.missed, found.finish_at), (0, 1_000, None));
    let resting = Track { closed_until: NOON + HOUR, ..track(&rules) };
    assert_eq!(run(&resting, &[job(600.0)], 0).finish_at, Some(NOON + HOUR + MINUTE));
}

#[test]
fn quiet_hours_that_begin_meanwhile_hold_or_drop_what_still_waits() {
    let hold = quiet(12 * 60 + 1, 14 * 60, Then::Hold);
    let found = run(&track(&hold), &[job(1_200.0)], 0);
    assert_eq!((found.sent, found.finish_at), (1_200, Some(NOON + 2 * HOUR + MINUTE)), "half before, half after");
    let drop = quiet(12 * 60 + 1, 14 * 60, Then::Drop);
    let found = run(&track(&drop), &[job(1_200.0)], 0);
    assert_eq!((found.sent, found.hushed, found.finish_at), (600, 600, Some(NOON + MINUTE)));
    let too_late = run(&track(&hold), &[Job { deadline: NOON + HOUR, ..job(1_200.0) }], 0);
    assert_eq!((too_late.sent, too_late.hushed, too_late.missed), (600, 600, 0), "they end after the deadline");
    let mut zones = job(600.0);
    zones.parts[0].not_before = NOON + HOUR;
    assert_eq!(run(&track(&Rules::default()), &[zones], 0).first_at, Some(NOON + HOUR));
}

#[test]
fn a_quota_runs_out_to_the_device_and_begins_anew_at_midnight_in_beijing() {
    let rules = Rules::default();
    let quota = Some(Quota { transactional: 1_000.0, bulk: 900.0, used: 400.0, marketing: None });
    let lane = Track { quota, ..track(&rules) };
    let found = run(&lane, &[job(1_200.0)], 0);
    assert_eq!(found.quota_out, Some((NOON + 50_000, 700)), "500 were left for bulk");
    assert_eq!((found.sent, found.finish_at), (1_200, Some(NOON + 12 * HOUR + 70_000)));
    let urgent = run(&lane, &[Job { rank: Rank::Urgent, ..job(700.0) }], 0);
    assert_eq!(urgent.quota_out, Some((NOON + 60_000, 100)), "the kept part is theirs");
    let before = Job { deadline: NOON + HOUR, ..job(300.0) };
    let shared = run(&lane, &[before, Job { deadline: NOON + 2 * HOUR, ..job(400.0) }], 1);
    assert_eq!((shared.sent, shared.missed, shared.quota_out), (250, 150, Some((NOON + 50_000, 150))), "another campaign's share is gone");
    let enough = run(&lane, &[job(500.0)], 0);
    assert_eq!(enough.quota_out, None);
}

/// Whatever the numbers: sums close, nothing is sent before its time or after its deadline, more pace is never later.
#[test]
fn sums_close_and_more_pace_is_never_later() {
    let mut seed = 7_u64;
    let mut next = |n: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % n
    };
    for round in 0..400 {
        let then = if next(2) == 0 { Then::Hold } else { Then::Drop };
        let rules = if next(2) == 0 { Rules::default() } else { quiet(next(1_440) as u16, 1_439, then) };
        let jobs: Vec<Job> = (0..=next(3))
            .map(|i| Job {
                arrives: NOON + next(3_600_000) as Millis,
                deadline: NOON + HOUR + next(86_400_000) as Millis,
                age: i as i64,
                parts: (0..=next(2))
                    .map(|_| Part { zone: None, not_before: NOON + next(7_200_000) as Millis, devices: next(50_000) as f64, cost: 1.0 })
                    .collect(),
                ..job(0.0)
            })
            .collect();
        let quota = (next(3) == 0).then(|| Quota {
            transactional: 60_000.0,
            bulk: 40_000.0,
            used: next(40_000) as f64,
            marketing: (next(2) == 0).then(|| (30_000.0, next(30_000) as f64)),
        });
        let at = |pace: f64| run(&Track { pace, quota, ..track(&rules) }, &jobs, 0);
        let slow = at(1.0 + next(20) as f64);
        let total: f64 = jobs[0].parts.iter().map(|p| p.devices).sum();
        assert_eq!(slow.sent + slow.missed + slow.hushed, total as u64, "round {round}");
        assert!(slow.first_at.is_none_or(|at| at >= jobs[0].arrives), "round {round}");
        assert!(slow.finish_at.is_none_or(|at| at <= jobs[0].deadline), "round {round}");
        if rules.quiet.is_empty() && quota.is_none() {
            let fast = at(50.0);
            assert!(fast.sent >= slow.sent, "round {round}: {fast:?} {slow:?}");
        }
    }
}

#[test]
fn hours_of_its_own_hold_until_they_open_and_end_a_day() {
    let rules = Rules::default();
    // From one o'clock to a quarter past: fifteen minutes a day at ten a second.
    let hours = Some(types::hours::Hours { from: 780, to: 795, by: ZoneOf::App });
    let found = run(&track(&rules), &[Job { hours, ..job(12_000.0) }], 0);
    let (first, second) = (NOON + HOUR, NOON + 25 * HOUR);
    assert_eq!((found.first_at, found.sent, found.hushed), (Some(first), 9_000, 3_000), "the deadline is tomorrow noon");
    let long = run(&track(&rules), &[Job { hours, deadline: NOON + 48 * HOUR, ..job(12_000.0) }], 0);
    assert_eq!((long.finish_at, long.sent, long.missed), (Some(second + 5 * MINUTE), 12_000, 0));
    // Who comes behind goes on meanwhile.
    let behind = run(&track(&rules), &[Job { hours, deadline: NOON + HOUR * 2, ..job(100.0) }, Job { age: 10, ..job(600.0) }], 1);
    assert_eq!(behind.finish_at, Some(NOON + MINUTE));
}
