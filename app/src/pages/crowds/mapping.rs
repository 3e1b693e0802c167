//! What was detected, and which column is what: both the person's to overrule.

use leptos::prelude::*;
use types::crowd::{Delimiter, Encoding, KeyKind};
use types::vendor::Vendor;
use types::views::crowds::UploadView;

use super::calls::{CheckUpload, OverruleUpload};
use super::detection;
use crate::ui::prelude::*;

const DETECTED: Text = Text::new("识别结果", "Detected");
const CHANGE: Text = Text::new("识别得不对？改一改", "Not right? Change it");
const ENCODING: Text = Text::new("编码", "Encoding");
const DELIMITER: Text = Text::new("分隔符", "Delimiter");
const HEADER: Text = Text::new("标题行", "Header row");
const AUTO: Text = Text::new("自动识别", "detect");
const YES: Text = Text::new("第一行是标题", "the first row names the columns");
const NO: Text = Text::new("第一行就是数据", "the first row is data");
const AGAIN: Text = Text::new("按此重新读取", "Read again");
const BAD_BYTES: Text = Text::new(
    "开头部分有 {0} 处字节不是这种编码的文字，将显示为 �；标识中含有它的行会被拒绝。",
    "{0} places in the first part are no text in this encoding and show as �; rows with one in their key are rejected.",
);
const PREVIEW: Text = Text::new("前 {0} 行", "First {0} rows");
const MAPPING: Text = Text::new("哪一列是什么", "Which column is what");
const REMEMBERED: Text = Text::new("沿用上次对同样列的选择", "as chosen the last time for these columns");
const KIND: Text = Text::new("每行写的是", "Rows name a");
const KEY_COLUMN: Text = Text::new("所在的列", "in column");
const VENDOR: Text = Text::new("厂商", "Vendor");
const VENDOR_HELP: Text = Text::new("只有令牌需要", "only for tokens");
const NO_VENDOR: Text = Text::new("（请选择）", "(choose)");
const BY_COLUMN: Text = Text::new("由「{0}」列决定", "by column \"{0}\"");
const ALL_ROWS: Text = Text::new("所有行都是 {0}", "all rows: {0}");
const VARIABLES: Text = Text::new("作为变量保留的列", "Columns kept as variables");
const VARIABLES_HELP: Text = Text::new(
    "填上变量名，文案里就能写 {{变量名}}；留空的列不保存。",
    "Give a name and the copy can say {{name}}; columns left empty are not stored.",
);
const CHECK: Text = Text::new("检查全部行", "Check all rows");

/// Name of a column for people: its number and header.
fn column_name(number: usize, name: &str) -> String {
    let plain = (number + 1).to_string();
    if plain == name { plain } else { format!("{plain} · {name}") }
}

#[component]
pub fn DetectionCard(app: String, upload: UploadView, overrule: ServerAction<OverruleUpload>) -> impl IntoView {
    let lang = use_lang();
    let trouble = trouble_of(overrule);
    let detected = upload.detected.clone();
    let choice = |value: &str, text: &str| (value.to_owned(), text.to_owned());
    let encodings = std::iter::once(choice("", t(AUTO)))
        .chain(Encoding::ALL.into_iter().filter(|e| *e != Encoding::Xlsx).map(|e| choice(e.name(), e.name())))
        .collect();
    let delimiters =
        std::iter::once(choice("", t(AUTO))).chain(Delimiter::ALL.into_iter().map(|d| choice(d.slug(), d.name().get(lang)))).collect();
    let headers = vec![choice("", t(AUTO)), choice("yes", t(YES)), choice("no", t(NO))];
    let chosen_encoding = upload.overrule.encoding.map_or("", Encoding::name).to_owned();
    let chosen_delimiter = upload.overrule.delimiter.map_or("", Delimiter::slug).to_owned();
    let chosen_header = upload.overrule.header.map_or("", |h| if h { "yes" } else { "no" }).to_owned();
    let text_file = detected.encoding != Encoding::Xlsx;
    let id = upload.id.as_str().to_owned();
    view! {
        <Card title=t(DETECTED)>
            <p>{detection(&detected, lang)}</p>
            {(detected.bad_bytes > 0)
                .then(|| view! { <p class="note-box">{tf(BAD_BYTES, &[&detected.bad_bytes.to_string()])}</p> })}
            <ErrorBox error=trouble />
            <details>
                <summary>{t(CHANGE)}</summary>
                <ActionForm action=overrule attr:class="form">
                    <input type="hidden" name="app" value=app />
                    <input type="hidden" name="upload" value=id />
                    {if text_file {
                        view! {
                            <div class="form-row">
                                <SelectField name="encoding" label=t(ENCODING) options=encodings value=chosen_encoding />
                                <SelectField name="delimiter" label=t(DELIMITER) options=delimiters value=chosen_delimiter />
                            </div>
                        }
                            .into_any()
                    } else {
                        view! {
                            <input type="hidden" name="encoding" value="" />
                            <input type="hidden" name="delimiter" value="" />
                        }
                            .into_any()
                    }}
                    <SelectField name="header" label=t(HEADER) options=headers value=chosen_header />
                    <Button>{t(AGAIN)}</Button>
                </ActionForm>
            </details>
        </Card>
        <PreviewCard upload=upload />
    }
    .into_any()
}

#[component]
fn PreviewCard(upload: UploadView) -> impl IntoView {
    let columns: Vec<Column> = upload.detected.columns.iter().enumerate().map(|(i, name)| Column::text(column_name(i, name))).collect();
    let width = columns.len();
    let title = tf(PREVIEW, &[&upload.detected.preview.len().to_string()]);
    view! {
        <Card title=title.clone()>
            <Table caption=title columns=columns>
                {upload
                    .detected
                    .preview
                    .into_iter()
                    .map(|mut row| {
                        row.resize(width, String::new());
                        view! { <tr>{row.into_iter().map(|cell| view! { <td>{cell}</td> }).collect_view()}</tr> }
                    })
                    .collect_view()}
            </Table>
        </Card>
    }
    .into_any()
}

#[component]
pub fn MappingCard(app: String, upload: UploadView, check: ServerAction<CheckUpload>) -> impl IntoView {
    let lang = use_lang();
    let trouble = trouble_of(check);
    let mapping = upload.mapping.clone();
    let columns = upload.detected.columns.clone();
    let kinds = KeyKind::ALL.into_iter().map(|k| (k.slug().to_owned(), k.name().get(lang).to_owned())).collect();
    let key_columns = columns.iter().enumerate().map(|(i, name)| (i.to_string(), column_name(i, name))).collect();
    let mut vendors = vec![(String::new(), t(NO_VENDOR).to_owned())];
    vendors.extend(columns.iter().enumerate().map(|(i, name)| (format!("column:{i}"), tf(BY_COLUMN, &[&column_name(i, name)]))));
    vendors.extend(Vendor::ALL.into_iter().map(|v| (v.slug().to_owned(), tf(ALL_ROWS, &[v.name().get(lang)]))));
    let vendor = match (mapping.vendor_column, mapping.vendor) {
        (Some(column), _) => format!("column:{column}"),
        (None, Some(vendor)) => vendor.slug().to_owned(),
        (None, None) => String::new(),
    };
    let names = columns
        .iter()
        .enumerate()
        .map(|(i, name)| {
            let number = u32::try_from(i).unwrap_or(u32::MAX);
            let value = mapping.variables.iter().find(|(_, column)| **column == number).map(|(name, _)| name.clone()).unwrap_or_default();
            view! {
                <TextField
                    name=format!("variables[{i}]")
                    id=format!("variable-{i}")
                    label=column_name(i, name)
                    value=value
                    maxlength=32
                />
            }
        })
        .collect_view();
    view! {
        <Card title=t(MAPPING) note=if upload.remembered { t(REMEMBERED) } else { "" }>
            <ErrorBox error=trouble />
            <ActionForm action=check attr:class="form">
                <input type="hidden" name="app" value=app />
                <input type="hidden" name="upload" value=upload.id.as_str().to_owned() />
                <div class="form-row">
                    <SelectField name="key" label=t(KIND) options=kinds value=mapping.key.slug().to_owned() error=trouble.field("key") />
                    <SelectField
                        name="key_column"
                        label=t(KEY_COLUMN)
                        options=key_columns
                        value=mapping.key_column.to_string()
                        error=trouble.field("key_column")
                    />
                    <SelectField
                        name="vendor"
                        label=t(VENDOR)
                        help=t(VENDOR_HELP)
                        options=vendors
                        value=vendor
                        error=trouble.field("vendor_column")
                    />
                </div>
                <details open=!mapping.variables.is_empty()>
                    <summary>{t(VARIABLES)}</summary>
                    <p class="help">{t(VARIABLES_HELP)}</p>
                    <div class="form-row">{names}</div>
                </details>
                <Button kind=Kind::Act>{t(CHECK)}</Button>
            </ActionForm>
        </Card>
    }
    .into_any()
}
