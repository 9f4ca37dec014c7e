//! Tools that speak while they work: progress and log messages.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::sleep;

use super::tool;
use crate::arguments::Arguments;
use crate::ask::Stop;
use crate::call::Call;
use crate::example::text_result;
use argus_protocol::Level;
use argus_protocol::level;

pub(super) fn describe() -> Vec<Value> {
    let pace = json!({
        "steps": { "type": "integer", "minimum": 1, "maximum": 1000, "default": 5 },
        "delay_ms": { "type": "integer", "minimum": 0, "maximum": 60_000, "default": 200, "description": "Time per step" },
    });
    let entry = json!({
        "level": { "type": "string", "enum": level::NAMES, "default": "info" },
        "message": { "type": "string" },
    });
    vec![
        tool(
            "slow",
            "Slow job",
            "Works step by step and reports progress; can be cancelled.",
            &pace,
            &[],
        ),
        tool("log", "Log", "Sends a log message of a level.", &entry, &["message"]),
    ]
}

pub(super) async fn slow(arguments: &Arguments, call: &Call) -> Result<Value, Stop> {
    let steps = arguments.integer_or("steps", 5, 1..=1000)?;
    let delay = Duration::from_millis(arguments.integer_or("delay_ms", 200, 0..=60_000)?);
    for step in 1..=steps {
        sleep(delay).await;
        call.progress(step, steps, &format!("step {step} of {steps}")).await;
    }
    Ok(text_result(format!("Done in {steps} steps.")))
}

pub(super) async fn log(arguments: &Arguments, call: &Call) -> Result<Value, Stop> {
    let message = arguments.text("message")?;
    let level = Level::parse(arguments.text_or("level", "info")?).ok_or_else(|| {
        Stop::Failed(format!(
            "the argument `level` must be one of {}",
            level::NAMES.join(", ")
        ))
    })?;
    call.log(level, "echo", message).await;
    Ok(text_result(format!("Logged at level {}.", level.name())))
}
