//! A legacy client's call at a modern backend that needs input: its questions go to the client, and with the answers the
//! call is made again (MCP 2026-07-28 "Multi round-trip requests").

use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use argus_protocol::error::{code_of, message_of};
use argus_protocol::{Answer, ByteString, Era, Id, Object, Raw, RpcError, code, write};
use argus_upstream::{Ask, AskPeer, AskReply, CallLink, Event, Exchange, LinkError};
use futures::task::AtomicWaker;

use super::question::{InputRequired, Question};
use crate::client::{Client, KeptClient, may_ask};
use crate::ops::forward;
use crate::repeat::Call;

/// A call is made again so many times, as by the SDKs of clients that do this themselves.
const MAX_ROUNDS: u32 = 10;
/// A backend that asks nothing, but wants the call again, gets it after this time, then ever later.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LAST_PAUSE: Duration = Duration::from_millis(250);
/// How long a new connection may take, where the one that the call was made on has ended.
const PATIENCE: Duration = Duration::from_secs(10);

/// How far the questions of one call are.
pub(crate) struct Rounds {
    /// How many times the call was made again.
    made: u32,
    /// How many of these in a row brought no answers.
    unasked: u32,
    /// The last id that a question got; none is used twice within a call.
    last_id: u64,
    state: State,
}

enum State {
    /// The backend's results are the client's own business.
    Never,
    /// The backend is at work and may need input.
    Ready,
    /// Questions are with the client.
    Asking(Box<Asking>),
    /// The call is being made again.
    Again(Making),
    /// The call ends; the client is told which questions need no answer any more.
    Refused(Box<Refused>),
}

/// The call under way once more.
type Making = Pin<Box<dyn Future<Output = Result<Exchange, LinkError>> + Send>>;

/// Why a call ends.
struct Refused {
    /// The questions that are still with the client.
    open: Vec<Id>,
    error: RpcError,
}

/// What a call does next.
pub(crate) enum Step {
    /// What the backend says.
    Backend,
    /// It asks the client, or withdraws a question.
    Say(Event<Answer>),
    /// It was made again.
    Made(Result<Exchange, LinkError>),
    /// It ends with an error.
    Refused(RpcError),
}

impl Rounds {
    /// Those of a call.
    pub(crate) fn of(client: Era, link: Era, method: &str) -> Self {
        let state = match (client, link) {
            (Era::Legacy, Era::Modern) if may_ask(method) => State::Ready,
            _ => State::Never,
        };
        Self {
            made: 0,
            unasked: 0,
            last_id: 0,
            state,
        }
    }

    /// Takes a result that needs input; `false` where it is one for the client.
    pub(crate) fn take(&mut self, call: &Call, result: &Raw) -> bool {
        let (State::Ready, KeptClient::Legacy(session)) = (&self.state, &call.client) else {
            return false;
        };
        self.state = match InputRequired::of(result, session.introduced()) {
            None => return false,
            Some(Err(error)) => refused(Vec::new(), error),
            Some(Ok(_)) if self.made >= MAX_ROUNDS => refused(Vec::new(), endless()),
            Some(Ok(needed)) if needed.questions.is_empty() => {
                let pause = (FIRST_PAUSE * 2u32.pow(self.unasked)).min(LAST_PAUSE);
                self.unasked += 1;
                self.again(call, None, needed.state, pause)
            }
            Some(Ok(needed)) => {
                self.unasked = 0;
                let first = self.last_id + 1;
                self.last_id += needed.questions.len() as u64;
                State::Asking(Box::new(Asking::new(first, needed)))
            }
        };
        true
    }

    /// Polls for what comes next.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>, call: &Call) -> Poll<Step> {
        loop {
            match &mut self.state {
                State::Never | State::Ready => return Poll::Ready(Step::Backend),
                State::Asking(asking) => match std::task::ready!(asking.poll(cx)) {
                    Asked::Question(ask) => return Poll::Ready(Step::Say(Event::Ask(ask))),
                    Asked::Answered(responses) => {
                        let state = asking.state.take();
                        self.state = self.again(call, Some(responses), state, Duration::ZERO);
                    }
                    Asked::Refused(open, error) => self.state = refused(open, error),
                },
                State::Again(again) => {
                    let made = std::task::ready!(again.as_mut().poll(cx));
                    self.state = State::Ready;
                    return Poll::Ready(Step::Made(made));
                }
                State::Refused(refused) => {
                    if let Some(id) = refused.open.pop() {
                        return Poll::Ready(Step::Say(Event::AskWithdrawn(id)));
                    }
                    let error = refused.error.clone();
                    self.state = State::Never;
                    return Poll::Ready(Step::Refused(error));
                }
            }
        }
    }

    /// Makes the call again.
    fn again(&mut self, call: &Call, responses: Option<Raw>, state: Option<Raw>, pause: Duration) -> State {
        self.made += 1;
        match params(call.forward.params.as_ref(), responses, state) {
            Ok(params) => State::Again(Box::pin(again(call, params, pause))),
            Err(error) => refused(Vec::new(), error),
        }
    }
}

fn refused(open: Vec<Id>, error: RpcError) -> State {
    State::Refused(Box::new(Refused { open, error }))
}

impl fmt::Debug for Rounds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rounds")
            .field("made", &self.made)
            .finish_non_exhaustive()
    }
}

/// The parameters of the call as it was made, with what the backend waits for.
fn params(made: Option<&Raw>, responses: Option<Raw>, state: Option<Raw>) -> Result<Raw, RpcError> {
    let made = made.cloned().unwrap_or_else(Raw::empty_object);
    let invalid = |error| RpcError::new(code::INVALID_PARAMS, format!("params: {error}"));
    let read = Object::parse(&made).map_err(invalid)?;
    let mut edit = read.edit();
    for (member, value) in [("inputResponses", responses), ("requestState", state)] {
        edit = match value {
            Some(value) => edit.set(member, value),
            None => edit.remove(member),
        };
    }
    Ok(edit.finish())
}

/// The call with other parameters, on the link that serves its client.
fn again(
    call: &Call,
    params: Raw,
    pause: Duration,
) -> impl Future<Output = Result<Exchange, LinkError>> + Send + use<> {
    let (core, client, mut forward, era) = (
        Arc::clone(&call.core),
        call.client.clone(),
        call.forward.clone(),
        call.era,
    );
    let upstream = Arc::clone(call.turn.upstream());
    forward.params = Some(params);
    async move {
        if !pause.is_zero() {
            tokio::time::sleep(pause).await;
        }
        let client: Client<'_> = client.client();
        let link = tokio::time::timeout(PATIENCE, client.link(&core, &upstream)).await;
        let link = link.unwrap_or(Err(LinkError::Timeout {
            what: "a new connection",
            after: PATIENCE,
        }))?;
        if link.era() != era {
            return Err(LinkError::Closed(
                "it was replaced by one of another protocol version during the call".to_owned(),
            ));
        }
        match forward::send(&core, client, &upstream, &mut CallLink::Shared(link), &forward).await {
            Ok((exchange, _)) => Ok(exchange),
            Err(error) => Err(LinkError::Unsendable(error.message)),
        }
    }
}

fn endless() -> RpcError {
    let why = format!("the backend needs input again and again; the call was made {MAX_ROUNDS} more times");
    RpcError::new(code::INTERNAL_ERROR, why)
}

/// The questions of one round.
struct Asking {
    /// Those that the client was not asked yet, in order.
    questions: std::vec::IntoIter<Question>,
    /// The id of the first question; the others follow.
    first: u64,
    /// What the backend calls those that the client was asked, and what they ask.
    asked: Vec<(String, ByteString)>,
    answers: Arc<Answers>,
    state: Option<Raw>,
}

enum Asked {
    Question(Ask),
    /// The answers, as `inputResponses`.
    Answered(Raw),
    /// One was answered with an error; these are still open.
    Refused(Vec<Id>, RpcError),
}

impl Asking {
    fn new(first: u64, needed: InputRequired) -> Self {
        Self {
            answers: Arc::new(Answers {
                first,
                given: Mutex::new(vec![None; needed.questions.len()]),
                waker: AtomicWaker::new(),
            }),
            first,
            asked: Vec::with_capacity(needed.questions.len()),
            questions: needed.questions.into_iter(),
            state: needed.state,
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Asked> {
        self.answers.waker.register(cx.waker());
        let given = self.answers.given();
        let refused = given
            .iter()
            .zip(&self.asked)
            .find_map(|(answer, (_, method))| match answer {
                Some(Answer::Error(error)) => Some(refusal(method, error)),
                _ => None,
            });
        if let Some(error) = refused {
            let open = given.iter().take(self.asked.len()).zip(self.first..);
            let open = open.filter(|(answer, _)| answer.is_none());
            return Poll::Ready(Asked::Refused(open.map(|(_, id)| Id::number(id)).collect(), error));
        }
        if let Some(question) = self.questions.next() {
            drop(given);
            return Poll::Ready(Asked::Question(self.ask(question)));
        }
        let mut responses = String::from("{");
        for (answer, (key, _)) in given.iter().zip(&self.asked) {
            let Some(Answer::Result(result)) = answer else {
                return Poll::Pending;
            };
            if responses.len() > 1 {
                responses.push(',');
            }
            responses.push_str(&write::quoted(key));
            responses.push(':');
            responses.push_str(result.as_str());
        }
        responses.push('}');
        // Made of parts that were checked, so this does not fail.
        Poll::Ready(Asked::Answered(
            Raw::parse(responses).unwrap_or_else(|_| Raw::empty_object()),
        ))
    }

    fn ask(&mut self, question: Question) -> Ask {
        let id = Id::number(self.first + self.asked.len() as u64);
        self.asked.push((question.key, question.method.clone()));
        Ask {
            method: question.method,
            params: question.params,
            reply: AskReply::new(id, Arc::clone(&self.answers) as Arc<dyn AskPeer>),
        }
    }
}

/// The client's error ends the call, as it does where a modern client asks its own user: `inputResponses` has no place
/// for errors. (A user who declines is an answer.)
fn refusal(method: &str, error: &Raw) -> RpcError {
    let said = message_of(error).unwrap_or_default();
    RpcError::new(
        code_of(error).unwrap_or(code::INTERNAL_ERROR),
        format!("the backend needs an answer to `{method}`, which the client refused: {said}"),
    )
}

/// What the client answered, by the order of the questions.
struct Answers {
    first: u64,
    given: Mutex<Vec<Option<Answer>>>,
    waker: AtomicWaker,
}

impl Answers {
    fn given(&self) -> MutexGuard<'_, Vec<Option<Answer>>> {
        self.given.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl AskPeer for Answers {
    fn answer(&self, id: &Id, answer: &Answer) {
        let at = id.as_number().and_then(|number| number.checked_sub(self.first));
        if let Some(at) = at.and_then(|at| usize::try_from(at).ok())
            && let Some(place) = self.given().get_mut(at)
        {
            *place = Some(answer.clone());
        }
        self.waker.wake();
    }

    /// A modern backend that waits for answers holds no connection on which it could hear of progress.
    fn notify(&self, _: &str, _: Option<&Raw>) {}
}

#[cfg(test)]
mod tests {
    use argus_protocol::method;
    use futures::task::noop_waker;

    use super::*;

    fn raw(text: &str) -> Raw {
        Raw::parse(text.to_owned()).unwrap()
    }

    fn asking(keys: &[&str]) -> Asking {
        let questions = keys.iter().map(|key| Question {
            key: (*key).to_owned(),
            method: ByteString::from_static(method::SAMPLING),
            params: None,
        });
        let needed = InputRequired {
            questions: questions.collect(),
            state: None,
        };
        Asking::new(5, needed)
    }

    fn poll(asking: &mut Asking) -> Poll<Asked> {
        asking.poll(&mut Context::from_waker(&noop_waker()))
    }

    fn ask(asking: &mut Asking) -> AskReply {
        match poll(asking) {
            Poll::Ready(Asked::Question(ask)) => ask.reply,
            _ => panic!("no question"),
        }
    }

    #[test]
    fn all_are_asked_at_once_and_the_answers_keep_their_bytes() {
        let mut asking = asking(&["a\"b", "c"]);
        let (one, other) = (ask(&mut asking), ask(&mut asking));
        assert!(poll(&mut asking).is_pending());
        other.answer(&Answer::Result(raw(r#"{"n":1.0}"#)));
        assert!(poll(&mut asking).is_pending());
        one.answer(&Answer::Result(raw(r#"{ "u":"\u00e9"}"#)));
        let Poll::Ready(Asked::Answered(responses)) = poll(&mut asking) else {
            panic!()
        };
        assert_eq!(responses.as_str(), r#"{"a\"b":{ "u":"\u00e9"},"c":{"n":1.0}}"#);
    }

    #[test]
    fn an_error_ends_it_and_the_others_are_withdrawn() {
        let mut asking = asking(&["a", "b", "c", "d"]);
        let (one, two, _three) = (ask(&mut asking), ask(&mut asking), ask(&mut asking));
        one.answer(&Answer::Result(raw("{}")));
        two.answer(&Answer::Error(raw(r#"{"code":-1,"message":"the user said no"}"#)));
        let Poll::Ready(Asked::Refused(open, error)) = poll(&mut asking) else {
            panic!()
        };
        assert_eq!(open, [Id::number(7)], "the fourth was never asked");
        assert_eq!(error.code, -1);
        assert!(error.message.contains("the user said no"), "{}", error.message);
    }

    #[test]
    fn a_question_that_nobody_answers_is_an_error() {
        let mut asking = asking(&["a"]);
        drop(ask(&mut asking));
        assert!(matches!(poll(&mut asking), Poll::Ready(Asked::Refused(open, _)) if open.is_empty()));
    }

    #[test]
    fn the_call_is_made_again_as_it_was() {
        let made = raw(r#"{"name":"t", "arguments":{"n":1.0},"requestState":"forged"}"#);
        let with = |responses: Option<&str>, state: Option<&str>| {
            params(Some(&made), responses.map(raw), state.map(raw))
                .unwrap()
                .as_str()
                .to_owned()
        };
        assert_eq!(
            with(Some(r#"{"a":1}"#), Some(r#""\u00e9""#)),
            r#"{"name":"t", "arguments":{"n":1.0},"requestState":"\u00e9","inputResponses":{"a":1}}"#
        );
        assert_eq!(with(None, None), r#"{"name":"t", "arguments":{"n":1.0}}"#);
    }
}
