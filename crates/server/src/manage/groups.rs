//! `GET /manage/v1/groups`.

use argus_api::{ErrorBody, Group, GroupList};
use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use indexmap::IndexMap;
use serde::Deserialize;
use utoipa::IntoParams;

use super::error::Error;
use crate::app::App;

/// Which groups.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Filter {
    /// Only this group; `groups` is empty when no backend is in it.
    group: Option<String>,
}

/// Groups of backends and their members.
#[utoipa::path(
    get,
    path = "/groups",
    tag = "backends",
    params(Filter),
    responses(
        (status = OK, body = GroupList),
        (status = BAD_REQUEST, body = ErrorBody),
        (status = UNAUTHORIZED, body = ErrorBody),
        (status = FORBIDDEN, body = ErrorBody)
    )
)]
pub(super) async fn list(
    State(app): State<App>,
    filter: Result<Query<Filter>, QueryRejection>,
) -> Result<Json<GroupList>, Error> {
    let Query(filter) = filter?;
    let mut groups: IndexMap<String, Group> = IndexMap::new();
    for backend in app.gateway.inventory().iter() {
        if filter.group.as_ref().is_some_and(|wanted| *wanted != backend.group) {
            continue;
        }
        let empty = || Group {
            servers: Vec::new(),
            count: 0,
        };
        let group = groups.entry(backend.group.clone()).or_insert_with(empty);
        group.servers.push(backend.name.clone());
        group.count += 1;
    }
    Ok(Json(GroupList {
        total_groups: groups.len(),
        total_servers: groups.values().map(|group| group.count).sum(),
        groups,
    }))
}
