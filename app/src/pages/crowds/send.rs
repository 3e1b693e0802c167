//! Sending a file with a progress bar: XMLHttpRequest, the only way a browser tells how far an upload is.

use leptos::ev::{DragEvent, SubmitEvent};
use leptos::prelude::*;

use crate::error::AppError;

/// An upload under way; cheap to copy.
#[derive(Clone, Copy)]
pub struct Sending {
    /// Bytes sent, bytes in all.
    pub part: RwSignal<Option<(u64, u64)>>,
    pub error: RwSignal<Option<AppError>>,
    /// The upload's id when the server took it.
    pub done: RwSignal<Option<String>>,
    /// A file hovers above the drop zone.
    pub over: RwSignal<bool>,
    #[cfg(feature = "hydrate")]
    request: StoredValue<Option<web_sys::XmlHttpRequest>, LocalStorage>,
}

impl Sending {
    pub fn new(error: Option<AppError>) -> Sending {
        Sending {
            part: RwSignal::new(None),
            error: RwSignal::new(error),
            done: RwSignal::new(None),
            over: RwSignal::new(false),
            #[cfg(feature = "hydrate")]
            request: StoredValue::new_local(None),
        }
    }
}

#[cfg(feature = "hydrate")]
pub use browser::{dropped, over, stop, submitted};
#[cfg(not(feature = "hydrate"))]
pub use server::{dropped, over, stop, submitted};

/// Events happen in browsers only.
#[cfg(not(feature = "hydrate"))]
mod server {
    use super::{DragEvent, Sending, SubmitEvent};

    pub fn submitted(_: SubmitEvent, _: String, _: Sending) {}
    pub fn over(_: DragEvent, _: Sending) {}
    pub fn dropped(_: DragEvent, _: String, _: Sending) {}
    pub fn stop(_: Sending) {}
}

#[cfg(feature = "hydrate")]
mod browser {
    use leptos::prelude::*;
    use types::problem::{Code, Problem};
    use types::text::Words;
    use types::views::crowds::Received;
    use wasm_bindgen::JsCast;
    use wasm_bindgen::prelude::Closure;
    use web_sys::{FormData, HtmlFormElement, ProgressEvent, XmlHttpRequest};

    use super::{DragEvent, Sending, SubmitEvent};
    use crate::error::AppError;

    pub fn submitted(event: SubmitEvent, action: String, sending: Sending) {
        let form = event.target().and_then(|t| t.dyn_into::<HtmlFormElement>().ok());
        let Some(data) = form.and_then(|form| FormData::new_with_form(&form).ok()) else { return };
        event.prevent_default();
        send(&data, &action, sending);
    }

    pub fn over(event: DragEvent, sending: Sending) {
        // Without this the browser opens the file instead.
        event.prevent_default();
        sending.over.set(true);
    }

    pub fn dropped(event: DragEvent, action: String, sending: Sending) {
        event.prevent_default();
        sending.over.set(false);
        let file = event.data_transfer().and_then(|d| d.files()).and_then(|files| files.get(0));
        let (Some(file), Ok(data)) = (file, FormData::new()) else { return };
        if data.append_with_blob_and_filename("file", &file, &file.name()).is_ok() {
            send(&data, &action, sending);
        }
    }

    pub fn stop(sending: Sending) {
        if let Some(request) = sending.request.get_value() {
            // Fails only when it is over.
            let _ = request.abort();
        }
    }

    fn send(data: &FormData, action: &str, sending: Sending) {
        if sending.part.get_untracked().is_some() {
            return;
        }
        let Ok(request) = XmlHttpRequest::new() else { return };
        sending.error.set(None);
        sending.part.set(Some((0, 1)));
        let progress = Closure::<dyn Fn(ProgressEvent)>::new(move |event: ProgressEvent| {
            sending.part.set(Some((event.loaded() as u64, (event.total() as u64).max(1))));
        });
        if let Ok(upload) = request.upload() {
            upload.set_onprogress(Some(progress.as_ref().unchecked_ref()));
        }
        let answered = request.clone();
        // `loadend` comes once, whatever happened.
        let ended = Closure::<dyn Fn()>::new(move || {
            sending.part.set(None);
            sending.request.set_value(None);
            let text = answered.response_text().ok().flatten().unwrap_or_default();
            match serde_json::from_str::<Received>(&text) {
                Ok(received) => sending.done.set(Some(received.upload.as_str().to_owned())),
                Err(_) => sending.error.set(Some(refusal(&text))),
            }
        });
        request.set_onloadend(Some(ended.as_ref().unchecked_ref()));
        // Owned by the browser for as long as the request lives: two small closures per upload.
        progress.forget();
        ended.forget();
        let sent = request
            .open_with_async("POST", action, true)
            .and_then(|()| request.set_request_header("Accept", "application/json"))
            .and_then(|()| request.send_with_opt_form_data(Some(data)));
        match sent {
            Ok(()) => sending.request.set_value(Some(request)),
            Err(_) => {
                sending.part.set(None);
                sending.error.set(Some(broken_off()));
            }
        }
    }

    fn refusal(text: &str) -> AppError {
        serde_json::from_str::<AppError>(text).ok().unwrap_or_else(broken_off)
    }

    fn broken_off() -> AppError {
        Problem::because(
            Code::Unavailable,
            Words::new("上传中断；请检查网络后重新上传", "The upload broke off; check the network and upload the file again"),
        )
        .into()
    }
}
