//! The copy library: list, and one copy with meters, preview and history.

mod edit;

use leptos::prelude::*;
use leptos_router::hooks::use_query_map;
#[cfg(feature = "ssr")]
use types::ids::CopyId;
use types::listing::Page;
use types::people::Permission;
use types::vendor::Vendor;
use types::views::copies::{CopyBrief, CopyForm, CopyView};

pub use edit::{CopyEdit, CopyNew};

use crate::ui::icon::Icon;
use crate::ui::prelude::*;

const TITLE: Text = Text::new("文案库", "Copy library");
const SUB: Text = Text::new(
    "可复用的文案：每次保存都是一个新版本，任务开始时固定版本。",
    "Reusable texts: every save is a new version; a campaign fixes its version when it starts.",
);
const NEW: Text = Text::new("新建文案", "New copy");
const SEARCH: Text = Text::new("名称包含", "Name contains");
const TAG: Text = Text::new("标签", "Tag");
const WHICH: Text = Text::new("状态", "State");
const LIVING: Text = Text::new("使用中", "In use");
const ARCHIVED: Text = Text::new("已归档", "Archived");
const NAME: Text = Text::new("名称", "Name");
const WORDS: Text = Text::new("标题与正文", "Title and body");
const VERSION: Text = Text::new("版本", "Version");
const USED: Text = Text::new("用于任务", "Used in campaigns");
const CHANGED: Text = Text::new("最近修改", "Last change");
const NONE: Text = Text::new(
    "还没有文案。写好一条，先看各厂商的长度和手机上的样子，再拿去发。",
    "No copy yet. Write one, see each vendor's length and the look on the phone, then send it.",
);
const NONE_FOUND: Text = Text::new("没有符合筛选的文案；换个条件，或清除筛选。", "No copy matches; change or clear the filters.");

#[server]
pub async fn list_copies(
    app: String,
    text: String,
    tag: String,
    archived: bool,
    after: Option<String>,
) -> Result<Page<CopyBrief>, AppError> {
    let (asked, app) = crate::ports::ask_for(Permission::See, &app)?;
    asked.copies.list(&app, &text, &tag, archived, after).await
}

#[server]
pub async fn read_copy(app: String, id: String, version: Option<u32>) -> Result<CopyView, AppError> {
    let (asked, app) = crate::ports::ask_for(Permission::See, &app)?;
    let id = CopyId::parse(&id).ok_or_else(|| AppError::new(types::problem::Code::NotFound))?;
    asked.copies.get(&app, &id, version).await
}

#[server]
pub async fn copy_rules(app: String) -> Result<(Vec<Vendor>, String), AppError> {
    let (asked, app) = crate::ports::ask_for(Permission::See, &app)?;
    asked.copies.rules(&app).await
}

/// `id` empty makes a new copy.
#[server]
pub async fn save_copy(app: String, id: String, expected: u32, form: CopyForm) -> Result<(), AppError> {
    let (asked, app) = crate::ports::ask_for(Permission::Operate, &app)?;
    let edited = CopyId::parse(&id).map(|id| (id, expected));
    let saved = asked.copies.save(&asked, &app, edited, form).await?;
    leptos_axum::redirect(&format!("/apps/{app}/copies/{saved}"));
    Ok(())
}

#[server]
pub async fn archive_copy(app: String, id: String, archived: bool) -> Result<(), AppError> {
    let (asked, app) = crate::ports::ask_for(Permission::Operate, &app)?;
    let id = CopyId::parse(&id).ok_or_else(|| AppError::new(types::problem::Code::NotFound))?;
    asked.copies.archive(&asked, &app, &id, archived).await?;
    leptos_axum::redirect(&format!("/apps/{app}/copies"));
    Ok(())
}

#[component]
pub fn Copies() -> impl IntoView {
    let lang = use_lang();
    let app = use_app_id();
    let query = use_query_map();
    let key = move |name: &str| query.read().get(name).unwrap_or_default();
    let may = use_may(Permission::Operate);
    let list = Resource::new(
        move || (app.get(), key("text"), key("tag"), key("archived") == "yes", query.read().get("after")),
        |(app, text, tag, archived, after)| list_copies(app, text, tag, archived, after),
    );
    let new = move || format!("/apps/{}/copies/new", app.get());
    let filtered =
        move || !key("text").is_empty() || !key("tag").is_empty() || key("archived") == "yes" || query.read().get("after").is_some();
    let draw = move |page: Page<CopyBrief>| {
        if page.items.is_empty() {
            let (sentence, next) =
                if filtered() { (NONE_FOUND, None) } else { (NONE, may.get().then(|| (new(), NEW.get(lang).to_owned()))) };
            return match next {
                Some(next) => view! { <Empty icon=Icon::Copy sentence=sentence.get(lang) next=next /> }.into_any(),
                None => view! { <Empty icon=Icon::Copy sentence=sentence.get(lang) /> }.into_any(),
            };
        }
        let app = app.get();
        view! {
            <Card>
                <Table
                    caption=TITLE.get(lang)
                    columns=vec![
                        Column::text(NAME.get(lang)),
                        Column::text(WORDS.get(lang)),
                        Column::number(VERSION.get(lang)),
                        Column::number(USED.get(lang)),
                        Column::text(CHANGED.get(lang)),
                    ]
                >
                    {page.items.into_iter().map(|copy| view! { <Row app=app.clone() copy=copy /> }).collect_view()}
                </Table>
            </Card>
            <Pager next=page.next />
        }
        .into_any()
    };
    view! {
        <PageHead title=t(TITLE) sub=t(SUB)>
            {move || may.get().then(|| view! { <LinkButton kind=Kind::Act href=new()>{NEW.get(lang)}</LinkButton> })}
        </PageHead>
        <Filters>
            <TextField name="text" label=t(SEARCH) value=key("text") maxlength=60 />
            <TextField name="tag" label=t(TAG) value=key("tag") maxlength=20 />
            <SelectField
                name="archived"
                label=t(WHICH)
                value=key("archived")
                options=vec![(String::new(), LIVING.get(lang).to_owned()), ("yes".to_owned(), ARCHIVED.get(lang).to_owned())]
            />
        </Filters>
        <Load resource=list view=draw />
    }
}

#[component]
fn Row(app: String, copy: CopyBrief) -> impl IntoView {
    view! {
        <tr>
            <td>
                <a href=format!("/apps/{app}/copies/{}", copy.id)>{copy.name}</a>
                " "
                {copy.tags.into_iter().map(|tag| view! { <Pill>{tag}</Pill> " " }).collect_view()}
            </td>
            <td>
                <strong>{copy.title}</strong>
                <div class="sub clip">{copy.body}</div>
            </td>
            <td class="n">{format!("v{}", copy.version)}</td>
            <td class="n">
                <Num value=Signal::stored(copy.used_in) />
            </td>
            <td>
                <Time at=copy.changed_at brief=true />
                <div class="sub">{copy.changed_by}</div>
            </td>
        </tr>
    }
}
