//! `specs/DATA.md` says what segc does with damaged data. Its table names a file of `damage/` in every row; here each of
//! them is read, what happens is compared with `damage/expected.txt` (`INSTA_UPDATE=always` rewrites it) and with the row,
//! and what the row says to write into the spec is tried out.
//!
//! Every file is the table of `damage/clean.csv`, damaged in one way by `damage/make.py`, which uses the libraries that
//! people use. `damage/NAME.seg` has what the spec of a case says beyond the common.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;
use std::path::PathBuf;

use segc::compile::compile;
use segc::diagnostics::{Diagnostic, has_errors};
use segc::ingest::{Detection, Loaded};
use segc::inputs::{self, check_headers};
use segc::progress::Silent;
use segc::world::Disk;

use crate::ingest::{refusals, rows};
use crate::support::root;

/// The columns of a purchase, by name.
const COLUMNS: [&str; 6] = [
    "customer: id = Customer",
    "invoice: text = Invoice",
    "quantity: int = Quantity",
    "price: money = Price",
    "at: datetime = Date",
    "country: text = Country",
];

struct Case {
    /// The file, which is also the name of the case.
    name: String,
    files: Vec<String>,
    /// Lines of the source block, columns among them.
    lines: Vec<String>,
}

/// What became of a case.
struct Run {
    loaded: Option<Loaded>,
    diagnostics: Vec<Diagnostic>,
}

impl Case {
    fn read(name: &str) -> Case {
        let mut case = Case { name: name.to_owned(), files: vec![name.to_owned()], lines: vec![] };
        let own = fs::read_to_string(folder().join(format!("{name}.seg"))).unwrap_or_default();
        for line in own.lines() {
            match line.strip_prefix("from ") {
                Some(files) => case.files = spans(&files.replace('"', "`")),
                None => case.lines.push(line.to_owned()),
            }
        }
        case
    }

    /// The lines of the source block: those of the case, and the common columns that it does not declare itself.
    fn source(&self, more: &[String]) -> Vec<String> {
        let name = |line: &str| line.split_once(':').map(|(name, _)| name.trim().to_owned());
        let common = !self.lines.iter().any(|line| line == "# no other columns");
        let mut lines: Vec<String> = COLUMNS.iter().filter(|_| common).map(|column| (*column).to_owned()).collect();
        for line in self.lines.iter().chain(more) {
            match lines.iter_mut().find(|known| name(known).is_some() && name(known) == name(line)) {
                Some(known) => known.clone_from(line),
                None => lines.push(line.clone()),
            }
        }
        lines
    }

    fn run(&self, more: &[String]) -> Run {
        let temporary = tempfile::tempdir().unwrap();
        let spec = temporary.path().join("damage.seg");
        let files: Vec<String> = self.files.iter().map(|file| format!("{file:?}")).collect();
        let text = format!(
            "segmentation damage {{\n currency GBP\n source purchases from {} {{\n max_refused 60%\n {}\n }}\n time at\n \
             customers by customer\n as_of max(at) + 1 day\n features {{ spend = count() }}\n label customers {{ \
             otherwise \"All\" }}\n}}\n",
            files.join(", "),
            self.source(more).join("\n ")
        );
        fs::write(&spec, &text).unwrap();
        let world = Disk { data: vec![folder()], ..Disk::default() };
        let compiled = compile(&world, &spec, &[]);
        assert!(!compiled.has_errors(), "{}: {:?}\n{text}", self.name, compiled.diagnostics);
        let found = check_headers(&world, &compiled);
        if has_errors(&found) {
            return Run { loaded: None, diagnostics: found };
        }
        match inputs::read(&world, &compiled, compiled.plan.as_ref().unwrap(), &BTreeMap::new(), &Silent) {
            Ok((mut loaded, diagnostics)) => Run { loaded: loaded.pop(), diagnostics },
            Err(unusable) => Run { loaded: None, diagnostics: unusable.diagnostics },
        }
    }
}

impl Run {
    /// The word that the table has for it.
    fn outcome(&self) -> &'static str {
        let refused = self.loaded.as_ref().is_some_and(|loaded| !loaded.refused.is_empty());
        match self.loaded {
            None => "error",
            _ if refused => "refused",
            _ if !self.diagnostics.is_empty() => "warned",
            _ if !self.noted().is_empty() => "detected",
            _ => "read",
        }
    }

    /// What was found out for certain and is not as it always is.
    fn noted(&self) -> Vec<&Detection> {
        let usual = |found: &&Detection| {
            let only_sheet = found.what == "sheet" && found.evidence == "the only sheet";
            !only_sheet && !matches!((found.what, found.value.as_str()), ("delimiter", ",") | ("encoding", "utf-8"))
        };
        self.loaded.iter().flat_map(|l| l.detected.iter().filter(|found| found.certain).filter(usual)).collect()
    }

    fn codes(&self) -> BTreeSet<&'static str> {
        self.diagnostics.iter().map(|diagnostic| diagnostic.code).collect()
    }

    /// What segc says that could be written into the spec.
    fn advice(&self) -> String {
        let help = self.diagnostics.iter().filter_map(|diagnostic| diagnostic.help.clone());
        let labels = self.diagnostics.iter().flat_map(|d| d.labels.iter().map(|label| label.text.clone()));
        help.chain(labels).chain(self.noted().iter().map(|found| found.pin.clone())).collect::<Vec<_>>().join("\n")
    }

    fn told(&self, clean: &[String]) -> String {
        let mut text = String::new();
        if let Some(loaded) = &self.loaded {
            match rows(loaded) {
                rows if rows == clean => text.push_str("rows: as in clean.csv\n"),
                rows => rows.iter().for_each(|row| writeln!(text, "row: {row}").unwrap()),
            }
            refusals(loaded).iter().for_each(|refusal| writeln!(text, "refused: {refusal}").unwrap());
        }
        for found in self.noted() {
            writeln!(text, "noted: {}: {} ({}) `{}`", found.what, found.value, found.evidence, found.pin).unwrap();
        }
        for found in &self.diagnostics {
            let label = found.labels.first().map_or("", |label| &label.text);
            let help = found.help.as_deref().unwrap_or_default();
            writeln!(text, "{}: {} ({label}); {help}", found.code, found.message).unwrap();
        }
        text
    }
}

/// A row of the table.
struct Row {
    damage: String,
    does: String,
    code: String,
    settle: String,
    case: String,
}

fn table() -> Vec<Row> {
    let text = fs::read_to_string(root().join("specs/DATA.md")).unwrap();
    let row = |line: &str| {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [damage, does, code, settle, case] = cells.as_slice() else { return None };
        (*damage != "damage" && !damage.starts_with("---")).then(|| Row {
            damage: (*damage).to_owned(),
            does: (*does).to_owned(),
            code: (*code).to_owned(),
            settle: (*settle).to_owned(),
            case: spans(case).pop().unwrap_or_else(|| panic!("no file in: {line}")),
        })
    };
    text.lines().filter(|line| line.starts_with('|')).filter_map(row).collect()
}

#[test]
fn damaged_data_are_treated_as_the_table_says() {
    let clean = rows(Case::read("clean.csv").run(&[]).loaded.as_ref().unwrap());
    assert_eq!(clean.len(), 6);
    let (mut expected, mut wrong) = (String::new(), Vec::new());
    for row in table() {
        let case = Case::read(&row.case);
        let run = case.run(&[]);
        writeln!(expected, "## {}: {}", row.case, row.damage).unwrap();
        case.lines.iter().for_each(|line| writeln!(expected, "with: {line}").unwrap());
        expected.push_str(&run.told(&clean));
        let mut hold = |holds: bool, what: String| {
            if !holds {
                wrong.push(format!("{}: {what}", row.case));
            }
        };
        let does = row.does.split([' ', ',', ':', ';']).next().unwrap_or_default();
        hold(does == run.outcome(), format!("the table says `{does}`, it was {}\n{}", run.outcome(), run.told(&clean)));
        let codes: Vec<&str> = run.codes().into_iter().collect();
        hold(row.code == codes.join(", "), format!("the table says {}, it was {codes:?}", row.code));
        let settled: Vec<String> = spans(&row.settle);
        if settled.is_empty() {
            hold(!row.settle.is_empty() || matches!(run.outcome(), "read" | "detected"), "no way out".to_owned());
        } else {
            for line in &settled {
                hold(run.advice().contains(line.as_str()), format!("nobody says `{line}`\n{}", run.told(&clean)));
            }
            let run = case.run(&settled);
            writeln!(expected, "with {}:", settled.join("; ")).unwrap();
            expected.push_str(&run.told(&clean));
            hold(!matches!(run.outcome(), "error" | "warned"), format!("not settled\n{}", run.told(&clean)));
            let again: Vec<&str> = run.noted().iter().map(|found| found.pin.as_str()).collect();
            hold(settled.iter().all(|line| !again.contains(&line.as_str())), format!("said again: {again:?}"));
        }
        expected.push('\n');
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let path = folder().join("expected.txt");
    if std::env::var_os("INSTA_UPDATE").is_some_and(|value| value == "always") {
        fs::write(&path, &expected).unwrap();
    }
    let known = fs::read_to_string(&path).unwrap_or_default();
    let differ = known.split("\n\n").zip(expected.split("\n\n")).find(|(known, now)| known != now);
    assert!(
        differ.is_none() && known == expected,
        "{}",
        differ.map_or("more or fewer cases".into(), |(known, now)| {
            format!("--- expected.txt\n{known}\n--- now\n{now}")
        })
    );
}

/// Every file is in the table, and in one row only, save those that others are read with.
#[test]
fn the_table_and_the_files_are_the_same() {
    let mut named: BTreeMap<String, usize> = BTreeMap::new();
    for row in table() {
        *named.entry(row.case).or_default() += 1;
    }
    assert!(named.values().all(|count| *count == 1), "{named:?}");
    assert!(named.len() >= 100, "{} kinds of damage", named.len());
    let with_others: BTreeSet<String> = named.keys().flat_map(|name| Case::read(name).files).collect();
    for entry in fs::read_dir(folder()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let own = ["clean.csv", "expected.txt", "make.py"].contains(&name.as_str());
        let beside = |suffix| name.strip_suffix(suffix).is_some_and(|case| named.contains_key(case));
        let of_case = beside(".seg") || beside("-wal");
        assert!(own || of_case || named.contains_key(&name) || with_others.contains(&name), "{name} is in no row");
    }
}

fn folder() -> PathBuf {
    root().join("tests/damage")
}

/// What stands between backticks.
fn spans(text: &str) -> Vec<String> {
    text.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}
