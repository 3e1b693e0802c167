//! What vendors take a message for, and what they do when its words say otherwise. Facts with their source. Pure.

use serde::{Deserialize, Serialize};

use crate::content::{Content, MessageClass};
use crate::copy;
use crate::sensitive::{self, Severity, Word};
use crate::text::Text;
use crate::vendor::Vendor;

/// Marketing words looked for while an app's own list has none of that kind.
pub const MARKETING: [&str; 28] = [
    "优惠",
    "特惠",
    "折扣",
    "打折",
    "降价",
    "秒杀",
    "抢购",
    "促销",
    "满减",
    "红包",
    "领券",
    "免费领",
    "限时",
    "立减",
    "大促",
    "抽奖",
    "福利",
    "爆款",
    "清仓",
    "coupon",
    "discount",
    "sale",
    "promo",
    "promotion",
    "voucher",
    "giveaway",
    "clearance",
    "cashback",
];

/// Is the message one the vendor's system class would take, by this vendor's own words? `None` = it asks for none.
pub fn system_class(content: &Content, vendor: Vendor, class: MessageClass) -> Option<String> {
    let category = content.category_for(vendor).map(|c| c.trim().to_ascii_uppercase());
    let by_class = (class == MessageClass::Transactional).then(|| class.slug().to_owned());
    match vendor {
        Vendor::Huawei | Vendor::Harmony => category.filter(|c| c != "MARKETING"),
        Vendor::Oppo => category.filter(|c| ["IM", "ACCOUNT", "DEVICE_REMINDER", "ORDER", "TODO", "SUBSCRIPTION"].contains(&c.as_str())),
        Vendor::Vivo => match category {
            Some(c) => Some(c).filter(|c| ["IM", "ACCOUNT", "TODO", "DEVICE_REMINDER", "ORDER", "SUBSCRIPTION"].contains(&c.as_str())),
            None => by_class,
        },
        Vendor::Honor => match category {
            Some(c) => Some(c).filter(|c| c == "NORMAL"),
            None => by_class,
        },
        Vendor::Meizu => match category {
            Some(c) => Some(c).filter(|c| c == "PRIVATE" || c == "1"),
            None => by_class,
        },
        // Its private messages are those that go by an approved template.
        Vendor::Xiaomi => content.template_for(vendor).map(|t| t.id.clone()),
        Vendor::Apns | Vendor::Fcm | Vendor::Umeng | Vendor::Getui | Vendor::Jpush => None,
    }
}

/// What the vendor does with advertising in its system class, and who says so.
pub const fn rule(vendor: Vendor) -> Option<(Text, &'static str)> {
    match vendor {
        Vendor::Xiaomi => Some((
            Text::new("私信里的营销内容会被处罚", "marketing content in a private message is punished"),
            "dev.mi.com, message classes, rules of 2026-08-01",
        )),
        Vendor::Huawei | Vendor::Harmony => Some((
            Text::new(
                "类别要有自分类权益，否则按营销计：每台设备每天 2 条；滥用会被停用（80300037）",
                "a category needs the right to classify, else it counts as marketing: 2 a device and day; an app under penalty is refused (80300037)",
            ),
            "Huawei Push Kit, message classification and return codes, read 2026-11-21",
        )),
        Vendor::Honor => Some((
            Text::new(
                "NORMAL 只给服务与通讯；没有权益的按资讯营销计：每台设备每天 2 条",
                "NORMAL is for service and communication; without the right it counts as marketing: 2 a device and day",
            ),
            "Honor push, classification rule in force since 2023-02-01",
        )),
        Vendor::Oppo => Some((
            Text::new(
                "运营内容只能用 MARKETING、CONTENT、NEWS，类别要与获批的渠道一致，否则以 67 拒绝",
                "operations content belongs to MARKETING, CONTENT or NEWS; a category that disagrees with the approved channel is refused with 67",
            ),
            "OPPO push, classification rule of 2024-11-20",
        )),
        Vendor::Vivo => Some((
            Text::new(
                "vivo 会分析内容：像广告的系统消息改按运营消息计，占用运营额度",
                "vivo reads the content: system messages that look like advertising are moved to the operational class and use its quota",
            ),
            "vivo push, message classification, read 2026-11-21",
        )),
        Vendor::Meizu => Some((
            Text::new("私有消息只给服务内容，公有消息才是营销", "private messages are for service; marketing belongs to public ones"),
            "Meizu push API, noticeMsgType, read 2026-11-21",
        )),
        Vendor::Apns | Vendor::Fcm | Vendor::Umeng | Vendor::Getui | Vendor::Jpush => None,
    }
}

/// Advertising in a system class of one vendor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mismatch {
    pub vendor: Vendor,
    /// The vendor's own word for the class the message asks for.
    pub class: String,
    /// Marketing words as they are written.
    pub words: Vec<String>,
}

/// The words looked for: the app's own marketing words, or ours while it has none.
pub fn marketing_words(list: &[Word]) -> Vec<Word> {
    let own: Vec<Word> = list.iter().filter(|w| w.severity == Severity::Marketing).cloned().collect();
    if !own.is_empty() {
        return own;
    }
    MARKETING.iter().map(|w| Word { text: (*w).to_owned(), severity: Severity::Marketing }).collect()
}

/// Where a content says one thing and its category another.
pub fn mismatches(content: &Content, vendors: &[Vendor], class: MessageClass, list: &[Word]) -> Vec<Mismatch> {
    let words = marketing_words(list);
    let of = |vendor: Vendor| {
        let system = system_class(content, vendor, class)?;
        let mut found: Vec<String> = Vec::new();
        for text in [content.title_for(vendor), content.body_for(vendor)] {
            for word in &words {
                if let Some((from, to)) = sensitive::find(text, &word.text)
                    && !found.iter().any(|f| f == &text[from..to])
                {
                    found.push(text[from..to].to_owned());
                }
            }
        }
        (!found.is_empty()).then_some(Mismatch { vendor, class: system, words: found })
    };
    vendors.iter().filter_map(|v| of(*v)).collect()
}

/// The same of a content whose variables are filled first.
pub fn mismatches_filled(
    content: &Content,
    values: &std::collections::BTreeMap<String, String>,
    vendors: &[Vendor],
    class: MessageClass,
    list: &[Word],
) -> Vec<Mismatch> {
    mismatches(&copy::render(content, values).0, vendors, class, list)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::content::{Override, Template};

    fn of(content: &Content, class: MessageClass) -> Vec<(Vendor, String)> {
        mismatches(content, &Vendor::ALL, class, &[]).into_iter().map(|m| (m.vendor, m.words.join(" "))).collect()
    }

    #[test]
    fn advertising_in_a_system_class_is_named_by_vendor() {
        let mut content = Content { title: "限 时 SALE".into(), body: "复诊".into(), ..Content::default() };
        assert!(of(&content, MessageClass::Bulk).is_empty(), "no system class is asked for");
        let by_class: Vec<Vendor> = of(&content, MessageClass::Transactional).into_iter().map(|(v, _)| v).collect();
        assert_eq!(by_class, [Vendor::Honor, Vendor::Vivo, Vendor::Meizu], "where our class decides");
        let own = |category: &str| Override { category: Some(category.into()), ..Override::default() };
        content.overrides.insert(Vendor::Huawei, own("im"));
        content.overrides.insert(Vendor::Oppo, own("ORDER"));
        content.overrides.insert(Vendor::Vivo, own("MARKETING"));
        let template = Some(Template { id: "P1".into(), ..Template::default() });
        content.overrides.insert(Vendor::Xiaomi, Override { template, ..Override::default() });
        let bulk = of(&content, MessageClass::Bulk);
        assert_eq!(bulk.iter().map(|(v, _)| *v).collect::<Vec<_>>(), [Vendor::Xiaomi, Vendor::Huawei, Vendor::Oppo]);
        assert_eq!(bulk[0].1, "限 时 SALE");
        assert!(bulk.iter().all(|(v, _)| rule(*v).is_some()), "each with its rule");
    }

    #[test]
    fn an_own_list_takes_the_place_of_ours() {
        let content = Content { title: "限时".into(), body: "号源".into(), ..Content::default() };
        let own = [Word { text: "号源".into(), severity: Severity::Marketing }];
        let found = mismatches(&content, &[Vendor::Honor], MessageClass::Transactional, &own);
        assert_eq!(found[0].words, ["号源"]);
    }
}
