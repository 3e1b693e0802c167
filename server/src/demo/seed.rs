//! Fills an empty workspace through the same doors people use; on later starts only the lanes are pointed at the new simulator.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use app::ports::apps::AppForm;
use pipeline::access::campaigns::launch::Pressed;
use pipeline::access::crowd::import::ImportOrder;
use pipeline::house::House;
use pipeline::storage::apps::{App, LaneSettings};
use pipeline::storage::copies::CopySave;
use simulator::Simulator;
use types::crowd::{KeyKind, Mapping, Overrule};
use types::ids::{CopyId, CrowdId};
use types::life::CampaignState;
use types::problem::Problem;
use types::vendor::{PaceUnit, Vendor};
use types::views::campaigns::CampaignForm;

use super::keys::{Kept, Keys};
use super::sample::{self, APPS, COPIES, SampleApp};
use super::twin;
use crate::console::Actor;
use crate::console::apps;

/// The finished sample campaign takes seconds; longer means something is wrong.
const PATIENCE: Duration = Duration::from_secs(60);
/// Pace of the lanes while the finished campaign is made.
const BRISK: u32 = 500;
/// Devices registered in one call.
const AT_ONCE: usize = 500;

fn told(problem: Problem) -> anyhow::Error {
    crate::admin::words(&problem)
}

/// A file only its owner may read.
///
/// # Errors
/// When it cannot be written.
pub fn private_file(path: &Path, text: &str) -> anyhow::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path).with_context(|| format!("writing {}", path.display()))?;
    writeln!(file, "{text}").with_context(|| format!("writing {}", path.display()))
}

/// Makes the sample apps that are missing, and points every sample lane at this start's simulator.
///
/// # Errors
/// Whatever refused a step, in words.
pub async fn apps(house: &Arc<House>, simulator: &Simulator, base: &str, kept_at: &Path) -> anyhow::Result<()> {
    let mut kept = Kept::read(kept_at)?;
    let known = house.storage.apps.list().await?;
    let fresh = known.is_empty();
    for sample in &APPS {
        if fresh && !kept.0.contains_key(sample.name) {
            kept.0.insert(sample.name.to_owned(), Keys::fresh(&house.world, sample.bundle_id, sample.environment)?);
            kept.write(kept_at)?;
        }
        let Some(keys) = kept.0.get_mut(sample.name) else { continue };
        let completed = keys.complete(&house.world);
        let keys = keys.clone();
        if completed {
            kept.write(kept_at)?;
        }
        let app = match known.iter().find(|app| app.name == sample.name && app.environment == sample.environment) {
            Some(app) => app.clone(),
            None if fresh => register(house, sample, &keys).await?,
            // Somebody removed or renamed it: theirs to decide.
            None => continue,
        };
        if completed {
            credentials(house, &app, &keys).await?;
        }
        twin::register(simulator, &keys, base, &app)?;
        for vendor in Vendor::ALL {
            point(house, simulator, &app, vendor, |_| {}).await?;
        }
    }
    if fresh {
        furnish(house, simulator).await?;
    }
    Ok(())
}

async fn register(house: &House, sample: &SampleApp, keys: &Keys) -> anyhow::Result<App> {
    let actor = Actor::system();
    let form = AppForm {
        name: sample.name.to_owned(),
        description: sample.description.to_owned(),
        default_title: sample.default_title.to_owned(),
        vendor_order: Vendor::ALL.to_vec(),
        services: vec!["push".to_owned()],
    };
    let app = apps::register(house, &actor, &form, sample.environment).await.map_err(told)?.app;
    credentials(house, &app, keys).await?;
    for from in (0..sample.devices).step_by(AT_ONCE) {
        let part = (from..(from + AT_ONCE).min(sample.devices)).map(|i| sample::device(&house.world, sample, i)).collect();
        house.storage.devices.register(app.no, part).await?;
    }
    Ok(app)
}

/// Gives every lane without a credential its invented one.
async fn credentials(house: &House, app: &App, keys: &Keys) -> anyhow::Result<()> {
    let known = house.storage.apps.credentials(app.no).await?;
    for vendor in Vendor::ALL.into_iter().filter(|vendor| known.iter().all(|c| c.vendor != *vendor)) {
        apps::put_credential(house, &Actor::system(), &app.id, vendor, &keys.fields(vendor)).await.map_err(told)?;
    }
    Ok(())
}

/// Points a lane at the simulator; `change` may set more.
async fn point(
    house: &House,
    simulator: &Simulator,
    app: &App,
    vendor: Vendor,
    change: impl FnOnce(&mut LaneSettings),
) -> anyhow::Result<()> {
    let lanes = house.storage.apps.lanes_of(app.no).await?;
    let lane = lanes.into_iter().find(|lane| lane.vendor == vendor).context("an app without its lane")?;
    let mut settings = lane.settings.clone();
    settings.base_url = simulator.base_url(vendor);
    settings.ca_pem = Some(simulator.ca_pem().to_owned());
    change(&mut settings);
    if settings != lane.settings {
        apps::put_lane_settings(house, &Actor::system(), &app.id, vendor, settings).await.map_err(told)?;
    }
    Ok(())
}

/// Copies, a crowd, a finished campaign with receipts, and one that runs for some minutes.
async fn furnish(house: &Arc<House>, simulator: &Simulator) -> anyhow::Result<()> {
    let sample = &APPS[0];
    let app = house.storage.apps.list().await?.into_iter().find(|app| app.name == sample.name).context("the first sample app")?;
    let mut copies = Vec::new();
    for copy in &COPIES {
        let save = CopySave {
            name: copy.name.to_owned(),
            tags: vec![copy.tag.to_owned()],
            content: sample::content(copy),
            note: "示例".to_owned(),
            by: Actor::system().name,
            by_id: Actor::system().id,
            now: house.world.now(),
        };
        copies.push(house.storage.copies.create(app.no, CopyId::from_bytes(house.world.id()), save).await?.id);
    }
    let crowd = crowd(house, &app, sample).await?;

    // A name in the title makes a request of its own for each text: at the real paces of the smaller vendors that takes long.
    for vendor in Vendor::ALL {
        point(house, simulator, &app, vendor, |lane| lane.pace_per_second = lane.pace_per_second.max(BRISK)).await?;
    }
    tokio::time::sleep(Duration::from_secs(2)).await;
    let done = launch(house, &app, "复诊提醒 · 第 46 周", &crowd, &copies[0]).await?;
    finished(house, &app, &done).await?;

    // From here on the sample lanes are slow, so that the second campaign is still running when somebody looks.
    for vendor in Vendor::ALL {
        let (pace_per_second, batch) = match vendor.lane_defaults().pace_unit {
            PaceUnit::Targets => (4, 4),
            PaceUnit::Requests if vendor == Vendor::Apns => (5, 1),
            PaceUnit::Requests => (1, 4),
        };
        point(house, simulator, &app, vendor, |lane| (lane.pace_per_second, lane.batch) = (pace_per_second, batch)).await?;
    }
    // A lane obeys new settings at its next look; the second campaign must not slip through before.
    tokio::time::sleep(Duration::from_secs(2)).await;
    launch(house, &app, "流感科普", &crowd, &copies[1]).await?;
    Ok(())
}

async fn crowd(house: &House, app: &App, sample: &SampleApp) -> anyhow::Result<CrowdId> {
    let csv = sample::crowd_csv(sample.devices);
    let mapping = Mapping {
        key: KeyKind::User,
        key_column: 0,
        variables: [("姓名".to_owned(), 1), ("科室".to_owned(), 2)].into(),
        ..Mapping::default()
    };
    let order = ImportOrder {
        name: "近 90 天就诊".to_owned(),
        file_name: "近90天就诊.csv".to_owned(),
        overrule: Overrule::default(),
        mapping: Some(mapping),
    };
    let bytes = futures::stream::iter([Ok::<_, std::io::Error>(bytes::Bytes::from(csv))]);
    Ok(house.crowds.import_all(app.no, "system", order, bytes).await.map_err(told)?.id)
}

async fn launch(house: &House, app: &App, name: &str, crowd: &CrowdId, copy: &CopyId) -> anyhow::Result<types::ids::CampaignId> {
    let form = CampaignForm {
        name: name.to_owned(),
        business: "示例".to_owned(),
        class: "bulk".to_owned(),
        crowd: crowd.as_str().to_owned(),
        copy: copy.as_str().to_owned(),
        lanes: "app".to_owned(),
        when: "now".to_owned(),
        zone: "Asia/Shanghai".to_owned(),
        ..CampaignForm::default()
    };
    let actor = Actor::system();
    let draft = house.campaigns.save(app, None, &form, &actor).await.map_err(told)?;
    house.campaigns.launch(app, &draft.id, draft.revision, &Pressed::default(), &actor).await.map_err(told)?;
    Ok(draft.id)
}

async fn finished(house: &House, app: &App, id: &types::ids::CampaignId) -> anyhow::Result<()> {
    let waited = tokio::time::timeout(PATIENCE, async {
        while house.campaigns.find(app, id).await.map_err(told)?.state != CampaignState::Finished {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        anyhow::Ok(())
    });
    match waited.await {
        Ok(ended) => ended,
        // The rest of the workspace is there all the same.
        Err(_) => {
            tracing::warn!("the sample campaign has not ended yet; the lanes page says why");
            Ok(())
        }
    }
}
