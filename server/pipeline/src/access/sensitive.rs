//! The desk of sensitive words: the list is kept here, and asked here by everything that saves or starts a text.

use std::collections::BTreeMap;

use serde_json::json;
use types::content::Content;
use types::problem::{Code, Problem};
use types::sensitive::{self, Found, LIST_MAX, Severity, Word};
use types::text::Words;

use super::accept::store_problem;
use super::actor::Actor;
use crate::storage::apps::App;
use crate::storage::{Storage, StorageError};
use crate::world::World;

#[derive(Clone)]
pub struct SensitiveDesk {
    storage: Storage,
    world: World,
}

impl SensitiveDesk {
    pub fn new(storage: Storage, world: World) -> SensitiveDesk {
        SensitiveDesk { storage, world }
    }

    /// Adds words as pasted or from a file; those without a severity of their own get `severity`. Returns how many were said.
    ///
    /// # Errors
    /// `InvalidFields` with the lines that are no words, or when the list would be too long.
    pub async fn add(&self, app: &App, text: &str, severity: Severity, actor: &Actor) -> Result<u64, Problem> {
        let words = sensitive::read_list(text, severity).map_err(Problem::fields)?;
        let first: Vec<&Word> = words.iter().take(20).collect();
        let told = json!({ "words": words.len(), "first": first });
        let entry = actor.entry(&self.world, "words.add", app.id.as_str(), Some(&app.id), None, Some(told));
        let put = self.storage.sensitive.put(app.no, &words, LIST_MAX as u64, &actor.name, self.world.now(), Some(entry)).await;
        put.map_err(|error| match error {
            StorageError::Conflict("words") => Problem::field(
                "list",
                Words::new(
                    format!("整个列表最多 {LIST_MAX} 个词；请先移除一些"),
                    format!("the whole list holds at most {LIST_MAX} words; remove some first"),
                ),
            ),
            other => store_problem(&other),
        })?;
        Ok(words.len() as u64)
    }

    /// Takes one word off the list.
    ///
    /// # Errors
    /// `NotFound` when it is not on it.
    pub async fn remove(&self, app: &App, word: &str, actor: &Actor) -> Result<(), Problem> {
        let told = json!({ "word": word });
        let entry = actor.entry(&self.world, "words.remove", app.id.as_str(), Some(&app.id), Some(told), None);
        let gone = self.storage.sensitive.remove(app.no, &[word.to_owned()], Some(entry)).await.map_err(|e| store_problem(&e))?;
        if gone == 0 {
            return Err(Problem::because(Code::NotFound, Words::new("列表里没有这个词", "this word is not on the list")));
        }
        Ok(())
    }
}

/// The words of an app's list in a content, as written and as filled with these values. The list goes along, for other questions.
///
/// # Errors
/// When the store fails.
pub async fn look(
    storage: &Storage,
    app: &App,
    content: &Content,
    values: &BTreeMap<String, String>,
) -> Result<(Vec<Found>, Vec<Word>), StorageError> {
    let list = storage.sensitive.all(app.no).await?;
    let asked: Vec<Word> = list.iter().filter(|w| w.severity != Severity::Marketing).cloned().collect();
    Ok((sensitive::search(content, values, &asked), list))
}
