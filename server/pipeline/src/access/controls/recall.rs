//! Recall: what is unsent stops, what was sent is taken back by each vendor's means. A recall is a message of its own, so that its
//! requests take the lanes' way: limits, breakers, leases, one outcome for everybody.

use std::collections::BTreeMap;

use types::Millis;
use types::content::{Content, Interruption, Override};
use types::field::FieldError;
use types::life::MessageState;
use types::problem::{Code, Problem};
use types::text::Text;
use types::views::recall::{RecallCounts, RecallLane, RecallView, lanes};

use super::{Controls, wrong_state};
use crate::access::accept::{Accepted, LIFE_MAX, Submission, store_problem};
use crate::storage::apps::App;
use crate::storage::messages::{Message, Origin, Targets};
use crate::storage::tallies;

/// A notice waits at vendors at least so long: phones that were off when it was sent.
const LIFE_MIN: Millis = 3_600_000;
/// The words a notice begins with, when nobody wrote others.
pub const NOTICE: Text = Text::new("此消息已撤回", "This message was withdrawn");
const TITLE_MAX: usize = 40;
const BODY_MAX: usize = 100;

/// What takes the place of a notification that cannot be withdrawn.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Notice {
    /// Empty = the earlier message's own.
    pub title: String,
    pub body: String,
}

impl Notice {
    /// With the usual words, in both languages, when nobody wrote any.
    pub fn or_usual(title: String, body: String) -> Notice {
        let body = if body.trim().is_empty() { format!("{} / {}", NOTICE.zh, NOTICE.en) } else { body };
        Notice { title, body }
    }

    fn check(&self) -> Vec<FieldError> {
        let mut errors = Vec::new();
        if self.body.trim().is_empty() {
            errors.push(FieldError::new(
                "body",
                Text::new("写一句话：它会出现在原通知的位置", "say something: it takes the notification's place"),
            ));
        }
        let long = |text: &str, most: usize| text.chars().count() > most;
        if long(&self.title, TITLE_MAX) {
            errors.push(FieldError::new("title", Text::new("最多 40 个字", "at most 40 characters")));
        }
        if long(&self.body, BODY_MAX) {
            errors.push(FieldError::new("body", Text::new("最多 100 个字", "at most 100 characters")));
        }
        let said = Content { title: self.title.clone(), body: self.body.clone(), ..Content::default() };
        if !types::copy::variables(&said).is_empty() {
            let reason = Text::new("撤回通知里不能用变量；写成固定的文字", "a notice has no variables; write the words themselves");
            errors.push(FieldError::new("body", reason));
        }
        errors
    }

    /// Silent, without picture or link; channel and category stay, for the vendor classes it by them.
    fn content(&self, earlier: &Content) -> Content {
        let title = if self.title.trim().is_empty() { earlier.title.as_str() } else { self.title.trim() };
        // A title with a variable in it would lose it.
        let title = if title.contains("{{") { "" } else { title };
        let kept = |own: &Override| Override { channel_id: own.channel_id.clone(), category: own.category.clone(), ..Override::default() };
        Content {
            title: title.chars().take(TITLE_MAX).collect(),
            body: self.body.trim().to_owned(),
            interruption: Interruption::Passive,
            thread: earlier.thread.clone(),
            channel_id: earlier.channel_id.clone(),
            overrides: earlier.overrides.iter().map(|(vendor, own)| (*vendor, kept(own))).collect(),
            ..Content::default()
        }
    }
}

impl Controls {
    /// Stops a message and takes back what it may have shown. Durable when this returns; asked for again it is the same recall.
    ///
    /// # Errors
    /// `InvalidFields` when the notice cannot be said; `WrongState` for a recall itself.
    pub async fn recall(&self, app: &App, message: &Message, notice: &Notice, account: &str, address: &str) -> Result<Accepted, Problem> {
        if message.origin == Origin::Recall {
            return Err(wrong_state("召回本身不能再召回", "a recall cannot be recalled"));
        }
        let errors = notice.check();
        if !errors.is_empty() {
            return Err(Problem::fields(errors));
        }
        let now = self.world.now();
        let mut hash = [0; 32];
        hash[..16].copy_from_slice(&xxhash_rust::xxh3::xxh3_128(message.id.as_str().as_bytes()).to_be_bytes());
        let submission = Submission {
            campaign: message.campaign.clone(),
            origin: Origin::Recall,
            class: message.class,
            business: message.business.clone(),
            content: notice.content(&message.content),
            variables: BTreeMap::new(),
            targets: Targets::Recall { message: message.id.clone(), root: message.showing().clone() },
            vendor_order: message.vendor_order.clone(),
            versions: None,
            hours: None,
            // Whoever would still get the one gets the other.
            deadline: Some(message.deadline.clamp(now + LIFE_MIN, now + LIFE_MAX)),
            idempotency: Some((format!("carillon:recall:{}", message.id), hash)),
            account: account.to_owned(),
            address: address.to_owned(),
        };
        // First the recall: whoever comes after a crash in between stops what it names.
        let accepted = self.accept.submit(app, submission).await?;
        if !matches!(message.state, MessageState::Finished | MessageState::Cancelled) {
            match self.cancel(message.no).await {
                Err(problem) if problem.code != Code::WrongState => return Err(problem),
                Ok(_) | Err(_) => {}
            }
        }
        self.accept.planned();
        Ok(accepted)
    }

    /// What a recall of these messages would do, or has done.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn recall_view(&self, app: &App, name: String, messages: &[Message]) -> Result<RecallView, Problem> {
        let mut view = RecallView {
            name,
            app_name: app.name.clone(),
            living: false,
            asked: None,
            notice: Default::default(),
            messages: Vec::new(),
            total: RecallCounts::default(),
            lanes: Vec::new(),
            losses: Vec::new(),
        };
        for message in messages {
            let of =
                async |no: i64| Ok::<_, Problem>(tallies::fold(self.storage.tallies.of_message(no).await.map_err(|e| store_problem(&e))?));
            let earlier = of(message.no).await?;
            let recall = self.storage.messages.by_id(&message.id.recall()).await.map_err(|e| store_problem(&e))?;
            let taken = match &recall {
                Some(recall) => Some(of(recall.no).await?),
                None => None,
            };
            view.living |= message.finished_at.is_none();
            for lane in lanes(&earlier, taken.as_ref()) {
                view.total.add(lane.counts);
                match view.lanes.iter_mut().find(|known: &&mut RecallLane| known.vendor == lane.vendor) {
                    Some(known) => known.counts.add(lane.counts),
                    None => view.lanes.push(lane),
                }
            }
            view.losses.extend(taken.into_iter().flat_map(|funnel| funnel.losses));
            if let Some(recall) = &recall
                && view.asked.as_ref().is_none_or(|(_, at)| recall.created_at < *at)
            {
                view.asked = Some((recall.account.clone(), recall.created_at));
                view.notice = (recall.content.title.clone(), recall.content.body.clone());
            }
            view.messages.push((message.id.clone(), recall.map(|recall| recall.id)));
        }
        view.lanes.sort_by_key(|lane| lane.vendor);
        view.losses = together(view.losses);
        Ok(view)
    }
}

/// Losses of several messages by vendor and reason, the most first.
fn together(losses: Vec<types::funnel::Loss>) -> Vec<types::funnel::Loss> {
    let mut out: Vec<types::funnel::Loss> = Vec::new();
    for loss in losses {
        let same = |known: &&mut types::funnel::Loss| {
            (known.vendor, known.outcome, &known.reason, &known.words) == (loss.vendor, loss.outcome, &loss.reason, &loss.words)
        };
        match out.iter_mut().find(same) {
            Some(known) => known.devices += loss.devices,
            None => out.push(loss),
        }
    }
    out.sort_by_key(|loss| std::cmp::Reverse(loss.devices));
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use types::content::Click;
    use types::vendor::Vendor;

    #[test]
    fn a_notice_is_silent_and_keeps_channel_and_category() {
        let own =
            Override { title: Some("Own".into()), body: Some("Own".into()), category: Some("MARKETING".into()), ..Override::default() };
        let earlier = Content {
            title: "Sale {{name}}".into(),
            body: "50 %".into(),
            sound: Some("default".into()),
            image: Some("https://img.example/a.png".into()),
            click: Click::Url { url: "https://example.com".into() },
            channel_id: Some("news".into()),
            overrides: [(Vendor::Vivo, own)].into(),
            ..Content::default()
        };
        let notice = Notice { title: String::new(), body: " withdrawn ".into() };
        assert_eq!(notice.check(), []);
        let content = notice.content(&earlier);
        assert_eq!((content.title.as_str(), content.body.as_str(), content.channel_id.as_deref()), ("", "withdrawn", Some("news")));
        assert_eq!((content.sound, content.image, content.click), (None, None, Click::OpenApp));
        assert_eq!(content.overrides[&Vendor::Vivo], Override { category: Some("MARKETING".into()), ..Override::default() });
    }

    #[test]
    fn a_notice_that_cannot_be_said_names_its_fields() {
        let fields = |title: &str, body: &str| -> Vec<String> {
            Notice { title: title.into(), body: body.into() }.check().into_iter().map(|e| e.field).collect()
        };
        assert_eq!(fields("", "  "), ["body"]);
        assert_eq!(fields(&"x".repeat(41), &"x".repeat(101)), ["title", "body"]);
        assert_eq!(fields("", "dear {{name}}"), ["body"]);
    }
}
