//! Length meters: how much of each vendor's bound a content uses, counted the vendor's way.

use leptos::prelude::*;
use types::content::Content;
use types::meter;
use types::text::Text;
use types::vendor::Vendor;

use super::pill::{Pill, Tone, VendorDot};
use super::progress::Bar;
use crate::i18n::use_lang;

const TITLE: Text = Text::new("各厂商怎么算", "How each vendor counts");
const OVER: Text = Text::new("超 {0}", "{0} over");

/// The class that gives a part the vendor's colour.
pub const fn vendor_class(vendor: Vendor) -> &'static str {
    match vendor {
        Vendor::Apns => "v-apns",
        Vendor::Fcm => "v-fcm",
        Vendor::Xiaomi => "v-xiaomi",
        Vendor::Huawei => "v-huawei",
        Vendor::Harmony => "v-harmony",
        Vendor::Honor => "v-honor",
        Vendor::Oppo => "v-oppo",
        Vendor::Vivo => "v-vivo",
        Vendor::Meizu => "v-meizu",
        Vendor::Umeng => "v-umeng",
        Vendor::Getui => "v-getui",
        Vendor::Jpush => "v-jpush",
    }
}

#[component]
pub fn Meters(vendors: Vec<Vendor>, #[prop(into)] content: Signal<Content>) -> impl IntoView {
    let lang = use_lang();
    // Which meters there are does not depend on the content: only the counts move.
    let shown = content.with_untracked(|c| meter::meters(c, &vendors));
    let all = {
        let vendors = vendors.clone();
        Memo::new(move |_| content.with(|c| meter::meters(c, &vendors)))
    };
    view! {
        <section class="meters">
            <h3>{TITLE.get(lang)}</h3>
            {shown
                .into_iter()
                .enumerate()
                .map(|(i, first)| {
                    let max = first.max;
                    let used = Signal::derive(move || all.with(|m| m.get(i).map_or(0, |m| m.used)));
                    let label = format!("{} {}", first.vendor.name().get(lang), first.field.name().get(lang));
                    view! {
                        <div class="meter">
                            <VendorDot vendor=first.vendor />
                            <Bar value=used max=Signal::stored(max) label=label class=vendor_class(first.vendor) />
                            <span class="num sub">
                                {move || format!("{} {} / {max} {}", first.field.name().get(lang), used.get(), first.unit.name().get(lang))}
                            </span>
                            {move || {
                                let over = used.get().saturating_sub(max);
                                (over > 0).then(|| view! { <Pill tone=Tone::Bad>{OVER.fill(lang, &[&over.to_string()])}</Pill> })
                            }}
                        </div>
                    }
                })
                .collect_view()}
        </section>
    }
}
