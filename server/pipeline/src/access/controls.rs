//! Pause, resume, cancel, resend: acts on the send stage at once, durable before it is answered.

use types::ids::MessageId;
use types::life::{MessageState, Outcome};
use types::problem::{Code, Problem};
use types::text::{Text, Words};

use super::accept::{Accept, Accepted, Submission, store_problem};
use super::actor::Actor;
use crate::broker::{resend, wakes};
use crate::coordination::{Coordination, Stop};
use crate::storage::Storage;
use crate::storage::apps::App;
use crate::storage::messages::{Message, Origin, Targets};
use crate::world::World;

mod recall;

pub use recall::Notice;

#[derive(Clone)]
pub struct Controls {
    storage: Storage,
    coordination: Coordination,
    world: World,
    accept: Accept,
}

impl Controls {
    pub fn new(storage: Storage, coordination: Coordination, world: World, accept: Accept) -> Controls {
        Controls { storage, coordination, world, accept }
    }

    /// What is paused or cancelled, as the store has it: at start, and whenever a node may have missed the others' words.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn load_flags(&self) -> Result<(), Problem> {
        let stopped = self.storage.messages.stopped().await.map_err(|e| store_problem(&e))?;
        let stop = |state| if state == MessageState::Paused { Stop::Paused } else { Stop::Cancelled };
        let stops: Vec<(i64, Stop)> = stopped.into_iter().map(|(no, state)| (no, stop(state))).collect();
        self.coordination.flags.replace(&stops);
        Ok(())
    }

    /// No request starts after this returns; those in flight end by themselves.
    ///
    /// # Errors
    /// `WrongState` when it is not running.
    pub async fn pause(&self, message_no: i64) -> Result<(), Problem> {
        // The flag first: a lane that looks between the two must already stop.
        self.coordination.flags.set(message_no, Some(Stop::Paused)).await;
        match self.storage.messages.pause(message_no).await {
            Ok(true) => Ok(()),
            Ok(false) => {
                self.restore_flag(message_no).await?;
                Err(wrong_state("只有发送中的可以暂停", "only what is running can be paused"))
            }
            Err(error) => {
                self.restore_flag(message_no).await?;
                Err(store_problem(&error))
            }
        }
    }

    /// # Errors
    /// `WrongState` when it is not paused.
    pub async fn resume(&self, message_no: i64) -> Result<(), Problem> {
        if !self.storage.messages.resume(message_no).await.map_err(|e| store_problem(&e))? {
            return Err(wrong_state("只有已暂停的可以继续", "only what is paused can be resumed"));
        }
        self.coordination.flags.set(message_no, None).await;
        self.coordination.wakes.wake(wakes::PLAN);
        for lane in self.storage.apps.lanes().await.map_err(|e| store_problem(&e))? {
            self.coordination.wakes.wake(&wakes::lane(lane.no));
        }
        Ok(())
    }

    /// Unsent recipients end as cancelled; what was handed over stays. Returns how many were cancelled.
    ///
    /// # Errors
    /// `WrongState` when it was over.
    pub async fn cancel(&self, message_no: i64) -> Result<u64, Problem> {
        self.coordination.flags.set(message_no, Some(Stop::Cancelled)).await;
        match self.storage.messages.cancel(message_no, self.world.now()).await {
            Ok(Some(n)) => Ok(n),
            Ok(None) => {
                self.restore_flag(message_no).await?;
                Err(wrong_state("已经结束，不能取消", "it is over and cannot be cancelled"))
            }
            Err(error) => {
                self.restore_flag(message_no).await?;
                Err(store_problem(&error))
            }
        }
    }

    async fn restore_flag(&self, message_no: i64) -> Result<(), Problem> {
        let state = self.storage.messages.get(message_no).await.map_err(|e| store_problem(&e))?.map(|m| m.state);
        let stop = match state {
            Some(MessageState::Paused) => Some(Stop::Paused),
            Some(MessageState::Cancelled) => Some(Stop::Cancelled),
            _ => None,
        };
        self.coordination.flags.set(message_no, stop).await;
        Ok(())
    }

    /// A new message to those of an ended one whose outcome is among `outcomes`; phones that saw the first one see no second.
    ///
    /// # Errors
    /// `WrongState` when it still runs; `InvalidFields` when an outcome cannot be resent.
    pub async fn resend(
        &self,
        app: &App,
        message: &Message,
        outcomes: &[Outcome],
        account: &str,
        address: &str,
    ) -> Result<Accepted, Problem> {
        if !matches!(message.state, MessageState::Finished | MessageState::Cancelled) {
            return Err(wrong_state("结束之后才能重发", "it can be resent once it is over"));
        }
        if message.origin == Origin::Recall {
            return Err(wrong_state("召回不能补发；请再召回一次原消息", "a recall is not resent; recall the message itself"));
        }
        let allowed = [Outcome::Refused, Outcome::Expired, Outcome::Cancelled, Outcome::Uncertain];
        if outcomes.is_empty() || outcomes.iter().any(|o| !allowed.contains(o)) {
            return Err(Problem::field(
                "outcomes",
                Text::new(
                    "从 refused、expired、cancelled、uncertain 中选；已接收的不会重发",
                    "choose among refused, expired, cancelled, uncertain; accepted ones are never sent again",
                ),
            ));
        }
        let submission = Submission {
            campaign: message.campaign.clone(),
            // A test sent again is still a test: to test devices only, and in no campaign's funnel.
            origin: if message.origin == Origin::Test { Origin::Test } else { Origin::Resend },
            class: message.class,
            business: message.business.clone(),
            content: message.content.clone(),
            variables: message.variables.clone(),
            targets: Targets::Again {
                message: message.id.clone(),
                outcomes: outcomes.iter().map(|o| o.slug().to_owned()).collect(),
                only: Vec::new(),
            },
            vendor_order: message.vendor_order.clone(),
            versions: message.versions.clone(),
            hours: message.hours,
            deadline: None,
            idempotency: None,
            account: account.to_owned(),
            address: address.to_owned(),
        };
        self.accept.submit(app, submission).await
    }

    /// Everybody of a message who was accepted and not heard of is sent to once more, by the same lane under the same keys: what a person
    /// may do when the machine may not any more. Returns how many go.
    ///
    /// # Errors
    /// `WrongState` when it was stopped, and after its deadline.
    pub async fn resend_silent(&self, app: &App, message: &Message, actor: &Actor) -> Result<u64, Problem> {
        let now = self.world.now();
        if matches!(message.state, MessageState::Paused | MessageState::Cancelled) {
            return Err(wrong_state("已暂停或已取消的不能重发", "what is paused or cancelled cannot be sent again"));
        }
        if now >= message.deadline {
            return Err(wrong_state("已过截止时间，不再发送", "its deadline is over; nothing is sent after it"));
        }
        let entry = actor.entry(&self.world, "message.resend_silent", message.id.as_str(), Some(&app.id), None, None);
        resend::by_hand(&self.storage, &self.coordination, message, now, entry).await.map_err(|e| store_problem(&e))
    }

    /// A message of this app by its id.
    ///
    /// # Errors
    /// `NotFound`, also for another app's message.
    pub async fn find(&self, app: &App, id: &MessageId) -> Result<Message, Problem> {
        self.storage
            .messages
            .by_id(id)
            .await
            .map_err(|e| store_problem(&e))?
            .filter(|message| message.app_no == app.no)
            .ok_or_else(|| Problem::because(Code::NotFound, Words::new(format!("没有消息 {id}"), format!("no message {id}"))))
    }
}

fn wrong_state(zh: &str, en: &str) -> Problem {
    Problem::because(Code::WrongState, Words::new(zh, en))
}
