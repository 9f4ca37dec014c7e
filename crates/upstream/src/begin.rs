//! How an upstream begins: alone, or in the place of another one.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use arc_swap::Guard;
use argus_config::{Backend, Protocol};
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::backoff::Backoff;
use crate::connect::Connector;
use crate::doubts::Doubts;
use crate::epoch::Epoch;
use crate::freshness::Fresh;
use crate::hellos::Hellos;
use crate::lent::Shelf;
use crate::owned::Owned;
use crate::probing::Probing;
use crate::pulse::Pulse;
use crate::remembered::Known;
use crate::retire::Retired;
use crate::room::Room;
use crate::state::State;
use crate::succession::Succession;
use crate::turns::Turns;
use crate::verdict::Verdict;
use crate::vitals::Signs;
use crate::watched::Changed;
use crate::{Context, FeedSink, Record, Remains, Upstream, remembering, supervisor};

/// When the processes of an upstream that takes the place of another one are started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Handover {
    /// At once, while calls finish on the old ones.
    AtOnce,
    /// When nothing is left of the old ones.
    InTurn,
}

/// What an upstream begins with.
#[derive(Default)]
struct Origin {
    state: Option<State>,
    /// What clients saw of a backend with another definition.
    shown: Option<Known>,
    record: Arc<Record>,
    succession: Succession,
}

impl Origin {
    /// With what is left of what was there before.
    fn after(remains: &Remains) -> Self {
        Self {
            record: Arc::clone(remains.record()),
            succession: remains.succession(),
            ..Self::default()
        }
    }
}

impl Upstream {
    /// Begins to connect to a backend and keeps at it. What shared links say outside calls goes to `sink`.
    #[must_use]
    pub fn start(definition: Arc<Backend>, context: Arc<Context>, sink: Arc<dyn FeedSink>) -> Arc<Self> {
        Self::begin(definition, context, sink, Origin::default())
    }

    /// The same for a backend that did not run meanwhile; `remains` is what is left of what it was before.
    #[must_use]
    pub fn resume(
        remains: &Remains,
        definition: Arc<Backend>,
        context: Arc<Context>,
        sink: Arc<dyn FeedSink>,
    ) -> Arc<Self> {
        Self::begin(definition, context, sink, Origin::after(remains))
    }

    /// The same backend on new connections, in the place of the old ones. What clients see of it stays until it is
    /// listed anew. `Handover::InTurn`: its processes are started when the old ones are gone.
    #[must_use]
    pub fn renew(before: &Self, handover: Handover, sink: Arc<dyn FeedSink>) -> Arc<Self> {
        let definition = Guard::into_inner(before.definition());
        // A process behind a url has an address that no other one can have meanwhile. Without a process there is nothing
        // to wait for.
        let has_process = definition.transport.process().is_some();
        let in_turn = before.connector.has_local() || handover == Handover::InTurn && has_process;
        let origin = Origin {
            state: Some(State::anew(&before.state())),
            record: Arc::clone(&before.record),
            succession: match in_turn {
                true => Succession::after(&before.connector.succession),
                false => Succession::default(),
            },
            ..Origin::default()
        };
        before.excuse();
        Self::begin(definition, Arc::clone(&before.connector.context), sink, origin)
    }

    /// The same in the place of another one, whose lists are shown until those of this one are there, and whose record
    /// goes on.
    #[must_use]
    pub fn succeed(
        before: &Self,
        definition: Arc<Backend>,
        context: Arc<Context>,
        sink: Arc<dyn FeedSink>,
    ) -> Arc<Self> {
        let state = before.state();
        let origin = Origin {
            shown: state.shown.then(|| Known::of(&state)).flatten(),
            ..Origin::after(&before.remains())
        };
        before.excuse();
        Self::begin(definition, context, sink, origin)
    }

    fn begin(definition: Arc<Backend>, context: Arc<Context>, sink: Arc<dyn FeedSink>, origin: Origin) -> Arc<Self> {
        static LAST: AtomicU64 = AtomicU64::new(0);
        let digest = definition.digest();
        let verdict = match definition.protocol {
            Protocol::Auto => context.verdicts.load(&digest),
            Protocol::Legacy => Verdict {
                legacy: Some(true),
                modern: Some(false),
            },
            Protocol::Modern => Verdict {
                legacy: Some(false),
                modern: Some(true),
            },
        };
        let turns = Turns::new(&definition.usage);
        let signs = Signs::new(&definition.health);
        let plain_backoff = Mutex::new(Backoff::new(definition.health));
        let known = context.remembered.load(&digest);
        let kept = known.clone().map(|known| (digest, known));
        let state = origin
            .state
            .unwrap_or_else(|| State::from_before(known.or(origin.shown)));
        let upstream = Arc::new(Self {
            number: LAST.fetch_add(1, Ordering::Relaxed),
            connector: Connector::new(context, definition, origin.succession, Arc::clone(&origin.record.tally)),
            state: watch::Sender::new(Arc::new(state)),
            stop: CancellationToken::new(),
            relist: Notify::new(),
            doubts: Doubts::default(),
            announced: Mutex::default(),
            changed: Changed::default(),
            epoch: Epoch::begin(),
            fresh: Fresh::default(),
            sink,
            modern: Arc::default(),
            plain: Arc::default(),
            plain_backoff,
            owned: Owned::default(),
            shelf: Shelf::default(),
            room: Room::default(),
            turns,
            retired: Retired::default(),
            tally: Arc::clone(&origin.record.tally),
            record: origin.record,
            signs,
            pulse: Pulse::default(),
            verdict: Mutex::new(verdict),
            hellos: Hellos::default(),
            probing: Probing::default(),
            tasks: TaskTracker::new(),
            partings: TaskTracker::new(),
        });
        upstream.tasks.spawn(supervisor::run(Arc::clone(&upstream)));
        let beating = Arc::clone(&upstream);
        upstream
            .tasks
            .spawn(async move { beating.stop.run_until_cancelled(beating.pulse.run()).await });
        upstream.tasks.spawn(remembering::run(Arc::clone(&upstream), kept));
        upstream
    }
}
