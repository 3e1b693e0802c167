//! A crowd made out of others: asked for, made in the background, stopped, found again by whoever looks.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde_json::json;
use types::crowd::{CrowdCounts, KeyKind, Mapping};
use types::field::FieldError;
use types::ids::{CampaignId, CrowdId, MakingId};
use types::making::{DeedRule, MakingProgress, STEPS_MAX, SetOp, SetSize, Source, Step, TAG_LENGTH, TAGS_MAX, decide, formula};
use types::problem::{Code, Problem};
use types::text::Words;
use types::vendor::Vendor;

use super::gather::{self, Ground};
use super::import::{Crowds, NAME_MAX};
use super::join::{Join, Joined};
use super::recipe::{Draft, Drafted, Order};
use super::{internal, refuse};
use crate::access::actor::Actor;
use crate::storage::apps::App;
use crate::storage::crowd_frame::{BLOCK_ROWS, Block, BlockWriter, put_value};
use crate::storage::crowds::{Crowd, Targets};
use crate::storage::devices::TokenState;
use crate::storage::makings::{Made, Making, NewMaking};
use crate::storage::{Storage, StorageError};

/// Makings under way in one app, at most.
const AT_ONCE: u32 = 2;
/// A making says this often how far it is.
const KEEP_EVERY: Duration = Duration::from_secs(1);
/// Blocks in one commit.
const BLOCKS_PER_WRITE: usize = 16;

#[derive(Default)]
struct Progress {
    gathered: Arc<AtomicU64>,
    joined: AtomicU64,
    all: AtomicU64,
}

impl Progress {
    fn now(&self) -> MakingProgress {
        let read = |n: &AtomicU64| n.load(Ordering::Relaxed);
        MakingProgress { gathered: read(&self.gathered), joined: read(&self.joined), all: read(&self.all) }
    }
}

fn field(name: &str, zh: impl Into<String>, en: impl Into<String>) -> FieldError {
    FieldError { field: name.to_owned(), reason: Words::new(zh, en) }
}

/// A name that a crowd may have, or what is wrong with it.
pub fn name_error(name: &str) -> Option<FieldError> {
    let length = name.chars().count();
    (length == 0 || length > NAME_MAX || name.chars().any(char::is_control))
        .then(|| field("name", format!("请填写 1 到 {NAME_MAX} 个字符的名称"), format!("give a name of 1 to {NAME_MAX} characters")))
}

impl Crowds {
    /// Begins to make a crowd; returns at once. It goes on while nobody looks.
    ///
    /// # Errors
    /// Field errors; `TooManyRequests` while others are made.
    pub async fn combine(&self, app: &App, order: Order, actor: &Actor) -> Result<MakingId, Problem> {
        let name = order.name.trim().to_owned();
        let mut errors: Vec<FieldError> = name_error(&name).into_iter().collect();
        let (key, steps) = self.resolve(app, order.drafts, order.key, &mut errors).await?;
        if errors.is_empty() && steps.is_empty() {
            errors.push(field("start", "请选择从哪些人开始", "choose whom to begin with"));
        }
        if steps.len() > STEPS_MAX {
            errors.push(field("start", format!("最多 {STEPS_MAX} 步"), format!("at most {STEPS_MAX} steps")));
        }
        if !errors.is_empty() {
            return Err(Problem::fields(errors));
        }
        let words = formula(&steps);
        let making = NewMaking {
            id: MakingId::from_bytes(self.world().id()),
            crowd: CrowdId::from_bytes(self.world().id()),
            app_no: app.no,
            name: name.clone(),
            key,
            steps,
            formula: words.zh.chars().take(200).collect(),
            created_by: actor.id.clone(),
            now: self.world().now(),
        };
        let after = json!({ "name": name, "formula": words.en, "crowd": making.crowd.as_str() });
        let entry = actor.entry(self.world(), "crowd.combine", making.id.as_str(), Some(&app.id), None, Some(after));
        let made = self.storage().makings.begin(making, AT_ONCE, entry).await.map_err(from_storage)?;
        let id = made.id.clone();
        let this = self.clone();
        tokio::spawn(async move { this.work_on(made).await });
        Ok(id)
    }

    /// Names for ids, and one kind of key for all.
    async fn resolve(
        &self,
        app: &App,
        drafts: Vec<Draft>,
        asked: KeyKind,
        errors: &mut Vec<FieldError>,
    ) -> Result<(KeyKind, Vec<Step>), Problem> {
        let mut steps = Vec::with_capacity(drafts.len());
        let mut key: Option<(KeyKind, String)> = None;
        for draft in drafts {
            let source = match draft.source {
                Drafted::Crowd(id) => {
                    let Some(crowd) = self.crowd_of(app.no, &id).await? else {
                        errors.push(field(draft.field, "没有这个人群包", "there is no such crowd"));
                        continue;
                    };
                    match &key {
                        Some((kind, first)) if *kind != crowd.mapping.key => {
                            let (ours, theirs) = (crowd.mapping.key.name(), kind.name());
                            let zh = format!("「{}」每行是{}，「{first}」每行是{}：不能合在一起", crowd.name, ours.zh, theirs.zh);
                            let en = format!(
                                "the rows of “{}” name {}, those of “{first}” name {}: they cannot be joined",
                                crowd.name, ours.en, theirs.en
                            );
                            errors.push(field(draft.field, zh, en));
                        }
                        _ => key = Some((crowd.mapping.key, crowd.name.clone())),
                    }
                    Source::Crowd { id, name: crowd.name }
                }
                Drafted::Devices(rule) => Source::Devices(rule),
                Drafted::Deeds { deed, campaign, days } => {
                    let campaign = match campaign {
                        None => None,
                        Some(id) => match self.campaign_name(app.no, &id).await? {
                            Some(name) => Some((id, name)),
                            None => {
                                errors.push(field(draft.field, "没有这个推送任务", "there is no such campaign"));
                                continue;
                            }
                        },
                    };
                    Source::Deeds(DeedRule { deed, campaign, days })
                }
            };
            steps.push(Step { op: draft.op, source });
        }
        Ok((key.map_or(asked, |(kind, _)| kind), steps))
    }

    async fn crowd_of(&self, app_no: i64, id: &CrowdId) -> Result<Option<Crowd>, Problem> {
        Ok(self.storage().crowds.get(id).await.map_err(internal)?.filter(|crowd| crowd.app_no == app_no))
    }

    async fn campaign_name(&self, app_no: i64, id: &CampaignId) -> Result<Option<String>, Problem> {
        let found = self.storage().campaigns.get(id).await.map_err(internal)?;
        Ok(found.filter(|campaign| campaign.app_no == app_no).map(|campaign| campaign.spec.name))
    }

    async fn work_on(&self, making: Making) {
        let progress = Progress::default();
        let outcome = tokio::select! {
            outcome = self.make(&making, &progress) => outcome,
            // Stopped, or taken back: the staged crowd is gone already.
            () = self.keep_making(making.no, &progress) => {
                self.sweep().await;
                return;
            }
        };
        if let Err(problem) = outcome
            && let Err(error) = self.storage().makings.fail(making.no, &problem, self.world().now()).await
        {
            tracing::error!(%error, making = %making.id, "the end of a making could not be stored");
        }
        self.sweep().await;
    }

    async fn keep_making(&self, no: i64, progress: &Progress) {
        loop {
            tokio::time::sleep(KEEP_EVERY).await;
            match self.storage().makings.keep(no, progress.now(), self.world().now()).await {
                Err(StorageError::Stale(_)) => return,
                Err(error) => tracing::warn!(%error, no, "a making could not be kept; the next try follows"),
                Ok(()) => {}
            }
        }
    }

    async fn make(&self, making: &Making, progress: &Progress) -> Result<(), Problem> {
        let ground = Ground {
            storage: self.storage().clone(),
            app_no: making.app_no,
            kind: making.key,
            now: making.created_at,
            folder: self.folder().to_owned(),
            sort_bytes: self.limits().sort_bytes,
            seen: progress.gathered.clone(),
        };
        let (mut feeds, mut names, mut all) = (Vec::new(), BTreeSet::new(), 0);
        for step in &making.steps {
            feeds.push(match &step.source {
                Source::Crowd { id, name } => {
                    let gone = || refuse(Code::NotFound, format!("人群包「{name}」不在了"), format!("the crowd “{name}” is gone"));
                    let crowd = self.crowd_of(making.app_no, id).await?.ok_or_else(gone)?;
                    all += crowd.counts.valid;
                    names.extend(crowd.mapping.variables.into_keys());
                    gather::Source::Crowd { storage: Box::new(self.storage().clone()), id: id.clone(), seq: 0 }
                }
                Source::Devices(rule) => gather::Source::Sorted(gather::devices(&ground, rule).await?),
                Source::Deeds(rule) => gather::Source::Sorted(gather::deeds(&ground, rule).await?),
            });
            if let Some(gather::Source::Sorted(sorted)) = feeds.last() {
                all += sorted.entries;
            }
        }
        progress.all.store(all, Ordering::Relaxed);
        let names: Vec<String> = names.into_iter().collect();
        let mut writing = Writing::new(self.storage(), making, names, self.limits().rows);
        let (mut join, mut waiting) = (Join::of(feeds), Vec::with_capacity(BLOCK_ROWS));
        while join.next(&mut waiting).await? {
            if waiting.len() >= BLOCK_ROWS {
                writing.take(&mut waiting).await?;
                progress.joined.store(join.taken(), Ordering::Relaxed);
            }
        }
        writing.take(&mut waiting).await?;
        progress.joined.store(all, Ordering::Relaxed);
        let made = writing.end(progress.now()).await?;
        self.storage().makings.finish(making.no, made, self.world().now()).await.map_err(from_storage)
    }

    /// Stops a making under way. `false` when it was over.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn stop_making(&self, app: &App, id: &MakingId, actor: &Actor) -> Result<bool, Problem> {
        let entry = actor.entry(self.world(), "crowd.stop_making", id.as_str(), Some(&app.id), None, None);
        let stopped = self.storage().makings.cancel(app.no, id, self.world().now(), entry).await.map_err(internal)?;
        Ok(stopped)
    }

    /// # Errors
    /// Field errors; `NotFound`.
    pub async fn tag(&self, app: &App, id: &CrowdId, tags: &[String], actor: &Actor) -> Result<(), Problem> {
        if tags.len() > TAGS_MAX || tags.iter().any(|t| t.chars().count() > TAG_LENGTH || t.chars().any(char::is_control)) {
            return Err(Problem::fields(vec![field(
                "tags",
                format!("最多 {TAGS_MAX} 个标签，每个不超过 {TAG_LENGTH} 个字符"),
                format!("at most {TAGS_MAX} tags of up to {TAG_LENGTH} characters"),
            )]));
        }
        let missing = || Problem::new(Code::NotFound);
        let crowd = self.crowd_of(app.no, id).await?.ok_or_else(missing)?;
        let (before, after) = (json!({ "tags": crowd.tags }), json!({ "name": crowd.name, "tags": tags }));
        let entry = actor.entry(self.world(), "crowd.tag", id.as_str(), Some(&app.id), Some(before), Some(after));
        let set = self.storage().makings.set_tags(app.no, id, tags, entry).await.map_err(internal)?;
        set.then_some(()).ok_or_else(missing)
    }

    /// Makings of processes that are gone end.
    pub(in crate::access::crowd) async fn give_makings_up(&self, before: types::Millis) {
        let problem = refuse(
            Code::Unavailable,
            "服务在计算途中停了；没有留下任何东西，请再做一次",
            "the server stopped while it was being made; nothing is left of it, make it again",
        );
        match self.storage().makings.give_up(before, &problem, self.world().now()).await {
            Ok(0) => {}
            Ok(_) => self.sweep().await,
            Err(error) => tracing::warn!(%error, "makings of processes that are gone could not be ended"),
        }
    }
}

/// The result as it grows: sizes, blocks, what is known.
struct Writing<'a> {
    storage: &'a Storage,
    making: &'a Making,
    ops: Vec<SetOp>,
    names: Vec<String>,
    most: u64,
    writer: BlockWriter,
    blocks: Vec<Block>,
    /// Of every step, then of the result.
    sizes: Vec<(u64, BTreeMap<Vendor, u64>, u64)>,
    known: u64,
}

impl<'a> Writing<'a> {
    fn new(storage: &'a Storage, making: &'a Making, names: Vec<String>, most: u64) -> Writing<'a> {
        let ops: Vec<SetOp> = making.steps.iter().map(|step| step.op).collect();
        let writer = BlockWriter::new(making.key, &names);
        let sizes = vec![Default::default(); ops.len() + 1];
        Writing { storage, making, ops, names, most, writer, blocks: Vec::new(), sizes, known: 0 }
    }

    async fn take(&mut self, joined: &mut Vec<Joined>) -> Result<(), Problem> {
        let (app_no, result) = (self.making.app_no, self.ops.len());
        let everybody = targets(self.making.key, joined.iter());
        let devices = &self.storage.devices;
        let reached = match &everybody {
            Targets::Users(users) => devices.reach_users(app_no, users).await,
            Targets::Devices(ids) => devices.reach_devices(app_no, ids).await,
            Targets::Tokens(tokens) => devices.reach_tokens(app_no, tokens).await,
        };
        let reached = reached.map_err(internal)?;
        let inside = |one: &&Joined| decide(&self.ops, one.mask);
        let kept = targets(self.making.key, joined.iter().filter(inside));
        self.known += self.storage.crowds.known(app_no, &kept).await.map_err(internal)?;
        for (i, one) in joined.drain(..).enumerate() {
            let usable = reached.get(i).into_iter().flatten().filter(|reach| reach.state == TokenState::Active);
            // A token names its vendor itself: others of the same device are not meant.
            let usable = usable.filter(|reach| one.row.vendor.is_none_or(|own| own == reach.vendor && one.row.text == reach.token));
            let vendors: BTreeSet<Vendor> = usable.map(|reach| reach.vendor).collect();
            let inside = decide(&self.ops, one.mask);
            for (at, (rows, by_vendor, without)) in self.sizes.iter_mut().enumerate() {
                if if at == result { inside } else { one.mask >> at & 1 == 1 } {
                    *rows += 1;
                    *without += u64::from(vendors.is_empty());
                    for vendor in &vendors {
                        *by_vendor.entry(*vendor).or_default() += 1;
                    }
                }
            }
            if inside {
                self.push(one).await?;
            }
        }
        Ok(())
    }

    async fn push(&mut self, one: Joined) -> Result<(), Problem> {
        let mut values = Vec::new();
        for (name, value) in &one.row.variables {
            if let Ok(at) = self.names.binary_search(name) {
                put_value(&mut values, at, value);
            }
        }
        self.writer.push(one.row.key, one.row.vendor, &one.row.text, &values);
        if self.writer.len() == BLOCK_ROWS {
            self.blocks.push(self.writer.take());
        }
        if self.blocks.len() >= BLOCKS_PER_WRITE {
            self.store().await?;
        }
        Ok(())
    }

    async fn store(&mut self) -> Result<(), Problem> {
        let rows = self.sizes.last().map_or(0, |size| size.0);
        if rows > self.most {
            let most = self.most;
            return Err(refuse(
                Code::TooLarge,
                format!("结果超过 {most} 行；请把规则收窄"),
                format!("it comes to more than {most} rows; narrow it"),
            ));
        }
        let blocks = std::mem::take(&mut self.blocks);
        self.storage.crowds.add_blocks(self.making.crowd_no, blocks).await.map_err(from_storage)
    }

    async fn end(mut self, progress: MakingProgress) -> Result<Made, Problem> {
        if !self.writer.is_empty() {
            self.blocks.push(self.writer.take());
        }
        if !self.blocks.is_empty() {
            self.store().await?;
        }
        let size =
            |(rows, vendors, without): (u64, BTreeMap<Vendor, u64>, u64)| SetSize { rows, vendors: vendors.into_iter().collect(), without };
        let sizes: Vec<SetSize> = self.sizes.into_iter().map(size).collect();
        let valid = sizes.last().map_or(0, |size| size.rows);
        if valid == 0 {
            return Err(refuse(
                Code::InvalidFields,
                "结果是空的，没有成为人群包；请放宽条件",
                "nobody is left, so there is no crowd; choose wider rules",
            ));
        }
        let variables = (0u32..).zip(self.names).map(|(at, name)| (name, at + 1)).collect();
        let mapping = Mapping { key: self.making.key, variables, ..Mapping::default() };
        let counts = CrowdCounts { rows: valid, valid, unknown: valid.saturating_sub(self.known), ..CrowdCounts::default() };
        Ok(Made { mapping, counts, sizes, progress })
    }
}

fn targets<'a>(kind: KeyKind, list: impl Iterator<Item = &'a Joined>) -> Targets {
    let text = |one: &Joined| one.row.text.clone();
    match kind {
        KeyKind::User => Targets::Users(list.map(text).collect()),
        KeyKind::Device => Targets::Devices(list.map(text).collect()),
        // A vendor without a lane of ours has nobody to ask for: it stands under a vendor that has no such token.
        KeyKind::Token => Targets::Tokens(list.map(|one| (one.row.vendor.unwrap_or(Vendor::Apns), text(one))).collect()),
    }
}

fn from_storage(error: StorageError) -> Problem {
    match error {
        StorageError::Conflict("crowd name") => {
            Problem::field("name", Words::new("已有同名人群包，请换一个名称", "a crowd of this name exists; choose another name"))
        }
        StorageError::Conflict("makings") => refuse(
            Code::TooManyRequests,
            format!("本应用已有 {AT_ONCE} 个正在计算；等一个结束，或停掉一个"),
            format!("{AT_ONCE} are being made in this app already; wait for one to end, or stop one"),
        ),
        StorageError::Stale(_) => refuse(Code::WrongState, "已经停止", "it was stopped"),
        other => internal(other),
    }
}
