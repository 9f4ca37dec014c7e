//! How a field is declared: its key, what its value may be, its default and its meaning.

use std::time::Duration;

use crate::suggest::list;

/// The keys of a section; several tables when kinds of a section share some.
pub(crate) type Fields = &'static [&'static [Field]];

/// One key of a section.
#[derive(Clone, Copy)]
pub(crate) struct Field {
    pub(crate) key: &'static str,
    pub(crate) kind: Kind,
    pub(crate) preset: Preset,
    pub(crate) required: bool,
    pub(crate) secrecy: Secrecy,
    /// One sentence for the JSON schema.
    pub(crate) doc: &'static str,
}

/// What the value of a key may be.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    /// A text that keeps a rule.
    Text(&'static Rule),
    /// `true` or `false`.
    Flag,
    /// A whole number in a range, both ends included.
    Whole { min: u64, max: u64 },
    /// A number of seconds in a range, both ends included; fractions are allowed.
    Seconds { min: f64, max: f64 },
    /// The same, or one of a few words.
    SecondsOr {
        min: f64,
        max: f64,
        words: &'static [&'static str],
    },
    /// One of a few words.
    Choice(&'static [&'static str]),
    /// A list of texts.
    Texts(&'static Rule),
    /// Texts under names of the reader's choice.
    TextMap {
        names: &'static Rule,
        values: &'static Rule,
    },
    /// A section of its own.
    Section(Fields),
    /// Sections under names of the reader's choice.
    Sections { names: &'static Rule, fields: Fields },
    /// A section whose key `type` decides which keys it has.
    Variants(&'static [Variant]),
    /// Such sections under names of the reader's choice.
    NamedVariants {
        names: &'static Rule,
        variants: &'static [Variant],
    },
}

/// One kind of a section with its keys, `type` among them.
#[derive(Clone, Copy)]
pub(crate) struct Variant {
    pub(crate) name: &'static str,
    pub(crate) fields: Fields,
}

/// How much of a value nobody may see.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Secrecy {
    /// Nothing.
    Open,
    /// All of it.
    Secret,
    /// What may be a key in an address.
    Address,
}

/// The value of a key that is not written.
#[derive(Clone, Copy)]
pub(crate) enum Preset {
    /// There is none, or it depends on other keys.
    None,
    Text(&'static str),
    Flag(bool),
    Whole(u64),
    Seconds(f64),
}

/// A number of seconds, or the word that stands in its place.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum SecondsOr {
    Seconds(Duration),
    Word(&'static str),
}

/// What a text must look like.
pub(crate) struct Rule {
    /// What it is, with its article: "a host name or an address".
    pub(crate) noun: &'static str,
    /// Says what is wrong, as the rest of a sentence that begins with the key. It never repeats the text.
    pub(crate) check: fn(&str) -> Result<(), String>,
    /// The rule as a regular expression for the JSON schema, where one can say it.
    pub(crate) pattern: Option<&'static str>,
}

impl Field {
    /// An optional key without a default.
    pub(crate) const fn new(key: &'static str, kind: Kind, doc: &'static str) -> Self {
        Self {
            key,
            kind,
            preset: Preset::None,
            required: false,
            secrecy: Secrecy::Open,
            doc,
        }
    }

    /// Gives the default.
    pub(crate) const fn preset(mut self, preset: Preset) -> Self {
        self.preset = preset;
        self
    }

    /// Its value is a secret, or may hold one.
    pub(crate) const fn secret(mut self) -> Self {
        self.secrecy = Secrecy::Secret;
        self
    }

    /// Its value is an address, whose path or query may hold a secret.
    pub(crate) const fn secret_address(mut self) -> Self {
        self.secrecy = Secrecy::Address;
        self
    }

    /// Makes the key required.
    pub(crate) const fn required(mut self) -> Self {
        self.required = true;
        self
    }
}

impl Variant {
    /// Whether this kind has the key.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.fields.iter().copied().flatten().any(|field| field.key == key)
    }
}

impl Kind {
    /// The rule for names that the reader chooses, where the kind has such.
    pub(crate) fn names(&self) -> Option<&'static Rule> {
        match self {
            Self::TextMap { names, .. } | Self::Sections { names, .. } | Self::NamedVariants { names, .. } => {
                Some(names)
            }
            _ => None,
        }
    }

    /// What the value must be, in words for a message.
    pub(crate) fn expected(&self) -> String {
        match self {
            Self::Text(rule) => rule.noun.to_owned(),
            Self::Flag => "`true` or `false`".to_owned(),
            Self::Whole { min, max } => format!("a whole number from {min} to {max}"),
            Self::Seconds { min, max } => format!("a number of seconds from {min} to {max}"),
            Self::SecondsOr { min, max, words } => {
                format!("a number of seconds from {min} to {max}, or {}", one_of(words))
            }
            Self::Choice(words) => one_of(words),
            Self::Texts(_) => "a list of texts".to_owned(),
            Self::TextMap { .. } => "a mapping of names to texts".to_owned(),
            Self::Section(_) | Self::Variants(_) => "a mapping".to_owned(),
            Self::Sections { .. } | Self::NamedVariants { .. } => "a mapping of names to mappings".to_owned(),
        }
    }
}

/// The words of a choice, for a message.
pub(crate) fn one_of(words: &[&'static str]) -> String {
    match words {
        [one] => format!("`{one}`"),
        words => format!("one of {}", list(words.iter().copied())),
    }
}
