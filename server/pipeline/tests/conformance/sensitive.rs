//! The list of sensitive words.

use pipeline::access::actor::Actor;
use pipeline::storage::StorageError;
use pipeline::storage::people::{AuditCheck, AuditEntry};
use pipeline::world::World;
use types::listing::PageRequest;
use types::sensitive::{Severity, Word};

use super::fresh_storage;
use crate::support::{NOW, app};

fn audit(action: &str) -> AuditEntry {
    Actor::system().entry(&World::system(), action, "words", None, None, None)
}

fn word(text: &str, severity: Severity) -> Word {
    Word { text: text.into(), severity }
}

#[tokio::test]
async fn a_list_holds_each_word_once_as_it_is_compared() {
    let storage = fresh_storage().await;
    let (one, two) = (app(&storage, "a").await, app(&storage, "b").await);
    let store = &storage.sensitive;
    let first = [word("赌博", Severity::Refuse), word("FREE", Severity::Warn), word("优惠", Severity::Marketing)];
    store.put(one.no, &first, 10, "Ann", NOW, Some(audit("words.add"))).await.unwrap();
    store.put(two.no, &[word("别的", Severity::Warn)], 10, "Ann", NOW, None).await.unwrap();
    store.put(one.no, &[word("ｆｒｅｅ", Severity::Refuse)], 10, "Bob", NOW + 1, Some(audit("words.add"))).await.unwrap();
    let all = store.all(one.no).await.unwrap();
    assert_eq!(all.len(), 3, "the same word in another width is the same word: {all:?}");
    assert!(all.contains(&word("ｆｒｅｅ", Severity::Refuse)), "the last word counts: {all:?}");
    assert_eq!(store.counts(one.no).await.unwrap(), [(Severity::Marketing, 1), (Severity::Refuse, 2)]);

    let page = PageRequest { after: None, size: 2 };
    let list = store.list(one.no, None, None, &page).await.unwrap();
    assert_eq!((list.items.len(), list.items[0].word.text.as_str()), (2, "优惠"), "newest first");
    let rest = store.list(one.no, None, None, &PageRequest { after: list.next, size: 2 }).await.unwrap();
    assert_eq!((rest.items.len(), rest.next), (1, None));
    let found = store.list(one.no, Some("fre"), None, &page).await.unwrap();
    assert_eq!((found.items[0].word.text.as_str(), found.items[0].added_by.as_str(), found.items.len()), ("ｆｒｅｅ", "Bob", 1));
    let marketing = store.list(one.no, None, Some(Severity::Marketing), &page).await.unwrap();
    assert_eq!(marketing.items.len(), 1);

    assert_eq!(store.remove(one.no, &["赌 博".to_owned()], Some(audit("words.remove"))).await.unwrap(), 1, "compared as it is kept");
    assert_eq!(store.remove(one.no, &["赌博".to_owned()], Some(audit("words.remove"))).await.unwrap(), 0);
    assert_eq!((store.all(one.no).await.unwrap().len(), store.all(two.no).await.unwrap().len()), (2, 1));
    assert!(matches!(storage.people.audit_check().await.unwrap(), AuditCheck::Whole(3)), "what changed nothing is not told");
}

#[tokio::test]
async fn a_list_that_would_be_too_long_is_left_as_it_was() {
    let storage = fresh_storage().await;
    let app = app(&storage, "a").await;
    let words: Vec<Word> = (0..1_500).map(|i| word(&format!("word{i}"), Severity::Warn)).collect();
    storage.sensitive.put(app.no, &words, 1_500, "Ann", NOW, None).await.unwrap();
    assert_eq!(storage.sensitive.all(app.no).await.unwrap().len(), 1_500);
    storage.sensitive.put(app.no, &words[..10], 1_500, "Bob", NOW, None).await.unwrap();
    let more = storage.sensitive.put(app.no, &[word("one more", Severity::Warn)], 1_500, "Ann", NOW, Some(audit("words.add"))).await;
    assert!(matches!(more, Err(StorageError::Conflict("words"))), "{more:?}");
    assert_eq!(storage.sensitive.all(app.no).await.unwrap().len(), 1_500);
    assert!(matches!(storage.people.audit_check().await.unwrap(), AuditCheck::Whole(0)));
}
