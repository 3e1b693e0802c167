//! The preview against the simulator: for every vendor, what the workbench shows is, byte for byte, what the twin stored.

use std::collections::BTreeMap;

use pipeline::channel::preview::{Look, Seen};
use pipeline::storage::messages::Targets;
use types::content::{Content, MessageClass};
use types::life::Outcome;
use types::vendor::Vendor;

use crate::samples::Sample;
use crate::support::{TestHouse, on_sqlite};
use crate::vendors::{keyed, open_lanes};

/// Texts as people write them, and as nobody should.
const TEXTS: [(&str, &str); 30] = [
    ("号源提醒", "您预约的医生明天出诊"),
    ("Order shipped", "Parcel 17 is on its way"),
    ("", "没有标题的一条"),
    ("会员日 -50%", "满 100 减 50 & 包邮 \"限时\""),
    ("emoji 🎉", "👨‍👩‍👧 家庭 🇨🇳 ❤️ ☺"),
    ("ｆｕｌｌ ｗｉｄｔｈ", "全角！＠＃￥％……＆＊（）"),
    ("two\tparts", "第一行\n第二行\n\n第四行"),
    (" 前后空格 ", "  blank around  "),
    ("<b>bold</b>", "</textarea><script>alert(1)</script>"),
    ("a=b&c=d", "100% + 50% = ?;,:/\\"),
    ("\u{202e}rtl", "שלום عليكم"),
    ("zero\u{200b}width", "a\u{301}e\u{308} combining"),
    ("{not a variable}", "{ }} {"),
    ("'quoted'", "\"{\\\"json\\\":1}\""),
    ("$1 ${x} %s %d", "`cmd` $(cmd)"),
    ("药药药药药药药药药药药药药药药药药药药药", "b"),
    ("药药药药药药药药药药药药药药药药药药药药药", "twenty-one: one more than vivo takes"),
    ("tttttttttttttttttttttttttttttttt", "thirty-two"),
    ("ttttttttttttttttttttttttttttttttt", "thirty-three: one more than Meizu takes"),
    ("ttttttttttttttttttttttttttttttttttttttttttttttttt", "forty-nine"),
    ("tttttttttttttttttttttttttttttttttttttttttttttttttt", "fifty: one more than Xiaomi takes"),
    ("ttttttttttttttttttttttttttttttttttttttttttttttttttt", "fifty-one: one more than OPPO and Getui take"),
    ("body 100", "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"),
    ("body 51", "文文文文文文文文文文文文文文文文文文文文文文文文文文文文文文文文文文文文文文文文文文文文文文文文文文文"),
    ("{{name|您}}好", "{{n}} 个号源，{{city|本地}}"),
    ("𠮷野家", "𝔘𝔫𝔦𝔠𝔬𝔡𝔢 outside the first plane"),
    ("🏳️‍🌈🏴󠁧󠁢󠁥󠁮󠁧󠁿", "flags of many parts"),
    ("1️⃣2️⃣", "keycaps"),
    ("…", "—–·•"),
    ("\u{feff}bom", "\u{a0}no-break\u{2028}line"),
];

fn token(vendor: Vendor, i: usize) -> String {
    match vendor {
        Vendor::Apns => format!("{:064x}", 0x3000_0000 + i),
        Vendor::Xiaomi => format!("reg-id-p{i:06}"),
        other => Sample::of(other).token(i as u64),
    }
}

/// A text that is too long as written never gets past the door: it comes as a variable, which is filled behind it.
fn content_of((title, body): (&str, &str)) -> (Content, BTreeMap<String, String>) {
    let mut values = BTreeMap::from([("n".to_owned(), "3".to_owned())]);
    let long = title.chars().count() > 49;
    if long {
        values.insert("long".to_owned(), title.to_owned());
    }
    let title = if long { "{{long}}" } else { title };
    (Content { title: title.to_owned(), body: body.to_owned(), ..Content::default() }, values)
}

/// Two phones of each vendor for every text: one is sent to as a list is, the other stands beside it.
async fn phones(t: &TestHouse) -> Vec<Vec<String>> {
    let mut users = vec![Vec::new(); TEXTS.len()];
    for vendor in Vendor::ALL {
        let mut list = Vec::new();
        for (i, of_text) in users.iter_mut().enumerate() {
            // Every third text goes to one phone: vendors have another interface for that.
            for n in 0..if i % 3 == 0 { 1 } else { 2 } {
                let user = format!("{}-{i}-{n}", vendor.slug());
                let mut phone = t.registration(&user, 0);
                phone.tokens = vec![(vendor, token(vendor, 2 * i + n))];
                list.push(phone);
                of_text.push(user);
            }
        }
        t.house.storage.devices.register(t.app.no, list).await.expect("registered");
    }
    users
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_workbench_shows_is_what_every_vendor_stores() {
    let t = on_sqlite().await;
    open_lanes(&t, keyed()).await;
    let users = phones(&t).await;
    let mut sent = Vec::new();
    for (i, text) in TEXTS.iter().enumerate() {
        let mut submission = t.submission(Targets::Users { users: users[i].clone() });
        (submission.content, submission.variables) = content_of(*text);
        sent.push(t.send(submission).await.no);
    }
    let (mut built, mut refused) = (0, 0);
    for (i, &(title, body)) in TEXTS.iter().enumerate() {
        let funnel = t.finished(sent[i]).await;
        let (content, given) = content_of((title, body));
        let look = Look { content: &content, shared: &given, own: &BTreeMap::new(), class: MessageClass::Bulk };
        let seen: BTreeMap<Vendor, Seen> = t.house.preview(&t.app, &look).await.expect("a preview").into_iter().collect();
        assert_eq!(seen.len(), Vendor::ALL.len());
        for vendor in Vendor::ALL {
            let phones = if i % 3 == 0 { 1 } else { 2 };
            let stored: Vec<_> = (0..phones).filter_map(|n| t.simulator.ledger().last_of(vendor, &token(vendor, 2 * i + n))).collect();
            match &seen[&vendor] {
                Seen::Built(said) => {
                    built += 1;
                    assert_eq!(stored.len(), phones, "{vendor:?} took {title:?} {body:?}: {:?}", funnel.losses);
                    for entry in stored {
                        assert_eq!((&entry.title, &entry.body), (&said.title, &said.body), "{vendor:?}");
                    }
                }
                Seen::Unsayable(words) => {
                    refused += 1;
                    assert!(stored.is_empty(), "{vendor:?} stored what cannot be said: {words}");
                    let lane = funnel.lanes.iter().find(|lane| lane.vendor == Some(vendor)).expect("a lane").equation;
                    assert_eq!(lane.get(Outcome::Filtered), phones as u64, "{vendor:?} {title:?}: {words}");
                }
                Seen::NoCredential => panic!("{vendor:?} has a credential"),
            }
        }
    }
    assert!(built > 300 && refused >= 8, "{built} built, {refused} refused: both are tried");
    t.end().await;
}
