//! What is told of backends: of those that are configured now.

use std::fmt::Result;
use std::sync::Arc;

use argus_gateway::{BreakerState, CapabilityKind, Gateway, Phase};
use argus_upstream::{CallEnd, CallMethod, Durations, Record, Upstream, WaitFor};

use super::names::{self, Series};
use super::page::Page;

const PHASES: [(Phase, &str); 6] = [
    (Phase::Pending, "pending"),
    (Phase::Initializing, "initializing"),
    (Phase::Ready, "ready"),
    (Phase::Degraded, "degraded"),
    (Phase::Failed, "failed"),
    (Phase::ShuttingDown, "shutting_down"),
];

/// Looks up one of the counts of a backend.
type Count = fn(&Record) -> u64;

/// A backend at the moment of a scrape.
struct Backend {
    name: String,
    phase: Phase,
    past: Past,
    /// The calls that are with it, and those that wait for their turn.
    calls: (usize, usize),
    /// What its breaker does; `None` where it is switched off, or its definition cannot be used.
    breaker: Option<&'static str>,
}

/// What it did.
struct Past {
    record: Arc<Record>,
    calls: Vec<(CallMethod, CallEnd, Durations)>,
}

pub(super) fn write(page: &mut Page<'_>, gateway: &Gateway) -> Result {
    let inventory = gateway.inventory();
    let backends: Vec<Backend> = inventory
        .iter()
        .map(|backend| Backend {
            name: backend.name.clone(),
            phase: backend.state().phase,
            past: Past::of(backend.record()),
            calls: gateway.calls_now(&backend.name),
            breaker: backend.upstream().map(|upstream| breaker(upstream)),
        })
        .collect();
    calls(page, &backends)?;
    states(page, &backends)?;
    catalogue(page, gateway)
}

impl Past {
    fn of(record: &Arc<Record>) -> Self {
        Self {
            calls: record.tally().calls().collect(),
            record: Arc::clone(record),
        }
    }
}

fn breaker(upstream: &Upstream) -> &'static str {
    match upstream.vitals().breaker {
        BreakerState::Closed => "closed",
        BreakerState::Open { .. } => "open",
        BreakerState::HalfOpen => "half_open",
    }
}

fn calls(page: &mut Page<'_>, backends: &[Backend]) -> Result {
    page.family(&names::CALLS, |samples| {
        for Backend { name, past, .. } in backends {
            for (method, end, all) in &past.calls {
                samples.counter([name, method.as_str(), end.as_str()], all.count)?;
            }
        }
        Ok(())
    })?;
    page.family(&names::CALL_DURATION, |samples| {
        for Backend { name, past, .. } in backends {
            for (method, end, all) in &past.calls {
                samples.histogram([name, method.as_str(), end.as_str()], all)?;
            }
        }
        Ok(())
    })?;
    page.family(&names::CALLS_IN_FLIGHT, |samples| {
        backends
            .iter()
            .try_for_each(|Backend { name, calls, .. }| samples.gauge([name], calls.0))
    })?;
    page.family(&names::CALLS_WAITING, |samples| {
        backends
            .iter()
            .try_for_each(|Backend { name, calls, .. }| samples.gauge([name], calls.1))
    })?;
    page.family(&names::CALL_WAIT, |samples| {
        for Backend { name, past, .. } in backends {
            for reason in WaitFor::ALL {
                samples.histogram([name, reason.as_str()], &past.record.tally().waits(reason))?;
            }
        }
        Ok(())
    })
}

fn states(page: &mut Page<'_>, backends: &[Backend]) -> Result {
    page.family(&names::BACKEND_UP, |samples| {
        let up = |backend: &Backend| u32::from(backend.phase.is_connected());
        backends
            .iter()
            .try_for_each(|backend| samples.gauge([&backend.name], up(backend)))
    })?;
    page.family(&names::BACKEND_PHASE, |samples| {
        for backend in backends {
            for (phase, word) in PHASES {
                samples.gauge([&backend.name, word], u32::from(backend.phase == phase))?;
            }
        }
        Ok(())
    })?;
    let counts: [(&Series, Count); 5] = [
        (&names::BACKEND_RECONNECTS, |record| record.returns().count),
        (&names::BACKEND_FAILED_ATTEMPTS, |record| {
            record.tally().failed_attempts()
        }),
        (&names::BACKEND_STARTS, |record| record.tally().starts()),
        (&names::BACKEND_SENT, |record| record.tally().sent()),
        (&names::BACKEND_RECEIVED, |record| record.tally().received()),
    ];
    for (series, count) in counts {
        page.family(series, |samples| {
            backends
                .iter()
                .try_for_each(|Backend { name, past, .. }| samples.counter([name], count(&past.record)))
        })?;
    }
    page.family(&names::BREAKER_STATE, |samples| {
        for (name, now) in backends.iter().filter_map(|one| Some((&one.name, one.breaker?))) {
            for state in ["closed", "open", "half_open"] {
                samples.gauge([name, state], u32::from(now == state))?;
            }
        }
        Ok(())
    })?;
    page.family(&names::BREAKER_OPENINGS, |samples| {
        let openings = |past: &Past| past.record.tally().openings();
        backends
            .iter()
            .try_for_each(|Backend { name, past, .. }| samples.counter([name], openings(past)))
    })
}

fn catalogue(page: &mut Page<'_>, gateway: &Gateway) -> Result {
    let word = |kind| match kind {
        CapabilityKind::Tool => "tools",
        CapabilityKind::Resource => "resources",
        CapabilityKind::Template => "resource_templates",
        CapabilityKind::Prompt => "prompts",
    };
    page.family(&names::CATALOGUE, |samples| {
        for of_one in gateway.catalogue_sizes() {
            for (kind, size) in of_one.kinds {
                samples.gauge([&of_one.backend, word(kind)], size)?;
            }
        }
        Ok(())
    })
}
