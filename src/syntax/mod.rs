//! Text to tree. The home of pest: nothing outside this module knows that there is a parser generator.
//!
//! [`parse`] never gives up: a line that can't be read is reported and skipped, and the rest is still understood.
//! [`load`] also reads the included files and puts their items where the `include` stands.

pub mod ast;
mod build;
mod errors;
mod expressions;
pub mod format;
pub mod source;

use std::path::{Path, PathBuf};

use pest::Parser;

use crate::diagnostics::Diagnostic;
use crate::world::World;
use ast::{Ast, Item};
pub use build::{is_address, is_variable};
use source::{FileId, SourceMap, Span, Spanned};

#[derive(pest_derive::Parser)]
#[grammar = "../grammar/seg.pest"]
struct SegParser;

/// What a spec may ask of the compiler at the most.
pub mod limits {
    /// Bytes in one file of a spec.
    pub const TEXT: usize = 1 << 20;
    /// Brackets of any kind inside one another, and operators that stand before an operand.
    pub const NESTING: usize = 128;
    /// `if` in one block or bracket: each `else if` nests in the one before.
    pub const CONDITIONALS: usize = 64;
    /// Files included by files that are included.
    pub const INCLUDE_DEPTH: usize = 32;
    /// Files in one spec.
    pub const FILES: usize = 256;
}

/// Parses one file of `sources`.
pub fn parse(sources: &SourceMap, file: FileId) -> (Ast, Vec<Diagnostic>) {
    let text = &sources.file(file).text;
    if let Some(diagnostic) = errors::too_large(text, file).or_else(|| errors::too_deep(text, file)) {
        return (Ast::default(), vec![diagnostic]);
    }
    match SegParser::parse(Rule::file, text) {
        Ok(pairs) => build::file(pairs, text, file),
        Err(error) => (Ast::default(), vec![errors::whole_file(&error, text, file)]),
    }
}

/// Whether a spec can call something so.
pub fn is_name(text: &str) -> bool {
    SegParser::parse(Rule::name, text).is_ok_and(|mut pairs| pairs.next().is_some_and(|pair| pair.as_str() == text))
}

/// A text in quotes, as a spec has it; nothing for one with a carriage return, which can't be written.
pub fn quoted(text: &str) -> Option<String> {
    let escape = |c| match c {
        '"' => "\\\"".to_owned(),
        '\\' => "\\\\".to_owned(),
        '\n' => "\\n".to_owned(),
        '\t' => "\\t".to_owned(),
        c => String::from(c),
    };
    (!text.contains('\r')).then(|| format!("\"{}\"", text.chars().map(escape).collect::<String>()))
}

/// A spec with everything that it includes.
pub struct Loaded {
    pub sources: SourceMap,
    pub ast: Ast,
    pub diagnostics: Vec<Diagnostic>,
}

/// Reads and parses the spec at `path` and, where they stand, the files that it includes. Paths in an `include` are
/// relative to the file that has it.
pub fn load(world: &dyn World, path: &Path) -> Loaded {
    let mut loaded = Loaded { sources: SourceMap::default(), ast: Ast::default(), diagnostics: vec![] };
    let mut loader = Loader { world, loaded: &mut loaded, open: vec![] };
    match world.spec(path) {
        Ok(text) => {
            let ast = loader.file(path, text);
            loader.loaded.ast = ast;
            if loader.loaded.ast.name.is_none() && loader.loaded.diagnostics.is_empty() {
                let span = Span::new(FileId(0), 0, 0);
                loader.loaded.diagnostics.push(errors::no_header(span));
            }
        }
        Err(problem) => loader.loaded.diagnostics.push(
            Diagnostic::error("SEG0106", format!("the spec `{}` can't be read: {problem}", path.display()))
                .help("give the path of a `.seg` file, for example `segc check specs/shop.seg`"),
        ),
    }
    loaded
}

struct Loader<'a> {
    world: &'a dyn World,
    loaded: &'a mut Loaded,
    /// The files being read, outermost first: an include that names one of them would never end.
    open: Vec<PathBuf>,
}

impl Loader<'_> {
    fn file(&mut self, path: &Path, text: std::sync::Arc<str>) -> Ast {
        let id = self.loaded.sources.add(path.display().to_string().replace('\\', "/"), text);
        let (mut ast, diagnostics) = parse(&self.loaded.sources, id);
        let secrets = diagnostics.iter().filter(|d| d.code == "SEG0320").flat_map(|d| &d.labels);
        secrets.for_each(|label| self.loaded.sources.hide(label.span));
        self.loaded.diagnostics.extend(diagnostics);
        self.open.push(path.to_owned());
        let items = std::mem::take(&mut ast.items);
        for item in items {
            match item {
                Item::Include(name) => ast.items.extend(self.include(path, &name)),
                item => ast.items.push(item),
            }
        }
        self.open.pop();
        ast
    }

    fn include(&mut self, from: &Path, name: &Spanned<String>) -> Vec<Item> {
        let path = normalize(&from.parent().unwrap_or(Path::new("")).join(&name.value));
        let problem = if self.open.iter().any(|open| normalize(open) == path) {
            Some(("it includes itself, directly or through other files".to_owned(), "remove one of the includes"))
        } else if self.open.len() >= limits::INCLUDE_DEPTH {
            Some((format!("files may include one another {} deep", limits::INCLUDE_DEPTH), "put files together"))
        } else if self.loaded.sources.files.len() >= limits::FILES {
            Some((format!("a spec may have {} files", limits::FILES), "put files together"))
        } else {
            None
        };
        let text = match problem {
            Some(problem) => Err(problem),
            None => self.world.include(&self.open[0], &path).map_err(|e| {
                (
                    e.to_string(),
                    "give its path from the folder of this file, for example `include \"common/cleaning.seg\"`",
                )
            }),
        };
        match text {
            Ok(text) => {
                let ast = self.file(&path, text);
                if let Some(header) = ast.name {
                    self.loaded.diagnostics.push(
                        Diagnostic::error("SEG0108", "an included file has no `segmentation` of its own")
                            .at(name.span, "included here")
                            .at(header.span, "a whole spec")
                            .help("leave out `segmentation NAME {` and its closing brace, and keep the statements"),
                    );
                    return vec![];
                }
                ast.items
            }
            Err((problem, help)) => {
                self.loaded.diagnostics.push(
                    Diagnostic::error("SEG0107", format!("`{}` can't be included: {problem}", name.value))
                        .at(name.span, "named here")
                        .help(help),
                );
                vec![]
            }
        }
    }
}

/// `a/b/../c` is `a/c`, so that two ways to write a path are one file.
fn normalize(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            std::path::Component::CurDir => {}
            std::path::Component::ParentDir if out.file_name().is_some() => {
                out.pop();
            }
            part => out.push(part),
        }
    }
    out
}
