//! Devices of an app: list with filters in the URL, and one device with its tokens (masked).

use leptos::form::ActionForm;
use leptos::prelude::*;
use leptos_router::hooks::{use_params_map, use_query_map};
use types::people::Permission;
use types::vendor::Vendor;
use types::views::apps::{DeviceQuery, DeviceView, TokenView};

pub mod calls;

use calls::{SetTestDevice, list_devices, read_device};

use crate::ui::icon::Icon;
use crate::ui::number::Time;
use crate::ui::prelude::*;

const TITLE: Text = Text::new("终端", "Devices");
const SUB: Text = Text::new("由应用通过接口登记；令牌不完整显示。", "Registered by the app through the API; tokens are masked.");
const ONE: Text = Text::new("终端详情", "Device");
const ID: Text = Text::new("终端编号", "Device id");
const USER: Text = Text::new("用户 ID", "User id");
const TOKEN: Text = Text::new("令牌", "Token");
const TOKEN_HELP: Text = Text::new("完整令牌", "The whole token");
const VENDOR: Text = Text::new("厂商", "Vendor");
const ANY: Text = Text::new("全部", "any");
const TEST: Text = Text::new("测试机", "Test device");
const YES: Text = Text::new("是", "yes");
const NO: Text = Text::new("否", "no");
const MODEL: Text = Text::new("机型", "Model");
const SYSTEM: Text = Text::new("系统", "System");
const VERSION: Text = Text::new("应用版本", "App version");
const SWITCH: Text = Text::new("通知开关", "Notification switch");
const ON: Text = Text::new("开", "on");
const OFF: Text = Text::new("关", "off");
const UNKNOWN: Text = Text::new("客户端未上报", "not reported");
const ENVIRONMENT: Text = Text::new("环境", "Environment");
const SEEN: Text = Text::new("最近出现", "Last seen");
const CREATED: Text = Text::new("登记时间", "Registered");
const STATE: Text = Text::new("状态", "State");
const ACTIVE: Text = Text::new("有效", "active");
const QUARANTINED: Text = Text::new("已隔离", "quarantined");
const NOTHING: Text =
    Text::new("还没有终端。应用用接口登记后会出现在这里。", "No device yet. They appear when the app registers them by API.");
const NOT_FOUND: Text = Text::new("没有符合条件的终端；请放宽筛选。", "No device fits; loosen the filter.");
const HOW: Text = Text::new("查看接口文档", "Read the API pages");
const MAKE_TEST: Text = Text::new("设为测试机", "Make it a test device");
const UNMAKE_TEST: Text = Text::new("不再是测试机", "No longer a test device");
const TEST_HELP: Text = Text::new("测试发送只发给测试机。", "Test sends go to test devices only.");

fn switch(on: Option<bool>) -> Text {
    match on {
        Some(true) => ON,
        Some(false) => OFF,
        None => UNKNOWN,
    }
}

#[component]
pub fn Devices() -> impl IntoView {
    let lang = use_lang();
    let app = use_app_id();
    let query = use_query_map();
    let wish = Memo::new(move |_| {
        query.with(|q| {
            let text = |key: &str| q.get(key).unwrap_or_default();
            DeviceQuery { user: text("user"), token: text("token"), vendor: text("vendor"), test: text("test"), after: text("after") }
        })
    });
    let list = Resource::new(move || (app.get(), wish.get()), |(app, wish)| list_devices(app, wish));
    let vendors = std::iter::once((String::new(), t(ANY).to_owned()))
        .chain(Vendor::ALL.map(|v| (v.slug().to_owned(), v.name().get(lang).to_owned())))
        .collect::<Vec<_>>();
    let tests = vec![(String::new(), t(ANY).to_owned()), ("yes".to_owned(), t(YES).to_owned()), ("no".to_owned(), t(NO).to_owned())];
    let row = move |d: DeviceView| {
        let href = format!("/apps/{}/devices/{}", app.get_untracked(), d.id);
        view! {
            <tr>
                <td>
                    <a href=href>{d.user_id.unwrap_or_else(|| d.id.as_str().to_owned())}</a>
                </td>
                <td>{d.model}</td>
                <td>{d.app_version}</td>
                <td>{d.tokens.iter().map(|t| view! { <VendorDot vendor=t.vendor /> " " }).collect_view()}</td>
                <td>{switch(d.notifications_on).get(lang)}</td>
                <td>{d.test.then(|| view! { <Pill tone=Tone::Act>{TEST.get(lang)}</Pill> })}</td>
                <td>
                    <Time at=d.seen_at brief=true />
                </td>
            </tr>
        }
        .into_any()
    };
    view! {
        <PageHead title=t(TITLE) sub=t(SUB) />
        <Filters>
            <TextField name="user" label=t(USER) value=Signal::derive(move || wish.get().user) maxlength=200 />
            <TextField name="token" label=t(TOKEN) placeholder=t(TOKEN_HELP) value=Signal::derive(move || wish.get().token) maxlength=4096 />
            <SelectField name="vendor" label=t(VENDOR) options=vendors value=Signal::derive(move || wish.get().vendor) />
            <SelectField name="test" label=t(TEST) options=tests value=Signal::derive(move || wish.get().test) />
        </Filters>
        <Card>
            <Load
                resource=list
                view=move |page| {
                    if page.items.is_empty() {
                        let filtered = wish.with(|w| *w != DeviceQuery::default());
                        return if filtered {
                            view! { <Empty icon=Icon::Device sentence=NOT_FOUND.get(lang) /> }.into_any()
                        } else {
                            view! {
                                <Empty icon=Icon::Device sentence=NOTHING.get(lang) next=("/docs/api".to_owned(), HOW.get(lang).to_owned()) />
                            }
                                .into_any()
                        };
                    }
                    let columns = [USER, MODEL, VERSION, VENDOR, SWITCH, TEST, SEEN].map(|c| Column::text(c.get(lang))).to_vec();
                    view! {
                        <Table caption=TITLE.get(lang) columns=columns>
                            {page.items.into_iter().map(row).collect_view()}
                        </Table>
                        <Pager next=page.next />
                    }
                        .into_any()
                }
            />
        </Card>
    }
    .into_any()
}

fn token_row(lang: Lang, token: TokenView) -> impl IntoView {
    let state = if token.active {
        view! { <Pill tone=Tone::Ok>{ACTIVE.get(lang)}</Pill> }.into_any()
    } else {
        view! {
            <Pill tone=Tone::Bad>{QUARANTINED.get(lang)}</Pill>
            " "
            {token.reason}
            " "
            {token.quarantined_at.map(|at| view! { <Time at=at brief=true /> })}
        }
        .into_any()
    };
    view! {
        <tr>
            <td>
                <VendorDot vendor=token.vendor />
            </td>
            <td>
                <code>{token.masked}</code>
            </td>
            <td>
                <EnvPill environment=token.environment />
            </td>
            <td>{state}</td>
            <td>
                <Time at=token.registered_at brief=true />
            </td>
        </tr>
    }
    .into_any()
}

#[component]
pub fn Device() -> impl IntoView {
    let lang = use_lang();
    let app = use_app_id();
    let params = use_params_map();
    let id = Memo::new(move |_| params.read().get("device").unwrap_or_default());
    let action = ServerAction::<SetTestDevice>::new();
    let trouble = trouble_of(action);
    let may = use_may(Permission::Develop);
    let device = Resource::new(move || (app.get(), id.get(), action.version().get()), |(app, id, _)| read_device(app, id));
    view! {
        <PageHead title=t(ONE) />
        <ErrorBox error=trouble />
        <Load
            resource=device
            view=move |d| {
                let test = d.test;
                view! {
                    <Card>
                        <dl class="facts">
                            <dt>{ID.get(lang)}</dt>
                            <dd>
                                <code>{d.id.as_str().to_owned()}</code>
                            </dd>
                            <dt>{USER.get(lang)}</dt>
                            <dd>{d.user_id.unwrap_or_else(|| "–".to_owned())}</dd>
                            <dt>{MODEL.get(lang)}</dt>
                            <dd>{d.model}</dd>
                            <dt>{SYSTEM.get(lang)}</dt>
                            <dd>{d.os_version}</dd>
                            <dt>{VERSION.get(lang)}</dt>
                            <dd>{d.app_version}</dd>
                            <dt>{SWITCH.get(lang)}</dt>
                            <dd>{switch(d.notifications_on).get(lang)}</dd>
                            <dt>{ENVIRONMENT.get(lang)}</dt>
                            <dd>
                                <EnvPill environment=d.environment />
                            </dd>
                            <dt>{TEST.get(lang)}</dt>
                            <dd>{if test { YES } else { NO }.get(lang)}</dd>
                            <dt>{CREATED.get(lang)}</dt>
                            <dd>
                                <Time at=d.created_at />
                            </dd>
                            <dt>{SEEN.get(lang)}</dt>
                            <dd>
                                <Time at=d.seen_at />
                            </dd>
                        </dl>
                        {may
                            .get()
                            .then(|| {
                                view! {
                                    <ActionForm action=action attr:class="row">
                                        <input type="hidden" name="app" value=app.get_untracked() />
                                        <input type="hidden" name="id" value=id.get_untracked() />
                                        <input type="hidden" name="test" value=if test { "false" } else { "true" } />
                                        <Button>{if test { UNMAKE_TEST } else { MAKE_TEST }.get(lang)}</Button>
                                        <span class="help">{TEST_HELP.get(lang)}</span>
                                    </ActionForm>
                                }
                            })}
                    </Card>
                    <Card title=TOKEN.get(lang)>
                        <Table
                            caption=TOKEN.get(lang)
                            columns=[VENDOR, TOKEN, ENVIRONMENT, STATE, CREATED].map(|c| Column::text(c.get(lang))).to_vec()
                        >
                            {d.tokens.into_iter().map(|token| token_row(lang, token)).collect_view()}
                        </Table>
                    </Card>
                }
            }
        />
    }
    .into_any()
}
