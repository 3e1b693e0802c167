//! Apps: the list, registering one, and its settings (keys, secrets, credentials, lanes).

use leptos::prelude::*;
use types::people::Permission;
use types::vendor::Environment;
use types::views::apps::AppCard;

pub mod calls;
mod lane;
pub mod settings;

use calls::{RegisterApp, list_apps};

use crate::ui::icon::Icon;
use crate::ui::prelude::*;
use crate::ui::returned::typed_into;

const TITLE: Text = Text::new("应用", "Apps");
const NEW: Text = Text::new("注册应用", "Register an app");
const NAME: Text = Text::new("名称", "Name");
const DESCRIPTION: Text = Text::new("说明", "Description");
const ENVIRONMENT: Text = Text::new("环境", "Environment");
const ENVIRONMENT_HELP: Text =
    Text::new("以后不能更改：凭据、终端和令牌都属于这个环境。", "Cannot be changed later: credentials, devices and tokens belong to it.");
const DEFAULT_TITLE: Text = Text::new("默认标题", "Default title");
const DEFAULT_TITLE_HELP: Text = Text::new("内容没有标题时使用。", "Used when a content has no title.");
const SERVICES: Text = Text::new("公共服务", "Services");
const DEVICES: Text = Text::new("终端数", "Devices");
const READY: Text = Text::new("已填凭据", "Credentials");
const NONE: Text = Text::new("无", "none");
const NOTHING: Text =
    Text::new("还没有应用。注册一个，就能拿到 appKey 与 appSecret。", "No app yet. Register one to get an appKey and an appSecret.");

/// Slug and name of the common services.
pub const SERVICE_NAMES: [(&str, Text); 3] =
    [("push", Text::new("推送", "push")), ("feedback", Text::new("意见反馈", "feedback")), ("release", Text::new("版本发布", "release"))];

fn row(lang: Lang, app: AppCard) -> impl IntoView {
    let href = format!("/apps/{}/settings", app.id);
    view! {
        <tr>
            <td>
                <a href=href>{app.name}</a>
                <p class="help">{app.description}</p>
            </td>
            <td>
                <EnvPill environment=app.environment />
            </td>
            <td>
                <code>{app.app_key}</code>
            </td>
            <td class="n">
                <Num value=app.devices />
            </td>
            <td>
                {if app.ready.is_empty() {
                    NONE.get(lang).into_any()
                } else {
                    app.ready.into_iter().map(|v| view! { <VendorDot vendor=v /> " " }).collect_view().into_any()
                }}
            </td>
        </tr>
    }
    .into_any()
}

#[component]
pub fn Apps() -> impl IntoView {
    let lang = use_lang();
    let may = use_may(Permission::Develop);
    let apps = Resource::new(|| (), |()| list_apps());
    view! {
        <PageHead title=t(TITLE)>
            {move || {
                may.get()
                    .then(|| {
                        view! {
                            <LinkButton kind=Kind::Act href="/apps/new">
                                {NEW.get(lang)}
                            </LinkButton>
                        }
                    })
            }}
        </PageHead>
        <Card>
            <Load
                resource=apps
                view=move |apps| {
                    if apps.is_empty() {
                        let next = may.get().then(|| ("/apps/new".to_owned(), NEW.get(lang).to_owned()));
                        return match next {
                            Some(next) => view! { <Empty icon=Icon::App sentence=NOTHING.get(lang) next=next /> }.into_any(),
                            None => view! { <Empty icon=Icon::App sentence=NOTHING.get(lang) /> }.into_any(),
                        };
                    }
                    let columns = vec![
                        Column::text(NAME.get(lang)),
                        Column::text(ENVIRONMENT.get(lang)),
                        Column::text("appKey"),
                        Column::number(DEVICES.get(lang)),
                        Column::text(READY.get(lang)),
                    ];
                    view! {
                        <Table caption=TITLE.get(lang) columns=columns>
                            {apps.into_iter().map(|app| row(lang, app)).collect_view()}
                        </Table>
                    }
                        .into_any()
                }
            />
        </Card>
    }
    .into_any()
}

/// A full load after registering: the frame's list of apps is made by the server.
#[component]
pub fn NewApp() -> impl IntoView {
    let lang = use_lang();
    let action = ServerAction::<RegisterApp>::new();
    let trouble = trouble_of(action);
    let address = <RegisterApp as leptos::server_fn::ServerFn>::url();
    let typed = typed_into::<RegisterApp>();
    let services = typed.as_ref().map_or_else(|| vec!["push".to_owned()], |t| t.services.clone());
    let of = move |pick: fn(&RegisterApp) -> &String| typed.as_ref().map(|t| pick(t).clone()).unwrap_or_default();
    let environments = Environment::ALL.map(|e| (e.slug().to_owned(), e.name().get(lang).to_owned())).to_vec();
    view! {
        <PageHead title=t(NEW) />
        <Card>
            <form method="post" action=address class="form">
                <ErrorBox error=trouble />
                <TextField name="name" label=t(NAME) value=of(|t| &t.name) required=true maxlength=60 error=trouble.field("name") />
                <TextArea name="description" label=t(DESCRIPTION) value=of(|t| &t.description) maxlength=500 error=trouble.field("description") />
                <SelectField
                    name="environment"
                    label=t(ENVIRONMENT)
                    help=t(ENVIRONMENT_HELP)
                    options=environments
                    value=of(|t| &t.environment)
                    error=trouble.field("environment")
                />
                <TextField
                    name="default_title"
                    label=t(DEFAULT_TITLE)
                    help=t(DEFAULT_TITLE_HELP)
                    value=of(|t| &t.default_title)
                    maxlength=40
                    error=trouble.field("default_title")
                />
                <fieldset>
                    <legend>{t(SERVICES)}</legend>
                    {SERVICE_NAMES
                        .into_iter()
                        .enumerate()
                        .map(|(i, (slug, name))| {
                            view! { <CheckField name=format!("services[{i}]") value=slug label=name.get(lang) checked=services.iter().any(|s| s == slug) /> }
                        })
                        .collect_view()}
                </fieldset>
                <Button kind=Kind::Act>{t(NEW)}</Button>
            </form>
        </Card>
    }
    .into_any()
}

/// Hidden fields that every form of an app's settings carries.
#[component]
fn Of(app: String, #[prop(optional, into)] vendor: Option<String>) -> impl IntoView {
    view! {
        <input type="hidden" name="app" value=app />
        {vendor.map(|v| view! { <input type="hidden" name="vendor" value=v /> })}
    }
    .into_any()
}
