//! `argus-mcp healthcheck`: asks a gateway whether it lives, for container engines.

use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use argus_client::{Address, AddressError};
use clap::Args;
use url::Url;

use super::connect::{SERVER_URL, USUAL_URL, from_environment};
use crate::failure::Failure;
use crate::http::{self, Answer};
use crate::output;
use crate::show::{Screen, content};

/// How long the answer may take.
const PATIENCE: Duration = Duration::from_secs(4);
/// Where a gateway tells of its health.
const PATH: &str = "/manage/v1/health";

/// The arguments of `healthcheck`.
#[derive(Args, Debug)]
pub(crate) struct Arguments {
    /// The address of the gateway [default: $ARGUS_SERVER_URL, http://127.0.0.1:9000]
    #[arg(long, value_name = "URL")]
    url: Option<String>,
}

/// Succeeds when the gateway answers with 200.
pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let (from, url) = match (&arguments.url, from_environment(SERVER_URL)) {
        (Some(url), _) => ("--url", url.clone()),
        (None, Some(url)) => (SERVER_URL, url),
        (None, None) => ("the usual address", USUAL_URL.to_owned()),
    };
    let address = address(&url).context(from).map_err(Failure::Usage)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the asynchronous runtime")?;
    let health = runtime.block_on(ask(&address))?;
    output::answer(content::text(&health, Screen::stdout()));
    Ok(())
}

/// Where the gateway is. Its own words are not repeated: it may hold a secret.
fn address(text: &str) -> anyhow::Result<Url> {
    let address: Address = text.parse()?;
    let url = Url::parse(&address.to_string()).map_err(|_| AddressError::NoHttp)?;
    match url.scheme() {
        "http" => Ok(url),
        _ => bail!("it must begin with http://, for a gateway of this machine"),
    }
}

async fn ask(url: &Url) -> anyhow::Result<String> {
    let (host, port) = (
        url.host_str().unwrap_or_default(),
        url.port_or_known_default().unwrap_or(80),
    );
    let place = format!("{host}:{port}");
    // A proxy may have put something before it.
    let path = format!("{}{PATH}", url.path().trim_end_matches('/'));
    let asked = tokio::time::timeout(PATIENCE, http::get(&place, &path)).await;
    let Answer { status, body } = asked
        .map_err(|_| anyhow!("no answer from {place} within {} s", PATIENCE.as_secs()))?
        .with_context(|| format!("no gateway answers at {place}; is it running, and is this its port?"))?;
    match status.as_u16() {
        200 => Ok(String::from_utf8_lossy(&body).into_owned()),
        404 => bail!("{place} has no {path}: it is no gateway, or server.management.enabled is false"),
        other => bail!("{place} answers {path} with status {other}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_addresses_are_taken() {
        for right in ["http://127.0.0.1:9000/mcp", "127.0.0.1:9000", " localhost:9000/sse "] {
            assert_eq!(address(right).unwrap().port(), Some(9000), "{right}");
        }
        assert_eq!(address("http://a/argus/mcp").unwrap().path(), "/argus");
        for wrong in ["ftp://s3cret", "https://s3cret", "http://s3cret:s3cret@a"] {
            assert!(!format!("{:#}", address(wrong).unwrap_err()).contains("s3cret"));
        }
    }
}
