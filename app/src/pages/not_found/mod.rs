//! No such page.

use leptos::prelude::*;

use crate::ui::prelude::*;

const TITLE: Text = Text::new("没有这个页面", "No such page");
const SENTENCE: Text = Text::new("地址可能写错了，或者内容已被移走。", "The address may be mistyped, or what was here has moved.");
const HOME: Text = Text::new("回到总览", "To the overview");

#[component]
pub fn NotFound() -> impl IntoView {
    #[cfg(feature = "ssr")]
    if let Some(response) = use_context::<leptos_axum::ResponseOptions>() {
        response.set_status(http::StatusCode::NOT_FOUND);
    }
    view! {
        <PageHead title=t(TITLE) sub=t(SENTENCE) />
        <p>
            <LinkButton href="/" external=true>
                {t(HOME)}
            </LinkButton>
        </p>
    }
    .into_any()
}
