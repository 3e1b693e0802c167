//! What the copy workbench asks the store: rows of a crowd and who lacks a variable, and what like it was sent before.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use futures::{Stream, StreamExt};
use types::Millis;
use types::content::Content;
use types::copy::render;
use types::crowd::KeyKind;
use types::funnel::Stage;
use types::ids::CrowdId;
use types::listing::{PAGE_MAX, PageRequest};
use types::similar::{NEAR, Shingles};
use types::text::{Lang, Text};
use types::token::masked;
use types::views::workbench::{LACKING_SHOWN, Lacking, LackingRow, SentBefore};

use super::spreadsheet;
use crate::storage::crowd_frame::{BLOCK_ROWS, CrowdRow};
use crate::storage::crowds::Crowd;
use crate::storage::messages::{Message, MessageFilter, Origin};
use crate::storage::tallies::fold;
use crate::storage::{Result, Storage};

/// Days that are looked back for texts alike.
pub const BEFORE_DAYS: u32 = 14;
/// Campaign messages looked at, newest first.
const BEFORE_MOST: usize = 1_000;
/// Texts alike that are shown.
const BEFORE_SHOWN: usize = 5;

/// Variables that leave a hole where a row has no value: used without a fallback, and given for nobody in common.
pub fn need(content: &Content, given: &BTreeMap<String, String>) -> Vec<String> {
    render(content, given).1.into_iter().collect()
}

/// Row `row` of a crowd, from 1.
///
/// # Errors
/// When the store fails.
pub async fn row(storage: &Storage, crowd: &CrowdId, row: u64) -> Result<Option<CrowdRow>> {
    let at = row.saturating_sub(1);
    let (seq, place) = (at / BLOCK_ROWS as u64, (at % BLOCK_ROWS as u64) as usize);
    let block = storage.crowds.block(crowd, i64::try_from(seq).unwrap_or(i64::MAX)).await?;
    Ok(block.and_then(|block| block.rows.into_iter().nth(place)))
}

fn names_lacking<'a>(row: &CrowdRow, need: &'a BTreeSet<String>) -> Vec<&'a String> {
    need.iter().filter(|name| row.variables.get(*name).is_none_or(|value| value.trim().is_empty())).collect()
}

/// What a page shows of a recipient: a token never whole.
fn who(row: &CrowdRow) -> String {
    if row.kind == KeyKind::Token { masked(&row.text) } else { row.text.clone() }
}

/// Counts the rows that lack one of these variables, as long as `go_on` says so; asked before each block of a thousand.
///
/// # Errors
/// When the store fails.
pub async fn lacking(storage: &Storage, crowd: &Crowd, need: &[String], mut go_on: impl FnMut() -> bool + Send) -> Result<Lacking> {
    let mut out = Lacking { need: need.to_vec(), rows: crowd.counts.valid, ..Lacking::default() };
    let need: BTreeSet<String> = need.iter().cloned().collect();
    if need.is_empty() {
        out.looked_at = out.rows;
        return Ok(out);
    }
    for seq in 0..crowd.blocks {
        if !go_on() {
            break;
        }
        let Some(block) = storage.crowds.block(&crowd.id, seq).await? else { break };
        for row in &block.rows {
            out.looked_at += 1;
            let names = names_lacking(row, &need);
            if names.is_empty() {
                continue;
            }
            out.lacking += 1;
            if out.first.len() < LACKING_SHOWN {
                let names = names.into_iter().cloned().collect();
                out.first.push(LackingRow { row: out.looked_at, who: who(row), names });
            }
        }
    }
    Ok(out)
}

/// All of them as a file, read block by block while it is sent.
pub fn lacking_file(storage: Storage, crowd: Crowd, need: Vec<String>, lang: Lang) -> impl Stream<Item = Result<Bytes>> + Send + use<> {
    let need: BTreeSet<String> = need.into_iter().collect();
    let columns = [Text::new("行", "row"), Text::new("接收人", "recipient"), Text::new("缺少的变量", "missing_variables")];
    let head = spreadsheet::head(&columns.map(|column| column.get(lang)));
    let parts = futures::stream::try_unfold((0, 0u64), move |(seq, mut at)| {
        let (storage, id, blocks, need) = (storage.clone(), crowd.id.clone(), crowd.blocks, need.clone());
        async move {
            if seq >= blocks {
                return Ok(None);
            }
            let Some(block) = storage.crowds.block(&id, seq).await? else { return Ok(None) };
            let mut out = Vec::new();
            for row in &block.rows {
                at += 1;
                let names = names_lacking(row, &need);
                if !names.is_empty() {
                    let names: Vec<&str> = names.into_iter().map(String::as_str).collect();
                    spreadsheet::line(&mut out, &[&at.to_string(), &who(row), &names.join(" ")]);
                }
            }
            Ok(Some((Bytes::from(out), (seq + 1, at))))
        }
    });
    futures::stream::once(async move { Ok(Bytes::from(head)) }).chain(parts)
}

/// What this app's campaigns sent of late that is near this content, most alike first, and how many were looked at.
///
/// # Errors
/// When the store fails.
pub async fn before(storage: &Storage, app_no: i64, content: &Content, now: Millis) -> Result<(Vec<SentBefore>, u64)> {
    let ours = Shingles::of_content(content);
    let from = now - i64::from(BEFORE_DAYS) * 86_400_000;
    let filter = MessageFilter { origin: Some(Origin::Campaign), from: Some(from), ..MessageFilter::default() };
    let mut page = PageRequest { after: None, size: PAGE_MAX };
    let (mut near, mut looked_at): (Vec<(f64, Message)>, usize) = (Vec::new(), 0);
    loop {
        let found = storage.messages.list(app_no, &filter, &page).await?;
        looked_at += found.items.len();
        let alike = found.items.into_iter().map(|m| (ours.likeness(&Shingles::of_content(&m.content)), m));
        near.extend(alike.filter(|(likeness, _)| *likeness >= NEAR));
        match found.next {
            Some(next) if looked_at < BEFORE_MOST => page.after = Some(next),
            _ => break,
        }
    }
    near.sort_by(|(a, one), (b, other)| b.total_cmp(a).then(other.created_at.cmp(&one.created_at)));
    near.truncate(BEFORE_SHOWN);
    let mut out = Vec::with_capacity(near.len());
    for (likeness, message) in near {
        let funnel = fold(storage.tallies.of_message(message.no).await?);
        out.push(SentBefore {
            message: message.id,
            campaign: message.campaign,
            title: message.content.title,
            body: message.content.body,
            at: message.created_at,
            likeness,
            accepted: funnel.total.accepted,
            clicks: SentBefore::of_clicks(funnel.stage(Stage::Clicked)),
        });
    }
    Ok((out, looked_at as u64))
}
