//! The APNs twin against the manual, check by check, through TLS and HTTP/2.

use crate::support::{BUNDLE, Done, KID, P8, TEAM, apns_account, client, now, twin};
use serde_json::Value;
use simulator::{Dials, Outage, Simulator, Verdict, token_hash};
use types::vendor::Vendor;

const TOKEN: &str = "4f00000000000000000000000000000000000000000000000000000000000001";

struct Bench {
    twin: Simulator,
    client: reqwest::Client,
    p8: P8,
    jwt: String,
}

/// (status, reason, timestamp)
type Heard = (u16, String, Option<i64>);

impl Bench {
    async fn new() -> Bench {
        let (twin, p8) = (twin().await, P8::generate());
        twin.add_account(apns_account(&p8)).expect("the account is proper");
        let jwt = p8.jwt(TEAM, KID, now());
        Bench { client: client(&twin), twin, jwt, p8 }
    }

    fn push(&self, token: &str) -> reqwest::RequestBuilder {
        self.push_as(token, &self.jwt)
    }

    fn push_as(&self, token: &str, jwt: &str) -> reqwest::RequestBuilder {
        let url = format!("{}/3/device/{token}", self.twin.base_url(Vendor::Apns));
        self.client
            .post(url)
            .header("authorization", format!("bearer {jwt}"))
            .header("apns-topic", BUNDLE)
            .header("apns-push-type", "alert")
            .body(r#"{"aps":{"alert":{"title":"Order","body":"shipped"}}}"#)
    }

    async fn hear(&self, request: reqwest::RequestBuilder) -> Result<Heard, reqwest::Error> {
        let response = request.send().await?;
        let status = response.status().as_u16();
        assert!(response.headers().contains_key("apns-id"), "every answer has an apns-id");
        let body = response.bytes().await?;
        let value: Value = serde_json::from_slice(&body).unwrap_or_default();
        Ok((status, value["reason"].as_str().unwrap_or_default().to_owned(), value["timestamp"].as_i64()))
    }

    async fn reason(&self, request: reqwest::RequestBuilder) -> Result<String, reqwest::Error> {
        Ok(self.hear(request).await?.1)
    }
}

#[tokio::test]
async fn a_proper_push_is_taken_echoed_and_on_the_books() -> Done {
    let b = Bench::new().await;
    let id = "6B0C1E60-2D7F-4E64-9E0C-0D9D3B7B1A11";
    let response = b.push(TOKEN).header("apns-id", id).header("apns-collapse-id", "show1").send().await?;
    assert_eq!(response.status(), 200);
    assert_eq!(response.version(), reqwest::Version::HTTP_2);
    assert_eq!(response.headers()["apns-id"], id);
    assert!(!response.headers().contains_key("apns-unique-id"), "production does not send it");
    assert!(response.bytes().await?.is_empty());
    let entry = b.twin.ledger().last_of(Vendor::Apns, TOKEN).ok_or("on the books")?;
    assert_eq!((entry.key.as_str(), entry.title.as_str(), entry.body.as_str()), ("show1", "Order", "shipped"));
    assert_eq!(b.twin.ledger().taken_under(Vendor::Apns, "show1")[&token_hash(TOKEN)], 1);
    // Without the vendor prefix too.
    let bare = b.twin.base_url(Vendor::Apns).replace("/apns", "");
    let plain = b.client.post(format!("{bare}/3/device/{TOKEN}")).header("authorization", format!("bearer {}", b.jwt));
    let plain = plain.header("apns-topic", BUNDLE).header("apns-push-type", "alert").body(r#"{"aps":{"alert":"hi"}}"#);
    assert_eq!(b.hear(plain).await?.0, 200);
    Ok(())
}

#[tokio::test]
async fn headers_are_checked_in_the_order_of_the_manual() -> Done {
    let b = Bench::new().await;
    let url = format!("{}/3/device/{TOKEN}", b.twin.base_url(Vendor::Apns));
    // Everything is wrong at once; mending one by one walks through the order.
    let long = "x".repeat(65);
    let mut headers: Vec<(&str, String)> = vec![
        ("apns-id", "no-uuid".into()),
        ("apns-collapse-id", long),
        ("apns-priority", "7".into()),
        ("apns-push-type", "loud".into()),
        ("apns-expiration", "soon".into()),
    ];
    let mut method = reqwest::Method::PUT;
    let mut path = "/4/broadcasts".to_owned();
    let mut body = String::new();
    let base = b.twin.base_url(Vendor::Apns);
    let set = |headers: &mut Vec<(&str, String)>, name: &'static str, value: &str| {
        headers.retain(|(n, _)| *n != name);
        headers.push((name, value.to_owned()));
    };
    let mut seen = Vec::new();
    for step in 0..13 {
        match step {
            0 => {}
            1 => set(&mut headers, "apns-id", "6b0c1e60-2d7f-4e64-9e0c-0d9d3b7b1a11"),
            2 => method = reqwest::Method::POST,
            3 => set(&mut headers, "apns-topic", BUNDLE),
            4 => set(&mut headers, "apns-collapse-id", "ok"),
            5 => set(&mut headers, "apns-priority", "10"),
            6 => set(&mut headers, "apns-push-type", "alert"),
            7 => set(&mut headers, "apns-expiration", "0"),
            8 => path = "/3/device/".into(),
            9 => path = "/3/device/xyz".into(),
            10 => path = format!("/3/device/{TOKEN}"),
            11 => set(&mut headers, "authorization", &format!("bearer {}", b.jwt)),
            _ => body = format!(r#"{{"aps":{{"alert":"{}"}}}}"#, "y".repeat(4_096)),
        }
        let mut request = b.client.request(method.clone(), format!("{base}{path}")).body(body.clone());
        for (name, value) in &headers {
            request = request.header(*name, value);
        }
        seen.push(b.reason(request).await?);
    }
    assert_eq!(
        seen,
        [
            "BadMessageId",
            "MethodNotAllowed",
            "MissingTopic",
            "BadCollapseId",
            "BadPriority",
            "InvalidPushType",
            "BadExpirationDate",
            "BadPath",
            "MissingDeviceToken",
            "BadDeviceToken",
            "MissingProviderToken",
            "PayloadEmpty",
            "PayloadTooLarge"
        ]
    );
    let twice = b.push(TOKEN).header("apns-topic", "com.example.other");
    assert_eq!(b.reason(twice).await?, "DuplicateHeaders");
    let silent = b.client.post(&url).header("apns-topic", BUNDLE).header("apns-push-type", "background").body("{}");
    assert_eq!(b.reason(silent).await?, "BadPriority", "background needs priority 5");
    assert_eq!(b.twin.ledger().taken(), 0);
    Ok(())
}

#[tokio::test]
async fn provider_tokens_are_verified() -> Done {
    let b = Bench::new().await;
    let at = now();
    let stranger = P8::generate();
    let cases = [
        (stranger.jwt(TEAM, KID, at), "InvalidProviderToken", "signed with another key"),
        (b.p8.jwt(TEAM, "KEY0000000", at), "InvalidProviderToken", "unknown kid"),
        (b.p8.jwt("TEAM000000", KID, at), "InvalidProviderToken", "another team"),
        (b.p8.jwt(TEAM, KID, at + 60), "InvalidProviderToken", "from the future"),
        (b.p8.jwt(TEAM, KID, at - 3_700), "ExpiredProviderToken", "too old"),
        (b.p8.sloppy_jwt(TEAM, KID, at), "InvalidProviderToken", "not RFC 7515"),
        ("a.b.c".into(), "InvalidProviderToken", "no JWT"),
        (b.jwt.clone(), "", "a good one"),
        (b.p8.jwt(TEAM, KID, at - 5), "TooManyProviderTokenUpdates", "signed anew at once"),
        (b.jwt.clone(), "", "the first one still works"),
    ];
    for (jwt, reason, why) in cases {
        assert_eq!(b.reason(b.push_as(TOKEN, &jwt)).await?, reason, "{why}");
    }
    b.twin.set_dials(Vendor::Apns, Dials { apple_compat: true, resign_seconds: 0, ..Dials::default() })?;
    assert_eq!(b.reason(b.push_as(TOKEN, &b.p8.sloppy_jwt(TEAM, KID, at))).await?, "", "Apple takes it");
    b.twin.advance_clock(std::time::Duration::from_secs(3_601));
    assert_eq!(b.reason(b.push(TOKEN)).await?, "ExpiredProviderToken", "a known token grows old too");
    Ok(())
}

#[tokio::test]
async fn topics_and_environments_belong_to_the_key() -> Done {
    let b = Bench::new().await;
    let with = |path: &str, topic: &str, kind: &str| {
        let url = format!("{}{path}/3/device/{TOKEN}", b.twin.base_url(Vendor::Apns));
        let request = b.client.post(url).header("authorization", format!("bearer {}", b.jwt)).header("apns-topic", topic);
        request.header("apns-push-type", kind).body(r#"{"aps":{"alert":"hi"}}"#)
    };
    assert_eq!(b.reason(with("", "com.example.other", "alert")).await?, "TopicDisallowed");
    assert_eq!(b.reason(with("/sandbox", BUNDLE, "alert")).await?, "BadEnvironmentKeyInToken");
    assert_eq!(b.reason(with("/production", BUNDLE, "alert")).await?, "");
    assert_eq!(b.reason(with("", &format!("{BUNDLE}.voip"), "voip")).await?, "");
    assert_eq!(b.reason(with("", BUNDLE, "voip")).await?, "InvalidPushType");
    Ok(())
}

#[tokio::test]
async fn the_payload_must_agree_with_the_push_type() -> Done {
    let b = Bench::new().await;
    let cases = [
        (r#"{"aps":{"alert":"hi","sound":{"critical":1,"name":"a","volume":0.5},"badge":0}}"#, ""),
        (r#"{"aps":{}}"#, "InvalidPushType"),
        (r#"{"aps":{"alert":"hi","interruption-level":"loud"}}"#, "InvalidPushType"),
        (r#"{"alert":"hi"}"#, "PayloadEmpty"),
        (r#"{"aps":{"alert":7}}"#, "PayloadEmpty"),
        ("no json", "PayloadEmpty"),
    ];
    for (body, reason) in cases {
        assert_eq!(b.reason(b.push(TOKEN).body(body)).await?, reason, "{body}");
    }
    Ok(())
}

#[tokio::test]
async fn magic_tokens_and_token_faults() -> Done {
    let b = Bench::new().await;
    let token = |head: &str| format!("{head}{}", &TOKEN[..64 - head.len()]);
    for (head, status, reason) in [
        ("dead", 410, "Unregistered"),
        ("dea2", 410, "ExpiredToken"),
        ("BAD0", 400, "BadDeviceToken"),
        ("0bad", 400, "DeviceTokenNotForTopic"),
        ("b429", 429, "TooManyRequests"),
        ("b503", 503, "ServiceUnavailable"),
    ] {
        let heard = b.hear(b.push(&token(head))).await?;
        assert_eq!((heard.0, heard.1.as_str()), (status, reason));
        assert_eq!(heard.2.is_some(), status == 410);
    }
    assert_eq!(b.hear(b.push(&token("dea1"))).await?.2, Some(1_000_000_000_000));
    assert_eq!(b.twin.ledger().taken(), 0);

    b.twin.set_dials(Vendor::Apns, Dials { token_fault_share: 0.3, magic: false, ..Dials::default() })?;
    let mut first = Vec::new();
    for round in 0..2 {
        let mut refused = Vec::new();
        for n in 0..100 {
            refused.push(b.hear(b.push(&format!("{n:064x}"))).await?.0 == 410);
        }
        let count = refused.iter().filter(|r| **r).count();
        assert!((15..=45).contains(&count), "{count} of 100 for a share of 0.3");
        if round == 1 {
            assert_eq!(refused, first, "the same tokens every time");
        }
        first = refused;
    }
    Ok(())
}

#[tokio::test]
async fn dials_break_the_answer_but_not_the_books() -> Done {
    let b = Bench::new().await;
    let dial = |dials: Dials| b.twin.set_dials(Vendor::Apns, dials);
    dial(Dials { cut_share: 1.0, ..Dials::default() })?;
    assert!(b.push(TOKEN).send().await.is_err(), "the answer is cut");
    dial(Dials { reset_share: 1.0, ..Dials::default() })?;
    assert!(b.push(TOKEN).send().await.is_err(), "nothing was looked at");
    assert_eq!(b.twin.ledger().last(9).iter().map(|e| e.verdict).collect::<Vec<_>>(), [Verdict::AcceptedUnheard]);
    dial(Dials { outage: Outage::Error, ..Dials::default() })?;
    assert_eq!(b.hear(b.push(TOKEN)).await?.0, 503);
    dial(Dials { error_share: 1.0, error: "InternalServerError".into(), ..Dials::default() })?;
    assert_eq!(b.reason(b.push(TOKEN)).await?, "InternalServerError");
    dial(Dials { pace_per_second: 1, ..Dials::default() })?;
    assert_eq!(b.hear(b.push(TOKEN)).await?.0, 200);
    assert_eq!(b.reason(b.push(TOKEN)).await?, "TooManyRequests");
    assert!(dial(Dials { error_share: 1.0, error: "Nonsense".into(), ..Dials::default() }).is_err());
    assert_eq!(b.twin.ledger().answers()[&Vendor::Apns]["InternalServerError"], 1);
    assert_eq!(b.twin.ledger().windows(Vendor::Apns, 9).refused, 1);
    Ok(())
}
