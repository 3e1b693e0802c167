//! Funnels from counters: of messages, and of an app over a time.

use std::collections::BTreeMap;

use types::Millis;
use types::funnel::{Funnel, FunnelLane};
use types::ids::{CampaignId, MessageId};
use types::listing::{PAGE_MAX, PageRequest};
use types::vendor::Vendor;

use crate::storage::messages::{MessageFilter, Origin};
use crate::storage::tallies::{Grain, Measure, Point, fold};
use crate::storage::{Result, Storage};

/// The funnel of one message.
///
/// # Errors
/// When the store fails.
pub async fn of_message(storage: &Storage, message_no: i64) -> Result<Funnel> {
    Ok(fold(storage.tallies.of_message(message_no).await?))
}

/// The funnel of several messages as one (a campaign with its resends).
///
/// # Errors
/// When the store fails.
pub async fn of_messages(storage: &Storage, message_nos: &[i64]) -> Result<Funnel> {
    let mut all: BTreeMap<(Option<Vendor>, Measure), i64> = BTreeMap::new();
    for no in message_nos {
        for (vendor, measure, n) in storage.tallies.of_message(*no).await? {
            *all.entry((vendor, measure)).or_default() += n;
        }
    }
    Ok(fold(all.into_iter().map(|((vendor, measure), n)| (vendor, measure, n))))
}

/// The messages a campaign consists of, oldest first: its own and its resends. Test sends carry its id but are not part of it.
///
/// # Errors
/// When the store fails.
pub async fn parts(storage: &Storage, app_no: i64, campaign: &CampaignId) -> Result<Vec<(i64, MessageId)>> {
    let mut parts = Vec::new();
    for origin in [Origin::Campaign, Origin::Resend] {
        let filter = MessageFilter { campaign: Some(campaign.clone()), origin: Some(origin), ..MessageFilter::default() };
        let mut page = PageRequest { after: None, size: PAGE_MAX };
        loop {
            let found = storage.messages.list(app_no, &filter, &page).await?;
            parts.extend(found.items.into_iter().map(|m| (m.no, m.id)));
            if found.next.is_none() {
                break;
            }
            page.after = found.next;
        }
    }
    parts.sort_unstable_by_key(|(no, _)| *no);
    Ok(parts)
}

/// What happened in an app between `from` and `to`: events of that time, whenever their message was made. Hours where they
/// fit, minutes at the edges (minutes older than their retention are gone: then the edge is rounded to its hour).
///
/// # Errors
/// When the store fails.
pub async fn over_time(storage: &Storage, app_no: i64, from: Millis, to: Millis, minutes_since: Millis) -> Result<Funnel> {
    let points = points(storage, app_no, from, to, minutes_since).await?;
    Ok(fold(points.into_iter().map(|p| (p.vendor, p.measure, p.n))))
}

/// The buckets that cover `from .. to` without overlap.
pub(super) async fn points(storage: &Storage, app_no: i64, from: Millis, to: Millis, minutes_since: Millis) -> Result<Vec<Point>> {
    let hour = Grain::Hour.ms();
    let up = |at: Millis| at.div_euclid(hour) * hour + if at.rem_euclid(hour) == 0 { 0 } else { hour };
    let down = |at: Millis| at.div_euclid(hour) * hour;
    let minute_edge = |at: Millis| at >= minutes_since;
    let (first, first_is_minute) = if minute_edge(from) { (up(from).min(to), true) } else { (down(from), false) };
    let (last, last_is_minute) = if minute_edge(down(to)) { (down(to).max(first), true) } else { (up(to), false) };
    let mut out = storage.tallies.series(Some(app_no), Grain::Hour, first, last).await?;
    if first_is_minute && from < first {
        out.extend(storage.tallies.series(Some(app_no), Grain::Minute, from, first).await?);
    }
    if last_is_minute && last < to {
        out.extend(storage.tallies.series(Some(app_no), Grain::Minute, last, to).await?);
    }
    Ok(out)
}

/// One lane of a funnel, or an empty one.
pub fn lane(funnel: &Funnel, vendor: Option<Vendor>) -> FunnelLane {
    funnel.lanes.iter().find(|lane| lane.vendor == vendor).cloned().unwrap_or(FunnelLane { vendor, ..FunnelLane::default() })
}
