//! Who would be reached, and what they would read. Looks at crowd blocks, never at the whole crowd of millions.

use std::collections::{BTreeMap, BTreeSet};

use types::content::Content;
use types::crowd::KeyKind;
use types::ids::CrowdId;
use types::life::FilterRule;
use types::vendor::{PaceUnit, Vendor};
use types::views::campaigns::{Estimate, Sample};

use crate::broker::health::Standings;
use crate::broker::route::{self, OpenLane};
use crate::policy::Demands;
use crate::storage::apps::{App, Lane};
use crate::storage::crowd_frame::CrowdRow;
use crate::storage::devices::{Reach, Reached};
use crate::storage::{Result, Storage};

/// Blocks (1,000 rows each) one estimate looks at; a larger crowd is sampled evenly.
const BLOCKS_MAX: i64 = 40;
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

/// Device messages per second a lane may send.
pub fn per_second(lane: &Lane) -> f64 {
    let pace = f64::from(lane.settings.pace_per_second);
    match lane.vendor.lane_defaults().pace_unit {
        PaceUnit::Requests => pace * f64::from(lane.settings.batch.clamp(1, lane.vendor.lane_defaults().batch)),
        PaceUnit::Targets => pace,
    }
}

async fn reach(storage: &Storage, app_no: i64, rows: &[CrowdRow]) -> Result<Reached> {
    let mut out: Reached = vec![Vec::new(); rows.len()];
    for kind in KeyKind::ALL {
        let token = |row: &CrowdRow| row.vendor;
        let indexes: Vec<usize> =
            (0..rows.len()).filter(|i| rows[*i].kind == kind && (kind != KeyKind::Token || token(&rows[*i]).is_some())).collect();
        for part in indexes.chunks(1_000) {
            let names = || part.iter().map(|i| rows[*i].text.clone()).collect::<Vec<String>>();
            let found = match kind {
                KeyKind::User => storage.devices.reach_users(app_no, &names()).await?,
                KeyKind::Device => storage.devices.reach_devices(app_no, &names()).await?,
                KeyKind::Token => {
                    let tokens: Vec<(Vendor, String)> =
                        part.iter().filter_map(|i| Some((token(&rows[*i])?, rows[*i].text.clone()))).collect();
                    storage.devices.reach_tokens(app_no, &tokens).await?
                }
            };
            for (i, reaches) in part.iter().zip(found) {
                out[*i] = reaches;
            }
        }
    }
    Ok(out)
}

/// The fate of one row, device by device: the same questions the broker asks when it plans.
pub fn fates(
    row: &CrowdRow,
    reaches: Vec<Reach>,
    order: &[Vendor],
    lanes: &[OpenLane],
    demands: Demands,
) -> Vec<std::result::Result<Vendor, FilterRule>> {
    if reaches.is_empty() {
        let named = row.vendor.filter(|_| row.kind == KeyKind::Token);
        return vec![match named {
            Some(vendor) if lanes.iter().any(|lane| lane.vendor == vendor) => Ok(vendor),
            Some(_) => Err(FilterRule::NoLane),
            None => Err(FilterRule::NoDevice),
        }];
    }
    let mut by_device: BTreeMap<i64, Vec<Reach>> = BTreeMap::new();
    for reach in reaches {
        by_device.entry(reach.device_no).or_default().push(reach);
    }
    by_device
        .into_values()
        .map(|tokens| route::choose(&tokens, order, lanes, demands, &Standings::default()).map(|choice| choice.lane.vendor))
        .collect()
}

/// Block numbers to look at: all, or [`BLOCKS_MAX`] spread evenly.
fn chosen(blocks: i64) -> Vec<i64> {
    if blocks <= BLOCKS_MAX {
        return (0..blocks).collect();
    }
    (0..BLOCKS_MAX).map(|i| i * blocks / BLOCKS_MAX).collect()
}

/// Counts over the crowd, or over an even sample of it.
///
/// # Errors
/// When the store fails.
pub async fn estimate(
    storage: &Storage,
    app: &App,
    ways: &Ways,
    order: &[Vendor],
    crowd: &CrowdId,
    content: Option<&Content>,
    given: &BTreeMap<String, String>,
) -> Result<Option<Estimate>> {
    let Some(found) = storage.crowds.get(crowd).await?.filter(|c| c.app_no == app.no) else { return Ok(None) };
    let lanes: Vec<OpenLane> = ways.lanes.iter().map(|(_, open)| *open).collect();
    let order = if order.is_empty() { &app.vendor_order } else { order };
    let demands = Demands { environment: app.environment, test_only: false };
    let must = content.map(must_have).unwrap_or_default();
    let mut out = Estimate { rows: found.counts.valid, ..Estimate::default() };
    let mut filtered: BTreeMap<FilterRule, u64> = BTreeMap::new();
    let mut missing: BTreeMap<String, u64> = BTreeMap::new();
    for seq in chosen(found.blocks) {
        let Some(block) = storage.crowds.block(crowd, seq).await? else { break };
        let reached = reach(storage, app.no, &block.rows).await?;
        for (row, reaches) in block.rows.iter().zip(reached) {
            out.looked_at += 1;
            for fate in fates(row, reaches, order, &lanes, demands) {
                match fate {
                    Ok(vendor) => *out.reachable.entry(vendor).or_default() += 1,
                    Err(rule) => *filtered.entry(rule).or_default() += 1,
                }
            }
            for name in &must {
                if !row.variables.contains_key(name) && !given.contains_key(name) {
                    *missing.entry(name.clone()).or_default() += 1;
                }
            }
        }
    }
    out.filtered = filtered.into_iter().collect();
    out.missing = missing.into_iter().collect();
    for (lane, _) in &ways.lanes {
        let Some(n) = out.reachable.get(&lane.vendor) else { continue };
        let all = *n as f64 * out.rows as f64 / (out.looked_at.max(1)) as f64;
        out.seconds.insert(lane.vendor, (all / per_second(lane).max(0.001)).ceil() as u64);
    }
    Ok(Some(out))
}

/// Variables used somewhere without a fallback.
fn must_have(content: &Content) -> BTreeSet<String> {
    types::copy::render(content, &BTreeMap::new()).1
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
    fn a_large_crowd_is_sampled_evenly_and_a_small_one_whole() {
        assert_eq!(chosen(3), [0, 1, 2]);
        let sample = chosen(10_000);
        assert_eq!(sample.len(), BLOCKS_MAX as usize);
        assert!(sample.windows(2).all(|w| w[1] - w[0] == 250));
    }

    #[test]
    fn only_variables_without_fallback_are_missed() {
        let content = Content { title: "{{a|x}}".into(), body: "{{b}} {{c}}".into(), ..Content::default() };
        assert_eq!(must_have(&content).into_iter().collect::<Vec<_>>(), ["b", "c"]);
        let own = BTreeMap::from([("b".to_owned(), " ".to_owned())]);
        let given = BTreeMap::from([("b".to_owned(), "for all".to_owned())]);
        assert_eq!(merged(&given, &own)["b"], "for all", "a blank value does not hide the one for everybody");
    }
}
