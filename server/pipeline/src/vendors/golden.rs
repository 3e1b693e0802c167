//! Golden files: every `fixtures/<case>.{request,answer,receipt}` of every vendor, against a snapshot.
//!
//! First line: `# manual page and date`. Then, for `.request`: a content as JSON with `"tokens": n`. For `.answer`:
//! `HTTP status`, headers, an empty line, the body to the last byte but one line end. For `.receipt`: the content type,
//! an empty line, the body.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use proptest::prelude::*;
use types::Millis;
use types::content::{Content, MessageClass};
use types::vendor::recall::RecallMeans;
use types::vendor::{Environment, Vendor};

use super::dialect::{Batch, Callback, CallbackTarget, Credential, Judgement, Prepared, Verdict, What, Wire};
use super::picture::{Format, Picture};
use super::registry::dialect;

/// An owned batch of made-up recipients.
pub(super) struct Sample {
    base_url: &'static str,
    pub content: Content,
    pub credential: Credential,
    pub tokens: Vec<String>,
    traces: Vec<String>,
    pub callback: Option<CallbackTarget>,
    pub now: Millis,
    pub deadline: Millis,
    pub prepared: Prepared,
    /// It takes back a request with this id.
    pub recall: Option<String>,
}

impl Sample {
    pub fn of(vendor: Vendor, content: Content, n: usize) -> Sample {
        let made: Made =
            serde_json::from_str(&std::fs::read_to_string(dir(vendor).join("sample.json")).expect("sample.json")).expect("a sample");
        let token = |i: usize| {
            let letter = u8::try_from(i).ok().filter(|i| *i < 26).map_or(i.to_string(), |i| char::from(b'a' + i).to_string());
            made.token
                .replace("{i:064x}", &format!("{i:064x}"))
                .replace("{i:032x}", &format!("{i:032x}"))
                .replace("{i}", &i.to_string())
                .replace("{a}", &letter)
        };
        Sample {
            base_url: vendor.lane_defaults().base_url_production,
            content,
            tokens: (0..n).map(token).collect(),
            credential: Credential { fields: made.credential },
            traces: (0..n).map(|i| format!("00000000-0000-7000-8000-{i:012x}")).collect(),
            callback: Some(CallbackTarget { url: "https://push.example.com/callbacks/xiaomi/9f3c".into(), parameter: "m1.ab12".into() }),
            // 2026-11-20T13:00:00Z
            now: 1_795_179_600_000,
            deadline: 1_795_179_600_000 + 86_400_000,
            prepared: Prepared::default(),
            recall: None,
        }
    }

    pub fn with<T>(&self, f: impl FnOnce(&Batch<'_>) -> T) -> T {
        let tokens: Vec<&str> = self.tokens.iter().map(String::as_str).collect();
        f(&Batch {
            environment: Environment::Production,
            base_url: self.base_url,
            class: MessageClass::Bulk,
            content: &self.content,
            default_title: "Shop",
            message: "msg_0190a0b0c0d0e0f00102030405060708",
            show_key: "0123456789abcdefghij",
            once_key: if self.recall.is_some() { "jihgfedcba9876543210" } else { "0123456789abcdefghij" },
            recall: self.recall.as_deref(),
            traces: &self.traces,
            tokens: &tokens,
            now: self.now,
            deadline: self.deadline,
            callback: self.callback.as_ref(),
            test: false,
            prepared: &self.prepared,
            singly: false,
        })
    }
}

/// `fixtures/sample.json`: a made-up credential, and the form of this vendor's tokens with `{i}`, `{a}` (a letter),
/// `{i:032x}` or `{i:064x}` in it.
#[derive(serde::Deserialize)]
struct Made {
    credential: std::collections::BTreeMap<String, String>,
    token: String,
}

fn dir(vendor: Vendor) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/vendors").join(vendor.slug()).join("fixtures")
}

pub(super) fn fixtures(vendor: Vendor, kind: &str) -> Vec<PathBuf> {
    let files = fixtures_if_any(vendor, kind);
    assert!(!files.is_empty(), "no .{kind} fixtures of {}", vendor.slug());
    files
}

fn fixtures_if_any(vendor: Vendor, kind: &str) -> Vec<PathBuf> {
    let dir = dir(vendor);
    let mut files: Vec<PathBuf> = std::fs::read_dir(&dir)
        .unwrap_or_else(|e| panic!("{}: {e}", dir.display()))
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|ext| ext == kind))
        .collect();
    files.sort();
    files
}

/// Text behind the comment line, which must name its source.
fn body_of(path: &Path) -> String {
    let text = std::fs::read_to_string(path).expect("a fixture");
    let (first, rest) = text.split_once('\n').expect("two lines");
    assert!(first.starts_with("# ") && first.contains("20"), "{}: first line names manual and date", path.display());
    rest.to_owned()
}

pub(super) fn answer_of(path: &Path) -> Wire {
    let text = body_of(path);
    let (head, body) = text.split_once("\n\n").expect("an empty line before the body");
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.strip_prefix("HTTP ")).and_then(|s| s.trim().parse().ok()).expect("HTTP status");
    let headers = lines.filter_map(|line| line.split_once(": ")).map(|(k, v)| (k.to_owned(), v.to_owned())).collect();
    Wire::Answered { status, headers, body: Bytes::from(body.strip_suffix('\n').unwrap_or(body).to_owned()) }
}

fn recipients(vendor: Vendor) -> usize {
    if vendor.lane_defaults().batch == 1 { 1 } else { 3 }
}

/// A case `single_…` answers a request for one, where vendors have another interface for that.
pub(super) fn recipients_of(vendor: Vendor, path: &Path) -> usize {
    if path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("single_")) { 1 } else { recipients(vendor) }
}

pub(super) fn judge(vendor: Vendor, wire: &Wire) -> Judgement {
    judge_of(vendor, wire, recipients(vendor))
}

pub(super) fn judge_of(vendor: Vendor, wire: &Wire, n: usize) -> Judgement {
    let sample = Sample::of(vendor, Content { title: "t".into(), body: "b".into(), ..Content::default() }, n);
    sample.with(|batch| dialect(vendor).judge(batch, wire))
}

/// Snapshots live beside the fixtures, one per case.
fn snapshot(vendor: Vendor, path: &Path, text: &str) {
    let case = path.file_name().and_then(|name| name.to_str()).expect("a name").replace('.', "-");
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_snapshot_path(format!("{}/snapshots", vendor.slug()));
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(case, text));
}

fn shown(judgement: &Judgement) -> String {
    let mut out = String::new();
    for verdict in &judgement.verdicts {
        match verdict {
            Verdict::Accepted => out.push_str("accepted\n"),
            Verdict::Failed(f) => {
                out.push_str(&format!("{}: {}", f.class.slug(), f.words));
                for (name, value) in [("retry_after", f.retry_after), ("dead_since", f.dead_since)] {
                    if let Some(value) = value {
                        out.push_str(&format!(" · {name} {value}"));
                    }
                }
                for (name, set) in [("never sent", f.never_sent), ("this device only", f.device_only), ("batch only", f.batch_only)] {
                    if set {
                        out.push_str(&format!(" · {name}"));
                    }
                }
                out.push('\n');
            }
        }
    }
    if let Some(reference) = &judgement.reference {
        out.push_str(&format!("reference {reference}\n"));
    }
    if judgement.renew_pass {
        out.push_str("renew pass\n");
    }
    if judgement.renew_prepared {
        out.push_str("renew prepared\n");
    }
    if let Some(to) = &judgement.redirect {
        out.push_str(&format!("redirect {to}\n"));
    }
    if judgement.split {
        out.push_str("split\n");
    }
    out
}

fn request_text(request: &super::dialect::Request) -> String {
    let mut text = format!("{} {}\n", request.method, request.path);
    for (name, value) in &request.headers {
        text.push_str(&format!("{name}: {value}\n"));
    }
    let body = std::str::from_utf8(&request.body).expect("UTF-8");
    text + "\n" + &body.replace('&', "\n&")
}

/// `…/876x324.png`: a made-up picture of that size.
fn picture_at(url: &str) -> Picture {
    let name = url.rsplit('/').next().unwrap_or("").split('.').next().unwrap_or("");
    let (width, height) = name.split_once('x').and_then(|(w, h)| Some((w.parse().ok()?, h.parse().ok()?))).unwrap_or((10, 10));
    Picture { format: Format::Png, width, height, bytes: Bytes::from_static(b"PICTURE") }
}

/// Every request a batch leads to: what must be prepared, then the send itself.
fn written(vendor: Vendor, sample: &Sample) -> String {
    let mut text = String::new();
    let mut prepared = Prepared::default();
    loop {
        let next = sample.with(|batch| {
            let batch = Batch { prepared: &prepared, ..batch.clone() };
            match dialect(vendor).prepare(&batch, &sample.credential, "PASS") {
                Err(error) => Err(format!("{text}error: {error}")),
                Ok(Some(wanted)) => Ok(wanted),
                Ok(None) => Err(match dialect(vendor).build(&batch, &sample.credential, "PASS") {
                    Err(error) => format!("{text}error: {error}"),
                    Ok(request) => text.clone() + &request_text(&request),
                }),
            }
        });
        match next {
            Err(whole) => return whole,
            Ok(wanted) => {
                assert!(prepared.ids.len() < 8, "a preparation that never ends");
                let said = match &wanted.what {
                    What::Say(request) => Ok(request.clone()),
                    What::Upload(url) => dialect(vendor).upload(url, &picture_at(url), &sample.credential, "PASS"),
                };
                let n = prepared.ids.len() + 1;
                match said {
                    Ok(request) => {
                        text.push_str(&format!("prepare {} for {} ms\n{}\n\n", wanted.kind, wanted.lives, request_text(&request)));
                        // OPPO's ids carry the kind of picture.
                        let id =
                            if wanted.kind == "image" && vendor == Vendor::Oppo { format!("big:p-{n}") } else { format!("prepared-{n}") };
                        prepared.ids.insert(wanted.key, id);
                    }
                    Err(words) => {
                        text.push_str(&format!("left out {}: {words}\n\n", wanted.kind));
                        prepared.left_out.insert(wanted.key, words);
                    }
                }
            }
        }
    }
}

/// `.exchange` = an answer to the request for an access token; one of them per vendor also shows the request.
#[test]
fn exchanges_are_as_the_manuals_say() {
    for vendor in Vendor::ALL {
        let sample = Sample::of(vendor, Content::default(), 1);
        let plan = dialect(vendor).pass_plan(&sample.credential);
        if !matches!(plan, Ok(super::dialect::PassPlan::Exchange { .. })) {
            assert!(fixtures_if_any(vendor, "exchange").is_empty(), "{}: exchanges without a plan: {plan:?}", vendor.slug());
            continue;
        }
        let request = dialect(vendor).exchange(&sample.credential, sample.now).expect("a request");
        for path in fixtures(vendor, "exchange") {
            let wire = answer_of(&path);
            let read = match dialect(vendor).read_exchange(&wire, sample.now) {
                Ok(issued) => format!("{} for {} ms", issued.pass, issued.lives),
                Err(failure) => format!("{}: {} retry_after {:?}", failure.class.slug(), failure.words, failure.retry_after),
            };
            let shown = if path.ends_with("success.exchange") { request_text(&request) + "\n\n" } else { String::new() };
            snapshot(vendor, &path, &(shown + &read));
        }
        for wire in [Wire::TimedOut { words: "no answer".into() }, Wire::NeverSent { words: "refused".into() }] {
            let failure = dialect(vendor).read_exchange(&wire, sample.now).expect_err("silence");
            assert_ne!(failure.class, types::failure::FailureClass::Auth, "{}: silence is no refusal", vendor.slug());
        }
    }
}

/// `.material` = an answer to a preparation of kind `content` (or `image`, when the file name starts with it).
#[test]
fn materials_are_as_the_manuals_say() {
    for vendor in Vendor::ALL {
        for path in fixtures_if_any(vendor, "material") {
            let kind = if path.file_name().is_some_and(|n| n.to_string_lossy().starts_with("image")) { "image" } else { "content" };
            let text = match dialect(vendor).read_prepared(kind, &answer_of(&path), Sample::of(vendor, Content::default(), 1).now) {
                Ok(id) => format!("id {id}"),
                Err(not) => format!(
                    "{}: {} retry_after {:?}{}{}",
                    not.failure.class.slug(),
                    not.failure.words,
                    not.failure.retry_after,
                    if not.failure.batch_only { " · batch only" } else { "" },
                    if not.renew_pass { " · renew pass" } else { "" }
                ),
            };
            snapshot(vendor, &path, &text);
        }
    }
}

#[test]
fn requests_are_as_the_manuals_say() {
    #[derive(serde::Deserialize)]
    struct Input {
        tokens: usize,
        content: Content,
    }
    for vendor in Vendor::ALL {
        for path in fixtures(vendor, "request") {
            let input: Input = serde_json::from_str(&body_of(&path)).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
            let sample = Sample::of(vendor, input.content, input.tokens);
            let text = written(vendor, &sample);
            snapshot(vendor, &path, &text);
        }
    }
}

/// `.recall` = as `.request`, with the id of the request that is taken back (empty where a notice overwrites). Its file is
/// `<case>.recall`; a vendor without means has none. `.recalled` = an answer to such a request, where it is another interface.
#[test]
fn recalls_are_as_the_manuals_say() {
    #[derive(serde::Deserialize)]
    struct Input {
        tokens: usize,
        reference: String,
        content: Content,
    }
    for vendor in Vendor::ALL {
        let means = vendor.recall().means;
        let cases = fixtures_if_any(vendor, "recall");
        assert_eq!(cases.is_empty(), means == RecallMeans::Nothing, "{}: {means:?} and {} cases", vendor.slug(), cases.len());
        for path in cases {
            let input: Input = serde_json::from_str(&body_of(&path)).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
            assert_eq!(input.reference.is_empty(), means == RecallMeans::Overwrite, "{}", path.display());
            let mut sample = Sample::of(vendor, input.content, input.tokens);
            let first = written(vendor, &sample);
            sample.recall = Some(input.reference);
            let text = written(vendor, &sample);
            if means == RecallMeans::Overwrite {
                let as_first = text.replace("jihgfedcba9876543210", "0123456789abcdefghij");
                assert_eq!(as_first, first, "{}: the same showing, and nothing else", path.display());
            }
            if matches!(vendor, Vendor::Xiaomi | Vendor::Harmony) {
                assert_ne!(text, first, "{}: the phone, or the vendor, drops what comes under the same key", path.display());
            }
            snapshot(vendor, &path, &text);
        }
        let answers = fixtures_if_any(vendor, "recalled");
        assert_eq!(answers.is_empty(), means != RecallMeans::Withdraw, "{}: answers to a recall", vendor.slug());
        for path in answers {
            let mut sample = Sample::of(vendor, Content { body: "b".into(), ..Content::default() }, recipients_of(vendor, &path));
            sample.recall = Some("1".to_owned());
            let judgement = sample.with(|batch| dialect(vendor).judge(batch, &answer_of(&path)));
            assert_eq!(judgement.verdicts.len(), sample.tokens.len(), "{}: one verdict per recipient", path.display());
            snapshot(vendor, &path, &shown(&judgement));
        }
    }
}

#[test]
fn answers_are_judged_as_the_manuals_say() {
    for vendor in Vendor::ALL {
        for path in fixtures(vendor, "answer") {
            let n = recipients_of(vendor, &path);
            let judgement = judge_of(vendor, &answer_of(&path), n);
            assert_eq!(judgement.verdicts.len(), n, "{}: one verdict per recipient", path.display());
            snapshot(vendor, &path, &shown(&judgement));
        }
    }
}

/// Vendor, content type, body of every receipt.
pub(super) fn receipts() -> Vec<(Vendor, String, Vec<u8>)> {
    let read = |vendor: Vendor, path: &PathBuf| {
        let text = body_of(path);
        let (content_type, body) = text.split_once("\n\n").expect("an empty line before the body");
        (vendor, content_type.trim().to_owned(), body.strip_suffix('\n').unwrap_or(body).as_bytes().to_vec())
    };
    Vendor::ALL.iter().flat_map(|vendor| fixtures(*vendor, "receipt").iter().map(|path| read(*vendor, path)).collect::<Vec<_>>()).collect()
}

#[test]
fn receipts_are_read_as_the_manuals_say() {
    for vendor in Vendor::ALL {
        for path in fixtures(vendor, "receipt") {
            let text = body_of(&path);
            let (content_type, body) = text.split_once("\n\n").expect("an empty line before the body");
            let body = body.strip_suffix('\n').unwrap_or(body);
            let read = dialect(vendor).read_receipts(&Callback {
                content_type: content_type.trim(),
                query: "",
                signature: "",
                body: body.as_bytes(),
            });
            let text = match read {
                Err(error) => format!("error: {error}"),
                Ok(receipts) => receipts
                    .iter()
                    .map(|r| {
                        let replaced = r.replaced_by.as_ref().map_or(String::new(), |new| format!(" -> {new}"));
                        format!(
                            "{} {}{replaced} {} at {:?} param {:?} · {}",
                            r.reference,
                            r.token,
                            r.kind.slug(),
                            r.at,
                            r.parameter,
                            r.words
                        )
                    })
                    .collect::<Vec<_>>()
                    .join("\n"),
            };
            snapshot(vendor, &path, &text);
        }
    }
}

#[test]
fn silence_is_unknown_and_a_refused_connection_is_safe_to_repeat() {
    for vendor in Vendor::ALL {
        for (wire, never_sent) in
            [(Wire::TimedOut { words: "no answer".into() }, false), (Wire::NeverSent { words: "refused".into() }, true)]
        {
            let judgement = judge(vendor, &wire);
            assert_eq!(judgement.verdicts.len(), recipients(vendor));
            for verdict in judgement.verdicts {
                let Verdict::Failed(failure) = verdict else { panic!("{vendor:?}: silence read as success") };
                assert_eq!((failure.class, failure.never_sent), (types::failure::FailureClass::Timeout, never_sent));
            }
        }
    }
}

#[test]
fn no_cut_answer_is_success() {
    for vendor in Vendor::ALL {
        for path in fixtures(vendor, "answer") {
            let Wire::Answered { status, headers, body } = answer_of(&path) else { continue };
            for len in 0..body.len() {
                let cut = Wire::Answered { status, headers: headers.clone(), body: body.slice(..len) };
                let judgement = judge_of(vendor, &cut, recipients_of(vendor, &path));
                // APNs says success with an empty 200; every other prefix is a failure.
                let empty_success = vendor == Vendor::Apns && status == 200 && len == 0;
                assert!(empty_success || !judgement.verdicts.contains(&Verdict::Accepted), "{} cut at {len}", path.display());
            }
        }
    }
}

/// What an answer that claims success, of all or of some, holds; the claim may stand beside its own contradiction.
const CLAIMS: &[&[u8]] =
    &[b"\"ok\"", b"\"success\"", b"\"code\":0,", b"\"result\":0,", b"\"code\":\"200\"", b"\"code\":200,", b"\"80100000\""];

/// Answers that say no. Those that claim success and contradict themselves are one edit away from an honest success.
pub(super) fn refusals() -> Vec<(Vendor, u16, Bytes)> {
    let mut out = Vec::new();
    for vendor in Vendor::ALL {
        // For one recipient a repeat's refusal can be a success (oppo.md, 4, 32): one edit away too.
        for path in fixtures(vendor, "answer").into_iter().filter(|path| recipients_of(vendor, path) == recipients(vendor)) {
            let wire = answer_of(&path);
            if !judge(vendor, &wire).verdicts.contains(&Verdict::Accepted)
                && let Wire::Answered { status, body, .. } = wire
                && !CLAIMS.iter().any(|claim| body.windows(claim.len()).any(|w| w == *claim))
            {
                out.push((vendor, status, body));
            }
        }
    }
    out
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20_000))]

    /// Bytes flipped, removed, doubled, put in, and statuses changed: no panic, one verdict each, never success.
    #[test]
    fn a_mutated_refusal_is_never_success(
        pick in any::<prop::sample::Index>(),
        edits in prop::collection::vec((any::<prop::sample::Index>(), 0u8..4, any::<u8>()), 1..6),
        other_status in prop::option::of(201u16..600),
        retry in prop::option::of("\\PC{0,12}"),
    ) {
        use std::sync::OnceLock;
        static ALL: OnceLock<Vec<(Vendor, u16, Bytes)>> = OnceLock::new();
        let all = ALL.get_or_init(refusals);
        let (vendor, status, body) = pick.get(all);
        let mut body = body.to_vec();
        for (at, what, byte) in edits {
            if body.is_empty() {
                break;
            }
            let at = at.index(body.len());
            match what {
                0 => body[at] = byte,
                1 => drop(body.remove(at)),
                2 => body.insert(at, byte),
                _ => body.insert(at, body[at]),
            }
        }
        // An emptied 200 is what APNs calls success.
        let status = if *vendor == Vendor::Apns && body.is_empty() { 400 } else { other_status.unwrap_or(*status) };
        let headers = retry.into_iter().map(|value| ("retry-after".to_owned(), value)).collect();
        let judgement = judge(*vendor, &Wire::Answered { status, headers, body: Bytes::from(body.clone()) });
        prop_assert_eq!(judgement.verdicts.len(), recipients(*vendor));
        prop_assert!(!judgement.verdicts.contains(&Verdict::Accepted), "{} {}", status, String::from_utf8_lossy(&body));
    }

    #[test]
    fn any_callback_is_read_or_refused_without_panic(body in prop::collection::vec(any::<u8>(), 0..200), form in any::<bool>()) {
        let body = if form { [b"data=".as_slice(), &body].concat() } else { body };
        for vendor in Vendor::ALL {
            let read = dialect(vendor).read_receipts(&Callback { content_type: "", query: "", signature: "", body: &body });
            prop_assert!(read.is_err() || read.is_ok_and(|receipts| receipts.len() <= body.len()));
        }
    }
}
