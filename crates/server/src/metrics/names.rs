//! All series, with their labels: the only place where their names are written. `docs/metrics.md` lists the same.

use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Unit;

/// What a series is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Counter,
    Gauge,
    Histogram,
    Info,
}

/// A series, or a family of them that differ in their labels.
#[derive(Debug)]
pub(super) struct Series {
    /// As it is queried; a histogram without the suffixes.
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) help: &'static str,
    pub(super) labels: &'static [&'static str],
}

impl Series {
    const fn new(kind: Kind, name: &'static str, labels: &'static [&'static str], help: &'static str) -> Self {
        Self {
            name,
            kind,
            help,
            labels,
        }
    }

    /// The name of the family in OpenMetrics: without the suffix of its kind.
    pub(super) fn family(&self) -> &'static str {
        let suffix = match self.kind {
            Kind::Counter => "_total",
            Kind::Info => "_info",
            Kind::Gauge | Kind::Histogram => return self.name,
        };
        self.name.strip_suffix(suffix).unwrap_or(self.name)
    }

    /// The unit at the end of that name, if it has one, and what is before it.
    pub(super) fn in_unit(&self) -> (&'static str, Option<Unit>) {
        let family = self.family();
        let seconds = family.strip_suffix("_seconds").map(|name| (name, Some(Unit::Seconds)));
        let bytes = || family.strip_suffix("_bytes").map(|name| (name, Some(Unit::Bytes)));
        seconds.or_else(bytes).unwrap_or((family, None))
    }

    pub(super) fn metric_type(&self) -> MetricType {
        match self.kind {
            Kind::Counter => MetricType::Counter,
            Kind::Gauge => MetricType::Gauge,
            Kind::Histogram => MetricType::Histogram,
            Kind::Info => MetricType::Info,
        }
    }

    /// What the plain format of Prometheus calls its kind.
    pub(super) fn plain_type(&self) -> &'static str {
        match self.kind {
            Kind::Counter => "counter",
            Kind::Gauge | Kind::Info => "gauge",
            Kind::Histogram => "histogram",
        }
    }
}

macro_rules! series {
    ($($constant:ident: $kind:ident $name:literal $labels:tt $help:literal;)*) => {
        $(pub(super) const $constant: Series = Series::new(Kind::$kind, $name, &$labels, $help);)*

        /// All of them, in the order in which they are given.
        #[cfg(test)]
        pub(super) const ALL: &[&Series] = &[$(&$constant),*];

        /// The one of a family.
        pub(super) fn of_family(family: &str) -> Option<&'static Series> {
            const ALL: &[&Series] = &[$(&$constant),*];
            ALL.iter().copied().find(|series| series.family() == family)
        }
    };
}

series! {
    CALLS: Counter "argus_calls_total" ["backend", "method", "outcome"]
        "Calls to a backend that ended, by how they ended";
    CALL_DURATION: Histogram "argus_call_duration_seconds" ["backend", "method", "outcome"]
        "How long calls to a backend took, from asking for a turn to the end, whatever the end was";
    CALLS_IN_FLIGHT: Gauge "argus_calls_in_flight" ["backend"]
        "Calls that are with a backend";
    CALLS_WAITING: Gauge "argus_calls_waiting" ["backend"]
        "Calls that wait for their turn at a backend";
    CALL_WAIT: Histogram "argus_call_wait_seconds" ["backend", "reason"]
        "How long calls waited for their turn or for a connection, of those that had to";
    BACKEND_UP: Gauge "argus_backend_up" ["backend"]
        "Whether a backend is connected";
    BACKEND_PHASE: Gauge "argus_backend_phase" ["backend", "phase"]
        "The phase of a backend: 1 for the one that it is in";
    BACKEND_RECONNECTS: Counter "argus_backend_reconnects_total" ["backend"]
        "How often a backend became ready again";
    BACKEND_FAILED_ATTEMPTS: Counter "argus_backend_failed_connection_attempts_total" ["backend"]
        "Attempts to connect to a backend that failed";
    BACKEND_STARTS: Counter "argus_backend_process_starts_total" ["backend"]
        "Processes that were started for a backend, the first ones and those of sessions included";
    BACKEND_SENT: Counter "argus_backend_sent_bytes_total" ["backend"]
        "Bytes of messages that were sent to a backend";
    BACKEND_RECEIVED: Counter "argus_backend_received_bytes_total" ["backend"]
        "Bytes of messages that came from a backend";
    BREAKER_STATE: Gauge "argus_backend_breaker_state" ["backend", "state"]
        "The state of the breaker of a backend: 1 for the one that it is in";
    BREAKER_OPENINGS: Counter "argus_backend_breaker_openings_total" ["backend"]
        "How often the breaker of a backend opened";
    CATALOGUE: Gauge "argus_catalogue_capabilities" ["backend", "kind"]
        "Capabilities of a backend that clients see";
    SESSIONS: Gauge "argus_sessions" ["era", "transport"]
        "Open sessions; for the era without sessions, its callers of the last five minutes";
    HTTP_REQUESTS: Counter "argus_http_requests_total" ["face", "status"]
        "HTTP requests by face and class of the status; none where the client went away before the answer";
    HTTP_RECEIVED: Counter "argus_http_received_bytes_total" []
        "Bytes that clients sent to the port";
    HTTP_SENT: Counter "argus_http_sent_bytes_total" []
        "Bytes that were sent to clients on the port";
    EVENTS: Counter "argus_events_total" []
        "Events that were published";
    EVENTS_MISSED: Counter "argus_events_missed_total" []
        "Events that were gone before one who follows them had read them";
    CONFIG_RELOADS: Counter "argus_config_reloads_total" ["outcome"]
        "Attempts to reload the configuration";
    CONFIG_LOADED: Gauge "argus_config_last_load_success_timestamp_seconds" []
        "When the configuration that holds was read";
    LOG_LINES_LOST: Counter "argus_log_lines_lost_total" ["log"]
        "Lines that a log of the gateway does not have";
    BUILD: Info "argus_build_info" ["version"]
        "The version that runs";
    PROCESS_CPU: Counter "process_cpu_seconds_total" []
        "CPU time of the gateway, without that of its backends";
    PROCESS_RESIDENT: Gauge "process_resident_memory_bytes" []
        "Resident memory of the gateway";
    PROCESS_VIRTUAL: Gauge "process_virtual_memory_bytes" []
        "Virtual memory of the gateway";
    PROCESS_OPEN_FDS: Gauge "process_open_fds" []
        "Open file descriptors of the gateway";
    PROCESS_MAX_FDS: Gauge "process_max_fds" []
        "File descriptors that the gateway may have open";
    PROCESS_THREADS: Gauge "process_threads" []
        "Threads of the gateway";
    PROCESS_START: Gauge "process_start_time_seconds" []
        "When the gateway was started";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_in_the_documentation_lists_the_same() {
        let page = include_str!("../../../../docs/metrics.md");
        let rows = page.lines().filter(|line| line.starts_with("| `"));
        let listed: Vec<[String; 3]> = rows
            .map(|row| {
                let mut cells = row.split('|').map(|cell| cell.trim().replace('`', "")).skip(1);
                std::array::from_fn(|_| cells.next().unwrap())
            })
            .collect();
        let known: Vec<[String; 3]> = ALL
            .iter()
            .map(|series| {
                let kind = format!("{:?}", series.kind).to_lowercase();
                [series.name.to_owned(), kind, series.labels.join(", ")]
            })
            .collect();
        assert_eq!(listed, known);
    }

    #[test]
    fn names_keep_the_conventions() {
        for series in ALL {
            let name = series.name;
            assert!(name.starts_with("argus_") || name.starts_with("process_"), "{name}");
            assert_eq!(name.ends_with("_total"), series.kind == Kind::Counter, "{name}");
            assert_eq!(name.ends_with("_info"), series.kind == Kind::Info, "{name}");
            assert!(!series.labels.contains(&"le") && !series.help.ends_with('.'), "{name}");
            assert_eq!(of_family(series.family()).unwrap().name, name, "two of one family");
        }
    }
}
