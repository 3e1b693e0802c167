//! The own second step: set up, recovery codes, taken away; and the page that asks for the code.

use leptos::prelude::*;
use types::views::people::SecondStepView;

use super::calls::view_second_step;
use crate::ui::prelude::*;

pub(super) const ACCOUNT: Text = Text::new("我的账号", "My account");
const TITLE: Text = Text::new("两步登录", "Second step of signing in");
const SUB: Text = Text::new(
    "登录时除了密码，再要手机验证器里的六位数字（RFC 6238）。只偷到密码的人进不来。管理员都应当开启。",
    "Besides the password, signing in asks for the six digits of an authenticator app (RFC 6238): a stolen password alone opens \
     nothing. Every administrator should have it.",
);
const OFF: Text = Text::new("还没有开启。", "It is off.");
const PASSWORD: Text = Text::new("现在的密码", "Present password");
const PREPARE: Text = Text::new("开始设置", "Set it up");
const SCAN: Text = Text::new("用手机验证器扫描，或手工输入密钥", "Scan it with an authenticator app, or type the key");
const QR: Text = Text::new("密钥的二维码", "QR code of the key");
const KEY: Text = Text::new("密钥", "Key");
const FIRST_CODE: Text = Text::new("验证器显示的六位数字", "The six digits it shows");
const CONFIRM: Text = Text::new("确认，开启", "Confirm and switch it on");
const AGAIN: Text = Text::new("换一个密钥", "Another key");
const ON: Text = Text::new("已开启", "It is on");
const LEFT: Text = Text::new("还有 {0} 个恢复码没用过。", "{0} recovery codes are left.");
const FEW: Text =
    Text::new("恢复码快用完了：关掉再开启一次，会得到新的。", "Few recovery codes are left: switch it off and on again for new ones.");
const CODES: Text = Text::new("恢复码，只显示这一次", "Recovery codes, shown this once");
const CODES_HELP: Text = Text::new(
    "丢了手机时，每个可以代替一次验证码。请打印或存进密码管理器，不要放在手机里。",
    "When the phone is lost each stands once for a code. Print them or keep them in a password manager, not on the phone.",
);
const END: Text = Text::new("关闭两步登录", "Switch it off");
const CODE: Text = Text::new("验证码或恢复码", "Code, or a recovery code");
const ASKED: Text = Text::new("输入验证码", "Type the code");
const ASKED_SUB: Text = Text::new(
    "手机验证器里的六位数字；丢了手机就输入一个恢复码。",
    "The six digits of your authenticator app; without the phone, a recovery code.",
);
const GO_ON: Text = Text::new("登录", "Sign in");
const BACK: Text = Text::new("回到登录", "Back to signing in");
const LOST: Text =
    Text::new("两样都没有了，请找管理员关掉您的第二步。", "If both are lost, ask an administrator to take your second step away.");

/// `?reason=` of the session room in words, and whether it is good news.
fn reason(slug: &str) -> Option<(bool, Text)> {
    Some(match slug {
        "on" => (true, Text::new("已开启；其他浏览器里的登录已结束。", "It is on; sign-ins in other browsers have ended.")),
        "off" => (true, Text::new("已关闭。", "It is off.")),
        "code" => (
            false,
            Text::new(
                "验证码不对、过时或已用过；请等下一个数字，并看看手机的时间准不准。",
                "The code is wrong, over or used; wait for the next one, and see whether the phone's clock is right.",
            ),
        ),
        "current" => (false, Text::new("现在的密码不对。", "The present password is wrong.")),
        "slow" => (false, Text::new("尝试太多，请 15 分钟后再试。", "Too many tries; wait 15 minutes.")),
        "there" => (false, Text::new("已经开启了；要换密钥请先关闭。", "It is on already; switch it off first to change the key.")),
        _ => return None,
    })
}

fn code_field(label: Text) -> AnyView {
    view! { <TextField name="code" label=t(label) autocomplete="one-time-code" required=true maxlength=40 /> }.into_any()
}

fn password_field() -> AnyView {
    view! { <TextField name="current" label=t(PASSWORD) kind="password" autocomplete="current-password" required=true maxlength=1024 /> }
        .into_any()
}

/// Between the password and the console.
#[component]
pub fn CodePage() -> impl IntoView {
    view! {
        <div class="narrow">
            <PageHead title=t(ASKED) sub=t(ASKED_SUB) />
            <Card>
                <form method="post" action="/session/code" class="form">
                    <Reason told=reason />
                    {code_field(CODE)}
                    <Button kind=Kind::Act>{t(GO_ON)}</Button>
                </form>
            </Card>
            <p class="sub"><a href="/sign-in">{t(BACK)}</a></p>
            <p class="sub">{t(LOST)}</p>
        </div>
    }
    .into_any()
}

#[component]
pub fn SecondStepPage() -> impl IntoView {
    let step = Resource::new(|| (), |()| view_second_step());
    view! {
        <PageHead title=t(TITLE) sub=t(SUB)>
            <LinkButton href="/account" external=true>{t(ACCOUNT)}</LinkButton>
        </PageHead>
        <Reason told=reason />
        <Load
            resource=step
            view=move |step: SecondStepView| match step {
                SecondStepView::Off => off(),
                SecondStepView::Prepared { side, path, secret } => prepared(side, path, &secret),
                SecondStepView::On { since, recovery_left, codes } => on(since, recovery_left, codes),
            }
        />
    }
    .into_any()
}

fn off() -> AnyView {
    view! {
        <Card>
            <p>{t(OFF)}</p>
            <form method="post" action="/session/second-step/prepare" class="form">
                {password_field()}
                <Button kind=Kind::Act>{t(PREPARE)}</Button>
            </form>
        </Card>
    }
    .into_any()
}

fn prepared(side: u32, path: String, secret: &str) -> AnyView {
    // In groups of four: it is typed by hand.
    let key = secret.as_bytes().chunks(4).map(|four| String::from_utf8_lossy(four).into_owned()).collect::<Vec<_>>().join(" ");
    view! {
        <Card title=t(SCAN)>
            <svg class="qr" width="240" height="240" viewBox=format!("0 0 {side} {side}") role="img" aria-label=t(QR) shape-rendering="crispEdges">
                <rect width=side height=side fill="#fff" />
                <path d=path fill="#000" />
            </svg>
            <dl class="facts">
                <dt>{t(KEY)}</dt>
                <dd><code class="break">{key}</code></dd>
            </dl>
            <form method="post" action="/session/second-step/confirm" class="form">
                {code_field(FIRST_CODE)}
                <Button kind=Kind::Act>{t(CONFIRM)}</Button>
            </form>
        </Card>
        <details>
            <summary>{t(AGAIN)}</summary>
            {off()}
        </details>
    }
    .into_any()
}

fn on(since: types::Millis, left: u64, codes: Vec<String>) -> AnyView {
    let lang = use_lang();
    let shown = (!codes.is_empty()).then(|| {
        let list = codes.into_iter().map(|code| view! { <li><code>{code}</code></li> }).collect_view();
        view! {
            <Card title=t(CODES)>
                <p class="note-box">{t(CODES_HELP)}</p>
                <ul class="plain codes">{list}</ul>
            </Card>
        }
    });
    view! {
        {shown}
        <Card>
            <p>
                <Pill tone=Tone::Ok>{t(ON)}</Pill>
                " "
                <Time at=since />
            </p>
            <p>{LEFT.fill(lang, &[&left.to_string()])}</p>
            {(left < 3).then(|| view! { <p class="note-box">{t(FEW)}</p> })}
            <Confirm label=t(END) kind=Kind::Danger>
                <form method="post" action="/session/second-step/end" class="form">
                    {password_field()}
                    {code_field(CODE)}
                    <Button kind=Kind::Danger>{t(END)}</Button>
                </form>
            </Confirm>
        </Card>
    }
    .into_any()
}
