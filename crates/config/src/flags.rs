//! `feature_flags`: parts of the gateway that can be switched.

use crate::decode::{Context, Field, Fields, Kind, Named, Preset, Section, defaults};
use crate::diagnose::Problem;

/// Parts of the gateway that can be switched.
#[derive(Clone, Debug, Eq, PartialEq)]
#[allow(clippy::struct_excessive_bools, reason = "each is one switch of the file")]
pub struct FeatureFlags {
    /// Tool search instead of the full tool list; not there yet, so it is never on.
    pub optimizer: bool,
    /// Changes of the file take effect without a restart.
    pub hot_reload: bool,
    /// Backends may have credentials (`auth`).
    pub outgoing_auth: bool,
    /// Clients may open sessions; else only those of 2026-07-28 are served.
    pub session_management: bool,
    /// The configuration is read from YAML; always on.
    pub yaml_config: bool,
    /// Local backends run in containers.
    pub container_isolation: bool,
    /// Images of backends are built at the start.
    pub build_on_startup: bool,
    /// Images are based on Docker Hardened Images.
    pub use_dhi_images: bool,
}

const OPTIMIZER: Field = flag(
    "optimizer",
    false,
    "Tool search instead of the full tool list; this release has none, so it is refused.",
);
const HOT_RELOAD: Field = flag("hot_reload", true, "Changes of the file take effect without a restart.");
const OUTGOING_AUTH: Field = flag(
    "outgoing_auth",
    true,
    "Backends may have credentials; without it, a backend with `auth` is refused.",
);
const SESSION_MANAGEMENT: Field = flag(
    "session_management",
    true,
    "Clients may open sessions; without it, only clients of 2026-07-28 are served.",
);
const YAML_CONFIG: Field = flag(
    "yaml_config",
    true,
    "The configuration is read from YAML; `false` is refused.",
);
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
        let flags = Self {
            optimizer: section.flag(&OPTIMIZER, cx),
            hot_reload: section.flag(&HOT_RELOAD, cx),
            outgoing_auth: section.flag(&OUTGOING_AUTH, cx),
            session_management: section.flag(&SESSION_MANAGEMENT, cx),
            yaml_config: section.flag(&YAML_CONFIG, cx),
            container_isolation: section.flag(&CONTAINER_ISOLATION, cx),
            build_on_startup: section.flag(&BUILD_ON_STARTUP, cx),
            use_dhi_images: section.flag(&USE_DHI_IMAGES, cx),
        };
        if flags.optimizer {
            refuse(
                section,
                &OPTIMIZER,
                "true",
                "this release has no tool search yet; remove the key",
                cx,
            );
        }
        if !flags.yaml_config {
            let why = "the configuration is always read from YAML; remove the key";
            refuse(section, &YAML_CONFIG, "false", why, cx);
        }
        flags
    }

    /// Refuses the backends that a flag forbids.
    pub(crate) fn check(&self, backends: &[Named<'_>], cx: &mut Context<'_>) {
        for backend in backends.iter().filter(|_| !self.outgoing_auth) {
            let Some(span) = backend.key_span("auth") else { continue };
            let message = format!(
                "`{}.auth` is not allowed: `feature_flags.outgoing_auth` is `false`",
                backend.path
            );
            cx.report(Problem::new(span, message).help("remove `auth` from the backend, or remove the flag"));
        }
    }
}

fn refuse(section: &Section<'_>, flag: &Field, value: &str, why: &str, cx: &mut Context<'_>) {
    if let Some(span) = section.place_of(flag) {
        let message = format!("`{}: {value}` is not available", section.path.key(flag.key));
        cx.report(Problem::new(span, message).help(why));
    }
}

impl Default for FeatureFlags {
    fn default() -> Self {
        defaults(Self::read)
    }
}
