//! What all commands have in common that ask a running gateway.

use std::collections::HashMap;
use std::path::PathBuf;

use anyhow::{Context, anyhow};
use argus_client::{Address, Answer, Client};
use clap::Args;
use secrecy::SecretString;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::commands::server;
use crate::environment;
use crate::failure::Failure;
use crate::output;
use crate::running::{self, Entry};

pub(crate) const SERVER_URL: &str = "ARGUS_SERVER_URL";
const TOKEN: &str = "ARGUS_MGMT_TOKEN";
/// Where a gateway is that was not configured otherwise.
pub(crate) const USUAL_URL: &str = "http://127.0.0.1:9000";
const USUAL_PORT: u16 = 9000;

/// Which gateway, and how to show what it answers.
#[derive(Args, Debug)]
#[command(next_help_heading = "Gateway")]
pub(crate) struct Connect {
    /// Where the gateway is [default: $ARGUS_SERVER_URL, the gateway of yours that runs here, http://127.0.0.1:9000]
    #[arg(long)]
    url: Option<String>,

    /// The token of its management API, which others can see in the list of processes [default: $ARGUS_MGMT_TOKEN]
    #[arg(long, conflicts_with = "token_file")]
    token: Option<SecretString>,

    /// A file with the token
    #[arg(long, value_name = "PATH")]
    token_file: Option<PathBuf>,

    /// Print JSON, as the API answers it
    #[arg(long)]
    pub(crate) json: bool,
}

impl Connect {
    /// Lets something be asked of the gateway. With `--json` a refusal is printed, too, as the API answers it.
    pub(crate) fn run<T>(&self, ask: impl AsyncFnOnce(Client) -> Result<T, Failure>) -> Result<T, Failure> {
        let done = self.listen(ask);
        if let Err(Failure::Runtime(error)) = &done
            && let Some(text) = error.downcast_ref().and_then(argus_client::Error::refusal)
            && self.json
        {
            output::answer(text);
        }
        done
    }

    /// The same where each line of the answer is an item, which a refusal is not.
    pub(crate) fn listen<T>(&self, ask: impl AsyncFnOnce(Client) -> Result<T, Failure>) -> Result<T, Failure> {
        let client = self.client()?;
        block_on(ask(client))?
    }

    /// Whether a gateway was named.
    pub(crate) fn is_named(&self) -> bool {
        self.url.is_some() || from_environment(SERVER_URL).is_some()
    }

    /// A client of one of the gateways that run here.
    pub(crate) fn client_of(&self, entry: &Entry) -> Result<Client, Failure> {
        let address = entry.url().parse().context("the host of the gateway")?;
        Ok(Client::new(address, self.token()?.as_ref())?)
    }

    /// Whether there is no token, or one that can be read and sent.
    pub(crate) fn can_show_token(&self) -> Result<(), Failure> {
        let token = self.token()?;
        let usual: Address = USUAL_URL.parse().context("the usual address")?;
        Client::new(usual, token.as_ref())?;
        Ok(())
    }

    fn client(&self) -> Result<Client, Failure> {
        Ok(Client::new(self.address()?, self.token()?.as_ref())?)
    }

    fn address(&self) -> Result<Address, Failure> {
        let given = match &self.url {
            Some(url) => Some(("--url", url.clone())),
            None => from_environment(SERVER_URL).map(|url| (SERVER_URL, url)),
        };
        let (from, url) = match given {
            Some(given) => given,
            None => ("this gateway", found()?),
        };
        let address = url.parse::<Address>().context(from);
        address.map_err(Failure::Usage)
    }

    fn token(&self) -> Result<Option<SecretString>, Failure> {
        if let Some(token) = &self.token {
            return Ok(Some(token.clone()));
        }
        let Some(file) = &self.token_file else {
            return Ok(from_environment(TOKEN).map(SecretString::from));
        };
        let read = std::fs::read_to_string(file);
        let text = read.with_context(|| format!("--token-file: cannot read {}", file.display()));
        let text = text.map_err(Failure::Usage)?;
        match text.trim() {
            "" => Err(Failure::Usage(anyhow!("--token-file: {} is empty", file.display()))),
            token => Ok(Some(token.into())),
        }
    }
}

/// The gateways of this user that run here.
pub(crate) fn gateways() -> Vec<Entry> {
    let data = server::data_folder();
    data.map(|data| running::list(&running::folder(&data)))
        .unwrap_or_default()
}

/// The gateway that is meant where none is named.
fn found() -> Result<String, Failure> {
    let running = gateways();
    match running.as_slice() {
        [] => Ok(USUAL_URL.to_owned()),
        [one] => Ok(one.url()),
        many => match many.iter().find(|entry| entry.port == USUAL_PORT) {
            Some(usual) => Ok(usual.url()),
            None => {
                let all = many.iter().map(|entry| format!("{} ({})", entry.url(), entry.name));
                let all = all.collect::<Vec<_>>().join(", ");
                Err(Failure::Usage(anyhow!(
                    "several gateways run here; choose one with --url: {all}"
                )))
            }
        },
    }
}

/// Runs something that waits.
pub(crate) fn block_on<T>(work: impl Future<Output = T>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.context("cannot start the asynchronous runtime")?;
    let done = runtime.block_on(work);
    // A thread may still look for the address of a host; the end of the process ends it.
    runtime.shutdown_background();
    Ok(done)
}

/// The items of a list in the answer, each as it arrived and on one line; what they were read as where that fails.
pub(crate) fn items<T, I: Serialize>(answer: &Answer<T>, list: &str, read: &[I]) -> anyhow::Result<Vec<String>> {
    let answer: HashMap<&str, &RawValue> = serde_json::from_str(answer.text()).unwrap_or_default();
    let items: Option<Vec<&RawValue>> = answer.get(list).and_then(|list| serde_json::from_str(list.get()).ok());
    match items {
        // Between the parts of a value an end of a line means nothing, and within a text there is none.
        Some(items) if items.len() == read.len() => {
            Ok(items.iter().map(|item| item.get().replace(['\r', '\n'], " ")).collect())
        }
        _ => Ok(read.iter().map(serde_json::to_string).collect::<Result<_, _>>()?),
    }
}

/// Prints the JSON of an answer.
pub(crate) fn print_json<T>(answer: &Answer<T>) {
    output::answer(answer.text());
}

/// What a variable says; one of blanks says nothing.
pub(crate) fn from_environment(name: &str) -> Option<String> {
    environment::chosen(name).filter(|value| !value.trim().is_empty())
}
