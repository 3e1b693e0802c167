//! Sensitive words: what must not be sent, what deserves a second look, and what advertising sounds like.

pub mod calls;

use leptos::form::ActionForm;
use leptos::prelude::*;
use leptos_router::hooks::use_query_map;
use types::people::Permission;
use types::sensitive::Severity;
use types::views::workbench::{WordView, WordsView};

use calls::{AddWords, RemoveWord, list_words};

use crate::ui::format;
use crate::ui::icon::Icon;
use crate::ui::prelude::*;
use crate::ui::returned::{refusal_of, typed_into};

const TITLE: Text = Text::new("敏感词", "Sensitive words");
const SUB: Text = Text::new(
    "保存文案、打开工作台和开始任务时都会查。大小写、全角半角、字间的空格和标点都不影响匹配；英文词只匹配整词。",
    "Looked for when a copy is saved, in the workbench, and again at the start of a campaign. Case, width, and blanks or signs between letters do not hide a word; Latin words match as whole words only.",
);
const HOW: Text = Text::new(
    "禁止：含它的文案不能保存，任务不能开始。提醒：给写的人看。营销词：只在系统类消息里找，本应用没有营销词时用内置的一组。",
    "Refuse: a copy with it is not saved, a campaign with it not started. Warn: shown to whoever composes. Marketing word: looked for in system messages only; ours are used while this list has none.",
);
const WORD: Text = Text::new("词", "Word");
const PART: Text = Text::new("包含", "Contains");
const WHAT: Text = Text::new("处理", "Then");
const ALL: Text = Text::new("全部", "All");
const ADDED: Text = Text::new("添加", "Added");
const LIST: Text = Text::new("词，每行一个", "Words, one a line");
const LIST_HELP: Text = Text::new(
    "可从文本或 CSV 粘贴：词,refuse / warn / marketing；没写的用下面的。最多 20000 个",
    "Paste from a text or CSV file: word,refuse or ,warn or ,marketing; what a line leaves out is taken from below. Up to 20,000",
);
const FILE: Text = Text::new("或选一个文件（UTF-8 文本或 CSV）", "Or choose a file (UTF-8 text or CSV)");
const IMPORT: Text = Text::new("导入文件", "Import the file");
const ADD: Text = Text::new("加入列表", "Add to the list");
const REMOVE: Text = Text::new("移除", "Remove");
const NONE: Text = Text::new(
    "这里还没有词。加几个不想发出去的，写文案时就会提醒。",
    "No word here yet. Add what should not go out, and composing will tell.",
);
const BUILT_IN: Text = Text::new("内置的营销词", "Marketing words built in");
const MAY_NOT: Text = Text::new("需要审批权限", "Needs the right to approve");
const COUNT: Text = Text::new("{0} {1} 个", "{1} {0}");

fn severities() -> Vec<(String, String)> {
    Severity::ALL.map(|s| (s.slug().to_owned(), t(s.name()).to_owned())).to_vec()
}

const fn tone(severity: Severity) -> Tone {
    match severity {
        Severity::Refuse => Tone::Bad,
        Severity::Warn => Tone::Warn,
        Severity::Marketing => Tone::Mute,
    }
}

#[component]
pub fn WordsPage() -> impl IntoView {
    let lang = use_lang();
    let app = use_app_id();
    let may = use_may(Permission::Approve);
    let blocked = Signal::derive(move || !may.get());
    let (add, remove) = (ServerAction::<AddWords>::new(), ServerAction::<RemoveWord>::new());
    let query = use_query_map();
    let part = move |name: &str| query.with_untracked(|q| q.get(name).unwrap_or_default());
    let (text, severity, after) = (part("text"), part("severity"), part("after"));
    let wish = (app.get_untracked(), text.clone(), severity.clone(), after);
    let list = Resource::new(move || wish.clone(), |(app, text, severity, after)| list_words(app, text, severity, after));
    let trouble = trouble_of(add);
    let typed = typed_into::<AddWords>();
    let (typed, how) = typed.map_or((String::new(), Severity::Refuse.slug().to_owned()), |t| (t.list, t.severity));
    let also = how.clone();
    let file = format!("/apps/{}/words/file", app.get_untracked());
    let refused = Signal::stored(refusal_of(&file).map(AppError::from));
    let mut choice = vec![(String::new(), ALL.get(lang).to_owned())];
    choice.extend(severities());
    let row = move |word: WordView| {
        view! {
            <tr>
                <td>{word.text.clone()}</td>
                <td><Pill tone=tone(word.severity)>{word.severity.name().get(lang)}</Pill></td>
                <td>{word.added_by} " " <Time at=word.added_at brief=true /></td>
                <td>
                    <ActionForm action=remove>
                        <input type="hidden" name="app" value=app.get_untracked() />
                        <input type="hidden" name="word" value=word.text />
                        <Button disabled=blocked why=MAY_NOT.get(lang)>{REMOVE.get(lang)}</Button>
                    </ActionForm>
                </td>
            </tr>
        }
        .into_any()
    };
    let draw = move |view: WordsView| {
        let counts = view.counts.iter().map(|(s, n)| COUNT.fill(lang, &[s.name().get(lang), &format::exact(*n)])).collect::<Vec<_>>();
        let built_in = (!view.built_in.is_empty()).then(|| {
            view! {
                <details class="more">
                    <summary>{BUILT_IN.get(lang)}</summary>
                    <p>{view.built_in.join(" · ")}</p>
                </details>
            }
        });
        let table = if view.words.items.is_empty() {
            view! { <Empty icon=Icon::Copy sentence=NONE.get(lang) /> }.into_any()
        } else {
            let columns = [WORD, WHAT, ADDED].map(|c| Column::text(c.get(lang))).into_iter().chain([Column::text("")]).collect();
            view! {
                <Table caption=TITLE.get(lang) columns=columns>
                    {view.words.items.into_iter().map(row).collect_view()}
                </Table>
                <Pager next=view.words.next />
            }
            .into_any()
        };
        view! {
            <p class="sub num">{counts.join(" · ")}</p>
            {table}
            {built_in}
        }
    };
    view! {
        <PageHead title=t(TITLE) sub=t(SUB) />
        <Card>
            <Filters>
                <TextField name="text" label=t(PART) value=text maxlength=64 />
                <SelectField name="severity" label=t(WHAT) value=severity options=choice />
            </Filters>
            <ErrorBox error=trouble_of(remove) />
            <Load resource=list view=draw />
        </Card>
        <Card title=t(ADD)>
            <p class="help">{t(HOW)}</p>
            <ErrorBox error=trouble />
            <ActionForm action=add attr:class="form">
                <input type="hidden" name="app" value=app.get_untracked() />
                <TextArea name="list" label=t(LIST) help=t(LIST_HELP) value=typed error=trouble.field("list") required=true rows=5 />
                <SelectField name="severity" id="add-severity" label=t(WHAT) value=also options=severities() />
                <Button kind=Kind::Act disabled=blocked why=MAY_NOT.get(lang)>{t(ADD)}</Button>
            </ActionForm>
            <ErrorBox error=refused />
            <form class="form" method="post" enctype="multipart/form-data" action=file>
                <div class="field">
                    <label for="words-file">{t(FILE)}</label>
                    <input id="words-file" type="file" name="file" accept=".txt,.csv,text/plain,text/csv" required=true />
                </div>
                <SelectField name="severity" id="file-severity" label=t(WHAT) value=how options=severities() />
                <Button disabled=blocked why=MAY_NOT.get(lang)>{t(IMPORT)}</Button>
            </form>
        </Card>
    }
    .into_any()
}
