//! Chunks: up to 1,000 recipients of one message in one lane, the durable unit of work and the queue itself.

use async_trait::async_trait;
use types::Millis;
use types::ids::{ChunkNo, MessageId};
use types::vendor::Vendor;

use super::Result;
use super::people::AuditEntry;
use super::policy::ChunkPolicy;
use super::tallies::Delta;

/// A chunk to be written. `lane` is `None` for recipients that were filtered before any lane.
#[derive(Clone, Debug)]
pub struct NewChunk {
    pub lane_no: Option<i64>,
    pub vendor: Option<Vendor>,
    pub priority: i64,
    /// Whose share of the lane it uses: a message with many recipients has one of its own, all others have one together (0).
    pub flow: i64,
    pub deadline: Millis,
    pub count: u32,
    /// Smallest and largest recipient key (see [`super::frame::key_of`]).
    pub first_key: i64,
    pub last_key: i64,
    /// [`super::frame::encode_recipients`].
    pub recipients: Vec<u8>,
    /// [`super::frame::Outcomes::encode`]; all waiting, or all filtered.
    pub outcomes: Vec<u8>,
    /// Why this lane, in words for the console.
    pub why: String,
    /// Already over (filtered recipients).
    pub done: bool,
    /// `planned` and `filtered` tallies.
    pub deltas: Vec<Delta>,
    pub policy: ChunkPolicy,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChunkState {
    Waiting,
    Leased,
    /// Its message is paused.
    Held,
    Done,
}

impl ChunkState {
    pub const fn code(self) -> i64 {
        match self {
            ChunkState::Waiting => 0,
            ChunkState::Leased => 1,
            ChunkState::Held => 2,
            ChunkState::Done => 3,
        }
    }

    pub fn from_code(code: i64) -> Option<ChunkState> {
        [ChunkState::Waiting, ChunkState::Leased, ChunkState::Held, ChunkState::Done].into_iter().find(|s| s.code() == code)
    }
}

/// A chunk in somebody's hands.
#[derive(Clone, Debug)]
pub struct Claimed {
    pub no: ChunkNo,
    pub message_no: i64,
    pub app_no: i64,
    pub lane_no: i64,
    pub vendor: Vendor,
    pub flow: i64,
    pub deadline: Millis,
    pub count: u32,
    /// Grows with every claim; every later write must carry it.
    pub fence: i64,
    /// Claims so far, this one included.
    pub attempts: u32,
    /// The last lease ran out without a result: what was waiting then may have been sent.
    pub lapsed: bool,
    /// In line for want of receipts: `outcomes` is the list of those who are sent to again, and what stands of the others is over.
    pub resending: bool,
    /// Recipients before this place may be sent to now; of a lapsed chunk: may have been sent.
    pub started: u32,
    pub recipients: Vec<u8>,
    pub outcomes: Vec<u8>,
    pub policy: ChunkPolicy,
}

/// The terms of a lease.
#[derive(Clone, Copy, Debug)]
pub struct Lease<'a> {
    pub owner: &'a str,
    pub now: Millis,
    pub until: Millis,
    /// Recipients that may be sent to before [`Chunks::begin`] is asked; of a lapsed chunk what was marked before stays.
    pub started: u32,
}

/// What happens to a chunk after a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    Done,
    /// Back in line, not before this time.
    Wait {
        not_before: Millis,
    },
    /// The same, for quiet hours: a change of the rules brings it back earlier.
    Quiet {
        until: Millis,
    },
    /// Back in line as if never claimed: the vendor refused all of it, for the lane's sake. Another lane may have it.
    Untouched,
    /// Its message was paused meanwhile.
    Hold,
}

/// The result of a step, written in one transaction with its tallies.
#[derive(Clone, Debug)]
pub struct Step {
    pub no: ChunkNo,
    pub fence: i64,
    /// Who had no outcome when the chunk was claimed: what receipts ended meanwhile is found among them.
    pub open: Vec<usize>,
    pub outcomes: Vec<u8>,
    pub next: Next,
    /// The vendor's request ids, by which receipts will name recipients of this chunk.
    pub references: Vec<String>,
    /// Receipts of this chunk are due then; who gave none is sent to again, or goes on to the next lane.
    pub onward: Option<Millis>,
    pub deltas: Vec<Delta>,
    pub now: Millis,
}

/// A claimed chunk taken apart: its recipients stand in new chunks, in other lanes or in the same one.
#[derive(Clone, Debug)]
pub struct HandOver {
    pub no: ChunkNo,
    pub fence: i64,
    /// Together exactly the recipients of the old chunk, all waiting.
    pub chunks: Vec<NewChunk>,
    /// Takes the old chunk's `planned` back.
    pub deltas: Vec<Delta>,
    pub now: Millis,
}

/// A chunk as the console and receipts read it.
#[derive(Clone, Debug)]
pub struct ChunkView {
    pub no: ChunkNo,
    pub message_no: i64,
    pub app_no: i64,
    pub vendor: Option<Vendor>,
    pub state: ChunkState,
    pub count: u32,
    pub attempts: u32,
    /// Of a leased or lapsed chunk: recipients before this place may have been sent.
    pub started: u32,
    pub not_before: Millis,
    pub updated_at: Millis,
    pub why: String,
    pub recipients: Vec<u8>,
    pub outcomes: Vec<u8>,
    /// One byte per recipient (`types::receipt::mark`); empty = all zero.
    pub marks: Vec<u8>,
}

/// A chunk set aside: its leases ended [`types::dead::LAPSES_MAX`] times in a row without any progress.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Poisoned {
    pub no: ChunkNo,
    pub message_no: i64,
    pub message: MessageId,
    pub lane_no: i64,
    pub vendor: Vendor,
    pub count: u32,
    pub at: Millis,
    pub deadline: Millis,
}

/// Work waiting in one lane.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backlog {
    pub chunks: u64,
    pub recipients: u64,
    /// Earliest `created_at` of a waiting chunk.
    pub oldest: Option<Millis>,
}

/// Due work of one flow in a lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flow {
    pub no: i64,
    pub recipients: u64,
    /// The earliest.
    pub deadline: Millis,
}

/// Whose turn it is among chunks of one priority.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Turn {
    /// What must be sent before then goes first, earliest deadline first; 0 = nothing is so near.
    pub near: Millis,
    /// Then so many chunks of each flow, in this order; what is over when one has less goes to the others in turn.
    pub shares: Vec<(i64, u32)>,
}

/// Recipients waiting in one lane that are served alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InLine {
    pub priority: i64,
    pub deadline: Millis,
    /// Held until then; 0 = they go when it is their turn.
    pub not_before: Millis,
    pub recipients: u64,
}

#[async_trait]
pub trait Chunks: Send + Sync {
    /// Leases up to `max` due chunks of a lane and of exactly this priority, by deadline, then number.
    async fn lease(&self, lane_no: i64, lease: Lease<'_>, max: u32, priority: i64) -> Result<Vec<Claimed>>;
    /// As `lease`, but in turn: what is urgent by `turn` first, then the flows by their shares. Only of priorities above 0.
    async fn lease_in_turn(&self, lane_no: i64, lease: Lease<'_>, max: u32, priority: i64, turn: &Turn) -> Result<Vec<Claimed>>;
    /// Due chunks of a lane and of this priority (above 0), by flow.
    async fn flows(&self, lane_no: i64, priority: i64, now: Millis) -> Result<Vec<Flow>>;
    /// As `lease`, and everybody in them may be sent to at once.
    async fn claim(&self, lane_no: i64, owner: &str, now: Millis, lease_until: Millis, max: u32, priority: i64) -> Result<Vec<Claimed>> {
        self.lease(lane_no, Lease { owner, now, until: lease_until, started: u32::MAX }, max, priority).await
    }
    /// Durable when this returns: recipients before this place may have been sent. `Stale` when the fence moved.
    async fn begin(&self, no: ChunkNo, fence: i64, started: u32) -> Result<()>;
    /// As `lease`, but only chunks that no vendor was ever asked about: they may still change lanes. Nobody in them may be sent to.
    async fn claim_untouched(
        &self,
        lane_no: i64,
        owner: &str,
        now: Millis,
        lease_until: Millis,
        max: u32,
        priority: i64,
    ) -> Result<Vec<Claimed>>;
    /// Replaces a claimed chunk by others in one transaction. `Stale` when the fence moved or its message no longer runs;
    /// then nothing is written.
    async fn hand_over(&self, over: HandOver) -> Result<()>;
    /// Makes a lease longer. `Stale` when the fence moved.
    async fn renew(&self, no: ChunkNo, fence: i64, lease_until: Millis) -> Result<()>;
    /// `Stale` when the fence moved; then nothing is written.
    async fn record(&self, step: Step) -> Result<()>;
    /// Leases that ran out (`lease_until < now`), or all that do not belong to `sole_owner` when one is given
    /// (a single process knows that the others are dead), go back in line with `lapsed` set. Returns how many. A chunk whose leases
    /// ended so too often in a row is set aside instead: not claimed again until a person decides, or its deadline does.
    async fn release_lapsed(&self, now: Millis, sole_owner: Option<&str>) -> Result<u64>;
    /// The same for one chunk whose runner broke down; back in line not before `not_before`. `Stale` when the fence moved.
    async fn lapse(&self, no: ChunkNo, fence: i64, now: Millis, not_before: Millis) -> Result<()>;
    /// Chunks of an app that are set aside, newest first.
    async fn poisoned(&self, app_no: i64, limit: u32) -> Result<Vec<Poisoned>>;
    /// How many are set aside, by lane.
    async fn poisoned_by_lane(&self) -> Result<Vec<(i64, u64)>>;
    /// Set-aside chunks (`None` = all of the app) are tried again, from the first lease on; what may have been sent stays so.
    /// Returns their lanes; nothing is noted when there are none.
    async fn try_again(&self, app_no: i64, no: Option<ChunkNo>, now: Millis, audit: AuditEntry) -> Result<Vec<i64>>;
    /// Ends a set-aside chunk: who may have been sent to as uncertain, the others as expired. Returns how many ended, or `None`
    /// when it is not set aside any more.
    async fn give_up(&self, app_no: i64, no: ChunkNo, now: Millis, audit: AuditEntry) -> Result<Option<u64>>;
    /// Waiting and held chunks past their deadline end as `Expired`. Returns the recipients expired.
    async fn expire(&self, now: Millis, limit: u32) -> Result<u64>;

    async fn view(&self, no: ChunkNo) -> Result<Option<ChunkView>>;
    /// Chunks of a message, ordered by number, after `after`.
    async fn of_message(&self, message_no: i64, after: ChunkNo, limit: u32) -> Result<Vec<ChunkView>>;
    /// Chunks of a message that may hold this recipient key: an index seek.
    async fn holding(&self, message_no: i64, key: i64) -> Result<Vec<ChunkView>>;
    /// The request ids a chunk went out with, of vendors that withdraw by such an id.
    async fn references(&self, no: ChunkNo) -> Result<Vec<String>>;
    /// Request ids that chunks of several recipients of a message share at such a vendor; at most two, for two are already too many.
    async fn shared_references(&self, message_no: i64, vendor: Vendor) -> Result<Vec<String>>;
    /// The chunk that a vendor's request id belongs to.
    async fn by_reference(&self, vendor: Vendor, reference: &str) -> Result<Option<ChunkNo>>;
    /// Chunks whose receipts are due, oldest first.
    async fn onward_due(&self, now: Millis, limit: u32) -> Result<Vec<ChunkNo>>;
    /// Looked at again then: the chunk is not over, or its message stands still.
    async fn onward_later(&self, nos: &[ChunkNo], at: Millis) -> Result<()>;
    /// They have been looked at.
    async fn onward_done(&self, nos: &[ChunkNo]) -> Result<()>;
    /// When the next waiting chunk of a lane is due, `None` when none waits.
    async fn next_due(&self, lane_no: i64) -> Result<Option<Millis>>;
    /// Chunks leased now, by the name of their owner.
    async fn leases(&self) -> Result<Vec<(String, u64)>>;
    async fn backlog(&self) -> Result<Vec<(i64, Backlog)>>;
    /// What waits in a lane or is under way, in the order in which it is served.
    async fn line(&self, lane_no: i64) -> Result<Vec<InLine>>;
    /// When the last chunk of each vendor ended, of a message whose chunks are done there.
    async fn ends(&self, message_no: i64) -> Result<Vec<(Vendor, Millis)>>;
}
