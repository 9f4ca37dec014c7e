//! `type: stdio`: a process of this machine.

use std::fmt;
use std::path::PathBuf;

use indexmap::IndexMap;
use secrecy::SecretString;

use crate::decode::{Context, Field, Kind, Section, rules};

/// The value of `type`.
pub(super) const TYPE: &str = "stdio";

/// A process of this machine, spoken to over its standard input and output.
#[derive(Clone)]
pub struct Stdio {
    /// The program, looked up in `PATH` when it has no `/`.
    pub command: String,
    /// Its arguments.
    pub args: Vec<String>,
    /// Variables for it, beside the small safe environment that every backend gets.
    pub env: IndexMap<String, SecretString>,
    /// The folder that it starts in; never relative. `None`: the gateway's own.
    pub cwd: Option<PathBuf>,
}

const TYPE_FIELD: Field = Field::new("type", Kind::Choice(&[TYPE]), "A process of this machine.").required();
const COMMAND: Field = Field::new(
    "command",
    Kind::Text(&rules::NOT_EMPTY),
    "The program to start; looked up in PATH when it has no slash.",
)
.required();
const ARGS: Field = Field::new("args", Kind::Texts(&rules::ANY), "The program's arguments.");
const ENV: Field = Field::new(
    "env",
    Kind::TextMap {
        names: &rules::VARIABLE,
        values: &rules::ANY,
    },
    "Variables for the process, beside a small safe base such as PATH, HOME and LANG.",
);
const CWD: Field = Field::new(
    "cwd",
    Kind::Text(&rules::NOT_EMPTY),
    "The folder that the process starts in; a relative one starts from the folder of this file.",
);

pub(super) const FIELDS: &[Field] = &[TYPE_FIELD, COMMAND, ARGS, ENV, CWD];

impl Stdio {
    pub(super) fn read(section: &Section<'_>, cx: &mut Context<'_>) -> Self {
        Self {
            command: section.text(&COMMAND, cx),
            args: section.texts(&ARGS, cx).into_iter().map(|(arg, _)| arg).collect(),
            env: section.secrets(&ENV, cx),
            cwd: section.maybe_text(&CWD, cx).map(|cwd| cx.folder.join(cwd)),
        }
    }
}

/// Arguments may carry secrets, so only their number is shown.
impl fmt::Debug for Stdio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stdio")
            .field("command", &self.command)
            .field("args", &format_args!("[{} arguments]", self.args.len()))
            .field("env", &self.env)
            .field("cwd", &self.cwd)
            .finish()
    }
}
