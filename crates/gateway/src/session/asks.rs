//! Questions that are with the client.

use std::collections::HashMap;

use argus_protocol::{Answer, Id, Raw, method, token};
use argus_upstream::AskReply;

/// So many questions may be with one client; more are refused.
const MAX_OPEN: usize = 256;

/// Questions by the number under which the client knows them.
#[derive(Debug, Default)]
pub(super) struct Asks {
    next: u64,
    open: HashMap<u64, Open>,
}

#[derive(Debug)]
struct Open {
    reply: AskReply,
    /// The backend's progress token, which our number stands for.
    token: Option<Raw>,
}

impl Asks {
    /// Keeps a question; gives its number and the parameters for the client.
    pub(super) fn open(&mut self, params: Option<Raw>, reply: AskReply) -> Option<(u64, Option<Raw>)> {
        if self.open.len() >= MAX_OPEN {
            reply.refuse("too many questions are with this client already");
            return None;
        }
        self.next += 1;
        let number = self.next;
        let (params, token) = match params.map(|raw| (token::replace(&raw, &Id::number(number)), raw)) {
            Some((Ok((params, token)), _)) => (Some(params), token.map(|token| token.detached())),
            Some((Err(_), untouched)) => (Some(untouched), None),
            None => (None, None),
        };
        self.open.insert(number, Open { reply, token });
        Some((number, params))
    }

    /// Takes a question out to answer it.
    pub(super) fn take(&mut self, number: u64) -> Option<AskReply> {
        self.open.remove(&number).map(|open| open.reply)
    }

    /// Passes the client's progress on a question to the backend that asked.
    pub(super) fn progress(&self, params: &Raw) {
        let open = token::number_of(params).and_then(|number| self.open.get(&number));
        if let Some(Open {
            reply,
            token: Some(theirs),
        }) = open
        {
            reply.notify(method::PROGRESS, token::restore(params, theirs).as_ref());
        }
    }

    /// Takes all questions out.
    pub(super) fn drain(&mut self) -> Vec<AskReply> {
        self.open.drain().map(|(_, open)| open.reply).collect()
    }
}

/// Answers a question; kept apart so that no lock is held meanwhile.
pub(super) fn answer(reply: Option<AskReply>, answer: &Answer) -> bool {
    let known = reply.is_some();
    if let Some(reply) = reply {
        reply.answer(answer);
    }
    known
}
