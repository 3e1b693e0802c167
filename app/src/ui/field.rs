//! Form fields: label above, help below, the complaint in place and tied to the field.

use leptos::prelude::*;

/// Entity-encodes a text for the inside of `<textarea>`: leptos 0.8 writes textarea children unescaped, which would let a stored
/// `</textarea><script>` out. The leading newline is the one HTML drops.
pub fn encode_for_textarea(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 1);
    out.push('\n');
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

fn describe(name: &str, help: bool) -> String {
    if help { format!("{name}-help {name}-error") } else { format!("{name}-error") }
}

#[component]
fn Wrap(
    name: String,
    label: String,
    help: Option<String>,
    #[prop(into)] error: Signal<Option<String>>,
    children: Children,
) -> impl IntoView {
    view! {
        <div class="field">
            <label for=name.clone()>{label}</label>
            {children()}
            {help.map(|help| view! { <p class="help" id=format!("{name}-help")>{help}</p> })}
            <p class="field-error" id=format!("{name}-error") role="alert">
                {move || error.get()}
            </p>
        </div>
    }
    .into_any()
}

/// One line. `id` is the name unless given (two forms on one page).
#[component]
pub fn TextField(
    #[prop(into)] name: String,
    #[prop(into)] label: String,
    #[prop(optional, into)] value: Signal<String>,
    #[prop(optional, into)] help: Option<String>,
    #[prop(optional, into)] error: Signal<Option<String>>,
    /// `text` when empty.
    #[prop(optional)]
    kind: &'static str,
    #[prop(optional, into)] id: Option<String>,
    #[prop(optional)] required: bool,
    #[prop(optional, into)] placeholder: Option<String>,
    #[prop(optional, into)] autocomplete: Option<String>,
    #[prop(optional, into)] min: Option<String>,
    #[prop(optional, into)] max: Option<String>,
    #[prop(optional)] maxlength: Option<u32>,
    #[prop(optional)] minlength: Option<u32>,
    /// Filled on every key, for previews and meters.
    #[prop(optional)]
    live: Option<RwSignal<String>>,
) -> impl IntoView {
    let id = id.unwrap_or_else(|| name.clone());
    let described = describe(&id, help.is_some());
    view! {
        <Wrap name=id.clone() label=label help=help error=error>
            <input
                id=id
                name=name
                r#type=if kind.is_empty() { "text" } else { kind }
                value=move || value.get()
                required=required
                placeholder=placeholder
                autocomplete=autocomplete
                min=min
                max=max
                maxlength=maxlength
                minlength=minlength
                aria-describedby=described
                aria-invalid=move || error.get().is_some().then_some("true")
                on:input=move |event| {
                    if let Some(live) = live {
                        live.set(event_target_value(&event));
                    }
                }
            />
        </Wrap>
    }
    .into_any()
}

/// Several lines; the only `<textarea>` of the console.
#[component]
pub fn TextArea(
    #[prop(into)] name: String,
    #[prop(into)] label: String,
    #[prop(optional, into)] value: Signal<String>,
    #[prop(optional, into)] help: Option<String>,
    #[prop(optional, into)] error: Signal<Option<String>>,
    #[prop(optional, into)] id: Option<String>,
    #[prop(optional)] rows: Option<u32>,
    #[prop(optional)] required: bool,
    #[prop(optional)] maxlength: Option<u32>,
    #[prop(optional, into)] placeholder: Option<String>,
    #[prop(optional)] live: Option<RwSignal<String>>,
) -> impl IntoView {
    let id = id.unwrap_or_else(|| name.clone());
    let described = describe(&id, help.is_some());
    let inside = encode_for_textarea(&value.get_untracked());
    view! {
        <Wrap name=id.clone() label=label help=help error=error>
            <textarea
                id=id
                name=name
                rows=rows.unwrap_or(3)
                required=required
                maxlength=maxlength
                placeholder=placeholder
                spellcheck="false"
                aria-describedby=described
                aria-invalid=move || error.get().is_some().then_some("true")
                inner_html=inside
                prop:value=move || value.get()
                on:input=move |event| {
                    if let Some(live) = live {
                        live.set(event_target_value(&event));
                    }
                }
            ></textarea>
        </Wrap>
    }
    .into_any()
}

/// A choice: `(value, label)`.
#[component]
pub fn SelectField(
    #[prop(into)] name: String,
    #[prop(into)] label: String,
    options: Vec<(String, String)>,
    #[prop(optional, into)] value: Signal<String>,
    #[prop(optional, into)] help: Option<String>,
    #[prop(optional, into)] error: Signal<Option<String>>,
    #[prop(optional, into)] id: Option<String>,
    #[prop(optional)] live: Option<RwSignal<String>>,
) -> impl IntoView {
    let id = id.unwrap_or_else(|| name.clone());
    let described = describe(&id, help.is_some());
    view! {
        <Wrap name=id.clone() label=label help=help error=error>
            <select
                id=id
                name=name
                aria-describedby=described
                on:change=move |event| {
                    if let Some(live) = live {
                        live.set(event_target_value(&event));
                    }
                }
            >
                {options
                    .into_iter()
                    .map(|(key, label)| {
                        let this = key.clone();
                        view! {
                            <option value=key selected=move || value.with(|v| *v == this)>
                                {label}
                            </option>
                        }
                    })
                    .collect_view()}
            </select>
        </Wrap>
    }
    .into_any()
}

/// A box to tick; sends `value` (`true` when not given) under `name` when ticked.
#[component]
pub fn CheckField(
    #[prop(into)] name: String,
    #[prop(into)] label: String,
    #[prop(optional)] checked: bool,
    #[prop(optional, into)] value: Option<String>,
    #[prop(optional, into)] help: Option<String>,
) -> impl IntoView {
    view! {
        <label class="check">
            <input type="checkbox" name=name value=value.unwrap_or_else(|| "true".to_owned()) checked=checked />
            <span>{label}</span>
            {help.map(|help| view! { <span class="help">{help}</span> })}
        </label>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::encode_for_textarea;

    #[test]
    fn nothing_gets_out_of_a_textarea() {
        let coded = encode_for_textarea("</textarea><img src=x onerror=\"a('b')\">&");
        assert_eq!(coded, "\n&lt;/textarea&gt;&lt;img src=x onerror=&quot;a(&#39;b&#39;)&quot;&gt;&amp;");
        assert_eq!(encode_for_textarea("\nfirst"), "\n\nfirst", "a leading line break of the person survives");
    }
}
