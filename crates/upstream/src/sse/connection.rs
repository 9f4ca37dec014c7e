//! An event stream, the address it named, and the calls on them.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::doubt::{Doubt, look_after};
use super::local::Running;
use super::post::{Poster, post_all};
use super::stream::EventStream;
use crate::LinkError;
use crate::duplex::{Conversation, Demux, Server};
use crate::http::{Endpoint, shown};

/// Between two attempts to reach a process that is starting.
const PAUSE: Duration = Duration::from_millis(50);

/// A backend over HTTP+SSE.
pub(crate) struct Connection {
    conversation: Arc<Conversation>,
    /// Told of every call that was not answered in time.
    doubt: Arc<Notify>,
    began: Instant,
    process: Option<Running>,
    version: Arc<OnceLock<String>>,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl Connection {
    /// Opens the event stream and waits for the address that messages are posted to, within `limit`. The stream of a
    /// `process` that is starting is asked for until it answers.
    ///
    /// # Errors
    /// When the stream cannot be opened, names no address or one of another origin, or the process ends.
    pub(crate) async fn open(
        endpoint: Endpoint,
        server: Server,
        process: Option<Running>,
        limit: Duration,
    ) -> Result<Self, LinkError> {
        let (stream, posts_to, began) = match &process {
            Some(process) => tokio::select! {
                opened = open_of(&endpoint, process, limit) => opened?,
                cause = process.wait_ended() => return Err(cause),
            },
            None => open_within(&endpoint, limit).await?,
        };
        let (conversation, queued) = Conversation::new(server);
        let conversation = Arc::new(conversation);
        let doubt = Doubt {
            raised: Arc::default(),
            heard: stream.heard(),
        };
        let raised = Arc::clone(&doubt.raised);
        let version = Arc::default();
        let stop = CancellationToken::new();
        let tasks = TaskTracker::new();
        let poster = Poster {
            endpoint: endpoint.at(posts_to),
            demux: Arc::clone(conversation.demux()),
            version: Arc::clone(&version),
            taken: AtomicBool::new(false),
            stop: stop.clone(),
        };
        tasks.spawn(post_all(queued, poster));
        tasks.spawn(read(
            stream,
            Arc::clone(conversation.demux()),
            process.clone(),
            stop.clone(),
        ));
        tasks.spawn(look_after(doubt, Arc::clone(&conversation), stop.clone()));
        tasks.close();
        Ok(Self {
            conversation,
            doubt: raised,
            began,
            process,
            version,
            stop,
            tasks,
        })
    }

    pub(crate) fn conversation(&self) -> &Conversation {
        &self.conversation
    }

    /// Whom to tell of a call that was not answered in time.
    pub(crate) fn doubt(&self) -> &Arc<Notify> {
        &self.doubt
    }

    /// When the stream was asked for.
    pub(crate) fn began(&self) -> Instant {
        self.began
    }

    /// Remembers the negotiated revision, which every later message names.
    pub(crate) fn agreed(&self, version: &str) {
        let _ = self.version.set(version.to_owned());
    }

    /// What the process wrote last; nothing of a backend that the gateway did not start.
    pub(crate) fn stderr(&self) -> Vec<String> {
        self.process
            .as_ref()
            .map_or_else(Vec::new, |process| process.stderr.lines())
    }

    pub(crate) async fn close(&self) {
        self.conversation.end(LinkError::stopped());
        self.stop.cancel();
        self.tasks.wait().await;
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("sse::Connection")
            .field("backend", self.conversation.backend())
            .finish_non_exhaustive()
    }
}

/// A stream, the address it named, and when it was asked for.
type Opened = (EventStream, url::Url, Instant);

async fn open_within(endpoint: &Endpoint, limit: Duration) -> Result<Opened, LinkError> {
    let began = Instant::now();
    let opening = EventStream::open(endpoint);
    let stream = tokio::time::timeout_at(began + limit, opening)
        .await
        .map_err(|_| LinkError::Timeout {
            what: "GET",
            after: limit,
        })?;
    named_by(stream?, began, limit).await
}

/// The address that a stream names in time.
async fn named_by(mut stream: EventStream, began: Instant, limit: Duration) -> Result<Opened, LinkError> {
    match tokio::time::timeout_at(began + limit, stream.endpoint()).await {
        Ok(named) => Ok((stream, named?, began)),
        Err(_) => Err(LinkError::Protocol(format!(
            "its url streams, but no `endpoint` event came within {} s; check that it speaks HTTP+SSE",
            limit.as_secs_f64()
        ))),
    }
}

/// As [`open_within`], but a process that is starting is tried again until it is time for it to answer.
async fn open_of(endpoint: &Endpoint, process: &Running, limit: Duration) -> Result<Opened, LinkError> {
    if Instant::now() >= process.answers_by {
        return open_within(endpoint, limit).await;
    }
    let mut cause = "no answer".to_owned();
    let answering = async {
        loop {
            let began = Instant::now();
            match EventStream::open(endpoint).await {
                Err(LinkError::Unreachable { cause: why, .. }) => cause = why,
                Err(LinkError::Status { status, .. }) if status.is_server_error() => {
                    cause = format!("it answers {status}")
                }
                answered => return answered.map(|stream| (stream, began)),
            }
            tokio::time::sleep(PAUSE).await;
        }
    };
    match tokio::time::timeout_at(process.answers_by, answering).await {
        Ok(answered) => {
            let (stream, began) = answered?;
            named_by(stream, began, limit).await
        }
        Err(_) => Err(LinkError::Unreachable {
            url: shown(endpoint.url()),
            cause: format!(
                "{cause}, {} s after the start of its process; raise timeouts.sse_startup if it needs longer",
                process.startup.as_secs_f64()
            ),
        }),
    }
}

/// Reads the stream until it ends, or the process behind it does, or the connection is closed.
async fn read(stream: EventStream, demux: Arc<Demux>, process: Option<Running>, stop: CancellationToken) {
    let process_ended = async {
        match &process {
            Some(process) => process.wait_ended().await,
            None => std::future::pending().await,
        }
    };
    let ended = async {
        let cause = stream.read_to_end(&demux).await;
        match &process {
            Some(process) => process.or_its_end(cause).await,
            None => cause,
        }
    };
    let cause = tokio::select! {
        () = stop.cancelled() => LinkError::stopped(),
        cause = ended => cause,
        cause = process_ended => cause,
    };
    demux.end(cause);
    stop.cancel();
}
