//! What is different between the configuration that runs and another one.
//!
//! Every struct is taken apart here without `..`, so that a new key does not compile until somebody has said what a
//! change of it means.

mod backend;

use secrecy::{ExposeSecret, SecretString};

use self::backend::{Difference, of_entry};
use crate::backend::BackendEntry;
use crate::cache::Cache;
use crate::catalogue::Catalogue;
use crate::flags::FeatureFlags;
use crate::management::Management;
use crate::root::Config;
use crate::server::Server;

/// What is different. No values are in it, and so no secrets.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Diff {
    /// Names of backends that are new, in the order of the new configuration.
    pub added: Vec<String>,
    /// Names of backends that are gone, in the order of the old one.
    pub removed: Vec<String>,
    /// Backends of which any key is another one, in the order of the new configuration.
    pub changed: Vec<Changed>,
    /// Other keys that are different and can take effect while the gateway runs.
    pub applied: Vec<&'static str>,
    /// Other keys that are different and take effect at the next start only.
    pub needs_restart: Vec<&'static str>,
}

/// A backend of which some key is another one.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Changed {
    /// Its name.
    pub name: String,
    /// Whether it is reached in another way, so that its connections have to be made anew.
    pub reconnect: bool,
}

/// What `wanted` changes of what is `running`. Keys that need a restart have in `wanted` the values that run afterwards,
/// so that it says what is in effect.
pub fn diff(running: &Config, wanted: &mut Config) -> Diff {
    let Config {
        version,
        server,
        backends,
        catalogue,
        cache,
        conflict_resolution,
        feature_flags,
    } = wanted;
    let mut diff = Diff::default();
    diff.backends(&running.backends, backends);
    diff.fixed("version", &running.version, version);
    diff.server(&running.server, server);
    let Catalogue { grace, list_ttl } = catalogue;
    diff.live("catalogue.grace", &running.catalogue.grace, grace);
    diff.live("catalogue.list_ttl", &running.catalogue.list_ttl, list_ttl);
    let Cache {
        enabled,
        max_entries,
        max_bytes,
    } = cache;
    diff.fixed("cache.enabled", &running.cache.enabled, enabled);
    diff.fixed("cache.max_entries", &running.cache.max_entries, max_entries);
    diff.fixed("cache.max_bytes", &running.cache.max_bytes, max_bytes);
    diff.live("conflict_resolution", &running.conflict_resolution, conflict_resolution);
    diff.flags(&running.feature_flags, feature_flags);
    diff
}

impl Diff {
    /// Whether the two are the same.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// A key that takes effect at once.
    fn live<T: PartialEq>(&mut self, key: &'static str, running: &T, wanted: &T) {
        if running != wanted {
            self.applied.push(key);
        }
    }

    /// A key that takes effect at the next start.
    fn fixed<T: PartialEq + Clone>(&mut self, key: &'static str, running: &T, wanted: &mut T) {
        if running != wanted {
            self.needs_restart.push(key);
            wanted.clone_from(running);
        }
    }

    fn fixed_secrets(&mut self, key: &'static str, running: &[SecretString], wanted: &mut Vec<SecretString>) {
        if !running
            .iter()
            .map(ExposeSecret::expose_secret)
            .eq(wanted.iter().map(ExposeSecret::expose_secret))
        {
            self.needs_restart.push(key);
            *wanted = running.to_vec();
        }
    }

    fn backends(&mut self, running: &[BackendEntry], wanted: &[BackendEntry]) {
        let named = |entries: &'_ [BackendEntry], name: &str| entries.iter().position(|entry| entry.name == name);
        let gone = running.iter().filter(|entry| named(wanted, &entry.name).is_none());
        self.removed = gone.map(|entry| entry.name.clone()).collect();
        for entry in wanted {
            let name = entry.name.clone();
            match named(running, &entry.name).map(|at| of_entry(&running[at], entry)) {
                None => self.added.push(name),
                Some(Difference::Nothing) => {}
                Some(Difference::Settings) => self.changed.push(Changed { name, reconnect: false }),
                Some(Difference::Way) => self.changed.push(Changed { name, reconnect: true }),
            }
        }
        // Their order decides who gets a name.
        let before = running.iter().filter(|entry| named(wanted, &entry.name).is_some());
        let after = wanted.iter().filter(|entry| named(running, &entry.name).is_some());
        if !before.map(|entry| &entry.name).eq(after.map(|entry| &entry.name)) {
            self.applied.push("backends");
        }
    }

    fn server(&mut self, running: &Server, wanted: &mut Server) {
        let Server {
            host,
            port,
            transport,
            management,
            allowed_hosts,
            allowed_origins,
            max_body_bytes,
            max_sessions,
            max_sessions_per_caller,
            session_idle_timeout,
            parked_call_timeout,
            seal_keys,
            page_size,
            startup_wait,
            shutdown_timeout,
            drain_timeout,
        } = wanted;
        self.fixed("server.host", &running.host, host);
        self.fixed("server.port", &running.port, port);
        self.fixed("server.transport", &running.transport, transport);
        self.management(&running.management, management);
        self.fixed("server.allowed_hosts", &running.allowed_hosts, allowed_hosts);
        self.fixed("server.allowed_origins", &running.allowed_origins, allowed_origins);
        self.fixed("server.max_body_bytes", &running.max_body_bytes, max_body_bytes);
        self.fixed("server.max_sessions", &running.max_sessions, max_sessions);
        self.fixed(
            "server.max_sessions_per_caller",
            &running.max_sessions_per_caller,
            max_sessions_per_caller,
        );
        self.fixed(
            "server.session_idle_timeout",
            &running.session_idle_timeout,
            session_idle_timeout,
        );
        self.fixed(
            "server.parked_call_timeout",
            &running.parked_call_timeout,
            parked_call_timeout,
        );
        self.fixed_secrets("server.seal_keys", &running.seal_keys, seal_keys);
        self.live("server.page_size", &running.page_size, page_size);
        self.fixed("server.startup_wait", &running.startup_wait, startup_wait);
        self.live("server.shutdown_timeout", &running.shutdown_timeout, shutdown_timeout);
        self.live("server.drain_timeout", &running.drain_timeout, drain_timeout);
    }

    fn management(&mut self, running: &Management, wanted: &mut Management) {
        let Management {
            enabled,
            token,
            reconnect_timeout,
            max_event_streams,
        } = wanted;
        self.fixed("server.management.enabled", &running.enabled, enabled);
        let shown = |token: &Option<SecretString>| token.as_ref().map(|token| token.expose_secret().to_owned());
        if shown(&running.token) != shown(token) {
            self.needs_restart.push("server.management.token");
            token.clone_from(&running.token);
        }
        self.live(
            "server.management.reconnect_timeout",
            &running.reconnect_timeout,
            reconnect_timeout,
        );
        self.fixed(
            "server.management.max_event_streams",
            &running.max_event_streams,
            max_event_streams,
        );
    }

    fn flags(&mut self, running: &FeatureFlags, wanted: &mut FeatureFlags) {
        let FeatureFlags {
            optimizer,
            hot_reload,
            outgoing_auth,
            session_management,
            yaml_config,
            container_isolation,
            build_on_startup,
            use_dhi_images,
        } = wanted;
        self.fixed("feature_flags.optimizer", &running.optimizer, optimizer);
        self.live("feature_flags.hot_reload", &running.hot_reload, hot_reload);
        self.fixed("feature_flags.outgoing_auth", &running.outgoing_auth, outgoing_auth);
        self.fixed(
            "feature_flags.session_management",
            &running.session_management,
            session_management,
        );
        self.fixed("feature_flags.yaml_config", &running.yaml_config, yaml_config);
        self.fixed(
            "feature_flags.container_isolation",
            &running.container_isolation,
            container_isolation,
        );
        self.fixed(
            "feature_flags.build_on_startup",
            &running.build_on_startup,
            build_on_startup,
        );
        self.fixed("feature_flags.use_dhi_images", &running.use_dhi_images, use_dhi_images);
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::load::{Mode, check};

    fn config(yaml: &str) -> Config {
        check("", yaml, Path::new("/"), &|_| None, Mode::Serve).unwrap().config
    }

    #[test]
    fn a_value_that_comes_from_a_variable_now_is_another_one() {
        let of = |arg: &str| {
            let yaml = format!("backends: {{a: {{type: stdio, command: x, args: ['{arg}']}}}}");
            let lookup = |name: &str| (name == "KEY").then(|| "k3y-value".to_owned());
            check("", &yaml, Path::new("/"), &lookup, Mode::Serve).unwrap().config
        };
        let diff = diff(&of("k3y-value"), &mut of("${KEY}"));
        assert_eq!(diff.changed.len(), 1, "what is a secret is another question now");
    }

    fn between(one: &str, other: &str) -> Diff {
        diff(&config(one), &mut config(other))
    }

    fn names(diff: &Diff) -> (Vec<&str>, Vec<&str>, Vec<(&str, bool)>) {
        (
            diff.added.iter().map(String::as_str).collect(),
            diff.removed.iter().map(String::as_str).collect(),
            diff.changed
                .iter()
                .map(|one| (one.name.as_str(), one.reconnect))
                .collect(),
        )
    }

    #[test]
    fn backends_come_go_and_change() {
        let one =
            "backends: {a: {type: stdio, command: x}, b: {type: stdio, command: x}, c: {type: stdio, command: x}}";
        let other =
            "backends: {d: {type: stdio, command: x}, c: {type: stdio, command: y}, b: {type: stdio, command: x}}";
        let found = between(one, other);
        assert_eq!(names(&found), (vec!["d"], vec!["a"], vec![("c", true)]));
        assert!(between(one, one).is_empty() && !found.is_empty());
    }

    #[test]
    fn another_order_takes_effect() {
        let backends = |names: &[&str]| {
            let one = |name: &&str| format!("{name}: {{type: stdio, command: x}}");
            let all: Vec<_> = names.iter().map(one).collect();
            format!("backends: {{{}}}", all.join(", "))
        };
        let applied = |one: &[&str], other: &[&str]| between(&backends(one), &backends(other)).applied;
        assert_eq!(applied(&["a", "b", "c"], &["a", "c", "b"]), ["backends"]);
        assert_eq!(applied(&["a", "b"], &["b", "x", "a"]), ["backends"]);
        // Who comes or goes is named as that.
        assert!(applied(&["a", "b"], &["x", "a", "y", "b"]).is_empty());
        assert!(applied(&["a", "b", "c"], &["a", "c"]).is_empty());
    }

    #[test]
    fn how_a_backend_is_reached_needs_a_reconnect_and_all_else_does_not() {
        const HTTP: &str = "type: streamable-http, url: 'https://a.example/mcp'";
        const SSE: &str = "type: sse, url: 'https://a.example/sse'";
        for (base, key, reconnect) in [
            ("type: stdio, command: x", "args: [s3cret]", true),
            ("type: stdio, command: x", "env: {KEY: s3cret}", true),
            ("type: stdio, command: x, env: {KEY: other}", "args: []", false),
            ("type: stdio, command: x", "cwd: /tmp", true),
            ("type: stdio, command: x", "protocol: legacy", true),
            ("type: stdio, command: x", "sharing: session", true),
            (HTTP, "headers: {X-Key: s3cret}", true),
            (HTTP, "auth: {type: static, headers: {Authorization: s3cret}}", true),
            (SSE, "timeouts: {sse_startup: 7}", true),
            (SSE, "command: x", true),
            (SSE, "headers: {X-Key: s3cret}", true),
            (HTTP, "group: red", false),
            (HTTP, "filters: {tools: {deny: [x]}}", false),
            (HTTP, "filters: {resources: {allow: ['x:*']}}", false),
            (HTTP, "tool_overrides: {a: {name: b}}", false),
            (HTTP, "timeouts: {init: 7}", false),
            (HTTP, "timeouts: {cap_fetch: 7}", false),
            (HTTP, "timeouts: {startup: 7}", false),
            (HTTP, "timeouts: {call: 7}", false),
            (HTTP, "labels: {owner: me}", false),
            (HTTP, "health: {interval: 7}", true),
            (HTTP, "health: {enabled: false}", true),
            (HTTP, "max_processes: 7", false),
            (HTTP, "max_concurrent_calls: 7", false),
            (HTTP, "max_waiting_calls: 7", false),
        ] {
            let found = between(
                &format!("backends: {{b: {{{base}}}}}"),
                &format!("backends: {{b: {{{base}, {key}}}}}"),
            );
            let expected = if key == "args: []" {
                vec![]
            } else {
                vec![("b", reconnect)]
            };
            assert_eq!(names(&found).2, expected, "{key}");
            assert!(!format!("{found:?}").contains("s3cret"), "{key}");
        }
        let found = between(
            &format!("backends: {{b: {{{HTTP}}}}}"),
            &format!("backends: {{b: {{{SSE}}}}}"),
        );
        assert_eq!(names(&found).2, [("b", true)]);
    }

    #[test]
    fn a_changed_secret_is_a_change() {
        let with = |key: &str| {
            format!("backends: {{b: {{type: streamable-http, url: 'https://a.example/', headers: {{X-Key: {key}}}}}}}")
        };
        assert_eq!(names(&between(&with("one"), &with("two"))).2, [("b", true)]);
        assert!(between(&with("one"), &with("one")).is_empty());
    }

    #[test]
    fn a_backend_that_lacks_a_variable_is_made_anew_when_it_has_it() {
        let (without, with) = (
            "backends: {b: {type: stdio, command: '${X}'}}",
            "backends: {b: {type: stdio, command: x}}",
        );
        assert_eq!(names(&between(without, with)).2, [("b", true)]);
        assert_eq!(names(&between(with, without)).2, [("b", true)]);
        assert!(between(without, without).is_empty());
        let red = "backends: {b: {type: stdio, command: '${X}', group: red}}";
        assert_eq!(names(&between(without, red)).2, [("b", false)]);
        let labelled = "backends: {b: {type: stdio, command: '${X}', labels: {owner: me}}}";
        assert_eq!(names(&between(without, labelled)).2, [("b", false)]);
    }

    #[test]
    fn other_keys_apply_or_need_a_restart_and_then_keep_what_runs() {
        let running = config("server: {port: 1, page_size: 3, management: {token: 0123456789abcdef0123}}");
        let mut wanted = config(
            "server: {port: 2, page_size: 4, seal_keys: ['0123456789abcdef0123456789abcdef'], \
             management: {max_event_streams: 7}}\n\
             catalogue: {grace: keep}\nconflict_resolution: {strategy: prefix}\nfeature_flags: {hot_reload: false, outgoing_auth: false}",
        );
        let found = diff(&running, &mut wanted);
        assert_eq!(
            found.applied,
            [
                "server.page_size",
                "catalogue.grace",
                "conflict_resolution",
                "feature_flags.hot_reload"
            ]
        );
        assert_eq!(
            found.needs_restart,
            [
                "server.port",
                "server.management.token",
                "server.management.max_event_streams",
                "server.seal_keys",
                "feature_flags.outgoing_auth"
            ]
        );
        assert_eq!((wanted.server.port, wanted.server.page_size), (1, Some(4)));
        assert!(wanted.server.management.token.is_some() && wanted.server.seal_keys.is_empty());
        assert!(wanted.feature_flags.outgoing_auth && !wanted.feature_flags.hot_reload);
    }
}
