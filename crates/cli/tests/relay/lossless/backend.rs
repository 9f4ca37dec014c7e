//! The backends of these tests: one for each transport and generation, all saying what they are told to say.

use argus_testkit::{Client, Journal};

use crate::world::{Running, World};

/// A way to a backend.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Way {
    /// The prefix of its tools.
    pub(crate) name: &'static str,
    http: bool,
    json: bool,
    modern: bool,
}

/// All ways.
pub(crate) const WAYS: [Way; 6] = [
    Way {
        name: "stdio-legacy",
        http: false,
        json: false,
        modern: false,
    },
    Way {
        name: "stream-legacy",
        http: true,
        json: false,
        modern: false,
    },
    Way {
        name: "json-legacy",
        http: true,
        json: true,
        modern: false,
    },
    Way {
        name: "stdio-modern",
        http: false,
        json: false,
        modern: true,
    },
    Way {
        name: "stream-modern",
        http: true,
        json: false,
        modern: true,
    },
    Way {
        name: "json-modern",
        http: true,
        json: true,
        modern: true,
    },
];

impl Way {
    /// Whether anything can be said before the answer.
    pub(crate) fn can_speak_first(self) -> bool {
        !self.json
    }

    pub(crate) fn is_json(self) -> bool {
        self.json
    }

    pub(crate) fn is_stdio(self) -> bool {
        !self.http
    }

    pub(crate) fn is_modern(self) -> bool {
        self.modern
    }

    /// A client of the same generation, which can be asked.
    pub(crate) async fn client(self, running: &Running) -> Client {
        if self.modern {
            running.modern()
        } else {
            running.askable().await
        }
    }

    /// The name of one of its tools.
    pub(crate) fn tool(self, name: &str) -> String {
        format!("{}-{name}", self.name)
    }

    /// Adds the backend; in `script`, `%` stands for its name.
    pub(crate) fn add(self, world: &mut World, script: &str) -> Journal {
        let script = world.script(self.name, &script.replace('%', self.name));
        let era = if self.modern { "modern" } else { "legacy" };
        let mut arguments = vec!["verbatim", "--script", &script, "--era", era];
        if self.json {
            arguments.push("--json");
        }
        if self.http {
            world.http(self.name, &arguments)
        } else {
            world.stdio(self.name, &arguments)
        }
    }
}

/// A gateway with a backend for each way that `wanted` names.
pub(crate) fn all(script: &str, wanted: impl Fn(Way) -> bool) -> (Running, Vec<(Way, Journal)>) {
    let mut world = World::new();
    let ways: Vec<Way> = WAYS.into_iter().filter(|&way| wanted(way)).collect();
    let journals = ways.into_iter().map(|way| (way, way.add(&mut world, script))).collect();
    (world.start(), journals)
}

/// The parameters of the last call that a backend was sent.
pub(crate) fn last_call(journal: &Journal) -> String {
    journal.messages("tools/call").pop().unwrap().params().unwrap()
}
