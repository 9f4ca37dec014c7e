//! Comparing JSON numbers as numbers, however they are spelled, without rounding.

/// Whole numbers with more digits stay as they are spelled.
const MAX_DIGITS: i64 = 40;
/// The largest whole number that every JSON library reads exactly (MCP 2026-07-28 "Schema extension").
const MAX_SAFE: u64 = (1 << 53) - 1;

/// A JSON number: `digits` · 10^`exponent`, without zeros at either end. Zero has no digits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Decimal {
    negative: bool,
    digits: String,
    exponent: i64,
}

impl Decimal {
    /// Reads a number as JSON spells it; `None` for anything else, and for an exponent beyond all reason.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (negative, rest) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (mantissa, exponent) = match rest.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, read_exponent(exponent)?),
            None => (rest, 0),
        };
        let (whole, fraction) = match mantissa.split_once('.') {
            Some((whole, fraction)) => (whole, Some(fraction)),
            None => (mantissa, None),
        };
        let all_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let leading_zero = whole.len() > 1 && whole.starts_with('0');
        if !all_digits(whole) || leading_zero || fraction.is_some_and(|fraction| !all_digits(fraction)) {
            return None;
        }
        let fraction = fraction.unwrap_or_default();
        let all = format!("{whole}{fraction}");
        let significant = all.trim_end_matches('0');
        let dropped = all.len() - significant.len();
        let digits = significant.trim_start_matches('0').to_owned();
        if digits.is_empty() {
            return Some(Self {
                negative: false,
                digits,
                exponent: 0,
            });
        }
        let shift = i64::try_from(dropped).ok()? - i64::try_from(fraction.len()).ok()?;
        Some(Self {
            negative,
            digits,
            exponent: exponent.checked_add(shift)?,
        })
    }

    /// A whole number's plain digits; `None` for what is not whole, or too long to be written out.
    pub(crate) fn whole(&self) -> Option<String> {
        let length = i64::try_from(self.digits.len()).ok()?.checked_add(self.exponent)?;
        if self.exponent < 0 || length > MAX_DIGITS {
            return None;
        }
        if self.digits.is_empty() {
            return Some("0".to_owned());
        }
        let sign = if self.negative { "-" } else { "" };
        let zeros = "0".repeat(usize::try_from(self.exponent).ok()?);
        Some(format!("{sign}{}{zeros}", self.digits))
    }

    /// Whether it is a whole number that some JSON libraries cannot read exactly.
    pub(crate) fn is_unsafe_whole(&self) -> bool {
        if self.exponent < 0 {
            return false;
        }
        let safe = |whole: String| {
            whole
                .trim_start_matches('-')
                .parse::<u64>()
                .is_ok_and(|whole| whole <= MAX_SAFE)
        };
        !self.whole().is_some_and(safe)
    }
}

fn read_exponent(text: &str) -> Option<i64> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn equal_numbers_are_equal_however_they_are_spelled() {
        for (one, other) in [
            ("42", "42.0"),
            ("42", "4.2e1"),
            ("42", "420E-1"),
            ("-7", "-7.00"),
            ("0", "-0.0"),
            ("0", "0e99"),
            ("100", "1e+2"),
            ("1.50", "1.5"),
            ("9007199254740993", "9007199254740993.0"),
        ] {
            assert_eq!(
                Decimal::parse(one).unwrap(),
                Decimal::parse(other).unwrap(),
                "{one} {other}"
            );
        }
        for (one, other) in [
            ("42", "43"),
            ("42", "-42"),
            ("1.5", "15"),
            ("9007199254740993", "9007199254740992"),
        ] {
            assert_ne!(Decimal::parse(one), Decimal::parse(other), "{one} {other}");
        }
    }

    #[test]
    fn what_json_does_not_call_a_number_is_none() {
        for text in [
            "", "-", "+1", "01", "1.", ".5", "1e", "1e+", "0x1", "1_0", " 1", "1 ", "NaN", "1.2.3", "1e2e3", "é",
            "true",
        ] {
            assert_eq!(Decimal::parse(text), None, "{text}");
        }
        assert_eq!(Decimal::parse("1e99999999999999999999"), None);
    }

    #[test]
    fn whole_numbers_are_written_out_while_they_are_short() {
        let whole = |text: &str| Decimal::parse(text).unwrap().whole();
        assert_eq!(whole("42.0").as_deref(), Some("42"));
        assert_eq!(whole("-1.2e2").as_deref(), Some("-120"));
        assert_eq!(whole("-0").as_deref(), Some("0"));
        assert_eq!(whole("1.5"), None);
        assert_eq!(whole("1e400"), None);
    }

    #[test]
    fn the_safe_range_ends_at_two_to_the_53rd() {
        let is_unsafe = |text: &str| Decimal::parse(text).unwrap().is_unsafe_whole();
        assert!(!is_unsafe("9007199254740991") && !is_unsafe("-9007199254740991") && !is_unsafe("0.5"));
        assert!(is_unsafe("9007199254740992") && is_unsafe("-9007199254740992") && is_unsafe("1e400"));
    }

    proptest! {
        #[test]
        fn whole_numbers_survive(number in any::<i64>()) {
            let text = number.to_string();
            prop_assert_eq!(Decimal::parse(&text).unwrap().whole().unwrap(), text);
        }

        #[test]
        fn no_text_is_too_odd(text in "[-+0-9.eE]{0,12}") {
            let read = Decimal::parse(&text);
            prop_assert_eq!(read.is_some(), serde_json::from_str::<&serde_json::value::RawValue>(&text).is_ok(), "{}", text);
        }
    }
}
