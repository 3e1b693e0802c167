//! Choosing a file: a plain multipart form; with scripts also by dropping, with a progress bar.

use leptos::prelude::*;
use leptos_router::hooks::use_navigate;

use super::send::{self, Sending};
use super::{CROWDS, UPLOAD};
use crate::ui::format;
use crate::ui::prelude::*;
use crate::ui::returned::refusal_of;

const SUB: Text =
    Text::new("第 1 步，共 3 步：选择文件。确认之前什么都不会保存。", "Step 1 of 3: choose the file. Nothing is kept until you confirm.");
const FILE: Text = Text::new("文件", "File");
const HELP: Text = Text::new(
    "CSV、TSV、TXT、XLSX，或它们的 gzip；UTF-8、UTF-16 或 GBK；最大 1 GiB、1,000 万行。每行一个用户 ID、设备 ID，或厂商与令牌。",
    "CSV, TSV, TXT, XLSX, or a gzip of one; UTF-8, UTF-16 or GBK; up to 1 GiB and 10 million rows. One user id, device id, or vendor and token per row.",
);
const DROP: Text = Text::new("把文件拖到这里，或", "Drop a file here, or");
const GO: Text = Text::new("上传", "Upload");
const STOP: Text = Text::new("停止", "Stop");
const SENDING: Text = Text::new("正在上传", "Uploading");

#[component]
pub fn UploadPage() -> impl IntoView {
    let app = use_app_id();
    let action = move || format!("/apps/{}/crowds/files", app.get());
    let sending = Sending::new(refusal_of(&untrack(action)).map(AppError::from));
    let navigate = use_navigate();
    Effect::new(move |_| {
        if let Some(upload) = sending.done.get() {
            navigate(&format!("/apps/{}/crowds/uploads/{upload}", app.get_untracked()), Default::default());
        }
    });
    view! {
        <PageHead title=t(UPLOAD) sub=t(SUB)>
            <LinkButton href=format!("/apps/{}/crowds", app.get_untracked())>{t(CROWDS)}</LinkButton>
        </PageHead>
        <Card>
            <form
                class="form"
                method="post"
                enctype="multipart/form-data"
                action=action
                on:submit=move |event| send::submitted(event, action(), sending)
            >
                <ErrorBox error=sending.error />
                <div
                    class="drop"
                    class:over=move || sending.over.get()
                    on:dragover=move |event| send::over(event, sending)
                    on:dragleave=move |_| sending.over.set(false)
                    on:drop=move |event| send::dropped(event, action(), sending)
                >
                    <div class="field">
                        <label for="file">{t(FILE)}</label>
                        <p class="sub">{t(DROP)}</p>
                        <input id="file" name="file" type="file" required=true aria-describedby="file-help" accept=".csv,.tsv,.txt,.xlsx,.gz,text/csv,text/plain" />
                        <p class="help" id="file-help">{t(HELP)}</p>
                    </div>
                </div>
                <Progress sending=sending />
                <Button kind=Kind::Act disabled=Signal::derive(move || sending.part.get().is_some())>{t(GO)}</Button>
            </form>
        </Card>
    }
    .into_any()
}

#[component]
fn Progress(sending: Sending) -> impl IntoView {
    let sent = Signal::derive(move || sending.part.get().map_or(0, |p| p.0));
    let all = Signal::derive(move || sending.part.get().map_or(1, |p| p.1));
    move || {
        sending.part.with(Option::is_some).then(|| {
            view! {
                <div class="field" role="status">
                    <Bar value=sent max=all label=t(SENDING) />
                    <p class="sub num">
                        {t(SENDING)} " "
                        {move || format!("{} / {} · {}", format::bytes(sent.get()), format::bytes(all.get()), format::percent(sent.get(), all.get()))}
                    </p>
                    <button type="button" class="btn" on:click=move |_| send::stop(sending)>{t(STOP)}</button>
                </div>
            }
        })
    }
}
