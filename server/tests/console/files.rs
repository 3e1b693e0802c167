//! Files that the console gives out, and to whom.

use super::*;

#[tokio::test]
async fn files_of_outcomes_are_for_who_may_see_recipients() {
    let bench = Bench::new().await;
    for noun in ["messages", "campaigns"] {
        let path = |app: &AppId| format!("/apps/{app}/{noun}/x/outcomes.csv");
        assert_eq!(bench.page(&path(&bench.one), None).await.0, 401, "{noun}");
        let workbook = path(&bench.one).replace(".csv", ".xlsx");
        let (status, _) = bench.page(&workbook, bench.cookies.get("viewer").map(String::as_str)).await;
        assert_eq!(status, 403, "{noun}: a workbook is the same file");
        for role in Role::ALL {
            let (status, _) = bench.page(&path(&bench.one), bench.cookies.get(role.slug()).map(String::as_str)).await;
            assert_eq!(status, if role.may(SeeRecipients) { 404 } else { 403 }, "{noun} as {}", role.slug());
        }
        let (status, _) = bench.page(&path(&bench.two), bench.cookies.get("only").map(String::as_str)).await;
        assert_eq!(status, 403, "{noun} in another app");
    }
    // The audit log is the administrators'.
    for role in Role::ALL {
        for ending in ["csv", "xlsx"] {
            let path = format!("/audit.{ending}?action=person.&from=2020-01-01T00:00");
            let request = bench.client.get(format!("{}{path}", bench.base)).header("cookie", &bench.cookies[role.slug()]);
            let answer = request.send().await.expect("an answer");
            let (status, bytes) = (answer.status().as_u16(), answer.bytes().await.expect("a file"));
            assert_eq!(status, if role.may(Administer) { 200 } else { 403 }, "{ending} as {}", role.slug());
            if status == 200 && ending == "csv" {
                let text = String::from_utf8(bytes.to_vec()).expect("text");
                assert!(text.contains("person.create") && !text.contains("app.create"), "{text}");
                assert!(text.contains("+08:00"), "times in the console's zone: {text}");
            } else if status == 200 {
                assert_eq!(&bytes[..4], b"PK\x03\x04");
            }
        }
    }
    let (status, _) = bench.page("/audit.csv", None).await;
    assert_eq!(status, 401);
    bench.end().await;
}
