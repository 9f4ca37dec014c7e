//! The tools of the `time` server.

use jiff::civil;
use jiff::tz::{TimeZone, TimeZoneDatabase};
use jiff::{Timestamp, Zoned};
use serde_json::{Value, json};

use crate::arguments::Arguments;
use crate::ask::Stop;
use crate::example::structured_result;

/// The zone when none is named.
const DEFAULT_ZONE: &str = "UTC";

/// Name of the tool that tells the time.
pub(super) const CURRENT: &str = "get_current_time";
/// Name of the tool that converts a time.
pub(super) const CONVERT: &str = "convert_time";

pub(super) fn describe_current() -> Value {
    json!({
        "name": CURRENT,
        "title": "Current time",
        "description": "Tells the current time in a time zone.",
        "inputSchema": {
            "type": "object",
            "properties": { "timezone": zone_schema("The time zone") },
        },
        "outputSchema": moment_schema(),
        "annotations": { "readOnlyHint": true, "openWorldHint": false },
    })
}

pub(super) fn describe_convert() -> Value {
    json!({
        "name": CONVERT,
        "title": "Convert a time",
        "description": "Converts a time of today from one time zone to another.",
        "inputSchema": {
            "type": "object",
            "properties": {
                "source_timezone": zone_schema("The zone to convert from"),
                "time": { "type": "string", "description": "The time of day, as HH:MM in 24 hours" },
                "target_timezone": zone_schema("The zone to convert to"),
            },
            "required": ["time"],
        },
        "outputSchema": {
            "type": "object",
            "properties": {
                "source": moment_schema(),
                "target": moment_schema(),
                "time_difference": { "type": "string", "description": "From source to target, such as +5.5h" },
            },
            "required": ["source", "target", "time_difference"],
        },
        "annotations": { "readOnlyHint": true, "openWorldHint": false },
    })
}

/// The time in a zone.
pub(super) fn current(now: Timestamp, arguments: &Arguments) -> Result<Value, Stop> {
    let zone = zone(arguments.text_or("timezone", DEFAULT_ZONE)?)?;
    Ok(structured_result(&moment(&now.to_zoned(zone))))
}

/// A time of today in one zone, as it is in another.
pub(super) fn convert(now: Timestamp, arguments: &Arguments) -> Result<Value, Stop> {
    let source_zone = zone(arguments.text_or("source_timezone", DEFAULT_ZONE)?)?;
    let target_zone = zone(arguments.text_or("target_timezone", DEFAULT_ZONE)?)?;
    let time = time_of_day(arguments.text("time")?)?;
    let today = now.to_zoned(source_zone.clone()).date();
    let source = today
        .to_datetime(time)
        .to_zoned(source_zone)
        .map_err(|error| Stop::Failed(error.to_string()))?;
    let target = source.with_time_zone(target_zone);
    let seconds = target.offset().seconds() - source.offset().seconds();
    Ok(structured_result(&json!({
        "source": moment(&source),
        "target": moment(&target),
        "time_difference": difference(seconds),
    })))
}

fn zone(name: &str) -> Result<TimeZone, Stop> {
    TimeZoneDatabase::bundled().get(name).map_err(|_| {
        Stop::Failed(format!(
            "unknown time zone `{name}`; use an IANA name such as Europe/Berlin"
        ))
    })
}

fn time_of_day(text: &str) -> Result<civil::Time, Stop> {
    civil::Time::strptime("%H:%M", text).map_err(|_| {
        Stop::Failed(format!(
            "`{text}` is not a time of day; write it as HH:MM, such as 14:30"
        ))
    })
}

fn moment(zoned: &Zoned) -> Value {
    json!({
        "timezone": zoned.time_zone().iana_name(),
        "datetime": zoned.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string(),
        "day_of_week": zoned.strftime("%A").to_string(),
        "is_dst": zoned.time_zone().to_offset_info(zoned.timestamp()).dst().is_dst(),
    })
}

/// Seconds as signed hours: `+9.0h`, `+5.5h`, `-3.75h`.
fn difference(seconds: i32) -> String {
    let hours = f64::from(seconds) / 3600.0;
    if hours.fract() == 0.0 {
        format!("{hours:+.1}h")
    } else {
        format!("{hours:+}h")
    }
}

fn zone_schema(what: &str) -> Value {
    json!({
        "type": "string",
        "description": format!("{what}, an IANA name such as Europe/Berlin"),
        "default": DEFAULT_ZONE,
    })
}

fn moment_schema() -> Value {
    json!({
        "type": "object",
        "properties": {
            "timezone": { "type": "string" },
            "datetime": { "type": "string", "format": "date-time" },
            "day_of_week": { "type": "string" },
            "is_dst": { "type": "boolean" },
        },
        "required": ["timezone", "datetime", "day_of_week", "is_dst"],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(value: Value) -> Arguments {
        let Value::Object(object) = value else { panic!() };
        Arguments::new(object)
    }

    fn july() -> Timestamp {
        "2026-07-28T22:30:00Z".parse().unwrap()
    }

    #[test]
    fn the_current_time_in_a_zone() {
        let result = current(july(), &arguments(json!({"timezone": "Europe/Berlin"}))).unwrap();
        assert_eq!(
            result["structuredContent"],
            json!({
                "timezone": "Europe/Berlin", "datetime": "2026-07-29T00:30:00+02:00",
                "day_of_week": "Wednesday", "is_dst": true
            })
        );
        let result = current(july(), &Arguments::default()).unwrap();
        assert_eq!(result["structuredContent"]["timezone"], "UTC");
    }

    #[test]
    fn a_time_is_converted_across_midnight_and_half_hours() {
        let wanted = json!({"source_timezone": "Asia/Kolkata", "time": "03:15", "target_timezone": "America/New_York"});
        let result = convert(july(), &arguments(wanted)).unwrap();
        let content = &result["structuredContent"];
        assert_eq!(content["source"]["datetime"], "2026-07-29T03:15:00+05:30");
        assert_eq!(content["target"]["datetime"], "2026-07-28T17:45:00-04:00");
        assert_eq!(content["time_difference"], "-9.5h");
    }

    #[test]
    fn differences_are_signed_hours() {
        assert_eq!(difference(32_400), "+9.0h");
        assert_eq!(difference(0), "+0.0h");
        assert_eq!(difference(-13_500), "-3.75h");
    }

    #[test]
    fn what_is_not_a_zone_or_a_time_is_told_to_the_model() {
        for wanted in [
            json!({"time": "12:00", "target_timezone": "Mars/Olympus"}),
            json!({"time": "25:00"}),
            json!({"time": ""}),
            json!({"time": 12}),
            json!({}),
        ] {
            assert!(matches!(convert(july(), &arguments(wanted)), Err(Stop::Failed(_))));
        }
    }
}
