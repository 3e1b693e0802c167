//! The way of a file to a crowd: receive, look, check, confirm. The person may leave and come back at every step.

use std::collections::HashMap;
use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures::{Stream, StreamExt};
use tokio::sync::{mpsc, watch};
use types::Millis;
use types::crowd::{CrowdCounts, Delimiter, Encoding, Mapping, Overrule, UploadState};
use types::ids::{CrowdId, UploadId};
use types::problem::{Code, Problem};
use types::text::{Lang, Words};

use super::check::{self, Found, Piece, Progress};
use super::decode::Container;
use super::rows::Reading;
use super::{Limits, detect, internal, refuse, rejects};
use crate::storage::crowds::{Crowd, NewUpload, Targets, Upload};
use crate::storage::{Storage, StorageError};
use crate::world::World;

mod forget;

/// Unconfirmed files are forgotten after a day.
pub const STALE_AFTER: Millis = 24 * 3_600_000;
/// A check says this often that it goes on.
const KEEP_EVERY: Duration = Duration::from_secs(5);
/// Characters of a crowd's name.
pub const NAME_MAX: usize = 64;
/// Blocks in one commit: about half a megabyte, so that nobody waits long behind us.
const BLOCKS_PER_WRITE: usize = 16;
/// Pieces between the reader and the store.
const PIECES: usize = 32;

/// The service. Cheap to clone; checks under way are known to all clones.
#[derive(Clone)]
pub struct Crowds {
    storage: Storage,
    world: World,
    folder: Arc<Path>,
    limits: Limits,
    jobs: Arc<Mutex<HashMap<UploadId, Job>>>,
}

#[derive(Clone)]
struct Job {
    progress: Arc<Progress>,
    done: watch::Receiver<bool>,
}

/// How far a check is. Bytes of the file, rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    pub bytes: u64,
    pub bytes_read: u64,
    pub rows_read: u64,
    pub rows_stored: u64,
}

/// All a page needs about an upload.
#[derive(Clone, Debug)]
pub struct Look {
    pub upload: Upload,
    /// The mapping to begin with: of the last check, else remembered, else guessed.
    pub mapping: Mapping,
    /// The mapping comes from the last file with these columns.
    pub remembered: bool,
    /// An earlier crowd of the same bytes.
    pub same_file: Option<Crowd>,
    /// While checking.
    pub progress: Option<Seen>,
}

impl Crowds {
    /// `folder` is created; uploads and sort runs live in it.
    ///
    /// # Errors
    /// When the folder cannot be made.
    pub fn new(storage: Storage, world: World, folder: PathBuf, limits: Limits) -> std::io::Result<Crowds> {
        std::fs::create_dir_all(&folder)?;
        Ok(Crowds { storage, world, folder: folder.into(), limits, jobs: Arc::default() })
    }

    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    pub(super) fn storage(&self) -> &Storage {
        &self.storage
    }

    pub(super) fn world(&self) -> &World {
        &self.world
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Takes a file: on disk and synced when it returns. Nothing is left of a refused one.
    ///
    /// # Errors
    /// Too large, not a table, too many open uploads, or the sender broke off.
    pub async fn receive<S, E>(&self, app_no: i64, person: &str, file_name: &str, bytes: S) -> Result<UploadId, Problem>
    where
        S: Stream<Item = Result<Bytes, E>> + Send,
        E: Display,
    {
        if self.storage.crowds.count_open(person).await.map_err(internal)? >= self.limits.open_uploads {
            let most = self.limits.open_uploads;
            return Err(refuse(
                Code::TooManyRequests,
                format!("您有 {most} 个上传尚未确认；请先确认或放弃其中一些"),
                format!("you have {most} unconfirmed uploads; confirm or discard some of them first"),
            ));
        }
        let id = UploadId::from_bytes(self.world.id());
        let kept = self.write_down(&id, bytes).await;
        let outcome = match kept {
            Ok((size, sha256)) => self.enter(app_no, person, file_name, &id, size, sha256).await,
            Err(problem) => Err(problem),
        };
        if outcome.is_err() {
            self.remove(id.as_str()).await;
        }
        outcome.map(|()| id)
    }

    async fn write_down<S, E>(&self, id: &UploadId, bytes: S) -> Result<(u64, String), Problem>
    where
        S: Stream<Item = Result<Bytes, E>> + Send,
        E: Display,
    {
        let path = self.folder.join(id.as_str());
        let (sender, mut parts) = mpsc::channel::<Bytes>(16);
        let writer = tokio::task::spawn_blocking(move || -> std::io::Result<(u64, String)> {
            use std::io::Write;
            let mut file = std::fs::File::create_new(&path)?;
            let mut hash = ring::digest::Context::new(&ring::digest::SHA256);
            let mut size = 0;
            while let Some(part) = parts.blocking_recv() {
                hash.update(&part);
                file.write_all(&part)?;
                size += part.len() as u64;
            }
            file.sync_all()?;
            Ok((size, hex::encode(hash.finish())))
        });
        let mut bytes = std::pin::pin!(bytes);
        let mut left = self.limits.upload_bytes;
        let mut refused = None;
        while let Some(part) = bytes.next().await {
            let part = match part {
                Ok(part) => part,
                Err(error) => {
                    refused = Some(refuse(
                        Code::InvalidBody,
                        format!("上传中断（{error}）；请重新上传"),
                        format!("the upload broke off ({error}); please upload the file again"),
                    ));
                    break;
                }
            };
            let Some(rest) = left.checked_sub(part.len() as u64) else {
                let most = self.limits.upload_bytes >> 20;
                refused = Some(refuse(
                    Code::TooLarge,
                    format!("文件超过 {most} MiB；请拆分或用 gzip 压缩后上传"),
                    format!("the file is larger than {most} MiB; split it or pack it with gzip"),
                ));
                break;
            };
            left = rest;
            if sender.send(part).await.is_err() {
                break;
            }
        }
        drop(sender);
        let written = writer.await.map_err(internal)?.map_err(internal)?;
        refused.map_or(Ok(written), Err)
    }

    async fn enter(&self, app_no: i64, person: &str, file_name: &str, id: &UploadId, size: u64, sha256: String) -> Result<(), Problem> {
        let look = self.look_at(id.as_str().to_owned(), Overrule::default()).await?;
        let upload = NewUpload {
            id: id.clone(),
            app_no,
            file_name: file_name_of(file_name),
            file_size: size,
            sha256,
            path: id.as_str().to_owned(),
            signature: detect::signature(&look.detected),
            detected: look.detected,
            created_by: person.to_owned(),
            now: self.world.now(),
        };
        self.storage.crowds.add_upload(upload).await.map_err(internal)
    }

    async fn look_at(&self, path: String, overrule: Overrule) -> Result<detect::Look, Problem> {
        let (path, limits) = (self.folder.join(path), self.limits);
        tokio::task::spawn_blocking(move || detect::look(&path, &overrule, &limits)).await.map_err(internal)?
    }

    async fn upload(&self, app_no: i64, id: &UploadId) -> Result<Upload, Problem> {
        self.storage.crowds.upload(app_no, id).await.map_err(internal)?.ok_or_else(|| {
            refuse(
                Code::NotFound,
                "没有这个上传；未确认的文件 24 小时后清除，请重新上传",
                "there is no such upload; unconfirmed files are removed after 24 h, please upload it again",
            )
        })
    }

    /// # Errors
    /// `NotFound`.
    pub async fn look(&self, app_no: i64, id: &UploadId) -> Result<Look, Problem> {
        let upload = self.upload(app_no, id).await?;
        let remembered = self.storage.crowds.mapping(app_no, &upload.signature).await.map_err(internal)?;
        let remembered = remembered.filter(|m| check::check_mapping(m, upload.detected.columns.len()).is_ok());
        let same_file = self.storage.crowds.same_file(app_no, &upload.sha256).await.map_err(internal)?;
        let progress = self.job(id).map(|job| seen(&job.progress));
        let is_remembered = upload.mapping.is_none() && remembered.is_some();
        let mapping = upload.mapping.clone().or(remembered).unwrap_or_else(|| detect::suggest(&upload.detected));
        Ok(Look { upload, mapping, remembered: is_remembered, same_file, progress })
    }

    /// Reads the file's beginning again as the person says.
    ///
    /// # Errors
    /// `NotFound`, `WrongState` while checking or when confirmed, or what the new look refuses.
    pub async fn overrule(&self, app_no: i64, id: &UploadId, overrule: Overrule) -> Result<(), Problem> {
        let upload = self.upload(app_no, id).await?;
        if matches!(upload.state, UploadState::Checking | UploadState::Confirmed) {
            return Err(wrong_state());
        }
        let look = self.look_at(upload.path, overrule.clone()).await?;
        let signature = detect::signature(&look.detected);
        let now = self.world.now();
        self.storage.crowds.set_detected(id, &overrule, &look.detected, &signature, now).await.map_err(from_storage)
    }

    /// Begins to read the whole file; returns at once. [`Crowds::look`] tells how far it is, also after a page reload.
    ///
    /// # Errors
    /// `NotFound`, field errors of the mapping, `WrongState` while another check runs or when confirmed.
    pub async fn check(&self, app_no: i64, id: &UploadId, mapping: Mapping) -> Result<(), Problem> {
        let upload = self.upload(app_no, id).await?;
        if upload.state == UploadState::Confirmed {
            return Err(wrong_state());
        }
        check::check_mapping(&mapping, upload.detected.columns.len())?;
        let (finished, done) = watch::channel(false);
        let progress = Arc::new(Progress::default());
        progress.bytes.store(upload.file_size, Ordering::Relaxed);
        {
            let mut jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
            if jobs.contains_key(id) {
                return Err(wrong_state());
            }
            jobs.insert(id.clone(), Job { progress: progress.clone(), done });
        }
        let crowd = CrowdId::from_bytes(self.world.id());
        let begun = self.storage.crowds.begin_check(id, &crowd, &mapping, self.world.now()).await;
        let crowd_no = match begun {
            Ok(no) => no,
            Err(error) => {
                self.end(id);
                return Err(from_storage(error));
            }
        };
        let this = self.clone();
        tokio::spawn(async move {
            let id = upload.id.clone();
            let outcome = tokio::select! {
                outcome = this.read_all(upload, mapping, crowd_no, progress.clone()) => outcome,
                () = this.keep(&id, crowd_no) => Err(wrong_state()),
            };
            // The reader stops too, when somebody else took the check over.
            progress.cancelled.store(true, Ordering::Relaxed);
            if let Err(problem) = outcome
                && let Err(error) = this.storage.crowds.fail_check(&id, crowd_no, &problem, this.world.now()).await
            {
                tracing::error!(%error, upload = %id, "the end of a crowd check could not be stored");
            }
            this.end(&id);
            let _ = finished.send(true);
            this.sweep().await;
        });
        Ok(())
    }

    /// Says again and again that this check goes on; returns when it is not ours any more.
    async fn keep(&self, id: &UploadId, crowd_no: i64) {
        loop {
            tokio::time::sleep(KEEP_EVERY).await;
            match self.storage.crowds.keep_check(id, crowd_no, self.world.now()).await {
                Err(StorageError::Stale(_)) => return,
                Err(error) => tracing::warn!(%error, upload = %id, "a crowd check could not be kept; the next try follows"),
                Ok(()) => {}
            }
        }
    }

    async fn read_all(&self, upload: Upload, mapping: Mapping, crowd_no: i64, progress: Arc<Progress>) -> Result<(), Problem> {
        let path = self.folder.join(&upload.path);
        let reading = reading_of(&upload);
        let (limits, folder) = (self.limits, self.folder.clone());
        let (sender, mut pieces) = mpsc::channel::<Piece>(PIECES);
        let watched = progress.clone();
        let reader = tokio::task::spawn_blocking(move || {
            check::run(&path, reading, &mapping, &limits, &folder, &watched, &mut |piece| {
                sender.blocking_send(piece).map_err(|_| internal("the store stopped taking crowd blocks"))
            })
        });
        let stored = self.store(upload.app_no, crowd_no, &mut pieces, &progress).await;
        // A store that stopped makes the reader stop: its channel is closed.
        drop(pieces);
        let found = reader.await.map_err(internal)?;
        let known = stored?;
        let Found { counts, reasons } = found?;
        let counts = CrowdCounts { unknown: counts.valid.saturating_sub(known), ..counts };
        self.storage.crowds.finish_check(&upload.id, crowd_no, &counts, &reasons, self.world.now()).await.map_err(from_storage)
    }

    /// Stores pieces as they come, several in one commit. Returns how many recipients the app knows.
    async fn store(&self, app_no: i64, crowd_no: i64, pieces: &mut mpsc::Receiver<Piece>, progress: &Progress) -> Result<u64, Problem> {
        let (mut known, mut reject_seq, mut batch) = (0, 0, Vec::with_capacity(BLOCKS_PER_WRITE));
        while pieces.recv_many(&mut batch, BLOCKS_PER_WRITE).await > 0 {
            let (mut blocks, mut lists, mut targets) = (Vec::new(), Vec::new(), Vec::new());
            for piece in batch.drain(..) {
                match piece {
                    Piece::Block(block, asked) => {
                        blocks.push(block);
                        targets.push(asked);
                    }
                    Piece::Rejects(list) => lists.push(list),
                }
            }
            let rows: i64 = blocks.iter().map(|b| b.count).sum();
            if !blocks.is_empty() {
                // The writer and a reader of the store work side by side.
                let (stored, counted) = tokio::join!(self.storage.crowds.add_blocks(crowd_no, blocks), self.known(app_no, &targets));
                stored.map_err(from_storage)?;
                known += counted?;
            }
            if !lists.is_empty() {
                let n = i64::try_from(lists.len()).unwrap_or(0);
                self.storage.crowds.add_rejects(crowd_no, reject_seq, lists).await.map_err(from_storage)?;
                reject_seq += n;
            }
            progress.rows_stored.fetch_add(rows.unsigned_abs(), Ordering::Relaxed);
        }
        Ok(known)
    }

    async fn known(&self, app_no: i64, targets: &[Targets]) -> Result<u64, Problem> {
        let mut known = 0;
        for asked in targets {
            known += self.storage.crowds.known(app_no, asked).await.map_err(internal)?;
        }
        Ok(known)
    }

    fn job(&self, id: &UploadId) -> Option<Job> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner).get(id).cloned()
    }

    fn end(&self, id: &UploadId) {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
    }

    /// Asks a running check to stop; it ends as failed within a moment. `false` when none runs.
    pub fn cancel(&self, id: &UploadId) -> bool {
        let job = self.job(id);
        if let Some(job) = &job {
            job.progress.cancelled.store(true, Ordering::Relaxed);
        }
        job.is_some()
    }

    /// Returns when no check of this upload runs (any more).
    pub async fn wait(&self, id: &UploadId) {
        if let Some(mut job) = self.job(id) {
            // An error means the task is gone: also an end.
            let _ = job.done.wait_for(|done| *done).await;
        }
    }

    /// Makes the checked file a crowd under this name.
    ///
    /// # Errors
    /// `NotFound`, a field error of the name, an empty crowd, `WrongState` when it is not checked.
    pub async fn confirm(&self, app_no: i64, id: &UploadId, name: &str, person: &str) -> Result<CrowdId, Problem> {
        let name = name.trim();
        let length = name.chars().count();
        if length == 0 || length > NAME_MAX || name.chars().any(char::is_control) {
            return Err(Problem::field(
                "name",
                Words::new(format!("请填写 1 到 {NAME_MAX} 个字符的名称"), format!("give a name of 1 to {NAME_MAX} characters")),
            ));
        }
        let upload = self.upload(app_no, id).await?;
        if upload.state == UploadState::Checked && upload.counts.valid == 0 {
            return Err(refuse(
                Code::InvalidFields,
                "没有一行有效，不能成为人群包；请检查列的对应关系或下载被拒绝的行",
                "no row is valid, so there is no crowd; check the mapping or download the rejected rows",
            ));
        }
        let (crowd, path) = self.storage.crowds.confirm(id, name, person, self.world.now()).await.map_err(from_storage)?;
        self.remove(&path).await;
        Ok(crowd)
    }

    /// The rejected rows of an upload as CSV, part by part.
    ///
    /// # Errors
    /// `NotFound`; `WrongState` when it was not checked.
    pub async fn rejects_of_upload(
        &self,
        app_no: i64,
        id: &UploadId,
        lang: Lang,
    ) -> Result<impl Stream<Item = Result<Bytes, StorageError>> + Send + use<>, Problem> {
        let upload = self.upload(app_no, id).await?;
        match (upload.state, upload.crowd_no) {
            (UploadState::Checked | UploadState::Confirmed, Some(crowd_no)) => Ok(self.rejects(crowd_no, lang)),
            _ => Err(wrong_state()),
        }
    }

    /// The rejected rows of a crowd's file as CSV, part by part.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn rejects_of_crowd(
        &self,
        app_no: i64,
        id: &CrowdId,
        lang: Lang,
    ) -> Result<impl Stream<Item = Result<Bytes, StorageError>> + Send + use<>, Problem> {
        let crowd = self.storage.crowds.get(id).await.map_err(internal)?.filter(|c| c.app_no == app_no);
        crowd.map(|crowd| self.rejects(crowd.no, lang)).ok_or_else(|| Problem::new(Code::NotFound))
    }

    fn rejects(&self, crowd_no: i64, lang: Lang) -> impl Stream<Item = Result<Bytes, StorageError>> + Send + use<> {
        let crowds = self.storage.crowds.clone();
        let parts = futures::stream::try_unfold(0i64, move |seq| {
            let crowds = crowds.clone();
            async move {
                let list = crowds.rejects(crowd_no, seq).await?;
                Ok(list.map(|list| (Bytes::from(rejects::lines(&list, lang)), seq + 1)))
            }
        });
        futures::stream::once(async move { Ok(Bytes::from(rejects::head(lang))) }).chain(parts)
    }

    /// A whole file in one call, for the API: received, looked at (or told), checked, confirmed. A mapping left out is guessed.
    ///
    /// # Errors
    /// Any of the steps'; then nothing is left.
    pub async fn import_all<S, E>(&self, app_no: i64, person: &str, order: ImportOrder, bytes: S) -> Result<Crowd, Problem>
    where
        S: Stream<Item = Result<Bytes, E>> + Send,
        E: Display,
    {
        let id = self.receive(app_no, person, &order.file_name, bytes).await?;
        let outcome = self.import_received(app_no, person, &id, order).await;
        if outcome.is_err() {
            self.discard(app_no, &id).await?;
        }
        outcome
    }

    async fn import_received(&self, app_no: i64, person: &str, id: &UploadId, order: ImportOrder) -> Result<Crowd, Problem> {
        if order.overrule != Overrule::default() {
            self.overrule(app_no, id, order.overrule).await?;
        }
        let mapping = match order.mapping {
            Some(mapping) => mapping,
            None => self.look(app_no, id).await?.mapping,
        };
        self.check(app_no, id, mapping).await?;
        self.wait(id).await;
        if let Some(problem) = self.upload(app_no, id).await?.problem {
            return Err(problem);
        }
        let crowd = self.confirm(app_no, id, &order.name, person).await?;
        self.storage.crowds.get(&crowd).await.map_err(internal)?.ok_or_else(|| Problem::new(Code::Internal))
    }
}

/// What the API says about a file.
#[derive(Clone, Debug, Default)]
pub struct ImportOrder {
    pub name: String,
    pub file_name: String,
    pub overrule: Overrule,
    pub mapping: Option<Mapping>,
}

fn seen(progress: &Progress) -> Seen {
    let read = |n: &std::sync::atomic::AtomicU64| n.load(Ordering::Relaxed);
    Seen {
        bytes: read(&progress.bytes),
        bytes_read: read(&progress.bytes_read),
        rows_read: read(&progress.rows_read),
        rows_stored: read(&progress.rows_stored),
    }
}

/// What was looked at is what is read: nothing is guessed twice.
fn reading_of(upload: &Upload) -> Reading {
    let detected = &upload.detected;
    let container = match (detected.encoding, detected.gzip) {
        (Encoding::Xlsx, _) => Container::Zip,
        (_, true) => Container::Gzip,
        (_, false) => Container::Plain,
    };
    let delimiter = Delimiter::of_sign(detected.delimiter).unwrap_or(Delimiter::Nothing);
    Reading { container, encoding: detected.encoding, delimiter, header: detected.header }
}

/// The last part of the name, without anything a path or a terminal would read; at most 120 characters.
fn file_name_of(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let clean: String = last.chars().filter(|c| !c.is_control()).take(120).collect();
    if clean.trim().is_empty() { "upload".to_owned() } else { clean.trim().to_owned() }
}

fn wrong_state() -> Problem {
    refuse(
        Code::WrongState,
        "这个上传正在检查、尚未检查或已经确认；请刷新页面看它现在的状态",
        "this upload is being checked, not checked yet, or already confirmed; reload to see where it stands",
    )
}

fn from_storage(error: StorageError) -> Problem {
    match error {
        StorageError::Conflict("crowd name") => {
            Problem::field("name", Words::new("已有同名人群包，请换一个名称", "a crowd of this name exists; choose another name"))
        }
        StorageError::Stale(_) => wrong_state(),
        other => internal(other),
    }
}
