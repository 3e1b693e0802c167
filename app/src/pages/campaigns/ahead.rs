//! What was made ready at vendors before the first batch.

use leptos::prelude::*;
use types::views::campaigns::{AheadStage, CampaignProgress, LaneAhead};

use crate::ui::format;
use crate::ui::prelude::*;

const TITLE: Text = Text::new("提前准备", "Made ready ahead");
const HELP: Text = Text::new(
    "图片上传、文案预存：厂商需要什么就提前做好，不用操心。",
    "Pictures uploaded and texts saved where a vendor wants that; nothing for you to do.",
);
const FROM: Text = Text::new("{0} 起自动准备。", "Begins by itself at {0}.");
const LANE: Text = Text::new("通道", "Lane");
const STATE: Text = Text::new("状态", "State");
const AT: Text = Text::new("时间", "At");
const NOTE: Text = Text::new("说明", "What happens");

/// Nothing is drawn where nothing is known.
#[component]
pub fn MadeReady(progress: RwSignal<CampaignProgress>) -> impl IntoView {
    let lang = use_lang();
    let zone = StoredValue::new(use_shell().with(|s| s.zone.clone()));
    let known = Memo::new(move |_| progress.with(|p| p.ahead.clone()));
    move || {
        let ahead = known.get();
        if ahead.from.is_none() && ahead.lanes.is_empty() {
            return None;
        }
        let from = ahead.from.filter(|_| ahead.lanes.is_empty()).map(|at| {
            let at = zone.with_value(|z| format::stamp(at, z));
            view! { <p>{FROM.fill(lang, &[&at])}</p> }
        });
        let table = (!ahead.lanes.is_empty()).then(|| {
            let rows = ahead.lanes.iter().map(|lane| view! { <LaneRow lane=lane.clone() zone=zone /> }).collect_view();
            let columns =
                vec![Column::text(LANE.get(lang)), Column::text(STATE.get(lang)), Column::text(AT.get(lang)), Column::text(NOTE.get(lang))];
            view! {
                <Table caption=TITLE.get(lang) columns=columns>
                    {rows}
                </Table>
            }
        });
        Some(view! {
            <Card title=TITLE.get(lang)>
                <p class="sub">{HELP.get(lang)}</p>
                {from}
                {table}
            </Card>
        })
    }
}

#[component]
fn LaneRow(lane: LaneAhead, zone: StoredValue<types::views::shell::ZoneTable>) -> impl IntoView {
    let lang = use_lang();
    let tone = match lane.stage {
        AheadStage::Ready => Tone::Ok,
        AheadStage::WithoutPicture => Tone::Warn,
        AheadStage::Failed => Tone::Bad,
        AheadStage::Nothing | AheadStage::UnderWay => Tone::Mute,
    };
    view! {
        <tr>
            <td>
                <VendorDot vendor=lane.vendor />
            </td>
            <td>
                <Pill tone=tone>{lane.stage.name().get(lang)}</Pill>
            </td>
            <td class="num">{zone.with_value(|z| format::stamp_short(lane.at, z))}</td>
            <td class="sub">{lane.words.map(|w| w.get(lang).to_owned())}</td>
        </tr>
    }
}
