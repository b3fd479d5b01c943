//! Random specs and tables. Both are read off a list of random numbers, one for each choice, of which smaller ones take
//! the simpler way and a list that has come to its end takes the simplest: so proptest makes a failing case small.

use super::interpret::Read;
use super::value::Value;

/// What an expression of a random spec is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ty {
    Int,
    Number,
    Share,
    Money,
    Span,
    Date,
    Moment,
    Text,
    Id,
    Bool,
}

use Ty::*;

/// How much a value may depend on the order in which doubles are added up. A condition on the last bit of a standard
/// deviation has no answer that two programs must agree on, so conditions, scores and roundings are of values that have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Bits {
    Any,
    /// One way of computing it.
    Same,
    /// No doubles in it where units could be whole.
    Whole,
}

#[derive(Clone)]
struct Name {
    words: String,
    ty: Ty,
    bits: Bits,
}

/// What can be spoken of in a place.
#[derive(Clone, Default)]
struct Scope {
    names: Vec<Name>,
    /// What aggregates can run over: how they are counted, and what can be spoken of inside.
    groups: Vec<(&'static str, Scope)>,
    duplicate: bool,
}

pub struct Choices<'a> {
    list: &'a [u16],
    at: usize,
}

/// The columns that every random spec has: name, type, and cells as written.
pub const COLUMNS: [(&str, Ty, &str, &[&str]); 11] = [
    ("customer", Id, "id", &["ann", "ben", "Ann", "élan", "日本", "7"]),
    ("invoice", Text, "text", &["A1", "A2", "B1", "C9", "c9"]),
    ("product", Text, "text", &["tea", "Tea", "été", "ΟΔΟΣ", " pot", "a \"b\", c", "straße", "a\u{301}"]),
    ("code", Id, "id", &["tea", "01", "1", "x"]),
    ("quantity", Int, "int", &["1", "2", "3", "0", "-1", "12"]),
    ("price", Money, "money", &["1.50", "2", "0.395", "-1.50", "0", "0.1", "0.2", "12.25", "0.1234567"]),
    ("rate", Share, "share", &["10%", "0.25", "0", "33.3%"]),
    ("weight", Number, "number", &["1", "0.1", "0.2", "0.3", "-1.75", "0", "1e3"]),
    (
        "at",
        Moment,
        "datetime",
        &[
            "2024-01-01 10:00:00",
            "2024-01-01 10:00:01",
            "2024-02-29 00:00:00",
            "2024-03-31 23:59:59",
            "2023-12-31 18:30:00",
            "2024-03-31 08:00:00",
            "1969-07-20 20:17:40",
            "2025-01-01 00:00:00",
        ],
    ),
    ("day", Date, "date", &["2024-01-01", "2024-02-29", "2023-12-31", "1969-07-20"]),
    ("flag", Bool, "bool", &["true", "false"]),
];

/// A column of the file that no spec names: it tells rows apart all the same.
const UNNAMED: [&str; 2] = ["x", "y"];

const LITERALS: [(Ty, &[&str]); 9] = [
    (Int, &["1", "2", "0", "3", "10"]),
    (Number, &["0.5", "1.5", "0.1", "2.25"]),
    (Share, &["10%", "50%", "2.5%"]),
    (Money, &["1 GBP", "0.395 GBP", "2.5 GBP", "10 GBP"]),
    (Span, &["1 day", "36 hours", "1.5 days", "90 minutes", "2 weeks", "1 second"]),
    (Date, &["@2024-01-01", "@2024-02-29", "@2023-06-30"]),
    (Moment, &["@2024-01-01T10:00", "@2024-03-31 23:59:59", "@1969-12-31T12:00"]),
    (Text, &["\"tea\"", "\"é\"", "\"\"", "\"A1\"", "\"a \\\"b\\\", c\""]),
    (Bool, &["true", "false"]),
];

const NUMERIC: [Ty; 5] = [Int, Money, Span, Number, Share];
const ORDERED: [Ty; 8] = [Int, Money, Text, Moment, Span, Number, Date, Share];

impl Choices<'_> {
    pub fn of(list: &[u16]) -> Choices<'_> {
        Choices { list, at: 0 }
    }

    /// From 0 up to, but without, `n`.
    fn pick(&mut self, n: usize) -> usize {
        let drawn = self.list.get(self.at).copied().unwrap_or(0);
        self.at += 1;
        usize::from(drawn) * n / (usize::from(u16::MAX) + 1)
    }

    /// Yes, once in `n` times.
    fn once_in(&mut self, n: usize) -> bool {
        self.pick(n) == n - 1
    }

    fn one<'b, T>(&mut self, of: &'b [T]) -> &'b T {
        &of[self.pick(of.len())]
    }

    fn spent(&self) -> bool {
        self.at >= self.list.len()
    }
}

/// A file, and what its readable rows hold.
#[derive(Debug, Clone)]
pub struct Table {
    pub text: String,
    pub rows: Vec<Read>,
    pub refused: u64,
}

pub fn table(choices: &mut Choices<'_>) -> Table {
    let header: Vec<&str> = COLUMNS.iter().map(|c| c.0).chain(["unnamed"]).collect();
    let mut table = Table { text: header.join(",") + "\n", rows: vec![], refused: 0 };
    let mut last: Vec<&str> = vec![];
    while !choices.spent() || table.rows.is_empty() {
        // A row may repeat the one before, or all but one of its cells.
        let repeats = choices.once_in(4) && !last.is_empty();
        let cell = |choices: &mut Choices<'_>, column: usize| match COLUMNS.get(column) {
            Some((_, _, _, cells)) if !choices.once_in(10) => *choices.one(cells),
            Some(_) => "",
            None => *choices.one(&UNNAMED),
        };
        if repeats {
            let other = choices.pick(2 * COLUMNS.len());
            if other <= COLUMNS.len() {
                last[other] = cell(choices, other);
            }
        } else {
            last = (0..=COLUMNS.len()).map(|column| cell(choices, column)).collect();
        }
        let quoted = |cell: &&str| match cell.contains([',', '"']) {
            true => format!("\"{}\"", cell.replace('"', "\"\"")),
            false => (*cell).to_owned(),
        };
        let mut cells: Vec<String> = last.iter().map(quoted).collect();
        if choices.once_in(20) {
            cells[4] = "two".to_owned();
            table.refused += 1;
        } else {
            let values = COLUMNS.iter().zip(&last).map(|(column, cell)| value(column.1, cell));
            table.rows.push(Read { cells: values.collect(), text: cells.join(",") });
        }
        table.text += &(cells.join(",") + "\n");
    }
    table
}

/// What a cell says, read as its type.
fn value(ty: Ty, cell: &str) -> Value {
    let micros = |text: &str| {
        let moment = chrono::NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S").unwrap();
        Value::whole(moment.and_utc().timestamp_micros().into())
    };
    match (ty, cell) {
        (_, "") => Value::Missing,
        (Text | Id, text) => Value::Text(text.to_owned()),
        (Bool, text) => Value::Bool(text == "true"),
        (Int, text) => Value::whole(text.parse().unwrap()),
        (Money, text) => {
            let decimals = text.split_once('.').map_or(0, |(_, decimals)| decimals.len());
            Value::Exact(text.replace('.', "").parse().unwrap(), decimals as u32)
        }
        (Number, text) => Value::Float(text.parse().unwrap()),
        (Share, text) => Value::Float(match text.strip_suffix('%') {
            Some(percent) => percent.parse::<f64>().unwrap() / 100.0,
            None => text.parse().unwrap(),
        }),
        (Date, text) => micros(&format!("{text} 00:00:00")),
        (Moment, text) => micros(text),
        (Span, _) => unreachable!("no column is a time span"),
    }
}

/// A spec over [`COLUMNS`].
pub fn spec(choices: &mut Choices<'_>) -> String {
    let mut out = String::from("segmentation case {\n  currency GBP\n");
    let mut known: Vec<Name> = vec![];
    let name = |words: &str, ty| Name { words: words.to_owned(), ty, bits: Bits::Whole };
    for nth in 0..choices.pick(3) {
        let ty = *choices.one(&[Int, Span, Money, Text, Moment]);
        out += &format!("  param p{nth} = {}\n", choices.literal(ty));
        known.push(name(&format!("p{nth}"), ty));
    }
    out += "  source orders from \"orders.csv\" {\n    max_refused 100%; encoding \"utf-8\"; delimiter \",\"; decimal \".\"; header yes; footer 0\n    dates \"%Y-%m-%d %H:%M:%S\", \"%Y-%m-%d\"\n";
    for (column, ty, words, _) in COLUMNS {
        out += &format!("    {column}: {words}\n");
        known.push(name(column, ty));
    }
    out += "  }\n";
    let mut rows = Scope { names: known.clone(), groups: vec![], duplicate: false };
    for nth in 0..choices.pick(4) {
        let ty = *choices.one(&[Money, Int, Text, Number, Span, Bool, Date, Moment, Share]);
        out += &format!("  derive d{nth} = {}\n", choices.expr(&rows, ty, 3, Bits::Any));
        rows.names.push(name(&format!("d{nth}"), ty));
    }
    if !choices.once_in(4) {
        out += &format!(
            "  revenue {}\n",
            if choices.once_in(3) { choices.expr(&rows, Money, 2, Bits::Any) } else { "quantity * price".into() }
        );
    }
    out += &format!(
        "  customers by {}\n",
        choices.one(&["customer", "customer", "customer", "code", "product", "quantity"])
    );
    out += &format!("  time {}\n", choices.one(&["at", "at", "at", "day"]));
    let count = choices.pick(4);
    if count > 0 {
        rows.duplicate = true;
        out += "  filter {\n";
        for nth in 0..count {
            let verb = if choices.once_in(4) { "keep" } else { "drop" };
            out += &format!("    {verb} \"rule {nth}\" when {}\n", choices.expr(&rows, Bool, 3, Bits::Any));
        }
        out += "  }\n";
        rows.duplicate = false;
    }
    let everything = Scope {
        names: rows.names.iter().take(0).cloned().collect(),
        groups: vec![("count()", rows.clone())],
        duplicate: false,
    };
    out += &match choices.pick(6) {
        0 | 1 => "  as_of max(at) + 1 day\n".to_owned(),
        2 => "  as_of @2024-07-01\n".to_owned(),
        3 => "  as_of max(day)\n".to_owned(),
        _ => format!("  as_of {}\n", choices.expr(&everything, Moment, 2, Bits::Same)),
    };
    rows.names.push(name("as_of", Moment));
    let mut features = Scope {
        names: rows.names.iter().filter(|n| !is_column(&n.words)).cloned().collect(),
        groups: vec![],
        duplicate: false,
    };
    features.groups.push(("count()", rows.clone()));
    if !choices.once_in(4) {
        out += &format!(
            "  baskets by {} {{\n",
            choices.one(&["invoice", "invoice", "product", "code", "quantity", "day"])
        );
        let mut inside = features.clone();
        let mut outside: Vec<Name> = features.names.clone();
        outside.push(name("baskets.time", Moment));
        for nth in 0..1 + choices.pick(3) {
            let ty = *choices.one(&[Money, Int, Span, Text, Moment, Number, Date, Share]);
            let bits = if choices.once_in(3) { Bits::Any } else { Bits::Whole };
            out += &format!("    b{nth} = {}\n", choices.expr(&inside, ty, 2, bits));
            inside.names.push(Name { words: format!("b{nth}"), ty, bits });
            outside.push(Name { words: format!("baskets.b{nth}"), ty, bits });
        }
        out += "  }\n";
        features.groups.push(("count(baskets)", Scope { names: outside, groups: vec![], duplicate: false }));
    }
    out += "  features {\n";
    // Rules speak of features and parameters alone.
    let names = features.names.iter().filter(|name| name.words != "as_of").cloned().collect();
    let mut rules = Scope { names, groups: vec![], duplicate: false };
    for nth in 0..1 + choices.pick(6) {
        let (ty, bits, words) = match choices.pick(7) {
            6 => {
                let ty = *choices.one(&[Money, Int, Span, Moment]);
                let low = if choices.once_in(3) { ", low is best" } else { "" };
                let of = choices.expr(&features, ty, 2, Bits::Same);
                (Int, Bits::Same, format!("score({of}, {}{low})", 2 + choices.pick(5)))
            }
            5 => {
                let ty = *choices.one(&[Money, Span, Number]);
                let of = choices.expr(&features, ty, 2, Bits::Any);
                (ty, Bits::Any, format!("winsorize({of}, {}%, {}%)", 5 * choices.pick(8), 50 + 5 * choices.pick(10)))
            }
            _ => {
                let ty = *choices.one(&[Int, Money, Span, Number, Text, Moment, Share, Bool, Date]);
                let bits = if choices.once_in(2) { Bits::Same } else { Bits::Any };
                (ty, bits, choices.expr(&features, ty, 3, bits))
            }
        };
        out += &format!("    f{nth} = {words}\n");
        features.names.push(Name { words: format!("f{nth}"), ty, bits });
        rules.names.push(Name { words: format!("f{nth}"), ty, bits });
        let typical = if ty == Int { Number } else { ty };
        if ty != Date {
            rules.names.push(Name { words: format!("all.f{nth}"), ty: typical, bits });
        }
    }
    out += "  }\n  label customers {\n";
    for nth in 0..choices.pick(4) {
        out += &format!("    \"L{nth}\" when {}\n", choices.expr(&rules, Bool, 3, Bits::Same));
    }
    out + "    otherwise \"Rest\"\n  }\n}\n"
}

fn is_column(words: &str) -> bool {
    COLUMNS.iter().any(|column| column.0 == words) || words.starts_with('d')
}

impl Choices<'_> {
    fn literal(&mut self, ty: Ty) -> String {
        let of = LITERALS.iter().find(|l| l.0 == ty).map_or(LITERALS[7].1, |l| l.1);
        (*self.one(of)).to_owned()
    }

    fn leaf(&mut self, scope: &Scope, ty: Ty, bits: Bits) -> String {
        let names: Vec<&Name> = scope.names.iter().filter(|n| n.ty == ty && n.bits >= bits).collect();
        if !scope.groups.is_empty() && ty != Bool && !self.once_in(4) {
            return self.aggregate(scope, ty, 1, bits);
        }
        if names.is_empty() || (ty != Id && self.once_in(4)) {
            self.literal(ty)
        } else {
            self.one(&names).words.clone()
        }
    }

    /// An expression of a type, in brackets where it needs them.
    fn expr(&mut self, scope: &Scope, ty: Ty, depth: usize, bits: Bits) -> String {
        if depth == 0 || (ty != Bool && self.pick(3) == 0) {
            return self.leaf(scope, ty, bits);
        }
        if !scope.groups.is_empty() && ty != Bool && self.once_in(3) {
            return self.aggregate(scope, ty, depth, bits);
        }
        let d = depth - 1;
        // What a condition, a divisor or a rounding looks at.
        let sure = bits.max(Bits::Same);
        macro_rules! e {
            ($ty:expr) => {{
                let ty = $ty;
                self.expr(scope, ty, d, bits)
            }};
        }
        macro_rules! s {
            ($ty:expr) => {{
                let ty = $ty;
                self.expr(scope, ty, d, sure)
            }};
        }
        // What there is of every type.
        if self.once_in(5) {
            let other = if ty == Text && self.once_in(3) { Id } else { ty };
            return match self.pick(2) {
                0 => format!("coalesce({}, {})", e!(ty), e!(other)),
                _ => format!(
                    "(if {} then {} else {})",
                    s!(Bool),
                    e!(ty),
                    if self.once_in(4) { "missing".into() } else { e!(ty) }
                ),
            };
        }
        match ty {
            Int => match self.pick(11) {
                0 => format!("({} + {})", e!(Int), e!(Int)),
                1 => format!("({} - {})", e!(Int), e!(Int)),
                2 => format!("({} * {})", e!(Int), e!(Int)),
                3 => format!("(-{})", e!(Int)),
                4 => format!("abs({})", e!(Int)),
                5 => format!("{}({})", self.one(&["round", "floor", "ceil"]), s!(Number)),
                6 => format!("clip({}, {}, {})", e!(Int), e!(Int), e!(Int)),
                7 => format!("{}({})", self.one(&["year", "month", "day", "weekday"]), s!(*self.one(&[Moment, Date]))),
                8 => format!("hour({})", s!(Moment)),
                9 => format!("length({})", s!(Text)),
                _ => format!("({} + {} * {})", e!(Int), e!(Int), e!(Int)),
            },
            Number => match self.pick(10) {
                0 => {
                    format!("({} {} {})", e!(Number), self.one(&["+", "-", "*"]), e!(*self.one(&[Int, Number, Share])))
                }
                1 => format!("({} / {})", e!(Int), s!(Int)),
                2 => format!("({} / {})", e!(Money), s!(Money)),
                3 => format!("({} / {})", e!(Span), s!(Span)),
                4 => format!("days({})", e!(Span)),
                5 => format!("{}({})", self.one(&["log1p", "ln", "sqrt"]), s!(*self.one(&NUMERIC))),
                6 => format!("round({}, {})", s!(Number), self.pick(4)),
                7 => format!("abs({})", e!(Number)),
                8 => format!("clip({}, {}, {})", e!(Number), e!(Int), e!(Number)),
                _ => format!("({} / {})", e!(Share), s!(Number)),
            },
            Share => format!("({} {} {})", e!(Share), self.one(&["+", "-"]), e!(Share)),
            Money => match self.pick(12) {
                0 => format!("({} * {})", e!(Int), e!(Money)),
                1 => format!("({} + {})", e!(Money), e!(Money)),
                2 => format!("({} - {})", e!(Money), e!(Money)),
                3 => format!("(-{})", e!(Money)),
                4 => format!("({} * {})", e!(Money), self.leaf(scope, Share, bits)),
                5 => format!("({} * {})", self.leaf(scope, Number, bits), e!(Money)),
                6 => format!("({} / {})", e!(Money), s!(Int)),
                7 => format!("({} / {})", e!(Money), s!(Number)),
                8 => format!("abs({})", e!(Money)),
                9 => format!("{}({})", self.one(&["round", "floor", "ceil"]), s!(Money)),
                10 => format!("round({}, {})", s!(Money), self.pick(8)),
                _ => format!("clip({}, {}, {})", e!(Money), e!(Money), e!(Money)),
            },
            Span => match self.pick(10) {
                0 => format!("({} - {})", e!(Moment), e!(*self.one(&[Moment, Date]))),
                1 => format!("({} + {})", e!(Span), e!(Span)),
                2 => format!("({} - {})", e!(Span), e!(Span)),
                3 => format!("({} * {})", e!(Span), e!(Int)),
                4 => format!("({} / {})", e!(Span), s!(Int)),
                5 => format!("whole_days({})", s!(Span)),
                6 => format!("calendar_days({}, {})", s!(*self.one(&[Moment, Date])), s!(Moment)),
                7 => format!("abs({})", e!(Span)),
                8 => format!("({} * {})", e!(Number), e!(Span)),
                _ => format!("clip({}, {}, {})", e!(Span), e!(Span), e!(Span)),
            },
            Date => format!("{}({})", self.one(&["date_of", "start_of_month"]), s!(*self.one(&[Moment, Date]))),
            Moment => format!("({} {} {})", e!(*self.one(&[Moment, Date])), self.one(&["+", "-"]), e!(Span)),
            Text | Id => format!("{}({})", self.one(&["lower", "upper", "trim"]), e!(Text)),
            Bool => self.condition(scope, depth, sure),
        }
    }

    fn condition(&mut self, scope: &Scope, depth: usize, bits: Bits) -> String {
        let d = depth - 1;
        macro_rules! e {
            ($ty:expr) => {{
                let ty = $ty;
                self.expr(scope, ty, d, bits)
            }};
        }
        if scope.duplicate && self.once_in(5) {
            let columns: Vec<&str> = COLUMNS.iter().filter(|c| !matches!(c.1, Number | Share)).map(|c| c.0).collect();
            return match self.pick(3) {
                0 => "duplicate".to_owned(),
                1 => format!("(duplicate on {})", self.one(&columns)),
                _ => format!("(duplicate on {}, {})", self.one(&columns[..5]), self.one(&columns[5..])),
            };
        }
        match self.pick(10) {
            0 | 1 => {
                let ty = *self.one(&ORDERED);
                format!("({} {} {})", e!(ty), self.one(&["<", "<=", ">", ">=", "=", "!="]), e!(ty))
            }
            2 => {
                let ty = *self.one(&ORDERED);
                format!("({} {}between {} and {})", e!(ty), self.one(&["", "not "]), e!(ty), e!(ty))
            }
            3 => {
                let ty = *self.one(&[Text, Int, Money, Date]);
                format!("({} {}in [{}, {}])", e!(ty), self.one(&["", "not "]), e!(ty), e!(ty))
            }
            4 => {
                let ty = *self.one(&[Text, Id, Int, Money, Moment, Bool, Number]);
                let value = if ty == Bool { e!(Bool) } else { e!(ty) };
                format!("({value} is {}missing)", self.one(&["", "not "]))
            }
            5 => {
                let verb = *self.one(&["starts with", "ends with", "contains", "matches"]);
                let pattern = if verb == "matches" { "\"^[a-zé]+$\"".to_owned() } else { e!(Text) };
                format!("({} {}{verb} {pattern})", e!(Text), self.one(&["", "not "]))
            }
            6 => format!("(not {})", e!(Bool)),
            7 => format!("({} and {})", e!(Bool), e!(Bool)),
            8 => format!("({} or {})", e!(Bool), e!(Bool)),
            _ => format!("({} = {})", e!(Id), e!(Text)),
        }
    }

    fn aggregate(&mut self, scope: &Scope, ty: Ty, depth: usize, bits: Bits) -> String {
        let (counted, inside) = self.one(&scope.groups);
        let any = *self.one(&[Int, Text, Money, Moment, Id, Number, Bool]);
        let (name, of, more): (&str, Ty, &str) = match (ty, bits) {
            (Int, _) => match self.pick(9) {
                0 => ("count", any, ""),
                1 => ("count_distinct", any, ""),
                2 | 3 => ("sum", Int, ""),
                4 => return counted.to_string(),
                _ => (*self.one(&["min", "max", "first", "last", "mode"]), Int, ""),
            },
            (Number, Bits::Any) => match self.pick(8) {
                0 => ("sum", *self.one(&[Number, Share]), ""),
                1 => ("std", *self.one(&[Int, Number]), ""),
                2 => ("quantile", *self.one(&[Int, Number]), ", 90%"),
                3 => ("entropy", any, ""),
                4 => ("trend", *self.one(&[Money, Int, Span, Number]), ""),
                5 => ("mean", *self.one(&[Int, Number]), ""),
                6 => ("median", *self.one(&[Int, Number]), ""),
                _ => (*self.one(&["min", "max", "first", "last", "mode"]), Number, ""),
            },
            (Number, _) => match self.pick(3) {
                0 => ("mean", Int, ""),
                1 => ("median", Int, ""),
                _ => (*self.one(&["min", "max", "first", "last", "mode"]), Number, ""),
            },
            (Share, _) if !self.once_in(3) => ("share", Bool, ""),
            (Money | Span, Bits::Any) if self.once_in(3) => match (ty, self.pick(3)) {
                (Span, 0) => ("mean_gap", *self.one(&[Moment, Date]), ""),
                (_, 1) => ("quantile", ty, ", 0.25"),
                _ => ("std", ty, ""),
            },
            (Money | Span, Bits::Any | Bits::Same) if self.once_in(3) => (*self.one(&["mean", "median"]), ty, ""),
            (Money | Span, _) if !self.once_in(2) => ("sum", ty, ""),
            _ => (*self.one(&["max", "min", "first", "last", "mode"]), ty, ""),
        };
        // A double in a place where units could be whole makes what is computed from it double as well.
        let inner = if ty != Number && bits == Bits::Same { Bits::Whole } else { bits };
        let inner =
            if matches!(name, "count" | "count_distinct" | "entropy" | "mode") { inner.max(Bits::Same) } else { inner };
        let argument = self.expr(inside, of, depth.saturating_sub(1), inner);
        let filter =
            if self.once_in(3) { format!(" where {}", self.expr(inside, Bool, 1, Bits::Same)) } else { String::new() };
        format!("{name}({argument}{more}{filter})")
    }
}
