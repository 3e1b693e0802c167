//! Who would be reached, and what they would read. Looks at crowd blocks, never at the whole crowd of millions.

use std::collections::{BTreeMap, BTreeSet};

use types::Millis;
use types::campaign::CampaignSpec;
use types::content::Content;
use types::ids::CrowdId;
use types::life::FilterRule;
use types::vendor::Vendor;
use types::views::campaigns::{Estimate, Sample};

use crate::broker::plan::Planner;
pub use crate::broker::route::per_second;
use crate::broker::route::{self, OpenLane};
use crate::storage::apps::{App, Lane};
use crate::storage::crowds::Crowd;
use crate::storage::{Result, Storage};

/// Recipients shown in the preview.
pub const SAMPLES: usize = 3;

/// What an app can send through now.
pub struct Ways {
    pub lanes: Vec<(Lane, OpenLane)>,
}

impl Ways {
    /// Enabled lanes with a credential, as the broker sees them.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn of(storage: &Storage, app: &App) -> Result<Ways> {
        let credentials: BTreeSet<Vendor> = storage.apps.credentials(app.no).await?.into_iter().map(|row| row.vendor).collect();
        let lanes = storage.apps.lanes_of(app.no).await?;
        let lanes = lanes
            .into_iter()
            .filter(|lane| lane.settings.enabled && credentials.contains(&lane.vendor))
            .map(|lane| {
                let open = OpenLane { lane_no: lane.no, vendor: lane.vendor, chunk: route::chunk_size(lane.vendor, &lane.settings) };
                (lane, open)
            })
            .collect();
        Ok(Ways { lanes })
    }

    /// Open vendors, those of `order` first.
    pub fn vendors(&self, order: &[Vendor]) -> Vec<Vendor> {
        let mut vendors: Vec<Vendor> = self.lanes.iter().map(|(lane, _)| lane.vendor).collect();
        vendors.sort_by_key(|v| route::rank(order, *v));
        vendors
    }
}

/// Counts over the crowd, or over an even sample of it, by the questions planning asks.
///
/// # Errors
/// When the store fails.
pub async fn estimate(
    planner: &Planner,
    app: &App,
    ways: &Ways,
    spec: &CampaignSpec,
    (crowd, content): (&Crowd, Option<&Content>),
    (start, deadline): (Millis, Millis),
) -> Result<Estimate> {
    let blank = Content::default();
    let Some(message) = super::forecast::would_be(app, spec, content.unwrap_or(&blank), start, deadline) else {
        return Ok(Estimate::default());
    };
    let counted = planner.glance(&message, crowd.blocks, start).await?;
    let mut out = Estimate { rows: crowd.counts.valid, looked_at: counted.rows, ..Estimate::default() };
    let mut filtered: BTreeMap<FilterRule, u64> = BTreeMap::new();
    for ((_, slug), n) in &counted.dropped {
        if let Some(rule) = FilterRule::parse(slug) {
            *filtered.entry(rule).or_default() += n;
        }
    }
    for (seat, load) in &counted.seats {
        *out.reachable.entry(seat.vendor).or_default() += load.devices - load.unsayable;
        if load.unsayable > 0 {
            *filtered.entry(FilterRule::Content).or_default() += load.unsayable;
        }
    }
    out.filtered = filtered.into_iter().collect();
    out.missing = counted.missing.into_iter().collect();
    for (lane, _) in &ways.lanes {
        let Some(n) = out.reachable.get(&lane.vendor) else { continue };
        let all = *n as f64 * out.rows as f64 / (out.looked_at.max(1)) as f64;
        out.seconds.insert(lane.vendor, (all / per_second(lane).max(0.001)).ceil() as u64);
    }
    Ok(out)
}

/// A recipient's own values over those for everybody; blank ones do not count.
pub fn merged(given: &BTreeMap<String, String>, own: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let mut values = given.clone();
    values.extend(own.iter().filter(|(_, v)| !v.trim().is_empty()).map(|(k, v)| (k.clone(), v.clone())));
    values
}

/// The copy as the first recipients of the crowd would read it; without a crowd, with the values given for everybody.
///
/// # Errors
/// When the store fails.
pub async fn samples(
    storage: &Storage,
    app: &App,
    crowd: Option<&CrowdId>,
    content: &Content,
    given: &BTreeMap<String, String>,
) -> Result<Vec<Sample>> {
    let render = |values: &BTreeMap<String, String>| {
        let (mut content, missing) = types::copy::render(content, values);
        if content.title.trim().is_empty() {
            content.title.clone_from(&app.default_title);
        }
        Sample { content, missing: missing.into_iter().collect() }
    };
    let mut rows = Vec::new();
    if let Some(crowd) = crowd
        && storage.crowds.get(crowd).await?.is_some_and(|c| c.app_no == app.no)
        && let Some(block) = storage.crowds.block(crowd, 0).await?
    {
        rows = block.rows;
    }
    if rows.is_empty() {
        return Ok(vec![render(given)]);
    }
    Ok(rows.iter().take(SAMPLES).map(|row| render(&merged(given, &row.variables))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blank_value_of_its_own_hides_nothing() {
        let own = BTreeMap::from([("b".to_owned(), " ".to_owned())]);
        let given = BTreeMap::from([("b".to_owned(), "for all".to_owned())]);
        assert_eq!(merged(&given, &own)["b"], "for all", "a blank value does not hide the one for everybody");
    }
}
