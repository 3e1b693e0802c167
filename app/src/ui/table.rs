//! The only tables: with a caption, a head, a body (browsers repair tables without one, which breaks hydration), scrolling alone.

use leptos::prelude::*;

/// One column of the head.
#[derive(Clone, Debug)]
pub struct Column {
    pub label: String,
    /// Right-aligned figures; cells of this column carry class `n`.
    pub number: bool,
}

impl Column {
    pub fn text(label: impl Into<String>) -> Column {
        Column { label: label.into(), number: false }
    }

    pub fn number(label: impl Into<String>) -> Column {
        Column { label: label.into(), number: true }
    }
}

/// `caption` names the table for those who cannot see it; children are `<tr>` rows.
#[component]
pub fn Table(#[prop(into)] caption: String, columns: Vec<Column>, children: Children) -> impl IntoView {
    let label = caption.clone();
    view! {
        <div class="scroll" role="region" tabindex="0" aria-label=label>
            <table>
                <caption class="hidden">{caption}</caption>
                <thead>
                    <tr>
                        {columns
                            .into_iter()
                            .map(|c| {
                                view! {
                                    <th scope="col" class=if c.number { "n" } else { "" }>
                                        {c.label}
                                    </th>
                                }
                            })
                            .collect_view()}
                    </tr>
                </thead>
                <tbody>{children()}</tbody>
            </table>
        </div>
    }
    .into_any()
}
