//! From YAML text to the tree; finds syntax errors, duplicate keys and alias bombs.

use std::collections::{HashMap, HashSet};

use granit_parser::{Event, Options, Parser, ScalarStyle, ScanError, Span as YamlSpan, StrInput, Tag};

use super::{Entry, Node, Scalar, Span, Value};
use crate::diagnose::Problem;
use crate::obsolete;

/// The most nodes a document may have once its aliases are written out.
const MAX_NODES: usize = 50_000;
/// The most bytes of text that aliases may repeat, all together.
const MAX_REPEATED: usize = 4 << 20;
/// The deepest nesting that is read; the configuration itself needs six levels.
const MAX_DEPTH: usize = 64;

/// Reads one YAML document. `None` stands for an empty file or one that cannot be read further.
pub(crate) fn parse(source: &str, problems: &mut Vec<Problem>) -> Option<Node> {
    let mut builder = Builder {
        source,
        newlines: source.match_indices('\n').map(|(at, _)| at).collect(),
        anchors: HashMap::new(),
        nodes: 0,
        repeated: 0,
        secret: 0,
        problems,
    };
    let mut events = events(source);
    match builder.document(&mut events) {
        Ok(root) => root,
        Err(stop) => {
            builder.problems.push(stop.0);
            None
        }
    }
}

fn events(source: &str) -> Parser<'_, StrInput<'_>> {
    let mut options = Options::default();
    options.emit_comments = false;
    options.emit_unresolved_aliases = true;
    options.flow_nesting_limit = MAX_DEPTH;
    options.block_nesting_limit = MAX_DEPTH;
    Parser::new_from_str_with_options(source, options)
}

/// A problem after which nothing more of the file can be read.
struct Stop(Problem);

type Events<'s> = Parser<'s, StrInput<'s>>;

struct Builder<'s, 'p> {
    source: &'s str,
    newlines: Vec<usize>,
    anchors: HashMap<usize, Node>,
    nodes: usize,
    /// The bytes that aliases repeat.
    repeated: usize,
    /// How many of the keys around what is read now have secrets below: then no message repeats a key.
    secret: usize,
    problems: &'p mut Vec<Problem>,
}

impl<'s> Builder<'s, '_> {
    fn document(&mut self, events: &mut Events<'s>) -> Result<Option<Node>, Stop> {
        let mut root = None;
        while let Some((event, span)) = self.next(events)? {
            match event {
                Event::DocumentStart(..) if root.is_some() => {
                    return Err(Stop(
                        Problem::new(self.range(span), "a second YAML document begins here")
                            .help("write the whole configuration in one document; remove the `---` line"),
                    ));
                }
                Event::StreamStart | Event::StreamEnd | Event::DocumentStart(..) | Event::DocumentEnd => {}
                event => root = Some(self.node(event, span, events)?),
            }
        }
        Ok(root)
    }

    fn next(&self, events: &mut Events<'s>) -> Result<Option<(Event<'s>, YamlSpan)>, Stop> {
        events.next().transpose().map_err(|error| Stop(self.syntax(&error)))
    }

    fn node(&mut self, event: Event<'s>, span: YamlSpan, events: &mut Events<'s>) -> Result<Node, Stop> {
        let span = self.range(span);
        self.count(1, &span)?;
        let (anchor, value) = match event {
            Event::Scalar(text, style, anchor, tag) => {
                let plain = style == ScalarStyle::Plain && !self.is_text_tag(tag.as_deref(), &span);
                (
                    anchor,
                    Value::Scalar(Scalar {
                        text: text.into_owned(),
                        plain,
                    }),
                )
            }
            Event::SequenceStart(_, anchor, tag) => {
                self.is_text_tag(tag.as_deref(), &span);
                (anchor, Value::List(self.list(events)?))
            }
            Event::MappingStart(_, anchor, tag) => {
                self.is_text_tag(tag.as_deref(), &span);
                (anchor, Value::Mapping(self.mapping(events)?))
            }
            Event::Alias(anchor) => return self.alias(anchor, &span),
            Event::UnresolvedAlias(_) => {
                // Its name may be a secret that begins with an asterisk.
                self.problems
                    .push(Problem::new(span.clone(), "an alias points to no anchor").help(
                        "define its anchor (`&name`) above this line, or quote the value if it is meant as text",
                    ));
                (
                    0,
                    Value::Scalar(Scalar {
                        text: String::new(),
                        plain: true,
                    }),
                )
            }
            other => return Err(Stop(Problem::new(span, format!("unexpected YAML {other:?}")))),
        };
        let node = Node { span, value };
        if anchor != 0 {
            self.anchors.insert(anchor, node.clone());
        }
        Ok(node)
    }

    fn list(&mut self, events: &mut Events<'s>) -> Result<Vec<Node>, Stop> {
        let mut items = Vec::new();
        while let Some((event, span)) = self.next(events)? {
            if event == Event::SequenceEnd {
                break;
            }
            items.push(self.node(event, span, events)?);
        }
        Ok(items)
    }

    fn mapping(&mut self, events: &mut Events<'s>) -> Result<Vec<Entry>, Stop> {
        let mut entries: Vec<Entry> = Vec::new();
        let mut places = HashMap::new();
        let mut merges = Vec::new();
        while let Some((event, span)) = self.next(events)? {
            if event == Event::MappingEnd {
                break;
            }
            let key = self.node(event, span, events)?;
            let Some((event, span)) = self.next(events)? else { break };
            let secret = matches!(&key.value, Value::Scalar(scalar) if obsolete::is_around_secrets(&scalar.text));
            self.secret += usize::from(secret);
            let value = self.node(event, span, events)?;
            self.secret -= usize::from(secret);
            match self.key(key) {
                Some((key, _, true)) if key == "<<" => merges.push(value),
                Some((key, span, _)) => self.insert(&mut entries, &mut places, key, span, value),
                None => {}
            }
        }
        let mut known: HashSet<String> = places.into_keys().collect();
        for merged in merges {
            self.merge(&mut entries, &mut known, merged);
        }
        Ok(entries)
    }

    /// A key's text, place and whether it was written plain; anything but a single value is refused.
    fn key(&mut self, key: Node) -> Option<(String, Span, bool)> {
        match key.value {
            Value::Scalar(scalar) => Some((scalar.text, key.span, scalar.plain)),
            _ => {
                self.problems.push(Problem::new(
                    key.span,
                    "a key must be a single word, not a list or a mapping",
                ));
                None
            }
        }
    }

    fn insert(
        &mut self,
        entries: &mut Vec<Entry>,
        places: &mut HashMap<String, usize>,
        key: String,
        key_span: Span,
        value: Node,
    ) {
        let Some(first) = places.get(&key) else {
            places.insert(key.clone(), key_span.start);
            entries.push(Entry { key, key_span, value });
            return;
        };
        let line = self.line(*first);
        let message = match self.secret {
            0 => format!("the key `{key}` is written twice"),
            _ => "a key is written twice".to_owned(),
        };
        let help = format!("it already stands in line {line}; keep one of the two");
        self.problems.push(Problem::new(key_span, message).help(help));
    }

    /// `<<: *base`: takes over the keys that are not written here.
    fn merge(&mut self, entries: &mut Vec<Entry>, known: &mut HashSet<String>, merged: Node) {
        match merged.value {
            Value::Mapping(inherited) => {
                for entry in inherited {
                    if known.insert(entry.key.clone()) {
                        entries.push(entry);
                    }
                }
            }
            Value::List(sources) if sources.iter().all(|node| matches!(node.value, Value::Mapping(_))) => {
                for source in sources {
                    self.merge(entries, known, source);
                }
            }
            _ => self.problems.push(
                Problem::new(merged.span, "`<<` needs an alias of a mapping, or a list of such")
                    .help("for example `<<: *base`, with `&base` at a mapping above"),
            ),
        }
    }

    fn alias(&mut self, anchor: usize, span: &Span) -> Result<Node, Stop> {
        let node = self.anchors.get(&anchor).cloned().ok_or_else(|| {
            Stop(
                Problem::new(span.clone(), "this alias stands inside the node that it points to")
                    .help("an alias can only repeat a node that is already complete"),
            )
        })?;
        self.count(size(&node), span)?;
        self.repeated += length(&node);
        if self.repeated > MAX_REPEATED {
            let problem = Problem::new(
                span.clone(),
                "the aliases of the document repeat more than 4 MiB of text",
            );
            return Err(Stop(problem.help("use fewer or smaller aliases")));
        }
        Ok(node)
    }

    fn count(&mut self, more: usize, span: &Span) -> Result<(), Stop> {
        self.nodes += more;
        if self.nodes <= MAX_NODES {
            return Ok(());
        }
        Err(Stop(
            Problem::new(
                span.clone(),
                format!("the document grows beyond {MAX_NODES} values here"),
            )
            .help("use fewer or smaller aliases"),
        ))
    }

    /// Whether the tag says "text"; a tag that is not YAML's own is refused.
    fn is_text_tag(&mut self, tag: Option<&Tag>, span: &Span) -> bool {
        let Some(tag) = tag else { return false };
        if tag.core_suffix().is_none() {
            self.problems
                .push(Problem::new(span.clone(), "the tag means nothing here").help("remove the tag"));
        }
        tag.core_suffix().is_some_and(|suffix| suffix == "str")
    }

    fn syntax(&self, error: &ScanError) -> Problem {
        let at = error
            .marker()
            .byte_offset()
            .unwrap_or(self.source.len())
            .min(self.source.len());
        Problem::new(at..at, format!("this is not valid YAML: {}", error.info()))
            .help("check the indentation, colons, quotes and brackets up to this place")
    }

    fn range(&self, span: YamlSpan) -> Span {
        let range = span.byte_range().unwrap_or(0..0);
        let text = self.source.get(range.clone()).unwrap_or_default();
        let first_line = text.lines().next().unwrap_or_default().len();
        range.start..range.start + first_line
    }

    fn line(&self, offset: usize) -> usize {
        self.newlines.partition_point(|newline| *newline < offset) + 1
    }
}

/// The bytes of text in a tree.
fn length(node: &Node) -> usize {
    match &node.value {
        Value::Scalar(scalar) => scalar.text.len(),
        Value::List(items) => items.iter().map(length).sum(),
        Value::Mapping(entries) => entries.iter().map(|entry| entry.key.len() + length(&entry.value)).sum(),
    }
}

/// The number of nodes in a tree.
fn size(node: &Node) -> usize {
    1 + match &node.value {
        Value::Scalar(_) => 0,
        Value::List(items) => items.iter().map(size).sum(),
        Value::Mapping(entries) => entries.iter().map(|entry| 1 + size(&entry.value)).sum(),
    }
}
