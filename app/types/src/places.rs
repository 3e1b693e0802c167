//! How much of a text each place of a phone shows. Few makers publish it: what has no source says so, and pages call it approximate.

use crate::text::Text;
use crate::vendor::Vendor;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    Lock,
    Banner,
    Expanded,
    Picture,
}

impl Place {
    pub const ALL: [Place; 4] = [Place::Lock, Place::Banner, Place::Expanded, Place::Picture];

    pub const fn slug(self) -> &'static str {
        match self {
            Place::Lock => "lock",
            Place::Banner => "banner",
            Place::Expanded => "expanded",
            Place::Picture => "picture",
        }
    }

    pub const fn name(self) -> Text {
        match self {
            Place::Lock => Text::new("锁屏", "Lock screen"),
            Place::Banner => Text::new("横幅", "Banner"),
            Place::Expanded => Text::new("展开", "Expanded"),
            Place::Picture => Text::new("大图", "Big picture"),
        }
    }
}

/// Whose phone, as people call its system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Phone {
    pub vendor: Vendor,
    pub slug: &'static str,
    pub name: &'static str,
}

/// The phones a push of a vendor is seen on; the three third parties are shown on all of them.
pub const PHONES: [Phone; 9] = [
    Phone { vendor: Vendor::Apns, slug: "ios", name: "iOS" },
    Phone { vendor: Vendor::Fcm, slug: "android", name: "Android" },
    Phone { vendor: Vendor::Xiaomi, slug: "hyperos", name: "MIUI · HyperOS" },
    Phone { vendor: Vendor::Huawei, slug: "emui", name: "EMUI · HarmonyOS 4" },
    Phone { vendor: Vendor::Harmony, slug: "harmony", name: "HarmonyOS 5" },
    Phone { vendor: Vendor::Honor, slug: "magicos", name: "MagicOS" },
    Phone { vendor: Vendor::Oppo, slug: "coloros", name: "ColorOS" },
    Phone { vendor: Vendor::Vivo, slug: "originos", name: "OriginOS" },
    Phone { vendor: Vendor::Meizu, slug: "flyme", name: "Flyme" },
];

/// Lines a place shows of title and body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lines {
    pub title: u8,
    pub body: u8,
    /// Where it is written down; `None` = nowhere we know: seen on phones, and it changes with width, type size and version.
    pub source: Option<&'static str>,
}

const ANDROID: &str = "developer.android.com, Create a notification: by default the text is cut to fit one line";
pub const fn lines(vendor: Vendor, place: Place) -> Lines {
    match (vendor, place) {
        (Vendor::Apns, Place::Banner) => Lines { title: 1, body: 2, source: None },
        (Vendor::Apns, Place::Lock) => Lines { title: 1, body: 4, source: None },
        (Vendor::Apns, Place::Expanded | Place::Picture) => Lines { title: 2, body: 8, source: None },
        (Vendor::Fcm, Place::Lock | Place::Banner) => Lines { title: 1, body: 1, source: Some(ANDROID) },
        (_, Place::Lock | Place::Banner) => Lines { title: 1, body: 1, source: None },
        (_, Place::Expanded) => Lines { title: 1, body: 6, source: None },
        (_, Place::Picture) => Lines { title: 1, body: 1, source: None },
    }
}
