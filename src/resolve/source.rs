//! The `source` block: columns, their types, and what the spec states about the files.

use super::Resolver;
use crate::diagnostics::{Diagnostic, suggest};
use crate::ingest::Range;
use crate::spec::{Column, ColumnId, Origin, Ref, Resolved, Sheet, Source, SourceFormat};
use crate::syntax::ast::{self, Rows, SettingValue};
use crate::syntax::source::{Name, Spanned};
use crate::time::micros_per;
use crate::types::{Base, Type};

/// What a `timeout` may be, in milliseconds: the server takes whole ones in 32 bits.
const TIMEOUTS: std::ops::RangeInclusive<f64> = 1.0..=86_400_000.0;

impl Resolver<'_> {
    /// Adds the columns of a source to those known so far.
    pub(super) fn source(
        &mut self,
        source: &ast::Source,
        join: Option<&ast::Join>,
        columns: &mut Vec<Column<Resolved>>,
    ) -> Source {
        let first = columns.len();
        for column in &source.columns {
            let base = Base::parse(&column.type_name.value).unwrap_or_else(|| {
                let near = nearest_type(&column.type_name.value);
                self.report(
                    Diagnostic::error("SEG0206", format!("unknown type `{}`", column.type_name.value))
                        .at(column.type_name.span, near.map_or("not a type".into(), |n| format!("did you mean `{n}`?")))
                        .help(format!("types: {}", suggest::list(Base::COLUMN_TYPES))),
                );
                Base::Unknown
            });
            self.define_column(column, (source, join), columns.split_at(first));
            columns.push(Column {
                name: column.name.clone(),
                origin: Origin::Source {
                    header: column.header.clone(),
                    ty: Type::maybe(base),
                    type_name: column.type_name.clone(),
                    dates: column.dates.iter().map(|d| d.value.clone()).collect(),
                },
            });
        }
        let format = self.format(source);
        self.database(source);
        Source {
            name: source.name.clone(),
            rows: source.rows.clone(),
            format,
            columns: first..columns.len(),
            join: None,
            span: source.span,
        }
    }

    /// A column of a joined source may have a name that is known already only where both are one key.
    fn define_column(
        &mut self,
        column: &ast::Column,
        (source, join): (&ast::Source, Option<&ast::Join>),
        (before, own): (&[Column<Resolved>], &[Column<Resolved>]),
    ) {
        let named = |c: &&Column<Resolved>| c.name.value == column.name.value;
        let Some(known) = before.iter().find(named).filter(|_| own.iter().find(named).is_none()) else {
            return self.define(&column.name, Ref::Column(ColumnId(before.len() + own.len())));
        };
        let name = &column.name.value;
        let mut keys = join.iter().flat_map(|join| &join.on);
        if keys.any(|key| key.left.value == *name && key.right.value == *name) {
            return;
        }
        self.ambiguous.insert(name.clone());
        let header = self.sources.one_line(column.header.span);
        self.report(
            Diagnostic::error("SEG0203", format!("two sources have a column `{name}`"))
                .at(column.name.span, "the second one")
                .at(known.name.span, "the first one")
                .help(format!(
                    "give one of them another name: `{}_{name}: {} = {header}`",
                    source.name.value, column.type_name.value
                )),
        );
    }

    fn format(&mut self, source: &ast::Source) -> SourceFormat {
        let mut format = SourceFormat::default();
        let mut seen: Vec<&Name> = vec![];
        for setting in &source.settings {
            if let Some(first) = seen.iter().find(|name| name.value == setting.name.value) {
                self.report(
                    Diagnostic::error("SEG0211", format!("a source has one `{}`", setting.name.value))
                        .at(setting.name.span, "the second one")
                        .at(first.span, "the first one")
                        .help("keep the one that you mean"),
                );
            }
            seen.push(&setting.name);
            let first = &setting.values[0];
            let text = match &first.value {
                SettingValue::Text(text) => Some(text.clone()),
                _ => None,
            };
            let one_char = text.as_ref().and_then(|t| {
                let mut chars = t.chars();
                chars.next().filter(|c| chars.next().is_none() && c.is_ascii())
            });
            let understood = match (setting.name.value.as_str(), &first.value) {
                ("sheet", _) => {
                    format.sheets = setting.values.iter().filter_map(sheet).collect();
                    let all = format.sheets.iter().any(|sheet| sheet.value == Sheet::All);
                    format.sheets.len() == setting.values.len() && (!all || setting.values.len() == 1)
                }
                ("range", SettingValue::Text(range)) if range.parse::<Range>().is_ok() => {
                    format.range = text;
                    true
                }
                ("skip", SettingValue::Integer(rows)) if *rows <= MOST_ROWS => {
                    format.skip = Some(*rows as u32);
                    true
                }
                ("footer", SettingValue::Integer(rows)) if *rows <= MOST_ROWS => {
                    format.footer = Some(*rows as u32);
                    true
                }
                ("delimiter", SettingValue::Text(t)) if one_char.is_some() || t == "whitespace" || t == "tab" => {
                    format.delimiter = text;
                    true
                }
                ("encoding", SettingValue::Text(_)) => {
                    format.encoding = text;
                    true
                }
                ("decimal", _) if matches!(one_char, Some('.' | ',')) => {
                    format.decimal = one_char;
                    true
                }
                ("thousands", SettingValue::Text(mark)) if mark == "’" || one_char.is_some() => {
                    format.thousands = mark.chars().next();
                    true
                }
                ("header", SettingValue::Yes | SettingValue::No) => {
                    format.header = Some(first.value == SettingValue::Yes);
                    true
                }
                ("hidden", SettingValue::Yes | SettingValue::No) => {
                    format.hidden = Some(first.value == SettingValue::Yes);
                    true
                }
                ("fill_merged", SettingValue::Yes | SettingValue::No) => {
                    format.fill_merged = Some(first.value == SettingValue::Yes);
                    true
                }
                ("strict", SettingValue::Yes | SettingValue::No) => {
                    format.strict = first.value == SettingValue::Yes;
                    true
                }
                ("dates", SettingValue::Text(_)) => {
                    format.dates = setting.values.iter().filter_map(|v| as_text(&v.value)).collect();
                    format.dates.len() == setting.values.len()
                }
                ("missing", SettingValue::Text(_)) => {
                    format.missing = setting.values.iter().filter_map(|v| as_text(&v.value)).collect();
                    format.missing.len() == setting.values.len()
                }
                ("max_refused", SettingValue::Percent(percent)) => {
                    format.max_refused = Some(*percent);
                    true
                }
                ("table", SettingValue::Text(name)) if !name.trim().is_empty() => {
                    format.table = Some(Spanned::new(name.clone(), first.span));
                    true
                }
                ("query", SettingValue::Text(text)) if !text.trim().is_empty() => {
                    format.query = Some(Spanned::new(text.clone(), first.span));
                    true
                }
                ("timezone", SettingValue::Text(zone)) if !zone.trim().is_empty() => {
                    format.timezone = Some(Spanned::new(zone.clone(), first.span));
                    true
                }
                ("timeout", SettingValue::Quantity(number, unit)) => {
                    let millis = micros_per(unit).map(|micros| number.as_f64() * micros as f64 / 1e3);
                    let millis = millis.filter(|millis| TIMEOUTS.contains(millis)).map(|millis| millis as u64);
                    format.timeout = millis.map(|millis| Spanned::new(millis, first.span));
                    millis.is_some()
                }
                ("pushdown", SettingValue::Yes | SettingValue::No) => {
                    format.pushdown = Some(first.value == SettingValue::Yes);
                    true
                }
                _ => false,
            };
            let takes_several = matches!(setting.name.value.as_str(), "sheet" | "dates" | "missing");
            if !understood || (setting.values.len() > 1 && !takes_several) {
                let example = match setting.name.value.as_str() {
                    "sheet" => "sheet \"Online Retail\"",
                    "delimiter" => "delimiter \";\"",
                    "encoding" => "encoding \"windows-1252\"",
                    "decimal" => "decimal \",\"",
                    "thousands" => "thousands \".\"",
                    "header" => "header no",
                    "skip" => "skip 2",
                    "footer" => "footer 1",
                    "range" => "range \"B3:H2000\"",
                    "hidden" => "hidden no",
                    "fill_merged" => "fill_merged yes",
                    "strict" => "strict yes",
                    "missing" => "missing \"NULL\"",
                    "dates" => "dates \"%d/%m/%Y\", \"%Y-%m-%d\"",
                    "table" => "table \"public.orders\"",
                    "query" => "query \"SELECT * FROM orders\"",
                    "timezone" => "timezone \"Europe/London\"",
                    "timeout" => "timeout 10 minutes",
                    "pushdown" => "pushdown no",
                    _ => "max_refused 1%",
                };
                self.report(
                    Diagnostic::error("SEG0209", format!("`{}` can't be set to this", setting.name.value))
                        .at(first.span, "not a value for it")
                        .help(format!("write for example `{example}`")),
                );
            }
        }
        format
    }

    /// What a database needs, and what means something for databases or for files alone.
    fn database(&mut self, source: &ast::Source) {
        let alone: (&[&str], &str) = match &source.rows {
            Rows::Files(_) => (&["pushdown"], "a file"),
            Rows::Postgres { .. } => (&["sheet", "delimiter", "encoding", "header"], "a database"),
        };
        for setting in source.settings.iter().filter(|s| alone.0.contains(&s.name.value.as_str())) {
            self.report(
                Diagnostic::error("SEG0209", format!("`{}` means nothing for {}", setting.name.value, alone.1))
                    .at(setting.name.span, "in this source")
                    .help(format!("remove the line with `{}`", setting.name.value)),
            );
        }
        let given = |name: &str| source.settings.iter().find(|setting| setting.name.value == name);
        match (given("table"), given("query")) {
            (None, None) => {
                // A file may have one table alone, or be one.
                let Rows::Postgres { variable } = &source.rows else { return };
                self.report(
                    Diagnostic::error("SEG0210", "the source does not say which rows of the database")
                        .at(variable.span, "all of it?")
                        .help("write `table \"public.orders\"`, or `query \"SELECT ...\"`"),
                );
            }
            (Some(table), Some(query)) => self.report(
                Diagnostic::error("SEG0211", "a source has a `table` or a `query`, not both")
                    .at(query.name.span, "which one?")
                    .at(table.name.span, "the other one")
                    .help("keep the one that you mean"),
            ),
            _ => {}
        }
    }
}

/// Rows that may be left out above or below a table: more are no titles and no totals.
const MOST_ROWS: u64 = 10_000;

fn sheet(value: &Spanned<SettingValue>) -> Option<Spanned<Sheet>> {
    let sheet = match &value.value {
        SettingValue::Text(name) => Sheet::Name(name.clone()),
        SettingValue::Integer(number) if (1..=65_535).contains(number) => Sheet::Number(*number as u32),
        SettingValue::All => Sheet::All,
        _ => return None,
    };
    Some(Spanned::new(sheet, value.span))
}

fn as_text(value: &SettingValue) -> Option<String> {
    match value {
        SettingValue::Text(text) => Some(text.clone()),
        _ => None,
    }
}

/// What people may have meant by a type: that of another language, or a slip of the keyboard.
pub(super) fn nearest_type(name: &str) -> Option<&'static str> {
    let elsewhere = match name.to_lowercase().as_str() {
        "string" | "str" | "char" | "varchar" => Some("text"),
        "integer" | "bigint" => Some("int"),
        "float" | "double" | "numeric" | "real" => Some("number"),
        "decimal" | "currency" | "amount" => Some("money"),
        "timestamp" => Some("datetime"),
        "boolean" => Some("bool"),
        "percent" | "percentage" => Some("share"),
        "duration" | "interval" | "timedelta" | "span" => Some("days"),
        _ => None,
    };
    elsewhere.or_else(|| suggest::nearest(name, Base::COLUMN_TYPES))
}
