//! The streams of a session's answers: read by the client, and when it is gone, listened to on its behalf.

use std::future::poll_fn;
use std::sync::{Arc, Weak};
use std::time::Duration;

use argus_protocol::{Frame, Message};
use bytes::Bytes;
use futures::StreamExt;
use tokio::runtime::Handle;
use tokio::time::Instant;

use super::event_id::EventId;
use super::listener::{Heard, Listener, Lost, Saying, Source};
use super::rings::{ResumeError, StandIn, Turn};
use super::state::{Session, lock};
use crate::stalls::Watched;

/// How long a call goes on whose client left: a client that means to come back for it does so soon, and the call holds
/// a backend and a place in the session until then.
const ADOPTED: Duration = Duration::from_secs(300);

impl Session {
    /// Opens a stream for an answer. From now on a lost connection loses nothing: in the legacy eras it is no
    /// cancellation (MCP "Cancellation").
    #[must_use]
    pub fn stream(self: &Arc<Self>, saying: Saying) -> StreamReader {
        let source = Source::new(saying);
        let mut rings = lock(self.rings());
        let turn = rings.open(Arc::clone(&source));
        let unwatched = rings.watch();
        drop(rings);
        self.look_after(unwatched);
        StreamReader::new(self, source, turn, 0)
    }

    /// Goes on with a stream after the event that the client saw last (MCP 2025-11-25 "Resumability and redelivery").
    /// Whoever reads it now ends.
    ///
    /// # Errors
    /// When the stream is not kept, or never had such an event.
    pub fn resume(self: &Arc<Self>, last: EventId) -> Result<StreamReader, ResumeError> {
        if last.epoch != self.epoch() {
            // It was said before the gateway restarted.
            return Err(ResumeError::Gone);
        }
        let mut rings = lock(self.rings());
        rings.expire(Instant::now());
        let (source, turn) = rings.attach(last)?;
        let unwatched = rings.watch();
        drop(rings);
        self.look_after(unwatched);
        Ok(StreamReader::new(self, source, turn, last.number))
    }

    /// Takes a call to its end whose client left before there was a stream to come back to: it cannot be asked
    /// anything, and nobody hears the answer, but what the call does at the backend is done.
    pub fn finish(self: &Arc<Self>, mut saying: Saying) {
        let session = Arc::clone(self);
        self.adopt(async move {
            while let Some(said) = saying.next().await {
                session.withdraw_asked(&said.message);
            }
        });
    }

    /// Has its readers looked after, where nobody does yet.
    fn look_after(self: &Arc<Self>, unwatched: bool) {
        if unwatched {
            let this: Weak<Self> = Arc::downgrade(self);
            self.stalls().watch(this);
        }
    }

    /// Withdraws a question that cannot reach the client.
    fn withdraw_asked(&self, message: &Bytes) {
        if let Ok(Frame::One(Message::Request { id, .. })) = Frame::parse(message.clone())
            && let Some(number) = id.as_number()
        {
            self.withdraw(number);
        }
    }

    /// Does something for a client that left, until the session ends, and not for ever.
    fn adopt(self: &Arc<Self>, doing: impl Future<Output = ()> + Send + 'static) {
        // Without a runtime the program ends, and everything with it.
        let Ok(runtime) = Handle::try_current() else { return };
        let over = self.over().clone();
        let doing = async move {
            let in_time = tokio::time::timeout(ADOPTED, doing);
            let _ = over.run_until_cancelled(in_time).await;
        };
        self.tasks().spawn_on(doing, &runtime);
    }
}

/// A reader that stays away does not hold its call: somebody listens in its place until it reads on.
impl Watched for Session {
    fn look(self: Arc<Self>) -> bool {
        let Some(stand_ins) = lock(self.rings()).look() else {
            return false;
        };
        for StandIn { source, turn, read } in stand_ins {
            let session = Arc::clone(&self);
            let listener = Listener {
                session,
                source,
                turn,
                read,
            };
            self.adopt(listener.heard_out());
        }
        true
    }
}

/// Reads a stream. The newest reader reads, the others end. Dropped before the end, it leaves the stream to be listened
/// to on behalf of the client.
#[derive(Debug)]
pub struct StreamReader {
    listener: Listener,
    at_end: bool,
}

impl StreamReader {
    fn new(session: &Arc<Session>, source: Arc<Source>, turn: Turn, read: u64) -> Self {
        let listener = Listener {
            session: Arc::clone(session),
            source,
            turn,
            read,
        };
        Self {
            listener,
            at_end: false,
        }
    }

    /// The id of the event that was read last.
    #[must_use]
    pub fn position(&self) -> EventId {
        self.listener.position()
    }

    /// The next message, with the id of its event; `None` at the end, when another reader took over, or when what the
    /// reader missed while it stayed away is not kept any more.
    pub async fn next(&mut self) -> Option<(EventId, Bytes)> {
        let heard = poll_fn(|cx| self.listener.poll(cx, Lost::Goes)).await;
        match heard {
            Heard::Message(message) => Some((self.position(), message)),
            Heard::End => {
                self.at_end = true;
                None
            }
            Heard::Stop => None,
        }
    }
}

impl Drop for StreamReader {
    fn drop(&mut self) {
        let Listener {
            session, source, turn, ..
        } = &self.listener;
        let left = lock(session.rings()).detach(*turn, self.at_end, Instant::now());
        if let Some((turn, read)) = left {
            let (session, source) = (Arc::clone(session), Arc::clone(source));
            let listener = Listener {
                session,
                source,
                turn,
                read,
            };
            self.listener.session.adopt(listener.heard_out());
        }
    }
}

#[cfg(test)]
mod tests {
    use argus_upstream::Declared;
    use futures::FutureExt;
    use tokio::sync::mpsc;

    use super::*;
    use crate::session::Caller;
    use crate::session::rings::Said;
    use crate::session::state::Opening;

    fn session() -> Arc<Session> {
        Arc::new(Session::new(Opening {
            id: "s3cret".into(),
            number: 7,
            version: "2025-11-25",
            declared: Declared::nothing(),
            caller: Caller::at([127, 0, 0, 1].into()),
            pool: Arc::default(),
            stalls: Arc::default(),
        }))
    }

    /// A stream, and the other end of what is said on it.
    fn stream(session: &Arc<Session>) -> (StreamReader, mpsc::UnboundedSender<&'static str>) {
        let (out, mut said) = mpsc::unbounded_channel();
        let saying = futures::stream::poll_fn(move |cx| said.poll_recv(cx)).map(|text: &str| Said {
            message: Bytes::from_static(text.as_bytes()),
            is_response: text.starts_with('!'),
        });
        (session.stream(Box::pin(saying)), out)
    }

    async fn next(reader: &mut StreamReader) -> Option<(String, String)> {
        let (id, message) = reader.next().await?;
        Some((id.to_string(), String::from_utf8(message.to_vec()).unwrap()))
    }

    fn event(id: &str, message: &str) -> Option<(String, String)> {
        Some((id.to_owned(), message.to_owned()))
    }

    fn id(text: &str) -> EventId {
        text.parse().unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_said_while_nobody_read_is_read_later() {
        let session = session();
        let (mut reader, out) = stream(&session);
        out.send("a").unwrap();
        assert_eq!(next(&mut reader).await, event("1-1", "a"));
        drop(reader);
        out.send("b").unwrap();
        out.send("!c").unwrap();
        drop(out);
        tokio::time::sleep(Duration::from_secs(299)).await;
        let mut reader = session.resume(id("1-1")).unwrap();
        assert_eq!(next(&mut reader).await, event("1-2", "b"));
        assert_eq!(next(&mut reader).await, event("1-3", "!c"));
        assert_eq!(next(&mut reader).await, None);
    }

    #[tokio::test]
    async fn a_new_reader_ends_the_old_one_and_hears_what_comes() {
        let session = session();
        let (mut old, out) = stream(&session);
        let waiting = tokio::spawn(async move { next(&mut old).await });
        tokio::task::yield_now().await;
        let mut new = session.resume(id("1-0")).unwrap();
        assert_eq!(waiting.await.unwrap(), None);
        out.send("a").unwrap();
        assert_eq!(next(&mut new).await, event("1-1", "a"));
        let mut newest = session.resume(id("1-0")).unwrap();
        drop(new);
        out.send("b").unwrap();
        assert_eq!(next(&mut newest).await, event("1-1", "a"));
        assert_eq!(next(&mut newest).await, event("1-2", "b"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_whose_client_stays_away_is_given_up() {
        let session = session();
        let (reader, out) = stream(&session);
        drop(reader);
        tokio::time::sleep(ADOPTED - Duration::from_secs(1)).await;
        assert!(!out.is_closed());
        tokio::time::timeout(Duration::from_secs(2), out.closed())
            .await
            .unwrap();
        assert_eq!(session.resume(id("1-0")).unwrap_err(), ResumeError::Gone);
    }

    #[tokio::test]
    async fn the_end_of_the_session_gives_up_what_nobody_reads() {
        let session = session();
        let ((reader, out), (mut kept, theirs)) = (stream(&session), stream(&session));
        drop(reader);
        tokio::task::yield_now().await;
        session.end();
        out.closed().await;
        theirs.send("a").unwrap();
        assert_eq!(
            next(&mut kept).await,
            event("2-1", "a"),
            "a client that is there hears the end"
        );
        drop(kept);
        theirs.closed().await;
    }

    #[tokio::test]
    async fn a_stream_that_is_too_many_is_given_up() {
        let session = session();
        let (first, out) = stream(&session);
        drop(first);
        let others: Vec<_> = (0..40).map(|_| stream(&session)).collect();
        tokio::task::yield_now().await;
        assert!(!out.is_closed());
        let _still: Vec<_> = others.into_iter().map(|(reader, out)| (drop(reader), out)).collect();
        out.closed().await;
    }

    #[tokio::test]
    async fn nothing_refers_to_a_session_that_is_over() {
        let session = session();
        let (reader, out) = stream(&session);
        let (other, _open) = stream(&session);
        out.send("!a").unwrap();
        drop((reader, other, out));
        tokio::task::yield_now().await;
        session.end();
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
        assert_eq!(Arc::strong_count(&session), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn somebody_listens_for_a_reader_that_stays_away() {
        let session = session();
        let (mut reader, out) = stream(&session);
        for text in ["a", "b", "c"] {
            out.send(text).unwrap();
        }
        assert_eq!(next(&mut reader).await, event("1-1", "a"));
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(session.resume(id("1-2")).unwrap_err(), ResumeError::NeverSent);
        tokio::time::sleep(Duration::from_secs(3)).await;
        assert_eq!(session.resume(id("1-4")).unwrap_err(), ResumeError::NeverSent);
        assert_eq!(next(&mut reader).await, event("1-2", "b"));
        assert_eq!(next(&mut reader).await, event("1-3", "c"));
        let hears = tokio::spawn(async move { (next(&mut reader).await, reader) });
        tokio::task::yield_now().await;
        out.send("d").unwrap();
        let (heard, reader) = hears.await.unwrap();
        assert_eq!(heard, event("1-4", "d"));
        tokio::time::sleep(Duration::from_secs(4)).await;
        out.send("!e").unwrap();
        tokio::task::yield_now().await;
        let mut other = session.resume(id("1-5")).unwrap();
        drop((reader, out));
        assert_eq!(next(&mut other).await, None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_reader_that_waits_is_there() {
        let session = session();
        let (mut reader, out) = stream(&session);
        let hears = tokio::spawn(async move { (next(&mut reader).await, next(&mut reader).await) });
        tokio::time::sleep(Duration::from_secs(14)).await;
        assert!(!lock(session.rings()).is_stood_in());
        for text in ["a", "b"] {
            out.send(text).unwrap();
        }
        assert_eq!(hears.await.unwrap(), (event("1-1", "a"), event("1-2", "b")));
    }

    #[tokio::test(start_paused = true)]
    async fn a_reader_that_comes_back_too_late_is_not_told_half() {
        let session = session();
        let (mut reader, out) = stream(&session);
        out.send("a").unwrap();
        tokio::time::sleep(ADOPTED - Duration::from_secs(1)).await;
        assert!(!out.is_closed());
        tokio::time::timeout(Duration::from_secs(10), out.closed())
            .await
            .unwrap();
        assert_eq!(next(&mut reader).await, None);
        assert_eq!(session.resume(id("1-0")).unwrap_err(), ResumeError::Gone);
    }

    #[tokio::test(start_paused = true)]
    async fn who_stands_in_goes_on_when_the_reader_leaves() {
        let session = session();
        let (reader, out) = stream(&session);
        tokio::time::sleep(Duration::from_secs(4)).await;
        drop(reader);
        out.send("!a").unwrap();
        drop(out);
        tokio::task::yield_now().await;
        let mut back = session.resume(id("1-0")).unwrap();
        assert_eq!(next(&mut back).await, event("1-1", "!a"));
        assert_eq!(next(&mut back).await, None);
    }

    #[test]
    fn without_a_runtime_a_stream_is_let_go() {
        let session = session();
        let (mut reader, out) = stream(&session);
        assert!(reader.next().now_or_never().is_none());
        drop(reader);
        assert!(out.is_closed());
    }
}
