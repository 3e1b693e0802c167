use crate::support::on_sqlite as house;

#[path = "cases.rs"]
#[expect(clippy::duplicate_mod, reason = "written once, compiled for each store")]
mod cases;
#[path = "dead_letters.rs"]
#[expect(clippy::duplicate_mod, reason = "written once, compiled for each store")]
mod dead_letters;
#[path = "forecast.rs"]
#[expect(clippy::duplicate_mod, reason = "written once, compiled for each store")]
mod forecast;
#[path = "poison.rs"]
#[expect(clippy::duplicate_mod, reason = "written once, compiled for each store")]
mod poison;
#[path = "policy.rs"]
#[expect(clippy::duplicate_mod, reason = "written once, compiled for each store")]
mod policy;
#[path = "ramp.rs"]
#[expect(clippy::duplicate_mod, reason = "written once, compiled for each store")]
mod ramp;
#[path = "recall.rs"]
#[expect(clippy::duplicate_mod, reason = "written once, compiled for each store")]
mod recall;
#[path = "resends.rs"]
#[expect(clippy::duplicate_mod, reason = "written once, compiled for each store")]
mod resends;
#[path = "schedule.rs"]
#[expect(clippy::duplicate_mod, reason = "written once, compiled for each store")]
mod schedule;
#[path = "turns.rs"]
#[expect(clippy::duplicate_mod, reason = "written once, compiled for each store")]
mod turns;
