//! `GET /manage/v1/config`.

use argus_api::{ConfigSource, ConfigValue, ConfigView, ErrorBody};
use argus_config::{Origin, Setting};
use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use serde::Deserialize;
use utoipa::IntoParams;

use super::error::Error;
use super::time::written;
use crate::app::App;

/// Which keys.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Filter {
    /// Only this key, or those of this section, such as `server` or `backends.files`.
    key: Option<String>,
}

/// The configuration in effect: every key with its value and where that comes from. No secrets are in it.
#[utoipa::path(
    get,
    path = "/config",
    tag = "service",
    params(Filter),
    responses(
        (status = OK, body = ConfigView),
        (status = BAD_REQUEST, body = ErrorBody),
        (status = UNAUTHORIZED, body = ErrorBody),
        (status = FORBIDDEN, body = ErrorBody)
    )
)]
pub(super) async fn show(
    State(app): State<App>,
    filter: Result<Query<Filter>, QueryRejection>,
) -> Result<Json<ConfigView>, Error> {
    let Query(Filter { key: wanted }) = filter?;
    let in_effect = app.running.in_effect();
    let file = app.running.service.config_file.as_ref();
    let is_wanted = |key: &str| wanted.as_deref().is_none_or(|wanted| is_within(key, wanted));
    let needs_restart = in_effect.needs_restart.iter().filter(|key| is_wanted(key));
    Ok(Json(ConfigView {
        file: file.map(|path| path.display().to_string()),
        loaded_at: written(in_effect.since),
        needs_restart: needs_restart.map(|key| (*key).to_owned()).collect(),
        values: in_effect
            .settings
            .iter()
            .filter(|setting| is_wanted(&setting.key))
            .map(shown)
            .collect(),
    }))
}

/// Whether a key is another one or stands below it.
fn is_within(key: &str, section: &str) -> bool {
    let rest = key.strip_prefix(section);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.') || section.is_empty())
}

fn shown(setting: &Setting) -> ConfigValue {
    ConfigValue {
        key: setting.key.clone(),
        value: setting.value.clone(),
        source: match setting.origin {
            Origin::Default => ConfigSource::Default,
            Origin::File => ConfigSource::File,
            Origin::Environment => ConfigSource::Environment,
            Origin::CommandLine => ConfigSource::CommandLine,
        },
        line: setting.line,
        variables: setting.variables.clone(),
        written: setting.written.clone(),
    }
}
