//! Messages and their recipients.

use std::collections::{BTreeMap, BTreeSet};

use pipeline::statistics::funnel;
use pipeline::statistics::recipients::{self as rows, Person, RecipientFilter};
use pipeline::storage::messages::{Message, MessageFilter, Origin};
use pipeline::storage::{Storage, StorageError};
use types::funnel::Equation;
use types::ids::{AppId, CampaignId, ChunkNo, MessageId};
use types::life::{MessageState, Outcome};
use types::listing::{PAGE_SIZE, Page, PageRequest};
use types::problem::{Code, Problem};
use types::receipt::ReceiptKind;
use types::token::masked;
use types::vendor::Vendor;
use types::views::messages::{MessageBrief, MessageQuery, MessageView, OriginView, RecipientQuery, RecipientView};

use super::books::{BooksConsole, local_time};
use super::store;

/// Chunks whose reasons are shown.
const WHY_CHUNKS: u32 = 50;
/// Distinct reasons shown.
const WHY_SHOWN: usize = 12;
/// Pages of messages looked through for one person before the page ends.
const LOOKED_THROUGH: usize = 8;
/// Longest text searched for.
const TEXT_MAX: usize = 120;

const fn origin_view(origin: Origin) -> OriginView {
    match origin {
        Origin::Api => OriginView::Api,
        Origin::Campaign => OriginView::Campaign,
        Origin::Test => OriginView::Test,
        Origin::Resend => OriginView::Resend,
        Origin::Onward => OriginView::Onward,
        Origin::Recall => OriginView::Recall,
    }
}

fn text(value: &str) -> Option<String> {
    Some(value.trim()).filter(|t| !t.is_empty()).map(|t| t.chars().take(TEXT_MAX).collect())
}

fn cursor(after: &str) -> Option<String> {
    Some(after).filter(|a| !a.is_empty()).map(str::to_owned)
}

fn brief(message: Message, equation: Equation) -> MessageBrief {
    let title = if message.content.title.is_empty() { message.content.body } else { message.content.title };
    MessageBrief {
        id: message.id,
        title,
        state: message.state,
        origin: origin_view(message.origin),
        class: message.class,
        account: message.account,
        campaign: message.campaign,
        equation,
        created_at: message.created_at,
    }
}

pub async fn list(books: &BooksConsole, app: &AppId, query: &MessageQuery) -> Result<Page<MessageBrief>, Problem> {
    let app_no = books.app_no(app).await?;
    let storage = &books.house.storage;
    let time = |field: &str, value: &str| Some(value).filter(|v| !v.is_empty()).map(|v| local_time(field, v, &books.zone)).transpose();
    let (from, to) = match (time("from", &query.from), time("to", &query.to)) {
        (Ok(from), Ok(to)) => (from, to),
        (from, to) => return Err(Problem::fields([from.err(), to.err()].into_iter().flatten().collect())),
    };
    let filter = MessageFilter {
        from,
        to,
        campaign: CampaignId::parse(&query.campaign),
        origin: Origin::parse(&query.origin),
        state: MessageState::ALL.into_iter().find(|s| s.slug() == query.state),
        text: text(&query.text),
        vendor: Vendor::parse(&query.vendor),
        address: text(&query.ip),
    };
    let page = PageRequest { after: cursor(&query.after), size: PAGE_SIZE };
    let found = match text(&query.user) {
        None => storage.messages.list(app_no, &filter, &page).await.map_err(|e| store(&e))?,
        Some(user) => of_person(storage, app_no, &filter, &page, &user).await.map_err(|e| store(&e))?,
    };
    let mut items = Vec::with_capacity(found.items.len());
    for message in found.items {
        let equation = funnel::of_message(storage, message.no).await.map_err(|e| store(&e))?.total;
        items.push(brief(message, equation));
    }
    Ok(Page { items, next: found.next })
}

/// Messages for one person among those that fit, newest first; a page may be short and still lead on.
async fn of_person(
    storage: &Storage,
    app_no: i64,
    filter: &MessageFilter,
    page: &PageRequest,
    user: &str,
) -> Result<Page<Message>, StorageError> {
    let person = Person::of(storage, app_no, user).await?;
    let by_time = filter.from.is_some() || filter.to.is_some();
    let (mut items, mut at) = (Vec::new(), page.clone());
    for _ in 0..LOOKED_THROUGH {
        let found = storage.messages.list(app_no, filter, &at).await?;
        for message in found.items {
            let cursor = if by_time { format!("{}.{}", message.created_at, message.no) } else { message.no.to_string() };
            if person.is_in(storage, message.no).await? {
                items.push(message);
                if items.len() == page.size as usize {
                    return Ok(Page { items, next: Some(cursor) });
                }
            }
        }
        at.after = found.next;
        if at.after.is_none() {
            break;
        }
    }
    Ok(Page { items, next: at.after })
}

async fn one(books: &BooksConsole, app: &AppId, id: &MessageId) -> Result<Message, Problem> {
    let app_no = books.app_no(app).await?;
    let message = books.house.storage.messages.by_id(id).await.map_err(|e| store(&e))?;
    message.filter(|m| m.app_no == app_no).ok_or_else(|| Problem::new(Code::NotFound))
}

pub async fn view(books: &BooksConsole, app: &AppId, id: &MessageId) -> Result<MessageView, Problem> {
    let message = one(books, app, id).await?;
    let storage = &books.house.storage;
    let funnel = funnel::of_message(storage, message.no).await.map_err(|e| store(&e))?;
    let chunks = storage.chunks.of_message(message.no, ChunkNo(0), WHY_CHUNKS).await.map_err(|e| store(&e))?;
    let why: BTreeSet<(Option<Vendor>, String)> =
        chunks.into_iter().filter(|c| !c.why.is_empty()).map(|c| (c.vendor, c.why)).take(WHY_CHUNKS as usize).collect();
    Ok(MessageView {
        body: message.content.body.clone(),
        business: message.business.clone(),
        address: message.address.clone(),
        deadline: message.deadline,
        finished_at: message.finished_at,
        why: why.into_iter().take(WHY_SHOWN).map(|(vendor, why)| (vendor, super::why::words(&why))).collect(),
        brief: brief(message, funnel.total),
        funnel,
    })
}

pub async fn recipients(books: &BooksConsole, app: &AppId, id: &MessageId, query: &RecipientQuery) -> Result<Page<RecipientView>, Problem> {
    let message = one(books, app, id).await?;
    let storage = &books.house.storage;
    let filter = RecipientFilter {
        outcome: Outcome::parse(&query.outcome),
        vendor: match query.vendor.as_str() {
            "none" => Some(None),
            slug => Vendor::parse(slug).map(Some),
        },
        reason: text(&query.reason),
        words: match query.words.as_str() {
            "" => None,
            "-" => Some(String::new()),
            exact => Some(exact.to_owned()),
        },
        receipt: ReceiptKind::parse(&query.receipt),
    };
    let after = cursor(&query.after);
    let found = rows::page(storage, message.no, &filter, after.as_deref(), PAGE_SIZE).await.map_err(|e| store(&e))?;
    let mut devices = BTreeMap::new();
    for row in found.items.iter().filter(|row| row.device_no > 0) {
        if let std::collections::btree_map::Entry::Vacant(place) = devices.entry(row.device_no) {
            place.insert(storage.devices.by_no(row.device_no).await.map_err(|e| store(&e))?);
        }
    }
    Ok(found.map(|row| {
        let device = devices.get(&row.device_no).and_then(Option::as_ref);
        RecipientView {
            device: device.map(|d| d.id.clone()),
            user: device.and_then(|d| d.user_id.clone()),
            // What named it may be a token.
            target: if row.target == row.token { masked(&row.target) } else { row.target },
            token: masked(&row.token),
            vendor: row.vendor,
            outcome: row.outcome,
            reason: row.reason,
            words: row.words,
            marks: row.marks,
            why: super::why::words(&row.why),
            at: row.at,
        }
    }))
}
