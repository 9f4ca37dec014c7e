//! Every key with its value and where that comes from, for people. No secret is in it.

mod gather;

use std::collections::HashMap;

use serde_json::Value;

pub(crate) use gather::gather;

use crate::BackendEntry;
use crate::root::Config;

/// Stands in a secret's place.
pub(crate) const HIDDEN: &str = "***";

/// All keys of a configuration, in the order of the sections. No secret is in it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settings(Vec<Setting>);

/// One key.
#[derive(Clone, Debug, PartialEq)]
pub struct Setting {
    /// The key, with those of its sections before it.
    pub key: String,
    /// Its value. Secrets are `***`; a text with variables is as it is written.
    pub value: Value,
    /// Where the value comes from.
    pub origin: Origin,
    /// The line of the file in which it stands.
    pub line: Option<usize>,
    /// The variables of the environment that are named in it.
    pub variables: Vec<String>,
    /// What is written, where variables are in it and `value` is what came of them.
    pub written: Option<String>,
}

/// Where a value comes from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Origin {
    /// Nobody gave one.
    Default,
    /// The file.
    File,
    /// A variable of the environment, all of it or a part.
    Environment,
    /// The command line.
    CommandLine,
}

impl Settings {
    /// All keys.
    pub fn iter(&self) -> impl Iterator<Item = &Setting> {
        self.0.iter()
    }

    /// The same as if all that is in the file stood on the command line.
    #[must_use]
    pub fn of_command_line(mut self) -> Self {
        for setting in self.0.iter_mut().filter(|setting| setting.origin == Origin::File) {
            setting.origin = Origin::CommandLine;
            setting.line = None;
        }
        self
    }

    /// Something beside the file decides about a key.
    pub fn decide(&mut self, key: &str, value: Value, origin: Origin, variable: Option<&str>) {
        if let Some(setting) = self.0.iter_mut().find(|setting| setting.key == key) {
            setting.value = value;
            setting.origin = origin;
            setting.variables = variable.map(str::to_owned).into_iter().collect();
            setting.written = None;
            if origin == Origin::CommandLine {
                setting.line = None;
            }
        }
    }

    /// The same with a secret, which is not shown.
    pub fn decide_secret(&mut self, key: &str, variable: &str) {
        self.decide(key, HIDDEN.into(), Origin::Environment, Some(variable));
        if let Some(setting) = self.0.iter_mut().find(|setting| setting.key == key) {
            setting.line = None;
        }
    }

    /// These keys stay as they are in `running`.
    pub fn keep(&mut self, running: &Self, keys: &[&'static str]) {
        for setting in self.0.iter_mut().filter(|setting| keys.contains(&&*setting.key)) {
            if let Some(kept) = running.0.iter().find(|kept| kept.key == setting.key) {
                setting.clone_from(kept);
            }
        }
    }

    /// Defaults that depend on other keys.
    pub(crate) fn complete(&mut self, config: &Config) {
        let init = |entry: &BackendEntry| {
            let init = crate::Timeouts::preset(entry.kind).init;
            (format!("backends.{}.timeouts.init", entry.name), init.as_secs_f64())
        };
        let inits: HashMap<String, f64> = config.backends.iter().map(init).collect();
        for setting in self.0.iter_mut().filter(|setting| setting.origin == Origin::Default) {
            if let Some(init) = inits.get(&setting.key) {
                setting.value = (*init).into();
            }
        }
    }
}
