//! What is told of sessions. Clients may open many, which must not drive out all other events.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use argus_protocol::{Object, shown};
use tokio::time::Instant;

use super::{Events, News, Stage};
use crate::session::Session;

/// So many events in a row.
const BURST: u32 = 60;
/// After this time there may be another one.
const EACH: Duration = Duration::from_secs(1);

/// How a session ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SessionEnd {
    /// Its client ended it, or went.
    Closed,
    /// Another one needed its room.
    MadeRoom,
    /// Another one of its caller did.
    MadeRoomForItsCaller,
    /// Nobody used it.
    Expired,
}

/// Tells of sessions.
#[derive(Debug)]
pub(crate) struct SessionNews {
    events: Arc<Events>,
    turn: Mutex<Turn>,
}

/// How many may be told of.
#[derive(Debug)]
struct Turn {
    left: u32,
    since: Instant,
    /// What was not told since something was.
    opened: u64,
    ended: u64,
}

impl SessionNews {
    pub(crate) fn new(events: Arc<Events>) -> Self {
        let turn = Turn {
            left: BURST,
            since: Instant::now(),
            opened: 0,
            ended: 0,
        };
        Self {
            events,
            turn: Mutex::new(turn),
        }
    }

    /// A session was opened, or goes on after a restart of the gateway.
    pub(crate) fn opened(&self, session: &Session, resumed: bool) {
        self.tell(true, || {
            let name = client_name(session);
            let who = name.as_deref().unwrap_or("a client without a name");
            let message = match resumed {
                false => format!("Session of {who} opened"),
                true => format!("Session of {who} goes on after a restart of the gateway"),
            };
            let news = News::info(Stage::SessionOpened, message).with("resumed", resumed);
            named(news, session, name.as_deref()).with("protocol_version", session.version())
        });
    }

    /// A session ended.
    pub(crate) fn ended(&self, session: &Session, how: SessionEnd) {
        self.tell(false, || {
            let name = client_name(session);
            let who = name.as_deref().unwrap_or("a client without a name");
            let news = match how {
                SessionEnd::Closed => News::info(Stage::SessionClosed, format!("Session of {who} closed")),
                SessionEnd::MadeRoom => made_room(who, "another one (server.max_sessions)"),
                SessionEnd::MadeRoomForItsCaller => {
                    made_room(who, "another one of its caller (server.max_sessions_per_caller)")
                }
                SessionEnd::Expired => {
                    let message = format!("Session of {who} expired (server.session_idle_timeout)");
                    News::info(Stage::SessionExpired, message)
                }
            };
            named(news, session, name.as_deref())
        });
    }

    fn tell(&self, opened: bool, news: impl FnOnce() -> News) {
        let untold = {
            let mut turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
            turn.take(opened)
        };
        let Some((opened, ended)) = untold else { return };
        let mut news = news();
        if opened + ended > 0 {
            news = news.with("untold_opened", opened).with("untold_ended", ended);
        }
        self.events.publish(news);
    }
}

impl Turn {
    /// What was not told before, if something may be told now.
    fn take(&mut self, opened: bool) -> Option<(u64, u64)> {
        let gained = self.since.elapsed().as_secs() / EACH.as_secs();
        if gained > 0 {
            self.left = BURST.min(self.left.saturating_add(u32::try_from(gained).unwrap_or(BURST)));
            self.since += Duration::from_secs(gained * EACH.as_secs());
        }
        match self.left.checked_sub(1) {
            Some(left) => {
                self.left = left;
                Some((std::mem::take(&mut self.opened), std::mem::take(&mut self.ended)))
            }
            None => {
                self.opened += u64::from(opened);
                self.ended += u64::from(!opened);
                None
            }
        }
    }
}

fn made_room(who: &str, whom: &str) -> News {
    News::warning(Stage::SessionClosed, format!("Session of {who} made room for {whom}"))
}

fn named(news: News, session: &Session, client: Option<&str>) -> News {
    news.with("session", session.public_id()).with("client", client)
}

/// What the client calls itself.
fn client_name(session: &Session) -> Option<String> {
    let info = Object::parse(session.declared().client_info.as_ref()?).ok()?;
    Some(shown(&info.get_str("name")?).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn many_sessions_are_counted_rather_than_told_of() {
        let events = Arc::new(Events::default());
        let sessions = SessionNews::new(Arc::clone(&events));
        let tell = |opened| sessions.tell(opened, || News::info(Stage::SessionOpened, "x"));
        for _ in 0..BURST {
            tell(true);
        }
        for _ in 0..5 {
            tell(true);
            tell(false);
        }
        tell(true);
        assert_eq!(events.recent(1000, |_| true).len(), BURST as usize);
        tokio::time::advance(EACH).await;
        tell(false);
        tell(false);
        let told = events.recent(1000, |_| true);
        assert_eq!(told.len(), BURST as usize + 1);
        let last = &told[BURST as usize].news.details;
        assert_eq!((&last["untold_opened"], &last["untold_ended"]), (&6.into(), &5.into()));
        tokio::time::advance(EACH * 1000).await;
        for _ in 0..BURST + 10 {
            tell(true);
        }
        assert_eq!(events.recent(1000, |_| true).len(), 2 * BURST as usize + 1);
    }
}
