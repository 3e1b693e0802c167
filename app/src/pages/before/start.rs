//! The last question, in words: which app, which environment, how many, when; and what must be typed before it goes.

use leptos::form::ActionForm;
use leptos::prelude::*;
use types::life::CampaignState;
use types::views::approval::StartView;
use types::views::forecast::Forecast;

use super::calls::{StartCampaign, view_start};
use super::{START, counted, links};
use crate::ui::format;
use crate::ui::prelude::*;
use crate::ui::returned::typed_into;

const SUB: Text = Text::new("读一遍，再按。已交给厂商的收不回。", "Read it, then press. What a vendor has taken cannot be called back.");
const NOW: Text =
    Text::new("现在就用应用「{0}」（{1}）向 {2} 台设备发送「{3}」。", "Sends \"{3}\" to {2} devices of the app \"{0}\" ({1}), now.");
const LATER: Text = Text::new(
    "{4} 用应用「{0}」（{1}）向 {2} 台设备发送「{3}」。到点前可以撤回。",
    "Sends \"{3}\" to {2} devices of the app \"{0}\" ({1}) at {4}. Until then it can be taken back.",
);
const LOCAL: Text = Text::new("即 {1} {0}", "that is {1} in {0}");
const ENDS: Text =
    Text::new("第一台 {0}，最后一台约 {1}；{2} 之后不再发送。", "The first at {0}, the last at about {1}; nothing is sent after {2}.");
const LEFT_OUT: Text = Text::new("另有 {0} 台被规则留下。", "{0} more are left out by rules.");
const SEE: Text = Text::new("看推演", "See the forecast");
const TO_APPROVE: Text = Text::new("打开审批页", "Open the approval page");
const TYPE_NAME: Text = Text::new("输入应用名「{0}」以确认（超过 {1} 台）", "Type the app's name, {0}, to confirm (above {1} devices)");
const WHY: Text = Text::new("为什么明知误点仍要发", "Why it goes although some miss the deadline");
const MISSES: Text = Text::new(
    "⚠ {0} 台设备赶不上截止时间。仍要发，请写明原因；会记入审计。",
    "⚠ {0} devices miss the deadline. To send all the same, say why; it goes into the audit log.",
);
const APPROVAL: Text =
    Text::new("{0} 台设备，超过 {1} 台：还差另一个人的审批。", "{0} devices, above {1}: a second person has not approved it yet.");
const REFUSED: Text = Text::new("被驳回：{0}", "Refused: {0}");
const FAULTS: Text = Text::new("先修改这些", "Mend these first");
const DO_NOW: Text = Text::new("确认开始", "Start now");
const DO_LATER: Text = Text::new("确认排期", "Schedule it");
const NO_DRAFT: Text = Text::new("它已经不是草稿：{0}。", "It is no draft any more: {0}.");

#[component]
pub fn StartPage(id: String) -> impl IntoView {
    let app = use_app_id().get_untracked();
    let asked = (app.clone(), id.clone());
    let view = Resource::new(move || asked.clone(), |(app, id)| view_start(app, id));
    view! { <Load resource=view view=move |view: StartView| view! { <Page view=view app=app.clone() /> } /> }
}

/// The question in one sentence, and when it begins and ends in another.
fn sentences(view: &StartView, forecast: &Forecast, lang: Lang) -> (String, String) {
    let stamp = |at| use_shell().with(|s| format::stamp(at, &s.zone));
    let count = counted(forecast.reachable(), forecast.is_sample(), lang);
    let mut at = stamp(forecast.starts_at);
    if let Some((zone, local)) = &view.local {
        at = format!("{at} ({})", LOCAL.fill(lang, &[zone, local]));
    }
    let text = if view.later { LATER } else { NOW };
    let sentence = text.fill(lang, &[&view.app_name, view.environment.name().get(lang), &count, &view.name, &at]);
    let first = forecast.lanes.iter().filter_map(|lane| lane.first_at).min().map_or_else(|| "–".to_owned(), stamp);
    let last = forecast.finish_at().map_or_else(|| "–".to_owned(), stamp);
    (sentence, ENDS.fill(lang, &[&first, &last, &stamp(forecast.deadline)]))
}

#[component]
fn Page(view: StartView, app: String) -> impl IntoView {
    let lang = use_lang();
    let title = format!("{} · {}", START.get(lang), view.name);
    let here = links(&app, view.id.as_str(), START);
    let body = match (view.state, &view.forecast) {
        (CampaignState::Draft, Some(forecast)) => view! { <Ask view=view.clone() forecast=forecast.clone() app=app /> }.into_any(),
        (CampaignState::Draft, None) => view! { <Faults view=view.clone() /> }.into_any(),
        (state, _) => view! { <Card><p>{NO_DRAFT.fill(lang, &[state.name().get(lang)])}</p></Card> }.into_any(),
    };
    view! {
        <PageHead title=title sub=SUB.get(lang)>{here}</PageHead>
        {body}
    }
}

#[component]
fn Faults(view: StartView) -> impl IntoView {
    let lang = use_lang();
    let list =
        view.errors.iter().map(|f| view! { <li><code>{f.field.clone()}</code>" "{f.reason.get(lang).to_owned()}</li> }).collect_view();
    view! {
        <Card title=FAULTS.get(lang)>
            <ul class="error-box plain">{list}</ul>
        </Card>
    }
}

#[component]
fn Ask(view: StartView, forecast: Forecast, app: String) -> impl IntoView {
    let lang = use_lang();
    let start = ServerAction::<StartCampaign>::new();
    let trouble = trouble_of(start);
    let typed = typed_into::<StartCampaign>();
    let (name, why) = typed.map(|t| (t.app_name, t.why)).unwrap_or_default();
    let (sentence, ends) = sentences(&view, &forecast, lang);
    let base = format!("/apps/{app}/campaigns/{}", view.id);
    let left_out = (forecast.dropped() > 0).then(|| LEFT_OUT.fill(lang, &[&counted(forecast.dropped(), forecast.is_sample(), lang)]));
    let ramp = {
        let (words, name) = (crate::pages::during::ramp_words(view.ramp.as_ref(), lang), crate::pages::during::RAMP);
        view! { <p>{words} " " <a href=format!("{base}/ramp") rel="external">{name.get(lang)}</a></p> }
    };
    let timing = super::schedule::timing_line(view.hours.as_ref(), view.ask_after, &base);
    let needs = view.needs.clone();
    let refused = needs.refused.as_ref().map(|words| REFUSED.fill(lang, &[words.get(lang)]));
    let held = refused.or_else(|| needs.approval.map(|(n, above)| APPROVAL.fill(lang, &[&format::exact(n), &format::exact(above)])));
    let blocked = held.is_some() || !view.errors.is_empty();
    let held = held.map(|words| {
        view! {
            <div class="note-box">
                <p>{words}</p>
                <LinkButton href=format!("{base}/approval") external=true>{TO_APPROVE.get(lang)}</LinkButton>
            </div>
        }
    });
    let faults = (!view.errors.is_empty()).then(|| view! { <Faults view=view.clone() /> });
    let name_field = needs.app_name.map(|(_, above)| {
        let label = TYPE_NAME.fill(lang, &[&view.app_name, &format::exact(above)]);
        view! { <TextField name="app_name" label=label value=name required=true error=trouble.field("app_name") maxlength=120 /> }
    });
    let why_field = needs.why.map(|missed| {
        view! {
            <p class="note-box">{MISSES.fill(lang, &[&format::exact(missed)])}</p>
            <TextField name="why" label=WHY.get(lang) value=why required=true error=trouble.field("why") maxlength=200 />
        }
    });
    view! {
        {faults}
        <Card>
            <p class="run-line"><EnvPill environment=view.environment /> " " <strong>{sentence}</strong></p>
            <p class="num">{ends}</p>
            {ramp}
            {timing}
            <p class="sub">{left_out} " " <a href=format!("{base}/forecast") rel="external">{SEE.get(lang)}</a></p>
            {held}
            <ErrorBox error=trouble />
            <ActionForm action=start attr:class="form">
                <input type="hidden" name="app" value=app />
                <input type="hidden" name="id" value=view.id.to_string() />
                <input type="hidden" name="revision" value=view.revision.to_string() />
                {why_field}
                {name_field}
                <Button kind=Kind::Act disabled=Signal::stored(blocked)>{if view.later { DO_LATER } else { DO_NOW }.get(lang)}</Button>
            </ActionForm>
        </Card>
    }
}
