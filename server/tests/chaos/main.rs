//! kill -9 at random moments of a campaign over both vendors, again and again; the simulator's ledger is the judge.
//!
//! Short by default. `CARILLON_CHAOS_ROUNDS`, `CARILLON_CHAOS_DEVICES` and `CARILLON_CHAOS_SEED` make it long or repeat a
//! failure (`make chaos`). The engine is the real program, `carillon serve --roles worker,scheduler`, so that a kill is a kill.

mod judge;
mod stage;

use std::time::Duration;

use stage::{Stage, Toss};
use types::life::MessageState;

/// Longest a round may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(240);
/// Between two looks at the store.
const LOOK_EVERY: Duration = Duration::from_millis(10);

fn setting(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_and_nothing_repeated_whenever_the_engine_dies() {
    let rounds = setting("CARILLON_CHAOS_ROUNDS", 3);
    let devices = setting("CARILLON_CHAOS_DEVICES", 20_000) as usize;
    let seed = setting("CARILLON_CHAOS_SEED", 1);
    let stage = Stage::set(devices).await;
    for round in 0..rounds {
        let toss = Toss::new(seed.wrapping_mul(1_000).wrapping_add(round));
        let report = play(&stage, round, &toss).await;
        eprintln!("chaos seed {seed} round {round}: {report}");
    }
    stage.end().await;
}

/// When the engine dies next.
enum Moment {
    /// So long after its start.
    After(Duration),
    /// When so many recipients have an outcome.
    At(u64),
}

/// One message to everybody, with a handful of kills on the way.
async fn play(stage: &Stage, round: u64, toss: &Toss) -> judge::Report {
    let message = stage.submit(round).await;
    let kills = 2 + toss.below(4);
    let mut goals: Vec<u64> = (0..kills).map(|_| toss.below(stage.recipients())).collect();
    goals.sort_unstable();
    let mut trial = judge::Trial::default();
    let began = tokio::time::Instant::now();
    for goal in goals {
        // A third of the kills hit the start: opening, taking up what is left, planning.
        let moment = if toss.below(3) == 0 { Moment::After(Duration::from_millis(toss.below(400))) } else { Moment::At(goal) };
        let mut engine = stage.engine();
        let started = tokio::time::Instant::now();
        let over = loop {
            let known = trial.look(stage, message.no).await;
            if stage.state(message.no).await == MessageState::Finished {
                break true;
            }
            let now = match moment {
                Moment::After(time) => started.elapsed() >= time,
                Moment::At(goal) => known >= goal,
            };
            if now {
                break false;
            }
            assert!(engine.lives(), "the engine died by itself in round {round}");
            assert!(began.elapsed() < PATIENCE, "round {round} hangs at {known} of {}", stage.recipients());
            tokio::time::sleep(LOOK_EVERY).await;
        };
        engine.kill();
        trial.after_kill(stage, message.no).await;
        if over {
            break;
        }
    }
    let mut engine = stage.engine();
    while stage.state(message.no).await != MessageState::Finished {
        let known = trial.look(stage, message.no).await;
        assert!(engine.lives(), "the engine died by itself in round {round}");
        assert!(began.elapsed() < PATIENCE, "round {round} hangs at {known} of {}", stage.recipients());
        stage.try_again().await;
        tokio::time::sleep(LOOK_EVERY).await;
    }
    engine.kill();
    trial.verdict(stage, message.no).await
}
