//! One connection: reads messages line by line, lets the first request decide the era, runs requests side by side,
//! and ends cleanly when the input ends.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use argus_protocol::method;
use argus_protocol::version::Era;
use serde_json::{Value, json};
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncWrite};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::timeout;

use crate::example::Example;
use crate::fault::Fault;
use crate::legacy::{self, Session};
use crate::message::{self, Malformed, Message, Object, Request};
use crate::modern::{self, Envelope, Line};
use crate::outbox::{Outbox, write_lines};
use crate::seal::Seal;
use crate::{Clock, ExampleError};

/// How long requests may go on after the input has ended.
const GRACE: Duration = Duration::from_millis(500);

/// Serves an example over a pair of streams until the input ends.
pub(crate) async fn serve<S: Example>(
    server: S,
    clock: Clock,
    seal: Seal,
    input: impl AsyncBufRead + Unpin,
    output: impl AsyncWrite + Unpin,
) -> Result<(), ExampleError> {
    let (outbox, outgoing) = Outbox::new();
    let line = Arc::new(Line::new(&outbox, seal, clock));
    let connection = Connection {
        server: Arc::new(server),
        outbox,
        line,
        era: Opened::Not,
        tasks: JoinSet::new(),
        running: HashMap::new(),
    };
    tokio::try_join!(connection.read(input), write_lines(outgoing, output))?;
    Ok(())
}

struct Connection<S> {
    server: Arc<S>,
    outbox: Outbox,
    line: Arc<Line>,
    era: Opened,
    /// Each task returns the id of its request.
    tasks: JoinSet<Value>,
    running: HashMap<Value, AbortHandle>,
}

/// The era of the connection, decided once.
enum Opened {
    Not,
    Legacy(Arc<Session>),
    Modern,
}

/// What is to be done with a request that belongs here.
enum Work {
    /// It is answered already.
    Answered(Value),
    Legacy(Arc<Session>),
    Modern(Envelope),
    Listen,
}

impl<S: Example> Connection<S> {
    async fn read(mut self, input: impl AsyncBufRead + Unpin) -> std::io::Result<()> {
        let mut lines = input.split(b'\n');
        while let Some(line) = lines.next_segment().await? {
            if line.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            self.forget_finished();
            match message::parse(&line) {
                Ok(Value::Array(batch)) if self.takes_batches() => self.batch(batch).await,
                Ok(value) => self.message(value, self.outbox.clone()).await,
                Err(Malformed(answer)) => self.outbox.send(answer).await,
            }
        }
        self.end().await;
        Ok(())
    }

    async fn message(&mut self, value: Value, replies: Outbox) {
        match message::classify(value) {
            Ok(Message::Request(request)) => self.request(request, replies).await,
            Ok(Message::Notification { method, params }) => self.notification(&method, &params),
            Ok(Message::Reply { id, outcome }) => self.reply(&id, outcome),
            Err(Malformed(answer)) => replies.send(answer).await,
        }
    }

    /// Handles the messages of an array; their answers go out as one array when the last is there.
    async fn batch(&mut self, batch: Vec<Value>) {
        if batch.is_empty() {
            let fault = Fault::InvalidRequest("a batch must not be empty".into());
            return self
                .outbox
                .send(message::response(&Value::Null, Err(fault.to_error(Era::Legacy))))
                .await;
        }
        let (replies, mut collected) = Outbox::new();
        let outbox = self.outbox.clone();
        self.tasks.spawn(async move {
            let mut answers = Vec::new();
            while let Some(answer) = collected.recv().await {
                answers.push(answer);
            }
            if !answers.is_empty() {
                outbox.send(Value::Array(answers)).await;
            }
            Value::Null
        });
        for value in batch {
            self.message(value, replies.clone()).await;
        }
    }

    async fn request(&mut self, request: Request, replies: Outbox) {
        let id = request.id.clone();
        match self.admit(&request) {
            Ok(Work::Answered(result)) => replies.send(message::response(&id, Ok(result))).await,
            Ok(Work::Listen) => {
                if let Err(fault) = self.line.listens().open(&*self.server, &request).await {
                    replies
                        .send(message::response(&id, Err(fault.to_error(Era::Modern))))
                        .await;
                }
            }
            Ok(Work::Legacy(session)) => {
                let server = Arc::clone(&self.server);
                self.start(
                    id,
                    replies,
                    async move { legacy::answer(&*server, session, request).await },
                );
            }
            Ok(Work::Modern(envelope)) => {
                let (server, line) = (Arc::clone(&self.server), Arc::clone(&self.line));
                self.start(id, replies, async move {
                    modern::answer(&*server, &line, envelope, request).await
                });
            }
            Err(fault) => {
                replies
                    .send(message::response(&id, Err(fault.to_error(self.spoken()))))
                    .await
            }
        }
    }

    /// Decides whether and how a request is served here; the first that is admitted decides the era.
    fn admit(&mut self, request: &Request) -> Result<Work, Fault> {
        if self.running.contains_key(&request.id) || self.line.listens().contains(&request.id) {
            return Err(Fault::InvalidRequest("a request with this id is still open".into()));
        }
        match &self.era {
            Opened::Not => self.open(request),
            Opened::Legacy(session) => admit_legacy(&*self.server, session, request),
            Opened::Modern => admit_modern(request),
        }
    }

    fn open(&mut self, request: &Request) -> Result<Work, Fault> {
        if modern::is_claimed_by(request) {
            let work = admit_modern(request)?;
            self.era = Opened::Modern;
            return Ok(work);
        }
        match request.method.as_str() {
            method::INITIALIZE => {
                let session = Session::open(&request.params, &self.outbox)?;
                let greeting = session.greeting(&*self.server);
                self.era = Opened::Legacy(Arc::new(session));
                Ok(Work::Answered(greeting))
            }
            method::PING => Ok(Work::Answered(json!({}))),
            _ => Err(Fault::InvalidRequest(
                "the first request must be `initialize`, or name its protocol version in `_meta`".into(),
            )),
        }
    }

    fn start(&mut self, id: Value, replies: Outbox, answer: impl Future<Output = Value> + Send + 'static) {
        let finished = id.clone();
        let task = self.tasks.spawn(async move {
            replies.send(answer.await).await;
            finished
        });
        self.running.insert(id, task);
    }

    fn notification(&mut self, method: &str, params: &Object) {
        if method != method::CANCELLED {
            return;
        }
        if let Some(id) = params.get("requestId") {
            self.line.listens().cancel(id);
            if let Some(task) = self.running.remove(id) {
                task.abort();
            }
        }
    }

    fn reply(&self, id: &Value, outcome: Result<Value, Value>) {
        if let Opened::Legacy(session) = &self.era {
            session.settle(id, outcome);
        }
    }

    fn takes_batches(&self) -> bool {
        matches!(&self.era, Opened::Legacy(session) if session.takes_batches())
    }

    fn spoken(&self) -> Era {
        if matches!(self.era, Opened::Legacy(_)) {
            Era::Legacy
        } else {
            Era::Modern
        }
    }

    fn forget_finished(&mut self) {
        while let Some(finished) = self.tasks.try_join_next() {
            if let Ok(id) = finished {
                self.running.remove(&id);
            }
        }
    }

    /// The input has ended: no ask can be answered any more, short work may finish, listens get their result.
    async fn end(mut self) {
        if let Opened::Legacy(session) = &self.era {
            session.close();
        }
        let rest = async { while self.tasks.join_next().await.is_some() {} };
        if timeout(GRACE, rest).await.is_err() {
            self.tasks.shutdown().await;
        }
        self.line.listens().end(&*self.server).await;
    }
}

fn admit_legacy<S: Example>(server: &S, session: &Arc<Session>, request: &Request) -> Result<Work, Fault> {
    if request.method == method::INITIALIZE {
        return Err(Fault::InvalidRequest("this connection is initialized already".into()));
    }
    if modern::is_claimed_by(request) {
        return Err(Fault::InvalidRequest(
            "this connection was opened with `initialize`; modern requests need a connection of their own".into(),
        ));
    }
    match session.control(server, request) {
        Some(outcome) => outcome.map(Work::Answered),
        None => Ok(Work::Legacy(Arc::clone(session))),
    }
}

fn admit_modern(request: &Request) -> Result<Work, Fault> {
    if request.method == method::INITIALIZE && !modern::is_claimed_by(request) {
        let requested = request.params.get("protocolVersion").cloned().unwrap_or_default();
        return Err(Fault::UnsupportedVersion(requested));
    }
    let envelope = Envelope::read(request)?;
    match request.method.as_str() {
        method::INITIALIZE => Err(Fault::MethodNotFound(request.method.clone())),
        method::LISTEN => Ok(Work::Listen),
        _ => Ok(Work::Modern(envelope)),
    }
}
