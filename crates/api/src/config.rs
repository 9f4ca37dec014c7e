//! `GET /manage/v1/config` and `POST /manage/v1/config/validate`.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// The configuration in effect.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ConfigView {
    /// The file; `null` when the gateway was started without one (`--demo`).
    pub file: Option<String>,
    /// When the configuration that holds now was read.
    #[schema(format = DateTime)]
    pub loaded_at: String,
    /// Every key with its value, in the order of the sections.
    pub values: Vec<ConfigValue>,
    /// The keys of which the file says something else since, and which take effect at the next start only.
    pub needs_restart: Vec<String>,
}

/// One key of the configuration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ConfigValue {
    /// The key, with those of its sections before it, such as `server.port`.
    pub key: String,
    /// Its value; `null` where there is none. Values of `env`, `headers`, `auth.headers`, `args`, keys and tokens are
    /// `***`, and so is the query of a `url`. A text with variables is as it is written.
    pub value: Value,
    /// Where the value comes from.
    pub source: ConfigSource,
    /// The line of the file in which it stands.
    pub line: Option<usize>,
    /// The variables of the environment that are named in it.
    pub variables: Vec<String>,
    /// What is written, where variables are in it and `value` is the number, flag or word that came of them.
    pub written: Option<String>,
}

/// Where a value comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ConfigSource {
    /// Nobody gave one.
    Default,
    /// The file.
    File,
    /// Variables of the environment, or a text of the file with such in it.
    Environment,
    /// The command line.
    CommandLine,
}

/// What a configuration would do.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ConfigCheck {
    /// Whether the gateway would take it.
    pub valid: bool,
    /// Everything that is wrong with it.
    pub errors: Vec<ConfigFinding>,
    /// What works but is probably not meant.
    pub warnings: Vec<ConfigFinding>,
    /// What it would change of what runs; `null` when it is not valid.
    pub changes: Option<ConfigChanges>,
}

/// Something about one place of a configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ConfigFinding {
    /// What is the matter.
    pub message: String,
    /// The line, counted from 1.
    pub line: Option<usize>,
    /// The column in the line, counted in characters from 1.
    pub column: Option<usize>,
    /// The key at this place.
    pub key: Option<String>,
    /// What to do about it.
    pub help: Option<String>,
}

/// What a configuration would change of what runs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ConfigChanges {
    /// Backends that are new.
    pub backends_added: Vec<String>,
    /// Backends that are gone.
    pub backends_removed: Vec<String>,
    /// Backends of which some key is another one.
    pub backends_changed: Vec<String>,
    /// Other keys that are different, and take effect at the next start only.
    pub needs_restart: Vec<String>,
}
