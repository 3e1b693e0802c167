//! Test sends and resends beside a campaign.

use leptos::prelude::*;
use types::life::MessageState;
use types::people::Permission;
use types::views::campaigns::{CampaignView, SideMessage, TestDevice};

use super::{TestCampaign, read_campaign, reload_after};
use crate::ui::prelude::*;

const TEST: Text = Text::new("测试发送", "Test send");
const TEST_HELP: Text = Text::new(
    "只发给本应用登记的测试机，用人群第一行的变量；在报表里标为测试。",
    "To registered test devices of this app only, with the first row's variables; marked as a test everywhere.",
);
const SEND: Text = Text::new("发送测试", "Send test");
const NO_DEVICE: Text =
    Text::new("还没有测试机：到终端页把自己的设备标为测试机。", "No test device yet: mark your own on the devices page.");
const MAY_NOT: Text = Text::new("需要运营权限", "Needs the role of an operator");
const DEVICES: Text = Text::new("测试机", "Test devices");
const RESULT: Text = Text::new(
    "计划 {0} · 接收 {1} · 拒绝 {2} · 过滤 {3} · 等待 {4}",
    "planned {0} · accepted {1} · refused {2} · filtered {3} · waiting {4}",
);

/// Between two looks at messages under way.
const ASK_MS: u64 = 1_500;

#[component]
pub fn TestCard(id: String, devices: Vec<TestDevice>, tests: Vec<SideMessage>, reload: RwSignal<u32>) -> impl IntoView {
    let lang = use_lang();
    let app = use_app_id();
    let may = use_may(Permission::Operate);
    let action = ServerAction::<TestCampaign>::new();
    let trouble = trouble_of(action);
    reload_after(action, reload);
    let none = devices.is_empty();
    let list = id.clone();
    let boxes = devices
        .into_iter()
        .enumerate()
        .map(|(i, device)| {
            let vendors = device.vendors.iter().map(|v| v.name().get(lang)).collect::<Vec<_>>().join("、");
            let label = format!("{} · {} · {}", device.model, device.user.unwrap_or_else(|| "–".to_owned()), vendors);
            view! { <CheckField name=format!("devices[{i}]") value=device.id.to_string() label=label checked={i == 0} /> }
        })
        .collect_view();
    view! {
        <Card title=t(TEST)>
            <p class="sub">{t(TEST_HELP)}</p>
            <ErrorBox error=trouble />
            {if none {
                view! { <p class="note-box">{NO_DEVICE.get(lang)}</p> }.into_any()
            } else {
                view! {
                    <ActionForm action=action attr:class="form">
                        <input type="hidden" name="app" value=move || app.get() />
                        <input type="hidden" name="id" value=id />
                        <fieldset>
                            <legend>{DEVICES.get(lang)}</legend>
                            {boxes}
                        </fieldset>
                        <Button disabled=Signal::derive(move || !may.get() || action.pending().get()) why=MAY_NOT.get(lang)>
                            {SEND.get(lang)}
                        </Button>
                    </ActionForm>
                }
                    .into_any()
            }}
            <SideList id=list messages=tests of=|campaign| campaign.tests />
        </Card>
    }
}

/// What became of test sends or resends; asks again while one of them moves.
#[component]
pub fn SideList(id: String, messages: Vec<SideMessage>, of: fn(CampaignView) -> Vec<SideMessage>) -> impl IntoView {
    let app = use_app_id();
    let shown = RwSignal::new(messages);
    every(ASK_MS, move || {
        if !shown.with_untracked(|list| list.iter().any(|m| m.equation.waiting > 0 || m.state == MessageState::Planning)) {
            return;
        }
        let (app, id) = (app.get_untracked(), id.clone());
        leptos::task::spawn_local(async move {
            if let Ok(campaign) = read_campaign(app, id).await {
                // The page may be gone by now.
                shown.try_set(of(campaign));
            }
        });
    });
    move || view! { <Rows messages=shown.get() /> }
}

#[component]
fn Rows(messages: Vec<SideMessage>) -> impl IntoView {
    let lang = use_lang();
    let rows = messages
        .into_iter()
        .map(|message| {
            let e = message.equation;
            let counts = [e.planned, e.accepted, e.refused, e.filtered, e.waiting].map(|n| n.to_string());
            let counts: Vec<&str> = counts.iter().map(String::as_str).collect();
            let losses =
                message.losses.into_iter().take(3).map(|loss| format!("{} {}", loss.reason, loss.words)).collect::<Vec<_>>().join("；");
            view! {
                <li>
                    <Pill>{message.state.name().get(lang)}</Pill>
                    " "
                    <Time at=message.at brief=true />
                    <div class="num sub">{RESULT.fill(lang, &counts)}</div>
                    <div class="sub">{losses}</div>
                </li>
            }
        })
        .collect_view();
    view! { <ul class="plain">{rows}</ul> }
}
