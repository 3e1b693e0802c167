//! "Why this lane" in both languages. The machine stores one sentence in English with each chunk, the API hands it out as it is;
//! here its parts are said again in Chinese. A part that is not known (a vendor's own words) stays as it is.

use types::text::Words;
use types::vendor::Vendor;

/// The sentence in both languages.
pub fn words(why: &str) -> Words {
    Words::new(chinese(why), english(why))
}

fn name(slug: &str) -> Option<&'static str> {
    Vendor::parse(slug).map(|vendor| vendor.name().zh)
}

/// With the vendors' names instead of their slugs.
fn english(why: &str) -> String {
    let part = |part: &str| match part.split_once([':', ' ']).and_then(|(slug, _)| Some((slug, Vendor::parse(slug)?))) {
        Some((slug, vendor)) => format!("{}{}", vendor.name().en, &part[slug.len()..]),
        None => part.to_owned(),
    };
    why.split("; ").map(part).collect::<Vec<_>>().join("; ")
}

fn chinese(why: &str) -> String {
    why.split("; ").map(|part| part_in_chinese(part).unwrap_or_else(|| part.to_owned())).collect::<Vec<_>>().join("；")
}

fn part_in_chinese(part: &str) -> Option<String> {
    let whole = [
        ("waits for it: no other usable token", "等这条通道恢复：没有其他可用令牌"),
        ("the lane it went out by", "当初发出的那条通道"),
        ("not to be taken back", "收不回"),
    ];
    if let Some((_, zh)) = whole.into_iter().find(|(en, _)| *en == part) {
        return Some(zh.to_owned());
    }
    if let Some(rest) = part.strip_prefix("handed over from ") {
        let (slug, why) = rest.split_once(": ")?;
        return Some(format!("由{}转来：{}", name(slug)?, trouble(why)));
    }
    if let Some((slug, why)) = part.split_once(" stands back: ") {
        return Some(format!("{}让后：{}", name(slug)?, trouble(why)));
    }
    let (slug, why) = part.split_once(": ")?;
    let vendor = name(slug)?;
    let place = match why {
        "first in the app's order" => "应用顺序中的第一条".to_owned(),
        "third party, no usable native token" => "第三方，没有可用的厂商令牌".to_owned(),
        "native lane of its tokens" => "令牌所属的厂商通道".to_owned(),
        other => {
            let place = other.strip_prefix("number ")?.strip_suffix(" in the app's order, no usable token before it")?;
            format!("应用顺序中的第 {place} 条，之前没有可用令牌")
        }
    };
    Some(format!("{vendor}：{place}"))
}

/// Why a lane is not trusted, or gets nothing.
fn trouble(why: &str) -> String {
    let said = [("stopped: ", "已停："), ("breaker tripped: ", "熔断：")];
    for (en, zh) in said {
        if let Some(rest) = why.strip_prefix(en) {
            return format!("{zh}{rest}");
        }
    }
    let shares = [
        (" of its answers were good since it came back", "恢复以来的回答只有 {} 成功"),
        (" of its last answers were good", "最近的回答只有 {} 成功"),
        (" of its last messages were acknowledged", "最近的消息只有 {} 有回执"),
    ];
    for (en, zh) in shares {
        if let Some(share) = why.strip_suffix(en) {
            return zh.replace("{}", share);
        }
    }
    if let Some(share) = why.strip_prefix("coming back, takes ").and_then(|rest| rest.strip_suffix(" for now")) {
        return format!("正在恢复，暂时接 {share}");
    }
    match why {
        "breaker tripped" => "熔断",
        "switched off" => "未启用",
        "its quota is used up" => "配额用尽",
        other => other,
    }
    .to_owned()
}

#[cfg(test)]
mod tests {
    use pipeline::broker::health::{Standing, Standings};
    use pipeline::broker::route;

    use super::*;

    /// Nothing of the machine's own English is left, whichever way a lane was chosen.
    #[test]
    fn every_sentence_of_the_machine_is_said_in_chinese() {
        let orders: [&[Vendor]; 3] = [&[], &[Vendor::Umeng], &[Vendor::Xiaomi, Vendor::Umeng]];
        for order in orders {
            for vendor in [Vendor::Umeng, Vendor::Xiaomi] {
                let why = route::why(vendor, order, &Standings::default());
                let zh = words(&why).zh;
                assert!(zh.starts_with(vendor.name().zh), "{why} -> {zh}");
                assert!(!zh.contains(['\'', ':']) && !zh.contains("order") && !zh.contains("token"), "{why} -> {zh}");
            }
        }
        for since in [0, -40_000] {
            let coming = Standing::Returning { since }.words(0).unwrap();
            assert!(trouble(&coming).starts_with("正在恢复"), "{coming}");
        }
    }

    #[test]
    fn parts_keep_their_order_and_a_vendors_words_stay() {
        let why = "getui: third party, no usable native token; huawei stands back: breaker tripped: 503; handed over from huawei: its quota is used up";
        assert_eq!(words(why).zh, "个推：第三方，没有可用的厂商令牌；华为让后：熔断：503；由华为转来：配额用尽");
        assert_eq!(
            words(why).en,
            "Getui: third party, no usable native token; Huawei stands back: breaker tripped: 503; handed over from huawei: its quota is used up"
        );
        assert_eq!(words("xiaomi: waits; 40 % of its last answers were good").en, "Xiaomi: waits; 40 % of its last answers were good");
        assert_eq!(words("something else").zh, "something else");
        assert_eq!(trouble("12 % of its last answers were good"), "最近的回答只有 12 % 成功");
        assert_eq!(part_in_chinese("waits for it: no other usable token").as_deref(), Some("等这条通道恢复：没有其他可用令牌"));
    }
}
