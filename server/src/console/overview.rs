//! The overview of one app.

use pipeline::statistics::{funnel, series};
use pipeline::storage::campaigns::CampaignFilter;
use types::ids::AppId;
use types::life::CampaignState;
use types::listing::PageRequest;
use types::problem::Problem;
use types::views::overview::{OverviewView, RangeQuery, RunningView, SentView, Span};

use super::books::BooksConsole;
use super::{lanes, store};

/// Campaigns under way on the page, per state.
const RUNNING_SHOWN: u32 = 20;

pub async fn view(books: &BooksConsole, app: &AppId, query: &RangeQuery) -> Result<OverviewView, Problem> {
    let app_no = books.app_no(app).await?;
    let span = books.span(query)?;
    let now = books.house.world.now();
    let funnel = funnel::over_time(&books.house.storage, app_no, span.from, span.to, books.minutes_since()).await.map_err(|e| store(&e))?;
    Ok(OverviewView {
        span,
        now,
        lanes: lanes::lanes(books, app_no, now).await?,
        funnel,
        sent: sent(books, app_no, span).await?,
        running: running(books, app_no).await?,
    })
}

/// The figures of the chart and of its table twin.
pub async fn sent(books: &BooksConsole, app_no: i64, span: Span) -> Result<SentView, Problem> {
    let sent = series::sent(&books.house.storage, app_no, span.from, span.to, books.minutes_since()).await.map_err(|e| store(&e))?;
    Ok(SentView { bucket: sent.bucket, at: sent.at, lanes: sent.lanes })
}

async fn running(books: &BooksConsole, app_no: i64) -> Result<Vec<RunningView>, Problem> {
    let storage = &books.house.storage;
    let mut out = Vec::new();
    for state in [CampaignState::Missed, CampaignState::Running, CampaignState::Paused, CampaignState::Scheduled] {
        let filter = CampaignFilter { state: Some(state), ..CampaignFilter::default() };
        let page = PageRequest { after: None, size: RUNNING_SHOWN };
        for campaign in storage.campaigns.list(app_no, &filter, &page).await.map_err(|e| store(&e))?.items {
            let equation = match &campaign.message {
                Some((no, _)) => funnel::of_message(storage, *no).await.map_err(|e| store(&e))?.total,
                None => types::funnel::Equation::default(),
            };
            out.push(RunningView {
                id: campaign.id,
                name: campaign.spec.name,
                business: campaign.spec.business,
                state: campaign.state,
                message: campaign.message.map(|(_, id)| id),
                equation,
                due_at: campaign.due_at,
            });
        }
    }
    Ok(out)
}
