//! Pools of connections, beside each other on a server that may let in fewer than they would like.
//!
//! A login that is refused because there are too many connections fails no request: a pool that has connections waits for one
//! of them, and is smaller for a while; a pool that has none waits its turn for the next that any pool of the process can
//! spare. So a server, or a role, of very few connections is slow and not broken.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use deadpool::Runtime;
use deadpool::managed::{
    self, Metrics, Object, PoolError, QueueMode, RecycleError, RecycleResult, TimeoutType, WeakPool,
};
use diesel_async::SimpleAsyncConnection;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep, timeout_at};
use tokio_postgres::error::SqlState;

use super::connect::{CONNECT_TIMEOUT, Login, POOL_WAIT, PgConn};
use crate::error::StorageError;

/// How long a pool stays smaller after a refused login.
const SMALLER_FOR: Duration = Duration::from_secs(5);

/// How often a pool without a connection looks for room: a server has a connection's place free within milliseconds of its
/// end.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// After how many uses of a connection its plans are made anew for the first time.
const FIRST_NEW_PLANS: u64 = 16;

/// A pool of one role's connections.
pub(super) struct Pool {
    connections: managed::Pool<PgManager>,
    size: usize,
    /// One for each connection that may be out; fewer than the pool's size while the server lets no more in.
    places: Arc<Semaphore>,
    missing: Mutex<Missing>,
    room: Arc<Room>,
}

/// The places that a pool does without, and since when.
struct Missing {
    places: usize,
    since: Instant,
}

/// A connection out of its pool.
pub(super) struct Taken {
    object: Object<PgManager>,
    /// Given back after the connection.
    _place: OwnedSemaphorePermit,
    room: Arc<Room>,
}

/// What the pools of one process share: the room that the server has for their connections.
#[derive(Default)]
pub(super) struct Room {
    pools: Mutex<Vec<WeakPool<PgManager>>>,
    /// One pool at a time, in the order of their coming, gets the connection that becomes free.
    turn: tokio::sync::Mutex<()>,
    /// How many pools without a connection wait for one.
    waiting: AtomicUsize,
    /// A pool without a connection wants the next one that is given back to be closed.
    is_wanted: AtomicBool,
}

impl Pool {
    /// A pool of so many connections at most, opened as they are needed.
    pub(super) fn new(login: Login, size: usize, room: &Arc<Room>) -> Result<Self, StorageError> {
        let connections = managed::Pool::builder(PgManager { login })
            .max_size(size)
            // The one that worked last has its plans and pages at hand.
            .queue_mode(QueueMode::Lifo)
            .create_timeout(Some(CONNECT_TIMEOUT))
            .runtime(Runtime::Tokio1)
            .build()
            .map_err(|error| StorageError::Configuration(error.to_string()))?;
        room.pools.lock().unwrap_or_else(PoisonError::into_inner).push(connections.weak());
        Ok(Self {
            connections,
            size,
            places: Arc::new(Semaphore::new(size)),
            missing: Mutex::new(Missing { places: 0, since: Instant::now() }),
            room: Arc::clone(room),
        })
    }

    /// How many connections it has at most.
    pub(super) fn size(&self) -> usize {
        self.size
    }

    /// Takes a connection, and waits a bounded time for one.
    pub(super) async fn get(&self) -> Result<Taken, StorageError> {
        let deadline = Instant::now() + POOL_WAIT;
        let mut place = self.place(deadline).await?;
        loop {
            // Those who come later take nothing away from a pool that waits for its first connection.
            let is_new = self.connections.status().available == 0;
            if !(is_new && self.room.is_awaited()) {
                match self.connections.get().await {
                    Ok(object) => return Ok(self.taken(object, place)),
                    Err(error) if is_crowded(&error) => {}
                    Err(error) => return Err(failure(error)),
                }
            }
            if let Some(kept) = self.shrink(place) {
                return self.get_in_turn(kept, deadline).await;
            }
            place = self.place(deadline).await?;
        }
    }

    /// Closes the connections that nobody has.
    pub(super) fn forget_idle(&self) {
        close(&self.connections, || true);
    }

    /// Waits for a place, with those that the pool did without for long enough.
    async fn place(&self, deadline: Instant) -> Result<OwnedSemaphorePermit, StorageError> {
        {
            let mut missing = self.missing.lock().unwrap_or_else(PoisonError::into_inner);
            if missing.places > 0 && missing.since.elapsed() >= SMALLER_FOR {
                self.places.add_permits(missing.places);
                missing.places = 0;
            }
        }
        let place = timeout_at(deadline, Arc::clone(&self.places).acquire_owned()).await;
        place.map_err(|_elapsed| in_use())?.map_err(StorageError::unavailable)
    }

    /// Does without the place, where the pool has other connections; gives it back where it has none.
    fn shrink(&self, place: OwnedSemaphorePermit) -> Option<OwnedSemaphorePermit> {
        let mut missing = self.missing.lock().unwrap_or_else(PoisonError::into_inner);
        let there = self.connections.status().size;
        if there == 0 || self.size.saturating_sub(missing.places) <= there {
            return Some(place);
        }
        place.forget();
        missing.places += 1;
        missing.since = Instant::now();
        None
    }

    /// Waits for the next connection that the server lets in.
    async fn get_in_turn(
        &self,
        place: OwnedSemaphorePermit,
        deadline: Instant,
    ) -> Result<Taken, StorageError> {
        let _waiting = Waiting::new(&self.room);
        let turn = timeout_at(deadline, self.room.turn.lock()).await;
        let _turn = turn.map_err(|_elapsed| in_use())?;
        loop {
            match self.connections.get().await {
                Ok(object) => return Ok(self.taken(object, place)),
                Err(error) if is_crowded(&error) => {}
                Err(error) => return Err(failure(error)),
            }
            self.room.make();
            if Instant::now() >= deadline {
                return Err(in_use());
            }
            sleep(LOOK_EVERY).await;
        }
    }

    fn taken(&self, object: Object<PgManager>, place: OwnedSemaphorePermit) -> Taken {
        Taken { object, _place: place, room: Arc::clone(&self.room) }
    }
}

impl Taken {
    pub(super) fn conn(&mut self) -> &mut PgConn {
        &mut self.object
    }

    /// Gives the connection back, or its room to a pool that has none.
    pub(super) fn release(self) {
        if self.room.is_wanted.swap(false, Ordering::Relaxed) {
            self.close();
        }
    }

    /// Closes the connection at once, whatever it is doing.
    pub(super) fn close(self) {
        Object::take(self.object).kill();
    }
}

impl Room {
    /// Whether a pool without a connection waits for one.
    fn is_awaited(&self) -> bool {
        self.waiting.load(Ordering::Relaxed) > 0
    }

    /// Closes an idle connection of some pool, or else the next one that is given back.
    pub(super) fn make(&self) {
        let pools = self.pools.lock().unwrap_or_else(PoisonError::into_inner);
        for pool in pools.iter().filter_map(WeakPool::upgrade) {
            let mut is_made = false;
            close(&pool, || !std::mem::replace(&mut is_made, true));
            if is_made {
                return;
            }
        }
        self.is_wanted.store(true, Ordering::Relaxed);
    }
}

/// Closes some of a pool's idle connections at once.
fn close(pool: &managed::Pool<PgManager>, mut is_meant: impl FnMut() -> bool) {
    pool.retain(|_, _| !is_meant()).removed.into_iter().for_each(PgConn::kill);
}

/// A pool that waits for its first connection, for as long as it does.
struct Waiting<'a>(&'a Room);

impl<'a> Waiting<'a> {
    fn new(room: &'a Room) -> Self {
        room.waiting.fetch_add(1, Ordering::Relaxed);
        Self(room)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if self.0.waiting.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.0.is_wanted.store(false, Ordering::Relaxed);
        }
    }
}

/// Whether the server refuses a login because it, the database or the role has as many connections as it may.
pub(super) fn is_too_many(error: &StorageError) -> bool {
    let StorageError::Unavailable(cause) = error else { return false };
    let refusal = cause.downcast_ref::<tokio_postgres::Error>();
    refusal.and_then(tokio_postgres::Error::code) == Some(&SqlState::TOO_MANY_CONNECTIONS)
}

fn is_crowded(error: &PoolError<StorageError>) -> bool {
    matches!(error, PoolError::Backend(error) if is_too_many(error))
}

fn in_use() -> StorageError {
    StorageError::unavailable("every database connection is in use")
}

fn failure(error: PoolError<StorageError>) -> StorageError {
    match error {
        PoolError::Backend(error) => error,
        PoolError::Timeout(TimeoutType::Wait) => in_use(),
        other => StorageError::unavailable(other.to_string()),
    }
}

/// Makes connections for a pool.
pub(super) struct PgManager {
    login: Login,
}

impl managed::Manager for PgManager {
    type Type = PgConn;
    type Error = StorageError;

    async fn create(&self) -> Result<PgConn, StorageError> {
        self.login.open().await
    }

    async fn recycle(&self, conn: &mut PgConn, _: &Metrics) -> RecycleResult<StorageError> {
        // Only leases that ended in good order come back, so no question is asked over the wire.
        if conn.is_closed() {
            return Err(RecycleError::message("the connection is closed"));
        }
        conn.uses = conn.uses.saturating_add(1);
        // A plan that was made while a table was empty took any index for as good as the right one, and would be kept
        // until the server's next look at the table. So plans are made anew as the tables grow, ever more seldom.
        if conn.uses >= FIRST_NEW_PLANS && conn.uses.is_power_of_two() {
            let forgotten = conn.conn.batch_execute("DISCARD PLANS").await;
            forgotten.map_err(|error| RecycleError::Backend(error.into()))?;
        }
        Ok(())
    }
}
