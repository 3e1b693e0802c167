//! Live progress: an event stream; when it breaks, asking every three seconds. Without scripts the page is a snapshot.

use leptos::prelude::*;
use types::views::campaigns::CampaignProgress;

/// What a live page shows besides the figures.
#[derive(Clone, Copy)]
pub struct Live {
    pub progress: RwSignal<CampaignProgress>,
    /// Seconds since the figures came.
    pub age: RwSignal<u32>,
}

/// Follows a campaign as long as the page is open and something may still move.
pub fn follow(app: String, id: String, first: CampaignProgress) -> Live {
    let live = Live { progress: RwSignal::new(first), age: RwSignal::new(0) };
    #[cfg(feature = "hydrate")]
    browser::follow(live, app, id);
    #[cfg(not(feature = "hydrate"))]
    let _ = (app, id);
    live
}

#[cfg(feature = "hydrate")]
mod browser {
    use std::time::Duration;

    use leptos::prelude::*;
    use leptos::task::spawn_local;
    use wasm_bindgen::JsCast;
    use wasm_bindgen::closure::Closure;
    use web_sys::{EventSource, MessageEvent};

    use super::Live;
    use crate::pages::campaigns::read_progress;

    /// Older than this, the stream is taken for dead.
    const STALE_S: u32 = 4;
    /// Between two questions when it is.
    const POLL_S: u32 = 3;

    pub fn follow(live: Live, app: String, id: String) {
        Effect::new(move |before: Option<()>| {
            if before.is_some() || !live.progress.with_untracked(|p| p.is_moving()) {
                return;
            }
            stream(live, &app, &id);
            let (app, id) = (app.clone(), id.clone());
            let tick = set_interval_with_handle(
                move || {
                    if !live.progress.with_untracked(|p| p.is_moving()) {
                        return;
                    }
                    live.age.update(|age| *age += 1);
                    let age = live.age.get_untracked();
                    if age >= STALE_S && (age - STALE_S).is_multiple_of(POLL_S) {
                        poll(live, app.clone(), id.clone());
                    }
                },
                Duration::from_secs(1),
            );
            if let Ok(tick) = tick {
                on_cleanup(move || tick.clear());
            }
        });
    }

    fn stream(live: Live, app: &str, id: &str) {
        let Ok(source) = EventSource::new(&format!("/live/apps/{app}/campaigns/{id}")) else { return };
        let taken = source.clone();
        let heard = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
            let Some(progress) = event.data().as_string().and_then(|text| serde_json::from_str::<super::CampaignProgress>(&text).ok())
            else {
                return;
            };
            if !progress.is_moving() {
                taken.close();
            }
            live.age.set(0);
            live.progress.set(progress);
        });
        source.set_onmessage(Some(heard.as_ref().unchecked_ref()));
        let kept = StoredValue::new_local((source, heard));
        on_cleanup(move || kept.with_value(|(source, _)| source.close()));
    }

    fn poll(live: Live, app: String, id: String) {
        spawn_local(async move {
            if let Ok(progress) = read_progress(app, id).await {
                live.age.set(0);
                live.progress.set(progress);
            }
        });
    }
}
