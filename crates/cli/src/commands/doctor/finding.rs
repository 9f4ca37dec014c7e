//! What was found, and how it is shown.

use serde::Serialize;
use serde_json::json;

use crate::output;

/// How it is.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Level {
    Ok,
    Warning,
    Error,
}

/// What a check found.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Finding {
    check: &'static str,
    result: Level,
    message: String,
    remedy: Option<String>,
}

impl Finding {
    pub(super) fn ok(check: &'static str, message: impl Into<String>) -> Self {
        Self {
            check,
            result: Level::Ok,
            message: message.into(),
            remedy: None,
        }
    }

    pub(super) fn new(
        check: &'static str,
        result: Level,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self {
            check,
            result,
            message: message.into(),
            remedy: Some(remedy.into()),
        }
    }

    pub(super) fn warning(check: &'static str, message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::new(check, Level::Warning, message, remedy)
    }

    pub(super) fn error(check: &'static str, message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::new(check, Level::Error, message, remedy)
    }

    /// For what has a remedy sometimes only.
    pub(super) fn maybe(check: &'static str, result: Level, message: String, remedy: Option<String>) -> Self {
        Self {
            check,
            result,
            message,
            remedy,
        }
    }
}

/// All that was found.
pub(super) struct Report(Vec<Finding>);

impl Report {
    pub(super) fn new(findings: Vec<Finding>) -> Self {
        Self(findings)
    }

    pub(super) fn has_errors(&self) -> bool {
        self.count(Level::Error) > 0
    }

    fn count(&self, level: Level) -> usize {
        self.0.iter().filter(|finding| finding.result == level).count()
    }

    pub(super) fn show(&self, as_json: bool) {
        let (errors, warnings) = (self.count(Level::Error), self.count(Level::Warning));
        if as_json {
            let all = json!({"ok": errors == 0, "errors": errors, "warnings": warnings, "checks": self.0});
            return output::answer(format_args!("{all:#}"));
        }
        for finding in &self.0 {
            let level = match finding.result {
                Level::Ok => "ok",
                Level::Warning => "warning",
                Level::Error => "error",
            };
            output::answer(format_args!("{level:<8} {}: {}", finding.check, finding.message));
            if let Some(remedy) = &finding.remedy {
                output::answer(format_args!("{:<8}   -> {remedy}", ""));
            }
        }
        output::answer(format_args!(
            "\n{}, {}",
            counted(errors, "error"),
            counted(warnings, "warning")
        ));
    }
}

/// A number of things.
pub(super) fn counted(count: usize, what: &str) -> String {
    match count {
        0 => format!("no {what}s"),
        1 => format!("1 {what}"),
        _ => format!("{count} {what}s"),
    }
}
