//! Signing in: a plain form to `/session/sign-in` (the server's session room), so it works without scripts.

use leptos::prelude::*;
use leptos_router::hooks::use_query_map;
use types::problem::Code;

use crate::ui::prelude::*;

const TITLE: Text = Text::new("登录", "Sign in");
const EMAIL: Text = Text::new("邮箱", "E-mail");
const PASSWORD: Text = Text::new("密码", "Password");
const LOST: Text =
    Text::new("忘记密码时，请管理员发一个一次性链接。", "If the password is lost, ask an administrator for a one-time link.");
const FIRST: Text = Text::new(
    "第一次使用？服务启动时在终端里打印了创建管理员的一次性链接。",
    "First time here? The server printed a one-time link for the administrator in its terminal.",
);

/// Reads `?error=<code>` that the session room sent back.
pub fn error_in_query() -> Option<AppError> {
    let query = use_query_map();
    let slug = query.with_untracked(|q| q.get("error"))?;
    Code::ALL.into_iter().find(|c| c.slug() == slug).map(AppError::new)
}

#[component]
pub fn SignIn() -> impl IntoView {
    let query = use_query_map();
    let next = query.with_untracked(|q| q.get("next")).unwrap_or_default();
    let error = error_in_query();
    view! {
        <div class="narrow">
            <PageHead title=t(TITLE) />
            <Card>
                <form method="post" action="/session/sign-in" class="form">
                    <ErrorBox error=Signal::stored(error) />
                    <input type="hidden" name="next" value=next />
                    <TextField name="email" label=t(EMAIL) kind="email" autocomplete="username" required=true maxlength=254 />
                    <TextField name="password" label=t(PASSWORD) kind="password" autocomplete="current-password" required=true maxlength=1024 />
                    <Button kind=Kind::Act>{t(TITLE)}</Button>
                </form>
            </Card>
            <p class="sub">{t(LOST)}</p>
            <p class="sub">{t(FIRST)}</p>
        </div>
    }
    .into_any()
}
