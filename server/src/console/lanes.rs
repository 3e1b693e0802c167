//! How lanes stand: the books joined with what this process is doing.

use std::collections::BTreeMap;

use pipeline::channel::breaker::BreakerState;
use pipeline::channel::status::LaneStatus;
use pipeline::statistics::health::{self, LaneBooks};
use pipeline::storage::lane_events::LaneEvent;
use types::Millis;
use types::content::MessageClass;
use types::egress::WayView;
use types::ids::AppId;
use types::problem::Problem;
use types::views::lanes::{BackDoorView, LaneEventView, LaneView, LaneWord, LanesView, LastFailure, RefusedBody};

use super::books::BooksConsole;
use super::store;

/// Bodies with an error on the page.
const REFUSED_SHOWN: u32 = 20;
/// Events of each lane.
const EVENTS_SHOWN: u32 = 8;

pub async fn view(books: &BooksConsole, app: &AppId) -> Result<LanesView, Problem> {
    let app_no = books.app_no(app).await?;
    let now = books.house.world.now();
    let receipts = &books.house.storage.receipts;
    let door = receipts.back_door(app_no).await.map_err(|e| store(&e))?;
    let refused = receipts.refused(app_no, REFUSED_SHOWN).await.map_err(|e| store(&e))?;
    let refused = refused
        .into_iter()
        .map(|(raw, end)| RefusedBody {
            at: raw.raw.received_at,
            vendor: raw.raw.vendor,
            bytes: raw.raw.body.len() as u64,
            found: end.found,
            refused: end.refused,
            error: end.error.unwrap_or_default(),
        })
        .collect();
    Ok(LanesView {
        now,
        lanes: lanes(books, app_no, now).await?,
        back_door: BackDoorView { fresh: door.fresh, orphans: door.orphans, dropped: door.dropped, refused },
    })
}

/// Every lane of an app.
pub async fn lanes(books: &BooksConsole, app_no: i64, now: Millis) -> Result<Vec<LaneView>, Problem> {
    let found: Vec<LaneBooks> = health::lanes(&books.house.storage, app_no, now, books.midnight(now)).await.map_err(|e| store(&e))?;
    let numbers: Vec<i64> = found.iter().map(|lane| lane.lane.no).collect();
    let mut events: BTreeMap<i64, Vec<LaneEventView>> = BTreeMap::new();
    for event in books.house.storage.lane_events.latest(&numbers, EVENTS_SHOWN).await.map_err(|e| store(&e))? {
        let LaneEvent { lane_no, at, what, until, words, node } = event;
        events.entry(lane_no).or_default().push(LaneEventView { what, at, until, words, node });
    }
    let aside: BTreeMap<i64, u64> = books.house.storage.chunks.poisoned_by_lane().await.map_err(|e| store(&e))?.into_iter().collect();
    Ok(found
        .into_iter()
        .map(|lane| {
            let status = books.house.lane_status(lane.lane.no);
            let ways = ways(books, &lane, now);
            let history = events.remove(&lane.lane.no).unwrap_or_default();
            let poisoned = aside.get(&lane.lane.no).copied().unwrap_or(0);
            LaneView { history, poisoned, ..lane_view(lane, status, ways, now) }
        })
        .collect())
}

fn ways(books: &BooksConsole, lane: &LaneBooks, now: Millis) -> Vec<WayView> {
    let list = &lane.lane.settings.ways;
    let health = books.house.egresses().of(lane.lane.no, list.len());
    list.iter()
        .zip(health)
        .map(|(way, health)| WayView {
            way: way.clone(),
            requests: health.requests,
            failed: health.failed,
            out_until: health.out_until.filter(|until| *until > now),
        })
        .collect()
}

fn lane_view(books: LaneBooks, status: LaneStatus, ways: Vec<WayView>, now: Millis) -> LaneView {
    let (word, until) = word(&books, &status, now);
    let settings = books.lane.settings;
    let follow = super::follow_up::of(&settings).told();
    LaneView {
        vendor: books.lane.vendor,
        word,
        reason: books.lane.paused.filter(|_| word == LaneWord::Paused),
        until,
        base_url: settings.base_url,
        pace_per_second: settings.pace_per_second,
        pace_unit: books.lane.vendor.lane_defaults().pace_unit,
        batch: settings.batch,
        in_flight: settings.in_flight,
        daily_quota: settings.daily_quota,
        waiting_devices: books.backlog.recipients,
        waiting_chunks: books.backlog.chunks,
        poisoned: 0,
        oldest: books.backlog.oldest,
        today: books.today,
        last_minute: books.last_minute,
        last_success: status.last_success,
        last_failure: status.last_failure.map(|(class, words, at)| LastFailure { class, words, at }),
        mass_death_at: status.mass_death_at,
        follow,
        breaker: settings.breaker.told(),
        ways,
        history: Vec::new(),
    }
}

/// The worst that applies, and when it ends by itself.
fn word(books: &LaneBooks, status: &LaneStatus, now: Millis) -> (LaneWord, Option<Millis>) {
    let later = |at: Option<Millis>| at.filter(|at| *at > now);
    if !books.lane.settings.enabled {
        return (LaneWord::SwitchedOff, None);
    }
    if !books.has_credential {
        return (LaneWord::NoCredential, None);
    }
    if books.lane.paused.is_some() {
        return (LaneWord::Paused, None);
    }
    // The vendor's quota, or our own for the day: of everything, or of one class only.
    let (bulk, urgent) = (status.used_up(MessageClass::Bulk, now), status.used_up(MessageClass::Transactional, now));
    if let (Some(bulk), Some(urgent)) = (bulk, urgent) {
        return (LaneWord::QuotaClosed, Some(bulk.min(urgent)));
    }
    match status.breaker {
        Some(BreakerState::Tripped { until }) => return (LaneWord::Tripped, later(Some(until))),
        Some(BreakerState::Probing) => return (LaneWord::Probing, None),
        Some(BreakerState::Flowing) | None => {}
    }
    match (bulk, urgent) {
        (Some(until), _) => return (LaneWord::BulkClosed, Some(until)),
        (_, Some(until)) => return (LaneWord::UrgentClosed, Some(until)),
        (None, None) => {}
    }
    match later(status.slow_until) {
        Some(until) => (LaneWord::Slowed, Some(until)),
        None => (LaneWord::Flowing, None),
    }
}

#[cfg(test)]
mod tests {
    use pipeline::storage::apps::{Lane, LaneSettings};
    use pipeline::storage::chunks::Backlog;
    use types::funnel::FunnelLane;
    use types::vendor::Vendor;

    use super::*;

    fn books() -> LaneBooks {
        let settings = LaneSettings {
            enabled: true,
            base_url: String::new(),
            ca_pem: None,
            pace_per_second: 1,
            batch: 1,
            in_flight: 1,
            daily_quota: 0,
            egress_proxy: None,
            timeout_ms: 1,
            ..LaneSettings::default()
        };
        let lane = Lane { no: 1, app_no: 1, vendor: Vendor::Apns, settings, paused: None };
        LaneBooks { lane, has_credential: true, backlog: Backlog::default(), today: FunnelLane::default(), last_minute: 0 }
    }

    #[test]
    fn the_worst_word_wins() {
        let mut books = books();
        let mut status = LaneStatus::default();
        assert_eq!(word(&books, &status, 10), (LaneWord::Flowing, None));
        status.slow_until = Some(20);
        assert_eq!(word(&books, &status, 10), (LaneWord::Slowed, Some(20)));
        assert_eq!(word(&books, &status, 20), (LaneWord::Flowing, None));
        status.breaker = Some(BreakerState::Tripped { until: 15 });
        assert_eq!(word(&books, &status, 10), (LaneWord::Tripped, Some(15)));
        status.closed.transactional = Some(30);
        assert_eq!(word(&books, &status, 10), (LaneWord::Tripped, Some(15)), "one class is the smaller trouble");
        assert_eq!(word(&books, &LaneStatus { breaker: None, ..status.clone() }, 10), (LaneWord::UrgentClosed, Some(30)));
        status.quota.bulk = Some(40);
        assert_eq!(word(&books, &status, 10), (LaneWord::QuotaClosed, Some(30)));
        status.closed.transactional = None;
        status.breaker = None;
        assert_eq!(word(&books, &status, 10), (LaneWord::BulkClosed, Some(40)));
        books.lane.paused = Some("refused".into());
        assert_eq!(word(&books, &status, 10).0, LaneWord::Paused);
        books.has_credential = false;
        assert_eq!(word(&books, &status, 10).0, LaneWord::NoCredential);
        books.lane.settings.enabled = false;
        assert_eq!(word(&books, &status, 10).0, LaneWord::SwitchedOff);
    }
}
