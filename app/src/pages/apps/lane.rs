//! One vendor of an app: its credential (a form drawn from the declared fields) and its lane.

use leptos::form::ActionForm;
use leptos::prelude::*;
use types::field::FieldKind;
use types::vendor::PaceUnit;
use types::views::apps::{CredentialView, LaneView};

use super::Of;
use super::calls::{DropVendorCredential, PauseLane, PutLane, PutVendorCredential};
use crate::ui::number::Time;
use crate::ui::prelude::*;

const CREDENTIAL: Text = Text::new("凭据", "Credential");
const NO_CREDENTIAL: Text = Text::new("未填凭据：这条通道还不能发送。", "No credential: this lane cannot send yet.");
const ENTERED: Text = Text::new("由 {0} 填写", "Entered by {0}");
const REPLACE: Text = Text::new("更换凭据", "Replace the credential");
const ENTER: Text = Text::new("填写凭据", "Enter the credential");
const DROP: Text = Text::new("删除凭据", "Delete the credential");
const DROP_SENTENCE: Text = Text::new("删除后这条通道立即停止发送。", "The lane stops sending at once.");
const SECRET_HELP: Text = Text::new("加密保存，以后不再显示。", "Kept encrypted, never shown again.");
const LANE: Text = Text::new("通道设置", "Lane settings");
const ENABLED: Text = Text::new("启用这条通道", "Use this lane");
const BASE_URL: Text = Text::new("厂商地址", "Vendor address");
const CA: Text = Text::new("附加根证书（PEM）", "Extra root certificates (PEM)");
const CA_HELP: Text = Text::new(
    "用于仿真器、代理或私有网关；留空即用公共根证书。",
    "For the simulator, a proxy or a private gateway; empty = public roots only.",
);
const PACE_REQUESTS: Text = Text::new("速率（请求/秒）", "Pace (requests/s)");
const PACE_TARGETS: Text = Text::new("速率（目标/秒）", "Pace (targets/s)");
const BATCH: Text = Text::new("每个请求的接收数", "Recipients in one request");
const IN_FLIGHT: Text = Text::new("同时在途", "In flight at once");
const RESERVE: Text = Text::new("其中留给即时消息（%）", "Of it kept for urgent messages (%)");
const QUOTA: Text = Text::new("每日配额（0 = 未知）", "Daily quota (0 = none known)");
const PROXY: Text = Text::new("出口代理", "Egress proxy");
const PROXY_HELP: Text = Text::new("形如 http://proxy:3128；留空即直连。", "As http://proxy:3128; empty = direct.");
const WAYS: Text = Text::new("出口", "Ways out");
const WAYS_HELP: Text = Text::new(
    "每行一个：份额 direct，份额 proxy http://…，份额 host https://…，份额 source 本机IP。份额 0 = 备用。留空 = 只用上面的代理或直连",
    "One a line: share direct, share proxy http://…, share host https://…, share source IP. Share 0 = spare. Empty = the proxy above, or direct",
);
const TIMEOUT: Text = Text::new("超时（毫秒）", "Time-out (ms)");
const SAVE: Text = Text::new("保存", "Save");
const FLOWS: Text = Text::new("可用", "ready");
const OFF: Text = Text::new("未启用", "not in use");
const PAUSED: Text = Text::new("已停：{0}", "stopped: {0}");
const RESUME: Text = Text::new("恢复通道", "Resume the lane");
const PAUSE: Text = Text::new("停住通道", "Stop the lane");
const WHY: Text = Text::new("原因", "Reason");
const CALLBACK: Text = Text::new("回执地址（填到厂商后台）", "Receipt address (for the vendor's console)");
const DEFAULTS: Text = Text::new("默认值来源：{0}（{1}）", "Source of the defaults: {0} ({1})");

/// The actions of the vendor cards; made once by the page, so that their errors survive a reload of the data.
#[derive(Clone, Copy)]
pub struct LaneActions {
    pub credential: ServerAction<PutVendorCredential>,
    pub drop: ServerAction<DropVendorCredential>,
    pub lane: ServerAction<PutLane>,
    pub pause: ServerAction<PauseLane>,
}

fn shown(lang: Lang, lane: &LaneView, credential: &CredentialView) -> impl IntoView + use<> {
    let fields = lane.vendor.credential_fields();
    let facts = credential
        .hints
        .iter()
        .map(|(name, hint)| {
            let label = fields.iter().find(|f| f.name == name).map_or(name.clone(), |f| f.label.get(lang).to_owned());
            view! {
                <dt>{label}</dt>
                <dd>
                    <code>{hint.clone()}</code>
                </dd>
            }
        })
        .collect_view();
    view! {
        <dl class="facts">{facts}</dl>
        <p class="help">
            {ENTERED.fill(lang, &[&credential.updated_by])} " · " <Time at=credential.updated_at />
        </p>
    }
    .into_any()
}

#[component]
fn CredentialForm(app: String, lane: LaneView, actions: LaneActions) -> impl IntoView {
    let lang = use_lang();
    let vendor = lane.vendor;
    let trouble = trouble_of(actions.credential);
    let fields = vendor
        .credential_fields()
        .iter()
        .map(|field| {
            let id = format!("{}-{}", vendor.slug(), field.name);
            let name = format!("fields[{}]", field.name);
            let help = if field.kind.is_secret() {
                format!("{} {}", field.help.get(lang), SECRET_HELP.get(lang))
            } else {
                field.help.get(lang).to_owned()
            };
            let error = trouble.field(field.name);
            let required = !field.check.may_be_empty();
            match field.kind {
                FieldKind::SecretText => {
                    view! { <TextArea name=name id=id label=field.label.get(lang) help=help rows=6 required=required error=error /> }
                        .into_any()
                }
                FieldKind::Secret => view! {
                    <TextField
                        name=name
                        id=id
                        label=field.label.get(lang)
                        help=help
                        kind="password"
                        autocomplete="off"
                        required=required
                        error=error
                    />
                }
                .into_any(),
                FieldKind::Line => {
                    view! { <TextField name=name id=id label=field.label.get(lang) help=help required=required error=error /> }.into_any()
                }
            }
        })
        .collect_view();
    view! {
        <ActionForm action=actions.credential attr:class="form">
            <Of app=app vendor=vendor.slug() />
            {fields}
            <Button kind=Kind::Act>{SAVE.get(lang)}</Button>
        </ActionForm>
    }
    .into_any()
}

#[component]
fn LaneForm(app: String, lane: LaneView, actions: LaneActions) -> impl IntoView {
    let lang = use_lang();
    let vendor = lane.vendor;
    let slug = vendor.slug();
    let trouble = trouble_of(actions.lane);
    let defaults = vendor.lane_defaults();
    let pace = match defaults.pace_unit {
        PaceUnit::Requests => PACE_REQUESTS,
        PaceUnit::Targets => PACE_TARGETS,
    };
    let number = move |name: &'static str, label: Text, value: String, min: &'static str| {
        view! {
            <TextField
                name=format!("lane[{name}]")
                id=format!("{slug}-{name}")
                label=label.get(lang)
                kind="number"
                value=value
                min=min
                required=true
                error=trouble.field(name)
            />
        }
    };
    view! {
        <ActionForm action=actions.lane attr:class="form">
            <Of app=app vendor=slug />
            <CheckField name="lane[enabled]" label=ENABLED.get(lang) checked=lane.enabled />
            <TextField
                name="lane[base_url]"
                id=format!("{slug}-base_url")
                label=BASE_URL.get(lang)
                value=lane.base_url
                required=true
                maxlength=300
                error=trouble.field("base_url")
            />
            <div class="form-row">
                {number("pace_per_second", pace, lane.pace_per_second.to_string(), "1")}
                {number("batch", BATCH, lane.batch.to_string(), "1")} {number("in_flight", IN_FLIGHT, lane.in_flight.to_string(), "1")}
                {number("daily_quota", QUOTA, lane.daily_quota.to_string(), "0")}
                {number("reserve_percent", RESERVE, lane.reserve_percent.to_string(), "0")}
                {number("timeout_ms", TIMEOUT, lane.timeout_ms.to_string(), "500")}
            </div>
            <TextField
                name="lane[egress_proxy]"
                id=format!("{slug}-egress_proxy")
                label=PROXY.get(lang)
                help=PROXY_HELP.get(lang)
                value=lane.egress_proxy
                error=trouble.field("egress_proxy")
            />
            <TextArea
                name="lane[ways]"
                id=format!("{slug}-ways")
                label=WAYS.get(lang)
                help=WAYS_HELP.get(lang)
                value=lane.ways
                error=trouble.field("ways")
            />
            <TextArea
                name="lane[ca_pem]"
                id=format!("{slug}-ca_pem")
                label=CA.get(lang)
                help=CA_HELP.get(lang)
                value=lane.ca_pem
                error=trouble.field("ca_pem")
            />
            <p class="help">{DEFAULTS.fill(lang, &[defaults.source, defaults.checked_on])}</p>
            <Button kind=Kind::Act>{SAVE.get(lang)}</Button>
        </ActionForm>
    }
    .into_any()
}

/// Everything about one vendor.
#[component]
pub fn VendorCard(app: String, lane: LaneView, actions: LaneActions) -> impl IntoView {
    let lang = use_lang();
    let vendor = lane.vendor;
    // The children of forms are closures: one handle they may all copy.
    let app = StoredValue::new(app);
    let state = match (&lane.paused, lane.enabled, &lane.credential) {
        (Some(why), _, _) => {
            let words = PAUSED.fill(lang, &[why]);
            view! { <Pill tone=Tone::Bad>{words}</Pill> }.into_any()
        }
        (None, false, _) => view! { <Pill>{OFF.get(lang)}</Pill> }.into_any(),
        (None, true, None) => view! { <Pill tone=Tone::Warn>{NO_CREDENTIAL.get(lang)}</Pill> }.into_any(),
        (None, true, Some(_)) => view! { <Pill tone=Tone::Ok>{FLOWS.get(lang)}</Pill> }.into_any(),
    };
    let enter = if lane.credential.is_some() { REPLACE } else { ENTER };
    let known = lane.credential.as_ref().map(|credential| {
        let drop = view! {
            <Confirm label=DROP.get(lang) kind=Kind::Danger>
                <p>{DROP_SENTENCE.get(lang)}</p>
                <ActionForm action=actions.drop>
                    <Of app=app.get_value() vendor=vendor.slug() />
                    <Button kind=Kind::Danger>{DROP.get(lang)}</Button>
                </ActionForm>
            </Confirm>
        };
        (shown(lang, &lane, credential), drop)
    });
    let pause = if lane.paused.is_some() {
        view! {
            <ActionForm action=actions.pause>
                <Of app=app.get_value() vendor=vendor.slug() />
                <Button>{RESUME.get(lang)}</Button>
            </ActionForm>
        }
        .into_any()
    } else {
        view! {
            <Confirm label=PAUSE.get(lang)>
                <ActionForm action=actions.pause attr:class="form">
                    <Of app=app.get_value() vendor=vendor.slug() />
                    <TextField name="why" id=format!("{}-why", vendor.slug()) label=WHY.get(lang) required=true maxlength=200 />
                    <Button kind=Kind::Danger>{PAUSE.get(lang)}</Button>
                </ActionForm>
            </Confirm>
        }
        .into_any()
    };
    let callback = lane.callback_url.clone();
    view! {
        <section class="card">
            <header class="card-head">
                <h2>
                    <VendorDot vendor=vendor />
                </h2>
                {state}
            </header>
            {known}
            <details>
                <summary>{CREDENTIAL.get(lang)} " · " {enter.get(lang)}</summary>
                <CredentialForm app=app.get_value() lane=lane.clone() actions=actions />
            </details>
            <details>
                <summary>{LANE.get(lang)}</summary>
                <LaneForm app=app.get_value() lane=lane actions=actions />
            </details>
            {callback
                .map(|url| {
                    view! {
                        <p class="help">
                            {CALLBACK.get(lang)} ": " <code>{url}</code>
                        </p>
                    }
                })} {pause}
        </section>
    }
    .into_any()
}
