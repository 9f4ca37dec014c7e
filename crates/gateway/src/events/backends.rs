//! What is told of a backend's connections.

use std::sync::{Arc, Mutex, PoisonError};

use argus_upstream::{Arrival, Life};

use super::{Events, News, Stage};

/// So many causes of failed attempts in a row are told, each once: a backend that stays away must not drive out the
/// events of all others.
const MOST_CAUSES: usize = 8;

/// Tells of one backend.
#[derive(Debug)]
pub(crate) struct BackendNews {
    events: Arc<Events>,
    backend: Arc<str>,
    told: Mutex<Told>,
}

#[derive(Debug, Default)]
struct Told {
    /// The causes of attempts that failed since the backend was ready.
    causes: Vec<String>,
    /// How often it became ready again.
    reconnects: u64,
}

impl BackendNews {
    pub(crate) fn new(events: Arc<Events>, backend: Arc<str>) -> Self {
        Self {
            events,
            backend,
            told: Mutex::default(),
        }
    }

    /// Something became of it.
    pub(crate) fn tell(&self, life: Life<'_>) {
        let name = &self.backend;
        let news = match life {
            Life::Connecting => News::info(Stage::BackendInit, format!("Backend '{name}' is being connected to")),
            Life::Ready(arrival) => self.ready(arrival),
            Life::Lost { cause } => News::warning(
                Stage::BackendDisconnected,
                format!("The connection to backend '{name}' ended: {cause}"),
            )
            .with("cause", cause),
            Life::Failed {
                cause,
                attempts,
                retry_in,
            } => {
                if !self.is_new(cause) {
                    return;
                }
                News::error(
                    Stage::BackendFailed,
                    format!("Backend '{name}' cannot be connected to: {cause}"),
                )
                .with("cause", cause)
                .with("attempts", attempts)
                .with("retry_in_ms", millis(retry_in))
            }
            Life::SharedLost { cause } => News::warning(
                Stage::BackendLink,
                format!("The connection to backend '{name}' that calls share ended: {cause}"),
            )
            .with("connected", false)
            .with("cause", cause),
            Life::SharedBack => News::info(
                Stage::BackendLink,
                format!("The connection to backend '{name}' that calls share stands again"),
            )
            .with("connected", true),
        };
        self.events.publish(news.of(name));
    }

    fn ready(&self, arrival: Arrival<'_>) -> News {
        let name = &self.backend;
        let reconnects = {
            let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
            told.causes.clear();
            told.reconnects += u64::from(arrival.away.is_some());
            told.reconnects
        };
        let message = match arrival.away {
            None => format!("Backend '{name}' connected successfully"),
            Some(away) => format!("Backend '{name}' is connected again after {:.1} s", away.as_secs_f64()),
        };
        News::info(Stage::BackendReady, message)
            .with("protocol_version", arrival.version)
            .with("tools", arrival.tools)
            .with("resources", arrival.resources)
            .with("prompts", arrival.prompts)
            .with("attempts", arrival.attempts)
            .with("reconnects", reconnects)
            .with("away_ms", arrival.away.map(millis))
    }

    /// Whether the cause of a failure was not told since the backend was ready.
    fn is_new(&self, cause: &str) -> bool {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let new = told.causes.len() < MOST_CAUSES && !told.causes.iter().any(|known| known == cause);
        if new {
            told.causes.push(cause.to_owned());
        }
        new
    }
}

fn millis(time: std::time::Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::events::Severity;

    fn failed(cause: &str) -> Life<'_> {
        Life::Failed {
            cause,
            attempts: 1,
            retry_in: Duration::from_millis(500),
        }
    }

    fn ready(away: Option<Duration>) -> Life<'static> {
        Life::Ready(Arrival {
            version: "2025-11-25",
            tools: 2,
            resources: 0,
            prompts: 1,
            attempts: 3,
            away,
        })
    }

    #[test]
    fn one_that_stays_away_is_told_of_once_for_each_cause() {
        let events = Arc::new(Events::default());
        let backend = BackendNews::new(Arc::clone(&events), "one".into());
        for cause in ["refused", "refused", "no such file", "refused"] {
            backend.tell(failed(cause));
        }
        for number in 0..100 {
            backend.tell(failed(&format!("port {number} is closed")));
        }
        backend.tell(ready(None));
        backend.tell(failed("refused"));
        let told = events.recent(1000, |_| true);
        let of = |stage| told.iter().filter(|event| event.news.stage == stage).count();
        assert_eq!(
            (of(Stage::BackendFailed), of(Stage::BackendReady)),
            (MOST_CAUSES + 1, 1)
        );
        assert_eq!(told[0].news.severity, Severity::Error);
        assert_eq!(told[0].news.backend.as_deref(), Some("one"));
        assert_eq!(told[0].news.details["cause"], "refused");
    }

    #[test]
    fn who_comes_back_is_counted() {
        let events = Arc::new(Events::default());
        let backend = BackendNews::new(Arc::clone(&events), "one".into());
        for away in [None, Some(Duration::from_millis(1500)), Some(Duration::from_secs(2))] {
            backend.tell(ready(away));
        }
        let told = events.recent(3, |_| true);
        let details = |name: &str| {
            told.iter()
                .map(|event| event.news.details[name].clone())
                .collect::<Vec<_>>()
        };
        assert_eq!(details("reconnects"), [0, 1, 2]);
        assert_eq!(details("away_ms"), [serde_json::Value::Null, 1500.into(), 2000.into()]);
        assert_eq!(told[1].news.message, "Backend 'one' is connected again after 1.5 s");
    }
}
