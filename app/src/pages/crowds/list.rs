//! The crowds of an app, newest first, and the files that still wait for somebody.

use leptos::prelude::*;
use leptos_router::hooks::use_query_map;
use types::crowd::UploadState;
use types::people::Permission;
use types::views::crowds::{CrowdLine, CrowdList, UploadLine};

use super::shelf::list_crowds;
use super::{COMBINE, CROWDS, ROWS_VALID, TAGS, UNKNOWN, UPLOAD};
use crate::ui::format;
use crate::ui::icon::Icon;
use crate::ui::pager::AFTER;
use crate::ui::prelude::*;

const SUB: Text = Text::new(
    "推送给谁：上传的名单，或由别的人群包和规则生成，按应用保存。",
    "Whom to push to: uploaded lists, or made of other crowds and rules; kept per app.",
);
const NAME: Text = Text::new("名称", "Name");
const KIND: Text = Text::new("每行写的是", "Rows name");
const FILE: Text = Text::new("文件", "File");
const CREATED: Text = Text::new("创建时间", "Created");
const STATE: Text = Text::new("状态", "State");
const NONE: Text = Text::new(
    "还没有人群包。上传一份 CSV、TSV、TXT 或 XLSX，编码和分隔符会自动识别。",
    "No crowd yet. Upload a CSV, TSV, TXT or XLSX; encoding and delimiter are detected.",
);
const NO_MATCH: Text = Text::new("没有符合条件的人群包。", "No crowd matches.");
const TAG: Text = Text::new("标签（完整）", "Tag (whole)");
const OPEN: Text = Text::new("等待确认的上传", "Uploads waiting for confirmation");
const OPEN_NOTE: Text = Text::new("24 小时后自动清除", "removed after 24 h");

fn state_name(state: UploadState) -> (Tone, Text) {
    match state {
        UploadState::Received => (Tone::Act, Text::new("待对应列", "columns to be mapped")),
        UploadState::Checking => (Tone::Act, Text::new("检查中", "checking")),
        UploadState::Checked => (Tone::Ok, Text::new("待确认", "to be confirmed")),
        UploadState::Confirmed => (Tone::Ok, Text::new("已确认", "confirmed")),
        UploadState::Failed => (Tone::Bad, Text::new("检查失败", "check failed")),
    }
}

#[component]
pub fn CrowdsPage() -> impl IntoView {
    let app = use_app_id();
    let query = use_query_map();
    let may = use_may(Permission::Operate);
    let name = Memo::new(move |_| query.read().get("name").unwrap_or_default());
    let after = Memo::new(move |_| query.read().get(AFTER));
    let tag = Memo::new(move |_| query.read().get("tag").unwrap_or_default());
    let asked = move || (app.get(), name.get(), tag.get(), after.get());
    let list = Resource::new(asked, |(app, name, tag, after)| list_crowds(app, name, tag, after));
    let upload_href = move || format!("/apps/{}/crowds/upload", app.get());
    let combine_href = format!("/apps/{}/crowds/combine", app.get_untracked());
    view! {
        <PageHead title=t(CROWDS) sub=t(SUB)>
            <LinkButton href=combine_href external=true>{t(COMBINE)}</LinkButton>
            {move || may.get().then(|| view! { <LinkButton kind=Kind::Act href=upload_href()>{t(UPLOAD)}</LinkButton> })}
        </PageHead>
        <Filters>
            <TextField name="name" label=t(NAME) value=name kind="search" maxlength=64 />
            <TextField name="tag" label=t(TAG) value=tag maxlength=20 />
        </Filters>
        <Load
            resource=list
            view=move |found: CrowdList| {
                let app = app.get_untracked();
                let filtered = !(name.get_untracked().is_empty() && tag.get_untracked().is_empty());
                let next = may.get_untracked().then(|| (upload_href(), t(UPLOAD).to_owned()));
                view! {
                    {(!found.uploads.is_empty()).then(|| view! { <OpenUploads app=app.clone() uploads=found.uploads /> })}
                    {if !found.crowds.items.is_empty() {
                        view! {
                            <Card>
                                <CrowdTable app=app crowds=found.crowds.items />
                                <Pager next=found.crowds.next />
                            </Card>
                        }
                            .into_any()
                    } else if filtered {
                        view! { <Card><Empty icon=Icon::Crowd sentence=t(NO_MATCH) /></Card> }.into_any()
                    } else {
                        view! { <Card><Empty icon=Icon::Crowd sentence=t(NONE) next=next.unwrap_or_default() /></Card> }.into_any()
                    }}
                }
            }
        />
    }
    .into_any()
}

fn by_tag(here: &str, tag: &str) -> String {
    let mut query = leptos_router::params::ParamsMap::new();
    query.insert("tag", tag.to_owned());
    format!("{here}{}", query.to_query_string())
}

#[component]
fn CrowdTable(app: String, crowds: Vec<CrowdLine>) -> impl IntoView {
    let lang = use_lang();
    let here = format!("/apps/{app}/crowds");
    let columns = vec![
        Column::text(t(NAME)),
        Column::text(t(TAGS)),
        Column::text(t(KIND)),
        Column::number(t(ROWS_VALID)),
        Column::number(t(UNKNOWN)),
        Column::text(t(FILE)),
        Column::text(t(CREATED)),
    ];
    view! {
        <Table caption=t(CROWDS) columns=columns>
            {crowds
                .into_iter()
                .map(|crowd| {
                    view! {
                        <tr>
                            <td>
                                <a href=format!("/apps/{app}/crowds/{}", crowd.id)>{crowd.name}</a>
                            </td>
                            <td>
                                {crowd
                                    .tags
                                    .into_iter()
                                    .map(|tag| {
                                        let href = by_tag(&here, &tag);
                                        view! { <a class="pill" href=href>{tag}</a> " " }
                                    })
                                    .collect_view()}
                            </td>
                            <td>{crowd.key.name().get(lang)}</td>
                            <td class="n"><Num value=crowd.valid /></td>
                            <td class="n"><Num value=crowd.unknown /></td>
                            <td>{crowd.file_name}</td>
                            <td><Time at=crowd.created_at brief=true /></td>
                        </tr>
                    }
                })
                .collect_view()}
        </Table>
    }
    .into_any()
}

#[component]
fn OpenUploads(app: String, uploads: Vec<UploadLine>) -> impl IntoView {
    let lang = use_lang();
    let columns = vec![Column::text(t(FILE)), Column::text(t(STATE)), Column::text(t(CREATED))];
    view! {
        <Card title=t(OPEN) note=t(OPEN_NOTE)>
            <Table caption=t(OPEN) columns=columns>
                {uploads
                    .into_iter()
                    .map(|upload| {
                        let (tone, state) = state_name(upload.state);
                        view! {
                            <tr>
                                <td>
                                    <a href=format!("/apps/{app}/crowds/uploads/{}", upload.id)>{upload.file_name}</a>
                                    <span class="sub">" " {format::bytes(upload.file_size)}</span>
                                </td>
                                <td><Pill tone=tone>{state.get(lang)}</Pill></td>
                                <td><Time at=upload.created_at brief=true /></td>
                            </tr>
                        }
                    })
                    .collect_view()}
            </Table>
        </Card>
    }
    .into_any()
}
