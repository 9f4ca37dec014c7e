//! Printing a stream until it is interrupted, or nobody reads what is printed.

use std::pin::pin;
use std::time::Duration;

use argus_client::{Error, Followed};
use futures::{Stream, StreamExt};

use crate::failure::Failure;
use crate::output;

/// How often it is looked whether somebody still reads.
const LOOK: Duration = Duration::from_millis(250);

/// What becomes of an item.
pub(crate) enum Told {
    Line(String),
    Unwanted,
}

/// Prints what a stream says, one line for each item. What becomes of the connection goes to standard error.
pub(crate) async fn follow<T>(
    stream: impl Stream<Item = Result<Followed<T>, Error>>,
    show: impl Fn(&T, &str) -> Told,
) -> Result<(), Failure> {
    let mut stream = pin!(stream);
    let mut looks = tokio::time::interval(LOOK);
    loop {
        let followed = tokio::select! {
            followed = stream.next() => followed,
            _ = looks.tick() => match output::is_unread() {
                true => return Ok(()),
                false => continue,
            },
        };
        match followed.transpose()? {
            Some(Followed::Item(item)) => match show(&item, item.text()) {
                Told::Line(line) if !output::tell(&line) => return Ok(()),
                Told::Line(_) | Told::Unwanted => {}
            },
            Some(Followed::Lost(error)) => output::say(format_args!("{error}; trying again")),
            Some(Followed::Back) => output::say("the connection is there again"),
            None => return Ok(()),
        }
    }
}
