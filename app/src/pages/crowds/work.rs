//! One upload wherever it stands: mapping, checking, checked. The address may be reloaded, left and opened again.

use std::time::Duration;

use leptos::prelude::*;
use types::crowd::UploadState;
use types::views::crowds::{CheckProgress, CrowdLine, UploadView};

use super::calls::{CancelCheck, CheckUpload, ConfirmUpload, DiscardUpload, OverruleUpload, view_upload};
use super::mapping::{DetectionCard, MappingCard};
use super::outcome::Counts;
use super::{CROWDS, use_param};
use crate::ui::format;
use crate::ui::prelude::*;

const STEP_MAP: Text = Text::new(
    "第 2 步，共 3 步：看一看识别得对不对，选出标识所在的列。",
    "Step 2 of 3: see whether it was read rightly, choose the columns.",
);
const STEP_CHECK: Text =
    Text::new("正在检查每一行；可以离开这个页面，检查会继续。", "Checking every row; you may leave this page, the check goes on.");
const STEP_CONFIRM: Text = Text::new("第 3 步，共 3 步：确认后成为人群包。", "Step 3 of 3: confirm and it becomes a crowd.");
const STEP_DONE: Text = Text::new("这份文件已经成为人群包。", "This file has become a crowd.");
const TITLE: Text = Text::new("上传：{0}", "Upload: {0}");
const SAME_FILE: Text = Text::new("同样的文件已经上传过：", "The same file was uploaded before: ");
const CHECKING: Text = Text::new("检查进度", "Check");
const READ: Text = Text::new("已读 {0} / {1}，{2} 行；已入库 {3} 行", "read {0} of {1}, {2} rows; {3} rows stored");
const CANCEL: Text = Text::new("停止检查", "Stop the check");
const RELOAD: Text = Text::new("刷新进度", "Refresh");
const NAME: Text = Text::new("人群包名称", "Name of the crowd");
const CONFIRM: Text = Text::new("确认，成为人群包", "Confirm the crowd");
const CONFIRM_CARD: Text = Text::new("确认", "Confirm");
const NOTHING: Text = Text::new(
    "没有一行有效，不能成为人群包；请改一改列的对应，或换一个文件。",
    "No row is valid, so there is no crowd; change the mapping or choose another file.",
);
const AGAIN: Text = Text::new("重新选择列", "Choose the columns again");
const DISCARD: Text = Text::new("放弃这份文件", "Discard this file");
const DISCARD_WHAT: Text =
    Text::new("文件和检查结果会被删除，不影响已有的人群包。", "The file and what was checked are deleted; crowds are not touched.");
const DISCARD_YES: Text = Text::new("删除", "Delete");

/// How often a check under way is asked for.
const POLL: Duration = Duration::from_millis(700);

#[derive(Clone, Copy)]
struct Actions {
    overrule: ServerAction<OverruleUpload>,
    check: ServerAction<CheckUpload>,
    cancel: ServerAction<CancelCheck>,
    confirm: ServerAction<ConfirmUpload>,
    discard: ServerAction<DiscardUpload>,
}

#[component]
pub fn UploadWorkPage() -> impl IntoView {
    let app = use_app_id();
    let upload = use_param("upload");
    let actions = Actions {
        overrule: ServerAction::new(),
        check: ServerAction::new(),
        cancel: ServerAction::new(),
        confirm: ServerAction::new(),
        discard: ServerAction::new(),
    };
    let tick = RwSignal::new(0u32);
    let changed = move || (actions.overrule.version().get(), actions.check.version().get(), actions.cancel.version().get(), tick.get());
    let view = Resource::new(move || (app.get(), upload.get(), changed()), |(app, upload, _)| view_upload(app, upload));
    Effect::new(move |_| {
        let checking = view.get().is_some_and(|v| v.is_ok_and(|v| v.state == UploadState::Checking));
        if checking {
            // The page may be gone by then.
            set_timeout(move || tick.try_update(|n| *n = n.wrapping_add(1)).unwrap_or_default(), POLL);
        }
    });
    view! {
        <Load
            resource=view
            view=move |found: UploadView| view! { <Work app=app.get_untracked() upload=found actions=actions /> }
        />
    }
    .into_any()
}

#[component]
fn Work(app: String, upload: UploadView, actions: Actions) -> impl IntoView {
    let step = match upload.state {
        UploadState::Received | UploadState::Failed => STEP_MAP,
        UploadState::Checking => STEP_CHECK,
        UploadState::Checked => STEP_CONFIRM,
        UploadState::Confirmed => STEP_DONE,
    };
    let title = tf(TITLE, &[&upload.file_name]);
    let sub = format!("{} · {}", format::bytes(upload.file_size), t(step));
    let problem = upload.problem.clone().map(AppError::from);
    let same_file = upload.same_file.clone();
    let open = upload.state != UploadState::Confirmed;
    let discard = (app.clone(), upload.id.as_str().to_owned());
    let home = format!("/apps/{app}/crowds");
    let same_file = same_file.map(|crowd| view! { <SameFile app=app.clone() crowd=crowd /> });
    view! {
        <PageHead title=title sub=sub>
            <LinkButton href=home>{t(CROWDS)}</LinkButton>
        </PageHead>
        {same_file}
        <ErrorBox error=Signal::stored(problem) />
        {match upload.state {
            UploadState::Received | UploadState::Failed => {
                view! {
                    <DetectionCard app=app.clone() upload=upload.clone() overrule=actions.overrule />
                    <MappingCard app=app upload=upload check=actions.check />
                }
                    .into_any()
            }
            UploadState::Checking => {
                let progress = upload.progress.unwrap_or_default();
                view! { <Checking app=app upload=upload.id.as_str().to_owned() progress=progress cancel=actions.cancel /> }.into_any()
            }
            UploadState::Checked => view! { <Checked app=app upload=upload actions=actions /> }.into_any(),
            UploadState::Confirmed => ().into_any(),
        }}
        {open
            .then(|| {
                let (app, id) = discard;
                view! {
                    <Confirm label=t(DISCARD) kind=Kind::Danger>
                        <p>{t(DISCARD_WHAT)}</p>
                        <ActionForm action=actions.discard>
                            <input type="hidden" name="app" value=app />
                            <input type="hidden" name="upload" value=id />
                            <Button kind=Kind::Danger>{t(DISCARD_YES)}</Button>
                        </ActionForm>
                    </Confirm>
                }
            })}
    }
    .into_any()
}

#[component]
fn SameFile(app: String, crowd: CrowdLine) -> impl IntoView {
    view! {
        <p class="note-box">
            {t(SAME_FILE)}
            <a href=format!("/apps/{app}/crowds/{}", crowd.id)>{crowd.name}</a>
            " · "
            <Time at=crowd.created_at />
        </p>
    }
    .into_any()
}

#[component]
fn Checking(app: String, upload: String, progress: CheckProgress, cancel: ServerAction<CancelCheck>) -> impl IntoView {
    let words = tf(
        READ,
        &[
            &format::bytes(progress.bytes_read.min(progress.bytes)),
            &format::bytes(progress.bytes),
            &format::exact(progress.rows_read),
            &format::exact(progress.rows_stored),
        ],
    );
    let here = format!("/apps/{app}/crowds/uploads/{upload}");
    view! {
        <Card title=t(CHECKING)>
            <Bar value=progress.bytes_read max=progress.bytes label=t(CHECKING) />
            <p class="num" role="status">{words}</p>
            <noscript>
                <a class="btn" href=here>{t(RELOAD)}</a>
            </noscript>
            <ActionForm action=cancel>
                <input type="hidden" name="app" value=app />
                <input type="hidden" name="upload" value=upload />
                <Button>{t(CANCEL)}</Button>
            </ActionForm>
        </Card>
    }
    .into_any()
}

#[component]
fn Checked(app: String, upload: UploadView, actions: Actions) -> impl IntoView {
    let trouble = trouble_of(actions.confirm);
    let rejects = format!("/apps/{app}/crowds/uploads/{}/rejects.csv", upload.id);
    let name = upload.file_name.split('.').next().unwrap_or_default().chars().take(64).collect::<String>();
    let valid = upload.counts.valid;
    let (of, id) = (app.clone(), upload.id.as_str().to_owned());
    view! {
        <Counts counts=upload.counts.clone() reasons=upload.reasons.clone() rejects_href=rejects />
        {if valid > 0 {
            view! {
                <Card title=t(CONFIRM_CARD)>
                    <ErrorBox error=trouble />
                    <ActionForm action=actions.confirm attr:class="form">
                        <input type="hidden" name="app" value=of />
                        <input type="hidden" name="upload" value=id />
                        <TextField name="name" label=t(NAME) value=name required=true maxlength=64 error=trouble.field("name") />
                        <Button kind=Kind::Act>{t(CONFIRM)}</Button>
                    </ActionForm>
                </Card>
            }
                .into_any()
        } else {
            view! { <p class="note-box">{t(NOTHING)}</p> }.into_any()
        }}
        <details>
            <summary>{t(AGAIN)}</summary>
            <DetectionCard app=app.clone() upload=upload.clone() overrule=actions.overrule />
            <MappingCard app=app upload=upload check=actions.check />
        </details>
    }
    .into_any()
}
