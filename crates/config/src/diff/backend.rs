//! What is different about a backend.

use indexmap::IndexMap;
use secrecy::{ExposeSecret, SecretString};

use crate::backend::{Auth, Backend, BackendEntry, Process, Remote, Sse, Timeouts, Transport, Usage};

/// How much of it is different.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Difference {
    Nothing,
    /// How it is shown and used.
    Settings,
    /// How it is reached.
    Way,
}

/// What is different between two of one name.
pub(super) fn of_entry(one: &BackendEntry, other: &BackendEntry) -> Difference {
    let BackendEntry {
        name: _,
        group,
        kind,
        labels,
        definition,
    } = one;
    match (definition, &other.definition) {
        (Ok(one), Ok(other)) => of_backend(one, other),
        (Err(one), Err(two)) if one == two && *kind == other.kind => {
            match *group == other.group && labels.iter().eq(&other.labels) {
                true => Difference::Nothing,
                false => Difference::Settings,
            }
        }
        _ => Difference::Way,
    }
}

fn of_backend(one: &Backend, other: &Backend) -> Difference {
    let Backend {
        name: _,
        group,
        protocol,
        transport,
        filters,
        tool_overrides,
        timeouts,
        usage,
        health,
        labels,
    } = one;
    let Timeouts {
        init,
        cap_fetch,
        startup,
        sse_startup,
        call,
    } = timeouts;
    let Usage {
        sharing,
        max_processes,
        max_concurrent_calls,
        max_waiting_calls,
    } = usage;
    let (limits, uses) = (&other.timeouts, &other.usage);
    let same_way = *protocol == other.protocol
        && same_transport(transport, &other.transport)
        && *sse_startup == limits.sse_startup
        && *sharing == uses.sharing
        // What was counted with other bounds means nothing.
        && *health == other.health;
    let same_settings = *group == other.group
        && labels.iter().eq(&other.labels)
        && *filters == other.filters
        // In order: which of two equal new names wins may depend on it.
        && tool_overrides.iter().eq(&other.tool_overrides)
        && (*init, *cap_fetch, *startup, *call) == (limits.init, limits.cap_fetch, limits.startup, limits.call)
        && (*max_processes, *max_concurrent_calls, *max_waiting_calls)
            == (uses.max_processes, uses.max_concurrent_calls, uses.max_waiting_calls);
    match (same_way, same_settings) {
        (true, true) => Difference::Nothing,
        (true, false) => Difference::Settings,
        (false, _) => Difference::Way,
    }
}

fn same_transport(one: &Transport, other: &Transport) -> bool {
    match (one, other) {
        (Transport::Stdio(one), Transport::Stdio(other)) => same_process(one, other),
        (Transport::StreamableHttp(one), Transport::StreamableHttp(other)) => same_remote(one, other),
        (Transport::Sse(one), Transport::Sse(other)) => {
            let Sse { remote, process } = one;
            let processes = match (process, &other.process) {
                (Some(one), Some(other)) => same_process(one, other),
                (one, other) => one.is_none() && other.is_none(),
            };
            processes && same_remote(remote, &other.remote)
        }
        (Transport::Stdio(_) | Transport::StreamableHttp(_) | Transport::Sse(_), _) => false,
    }
}

fn same_process(one: &Process, other: &Process) -> bool {
    let Process {
        command,
        args,
        from_variables,
        env,
        cwd,
    } = one;
    // What came of variables is a secret of the process, and written nowhere.
    (*from_variables == other.from_variables && *command == other.command && *args == other.args)
        && (same_secrets(env, &other.env) && *cwd == other.cwd)
}

fn same_remote(one: &Remote, other: &Remote) -> bool {
    let Remote { url, headers, auth } = one;
    let auths = match (auth, &other.auth) {
        (Some(Auth::Static { headers: one }), Some(Auth::Static { headers: other })) => same_secrets(one, other),
        (one, other) => one.is_none() && other.is_none(),
    };
    auths && *url == other.url && same_secrets(headers, &other.headers)
}

fn same_secrets(one: &IndexMap<String, SecretString>, other: &IndexMap<String, SecretString>) -> bool {
    fn shown(secrets: &IndexMap<String, SecretString>) -> impl Iterator<Item = (&str, &str)> {
        secrets
            .iter()
            .map(|(name, secret)| (name.as_str(), secret.expose_secret()))
    }
    shown(one).eq(shown(other))
}
