//! Passes.

use async_trait::async_trait;
use types::Millis;

use super::Db;
use crate::storage::Result;
use crate::storage::passes::PassShelf;

pub struct StoredPasses {
    db: Db,
}

impl StoredPasses {
    pub fn new(db: Db) -> StoredPasses {
        StoredPasses { db }
    }
}

#[async_trait]
impl PassShelf for StoredPasses {
    async fn get(&self, place: &str) -> Result<Option<Vec<u8>>> {
        let found: Option<Option<Vec<u8>>> =
            sqlx::query_scalar("SELECT sealed FROM pass WHERE place = $1").bind(place).fetch_optional(self.db.readers()).await?;
        Ok(found.flatten())
    }

    async fn take_turn(&self, place: &str, owner: &str, now: Millis, until: Millis) -> Result<bool> {
        let (place, owner) = (place.to_owned(), owner.to_owned());
        self.db
            .write(move |conn| {
                Box::pin(async move {
                    let taken = sqlx::query(
                        "INSERT INTO pass (place, turn, turn_until) VALUES ($1, $2, $4) \
                         ON CONFLICT (place) DO UPDATE SET turn = excluded.turn, turn_until = excluded.turn_until \
                         WHERE pass.turn IS NULL OR pass.turn = excluded.turn OR pass.turn_until < $3",
                    )
                    .bind(place)
                    .bind(owner)
                    .bind(now)
                    .bind(until)
                    .execute(conn)
                    .await?;
                    Ok(taken.rows_affected() > 0)
                })
            })
            .await
    }

    async fn put(&self, place: &str, owner: &str, sealed: Vec<u8>) -> Result<bool> {
        let (place, owner) = (place.to_owned(), owner.to_owned());
        self.db
            .write(move |conn| {
                Box::pin(async move {
                    let kept = sqlx::query("UPDATE pass SET sealed = $3, turn = NULL, turn_until = 0 WHERE place = $1 AND turn = $2")
                        .bind(place)
                        .bind(owner)
                        .bind(sealed)
                        .execute(conn)
                        .await?;
                    Ok(kept.rows_affected() > 0)
                })
            })
            .await
    }

    async fn end_turn(&self, place: &str, owner: &str) -> Result<()> {
        let (place, owner) = (place.to_owned(), owner.to_owned());
        self.db
            .write(move |conn| {
                Box::pin(async move {
                    sqlx::query("UPDATE pass SET turn = NULL, turn_until = 0 WHERE place = $1 AND turn = $2")
                        .bind(place)
                        .bind(owner)
                        .execute(conn)
                        .await?;
                    Ok(())
                })
            })
            .await
    }
}
