//! Policy: the app's rules, whom they affect now, the stop switch and the blacklist.

use leptos::form::ActionForm;
use leptos::prelude::*;
use leptos_router::hooks::use_query_map;
use types::people::Permission;
use types::policy::{COUNTED, Cap, Quiet, Rules, Span, Then, VendorCap, ZoneOf, published_caps};
use types::views::policy::{BlockedView, CapRow, FileReport, PolicyForm, PolicyView, QuietRow, VendorRow};

pub mod calls;

use calls::{BlockAccounts, SavePolicy, StopApp, UnblockAccount, list_blacklist, view_policy};

use crate::ui::format;
use crate::ui::icon::Icon;
use crate::ui::prelude::*;
use crate::ui::returned::{answer_of, refusal_of, typed_into};

const WORDS: Text = Text::new("敏感词", "Sensitive words");
const TITLE: Text = Text::new("策略", "Policy");
const SUB: Text = Text::new(
    "免打扰、频控、黑名单：编排时问一次，发送前再问一次。",
    "Quiet hours, caps, blacklist: asked when a message is planned, and again before it is sent.",
);
const NOW: Text = Text::new("现在影响到谁", "Who is affected now");
const HELD: Text = Text::new("等待免打扰结束的设备", "Devices waiting for quiet hours to end");
const HELD_UNTIL: Text = Text::new("{0} 个批次，{1} 到 {2} 之间继续", "{0} chunks, going on between {1} and {2}");
const ACCOUNTS: Text = Text::new("黑名单账号", "Accounts on the blacklist");
const ENTRIES: Text = Text::new("{0} 条", "{0} entries");
const COUNTED_AT: Text = Text::new("统计于 {0}", "counted at {0}");
const STOPPED: Text = Text::new("已停止发送：{0} · {1} · {2}", "Nothing is sent: {0} · {1} · {2}");
const STOP: Text = Text::new("停止本应用的一切发送", "Stop everything of this app");
const STOP_HELP: Text = Text::new(
    "保存后不再开始任何请求，交易类和测试也停；在途的自然结束，其余等待，过了截止时间即过期。",
    "No request starts after this, transactional and tests included. What is in flight ends, the rest waits and expires at its deadline.",
);
const GO_ON: Text = Text::new("继续发送", "Let it go on");
const WHY: Text = Text::new("原因", "Reason");
const RULES: Text = Text::new("规则", "Rules");
const FILE_TITLE: Text = Text::new("从文件加入", "From a file");
const FILE: Text = Text::new("文件", "File");
const FILE_HELP: Text = Text::new(
    "CSV、TSV、TXT、XLSX 或它们的 gzip，UTF-8、UTF-16、GB18030，最多 256 MiB、200 万行。账号列叫 account、user_id 或 账号（没有表头时为第一列）；\
     可有分组列（group、分组）和原因列（reason、原因），没写的用上面填的。",
    "CSV, TSV, TXT, XLSX or a gzip of one, in UTF-8, UTF-16 or GB18030, at most 256 MiB and 2 million rows. The column of accounts is called \
     account, user_id or 账号 (without a header it is the first); a column of groups (group, 分组) and of reasons (reason, 原因) may follow; \
     rows that say nothing take what stands above.",
);
const FILE_ADD: Text = Text::new("上传并加入黑名单", "Upload and add to the blacklist");
const FILE_TOLD: Text = Text::new(
    "{0}：{1} 行，{2} 个已在黑名单，{3} 行重复，{4} 行不可用",
    "{0}: {1} rows, {2} on the blacklist, {3} said twice, {4} rejected",
);
const REJECTED: Text = Text::new("不可用的行（不计表头）", "Rejected rows (the header not counted)");
const ROW: Text = Text::new("行", "Row");
const AND_MORE: Text = Text::new("另有 {0} 行", "and {0} more");
const CHANGED: Text = Text::new("第 {0} 版，{1} 修改于 {2}", "Version {0}, changed by {1} at {2}");
const ZONE: Text = Text::new("应用时区", "The app's zone");
const ZONE_HELP: Text = Text::new("“每天”和免打扰按它计算", "Days and quiet hours are told by it");
const KEY: Text = Text::new("重要业务", "Key business");
const KEY_TYPES: Text = Text::new("业务类型（逗号分隔，空 = 无）", "Business types (with commas, empty = none)");
const KEY_HELP: Text = Text::new(
    "顺序：交易类，重要业务的批量消息，其他批量消息。已在等待的消息也立即按此排队。",
    "In line: transactional messages, then bulk messages of these types, then other bulk. Holds at once for what waits already.",
);
const QUIET: Text = Text::new("免打扰时段", "Quiet hours");
const QUIET_NOW: Text = Text::new("现在 {0} 台设备处于这个时段", "quiet for {0} devices now");
const FROM: Text = Text::new("从", "From");
const TO: Text = Text::new("到", "To");
const BUSINESSES: Text = Text::new("业务类型（逗号分隔，空 = 全部）", "Business types (with commas, empty = all)");
const BY: Text = Text::new("按谁的时区", "Whose zone");
const BY_APP: Text = Text::new("应用", "the app's");
const BY_USER: Text = Text::new("用户设备", "the device's own");
const THEN: Text = Text::new("怎么办", "What then");
const HOLD: Text = Text::new("等到结束", "wait until the end");
const DROP: Text = Text::new("丢弃", "drop");
const EXEMPT: Text = Text::new("交易类不受限", "transactional is exempt");
const CAPS: Text = Text::new("频控（每人）", "Caps (per person)");
const AT_CAP: Text = Text::new("已达上限 {0} 人", "{0} persons are at it");
const MOST: Text = Text::new("最多条数（空 = 无此规则）", "Messages at most (empty = no rule)");
const PER: Text = Text::new("每", "Per");
const BUSINESS: Text = Text::new("业务类型（空 = 全部）", "Business type (empty = all)");
const SAME: Text = Text::new("相同内容", "The same content");
const SAME_MINUTES: Text = Text::new("同一人多少分钟内只收一次（空 = 不限）", "Once to a person within so many minutes (empty = no rule)");
const VENDORS: Text = Text::new("厂商单设备每日上限（批量消息）", "Vendors' caps per device and day (bulk)");
const VENDORS_HELP: Text = Text::new(
    "默认不限；可按厂商公布的数字填写，出处和日期一并保存。",
    "No cap unless filled in. What vendors publish stands in grey; source and date are kept with it.",
);
const START: Text = Text::new("任务开始前", "Before a campaign starts");
const APPROVE_ABOVE: Text =
    Text::new("超过多少台须另一人审批（空 = 不审批）", "Devices above which a second person approves (empty = never)");
const CONFIRM_ABOVE: Text =
    Text::new("超过多少台须输入应用名（空 = 不要求）", "Devices above which the app's name is typed (empty = never)");
const START_HELP: Text = Text::new(
    "按会交给厂商的设备数算。写任务的人不能审批自己的任务。",
    "Counted are devices handed to vendors. Who wrote a campaign may not approve it.",
);
const SOURCE: Text = Text::new("出处", "Source");
const AS_OF: Text = Text::new("日期", "As of");
const SAVE: Text = Text::new("保存规则", "Save the rules");
const MAY_NOT: Text = Text::new("需要审批权限", "Needs the permission to approve");
const MAY_NOT_OPERATE: Text = Text::new("需要运营权限", "Needs the role of an operator");
const BLACKLIST: Text = Text::new("黑名单", "Blacklist");
const USER: Text = Text::new("账号", "Account");
const GROUP: Text = Text::new("分组", "Group");
const ALL: Text = Text::new("全部", "all");
const GROUP_HELP: Text = Text::new("业务类型；空 = 全部", "A business type; empty = all");
const ADDED: Text = Text::new("添加", "Added");
const LIST: Text = Text::new("账号，每行一个", "Accounts, one a line");
const LIST_HELP: Text = Text::new(
    "可粘贴 CSV：账号,分组,原因；没写的用下面的值。10 万行以内",
    "Or paste a CSV: account,group,reason; what a line leaves out is taken from below. Up to 100,000 lines",
);
const ADD: Text = Text::new("加入黑名单", "Put on the blacklist");
const REMOVE: Text = Text::new("移出", "Take off");
const NOBODY: Text = Text::new("这里没有账号。", "No account here.");

/// One row of fields with a remark.
fn row(fields: AnyView, remark: Option<String>) -> AnyView {
    view! {
        <div class="form-row">{fields}</div>
        {remark.map(|words| view! { <p class="help num">{words}</p> })}
    }
    .into_any()
}

fn line(name: String, label: Text, value: String, kind: &'static str, hint: Option<String>) -> AnyView {
    let id = name.replace(['[', ']'], "-");
    view! { <TextField name=name id=id label=t(label) value=value kind=kind placeholder=hint.unwrap_or_default() maxlength=200 /> }
        .into_any()
}

fn choice(name: String, label: Text, value: String, of: [(&'static str, Text); 2]) -> AnyView {
    let options = of.map(|(key, label)| (key.to_owned(), t(label).to_owned())).to_vec();
    let id = name.replace(['[', ']'], "-");
    view! { <SelectField name=name id=id label=t(label) value=value options=options /> }.into_any()
}

fn clock(minutes: u16) -> String {
    format!("{:02}:{:02}", minutes / 60, minutes % 60)
}

/// A bound as its field says it; 0 is none.
fn bound(n: u64) -> String {
    if n == 0 { String::new() } else { n.to_string() }
}

/// The rules as their form says them, with an empty row to add one.
fn form_of(rules: &Rules) -> PolicyForm {
    let quiet = |q: &Quiet| QuietRow {
        from: clock(q.from),
        to: clock(q.to),
        businesses: q.businesses.join(", "),
        by: if q.by == ZoneOf::User { "user" } else { "app" }.to_owned(),
        then: if q.then == Then::Drop { "drop" } else { "hold" }.to_owned(),
        exempt: q.transactional_exempt,
    };
    let cap = |c: &Cap| CapRow {
        most: c.most.to_string(),
        per: if c.per == Span::Week { "week" } else { "day" }.to_owned(),
        business: c.business.clone().unwrap_or_default(),
        exempt: c.transactional_exempt,
    };
    let vendor = |c: &VendorCap| VendorRow {
        vendor: c.vendor.slug().to_owned(),
        most: c.most.to_string(),
        source: c.source.clone(),
        as_of: c.as_of.clone(),
    };
    PolicyForm {
        zone: rules.zone.clone(),
        quiet: rules.quiet.iter().map(quiet).chain([QuietRow::default()]).collect(),
        caps: rules.caps.iter().map(cap).chain([CapRow::default()]).collect(),
        same: rules.same_content.map(|s| s.minutes.to_string()).unwrap_or_default(),
        same_exempt: rules.same_content.is_some_and(|s| s.transactional_exempt),
        vendors: rules.vendor_caps.iter().map(vendor).collect(),
        key: rules.key_businesses.join(", "),
        approve_above: bound(rules.approve_above),
        confirm_above: bound(rules.confirm_above),
    }
}

fn quiet_row(i: usize, quiet: QuietRow, remark: Option<String>) -> AnyView {
    let name = |field: &str| format!("rules[quiet][{i}][{field}]");
    let fields = [
        line(name("from"), FROM, quiet.from, "time", None),
        line(name("to"), TO, quiet.to, "time", None),
        line(name("businesses"), BUSINESSES, quiet.businesses, "", None),
        choice(name("by"), BY, quiet.by, [("app", BY_APP), ("user", BY_USER)]),
        choice(name("then"), THEN, quiet.then, [("hold", HOLD), ("drop", DROP)]),
        view! { <CheckField name=name("exempt") label=t(EXEMPT) checked=quiet.exempt /> }.into_any(),
    ];
    row(fields.into_iter().collect_view().into_any(), remark)
}

fn cap_row(i: usize, cap: CapRow, remark: Option<String>) -> AnyView {
    let name = |field: &str| format!("rules[caps][{i}][{field}]");
    let fields = [
        line(name("most"), MOST, cap.most, "number", None),
        choice(name("per"), PER, cap.per, [("day", Span::Day.name()), ("week", Span::Week.name())]),
        line(name("business"), BUSINESS, cap.business, "", None),
        view! { <CheckField name=name("exempt") label=t(EXEMPT) checked=cap.exempt /> }.into_any(),
    ];
    row(fields.into_iter().collect_view().into_any(), remark)
}

fn vendor_row(i: usize, published: VendorCap, set: &[VendorRow]) -> AnyView {
    let name = |field: &str| format!("rules[vendors][{i}][{field}]");
    let slug = published.vendor.slug();
    let hint = published.most.to_string();
    let label = published.vendor.name();
    let fallback = VendorRow { source: published.source, as_of: published.as_of, ..VendorRow::default() };
    let VendorRow { most, source, as_of, .. } = set.iter().find(|cap| cap.vendor == slug).cloned().unwrap_or(fallback);
    let fields = [
        view! { <input type="hidden" name=name("vendor") value=slug /> }.into_any(),
        line(name("most"), label, most, "number", Some(hint)),
        line(name("source"), SOURCE, source, "", None),
        line(name("as_of"), AS_OF, as_of, "date", None),
    ];
    row(fields.into_iter().collect_view().into_any(), None)
}

#[component]
fn RulesForm(view: PolicyView, save: ServerAction<SavePolicy>) -> impl IntoView {
    let lang = use_lang();
    let app = use_app_id();
    let may = use_may(Permission::Approve);
    let trouble = trouble_of(save);
    let PolicyView { revision, rules, affected, changed_by, changed_at, .. } = view;
    let note = (revision > 0).then(|| {
        let at = use_shell().with(|s| format::stamp_short(changed_at, &s.zone));
        CHANGED.fill(lang, &[&revision.to_string(), &changed_by, &at])
    });
    // A refused form comes back as it was typed.
    let form = typed_into::<SavePolicy>().map_or_else(|| form_of(&rules), |typed| typed.rules);
    let quiet_now = |i: usize| affected.quiet.get(i).map(|now| QUIET_NOW.fill(lang, &[&format::exact(now.devices)]));
    let at_cap = |i: usize| affected.caps.get(i).map(|now| AT_CAP.fill(lang, &[&format::exact(now.persons)]));
    let quiet = form.quiet.into_iter().enumerate().map(|(i, quiet)| quiet_row(i, quiet, quiet_now(i))).collect_view();
    let caps = form.caps.into_iter().enumerate().map(|(i, cap)| cap_row(i, cap, at_cap(i))).collect_view();
    let vendors = published_caps().into_iter().enumerate().map(|(i, p)| vendor_row(i, p, &form.vendors)).collect_view();
    view! {
        <Card title=t(RULES) note=note.unwrap_or_default()>
            <ErrorBox error=trouble />
            <ActionForm action=save attr:class="form">
                <input type="hidden" name="app" value=app.get_untracked() />
                <input type="hidden" name="revision" value=revision.to_string() />
                <TextField name="rules[zone]" id="zone" label=t(ZONE) help=t(ZONE_HELP) value=form.zone required=true maxlength=60 />
                <h3>{t(KEY)}</h3>
                <div class="form-row">{line("rules[key]".to_owned(), KEY_TYPES, form.key, "", None)}</div>
                <p class="help">{t(KEY_HELP)}</p>
                <h3>{t(QUIET)}</h3>
                {quiet}
                <h3>{t(CAPS)}</h3>
                <p class="help">{t(COUNTED)}</p>
                {caps}
                <h3>{t(SAME)}</h3>
                <div class="form-row">
                    {line("rules[same]".to_owned(), SAME_MINUTES, form.same, "number", None)}
                    <CheckField name="rules[same_exempt]" label=t(EXEMPT) checked=form.same_exempt />
                </div>
                <h3>{t(START)}</h3>
                <div class="form-row">
                    {line("rules[approve_above]".to_owned(), APPROVE_ABOVE, form.approve_above, "number", None)}
                    {line("rules[confirm_above]".to_owned(), CONFIRM_ABOVE, form.confirm_above, "number", None)}
                </div>
                <p class="help">{t(START_HELP)}</p>
                <details>
                    <summary>{t(VENDORS)}</summary>
                    <p class="help">{t(VENDORS_HELP)}</p>
                    {vendors}
                </details>
                <Button kind=Kind::Act disabled=Signal::derive(move || !may.get()) why=MAY_NOT.get(lang)>
                    {t(SAVE)}
                </Button>
            </ActionForm>
        </Card>
    }
    .into_any()
}

#[component]
fn Affected(view: PolicyView, stop: ServerAction<StopApp>) -> impl IntoView {
    let lang = use_lang();
    let app = use_app_id();
    let may = use_may(Permission::Operate);
    let blocked = Signal::derive(move || !may.get());
    let trouble = trouble_of(stop);
    let stamp = |at| use_shell().with(|s| format::stamp_short(at, &s.zone));
    let held = view.affected.held;
    let until =
        held.first.zip(held.last).map(|(first, last)| HELD_UNTIL.fill(lang, &[&format::exact(held.chunks), &stamp(first), &stamp(last)]));
    let entries = ENTRIES.fill(lang, &[&format::exact(view.affected.blocked_entries)]);
    let stopped = view.stopped.map(|s| STOPPED.fill(lang, &[&s.why, &s.by, &stamp(s.at)]));
    let switch = match stopped {
        Some(words) => view! {
            <div class="error-box"><strong>{words}</strong></div>
            <ActionForm action=stop>
                <input type="hidden" name="app" value=app.get_untracked() />
                <Button disabled=blocked why=MAY_NOT_OPERATE.get(lang)>{t(GO_ON)}</Button>
            </ActionForm>
        }
        .into_any(),
        None => view! {
            <Confirm label=STOP.get(lang) kind=Kind::Danger>
                <p>{t(STOP_HELP)}</p>
                <ActionForm action=stop attr:class="form">
                    <input type="hidden" name="app" value=app.get_untracked() />
                    <TextField name="why" id="stop-why" label=t(WHY) required=true maxlength=200 />
                    <Button kind=Kind::Danger disabled=blocked why=MAY_NOT_OPERATE.get(lang)>{t(STOP)}</Button>
                </ActionForm>
            </Confirm>
        }
        .into_any(),
    };
    view! {
        <Card title=t(NOW) note=COUNTED_AT.fill(lang, &[&stamp(view.affected.at)])>
            <div class="cols-4">
                <Figure label=t(HELD) value=format::exact(held.devices)>{until}</Figure>
                <Figure label=t(ACCOUNTS) value=format::exact(view.affected.blocked_accounts)>{entries}</Figure>
            </div>
            <ErrorBox error=trouble />
            {switch}
        </Card>
    }
    .into_any()
}

#[component]
fn Blacklist(block: ServerAction<BlockAccounts>) -> impl IntoView {
    let lang = use_lang();
    let app = use_app_id();
    let may = use_may(Permission::Operate);
    let unblock = ServerAction::<UnblockAccount>::new();
    let query = use_query_map();
    let wish = Memo::new(move |_| query.with(|q| (q.get("account").unwrap_or_default(), q.get("after").unwrap_or_default())));
    let list = Resource::new(
        move || (app.get(), wish.get(), block.version().get(), unblock.version().get()),
        |(app, (text, after), ..)| list_blacklist(app, text, after),
    );
    let trouble = trouble_of(block);
    let typed = typed_into::<BlockAccounts>().unwrap_or(BlockAccounts {
        app: String::new(),
        list: String::new(),
        group: String::new(),
        reason: String::new(),
    });
    let blocked = Signal::derive(move || !may.get());
    let entry = move |b: BlockedView| {
        let group = if b.group.is_empty() { t(ALL).to_owned() } else { b.group.clone() };
        let (user, of) = (b.user_id.clone(), b.group);
        view! {
            <tr>
                <td>{b.user_id}</td>
                <td>{group}</td>
                <td>{b.reason}</td>
                <td>{b.added_by} " " <Time at=b.added_at brief=true /></td>
                <td>
                    <ActionForm action=unblock>
                        <input type="hidden" name="app" value=app.get_untracked() />
                        <input type="hidden" name="user" value=user.clone() />
                        <input type="hidden" name="group" value=of.clone() />
                        <Button disabled=blocked why=MAY_NOT_OPERATE.get(lang)>{REMOVE.get(lang)}</Button>
                    </ActionForm>
                </td>
            </tr>
        }
        .into_any()
    };
    view! {
        <div id="blacklist"></div>
        <Card title=t(BLACKLIST)>
            <Filters>
                <TextField name="account" label=t(USER) value=Signal::derive(move || wish.get().0) maxlength=200 />
            </Filters>
            <ErrorBox error=trouble_of(unblock) />
            <Load
                resource=list
                view=move |page| {
                    if page.items.is_empty() {
                        return view! { <Empty icon=Icon::People sentence=NOBODY.get(lang) /> }.into_any();
                    }
                    let columns = [USER, GROUP, WHY, ADDED].map(|c| Column::text(c.get(lang))).into_iter().chain([Column::text("")]).collect();
                    view! {
                        <Table caption=BLACKLIST.get(lang) columns=columns>
                            {page.items.into_iter().map(entry).collect_view()}
                        </Table>
                        <Pager next=page.next />
                    }
                        .into_any()
                }
            />
            <ErrorBox error=trouble />
            <ActionForm action=block attr:class="form">
                <input type="hidden" name="app" value=app.get_untracked() />
                <TextArea name="list" label=t(LIST) help=t(LIST_HELP) value=typed.list required=true rows=4 />
                <div class="form-row">
                    <TextField name="group" label=t(GROUP) help=t(GROUP_HELP) value=typed.group maxlength=40 />
                    <TextField name="reason" label=t(WHY) value=typed.reason maxlength=200 />
                </div>
                <Button disabled=blocked why=MAY_NOT_OPERATE.get(lang)>{t(ADD)}</Button>
            </ActionForm>
            <FromFile app=app.get_untracked() />
        </Card>
    }
    .into_any()
}

/// Accounts from a file, and what became of the last one.
#[component]
fn FromFile(app: String) -> impl IntoView {
    let lang = use_lang();
    let may = use_may(Permission::Operate);
    let action = format!("/apps/{app}/policy/file");
    let report = answer_of(&action).and_then(|text| serde_json::from_str::<FileReport>(&text).ok());
    let refusal = refusal_of(&action).map(AppError::from);
    view! {
        <h3>{t(FILE_TITLE)}</h3>
        {report.map(|report| told(report, lang))}
        <ErrorBox error=Signal::derive(move || refusal.clone()) />
        <form class="form" method="post" enctype="multipart/form-data" action=action>
            <div class="form-row">
                <TextField name="group" id="file-group" label=t(GROUP) help=t(GROUP_HELP) maxlength=40 />
                <TextField name="reason" id="file-reason" label=t(WHY) maxlength=200 />
            </div>
            <div class="field">
                <label for="file">{t(FILE)}</label>
                <input id="file" name="file" type="file" required=true aria-describedby="file-help" accept=".csv,.tsv,.txt,.xlsx,.gz,text/csv,text/plain" />
                <p class="help" id="file-help">{t(FILE_HELP)}</p>
            </div>
            <Button disabled=Signal::derive(move || !may.get()) why=MAY_NOT_OPERATE.get(lang)>{t(FILE_ADD)}</Button>
        </form>
    }
    .into_any()
}

fn told(report: FileReport, lang: Lang) -> AnyView {
    let exact = |n: u64| format::exact(n);
    let counts = [report.rows, report.added, report.duplicate, report.rejected].map(exact);
    let words = FILE_TOLD.fill(lang, &[&report.file, &counts[0], &counts[1], &counts[2], &counts[3]]);
    let more = report.rejected.saturating_sub(report.named.len() as u64);
    let rows = report
        .named
        .into_iter()
        .map(|row| view! { <tr><td class="n">{format::exact(row.row)}</td><td>{row.why.name().get(lang)}</td></tr> })
        .collect_view();
    let columns = vec![Column::number(ROW.get(lang)), Column::text(WHY.get(lang))];
    view! {
        <p class="note-box" role="status">{words}</p>
        {(report.rejected > 0)
            .then(|| {
                view! {
                    <Table caption=REJECTED.get(lang) columns=columns>{rows}</Table>
                    {(more > 0).then(|| view! { <p class="sub">{AND_MORE.fill(lang, &[&format::exact(more)])}</p> })}
                }
            })}
    }
    .into_any()
}

#[component]
pub fn PolicyPage() -> impl IntoView {
    let app = use_app_id();
    let (save, stop, block) = (ServerAction::<SavePolicy>::new(), ServerAction::<StopApp>::new(), ServerAction::<BlockAccounts>::new());
    // A refused form keeps what was typed: only what was done is read again.
    let done = move || {
        let well = |value: Option<Result<(), AppError>>| value.is_none_or(|v| v.is_ok());
        (well(save.value().get()).then(|| save.version().get()), stop.version().get(), block.version().get())
    };
    let done = Memo::new(move |_| done());
    let view = Resource::new(move || (app.get(), done.get()), |(app, _)| view_policy(app));
    let sees = use_may(Permission::SeeRecipients);
    view! {
        <PageHead title=t(TITLE) sub=t(SUB)>
            <LinkButton href=format!("/apps/{}/words", app.get_untracked()) external=true>{t(WORDS)}</LinkButton>
        </PageHead>
        <Load
            resource=view
            view=move |policy: PolicyView| {
                view! {
                    <Affected view=policy.clone() stop=stop />
                    <RulesForm view=policy save=save />
                }
            }
        />
        {sees.get_untracked().then(|| view! { <Blacklist block=block /> })}
    }
    .into_any()
}
