//! The gateway as the faces see it.

use std::sync::Arc;
use std::time::Duration;

use argus_config::{Config, Diff};
use argus_protocol::{ByteString, Message, Raw, RpcError};
use argus_upstream::{Ask, Log};
use tokio_util::sync::CancellationToken;

use crate::begin::Options;
use crate::catalogue::{Capability, CapabilityKind, CatalogueSize};
use crate::client::Client;
use crate::core::Core;
use crate::events::{Events, SessionEnd};
use crate::health::Totals;
use crate::inventory::Inventory;
use crate::listen::Listen;
use crate::modern::ModernRequest;
use crate::operator::{self, Operation, OperatorCall};
use crate::ops;
use crate::parked::{self, Parking};
use crate::relay::{Relay, Reply};
use crate::session::{Caller, Life, Session, SessionError, SessionView, Transport};
use crate::stalls::Stalls;
use crate::steer::{self, Action, SteerError};

/// The gateway. Clones are the same gateway.
#[derive(Debug, Clone)]
pub struct Gateway {
    core: Arc<Core>,
}

impl Gateway {
    /// Begins to connect to all backends. Must be called within a Tokio runtime.
    #[must_use]
    pub fn start(config: Arc<Config>, options: Options) -> Self {
        Self {
            core: Core::start(config, options),
        }
    }

    /// All backends.
    #[must_use]
    pub fn inventory(&self) -> Arc<Inventory> {
        self.core.inventory()
    }

    /// Makes another configuration take effect, as one step; says what is different. Keys that need a restart stay as
    /// they are. `None` when the gateway stops: nothing is done then. Must be called within a Tokio runtime, and is not
    /// for its threads: files are written.
    #[must_use]
    pub fn apply(&self, config: Config) -> Option<Diff> {
        self.core.apply(config)
    }

    /// Has something done to one backend, and waits until that is so.
    ///
    /// # Errors
    /// When it cannot be done, or came to nothing.
    pub async fn steer(&self, name: &str, action: Action) -> Result<(), SteerError> {
        steer::steer(&self.core, name, action).await
    }

    /// The configuration that is in effect.
    #[must_use]
    pub fn config(&self) -> Arc<Config> {
        self.core.catalogues.config()
    }

    /// The revisions that are spoken, newest first.
    #[must_use]
    pub fn spoken(&self) -> &'static [&'static str] {
        self.core.spoken()
    }

    /// How many backends fare how.
    #[must_use]
    pub fn totals(&self) -> Totals {
        Totals::of(&self.core.inventory())
    }

    /// What the processes of a backend wrote for people; `None` where no backend has this name.
    #[must_use]
    pub fn log(&self, backend: &str) -> Option<Arc<Log>> {
        self.core.context.logs.get(backend)
    }

    /// What happened, for operators.
    #[must_use]
    pub fn events(&self) -> &Arc<Events> {
        &self.core.events
    }

    /// The time since the start.
    #[must_use]
    pub fn uptime(&self) -> Duration {
        self.core.uptime()
    }

    /// `initialize`: opens a legacy session of a caller and gives its result. The session belongs to a connection of this
    /// transport, and ends with it.
    ///
    /// # Errors
    /// When the parameters are wrong, or no session can be opened.
    pub async fn initialize(
        &self,
        params: Option<&Raw>,
        caller: Caller,
        transport: Transport,
    ) -> Result<(Arc<Session>, Raw), RpcError> {
        ops::lifecycle::initialize(&self.core, params, caller, Life::OfConnection(transport)).await
    }

    /// The same for a session that outlives this process, where there is a data folder.
    ///
    /// # Errors
    /// When the parameters are wrong, or no session can be opened.
    pub async fn initialize_lasting(
        &self,
        params: Option<&Raw>,
        caller: Caller,
    ) -> Result<(Arc<Session>, Raw), RpcError> {
        ops::lifecycle::initialize(&self.core, params, caller, Life::Lasting).await
    }

    /// The session of an id, which is of this caller. One of before a restart is there again from then on.
    ///
    /// # Errors
    /// When there is none, or too many are in use.
    pub fn session(&self, id: &str, caller: Caller) -> Result<Arc<Session>, SessionError> {
        self.core.session(id, caller)
    }

    /// Ends a session; `false` when there is none.
    #[must_use]
    pub fn close_session(&self, id: &str) -> bool {
        self.core.end_session(id, SessionEnd::Closed)
    }

    /// Answers a legacy request.
    pub async fn legacy(&self, session: &Arc<Session>, method: &ByteString, params: Option<Raw>) -> Reply {
        ops::legacy(&self.core, session, method, params).await
    }

    /// Takes a message of a legacy client that wants no answer.
    pub fn legacy_message(&self, session: &Arc<Session>, message: Message) {
        ops::notifications::take(&self.core, session, message);
    }

    /// Answers a modern request.
    pub async fn modern(&self, request: &Arc<ModernRequest>) -> Reply {
        self.core.stateless.note(request.caller);
        ops::modern(&self.core, request).await
    }

    /// Parks a modern client's call until the client has answered the questions of the backend.
    #[must_use]
    pub fn park(&self, relay: Box<Relay>, asks: Vec<Ask>) -> Parking {
        parked::park(&self.core, relay, asks)
    }

    /// Opens a modern client's stream of notifications.
    ///
    /// # Errors
    /// When the filter is malformed.
    pub async fn listen(&self, request: &Arc<ModernRequest>) -> Result<Listen, RpcError> {
        self.core.stateless.note(request.caller);
        Listen::open(&self.core, request).await
    }

    /// Calls a tool, reads a resource or gets a prompt for an operator, as for a modern client that can be asked nothing.
    /// `None` when nothing has this name.
    pub async fn operate(
        &self,
        operation: Operation,
        name: &str,
        arguments: Option<&Raw>,
        caller: Caller,
    ) -> Option<OperatorCall> {
        operator::call(&self.core, operation, name, arguments, caller).await
    }

    /// The capabilities of one kind as most clients see them; `filtered` adds those that filters hide.
    #[must_use]
    pub fn capabilities(&self, kind: CapabilityKind, filtered: bool) -> Vec<Capability> {
        self.core.catalogues.common().view(kind, filtered)
    }

    /// The sessions of all clients, the oldest first.
    #[must_use]
    pub fn sessions(&self) -> Vec<SessionView> {
        let mut sessions = self.core.sessions.all();
        sessions.sort_by_key(|session| session.number());
        let view = |session: &Arc<Session>| SessionView::of(session, &self.core.catalogues.of(Client::from(session)));
        sessions.iter().map(view).collect()
    }

    /// How many sessions there are of each transport.
    #[must_use]
    pub fn sessions_by_transport(&self) -> [(Transport, usize); 3] {
        self.core.sessions.by_transport()
    }

    /// How many capabilities of each kind most clients see of each backend, in the order of the configuration.
    #[must_use]
    pub fn catalogue_sizes(&self) -> Vec<CatalogueSize> {
        self.core.catalogues.common().sizes()
    }

    /// How many calls a backend has now, and how many wait; also those that finish on connections that it had before.
    #[must_use]
    pub fn calls_now(&self, backend: &str) -> (usize, usize) {
        self.core.calls_now(backend)
    }

    /// The processes that a backend has now; also those on which calls from before finish.
    #[must_use]
    pub fn pids(&self, backend: &str) -> Vec<u32> {
        self.core.pids(backend)
    }

    /// How long a session may be unused.
    #[must_use]
    pub fn max_idle(&self) -> Duration {
        self.core.sessions.max_idle()
    }

    /// The callers of the last five minutes that have no session: clients of 2026-07-28. Of each address it is one.
    #[must_use]
    pub fn stateless_callers(&self) -> usize {
        self.core.stateless.recent()
    }

    /// Waits until the backends have answered after the start, or `server.startup_wait` is over.
    pub async fn started(&self) {
        self.core.startup.wait().await;
    }

    /// Ends all listeners and standing streams; calls in flight go on.
    pub fn drain(&self) {
        self.core.drain();
    }

    /// Ends all listeners, and what sessions hold in this process, and stops all backends. Bounded in time.
    pub async fn stop(&self) {
        self.core.stop().await;
    }

    /// Looks after the streams of modern answers; a session sees to its own.
    #[must_use]
    pub fn stalls(&self) -> &Arc<Stalls> {
        self.core.sessions.stalls()
    }

    /// Ends when the gateway stops.
    #[must_use]
    pub fn stopping(&self) -> &CancellationToken {
        &self.core.stopping
    }
}
