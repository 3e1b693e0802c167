//! Things shown once: kept in memory only, for a few minutes, for one person.

use std::collections::HashMap;
use std::sync::Mutex;

use types::Millis;

/// How long a fresh secret waits to be read.
const WAIT_MS: Millis = 10 * 60_000;

pub struct Once<T>(Mutex<HashMap<String, (Millis, T)>>);

impl<T> Default for Once<T> {
    fn default() -> Self {
        Once(Mutex::new(HashMap::new()))
    }
}

impl<T> Once<T> {
    pub fn put(&self, key: String, value: T, now: Millis) {
        let mut waiting = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        waiting.retain(|_, (at, _)| now - *at < WAIT_MS);
        waiting.insert(key, (now, value));
    }

    pub fn take(&self, key: &str, now: Millis) -> Option<T> {
        let mut waiting = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        waiting.remove(key).filter(|(at, _)| now - *at < WAIT_MS).map(|(_, value)| value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn once_and_in_time() {
        let once = Once::default();
        once.put("a".into(), 1, 0);
        assert_eq!(once.take("a", 1), Some(1));
        assert_eq!(once.take("a", 1), None);
        once.put("b".into(), 2, 0);
        assert_eq!(once.take("b", WAIT_MS), None);
    }
}
