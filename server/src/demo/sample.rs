//! The sample workspace's contents: invented people and texts, the same every time.

use std::fmt::Write as _;

use pipeline::storage::devices::Registration;
use pipeline::world::World;
use types::content::{Click, Content};
use types::ids::DeviceId;
use types::vendor::{Environment, Vendor};

pub struct SampleApp {
    pub name: &'static str,
    pub description: &'static str,
    pub default_title: &'static str,
    pub bundle_id: &'static str,
    pub environment: Environment,
    pub devices: usize,
}

pub const APPS: [SampleApp; 2] = [
    SampleApp {
        name: "晨钟健康 · 患者端",
        description: "示例：患者端，生产环境，厂商由仿真器扮演",
        default_title: "晨钟健康",
        bundle_id: "cn.example.morningbell.patient",
        environment: Environment::Production,
        devices: 4_000,
    },
    SampleApp {
        name: "晨钟健康 · 医生端",
        description: "示例：医生端，沙箱环境，厂商由仿真器扮演",
        default_title: "晨钟健康医生",
        bundle_id: "cn.example.morningbell.doctor",
        environment: Environment::Sandbox,
        devices: 300,
    },
];

/// Devices of test phones, always the first ones.
pub const TESTERS: usize = 3;

const SURNAMES: [&str; 12] = ["王", "李", "张", "刘", "陈", "杨", "赵", "黄", "周", "吴", "徐", "孙"];
const GIVEN: [&str; 12] = ["晓明", "雨欣", "子涵", "建国", "静怡", "浩然", "梓萱", "志强", "秀兰", "思远", "佳宁", "文博"];

pub fn user(i: usize) -> String {
    format!("p{i:06}")
}

pub fn person(i: usize) -> String {
    format!("{}{}", SURNAMES[i % SURNAMES.len()], GIVEN[(i / SURNAMES.len()) % GIVEN.len()])
}

/// Which lane the phones of forty people in a row have: every lane is there, the large ones more often.
const PHONES: [Vendor; 40] = {
    use Vendor::*;
    [
        Apns, Xiaomi, Huawei, Oppo, Apns, Vivo, Honor, Apns, Xiaomi, Harmony, //
        Apns, Huawei, Oppo, Apns, Vivo, Xiaomi, Apns, Meizu, Huawei, Apns, //
        Xiaomi, Oppo, Fcm, Apns, Vivo, Huawei, Apns, Honor, Xiaomi, Getui, //
        Apns, Oppo, Umeng, Apns, Harmony, Vivo, Apns, Huawei, Jpush, Xiaomi,
    ]
};

/// Three names of phones on which this lane's tokens live, and their system.
const fn phones(vendor: Vendor) -> ([&'static str; 3], &'static str) {
    match vendor {
        Vendor::Apns => (["iPhone 15", "iPhone 16", "iPhone 17 Pro"], "iOS 26.1"),
        Vendor::Fcm => (["Pixel 9", "Galaxy S25", "Xperia 1 VI"], "Android 16"),
        Vendor::Xiaomi => (["Xiaomi 14", "Redmi K80", "Xiaomi 15"], "HyperOS 3"),
        Vendor::Huawei => (["HUAWEI P60", "HUAWEI nova 11", "HUAWEI Mate 50"], "HarmonyOS 4.2"),
        Vendor::Harmony => (["HUAWEI Mate 70", "HUAWEI Pura 70", "HUAWEI nova 14"], "HarmonyOS 5.1"),
        Vendor::Honor => (["HONOR Magic7", "HONOR 200", "HONOR X60"], "MagicOS 9"),
        Vendor::Oppo => (["OPPO Find X8", "OPPO Reno13", "OnePlus 13"], "ColorOS 15"),
        Vendor::Vivo => (["vivo X200", "vivo S20", "iQOO 13"], "OriginOS 5"),
        Vendor::Meizu => (["Meizu 21", "Meizu 20", "Meizu Lucky 08"], "Flyme 11"),
        Vendor::Umeng | Vendor::Getui | Vendor::Jpush => (["Lenovo Legion", "ZTE Axon 60", "realme GT7"], "Android 15"),
    }
}

/// A token in this vendor's form; never one of the simulator's magic beginnings.
fn token(vendor: Vendor, app: &SampleApp, i: usize) -> String {
    // Spread over the key space.
    let spread = (i as u128 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
    match vendor {
        Vendor::Apns => format!("a7{spread:062x}"),
        Vendor::Xiaomi => format!("demo-{}-{i:06}", app.environment.slug()),
        Vendor::Fcm => format!("demo-fcm-{i:06}:APA91b{spread:032x}"),
        Vendor::Huawei | Vendor::Harmony | Vendor::Honor => format!("demo-{}-{spread:032x}", vendor.slug()),
        Vendor::Oppo => format!("OPPO_CN_{spread:032x}"),
        Vendor::Vivo => format!("1650000000000{i:010}"),
        Vendor::Meizu => format!("S5Qdemo{i:09}"),
        Vendor::Umeng => format!("AbCdEfGhIjKl{spread:032x}"),
        Vendor::Getui => format!("{spread:032x}"),
        Vendor::Jpush => format!("1a0018970aa{spread:032x}"),
    }
}

/// Forty in a row have every lane among them; every other phone of Huawei, OPPO and vivo has Getui's token, too, so that there is
/// a way out when its native lane is down. One in forty-one switched notifications off.
pub fn device(world: &World, app: &SampleApp, i: usize) -> Registration {
    let vendor = PHONES[i % PHONES.len()];
    let (models, system) = phones(vendor);
    let mut tokens = vec![(vendor, token(vendor, app, i))];
    if matches!(vendor, Vendor::Huawei | Vendor::Oppo | Vendor::Vivo) && (i / PHONES.len()).is_multiple_of(2) {
        tokens.push((Vendor::Getui, token(Vendor::Getui, app, i)));
    }
    Registration {
        fresh_id: DeviceId::from_bytes(world.id()),
        id: None,
        user_id: Some(user(i)),
        model: models[i % 3].to_owned(),
        os_version: system.to_owned(),
        app_version: ["6.2.0", "6.3.1", "6.4.0"][i % 3].to_owned(),
        notifications_on: Some(i % 41 != 40),
        environment: app.environment,
        test: Some(i < TESTERS),
        zone: None,
        tokens,
        now: world.now(),
    }
}

/// The crowd file as somebody would upload it: a header, a name column, two ids twice, one empty, a few unknown ones.
pub fn crowd_csv(devices: usize) -> String {
    let mut csv = String::from("\u{feff}用户ID,姓名,科室\r\n");
    for i in 0..devices {
        // One in thirty has no name: the copy's fallback speaks.
        let name = if i % 30 == 29 { String::new() } else { person(i) };
        let _ = write!(csv, "{},{name},{}\r\n", user(i), ["内科", "儿科", "皮肤科", "口腔科"][i % 4]);
    }
    for i in [5, 6] {
        let _ = write!(csv, "{},{},内科\r\n", user(i), person(i));
    }
    csv.push_str(",无名,内科\r\n");
    for i in 0..12 {
        let _ = write!(csv, "gone-{i},{},内科\r\n", person(i));
    }
    csv
}

pub struct SampleCopy {
    pub name: &'static str,
    pub tag: &'static str,
    pub title: &'static str,
    pub body: &'static str,
    pub link: &'static str,
}

pub const COPIES: [SampleCopy; 3] = [
    SampleCopy {
        name: "复诊提醒",
        tag: "就诊",
        title: "{{姓名|您好}}，您的复诊时间快到了",
        body: "距上次就诊已 28 天，点此预约复诊，号源每日 8:00 更新",
        link: "morningbell://revisit?src=push",
    },
    SampleCopy {
        name: "流感科普",
        tag: "科普",
        title: "流感季来了，三件事先做好",
        body: "接种、洗手、通风。点开看医生整理的家庭清单",
        link: "morningbell://article/flu",
    },
    SampleCopy {
        name: "专家直播预告",
        tag: "直播",
        title: "今晚 19:30 专家直播",
        body: "儿童咳嗽怎么护理？主任医师在线答疑，点此预约提醒",
        link: "morningbell://live/evening",
    },
];

pub fn content(copy: &SampleCopy) -> Content {
    Content {
        title: copy.title.to_owned(),
        body: copy.body.to_owned(),
        sound: Some("default".to_owned()),
        click: Click::Link { link: copy.link.to_owned() },
        ..Content::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sample_copy_passes_the_checks_and_every_token_has_its_form() {
        for copy in &COPIES {
            assert_eq!(types::meter::check(&content(copy), &Vendor::ALL), []);
        }
        let world = World::system();
        for app in &APPS {
            let mut seen = std::collections::BTreeSet::new();
            for i in 0..app.devices {
                for (vendor, token) in device(&world, app, i).tokens {
                    assert!(pipeline::vendors::registry::dialect(vendor).token_is_plausible(&token), "{token}");
                    assert!(vendor != Vendor::Apns || token.len() == 64, "{token}");
                    assert!(seen.insert((vendor, token)), "two phones with one token");
                }
            }
            let lanes: std::collections::BTreeSet<Vendor> = seen.iter().map(|(vendor, _)| *vendor).collect();
            assert_eq!(lanes.len(), Vendor::ALL.len(), "every lane has a phone");
        }
    }
}
