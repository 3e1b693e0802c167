//! The diagram in ARCHITECTURE.md is the transition table, and nothing else.

use std::collections::BTreeSet;

use types::life::CampaignState;

#[test]
fn the_drawn_life_of_a_campaign_is_the_real_one() {
    let text = include_str!("../../../ARCHITECTURE.md");
    let diagram = text.split("```mermaid\nstateDiagram-v2").nth(1).and_then(|rest| rest.split("```").next()).expect("a stateDiagram-v2");
    let drawn: BTreeSet<(String, String)> = diagram
        .lines()
        .filter_map(|line| line.split_once("-->"))
        .map(|(from, to)| (from.trim().to_owned(), to.split(':').next().unwrap_or("").trim().to_owned()))
        .collect();
    let mut real: BTreeSet<(String, String)> = BTreeSet::from([("[*]".to_owned(), format!("{:?}", CampaignState::Draft))]);
    for from in CampaignState::ALL {
        for to in from.may_become() {
            real.insert((format!("{from:?}"), format!("{to:?}")));
        }
        if from.is_final() {
            real.insert((format!("{from:?}"), "[*]".to_owned()));
        }
    }
    assert_eq!(drawn, real);
}
