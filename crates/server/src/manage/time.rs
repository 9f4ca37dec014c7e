//! Times as the API writes them.

use std::time::SystemTime;

use jiff::Timestamp;

/// RFC 3339 in UTC, to the millisecond.
pub(super) fn written(time: SystemTime) -> String {
    // A clock beyond the year 9999 says nothing.
    let time = Timestamp::try_from(time).unwrap_or(Timestamp::UNIX_EPOCH);
    format!("{time:.3}")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn times_have_milliseconds_and_are_in_utc() {
        let time = SystemTime::UNIX_EPOCH + Duration::from_micros(1_771_848_000_123_999);
        assert_eq!(written(time), "2026-02-23T12:00:00.123Z");
    }
}
