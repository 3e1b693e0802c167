//! A bounded memory of what was looked up: two generations, the older one forgotten when the younger is full.

use std::collections::HashMap;
use std::hash::Hash;

pub struct Kept<K, V> {
    young: HashMap<K, V>,
    old: HashMap<K, V>,
    max: usize,
}

impl<K: Eq + Hash + Clone, V: Clone> Kept<K, V> {
    /// Holds between `max` and twice `max` entries.
    pub fn new(max: usize) -> Kept<K, V> {
        Kept { young: HashMap::new(), old: HashMap::new(), max: max.max(1) }
    }

    pub fn get(&mut self, key: &K) -> Option<V> {
        if let Some(value) = self.young.get(key) {
            return Some(value.clone());
        }
        let value = self.old.remove(key)?;
        self.put(key.clone(), value.clone());
        Some(value)
    }

    pub fn put(&mut self, key: K, value: V) {
        if self.young.len() >= self.max {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(key, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_used_stays_and_what_is_not_goes() {
        let mut kept = Kept::new(10);
        for i in 0..1_000 {
            kept.put(i, i);
            assert_eq!(kept.get(&0), Some(0), "asked for at every step");
            assert!(kept.young.len() + kept.old.len() <= 20);
        }
        assert_eq!(kept.get(&500), None);
        assert_eq!(kept.get(&999), Some(999));
    }
}
