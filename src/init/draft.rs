//! What a first spec says, before it is text: made from profiles, mended by builds.

use std::collections::BTreeSet;

use super::money::{self, Money};
use super::rules::{Doubt, Rule, rules, tells_rows_apart};
use super::trial::Built;
use super::{Recognised, Request, lacking};
use crate::diagnostics::Diagnostic;
use crate::ingest::{Detection, Sheets};
use crate::profile::text::visible;
use crate::profile::{Column, Profile, Role};
use crate::report::numbers::count;
use crate::syntax::{is_name, quoted};
use crate::time::MONTHS;

pub(super) struct Draft {
    pub name: String,
    /// The files in quotes, as the spec names them.
    pub files: Vec<String>,
    /// Of the whole table: the first and the last month, where no date is odd.
    pub period: Option<(String, String)>,
    pub currency: Remarked,
    /// Lines of the source block.
    pub settings: Vec<Remarked>,
    /// Words for a missing value, in quotes.
    pub missing: BTreeSet<String>,
    /// Percent of the rows.
    pub max_refused: u64,
    pub columns: Vec<Line>,
    /// Columns that the spec does not need, to stand in comments.
    pub spare: Vec<Line>,
    pub money: Money,
    /// Whether rows come together to orders.
    pub invoice: bool,
    /// Why they don't though there is a column for it.
    pub no_invoice: Option<String>,
    pub rules: Vec<Rule>,
    /// Rows that equal an earlier one, where that is no reason to drop them.
    pub kept_repeats: u64,
    pub groups: Groups,
    /// So many times the median of everyone is what champions spend.
    pub rich: &'static str,
    /// The last build.
    pub seen: Seen,
}

/// A part of the spec with a remark for its reader.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Remarked {
    pub text: String,
    pub why: String,
}

/// A column of the source.
#[derive(Debug, Clone)]
pub(super) struct Line {
    pub name: String,
    pub kind: String,
    /// As the spec has it: a name, a text in quotes, or `column 3`.
    pub source: String,
    pub dates: Vec<String>,
    /// As the file has it.
    pub header: String,
    /// Why it is taken for what it is.
    pub why: String,
    /// What of it is not plain from the header.
    pub remark: String,
}

/// How customers come together.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Groups {
    /// Clusters over some of [`DIMENSIONS`], with as many as that.
    Clusters { on: Vec<&'static str>, k: (u32, u32) },
    /// A grid of two scores.
    Grid,
}

#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Seen {
    pub read: u64,
    pub used: u64,
    pub refused: u64,
    pub customers: u64,
}

pub(super) const DIMENSIONS: [&str; 3] = ["log1p(recency)", "log1p(frequency)", "log1p(monetary)"];

/// Fewer customers have no groups to be found.
pub(super) const FEW: u64 = 50;
/// As many rows may be unreadable while the spec is tried.
const TRIED: u64 = 30;
/// Columns that stand in comments at most, and the longest header that is written out.
const SPARE: usize = 100;
const LONGEST: usize = 80;

impl Draft {
    pub fn of(request: &Request, profiles: &[Profile]) -> Result<Draft, Vec<Diagnostic>> {
        let first = &profiles[0];
        let needed = [(Role::Customer, first.column(Role::Customer)), (Role::Date, first.column(Role::Date))];
        let mut lacking: Vec<Diagnostic> = needed
            .iter()
            .filter(|(_, column)| column.is_none())
            .map(|(role, _)| lacking::no_column(*role, first))
            .collect();
        if let Some(found) = lacking::one_row_each(first).filter(|_| first.column(Role::Date).is_none()) {
            return Err(vec![found]);
        }
        let Some(money) = Money::of(first) else {
            lacking.push(lacking::no_column(Role::Amount, first));
            return Err(lacking);
        };
        if !lacking.is_empty() {
            return Err(lacking);
        }
        let (invoice, no_invoice) = invoices(first);
        let currency = money::currency(first, money);
        let (columns, spare) = lines(profiles, money, invoice);
        let repeats: u64 = profiles.iter().map(|profile| profile.repeated_rows.count).sum();
        let single = profiles.len() == 1 && first.repeated_rows.exact;
        Ok(Draft {
            name: request.name.clone(),
            files: request.files.iter().filter_map(|file| quoted(&file.name)).collect(),
            period: period(profiles),
            settings: settings(request, profiles, &columns),
            missing: missing_words(profiles, money),
            max_refused: TRIED,
            rules: rules(profiles, money, invoice, &currency.text, request.today),
            kept_repeats: if single && !tells_rows_apart(profiles, invoice) { repeats } else { 0 },
            groups: match first.column(Role::Customer).is_some_and(|column| column.distinct.count >= FEW) {
                true => Groups::Clusters { on: DIMENSIONS.to_vec(), k: (3, 8) },
                false => Groups::Grid,
            },
            rich: "2",
            seen: Seen::default(),
            currency,
            columns,
            spare,
            money,
            invoice,
            no_invoice,
        })
    }

    pub fn has(&self, name: &str) -> bool {
        self.columns.iter().any(|line| line.name == name)
    }

    pub fn recognised(&self) -> Vec<Recognised> {
        let recognised = |line: &Line| Recognised {
            name: line.name.clone(),
            kind: line.kind.clone(),
            header: line.header.clone(),
            why: line.why.clone(),
        };
        self.columns.iter().map(recognised).collect()
    }

    /// What the data only make likely, each with the evidence: another reading could be right.
    pub fn guesses(&self) -> Vec<String> {
        let guess = |text: &str, why: &str| {
            let evidence = why.strip_prefix("a guess: ")?.trim_end_matches('.');
            Some(format!("{text} ({evidence})"))
        };
        let currency = guess(&format!("currency {}", self.currency.text), &self.currency.why);
        let settings = self.settings.iter().filter_map(|setting| guess(&setting.text, &setting.why));
        let dates = self.columns.iter().filter(|line| !line.dates.is_empty()).filter_map(|line| {
            let formats: Vec<String> = line.dates.iter().map(|format| format!("\"{format}\"")).collect();
            guess(&format!("{} dates {}", line.name, formats.join(", ")), &line.remark)
        });
        currency.into_iter().chain(settings).chain(dates).collect()
    }

    /// Takes in what a build found, and says whether the spec is another one now, so that it has to be built again.
    pub fn learn(&mut self, built: &Built) -> bool {
        self.seen = Seen { read: built.read, used: built.used, refused: built.refused, customers: built.customers };
        self.max_refused = (100 * built.refused).div_ceil(built.read.max(1)).max(1);
        let mut changed = false;
        for (column, detection) in &built.detected {
            changed |= !detection.certain && self.state(column.as_deref(), detection);
        }
        let took = |name: &str| built.dropped.iter().find(|(rule, ..)| rule == name).map_or((0, 0.0), |d| (d.1, d.2));
        for rule in &mut self.rules {
            rule.rows = took(&rule.name).0;
        }
        // An order of which the rows have different totals has totals of rows.
        let differ = self.rules.iter().any(|rule| rule.doubt == Doubt::OtherTotal && rule.rows > 0);
        self.rules.retain(|rule| {
            let wrong = match rule.doubt {
                Doubt::Negative => rule.rows > 0 && took(&rule.name).1 >= 0.0,
                Doubt::SameTotal => differ,
                Doubt::OtherTotal | Doubt::None => false,
            };
            changed |= wrong;
            // A rule that took nothing can go without a difference to the others.
            !wrong && rule.doubt != Doubt::OtherTotal && rule.stays()
        });
        changed |= differ;
        self.name_cancellations();
        self.rich = rich(&built.recent);
        let groups = self.fitting(built);
        changed |= groups != self.groups;
        self.groups = groups;
        changed
    }

    /// Where there is one sort of cancellations, its name needs no letters.
    fn name_cancellations(&mut self) {
        let mut cancelled = self.rules.iter_mut().filter(|rule| rule.doubt == Doubt::Negative);
        if let (Some(only), None) = (cancelled.next(), cancelled.next()) {
            only.name = "cancellation".to_owned();
        }
    }

    /// The groups that so many customers admit.
    fn fitting(&self, built: &Built) -> Groups {
        let most = match built.customers {
            0..200 => 5,
            200..1000 => 6,
            _ => 8,
        };
        match &self.groups {
            Groups::Clusters { .. } if built.customers < FEW => Groups::Grid,
            Groups::Clusters { on, k } => {
                let tried = built.tried.unwrap_or(most);
                let k = (k.0, k.1.min(most).min(tried));
                if k.1 <= k.0 { Groups::Grid } else { Groups::Clusters { on: on.clone(), k } }
            }
            Groups::Grid => Groups::Grid,
        }
    }

    /// Settles something that the data left open; whether that was new.
    fn state(&mut self, column: Option<&str>, detection: &Detection) -> bool {
        let pin = &detection.pin;
        if detection.what == "missing value" {
            return pin.strip_prefix("missing ").is_some_and(|word| self.missing.insert(word.to_owned()));
        }
        if let (Some(column), "date format") = (column, detection.what) {
            let Some(line) = self.columns.iter_mut().find(|line| line.name == column) else { return false };
            let dates = formats(&detection.value);
            let new = line.dates.is_empty() && !dates.is_empty();
            line.dates = if new { dates } else { std::mem::take(&mut line.dates) };
            return new;
        }
        // What is settled elsewhere, a column or the currency, was settled by the profile.
        let elsewhere = |setting: &str| setting.ends_with(':') || setting == "currency";
        let Some((setting, _)) = pin.split_once(' ').filter(|(setting, _)| !elsewhere(setting)) else {
            return false;
        };
        if self.settings.iter().any(|known| known.text.split(' ').next() == Some(setting)) {
            return false;
        }
        self.settings.push(Remarked { text: pin.clone(), why: detection.evidence.clone() });
        true
    }

    /// Asks less of the data after a build that failed; false where nothing is left to give up.
    pub fn give_way(&mut self, found: &[Diagnostic]) -> bool {
        let is = |code: &str| found.iter().any(|d| d.is_error() && d.code == code);
        let Groups::Clusters { on, k } = &mut self.groups else { return false };
        if !["SEG0402", "SEG0403", "SEG0501", "SEG0502", "SEG0503"].into_iter().any(is) {
            return false;
        }
        let same = |dimension: &str| {
            found.iter().any(|d| d.code == "SEG0503" && d.message.contains(&format!("`{dimension}`")))
        };
        let constant = on.iter().position(|dimension| same(dimension));
        match constant {
            Some(at) if on.len() > 1 => {
                on.remove(at);
            }
            // Two groups are better than none that are large enough.
            None if is("SEG0502") && k.0 > 2 => k.0 = 2,
            _ => self.groups = Groups::Grid,
        }
        true
    }
}

/// The smallest factor from 2 on that only the richest of the clusters with recent customers reaches, or a smaller one
/// that it does reach.
fn rich(recent: &[f64]) -> &'static str {
    const FACTORS: [(&str, f64); 10] = [
        ("2", 2.0),
        ("3", 3.0),
        ("4", 4.0),
        ("5", 5.0),
        ("6", 6.0),
        ("8", 8.0),
        ("10", 10.0),
        ("1.75", 1.75),
        ("1.5", 1.5),
        ("1.25", 1.25),
    ];
    let (first, second) = (recent.first().copied().unwrap_or(0.0), recent.get(1).copied().unwrap_or(0.0));
    FACTORS.into_iter().find(|(_, factor)| second < *factor && *factor <= first).map_or("2", |(text, _)| text)
}

/// Whether the invoices can be orders of customers, and why not.
fn invoices(profile: &Profile) -> (bool, Option<String>) {
    let (Some(invoice), Some(customer)) = (profile.column(Role::Invoice), profile.column(Role::Customer)) else {
        return (false, None);
    };
    let header = visible(&invoice.header);
    if invoice.distinct.count * 2 < customer.distinct.count {
        let (few, many) = (count(invoice.distinct.count), count(customer.distinct.count));
        return (false, Some(format!("`{header}` has {few} values for {many} customers, too few to be orders")));
    }
    if invoice.missing * 2 > profile.rows {
        return (false, Some(format!("`{header}` is empty in most rows")));
    }
    (true, None)
}

/// The columns that the spec reads, and the others.
fn lines(profiles: &[Profile], money: Money, invoice: bool) -> (Vec<Line>, Vec<Line>) {
    let first = &profiles[0];
    let named = |role: Role| -> Option<&'static str> {
        match role {
            Role::Customer => Some("customer"),
            Role::Invoice => Some("invoice").filter(|_| invoice),
            Role::Product => Some("product"),
            Role::Item => Some("item"),
            Role::Quantity => Some("quantity").filter(|_| money == Money::Product),
            Role::Price if money == Money::Product => Some("price"),
            Role::Amount | Role::Total | Role::Price => Some("amount").filter(|_| money.column() == Some(role)),
            Role::Date => Some("at"),
            Role::Country => Some("country"),
            Role::Status => Some("status"),
            Role::Currency => Some("currency"),
        }
    };
    let (mut columns, mut spare) = (vec![], vec![]);
    let order = [
        Role::Customer,
        Role::Invoice,
        Role::Product,
        Role::Item,
        Role::Quantity,
        Role::Price,
        Role::Amount,
        Role::Total,
        Role::Date,
        Role::Country,
        Role::Status,
        Role::Currency,
    ];
    for (role, column) in order.into_iter().filter_map(|role| Some((role, first.column(role)?))) {
        if let Some(name) = named(role) {
            columns.push(line(name.to_owned(), column, role, profiles));
        }
    }
    let mut taken: BTreeSet<String> = TAKEN.iter().map(|name| (*name).to_owned()).collect();
    taken.extend(columns.iter().map(|line| line.name.clone()));
    let unread = first.columns.iter().filter(|column| column.role.and_then(named).is_none());
    for column in unread.take(SPARE) {
        let name = free(&super::slug(&column.header, &format!("column_{}", column.position)), &taken);
        taken.insert(name.clone());
        let mut line = line(name, column, Role::Status, profiles);
        line.kind = column.kind.clone();
        spare.push(line);
    }
    (columns, spare)
}

/// Names that mean something else in the spec.
const TAKEN: [&str; 16] = [
    "all",
    "baskets",
    "as_of",
    "rows",
    "amount",
    "worth",
    "recency",
    "frequency",
    "monetary",
    "basket",
    "home",
    "r",
    "f",
    "m",
    "sales",
    "purchases",
];

fn free(name: &str, taken: &BTreeSet<String>) -> String {
    let numbered = (2..).map(|n| format!("{name}_{n}"));
    std::iter::once(name.to_owned()).chain(numbered).find(|name| !taken.contains(name)).expect("numbers don't end")
}

fn line(name: String, column: &Column, role: Role, profiles: &[Profile]) -> Line {
    let header = column.header.trim();
    let others: Vec<&Column> =
        profiles.iter().filter_map(|p| p.columns.iter().find(|c| c.header.trim() == header)).collect();
    let kind = match role {
        Role::Customer => "id",
        Role::Quantity if others.iter().all(|column| column.kind == "int") => "int",
        Role::Quantity => "number",
        Role::Price | Role::Amount | Role::Total => "money",
        Role::Date if others.iter().all(|column| column.kind == "date") => "date",
        Role::Date => "datetime",
        _ => "text",
    };
    let mut dates: Vec<String> = vec![];
    others.iter().flat_map(|column| &column.dates).for_each(|format| {
        if !dates.contains(format) {
            dates.push(format.clone());
        }
    });
    let why = column.role_why.clone();
    let plain = format!("its header is `{}`", column.header);
    let mut remark = why.strip_prefix(&plain).unwrap_or(&why).trim_start_matches("; ").to_owned();
    let guessed = |p: &Profile| {
        let settings = p.settings.iter().filter(|s| s.column == Some(column.position) && s.what == "date format");
        settings.filter(|s| !s.certain).map(|s| s.evidence.clone()).next()
    };
    if let Some(evidence) = profiles.iter().find_map(guessed).filter(|_| role == Role::Date) {
        remark = evidence;
    }
    Line {
        name,
        kind: kind.to_owned(),
        source: source(column, &profiles[0]),
        dates,
        header: visible(header),
        why,
        remark,
    }
}

/// How the spec names a column: by its header where everybody can read and type that, else by its place.
fn source(column: &Column, profile: &Profile) -> String {
    let header = column.header.trim();
    let same = profile.columns.iter().filter(|other| other.header.trim() == header).count();
    let legible = !header.is_empty() && header.chars().count() <= LONGEST && visible(header) == header;
    let by_place = format!("column {}", column.position);
    if !profile.header || same > 1 || !legible {
        return by_place;
    }
    if is_name(header) { header.to_owned() } else { quoted(header).unwrap_or(by_place) }
}

/// How the file is written, where that is not what everybody would take it for.
fn settings(request: &Request, profiles: &[Profile], columns: &[Line]) -> Vec<Remarked> {
    let first = &profiles[0];
    let everywhere = |pin: &str| {
        profiles.iter().all(|p| p.settings.iter().any(|setting| setting.column.is_none() && setting.pin == pin))
    };
    let usual = |pin: &str| pin == "delimiter \",\"" || pin == "encoding \"utf-8\"";
    let mut settings: Vec<Remarked> = first
        .settings
        .iter()
        .filter(|s| s.column.is_none() && !s.pin.is_empty() && !(s.certain && usual(&s.pin)) && everywhere(&s.pin))
        .map(|s| {
            let guess = if s.certain || s.evidence.starts_with("a guess") { "" } else { "a guess: " };
            Remarked { text: s.pin.clone(), why: format!("{guess}{}", visible(&s.evidence)) }
        })
        .collect();
    let sheets: Vec<String> = first.sheets_read.iter().filter_map(|name| quoted(name)).collect();
    if request.format.sheets != Sheets::Unstated && !sheets.is_empty() {
        settings.push(Remarked { text: format!("sheet {}", sheets.join(", ")), why: String::new() });
    }
    if let Some(table) = request.format.table.as_deref().and_then(quoted) {
        settings.push(Remarked { text: format!("table {table}"), why: String::new() });
    }
    let by_place = columns.iter().any(|line| line.source.starts_with("column "));
    if first.header && by_place && !settings.iter().any(|s| s.text.starts_with("header ")) {
        settings.push(Remarked { text: "header yes".to_owned(), why: String::new() });
    }
    settings
}

/// Words that stand where a number or a date should.
fn missing_words(profiles: &[Profile], money: Money) -> BTreeSet<String> {
    let mut roles = vec![Role::Date];
    match money.column() {
        Some(role) => roles.push(role),
        None => roles.extend([Role::Quantity, Role::Price]),
    }
    let columns = profiles.iter().flat_map(|p| roles.iter().filter_map(|role| p.column(*role)));
    columns.flat_map(|column| &column.facts.missing_words).filter_map(|word| quoted(word)).collect()
}

/// The months of the first and the last row.
fn period(profiles: &[Profile]) -> Option<(String, String)> {
    let dates: Vec<&Column> = profiles.iter().filter_map(|p| p.column(Role::Date)).collect();
    if dates.iter().any(|column| !column.oddities.is_empty()) {
        return None;
    }
    let first = dates.iter().filter_map(|column| column.min.as_deref()).min()?;
    let last = dates.iter().filter_map(|column| column.max.as_deref()).max()?;
    Some((month(first)?, month(last)?))
}

/// `2011-12-09 12:50:00` is in December 2011.
fn month(day: &str) -> Option<String> {
    let (year, rest) = day.split_once('-')?;
    let month: usize = rest.split('-').next()?.parse().ok()?;
    Some(format!("{} {year}", MONTHS.get(month.checked_sub(1)?)?))
}

/// `%d.%m.%Y, %Y-%m-%d`: formats in a list.
fn formats(list: &str) -> Vec<String> {
    let mut formats: Vec<String> = vec![];
    for part in list.split(", %") {
        formats.push(if formats.is_empty() { part.to_owned() } else { format!("%{part}") });
    }
    formats.retain(|format| !format.is_empty());
    formats
}
