use types::content::Content;

use super::*;

fn message(body: &str, variables: &[(&str, &str)]) -> Message {
    let targets = Targets::Users { users: vec![] };
    Message {
        no: 1,
        id: types::ids::MessageId::from_bytes([1; 16]),
        app_no: 1,
        campaign: None,
        origin: Origin::Api,
        class: MessageClass::Bulk,
        rank: types::content::Rank::Bulk,
        business: "news".into(),
        content: Content { title: "T".into(), body: body.into(), ..Content::default() },
        variables: variables.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
        targets,
        vendor_order: vec![],
        versions: None,
        hours: None,
        state: types::life::MessageState::Planning,
        cursor: 0,
        deadline: 0,
        account: String::new(),
        address: String::new(),
        created_at: 0,
        finished_at: None,
        forgotten_at: None,
    }
}

/// Which contents count as the same, whoever reads them.
#[test]
fn what_the_same_content_is() {
    let person = |variables: &[(&str, &str)]| Recipient {
        variables: variables.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
        ..Recipient::default()
    };
    let plain = || message("Body", &[]);
    let named = |value| message("Hello {{name}}", &[("name", value)]);
    let (nobody, ann, bob) = (person(&[]), person(&[("name", "Ann")]), person(&[("name", "Bob")]));
    let pairs = [
        ("the same words", (plain(), &nobody), (plain(), &nobody)),
        ("another word", (plain(), &nobody), (message("Body.", &[]), &nobody)),
        ("a variable nobody uses", (plain(), &nobody), (message("Body", &[("unused", "x")]), &nobody)),
        ("a variable with another value", (named("Ann"), &nobody), (named("Bob"), &nobody)),
        (
            "another sender, business, time",
            (plain(), &nobody),
            (Message { business: "visit".into(), account: "x".into(), deadline: 9, ..plain() }, &nobody),
        ),
        ("the same personal value", (named(""), &ann), (named(""), &ann)),
        ("another personal value", (named(""), &ann), (named(""), &bob)),
        ("a swapped pair of values", (plain(), &person(&[("a", "1"), ("b", "2")])), (plain(), &person(&[("a", "2"), ("b", "1")]))),
    ];
    let said = pairs.map(|(what, (one, reader), (other, again))| {
        let same = content_hash(&one)(reader) == content_hash(&other)(again);
        format!("{what:<32} {}", if same { "the same" } else { "another" })
    });
    insta::assert_snapshot!(said.join("\n"));
}
