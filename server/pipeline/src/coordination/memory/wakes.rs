//! Wake-ups by name. A handle keeps one pending wake, so none is missed between look and sleep.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::sync::Notify;

use crate::coordination::Wakes;

#[derive(Default)]
pub struct MemoryWakes {
    listeners: Mutex<HashMap<String, Vec<Weak<Notify>>>>,
}

impl MemoryWakes {
    /// Every listener of every name.
    pub fn wake_all(&self) {
        let mut listeners = self.listeners.lock().unwrap_or_else(PoisonError::into_inner);
        for list in listeners.values_mut() {
            for notify in list.iter().filter_map(Weak::upgrade) {
                notify.notify_one();
            }
        }
    }
}

impl Wakes for MemoryWakes {
    fn nudge(&self, what: &str) {
        self.wake(what);
    }

    fn wake(&self, what: &str) {
        let mut listeners = self.listeners.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(list) = listeners.get_mut(what) else { return };
        list.retain(|listener| match listener.upgrade() {
            Some(notify) => {
                notify.notify_one();
                true
            }
            None => false,
        });
        if list.is_empty() {
            listeners.remove(what);
        }
    }

    fn listen(&self, what: &str) -> Arc<Notify> {
        let notify = Arc::new(Notify::new());
        let mut listeners = self.listeners.lock().unwrap_or_else(PoisonError::into_inner);
        let list = listeners.entry(what.to_owned()).or_default();
        // Handles come and go; those that went make room here, so the list never outgrows its living.
        list.retain(|listener| listener.strong_count() > 0);
        list.push(Arc::downgrade(&notify));
        notify
    }
}
