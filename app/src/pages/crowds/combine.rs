//! A crowd out of others: set operations from top to bottom, then a rule over devices and one over what people did.

use leptos::form::ActionForm;
use leptos::prelude::*;
use leptos_router::hooks::use_query_map;
use types::crowd::KeyKind;
use types::making::{Deed, SetOp};
use types::people::Permission;
use types::vendor::Vendor;
use types::views::crowds::{ALL_DEVICES, CombineForm, CombineView, CrowdLine, MakingView};

use super::making::tone;
use super::shelf::{CombineCrowds, combine_choices};
use super::{COMBINE, CROWDS};
use crate::ui::format;
use crate::ui::prelude::*;
use crate::ui::returned::typed_into;
use crate::ui::trouble::FieldTrouble;

type Trouble = Signal<Option<AppError>>;

const SUB: Text = Text::new(
    "从上到下一步一步算，结果是一个新的人群包；算法记在它的页面上。原来的人群包不变。",
    "Worked out step by step from top to bottom; the result is a crowd of its own, which keeps how it was made. The others stay as they are.",
);
const NAME: Text = Text::new("新人群包的名称", "Name of the new crowd");
const WHO: Text = Text::new("从谁开始", "Begin with");
const CHOOSE: Text = Text::new("请选择", "choose");
const EVERY_DEVICE: Text = Text::new("本应用的全部终端", "every device of this app");
const KEY: Text = Text::new("没有选人群包时，每行写", "Rows name, when no crowd is chosen");
const THEN: Text = Text::new("然后（第 {0} 步）", "Then (step {0})");
const SET: Text = Text::new("人群包（第 {0} 步）", "Crowd (step {0})");
const NOBODY: Text = Text::new("不用这一步", "no such step");
const DEVICES: Text = Text::new("终端条件", "Facts of devices");
const DEVICES_HELP: Text = Text::new(
    "一台终端要满足所有填了的条件；有一台满足，这个人就算。没有报告的事实不满足任何条件。",
    "A device fits when all that is filled in holds; a person fits when one device does. What a device never told fits no rule.",
);
const HOW: Text = Text::new("怎么用这条规则", "What to do with them");
const UNUSED: Text = Text::new("不用", "do not use it");
const KEEP: Text = Text::new("只留满足的", "keep only those");
const DROP: Text = Text::new("去掉满足的", "leave those out");
const ADD: Text = Text::new("加上满足的", "add those");
const VENDOR: Text = Text::new("有这家的可用令牌", "Has a usable token of");
const ANY: Text = Text::new("任意", "any");
const MODEL: Text = Text::new("机型含有", "Model contains");
const OS_MIN: Text = Text::new("系统版本从", "OS version from");
const OS_MAX: Text = Text::new("系统版本到", "OS version to");
const APP_MIN: Text = Text::new("应用版本从", "App version from");
const APP_MAX: Text = Text::new("应用版本到", "App version to");
const SEEN: Text = Text::new("多少天内来过", "Seen within days");
const UNSEEN: Text = Text::new("多少天没来", "Not seen for days");
const DEEDS: Text = Text::new("行为", "What people did");
const DEEDS_HELP: Text = Text::new(
    "只看推送任务（含补发），不看测试。天数按消息生成的时间算：回执不单独记时间。",
    "Campaigns with their resends, not test sends. Days go by when the message was made: receipts keep no time of their own.",
);
const CAMPAIGN: Text = Text::new("推送任务", "Campaign");
const ANY_CAMPAIGN: Text = Text::new("任一任务", "any campaign");
const DEED: Text = Text::new("结果", "What came of it");
const DAYS: Text = Text::new("最近多少天的消息", "Messages of the last days");
const MAKE: Text = Text::new("开始生成", "Make it");
const MAY_NOT: Text = Text::new("需要运营权限", "Needs the role of an operator");
const LATE: Text = Text::new("最近生成的", "Made of late");
const STATE: Text = Text::new("状态", "State");
const FORMULA: Text = Text::new("算法", "How");
const WHEN: Text = Text::new("时间", "When");
const CROWD_ROWS: Text = Text::new("{0}（{1} 行，{2}）", "{0} ({1} rows, {2})");

fn crowd_options(first: &[(&str, Text)], crowds: &[CrowdLine]) -> Vec<(String, String)> {
    let lang = use_lang();
    let mut out: Vec<(String, String)> = first.iter().map(|(key, name)| ((*key).to_owned(), name.get(lang).to_owned())).collect();
    out.extend(crowds.iter().map(|crowd| {
        let rows = format::exact(crowd.valid);
        (crowd.id.as_str().to_owned(), CROWD_ROWS.fill(lang, &[&crowd.name, &rows, crowd.key.name().get(lang)]))
    }));
    out
}

fn use_rule(name: &'static str, value: String, trouble: Trouble) -> AnyView {
    let options = [("", UNUSED), ("intersect", KEEP), ("minus", DROP), ("union", ADD)];
    let options = options.map(|(key, text)| (key.to_owned(), t(text).to_owned())).to_vec();
    view! { <SelectField name=format!("combine[{name}]") id=name label=t(HOW) options=options value=value error=trouble.field(name) /> }
        .into_any()
}

fn text(name: &'static str, label: Text, value: String, kind: &'static str, trouble: Trouble) -> AnyView {
    let min = if kind == "number" { "1" } else { "" };
    view! {
        <TextField
            name=format!("combine[{name}]")
            id=name
            label=t(label)
            value=value
            kind=kind
            min=min
            maxlength=60
            error=trouble.field(name)
        />
    }
    .into_any()
}

#[component]
pub fn CombinePage() -> impl IntoView {
    let app = use_app_id();
    let choices = Resource::new(move || app.get(), combine_choices);
    let home = format!("/apps/{}/crowds", app.get_untracked());
    view! {
        <PageHead title=t(COMBINE) sub=t(SUB)>
            <LinkButton href=home external=true>{t(CROWDS)}</LinkButton>
        </PageHead>
        <Load resource=choices view=move |found: CombineView| view! { <Page app=app.get_untracked() choices=found /> } />
    }
    .into_any()
}

#[component]
fn Page(app: String, choices: CombineView) -> impl IntoView {
    let lang = use_lang();
    let combine = ServerAction::<CombineCrowds>::new();
    let trouble: Trouble = trouble_of(combine);
    let may = use_may(Permission::Operate);
    let start = use_query_map().with_untracked(|query| query.get("start")).unwrap_or_default();
    let form = typed_into::<CombineCrowds>().map_or_else(|| CombineForm { start, ..CombineForm::default() }, |typed| typed.combine);
    let starts = crowd_options(&[("", CHOOSE), (ALL_DEVICES, EVERY_DEVICE)], &choices.crowds);
    let keys = [KeyKind::User, KeyKind::Device, KeyKind::Token].map(|k| (k.slug().to_owned(), k.name().get(lang).to_owned())).to_vec();
    let steps = [(1u8, "set1", &form.op1, &form.set1), (2, "set2", &form.op2, &form.set2), (3, "set3", &form.op3, &form.set3)];
    let steps = steps.map(|(n, field, op, set)| {
        let ops = SetOp::ALL.map(|op| (op.slug().to_owned(), op.name().get(lang).to_owned())).to_vec();
        let sets = crowd_options(&[("", NOBODY)], &choices.crowds);
        let number = n.to_string();
        view! {
            <div class="form-row">
                <SelectField name=format!("combine[op{n}]") id=format!("op{n}") label=THEN.fill(lang, &[&number]) options=ops value=op.clone() />
                <SelectField
                    name=format!("combine[{field}]")
                    id=field
                    label=SET.fill(lang, &[&number])
                    options=sets
                    value=set.clone()
                    error=trouble.field(field)
                />
            </div>
        }
        .into_any()
    });
    let mut vendors = vec![(String::new(), t(ANY).to_owned())];
    vendors.extend(Vendor::ALL.map(|v| (v.slug().to_owned(), v.name().get(lang).to_owned())));
    let deeds = Deed::ALL.map(|deed| (deed.slug().to_owned(), deed.name().get(lang).to_owned())).to_vec();
    let mut campaigns = vec![(String::new(), t(ANY_CAMPAIGN).to_owned())];
    campaigns.extend(choices.campaigns.into_iter().map(|(id, name)| (id.as_str().to_owned(), name)));
    let makings = choices.makings;
    let of = app.clone();
    view! {
        <ActionForm action=combine attr:class="form">
            <ErrorBox error=trouble />
            <input type="hidden" name="app" value=of />
            <Card>
                <TextField name="combine[name]" id="name" label=t(NAME) value=form.name required=true maxlength=64 error=trouble.field("name") />
                <div class="form-row">
                    <SelectField name="combine[start]" id="start" label=t(WHO) options=starts value=form.start error=trouble.field("start") />
                    <SelectField name="combine[key]" id="key" label=t(KEY) options=keys value=form.key />
                </div>
                {steps.into_iter().collect_view()}
            </Card>
            <Card title=t(DEVICES)>
                {use_rule("device_op", form.device_op, trouble)}
                <div class="form-row">
                    <SelectField name="combine[vendor]" id="vendor" label=t(VENDOR) options=vendors value=form.vendor error=trouble.field("vendor") />
                    {text("model", MODEL, form.model, "text", trouble)}
                </div>
                <div class="form-row">
                    {text("os_min", OS_MIN, form.os_min, "text", trouble)}
                    {text("os_max", OS_MAX, form.os_max, "text", trouble)}
                    {text("app_min", APP_MIN, form.app_min, "text", trouble)}
                    {text("app_max", APP_MAX, form.app_max, "text", trouble)}
                </div>
                <div class="form-row">
                    {text("seen_days", SEEN, form.seen_days, "number", trouble)}
                    {text("unseen_days", UNSEEN, form.unseen_days, "number", trouble)}
                </div>
                <p class="help">{t(DEVICES_HELP)}</p>
            </Card>
            <Card title=t(DEEDS)>
                {use_rule("deed_op", form.deed_op, trouble)}
                <div class="form-row">
                    <SelectField name="combine[campaign]" id="campaign" label=t(CAMPAIGN) options=campaigns value=form.campaign error=trouble.field("campaign") />
                    <SelectField name="combine[deed]" id="deed" label=t(DEED) options=deeds value=form.deed error=trouble.field("deed") />
                    {text("deed_days", DAYS, form.deed_days, "number", trouble)}
                </div>
                <p class="help">{t(DEEDS_HELP)}</p>
            </Card>
            <Button kind=Kind::Act disabled=Signal::derive(move || !may.get()) why=MAY_NOT.get(lang)>{t(MAKE)}</Button>
        </ActionForm>
        {(!makings.is_empty()).then(|| view! { <Late app=app makings=makings /> })}
    }
    .into_any()
}

#[component]
fn Late(app: String, makings: Vec<MakingView>) -> impl IntoView {
    let lang = use_lang();
    let columns = vec![Column::text(t(NAME)), Column::text(t(STATE)), Column::text(t(FORMULA)), Column::text(t(WHEN))];
    let rows = makings.into_iter().map(|making| {
        view! {
            <tr>
                <td><a href=format!("/apps/{app}/crowds/makings/{}", making.id)>{making.name}</a></td>
                <td><Pill tone=tone(making.state)>{making.state.name().get(lang)}</Pill></td>
                <td>{making.formula.get(lang).to_owned()}</td>
                <td><Time at=making.created_at brief=true /></td>
            </tr>
        }
    });
    let rows = rows.collect_view();
    view! {
        <Card title=t(LATE)>
            <Table caption=t(LATE) columns=columns>
                {rows}
            </Table>
        </Card>
    }
    .into_any()
}
