use types::content::Content;

use super::*;
use crate::vendors::dialect::{CallbackTarget, Dialect};
use crate::vendors::golden::Sample;
use crate::vendors::oppo::Oppo;

fn good() -> Content {
    Content { title: "t".into(), body: "b".into(), ..Content::default() }
}

fn error_of(content: Content, n: usize) -> String {
    let sample = Sample::of(Vendor::Oppo, content, n);
    sample.with(|batch| build(batch, &sample.credential, "token")).expect_err("refused").to_string()
}

#[test]
fn every_bound_names_field_and_figures() {
    assert!(error_of(Content { title: "药".repeat(51), ..good() }, 1).starts_with("title: OPPO allows 50 characters, has 51"));
    assert!(error_of(Content { body: "药".repeat(129), ..good() }, 1).starts_with("body: OPPO allows 128 characters, has 129"));
    assert!(error_of(good(), 1_001).starts_with("tokens: OPPO takes 1 to 1000 tokens a request, has 1001"));
    assert!(error_of(good(), 0).starts_with("tokens: OPPO takes 1 to 1000"));
    let extras = (0..5).map(|i| (format!("k{i}"), "v".repeat(1_000))).collect();
    assert!(error_of(Content { extras, ..good() }, 1).starts_with("extras: OPPO allows 4000 characters as JSON, has 50"));
}

#[test]
fn a_semicolon_in_a_token_never_becomes_a_second_recipient() {
    let mut sample = Sample::of(Vendor::Oppo, good(), 1);
    sample.tokens[0] = "a;b".into();
    assert!(sample.with(|batch| build(batch, &sample.credential, "t")).is_err());
}

#[test]
fn a_callback_over_the_vendor_bound_is_refused() {
    let mut sample = Sample::of(Vendor::Oppo, good(), 1);
    sample.callback = Some(CallbackTarget { url: format!("https://{}", "x".repeat(193)), parameter: String::new() });
    assert!(sample.with(|batch| build(batch, &sample.credential, "t")).is_err());
}

fn key_of(sample: &Sample) -> String {
    let wanted = sample.with(|batch| Oppo.prepare(batch, &sample.credential, "t")).expect("sayable").expect("nothing saved yet");
    wanted.key
}

/// Chunks of one message share the saved content; another content, hour or recipient count of one does not.
#[test]
fn one_saved_content_for_the_batches_of_a_message() {
    let sample = Sample::of(Vendor::Oppo, good(), 3);
    let key = key_of(&sample);
    let mut later = Sample::of(Vendor::Oppo, good(), 900);
    later.deadline = sample.deadline + 1_000;
    later.now = sample.now + 60_000;
    let mut earlier = Sample::of(Vendor::Oppo, good(), 2);
    earlier.deadline = later.deadline;
    earlier.now = later.now - 50_000;
    assert_eq!(key_of(&later), key_of(&earlier));
    assert_ne!(key_of(&Sample::of(Vendor::Oppo, Content { body: "c".into(), ..good() }, 3)), key);
    let single = Sample::of(Vendor::Oppo, good(), 1);
    assert!(single.with(|batch| Oppo.prepare(batch, &single.credential, "t")).expect("sayable").is_none());
}

#[test]
fn our_word_is_shortened_and_comes_back_whole() {
    let ours = "msg_0190a0b0c0d0e0f00102030405060708.0123456789abcdef";
    assert!(short(ours).len() <= 50, "{}", short(ours));
    assert_eq!(long(short(ours)), ours);
    for other in ["m1.ab12", "msg_1.x", "", "cmp-42"] {
        assert_eq!(long(short(other)), other);
    }
}
