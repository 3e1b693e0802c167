//! Waiting for what a page shows: the old picture stays until the new one is there; an error is told in place.

use leptos::prelude::*;
use types::text::Text;

use super::trouble::ErrorBox;
use crate::error::AppError;
use crate::i18n::t;

const LOADING: Text = Text::new("正在读取…", "Loading…");

/// Draws `view` with what `resource` brings.
///
/// ```ignore
/// let devices = Resource::new(move || (app.get(), query.get()), |(app, query)| list_devices(app, query));
/// view! { <Load resource=devices view=|page| view! { … } /> }
/// ```
#[component]
pub fn Load<T, V, F>(resource: Resource<Result<T, AppError>>, view: F) -> impl IntoView
where
    T: Clone + Send + Sync + serde::Serialize + serde::de::DeserializeOwned + 'static,
    F: Fn(T) -> V + Clone + Send + Sync + 'static,
    V: IntoView + 'static,
{
    let draw = view;
    view! {
        <Transition fallback=move || view! { <p class="sub" aria-busy="true">{t(LOADING)}</p> }>
            {move || {
                let draw = draw.clone();
                Suspend::new(async move {
                    match resource.await {
                        Ok(value) => draw(value).into_any(),
                        Err(error) => view! { <ErrorBox error=Signal::stored(Some(error)) /> }.into_any(),
                    }
                })
            }}
        </Transition>
    }
    .into_any()
}
