//! Asking again while a page is open.

#[cfg(feature = "hydrate")]
use leptos::prelude::*;

/// Calls `again` every `ms` in the browser while the page is open.
pub fn every(ms: u64, again: impl Fn() + 'static) {
    #[cfg(feature = "hydrate")]
    Effect::new({
        let again = std::rc::Rc::new(again);
        move |_| {
            let again = again.clone();
            if let Ok(handle) = set_interval_with_handle(move || again(), std::time::Duration::from_millis(ms)) {
                on_cleanup(move || handle.clear());
            }
        }
    });
    #[cfg(not(feature = "hydrate"))]
    drop((ms, again));
}
