//! Times for people.

use jiff::Timestamp;

/// A time of the API, to the second.
pub(crate) fn second(text: &str) -> String {
    match text.parse::<Timestamp>() {
        Ok(time) => time.strftime("%Y-%m-%d %H:%M:%SZ").to_string(),
        Err(_) => text.to_owned(),
    }
}

/// A span in the two largest units that it has.
pub(crate) fn span(seconds: f64) -> String {
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a number of seconds"
    )]
    let all = seconds.max(0.0) as u64;
    let (days, hours, minutes, seconds) = (all / 86400, all / 3600 % 24, all / 60 % 60, all % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds}s"),
        (0, 0, _) => format!("{minutes}m {seconds}s"),
        (0, _, _) => format!("{hours}h {minutes}m"),
        _ => format!("{days}d {hours}h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_spans() {
        assert_eq!(second("2026-02-23T12:00:01.123456Z"), "2026-02-23 12:00:01Z");
        assert_eq!(second("?"), "?");
        for (seconds, shown) in [
            (3.9, "3s"),
            (61.0, "1m 1s"),
            (7260.0, "2h 1m"),
            (90_000.0, "1d 1h"),
            (-1.0, "0s"),
        ] {
            assert_eq!(span(seconds), shown);
        }
    }
}
