//! The two formats of the page: OpenMetrics, and the plain text of Prometheus for those who know no other.

use std::fmt::Write;

use http::header::ACCEPT;
use http::{HeaderMap, HeaderValue};

use super::names;

/// How the page is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    OpenMetrics,
    Plain,
}

impl Format {
    /// The format that a scraper likes best. Who does not name OpenMetrics gets plain text.
    pub(super) fn wanted(headers: &HeaderMap) -> Self {
        let accepted = headers.get_all(ACCEPT).iter();
        let ranges = accepted
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','));
        let (mut open_metrics, mut plain) = (0.0, 0.0);
        for range in ranges {
            let (media, weight) = read(range);
            let best: &mut f64 = match &*media {
                "application/openmetrics-text" => &mut open_metrics,
                "text/plain" | "text/*" => &mut plain,
                _ => continue,
            };
            *best = best.max(weight);
        }
        match open_metrics > 0.0 && open_metrics >= plain {
            true => Self::OpenMetrics,
            false => Self::Plain,
        }
    }

    pub(super) fn content_type(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Self::Plain => "text/plain; version=0.0.4; charset=utf-8",
        })
    }

    /// A page that is written in OpenMetrics, in this format.
    pub(super) fn of(self, page: String) -> String {
        match self {
            Self::OpenMetrics => page,
            Self::Plain => plain(&page),
        }
    }
}

/// The media type of a range, and how much it is liked.
fn read(range: &str) -> (String, f64) {
    let mut parts = range.split(';').map(str::trim);
    let media = parts.next().unwrap_or_default().to_ascii_lowercase();
    let weight = parts.find_map(|part| {
        let (key, value) = part.split_once('=')?;
        key.trim()
            .eq_ignore_ascii_case("q")
            .then(|| value.trim().parse().ok())
            .flatten()
    });
    (media, weight.unwrap_or(1.0))
}

/// The same in plain text: a family has the name of its samples, there are no units and no end.
fn plain(page: &str) -> String {
    let mut text = String::with_capacity(page.len());
    for line in page.lines() {
        let Some(said) = line.strip_prefix("# ") else {
            text.push_str(line);
            text.push('\n');
            continue;
        };
        let mut words = said.splitn(3, ' ');
        let (Some(word), Some(family)) = (words.next(), words.next()) else {
            continue;
        };
        let Some(series) = names::of_family(family) else {
            continue;
        };
        // Writing to a string does not fail.
        let _ = match word {
            "HELP" => writeln!(text, "# HELP {} {}", series.name, series.help),
            "TYPE" => writeln!(text, "# TYPE {} {}", series.name, series.plain_type()),
            _ => Ok(()),
        };
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(accept: &[&str]) -> Format {
        let fields = accept.iter().map(|value| (ACCEPT, value.parse().unwrap()));
        Format::wanted(&fields.collect())
    }

    #[test]
    fn scrapers_get_what_they_like_best() {
        let second = "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,\
                      text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
        let third = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,\
                     application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,\
                     text/plain;version=0.0.4;q=0.2,*/*;q=0.1";
        for accept in [
            second,
            third,
            "Application/OpenMetrics-Text",
            "text/plain; q=0.5, application/openmetrics-text",
        ] {
            assert_eq!(wanted(&[accept]), Format::OpenMetrics, "{accept}");
        }
        for accept in [
            "",
            "*/*",
            "text/plain;version=0.0.4",
            "text/html, */*;q=0.8",
            "application/openmetrics-text;q=0",
            "application/openmetrics-text;q=0.2, text/plain;q=0.6",
            "application/json",
        ] {
            assert_eq!(wanted(&[accept]), Format::Plain, "{accept}");
        }
        assert_eq!(wanted(&[]), Format::Plain);
        assert_eq!(
            wanted(&["text/plain;q=0.1", "application/openmetrics-text"]),
            Format::OpenMetrics
        );
    }

    #[test]
    fn plain_text_names_families_after_their_samples() {
        let page = "# HELP argus_calls x\n# TYPE argus_calls counter\nargus_calls_total{backend=\"# a\"} 1\n\
                    # HELP process_cpu_seconds x\n# TYPE process_cpu_seconds counter\n\
                    # UNIT process_cpu_seconds seconds\nprocess_cpu_seconds_total 1.5\n\
                    # HELP argus_build x\n# TYPE argus_build info\nargus_build_info{version=\"1\"} 1\n# EOF\n";
        let plain = Format::Plain.of(page.to_owned());
        let types: Vec<&str> = plain.lines().filter(|line| !line.starts_with("# HELP")).collect();
        assert_eq!(
            types,
            [
                "# TYPE argus_calls_total counter",
                "argus_calls_total{backend=\"# a\"} 1",
                "# TYPE process_cpu_seconds_total counter",
                "process_cpu_seconds_total 1.5",
                "# TYPE argus_build_info gauge",
                "argus_build_info{version=\"1\"} 1",
            ]
        );
    }
}
