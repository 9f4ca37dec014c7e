//! The oddities, and the scripts of those that are nothing but a script. All but `verbatim` have a tool `hello` that
//! works.

use std::io;
use std::path::PathBuf;

use clap::{Subcommand, ValueEnum};
use serde_json::{Map, Value, json};

use super::script::Script;

/// What is odd about a server.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum Oddity {
    /// Nothing is odd
    Sane,
    /// Says exactly what a script says
    Verbatim {
        /// The script
        #[arg(long, value_name = "FILE")]
        script: PathBuf,
    },
    /// Needs a while before it reads anything
    SlowToStart {
        /// How long
        #[arg(long, value_name = "MILLISECONDS", default_value = "60000")]
        after: u64,
    },
    /// Ends with code 3 during a call of `die`
    DiesMidCall,
    /// Never answers a call of `wait`; `progress` reports progress four times, 1.3 s apart, before it answers
    NeverAnswers,
    /// Writes on stderr without pause
    FloodsStderr,
    /// Writes what is no message on stdout
    JunkOnStdout,
    /// Answers nothing but what it knows, and nothing at all once it met something unknown
    HangsOnUnknownMethod,
    /// Does not end with its stdin, nor when it is told to
    IgnoresEofAndSigterm,
    /// Starts a process that outlives it
    StartsGrandchild {
        /// Start it in a session of its own
        #[arg(long)]
        setsid: bool,
    },
    /// Lists its tools on many pages
    ManyPages {
        /// How many, with one tool each
        #[arg(long, default_value = "50")]
        pages: usize,
        /// No page is the last
        #[arg(long)]
        endless: bool,
        /// Each page leads to itself
        #[arg(long)]
        repeating: bool,
    },
    /// Answers `big` with 1 MiB and `bigger` with 20 MiB
    HugeResult,
    /// Writes 70 MiB without the end of a line during a call of `flood`
    HugeLineWithoutEnd,
    /// Has other tools after a call of `change`
    ChangesTools,
    /// Asks the client without saying why: when it is ready, and in calls of `ask`, without waiting for the answer
    AsksUnattributed,
    /// Refuses calls of `nobody` with an error that has no id
    AnswersWithNullId,
    /// Answers calls of `batch` with an array of messages
    BatchAnswers,
    /// Redirects every request, over HTTP
    Redirects {
        /// To another origin
        #[arg(long)]
        away: bool,
    },
    /// Answers calls of `html` with a web page, over HTTP
    WrongContentType,
    /// Answers calls of `fail` with the status 500, over HTTP and HTTP+SSE
    #[command(name = "status-500")]
    Status500 {
        /// Answer everything like that
        #[arg(long)]
        always: bool,
    },
    /// Forgets its sessions in calls of `forget`, over HTTP and HTTP+SSE
    #[command(name = "session-404")]
    Session404,
    /// The same, but answers for a session that it does not know with the status 400, over HTTP
    #[command(name = "session-400")]
    Session400 {
        /// What it says beside
        #[arg(long, value_enum)]
        with: Beside400,
    },
    /// As session-404, and answers GET with the status 404, over HTTP
    #[command(name = "get-404")]
    Get404,
    /// Writes its answers in small pieces, over HTTP
    SlowTrickle,
    /// Names no place for messages, over HTTP+SSE
    OddEndpoint {
        /// Names one at another origin
        #[arg(long)]
        away: bool,
        /// Names one of its own with its whole address
        #[arg(long, conflicts_with = "away")]
        absolute: bool,
    },
    /// Answers posts only when it is done with the message, over HTTP+SSE; `wait` waits for a file
    TakesLate {
        /// The file
        #[arg(long, value_name = "FILE")]
        gate: PathBuf,
    },
    /// Closes its stdout, or over HTTP+SSE its stream, in calls of `close` and lives on
    ClosesStdoutButLives,
    /// Says something on stderr and ends with code 4
    ExitAtOnce,
    /// Does nothing for long; what `starts-grandchild` starts
    #[command(hide = true)]
    Sleep {
        /// In a session of its own
        #[arg(long)]
        setsid: bool,
    },
}

/// What comes with a 400 for a session that is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Beside400 {
    /// An error with the id `null`, as in the examples of the TypeScript SDK
    Null,
    /// The same without an id, as server-everything does
    Without,
    /// The same with the id of the request
    Named,
    /// A line of text, as old versions of the Python SDK have it
    Text,
}

const SANE: &str = r#"{"tools/call hello": [{"result": {"content": [{"type": "text", "text": "hello"}]}}]}"#;

impl Oddity {
    /// The script of this server.
    pub(crate) fn script(&self) -> io::Result<Script> {
        let odd = match self {
            Self::Verbatim { script } => return Script::read(script),
            Self::ManyPages {
                pages,
                endless,
                repeating,
            } => pages_script(*pages, *endless, *repeating),
            Self::TakesLate { gate } => {
                json!({"tools/call wait": [{"gate": gate}, {"result": {"content": []}}]}).to_string()
            }
            other => other.text().to_owned(),
        };
        Ok(Script::parse(SANE)?.and(Script::parse(&odd)?))
    }

    fn text(&self) -> &'static str {
        match self {
            Self::DiesMidCall => {
                r#"{"tools/call die": [
                    {"notify": "notifications/progress", "params": {"progressToken": "@token", "progress": 1}},
                    {"stderr": "out of ideas"}, {"exit": 3}]}"#
            }
            Self::NeverAnswers => {
                r#"{"tools/call wait": [],
                    "tools/call progress": [
                    {"sleep": 1300}, {"notify": "notifications/progress", "params": {"progressToken": "@token", "progress": 1}},
                    {"sleep": 1300}, {"notify": "notifications/progress", "params": {"progressToken": "@token", "progress": 2}},
                    {"sleep": 1300}, {"notify": "notifications/progress", "params": {"progressToken": "@token", "progress": 3}},
                    {"sleep": 1300}, {"notify": "notifications/progress", "params": {"progressToken": "@token", "progress": 4}},
                    {"result": {"content": []}}],
                    "tools/call ask": [
                    {"ask": "elicitation/create", "params": {"message": "?", "requestedSchema": {"type": "object", "properties": {}}}},
                    {"result": {"answer": "@answer"}}]}"#
            }
            Self::JunkOnStdout => {
                r#"{"tools/call junk": [
                    {"line": "starting up..."}, {"line": ""}, {"line": "{\"half\": "}, {"line": "[]"}, {"line": "42"},
                    {"line": "{\"jsonrpc\":\"2.0\"}"}, {"line": "{\"jsonrpc\":\"1.0\",\"id\":1,\"result\":{}}"},
                    {"line": "{\"jsonrpc\":\"2.0\",\"id\":99999,\"result\":{}}"},
                    {"result": {"content": []}}]}"#
            }
            Self::HangsOnUnknownMethod => r#"{"*": [{"stderr": "what was that?"}, {"gate": "/nonexistent/never"}]}"#,
            Self::HugeResult => r#"{"tools/call big": [{"big": 1048576}], "tools/call bigger": [{"big": 20971520}]}"#,
            Self::HugeLineWithoutEnd => {
                r#"{"tools/call flood": [{"flood": 73400320}, {"line": ""}, {"result": {"content": []}}]}"#
            }
            Self::ChangesTools => {
                r#"{"tools/call change": [
                    {"turn": true}, {"feed": "notifications/tools/list_changed"}, {"result": {"content": []}}],
                    "tools/list#1": [{"sleep": 100}, {"result": {"tools": [{"name": "change", "inputSchema": {"type": "object"}}, {"name": "fresh", "inputSchema": {"type": "object"}}]}}],
                    "tools/call fresh": [{"result": {"content": []}}],
                    "tools/list": [{"result": {"tools": [{"name": "change", "inputSchema": {"type": "object"}}]}}]}"#
            }
            Self::AsksUnattributed => {
                r#"{"notifications/initialized": [{"ask_aside": "elicitation/create", "params": {"message": "who?"}}],
                    "tools/call ask": [
                    {"ask_aside": "sampling/createMessage", "params": {"messages": []}}, {"sleep": 50}, {"result": {"content": []}}]}"#
            }
            Self::AnswersWithNullId => {
                r#"{"tools/call nobody": [
                    {"line": "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32600,\"message\":\"cannot read that\"}}"},
                    {"gate": "/nonexistent/never"}]}"#
            }
            Self::BatchAnswers => {
                r#"{"tools/call batch": [
                    {"line": "[{\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\",\"params\":{\"level\":\"info\",\"data\":1.0}},{\"jsonrpc\":\"2.0\",\"id\":\"@id\",\"result\":{\"content\":[]}}]"}]}"#
            }
            Self::WrongContentType => r#"{"tools/call html": [{"type": "text/html"}, {"result": {"content": []}}]}"#,
            Self::Status500 { always: false } => r#"{"tools/call fail": [{"status": 500}]}"#,
            Self::Session404 | Self::Session400 { .. } | Self::Get404 => {
                r#"{"tools/call forget": [{"forget": true}, {"result": {"content": []}}]}"#
            }
            Self::ClosesStdoutButLives => r#"{"tools/call close": [{"close": true}]}"#,
            _ => "{}",
        }
    }
}

/// One tool on each page.
fn pages_script(pages: usize, endless: bool, repeating: bool) -> String {
    let page = |at: usize, next: Option<&str>| {
        let tools = json!([{"name": format!("tool-{at:03}"), "inputSchema": {"type": "object"}}]);
        let mut result = json!({ "tools": tools });
        if let Some(next) = next {
            result["nextCursor"] = next.into();
        }
        json!([{ "result": result }])
    };
    let mut script = Map::<String, Value>::new();
    if endless {
        script.insert("tools/list".into(), page(0, Some("@count")));
    } else if repeating {
        script.insert("tools/list".into(), page(0, Some("again")));
    } else {
        for at in 0..pages {
            let key = if at == 0 {
                "tools/list".to_owned()
            } else {
                format!("tools/list page {at}")
            };
            let next = (at + 1 < pages).then(|| format!("page {}", at + 1));
            script.insert(key, page(at, next.as_deref()));
        }
    }
    Value::Object(script).to_string()
}
