//! The configuration: all of its errors and warnings, as the server would see them, with the environment of this shell.

use std::path::{Path, PathBuf};

use argus_config::{Config, LoadError, Loaded, Report};

use super::finding::{Finding, Level, counted};
use crate::commands::server;
use crate::failure::Failure;

const NAME: &str = "configuration";

/// A configuration without errors.
pub(super) struct Read {
    pub(super) path: PathBuf,
    pub(super) config: Config,
}

pub(super) fn check(asked: Option<&Path>) -> (Vec<Finding>, Option<Read>) {
    let found = server::located(asked).and_then(|path| Ok((server::as_served(&path)?, path)));
    match found {
        Ok((Loaded { config, warnings, .. }, path)) => {
            let backends = counted(config.backends.len(), "backend");
            let mut findings = vec![Finding::ok(NAME, format!("{} is valid: {backends}", path.display()))];
            findings.extend(each(&warnings, Level::Warning));
            (findings, Some(Read { path, config }))
        }
        Err(Failure::Configuration(LoadError::Invalid(report))) => (each(&report, Level::Error).collect(), None),
        Err(Failure::Configuration(error)) => {
            let remedy = match &error {
                LoadError::Unreadable { .. } => Some("see that it is there and that this user may read it".to_owned()),
                // It says what to do itself.
                _ => None,
            };
            let finding = Finding::maybe(NAME, Level::Error, error.to_string(), remedy);
            (vec![finding], None)
        }
        Err(Failure::Usage(error) | Failure::Runtime(error) | Failure::Unreachable(error)) => {
            let finding = Finding::maybe(NAME, Level::Error, format!("{error:#}"), None);
            (vec![finding], None)
        }
        Err(Failure::Said(_)) => (Vec::new(), None),
    }
}

fn each(report: &Report, level: Level) -> impl Iterator<Item = Finding> {
    report.findings().iter().map(move |finding| {
        let (file, line, column) = (finding.file(), finding.line(), finding.column());
        Finding::maybe(
            NAME,
            level,
            format!("{file}:{line}:{column}: {}", finding.message()),
            finding.remedy().map(str::to_owned),
        )
    })
}
