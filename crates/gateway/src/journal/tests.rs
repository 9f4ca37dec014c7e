//! Sessions that outlive a process, without the rest of it.

use argus_protocol::Raw;
use argus_upstream::Declared;
use tempfile::TempDir;

use super::*;
use crate::seal::Seal;
use crate::session::{Bounds, Caller, Life, Principal, Session, SessionError, Sessions};

const IDLE: Duration = Duration::from_secs(3600);

/// One process.
struct Process {
    sessions: Sessions,
    journal: Arc<Journal>,
}

impl Process {
    fn start(folder: &TempDir) -> Self {
        Self::with(folder, 100)
    }

    fn with(folder: &TempDir, most: usize) -> Self {
        let journal = Journal::in_folder(folder.path(), IDLE, most).unwrap();
        let seal = Arc::new(Seal::in_folder(folder.path()).unwrap());
        let server = argus_config::Server {
            max_sessions: most,
            max_sessions_per_caller: 1000,
            ..argus_config::Config::default().server
        };
        let process = Self {
            sessions: Sessions::new(Bounds::from(&server), Some(Arc::clone(&journal)), seal),
            journal,
        };
        process.write();
        process
    }

    fn write(&self) {
        self.journal.write(|| self.sessions.all()).unwrap();
    }

    fn open(&self) -> Arc<Session> {
        self.open_as(Declared::nothing(), somebody())
    }

    fn open_as(&self, declared: Declared, caller: Caller) -> Arc<Session> {
        let opened = self.sessions.open("2025-06-18", declared, caller, Life::Lasting);
        opened.unwrap()
    }

    fn back(&self, id: &str) -> Result<Arc<Session>, SessionError> {
        self.back_as(id, somebody())
    }

    fn back_as(&self, id: &str, caller: Caller) -> Result<Arc<Session>, SessionError> {
        let returning = self.sessions.returning(id, caller).ok_or(SessionError::Unknown)?;
        self.sessions.take_in(id, &returning, caller)
    }

    fn is_back(&self, id: &str) -> bool {
        self.back(id).is_ok()
    }
}

/// A session that the test still holds has its journal.
impl Drop for Process {
    fn drop(&mut self) {
        self.journal.file.lock().unwrap().release();
    }
}

fn somebody() -> Caller {
    Caller::at([10, 0, 0, 1].into())
}

fn backend() -> Arc<str> {
    "b".into()
}

fn text(folder: &TempDir) -> String {
    std::fs::read_to_string(folder.path().join("sessions.journal")).unwrap()
}

#[tokio::test]
async fn a_session_is_there_again_with_what_it_had() {
    let folder = tempfile::tempdir().unwrap();
    let process = Process::start(&folder);
    let declared = Declared {
        capabilities: Raw::parse(r#"{"sampling": {}}"#).unwrap(),
        client_info: Some(Raw::parse(r#"{"name":"c"}"#).unwrap()),
    };
    let session = process.open_as(declared.clone(), somebody());
    session.set_level(Level::INFO);
    for uri in ["x://1", "x://2"] {
        assert!(session.subscribe(&backend(), uri));
    }
    session.unsubscribe("b", "x://1");
    let plain = process.open();
    process.write();
    let (id, plain) = (session.id().to_owned(), plain.id().to_owned());
    drop((process, session));

    // Two starts later, too, whether somebody looked at it in between or not.
    for visit in [false, true, true] {
        let process = Process::start(&folder);
        if visit {
            let back = process.back(&id).unwrap();
            assert_eq!(
                (back.id(), back.version(), back.declared()),
                (&*id, "2025-06-18", &declared)
            );
            assert_eq!(back.level(), Some(Level::INFO));
            assert!(back.subscribes("b", "x://2") && !back.subscribes("b", "x://1"));
            assert!(back.first_time_here() && !back.first_time_here());
            let again = process.back(&id).unwrap();
            assert!(Arc::ptr_eq(&back, &again), "it is there once");
            assert!(process.is_back(&plain));
        }
        assert!(!text(&folder).contains(&id), "an id lets its holder in");
    }
}

#[tokio::test]
async fn what_ended_does_not_come_back() {
    let folder = tempfile::tempdir().unwrap();
    let process = Process::start(&folder);
    let (ended, stays) = (process.open(), process.open());
    process.sessions.close(ended.id()).unwrap();
    assert!(!process.is_back(ended.id()), "in the same process");
    process.write();
    drop(process);
    let process = Process::start(&folder);
    assert!(!process.is_back(ended.id()) && process.is_back(stays.id()));
    // It came back, and ends now.
    process.sessions.close(stays.id()).unwrap();
    assert!(!process.is_back(stays.id()));
    process.write();
    drop(process);
    for _ in 0..2 {
        drop(Process::start(&folder));
    }
    let process = Process::start(&folder);
    assert!(!process.is_back(ended.id()) && !process.is_back(stays.id()));
}

#[tokio::test]
async fn what_leaves_with_its_process_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let process = Process::start(&folder);
    let session = process.open();
    process.sessions.leave(session.id()).unwrap();
    process.write();
    drop(process);
    assert!(Process::start(&folder).is_back(session.id()));
}

#[tokio::test(start_paused = true)]
async fn nobody_is_waited_for_longer_than_a_session_may_be_idle() {
    let folder = tempfile::tempdir().unwrap();
    let process = Process::start(&folder);
    let (comes, stays_away) = (process.open(), process.open());
    assert!(stays_away.subscribe(&backend(), "x://1"));
    process.write();
    drop(process);
    let process = Process::start(&folder);
    let back = process.back(comes.id()).unwrap();
    tokio::time::advance(IDLE + Duration::from_secs(1)).await;
    assert!(!process.is_back(stays_away.id()));
    process.journal.forget();
    process.write();
    let young = process.open();
    assert!(!text(&folder).contains("x://1"));
    drop((process, back));
    let process = Process::start(&folder);
    assert!(
        !process.is_back(stays_away.id()),
        "it does not come back with another start"
    );
    assert!(process.is_back(comes.id()) && process.is_back(young.id()));
}

#[tokio::test]
async fn a_session_is_its_principals_alone() {
    let folder = tempfile::tempdir().unwrap();
    let process = Process::start(&folder);
    let [alice, bob] = ["alice", "bob"].map(|name| Caller::known(Principal::named(name)));
    let session = process.open_as(Declared::nothing(), alice);
    let id = session.id();
    let is_there = |process: &Process, caller| process.sessions.get(id, caller).is_ok();
    assert!(is_there(&process, alice) && !is_there(&process, bob) && !is_there(&process, somebody()));
    drop(process);
    let process = Process::start(&folder);
    assert!(process.back_as(id, bob).is_err() && process.back(id).is_err());
    process.back_as(id, alice).unwrap();
    assert!(is_there(&process, alice) && !is_there(&process, bob) && !is_there(&process, somebody()));
}

#[tokio::test]
async fn what_is_too_long_for_an_id_is_in_the_journal() {
    let folder = tempfile::tempdir().unwrap();
    let process = Process::start(&folder);
    let declared = |icons: usize| Declared {
        capabilities: Raw::empty_object(),
        client_info: Some(Raw::string(&"icon ".repeat(icons))),
    };
    let session = process.open_as(declared(3000), somebody());
    let too_much = process.open_as(declared(4000), somebody());
    assert!(session.id().len() < 1024 && too_much.id().len() < 1024);
    process.write();
    drop(process);
    for _ in 0..2 {
        let process = Process::start(&folder);
        assert_eq!(process.back(session.id()).unwrap().declared(), &declared(3000));
        assert!(!process.is_back(too_much.id()));
        assert!(text(&folder).len() < 20_000);
    }
    // Without it nobody knows what to tell the backends.
    std::fs::write(folder.path().join("sessions.journal"), "{\"begin\":[1,0]}\n").unwrap();
    assert!(!Process::start(&folder).is_back(session.id()));
}

#[tokio::test]
async fn without_the_journal_nothing_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let process = Process::start(&folder);
    let session = process.open();
    process.write();
    drop(process);
    std::fs::remove_file(folder.path().join("sessions.journal")).unwrap();
    assert!(!Process::start(&folder).is_back(session.id()));
    assert!(!Process::start(&folder).is_back(session.id()));
}

#[tokio::test]
async fn those_who_come_back_are_bounded_like_others() {
    let folder = tempfile::tempdir().unwrap();
    let process = Process::with(&folder, 2);
    let (one, two) = (process.open(), process.open());
    drop(process);
    let process = Process::with(&folder, 2);
    let _new = process.open();
    assert!(process.is_back(one.id()));
    assert!(matches!(process.back(two.id()), Err(SessionError::TooMany(2))));
    process.sessions.close(one.id()).unwrap();
    assert!(process.is_back(two.id()) && !process.is_back(one.id()));
}

#[tokio::test]
async fn the_file_stays_short() {
    let folder = tempfile::tempdir().unwrap();
    let process = Process::start(&folder);
    let session = process.open();
    let uri = "x".repeat(8000);
    for _ in 0..200 {
        for _ in 0..10 {
            assert!(session.subscribe(&backend(), &uri));
            session.unsubscribe("b", &uri);
        }
        process.write();
        assert!(text(&folder).len() < 1_500_000);
    }
    assert!(session.subscribe(&backend(), &uri));
    process.write();
    drop(process);
    assert!(
        Process::start(&folder)
            .back(session.id())
            .unwrap()
            .subscribes("b", &uri)
    );
}

#[tokio::test]
async fn ended_sessions_are_forgotten_when_they_cannot_come_back_anyway() {
    let folder = tempfile::tempdir().unwrap();
    let process = Process::start(&folder);
    let stays = process.open();
    {
        let mut book = process.journal.book();
        let old = |random| Key {
            born: 5,
            epoch: 1,
            random,
        };
        book.ended.extend((0..100_001).map(old));
    }
    process.write();
    assert!(process.journal.book().ended.is_empty());
    assert!(text(&folder).len() > 1_000_000, "they were listed once more");
    process.journal.book().anew = true;
    process.write();
    assert!(text(&folder).len() < 1000);
    drop(process);
    assert!(Process::start(&folder).is_back(stays.id()));
}

#[tokio::test]
async fn a_disk_that_fails_breaks_nothing_and_is_made_up_for() {
    let folder = tempfile::tempdir().unwrap();
    let process = Process::start(&folder);
    let draft = folder.path().join("sessions.journal.new");
    std::fs::create_dir(&draft).unwrap();
    let (session, ended) = (process.open(), process.open());
    process.journal.book().anew = true;
    let write = || process.journal.write(|| process.sessions.all());
    assert!(write().is_err());
    assert!(session.subscribe(&backend(), "x://1"));
    process.sessions.close(ended.id()).unwrap();
    assert!(write().is_err());
    std::fs::remove_dir(&draft).unwrap();
    write().unwrap();
    drop(process);
    let process = Process::start(&folder);
    assert!(process.back(session.id()).unwrap().subscribes("b", "x://1"));
    assert!(!process.is_back(ended.id()));
}

#[test]
fn time_does_not_go_back_with_the_clock() {
    let folder = tempfile::tempdir().unwrap();
    let journal = Journal::in_folder(folder.path(), IDLE, 1).unwrap();
    let far = clock() + 1_000_000;
    journal.newest.store(far, Ordering::Relaxed);
    let born = [journal.key().unwrap().born, journal.key().unwrap().born];
    assert_eq!(born, [far, far]);
}
