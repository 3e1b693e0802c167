//! What each vendor would be sent, with its limits laid over the text, and as its phones show it.

use leptos::prelude::*;
use types::cut::{Counts, Cut};
use types::meter::MeterField;
use types::places::{PHONES, Phone, Place, lines};
use types::views::workbench::{Said, VendorText, WorkbenchView};

use crate::ui::format;
use crate::ui::meters::vendor_class;
use crate::ui::prelude::*;

const SENT: Text = Text::new("照此发送", "Sent as it is");
const REFUSED: Text = Text::new("发不了", "Cannot be sent");
const CLOSED: Text = Text::new("没有凭证", "No credential");
const CLOSED_WHY: Text = Text::new(
    "没有可用的凭证，拼不出请求；下面按文档里的限制数。",
    "Without a usable credential no request can be built; below it is counted by the manual.",
);
const BYTES: Text = Text::new("请求体 {0} 字节（一个接收人）", "request body of {0} bytes (one recipient)");
const FILTERED: Text = Text::new("这条通道的接收人会被过滤：{0}", "Recipients of this lane would be filtered: {0}");
const TITLE: Text = Text::new("标题", "Title");
const BODY: Text = Text::new("正文", "Body");
const EMPTY: Text = Text::new("（空）", "(empty)");
const OVER: Text = Text::new("超 {0}", "{0} over");
const CUT: Text = Text::new("从这里起超出", "over the limit from here");
const ABOUT: Text = Text::new("约", "about");
const SOURCE: Text = Text::new("来源", "Source");
const CHECKED: Text = Text::new("{0} 核对", "checked {0}");
const COUNTS: Text = Text::new(
    "{0} 字 · {1} 字节 · {2} 半角宽 · 其中全角 {3}、emoji {4}",
    "{0} characters · {1} bytes · {2} half-widths · of them {3} full-width, {4} emoji",
);
const LACKS: Text = Text::new("此厂商没有：{0}", "This vendor has no: {0}");
const NOW: Text = Text::new("现在", "now");
const APPROXIMATE: Text = Text::new("约数", "approximate");
const APPROXIMATE_WHY: Text = Text::new(
    "没有公开出处：行数随机型、字号和系统版本变化",
    "no public source: the number of lines changes with model, type size and version",
);
const NO_PICTURE: Text = Text::new("没有大图", "No big picture");
const PICTURE: Text = Text::new("图片", "picture");
const ON_ALL: Text = Text::new("由手机的系统展示，样子同上面各家。", "Shown by the phone's own system, as above.");
const LOOK: Text = Text::new("手机的外观", "Look of the phone");
const LIGHT: Text = Text::new("浅色", "Light");
const DARK: Text = Text::new("深色", "Dark");

/// Light or dark phones: a choice that needs no script and outlives a renewal.
pub fn theme_choice() -> AnyView {
    let one = |id: &'static str, text: Text, checked: bool| {
        view! {
            <label class="pill mute">
                <input class="hidden" type="radio" name="look" id=id checked=checked />
                {t(text)}
            </label>
        }
    };
    view! {
        <fieldset class="phone-choice">
            <legend class="hidden">{t(LOOK)}</legend>
            {one("look-light", LIGHT, true)}
            {one("look-dark", DARK, false)}
        </fieldset>
    }
    .into_any()
}

pub fn all(view: &WorkbenchView) -> AnyView {
    view.vendors.iter().map(|text| one(text, &view.app_name)).collect_view().into_any()
}

/// The text with what is over its limit marked.
fn marked(text: &str, cut: Option<usize>) -> AnyView {
    if text.is_empty() {
        return view! { <span class="sub">{t(EMPTY)}</span> }.into_any();
    }
    match cut.filter(|at| text.is_char_boundary(*at)) {
        None => text.to_owned().into_any(),
        Some(at) => {
            let (fits, over) = text.split_at(at);
            view! { {fits.to_owned()}<mark title=t(CUT)>{over.to_owned()}</mark> }.into_any()
        }
    }
}

fn field(label: Text, text: &str, counts: &Counts, cuts: &[Cut], field: MeterField) -> AnyView {
    let cut = cuts.iter().filter(|c| c.field == field).find_map(|c| c.at);
    let figures = [counts.characters, counts.bytes, counts.half_widths, counts.full_width, counts.emoji].map(format::exact);
    let figures: Vec<&str> = figures.iter().map(String::as_str).collect();
    view! {
        <dt>{t(label)}</dt>
        <dd class="bench-text">
            <p>{marked(text, cut)}</p>
            <p class="help num">{tf(COUNTS, &figures)}</p>
        </dd>
    }
    .into_any()
}

fn meter(text: &VendorText, cut: &Cut) -> AnyView {
    let lang = use_lang();
    let vendor = text.vendor;
    let about = if cut.field == MeterField::Payload { format!("{} ", ABOUT.get(lang)) } else { String::new() };
    let said = format!("{} {about}{} / {} {}", cut.field.name().get(lang), cut.used, cut.max, cut.unit.name().get(lang));
    let label = format!("{} {}", vendor.name().get(lang), cut.field.name().get(lang));
    let over = cut.used.saturating_sub(cut.max);
    let over = (over > 0).then(|| view! { <Pill tone=Tone::Bad>{OVER.fill(lang, &[&over.to_string()])}</Pill> });
    let source = format!("{}: {} · {}", SOURCE.get(lang), cut.source, CHECKED.fill(lang, &[&cut.checked_on]));
    view! {
        <div class="bench-meter">
            <Bar value=Signal::stored(cut.used) max=Signal::stored(cut.max) label=label class=vendor_class(vendor) />
            <span class="num sub">{said}</span>
            {over}
            <span class="help">{source}</span>
        </div>
    }
    .into_any()
}

fn one(text: &VendorText, app_name: &str) -> AnyView {
    let lang = use_lang();
    let (tone, word) = match text.said {
        Said::Built { .. } => (Tone::Ok, SENT),
        Said::Unsayable { .. } => (Tone::Bad, REFUSED),
        Said::NoCredential => (Tone::Mute, CLOSED),
    };
    let remark = match &text.said {
        Said::Built { bytes, .. } => view! { <p class="sub num">{BYTES.fill(lang, &[&format::exact(*bytes)])}</p> }.into_any(),
        Said::Unsayable { reason } => view! { <p class="error-box">{FILTERED.fill(lang, &[reason])}</p> }.into_any(),
        Said::NoCredential => view! { <p class="sub">{CLOSED_WHY.get(lang)}</p> }.into_any(),
    };
    let lacks: Vec<&str> = text.lacks.iter().map(|mean| mean.name().get(lang)).collect();
    let lacks = (!lacks.is_empty()).then(|| view! { <p class="help">{LACKS.fill(lang, &[&lacks.join(", ")])}</p> });
    let phone = PHONES.into_iter().find(|phone| phone.vendor == text.vendor);
    let phones = match phone {
        Some(phone) => {
            let places = Vec::from(Place::ALL.map(|place| screen(phone, place, text, app_name)));
            view! { <div class="bench-phones">{places}</div> }.into_any()
        }
        None => view! { <p class="help">{ON_ALL.get(lang)}</p> }.into_any(),
    };
    view! {
        <section class="card bench-vendor" id=format!("vendor-{}", text.vendor.slug())>
            <header class="card-head">
                <h2><VendorDot vendor=text.vendor /></h2>
                <Pill tone=tone>{word.get(lang)}</Pill>
            </header>
            {remark}
            <dl class="bench-said">
                {field(TITLE, &text.title, &text.counts.0, &text.cuts, MeterField::Title)}
                {field(BODY, &text.body, &text.counts.1, &text.cuts, MeterField::Body)}
            </dl>
            {text.cuts.iter().map(|cut| meter(text, cut)).collect_view()}
            {lacks}
            {phones}
        </section>
    }
    .into_any()
}

/// One place of one phone. The cut of the text is the phone's own; the number of lines is `types::places`'s.
fn screen(phone: Phone, place: Place, text: &VendorText, app_name: &str) -> AnyView {
    let lang = use_lang();
    let shown = lines(phone.vendor, place);
    let source = match shown.source {
        Some(source) => view! { <span class="help">{source}</span> }.into_any(),
        None => view! { <span class="help" title=APPROXIMATE_WHY.get(lang)>{APPROXIMATE.get(lang)}</span> }.into_any(),
    };
    let name = place.name().get(lang);
    let caption = view! { <figcaption><strong>{name}</strong> " " {source}</figcaption> };
    let label = format!("{} · {name}", phone.name);
    if place == Place::Picture && !text.picture {
        return view! {
            <figure class="place" aria-label=label>
                {caption}
                <p class="help">{NO_PICTURE.get(lang)}</p>
            </figure>
        }
        .into_any();
    }
    let clock = (place == Place::Lock).then(|| view! { <p class="place-clock" aria-hidden="true">"9:41"</p> });
    let picture = (place == Place::Picture).then(|| view! { <p class="place-picture">{PICTURE.get(lang)}</p> });
    view! {
        <figure class="place" aria-label=label>
            {caption}
            <div class=format!("place-screen os-{} at-{}", phone.slug, place.slug())>
                {clock}
                <div class="place-push">
                    <p class="place-app">
                        <span class="push-icon" aria-hidden="true"></span>
                        <span class="grow">{app_name.to_owned()}</span>
                        <span>{NOW.get(lang)}</span>
                    </p>
                    <p class=format!("place-title lines-{}", shown.title)>{text.title.clone()}</p>
                    <p class=format!("place-body lines-{}", shown.body)>{text.body.clone()}</p>
                    {picture}
                </div>
            </div>
        </figure>
    }
    .into_any()
}
