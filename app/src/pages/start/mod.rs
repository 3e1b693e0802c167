//! `/` when there is no app yet: the first steps. With an app the server leads to its overview.

use leptos::prelude::*;
use types::people::Permission;

use crate::ui::prelude::*;

const TITLE: Text = Text::new("欢迎使用 Carillon", "Welcome to Carillon");
const SUB: Text = Text::new("从应用到第一次推送，五步。", "From an app to the first push in five steps.");
const STEPS: [Text; 5] = [
    Text::new("注册应用，记下 appKey 与 appSecret", "Register an app; note its appKey and appSecret"),
    Text::new("填写厂商凭据，通道随即可用", "Enter vendor credentials; the lanes are ready at once"),
    Text::new("用接口登记终端与令牌，把自己的设为测试机", "Register devices and tokens by API; mark your own as test device"),
    Text::new("写一条文案，上传人群包", "Write a copy, upload a crowd"),
    Text::new("新建推送任务，先测试发送，再开始", "Make a campaign: test send first, then start"),
];
const GO: Text = Text::new("注册应用", "Register an app");
const WAIT: Text = Text::new("您还看不到任何应用；请联系管理员给您一个角色。", "You see no app yet; ask an administrator for a role.");

#[component]
pub fn Start() -> impl IntoView {
    let may = use_may(Permission::Develop);
    let lang = use_lang();
    view! {
        <PageHead title=t(TITLE) sub=t(SUB) />
        <Card>
            <ol class="steps">{STEPS.map(|step| view! { <li>{step.get(lang)}</li> })}</ol>
            {move || {
                if may.get() {
                    view! {
                        <LinkButton kind=Kind::Act href="/apps/new">
                            {GO.get(lang)}
                        </LinkButton>
                    }
                        .into_any()
                } else {
                    view! { <p>{WAIT.get(lang)}</p> }.into_any()
                }
            }}
        </Card>
    }
    .into_any()
}
