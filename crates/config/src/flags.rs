//! `feature_flags`: parts of the gateway that can be switched.

use crate::decode::{Context, Field, Fields, Kind, Preset, Section, defaults};

/// Parts of the gateway that can be switched.
#[derive(Clone, Debug, Eq, PartialEq)]
#[allow(clippy::struct_excessive_bools, reason = "each is one switch of the file")]
pub struct FeatureFlags {
    /// Tool search instead of the full tool list.
    pub optimizer: bool,
    /// Changes of the file take effect without a restart.
    pub hot_reload: bool,
    /// Credentials are sent to backends.
    pub outgoing_auth: bool,
    /// Sessions of clients are kept and listed.
    pub session_management: bool,
    /// The configuration is read from YAML.
    pub yaml_config: bool,
    /// Local backends run in containers.
    pub container_isolation: bool,
    /// Images of backends are built at the start.
    pub build_on_startup: bool,
    /// Images are based on Docker Hardened Images.
    pub use_dhi_images: bool,
}

const OPTIMIZER: Field = flag("optimizer", false, "Tool search instead of the full tool list.");
const HOT_RELOAD: Field = flag("hot_reload", true, "Changes of the file take effect without a restart.");
const OUTGOING_AUTH: Field = flag("outgoing_auth", true, "Credentials are sent to backends.");
const SESSION_MANAGEMENT: Field = flag("session_management", true, "Sessions of clients are kept and listed.");
const YAML_CONFIG: Field = flag("yaml_config", true, "The configuration is read from YAML.");
const CONTAINER_ISOLATION: Field = flag("container_isolation", true, "Local backends run in containers.");
const BUILD_ON_STARTUP: Field = flag("build_on_startup", true, "Images of backends are built at the start.");
const USE_DHI_IMAGES: Field = flag("use_dhi_images", false, "Images are based on Docker Hardened Images.");

pub(crate) const FIELDS: Fields = &[&[
    OPTIMIZER,
    HOT_RELOAD,
    OUTGOING_AUTH,
    SESSION_MANAGEMENT,
    YAML_CONFIG,
    CONTAINER_ISOLATION,
    BUILD_ON_STARTUP,
    USE_DHI_IMAGES,
]];

const fn flag(key: &'static str, preset: bool, doc: &'static str) -> Field {
    Field::new(key, Kind::Flag, doc).preset(Preset::Flag(preset))
}

impl FeatureFlags {
    pub(crate) fn read(section: &Section<'_>, cx: &mut Context<'_>) -> Self {
        Self {
            optimizer: section.flag(&OPTIMIZER, cx),
            hot_reload: section.flag(&HOT_RELOAD, cx),
            outgoing_auth: section.flag(&OUTGOING_AUTH, cx),
            session_management: section.flag(&SESSION_MANAGEMENT, cx),
            yaml_config: section.flag(&YAML_CONFIG, cx),
            container_isolation: section.flag(&CONTAINER_ISOLATION, cx),
            build_on_startup: section.flag(&BUILD_ON_STARTUP, cx),
            use_dhi_images: section.flag(&USE_DHI_IMAGES, cx),
        }
    }
}

impl Default for FeatureFlags {
    fn default() -> Self {
        defaults(Self::read)
    }
}
