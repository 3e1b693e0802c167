//! Beside a running campaign, over the house.

use std::sync::Arc;

use app::error::AppError;
use app::ports::Asked;
use app::ports::running::{RunningPort, Sent};
use async_trait::async_trait;
use pipeline::access::controls::Notice;
use pipeline::house::House;
use serde_json::json;
use types::ids::{AppId, CampaignId};
use types::ramp::RampPlan;
use types::views::ramp::RampView;
use types::views::recall::RecallView;

use super::actor;
use super::copies::app_of;

pub struct RunningConsole {
    pub house: Arc<House>,
}

#[async_trait]
impl RunningPort for RunningConsole {
    async fn recall_view(&self, app: &AppId, sent: &Sent) -> Result<RecallView, AppError> {
        let app = app_of(&self.house, app).await?;
        match sent {
            Sent::Campaign(id) => Ok(self.house.campaigns.recall_view(&app, id).await?),
            Sent::Message(id) => {
                let message = self.house.controls.find(&app, id).await?;
                let name = if message.content.title.is_empty() { message.content.body.clone() } else { message.content.title.clone() };
                Ok(self.house.controls.recall_view(&app, name, &[message]).await?)
            }
        }
    }

    async fn recall(&self, asked: &Asked, app: &AppId, sent: &Sent, title: &str, body: &str) -> Result<(), AppError> {
        let app = app_of(&self.house, app).await?;
        let (notice, actor) = (Notice { title: title.to_owned(), body: body.to_owned() }, actor(asked));
        match sent {
            Sent::Campaign(id) => drop(self.house.campaigns.recall(&app, id, &notice, &actor).await?),
            Sent::Message(id) => {
                let message = self.house.controls.find(&app, id).await?;
                let recall = self.house.controls.recall(&app, &message, &notice, &actor.name, &actor.address).await?;
                let after = json!({ "message": recall.id, "text": notice.body });
                actor.tell(&self.house.storage, &self.house.world, "message.recall", id.as_str(), &app, after).await;
            }
        }
        Ok(())
    }

    async fn ramp_view(&self, app: &AppId, id: &CampaignId) -> Result<RampView, AppError> {
        let app = app_of(&self.house, app).await?;
        Ok(self.house.campaigns.ramp_view(&app, id).await?)
    }

    async fn choose_ramp(&self, asked: &Asked, app: &AppId, id: &CampaignId, plan: Option<RampPlan>) -> Result<(), AppError> {
        let app = app_of(&self.house, app).await?;
        Ok(self.house.campaigns.choose_ramp(&app, id, plan, &actor(asked)).await?)
    }

    async fn continue_ramp(&self, asked: &Asked, app: &AppId, id: &CampaignId) -> Result<(), AppError> {
        let app = app_of(&self.house, app).await?;
        Ok(self.house.campaigns.continue_ramp(&app, id, &actor(asked)).await?)
    }
}
