//! Answers and receipts, bent at random, to every dialect: no panic, one verdict for each recipient, and nobody accepted who
//! was not. A short form runs with the tests; `make fuzz` runs a million. The seed is printed; the same seed, the same run.

use std::panic::{AssertUnwindSafe, catch_unwind};

use bytes::Bytes;
use types::content::Content;
use types::vendor::Vendor;

use super::dialect::{Callback, Verdict, Wire};
use super::golden::{self, Sample};
use super::registry::dialect;
use crate::world::{Random, SeededRandom};

/// Pieces that readers stumble over.
const PIECES: [&[u8]; 26] = [
    b"{",
    b"}",
    b"[",
    b"]",
    b"\"",
    b":",
    b",",
    b"null",
    b"true",
    b"false",
    b"-1",
    b"1e999",
    b"18446744073709551616",
    b"0.0",
    b"\\u0000",
    b"\\ud800",
    b"\xff\xfe",
    b"\xf0\x9f\x94\x94",
    b"%",
    b"%zz",
    b"&",
    b"=",
    b"<html>",
    b"\r\n",
    b"\0",
    b"[[[[[[[[[[[[[[[[",
];

struct Dice(std::sync::Arc<SeededRandom>);

impl Dice {
    fn below(&self, n: usize) -> usize {
        let mut bytes = [0; 8];
        self.0.fill(&mut bytes);
        usize::try_from(u64::from_le_bytes(bytes) % n.max(1) as u64).unwrap_or(0)
    }

    fn one<'a, T>(&self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }

    /// One to five edits. `pieces`: also whole pieces of [`PIECES`], a cut, or a part copied elsewhere.
    fn bend(&self, body: &mut Vec<u8>, pieces: bool) {
        for _ in 0..=self.below(5) {
            if body.is_empty() {
                return;
            }
            let (at, byte) = (self.below(body.len()), u8::try_from(self.below(256)).unwrap_or(0));
            match self.below(if pieces { 7 } else { 4 }) {
                0 => body[at] = byte,
                1 => drop(body.remove(at)),
                2 => body.insert(at, byte),
                3 => body.insert(at, body[at]),
                4 => drop(body.splice(at..at, self.one(&PIECES).iter().copied())),
                5 => body.truncate(at),
                _ => {
                    let part: Vec<u8> = body[at..(at + 40).min(body.len())].to_vec();
                    let to = self.below(body.len());
                    drop(body.splice(to..to, part));
                }
            }
        }
    }
}

/// An answer of a fixture, and how many it speaks of.
struct Case {
    vendor: Vendor,
    status: u16,
    headers: Vec<(String, String)>,
    body: Bytes,
    recipients: usize,
    /// Says no to everybody, and holds nothing that claims success: no few edits make a yes of it.
    refusal: bool,
    /// Says yes to somebody as it stands.
    taken: bool,
}

fn answers() -> Vec<Case> {
    let refused = golden::refusals();
    let mut all = Vec::new();
    for vendor in Vendor::ALL {
        for path in golden::fixtures(vendor, "answer") {
            if let Wire::Answered { status, headers, body } = golden::answer_of(&path) {
                let wire = Wire::Answered { status, headers: headers.clone(), body: body.clone() };
                let taken = golden::judge_of(vendor, &wire, golden::recipients_of(vendor, &path)).verdicts.contains(&Verdict::Accepted);
                let refusal = refused.iter().any(|(of, code, text)| (*of, *code) == (vendor, status) && *text == body);
                all.push(Case { vendor, status, headers, recipients: golden::recipients_of(vendor, &path), refusal, taken, body });
            }
        }
    }
    all
}

fn setting(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

/// What was counted, so that a run that tried nothing cannot pass.
#[derive(Debug, Default)]
struct Tally {
    refusals: u64,
    answers: u64,
    accepted: u64,
    receipts: u64,
    read: u64,
}

#[test]
fn bent_answers_and_receipts_break_nothing_and_nobody_is_accepted_by_mistake() {
    let (cases, seed) = (setting("CARILLON_FUZZ_CASES", 30_000), setting("CARILLON_FUZZ_SEED", 1));
    let dice = Dice(SeededRandom::new(seed));
    let (answers, receipts) = (answers(), golden::receipts());
    let content = Content { title: "t".into(), body: "b".into(), ..Content::default() };
    let samples: Vec<Sample> = answers.iter().map(|case| Sample::of(case.vendor, content.clone(), case.recipients)).collect();
    let mut tally = Tally::default();
    let mut wrong: Vec<String> = Vec::new();
    for n in 0..cases {
        let told = if dice.below(4) == 0 {
            let (vendor, content_type, body) = dice.one(&receipts);
            receipt(&dice, *vendor, content_type, body, &mut tally)
        } else {
            let i = dice.below(answers.len());
            answer(&dice, &answers[i], &samples[i], &mut tally)
        };
        if let Err(what) = told {
            wrong.push(format!("case {n}: {what}"));
            if wrong.len() >= 20 {
                break;
            }
        }
    }
    eprintln!("fuzz seed {seed}: {cases} cases, {tally:?}");
    assert!(wrong.is_empty(), "fuzz seed {seed}:\n{}", wrong.join("\n"));
    assert!(tally.refusals > cases / 10 && tally.answers > cases / 20 && tally.receipts > cases / 10, "{tally:?}");
    assert!(tally.accepted > 0 && tally.read > 0, "every answer was broken beyond reading: {tally:?}");
}

fn answer(dice: &Dice, case: &Case, sample: &Sample, tally: &mut Tally) -> Result<(), String> {
    let mut body = case.body.to_vec();
    // Whole pieces could spell out a success.
    dice.bend(&mut body, !case.refusal);
    let mut status = case.status;
    if dice.below(4) == 0 {
        // Never 200: for some vendors that alone turns a refusal's shape into another.
        status = 201 + u16::try_from(dice.below(399)).unwrap_or(0);
    }
    if case.vendor == Vendor::Apns && case.refusal && body.is_empty() {
        // An emptied 200 is what APNs calls success.
        status = 400;
    }
    let mut headers = case.headers.clone();
    if dice.below(4) == 0 {
        let mut wish = b"120".to_vec();
        dice.bend(&mut wish, true);
        headers.push(("retry-after".to_owned(), String::from_utf8_lossy(&wish).into_owned()));
    }
    let wire = Wire::Answered { status, headers, body: Bytes::from(body.clone()) };
    let shown = || format!("{} {status} {:?}", case.vendor.slug(), String::from_utf8_lossy(&body));
    let judged = catch_unwind(AssertUnwindSafe(|| sample.with(|batch| dialect(case.vendor).judge(batch, &wire))))
        .map_err(|_| format!("panic at {}", shown()))?;
    if judged.verdicts.len() != case.recipients {
        return Err(format!("{} verdicts for {} at {}", judged.verdicts.len(), case.recipients, shown()));
    }
    let accepted = judged.verdicts.contains(&Verdict::Accepted);
    if case.refusal {
        tally.refusals += 1;
    } else {
        tally.answers += 1;
        tally.accepted += u64::from(accepted);
    }
    // A vendor may say "I had it already" with an error's status; then with that one only.
    let fit = (200..300).contains(&status) || (case.taken && status == case.status);
    if accepted && (case.refusal || !fit) {
        return Err(format!("false success at {}", shown()));
    }
    Ok(())
}

fn receipt(dice: &Dice, vendor: Vendor, content_type: &str, body: &[u8], tally: &mut Tally) -> Result<(), String> {
    let mut bent = body.to_vec();
    dice.bend(&mut bent, true);
    let callback = Callback { content_type, query: "", signature: "", body: &bent };
    let shown = || format!("{} receipt {:?}", vendor.slug(), String::from_utf8_lossy(&bent));
    let read = catch_unwind(AssertUnwindSafe(|| dialect(vendor).read_receipts(&callback))).map_err(|_| format!("panic at {}", shown()))?;
    tally.receipts += 1;
    if let Ok(list) = read {
        tally.read += 1;
        if list.len() > bent.len() {
            return Err(format!("{} receipts out of {} bytes at {}", list.len(), bent.len(), shown()));
        }
    }
    Ok(())
}
