//! What an operator sees of a session.

use std::time::Duration;

use argus_protocol::{Object, shown};

use super::{Session, Transport};
use crate::catalogue::Snapshot;

/// What an operator sees of a session.
#[derive(Debug, Clone)]
pub struct SessionView {
    /// Tells sessions apart. It lets nobody in.
    pub id: String,
    /// How its client is connected.
    pub transport: Transport,
    /// The negotiated revision.
    pub version: &'static str,
    /// What its client calls itself.
    pub client: Option<String>,
    /// Tools, resources and prompts that it sees.
    pub counts: [usize; 3],
    /// Since it was opened.
    pub age: Duration,
    /// Since it was used last; nothing while a call or a stream is open.
    pub idle: Duration,
}

impl SessionView {
    /// A session that sees this catalogue.
    pub(crate) fn of(session: &Session, catalogue: &Snapshot) -> Self {
        Self {
            id: session.public_id(),
            transport: session.transport(),
            version: session.version(),
            client: client_name(session),
            counts: catalogue.counts(),
            age: session.age(),
            idle: session.last_use().map_or(Duration::ZERO, |last| last.elapsed()),
        }
    }
}

fn client_name(session: &Session) -> Option<String> {
    let info = session.declared().client_info.as_ref()?;
    let name = Object::parse(info).ok()?.get_str("name")?;
    Some(shown(&name).to_owned())
}
