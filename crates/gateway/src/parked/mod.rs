//! Calls of modern clients that wait for answers of the client: a legacy backend asked something in the midst of a call.
//!
//! The client is answered with `input_required`, and the exchange is parked: a task keeps it, with its link and its turn,
//! until the client comes back with the answers, or for a while. What the client carries meanwhile names the parked call,
//! and is good for one round: coming back, the call has another number.

mod asks;
mod keeper;
mod resume;
mod talk;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use argus_protocol::{Answer, RpcError, code};
use argus_upstream::Ask;
use tokio::sync::oneshot;
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

use crate::client::KeptClient;
use crate::core::Core;
use crate::ops::mrtr::{self, Binding};
use crate::relay::{Finish, Relay};
use crate::session::Caller;

pub use asks::Asks;
use keeper::{Held, Keeper};
pub(crate) use resume::resume;
pub(crate) use talk::Talk;

/// So many calls of one caller may be parked.
const MAX_OF_CALLER: usize = 16;
/// So many calls to one backend may be parked.
const MAX_OF_BACKEND: usize = 64;

/// What became of a call whose backend asks something.
#[derive(Debug)]
pub enum Parking {
    /// It waits for the answers of the client, which is told this.
    Parked(Answer),
    /// Too many wait already: the questions were refused, and the call goes on.
    Refused(Box<Relay>),
}

/// All parked calls.
#[derive(Debug)]
pub(crate) struct Parked {
    /// This run of the gateway: another one knows nothing of its calls.
    run: [u8; 16],
    next: AtomicU64,
    waiting: Mutex<HashMap<u64, Waiting>>,
    /// How long a call waits.
    lifetime: Duration,
    keepers: TaskTracker,
}

/// The number of a parked call, and how its keeper learns that it is wanted.
type Noted = (u64, oneshot::Receiver<oneshot::Sender<Held>>);

/// A parked call.
#[derive(Debug)]
struct Waiting {
    caller: Caller,
    backend: Arc<str>,
    /// Asks its keeper to hand it over.
    claim: oneshot::Sender<oneshot::Sender<Held>>,
}

impl Parked {
    pub(crate) fn new(lifetime: Duration) -> Self {
        let mut run = [0; 16];
        // Without randomness nothing can be sealed anyway.
        let _ = getrandom::fill(&mut run);
        Self {
            run,
            next: AtomicU64::new(1),
            waiting: Mutex::default(),
            lifetime,
            keepers: TaskTracker::new(),
        }
    }

    /// Waits until no call is kept any more, once the gateway stops.
    pub(crate) async fn given_up(&self) {
        self.keepers.close();
        self.keepers.wait().await;
    }

    /// Notes a call; gives its number, and how its keeper learns that it is wanted. `links`: how many links of the
    /// backend may be with calls that wait.
    fn note(&self, caller: Caller, backend: &Arc<str>, links: usize) -> Result<Noted, RpcError> {
        let mut waiting = self.waiting();
        let of_caller = waiting.values().filter(|call| call.caller == caller).count();
        let of_backend = waiting.values().filter(|call| call.backend == *backend).count();
        let too_many = |which: String| {
            let why = format!("too many calls wait for answers of their clients already: {which}; ask again later");
            RpcError::new(code::INTERNAL_ERROR, why)
        };
        if of_caller >= MAX_OF_CALLER {
            return Err(too_many(format!("{of_caller} of this client")));
        }
        if of_backend >= MAX_OF_BACKEND {
            return Err(too_many(format!("{of_backend} at this backend")));
        }
        if of_backend >= links {
            let most = format!("{of_backend} at this backend, whose max_processes leaves no more for that");
            return Err(too_many(most));
        }
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let (claim, claimed) = oneshot::channel();
        let call = Waiting {
            caller,
            backend: Arc::clone(backend),
            claim,
        };
        waiting.insert(number, call);
        Ok((number, claimed))
    }

    /// Takes a call out, once.
    fn take(&self, number: u64) -> Option<Waiting> {
        self.waiting().remove(&number)
    }

    fn waiting(&self) -> MutexGuard<'_, HashMap<u64, Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the client's state says of a call.
    fn secret(&self, number: u64) -> Vec<u8> {
        [&self.run[..], &number.to_be_bytes()].concat()
    }

    /// The number in such a state.
    ///
    /// # Errors
    /// What to tell the client when it is of another run.
    fn number(&self, secret: &[u8]) -> Result<u64, RpcError> {
        let number = secret.strip_prefix(&self.run[..]);
        let number = number.and_then(|number| number.try_into().ok()).map(u64::from_be_bytes);
        number.ok_or_else(|| {
            let why = "the gateway was restarted, and the call it is about is gone; call again without a state";
            mrtr::refused(why)
        })
    }
}

/// Parks a call until the client has answered the questions.
pub(crate) fn park(core: &Arc<Core>, mut relay: Box<Relay>, asks: Vec<Ask>) -> Parking {
    let (caller, connection) = match &relay.call.client {
        KeptClient::Modern(request) => (request.caller, request.connection.clone()),
        KeptClient::Legacy(_) => return refused(relay, asks, &cannot_wait("this client waits for its calls")),
    };
    if core.stopping.is_cancelled() {
        let why = "the gateway is stopping: nobody could come back with an answer";
        return refused(relay, asks, &cannot_wait(why));
    }
    let links = relay.call.turn.upstream().most_parked();
    let (number, claimed) = match core.parked.note(caller, relay.backend(), links) {
        Ok(noted) => noted,
        Err(error) => return refused(relay, asks, &error),
    };
    let talk = relay.talk.get_or_insert_default();
    talk.leave();
    let until = talk.answer_until(core.parked.lifetime);
    let questions: Vec<(String, Ask)> = asks.into_iter().map(|ask| (talk.next_key(), ask)).collect();
    let left = until.saturating_duration_since(Instant::now());
    let expires = mrtr::now() + left.as_secs() + 1;
    let binding = Binding::of(core, caller, relay.backend(), &relay.call.forward);
    let state = binding.parked(expires, &core.parked.secret(number));
    let requests = questions
        .iter()
        .map(|(key, ask)| (key.clone(), &*ask.method, ask.params.as_ref()));
    let server = match &relay.finish {
        Finish::Modernise { server, .. } => server.as_ref(),
        _ => None,
    };
    let answer = mrtr::input_required(requests, &state, server);
    let held = Held::new(relay, questions);
    let keeper = Keeper::new(Arc::clone(core), number, claimed, until, connection, held);
    core.parked.keepers.spawn(keeper.run());
    Parking::Parked(answer)
}

fn cannot_wait(why: &str) -> RpcError {
    RpcError::new(code::INTERNAL_ERROR, why)
}

fn refused(relay: Box<Relay>, asks: Vec<Ask>, error: &RpcError) -> Parking {
    let error = error.to_raw();
    for ask in asks {
        ask.reply.answer(&Answer::Error(error.clone()));
    }
    Parking::Refused(relay)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(address: &str) -> Caller {
        Caller::at(address.parse().unwrap())
    }

    #[test]
    fn a_caller_and_a_backend_have_so_many_parked_calls() {
        let parked = Parked::new(Duration::from_secs(1));
        let (one, two): (Arc<str>, Arc<str>) = ("one".into(), "two".into());
        let note = |caller: &str, backend| parked.note(at(caller), backend, usize::MAX);
        let noted: Vec<_> = (0..MAX_OF_CALLER).map(|_| note("::1", &one).unwrap()).collect();
        assert!(note("::1", &two).unwrap_err().message.contains("16 of this client"));
        for caller in 2..=4 {
            let caller = format!("::{caller}");
            assert!((0..MAX_OF_CALLER).all(|_| note(&caller, &one).is_ok()));
        }
        assert!(note("::9", &one).unwrap_err().message.contains("64 at this backend"));
        assert!(note("::9", &two).is_ok());
        assert!(parked.take(noted[0].0).is_some() && parked.take(noted[0].0).is_none());
        assert!(note("::9", &one).is_ok());
    }

    #[test]
    fn calls_that_wait_leave_a_link_for_others() {
        let parked = Parked::new(Duration::from_secs(1));
        let (one, two): (Arc<str>, Arc<str>) = ("one".into(), "two".into());
        let note = |backend| parked.note(at("::1"), backend, 2);
        assert!(note(&one).is_ok() && note(&one).is_ok() && note(&two).is_ok());
        assert!(note(&one).unwrap_err().message.contains("max_processes"));
    }

    #[test]
    fn a_number_means_nothing_in_another_run() {
        let (one, other) = (Parked::new(Duration::ZERO), Parked::new(Duration::ZERO));
        assert_eq!(one.number(&one.secret(7)).unwrap(), 7);
        let refused = other.number(&one.secret(7)).unwrap_err();
        assert!(
            refused.code == code::INVALID_PARAMS && refused.message.contains("restarted"),
            "{refused:?}"
        );
    }
}
