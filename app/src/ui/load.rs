//! Waiting for what a page shows: the old picture stays until the new one is there; an error is told in place.

use leptos::prelude::*;
use leptos::tachys::reactive_graph::OwnedView;
use types::text::Text;

use super::trouble::ErrorBox;
use crate::error::AppError;
use crate::i18n::t;

const LOADING: Text = Text::new("正在读取…", "Loading…");

/// Draws `view` with what `resource` brings.
///
/// Every picture has an owner of its own, beside the effect that waits for the next one. Leptos cleans an effect's owner the
/// moment a dependency changes, but the picture stays on the screen, listening and clickable, until the answer is there: had it
/// been drawn under that effect, whatever moved meanwhile would read signals that are gone ("already been disposed"). `OwnedView`
/// lets the old owner go only after the new picture has taken its place.
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
            {
                let here = Owner::current().unwrap_or_default();
                move || {
                    let (draw, here) = (draw.clone(), here.clone());
                    Suspend::new(async move {
                        let brought = resource.await;
                        let owner = here.child();
                        let picture = owner.with(|| match brought {
                            Ok(value) => draw(value).into_any(),
                            Err(error) => view! { <ErrorBox error=Signal::stored(Some(error)) /> }.into_any(),
                        });
                        OwnedView::new_with_owner(picture, owner)
                    })
                }
            }
        </Transition>
    }
    .into_any()
}
