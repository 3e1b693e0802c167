//! Errors in place: a box that names what and why, and the complaint beside each field.

use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use leptos_router::hooks::use_query_map;
use types::text::Text;

use crate::error::AppError;
use crate::i18n::use_lang;

const REQUEST: Text = Text::new("请求编号", "Request id");

/// The last error of a server action; also the one a plain form post brought back in the URL.
pub fn trouble_of<S>(action: ServerAction<S>) -> Signal<Option<AppError>>
where
    S: ServerFn<Error = AppError> + Clone + Send + Sync + 'static,
    S::Output: Clone + Send + Sync + 'static,
{
    Signal::derive(move || action.value().get().and_then(Result::err))
}

/// The whole error, read aloud when it appears.
#[component]
pub fn ErrorBox(#[prop(into)] error: Signal<Option<AppError>>) -> impl IntoView {
    let lang = use_lang();
    view! {
        <div role="alert">
            {move || {
                error
                    .get()
                    .map(|e| {
                        let fields = e.problem.errors.iter().map(|f| view! { <li><code>{f.field.clone()}</code>" "{f.reason.get(lang).to_owned()}</li> }).collect_view();
                        view! {
                            <div class="error-box">
                                <strong>{e.sentence(lang)}</strong>
                                {(!e.problem.errors.is_empty()).then(|| view! { <ul>{fields}</ul> })}
                                {e.request_id.map(|id| view! { <p class="sub">{REQUEST.get(lang)} " " <code>{id}</code></p> })}
                            </div>
                        }
                    })
            }}
        </div>
    }
    .into_any()
}

/// What the session room says in `?reason=` of the page it leads to: the words for a slug, and whether it is good news.
#[component]
pub fn Reason(told: fn(&str) -> Option<(bool, Text)>) -> impl IntoView {
    let lang = use_lang();
    let slug = use_query_map().with_untracked(|q| q.get("reason")).unwrap_or_default();
    told(&slug)
        .map(|(good, text)| {
            let class = if good { "ok-box" } else { "error-box" };
            view! {
                <div class=class role="alert">
                    {text.get(lang)}
                </div>
            }
        })
        .into_any()
}

/// The complaint about one field of an action's error: `error=trouble.field("name")`.
pub trait FieldTrouble {
    fn field(self, name: &'static str) -> Signal<Option<String>>;
}

impl FieldTrouble for Signal<Option<AppError>> {
    fn field(self, name: &'static str) -> Signal<Option<String>> {
        let lang = use_lang();
        Signal::derive(move || self.with(|e| e.as_ref().and_then(|e| e.about(name, lang))))
    }
}
