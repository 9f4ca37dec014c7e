//! One JSON-RPC message: its envelope is read, its payload is not.

use std::borrow::Cow;

use bytes::Bytes;
use bytestring::ByteString;
use serde_json::value::RawValue;

use crate::object::{Borrowed, Text};
use crate::{Id, Raw, depth};

/// The longest id that a client may give a request, in bytes: ids are kept with what is in flight and repeated in
/// responses.
pub const MAX_ID: usize = 1024;

/// A JSON-RPC 2.0 message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// Wants an answer.
    Request {
        /// The asker's id, as it spelled it.
        id: Id,
        /// The method.
        method: ByteString,
        /// The parameters, unread.
        params: Option<Raw>,
    },
    /// Wants none.
    Notification {
        /// The method.
        method: ByteString,
        /// The parameters, unread.
        params: Option<Raw>,
    },
    /// Answers a request.
    Response {
        /// Whose answer it is; `None` where the peer could not read the id.
        id: Option<Id>,
        /// The answer.
        answer: Answer,
    },
}

/// The payload of a response, unread.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The `result`.
    Result(Raw),
    /// The `error` object.
    Error(Raw),
}

/// A body: one message, or a batch (2025-03-26 only).
#[derive(Debug)]
pub enum Frame {
    /// One message.
    One(Message),
    /// An array of messages, each read or refused on its own.
    Batch(Vec<Result<Message, FrameError>>),
}

/// Why text is not a message.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// Not UTF-8 or not JSON: answered with [`crate::code::PARSE_ERROR`].
    #[error("not JSON: {0}")]
    NotJson(String),
    /// JSON, but not a JSON-RPC message: answered with [`crate::code::INVALID_REQUEST`].
    #[error("not a JSON-RPC 2.0 message: {reason}")]
    NotAMessage {
        /// What is wrong.
        reason: &'static str,
        /// The id, where it could be read.
        id: Option<Id>,
    },
    /// The id of a request is too long: answered with [`crate::code::INVALID_REQUEST`], and without the id.
    #[error("the id of this request is {0} bytes long; at most {MAX_ID} are taken")]
    LongId(usize),
}

impl FrameError {
    fn not_a_message(reason: &'static str) -> Self {
        Self::NotAMessage { reason, id: None }
    }

    /// The same without an id that is too long to be repeated.
    fn bounded(self) -> Self {
        match self {
            Self::NotAMessage { id: Some(id), .. } if id.as_str().len() > MAX_ID => Self::LongId(id.as_str().len()),
            other => other,
        }
    }
}

impl Frame {
    /// Reads a body that is one message or a batch.
    ///
    /// # Errors
    /// When it is neither.
    pub fn parse(body: Bytes) -> Result<Self, FrameError> {
        let text = checked(body)?;
        if !text.trim_start().starts_with('[') {
            return Message::read(&text).map(Self::One);
        }
        let parts: Vec<&RawValue> = serde_json::from_str(&text).map_err(not_json)?;
        if parts.is_empty() {
            return Err(FrameError::not_a_message("a batch must not be empty"));
        }
        Ok(Self::Batch(
            parts
                .into_iter()
                .map(|part| Message::read(&text.slice_ref(part.get())))
                .collect(),
        ))
    }

    /// The same for a body that came from a client, whose requests have no ids longer than [`MAX_ID`].
    ///
    /// # Errors
    /// When it is neither, or is a request with a longer id.
    pub fn from_client(body: Bytes) -> Result<Self, FrameError> {
        match Self::parse(body).map_err(FrameError::bounded)? {
            Self::One(message) => message.bounded().map(Self::One),
            Self::Batch(parts) => {
                let bounded = |part: Result<_, _>| part.map_err(FrameError::bounded).and_then(Message::bounded);
                Ok(Self::Batch(parts.into_iter().map(bounded).collect()))
            }
        }
    }
}

impl Message {
    fn bounded(self) -> Result<Self, FrameError> {
        match &self {
            Self::Request { id, .. } if id.as_str().len() > MAX_ID => Err(FrameError::LongId(id.as_str().len())),
            _ => Ok(self),
        }
    }

    /// Reads one message.
    ///
    /// # Errors
    /// When the text is not JSON, nests too deep, or is not a JSON-RPC 2.0 message.
    pub fn parse(body: Bytes) -> Result<Self, FrameError> {
        Self::read(&checked(body)?)
    }

    fn read(text: &ByteString) -> Result<Self, FrameError> {
        if !text.trim_start().starts_with('{') {
            serde_json::from_str::<&RawValue>(text).map_err(not_json)?;
            return Err(FrameError::not_a_message("it must be an object"));
        }
        let Borrowed(members) = serde_json::from_str(text).map_err(not_json)?;
        let mut parts = Parts::default();
        for (Text(key), value) in members {
            parts.take(text, &key, value)?;
        }
        parts.into_message()
    }
}

/// The members of an envelope as they are found.
#[derive(Default)]
struct Parts {
    version: Option<Raw>,
    id: Option<Raw>,
    method: Option<ByteString>,
    params: Option<Raw>,
    result: Option<Raw>,
    error: Option<Raw>,
}

impl Parts {
    fn take(&mut self, source: &ByteString, key: &str, value: &RawValue) -> Result<(), FrameError> {
        let raw = Raw::part_of(source, value.get());
        let slot = match key {
            "jsonrpc" => &mut self.version,
            "method" => {
                let Text(name) =
                    serde_json::from_str(value.get()).map_err(|_| self.refuse("`method` must be a string"))?;
                let name = match name {
                    Cow::Borrowed(name) => source.slice_ref(name),
                    Cow::Owned(name) => name.into(),
                };
                return match self.method.replace(name) {
                    None => Ok(()),
                    Some(_) => Err(self.refuse("a member is written twice")),
                };
            }
            "id" => &mut self.id,
            "params" => &mut self.params,
            "result" => &mut self.result,
            "error" => &mut self.error,
            _ => return Ok(()),
        };
        match slot.replace(raw) {
            None => Ok(()),
            Some(_) => Err(self.refuse("a member is written twice")),
        }
    }

    fn refuse(&self, reason: &'static str) -> FrameError {
        FrameError::NotAMessage {
            reason,
            id: self.id.clone().and_then(Id::from_raw),
        }
    }

    fn into_message(self) -> Result<Message, FrameError> {
        if self.version.as_ref().is_none_or(|raw| raw.as_str() != "\"2.0\"") {
            return Err(self.refuse("`jsonrpc` must be \"2.0\""));
        }
        if let Some(method) = &self.method {
            if self.result.is_some() || self.error.is_some() {
                return Err(self.refuse("a request has no `result` and no `error`"));
            }
            let params = match &self.params {
                Some(raw) if raw.as_str() == "null" => None,
                Some(raw) if !raw.as_str().starts_with(['{', '[']) => {
                    return Err(self.refuse("`params` must be an object"));
                }
                params => params.clone(),
            };
            return match &self.id {
                None => Ok(Message::Notification {
                    method: method.clone(),
                    params,
                }),
                Some(id) => match Id::from_raw(id.clone()) {
                    Some(id) => Ok(Message::Request {
                        id,
                        method: method.clone(),
                        params,
                    }),
                    None => Err(self.refuse("`id` must be a string or a number")),
                },
            };
        }
        let id = match &self.id {
            Some(raw) if raw.as_str() != "null" => match Id::from_raw(raw.clone()) {
                Some(id) => Some(id),
                None => return Err(self.refuse("`id` must be a string or a number")),
            },
            _ => None,
        };
        match one_of(self.result, self.error) {
            (Some(result), None) if id.is_some() => Ok(Message::Response {
                id,
                answer: Answer::Result(result),
            }),
            (None, Some(error)) => Ok(Message::Response {
                id,
                answer: Answer::Error(error),
            }),
            _ => Err(FrameError::NotAMessage {
                reason: "it needs a `method`, a `result` or an `error`",
                id,
            }),
        }
    }
}

/// Some libraries write both members of a response, the one that does not count as `null`.
fn one_of(result: Option<Raw>, error: Option<Raw>) -> (Option<Raw>, Option<Raw>) {
    match (result, error) {
        (Some(result), Some(error)) if error.as_str() == "null" => (Some(result), None),
        (Some(result), Some(error)) if result.as_str() == "null" => (None, Some(error)),
        both => both,
    }
}

fn checked(body: Bytes) -> Result<ByteString, FrameError> {
    let text = ByteString::try_from(body).map_err(|_| FrameError::NotJson("it is not UTF-8".to_owned()))?;
    if depth::exceeds(text.as_bytes(), depth::MAX_DEPTH) {
        return Err(FrameError::not_a_message("it nests deeper than 128 levels"));
    }
    Ok(text)
}

#[allow(clippy::needless_pass_by_value, reason = "used as a function of map_err")]
fn not_json(error: serde_json::Error) -> FrameError {
    FrameError::NotJson(error.to_string())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(text: &str) -> Result<Message, FrameError> {
        Message::parse(Bytes::copy_from_slice(text.as_bytes()))
    }

    #[test]
    fn reads_the_three_kinds() {
        let Message::Request { id, method, params } =
            parse(r#"{"jsonrpc":"2.0","id":7.0,"method":"tools\/call","params":{"a": 1.0}}"#).unwrap()
        else {
            panic!("not a request")
        };
        assert_eq!(
            (id.as_str(), &*method, params.unwrap().as_str()),
            ("7.0", "tools/call", r#"{"a": 1.0}"#)
        );
        assert!(matches!(
            parse(r#"{"jsonrpc":"2.0","method":"x"}"#),
            Ok(Message::Notification { params: None, .. })
        ));
        assert!(matches!(
            parse(r#"{"jsonrpc":"2.0","id":"a","result":null}"#),
            Ok(Message::Response {
                id: Some(_),
                answer: Answer::Result(_)
            })
        ));
        assert!(matches!(
            parse(r#"{"jsonrpc":"2.0","id":null,"error":{}}"#),
            Ok(Message::Response {
                id: None,
                answer: Answer::Error(_)
            })
        ));
    }

    #[test]
    fn a_response_counts_as_the_member_that_is_not_null() {
        let answer = |members: &str| match parse(&format!(r#"{{"jsonrpc":"2.0","id":1,{members}}}"#)) {
            Ok(Message::Response { answer, .. }) => Some(answer),
            _ => None,
        };
        let raw = |text: &str| Raw::parse(text.to_owned()).unwrap();
        let result = Some(Answer::Result(raw(r#"{"a":1}"#)));
        let error = Some(Answer::Error(raw(r#"{"code":1}"#)));
        assert_eq!(answer(r#""result":{"a":1},"error":null"#), result);
        assert_eq!(answer(r#""error":null,"result":{"a":1}"#), result);
        assert_eq!(answer(r#""result":null,"error":{"code":1}"#), error);
        assert_eq!(
            answer(r#""result":null,"error":null"#),
            Some(Answer::Result(raw("null")))
        );
        assert_eq!(answer(r#""result":{"a":1},"error":{"code":1}"#), None);
    }

    #[test]
    fn refuses_what_is_no_message() {
        for bad in [
            "[]",
            "1",
            r#"{"jsonrpc":"1.0","id":1,"method":"x"}"#,
            r#"{"jsonrpc":"2.0","id":null,"method":"x"}"#,
            r#"{"jsonrpc":"2.0","id":{},"method":"x"}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":5}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"x","params":5}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"x","method":"y"}"#,
            r#"{"jsonrpc":"2.0","jsonrpc":"2.0","id":1,"method":"x"}"#,
            r#"{"jsonrpc":"2.0","id":1}"#,
        ] {
            assert!(matches!(parse(bad), Err(FrameError::NotAMessage { .. })), "{bad}");
        }
        for bad in ["", "{", r#"{"jsonrpc":"2.0",}"#, "{} x"] {
            assert!(matches!(parse(bad), Err(FrameError::NotJson(_))), "{bad}");
        }
        assert!(Message::parse(Bytes::from_static(b"{\"a\":\"\xff\"}")).is_err());
    }

    #[test]
    fn the_id_of_a_refused_request_is_kept() {
        let Err(FrameError::NotAMessage { id: Some(id), .. }) = parse(r#"{"id":3,"method":"x"}"#) else {
            panic!("no id")
        };
        assert_eq!(id.as_str(), "3");
    }

    #[test]
    fn long_ids_of_clients_are_refused_and_not_kept() {
        let frame = |length: usize, method: &str| {
            let id = "x".repeat(length - 2);
            Bytes::from(format!(r#"{{"jsonrpc":"2.0","id":"{id}","method":{method}}}"#))
        };
        assert!(matches!(Frame::from_client(frame(MAX_ID, "\"x\"")), Ok(Frame::One(_))));
        for method in ["\"x\"", "5"] {
            let one = frame(MAX_ID + 1, method);
            assert!(matches!(Frame::from_client(one.clone()), Err(FrameError::LongId(1025))));
            let batch = [b"[", &one[..], b",", &frame(5, method), b"]"].concat();
            let Ok(Frame::Batch(parts)) = Frame::from_client(batch.into()) else {
                panic!("not a batch")
            };
            assert!(matches!(parts[0], Err(FrameError::LongId(1025))));
            assert!(!matches!(parts[1], Err(FrameError::LongId(_))));
        }
    }

    #[test]
    fn deep_nesting_is_refused() {
        let deep = format!(
            r#"{{"jsonrpc":"2.0","method":"x","params":{}{}}}"#,
            "[".repeat(5000),
            "]".repeat(5000)
        );
        assert!(matches!(parse(&deep), Err(FrameError::NotAMessage { .. })));
    }

    #[test]
    fn batches_are_split() {
        let body = Bytes::from_static(br#" [{"jsonrpc":"2.0","method":"x"}, 5]"#);
        let Ok(Frame::Batch(parts)) = Frame::parse(body) else {
            panic!("not a batch")
        };
        assert!(parts[0].is_ok() && parts[1].is_err());
    }

    proptest! {
        #[test]
        fn never_panics(body in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Frame::parse(Bytes::from(body));
        }

        #[test]
        fn never_panics_near_json(body in r#"[\{\}\[\]":,a-z0-9\\ .-]{0,80}"#) {
            let _ = Frame::parse(Bytes::from(body));
        }
    }
}
