//! In front of an endpoint elsewhere.

use anyhow::{Context, anyhow, bail};
use argus_config::{Config, expanded};
use argus_stdio::remote::serve;
use argus_stdio::{Stdout, Target};
use argus_upstream::HttpClient;
use http::{HeaderMap, HeaderName, HeaderValue};
use tokio::io::{stdin, stdout};
use url::Url;

use super::Arguments;
use crate::environment;
use crate::failure::Failure;
use crate::logging;

pub(super) fn run(arguments: &Arguments, url: &str) -> Result<(), Failure> {
    let target = target(url, &arguments.headers).map_err(Failure::Usage)?;
    let _logging = logging::start(&arguments.logging());
    Ok(super::serve(async |shutdown| {
        let http = HttpClient::new().context(crate::commands::server::NO_ROOTS)?;
        serve(stdin(), stdout(), &Stdout::own(), target, http, &shutdown).await;
        Ok(())
    })?)
}

fn target(url: &str, headers: &[String]) -> anyhow::Result<Target> {
    let mut all = HeaderMap::new();
    for header in headers {
        let (name, value) = parsed(header)?;
        if all.insert(&name, value).is_some() {
            bail!("--header: {name} is given twice");
        }
    }
    Ok(Target {
        url: address(url)?,
        headers: all,
        max_message: Config::default().server.max_body_bytes,
    })
}

/// The address, whose own words are not repeated: it may hold a secret.
fn address(text: &str) -> anyhow::Result<Url> {
    let text = expanded(text, &environment::lookup).context("--url")?;
    let url = Url::parse(&text).map_err(|error| anyhow!("--url: {error}; write it like http://127.0.0.1:9000/mcp"))?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        bail!("--url: it must begin with http:// or https://");
    }
    if !url.username().is_empty() || url.password().is_some() {
        bail!("--url: user name and password belong into --header");
    }
    Ok(url)
}

/// A header; only its name may be repeated in a message.
fn parsed(header: &str) -> anyhow::Result<(HeaderName, HeaderValue)> {
    let wanted = "--header: write it like 'Authorization: Bearer ${TOKEN}'";
    let (name, value) = header.split_once(':').context(wanted)?;
    let name: HeaderName = name.trim().parse().map_err(|_| anyhow!("{wanted}"))?;
    let value = expanded(value.trim(), &environment::lookup).with_context(|| format!("--header {name}"))?;
    let mut value = HeaderValue::from_str(&value)
        .map_err(|_| anyhow!("--header {name}: the value must be one line of printable characters"))?;
    value.set_sensitive(true);
    Ok((name, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_names_and_values() {
        let (name, value) = parsed("X-Key:  ${ARGUS_NOT_SET:-a: b} ").unwrap();
        assert_eq!((name.as_str(), value.to_str().unwrap()), ("x-key", "a: b"));
        assert!(value.is_sensitive());
        for (wrong, said) in [
            ("X-Key", "write it like"),
            ("X Key: s3cret", "write it like"),
            ("X-Key: s3cret\n", "one line"),
            ("X-Key: s3cret${ARGUS_NOT_SET}", "ARGUS_NOT_SET is not set"),
        ] {
            match parsed(wrong) {
                Ok(_) => assert_eq!(wrong, "X-Key: s3cret\n", "the end is trimmed"),
                Err(error) => {
                    let error = format!("{error:#}");
                    assert!(error.contains(said) && !error.contains("s3cret"), "{error}");
                }
            }
        }
        assert!(target("http://a/mcp", &["A: 1".to_owned(), "a: 2".to_owned()]).is_err());
    }

    #[test]
    fn addresses_are_of_http() {
        assert!(address("https://example.com/mcp?key=1").is_ok());
        for wrong in ["localhost:9000", "ftp://a/", "127.0.0.1", "http://me:s3cret@a/"] {
            let error = format!("{:#}", address(wrong).unwrap_err());
            assert!(error.starts_with("--url") && !error.contains("s3cret"), "{error}");
        }
    }
}
