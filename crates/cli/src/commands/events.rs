//! `argus-mcp events`: what happened, and what happens.

use anyhow::anyhow;
use argus_api::{Event, Severity};
use argus_client::{Client, EventQuery};
use clap::{Args, ValueEnum};
use jiff::{SignedDuration, Timestamp};

use super::connect::{Connect, items, print_json};
use super::follow::{Told, follow};
use crate::failure::Failure;
use crate::output;
use crate::show::{Colour, Screen, line, time};

/// The arguments of `events`.
#[derive(Args, Debug)]
pub(crate) struct Arguments {
    /// Go on with what happens, until it is interrupted
    #[arg(short, long)]
    follow: bool,

    /// Only what happened after this time: 2026-02-23T12:00:00Z, or how long ago, such as 10m or 2h
    #[arg(long, value_name = "TIME")]
    since: Option<String>,

    /// Only events of this severity
    #[arg(long, value_name = "SEVERITY")]
    severity: Option<Wanted>,

    /// At most so many that happened already, the newest [default: 100, with --follow 10]
    #[arg(long, value_name = "COUNT")]
    limit: Option<usize>,

    #[command(flatten)]
    connect: Connect,
}

/// How much an event matters.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Wanted {
    Debug,
    Info,
    Warning,
    Error,
}

impl From<Wanted> for Severity {
    fn from(wanted: Wanted) -> Self {
        match wanted {
            Wanted::Debug => Self::Debug,
            Wanted::Info => Self::Info,
            Wanted::Warning => Self::Warning,
            Wanted::Error => Self::Error,
        }
    }
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let since = arguments.since.as_deref().map(|since| moment(since, Timestamp::now()));
    let since = since.transpose().map_err(Failure::Usage)?;
    let query = EventQuery {
        limit: arguments.limit.or(arguments.follow.then_some(10)),
        since: since.as_deref(),
        severity: arguments.severity.map(Severity::from),
    };
    let (connect, json) = (&arguments.connect, arguments.connect.json);
    match arguments.follow {
        true => connect.listen(async |client| Box::pin(following(&client, &query, json)).await),
        false => connect.run(async |client| listed(&client, &query, json).await),
    }
}

async fn listed(client: &Client, query: &EventQuery<'_>, json: bool) -> Result<(), Failure> {
    let list = client.events(query).await?;
    if json {
        print_json(&list);
        return Ok(());
    }
    let screen = Screen::stdout();
    for event in &list.events {
        if !output::tell(shown(event, screen)) {
            break;
        }
    }
    Ok(())
}

async fn following(client: &Client, query: &EventQuery<'_>, json: bool) -> Result<(), Failure> {
    // The last one of all tells where the stream has to begin, so that nothing is missed in between.
    let newest = EventQuery {
        limit: Some(1),
        ..EventQuery::default()
    };
    let last = client
        .events(&newest)
        .await?
        .events
        .last()
        .map(|event| event.id.clone());
    let screen = Screen::stdout();
    let list = client.events(query).await?;
    // What came after it is told by the stream.
    let end = list.events.iter().position(|event| Some(&event.id) == last.as_ref());
    let lines = match json {
        true => items(&list, "events", &list.events)?,
        false => list.events.iter().map(|event| shown(event, screen)).collect(),
    };
    for line in lines.into_iter().take(end.map_or(usize::MAX, |end| end + 1)) {
        if !output::tell(line) {
            return Ok(());
        }
    }
    let wanted = query.severity;
    let show = |event: &Event, text: &str| match wanted.is_none_or(|wanted| event.severity == wanted) {
        false => Told::Unwanted,
        true if json => Told::Line(text.to_owned()),
        true => Told::Line(shown(event, screen)),
    };
    follow(client.follow_events(last), show).await
}

fn shown(event: &Event, screen: Screen) -> String {
    let (word, colour) = match event.severity {
        Severity::Debug => ("debug", Colour::None),
        Severity::Info => ("info", Colour::None),
        Severity::Warning => ("warning", Colour::Doubtful),
        Severity::Error => ("error", Colour::Bad),
    };
    let when = time::second(&event.timestamp);
    let severity = screen.paint(colour, &format!("{word:<7}"));
    format!(
        "{when}  {severity}  {:<20}  {}",
        line(&event.stage),
        line(&event.message)
    )
}

/// A time, or how long ago it was.
fn moment(text: &str, now: Timestamp) -> anyhow::Result<String> {
    if let Ok(time) = text.parse::<Timestamp>() {
        return Ok(time.to_string());
    }
    let ago = text.parse::<SignedDuration>().ok().filter(|ago| !ago.is_negative());
    let time = ago.and_then(|ago| now.checked_sub(ago).ok());
    time.map(|time| time.to_string())
        .ok_or_else(|| anyhow!("--since: write a time like 2026-02-23T12:00:00Z, or how long ago, like 10m or 2h"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn since_is_a_time_or_a_span() {
        let now: Timestamp = "2026-02-23T12:00:00Z".parse().unwrap();
        for (text, time) in [
            ("2026-02-23T11:00:00Z", "2026-02-23T11:00:00Z"),
            ("2026-02-23T12:00:00+01:00", "2026-02-23T11:00:00Z"),
            ("10m", "2026-02-23T11:50:00Z"),
            ("1h 30m", "2026-02-23T10:30:00Z"),
        ] {
            assert_eq!(moment(text, now).unwrap(), time);
        }
        for wrong in ["", "yesterday", "10", "-10m"] {
            assert!(moment(wrong, now).is_err(), "{wrong}");
        }
    }
}
