//! What follows a lane's sends: its settings, and the recipients of one message that nobody heard of.

use pipeline::access::actor::Actor;
use pipeline::broker::quota::bulk_ledger;
use pipeline::channel::retry::next_beijing_midnight;
use pipeline::house::House;
use pipeline::storage::apps::{App, Lane, LaneSettings};
use pipeline::storage::tallies::{Measure, fold};
use serde_json::json;
use types::follow::FollowUp;
use types::ids::MessageId;
use types::problem::Problem;
use types::views::lanes::{FollowView, SilentLane, SilentView};

use super::store;

pub const fn of(settings: &LaneSettings) -> FollowUp {
    FollowUp {
        receipt_wait_s: settings.receipt_wait_s,
        resend_times: settings.resend_times,
        resend_for_bulk: settings.resend_for_bulk,
        next_lane_for_bulk: settings.next_lane_for_bulk,
        bulk_quota: settings.bulk_quota,
    }
}

pub fn with(settings: LaneSettings, rules: FollowUp) -> LaneSettings {
    LaneSettings {
        receipt_wait_s: rules.receipt_wait_s,
        resend_times: rules.resend_times,
        resend_for_bulk: rules.resend_for_bulk,
        next_lane_for_bulk: rules.next_lane_for_bulk,
        bulk_quota: rules.bulk_quota,
        ..settings
    }
}

/// Of the lanes with a credential.
///
/// # Errors
/// When the store fails.
pub async fn list(house: &House, app: &App) -> Result<Vec<FollowView>, Problem> {
    let credentials = house.storage.apps.credentials(app.no).await.map_err(|e| store(&e))?;
    let day = next_beijing_midnight(house.world.now());
    let mut out = Vec::new();
    for lane in house.storage.apps.lanes_of(app.no).await.map_err(|e| store(&e))? {
        if !credentials.iter().any(|row| row.vendor == lane.vendor) {
            continue;
        }
        let rules = of(&lane.settings);
        let left = match rules.bulk_quota {
            0 => None,
            limit => house.coordination.quotas.left(bulk_ledger(lane.no), day, limit).await,
        };
        out.push(FollowView { vendor: lane.vendor, rules, bulk_used: left.map(|left| rules.bulk_quota.saturating_sub(left)) });
    }
    Ok(out)
}

/// In force within a second.
///
/// # Errors
/// `InvalidFields` with every field at fault.
pub async fn put(house: &House, actor: &Actor, app: &App, old: Lane, rules: FollowUp) -> Result<(), Problem> {
    let errors = rules.check(old.vendor, "rules");
    if !errors.is_empty() {
        return Err(Problem::fields(errors));
    }
    let told = |rules: FollowUp| json!({ "follow": rules.told().en });
    let object = format!("{}/{}", app.id, old.vendor.slug());
    let entry = actor.entry(&house.world, "lane.follow", &object, Some(&app.id), Some(told(of(&old.settings))), Some(told(rules)));
    let settings = with(old.settings, rules);
    house.storage.apps.put_lane(app.no, old.vendor, settings, Some(entry)).await.map_err(|e| store(&e))?;
    house.coordination.wakes.wake(pipeline::broker::wakes::LANES);
    Ok(())
}

/// Who of a message was accepted and not heard of, by lane.
///
/// # Errors
/// `NotFound`.
pub async fn silent(house: &House, app: &App, message: &MessageId) -> Result<SilentView, Problem> {
    let message = house.controls.find(app, message).await?;
    let counters = house.storage.tallies.of_message(message.no).await.map_err(|e| store(&e))?;
    let lanes = house.storage.apps.lanes_of(app.no).await.map_err(|e| store(&e))?;
    let resent = |vendor| {
        counters.iter().filter(|(of, measure, _)| *of == Some(vendor) && *measure == Measure::Resent).map(|(_, _, n)| *n).sum::<i64>()
    };
    let funnel = fold(counters.clone());
    let row = |lane: &types::funnel::FunnelLane| {
        let vendor = lane.vendor?;
        let delivered = lane.receipts.get("delivered").copied().unwrap_or(0);
        let rule = lanes.iter().find(|known| known.vendor == vendor).map(|known| of(&known.settings)).unwrap_or_default();
        Some(SilentLane {
            vendor,
            accepted: lane.equation.accepted,
            delivered,
            silent: lane.equation.accepted.saturating_sub(delivered),
            resent: resent(vendor).max(0).unsigned_abs(),
            rule: rule.told(),
        })
    };
    let title = if message.content.title.is_empty() { message.content.body.clone() } else { message.content.title.clone() };
    Ok(SilentView {
        id: message.id,
        title,
        now: house.world.now(),
        deadline: message.deadline,
        lanes: funnel.lanes.iter().filter_map(row).collect(),
    })
}
