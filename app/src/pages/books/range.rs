//! Choosing a time: links for the usual ones, a form for an own one. The URL holds it.

use leptos::prelude::*;
use leptos_router::hooks::{use_location, use_query_map};
use types::views::overview::{Range, RangeQuery, Span};

use crate::ui::format;
use crate::ui::prelude::*;

const TIME: Text = Text::new("时间范围", "Time");
const FROM: Text = Text::new("从", "From");
const TO: Text = Text::new("到", "To");
const SHOW: Text = Text::new("查看", "Show");

/// One value of the query, or empty.
pub fn use_query_text(key: &'static str) -> Memo<String> {
    let query = use_query_map();
    Memo::new(move |_| query.read().get(key).unwrap_or_default())
}

/// The time of the query.
pub fn use_range() -> Memo<RangeQuery> {
    let query = use_query_map();
    Memo::new(move |_| {
        let query = query.read();
        let text = |key: &str| query.get(key).unwrap_or_default();
        RangeQuery { range: text("range"), from: text("from"), to: text("to") }
    })
}

/// `11-21 00:00 UTC+8 – 11-21 17:30 UTC+8`.
pub fn span_text(span: &Span) -> String {
    use_shell().with(|s| format!("{} – {}", format::stamp_short(span.from, &s.zone), format::stamp_short(span.to, &s.zone)))
}

/// Local text of an instant for the inputs of an own time.
fn input_text(at: i64) -> String {
    use_shell().with(|s| format::local_input(at, &s.zone))
}

/// Links and form; `keep` = query values that stay (a campaign, say).
#[component]
pub fn RangeChoice(span: Option<Span>) -> impl IntoView {
    let lang = use_lang();
    let path = use_location().pathname.get_untracked();
    let query = use_range().get_untracked();
    let chosen = Range::parse(&query.range).unwrap_or_default();
    let links = [Range::Today, Range::Day, Range::Week]
        .map(|range| {
            let here = (range == chosen).then_some("true");
            view! {
                <a class="btn" class:on=range == chosen aria-current=here href=format!("{path}?range={}", range.slug())>
                    {range.name().get(lang)}
                </a>
            }
        })
        .collect_view();
    let (from, to) = match span {
        Some(span) => (input_text(span.from), input_text(span.to)),
        None => (query.from, query.to),
    };
    view! {
        <nav class="times" aria-label=TIME.get(lang)>
            {links}
            <details open=chosen == Range::Custom>
                <summary class="btn" class:on=chosen == Range::Custom>
                    {Range::Custom.name().get(lang)}
                </summary>
                <form method="get" action=path.clone() class="filters">
                    <input type="hidden" name="range" value="custom" />
                    <TextField name="from" label=FROM.get(lang) kind="datetime-local" value=from required=true />
                    <TextField name="to" label=TO.get(lang) kind="datetime-local" value=to required=true />
                    <Button>{SHOW.get(lang)}</Button>
                </form>
            </details>
        </nav>
    }
    .into_any()
}
