//! A few connections to the database, opened when they are needed and again when they are lost.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Semaphore;

use crate::refusal::Result;
use crate::store::Store;
use crate::store::connect::Target;

/// How many requests use the database at once.
const STORES_MAX: usize = 8;
/// How long a request waits for its turn.
const PATIENCE: Duration = Duration::from_secs(10);

/// Stores block, and may only be opened, used and dropped off the runtime: the pool sees to it,
/// save for its own end, which is its owner's to place.
pub(crate) struct Pool {
    target: Target,
    idle: Mutex<Vec<Store>>,
    turns: Arc<Semaphore>,
}

impl Pool {
    /// Opens the first store, which also migrates the database.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub(crate) fn open(target: Target) -> Result<Pool> {
        let first = Store::open(target.clone())?;
        Ok(Pool {
            target,
            idle: Mutex::new(vec![first]),
            turns: Arc::new(Semaphore::new(STORES_MAX)),
        })
    }

    /// Does `work` on a store; `None` when the database is away or too busy, or `work` failed, in
    /// which case its store isn't used again.
    pub(crate) async fn run<T: Send + 'static>(
        self: &Arc<Pool>,
        work: impl FnOnce(&mut Store) -> Result<T> + Send + 'static,
    ) -> Option<T> {
        let turn = Arc::clone(&self.turns).acquire_owned();
        let turn = tokio::time::timeout(PATIENCE, turn).await.ok()?.ok()?;
        let pool = Arc::clone(self);
        let done = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            let mut store = match pool.take_idle() {
                Some(store) => store,
                None => Store::open(pool.target.clone()).ok()?,
            };
            let value = work(&mut store).ok()?;
            pool.idle().push(store);
            Some(value)
        });
        done.await.ok().flatten()
    }

    /// A store whose connection is still open.
    fn take_idle(&self) -> Option<Store> {
        loop {
            let store = self.idle().pop()?;
            if store.is_connected() {
                return Some(store);
            }
        }
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Store>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
