//! Receipts: raw first, then marks on recipients, counted in the same transaction.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use types::Millis;
use types::ids::{ChunkNo, DeviceId, MessageId};
use types::receipt::ReceiptKind;
use types::vendor::Vendor;

use super::Result;

/// A body as it reached us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRaw {
    pub app_no: i64,
    /// `None` = our client.
    pub vendor: Option<Vendor>,
    pub received_at: Millis,
    pub content_type: String,
    pub query: String,
    /// Value of the header the vendor signs with, or empty.
    pub signature: String,
    pub body: Vec<u8>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Raw {
    pub no: i64,
    pub raw: NewRaw,
}

/// How a raw body ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawEnd {
    pub no: i64,
    pub found: u32,
    pub refused: u32,
    /// Why it, or a part of it, was not believed; kept and shown.
    pub error: Option<String>,
}

/// One receipt that was believed: normalised, with everything needed to find its recipient.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fact {
    pub app_no: i64,
    /// `None` = the vendor signed it and brings no word of ours: the request id names the message.
    pub message: Option<MessageId>,
    /// `None` = a client that named a device only.
    pub vendor: Option<Vendor>,
    /// The vendor's request id, or empty.
    pub reference: String,
    /// Empty when a device is named.
    pub token: String,
    pub device: Option<DeviceId>,
    pub kind: ReceiptKind,
    /// When it happened, by the reporter's clock.
    pub at: Option<Millis>,
    pub words: String,
    pub replaced_by: Option<String>,
    pub received_at: Millis,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Orphan {
    pub no: i64,
    pub fact: Fact,
    pub tries: u32,
}

/// Bits to be added to one recipient.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    pub chunk: ChunkNo,
    pub message_no: i64,
    pub app_no: i64,
    pub vendor: Option<Vendor>,
    /// Recipients of the chunk.
    pub count: u32,
    pub index: u32,
    /// `types::receipt::mark`.
    pub bits: u8,
}

/// Everything one step found out, written in one transaction.
#[derive(Clone, Debug, Default)]
pub struct Application {
    pub raws: Vec<RawEnd>,
    pub marks: Vec<Mark>,
    pub orphans: Vec<(Fact, Millis)>,
    /// Orphans that found their recipient or never will.
    pub joined: Vec<i64>,
    /// Orphans to be tried again at this time.
    pub later: Vec<(i64, Millis)>,
    pub now: Millis,
}

/// How the back door is doing, for one app.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BackDoor {
    /// Bodies not applied yet (all apps).
    pub fresh: u64,
    pub orphans: u64,
    /// Orphans given up after their time.
    pub dropped: u64,
}

#[async_trait]
pub trait Receipts: Send + Sync {
    /// Durable when it returns; the caller then answers.
    async fn append(&self, raw: NewRaw) -> Result<i64>;
    /// The oldest bodies not applied yet.
    async fn take(&self, limit: u32) -> Result<Vec<Raw>>;
    /// Adds bits (newly set ones are counted), turns `Uncertain` into `Accepted` where they prove arrival, ends raw bodies, keeps and ends orphans.
    /// `Stale("receipt")`, and nothing is changed, when one of the bodies was ended before: by another node that took the same.
    /// Returns how many bits were new.
    async fn apply(&self, application: Application) -> Result<u64>;
    /// Orphans whose time has come, or whose message has appeared after message number `known` (then also its number).
    async fn orphans_due(&self, now: Millis, known: i64, limit: u32) -> Result<Vec<Orphan>>;
    /// The newest message number: the mark for the next [`Receipts::orphans_due`].
    async fn newest_message(&self) -> Result<i64>;
    /// Gives up orphans received before `orphans_before` (counted per app) and forgets applied bodies received before
    /// `raws_before`. Returns (orphans, bodies).
    async fn forget(&self, orphans_before: Millis, raws_before: Millis, limit: u32) -> Result<(u64, u64)>;
    async fn back_door(&self, app_no: i64) -> Result<BackDoor>;
    /// Bodies of an app with an error, newest first.
    async fn refused(&self, app_no: i64, limit: u32) -> Result<Vec<(Raw, RawEnd)>>;
}
