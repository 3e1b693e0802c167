//! What became of the rows: shared by the upload and the crowd.

use leptos::prelude::*;
use types::crowd::{CrowdCounts, RejectReason};
use types::people::Permission;

use super::{ROWS_VALID, UNKNOWN};
use crate::ui::format;
use crate::ui::prelude::*;

const ROWS: Text = Text::new("数据行", "rows");
const OF_ROWS: Text = Text::new("占数据行 {0}", "{0} of rows");
const NO_HEADER: Text = Text::new("标题行和空行不计", "header and blank lines not counted");
const REJECTED: Text = Text::new("未收入", "not taken");
const REJECTED_NOTE: Text = Text::new("重复 {0}，不合格 {1}", "{0} duplicate, {1} malformed");
const UNKNOWN_NOTE: Text =
    Text::new("有效，但应用里还没有这样的用户、设备或令牌", "valid, but this app has no such user, device or token yet");
const WHY: Text = Text::new("未收入的行", "Rows not taken");
const REASON: Text = Text::new("原因", "Reason");
const DOWNLOAD: Text = Text::new("下载这些行（CSV）", "Download these rows (CSV)");
const BAD_BYTES: Text = Text::new(
    "文件中有 {0} 处字节不是文字，已显示为 �。如果姓名等内容不对，请换一种编码重新读取。",
    "{0} places in the file are no text and show as �. If names look wrong, read the file again in another encoding.",
);

#[component]
pub fn Counts(counts: CrowdCounts, reasons: Vec<(RejectReason, u64)>, #[prop(into)] rejects_href: String) -> impl IntoView {
    let lang = use_lang();
    let may = use_may(Permission::SeeRecipients);
    let rejected = counts.duplicate + counts.malformed;
    let note = tf(REJECTED_NOTE, &[&format::exact(counts.duplicate), &format::exact(counts.malformed)]);
    view! {
        <div class="cols-4">
            <Figure label=t(ROWS) value=format::exact(counts.rows)>{t(NO_HEADER)}</Figure>
            <Figure label=t(ROWS_VALID) value=format::exact(counts.valid)>
                {tf(OF_ROWS, &[&format::percent(counts.valid, counts.rows)])}
            </Figure>
            <Figure label=t(REJECTED) value=format::exact(rejected)>{note}</Figure>
            <Figure label=t(UNKNOWN) value=format::exact(counts.unknown)>{t(UNKNOWN_NOTE)}</Figure>
        </div>
        {(counts.bad_bytes > 0).then(|| view! { <p class="note-box">{tf(BAD_BYTES, &[&format::exact(counts.bad_bytes)])}</p> })}
        {(rejected > 0)
            .then(|| {
                view! {
                    <Card title=t(WHY)>
                        <Table caption=t(WHY) columns=vec![Column::text(t(REASON)), Column::number(t(ROWS))]>
                            {reasons
                                .into_iter()
                                .map(|(reason, n)| {
                                    view! {
                                        <tr>
                                            <td>{reason.name().get(lang)}</td>
                                            <td class="n"><Num value=n /></td>
                                        </tr>
                                    }
                                })
                                .collect_view()}
                        </Table>
                        {move || {
                            may.get().then(|| view! { <LinkButton href=rejects_href.clone() external=true>{t(DOWNLOAD)}</LinkButton> })
                        }}
                    </Card>
                }
            })}
    }
    .into_any()
}
