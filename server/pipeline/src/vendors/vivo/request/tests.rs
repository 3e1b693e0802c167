use types::content::Content;

use super::*;
use crate::vendors::dialect::{CallbackTarget, Dialect};
use crate::vendors::golden::Sample;
use crate::vendors::vivo::Vivo;

fn good() -> Content {
    Content { title: "t".into(), body: "b".into(), ..Content::default() }
}

fn error_of(content: Content, n: usize) -> String {
    let sample = Sample::of(Vendor::Vivo, content, n);
    sample.with(|batch| build(batch, &sample.credential, "token")).expect_err("refused").to_string()
}

fn single(sample: &Sample, change: impl FnOnce(&mut Batch<'_>)) -> Value {
    let request = sample.with(|batch| {
        let mut batch = batch.clone();
        change(&mut batch);
        build(&batch, &sample.credential, "token").expect("sayable")
    });
    serde_json::from_slice(&request.body).expect("JSON")
}

#[test]
fn every_bound_names_field_and_figures() {
    assert!(error_of(Content { title: "药".repeat(21), ..good() }, 1).starts_with("title: vivo allows 40 half-width characters, has 42"));
    assert!(error_of(Content { body: "b".repeat(101), ..good() }, 1).starts_with("body: vivo allows 100 half-width characters, has 101"));
    assert!(error_of(good(), 1_001).starts_with("tokens: vivo takes 1 to 1000 tokens a request, has 1001"));
    assert!(error_of(good(), 0).starts_with("tokens: vivo takes 1 to 1000"));
    let extras = |n: usize, len: usize| (0..n).map(|i| (format!("k{i}"), "v".repeat(len))).collect();
    assert!(error_of(Content { extras: extras(10, 1), ..good() }, 1).starts_with("extras: vivo allows 9 own keys beside ours, has 10"));
    assert!(error_of(Content { extras: extras(2, 600), ..good() }, 1).starts_with("extras: vivo allows 1024 characters in all, has 12"));
}

#[test]
fn a_callback_over_the_vendor_bound_is_refused() {
    let mut sample = Sample::of(Vendor::Vivo, good(), 1);
    sample.callback = Some(CallbackTarget { url: format!("https://{}", "x".repeat(121)), parameter: String::new() });
    assert!(sample.with(|batch| build(batch, &sample.credential, "t")).is_err());
    sample.callback = Some(CallbackTarget { url: "https://x".into(), parameter: "p".repeat(65) });
    assert!(sample.with(|batch| build(batch, &sample.credential, "t")).is_err());
}

/// The address in the message is for formal messages to one; the registered id serves all.
#[test]
fn receipts_are_asked_for_where_the_vendor_sends_them() {
    let mut sample = Sample::of(Vendor::Vivo, good(), 1);
    let extra = |sample: &Sample, test| single(sample, |batch| batch.test = test).get("extra").cloned();
    let asked = |url: &str| Some(json!({"callback": url, "callback.param": "m1.ab12"}));
    assert_eq!(extra(&sample, false), asked("https://push.example.com/callbacks/xiaomi/9f3c"));
    assert_eq!(extra(&sample, true), None);
    sample.credential.fields.insert("callback_id".into(), "5".into());
    for test in [false, true] {
        assert_eq!(extra(&sample, test), Some(json!({"callback.id": "5", "callback.param": "m1.ab12"})));
    }
}

#[test]
fn tests_go_in_test_mode_and_the_class_follows_category_or_message() {
    let sample = Sample::of(Vendor::Vivo, good(), 1);
    let formal = single(&sample, |_| {});
    assert_eq!((&formal["pushMode"], &formal["classification"]), (&json!(0), &json!(0)));
    let test = single(&sample, |batch| batch.test = true);
    assert_eq!(test["pushMode"], json!(1));
    let urgent = single(&sample, |batch| batch.class = MessageClass::Transactional);
    assert_eq!((&urgent["classification"], urgent.get("category")), (&json!(1), None));
    let of = |category: &str| {
        let mut content = good();
        let own = types::content::Override { category: Some(category.into()), ..Default::default() };
        content.overrides.insert(Vendor::Vivo, own);
        let said = single(&Sample::of(Vendor::Vivo, content, 1), |_| {});
        (said["category"].clone(), said.get("classification").cloned())
    };
    assert_eq!(of("order"), (json!("ORDER"), Some(json!(1))));
    assert_eq!(of("MARKETING"), (json!("MARKETING"), Some(json!(0))));
    assert_eq!(of("NEWLY_INVENTED"), (json!("NEWLY_INVENTED"), None));
}

/// Repeats say the same id, another chunk or recipient another one.
#[test]
fn request_ids_belong_to_message_and_recipients() {
    let id = |sample: &Sample| single(sample, |batch| batch.now += 60_000)["requestId"].clone();
    let sample = Sample::of(Vendor::Vivo, good(), 1);
    assert_eq!(id(&sample), single(&sample, |_| {})["requestId"]);
    let mut other = Sample::of(Vendor::Vivo, good(), 1);
    other.tokens[0].push('9');
    assert_ne!(id(&other), id(&sample));
    assert!(id(&sample).as_str().is_some_and(|id| id.len() <= 64));
}

/// Batches of one message share the saved payload; another content or mode does not.
#[test]
fn one_saved_payload_for_the_batches_of_a_message() {
    let key = |sample: &Sample, test: bool| {
        let wanted = sample.with(|batch| Vivo.prepare(&Batch { test, ..batch.clone() }, &sample.credential, "t"));
        wanted.expect("sayable").expect("nothing saved yet").key
    };
    let mut earlier = Sample::of(Vendor::Vivo, good(), 2);
    earlier.deadline += 100_000;
    let mut later = Sample::of(Vendor::Vivo, good(), 900);
    (later.now, later.deadline) = (earlier.now + 60_000, earlier.deadline);
    assert_eq!(key(&later, false), key(&earlier, false));
    assert_ne!(key(&later, true), key(&earlier, false));
    assert_ne!(key(&Sample::of(Vendor::Vivo, Content { body: "c".into(), ..good() }, 2), false), key(&earlier, false));
    let one = Sample::of(Vendor::Vivo, good(), 1);
    assert!(one.with(|batch| Vivo.prepare(batch, &one.credential, "t")).expect("sayable").is_none());
}

#[test]
fn times_to_live_keep_the_vendors_bounds() {
    let mut sample = Sample::of(Vendor::Vivo, good(), 1);
    sample.deadline = sample.now + 1_000;
    assert_eq!(single(&sample, |_| {})["timeToLive"], json!(60));
    sample.deadline = sample.now + 9 * 86_400_000;
    assert_eq!(single(&sample, |_| {})["timeToLive"], json!(86_400));
    let mut list = Sample::of(Vendor::Vivo, good(), 2);
    list.deadline = list.now + 1_000;
    let saved = list.with(|batch| Vivo.prepare(batch, &list.credential, "t")).expect("sayable").expect("wanted");
    let crate::vendors::dialect::What::Say(request) = &saved.what else { panic!("{saved:?}") };
    let said: Value = serde_json::from_slice(&request.body).expect("JSON");
    assert_eq!((&said["timeToLive"], saved.lives), (&json!(900), 900_000));
}
