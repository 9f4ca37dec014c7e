//! What the backends answer.

use bytes::Bytes;
use memchr::memmem;

/// The name of the tool whose result is 100 bytes.
pub const SMALL: &str = "small";
/// The name of the tool whose result is 1 MiB.
pub const LARGE: &str = "large";

/// The size of one tool in a list, in bytes.
const TOOL: usize = 400;
/// The sizes of the results in bytes.
const RESULTS: [usize; 2] = [100, 1 << 20];

const DISCOVER: &str = r#"{"supportedVersions":["2026-07-28"],"capabilities":{"tools":{}},"ttlMs":0,"cacheScope":"public","resultType":"complete","_meta":{"io.modelcontextprotocol/serverInfo":{"name":"bench","version":"1"}}}"#;
const INITIALIZE: &str =
    r#"{"protocolVersion":"2025-11-25","capabilities":{"tools":{}},"serverInfo":{"name":"bench","version":"1"}}"#;
const UNKNOWN: &str = r#","error":{"code":-32601,"message":"unknown method"}}"#;

/// The generations that a backend speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Eras {
    /// Each caller is answered in its own.
    Both,
    /// `initialize` only.
    Legacy,
    /// `server/discover` only.
    Modern,
}

/// All answers, without the id in front.
#[derive(Debug)]
pub struct Answers {
    discover: Bytes,
    initialize: Bytes,
    tools: Bytes,
    small: Bytes,
    large: Bytes,
}

/// An answer as it follows `{"jsonrpc":"2.0","id":`: the id of the request and the rest.
pub(super) type Answer<'r> = (&'r [u8], &'r Bytes);

impl Answers {
    /// Answers with a list of this many tools; the first two can be called. A backend of both eras answers either with
    /// what a modern one says.
    #[must_use]
    pub fn new(tools: usize, eras: Eras) -> Self {
        let modern = eras != Eras::Legacy;
        let [small, large] = RESULTS.map(|size| result(&text_result(size, modern)));
        let unless = |refused: Eras, answer: &str| match eras == refused {
            true => Bytes::from_static(UNKNOWN.as_bytes()),
            false => result(answer),
        };
        Self {
            discover: unless(Eras::Legacy, DISCOVER),
            initialize: unless(Eras::Modern, INITIALIZE),
            tools: result(&list(tools, modern)),
            small,
            large,
        }
    }

    /// The answer to a message; `None` for a notification.
    pub(super) fn answer<'r>(&'r self, message: &'r [u8]) -> Option<Answer<'r>> {
        static REFUSAL: Bytes = Bytes::from_static(UNKNOWN.as_bytes());
        let method = member(message, b"\"method\":")?;
        let id = member(message, b"\"id\":")?;
        let answer = match method {
            b"\"tools/call\"" if names(message, LARGE) => &self.large,
            b"\"tools/call\"" => &self.small,
            b"\"tools/list\"" => &self.tools,
            b"\"server/discover\"" => &self.discover,
            b"\"initialize\"" => &self.initialize,
            _ => &REFUSAL,
        };
        Some((id, answer))
    }
}

/// The text of a member that is a number or a string without commas; the first of this name.
fn member<'m>(message: &'m [u8], name: &[u8]) -> Option<&'m [u8]> {
    let from = memmem::find(message, name)? + name.len();
    let rest = message[from..].trim_ascii_start();
    let to = memchr::memchr2(b',', b'}', rest)?;
    Some(rest[..to].trim_ascii_end())
}

fn names(message: &[u8], tool: &str) -> bool {
    member(message, b"\"name\":").is_some_and(|name| name.get(1..name.len() - 1) == Some(tool.as_bytes()))
}

fn result(text: &str) -> Bytes {
    format!(",\"result\":{text}}}").into()
}

/// A result of exactly `size` bytes.
fn text_result(size: usize, modern: bool) -> String {
    let complete = if modern { r#","resultType":"complete""# } else { "" };
    let around = |text: &str| format!(r#"{{"content":[{{"type":"text","text":"{text}"}}]{complete}}}"#);
    around(&"x".repeat(size - around("").len()))
}

fn list(count: usize, modern: bool) -> String {
    let names = [SMALL.to_owned(), LARGE.to_owned()]
        .into_iter()
        .chain((2..).map(|number| format!("tool_{number:04}")));
    let tools: Vec<String> = names.take(count).map(|name| tool(&name)).collect();
    let tools = tools.join(",");
    let hints = match modern {
        true => r#","ttlMs":0,"cacheScope":"public","resultType":"complete""#,
        false => "",
    };
    format!(r#"{{"tools":[{tools}]{hints}}}"#)
}

/// A tool of exactly [`TOOL`] bytes.
fn tool(name: &str) -> String {
    let around = |text: &str| {
        format!(
            r#"{{"name":"{name}","description":"{text}","inputSchema":{{"type":"object","properties":{{"text":{{"type":"string"}}}}}}}}"#
        )
    };
    around(&"d".repeat(TOOL - around("").len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(message: &str) -> Option<String> {
        said_by(&Answers::new(3, Eras::Both), message)
    }

    fn said_by(answers: &Answers, message: &str) -> Option<String> {
        let (id, rest) = answers.answer(message.as_bytes())?;
        Some([br#"{"jsonrpc":"2.0","id":"#, id, rest].concat()).map(|text| String::from_utf8(text).unwrap())
    }

    fn result_of(message: &str) -> String {
        let mut answer: serde_json::Value = serde_json::from_str(&said(message).unwrap()).unwrap();
        assert_eq!(answer["id"], 7);
        answer["result"].take().to_string()
    }

    #[test]
    fn results_have_the_size_that_they_are_named_for() {
        let call = |name: &str| {
            result_of(&format!(
                r#"{{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{{"name":"{name}","arguments":{{}}}}}}"#
            ))
        };
        assert_eq!(call(SMALL).len(), 100);
        assert_eq!(call(LARGE).len(), 1 << 20);
    }

    #[test]
    fn a_list_has_tools_of_400_bytes_with_names_of_their_own() {
        let list = result_of(r#"{"jsonrpc":"2.0","method":"tools/list","id":7}"#);
        let list: serde_json::Value = serde_json::from_str(&list).unwrap();
        let tools = list["tools"].as_array().unwrap();
        assert!(tools.iter().all(|tool| tool.to_string().len() == TOOL));
        let names: Vec<_> = tools.iter().map(|tool| tool["name"].as_str().unwrap()).collect();
        assert_eq!(names, [SMALL, LARGE, "tool_0002"]);
    }

    #[test]
    fn an_id_comes_back_as_it_is_and_a_notification_gets_no_answer() {
        let discover = said(r#"{"jsonrpc":"2.0","id":"a b","method":"server/discover"}"#).unwrap();
        assert!(
            discover.starts_with(r#"{"jsonrpc":"2.0","id":"a b","result":{"supported"#),
            "{discover}"
        );
        let unknown = said(r#"{"jsonrpc":"2.0","id":1.0,"method":"x/y"}"#).unwrap();
        assert!(unknown.contains(r#""id":1.0,"error""#), "{unknown}");
        assert_eq!(said(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#), None);
    }

    #[test]
    fn a_backend_of_one_era_knows_nothing_of_the_other() {
        let ask = |eras, method: &str| {
            let request = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{{"name":"small"}}}}"#);
            said_by(&Answers::new(1, eras), &request).unwrap()
        };
        for (eras, modern) in [(Eras::Legacy, false), (Eras::Modern, true)] {
            assert_eq!(ask(eras, "server/discover").contains("\"error\""), !modern);
            assert_eq!(ask(eras, "initialize").contains("\"error\""), modern);
            for method in ["tools/list", "tools/call"] {
                assert_eq!(ask(eras, method).contains("resultType"), modern);
            }
        }
    }
}
