//! A campaign taken back: its own message, its resends, and what went on to next lanes. Tests are no part of it.

use serde_json::json;
use types::ids::{CampaignId, MessageId};
use types::life::CampaignState;
use types::listing::{PAGE_MAX, PageRequest};
use types::problem::Problem;
use types::views::recall::RecallView;

use super::{CampaignDesk, wrong_state};
use crate::access::accept::store_problem;
use crate::access::actor::Actor;
use crate::access::controls::Notice;
use crate::storage::apps::App;
use crate::storage::messages::{Message, MessageFilter, Origin};

impl CampaignDesk {
    /// Its messages, oldest first.
    async fn sent(&self, app: &App, id: &CampaignId) -> Result<Vec<Message>, Problem> {
        let mut out = Vec::new();
        for origin in [Origin::Campaign, Origin::Resend, Origin::Onward] {
            let filter = MessageFilter { campaign: Some(id.clone()), origin: Some(origin), ..MessageFilter::default() };
            let mut page = PageRequest { after: None, size: PAGE_MAX };
            loop {
                let found = self.storage.messages.list(app.no, &filter, &page).await.map_err(|e| store_problem(&e))?;
                out.extend(found.items);
                if found.next.is_none() {
                    break;
                }
                page.after = found.next;
            }
        }
        out.sort_by_key(|message| message.no);
        Ok(out)
    }

    /// What a recall would do, or has done.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn recall_view(&self, app: &App, id: &CampaignId) -> Result<RecallView, Problem> {
        let campaign = self.find(app, id).await?;
        let messages = self.sent(app, id).await?;
        self.controls.recall_view(app, campaign.spec.name, &messages).await
    }

    /// Stops it and takes back what was sent. Returns the messages that do so.
    ///
    /// # Errors
    /// `WrongState` when it never started; `InvalidFields` when the notice cannot be said.
    pub async fn recall(&self, app: &App, id: &CampaignId, notice: &Notice, actor: &Actor) -> Result<Vec<MessageId>, Problem> {
        let campaign = self.find(app, id).await?;
        if campaign.message.is_none() {
            return Err(wrong_state("还没有开始过", "it never started"));
        }
        let mut recalls = Vec::new();
        for message in self.sent(app, id).await? {
            recalls.push(self.controls.recall(app, &message, notice, &actor.name, &actor.address).await?.id);
        }
        if !campaign.state.is_final() {
            self.follow(&campaign, campaign.state, CampaignState::Cancelled, actor).await?;
        }
        let after = json!({ "name": campaign.spec.name, "messages": recalls.len(), "text": notice.body });
        actor.tell(&self.storage, &self.world, "campaign.recall", id.as_str(), app, after).await;
        Ok(recalls)
    }
}
