//! Paging by cursor in the URL.

use leptos::prelude::*;
use leptos_router::hooks::{use_location, use_query_map};
use types::text::Text;

use crate::i18n::use_lang;

const FIRST: Text = Text::new("回到第一页", "First page");
const NEXT: Text = Text::new("下一页", "Next page");
const PAGES: Text = Text::new("分页", "Pages");

/// The query key of the cursor.
pub const AFTER: &str = "after";

/// `next` = cursor of the next page, from `types::listing::Page`.
#[component]
pub fn Pager(next: Option<String>) -> impl IntoView {
    let lang = use_lang();
    let path = use_location().pathname.get_untracked();
    let query = use_query_map();
    let here = query.with_untracked(|q| q.get(AFTER).is_some());
    let link = |cursor: Option<&str>| {
        let mut map = query.get_untracked();
        map.remove(AFTER);
        if let Some(cursor) = cursor {
            map.insert(AFTER, cursor.to_owned());
        }
        format!("{path}{}", map.to_query_string())
    };
    let first = here.then(|| link(None));
    let next = next.map(|cursor| link(Some(&cursor)));
    (first.is_some() || next.is_some()).then(|| {
        view! {
            <nav class="pager" aria-label=PAGES.get(lang)>
                {first.map(|href| view! { <a class="btn" href=href>{FIRST.get(lang)}</a> })}
                {next.map(|href| view! { <a class="btn" href=href rel="next">{NEXT.get(lang)}</a> })}
            </nav>
        }
    })
}
