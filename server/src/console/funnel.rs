//! Funnels: of a campaign, a message, a time.

use pipeline::statistics::{funnel, recount};
use pipeline::storage::campaigns::CampaignFilter;
use types::ids::{AppId, CampaignId, MessageId};
use types::listing::PageRequest;
use types::problem::{Code, Problem};
use types::text::Words;
use types::views::funnel::{AuditView, FunnelOf, FunnelQuery, FunnelView};
use types::views::overview::RangeQuery;

use super::books::BooksConsole;
use super::store;

/// Campaigns offered for choice.
const CHOICES: u32 = 50;
/// A running message is read anew so often until counters and recount speak of the same moment.
const AUDIT_TRIES: u32 = 5;

pub async fn view(books: &BooksConsole, app: &AppId, query: &FunnelQuery) -> Result<FunnelView, Problem> {
    let app_no = books.app_no(app).await?;
    let storage = &books.house.storage;
    let now = books.house.world.now();
    let missing = || Problem::new(Code::NotFound);
    let page = PageRequest { after: None, size: CHOICES };
    let campaigns = storage.campaigns.list(app_no, &CampaignFilter::default(), &page).await.map_err(|e| store(&e))?;
    let campaigns = campaigns.items.into_iter().filter(|c| c.message.is_some()).map(|c| (c.id, c.spec.name)).collect();

    let (of, nos, funnel) = if !query.campaign.is_empty() {
        let id = CampaignId::parse(&query.campaign).ok_or_else(missing)?;
        let campaign = storage.campaigns.get(&id).await.map_err(|e| store(&e))?.filter(|c| c.app_no == app_no).ok_or_else(missing)?;
        let parts = funnel::parts(storage, app_no, &id).await.map_err(|e| store(&e))?;
        let nos: Vec<i64> = parts.iter().map(|(no, _)| *no).collect();
        let funnel = funnel::of_messages(storage, &nos).await.map_err(|e| store(&e))?;
        let messages = parts.into_iter().map(|(_, id)| id).collect();
        (FunnelOf::Campaign { id, name: campaign.spec.name, messages }, nos, funnel)
    } else if !query.message.is_empty() {
        let id = MessageId::parse(&query.message).ok_or_else(missing)?;
        let message = storage.messages.by_id(&id).await.map_err(|e| store(&e))?.filter(|m| m.app_no == app_no).ok_or_else(missing)?;
        let funnel = funnel::of_message(storage, message.no).await.map_err(|e| store(&e))?;
        let name = if message.content.title.is_empty() { message.content.body } else { message.content.title };
        (FunnelOf::Message { id, name }, vec![message.no], funnel)
    } else {
        let range = RangeQuery { range: query.range.clone(), from: query.from.clone(), to: query.to.clone() };
        let span = books.span(&range)?;
        let funnel = funnel::over_time(storage, app_no, span.from, span.to, books.minutes_since()).await.map_err(|e| store(&e))?;
        (FunnelOf::Time { span }, Vec::new(), funnel)
    };

    // Only whole messages can be counted anew: a time cuts through them.
    let audit = match (query.audit.as_str(), nos.as_slice()) {
        ("yes", [_, ..]) => {
            let mut agrees = true;
            let mut recounted = types::funnel::Funnel::default();
            for no in &nos {
                let message = storage.messages.get(*no).await.map_err(|e| store(&e))?;
                if let Some((id, at)) = message.and_then(|m| Some((m.id, m.forgotten_at?))) {
                    let day = jiff::Timestamp::from_millisecond(at).map(|t| t.strftime("%Y-%m-%d").to_string()).unwrap_or_default();
                    return Err(Problem::because(
                        Code::WrongState,
                        Words::new(
                            format!("{id} 的接收方名单已在 {day} 按保留期清除，不能重新清点；计数仍然保留"),
                            format!("who was in {id} was forgotten on {day} (retention), so it cannot be counted anew; the counters stay"),
                        ),
                    ));
                }
                let audit = recount::audit(storage, *no, now, AUDIT_TRIES).await.map_err(|e| store(&e))?;
                agrees &= audit.agrees();
                recounted.total.merge(&audit.recounted.total);
                recounted.lanes.extend(audit.recounted.lanes);
            }
            Some(AuditView { at: now, agrees, recounted })
        }
        _ => None,
    };
    Ok(FunnelView { of, now, funnel, campaigns, audit })
}
