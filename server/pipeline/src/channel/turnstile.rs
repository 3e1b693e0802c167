//! Who is more urgent takes the lane's tokens first: while one of a higher rank waits for some, the others leave them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use types::content::Rank;

/// Who let somebody go first looks again after this.
pub const YIELD: Duration = Duration::from_millis(4);

/// Requests of one lane in this process that wait for tokens, by rank.
#[derive(Debug, Default)]
pub struct Turnstile {
    waiting: [AtomicU32; Rank::ALL.len()],
}

/// One that waits; it stops waiting when this goes.
pub struct Waiting {
    at: Arc<Turnstile>,
    rank: Rank,
}

impl Turnstile {
    pub fn wait(self: &Arc<Self>, rank: Rank) -> Waiting {
        self.waiting[rank as usize].fetch_add(1, Ordering::Relaxed);
        Waiting { at: self.clone(), rank }
    }

    /// Whether somebody more urgent waits.
    pub fn must_yield(&self, rank: Rank) -> bool {
        self.waiting[..rank as usize].iter().any(|n| n.load(Ordering::Relaxed) > 0)
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.at.waiting[self.rank as usize].fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_more_urgent_is_let_go_first() {
        let turnstile = Arc::new(Turnstile::default());
        let bulk = turnstile.wait(Rank::Bulk);
        assert!(Rank::ALL.iter().all(|rank| !turnstile.must_yield(*rank)), "nobody yields to who may wait");
        let key = turnstile.wait(Rank::Key);
        assert_eq!(Rank::ALL.map(|rank| turnstile.must_yield(rank)), [false, false, true]);
        let urgent = turnstile.wait(Rank::Urgent);
        assert_eq!(Rank::ALL.map(|rank| turnstile.must_yield(rank)), [false, true, true]);
        drop((key, urgent));
        assert!(!turnstile.must_yield(Rank::Bulk));
        drop(bulk);
    }
}
