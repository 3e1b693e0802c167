//! The own account, and the two pages behind one-time links. Plain forms to `/session/…`: they work without scripts.

use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

use crate::ui::pill::{Pill, Tone};
use crate::ui::prelude::*;

const FIRST: Text = Text::new("创建管理员", "Create the administrator");
const FIRST_SUB: Text = Text::new("这个链接只能用一次。", "This link works once.");
const LINK: Text = Text::new("设置新密码", "Set a new password");
const LINK_SUB: Text = Text::new("设置之后，其他浏览器里的登录都会结束。", "Afterwards sign-ins in other browsers end.");
const ACCOUNT: Text = Text::new("我的账号", "My account");
const NAME: Text = Text::new("姓名", "Name");
const EMAIL: Text = Text::new("邮箱", "E-mail");
const ROLE: Text = Text::new("角色", "Role");
const NONE: Text = Text::new("无", "none");
const PASSWORD: Text = Text::new("新密码", "New password");
const CURRENT: Text = Text::new("现在的密码", "Present password");
const PASSWORD_HELP: Text =
    Text::new("至少 12 个字符，建议 15 个以上；可以用空格和中文。", "At least 12 characters, 15 or more is advised; spaces are welcome.");
const SIGN_INS: Text = Text::new("我的登录与两步登录", "My sign-ins and second step");
const CHANGE: Text = Text::new("修改密码", "Change the password");

/// `?reason=` of the session room in words, and whether it is good news.
fn reason(slug: &str) -> Option<(bool, Text)> {
    Some(match slug {
        "done" => {
            (true, Text::new("密码已修改，其他浏览器里的登录已结束。", "The password was changed; sign-ins in other browsers have ended."))
        }
        "link" => (
            false,
            Text::new(
                "这个链接无效、已用过或已过期；请让管理员再发一个。",
                "This link is unknown, used or over; ask an administrator for another.",
            ),
        ),
        "name" => (false, Text::new("姓名需要 1 到 80 个字符。", "The name needs 1 to 80 characters.")),
        "email" => (false, Text::new("邮箱需要形如 name@example.com。", "The e-mail needs the form name@example.com.")),
        "taken" => (false, Text::new("这个邮箱已经有人使用。", "Somebody has this address already.")),
        "current" => (false, Text::new("现在的密码不对。", "The present password is wrong.")),
        "slow" => (false, Text::new("尝试太多，请 15 分钟后再试。", "Too many tries; wait 15 minutes.")),
        "password" => (
            false,
            Text::new(
                "密码太弱：至少 12 个字符，不能是常见密码、重复字符，或由邮箱、姓名拼成。",
                "The password is weak: at least 12 characters, not a common one, not repeated characters, not made of the e-mail or name.",
            ),
        ),
        _ => return None,
    })
}

fn token() -> String {
    use_query_map().with_untracked(|q| q.get("token")).unwrap_or_default()
}

#[component]
pub fn First() -> impl IntoView {
    view! {
        <div class="narrow">
            <PageHead title=t(FIRST) sub=t(FIRST_SUB) />
            <Card>
                <form method="post" action="/session/first" class="form">
                    <Reason told=reason />
                    <input type="hidden" name="token" value=token() />
                    <TextField name="name" label=t(NAME) autocomplete="name" required=true maxlength=80 />
                    <TextField name="email" label=t(EMAIL) kind="email" autocomplete="username" required=true maxlength=254 />
                    <NewPassword />
                    <Button kind=Kind::Act>{t(FIRST)}</Button>
                </form>
            </Card>
        </div>
    }
    .into_any()
}

#[component]
fn NewPassword() -> impl IntoView {
    view! {
        <TextField
            name="password"
            label=t(PASSWORD)
            kind="password"
            autocomplete="new-password"
            help=t(PASSWORD_HELP)
            required=true
            minlength=12
            maxlength=1024
        />
    }
    .into_any()
}

#[component]
pub fn ByLink() -> impl IntoView {
    view! {
        <div class="narrow">
            <PageHead title=t(LINK) sub=t(LINK_SUB) />
            <Card>
                <form method="post" action="/session/link" class="form">
                    <Reason told=reason />
                    <input type="hidden" name="token" value=token() />
                    <NewPassword />
                    <Button kind=Kind::Act>{t(LINK)}</Button>
                </form>
            </Card>
        </div>
    }
    .into_any()
}

#[component]
pub fn Account() -> impl IntoView {
    let lang = use_lang();
    let facts = use_shell().get().person.map(|p| {
        let role = p.rights.role.map_or_else(|| NONE.get(lang), |r| r.name().get(lang));
        view! {
            <dl class="facts">
                <dt>{NAME.get(lang)}</dt>
                <dd>{p.name}</dd>
                <dt>{EMAIL.get(lang)}</dt>
                <dd>{p.email}</dd>
                <dt>{ROLE.get(lang)}</dt>
                <dd>
                    <Pill tone=Tone::Act>{role}</Pill>
                </dd>
            </dl>
        }
    });
    view! {
        <PageHead title=t(ACCOUNT)>
            <LinkButton href="/account/sessions">{t(SIGN_INS)}</LinkButton>
        </PageHead>
        <Card>{facts}</Card>
        <Card title=t(CHANGE)>
            <form method="post" action="/session/password" class="form">
                <Reason told=reason />
                <TextField name="current" label=t(CURRENT) kind="password" autocomplete="current-password" required=true maxlength=1024 />
                <NewPassword />
                <Button kind=Kind::Act>{t(CHANGE)}</Button>
            </form>
        </Card>
    }
    .into_any()
}
