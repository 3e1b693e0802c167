//! The copy workbench: words at the left, what becomes of them at the right, renewed while they are typed.
//!
//! `form` is what is asked, `vendors` what each vendor would be sent and its phones show, `around` what else there is to say.

mod around;
pub mod calls;
mod form;
mod vendors;

use leptos::prelude::*;
use leptos_router::hooks::use_params_map;
use types::views::workbench::{Said, WorkbenchAsk, WorkbenchView};

use calls::view_workbench;

use crate::pages::copies::SaveCopy;
use crate::ui::posted;
use crate::ui::prelude::*;
use crate::ui::returned::typed_into;

const TITLE: Text = Text::new("文案工作台", "Copy workbench");
const SUB: Text = Text::new(
    "每家厂商实际会收到什么，手机上能看到多少；由发送时用的同一段代码算出。",
    "What each vendor would really be sent and how much of it a phone shows, computed by the code that sends.",
);
const BACK: Text = Text::new("返回文案", "Back to the copy");
const WORDS: Text = Text::new("敏感词", "Sensitive words");
const GOOD: Text = Text::new("{0} 家可发", "{0} can be sent to");
const REFUSED: Text = Text::new("{0} 家发不了", "{0} cannot");
const CLOSED: Text = Text::new("{0} 家没有凭证", "{0} have no credential");
const MARKS: Text = Text::new("{0} 处要留意", "{0} remarks");

/// Ids of what `renew.js` renews.
const STATUS: &str = "bench-status";
const RESULT: &str = "bench-result";

/// What is asked: posted, or in the address, or the form that saving refused.
fn asked() -> WorkbenchAsk {
    match typed_into::<SaveCopy>() {
        Some(back) => WorkbenchAsk { form: back.form, typed: true, ..WorkbenchAsk::default() },
        None => posted::asked(),
    }
}

#[component]
pub fn WorkbenchPage() -> impl IntoView {
    let app = use_app_id().get_untracked();
    let id = use_params_map().read_untracked().get("id").unwrap_or_default();
    let ask = asked();
    let wish = (app, id, ask);
    let view = Resource::new(move || wish.clone(), |(app, id, ask)| view_workbench(app, id, ask));
    view! { <Load resource=view view=move |view: WorkbenchView| view! { <Bench view=view /> } /> }
}

/// One line that is read aloud when it changes.
fn status(view: &WorkbenchView, lang: Lang) -> String {
    let count = |f: fn(&Said) -> bool| view.vendors.iter().filter(|v| f(&v.said)).count();
    let marks = view.found.len() + view.mismatches.len() + view.errors.len() + view.missing.len();
    let parts = [
        (GOOD, count(|s| matches!(s, Said::Built { .. }))),
        (REFUSED, count(|s| matches!(s, Said::Unsayable { .. }))),
        (CLOSED, count(|s| matches!(s, Said::NoCredential))),
        (MARKS, marks),
    ];
    let said: Vec<String> = parts.into_iter().filter(|(_, n)| *n > 0).map(|(text, n)| text.fill(lang, &[&n.to_string()])).collect();
    said.join(" · ")
}

#[component]
fn Bench(view: WorkbenchView) -> impl IntoView {
    let lang = use_lang();
    let app = use_app_id().get_untracked();
    let title = format!("{} · {}", TITLE.get(lang), view.copy.name);
    let words = format!("/apps/{app}/words");
    let copy = format!("/apps/{app}/copies/{}", view.copy.id);
    let said = status(&view, lang);
    view! {
        <PageHead title=title sub=SUB.get(lang)>
            <LinkButton href=words external=true>{WORDS.get(lang)}</LinkButton>
            <LinkButton href=copy external=true>{BACK.get(lang)}</LinkButton>
        </PageHead>
        <div class="bench">
            <form::BenchForm view=view.clone() app=app.clone() />
            <div class="bench-side">
                <p id=STATUS class="bench-status" role="status" aria-live="polite">{said}</p>
                {vendors::theme_choice()}
                <div id=RESULT class="bench-result">
                    <around::Remarks view=view.clone() app=app.clone() />
                    {vendors::all(&view)}
                    <around::Beside view=view app=app />
                </div>
            </div>
        </div>
    }
}
