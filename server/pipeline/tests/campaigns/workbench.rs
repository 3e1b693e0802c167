//! What the copy workbench and the list of words ask: refused words, rows of a crowd, what was sent before.

use futures::StreamExt;
use pipeline::access::sensitive::SensitiveDesk;
use pipeline::access::workbench;
use types::content::Content;
use types::sensitive::Severity;

use super::*;

#[tokio::test]
async fn a_refused_word_stops_a_save_and_the_start_of_what_was_saved_before() {
    let desk = Desk::open().await;
    let form = desk.form(&["u0", "u1"]).await;
    let draft = desk.desk.save(&desk.app, None, &form, &ann()).await.unwrap();
    let words = SensitiveDesk::new(desk.storage.clone(), desk.world.clone());
    words.add(&desk.app, "复诊\n您好,warn", Severity::Refuse, &ann()).await.unwrap();
    let refused = desk.desk.launch(&desk.app, &draft.id, draft.revision, &Pressed::default(), &ann()).await.unwrap_err();
    assert_eq!(fields(&refused), ["copy"]);
    let reason = &refused.errors[0].reason.en;
    assert!(reason.contains("its body: holds the refused word \"复诊\"") && reason.contains("say it differently"), "{reason}");
    let check = desk.desk.check(&desk.app, &draft.spec, false).await.unwrap();
    assert!(check.notes.iter().any(|note| note.en.contains("title holds \"您好\"")), "{:?}", check.notes);
    let again = CopyForm { name: "other".into(), title: "t".into(), body: "请 复-诊".into(), ..CopyForm::default() };
    let refused = desk.copies.save(&desk.app, None, &again, &ann()).await.unwrap_err();
    assert_eq!(fields(&refused), ["body"]);

    words.remove(&desk.app, "复诊", &ann()).await.unwrap();
    assert_eq!(words.remove(&desk.app, "复诊", &ann()).await.unwrap_err().code, Code::NotFound);
    let running = desk.desk.launch(&desk.app, &draft.id, draft.revision, &Pressed::default(), &ann()).await.unwrap();
    assert_eq!(running.state, CampaignState::Running, "a word to be careful with stops nothing");
    let log = desk.storage.people.audit_list(&AuditFilter::default(), &PageRequest::default()).await.unwrap();
    let deeds: Vec<String> = log.items.into_iter().map(|row| row.entry.action).filter(|a| a.starts_with("words.")).collect();
    assert_eq!(deeds, ["words.remove", "words.add"]);
}

#[tokio::test]
async fn the_workbench_finds_rows_holes_and_what_was_sent_before() {
    let desk = Desk::open().await;
    let form = desk.form(&["u0", "u1", "=u2", "u3"]).await;
    let id = CrowdId::parse(&form.crowd).unwrap();
    let crowd = desk.storage.crowds.get(&id).await.unwrap().unwrap();
    let row = workbench::row(&desk.storage, &id, 2).await.unwrap().unwrap();
    assert_eq!(row.variables["姓名"], format!("名{}", row.text));
    assert_eq!(workbench::row(&desk.storage, &id, 5).await.unwrap(), None);
    let none = workbench::lacking(&desk.storage, &crowd, &["姓名".to_owned()], || true).await.unwrap();
    assert_eq!((none.lacking, none.looked_at, none.rows), (0, 4, 4));
    let all = workbench::lacking(&desk.storage, &crowd, &["城市".to_owned(), "姓名".to_owned()], || true).await.unwrap();
    assert_eq!((all.lacking, all.first.len(), all.first[3].row), (4, 4, 4));
    assert!(all.first.iter().all(|row| row.names == ["城市"]));
    let part = workbench::lacking(&desk.storage, &crowd, &["城市".to_owned()], || false).await.unwrap();
    assert_eq!((part.lacking, part.looked_at), (0, 0), "what was not looked at is not counted");
    let file = workbench::lacking_file(desk.storage.clone(), crowd, vec!["城市".to_owned()], Lang::En);
    let bytes: Vec<_> = file.map(|part| part.unwrap()).collect().await;
    let text = String::from_utf8(bytes.concat()).unwrap();
    assert!(text.starts_with("\u{feff}row,recipient,missing_variables\r\n") && text.contains(",'=u2,城市\r\n"), "{text}");

    let draft = desk.desk.save(&desk.app, None, &form, &ann()).await.unwrap();
    desk.desk.launch(&desk.app, &draft.id, draft.revision, &Pressed::default(), &ann()).await.unwrap();
    let content = |body: &str| Content { title: "{{name}}您好".into(), body: body.into(), ..Content::default() };
    let (near, looked_at) = workbench::before(&desk.storage, desk.app.no, &content("请复诊！"), NOW).await.unwrap();
    assert_eq!((near.len(), looked_at, near[0].likeness, near[0].clicks.1), (1, 1, 1.0, 0), "nothing delivered yet: no rate");
    assert!(workbench::before(&desk.storage, desk.app.no, &content("今晚直播"), NOW).await.unwrap().0.is_empty());
    let later = NOW + i64::from(workbench::BEFORE_DAYS + 1) * 86_400_000;
    assert_eq!(workbench::before(&desk.storage, desk.app.no, &content("请复诊"), later).await.unwrap().1, 0, "too long ago");
}
