//! The form: the words with everything they carry, and with whose values they are filled.

use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use types::content::MessageClass;
use types::people::Permission;
use types::vendor::Vendor;
use types::vendor::means::Mean;
use types::views::copies::{CopyForm, OverrideForm};
use types::views::workbench::WorkbenchView;

use super::{RESULT, STATUS};
use crate::pages::copies::SaveCopy;
use crate::ui::format;
use crate::ui::prelude::*;

const WORDS: Text = Text::new("文案", "Words");
const VERSION: Text = Text::new("从第 {0} 版开始", "begun with version {0}");
const TITLE: Text = Text::new("标题", "Title");
const BODY: Text = Text::new("正文", "Body");
const SUBTITLE: Text = Text::new("副标题（仅 iOS）", "Subtitle (iOS only)");
const CLICK: Text = Text::new("点击后", "On tap");
const OPEN_APP: Text = Text::new("打开应用", "Open the app");
const OPEN_URL: Text = Text::new("打开网页", "Open a web page");
const OPEN_LINK: Text = Text::new("打开应用内页面", "Open a page in the app");
const CLICK_TO: Text = Text::new("地址", "Address");
const IMAGE: Text = Text::new("图片地址", "Picture");
const OVERRIDES: Text = Text::new("各厂商单独写", "Say it differently per vendor");
const AS_ABOVE: Text = Text::new("留空 = 用上面的", "Empty = as above");
const CATEGORY: Text = Text::new("消息类别", "Category");
const FILL: Text = Text::new("变量从哪来", "Where variables come from");
const CROWD: Text = Text::new("人群包", "Crowd");
const NO_CROWD: Text = Text::new("不用人群包", "No crowd");
const ROW: Text = Text::new("第几行", "Row");
const BEFORE: Text = Text::new("上一行", "Row before");
const NEXT: Text = Text::new("下一行", "Next row");
const VALUES: Text = Text::new("给所有人的变量值", "Values for everybody");
const VALUES_HELP: Text = Text::new("每行一个 名=值；人群包里的同名列优先", "One name=value a line; a crowd column of the same name wins");
const CLASS: Text = Text::new("将作为", "Sent as");
const PREVIEW: Text = Text::new("预览", "Preview");
const LINKS: Text = Text::new("检查链接能否打开", "Ask the links whether they answer");
const SAVE: Text = Text::new("存为新版本", "Save as a new version");
const MAY_NOT: Text = Text::new("需要运营权限才能保存", "Saving needs the role of an operator");
const ARCHIVED: Text = Text::new("已归档：恢复后才能修改。", "Archived: restore it before changing it.");

/// What the form carries along unseen, so that saving here loses nothing.
fn unseen(form: &CopyForm) -> Vec<(String, String)> {
    let mut out: Vec<(String, String)> = [
        ("name", &form.name),
        ("tags", &form.tags),
        ("badge", &form.badge),
        ("sound", &form.sound),
        ("interruption", &form.interruption),
        ("thread", &form.thread),
        ("channel_id", &form.channel_id),
        ("extras", &form.extras),
    ]
    .map(|(name, value)| (format!("form[{name}]"), value.clone()))
    .to_vec();
    let ticks = [("show_in_foreground", form.show_in_foreground), ("vibrate", form.vibrate), ("light", form.light)];
    out.extend(ticks.into_iter().filter(|(_, on)| *on).map(|(name, _)| (format!("form[{name}]"), "true".to_owned())));
    for (slug, own) in &form.overrides {
        let rest = [("channel_id", &own.channel_id), ("template_id", &own.template_id), ("template_values", &own.template_values)];
        out.extend(rest.map(|(name, value)| (format!("form[overrides][{slug}][{name}]"), value.clone())));
    }
    out
}

fn vendor_fields(vendor: Vendor, own: OverrideForm) -> AnyView {
    let slug = vendor.slug();
    let name = |field: &str| format!("form[overrides][{slug}][{field}]");
    let category = vendor.can(Mean::Category).then(|| {
        view! { <TextField name=name("category") id=format!("{slug}-category") label=t(CATEGORY) value=own.category.clone() maxlength=64 /> }
    });
    view! {
        <fieldset>
            <legend>{t(vendor.name())}</legend>
            <TextField name=name("title") id=format!("{slug}-title") label=t(TITLE) help=t(AS_ABOVE) value=own.title maxlength=200 />
            <TextArea name=name("body") id=format!("{slug}-body") label=t(BODY) value=own.body rows=2 maxlength=2000 />
            {category}
        </fieldset>
    }
    .into_any()
}

#[component]
pub fn BenchForm(view: WorkbenchView, app: String) -> impl IntoView {
    let lang = use_lang();
    let may = use_may(Permission::Operate);
    let save = ServerAction::<SaveCopy>::new();
    let trouble = trouble_of(save);
    let WorkbenchView { copy, number, form, class, values, crowds, crowd, errors, vendors, .. } = view;
    let about = move |field: &str| errors.iter().find(|e| e.field == field).map(|e| e.reason.get(lang).to_owned());
    let said = |field: &str| Signal::stored(about(field));
    let here = format!("/apps/{app}/copies/{}/workbench", copy.id);
    let hidden = unseen(&form).into_iter().map(|(name, value)| view! { <input type="hidden" name=name value=value /> }).collect_view();
    let clicks = [("open_app", OPEN_APP), ("url", OPEN_URL), ("link", OPEN_LINK)];
    let clicks = clicks.map(|(key, text)| (key.to_owned(), text.get(lang).to_owned())).to_vec();
    let classes = MessageClass::ALL.map(|c| (c.slug().to_owned(), c.name().get(lang).to_owned())).to_vec();
    let mut choice = vec![(String::new(), NO_CROWD.get(lang).to_owned())];
    choice.extend(crowds.into_iter().map(|(id, name, rows)| (id.to_string(), format!("{name} · {}", format::exact(rows)))));
    let (chosen, row) = crowd.map_or_else(Default::default, |c| (c.id.to_string(), c.row.to_string()));
    let own = form.overrides.clone();
    let per_vendor = vendors.iter().map(|v| vendor_fields(v.vendor, own.get(v.vendor.slug()).cloned().unwrap_or_default())).collect_view();
    let blocked = copy.archived || !may.get_untracked();
    let why = if copy.archived {
        ARCHIVED.get(lang)
    } else if blocked {
        MAY_NOT.get(lang)
    } else {
        ""
    };
    view! {
        <form class="card form bench-form" method="post" action=here data-renews=format!("{STATUS} {RESULT}") novalidate>
            <header class="card-head">
                <h2>{t(WORDS)}</h2>
                <span class="sub">{VERSION.fill(lang, &[&number.to_string()])}</span>
            </header>
            <ErrorBox error=trouble />
            <input type="hidden" name="typed" value="true" />
            <input type="hidden" name="app" value=app />
            <input type="hidden" name="id" value=copy.id.to_string() />
            <input type="hidden" name="expected" value=copy.version.to_string() />
            {hidden}
            <TextField name="form[title]" id="title" label=t(TITLE) value=form.title error=said("title") maxlength=200 />
            <TextArea name="form[body]" id="body" label=t(BODY) value=form.body error=said("body") rows=4 maxlength=2000 />
            <TextField name="form[subtitle]" id="subtitle" label=t(SUBTITLE) value=form.subtitle error=said("subtitle") maxlength=200 />
            <div class="form-row">
                <SelectField name="form[click]" id="click" label=t(CLICK) value=form.click options=clicks />
                <TextField name="form[click_to]" id="click_to" label=t(CLICK_TO) value=form.click_to error=said("click_to") maxlength=1024 />
            </div>
            <TextField name="form[image]" id="image" label=t(IMAGE) value=form.image error=said("image") maxlength=1024 />
            <details class="more">
                <summary>{t(OVERRIDES)}</summary>
                <div class="form">{per_vendor}</div>
            </details>
            <h3>{t(FILL)}</h3>
            <SelectField name="crowd" id="crowd" label=t(CROWD) value=chosen options=choice />
            <div class="form-row">
                <TextField name="row" id="row" kind="number" min="1" label=t(ROW) value=row />
                <Button name="step" value="-1">{t(BEFORE)}</Button>
                <Button name="step" value="1">{t(NEXT)}</Button>
            </div>
            <TextArea name="values" id="values" label=t(VALUES) help=t(VALUES_HELP) value=values error=said("values") rows=2 />
            <SelectField name="class" id="class" label=t(CLASS) value=class options=classes />
            <div class="actions">
                <Button kind=Kind::Act>{t(PREVIEW)}</Button>
                <Button name="links" value="true">{t(LINKS)}</Button>
                <button class=Kind::Plain.class() type="submit" formaction=SaveCopy::url() disabled=blocked title=why>
                    {t(SAVE)}
                </button>
            </div>
        </form>
    }
    .into_any()
}
