//! Too many failures: a campaign of which vendors refuse most pauses itself, and says with what. Dead tokens are no failure of a
//! campaign, and what never reached a vendor is none either. Once a person let it go on it is not paused again.

use serde_json::json;
use types::failure::FailureClass;
use types::funnel::{Funnel, Loss};
use types::ids::CampaignId;
use types::life::{CampaignState, Outcome};
use types::problem::{Code, Problem};
use types::ramp::Share;
use types::text::Words;

use super::CampaignDesk;
use crate::access::accept::store_problem;
use crate::access::actor::Actor;
use crate::storage::campaigns::Move;

/// Of one lane, or of all of it: surely more than this share failed, of at least so many.
const OF_LANE: (f64, u64) = (0.5, 200);
const OF_ALL: (f64, u64) = (0.3, 500);

/// Refused by the vendor for another reason than the token.
fn fails(loss: &Loss) -> bool {
    loss.outcome == Outcome::Refused && loss.reason != FailureClass::InvalidToken.slug()
}

/// Why it must pause, or `None`. Pure.
fn too_many(funnel: &Funnel) -> Option<Words> {
    let worst = |vendor: Option<types::vendor::Vendor>| {
        let of_lane = |loss: &&Loss| fails(loss) && (vendor.is_none() || loss.vendor == vendor);
        let n = funnel.losses.iter().filter(of_lane).map(|loss| loss.devices).sum::<u64>();
        // Largest first.
        Some((n, funnel.losses.iter().find(of_lane)?))
    };
    let over = |n: u64, of: u64, (bound, least): (f64, u64)| of >= least && Share { n, of }.at_least() > bound;
    let lanes = funnel.lanes.iter().filter_map(|lane| Some((lane.vendor?, lane.equation.submitted())));
    for (vendor, of) in lanes {
        if let Some((n, loss)) = worst(Some(vendor))
            && over(n, of, OF_LANE)
        {
            let (share, said) = (Share { n, of }.words(), said(loss));
            let name = vendor.name();
            return Some(Words::new(
                format!("失败过多，已自动暂停：{} {share}，最多的是“{said}”", name.zh),
                format!("Too many failures, paused by itself: {} {share}, most of all \"{said}\"", name.en),
            ));
        }
    }
    let (n, loss) = worst(None)?;
    over(n, funnel.total.submitted(), OF_ALL).then(|| {
        let (share, said) = (Share { n, of: funnel.total.submitted() }.words(), said(loss));
        Words::new(
            format!("失败过多，已自动暂停：{share}，最多的是“{said}”"),
            format!("Too many failures, paused by itself: {share}, most of all \"{said}\""),
        )
    })
}

fn said(loss: &Loss) -> String {
    format!("{} {}", loss.reason, loss.words).trim().to_owned()
}

impl CampaignDesk {
    /// Pauses a running campaign that fails too often, once.
    pub(super) async fn hold_if_failing(&self, id: &CampaignId, funnel: &Funnel) -> Result<(), Problem> {
        let Some(words) = too_many(funnel) else { return Ok(()) };
        let Some(campaign) = self.storage.campaigns.get(id).await.map_err(|e| store_problem(&e))? else { return Ok(()) };
        let (CampaignState::Running, None, Some((no, _))) = (campaign.state, &campaign.trouble, &campaign.message) else { return Ok(()) };
        match self.controls.pause(*no).await {
            Err(problem) if problem.code != Code::WrongState => return Err(problem),
            Ok(()) | Err(_) => {}
        }
        let system = Actor::system();
        let trouble = Problem::because(Code::WrongState, words.clone());
        let step =
            Move { trouble: Some(trouble), ..Move::new(CampaignState::Running, CampaignState::Paused, &system.name, self.world.now()) };
        if self.storage.campaigns.advance(id, step).await.map_err(|e| store_problem(&e))?.is_some() {
            tracing::warn!(campaign = %id, why = words.en, "a campaign paused itself");
            if let Some(app) = self.storage.apps.by_no(campaign.app_no).await.map_err(|e| store_problem(&e))? {
                let after = json!({ "name": campaign.spec.name, "why": words.en });
                system.tell(&self.storage, &self.world, "campaign.held", id.as_str(), &app, after).await;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use types::funnel::{Equation, FunnelLane};
    use types::vendor::Vendor;

    fn funnel(lanes: &[(Vendor, u64, u64, &str)]) -> Funnel {
        let mut funnel = Funnel::default();
        for (vendor, accepted, refused, reason) in lanes {
            let equation = Equation { planned: accepted + refused, accepted: *accepted, refused: *refused, ..Equation::default() };
            funnel.total.merge(&equation);
            funnel.lanes.push(FunnelLane { vendor: Some(*vendor), equation, ..FunnelLane::default() });
            funnel.losses.push(Loss {
                vendor: Some(*vendor),
                outcome: Outcome::Refused,
                reason: (*reason).to_owned(),
                words: "21301 no".into(),
                devices: *refused,
            });
        }
        funnel.losses.sort_by_key(|loss| std::cmp::Reverse(loss.devices));
        funnel
    }

    #[test]
    fn most_of_a_lane_or_a_third_of_all() {
        /// What each vendor accepted and refused, with which words; and whether that pauses.
        type Case<'a> = (&'a [(Vendor, u64, u64, &'a str)], bool);
        let table: [Case<'_>; 8] = [
            (&[(Vendor::Xiaomi, 1_000, 0, "bad_content")], false),
            (&[(Vendor::Xiaomi, 50, 149, "bad_content")], false),
            (&[(Vendor::Xiaomi, 50, 250, "bad_content")], true),
            (&[(Vendor::Xiaomi, 50, 250, "invalid_token")], false),
            (&[(Vendor::Xiaomi, 300, 300, "bad_content")], true),
            (&[(Vendor::Xiaomi, 130, 120, "bad_content")], false),
            (&[(Vendor::Apns, 100_000, 0, "bad_content"), (Vendor::Xiaomi, 10, 990, "bad_content")], true),
            (&[(Vendor::Apns, 700, 300, "bad_content"), (Vendor::Xiaomi, 700, 300, "bad_content")], false),
        ];
        for (lanes, expected) in table {
            assert_eq!(too_many(&funnel(lanes)).is_some(), expected, "{lanes:?}");
        }
        let words = too_many(&funnel(&[(Vendor::Xiaomi, 0, 300, "bad_content")])).unwrap().en;
        assert_eq!(words, "Too many failures, paused by itself: Xiaomi 100.00 % (300 / 300), most of all \"bad_content 21301 no\"");
    }
}
