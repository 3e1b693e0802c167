//! What is made ready at vendors before a campaign's first batch, as a person reads it. The lanes do it; here it is only told.

use types::campaign::AHEAD_MS;
use types::life::CampaignState;
use types::problem::Problem;
use types::text::{Text, Words};
use types::views::campaigns::{Ahead, AheadStage, LaneAhead};

use super::CampaignDesk;
use crate::access::accept::store_problem;
use crate::storage::campaigns::Campaign;
use crate::storage::materials::{Preparation, Stage};

impl CampaignDesk {
    pub(super) async fn ahead(&self, campaign: &Campaign) -> Result<Ahead, Problem> {
        let found = self.storage.materials.preparations(&campaign.id).await.map_err(|e| store_problem(&e))?;
        let from = campaign.due_at.filter(|_| campaign.state == CampaignState::Scheduled).map(|at| at - AHEAD_MS);
        if found.is_empty() || campaign.state == CampaignState::Draft {
            return Ok(Ahead { from, lanes: Vec::new() });
        }
        let lanes = self.storage.apps.lanes_of(campaign.app_no).await.map_err(|e| store_problem(&e))?;
        let lanes = found.iter().filter_map(|one| {
            let vendor = lanes.iter().find(|lane| lane.no == one.lane_no)?.vendor;
            let (stage, words) = told(one, campaign.state);
            Some(LaneAhead { vendor, stage, words, at: one.at })
        });
        Ok(Ahead { from, lanes: lanes.collect() })
    }
}

/// Pure: what is, and what will happen.
fn told(one: &Preparation, state: CampaignState) -> (AheadStage, Option<Words>) {
    let said = &one.words;
    match one.stage {
        Stage::UnderWay => (AheadStage::UnderWay, None),
        Stage::Nothing if said.is_empty() => (AheadStage::Nothing, None),
        Stage::Nothing => {
            let own = Text::new("每人文案不同，随发随存", "texts differ from person to person and are saved as they go");
            (AheadStage::Nothing, Some(Words::from(own)))
        }
        Stage::Ready if said.is_empty() => (AheadStage::Ready, None),
        Stage::Ready => {
            let words = Words::new(format!("不带图片：{said}"), format!("without the picture: {said}"));
            (AheadStage::WithoutPicture, Some(words))
        }
        Stage::Failed => {
            let words = if state == CampaignState::Scheduled {
                Words::new(
                    format!("{said}。开始前会再试；到点仍不行，发第一批时再准备，不影响其他通道"),
                    format!("{said}. Tried again until the start, then with the first batch. Other lanes are not held up"),
                )
            } else {
                Words::new(
                    format!("{said}。发下一批时再准备，不影响其他通道"),
                    format!("{said}. Prepared again with the next batch. Other lanes are not held up"),
                )
            };
            (AheadStage::Failed, Some(words))
        }
    }
}

#[cfg(test)]
mod tests {
    use types::ids::CampaignId;

    use super::*;

    #[test]
    fn a_failure_says_whose_words_and_what_comes_next() {
        let one = |stage, words: &str| Preparation {
            campaign: CampaignId::from_bytes([1; 16]),
            lane_no: 1,
            made_of: "x".into(),
            stage,
            words: words.into(),
            at: 0,
            ends_at: 0,
        };
        let (stage, words) = told(&one(Stage::Failed, "42 daily limit"), CampaignState::Scheduled);
        let words = words.unwrap().en;
        assert!(stage == AheadStage::Failed && words.starts_with("42 daily limit. Tried again"), "{words}");
        let (_, words) = told(&one(Stage::Failed, "42 daily limit"), CampaignState::Running);
        assert!(words.unwrap().en.contains("with the next batch"));
        let (stage, words) = told(&one(Stage::Ready, "too large"), CampaignState::Running);
        assert_eq!((stage, words.unwrap().en.as_str()), (AheadStage::WithoutPicture, "without the picture: too large"));
        assert_eq!(told(&one(Stage::Ready, ""), CampaignState::Running), (AheadStage::Ready, None));
    }
}
