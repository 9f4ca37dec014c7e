//! The whole file.

use crate::backend::{self, BackendEntry};
use crate::cache::{self, Cache};
use crate::catalogue::{self, Catalogue};
use crate::conflict::{self, ConflictResolution};
use crate::decode::{Context, Field, Fields, KeyPath, Kind, Preset, Section, rules};
use crate::flags::{self, FeatureFlags};
use crate::server::{self, Server};
use crate::tree::Node;

/// A configuration that has been read, expanded and checked.
#[derive(Clone, Debug)]
pub struct Config {
    /// The version of the file's form; only "1" exists.
    pub version: String,
    /// Where the gateway listens and how it starts and stops.
    pub server: Server,
    /// The backends, in the order of the file.
    pub backends: Vec<BackendEntry>,
    /// How the list of all capabilities is kept.
    pub catalogue: Catalogue,
    /// What backends answered, kept for the time that they gave.
    pub cache: Cache,
    /// What happens when two backends use one name.
    pub conflict_resolution: ConflictResolution,
    /// Parts of the gateway that can be switched.
    pub feature_flags: FeatureFlags,
}

const VERSION: Field =
    Field::new("version", Kind::Choice(&["1"]), "The version of the file's form.").preset(Preset::Text("1"));
const SERVER: Field = Field::new(
    "server",
    Kind::Section(server::FIELDS),
    "Where the gateway listens and how it starts and stops.",
);
const BACKENDS: Field = Field::new(
    "backends",
    Kind::NamedVariants {
        names: &rules::NAME,
        variants: backend::VARIANTS,
    },
    "The MCP servers behind the gateway, by name; their order decides between equal names.",
);
const CATALOGUE: Field = Field::new(
    "catalogue",
    Kind::Section(catalogue::FIELDS),
    "How the list of all capabilities is kept.",
);
const CACHE: Field = Field::new(
    "cache",
    Kind::Section(cache::FIELDS),
    "What backends answered, kept for the time that they gave.",
);
const CONFLICT_RESOLUTION: Field = Field::new(
    "conflict_resolution",
    Kind::Section(conflict::FIELDS),
    "What happens when two backends use one name.",
);
const FEATURE_FLAGS: Field = Field::new(
    "feature_flags",
    Kind::Section(flags::FIELDS),
    "Parts of the gateway that can be switched.",
);

pub(crate) const FIELDS: Fields = &[&[
    VERSION,
    SERVER,
    BACKENDS,
    CATALOGUE,
    CACHE,
    CONFLICT_RESOLUTION,
    FEATURE_FLAGS,
]];

impl Config {
    /// Reads the file's tree; what is wrong is in the context afterwards.
    pub(crate) fn read(root: &Node, cx: &mut Context<'_>) -> Option<Self> {
        let section = Section::open(root, KeyPath::default(), 0..0, FIELDS, cx)?;
        let version = section.choice(&VERSION, cx).unwrap_or_default().to_owned();
        let server = Server::read(&section.section(&SERVER, cx), cx);
        let named = section.named(&BACKENDS, cx);
        let names: Vec<&str> = named.iter().map(|named| named.name).collect();
        let feature_flags = FeatureFlags::read(&section.section(&FEATURE_FLAGS, cx), cx);
        feature_flags.check(&named, cx);
        Some(Self {
            version,
            server,
            backends: named.iter().filter_map(|named| BackendEntry::read(named, cx)).collect(),
            catalogue: Catalogue::read(&section.section(&CATALOGUE, cx), cx),
            cache: Cache::read(&section.section(&CACHE, cx), cx),
            conflict_resolution: ConflictResolution::read(&section.section(&CONFLICT_RESOLUTION, cx), &names, cx),
            feature_flags,
        })
    }
}

/// What an empty file says: the defaults and no backend.
impl Default for Config {
    fn default() -> Self {
        Self {
            version: "1".to_owned(),
            server: Server::default(),
            backends: Vec::new(),
            catalogue: Catalogue::default(),
            cache: Cache::default(),
            conflict_resolution: ConflictResolution::default(),
            feature_flags: FeatureFlags::default(),
        }
    }
}
