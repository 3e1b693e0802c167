//! What waits for an approver's yes: over all apps where one may give it, or of one app. A card each, for a phone as for a desk.

use leptos::prelude::*;
use leptos_router::hooks::use_query_map;
use types::campaign::Said;
use types::views::approval::WaitingView;

pub mod calls;

use calls::list_waiting;

use crate::ui::format;
use crate::ui::icon::Icon;
use crate::ui::prelude::*;

type Waiting = Vec<WaitingView>;

const TITLE: Text = Text::new("待审批", "To be approved");
const SUB: Text = Text::new(
    "有人请求了审批、还没有全部通过或被驳回的推送任务；最新的请求在前。",
    "Campaigns somebody asked approval for, not approved whole and not refused; the newest question first.",
);
const APP: Text = Text::new("应用", "App");
const ALL: Text = Text::new("全部应用", "all apps");
const NONE: Text = Text::new("没有等待您审批的任务。", "Nothing waits for your approval.");
const ASKED: Text = Text::new("{0} 请求，{1}", "asked by {0}, {1}");
const ROWS: Text = Text::new("人群 {0} 行", "a crowd of {0} rows");
const STARTS: Text = Text::new("{0} 开始", "starts {0}");
const CHANGED: Text = Text::new("请求之后文案或人群有变化", "its copy or crowd changed since it was asked for");
const LOOK: Text = Text::new("查看并审批", "Look and decide");
const SEE: Text = Text::new("查看", "Look");

#[component]
pub fn Approvals() -> impl IntoView {
    let lang = use_lang();
    let chosen = use_query_map().with_untracked(|query| query.get("app")).unwrap_or_default();
    let asked = chosen.clone();
    let list = Resource::new(move || asked.clone(), list_waiting);
    let mut apps = vec![(String::new(), ALL.get(lang).to_owned())];
    let (person, all) = use_shell().with(|shell| (shell.person.clone(), shell.apps.clone()));
    let may = |id| person.as_ref().is_some_and(|p| p.rights.may(types::people::Permission::Approve, Some(id)));
    apps.extend(all.iter().filter(|app| may(&app.id)).map(|app| (app.id.as_str().to_owned(), app.name.clone())));
    view! {
        <PageHead title=t(TITLE) sub=t(SUB) />
        <Filters>
            <SelectField name="app" label=t(APP) options=apps value=chosen />
        </Filters>
        <Load
            resource=list
            view=move |list: Waiting| {
                if list.is_empty() {
                    return view! { <Card><Empty icon=Icon::Approve sentence=NONE.get(lang) /></Card> }.into_any();
                }
                let cards = list.into_iter().map(card).collect::<Vec<_>>();
                view! { <div class="grid">{cards}</div> }.into_any()
            }
        />
    }
    .into_any()
}

fn card(waiting: WaitingView) -> AnyView {
    let lang = use_lang();
    let stamp = |at| use_shell().with(|s| format::stamp_short(at, &s.zone));
    let href = format!("/apps/{}/campaigns/{}/approval", waiting.app, waiting.id);
    let mut facts = vec![ASKED.fill(lang, &[&waiting.asked_by, &stamp(waiting.asked_at)])];
    facts.extend(waiting.rows.map(|rows| ROWS.fill(lang, &[&format::exact(rows)])));
    facts.extend(waiting.due_at.map(|at| STARTS.fill(lang, &[&stamp(at)])));
    let sections = waiting
        .sections
        .into_iter()
        .map(|(section, said)| {
            let done = said == Some(Said::Approved);
            let (sign, tone) = if done { ("✓", Tone::Ok) } else { ("–", Tone::Mute) };
            view! { <Pill tone=tone>{sign} " " {section.name().get(lang)}</Pill> " " }
        })
        .collect_view();
    let barred = waiting.barred.is_some();
    let label = if barred { SEE } else { LOOK };
    let kind = if barred { Kind::Plain } else { Kind::Act };
    view! {
        <section class="card">
            <header class="card-head">
                <h2><a href=href.clone()>{waiting.name}</a></h2>
                <EnvPill environment=waiting.environment />
                <span class="sub">{waiting.app_name}</span>
            </header>
            <p>{facts.join(" · ")}</p>
            {(!waiting.note.is_empty()).then(|| view! { <p class="note-box">{waiting.note}</p> })}
            {waiting.changed.then(|| view! { <p class="note-box">{t(CHANGED)}</p> })}
            <p>{sections}</p>
            {waiting.barred.map(|why| view! { <p class="sub">{why.get(lang).to_owned()}</p> })}
            <LinkButton kind=kind href=href external=true>{t(label)}</LinkButton>
        </section>
    }
    .into_any()
}
