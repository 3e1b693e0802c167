//! Before the button: what a campaign would come to. After it: the forecast that was shown, beside what came.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use ring::digest;
use serde_json::json;
use types::Millis;
use types::campaign::CampaignSpec;
use types::content::Content;
use types::funnel::Funnel;
use types::ids::{CampaignId, MessageId};
use types::life::{CampaignState, MessageState};
use types::listing::PageRequest;
use types::problem::Problem;
use types::views::forecast::{Facts, Forecast, ForecastView, OtherLoad, facts};

use super::{CampaignDesk, check};
use crate::access::accept::store_problem;
use crate::broker::forecast::{Other, Question};
use crate::broker::plan::Share;
use crate::storage::apps::App;
use crate::storage::campaigns::{Campaign, CampaignFilter};
use crate::storage::crowds::Crowd;
use crate::storage::messages::{Message, Origin, Targets};
use crate::storage::tallies;

/// A forecast so fresh is the one that was just shown.
const FRESH_MS: Millis = 15_000;
/// Other campaigns looked at.
const OTHERS: u32 = 50;

/// What was made for pages a moment ago, by campaign; and whose turn it is: counting a crowd is work, one does it at a time.
#[derive(Clone, Default)]
pub struct Made {
    known: Arc<Mutex<BTreeMap<CampaignId, (String, Forecast)>>>,
    turn: Arc<tokio::sync::Mutex<()>>,
}

impl Made {
    fn fresh(&self, id: &CampaignId, made_of: &str, now: Millis) -> Option<Forecast> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|_, (_, forecast)| now - forecast.at < FRESH_MS);
        known.get(id).filter(|(of, _)| of == made_of).map(|(_, forecast)| forecast.clone())
    }

    fn keep(&self, id: &CampaignId, made_of: &str, forecast: &Forecast) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(id.clone(), (made_of.to_owned(), forecast.clone()));
    }
}

/// What a campaign is made of now, with everything resolved that may still move under it.
pub struct Parts {
    pub content: Content,
    pub version: u32,
    pub crowd: Crowd,
    /// Digest of all of it: what was approved, or forecast, is what this says.
    pub made_of: String,
}

/// Of the spec with its copy's version fixed, the words of that version, the lanes' order that counts, the crowd's rows.
fn digest_of(app: &App, spec: &CampaignSpec, content: &Content, version: u32, rows: u64) -> String {
    let spec = CampaignSpec { copy_version: Some(version), ..spec.clone() };
    let told = json!({ "spec": spec, "content": content, "lanes": super::vendors_of(app, &spec), "rows": rows,
        "default_title": app.default_title, "environment": app.environment });
    hex::encode(digest::digest(&digest::SHA256, told.to_string().as_bytes()))
}

/// The message a campaign would be: nobody has it, and it is never stored.
pub(super) fn would_be(app: &App, spec: &CampaignSpec, content: &Content, start: Millis, deadline: Millis) -> Option<Message> {
    Some(Message {
        // No stored message: places that anybody holds are others'.
        no: -1,
        id: MessageId::from_bytes([0; 16]),
        app_no: app.no,
        campaign: None,
        origin: Origin::Campaign,
        class: spec.class,
        rank: spec.class.into(),
        business: spec.business.clone(),
        content: content.clone(),
        variables: spec.variables.clone(),
        targets: Targets::Crowd { crowd: spec.crowd.clone()? },
        vendor_order: spec.vendor_order.clone(),
        versions: spec.versions.clone(),
        hours: spec.hours,
        state: MessageState::Planning,
        cursor: 0,
        deadline,
        account: String::new(),
        address: String::new(),
        created_at: start,
        finished_at: None,
        forgotten_at: None,
    })
}

impl CampaignDesk {
    /// What it is made of; `None` while no crowd or copy is chosen, or one of them is gone.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn parts(&self, app: &App, spec: &CampaignSpec) -> Result<Option<Parts>, Problem> {
        let Some(crowd) = &spec.crowd else { return Ok(None) };
        let crowd = self.storage.crowds.get(crowd).await.map_err(|e| store_problem(&e))?.filter(|c| c.app_no == app.no);
        let copy = match self.copy_of(app, spec).await {
            Ok(copy) => Some(copy),
            Err(problem) if problem.errors.is_empty() => return Err(problem),
            Err(_) => None,
        };
        let (Some(crowd), Some((content, version))) = (crowd, copy) else { return Ok(None) };
        let made_of = digest_of(app, spec, &content, version, crowd.counts.valid);
        Ok(Some(Parts { content, version, crowd, made_of }))
    }

    /// What the campaign would come to if it started now, or at its time; as it was told a moment ago if it was.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn forecast(&self, app: &App, campaign: &Campaign, parts: &Parts) -> Result<Forecast, Problem> {
        let _turn = self.made.turn.lock().await;
        let now = self.world.now();
        if let Some(known) = self.made.fresh(&campaign.id, &parts.made_of, now) {
            return Ok(known);
        }
        let (start, deadline) = check::times(&campaign.spec, now);
        let others = self.others(app, campaign, deadline).await?;
        let forecast = self.foresee(app, &campaign.spec, parts, (start, deadline), &others, Share::WHOLE).await?;
        self.made.keep(&campaign.id, &parts.made_of, &forecast);
        Ok(forecast)
    }

    async fn foresee(
        &self,
        app: &App,
        spec: &CampaignSpec,
        parts: &Parts,
        (start, deadline): (Millis, Millis),
        others: &[Other],
        share: Share,
    ) -> Result<Forecast, Problem> {
        let Some(message) = would_be(app, spec, &parts.content, start, deadline) else { return Ok(Forecast::default()) };
        let (rows, blocks) = (parts.crowd.counts.valid, parts.crowd.blocks);
        let asked = Question { message: &message, rows, blocks, starts_at: start, others, share };
        self.planner.foresee(&asked).await.map_err(|e| store_problem(&e))
    }

    /// The app's other campaigns that use its lanes before `until`.
    async fn others(&self, app: &App, mine: &Campaign, until: Millis) -> Result<Vec<Other>, Problem> {
        let mut out = Vec::new();
        for state in [CampaignState::Running, CampaignState::Scheduled] {
            let filter = CampaignFilter { state: Some(state), text: None };
            let page = PageRequest { after: None, size: OTHERS };
            let found = self.storage.campaigns.list(app.no, &filter, &page).await.map_err(|e| store_problem(&e))?;
            for other in found.items.into_iter().filter(|c| c.id != mine.id) {
                let told = match state {
                    CampaignState::Running => self.running_load(&other).await?,
                    _ => self.scheduled_load(app, &other).await?,
                };
                out.extend(told.filter(|other| other.told.starts_at < until && other.told.devices > 0));
            }
        }
        Ok(out)
    }

    async fn running_load(&self, other: &Campaign) -> Result<Option<Other>, Problem> {
        let Some((no, _)) = &other.message else { return Ok(None) };
        let Some(message) = self.storage.messages.get(*no).await.map_err(|e| store_problem(&e))? else { return Ok(None) };
        let funnel = tallies::fold(self.storage.tallies.of_message(*no).await.map_err(|e| store_problem(&e))?);
        let mut to_come = BTreeMap::new();
        // What is planned stands in the lanes' lines; of the rest only its own forecast knows.
        if message.state == MessageState::Planning
            && let Some(shown) = self.storage.campaigns.shown(&other.id).await.map_err(|e| store_problem(&e))?
        {
            for lane in &shown.forecast.lanes {
                let planned = funnel.lanes.iter().find(|l| l.vendor == Some(lane.vendor)).map_or(0, |l| l.equation.planned);
                to_come.insert(lane.vendor, lane.devices.saturating_sub(planned));
            }
        }
        let devices = funnel.total.waiting + to_come.values().sum::<u64>();
        let starts_at = other.started_at.unwrap_or(message.created_at);
        Ok(Some(other_of(other, starts_at, message.deadline, devices, to_come)))
    }

    async fn scheduled_load(&self, app: &App, other: &Campaign) -> Result<Option<Other>, Problem> {
        let Some(due) = other.due_at else { return Ok(None) };
        let (_, deadline) = check::times(&other.spec, due);
        let shown = self.storage.campaigns.shown(&other.id).await.map_err(|e| store_problem(&e))?;
        let forecast = match shown {
            Some(shown) => shown.forecast,
            // Scheduled before forecasts were kept.
            None => match self.parts(app, &other.spec).await? {
                Some(parts) => self.foresee(app, &other.spec, &parts, (due, deadline), &[], Share::GLANCE).await?,
                None => return Ok(None),
            },
        };
        let to_come: BTreeMap<_, u64> = forecast.lanes.iter().map(|lane| (lane.vendor, lane.devices)).collect();
        let devices = to_come.values().sum();
        Ok(Some(other_of(other, due, deadline, devices, to_come)))
    }

    /// The page: live until the start, from then on the forecast that was shown and what came.
    ///
    /// # Errors
    /// `NotFound`; when the store fails.
    pub async fn forecast_view(&self, app: &App, id: &CampaignId) -> Result<ForecastView, Problem> {
        let campaign = self.find(app, id).await?;
        let shown = self.storage.campaigns.shown(id).await.map_err(|e| store_problem(&e))?;
        let before = matches!(campaign.state, CampaignState::Draft | CampaignState::Scheduled | CampaignState::Missed);
        let (forecast, facts) = if before {
            let forecast = match self.parts(app, &campaign.spec).await? {
                Some(parts) => Some(self.forecast(app, &campaign, &parts).await?),
                None => None,
            };
            (forecast, None)
        } else {
            let forecast = shown.as_ref().map(|shown| shown.forecast.clone());
            let facts = self.facts(&campaign, forecast.as_ref()).await?;
            (forecast, facts)
        };
        Ok(ForecastView {
            id: campaign.id,
            name: campaign.spec.name,
            app_name: app.name.clone(),
            environment: app.environment,
            state: campaign.state,
            forecast,
            facts,
            overruled: shown.and_then(|shown| shown.overruled).filter(|_| !before),
        })
    }

    async fn facts(&self, campaign: &Campaign, forecast: Option<&Forecast>) -> Result<Option<Facts>, Problem> {
        let (Some((no, _)), Some(forecast)) = (&campaign.message, forecast) else { return Ok(None) };
        let funnel: Funnel = tallies::fold(self.storage.tallies.of_message(*no).await.map_err(|e| store_problem(&e))?);
        let ends = self.storage.chunks.ends(*no).await.map_err(|e| store_problem(&e))?;
        let message = self.storage.messages.get(*no).await.map_err(|e| store_problem(&e))?;
        let planned = message.as_ref().is_some_and(|m| m.state != MessageState::Planning);
        let mut told = facts(forecast, &funnel, if planned { &ends } else { &[] }, message.and_then(|m| m.finished_at));
        // The forecast counts from the start it knew of; what came is laid beside it from the start there was.
        told.started_at = campaign.started_at;
        Ok(Some(told))
    }
}

fn other_of(
    campaign: &Campaign,
    starts_at: Millis,
    deadline: Millis,
    devices: u64,
    to_come: BTreeMap<types::vendor::Vendor, u64>,
) -> Other {
    Other {
        told: OtherLoad { id: campaign.id.clone(), name: campaign.spec.name.clone(), state: campaign.state, starts_at, devices },
        deadline,
        class: campaign.spec.class,
        business: campaign.spec.business.clone(),
        hours: campaign.spec.hours,
        age: campaign.no,
        to_come,
    }
}
