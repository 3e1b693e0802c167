//! Where the server leads when a page is not for this person.

use leptos::prelude::*;

use crate::ui::prelude::*;

const TITLE: Text = Text::new("没有权限", "Not allowed");
const SENTENCE: Text = Text::new(
    "您的角色不能打开这个页面，或者它不存在。需要时请联系管理员。",
    "Your role does not open this page, or it is not there. Ask an administrator if you need it.",
);
const HOME: Text = Text::new("回到总览", "To the overview");

#[component]
pub fn Forbidden() -> impl IntoView {
    #[cfg(feature = "ssr")]
    if let Some(response) = use_context::<leptos_axum::ResponseOptions>() {
        response.set_status(http::StatusCode::FORBIDDEN);
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
