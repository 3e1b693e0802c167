//! An app's settings: keys, secrets, what it is called, its vendors.

use leptos::form::ActionForm;
use leptos::prelude::*;
use types::views::apps::{AppDetail, SecretView};

use super::calls::{AddAppSecret, ChangeApp, DropVendorCredential, EndAppSecret, PauseLane, PutLane, PutVendorCredential, read_app};
use super::lane::{LaneActions, VendorCard};
use super::{Of, SERVICE_NAMES};
use crate::ui::number::Time;
use crate::ui::prelude::*;
use crate::ui::returned::typed_into;

const SETTINGS: Text = Text::new("应用设置", "App settings");
const KEYS: Text = Text::new("密钥", "Keys");
const FRESH: Text =
    Text::new("appSecret 只显示这一次，请立即保存到服务端：", "The appSecret is shown this once; keep it on your server now:");
const CLIENT_KEY: Text = Text::new("客户端密钥（随应用发布，仅用于上报）", "Client key (ships inside the app, for reports only)");
const SECRETS: Text = Text::new("appSecret", "appSecret");
const SECRETS_HELP: Text = Text::new(
    "轮换：先新增第二个，换好所有服务端，再停用旧的。",
    "To rotate: add a second one, move every server to it, then end the old one.",
);
const MADE: Text = Text::new("创建", "Made");
const USED: Text = Text::new("最近使用", "Last used");
const NEVER: Text = Text::new("从未", "never");
const ADD: Text = Text::new("新增 appSecret", "Add an appSecret");
const END: Text = Text::new("停用", "End");
const END_SENTENCE: Text = Text::new("用它签名的请求会立即被拒绝。", "Requests signed with it are refused at once.");
const ABOUT: Text = Text::new("基本信息", "About");
const NAME: Text = Text::new("名称", "Name");
const DESCRIPTION: Text = Text::new("说明", "Description");
const DEFAULT_TITLE: Text = Text::new("默认标题", "Default title");
const ORDER: Text = Text::new("厂商顺序", "Vendor order");
const ORDER_HELP: Text = Text::new("用逗号分隔，前面的优先：apns,xiaomi", "Separated by commas, the first is preferred: apns,xiaomi");
const SERVICES: Text = Text::new("公共服务", "Services");
const SAVE: Text = Text::new("保存", "Save");
const EXAMPLE: Text = Text::new("试一试", "Try it");
const EXAMPLE_HELP: Text = Text::new(
    "在有 openssl 与 curl 的机器上运行；把 SECRET 换成 appSecret，USER 换成测试用户。",
    "Run it where openssl and curl are; put your appSecret for SECRET and a test user for USER.",
);

/// A signed request that works when pasted (signing v1).
fn snippet(detail: &AppDetail) -> String {
    let url = &detail.public_url;
    let key = &detail.app_key;
    format!(
        r#"SECRET='as_...'; USER='u1'
BODY='{{"targets":{{"users":["'$USER'"]}},"content":{{"title":"Hello","body":"From Carillon"}}}}'
TS=$(date +%s); NONCE=$(openssl rand -hex 16)
HASH=$(printf %s "$BODY" | openssl dgst -sha256 -hex | sed 's/.* //')
SIG=$(printf 'v1\nPOST\n/v1/messages\n\n%s\n%s\n%s' "$TS" "$NONCE" "$HASH" | openssl dgst -sha256 -hmac "$SECRET" -hex | sed 's/.* //')
curl -sS '{url}/v1/messages' -H 'Content-Type: application/json' -H 'X-App-Key: {key}' \
  -H "X-Timestamp: $TS" -H "X-Nonce: $NONCE" -H "X-Signature: v1=$SIG" -d "$BODY""#
    )
}

#[component]
fn Secrets(app: String, secrets: Vec<SecretView>, add: ServerAction<AddAppSecret>, end: ServerAction<EndAppSecret>) -> impl IntoView {
    let lang = use_lang();
    let only = secrets.len() == 1;
    let rows = secrets
        .into_iter()
        .map(|s| {
            let app = app.clone();
            view! {
                <tr>
                    <td>{format!("#{}", s.no)}</td>
                    <td>
                        <Time at=s.created_at />
                    </td>
                    <td>
                        {match s.last_used_at {
                            Some(at) => view! { <Time at=at /> }.into_any(),
                            None => NEVER.get(lang).into_any(),
                        }}
                    </td>
                    <td>
                        {(!only)
                            .then(|| {
                                view! {
                                    <Confirm label=END.get(lang) kind=Kind::Danger>
                                        <p>{END_SENTENCE.get(lang)}</p>
                                        <ActionForm action=end>
                                            <Of app=app />
                                            <input type="hidden" name="no" value=s.no.to_string() />
                                            <Button kind=Kind::Danger>{END.get(lang)}</Button>
                                        </ActionForm>
                                    </Confirm>
                                }
                            })}
                    </td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <Table
            caption=SECRETS.get(lang)
            columns=vec![
                Column::text(SECRETS.get(lang)),
                Column::text(MADE.get(lang)),
                Column::text(USED.get(lang)),
                Column::text(""),
            ]
        >
            {rows}
        </Table>
        <p class="help">{SECRETS_HELP.get(lang)}</p>
        {only
            .then(|| {
                view! {
                    <ActionForm action=add>
                        <Of app=app />
                        <Button>{ADD.get(lang)}</Button>
                    </ActionForm>
                }
            })}
    }
    .into_any()
}

#[component]
fn About(detail: AppDetail, action: ServerAction<ChangeApp>) -> impl IntoView {
    let lang = use_lang();
    let trouble = trouble_of(action);
    let typed = typed_into::<ChangeApp>().filter(|t| t.app == detail.id.as_str());
    let shown = typed.unwrap_or_else(|| ChangeApp {
        app: detail.id.as_str().to_owned(),
        name: detail.name,
        description: detail.description,
        default_title: detail.default_title,
        vendor_order: detail.vendor_order.iter().map(|v| v.slug()).collect::<Vec<_>>().join(","),
        services: detail.services,
    });
    let services = SERVICE_NAMES
        .into_iter()
        .enumerate()
        .map(|(i, (slug, name))| {
            let on = shown.services.iter().any(|s| s == slug);
            view! { <CheckField name=format!("services[{i}]") value=slug label=name.get(lang) checked=on /> }
        })
        .collect_view();
    view! {
        <ActionForm action=action attr:class="form">
            <ErrorBox error=trouble />
            <Of app=shown.app />
            <TextField name="name" label=NAME.get(lang) value=shown.name required=true maxlength=60 error=trouble.field("name") />
            <TextArea
                name="description"
                label=DESCRIPTION.get(lang)
                value=shown.description
                maxlength=500
                error=trouble.field("description")
            />
            <TextField
                name="default_title"
                label=DEFAULT_TITLE.get(lang)
                value=shown.default_title
                maxlength=40
                error=trouble.field("default_title")
            />
            <TextField
                name="vendor_order"
                label=ORDER.get(lang)
                help=ORDER_HELP.get(lang)
                value=shown.vendor_order
                error=trouble.field("vendor_order")
            />
            <fieldset>
                <legend>{SERVICES.get(lang)}</legend>
                {services}
            </fieldset>
            <Button kind=Kind::Act>{SAVE.get(lang)}</Button>
        </ActionForm>
    }
    .into_any()
}

#[component]
pub fn AppSettings() -> impl IntoView {
    let lang = use_lang();
    let app = use_app_id();
    let change = ServerAction::<ChangeApp>::new();
    let add = ServerAction::<AddAppSecret>::new();
    let end = ServerAction::<EndAppSecret>::new();
    let actions = LaneActions {
        credential: ServerAction::<PutVendorCredential>::new(),
        drop: ServerAction::<DropVendorCredential>::new(),
        lane: ServerAction::<PutLane>::new(),
        pause: ServerAction::<PauseLane>::new(),
    };
    let versions = move || {
        change.version().get()
            + add.version().get()
            + end.version().get()
            + actions.credential.version().get()
            + actions.drop.version().get()
            + actions.lane.version().get()
            + actions.pause.version().get()
    };
    let troubles = [
        trouble_of(add),
        trouble_of(end),
        trouble_of(actions.credential),
        trouble_of(actions.drop),
        trouble_of(actions.lane),
        trouble_of(actions.pause),
    ];
    let detail = Resource::new(move || (app.get(), versions()), |(app, _)| read_app(app));
    view! {
        <PageHead title=t(SETTINGS) />
        {troubles.map(|error| view! { <ErrorBox error=error /> })}
        <Load
            resource=detail
            view=move |d| {
                let id = d.id.as_str().to_owned();
                let code = snippet(&d);
                let fresh = d.fresh_secret.clone();
                let lanes = d.lanes.clone();
                let secrets = d.secrets.clone();
                let (app_key, client_key) = (d.app_key.clone(), d.client_key.clone());
                let lane_app = id.clone();
                view! {
                    {fresh
                        .map(|secret| {
                            view! {
                                <div class="ok-box" role="status">
                                    <strong>{FRESH.get(lang)}</strong>
                                    <code id="fresh-secret">{secret}</code>
                                </div>
                            }
                        })}
                    <Card title=KEYS.get(lang)>
                        <dl class="facts">
                            <dt>"appKey"</dt>
                            <dd>
                                <code>{app_key}</code>
                            </dd>
                            <dt>{CLIENT_KEY.get(lang)}</dt>
                            <dd>
                                <code>{client_key}</code>
                            </dd>
                        </dl>
                        <Secrets app=id secrets=secrets add=add end=end />
                    </Card>
                    <div class="cols-2">
                        {lanes.into_iter().map(|lane| view! { <VendorCard app=lane_app.clone() lane=lane actions=actions /> }).collect_view()}
                    </div>
                    <Card title=ABOUT.get(lang)>
                        <About detail=d action=change />
                    </Card>
                    <Card title=EXAMPLE.get(lang)>
                        <p class="help">{EXAMPLE_HELP.get(lang)}</p>
                        <pre tabindex="0">
                            <code>{code}</code>
                        </pre>
                    </Card>
                }
            }
        />
    }
    .into_any()
}
