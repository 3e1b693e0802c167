//! Materials at vendors: saved contents and uploaded pictures, per lane, found again by the digest of what they are made of; and how
//! far the preparation of a campaign is, lane by lane.

use async_trait::async_trait;
use types::Millis;
use types::ids::CampaignId;

use super::Result;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Material {
    pub lane_no: i64,
    pub key: String,
    /// `content` or `image`.
    pub kind: String,
    /// The message it was made for first; 0 = made before that started.
    pub message_no: i64,
    /// `None` = the vendor refused; `words` says why.
    pub vendor_id: Option<String>,
    pub words: String,
    pub made_at: Millis,
    /// Not used from then on.
    pub ends_at: Millis,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    UnderWay,
    Nothing,
    Ready,
    Failed,
}

impl Stage {
    pub const fn code(self) -> i64 {
        match self {
            Stage::UnderWay => 0,
            Stage::Nothing => 1,
            Stage::Ready => 2,
            Stage::Failed => 3,
        }
    }

    pub fn from_code(code: i64) -> Option<Stage> {
        [Stage::UnderWay, Stage::Nothing, Stage::Ready, Stage::Failed].into_iter().find(|s| s.code() == code)
    }
}

/// What is prepared for one campaign in one lane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preparation {
    pub campaign: CampaignId,
    pub lane_no: i64,
    /// Digest of content, values and deadline.
    pub made_of: String,
    pub stage: Stage,
    /// Why it failed, or why a picture is left out.
    pub words: String,
    pub at: Millis,
    /// Looked at again from then on.
    pub ends_at: Millis,
}

#[async_trait]
pub trait Materials: Send + Sync {
    async fn get(&self, lane_no: i64, key: &str) -> Result<Option<Material>>;

    /// Adds it, or replaces the one under the same key.
    async fn put(&self, material: &Material) -> Result<()>;

    async fn forget(&self, lane_no: i64, key: &str) -> Result<()>;

    /// What was made for a message, by lane and age.
    async fn of_message(&self, message_no: i64) -> Result<Vec<Material>>;

    /// Takes up a preparation: `false` when somebody else has it, or it stands and is made of the same.
    async fn take_up(&self, one: &Preparation) -> Result<bool>;

    /// Writes down how it ended, unless it was taken up for something else meanwhile.
    async fn settle(&self, one: &Preparation) -> Result<()>;

    async fn preparations(&self, campaign: &CampaignId) -> Result<Vec<Preparation>>;

    /// Removes materials and preparations that ended before `before`; at most `limit` of each. Returns how many.
    async fn clear(&self, before: Millis, limit: u32) -> Result<u64>;
}
