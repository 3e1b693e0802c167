//! Who is signed in with which browser, the own second step, and the code at sign-in. Plain pages; the forms about codes go to
//! `/session/…`.

use leptos::form::ActionForm;
use leptos::prelude::*;
use types::views::people::{SessionView, SignedIn};

pub mod calls;
mod second_step;

pub use second_step::{CodePage, SecondStepPage};

use calls::{DropSecondStep, EndOwnSession, EndSession, list_own_sessions, list_sessions};

use crate::ui::icon::Icon;
use crate::ui::prelude::*;

type Sessions = Vec<SessionView>;

const OWN: Text = Text::new("我的登录", "My sign-ins");
const OWN_SUB: Text = Text::new(
    "您现在在哪些浏览器里登录着。30 分钟不操作、或登录满 12 小时会自动结束；改密码会结束全部。",
    "The browsers you are signed in with. A sign-in ends by itself after 30 idle minutes and after 12 hours; a new password ends all.",
);
const EVERYBODY: Text = Text::new("谁登录着", "Who is signed in");
const EVERYBODY_SUB: Text =
    Text::new("所有人的登录；结束哪一处，那个浏览器立刻退出。", "Everybody's sign-ins; the browser of an ended one is out at once.");
const PERSON: Text = Text::new("谁", "Who");
const BROWSER: Text = Text::new("浏览器", "Browser");
const FROM: Text = Text::new("从哪里", "From");
const SINCE: Text = Text::new("登录于", "Since");
const SEEN: Text = Text::new("最后操作", "Last seen");
const HERE: Text = Text::new("本浏览器", "this browser");
const END: Text = Text::new("结束", "End");
const NOBODY: Text = Text::new("没有人登录着。", "Nobody is signed in.");
const STEPS: Text = Text::new("两步登录", "Second step");
const STEPS_SUB: Text = Text::new(
    "丢了手机、也没有恢复码的人登不进来：核实本人之后，在这里关掉他的第二步。管理员自己丢了手机，用命令行 carillon admin drop-second-step。",
    "Who lost phone and recovery codes cannot sign in: make sure who asks, then take the second step away here. An administrator who \
     lost the own phone uses carillon admin drop-second-step on the command line.",
);
const NO_STEPS: Text = Text::new("还没有人开启两步登录。", "Nobody has a second step yet.");
const TAKE_AWAY: Text = Text::new("关掉第二步", "Take it away");
const TAKE_AWAY_WHAT: Text =
    Text::new("之后只凭密码就能登录，直到本人再次开启。", "The password alone signs in, until the person sets it up again.");

fn row(session: SessionView, named: bool, form: AnyView) -> AnyView {
    let lang = use_lang();
    let time = |at| if at > 0 { view! { <Time at=at brief=true /> }.into_any() } else { "–".into_any() };
    view! {
        <tr>
            {named.then(|| view! { <td>{session.name}</td> })}
            <td>
                {session.agent}
                {session.own.then(|| view! { " " <Pill tone=Tone::Act>{HERE.get(lang)}</Pill> })}
            </td>
            <td>{session.address}</td>
            <td>{time(session.since)}</td>
            <td>{time(session.seen)}</td>
            <td>{form}</td>
        </tr>
    }
    .into_any()
}

fn columns(named: bool) -> Vec<Column> {
    let mut columns = if named { vec![Column::text(t(PERSON))] } else { Vec::new() };
    columns.extend([BROWSER, FROM, SINCE, SEEN, END].map(|c| Column::text(t(c))));
    columns
}

/// The own sessions.
#[component]
pub fn OwnSessions() -> impl IntoView {
    let end = ServerAction::<EndOwnSession>::new();
    let list = Resource::new(move || end.version().get(), |_| list_own_sessions());
    view! {
        <PageHead title=t(OWN) sub=t(OWN_SUB)>
            <LinkButton href="/account" external=true>{t(second_step::ACCOUNT)}</LinkButton>
            <LinkButton href="/account/second-step" external=true>{t(STEPS)}</LinkButton>
        </PageHead>
        <ErrorBox error=trouble_of(end) />
        <Card>
            <Load
                resource=list
                view=move |list: Sessions| {
                    let rows = list
                        .into_iter()
                        .map(|session| {
                            let id = session.id.clone();
                            // The own one ends by signing out.
                            let form = (!session.own).then(|| view! {
                                <ActionForm action=end>
                                    <input type="hidden" name="id" value=id />
                                    <Button kind=Kind::Danger>{t(END)}</Button>
                                </ActionForm>
                            });
                            row(session, false, form.into_any())
                        })
                        .collect::<Vec<_>>();
                    view! { <Table caption=t(OWN) columns=columns(false)>{rows}</Table> }
                }
            />
        </Card>
    }
    .into_any()
}

/// Everybody's, for administrators.
#[component]
pub fn AllSessions() -> impl IntoView {
    let end = ServerAction::<EndSession>::new();
    let drop = ServerAction::<DropSecondStep>::new();
    let list = Resource::new(move || (end.version().get(), drop.version().get()), |_| list_sessions());
    view! {
        <PageHead title=t(EVERYBODY) sub=t(EVERYBODY_SUB) />
        <ErrorBox error=trouble_of(end) />
        <ErrorBox error=trouble_of(drop) />
        <Load
            resource=list
            view=move |found: SignedIn| {
                view! {
                    <Card>{sessions(found.sessions, end)}</Card>
                    <Card title=t(STEPS)>
                        <p class="sub">{t(STEPS_SUB)}</p>
                        {steps(found.second_steps, drop)}
                    </Card>
                }
            }
        />
    }
    .into_any()
}

fn sessions(list: Sessions, end: ServerAction<EndSession>) -> AnyView {
    if list.is_empty() {
        return view! { <Empty icon=Icon::People sentence=t(NOBODY) /> }.into_any();
    }
    let rows = list
        .into_iter()
        .map(|session| {
            let (person, id) = (session.person.as_str().to_owned(), session.id.clone());
            let form = view! {
                <ActionForm action=end>
                    <input type="hidden" name="person" value=person />
                    <input type="hidden" name="id" value=id />
                    <Button kind=Kind::Danger>{t(END)}</Button>
                </ActionForm>
            };
            row(session, true, form.into_any())
        })
        .collect::<Vec<_>>();
    view! { <Table caption=t(EVERYBODY) columns=columns(true)>{rows}</Table> }.into_any()
}

fn steps(list: Vec<(types::ids::PersonId, String)>, drop: ServerAction<DropSecondStep>) -> AnyView {
    if list.is_empty() {
        return view! { <p>{t(NO_STEPS)}</p> }.into_any();
    }
    let rows = list
        .into_iter()
        .map(|(id, name)| {
            let id = id.as_str().to_owned();
            view! {
                <tr>
                    <td>{name}</td>
                    <td>
                        <Confirm label=t(TAKE_AWAY) kind=Kind::Danger>
                            <p>{t(TAKE_AWAY_WHAT)}</p>
                            <ActionForm action=drop>
                                <input type="hidden" name="person" value=id />
                                <Button kind=Kind::Danger>{t(TAKE_AWAY)}</Button>
                            </ActionForm>
                        </Confirm>
                    </td>
                </tr>
            }
            .into_any()
        })
        .collect::<Vec<_>>();
    view! { <Table caption=t(STEPS) columns=vec![Column::text(t(PERSON)), Column::text(t(TAKE_AWAY))]>{rows}</Table> }.into_any()
}
