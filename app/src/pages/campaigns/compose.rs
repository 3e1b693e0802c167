//! The composer: steps in one form that also works as a plain post; faults, audience and phones beside it follow every choice.

use std::collections::BTreeMap;

use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use types::people::Permission;
use types::text::Words;
use types::vendor::Vendor;
use types::views::campaigns::{CampaignForm, CampaignView, Check, Choices, Estimate};

use super::side::TestCard;
use super::{LaunchCampaign, SaveCampaign, look_campaign, reload_after};
use crate::ui::format;
use crate::ui::phone::Phones;
use crate::ui::prelude::*;
use crate::ui::returned::typed_into;
use crate::ui::shell_state::use_app;

const NEW: Text = Text::new("新建任务", "New campaign");
const SAVED: Text = Text::new("草稿已存 {0} · {1}", "draft saved {0} · {1}");
const UNSAVED: Text = Text::new("还没有保存", "Not saved yet");
const SAVE: Text = Text::new("保存草稿", "Save draft");
const STEPS: Text = Text::new("步骤", "Steps");
const DONE: Text = Text::new("已完成", "done");
const TO_MEND: Text = Text::new("需要修改", "needs a change");
const STEP_APP: Text = Text::new("应用与业务", "App and business");
const STEP_CROWD: Text = Text::new("人群", "Crowd");
const STEP_COPY: Text = Text::new("文案", "Copy");
const STEP_TIME: Text = Text::new("排期", "Schedule");
const STEP_LANES: Text = Text::new("通道", "Lanes");
const STEP_CHECK: Text = Text::new("核对", "Check");
const NAME: Text = Text::new("任务名称", "Name");
const BUSINESS: Text = Text::new("业务线", "Business line");
const BUSINESS_HELP: Text = Text::new("用来归类，可留空", "To group by; may be empty");
const CLASS: Text = Text::new("类别", "Class");
const CLASS_HELP: Text = Text::new("交易类排在批量之前", "Transactional goes before bulk");
const CROWD: Text = Text::new("人群包", "Crowd");
const CHOOSE: Text = Text::new("请选择…", "Choose…");
const ROWS: Text = Text::new("{0} 行", "{0} rows");
const COPY: Text = Text::new("文案", "Copy");
const VERSION: Text = Text::new("版本", "Version");
const VERSION_HELP: Text = Text::new("留空 = 开始时的最新版", "Empty = the newest at the start");
const WORKBENCH: Text = Text::new("在工作台里看", "See it in the workbench");
const VALUES: Text = Text::new("给所有人的变量值", "Values for everybody");
const VALUES_HELP: Text = Text::new("每行一个 名=值；人群包里的同名列优先", "One name=value a line; a crowd column of the same name wins");
const WHEN: Text = Text::new("开始", "Start");
const AT_ONCE: Text = Text::new("立即", "At once");
const AT: Text = Text::new("在指定时间", "At a time");
const LOCAL: Text = Text::new("开始时间", "Start time");
const ZONE: Text = Text::new("时区", "Zone");
const DEADLINE: Text = Text::new("截止时间", "Deadline");
const DEADLINE_HELP: Text = Text::new(
    "之后不再发送；留空 = 开始后 24 小时；按上面的时区",
    "Nothing is sent after it; empty = 24 h after the start; in the zone above",
);
const ORDER: Text = Text::new("通道优先顺序", "Order of lanes");
const ORDER_APP: Text = Text::new("按应用设置", "As the app says");
const FIRST: Text = Text::new("{0} 优先", "{0} first");
const AUDIENCE: Text = Text::new("预计触达", "Audience");
const IN_CROWD: Text = Text::new("人群", "Crowd");
const WILL_SEND: Text = Text::new("将发送", "Will be sent");
const SAMPLE_NOTE: Text = Text::new(
    "○ 推断：均匀抽看 {0} 行，下面是其中的数。",
    "○ inferred: {0} rows looked at, spread evenly; the figures below are of those.",
);
const TAKES: Text = Text::new("约 {0}", "about {0}");
const MISSING: Text =
    Text::new("{0} 行没有「{1}」，将留空；可给变量写个后备", "{0} rows have no \"{1}\" and leave it empty; give the variable a fallback");
const NO_AUDIENCE: Text = Text::new("选好人群后显示。", "Shown when a crowd is chosen.");
const ALL_GOOD: Text = Text::new("✓ 可以开始", "✓ Ready to start");
const START: Text = Text::new("开始…", "Start…");
const SCHEDULE: Text = Text::new("排期…", "Schedule…");
const SURE_NOW: Text = Text::new(
    "现在向「{0}」（{1}）的约 {2} 台设备发送。已交给厂商的收不回。",
    "Sends now to about {2} devices of \"{0}\" ({1}). What a vendor has taken cannot be called back.",
);
const SURE_AT: Text = Text::new(
    "在 {3} 向「{0}」（{1}）的约 {2} 台设备发送。到点前可以撤回。",
    "Sends at {3} to about {2} devices of \"{0}\" ({1}). Until then it can be taken back.",
);
const SURE_UNTIL: Text = Text::new("{0} 之后不再发送。", "Nothing is sent after {0}.");
const DO_START: Text = Text::new("确认开始", "Start now");
const DO_SCHEDULE: Text = Text::new("确认排期", "Schedule it");
const SAVE_FIRST: Text = Text::new("先保存草稿，再开始。", "Save the draft first, then start.");
const VERSION_MIN: Text = Text::new("最低应用版本", "Smallest app version");
const VERSION_MAX: Text = Text::new("最高应用版本", "Largest app version");
const VERSIONS_HELP: Text =
    Text::new("都含在内，可留空；没有上报版本的设备会被过滤", "Both included, either may be empty; devices without a version are left out");
const MEND_FIRST: Text = Text::new("先修改上面列出的项。", "Mend what is listed above first.");
const MAY_NOT: Text = Text::new("需要运营权限", "Needs the role of an operator");
const TROUBLE: Text = Text::new("上次没有开始", "It did not start last time");

/// The form's id: the button that starts stands outside of it.
const FORM: &str = "campaign-form";

/// (anchor, name, fields whose faults belong to it)
const ALL_STEPS: [(&str, Text, &[&str]); 6] = [
    ("step-app", STEP_APP, &["name", "business"]),
    ("step-crowd", STEP_CROWD, &["crowd", "version_min", "version_max"]),
    ("step-copy", STEP_COPY, &["copy", "copy_version", "variables"]),
    ("step-time", STEP_TIME, &["local", "zone", "deadline"]),
    ("step-lanes", STEP_LANES, &["lanes"]),
    ("step-check", STEP_CHECK, &[]),
];

/// The form as signals, one a field.
#[derive(Clone, Copy)]
struct Fields {
    name: RwSignal<String>,
    business: RwSignal<String>,
    class: RwSignal<String>,
    crowd: RwSignal<String>,
    copy: RwSignal<String>,
    copy_version: RwSignal<String>,
    variables: RwSignal<String>,
    lanes: RwSignal<String>,
    when: RwSignal<String>,
    local: RwSignal<String>,
    zone: RwSignal<String>,
    deadline: RwSignal<String>,
    version_min: RwSignal<String>,
    version_max: RwSignal<String>,
}

impl Fields {
    fn new(form: &CampaignForm) -> Fields {
        let signal = |text: &String| RwSignal::new(text.clone());
        Fields {
            name: signal(&form.name),
            business: signal(&form.business),
            class: signal(&form.class),
            crowd: signal(&form.crowd),
            copy: signal(&form.copy),
            copy_version: signal(&form.copy_version),
            variables: signal(&form.variables),
            lanes: signal(&form.lanes),
            when: signal(&form.when),
            local: signal(&form.local),
            zone: signal(&form.zone),
            deadline: signal(&form.deadline),
            version_min: signal(&form.version_min),
            version_max: signal(&form.version_max),
        }
    }

    fn get(self) -> CampaignForm {
        CampaignForm {
            name: self.name.get(),
            business: self.business.get(),
            class: self.class.get(),
            crowd: self.crowd.get(),
            copy: self.copy.get(),
            copy_version: self.copy_version.get(),
            variables: self.variables.get(),
            lanes: self.lanes.get(),
            when: self.when.get(),
            local: self.local.get(),
            zone: self.zone.get(),
            deadline: self.deadline.get(),
            version_min: self.version_min.get(),
            version_max: self.version_max.get(),
        }
    }
}

type Looked = Result<Check, AppError>;

#[component]
pub fn Composer(#[prop(optional)] campaign: Option<CampaignView>, choices: Choices, reload: RwSignal<u32>) -> impl IntoView {
    let lang = use_lang();
    let app = use_app_id();
    let may = use_may(Permission::Operate);
    let app_name = use_app().get_untracked().map(|a| a.name).unwrap_or_default();
    let save = ServerAction::<SaveCampaign>::new();
    let trouble = trouble_of(save);
    reload_after(save, reload);
    let saved = campaign.as_ref().map_or_else(
        || CampaignForm {
            class: "bulk".to_owned(),
            lanes: "app".to_owned(),
            when: "now".to_owned(),
            zone: choices.zones.first().cloned().unwrap_or_default(),
            ..CampaignForm::default()
        },
        |c| c.form.clone(),
    );
    let id = campaign.as_ref().map(|c| c.id.to_string()).unwrap_or_default();
    let typed = typed_into::<SaveCampaign>().map(|t| (t.id, t.form)).or_else(|| typed_into::<LaunchCampaign>().map(|t| (t.id, t.form)));
    let shown = typed.filter(|(of, _)| *of == id).map_or_else(|| saved.clone(), |(_, form)| form);
    let fields = Fields::new(&shown);
    let form = Memo::new(move |_| fields.get());
    let dirty = {
        let fresh = campaign.is_none();
        Memo::new(move |_| fresh || form.with(|f| *f != saved))
    };
    // Choices are looked at as they are made; a name or a typed value only once it is saved, so that keys ask nothing.
    let asked = {
        let shown = shown.clone();
        Memo::new(move |_| CampaignForm {
            name: shown.name.clone(),
            business: shown.business.clone(),
            variables: shown.variables.clone(),
            ..form.get()
        })
    };
    let looked = Resource::new(move || (app.get(), asked.get()), |(app, form)| look_campaign(app, form));
    let blocked = Signal::derive(move || !may.get() || save.pending().get());
    let revision = campaign.as_ref().map_or(0, |c| c.revision);
    let title = campaign.as_ref().map_or_else(|| NEW.get(lang).to_owned(), |c| c.spec.name.clone());
    let zone = use_shell().with(|s| s.zone.clone());
    let sub = campaign
        .as_ref()
        .map_or_else(|| UNSAVED.get(lang).to_owned(), |c| SAVED.fill(lang, &[&format::stamp(c.changed_at, &zone), &c.changed_by]));
    let failed_before = campaign.as_ref().and_then(|c| c.trouble.clone()).map(|problem| {
        view! {
            <Card title=TROUBLE.get(lang)>
                <ErrorBox error=Signal::stored(Some(AppError::from(problem))) />
            </Card>
        }
    });
    let vendors = if choices.vendors.is_empty() { Vendor::ALL.to_vec() } else { choices.vendors.clone() };
    let start = campaign.as_ref().map(|c| {
        let place = (c.app_name.clone(), c.environment.name().get(lang));
        view! { <Start id=c.id.to_string() revision=c.revision place=place looked=looked form=form dirty=dirty reload=reload /> }
    });
    let campaign_id = campaign.as_ref().map(|c| c.id.to_string());
    let side =
        campaign.map(|c| view! { <TestCard id=c.id.to_string() devices=choices.test_devices.clone() tests=c.tests reload=reload /> });
    let forecast = campaign_id.map(|id| super::forecast_link(&app.get_untracked(), &id));
    view! {
        <PageHead title=title sub=sub>
            {forecast}
            <Button kind=Kind::Act form=FORM disabled=blocked why=MAY_NOT.get(lang)>
                {SAVE.get(lang)}
            </Button>
        </PageHead>
        {failed_before}
        <div class="composer">
            <Marks looked=looked />
            <Card>
                <ErrorBox error=trouble />
                <ActionForm action=save attr:class="form" attr:id=FORM>
                    <input type="hidden" name="app" value=move || app.get() />
                    <input type="hidden" name="id" value=id />
                    <input type="hidden" name="revision" value=revision.to_string() />
                    <Inputs fields=fields saved=shown choices=choices trouble=trouble />
                    <Button
                        kind=Kind::Act
                        disabled=blocked
                        why=MAY_NOT.get(lang)
                    >
                        {SAVE.get(lang)}
                    </Button>
                </ActionForm>
                <section id="step-check" class="form">
                    <h2>{t(STEP_CHECK)}</h2>
                    <Faults looked=looked />
                    {start}
                </section>
            </Card>
            <aside class="editor-side">
                <Preview vendors=vendors app_name=app_name looked=looked />
                <Audience looked=looked />
                {side}
            </aside>
        </div>
    }
}

#[component]
fn Inputs(fields: Fields, saved: CampaignForm, choices: Choices, trouble: Signal<Option<AppError>>) -> impl IntoView {
    let lang = use_lang();
    let app = use_app_id();
    let choose = || vec![(String::new(), CHOOSE.get(lang).to_owned())];
    let mut crowds = choose();
    crowds.extend(choices.crowds.into_iter().map(|c| {
        let rows = ROWS.fill(lang, &[&format::exact(c.rows)]);
        (c.id.to_string(), format!("{} · {rows}", c.name))
    }));
    let mut copies = choose();
    copies.extend(choices.copies.into_iter().map(|c| (c.id.to_string(), format!("{} · v{}", c.name, c.version))));
    let classes = types::content::MessageClass::ALL.map(|c| (c.slug().to_owned(), c.name().get(lang).to_owned())).to_vec();
    let mut orders = vec![("app".to_owned(), ORDER_APP.get(lang).to_owned())];
    orders.extend(Vendor::ALL.map(|first| {
        let rest = Vendor::ALL.into_iter().filter(|v| *v != first).map(Vendor::slug);
        let key = std::iter::once(first.slug()).chain(rest).collect::<Vec<_>>().join(",");
        (key, FIRST.fill(lang, &[first.name().get(lang)]))
    }));
    let zones = choices.zones.into_iter().map(|z| (z.clone(), z)).collect::<Vec<_>>();
    let whens = vec![("now".to_owned(), AT_ONCE.get(lang).to_owned()), ("at".to_owned(), AT.get(lang).to_owned())];
    view! {
        <section id="step-app" class="form">
            <h2>{t(STEP_APP)}</h2>
            <TextField name="form[name]" id="name" label=t(NAME) value=saved.name live=fields.name error=trouble.field("name") required=true maxlength=60 />
            <div class="form-row">
                <TextField name="form[business]" id="business" label=t(BUSINESS) help=t(BUSINESS_HELP) value=saved.business live=fields.business error=trouble.field("business") maxlength=40 />
                <SelectField name="form[class]" id="class" label=t(CLASS) help=t(CLASS_HELP) value=saved.class live=fields.class options=classes />
            </div>
        </section>
        <section id="step-crowd" class="form">
            <h2>{t(STEP_CROWD)}</h2>
            <SelectField name="form[crowd]" id="crowd" label=t(CROWD) value=saved.crowd live=fields.crowd options=crowds error=trouble.field("crowd") />
            <div class="form-row">
                <TextField name="form[version_min]" id="version_min" label=t(VERSION_MIN) value=saved.version_min live=fields.version_min error=trouble.field("version_min") maxlength=40 />
                <TextField name="form[version_max]" id="version_max" label=t(VERSION_MAX) help=t(VERSIONS_HELP) value=saved.version_max live=fields.version_max error=trouble.field("version_max") maxlength=40 />
            </div>
        </section>
        <section id="step-copy" class="form">
            <h2>{t(STEP_COPY)}</h2>
            <div class="form-row">
                <SelectField name="form[copy]" id="copy" label=t(COPY) value=saved.copy live=fields.copy options=copies error=trouble.field("copy") />
                <TextField name="form[copy_version]" id="copy_version" label=t(VERSION) help=t(VERSION_HELP) value=saved.copy_version live=fields.copy_version error=trouble.field("copy_version") />
            </div>
            {move || {
                let id = fields.copy.get();
                let href = format!("/apps/{}/copies/{id}/workbench", app.get_untracked());
                (!id.is_empty()).then(|| view! { <p><a href=href rel="external">{WORKBENCH.get(lang)}</a></p> })
            }}
            <TextArea name="form[variables]" id="variables" label=t(VALUES) help=t(VALUES_HELP) value=saved.variables live=fields.variables error=trouble.field("variables") rows=2 />
        </section>
        <section id="step-time" class="form">
            <h2>{t(STEP_TIME)}</h2>
            <div class="form-row">
                <SelectField name="form[when]" id="when" label=t(WHEN) value=saved.when live=fields.when options=whens />
                <TextField name="form[local]" id="local" kind="datetime-local" label=t(LOCAL) value=saved.local live=fields.local error=trouble.field("local") />
                <SelectField name="form[zone]" id="zone" label=t(ZONE) value=saved.zone live=fields.zone options=zones error=trouble.field("zone") />
            </div>
            <TextField name="form[deadline]" id="deadline" kind="datetime-local" label=t(DEADLINE) help=t(DEADLINE_HELP) value=saved.deadline live=fields.deadline error=trouble.field("deadline") />
        </section>
        <section id="step-lanes" class="form">
            <h2>{t(STEP_LANES)}</h2>
            <SelectField name="form[lanes]" id="lanes" label=t(ORDER) value=saved.lanes live=fields.lanes options=orders error=trouble.field("lanes") />
        </section>
    }
}

/// The steps with their marks; a click jumps to the step.
#[component]
fn Marks(looked: Resource<Looked>) -> impl IntoView {
    let lang = use_lang();
    let marks = move |check: Option<Check>| {
        ALL_STEPS
            .map(|(anchor, name, fields)| {
                let (sign, word) = match &check {
                    None => ("○", ""),
                    Some(check) => {
                        let wrong = check.errors.iter().any(|e| fields.is_empty() || fields.contains(&e.field.as_str()));
                        if wrong { ("!", TO_MEND.get(lang)) } else { ("✓", DONE.get(lang)) }
                    }
                };
                view! {
                    <li>
                        <a href=format!("#{anchor}") rel="external">
                            <span class="mark" aria-hidden="true">{sign}</span>
                            {name.get(lang)}
                            <span class="hidden">{word}</span>
                        </a>
                    </li>
                }
            })
            .collect_view()
    };
    view! {
        <nav class="card marks" aria-label=STEPS.get(lang)>
            <Transition fallback=|| ()>
                {move || Suspend::new(async move { view! { <ol>{marks(looked.await.ok())}</ol> } })}
            </Transition>
        </nav>
    }
}

fn listed(lang: Lang, list: Vec<Words>, class: &'static str) -> impl IntoView {
    list.into_iter().map(move |words| view! { <p class=class>{words.get(lang).to_owned()}</p> }).collect_view()
}

#[component]
fn Faults(looked: Resource<Looked>) -> impl IntoView {
    let lang = use_lang();
    let draw = move |check: Check| {
        let good = check.errors.is_empty();
        let zone = use_shell().with(|s| s.zone.clone());
        let faults = check
            .errors
            .into_iter()
            .map(|e| {
                let name = ALL_STEPS
                    .iter()
                    .find(|(_, _, f)| f.contains(&e.field.as_str()))
                    .map_or(e.field.clone(), |(_, n, _)| n.get(lang).to_owned());
                view! { <li><strong>{name}</strong>" "{e.reason.get(lang).to_owned()}</li> }
            })
            .collect_view();
        let until = check.deadline.map(|at| view! { <p class="sub">{SURE_UNTIL.fill(lang, &[&format::stamp(at, &zone)])}</p> });
        view! {
            {listed(lang, check.notes, "note-box")}
            {if good {
                view! { <p class="ok-box">{ALL_GOOD.get(lang)}</p> }.into_any()
            } else {
                view! { <ul class="error-box plain">{faults}</ul> }.into_any()
            }}
            {until}
        }
    };
    view! { <Load resource=looked view=draw /> }
}

#[component]
fn Preview(vendors: Vec<Vendor>, app_name: String, looked: Resource<Looked>) -> impl IntoView {
    let draw = move |check: Check| {
        let first = check.samples.into_iter().next().map(|s| s.content).unwrap_or_default();
        view! { <Phones vendors=vendors.clone() app_name=app_name.clone() content=Signal::stored(first) /> }
    };
    view! { <Load resource=looked view=draw /> }
}

#[component]
fn Audience(looked: Resource<Looked>) -> impl IntoView {
    let lang = use_lang();
    let draw = move |check: Check| match check.estimate {
        None => view! { <p class="sub">{NO_AUDIENCE.get(lang)}</p> }.into_any(),
        Some(estimate) => view! { <Counts estimate=estimate /> }.into_any(),
    };
    view! {
        <Card title=t(AUDIENCE)>
            <Load resource=looked view=draw />
        </Card>
    }
}

#[component]
fn Counts(estimate: Estimate) -> impl IntoView {
    let lang = use_lang();
    let sample = estimate.is_sample().then(|| view! { <p class="sub">{SAMPLE_NOTE.fill(lang, &[&format::exact(estimate.looked_at)])}</p> });
    let row = |label: String, value: String, note: String| {
        view! {
            <tr>
                <td>{label} <div class="sub">{note}</div></td>
                <td class="n">{value}</td>
            </tr>
        }
    };
    let filtered = estimate
        .filtered
        .iter()
        .map(|(rule, n)| row(rule.name().get(lang).to_owned(), format!("−{}", format::exact(*n)), String::new()))
        .collect_view();
    let seconds: BTreeMap<Vendor, u64> = estimate.seconds.clone();
    let lanes = estimate
        .reachable
        .iter()
        .map(|(vendor, n)| {
            let takes = seconds.get(vendor).map(|s| TAKES.fill(lang, &[&format::duration(*s as i64 * 1_000, lang)])).unwrap_or_default();
            row(vendor.name().get(lang).to_owned(), format::exact(*n), takes)
        })
        .collect_view();
    let missing = estimate
        .missing
        .iter()
        .map(|(name, n)| view! { <p class="note-box">{MISSING.get(lang).replace("{0}", &format::exact(*n)).replace("{1}", name)}</p> })
        .collect_view();
    let total = format::exact(estimate.reached());
    view! {
        {sample}
        <Table caption=AUDIENCE.get(lang) columns=vec![Column::text(IN_CROWD.get(lang)), Column::number(format::exact(estimate.rows))]>
            {filtered}
            <tr>
                <td>
                    <strong>{WILL_SEND.get(lang)}</strong>
                </td>
                <td class="n">
                    <strong>{total}</strong>
                </td>
            </tr>
            {lanes}
        </Table>
        {missing}
    }
}

/// The last step: a question in words, then the start.
#[component]
fn Start(
    id: String,
    revision: i64,
    place: (String, &'static str),
    looked: Resource<Looked>,
    form: Memo<CampaignForm>,
    dirty: Memo<bool>,
    reload: RwSignal<u32>,
) -> impl IntoView {
    let lang = use_lang();
    let app = use_app_id();
    let may = use_may(Permission::Operate);
    let launch = ServerAction::<LaunchCampaign>::new();
    let trouble = trouble_of(launch);
    reload_after(launch, reload);
    let now = use_shell().with(|s| s.now);
    let draw = move |check: Check| {
        let zone = use_shell().with(|s| s.zone.clone());
        let id = id.clone();
        let (name, environment) = place.clone();
        let good = check.errors.is_empty();
        let later = check.starts_at.filter(|at| *at > now + 60_000);
        let reached =
            check.estimate.as_ref().map_or(0, |e| (u128::from(e.reached()) * u128::from(e.rows) / u128::from(e.looked_at.max(1))) as u64);
        let at = later.map(|at| format::stamp(at, &zone)).unwrap_or_default();
        let sure = if later.is_some() { SURE_AT } else { SURE_NOW };
        let sentence = sure.fill(lang, &[&name, environment, &format::exact(reached), &at]);
        let until = check.deadline.map(|at| SURE_UNTIL.fill(lang, &[&format::stamp(at, &zone)]));
        let (label, act) = if later.is_some() { (SCHEDULE, DO_SCHEDULE) } else { (START, DO_START) };
        view! {
            <Confirm label=label.get(lang) kind=Kind::Act>
                <p>{sentence}</p>
                <p class="sub">{until}</p>
                <p class="field-error">
                    {move || {
                        if !good { MEND_FIRST.get(lang) } else if dirty.get() { SAVE_FIRST.get(lang) } else if !may.get() { MAY_NOT.get(lang) } else { "" }
                    }}
                </p>
                // Sends the composer's fields: without scripts nobody else can tell whether they are the saved ones.
                <button
                    class=Kind::Act.class()
                    type="submit"
                    form=FORM
                    formaction=LaunchCampaign::url()
                    disabled=move || !good || dirty.get() || !may.get() || launch.pending().get()
                    on:click=move |event| {
                        event.prevent_default();
                        launch.dispatch(LaunchCampaign { app: app.get_untracked(), id: id.clone(), revision, form: form.get_untracked() });
                    }
                >
                    {act.get(lang)}
                </button>
            </Confirm>
        }
    };
    view! {
        <ErrorBox error=trouble />
        <Load resource=looked view=draw />
    }
}
