use proptest::prelude::*;
use types::content::{Content, Override};

use super::*;
use crate::vendors::dialect::CallbackTarget;
use crate::vendors::golden::Sample;

/// The vendor's own sample names its secret so.
const SECRET_OF_THE_SAMPLE: &str = "<APP_SECRET>";

/// Both test vectors of meizu.md, 1.
#[test]
fn signs_as_the_manual_does() {
    let message = r#"{"noticeBarInfo":{"title":"Hi","content":"Hello"}}"#;
    let parameters = BTreeMap::from([("pushIds", "S5Qdemo0001,S5Qdemo0002"), ("appId", "10001"), ("messageJson", message)]);
    assert_eq!(sign(&parameters, "mz-demo-secret"), "4469e533151b7c9a764ff1150f85176a");

    let message = r#"{"title":"title","content":"content","pushTimeInfo":{"offLine":1,"validTime":24}}"#;
    let id = "RA50c6348036344485d01776773577c64740465480a6b";
    let parameters = BTreeMap::from([("messageJson", message), ("pushIds", id), ("appId", "10000")]);
    assert_eq!(sign(&parameters, SECRET_OF_THE_SAMPLE), "ac076ff25d9900015a681cb5172aa53b");
}

fn good() -> Content {
    Content { title: "t".into(), body: "b".into(), ..Content::default() }
}

fn error_of(content: Content, n: usize) -> String {
    let sample = Sample::of(Vendor::Meizu, content, n);
    sample.with(|batch| build(batch, &sample.credential, "s")).expect_err("refused").to_string()
}

fn sent(sample: &Sample, change: impl FnOnce(&mut Batch<'_>)) -> serde_json::Value {
    let request = sample.with(|batch| {
        let mut batch = batch.clone();
        change(&mut batch);
        build(&batch, &sample.credential, "s").expect("sayable")
    });
    let form: BTreeMap<String, String> = serde_urlencoded::from_bytes(&request.body).expect("a form");
    let signed: BTreeMap<&str, &str> =
        form.iter().filter(|(name, _)| *name != "sign").map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(form["sign"], sign(&signed, "s"), "over what really goes");
    serde_json::from_str(&form["messageJson"]).expect("JSON")
}

#[test]
fn every_bound_names_field_and_figures() {
    assert!(error_of(Content { title: "药".repeat(33), ..good() }, 1).starts_with("title: Meizu allows 32 characters, has 33"));
    assert!(error_of(Content { body: "药".repeat(101), ..good() }, 1).starts_with("body: Meizu allows 100 characters, has 101"));
    assert!(error_of(good(), 101).starts_with("tokens: Meizu takes 1 to 100 tokens a request, has 101"));
    assert!(error_of(good(), 0).starts_with("tokens: Meizu takes 1 to 100"));
    let click = Click::Link { link: format!("shop://{}", "x".repeat(1_000)) };
    assert!(error_of(Content { click, ..good() }, 1).starts_with("click.link: Meizu allows 1000 characters, has 1007"));
    let mut content = good();
    content.overrides.insert(Vendor::Meizu, Override { category: Some("news".into()), ..Override::default() });
    assert!(error_of(content, 1).starts_with("category: Meizu knows public and private"));
}

#[test]
fn a_comma_in_a_token_never_becomes_a_second_recipient() {
    let mut sample = Sample::of(Vendor::Meizu, good(), 1);
    sample.tokens[0] = "S5Qdemo1,S5Qdemo2".into();
    assert!(sample.with(|batch| build(batch, &sample.credential, "s")).is_err());
}

#[test]
fn a_callback_over_the_vendor_bound_is_refused() {
    let mut sample = Sample::of(Vendor::Meizu, good(), 1);
    for (url, parameter) in [(129, 1), (20, 65)] {
        sample.callback = Some(CallbackTarget { url: "x".repeat(url), parameter: "p".repeat(parameter) });
        assert!(sample.with(|batch| build(batch, &sample.credential, "s")).is_err(), "{url} {parameter}");
    }
}

#[test]
fn receipts_are_asked_for_where_the_address_is_registered() {
    let mut sample = Sample::of(Vendor::Meizu, good(), 1);
    assert_eq!(sent(&sample, |_| {})["extra"]["callback.type"], 3);
    sample.credential.fields.remove("receipt_token");
    assert_eq!(sent(&sample, |_| {}).get("extra"), None);
}

#[test]
fn hours_are_rounded_up_and_kept_in_bounds() {
    let sample = Sample::of(Vendor::Meizu, good(), 1);
    let hours = |left: i64| sent(&sample, |batch| batch.deadline = batch.now + left)["pushTimeInfo"]["validTime"].as_i64();
    assert_eq!((hours(-5), hours(1), hours(HOUR_MS), hours(HOUR_MS + 1)), (Some(1), Some(1), Some(1), Some(2)));
    assert_eq!((hours(72 * HOUR_MS), hours(80 * HOUR_MS)), (Some(72), Some(72)));
}

#[test]
fn what_a_person_waits_for_is_private_unless_the_category_says_otherwise() {
    let sample = Sample::of(Vendor::Meizu, good(), 1);
    let kind = |sample: &Sample, class| sent(sample, |batch| batch.class = class)["noticeBarInfo"]["noticeMsgType"].as_i64();
    assert_eq!(kind(&sample, MessageClass::Transactional), Some(1));
    assert_eq!(kind(&sample, MessageClass::Bulk), Some(0));
    let mut content = good();
    content.overrides.insert(Vendor::Meizu, Override { category: Some("Private".into()), ..Override::default() });
    assert_eq!(kind(&Sample::of(Vendor::Meizu, content, 1), MessageClass::Bulk), Some(1));
}

proptest! {
    #[test]
    fn notify_keys_have_eight_allowed_signs(key in "[0-9a-z]{20}") {
        let short = notify_key(&key);
        prop_assert!(short.len() == 8 && short.bytes().all(|b| b.is_ascii_alphanumeric()));
        prop_assert_eq!(&short, &notify_key(&key));
    }
}
