//! Short news at the corner, read aloud politely.

use leptos::prelude::*;

use super::pill::Tone;

#[derive(Clone, Debug)]
struct Toast {
    no: u64,
    tone: Tone,
    text: String,
}

/// Says something: `toast.say(Tone::Ok, text)`. Kept until dismissed, at most five.
#[derive(Clone, Copy)]
pub struct Toasts {
    list: RwSignal<Vec<Toast>>,
    last: StoredValue<u64>,
}

impl Toasts {
    pub fn say(&self, tone: Tone, text: impl Into<String>) {
        let no = self.last.get_value() + 1;
        self.last.set_value(no);
        let toast = Toast { no, tone, text: text.into() };
        self.list.update(|list| {
            list.push(toast);
            if list.len() > 5 {
                list.remove(0);
            }
        });
    }
}

pub fn provide_toasts() {
    provide_context(Toasts { list: RwSignal::new(Vec::new()), last: StoredValue::new(0) });
}

pub fn use_toast() -> Toasts {
    expect_context::<Toasts>()
}

/// Where they appear; once, in the frame.
#[component]
pub fn ToastCorner() -> impl IntoView {
    let toasts = use_toast();
    view! {
        <div class="toasts" role="status" aria-live="polite">
            <For each=move || toasts.list.get() key=|toast| toast.no let:toast>
                <div class=format!("toast {}", toast.tone.class())>
                    <span class="grow">{toast.text}</span>
                    <button type="button" class="btn quiet" aria-label="×" on:click=move |_| toasts.list.update(|l| l.retain(|x| x.no != toast.no))>
                        "×"
                    </button>
                </div>
            </For>
        </div>
    }
    .into_any()
}
