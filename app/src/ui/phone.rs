//! A push as a phone shows it. Text stays text; the cut is the phone's own.

use leptos::prelude::*;
use types::content::Content;
use types::text::Text;
use types::vendor::Vendor;
use types::vendor::means::Mean;

use super::meters::vendor_class;
use crate::i18n::use_lang;

const NOW: Text = Text::new("现在", "now");
const SCREEN: Text = Text::new("预览：{0}", "Preview: {0}");
const CHOOSE: Text = Text::new("预览机型", "Preview phone");
const LACKS: Text = Text::new("此厂商没有：{0}", "This vendor has no: {0}");

/// The name of the phone a vendor's push is shown on.
const fn phone(vendor: Vendor) -> &'static str {
    match vendor {
        Vendor::Apns => "iOS",
        Vendor::Fcm => "Android",
        Vendor::Xiaomi => "Xiaomi HyperOS",
        Vendor::Huawei => "EMUI · HarmonyOS 4",
        Vendor::Harmony => "HarmonyOS 5",
        Vendor::Honor => "MagicOS",
        Vendor::Oppo => "ColorOS",
        Vendor::Vivo => "OriginOS",
        Vendor::Meizu => "Flyme",
        Vendor::Umeng => "Umeng",
        Vendor::Getui => "Getui",
        Vendor::Jpush => "JPush",
    }
}

/// One phone per vendor; which one shows is a choice that needs no scripts.
#[component]
pub fn Phones(vendors: Vec<Vendor>, #[prop(into)] app_name: String, #[prop(into)] content: Signal<Content>) -> impl IntoView {
    let lang = use_lang();
    view! {
        <div class="phones">
            <fieldset class="phone-choice">
                <legend class="hidden">{CHOOSE.get(lang)}</legend>
                {vendors
                    .iter()
                    .enumerate()
                    .map(|(i, vendor)| {
                        view! {
                            <label class="pill mute">
                                <input class="hidden" type="radio" name="phone" value=vendor.slug() id=format!("phone-{}", vendor.slug()) checked={i == 0} />
                                {phone(*vendor)}
                            </label>
                        }
                    })
                    .collect_view()}
            </fieldset>
            {vendors.into_iter().map(|vendor| view! { <Phone vendor=vendor app_name=app_name.clone() content=content /> }).collect_view()}
        </div>
    }
}

#[component]
fn Phone(vendor: Vendor, app_name: String, content: Signal<Content>) -> impl IntoView {
    let lang = use_lang();
    let title = move || content.with(|c| c.title_for(vendor).to_owned());
    let body = move || content.with(|c| c.body_for(vendor).to_owned());
    let subtitle = move || content.with(|c| c.subtitle.clone().filter(|_| vendor.can(Mean::Subtitle)));
    let lacks = move || content.with(|c| vendor.lacks(c).iter().map(|mean| mean.name().get(lang)).collect::<Vec<_>>().join(", "));
    view! {
        <figure class=format!("phone phone-{} {}", vendor.slug(), vendor_class(vendor)) aria-label=SCREEN.fill(lang, &[phone(vendor)])>
            <div class="phone-screen">
                <p class="phone-clock" aria-hidden="true">
                    "9:41"
                </p>
                <div class="push">
                    <p class="push-app">
                        <span class="push-icon" aria-hidden="true"></span>
                        <span class="grow">{app_name}</span>
                        <span>{NOW.get(lang)}</span>
                    </p>
                    <p class="push-title">{title}</p>
                    {move || subtitle().map(|s| view! { <p class="push-title">{s}</p> })}
                    <p class="push-body">{body}</p>
                </div>
            </div>
            {move || {
                let lacks = lacks();
                (!lacks.is_empty()).then(|| view! { <figcaption class="help">{LACKS.fill(lang, &[&lacks])}</figcaption> })
            }}
        </figure>
    }
}
