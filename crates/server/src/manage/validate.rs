//! `POST /manage/v1/config/validate`.

use argus_api::{ConfigChanges, ConfigCheck, ConfigFinding, ErrorBody};
use argus_config::{Loaded, diff};
use argus_protocol::ByteString;
use axum::Json;
use axum::extract::{Request, State};

use super::FACE;
use super::error::Error;
use crate::app::App;
use crate::body::{self, BodyError};
use crate::check::Objection;
use crate::request_log::{Outcome, RequestLog};

/// The largest file that is read has as many bytes.
const MAX_BYTES: usize = 4 << 20;
/// Longer texts are cut: what is wrong may be repeated in them.
const MAX_TEXT: usize = 1000;

/// Checks a configuration, without any effect.
///
/// The body is the text of a configuration file: YAML, of which JSON is a part, whatever its `Content-Type` says. It is
/// checked as if it stood in the place of the file, with the same variables of the environment and what the command line
/// says. Without a body the file itself is checked. No message repeats what a variable stands for.
#[utoipa::path(
    post,
    path = "/config/validate",
    tag = "service",
    request_body(
        description = "A configuration; nothing for the file itself.",
        content((Option<String> = "application/yaml"), (Option<serde_json::Value> = "application/json"))
    ),
    responses(
        (status = OK, body = ConfigCheck),
        (status = BAD_REQUEST, body = ErrorBody, description = "The body is no text."),
        (status = UNAUTHORIZED, body = ErrorBody),
        (status = FORBIDDEN, body = ErrorBody),
        (status = REQUEST_TIMEOUT, body = ErrorBody, description = "The body did not arrive in time."),
        (status = PAYLOAD_TOO_LARGE, body = ErrorBody, description = "The body is larger than `server.max_body_bytes`, or 4 MiB.")
    )
)]
pub(super) async fn validate(State(app): State<App>, request: Request) -> Result<Json<ConfigCheck>, Error> {
    let (parts, body) = request.into_parts();
    let body = body::read(&parts.headers, body, app.max_body.min(MAX_BYTES));
    let body = body.await.map_err(|error| match error {
        BodyError::TooLarge(_) if app.max_body > MAX_BYTES => Error::LongConfig(MAX_BYTES),
        error => error.into(),
    })?;
    let text = std::str::from_utf8(&body).map_err(|_| Error::NoText)?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let text = (!text.trim().is_empty()).then(|| text.to_owned());
    let checked = match &app.running.service.checker {
        Some(checker) => checker.check(text).await,
        None => Err(vec![
            "this gateway was not started with a configuration".to_owned().into(),
        ]),
    };
    RequestLog::begin(FACE, &ByteString::from_static("config/validate")).end(Outcome::Accepted);
    Ok(Json(match checked {
        Ok(loaded) => good(&app, loaded),
        Err(objections) => ConfigCheck {
            errors: objections.into_iter().map(found).collect(),
            ..ConfigCheck::default()
        },
    }))
}

fn good(app: &App, loaded: Loaded) -> ConfigCheck {
    let Loaded {
        mut config, warnings, ..
    } = loaded;
    let diff = diff(&app.gateway.config(), &mut config);
    let warnings = warnings.findings().iter().map(Objection::from);
    ConfigCheck {
        valid: true,
        errors: Vec::new(),
        warnings: warnings.map(found).collect(),
        changes: Some(ConfigChanges {
            backends_added: diff.added,
            backends_removed: diff.removed,
            backends_changed: diff.changed.into_iter().map(|changed| changed.name).collect(),
            needs_restart: diff.needs_restart.into_iter().map(str::to_owned).collect(),
        }),
    }
}

fn found(objection: Objection) -> ConfigFinding {
    ConfigFinding {
        message: cut(objection.message),
        line: objection.place.map(|(line, _)| line),
        column: objection.place.map(|(_, column)| column),
        key: objection.key.map(cut),
        help: objection.remedy.map(cut),
    }
}

fn cut(mut text: String) -> String {
    if let Some((end, _)) = text.char_indices().nth(MAX_TEXT) {
        text.truncate(end);
        text.push('…');
    }
    text
}
