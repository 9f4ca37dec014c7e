//! `auth` of a remote backend, and its `headers`.

use indexmap::IndexMap;
use secrecy::SecretString;

use crate::decode::{Context, Field, Kind, Section, Variant, rules};
use crate::diagnose::Problem;

/// Credentials of every request to a backend.
#[derive(Clone, Debug)]
pub enum Auth {
    /// Headers that never change.
    Static {
        /// The headers, by their names as written.
        headers: IndexMap<String, SecretString>,
    },
}

/// Names and values of headers.
pub(super) const HEADER_MAP: Kind = Kind::TextMap {
    names: &rules::HEADER_NAME,
    values: &rules::HEADER_VALUE,
};

const TYPE: Field = Field::new("type", Kind::Choice(&["static"]), "Headers that never change.").required();
const HEADERS: Field = Field::new("headers", HEADER_MAP, "The headers that carry the credentials.")
    .required()
    .secret();

pub(super) const VARIANTS: &[Variant] = &[Variant {
    name: "static",
    fields: &[&[TYPE, HEADERS]],
}];

impl Auth {
    /// Reads the credentials; a header that `others` has too is reported.
    pub(super) fn read(section: &Section<'_>, others: &IndexMap<String, SecretString>, cx: &mut Context<'_>) -> Self {
        let headers = headers(section, &HEADERS, cx);
        for name in headers
            .keys()
            .filter(|name| others.keys().any(|other| other.eq_ignore_ascii_case(name)))
        {
            let message = format!("the header `{name}` is set in `headers` and in `auth.headers`");
            cx.report(Problem::new(section.key_span(&HEADERS, name), message).help("keep it in one of the two"));
        }
        Self::Static { headers }
    }
}

/// Reads headers; two names that differ only in upper and lower case are reported.
pub(super) fn headers(section: &Section<'_>, field: &Field, cx: &mut Context<'_>) -> IndexMap<String, SecretString> {
    let headers = section.secrets(field, cx);
    for (index, name) in headers.keys().enumerate() {
        if let Some(first) = headers
            .keys()
            .take(index)
            .find(|first| first.eq_ignore_ascii_case(name))
        {
            let message = format!("the header `{name}` is already set as `{first}`");
            let help = "header names do not distinguish upper and lower case; keep one of the two";
            cx.report(Problem::new(section.key_span(field, name), message).help(help));
        }
    }
    headers
}
