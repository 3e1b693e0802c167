use types::policy::Rules;
use types::vendor::Vendor;
use types::views::forecast::LaneForecast;

use super::*;

fn verdict(section: Section, said: Said, made_of: &str) -> Verdict {
    let told = NewVerdict {
        section: Some(section),
        said,
        made_of: made_of.into(),
        comment: "太晚".into(),
        person: "usr_eve".into(),
        person_name: "eve".into(),
        at: 1,
    };
    Verdict { told, voided_at: None }
}

fn forecast(devices: u64, missed: u64) -> Forecast {
    let lane = LaneForecast {
        vendor: Vendor::Apns,
        devices,
        requests: devices,
        pace: 1.0,
        sent: devices - missed,
        missed,
        hushed: 0,
        unsayable: 0,
        held: 0,
        ahead: 0,
        first_at: None,
        finish_at: None,
        quota: None,
        stands: None,
    };
    Forecast { lanes: vec![lane], ..Forecast::default() }
}

#[test]
fn above_the_bound_all_three_sections_need_a_yes_to_exactly_this() {
    let rules = Rules { approve_above: 100, ..Rules::default() };
    let yes = |made_of: &str| Section::ALL.map(|section| verdict(section, Said::Approved, made_of)).to_vec();
    let asks = |n, verdicts: &[Verdict]| needs(&rules, &forecast(n, 0), verdicts, "now").approval;
    assert_eq!(asks(100, &[]), None, "above, not at");
    assert_eq!(asks(101, &[]), Some((101, 100)));
    assert_eq!(asks(101, &yes("now")), None);
    assert_eq!(asks(101, &yes("before")), Some((101, 100)), "they said yes to something else");
    assert_eq!(asks(101, &yes("now")[..2]), Some((101, 100)));
    let voided: Vec<Verdict> = yes("now").into_iter().map(|v| Verdict { voided_at: Some(2), ..v }).collect();
    assert_eq!(asks(101, &voided), Some((101, 100)), "an edit that was taken back is an edit");
    assert_eq!(needs(&Rules::default(), &forecast(9_000_000, 0), &[], "now").approval, None, "0 = never");
    // Newest first.
    let mut changed = vec![verdict(Section::Delivery, Said::Refused, "now")];
    changed.extend(yes("now"));
    let found = needs(&rules, &forecast(5, 0), &changed, "now");
    assert!(found.refused.is_some_and(|words| words.en == "Delivery (eve): 太晚"), "a no counts whatever the size");
}

#[test]
fn what_is_asked_is_told_with_its_remedy_and_nothing_else_is() {
    let rules = Rules { approve_above: 10, confirm_above: 10, ..Rules::default() };
    let wanted = needs(&rules, &forecast(20, 3), &[], "now");
    let fields = |typed: &str, why: &str| unmet(&wanted, typed, "晨钟", why).into_iter().map(|e| e.field).collect::<Vec<_>>();
    assert_eq!(fields("", " "), ["approval", "app_name", "why"]);
    assert_eq!(fields(" 晨钟 ", "the vendor asked us to"), ["approval"]);
    assert_eq!(fields("晨", &"长".repeat(REASON_MAX + 1)), ["approval", "app_name", "why"]);
    assert_eq!(needs(&Rules::default(), &forecast(20, 0), &[], "now"), Needs::default());
}

#[test]
fn who_wrote_it_may_not_judge_it() {
    let mut campaign = Campaign {
        no: 1,
        id: CampaignId::from_bytes([1; 16]),
        app_no: 1,
        revision: 1,
        state: CampaignState::Draft,
        spec: Default::default(),
        due_at: None,
        message: None,
        trouble: None,
        created_at: 0,
        created_by: "ann".into(),
        changed_at: 0,
        changed_by: "bob".into(),
        started_at: None,
        finished_at: None,
        editors: vec!["usr_1".into(), "usr_2".into()],
    };
    assert!(barred(&campaign, &[], "usr_2", "Bob").is_some());
    assert!(barred(&campaign, &[], "usr_3", "ann").is_none(), "names are not unique");
    campaign.editors.clear();
    assert!(barred(&campaign, &[], "usr_3", "ann").is_some(), "older campaigns know names only");
    assert!(barred(&campaign, &[], "usr_3", "eve").is_none());
    // The text is part of what is approved.
    let author = |id: &str, name: &str| Author { id: id.into(), name: name.into() };
    assert!(barred(&campaign, &[author("usr_4", "zoe")], "usr_4", "eve").is_some_and(|why| why.en.contains("copy")));
    assert!(barred(&campaign, &[author("usr_4", "eve")], "usr_3", "eve").is_none(), "another of the same name");
    assert!(barred(&campaign, &[author("", "eve")], "usr_3", "eve").is_some(), "older versions know names only");
}
