//! From pest's pairs to the tree of statements. Relies on the grammar: where it promises a part, the part is taken.

use pest::iterators::{Pair, Pairs};

use super::Rule;
use super::ast::*;
use super::errors;
use super::expressions;
use super::source::{FileId, Name, Span, Spanned};
use crate::diagnostics::Diagnostic;
use crate::expr::{self, Comparator, Decimal};

pub(super) fn file(mut pairs: Pairs<Rule>, text: &str, file: FileId) -> (Ast, Vec<Diagnostic>) {
    let mut builder = Builder { text, file, unclosed: false, diagnostics: vec![] };
    let mut ast = Ast::default();
    let whole = pairs.next().expect("a parse of `file` gives one pair");
    for pair in whole.into_inner() {
        match pair.as_rule() {
            Rule::segmentation => {
                let open = builder.span(&pair);
                for part in pair.into_inner() {
                    match part.as_rule() {
                        Rule::name => ast.name = Some(builder.name(part)),
                        _ => ast.items.extend(builder.item(part, open)),
                    }
                }
            }
            Rule::stray => {
                let span = builder.span(&pair);
                builder.diagnostics.push(errors::after_the_end(span, pair.as_str()));
            }
            _ => {
                let span = builder.span(&pair);
                ast.items.extend(builder.item(pair, span));
            }
        }
    }
    (ast, builder.diagnostics)
}

pub(super) struct Builder<'a> {
    text: &'a str,
    pub(super) file: FileId,
    /// Whether a missing brace is reported: the blocks around it can't be told from it.
    unclosed: bool,
    pub(super) diagnostics: Vec<Diagnostic>,
}

type P<'a> = Pair<'a, Rule>;

impl Builder<'_> {
    pub(super) fn span(&self, pair: &P) -> Span {
        let span = pair.as_span();
        let end = span.start() + pair.as_str().trim_end().len();
        Span::new(self.file, span.start(), end.max(span.start()))
    }

    pub(super) fn name(&self, pair: P) -> Name {
        Spanned::new(pair.as_str().trim_end().to_owned(), self.span(&pair))
    }

    pub(super) fn string(&self, pair: P) -> Spanned<String> {
        let span = self.span(&pair);
        let raw = pair.as_str().trim_matches('"').to_owned();
        let inner = pair.into_inner().next().map_or(raw, |text| text.as_str().to_owned());
        Spanned::new(unescape(&inner), span)
    }

    fn integer(&mut self, pair: P) -> Spanned<u64> {
        let span = self.span(&pair);
        let digits: String = pair.as_str().chars().filter(char::is_ascii_digit).collect();
        let value = digits.parse().unwrap_or_else(|_| {
            self.diagnostics.push(errors::number_too_large(span));
            0
        });
        Spanned::new(value, span)
    }

    /// Digits of a `number` or of the number in a `percent`.
    pub(super) fn decimal(&mut self, text: &str, span: Span) -> Decimal {
        Decimal::parse(text.trim_end_matches('%').trim()).unwrap_or_else(|| {
            self.diagnostics.push(errors::number_too_large(span));
            Decimal { units: 0, scale: 0 }
        })
    }

    fn item(&mut self, pair: P, enclosing: Span) -> Option<Item> {
        let span = self.span(&pair);
        let rule = pair.as_rule();
        Some(match rule {
            Rule::include => Item::Include(self.only_string(pair)),
            Rule::title => Item::Title(self.only_string(pair)),
            Rule::about => Item::About(self.only_string(pair)),
            Rule::currency => Item::Currency(self.only_name(pair)),
            Rule::time => Item::Time(self.only_name(pair)),
            Rule::customers => {
                let one_row_each = pair.clone().into_inner().find(|p| p.as_rule() == Rule::one_row_each);
                let one_row_each = one_row_each.map(|p| self.span(&p));
                Item::Customers { by: self.only_name(pair), one_row_each }
            }
            Rule::param => Item::Param(self.definition(pair)),
            Rule::derive => {
                let definition = pair.into_inner().find(|p| p.as_rule() == Rule::definition);
                Item::Derive(self.definition(definition.expect("`derive` has a definition")))
            }
            Rule::revenue => Item::Revenue(self.only_expr(pair)),
            Rule::as_of => Item::AsOf(self.only_expr(pair)),
            Rule::source => Item::Source(self.source(pair, span)),
            Rule::join => Item::Join(self.join(pair, span)),
            Rule::filter => Item::Filter(self.block(pair, span, |b, p| match p.as_rule() {
                Rule::drop | Rule::keep => Some(b.filter_rule(p)),
                _ => None,
            })),
            Rule::baskets => {
                let mut parts = pair.clone().into_inner().filter(|p| p.as_rule() == Rule::name);
                let by = self.name(parts.next().expect("`baskets` names a column"));
                let fields = self.block(pair, span, |b, p| (p.as_rule() == Rule::definition).then(|| b.definition(p)));
                Item::Baskets { by, fields, span }
            }
            Rule::features => Item::Features(self.block(pair, span, |b, p| match p.as_rule() {
                Rule::definition => Some(b.definition(p)),
                Rule::taken => Some(b.taken(p)),
                _ => None,
            })),
            Rule::cluster => Item::Cluster { settings: self.block(pair, span, Self::cluster_setting), span },
            Rule::labels => Item::Labels(self.labels(pair, span)),
            Rule::test => Item::Test(self.test(pair, span)),
            Rule::sink => Item::Sink(self.sink(pair, span)),
            Rule::close => {
                self.closed(pair, enclosing);
                return None;
            }
            Rule::unknown_item => {
                self.diagnostics.push(errors::unreadable(&pair, self.text, self.file));
                return None;
            }
            _ => return None,
        })
    }

    /// The statements of a block, reporting what can't be read and a brace that is missing.
    fn block<T>(&mut self, pair: P, open: Span, mut build: impl FnMut(&mut Self, P) -> Option<T>) -> Vec<T> {
        let mut items = vec![];
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::close => self.closed(part, open),
                Rule::unknown_source_item
                | Rule::unknown_filter_item
                | Rule::unknown_definition
                | Rule::unknown_cluster_item
                | Rule::unknown_label_item
                | Rule::unknown_note
                | Rule::unknown_test_item
                | Rule::unknown_fact
                | Rule::unknown_sink_item => {
                    if errors::is_misplaced(&part) {
                        self.missing_brace(errors::unclosed_before(open, &part, self.text));
                    } else {
                        self.diagnostics.push(errors::unreadable(&part, self.text, self.file));
                    }
                }
                _ => items.extend(build(self, part)),
            }
        }
        items
    }

    /// A block may end with the file instead of its brace, which is reported where it was opened.
    fn closed(&mut self, close: P, open: Span) {
        if close.into_inner().any(|p| p.as_rule() == Rule::unclosed) {
            self.missing_brace(errors::unclosed(open, self.text));
        }
    }

    fn missing_brace(&mut self, diagnostic: Diagnostic) {
        if !self.unclosed {
            self.diagnostics.push(diagnostic);
        }
        self.unclosed = true;
    }

    fn only_string(&self, pair: P) -> Spanned<String> {
        let string = pair.into_inner().find(|p| p.as_rule() == Rule::string);
        self.string(string.expect("the grammar has a string here"))
    }

    fn only_name(&self, pair: P) -> Name {
        let name = pair.into_inner().find(|p| p.as_rule() == Rule::name);
        self.name(name.expect("the grammar has a name here"))
    }

    fn only_expr(&mut self, pair: P) -> Expr {
        let expr = pair.into_inner().find(|p| p.as_rule() == Rule::expr);
        expressions::expr(self, expr.expect("the grammar has an expression here"))
    }

    fn definition(&mut self, pair: P) -> Definition {
        Definition { name: self.only_name(pair.clone()), value: self.only_expr(pair) }
    }

    /// A name by itself: the feature is the column of this name.
    fn taken(&self, pair: P) -> Definition {
        let name = self.only_name(pair);
        let value = expr::Expr { kind: Kind::Ref(vec![name.clone()]), span: name.span, ty: () };
        Definition { name, value }
    }

    fn source(&mut self, pair: P, span: Span) -> Source {
        let mut source = Source {
            name: self.only_name(pair.clone()),
            rows: self.rows(&pair),
            settings: vec![],
            columns: vec![],
            span,
        };
        let columns = &mut source.columns;
        source.settings = self.block(pair, span, |b, p| match p.as_rule() {
            Rule::setting => Some(b.setting(p)),
            Rule::column => {
                columns.push(b.column(p));
                None
            }
            _ => None,
        });
        source
    }

    /// The environment variable that names a database, `before` which stands `from` or `to`.
    fn variable(&mut self, postgres: P, before: &str) -> Spanned<String> {
        let named = postgres.clone().into_inner().any(|p| p.as_rule() == Rule::kw_env);
        let mut variable = self.only_string(postgres);
        if !named || !is_variable(&variable.value) {
            self.diagnostics.push(errors::no_variable(&variable, before));
            // The tree must not hold a password.
            variable.value = errors::HIDDEN.to_owned();
        }
        variable
    }

    fn rows(&mut self, source: &P) -> Rows {
        if let Some(postgres) = source.clone().into_inner().find(|p| p.as_rule() == Rule::postgres) {
            return Rows::Postgres { variable: self.variable(postgres, "from") };
        }
        let files = source.clone().into_inner().filter(|p| p.as_rule() == Rule::string);
        let mut files: Vec<Spanned<String>> = files.map(|p| self.string(p)).collect();
        for file in files.iter_mut().filter(|file| is_address(&file.value)) {
            self.diagnostics.push(errors::no_variable(file, "from"));
            file.value = errors::HIDDEN.to_owned();
        }
        Rows::Files(files)
    }

    fn join(&self, pair: P, span: Span) -> Join {
        let keys = pair.clone().into_inner().filter(|p| p.as_rule() == Rule::join_key);
        let on = keys.map(|key| {
            let mut names = key.into_inner().filter(|p| p.as_rule() == Rule::name).map(|p| self.name(p));
            let left = names.next().expect("a key has a column");
            let right = names.next().unwrap_or_else(|| left.clone());
            JoinKey { left, right }
        });
        Join { on: on.collect(), source: self.only_name(pair), span }
    }

    fn setting(&mut self, pair: P) -> Setting {
        let mut name = None;
        let mut values = vec![];
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::setting_name => name = Some(self.name(part)),
                _ => values.push(self.setting_value(part)),
            }
        }
        Setting { name: name.expect("a setting has a name"), values }
    }

    fn setting_value(&mut self, pair: P) -> Spanned<SettingValue> {
        let span = self.span(&pair);
        let inner = match pair.as_rule() {
            Rule::setting_value => pair.into_inner().next().expect("a value has one form"),
            _ => pair,
        };
        let value = match inner.as_rule() {
            Rule::string => SettingValue::Text(self.string(inner).value),
            Rule::percent => SettingValue::Percent(self.decimal(inner.as_str(), span)),
            Rule::quantity => {
                let mut parts = inner.into_inner();
                let number = parts.next().expect("a quantity has a number");
                let number = self.decimal(number.as_str(), span);
                SettingValue::Quantity(number, parts.next().map_or(String::new(), |unit| unit.as_str().to_owned()))
            }
            Rule::integer => SettingValue::Integer(self.integer(inner).value),
            Rule::kw_yes => SettingValue::Yes,
            Rule::kw_all => SettingValue::All,
            _ => SettingValue::No,
        };
        Spanned::new(value, span)
    }

    fn column(&mut self, pair: P) -> Column {
        let (mut name, mut type_name, mut header, mut dates) = (None, None, None, vec![]);
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::name => name = Some(self.name(part)),
                Rule::type_name => type_name = Some(self.name(part)),
                Rule::header => {
                    let span = self.span(&part);
                    let inner = part.into_inner().last().expect("a header has one form");
                    let value = match inner.as_rule() {
                        Rule::string => Header::Name(self.string(inner).value),
                        Rule::integer => Header::Position(self.integer(inner).value.try_into().unwrap_or(u32::MAX)),
                        _ => Header::Name(inner.as_str().trim_end().to_owned()),
                    };
                    header = Some(Spanned::new(value, span));
                }
                Rule::dates => {
                    dates = part.into_inner().filter(|p| p.as_rule() == Rule::string).map(|p| self.string(p)).collect();
                }
                _ => {}
            }
        }
        let name = name.expect("a column has a name");
        let header = header.unwrap_or_else(|| Spanned::new(Header::Name(name.value.clone()), name.span));
        Column { name, type_name: type_name.expect("a column has a type"), header, dates }
    }

    fn filter_rule(&mut self, pair: P) -> FilterRule {
        let keep = pair.as_rule() == Rule::keep;
        FilterRule { name: self.only_string(pair.clone()), keep, when: self.only_expr(pair) }
    }

    fn cluster_setting(&mut self, pair: P) -> Option<ClusterSetting> {
        let span = self.span(&pair);
        Some(match pair.as_rule() {
            Rule::on => ClusterSetting::On(
                pair.into_inner().filter(|p| p.as_rule() == Rule::expr).map(|p| expressions::expr(self, p)).collect(),
            ),
            Rule::scale => ClusterSetting::Scale(self.only_name(pair)),
            Rule::method => ClusterSetting::Method(self.only_name(pair)),
            Rule::seed => ClusterSetting::Seed(self.only_integer(pair)),
            Rule::restarts => ClusterSetting::Restarts(self.only_integer(pair)),
            Rule::covariance => ClusterSetting::Covariance(self.only_name(pair)),
            Rule::radius => {
                let number = pair.into_inner().find(|p| p.as_rule() == Rule::number);
                let number = number.expect("the grammar has a number here");
                let span = self.span(&number);
                ClusterSetting::Radius(Spanned::new(self.decimal(number.as_str(), span), span))
            }
            Rule::neighbours => ClusterSetting::Neighbours(self.only_integer(pair)),
            Rule::smallest => ClusterSetting::Smallest(self.only_integer(pair)),
            Rule::k => {
                let numbers: Vec<P> = pair.clone().into_inner().filter(|p| p.as_rule() == Rule::integer).collect();
                let mut numbers: Vec<_> = numbers.into_iter().map(|p| self.integer(p)).collect();
                let high = numbers.pop().expect("`k` has a number");
                let low = numbers.pop().unwrap_or_else(|| high.clone());
                let choice = pair.into_inner().find(|p| p.as_rule() == Rule::choice).map(|p| self.choice(p));
                ClusterSetting::K { low, high, choice, span }
            }
            _ => return None,
        })
    }

    fn only_integer(&mut self, pair: P) -> Spanned<u64> {
        let integer = pair.into_inner().find(|p| p.as_rule() == Rule::integer);
        self.integer(integer.expect("the grammar has a whole number here"))
    }

    fn choice(&mut self, pair: P) -> Choice {
        let span = self.span(&pair);
        let mut constraints = vec![];
        for part in pair.clone().into_inner().filter(|p| p.as_rule() == Rule::constraint) {
            let comparator = part.clone().into_inner().find(|p| p.as_rule() == Rule::comparator);
            let comparator = comparator.map_or(Comparator::Equal, |p| comparator_of(p.as_str()));
            let value = part.clone().into_inner().last().expect("a constraint has a value");
            constraints.push(Constraint { name: self.only_name(part), comparator, value: self.setting_value(value) });
        }
        Choice { by: self.only_name(pair), constraints, span }
    }

    fn labels(&mut self, pair: P, span: Span) -> Labels {
        let over = self.only_name(pair.clone());
        let flags: Vec<&str> =
            pair.clone().into_inner().filter(|p| p.as_rule() == Rule::flag).map(|p| p.as_str()).collect();
        let has = |flag: &str| flags.contains(&flag);
        let (distinct, disjoint, exhaustive) = (has("distinct"), has("disjoint"), has("exhaustive"));
        let (mut otherwise, mut noise) = (vec![], vec![]);
        let rules = self.block(pair, span, |b, p| match p.as_rule() {
            Rule::label_rule => Some(b.rule(p)),
            Rule::otherwise => {
                let rule = b.rule(p);
                otherwise.push(rule);
                None
            }
            Rule::noise => {
                let rule = b.rule(p);
                noise.push(rule);
                None
            }
            _ => None,
        });
        Labels { over, distinct, disjoint, exhaustive, rules, otherwise, noise, span }
    }

    fn rule(&mut self, pair: P) -> LabelRule {
        let span = self.span(&pair);
        let label = self.only_string(pair.clone());
        let when = pair.clone().into_inner().find(|p| p.as_rule() == Rule::expr).map(|p| expressions::expr(self, p));
        let notes = pair.into_inner().find(|p| p.as_rule() == Rule::notes).map_or(vec![], |notes| {
            self.block(notes, span, |b, p| {
                let name = p.clone().into_inner().find(|p| p.as_rule() == Rule::note_name)?;
                Some((b.name(name), b.only_string(p)))
            })
        });
        LabelRule { label, when, notes, span }
    }

    fn test(&mut self, pair: P, span: Span) -> Test {
        let name = self.only_string(pair.clone());
        let mut given = vec![];
        let expectations = self.block(pair, span, |b, p| match p.as_rule() {
            Rule::given => {
                let open = b.span(&p);
                given.extend(b.block(p, open, |b, p| (p.as_rule() == Rule::fact).then(|| b.fact(p))));
                None
            }
            Rule::expect_label => Some(Expectation::Label(b.only_string(p))),
            Rule::expect => Some(b.expect(p)),
            _ => None,
        });
        Test { name, given, expectations, span }
    }

    fn expect(&mut self, pair: P) -> Expectation {
        let percent = pair.clone().into_inner().find(|p| p.as_rule() == Rule::mostly);
        let percent = percent.and_then(|mostly| mostly.into_inner().find(|p| p.as_rule() == Rule::percent));
        let mostly = percent.map(|percent| {
            let span = self.span(&percent);
            Spanned::new(self.decimal(percent.as_str(), span), span)
        });
        Expectation::Holds { condition: self.only_expr(pair), mostly }
    }

    fn sink(&mut self, pair: P, span: Span) -> Sink {
        let to = pair.clone().into_inner().find(|p| p.as_rule() == Rule::destination);
        let to = to.expect("a sink has a destination");
        let to = match to.clone().into_inner().find(|p| p.as_rule() == Rule::postgres) {
            Some(postgres) => Destination::Postgres { variable: self.variable(postgres, "to") },
            None => {
                let mut file = self.only_string(to);
                if is_address(&file.value) {
                    self.diagnostics.push(errors::no_variable(&file, "to"));
                    file.value = errors::HIDDEN.to_owned();
                }
                Destination::Sqlite(file)
            }
        };
        let settings = self.block(pair.clone(), span, |b, p| match p.as_rule() {
            Rule::sink_table => Some(SinkSetting::Table(b.only_string(p))),
            Rule::sink_mode => Some(SinkSetting::Mode(b.only_name(p))),
            _ => None,
        });
        Sink { name: self.only_name(pair), to, settings, span }
    }

    fn fact(&mut self, pair: P) -> Fact {
        let path = pair.clone().into_inner().find(|p| p.as_rule() == Rule::path).expect("a fact has a path");
        Fact { path: self.path(path), value: self.only_expr(pair) }
    }

    pub(super) fn path(&self, pair: P) -> Vec<Name> {
        pair.into_inner().map(|part| self.name(part)).collect()
    }
}

/// Whether this can be the name of an environment variable.
pub fn is_variable(name: &str) -> bool {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    name.starts_with(|c: char| word(c) && !c.is_ascii_digit()) && name.chars().all(word)
}

/// Whether this is no file but the address of a database.
pub fn is_address(file: &str) -> bool {
    ["postgres://", "postgresql://"].iter().any(|scheme| file.trim_start().to_lowercase().starts_with(scheme))
}

pub(super) fn comparator_of(text: &str) -> Comparator {
    let symbol = text.trim();
    Comparator::ALL.into_iter().find(|c| c.symbol() == symbol).expect("the grammar lists the same comparators")
}

/// The grammar admits four escapes; everything else stands for itself.
fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match (c, if c == '\\' { chars.next() } else { None }) {
            ('\\', Some('n')) => out.push('\n'),
            ('\\', Some('t')) => out.push('\t'),
            ('\\', Some(other)) => out.push(other),
            (c, _) => out.push(c),
        }
    }
    out
}
