//! The dials of one vendor: a form drawn from their list. It is not drawn anew while somebody types.

use leptos::form::ActionForm;
use leptos::prelude::*;
use types::vendor::Vendor;
use types::views::laboratory::{DIALS, Dial, DialGroup, DialKind, DialValues};

use super::calls::{TurnDials, read_dials};
use crate::ui::prelude::*;
use crate::ui::returned::typed_into;

const TITLE: Text = Text::new("旋钮：{0}", "Dials: {0}");
const SAVE: Text = Text::new("应用", "Apply");
const RESET: Text = Text::new("全部回到原位", "Put all at rest");
const ON: Text = Text::new("开", "on");
const OFF: Text = Text::new("关", "off");
const DONE: Text = Text::new("已生效", "in force");

#[component]
pub fn DialForm(vendor: Vendor, turn: ServerAction<TurnDials>) -> impl IntoView {
    let lang = use_lang();
    // What was refused stays as it was typed.
    let turned = Memo::new(move |before: Option<&usize>| match turn.value().get() {
        Some(Err(_)) => before.copied().unwrap_or_default(),
        _ => turn.version().get(),
    });
    let values = Resource::new(move || turned.get(), move |_| read_dials(vendor.slug().to_owned()));
    let trouble = trouble_of(turn);
    let done = move || turn.value().get().is_some_and(|result| result.is_ok());
    let title = TITLE.fill(lang, &[vendor.name().get(lang)]);
    view! {
        <section class="card" id="dials">
            <header class="card-head">
                <h2>{title}</h2>
                <span role="status">{move || done().then(|| view! { <Pill tone=Tone::Ok>{DONE.get(lang)}</Pill> })}</span>
            </header>
            <ErrorBox error=trouble />
            <Load resource=values view=move |values: DialValues| view! { <Fields vendor=vendor values=values turn=turn trouble=trouble /> } />
        </section>
    }
    .into_any()
}

#[component]
fn Fields(vendor: Vendor, values: DialValues, turn: ServerAction<TurnDials>, trouble: Signal<Option<AppError>>) -> impl IntoView {
    let lang = use_lang();
    let mut values = values;
    let mut seen = serde_json::to_string(&values).unwrap_or_default();
    if let Some(typed) = typed_into::<TurnDials>().filter(|typed| typed.vendor == vendor.slug()) {
        values.extend(typed.dials);
        seen = typed.seen;
    }
    let groups = DialGroup::ALL
        .map(|group| {
            let fields = DIALS.iter().filter(|d| d.group == group).map(|d| field(d, &values, trouble, lang)).collect::<Vec<_>>();
            view! {
                <fieldset>
                    <legend>{group.name().get(lang)}</legend>
                    <div class="form-row">{fields}</div>
                </fieldset>
            }
        })
        .collect_view();
    let at_rest: Vec<_> = DIALS.iter().map(|d| view! { <input type="hidden" name=format!("dials[{}]", d.name) value=d.rest /> }).collect();
    view! {
        <ActionForm action=turn attr:class="form">
            <input type="hidden" name="vendor" value=vendor.slug() />
            <input type="hidden" name="seen" value=seen />
            {groups}
            <Button kind=Kind::Act>{SAVE.get(lang)}</Button>
        </ActionForm>
        <ActionForm action=turn>
            <input type="hidden" name="vendor" value=vendor.slug() />
            {at_rest}
            <Button>{RESET.get(lang)}</Button>
        </ActionForm>
    }
    .into_any()
}

fn field(dial: &'static Dial, values: &DialValues, trouble: Signal<Option<AppError>>, lang: Lang) -> AnyView {
    let value = values.get(dial.name).cloned().unwrap_or_default();
    let (name, label, error) = (format!("dials[{}]", dial.name), dial.label.get(lang), trouble.field(dial.name));
    let options: Vec<(String, String)> = match dial.kind {
        DialKind::Choice(all) => all.iter().map(|(slug, text)| ((*slug).to_owned(), text.get(lang).to_owned())).collect(),
        DialKind::Switch => vec![("false".to_owned(), OFF.get(lang).to_owned()), ("true".to_owned(), ON.get(lang).to_owned())],
        DialKind::Share | DialKind::Number | DialKind::Word => {
            return view! { <TextField name=name id=format!("dial-{}", dial.name.replace('.', "-")) label=label value=value maxlength=100 error=error /> }.into_any();
        }
    };
    view! { <SelectField name=name id=format!("dial-{}", dial.name.replace('.', "-")) label=label options=options value=value error=error /> }.into_any()
}
