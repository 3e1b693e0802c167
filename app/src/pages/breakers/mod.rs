//! When the breakers of an app's lanes trip: a form for each lane.

use leptos::form::ActionForm;
use leptos::prelude::*;
use types::breaker::{BreakerSettings, KINDS};
use types::people::Permission;
use types::views::lanes::BreakerView;

pub mod calls;

use calls::{SaveBreaker, list_breakers};

use crate::ui::icon::Icon;
use crate::ui::prelude::*;
use crate::ui::returned::typed_into;

type Lanes = Vec<BreakerView>;

const TITLE: Text = Text::new("熔断规则", "Breaker rules");
const SUB: Text = Text::new(
    "任一条成立，通道即停歇，之后用一个请求试探。改动一秒内生效；发生过什么见通道页。",
    "When any of them holds the lane rests, then one request finds out. Changes are in force within a second; what happened stands on \
     the lanes page.",
);
const IN_A_ROW: Text = Text::new("连续失败次数", "Failures in a row");
const WINDOW: Text = Text::new("窗口（秒）", "Window (seconds)");
const SAMPLE: Text = Text::new("窗口内至少多少请求才看比例", "Requests in a window before shares count");
const SHARE: Text = Text::new("窗口内失败合计（%）", "All failures of a window (%)");
const KIND_SHARE: Text = Text::new("占窗口内请求（%）", "Of a window's requests (%)");
const KIND_COUNT: Text =
    Text::new("窗口内次数，所有节点合计（0 = 按速率的一成，至少 20）", "In a window over all nodes (0 = a tenth of the pace, at least 20)");
const REST: Text = Text::new("第一次停歇（秒）", "First rest (seconds)");
const LONGEST: Text = Text::new("最长停歇（秒），试探失败时加倍", "Longest rest (seconds); doubled while probes fail");
const SAVE: Text = Text::new("保存", "Save");
const MAY_NOT: Text = Text::new("需要开发权限", "Needs the role of a developer");
const NONE: Text = Text::new("还没有填了凭据的通道。", "No lane has a credential yet.");

fn number(vendor: &str, field: &str, label: Text, value: u64) -> AnyView {
    let name = format!("breaker{field}");
    let id = format!("{vendor}{}", field.replace(['[', ']'], "-"));
    view! { <TextField name=name id=id label=t(label) value=value.to_string() kind="number" min="0" required=true /> }.into_any()
}

fn card(lane: BreakerView, app: String, save: ServerAction<SaveBreaker>, back: Option<&SaveBreaker>) -> AnyView {
    let lang = use_lang();
    let may = use_may(Permission::Develop);
    let slug = lane.vendor.slug();
    // A refused form comes back as it was typed, with its complaint.
    let own = back.filter(|typed| typed.vendor == slug).map(|typed| typed.breaker);
    let set: BreakerSettings = own.unwrap_or(lane.settings);
    let trouble = trouble_of(save);
    let kinds = KINDS
        .into_iter()
        .map(|kind| {
            let rule = set.of(kind).unwrap_or_default();
            view! {
                <h3>{kind.name().get(lang)}</h3>
                <div class="form-row">
                    {number(slug, &format!("[{}][share]", kind.slug()), KIND_SHARE, rule.share.into())}
                    {number(slug, &format!("[{}][count]", kind.slug()), KIND_COUNT, rule.count)}
                </div>
            }
            .into_any()
        })
        .collect::<Vec<_>>();
    view! {
        <section class="card" id=slug>
            <header class="card-head">
                <h2><VendorDot vendor=lane.vendor /></h2>
            </header>
            <p class="sub">{lane.settings.told().get(lang).to_owned()}</p>
            {own.is_some().then(|| view! { <ErrorBox error=trouble /> })}
            <ActionForm action=save attr:class="form">
                <input type="hidden" name="app" value=app />
                <input type="hidden" name="vendor" value=slug />
                <div class="form-row">
                    {number(slug, "[in_a_row]", IN_A_ROW, set.in_a_row.into())}
                    {number(slug, "[window_s]", WINDOW, set.window_s.into())}
                    {number(slug, "[sample]", SAMPLE, set.sample.into())}
                    {number(slug, "[share]", SHARE, set.share.into())}
                </div>
                {kinds}
                <div class="form-row">
                    {number(slug, "[rest_s]", REST, set.rest_s.into())}
                    {number(slug, "[longest_s]", LONGEST, set.longest_s.into())}
                </div>
                <Button disabled=Signal::derive(move || !may.get()) why=MAY_NOT.get(lang)>{t(SAVE)}</Button>
            </ActionForm>
        </section>
    }
    .into_any()
}

#[component]
pub fn BreakersPage() -> impl IntoView {
    let app = use_app_id();
    let save = ServerAction::<SaveBreaker>::new();
    let list = Resource::new(move || (app.get(), save.version().get()), |(app, _)| list_breakers(app));
    view! {
        <PageHead title=t(TITLE) sub=t(SUB) />
        <Load
            resource=list
            view=move |lanes: Lanes| {
                if lanes.is_empty() {
                    return view! { <Card><Empty icon=Icon::Lane sentence=t(NONE) /></Card> }.into_any();
                }
                let back = typed_into::<SaveBreaker>();
                let cards = lanes.into_iter().map(|lane| card(lane, app.get_untracked(), save, back.as_ref())).collect::<Vec<_>>();
                view! { <div class="cols-2">{cards}</div> }.into_any()
            }
        />
    }
    .into_any()
}
