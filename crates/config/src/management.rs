//! `server.management`: the management API.

use std::time::Duration;

use secrecy::SecretString;

use crate::decode::{Context, Field, Fields, Kind, Preset, Section, defaults, rules};
use crate::diagnose::Problem;

/// The management API.
#[derive(Clone, Debug)]
pub struct Management {
    /// Whether the API is served.
    pub enabled: bool,
    /// The bearer token that its callers must show; `None`: no token is asked for.
    pub token: Option<SecretString>,
    /// How long an operator who has a backend reconnected, restarted or enabled waits for it to be ready.
    pub reconnect_timeout: Duration,
    /// How many streams of events may be open.
    pub max_event_streams: usize,
}

const ENABLED: Field =
    Field::new("enabled", Kind::Flag, "Whether the management API is served.").preset(Preset::Flag(true));
const TOKEN: Field = Field::new(
    "token",
    Kind::Text(&rules::MANAGEMENT_TOKEN),
    "The bearer token that callers of the management API must show.",
)
.secret();
const RECONNECT_TIMEOUT: Field = Field::new(
    "reconnect_timeout",
    Kind::Seconds { min: 1.0, max: 600.0 },
    "How long an operator who has a backend reconnected, restarted or enabled waits for it to be ready, in seconds.",
)
.preset(Preset::Seconds(60.0));

const MAX_EVENT_STREAMS: Field = Field::new(
    "max_event_streams",
    Kind::Whole { min: 1, max: 100_000 },
    "How many streams of events and logs may be open at once.",
)
.preset(Preset::Whole(1000));

pub(crate) const FIELDS: Fields = &[&[ENABLED, TOKEN, RECONNECT_TIMEOUT, MAX_EVENT_STREAMS]];

impl Management {
    /// Takes another token than the one of the file; an empty one leaves it as it is.
    ///
    /// # Errors
    /// Says what is wrong with it, as the rest of a sentence. It never repeats the token.
    pub fn use_token(&mut self, token: &str) -> Result<(), String> {
        (rules::MANAGEMENT_TOKEN.check)(token)?;
        if !token.is_empty() {
            self.token = Some(SecretString::from(token.to_owned()));
        }
        Ok(())
    }

    pub(crate) fn read(section: &Section<'_>, cx: &mut Context<'_>) -> Self {
        Self {
            enabled: section.flag(&ENABLED, cx),
            token: token(section, cx),
            reconnect_timeout: section.seconds(&RECONNECT_TIMEOUT, cx).unwrap_or_default(),
            max_event_streams: section
                .whole(&MAX_EVENT_STREAMS, cx)
                .and_then(|most| usize::try_from(most).ok())
                .unwrap_or_default(),
        }
    }
}

impl Default for Management {
    fn default() -> Self {
        defaults(Self::read)
    }
}

/// The token. An empty one counts as none; an unset variable too, with a warning, when that may be.
fn token(section: &Section<'_>, cx: &mut Context<'_>) -> Option<SecretString> {
    let (token, unset) = cx.unset_within(|cx| section.maybe_text(&TOKEN, cx));
    for unset in unset {
        let tolerated = Problem::new(
            unset.span.clone(),
            format!(
                "the management API asks for no token: the environment variable `{}` is not set",
                unset.variable
            ),
        )
        .help(format!("set {} to protect the management API", unset.variable));
        cx.tolerate(unset, tolerated);
    }
    token.filter(|token| !token.is_empty()).map(SecretString::from)
}
