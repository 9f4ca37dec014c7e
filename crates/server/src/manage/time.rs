//! Times as the API writes them.

use std::time::SystemTime;

use jiff::Timestamp;

/// RFC 3339 in UTC, to the millisecond.
pub(super) fn written(time: SystemTime) -> String {
    // A clock beyond the year 9999 says nothing.
    let time = Timestamp::try_from(time).unwrap_or(Timestamp::UNIX_EPOCH);
    format!("{time:.3}")
}

/// The same to the microsecond: no two events have the same time.
pub(super) fn written_exactly(time: SystemTime) -> String {
    let time = Timestamp::try_from(time).unwrap_or(Timestamp::UNIX_EPOCH);
    format!("{time:.6}")
}

/// A time that a caller wrote in a query. (There a plain `+` is a space.)
pub(super) fn read(text: &str) -> Option<SystemTime> {
    let read = |text: &str| text.parse::<Timestamp>().ok();
    let time = read(text).or_else(|| read(&text.replace(' ', "+")))?;
    Some(time.into())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn times_have_milliseconds_and_are_in_utc() {
        let time = SystemTime::UNIX_EPOCH + Duration::from_micros(1_771_848_000_123_999);
        assert_eq!(written(time), "2026-02-23T12:00:00.123Z");
        assert_eq!(written_exactly(time), "2026-02-23T12:00:00.123999Z");
    }

    #[test]
    fn what_is_written_is_read() {
        let time = SystemTime::UNIX_EPOCH + Duration::from_micros(1_771_848_000_123_999);
        for text in [
            "2026-02-23T12:00:00.123999Z",
            "2026-02-23T14:00:00.123999+02:00",
            "2026-02-23T14:00:00.123999 02:00",
        ] {
            assert_eq!(read(text), Some(time), "{text}");
        }
        for odd in ["", "yesterday", "2026-02-23", "2026-02-23T12:00:00", "1771848000"] {
            assert_eq!(read(odd), None, "{odd}");
        }
    }
}
