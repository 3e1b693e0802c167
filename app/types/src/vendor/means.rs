//! Which parts of a content a vendor can say. What it lacks is shown as such, never silently dropped.

use serde::{Deserialize, Serialize};

use super::Vendor;
use crate::content::{Click, Content, Interruption};
use crate::text::Text;

/// Longest text beside which OPPO shows a picture (oppo.md, 2, style 3).
pub const OPPO_PICTURE_TEXT_MAX: usize = 50;

/// A part of [`Content`] beyond title, body and "open the app", which everybody has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mean {
    Subtitle,
    Url,
    Link,
    Image,
    Badge,
    Sound,
    Interruption,
    Thread,
    Foreground,
    Channel,
    Vibrate,
    Light,
    Extras,
    Category,
    Template,
}

impl Mean {
    pub const ALL: [Mean; 15] = [
        Mean::Subtitle,
        Mean::Url,
        Mean::Link,
        Mean::Image,
        Mean::Badge,
        Mean::Sound,
        Mean::Interruption,
        Mean::Thread,
        Mean::Foreground,
        Mean::Channel,
        Mean::Vibrate,
        Mean::Light,
        Mean::Extras,
        Mean::Category,
        Mean::Template,
    ];

    pub const fn name(self) -> Text {
        match self {
            Mean::Subtitle => Text::new("副标题", "Subtitle"),
            Mean::Url => Text::new("点击打开网页", "Click to URL"),
            Mean::Link => Text::new("点击打开应用内页面", "Click to a page in the app"),
            Mean::Image => Text::new("图片", "Image"),
            Mean::Badge => Text::new("角标", "Badge"),
            Mean::Sound => Text::new("声音", "Sound"),
            Mean::Interruption => Text::new("时效级别", "Interruption level"),
            Mean::Thread => Text::new("分组", "Grouping"),
            Mean::Foreground => Text::new("前台展示", "Shown in the foreground"),
            Mean::Channel => Text::new("通知渠道", "Notification channel"),
            Mean::Vibrate => Text::new("振动", "Vibration"),
            Mean::Light => Text::new("呼吸灯", "Light"),
            Mean::Extras => Text::new("自定义字段", "Own keys"),
            Mean::Category => Text::new("消息类别", "Category"),
            Mean::Template => Text::new("私信模板", "Private template"),
        }
    }

    /// Does this content ask for it, for this vendor?
    pub fn asked(self, content: &Content, vendor: Vendor) -> bool {
        match self {
            Mean::Subtitle => content.subtitle.is_some(),
            Mean::Url => matches!(content.click, Click::Url { .. }),
            Mean::Link => matches!(content.click, Click::Link { .. }),
            Mean::Image => content.image.is_some(),
            Mean::Badge => content.badge.is_some(),
            Mean::Sound => content.sound.is_some(),
            Mean::Interruption => content.interruption != Interruption::Active,
            Mean::Thread => content.thread.is_some(),
            Mean::Foreground => content.show_in_foreground,
            Mean::Channel => content.channel_for(vendor).is_some(),
            Mean::Vibrate => content.vibrate,
            Mean::Light => content.light,
            Mean::Extras => !content.extras.is_empty(),
            Mean::Category => content.category_for(vendor).is_some(),
            Mean::Template => content.template_for(vendor).is_some(),
        }
    }
}

impl Vendor {
    /// Whether this vendor's interface can say it (`vendors/*.md`, section 2).
    pub const fn can(self, mean: Mean) -> bool {
        use Vendor::*;
        match mean {
            // APNs, FCM and HarmonyOS open the app, which finds the address among its data.
            Mean::Url | Mean::Extras => true,
            Mean::Link => true,
            Mean::Subtitle => matches!(self, Apns | Getui | Jpush),
            // Xiaomi's own pictures are retired, vivo has none; OPPO and Meizu keep what is uploaded.
            Mean::Image => !matches!(self, Xiaomi | Vivo),
            Mean::Badge => matches!(self, Apns | Fcm | Huawei | Harmony | Honor | Umeng | Getui | Jpush),
            Mean::Sound => matches!(self, Apns | Fcm | Huawei | Harmony | Umeng | Getui | Jpush),
            Mean::Interruption => matches!(self, Apns | Getui | Jpush),
            Mean::Thread => matches!(self, Apns | Huawei | Honor | Getui | Jpush),
            // vivo's single interface knows it, its lists do not.
            Mean::Foreground => matches!(self, Xiaomi | Huawei | Harmony | Jpush),
            Mean::Channel => matches!(self, Fcm | Xiaomi | Huawei | Oppo | Umeng | Getui | Jpush),
            Mean::Vibrate => matches!(self, Fcm | Huawei | Vivo | Meizu | Umeng | Jpush),
            Mean::Light => matches!(self, Fcm | Meizu | Umeng | Jpush),
            Mean::Category => matches!(self, Huawei | Harmony | Honor | Oppo | Vivo | Meizu | Umeng | Getui | Jpush),
            Mean::Template => matches!(self, Xiaomi | Oppo),
        }
    }

    /// What of this content this vendor leaves out.
    pub fn lacks(self, content: &Content) -> Vec<Mean> {
        // OPPO shows a picture beside a short text only.
        let crowded = self == Vendor::Oppo && content.body_for(self).chars().count() > OPPO_PICTURE_TEXT_MAX;
        let can = |mean: Mean| self.can(mean) && !(mean == Mean::Image && crowded);
        Mean::ALL.into_iter().filter(|mean| mean.asked(content, self) && !can(*mean)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_vendor_lacks_is_named() {
        let content = Content { subtitle: Some("s".into()), light: true, ..Content::default() };
        assert_eq!(Vendor::Xiaomi.lacks(&content), [Mean::Subtitle, Mean::Light]);
        assert_eq!(Vendor::Apns.lacks(&content), [Mean::Light]);
        assert!(Vendor::Apns.lacks(&Content::default()).is_empty());
        let picture = |body: &str| Content { image: Some("https://img.example/a.png".into()), body: body.into(), ..Content::default() };
        assert!(Vendor::Oppo.lacks(&picture("short")).is_empty());
        assert_eq!(Vendor::Oppo.lacks(&picture(&"长".repeat(51))), [Mean::Image]);
        assert_eq!(Vendor::Vivo.lacks(&picture("short")), [Mean::Image]);
    }
}
