//! JSON-RPC messages: what a line is, and what an answer looks like.

use argus_protocol::code;
use serde_json::{Value, json};

/// A JSON object.
pub(crate) type Object = serde_json::Map<String, Value>;

/// What a client may send.
#[derive(Debug, PartialEq)]
pub(crate) enum Message {
    /// Wants an answer.
    Request(Request),
    /// Wants none.
    Notification { method: String, params: Object },
    /// Answers a question of ours, with a result or an error.
    Reply { id: Value, outcome: Result<Value, Value> },
}

/// A request; its id is a string or a number.
#[derive(Debug, PartialEq)]
pub(crate) struct Request {
    pub(crate) id: Value,
    pub(crate) method: String,
    pub(crate) params: Object,
}

/// Something that is not a message, with the error answer it deserves.
#[derive(Debug, PartialEq)]
pub(crate) struct Malformed(pub(crate) Value);

/// Reads a line as JSON.
pub(crate) fn parse(line: &[u8]) -> Result<Value, Malformed> {
    serde_json::from_slice(line).map_err(|error| {
        malformed(
            Value::Null,
            code::PARSE_ERROR,
            &format!("this line is not JSON: {error}"),
        )
    })
}

/// Reads a JSON value as a message.
pub(crate) fn classify(value: Value) -> Result<Message, Malformed> {
    let Value::Object(mut fields) = value else {
        return Err(malformed(
            Value::Null,
            code::INVALID_REQUEST,
            "a message must be a JSON object",
        ));
    };
    let id = fields.remove("id");
    let answerable = id.as_ref().filter(|id| id.is_string() || id.is_number()).cloned();
    let refuse = |why: &str| malformed(answerable.clone().unwrap_or_default(), code::INVALID_REQUEST, why);
    if fields.get("jsonrpc").and_then(Value::as_str) != Some("2.0") {
        return Err(refuse("`jsonrpc` must be \"2.0\""));
    }
    if id.is_some() && answerable.is_none() {
        return Err(refuse("`id` must be a string or a number"));
    }
    match (fields.remove("method"), answerable.clone()) {
        (Some(Value::String(method)), Some(id)) => {
            let params = object(fields.remove("params"))
                .ok_or_else(|| malformed(id.clone(), code::INVALID_PARAMS, "`params` must be an object"))?;
            Ok(Message::Request(Request { id, method, params }))
        }
        (Some(Value::String(method)), None) => Ok(Message::Notification {
            method,
            params: object(fields.remove("params")).unwrap_or_default(),
        }),
        (None, Some(id)) => match (fields.remove("result"), fields.remove("error")) {
            (Some(result), None) => Ok(Message::Reply {
                id,
                outcome: Ok(result),
            }),
            (None, Some(error)) => Ok(Message::Reply {
                id,
                outcome: Err(error),
            }),
            _ => Err(refuse("a message has a `method`, a `result` or an `error`")),
        },
        _ => Err(refuse("`method` must be a string")),
    }
}

/// The answer to a request: a result, or an error object.
pub(crate) fn response(id: &Value, outcome: Result<Value, Value>) -> Value {
    match outcome {
        Ok(result) => json!({ "jsonrpc": "2.0", "id": id, "result": result }),
        Err(error) => json!({ "jsonrpc": "2.0", "id": id, "error": error }),
    }
}

/// The `_meta` object of params, if there is one.
pub(crate) fn meta(params: &Object) -> Option<&Object> {
    params.get("_meta")?.as_object()
}

/// An object that may be absent; `None` when something else is there.
fn object(value: Option<Value>) -> Option<Object> {
    match value {
        None => Some(Object::new()),
        Some(Value::Object(object)) => Some(object),
        Some(_) => None,
    }
}

fn malformed(id: Value, code: i64, message: &str) -> Malformed {
    Malformed(response(&id, Err(json!({ "code": code, "message": message }))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(value: Value) -> (Value, Value) {
        let Err(Malformed(answer)) = classify(value) else {
            panic!("should be refused")
        };
        (answer["id"].clone(), answer["error"]["code"].clone())
    }

    #[test]
    fn the_three_kinds() {
        let request = classify(json!({"jsonrpc": "2.0", "id": "a", "method": "ping"})).unwrap();
        assert_eq!(
            request,
            Message::Request(Request {
                id: json!("a"),
                method: "ping".into(),
                params: Object::new()
            })
        );
        let notification = classify(json!({"jsonrpc": "2.0", "method": "n", "params": [1]})).unwrap();
        assert_eq!(
            notification,
            Message::Notification {
                method: "n".into(),
                params: Object::new()
            }
        );
        let reply = classify(json!({"jsonrpc": "2.0", "id": 1, "error": {"code": 1}})).unwrap();
        assert_eq!(
            reply,
            Message::Reply {
                id: json!(1),
                outcome: Err(json!({"code": 1}))
            }
        );
    }

    #[test]
    fn what_is_none_of_them_is_refused_under_its_id_where_it_has_one() {
        assert_eq!(refusal(json!([])), (Value::Null, json!(-32600)));
        assert_eq!(refusal(json!({"id": 3, "method": "ping"})), (json!(3), json!(-32600)));
        assert_eq!(
            refusal(json!({"jsonrpc": "2.0", "id": null, "method": "ping"})),
            (Value::Null, json!(-32600))
        );
        assert_eq!(
            refusal(json!({"jsonrpc": "2.0", "id": {}, "method": "ping"})),
            (Value::Null, json!(-32600))
        );
        assert_eq!(
            refusal(json!({"jsonrpc": "2.0", "id": 3, "method": 4})),
            (json!(3), json!(-32600))
        );
        assert_eq!(refusal(json!({"jsonrpc": "2.0", "id": 3})), (json!(3), json!(-32600)));
        assert_eq!(
            refusal(json!({"jsonrpc": "2.0", "id": 3, "method": "m", "params": 1})),
            (json!(3), json!(-32602))
        );
    }

    #[test]
    fn bytes_that_are_not_json_are_refused() {
        for line in [&b"{"[..], b"\xff\xfe", b"", "[".repeat(5000).as_bytes()] {
            let Err(Malformed(answer)) = parse(line) else {
                panic!("should be refused")
            };
            assert_eq!(answer["error"]["code"], -32700);
        }
    }
}
