//! Bodies as they travel: unknown fields refused, times in RFC 3339, words of design.md.

use std::collections::BTreeMap;

use pipeline::storage::devices::{Device, TokenState};
use pipeline::storage::messages::Message;
use pipeline::storage::tallies::fold;
use serde::{Deserialize, Serialize};
use types::Millis;
use types::content::{Click, Content, Interruption, MessageClass, Override, Template};
use types::funnel::{Equation, Funnel};
use types::life::{MessageState, Outcome};
use types::problem::Problem;
use types::text::Text;
use types::vendor::{Environment, Vendor};
use utoipa::ToSchema;

/// RFC 3339 in UTC.
pub fn time(at: Millis) -> String {
    jiff::Timestamp::from_millisecond(at).map(|t| t.to_string()).unwrap_or_default()
}

/// # Errors
/// `InvalidFields` unless it is RFC 3339 with an offset.
pub fn read_time(field: &str, text: &str) -> Result<Millis, Problem> {
    text.parse::<jiff::Timestamp>().map(jiff::Timestamp::as_millisecond).map_err(|_| {
        Problem::field(
            field,
            Text::new(
                "需要带时区的 RFC 3339 时间，如 2026-11-21T20:00:00+08:00",
                "needs RFC 3339 with an offset, like 2026-11-21T20:00:00+08:00",
            ),
        )
    })
}

/// One unified content; every vendor gets what it can say.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ContentBody {
    /// At most 200 characters; some vendors allow less (Xiaomi 49). Empty = the app's default title. May hold `{{variables}}`.
    #[serde(default)]
    pub title: String,
    /// At most 2,000 characters; some vendors allow less (Xiaomi 127).
    pub body: String,
    /// iOS only.
    pub subtitle: Option<String>,
    #[serde(default)]
    pub click: ClickBody,
    /// https; shown by the iOS extension.
    pub image: Option<String>,
    pub badge: Option<u32>,
    /// iOS sound name, or `default`.
    pub sound: Option<String>,
    #[serde(default)]
    #[schema(value_type = String, example = "time-sensitive")]
    pub interruption: Interruption,
    pub thread: Option<String>,
    #[serde(default)]
    pub show_in_foreground: bool,
    /// Android vendors that ask for it per message.
    #[serde(default)]
    pub vibrate: bool,
    #[serde(default)]
    pub light: bool,
    /// Android notification channel.
    pub channel_id: Option<String>,
    /// Handed to the app; at most 10.
    #[serde(default)]
    pub extras: BTreeMap<String, String>,
    /// By vendor: title, body or channel said differently.
    #[serde(default)]
    #[schema(value_type = BTreeMap<String, OverrideBody>)]
    pub overrides: BTreeMap<Vendor, OverrideBody>,
}

/// What a tap does.
#[derive(Default, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum ClickBody {
    #[default]
    OpenApp,
    /// A web page, https only.
    Url { url: String },
    /// A page inside the app.
    Link { link: String },
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OverrideBody {
    pub title: Option<String>,
    pub body: Option<String>,
    pub channel_id: Option<String>,
    /// The vendor's own message category.
    pub category: Option<String>,
    /// A private template approved by the vendor.
    pub template: Option<TemplateBody>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TemplateBody {
    pub id: String,
    #[serde(default)]
    pub values: BTreeMap<String, String>,
}

impl From<OverrideBody> for Override {
    fn from(body: OverrideBody) -> Override {
        let template = body.template.map(|t| Template { id: t.id, values: t.values });
        Override { title: body.title, body: body.body, channel_id: body.channel_id, category: body.category, template }
    }
}

impl From<ContentBody> for Content {
    fn from(body: ContentBody) -> Content {
        Content {
            title: body.title,
            body: body.body,
            subtitle: body.subtitle,
            click: match body.click {
                ClickBody::OpenApp => Click::OpenApp,
                ClickBody::Url { url } => Click::Url { url },
                ClickBody::Link { link } => Click::Link { link },
            },
            image: body.image,
            badge: body.badge,
            sound: body.sound,
            interruption: body.interruption,
            thread: body.thread,
            show_in_foreground: body.show_in_foreground,
            vibrate: body.vibrate,
            light: body.light,
            channel_id: body.channel_id,
            extras: body.extras,
            overrides: body.overrides.into_iter().map(|(vendor, o)| (vendor, o.into())).collect(),
        }
    }
}

/// Exactly one of the four.
#[derive(Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TargetsBody {
    /// User ids; all devices of each. At most 10,000.
    pub users: Option<Vec<String>>,
    /// Device ids (`dev_…`). At most 10,000.
    pub devices: Option<Vec<String>>,
    /// Vendor tokens, registered or not. At most 10,000.
    pub tokens: Option<Vec<TokenBody>>,
    /// Id of a confirmed crowd (`crd_…`).
    pub crowd: Option<String>,
}

/// A vendor and its token for one device.
#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenBody {
    /// `apns` or `xiaomi`.
    #[schema(value_type = String, example = "xiaomi")]
    pub vendor: Vendor,
    pub token: String,
}

/// A message to be sent.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SendBody {
    pub content: ContentBody,
    pub targets: TargetsBody,
    /// `transactional` (a person waits for it; never behind bulk) or `bulk`.
    #[serde(default)]
    #[schema(value_type = String, example = "bulk")]
    pub class: MessageClass,
    /// RFC 3339 with offset; nothing is sent after it. 24 h from now when absent, at most 30 days ahead.
    pub deadline: Option<String>,
    /// Lanes in order of preference; the app's order when empty.
    #[serde(default)]
    #[schema(value_type = Vec<String>, example = json!(["xiaomi", "apns"]))]
    pub lanes: Vec<Vendor>,
    /// Values for `{{name}}`, for every recipient.
    #[serde(default)]
    pub variables: BTreeMap<String, String>,
    /// Your own name for the kind of business, at most 40 characters.
    #[serde(default)]
    pub business: String,
    /// Only devices whose app version lies between these, both included.
    pub versions: Option<VersionsBody>,
    /// A test send: reaches devices registered as test devices, and no other.
    #[serde(default)]
    pub test: bool,
}

/// `{"min": "2.0"}`: compared number by number; a device that never told its version is outside.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct VersionsBody {
    pub min: Option<String>,
    pub max: Option<String>,
}

/// A durable message: on disk before this answer.
#[derive(Serialize, ToSchema)]
pub struct AcceptedBody {
    pub id: String,
    pub created_at: String,
    /// The same `Idempotency-Key` and body came before; this is that message.
    pub repeated: bool,
}

/// `planned = filtered + accepted + refused + expired + cancelled + uncertain + waiting`, at every instant.
#[derive(Serialize, ToSchema)]
pub struct EquationBody {
    pub planned: u64,
    pub filtered: u64,
    pub accepted: u64,
    pub refused: u64,
    pub expired: u64,
    pub cancelled: u64,
    pub uncertain: u64,
    pub waiting: u64,
}

impl From<Equation> for EquationBody {
    fn from(e: Equation) -> EquationBody {
        EquationBody {
            planned: e.planned,
            filtered: e.filtered,
            accepted: e.accepted,
            refused: e.refused,
            expired: e.expired,
            cancelled: e.cancelled,
            uncertain: e.uncertain,
            waiting: e.waiting,
        }
    }
}

#[derive(Serialize, ToSchema)]
pub struct LaneBody {
    /// Absent: recipients that reached no lane.
    #[schema(value_type = Option<String>)]
    pub vendor: Option<Vendor>,
    pub equation: EquationBody,
    /// Receipts by kind (`delivered`, `displayed`, `clicked`, …), devices.
    pub receipts: BTreeMap<String, u64>,
}

#[derive(Serialize, ToSchema)]
pub struct LossBody {
    #[schema(value_type = Option<String>)]
    pub vendor: Option<Vendor>,
    #[schema(value_type = String)]
    pub outcome: Outcome,
    /// A rule, or a class of failure.
    pub reason: String,
    /// The vendor's own code and words.
    pub words: String,
    pub devices: u64,
}

impl From<types::funnel::Loss> for LossBody {
    fn from(loss: types::funnel::Loss) -> LossBody {
        LossBody { vendor: loss.vendor, outcome: loss.outcome, reason: loss.reason, words: loss.words, devices: loss.devices }
    }
}

#[derive(Serialize, ToSchema)]
pub struct MessageBody {
    pub id: String,
    /// `planning`, `sending`, `paused`, `finished` or `cancelled`.
    #[schema(value_type = String)]
    pub state: MessageState,
    #[schema(value_type = String)]
    pub class: MessageClass,
    /// `api`, `campaign`, `test`, `resend`, `onward` or `recall`.
    pub origin: &'static str,
    pub campaign: Option<String>,
    pub business: String,
    pub created_at: String,
    pub deadline: String,
    pub finished_at: Option<String>,
    pub equation: EquationBody,
    pub lanes: Vec<LaneBody>,
    pub losses: Vec<LossBody>,
}

type Counters = Vec<(Option<Vendor>, pipeline::storage::tallies::Measure, i64)>;

impl MessageBody {
    pub fn new(message: &Message, counters: Counters) -> MessageBody {
        let Funnel { total, lanes, losses, .. } = fold(counters);
        MessageBody {
            id: message.id.to_string(),
            state: message.state,
            class: message.class,
            origin: message.origin.slug(),
            campaign: message.campaign.as_ref().map(ToString::to_string),
            business: message.business.clone(),
            created_at: time(message.created_at),
            deadline: time(message.deadline),
            finished_at: message.finished_at.map(time),
            equation: total.into(),
            lanes: lanes
                .into_iter()
                .map(|lane| LaneBody { vendor: lane.vendor, equation: lane.equation.into(), receipts: lane.receipts.into_iter().collect() })
                .collect(),
            losses: losses.into_iter().map(LossBody::from).collect(),
        }
    }
}

/// A message in a list, without its counters.
#[derive(Serialize, ToSchema)]
pub struct MessageLine {
    pub id: String,
    #[schema(value_type = String)]
    pub state: MessageState,
    #[schema(value_type = String)]
    pub class: MessageClass,
    pub origin: &'static str,
    pub business: String,
    pub created_at: String,
    pub deadline: String,
}

/// A part of a list; ask again with `after` = `next` for what follows.
#[derive(Serialize, ToSchema)]
pub struct PageBody<T: ToSchema> {
    pub items: Vec<T>,
    pub next: Option<String>,
}

/// One installation of the app.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DeviceBody {
    /// Of a device known before; without it, a device with one of these tokens is updated, else one is made.
    pub id: Option<String>,
    /// Who uses it; at most 256 bytes.
    pub user_id: Option<String>,
    #[serde(default)]
    pub model: String,
    #[serde(default)]
    pub os_version: String,
    #[serde(default)]
    pub app_version: String,
    /// The notification switch; absent = unknown.
    pub notifications_on: Option<bool>,
    /// `production` or `sandbox`: where the tokens are from. The app's own when absent.
    #[schema(value_type = Option<String>)]
    pub environment: Option<Environment>,
    /// IANA, like `Europe/Berlin`: quiet hours by the user's zone go by it. Absent = unchanged.
    pub zone: Option<String>,
    /// May test sends reach it? Absent = unchanged.
    pub test: Option<bool>,
    /// One per vendor; they replace the device's former ones of these vendors.
    #[serde(default)]
    pub tokens: Vec<TokenBody>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DevicesBody {
    /// 1 to 1,000.
    pub devices: Vec<DeviceBody>,
}

#[derive(Serialize, ToSchema)]
pub struct DeviceIdsBody {
    /// In the order of the request.
    pub ids: Vec<String>,
}

#[derive(Serialize, ToSchema)]
pub struct TokenView {
    #[schema(value_type = String)]
    pub vendor: Vendor,
    pub token: String,
    #[schema(value_type = String)]
    pub environment: Environment,
    /// `active`, or `quarantined` after the vendor refused it; back to active when registered again.
    pub state: &'static str,
    pub reason: Option<String>,
    pub registered_at: String,
}

#[derive(Serialize, ToSchema)]
pub struct DeviceView {
    pub id: String,
    pub user_id: Option<String>,
    pub model: String,
    pub os_version: String,
    pub app_version: String,
    pub notifications_on: Option<bool>,
    #[schema(value_type = String)]
    pub environment: Environment,
    pub zone: Option<String>,
    pub test: bool,
    pub created_at: String,
    pub seen_at: String,
    pub tokens: Vec<TokenView>,
}

impl From<Device> for DeviceView {
    fn from(device: Device) -> DeviceView {
        DeviceView {
            id: device.id.to_string(),
            user_id: device.user_id,
            model: device.model,
            os_version: device.os_version,
            app_version: device.app_version,
            notifications_on: device.notifications_on,
            environment: device.environment,
            zone: device.zone,
            test: device.test,
            created_at: time(device.created_at),
            seen_at: time(device.seen_at),
            tokens: device
                .tokens
                .into_iter()
                .map(|t| TokenView {
                    vendor: t.vendor,
                    token: t.token,
                    environment: t.environment,
                    state: match t.state {
                        TokenState::Active => "active",
                        TokenState::Quarantined => "quarantined",
                    },
                    reason: t.reason,
                    registered_at: time(t.registered_at),
                })
                .collect(),
        }
    }
}
