//! What is told of a backend's connections.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

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
            Life::Degraded { cause } => News::warning(
                Stage::BackendDegraded,
                format!("Backend '{name}' does not answer as it should: {cause}"),
            )
            .with("cause", cause),
            Life::Recovered { after } => News::info(
                Stage::BackendRecovered,
                format!("Backend '{name}' answers as it should again{}", text_of(after)),
            )
            .with("degraded_ms", after.map(millis)),
            Life::BreakerOpened {
                cause,
                failures,
                retry_in,
            } => News::warning(
                Stage::BreakerOpen,
                format!("Backend '{name}' is not called after {failures} failures in a row; the last: {cause}"),
            )
            .with("cause", cause)
            .with("failures", failures)
            .with("retry_in_ms", millis(retry_in)),
            Life::BreakerClosed { after } => News::info(
                Stage::BreakerClosed,
                format!("Backend '{name}' is called again{}", text_of(after)),
            )
            .with("open_ms", after.map(millis)),
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
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.causes.clear();
        drop(told);
        let message = match (arrival.away, arrival.reconnects) {
            (None, 0) => format!("Backend '{name}' connected successfully"),
            (None, _) => format!("Backend '{name}' is connected anew"),
            (Some(away), _) => format!("Backend '{name}' is connected again after {:.1} s", away.as_secs_f64()),
        };
        News::info(Stage::BackendReady, message)
            .with("protocol_version", arrival.version)
            .with("tools", arrival.tools)
            .with("resources", arrival.resources)
            .with("prompts", arrival.prompts)
            .with("attempts", arrival.attempts)
            .with("reconnects", arrival.reconnects)
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

fn text_of(after: Option<Duration>) -> String {
    after.map_or_else(String::new, |after| format!(" after {:.1} s", after.as_secs_f64()))
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::Severity;

    fn failed(cause: &str) -> Life<'_> {
        Life::Failed {
            cause,
            attempts: 1,
            retry_in: Duration::from_millis(500),
        }
    }

    fn ready(away: Option<Duration>, reconnects: u64) -> Life<'static> {
        Life::Ready(Arrival {
            version: "2025-11-25",
            tools: 2,
            resources: 0,
            prompts: 1,
            attempts: 3,
            away,
            reconnects,
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
        backend.tell(ready(None, 0));
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
    fn how_it_fares_is_told_with_cause_and_times() {
        let events = Arc::new(Events::default());
        let backend = BackendNews::new(Arc::clone(&events), "one".into());
        let after = Some(Duration::from_millis(1500));
        backend.tell(Life::Degraded { cause: "slow" });
        backend.tell(Life::BreakerOpened {
            cause: "silent",
            failures: 3,
            retry_in: Duration::from_secs(5),
        });
        backend.tell(Life::BreakerClosed { after });
        backend.tell(Life::Recovered { after });
        let told = events.recent(4, |_| true);
        let said: Vec<_> = told.iter().map(|event| &*event.news.message).collect();
        assert_eq!(
            said,
            [
                "Backend 'one' does not answer as it should: slow",
                "Backend 'one' is not called after 3 failures in a row; the last: silent",
                "Backend 'one' is called again after 1.5 s",
                "Backend 'one' answers as it should again after 1.5 s",
            ]
        );
        assert_eq!(told[1].news.details["failures"], 3);
        assert_eq!(told[1].news.details["retry_in_ms"], 5000);
        assert_eq!(told[2].news.details["open_ms"], 1500);
        assert_eq!(told[3].news.details["degraded_ms"], 1500);
        assert_eq!(told[0].news.severity, Severity::Warning);
    }

    #[test]
    fn who_comes_back_is_told_of() {
        let events = Arc::new(Events::default());
        let backend = BackendNews::new(Arc::clone(&events), "one".into());
        let away = [
            None,
            Some(Duration::from_millis(1500)),
            Some(Duration::from_secs(2)),
            None,
        ];
        for (reconnects, away) in (0..).zip(away) {
            backend.tell(ready(away, reconnects));
        }
        let told = events.recent(4, |_| true);
        let details = |name: &str| {
            told.iter()
                .map(|event| event.news.details[name].clone())
                .collect::<Vec<_>>()
        };
        assert_eq!(details("reconnects"), [0, 1, 2, 3]);
        let never = serde_json::Value::Null;
        assert_eq!(details("away_ms"), [never.clone(), 1500.into(), 2000.into(), never]);
        assert_eq!(told[1].news.message, "Backend 'one' is connected again after 1.5 s");
        assert_eq!(told[3].news.message, "Backend 'one' is connected anew");
    }
}
