//! Campaigns: the list; one page each, a composer while it is a draft and a running view from then on.

mod ahead;
mod calls;
mod compose;
mod live;
mod run;
mod side;

use leptos::prelude::*;
use leptos_router::hooks::{use_params_map, use_query_map};
use types::life::CampaignState;
use types::listing::Page;
use types::people::Permission;
use types::views::campaigns::{CampaignBrief, CampaignView, Choices};

pub use calls::*;

use crate::ui::icon::Icon;
use crate::ui::prelude::*;

const TITLE: Text = Text::new("推送任务", "Campaigns");
const SUB: Text =
    Text::new("人群 + 文案 + 时间；每个数字都能追到接收人。", "Crowd, copy and time; every figure can be traced to recipients.");
const NEW: Text = Text::new("新建任务", "New campaign");
const SEARCH: Text = Text::new("名称或编号", "Name or id");
const STATE: Text = Text::new("状态", "State");
const ANY: Text = Text::new("全部", "All");
const NAME: Text = Text::new("名称", "Name");
const PROGRESS: Text = Text::new("进度", "Progress");
const PLANNED: Text = Text::new("计划", "Planned");
const ACCEPTED: Text = Text::new("厂商接收", "Accepted");
const WHEN: Text = Text::new("时间", "Time");
const STARTS: Text = Text::new("将于 ", "starts ");
const FORECAST: Text = Text::new("推演", "Forecast");
const SCHEDULE: Text = Text::new("时间", "Schedule");
const NONE: Text = Text::new(
    "还没有任务。选一个人群、一条文案，先测试发送，再开始。",
    "No campaign yet. Choose a crowd and a copy, send a test, then start.",
);
const NONE_FOUND: Text = Text::new("没有符合筛选的任务；换个条件，或清除筛选。", "No campaign matches; change or clear the filters.");

/// The tone of a state; the word always stands beside it.
pub const fn tone(state: CampaignState) -> Tone {
    match state {
        CampaignState::Draft | CampaignState::Cancelled => Tone::Mute,
        CampaignState::Scheduled | CampaignState::Running => Tone::Act,
        CampaignState::Missed | CampaignState::Paused => Tone::Warn,
        CampaignState::Finished => Tone::Ok,
    }
}

#[component]
pub fn Campaigns() -> impl IntoView {
    let lang = use_lang();
    let app = use_app_id();
    let query = use_query_map();
    let key = move |name: &str| query.read().get(name).unwrap_or_default();
    let may = use_may(Permission::Operate);
    let list = Resource::new(
        move || (app.get(), key("state"), key("text"), query.read().get("after")),
        |(app, state, text, after)| list_campaigns(app, state, text, after),
    );
    let new = move || format!("/apps/{}/campaigns/new", app.get());
    let filtered = move || !key("text").is_empty() || !key("state").is_empty() || query.read().get("after").is_some();
    let mut states = vec![(String::new(), ANY.get(lang).to_owned())];
    states.extend(CampaignState::ALL.map(|s| (s.slug().to_owned(), s.name().get(lang).to_owned())));
    let draw = move |page: Page<CampaignBrief>| {
        if page.items.is_empty() {
            if filtered() || !may.get() {
                let sentence = if filtered() { NONE_FOUND } else { NONE };
                return view! { <Empty icon=Icon::Campaign sentence=sentence.get(lang) /> }.into_any();
            }
            return view! { <Empty icon=Icon::Campaign sentence=NONE.get(lang) next=(new(), NEW.get(lang).to_owned()) /> }.into_any();
        }
        let app = app.get();
        view! {
            <Card>
                <Table
                    caption=TITLE.get(lang)
                    columns=vec![
                        Column::text(NAME.get(lang)),
                        Column::text(STATE.get(lang)),
                        Column::text(PROGRESS.get(lang)),
                        Column::number(PLANNED.get(lang)),
                        Column::number(ACCEPTED.get(lang)),
                        Column::text(WHEN.get(lang)),
                    ]
                >
                    {page.items.into_iter().map(|item| view! { <Row app=app.clone() item=item /> }).collect_view()}
                </Table>
            </Card>
            <Pager next=page.next />
        }
        .into_any()
    };
    view! {
        <PageHead title=t(TITLE) sub=t(SUB)>
            {move || may.get().then(|| view! { <LinkButton kind=Kind::Act href=new()>{NEW.get(lang)}</LinkButton> })}
        </PageHead>
        <Filters>
            <TextField name="text" label=t(SEARCH) value=key("text") maxlength=60 />
            <SelectField name="state" label=t(STATE) value=key("state") options=states />
        </Filters>
        <Load resource=list view=draw />
    }
}

#[component]
fn Row(app: String, item: CampaignBrief) -> impl IntoView {
    let lang = use_lang();
    let e = item.equation;
    let label = item.name.clone();
    view! {
        <tr>
            <td>
                <a href=format!("/apps/{app}/campaigns/{}", item.id)>{item.name}</a>
                <div class="sub">{item.business}</div>
            </td>
            <td>
                <Pill tone=tone(item.state)>{item.state.name().get(lang)}</Pill>
            </td>
            <td>
                {(e.planned > 0)
                    .then(|| view! { <Bar value=Signal::stored(e.planned - e.waiting) max=Signal::stored(e.planned) label=label /> })}
            </td>
            <td class="n">
                <Num value=Signal::stored(e.planned) />
            </td>
            <td class="n">
                <Rate part=Signal::stored(e.accepted) whole=Signal::stored(e.submitted()) />
            </td>
            <td>
                {item.due_at.map(|at| view! { <span class="sub">{STARTS.get(lang)}</span> <Time at=at brief=true /> })}
                {item.due_at.is_none().then(|| view! { <Time at=item.finished_at.or(item.started_at).unwrap_or(item.created_at) brief=true /> })}
                <div class="sub">{item.created_by}</div>
            </td>
        </tr>
    }
}

#[component]
pub fn CampaignNew() -> impl IntoView {
    let app = use_app_id();
    let choices = Resource::new(move || app.get(), campaign_choices);
    let draw = |choices: Choices| {
        let reload = RwSignal::new(0_u32);
        view! { <compose::Composer choices=choices reload=reload /> }
    };
    view! { <Load resource=choices view=draw /> }
}

#[component]
pub fn CampaignPage() -> impl IntoView {
    let app = use_app_id();
    let params = use_params_map();
    // Grows with every action that changed something.
    let reload = RwSignal::new(0_u32);
    let both = Resource::new(
        move || (app.get(), params.read().get("id").unwrap_or_default(), reload.get()),
        async |(app, id, _)| {
            let view = read_campaign(app.clone(), id.clone()).await?;
            let progress = read_progress(app.clone(), id).await?;
            Ok::<_, AppError>((view, progress, campaign_choices(app).await?))
        },
    );
    let draw = move |(view, progress, choices): (CampaignView, types::views::campaigns::CampaignProgress, Choices)| {
        if view.state == CampaignState::Draft {
            view! { <compose::Composer campaign=view choices=choices reload=reload /> }.into_any()
        } else {
            view! { <run::Running campaign=view progress=progress reload=reload /> }.into_any()
        }
    };
    view! { <Load resource=both view=draw /> }
}

/// To the pages before a start; they are plain ones.
fn forecast_link(app: &str, id: &str) -> AnyView {
    let link =
        |step: &str, text| view! { <LinkButton href=format!("/apps/{app}/campaigns/{id}/{step}") external=true>{t(text)}</LinkButton> };
    view! { {link("forecast", FORECAST)} {link("schedule", SCHEDULE)} }.into_any()
}

/// Counts `reload` up whenever the action succeeded.
fn reload_after<S>(action: ServerAction<S>, reload: RwSignal<u32>)
where
    S: leptos::server_fn::ServerFn<Error = AppError> + Clone + Send + Sync + 'static,
    S::Output: Clone + Send + Sync + 'static,
{
    Effect::new(move |_| {
        if action.version().get() > 0 && action.value().with(|v| matches!(v, Some(Ok(_)))) {
            reload.update(|n| *n += 1);
        }
    });
}
