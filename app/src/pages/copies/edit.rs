//! One copy: the form, live meters and phones, variables, history.

use std::collections::BTreeMap;

use leptos::prelude::*;
use leptos_router::hooks::{use_params_map, use_query_map};
use types::content::Content;
use types::copy::{Piece, parse, render, variables};
use types::people::Permission;
use types::vendor::Vendor;
use types::vendor::means::Mean;
use types::views::copies::{CopyForm, CopyView, OverrideForm};

use super::{ArchiveCopy, SaveCopy, copy_rules, read_copy};
use crate::ui::meters::Meters;
use crate::ui::phone::Phones;
use crate::ui::prelude::*;
use crate::ui::returned::typed_into;
use crate::ui::shell_state::use_app;

const NEW: Text = Text::new("新建文案", "New copy");
const WORKBENCH: Text = Text::new("工作台", "Workbench");
const SAVE: Text = Text::new("保存", "Save");
const NAME: Text = Text::new("名称", "Name");
const NAME_HELP: Text = Text::new("只在控制台里看到，1–60 字", "Seen in the console only, 1 to 60 characters");
const TAGS: Text = Text::new("标签", "Tags");
const TAGS_HELP: Text = Text::new("用空格或逗号分开，最多 10 个", "Separated by blanks or commas, at most 10");
const WORDS: Text = Text::new("文案", "Words");
const TITLE: Text = Text::new("标题", "Title");
const TITLE_HELP: Text = Text::new(
    "变量写作 {{姓名}} 或 {{姓名|您好}}；留空用应用的默认标题",
    "Variables: {{name}} or {{name|fallback}}; empty = the app's default title",
);
const BODY: Text = Text::new("正文", "Body");
const CLICK: Text = Text::new("点击后", "On tap");
const OPEN_APP: Text = Text::new("打开应用", "Open the app");
const OPEN_URL: Text = Text::new("打开网页", "Open a web page");
const OPEN_LINK: Text = Text::new("打开应用内页面", "Open a page in the app");
const CLICK_TO: Text = Text::new("地址", "Address");
const CLICK_HELP: Text = Text::new("网页用 https://，应用内用 scheme://path", "https:// for web pages, scheme://path inside the app");
const MORE: Text = Text::new("更多字段", "More fields");
const SUBTITLE: Text = Text::new("副标题（仅 iOS）", "Subtitle (iOS only)");
const IMAGE: Text = Text::new("图片地址（iOS 扩展显示）", "Picture (shown by the iOS extension)");
const BADGE: Text = Text::new("角标数字", "Badge number");
const SOUND: Text = Text::new("声音（iOS，default 为系统声音）", "Sound (iOS; default = the system's)");
const INTERRUPTION: Text = Text::new("打断级别（iOS）", "Interruption level (iOS)");
const PASSIVE: Text = Text::new("静默进入通知中心", "Passive");
const ACTIVE: Text = Text::new("普通", "Active");
const TIME_SENSITIVE: Text = Text::new("时效性", "Time-sensitive");
const THREAD: Text = Text::new("分组（iOS）", "Thread (iOS)");
const CHANNEL: Text = Text::new("通知渠道（Android）", "Notification channel (Android)");
const VIBRATE: Text = Text::new("振动（Android）", "Vibrate (Android)");
const LIGHT: Text = Text::new("呼吸灯（Android）", "Light (Android)");
const CATEGORY: Text = Text::new("消息类别", "Category");
const CATEGORY_HELP: Text = Text::new(
    "厂商自己的类别，如 IM、MARKETING；留空由厂商按默认处理",
    "The vendor's own category, such as IM or MARKETING; empty = the vendor's default",
);
const TEMPLATE: Text = Text::new("私信模板 ID", "Private template id");
const TEMPLATE_VALUES: Text = Text::new("模板变量", "Template values");
const TEMPLATE_HELP: Text = Text::new("每行一个 名=值", "One name=value a line");
const FOREGROUND: Text = Text::new("应用在前台时也显示（Android）", "Show while the app is in front (Android)");
const EXTRAS: Text = Text::new("自定义键值", "Keys of your own");
const EXTRAS_HELP: Text = Text::new("每行一个 名=值，原样交给应用，最多 10 个", "One name=value a line, handed to the app, at most 10");
const OVERRIDES: Text = Text::new("各厂商单独写", "Say it differently per vendor");
const OVERRIDE_HELP: Text = Text::new("留空 = 用上面的", "Empty = as above");
const NOTE: Text = Text::new("这次改了什么", "What changed");
const NOTE_HELP: Text = Text::new("写给以后的人，可留空", "For those who come later; may be empty");
const VARIABLES: Text = Text::new("变量", "Variables");
const NO_VARIABLES: Text = Text::new("没有用变量。", "No variables used.");
const FALLBACK: Text = Text::new("没有值时用「{0}」", "\"{0}\" when there is no value");
const NO_FALLBACK: Text =
    Text::new("没有值时留空；可写成 {{{0}|…}} 给个后备", "nothing when there is no value; write {{{0}|…}} for a fallback");
const HISTORY: Text = Text::new("版本历史", "History");
const OLD: Text =
    Text::new("您在看第 {0} 版；保存后它的内容成为最新版。", "You look at version {0}; saving makes its words the newest version.");
const USED: Text = Text::new("第 {0} 版 · 用于 {1} 个任务 · {2} 修改", "version {0} · used in {1} campaigns · changed by {2}");
const ARCHIVE: Text = Text::new("归档…", "Archive…");
const ARCHIVE_SURE: Text = Text::new(
    "归档后新任务不能再选它；已有任务不受影响，随时可以恢复。",
    "New campaigns can no longer choose it; existing ones stay as they are. It can be restored at any time.",
);
const ARCHIVE_DO: Text = Text::new("归档", "Archive");
const RESTORE: Text = Text::new("恢复", "Restore");
const ARCHIVED: Text = Text::new("已归档：恢复后才能修改。", "Archived: restore it before changing it.");
const MAY_NOT: Text = Text::new("需要运营权限才能保存", "Saving needs the role of an operator");

#[component]
pub fn CopyNew() -> impl IntoView {
    let app = use_app_id();
    let rules = Resource::new(move || app.get(), copy_rules);
    let draw = |(vendors, title): (Vec<Vendor>, String)| view! { <Editor vendors=vendors default_title=title /> };
    view! { <Load resource=rules view=draw /> }
}

#[component]
pub fn CopyEdit() -> impl IntoView {
    let app = use_app_id();
    let params = use_params_map();
    let query = use_query_map();
    let both = Resource::new(
        move || (app.get(), params.read().get("id").unwrap_or_default(), query.read().get("version").and_then(|v| v.parse().ok())),
        async |(app, id, version)| {
            let view = read_copy(app.clone(), id, version).await?;
            Ok::<_, AppError>((view, copy_rules(app).await?))
        },
    );
    let draw = |(copy, (vendors, title)): (CopyView, (Vec<Vendor>, String))| {
        view! { <Editor copy=copy vendors=vendors default_title=title /> }
    };
    view! { <Load resource=both view=draw /> }
}

/// One signal per field that previews and meters follow.
#[derive(Clone)]
struct Live {
    saved: CopyForm,
    title: RwSignal<String>,
    body: RwSignal<String>,
    subtitle: RwSignal<String>,
    image: RwSignal<String>,
    click: RwSignal<String>,
    click_to: RwSignal<String>,
    extras: RwSignal<String>,
    overrides: Vec<(Vendor, RwSignal<String>, RwSignal<String>)>,
}

impl Live {
    fn new(saved: CopyForm, vendors: &[Vendor]) -> Live {
        let over = |vendor: &Vendor| saved.overrides.get(vendor.slug()).cloned().unwrap_or_default();
        Live {
            title: RwSignal::new(saved.title.clone()),
            body: RwSignal::new(saved.body.clone()),
            subtitle: RwSignal::new(saved.subtitle.clone()),
            image: RwSignal::new(saved.image.clone()),
            click: RwSignal::new(saved.click.clone()),
            click_to: RwSignal::new(saved.click_to.clone()),
            extras: RwSignal::new(saved.extras.clone()),
            overrides: vendors.iter().map(|v| (*v, RwSignal::new(over(v).title), RwSignal::new(over(v).body))).collect(),
            saved,
        }
    }

    fn content(&self) -> Content {
        let overrides = self.overrides.iter().map(|(vendor, title, body)| {
            (vendor.slug().to_owned(), OverrideForm { title: title.get(), body: body.get(), ..OverrideForm::default() })
        });
        let form = CopyForm {
            title: self.title.get(),
            body: self.body.get(),
            subtitle: self.subtitle.get(),
            image: self.image.get(),
            click: self.click.get(),
            click_to: self.click_to.get(),
            extras: self.extras.get(),
            overrides: overrides.collect(),
            ..self.saved.clone()
        };
        form.read().0
    }
}

/// The content as a reader would see it; a variable without fallback shows its name in brackets.
fn shown(content: &Content, default_title: &str) -> Content {
    let names = render(content, &BTreeMap::new()).1;
    let values: BTreeMap<String, String> = names.into_iter().map(|name| (name.clone(), format!("〔{name}〕"))).collect();
    let mut out = render(content, &values).0;
    if out.title.trim().is_empty() {
        default_title.clone_into(&mut out.title);
    }
    out
}

/// Each variable with its first fallback.
fn fallbacks(content: &Content) -> Vec<(String, Option<String>)> {
    let texts = [Some(&content.title), Some(&content.body), content.subtitle.as_ref()];
    let over = content.overrides.values().flat_map(|o| [o.title.as_ref(), o.body.as_ref()]);
    let mut out: BTreeMap<String, Option<String>> = variables(content).into_iter().map(|name| (name, None)).collect();
    for text in texts.into_iter().chain(over).flatten() {
        for piece in parse(text).unwrap_or_default() {
            if let Piece::Variable { name, fallback: Some(fallback) } = piece {
                out.entry(name).or_default().get_or_insert(fallback);
            }
        }
    }
    out.into_iter().collect()
}

#[component]
fn Editor(#[prop(optional)] copy: Option<CopyView>, vendors: Vec<Vendor>, default_title: String) -> impl IntoView {
    let lang = use_lang();
    let app = use_app_id();
    let may = use_may(Permission::Operate);
    let app_name = use_app().get_untracked().map(|a| a.name).unwrap_or_default();
    let save = ServerAction::<SaveCopy>::new();
    let trouble = trouble_of(save);
    let form = copy.as_ref().map_or_else(
        || CopyForm { click: "open_app".to_owned(), interruption: "active".to_owned(), sound: "default".to_owned(), ..CopyForm::default() },
        |c| CopyForm::of(&c.brief.name, &c.brief.tags, &c.content),
    );
    let of = copy.as_ref().map(|c| c.brief.id.to_string()).unwrap_or_default();
    let form = typed_into::<SaveCopy>().filter(|t| t.id == of).map_or(form, |t| t.form);
    let live = Live::new(form.clone(), &vendors);
    let content = {
        let live = live.clone();
        Memo::new(move |_| live.content())
    };
    let counted = {
        let default_title = default_title.clone();
        Memo::new(move |_| shown(&content.get(), &default_title))
    };
    let id = StoredValue::new(of);
    let fresh = copy.is_none();
    let metered = vendors.clone();
    let expected = copy.as_ref().map_or(0, |c| c.brief.version);
    let archived = copy.as_ref().is_some_and(|c| c.brief.archived);
    let old = copy.as_ref().filter(|c| c.number != c.brief.version).map(|c| c.number);
    let title = copy.as_ref().map_or_else(|| NEW.get(lang).to_owned(), |c| c.brief.name.clone());
    let sub = copy.as_ref().map(|c| USED.fill(lang, &[&c.brief.version.to_string(), &c.brief.used_in.to_string(), &c.brief.changed_by]));
    let own = |vendor: Vendor| form.overrides.get(vendor.slug()).cloned().unwrap_or_default();
    let per_vendor = live
        .overrides
        .iter()
        .map(|(vendor, title, body)| {
            let slug = vendor.slug();
            let own = own(*vendor);
            let over = format!("overrides.{slug}");
            let error = |field: &str| {
                let name = format!("{over}.{field}");
                Signal::derive(move || trouble.with(|e| e.as_ref().and_then(|e| e.about(&name, lang))))
            };
            view! {
                <fieldset>
                    <legend>{vendor.name().get(lang)}</legend>
                    <TextField name=format!("form[overrides][{slug}][title]") id=format!("{slug}-title") label=TITLE.get(lang) help=OVERRIDE_HELP.get(lang) value=title.get_untracked() live=*title error=error("title") maxlength=200 />
                    <TextArea name=format!("form[overrides][{slug}][body]") id=format!("{slug}-body") label=BODY.get(lang) value=body.get_untracked() live=*body error=error("body") maxlength=2000 />
                    {vendor
                        .can(Mean::Channel)
                        .then(|| {
                            view! {
                                <TextField name=format!("form[overrides][{slug}][channel_id]") id=format!("{slug}-channel") label=CHANNEL.get(lang) value=own.channel_id maxlength=64 />
                            }
                        })}
                    {vendor
                        .can(Mean::Category)
                        .then(|| {
                            view! {
                                <TextField name=format!("form[overrides][{slug}][category]") id=format!("{slug}-category") label=CATEGORY.get(lang) help=CATEGORY_HELP.get(lang) value=own.category maxlength=64 />
                            }
                        })}
                    {vendor
                        .can(Mean::Template)
                        .then(|| {
                            view! {
                                <TextField name=format!("form[overrides][{slug}][template_id]") id=format!("{slug}-template") label=TEMPLATE.get(lang) value=own.template_id maxlength=64 />
                                <TextArea name=format!("form[overrides][{slug}][template_values]") id=format!("{slug}-values") label=TEMPLATE_VALUES.get(lang) help=TEMPLATE_HELP.get(lang) value=own.template_values error=error("template_values") />
                            }
                        })}
                </fieldset>
            }
        })
        .collect_view();
    let options = move |list: [(&str, Text); 3]| list.map(move |(key, text)| (key.to_owned(), text.get(lang).to_owned())).to_vec();
    let history = copy.map(|c| view! { <History copy=c /> });
    let why = MAY_NOT.get(lang);
    view! {
        <PageHead title=title sub=sub.unwrap_or_default()>
            {(!fresh && may.get_untracked())
                .then(|| {
                    let href = format!("/apps/{}/copies/{}/workbench", app.get_untracked(), id.get_value());
                    view! { <LinkButton href=href external=true>{WORKBENCH.get(lang)}</LinkButton> }
                })}
            {(!fresh).then(|| view! { <Archive id=id.get_value() archived=archived /> })}
        </PageHead>
        <div class="editor">
            <Card>
                <ErrorBox error=trouble />
                {old.map(|n| view! { <p class="note-box">{OLD.fill(lang, &[&n.to_string()])}</p> })}
                {archived.then(|| view! { <p class="note-box">{ARCHIVED.get(lang)}</p> })}
                <ActionForm action=save attr:class="form">
                    <input type="hidden" name="app" value=move || app.get() />
                    <input type="hidden" name="id" value=id.get_value() />
                    <input type="hidden" name="expected" value=expected.to_string() />
                    <div class="form-row">
                        <TextField name="form[name]" id="name" label=t(NAME) help=t(NAME_HELP) value=form.name.clone() error=trouble.field("name") required=true maxlength=60 />
                        <TextField name="form[tags]" id="tags" label=t(TAGS) help=t(TAGS_HELP) value=form.tags.clone() error=trouble.field("tags") />
                    </div>
                    <h2>{t(WORDS)}</h2>
                    <TextField name="form[title]" id="title" label=t(TITLE) help=t(TITLE_HELP) value=form.title.clone() live=live.title error=trouble.field("title") maxlength=200 />
                    <TextArea name="form[body]" id="body" label=t(BODY) value=form.body.clone() live=live.body error=trouble.field("body") rows=4 required=true maxlength=2000 />
                    <div class="form-row">
                        <SelectField
                            name="form[click]"
                            id="click"
                            label=t(CLICK)
                            value=form.click.clone()
                            live=live.click
                            options=options([("open_app", OPEN_APP), ("url", OPEN_URL), ("link", OPEN_LINK)])
                        />
                        <TextField name="form[click_to]" id="click_to" label=t(CLICK_TO) help=t(CLICK_HELP) value=form.click_to.clone() live=live.click_to error=trouble.field("click_to") maxlength=1024 />
                    </div>
                    <Meters vendors=metered content=counted />
                    <details class="more">
                        <summary>{t(MORE)}</summary>
                        <div class="form">
                            <TextField name="form[subtitle]" id="subtitle" label=t(SUBTITLE) value=form.subtitle.clone() live=live.subtitle error=trouble.field("subtitle") maxlength=200 />
                            <TextField name="form[image]" id="image" label=t(IMAGE) value=form.image.clone() live=live.image error=trouble.field("image") maxlength=1024 />
                            <div class="form-row">
                                <TextField name="form[badge]" id="badge" label=t(BADGE) value=form.badge.clone() error=trouble.field("badge") />
                                <TextField name="form[sound]" id="sound" label=t(SOUND) value=form.sound.clone() error=trouble.field("sound") maxlength=64 />
                            </div>
                            <div class="form-row">
                                <SelectField
                                    name="form[interruption]"
                                    id="interruption"
                                    label=t(INTERRUPTION)
                                    value=form.interruption.clone()
                                    options=options([("passive", PASSIVE), ("active", ACTIVE), ("time-sensitive", TIME_SENSITIVE)])
                                />
                                <TextField name="form[thread]" id="thread" label=t(THREAD) value=form.thread.clone() error=trouble.field("thread") maxlength=64 />
                                <TextField name="form[channel_id]" id="channel_id" label=t(CHANNEL) value=form.channel_id.clone() error=trouble.field("channel_id") maxlength=64 />
                            </div>
                            <CheckField name="form[show_in_foreground]" label=t(FOREGROUND) checked=form.show_in_foreground />
                            <div class="form-row">
                                <CheckField name="form[vibrate]" label=t(VIBRATE) checked=form.vibrate />
                                <CheckField name="form[light]" label=t(LIGHT) checked=form.light />
                            </div>
                            <TextArea name="form[extras]" id="extras" label=t(EXTRAS) help=t(EXTRAS_HELP) value=form.extras.clone() live=live.extras error=trouble.field("extras") />
                        </div>
                    </details>
                    <details class="more">
                        <summary>{t(OVERRIDES)}</summary>
                        <div class="form">{per_vendor}</div>
                    </details>
                    <TextField name="form[note]" id="note" label=t(NOTE) help=t(NOTE_HELP) value=form.note.clone() error=trouble.field("note") maxlength=200 />
                    <div>
                        {move || {
                            let blocked = archived || !may.get();
                            let reason = if archived { ARCHIVED.get(lang) } else if may.get() { "" } else { why };
                            view! {
                                <Button kind=Kind::Act disabled=Signal::derive(move || blocked || save.pending().get()) why=reason>
                                    {SAVE.get(lang)}
                                </Button>
                            }
                        }}
                    </div>
                </ActionForm>
            </Card>
            <aside class="editor-side">
                <Phones vendors=vendors app_name=app_name content=counted />
                <VariableCard content=content />
                {history}
            </aside>
        </div>
    }
}

#[component]
fn VariableCard(content: Memo<Content>) -> impl IntoView {
    let lang = use_lang();
    view! {
        <Card title=t(VARIABLES)>
            {move || {
                let found = fallbacks(&content.get());
                if found.is_empty() {
                    return view! { <p class="sub">{NO_VARIABLES.get(lang)}</p> }.into_any();
                }
                let rows = found
                    .into_iter()
                    .map(|(name, fallback)| {
                        let (tone, text) = match fallback {
                            Some(fallback) => (Tone::Ok, FALLBACK.get(lang).replace("{0}", &fallback)),
                            None => (Tone::Warn, NO_FALLBACK.get(lang).replace("{0}", &name)),
                        };
                        view! {
                            <li>
                                <Pill tone=tone>{name}</Pill>
                                " "
                                <span class="sub">{text}</span>
                            </li>
                        }
                    })
                    .collect_view();
                view! { <ul class="plain">{rows}</ul> }.into_any()
            }}
        </Card>
    }
}

#[component]
fn History(copy: CopyView) -> impl IntoView {
    let app = use_app_id();
    let id = copy.brief.id.to_string();
    let rows = copy
        .versions
        .into_iter()
        .map(|version| {
            let here = version.number == copy.number;
            let href = format!("/apps/{}/copies/{id}?version={}", app.get_untracked(), version.number);
            view! {
                <li>
                    <a href=href aria-current=here.then_some("true")>
                        {format!("v{}", version.number)}
                    </a>
                    " "
                    <Time at=version.at brief=true />
                    <span class="sub">{format!(" {} {}", version.by, version.note)}</span>
                </li>
            }
        })
        .collect_view();
    view! {
        <Card title=t(HISTORY)>
            <ul class="plain">{rows}</ul>
        </Card>
    }
}

#[component]
fn Archive(id: String, archived: bool) -> impl IntoView {
    let app = use_app_id();
    let lang = use_lang();
    let may = use_may(Permission::Operate);
    let action = ServerAction::<ArchiveCopy>::new();
    let trouble = trouble_of(action);
    let fields = StoredValue::new(id);
    move || {
        may.get().then(|| {
            let inner = view! {
                <ErrorBox error=trouble />
                <ActionForm action=action>
                    <input type="hidden" name="app" value=app.get() />
                    <input type="hidden" name="id" value=fields.get_value() />
                    <input type="hidden" name="archived" value=(!archived).to_string() />
                    <Button>{if archived { RESTORE } else { ARCHIVE_DO }.get(lang)}</Button>
                </ActionForm>
            };
            if archived {
                inner.into_any()
            } else {
                view! {
                    <Confirm label=ARCHIVE.get(lang)>
                        <p>{ARCHIVE_SURE.get(lang)}</p>
                        {inner}
                    </Confirm>
                }
                .into_any()
            }
        })
    }
}
