//! What became of every recipient, as a file: read piece by piece while it is sent.

use std::collections::BTreeMap;

use types::ids::{ChunkNo, MessageId};
use types::receipt::ReceiptKind;
use types::text::{Lang, Text};
use types::token::masked;
use types::vendor::Vendor;
use types::views::shell::ZoneTable;

use super::spreadsheet::{self, File, Format, Lines};
use crate::storage::chunks::ChunkView;
use crate::storage::devices::Named;
use crate::storage::frame::{self, Outcomes};
use crate::storage::{Result, Storage};

/// Chunks read for one part of a file: some ten thousand lines at most in memory.
const CHUNKS_AT_ONCE: u32 = 10;

const COLUMNS: [Text; 11] = [
    Text::new("消息", "message"),
    Text::new("用户", "user"),
    Text::new("终端", "device"),
    Text::new("标识", "target"),
    Text::new("通道", "lane"),
    Text::new("结果", "outcome"),
    Text::new("结果说明", "outcome_name"),
    Text::new("原因", "reason"),
    Text::new("厂商原话", "vendor_words"),
    Text::new("回执", "receipts"),
    Text::new("批次最后变化", "chunk_changed_at"),
];

/// The recipients of these messages, one message after the other, in the order they are stored in.
pub fn file(storage: Storage, messages: Vec<(i64, MessageId)>, lang: Lang, format: Format, zone: ZoneTable) -> File {
    let start = (messages.into_iter(), None::<(i64, MessageId)>, ChunkNo(0));
    let parts = futures::stream::try_unfold(start, move |(mut left, mut here, mut after)| {
        let (storage, zone) = (storage.clone(), zone.clone());
        async move {
            loop {
                let Some((no, id)) = here.take().or_else(|| left.next()) else { return Ok(None) };
                let chunks = storage.chunks.of_message(no, after, CHUNKS_AT_ONCE).await?;
                after = match chunks.last() {
                    Some(last) => last.no,
                    None => {
                        after = ChunkNo(0);
                        continue;
                    }
                };
                let mut out = Lines::new();
                for chunk in &chunks {
                    lines(&storage, &mut out, &id, chunk, (lang, &zone)).await?;
                }
                return Ok(Some((out, (left, Some((no, id)), after))));
            }
        }
    });
    spreadsheet::file(format, &COLUMNS.map(|column| column.get(lang)), parts)
}

async fn lines(storage: &Storage, out: &mut Lines, id: &MessageId, chunk: &ChunkView, (lang, zone): (Lang, &ZoneTable)) -> Result<()> {
    let outcomes = Outcomes::decode(&chunk.outcomes)?;
    let recipients = frame::decode_recipients(&chunk.recipients)?;
    let nos: Vec<i64> = recipients.iter().map(|r| r.device_no).filter(|no| *no > 0).collect();
    let devices: BTreeMap<i64, Named> = storage.devices.named(&nos).await?.into_iter().map(|named| (named.no, named)).collect();
    let at = spreadsheet::stamp(chunk.updated_at, zone);
    for (i, recipient) in recipients.iter().enumerate() {
        let (outcome, reason) = outcomes.get(i);
        let (slug, words) = reason.map_or(("", ""), |r| (r.slug.as_str(), r.words.as_str()));
        let device = devices.get(&recipient.device_no);
        // What named it may be a token: never whole.
        let unnamed = recipient.target == recipient.token || (recipient.target.is_empty() && device.is_none());
        let target = if unnamed { masked(&recipient.token) } else { recipient.target.clone() };
        let marks = chunk.marks.get(i).copied().unwrap_or(0);
        let receipts: Vec<&str> =
            (0..8u8).filter(|bit| marks & (1 << bit) != 0).filter_map(|bit| ReceiptKind::of_bit(1 << bit)).map(ReceiptKind::slug).collect();
        out.push(
            [
                id.as_str(),
                device.and_then(|d| d.user.as_deref()).unwrap_or_default(),
                device.map_or("", |d| d.id.as_str()),
                &target,
                chunk.vendor.map_or("", Vendor::slug),
                outcome.slug(),
                outcome.name().get(lang),
                slug,
                words,
                &receipts.join(" "),
                &at,
            ]
            .map(str::to_owned)
            .into(),
        );
    }
    Ok(())
}
