//! What one group of recipients asks of the vendor.

use types::content::Content;
use types::vendor::Vendor;

use super::Work;
use crate::channel::call::{self, Leave, Said};
use crate::channel::render::Group;
use crate::storage::messages::Origin;
use crate::vendors::dialect::{Batch, Prepared, Verdict};

impl Work<'_> {
    /// Asks once; to take back what went out by several requests, for each of them, until one is refused. Every request takes its token.
    pub(super) async fn call<L: Leave>(
        &self,
        group: &Group,
        traces: &[String],
        tokens: &[&str],
        token: &L,
    ) -> std::result::Result<Said, L::Held> {
        let recalls = self.message.origin == Origin::Recall;
        let Some((first, rest)) = group.references.split_first().filter(|_| recalls) else {
            return self.ask(&group.content, traces, tokens, recalls.then_some(""), token).await;
        };
        let mut said = self.ask(&group.content, traces, tokens, Some(first), token).await?;
        for reference in rest {
            if said.as_ref().is_ok_and(|judged| judged.verdicts.iter().all(|verdict| *verdict == Verdict::Accepted)) {
                said = self.ask(&group.content, traces, tokens, Some(reference), token).await?;
            }
        }
        Ok(said)
    }

    /// One request that is taken back takes back everybody in it: it is asked for once, not batch by batch.
    pub(super) fn withdraws_whole(&self, references: &[String]) -> bool {
        !references.is_empty() && self.message.origin == Origin::Recall && self.config.lane.vendor == Vendor::Jpush
    }

    async fn ask<L: Leave>(
        &self,
        content: &Content,
        traces: &[String],
        tokens: &[&str],
        recall: Option<&str>,
        token: &L,
    ) -> std::result::Result<Said, L::Held> {
        let config = self.config;
        let now = self.tools.world.now();
        let batch = Batch {
            environment: config.app.environment,
            base_url: &self.opened.ways[0].1.base_url,
            class: self.message.class,
            content,
            default_title: &config.app.default_title,
            message: self.message.id.as_str(),
            show_key: &self.show_key,
            once_key: &self.once_key,
            recall,
            traces,
            tokens,
            now,
            // What takes the place of a notification lives as long as that would have.
            deadline: if self.message.origin == Origin::Recall { self.message.deadline } else { self.chunk.deadline },
            callback: self.callback.as_ref(),
            test: self.message.origin == Origin::Test,
            prepared: &Prepared::default(),
            singly: self.singly(),
        };
        call::call(self.tools, config, self.opened, self.message.no, batch, token).await
    }
}
