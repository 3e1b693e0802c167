//! Filters are a GET form: the URL is the state of the list, with and without scripts.

use leptos::prelude::*;
use leptos_router::components::Form;
use leptos_router::hooks::use_location;
use types::text::Text;

use super::button::{Button, Kind};
use crate::i18n::t;

const APPLY: Text = Text::new("筛选", "Filter");
const CLEAR: Text = Text::new("清除", "Clear");

/// Children: fields named as the query keys. The cursor (`after`) is dropped when filters change.
#[component]
pub fn Filters(children: Children) -> impl IntoView {
    let location = use_location();
    let path = location.pathname.get_untracked();
    view! {
        <Form method="GET" action=path.clone() attr:class="filters" attr:role="search">
            {children()}
            <Button kind=Kind::Plain>{t(APPLY)}</Button>
            <a class="btn quiet" href=path>
                {t(CLEAR)}
            </a>
        </Form>
    }
    .into_any()
}
