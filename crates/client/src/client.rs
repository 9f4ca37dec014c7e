//! The operations.

use std::time::Duration;

use argus_api::{
    BackendAction, BackendDetail, BackendList, BackendLogs, Batch, CapabilityList, Event, EventList, GroupList, Health,
    LogLine, PromptGet, PromptResult, Ready, Reconnected, Reloaded, ResourceRead, ResourceResult, SessionList,
    Shutdown, ShutdownRequest, Status, ToolCall, ToolResult,
};
use bytes::Bytes;
use futures::Stream;
use http::{Request, StatusCode};
use http_body_util::Full;
use secrecy::SecretString;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use url::Url;

use crate::answer::Answer;
use crate::follow::{Followed, follow};
use crate::query::add;
use crate::transport::{Transport, get, post};
use crate::{Address, CapabilityQuery, Error, EventQuery, lenient};

/// How long an answer may take that needs no backend.
const ANSWER: Duration = Duration::from_secs(30);
/// The same where backends are connected to: `server.management.reconnect_timeout` is 600 s at most.
const CONNECTED: Duration = Duration::from_secs(630);
/// The same for calls: the gateway knows how long the backend may take, so it is the one to give up.
const CALLED: Option<Duration> = None;

/// A client of one gateway. Clones share connections.
#[derive(Debug, Clone)]
pub struct Client {
    transport: Transport,
}

impl Client {
    /// A client of the gateway at `address`. Nothing is sent yet.
    ///
    /// # Errors
    /// When the token cannot be sent, or the system's root certificates cannot be read, which https needs.
    pub fn new(address: Address, token: Option<&SecretString>) -> Result<Self, Error> {
        let transport = Transport::new(address, token)?;
        Ok(Self { transport })
    }

    /// Where the gateway is.
    #[must_use]
    pub fn address(&self) -> &Address {
        self.transport.address()
    }

    /// `GET health`: all backends together. Needs no token.
    ///
    /// # Errors
    /// When there is no such answer; all methods say why in the same way.
    pub async fn health(&self) -> Result<Answer<Health>, Error> {
        self.get(&self.url(["health"])).await
    }

    /// `GET ready`: whether traffic can be served. Needs no token.
    ///
    /// # Errors
    /// When there is no such answer.
    pub async fn ready(&self) -> Result<Answer<Ready>, Error> {
        self.said(get(&self.url(["ready"])), Some(ANSWER)).await
    }

    /// `GET status`: the service, its configuration and its addresses.
    ///
    /// # Errors
    /// When there is no such answer.
    pub async fn status(&self) -> Result<Answer<Status>, Error> {
        self.get(&self.url(["status"])).await
    }

    /// `GET backends`: all of them.
    ///
    /// # Errors
    /// When there is no such answer.
    pub async fn backends(&self) -> Result<Answer<BackendList>, Error> {
        self.get(&self.url(["backends"])).await
    }

    /// `GET backends/{name}`: one, with all that is known of it.
    ///
    /// # Errors
    /// When there is no such answer.
    pub async fn backend(&self, name: &str) -> Result<Answer<BackendDetail>, Error> {
        self.get(&self.url(["backends", name])).await
    }

    /// `GET groups`: all of them, or one.
    ///
    /// # Errors
    /// When there is no such answer.
    pub async fn groups(&self, group: Option<&str>) -> Result<Answer<GroupList>, Error> {
        let mut url = self.url(["groups"]);
        add(&mut url, [("group", group)]);
        self.get(&url).await
    }

    /// `GET capabilities`: tools, resources, templates and prompts.
    ///
    /// # Errors
    /// When there is no such answer.
    pub async fn capabilities(&self, query: &CapabilityQuery<'_>) -> Result<Answer<CapabilityList>, Error> {
        let mut url = self.url(["capabilities"]);
        query.add_to(&mut url);
        self.get(&url).await
    }

    /// `GET sessions`: the clients that are there.
    ///
    /// # Errors
    /// When there is no such answer.
    pub async fn sessions(&self) -> Result<Answer<SessionList>, Error> {
        self.get(&self.url(["sessions"])).await
    }

    /// `GET events`: what happened lately, oldest first.
    ///
    /// # Errors
    /// When there is no such answer.
    pub async fn events(&self, query: &EventQuery<'_>) -> Result<Answer<EventList>, Error> {
        let mut url = self.url(["events"]);
        query.add_to(&mut url);
        self.get(&url).await
    }

    /// `GET events/stream`: events as they come, after the one with the id `last`, or from now on. A connection that breaks
    /// is made again, and goes on where it stopped; without `last` and before the first event that is from then on.
    pub fn follow_events(
        &self,
        last: Option<String>,
    ) -> impl Stream<Item = Result<Followed<Event>, Error>> + Send + 'static {
        follow(self.transport.clone(), self.url(["events", "stream"]), last)
    }

    /// `GET batch`: status, backends, capabilities and events at once.
    ///
    /// # Errors
    /// When there is no such answer.
    pub async fn batch(&self, events_limit: Option<usize>) -> Result<Answer<Batch>, Error> {
        let mut url = self.url(["batch"]);
        let limit = events_limit.map(|limit| limit.to_string());
        add(&mut url, [("events_limit", limit.as_deref())]);
        self.get(&url).await
    }

    /// `POST reload`: the configuration is read again. One with errors is answered, too, with `reloaded: false`.
    ///
    /// # Errors
    /// When there is no such answer.
    pub async fn reload(&self) -> Result<Answer<Reloaded>, Error> {
        self.post(&self.url(["reload"]), Bytes::new(), Some(CONNECTED)).await
    }

    /// `POST reconnect/{name}`: a backend is connected to anew. A failure is an answer, too, with `reconnected: false`.
    ///
    /// # Errors
    /// When there is no such answer.
    pub async fn reconnect(&self, backend: &str) -> Result<Answer<Reconnected>, Error> {
        let url = self.url(["reconnect", backend]);
        self.said(post(&url, Bytes::new()), Some(CONNECTED)).await
    }

    /// `POST backends/{name}/restart`: its processes or connections are ended and made again. A failure is an answer, too,
    /// with `ok: false`, as it is with the next two.
    ///
    /// # Errors
    /// When there is no such answer.
    pub async fn restart(&self, backend: &str) -> Result<Answer<BackendAction>, Error> {
        self.act(backend, "restart").await
    }

    /// `POST backends/{name}/enable`: it runs again.
    ///
    /// # Errors
    /// When there is no such answer.
    pub async fn enable(&self, backend: &str) -> Result<Answer<BackendAction>, Error> {
        self.act(backend, "enable").await
    }

    /// `POST backends/{name}/disable`: it stops until it is enabled.
    ///
    /// # Errors
    /// When there is no such answer.
    pub async fn disable(&self, backend: &str) -> Result<Answer<BackendAction>, Error> {
        self.act(backend, "disable").await
    }

    /// `GET backends/{name}/logs`: the last lines that it wrote to its stderr.
    ///
    /// # Errors
    /// When there is no such answer.
    pub async fn logs(&self, backend: &str, tail: Option<usize>) -> Result<Answer<BackendLogs>, Error> {
        let mut url = self.url(["backends", backend, "logs"]);
        let tail = tail.map(|tail| tail.to_string());
        add(&mut url, [("tail", tail.as_deref())]);
        self.get(&url).await
    }

    /// `GET backends/{name}/logs/stream`: lines as they come, after the place `last`, which [`Self::logs`] gives as
    /// `last_event_id`, or from now on. A connection that breaks is made again, and goes on where it stopped; where the
    /// gateway was started again meanwhile, with all lines that it keeps.
    pub fn follow_logs(
        &self,
        backend: &str,
        last: Option<String>,
    ) -> impl Stream<Item = Result<Followed<LogLine>, Error>> + Send + 'static {
        let url = self.url(["backends", backend, "logs", "stream"]);
        follow(self.transport.clone(), url, last)
    }

    /// `POST shutdown`: the gateway stops, as SIGTERM makes it.
    ///
    /// # Errors
    /// When there is no such answer.
    pub async fn shutdown(&self, timeout_seconds: Option<u64>) -> Result<Answer<Shutdown>, Error> {
        let body = json(&ShutdownRequest { timeout_seconds });
        self.post(&self.url(["shutdown"]), body, Some(ANSWER)).await
    }

    /// `POST tools/call`: calls a tool. One that says of itself that it failed is answered with `isError`.
    ///
    /// # Errors
    /// When there is no such answer, or the call fails.
    pub async fn call_tool(&self, tool: &str, arguments: Option<Box<RawValue>>) -> Result<Answer<ToolResult>, Error> {
        let tool = tool.to_owned();
        let body = json(&ToolCall { tool, arguments });
        self.post(&self.url(["tools", "call"]), body, CALLED).await
    }

    /// `POST resources/read`: reads a resource.
    ///
    /// # Errors
    /// When there is no such answer, or the read fails.
    pub async fn read_resource(&self, uri: &str) -> Result<Answer<ResourceResult>, Error> {
        let body = json(&ResourceRead { uri: uri.to_owned() });
        self.post(&self.url(["resources", "read"]), body, CALLED).await
    }

    /// `POST prompts/get`: gets a prompt.
    ///
    /// # Errors
    /// When there is no such answer, or it cannot be had.
    pub async fn get_prompt(
        &self,
        prompt: &str,
        arguments: Option<Box<RawValue>>,
    ) -> Result<Answer<PromptResult>, Error> {
        let prompt = prompt.to_owned();
        let body = json(&PromptGet { prompt, arguments });
        self.post(&self.url(["prompts", "get"]), body, CALLED).await
    }

    async fn act(&self, backend: &str, action: &str) -> Result<Answer<BackendAction>, Error> {
        let url = self.url(["backends", backend, action]);
        self.said(post(&url, Bytes::new()), Some(CONNECTED)).await
    }

    fn url<'a>(&self, segments: impl IntoIterator<Item = &'a str>) -> Url {
        self.address().operation(segments)
    }

    async fn get<T: DeserializeOwned>(&self, url: &Url) -> Result<Answer<T>, Error> {
        let (status, body) = self.transport.ask(get(url), Some(ANSWER)).await?;
        self.read(status, body)
    }

    async fn post<T: DeserializeOwned>(
        &self,
        url: &Url,
        body: Bytes,
        limit: Option<Duration>,
    ) -> Result<Answer<T>, Error> {
        let (status, body) = self.transport.ask(post(url, body), limit).await?;
        self.read(status, body)
    }

    /// For what is answered in the same shape with any status.
    async fn said<T: DeserializeOwned>(
        &self,
        request: Request<Full<Bytes>>,
        limit: Option<Duration>,
    ) -> Result<Answer<T>, Error> {
        let (status, body) = self.transport.ask(request, limit).await?;
        match lenient::read(&body) {
            Ok(value) => Ok(Answer::new(value, body)),
            Err(_) => self.read(status, body),
        }
    }

    fn read<T: DeserializeOwned>(&self, status: StatusCode, body: Bytes) -> Result<Answer<T>, Error> {
        if !status.is_success() {
            return Err(self.transport.refused(status, &body));
        }
        let value = lenient::read(&body).map_err(|error| Error::NotArgus {
            address: self.address().clone(),
            what: format!("its answer cannot be read: {error}"),
            status: None,
        })?;
        Ok(Answer::new(value, body))
    }
}

/// A body.
fn json(value: &impl Serialize) -> Bytes {
    // All keys are text, so this does not fail.
    serde_json::to_vec(value).unwrap_or_default().into()
}
