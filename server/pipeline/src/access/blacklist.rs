//! A blacklist from a file, of any shape a crowd file may have (`crowd::detect` names it): to disk as it comes, read twice, never held
//! whole. First every row is looked at and counted, then what is good goes to the list in parts; the deed is written with the first.
//! A stop in the middle leaves a part on the list: the same file again completes it and changes nothing else.

use std::collections::HashSet;
use std::fmt::Display;
use std::io::Write;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use futures::{Stream, StreamExt};
use serde_json::json;
use tokio::sync::mpsc;
use types::crowd::{Encoding, KeyKind, Overrule};
use types::policy::{BUSINESS_MAX, REASON_MAX};
use types::problem::{Code, Problem};
use types::views::policy::{EntryFault, FileReport, RejectedRow};

use super::actor::Actor;
use super::crowd::detect::{self, Look};
use super::crowd::keys::trim;
use super::crowd::rows::{self, Row};
use super::crowd::{Limits, internal, refuse};
use super::policy::{PolicyDesk, USER_MAX};
use crate::storage::apps::App;
use crate::storage::policy::NewBlocked;

/// Bytes of a file, and its rows.
const FILE_MAX: u64 = 256 << 20;
const ROWS_MAX: u64 = 2_000_000;
/// Accounts in one transaction.
const AT_ONCE: usize = 5_000;
/// Rejected rows that are named; all are counted.
const NAMED_MAX: usize = 100;

fn limits() -> Limits {
    Limits { upload_bytes: FILE_MAX, workbook_bytes: 64 << 20, rows: ROWS_MAX, ..Limits::default() }
}

/// What a person says of a file besides the file.
#[derive(Clone, Debug, Default)]
pub struct BlacklistFile {
    pub name: String,
    /// Of rows that name none: a business type; empty = all.
    pub group: String,
    pub reason: String,
}

/// Where account, group and reason stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Columns {
    account: usize,
    group: Option<usize>,
    reason: Option<usize>,
}

fn plain(name: &str) -> String {
    trim(name).chars().filter(|c| !matches!(c, ' ' | '_' | '-' | '.')).flat_map(char::to_lowercase).collect()
}

fn is_account(name: &str) -> bool {
    detect::kind_of(name) == Some(KeyKind::User) || ["account", "账户", "用户名", "username"].contains(&plain(name).as_str())
}

fn is_group(name: &str) -> bool {
    ["group", "grp", "business", "businesstype", "category", "分组", "业务", "业务类型", "类型"].contains(&plain(name).as_str())
}

fn is_reason(name: &str) -> bool {
    ["reason", "why", "note", "remark", "原因", "备注", "说明"].contains(&plain(name).as_str())
}

/// How the file is read, and where its columns are.
fn look(path: &Path, limits: &Limits) -> Result<(Look, Columns), Problem> {
    let mut found = detect::look(path, &Overrule::default(), limits)?;
    let first = found.detected.preview.first();
    if !found.detected.header && first.is_some_and(|row| row.iter().any(|cell| is_account(cell))) {
        found = detect::look(path, &Overrule { header: Some(true), ..Overrule::default() }, limits)?;
    }
    let names = &found.detected.columns;
    let place = |is: fn(&str) -> bool| names.iter().position(|name| is(name));
    let width = names.len();
    let columns = if !found.detected.header {
        // As a list is pasted: account, group, reason.
        Columns { account: 0, group: (width > 1).then_some(1), reason: (width > 2).then_some(2) }
    } else if let Some(account) = place(is_account) {
        Columns { account, group: place(is_group), reason: place(is_reason) }
    } else if width == 1 {
        Columns { account: 0, group: None, reason: None }
    } else {
        let seen = names.join(", ");
        return Err(refuse(
            Code::InvalidBody,
            format!("没有一列叫 account、user_id 或 账号（看到的列：{seen}）；请给账号列改名"),
            format!("no column is called account, user_id or 账号 (seen: {seen}); name the column of accounts so"),
        ));
    };
    Ok((found, columns))
}

/// One row as an entry, or what is wrong with it.
fn entry(row: &Row<'_>, columns: Columns, file: &BlacklistFile) -> Result<NewBlocked, EntryFault> {
    let cell = |column: Option<usize>| column.and_then(|c| row.text(c)).map_or("", trim);
    if row.bad(columns.account) {
        return Err(EntryFault::NotText);
    }
    let user = cell(Some(columns.account));
    if user.is_empty() {
        return Err(EntryFault::Missing);
    }
    if user.len() > USER_MAX {
        return Err(EntryFault::TooLong);
    }
    if user.chars().any(|c| c.is_control() || c == '\u{fffd}') {
        return Err(EntryFault::Damaged);
    }
    let (own_group, own_reason) = (cell(columns.group), cell(columns.reason));
    let group = if own_group.is_empty() { file.group.as_str() } else { own_group };
    let group = if matches!(group, "all" | "全部") { "" } else { group };
    if group.chars().count() > BUSINESS_MAX || group.chars().any(char::is_control) {
        return Err(EntryFault::Group);
    }
    let reason = if own_reason.is_empty() { file.reason.as_str() } else { own_reason };
    if reason.chars().count() > REASON_MAX || reason.chars().any(char::is_control) {
        return Err(EntryFault::Reason);
    }
    Ok(NewBlocked { user_id: user.to_owned(), group: group.to_owned(), reason: reason.to_owned() })
}

/// The same account and group, whatever the reason.
fn pair(entry: &NewBlocked) -> u128 {
    xxhash_rust::xxh3::xxh3_128([entry.user_id.as_bytes(), &[0], entry.group.as_bytes()].concat().as_slice())
}

/// Looks at every row. Blocking.
fn count(path: &Path, file: &BlacklistFile) -> Result<(Look, Columns, FileReport), Problem> {
    let limits = limits();
    let (look, columns) = look(path, &limits)?;
    let mut report = FileReport { file: file.name.clone(), ..FileReport::default() };
    let mut seen: HashSet<u128> = HashSet::new();
    rows::visit_file(path, look.reading, &limits, Arc::default(), &mut |row| {
        if row.number == 0 {
            return Ok(ControlFlow::Continue(()));
        }
        report.rows += 1;
        match entry(row, columns, file) {
            Ok(entry) if seen.insert(pair(&entry)) => report.added += 1,
            Ok(_) => report.duplicate += 1,
            Err(why) => {
                report.rejected += 1;
                if report.named.len() < NAMED_MAX {
                    report.named.push(RejectedRow { row: row.number, why });
                }
            }
        }
        Ok(ControlFlow::Continue(()))
    })?;
    if report.added == 0 {
        let (rows, first) = (report.rows, report.named.first());
        let (zh, en) = first.map_or_else(Default::default, |r| {
            (format!("；第 {} 行：{}", r.row, r.why.name().zh), format!("; row {}: {}", r.row, r.why.name().en))
        });
        return Err(refuse(
            Code::InvalidBody,
            format!("{rows} 行里没有一个可用的账号{zh}；请检查账号列"),
            format!("none of {rows} rows holds a usable account{en}; check the column of accounts"),
        ));
    }
    Ok((look, columns, report))
}

/// Hands over the good rows in parts; the first of a pair wins. Blocking.
fn parts(
    path: &Path,
    look: &Look,
    columns: Columns,
    file: &BlacklistFile,
    mut take: impl FnMut(Vec<NewBlocked>) -> bool,
) -> Result<(), Problem> {
    let mut seen: HashSet<u128> = HashSet::new();
    let mut part = Vec::with_capacity(AT_ONCE);
    rows::visit_file(path, look.reading, &limits(), Arc::default(), &mut |row| {
        if row.number > 0
            && let Ok(entry) = entry(row, columns, file)
            && seen.insert(pair(&entry))
        {
            part.push(entry);
            if part.len() == AT_ONCE && !take(std::mem::replace(&mut part, Vec::with_capacity(AT_ONCE))) {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    })?;
    if !part.is_empty() {
        take(part);
    }
    Ok(())
}

/// Writes the body to disk as it comes; its SHA-256.
async fn keep<S, E>(place: &tempfile::NamedTempFile, bytes: S) -> Result<String, Problem>
where
    S: Stream<Item = Result<Bytes, E>> + Send,
    E: Display,
{
    let mut file = place.reopen().map_err(internal)?;
    let mut hash = ring::digest::Context::new(&ring::digest::SHA256);
    let (mut bytes, mut size) = (std::pin::pin!(bytes), 0u64);
    while let Some(part) = bytes.next().await {
        let part = part.map_err(|error| {
            refuse(
                Code::InvalidBody,
                format!("上传中断（{error}）；请重新上传"),
                format!("the upload broke off ({error}); please upload the file again"),
            )
        })?;
        size += part.len() as u64;
        if size > FILE_MAX {
            let most = FILE_MAX >> 20;
            return Err(refuse(
                Code::TooLarge,
                format!("文件超过 {most} MiB；请拆成几个文件"),
                format!("the file is larger than {most} MiB; split it"),
            ));
        }
        hash.update(&part);
        file = tokio::task::spawn_blocking(move || file.write_all(&part).map(|()| file)).await.map_err(internal)?.map_err(internal)?;
    }
    Ok(hex::encode(hash.finish()))
}

impl PolicyDesk {
    /// Puts the accounts of a file on the blacklist. `folder` = where it lies meanwhile.
    ///
    /// # Errors
    /// What is wrong with the file, with its remedy; when the store fails.
    pub async fn block_file<S, E>(
        &self,
        app: &App,
        folder: &Path,
        file: BlacklistFile,
        bytes: S,
        actor: &Actor,
    ) -> Result<FileReport, Problem>
    where
        S: Stream<Item = Result<Bytes, E>> + Send,
        E: Display,
    {
        std::fs::create_dir_all(folder).map_err(internal)?;
        let place = Arc::new(tempfile::Builder::new().prefix("blacklist-").tempfile_in(folder).map_err(internal)?);
        let sha256 = keep(&place, bytes).await?;
        let (at, said) = (place.clone(), file.clone());
        let counted = tokio::task::spawn_blocking(move || count(at.path(), &said)).await.map_err(internal)?;
        let (look, columns, report) = counted?;
        let told = json!({ "file": file.name, "sha256": sha256, "rows": report.rows, "entries": report.added,
                           "duplicate": report.duplicate, "rejected": report.rejected,
                           "encoding": if look.reading.encoding == Encoding::Xlsx { "xlsx" } else { "text" } });
        let mut audit = Some(actor.entry(self.world(), "blacklist.file", app.id.as_str(), Some(&app.id), None, Some(told)));
        let (sender, mut parts_read) = mpsc::channel::<Vec<NewBlocked>>(2);
        let reader =
            tokio::task::spawn_blocking(move || parts(place.path(), &look, columns, &file, |part| sender.blocking_send(part).is_ok()));
        while let Some(part) = parts_read.recv().await {
            self.put_part(app, &part, actor, audit.take()).await?;
        }
        reader.await.map_err(internal)??;
        self.settled(app).await?;
        Ok(report)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::workbook::Workbook;

    /// Account, group, reason.
    type Row = (String, String, String);

    fn of(bytes: &[u8]) -> Result<(Vec<Row>, FileReport), Problem> {
        let place = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(place.path(), bytes).unwrap();
        let file = BlacklistFile { name: "f".into(), group: "visit".into(), reason: "asked".into() };
        let (look, columns, report) = count(place.path(), &file)?;
        let mut out = Vec::new();
        parts(place.path(), &look, columns, &file, |part| {
            out.extend(part.into_iter().map(|e| (e.user_id, e.group, e.reason)));
            true
        })?;
        Ok((out, report))
    }

    fn own(list: &[(&str, &str, &str)]) -> Vec<Row> {
        list.iter().map(|(a, b, c)| ((*a).to_owned(), (*b).to_owned(), (*c).to_owned())).collect()
    }

    #[test]
    fn files_as_people_have_them() {
        let csv = "\u{feff}城市,账号,分组,备注\r\n北京,u1,,\r\n上海,u2,news,twice\r\n上海,u3,全部,\r\n,u1,visit,\r\n";
        let (got, report) = of(csv.as_bytes()).unwrap();
        assert_eq!(got, own(&[("u1", "visit", "asked"), ("u2", "news", "twice"), ("u3", "", "asked")]));
        assert_eq!((report.rows, report.added, report.duplicate, report.rejected), (4, 3, 1, 0));
        // GB18030 and tabs; a header of words only.
        let (gbk, _, _) = encoding_rs::GBK.encode("account\tgroup\n甲\tnews\n乙\t\n");
        assert_eq!(of(&gbk).unwrap().0, own(&[("甲", "news", "asked"), ("乙", "visit", "asked")]));
        // One account a line, no header.
        assert_eq!(of(b"1001\n1002\n1001\n").unwrap().0, own(&[("1001", "visit", "asked"), ("1002", "visit", "asked")]));
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packed.write_all("user_id\nu9\n".as_bytes()).unwrap();
        assert_eq!(of(&packed.finish().unwrap()).unwrap().0, own(&[("u9", "visit", "asked")]));
        let mut book = Workbook::new(vec!["账号".into(), "分组".into()]);
        for (account, group) in [("007", "news"), ("甲", ""), ("", "news")] {
            book.row(&[account.into(), group.into()]).unwrap();
        }
        let mut bytes = book.take().to_vec();
        bytes.extend_from_slice(&book.finish().unwrap());
        let (got, report) = of(&bytes).unwrap();
        assert_eq!(got, own(&[("007", "news", "asked"), ("甲", "visit", "asked")]));
        assert_eq!((report.rows, report.rejected), (3, 1));
    }

    #[test]
    fn bad_rows_are_named_and_the_others_go() {
        let long = "x".repeat(USER_MAX + 1);
        let text = format!("user_id,group\nu1,\n,news\n{long},\nu\u{7}2,\nu3,{}\nu4,ok\n", "g".repeat(BUSINESS_MAX + 1));
        let (got, report) = of(text.as_bytes()).unwrap();
        assert_eq!(got, own(&[("u1", "visit", "asked"), ("u4", "ok", "asked")]));
        let named: Vec<(u64, EntryFault)> = report.named.iter().map(|r| (r.row, r.why)).collect();
        assert_eq!(named, [(2, EntryFault::Missing), (3, EntryFault::TooLong), (4, EntryFault::Damaged), (5, EntryFault::Group)]);
        assert_eq!((report.rows, report.added, report.rejected), (6, 2, 4));
    }

    #[test]
    fn what_is_no_list_is_refused_in_words() {
        let words = |bytes: &[u8]| of(bytes).unwrap_err().detail.unwrap().en;
        assert!(words("city,age\nBeijing,1\nShanghai,2\n".as_bytes()).contains("seen: city, age"), "{}", words(b"city,age\nx,1\ny,2\n"));
        assert!(words("user_id,x\n,1\n,2\n".as_bytes()).starts_with("none of 2 rows"));
        assert!(of(&[0x89, b'P', b'N', b'G', 0, 1, 2, 3, 0xff, 0xfe, 0, 0, 7, 7]).is_err());
    }
}
