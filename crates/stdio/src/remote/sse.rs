//! HTTP+SSE: every message of the client is a POST, and all that answers comes on one stream (MCP 2024-11-05 "HTTP with
//! SSE").

use std::sync::Arc;
use std::time::Duration;

use argus_gateway::ModernParams;
use argus_protocol::line::Line;
use argus_protocol::{Answer, Frame, Id, Media, Message, Raw, method, write};
use argus_upstream::{EventStream, LinkError, is_message};
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::held::Held;
use super::pending::Pending;
use super::place::{self, Place};
use super::session::{self, Repeatable, Session};
use super::standing::{FIRST_PAUSE, LONGEST_PAUSE, STEADY};
use super::streamable::{MAX_REQUESTS, TAKING};
use crate::Input;
use crate::input::Lines;

/// How long the endpoint may take to say where messages are posted to.
const ENDPOINT: Duration = Duration::from_secs(30);
/// How long it may take to answer what is said again in another session.
const AGAIN: Duration = Duration::from_secs(30);

/// The relay between one client and one endpoint.
pub(super) struct Relay<R> {
    lines: Lines<R>,
    max_message: usize,
    place: Place,
    /// Cancelled when the client says nothing more.
    silent: CancellationToken,
    session: Session,
    /// Where messages are posted to, while the stream stands.
    posts_to: Option<Place>,
    /// The number of the stream.
    stream: u64,
    /// When it was opened.
    since: Instant,
    /// How long it takes until it is opened again by itself.
    pause: Duration,
    pending: Arc<Pending>,
    held: Held,
    /// Reads the stream.
    reader: Option<AbortHandle>,
    tasks: JoinSet<Back>,
}

/// What a task of the relay comes back with.
enum Back {
    /// The stream of this number has ended, and with it what it was waited for on it.
    Ended {
        stream: u64,
        why: String,
        unanswered: Vec<Id>,
    },
    /// What belonged to the stream of this number is gone at the endpoint, and nothing was done with these requests.
    Gone {
        stream: u64,
        line: Bytes,
        ids: Vec<Id>,
    },
    /// It is time to open another stream after the one of this number.
    Again(u64),
    Nothing,
}

impl<R: Input> Relay<R> {
    pub(super) fn new(lines: Lines<R>, max_message: usize, place: Place, silent: CancellationToken) -> Self {
        Self {
            lines,
            max_message,
            place,
            silent,
            session: Session::default(),
            posts_to: None,
            stream: 0,
            since: Instant::now(),
            pause: FIRST_PAUSE,
            pending: Arc::default(),
            held: Held::default(),
            reader: None,
            tasks: JoinSet::new(),
        }
    }

    /// Relays until the client says nothing more and all is answered.
    pub(super) async fn run(&mut self) {
        while !self.silent.is_cancelled() || self.pending.count() > 0 || !self.held.is_empty() {
            while self.pending.count() < MAX_REQUESTS
                && let Some(line) = self.held.pop()
            {
                self.take(line).await;
            }
            let reads = !self.silent.is_cancelled() && !self.held.is_full();
            let fewer = Arc::clone(&self.pending).fewer();
            tokio::select! {
                line = self.lines.next(), if reads => match line {
                    Some(Line::Whole(line)) => self.hear(line).await,
                    Some(Line::TooLong) => self.place.say(place::too_long(self.max_message)).await,
                    None => self.silent.cancel(),
                },
                Some(back) = self.tasks.join_next() => self.back(back.unwrap_or(Back::Nothing)).await,
                () = fewer => {}
            }
        }
    }

    /// Ends the stream, and with it all that belongs to it.
    pub(super) async fn end(mut self) {
        self.tasks.shutdown().await;
    }

    /// Takes a line, unless it has to wait.
    async fn hear(&mut self, line: Bytes) {
        if (self.pending.count() >= MAX_REQUESTS || !self.held.is_empty())
            && let Ok(frame) = Frame::from_client(line.clone())
        {
            let ids = session::asked(&frame);
            if !ids.is_empty() {
                return self.held.push(ids, line);
            }
        }
        self.take(line).await;
    }

    async fn take(&mut self, line: Bytes) {
        match Frame::from_client(line.clone()) {
            Ok(Frame::One(Message::Request { id, method, params })) => {
                self.request(line, id, &method, params.as_ref()).await;
            }
            Ok(Frame::One(Message::Notification { method, params })) => {
                if let Some(id) = session::cancelled(&method, params.as_ref()) {
                    if self.held.remove(&id) {
                        return;
                    }
                    self.pending.remove(&id);
                }
                self.session.note(&line, None, &method, params.as_ref());
                self.tell(line).await;
            }
            Ok(Frame::One(Message::Response { .. })) => self.tell(line).await,
            Ok(frame @ Frame::Batch(_)) => self.batch(line, session::asked(&frame)).await,
            Err(error) => self.place.say(write::unreadable(&error)).await,
        }
    }

    async fn request(&mut self, line: Bytes, id: Id, method: &str, params: Option<&Raw>) {
        let posts_to = match self.connected().await {
            Ok(posts_to) => posts_to,
            Err(why) => return self.place.fail(&id, &why).await,
        };
        let is_legacy = ModernParams::of(params).is_none();
        if is_legacy && method == method::INITIALIZE && self.session.opening.is_none() {
            let answer = self.pending.watch(id.clone(), false);
            self.post(posts_to, line.clone(), vec![id.clone()], false);
            // Everything else waits for it. When the stream ends first, the client is told elsewhere.
            if let Ok(Answer::Result(result)) = answer.await {
                self.session.opened(Repeatable { id, body: line }, None, &result);
            }
            return;
        }
        if is_legacy {
            self.session.note(&line, Some(&id), method, params);
        }
        self.pending.add(id.clone());
        self.post(posts_to, line, vec![id], true);
    }

    /// A batch, which only 2025-03-26 has.
    async fn batch(&mut self, line: Bytes, ids: Vec<Id>) {
        if ids.is_empty() {
            return self.tell(line).await;
        }
        match self.connected().await {
            Ok(posts_to) => {
                ids.iter().cloned().for_each(|id| self.pending.add(id));
                self.post(posts_to, line, ids, true);
            }
            Err(why) => self.fail(&ids, &why).await,
        }
    }

    /// Posts requests; `again` where they can be made again when their session is gone. An endpoint may take a message
    /// only when it is done with it, so nobody waits for that.
    fn post(&mut self, posts_to: Place, line: Bytes, ids: Vec<Id>, again: bool) {
        let (stream, pending) = (self.stream, Arc::clone(&self.pending));
        self.tasks.spawn(async move {
            let Err(refused) = post(&posts_to, &line).await else {
                return Back::Nothing;
            };
            let ids: Vec<Id> = ids.into_iter().filter(|id| pending.remove(id)).collect();
            if again && refused.gone {
                return Back::Gone { stream, line, ids };
            }
            for id in ids {
                posts_to.fail(&id, &refused.why).await;
            }
            Back::Nothing
        });
    }

    /// Posts a message that wants no answer, and waits until it was taken: what follows may build on it.
    async fn tell(&mut self, line: Bytes) {
        // Without a stream there is nobody who could know what it is about.
        let Some(posts_to) = &self.posts_to else { return };
        if let Err(refused) = taken(posts_to, &line).await {
            tracing::warn!("a message did not arrive: {}", refused.why);
        }
    }

    /// Where messages are posted to; opens the stream, and another session on it where there was one before.
    async fn connected(&mut self) -> Result<Place, String> {
        if let Some(posts_to) = &self.posts_to {
            return Ok(posts_to.clone());
        }
        let posts_to = self.connect().await?;
        if let Some(opening) = self.session.opening.clone()
            && let Err(why) = self.reopen(&posts_to, opening).await
        {
            // The client has nothing on this stream.
            self.reader.take().inspect(AbortHandle::abort);
            return Err(why);
        }
        self.posts_to = Some(posts_to.clone());
        Ok(posts_to)
    }

    async fn connect(&mut self) -> Result<Place, String> {
        let none = HeaderMap::new();
        let (from, response) = place::reached(|| self.place.get(&none))
            .await
            .map_err(|error| self.place.trouble(&error))?;
        let status = response.status();
        if !status.is_success() {
            return Err(self.place.refusal(status));
        }
        if Media::of(response.headers()) != Media::Stream {
            return Err(format!("{} answers no event stream; check --url", self.place.url()));
        }
        let mut stream = EventStream::of(from, response);
        let posts_to = tokio::time::timeout(ENDPOINT, stream.endpoint())
            .await
            .unwrap_or_else(|_| Err(LinkError::Closed("it does not say where to post messages".to_owned())))
            .map_err(|error| self.place.trouble(&error))?;
        let posts_to = self.place.at(posts_to);
        self.stream += 1;
        self.since = Instant::now();
        // What belongs to an earlier stream must not be taken for a part of this one.
        self.pending = Arc::default();
        let (number, place, pending) = (self.stream, self.place.clone(), Arc::clone(&self.pending));
        let reader = self.tasks.spawn(async move {
            let why = hear(&place, stream, &pending).await;
            Back::Ended {
                stream: number,
                why,
                unanswered: pending.end(),
            }
        });
        self.reader = Some(reader);
        Ok(posts_to)
    }

    /// Opens another session as the client opened the first, and says there what it said to the first.
    async fn reopen(&mut self, posts_to: &Place, opening: Repeatable) -> Result<(), String> {
        let gone = format!("the session at {} is gone", self.place.url());
        let answer = self.own(posts_to, &opening).await;
        let result = match answer {
            Some(Answer::Result(result)) => result,
            _ => return Err(format!("{gone}, and no other can be opened now; try again")),
        };
        if self.session.version != session::version_of(&result) {
            let why = "another one would be of another protocol version; start this program again";
            return Err(format!("{gone}, and {why}"));
        }
        self.session.opened(opening, None, &result);
        tracing::warn!("{gone}; another one was opened");
        if let Some(initialized) = self.session.initialized().cloned() {
            taken(posts_to, &initialized).await.map_err(|refused| refused.why)?;
        }
        for request in self.session.repeated() {
            self.own(posts_to, &request).await;
        }
        // Whatever was lost with the session may have changed meanwhile.
        for method in session::announced(&result) {
            self.place.say(write::notification(method, None)).await;
        }
        Ok(())
    }

    /// Makes a request again whose answer the client has heard already.
    async fn own(&mut self, posts_to: &Place, request: &Repeatable) -> Option<Answer> {
        let answer = self.pending.watch(request.id.clone(), true);
        self.post(posts_to.clone(), request.body.clone(), vec![request.id.clone()], false);
        let answered = tokio::time::timeout(AGAIN, answer).await;
        if answered.is_err() {
            self.pending.remove(&request.id);
        }
        answered.ok()?.ok()
    }

    async fn back(&mut self, back: Back) {
        match back {
            Back::Nothing => {}
            Back::Again(stream) => self.again(stream).await,
            Back::Ended {
                stream,
                why,
                unanswered,
            } => {
                self.fail(&unanswered, &why).await;
                if stream == self.stream {
                    self.stream_ended();
                }
            }
            Back::Gone { stream, line, ids } => {
                if stream == self.stream && self.posts_to.take().is_some() {
                    self.reader.take().inspect(AbortHandle::abort);
                    let why = format!("the session at {} is gone", self.place.url());
                    let others = self.pending.end();
                    self.fail(&others, &why).await;
                }
                match self.connected().await {
                    Ok(posts_to) => {
                        ids.iter().cloned().for_each(|id| self.pending.add(id));
                        self.post(posts_to, line, ids, false);
                    }
                    Err(why) => self.fail(&ids, &why).await,
                }
            }
        }
    }

    fn stream_ended(&mut self) {
        self.posts_to = None;
        if self.since.elapsed() >= STEADY {
            self.pause = FIRST_PAUSE;
        }
        let (stream, pause) = (self.stream, self.pause);
        self.pause = (pause * 2).min(LONGEST_PAUSE);
        self.tasks.spawn(async move {
            tokio::time::sleep(pause).await;
            Back::Again(stream)
        });
    }

    /// A session goes on hearing what happens; a request opens the stream as soon as it comes.
    async fn again(&mut self, ended: u64) {
        let wanted = self.session.opening.is_some() && !self.silent.is_cancelled();
        if wanted
            && self.stream == ended
            && self.posts_to.is_none()
            && let Err(why) = self.connected().await
        {
            tracing::warn!("{why}; it is tried again with the next request");
        }
    }

    async fn fail(&self, ids: &[Id], why: &str) {
        for id in ids {
            self.place.fail(id, why).await;
        }
    }
}

/// Says everything that comes on the stream to the client; says why it ended.
async fn hear(place: &Place, mut stream: EventStream, pending: &Pending) -> String {
    loop {
        let event = match stream.next().await {
            Ok(event) if is_message(&event) => event,
            Ok(_) => continue,
            Err(error) => {
                return format!(
                    "{}: {error} before the answer; nobody knows what became of the request",
                    place.url()
                );
            }
        };
        let is_theirs = match Frame::parse(event.data.clone()) {
            Ok(Frame::One(message)) => note(pending, message),
            // What has been asked here comes alone.
            Ok(Frame::Batch(parts)) => {
                parts.into_iter().flatten().for_each(|message| {
                    note(pending, message);
                });
                true
            }
            Err(error) => {
                tracing::warn!("{} says what is no message: {error}", place.url());
                false
            }
        };
        if is_theirs {
            place.say(event.data).await;
        }
    }
}

/// Whether the client is to hear a message.
fn note(pending: &Pending, message: Message) -> bool {
    match message {
        Message::Response { id: Some(id), answer } => pending.answered(&id, answer),
        _ => true,
    }
}

/// A message was not taken.
struct Refused {
    why: String,
    /// The endpoint does not know what the message is to belong to.
    gone: bool,
}

/// Posts a message that wants no answer.
async fn taken(posts_to: &Place, line: &Bytes) -> Result<(), Refused> {
    let posted = tokio::time::timeout(TAKING, post(posts_to, line)).await;
    posted.unwrap_or_else(|_| {
        Err(Refused {
            why: format!("{} does not take it within {} s", posts_to.url(), TAKING.as_secs()),
            gone: false,
        })
    })
}

async fn post(posts_to: &Place, line: &Bytes) -> Result<(), Refused> {
    let response = posts_to.post(&HeaderMap::new(), line).await.map_err(|error| Refused {
        why: posts_to.trouble(&error),
        gone: false,
    })?;
    match response.status() {
        status if status.is_success() => Ok(()),
        status => Err(Refused {
            why: posts_to.refusal(status),
            gone: status == StatusCode::NOT_FOUND,
        }),
    }
}
