//! What segc says about mistakes.
//!
//! Every `diagnostics/NAME.seg` is run as far as it goes, and what segc has to say is compared with `NAME.txt`, letter by
//! letter; `INSTA_UPDATE=always` rewrites the latter. Its data are `NAME.csv`, which it calls `orders.csv`, or the common
//! `orders.csv`; what is included lies in `parts/`. The pages that `segc explain` prints are run as well.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use segc::assign::{self, Assigner};
use segc::build::{Built, build};
use segc::compile::{Compiled, compile};
use segc::diagnostics::codes::{CODES, Code};
use segc::diagnostics::{Diagnostic, Severity, has_errors, render};
use segc::diff;
use segc::ingest::InputFile;
use segc::init::place;
use segc::inputs::{Instead, check_headers};
use segc::lock::Lock;
use segc::output;
use segc::profile::Role;
use segc::progress::Silent;
use segc::report::Templates;
use segc::sinks;
use segc::snapshot;
use segc::why;
use segc::world::{self, Disk, Unreadable, World};

/// As seen from the folder of the package, in which cargo runs tests: the paths in messages are the same everywhere.
const FOLDER: &str = "tests/diagnostics/";

/// The disk, where a case finds its own data under the common name.
struct Cases(Disk);

impl World for Cases {
    fn spec(&self, path: &Path) -> Result<Arc<str>, Unreadable> {
        self.0.spec(path)
    }

    fn include(&self, main: &Path, path: &Path) -> Result<Arc<str>, Unreadable> {
        self.0.include(main, path)
    }

    fn locate_all(&self, from: &Path, name: &str) -> Result<Vec<(String, PathBuf)>, Unreadable> {
        match world::is_pattern(name) {
            true => self.0.locate_all(from, name),
            false => self.locate(from, name).map(|path| vec![(name.to_owned(), path)]),
        }
    }

    fn locate(&self, from: &Path, name: &str) -> Result<PathBuf, Unreadable> {
        let own = from.with_extension("csv");
        if name == "orders.csv" && own.exists() { Ok(own) } else { self.0.locate(from, name) }
    }

    fn place(&self, from: &Path, name: &str) -> Result<PathBuf, Unreadable> {
        self.0.place(from, name)
    }
}

/// A spec taken as far as it goes.
struct Run {
    compiled: Compiled,
    diagnostics: Vec<Diagnostic>,
    built: Option<Built>,
}

fn run(world: &dyn World, spec: &Path, params: &[String]) -> Run {
    let compiled = compile(world, spec, params);
    let mut diagnostics = compiled.diagnostics.clone();
    if !has_errors(&diagnostics) {
        diagnostics.extend(check_headers(world, &compiled));
        let (sinks, misplaced) = sinks::of_spec(world, &compiled);
        diagnostics.extend(misplaced);
        diagnostics.extend(sinks::check(world, &compiled, &sinks));
    }
    let mut built = None;
    if !has_errors(&diagnostics) {
        match build(world, &compiled, &Silent) {
            Ok(done) => {
                diagnostics = done.diagnostics.clone();
                built = Some(done);
            }
            Err(found) => diagnostics = found,
        }
    }
    Run { compiled, diagnostics, built }
}

/// The names of all cases.
fn cases() -> Vec<String> {
    let files = fs::read_dir(FOLDER).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = files.filter_map(|file| file.strip_suffix(".seg").map(str::to_owned)).collect();
    names.sort();
    assert!(!names.is_empty(), "`{FOLDER}` has no cases");
    names
}

fn case(name: &str) -> Run {
    run(&Cases(Disk::default()), &Path::new(FOLDER).join(format!("{name}.seg")), &[])
}

fn errors(diagnostics: &[Diagnostic]) -> BTreeSet<&'static str> {
    diagnostics.iter().filter(|d| d.is_error()).map(|d| d.code).collect()
}

fn all(diagnostics: &[Diagnostic]) -> BTreeSet<&'static str> {
    diagnostics.iter().map(|d| d.code).collect()
}

#[test]
fn every_mistake_is_told_as_expected() {
    let update = std::env::var("INSTA_UPDATE").is_ok_and(|v| v == "always");
    let mut unlike = vec![];
    for name in cases() {
        let Run { compiled, diagnostics, .. } = case(&name);
        assert!(!diagnostics.is_empty(), "`{name}.seg` has nothing wrong with it");
        let found = render::text(&diagnostics, &compiled.sources, false).replace(FOLDER, "");
        let path = format!("{FOLDER}{name}.txt");
        let expected = fs::read_to_string(&path).unwrap_or_default();
        if update {
            fs::write(&path, &found).unwrap();
        } else if found != expected {
            unlike.push(format!("--- {name}.txt\n{expected}\n--- found\n{found}"));
        }
    }
    assert!(unlike.is_empty(), "{}", unlike.join("\n"));
}

#[test]
fn no_file_of_the_cases_is_left_over() {
    let names = cases();
    for entry in fs::read_dir(FOLDER).unwrap() {
        let path = entry.unwrap().path();
        let stem = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let used = path.is_dir() || names.contains(&stem) || stem == "orders";
        assert!(used, "`{}` belongs to no case", path.display());
    }
}

#[test]
fn messages_keep_to_our_style() {
    for name in cases() {
        for diagnostic in case(&name).diagnostics {
            let Diagnostic { code, message, labels, place, help, .. } = diagnostic;
            let texts = || labels.iter().map(|l| &l.text).chain([&message]).chain(&help);
            assert!(texts().all(|text| !text.ends_with('.')), "{name}, {code}: a full stop at the end of a message");
            let capital = texts().find(|text| text.starts_with(char::is_uppercase));
            assert_eq!(capital, None, "{name}, {code}: a capital at the beginning");
            assert!(!labels.is_empty() || place.is_some(), "{name}, {code}: `{message}` has no place");
            assert!(help.is_some(), "{name}, {code}: `{message}` has no help");
            // What is ours and not the reader's: types of Rust, ids, absolute paths.
            let leak = texts().find(|text| ["Id(", "Some(", "None", "::", "{:"].iter().any(|ours| text.contains(ours)));
            assert_eq!(leak, None, "{name}, {code}: words of the compiler");
        }
    }
}

#[test]
fn mistakes_come_in_the_order_of_the_spec() {
    let Run { compiled, diagnostics, .. } = case("six_mistakes");
    assert_eq!(diagnostics.len(), 6);
    let lines: Vec<usize> = diagnostics
        .iter()
        .map(|d| compiled.sources.line_column(d.labels[0].span.file, d.labels[0].span.start).0)
        .collect();
    assert!(lines.is_sorted(), "{lines:?}");
}

/// A fenced block of a page.
struct Block {
    language: String,
    /// The file that it is, for blocks other than the spec itself.
    file: Option<String>,
    text: String,
    mended: bool,
}

fn blocks(page: &str) -> Vec<Block> {
    let (mut blocks, mut mended, mut open): (Vec<Block>, bool, bool) = (vec![], false, false);
    for line in page.lines() {
        match (line.strip_prefix("```"), open) {
            (Some(_), true) => open = false,
            (Some(info), false) => {
                let mut words = info.split_whitespace().map(str::to_owned);
                let language = words.next().unwrap_or_default();
                blocks.push(Block { language, file: words.next(), text: String::new(), mended });
                open = true;
            }
            (None, true) => {
                let text = &mut blocks.last_mut().expect("a block is open").text;
                text.push_str(line);
                text.push('\n');
            }
            (None, false) => mended |= line == "Mended:",
        }
    }
    assert!(!open, "a block is not closed:\n{page}");
    blocks
}

/// Runs the spec of a page with the files that it names: the mistaken one or the mended one.
fn run_page(code: &Code, mended: bool) -> Vec<Diagnostic> {
    let folder = tempfile::tempdir().unwrap();
    fs::copy(format!("{FOLDER}orders.csv"), folder.path().join("orders.csv")).unwrap();
    let mut params = vec![];
    // Later blocks replace earlier ones, so that the mended half says only what differs.
    for block in blocks(code.page).iter().filter(|block| mended || !block.mended) {
        match (&*block.language, &block.file) {
            ("sh", _) => {
                params = block
                    .text
                    .split("--param '")
                    .skip(1)
                    .filter_map(|p| p.split('\'').next())
                    .map(str::to_owned)
                    .collect()
            }
            ("seg", None) => fs::write(folder.path().join("shop.seg"), &block.text).unwrap(),
            (_, Some(file)) => fs::write(folder.path().join(file), &block.text).unwrap(),
            (language, None) => panic!("{}: a block of `{language}` without a name", code.code),
        }
    }
    let done = run(&Disk::default(), &folder.path().join("shop.seg"), &params);
    let new = folder.path().join("new.csv");
    match &done.built {
        Some(built) if new.exists() => assigned(built, &done.compiled, &new),
        _ => done.diagnostics,
    }
}

/// What is said when customers are assigned by the model of a build.
fn assigned(built: &Built, compiled: &Compiled, new: &Path) -> Vec<Diagnostic> {
    let model = output::json(&output::model::model(built, compiled, &[]));
    let assigner = Assigner::open(&model).map_err(|unusable| unusable.diagnostics).unwrap();
    let files = vec![InputFile { name: "new.csv".into(), path: new.to_owned() }];
    match assign::read(&Disk::default(), &assigner, files, Instead::new(), &Silent) {
        Err(failed) => failed.diagnostics,
        Ok(found) => match assign::assign(&assigner, found.rows, &found.sources, None) {
            Err(failed) => failed,
            Ok(assigned) => found.diagnostics.into_iter().chain(assigned.diagnostics).collect(),
        },
    }
}

/// The model that a page shows.
fn model_of_page(code: &str) -> Vec<Diagnostic> {
    let page = blocks(CODES.iter().find(|c| c.code == code).unwrap().page);
    let model = page.iter().find(|block| block.language == "json").unwrap();
    Assigner::open(model.text.as_bytes()).err().unwrap().diagnostics
}

/// A model whose spec does not compile any more, with the digest that belongs to it.
fn model_of_another_language() -> Vec<Diagnostic> {
    let spec = |_: &Path, run: Run| output::model::model(&run.built.unwrap(), &run.compiled, &[]);
    let mut model = in_folder(|_| {}, spec);
    model.spec[0].text = model.spec[0].text.replace("features", "measures");
    let found = Assigner::open(&output::json(&model.sealed())).err().unwrap().diagnostics;
    found.into_iter().filter(|d| d.code.starts_with("SEG03")).collect()
}

/// Codes whose mistake lies where a page can't show it as files; their pages say it in words and with a command.
const IN_WORDS: &[&str] = &[
    "SEG0106", "SEG0111", "SEG0305", "SEG0315", "SEG0316", "SEG0320", "SEG0321", "SEG0322", "SEG0323", "SEG0324",
    "SEG0325", "SEG0326", "SEG0327", "SEG0328", "SEG0350", "SEG0351", "SEG0352", "SEG0353", "SEG0354", "SEG0355",
    "SEG0356", "SEG0357", "SEG0504", "SEG0506", "SEG0509", "SEG0542", "SEG0543", "SEG0544", "SEG0545", "SEG0546",
    "SEG0547", "SEG0548", "SEG0630", "SEG0640", "SEG0641", "SEG0701", "SEG0702", "SEG0703", "SEG0705", "SEG0706",
    "SEG0707", "SEG0708", "SEG0709", "SEG0710", "SEG0711", "SEG0712", "SEG0720", "SEG0730", "SEG0731", "SEG0732",
    "SEG0901",
];

#[test]
fn every_code_has_a_page_with_an_example() {
    for code in CODES {
        let title = format!("# {}: ", code.code);
        let first = code.page.lines().next().unwrap_or_default();
        assert!(first.len() > title.len() && first.starts_with(&title), "{}: its page has no title", code.code);
        let length = code.page.lines().count();
        assert!((10..=45).contains(&length), "{}: its page has {length} lines", code.code);
        assert!(
            code.page.ends_with('\n') && code.page.lines().all(|line| line.chars().count() <= 120),
            "{}",
            code.code
        );
        let blocks = blocks(code.page);
        assert!(!blocks.is_empty(), "{}: its page has no example", code.code);
        let halves = blocks.iter().any(|b| b.mended) && blocks.iter().any(|b| !b.mended);
        assert!(halves || IN_WORDS.contains(&code.code), "{}: its page mends nothing", code.code);
    }
}

#[test]
fn examples_of_the_pages_behave_as_said() {
    for code in CODES.iter().filter(|code| !IN_WORDS.contains(&code.code)) {
        let found = run_page(code, false);
        let told = if has_errors(&found) { errors(&found) } else { all(&found) };
        assert_eq!(told, BTreeSet::from([code.code]), "{}: what its page shows gives {found:#?}", code.code);
        let found = run_page(code, true);
        assert_eq!(errors(&found), BTreeSet::new(), "{}: what its page mends gives {found:#?}", code.code);
        assert!(!all(&found).contains(code.code), "{}: what its page mends gives {found:#?}", code.code);
    }
}

const SPEC: &str = r#"segmentation shop {
  currency EUR
  source orders from "orders.csv" { customer: id; price: money; at: datetime }
  as_of max(at) + 1 day
  features { spend = sum(price) }
  label customers {
    "Big" when spend >= 50 EUR
    otherwise "Small"
  }
}
"#;

/// `SPEC` run in a folder of its own, after `prepare` has changed what it likes.
fn in_folder<T>(prepare: impl FnOnce(&Path), then: impl FnOnce(&Path, Run) -> T) -> T {
    let folder = tempfile::tempdir().unwrap();
    fs::copy(format!("{FOLDER}orders.csv"), folder.path().join("orders.csv")).unwrap();
    fs::write(folder.path().join("shop.seg"), SPEC).unwrap();
    prepare(folder.path());
    let done = run(&Disk::default(), &folder.path().join("shop.seg"), &[]);
    then(folder.path(), done)
}

fn no_spec() -> Vec<Diagnostic> {
    run(&Disk::default(), Path::new("tests/diagnostics/none.seg"), &[]).diagnostics
}

fn spec_of_two_megabytes() -> Vec<Diagnostic> {
    let long = format!("{SPEC}{}", "# and so on\n".repeat(200_000));
    in_folder(|folder| fs::write(folder.join("shop.seg"), long).unwrap(), |_, run| run.diagnostics)
}

fn more_customers_than_ward_takes() -> Vec<Diagnostic> {
    let prepare = |folder: &Path| {
        let rows: String = (1..=20_001).map(|n| format!("c{n},{n},2024-01-05\n")).collect();
        fs::write(folder.join("orders.csv"), format!("customer,price,at\n{rows}")).unwrap();
        let cluster = "cluster { on spend; method ward; k 2 }\n label clusters { otherwise \"Everyone\" }";
        let spec = format!(
            "segmentation shop {{ currency EUR\n source orders from \"orders.csv\" {{ customer: id; price: money; at: datetime }}\n\
             as_of max(at) + 1 day\n features {{ spend = sum(price) }}\n {cluster}\n}}\n"
        );
        fs::write(folder.join("shop.seg"), spec).unwrap();
    };
    in_folder(prepare, |_, run| run.diagnostics)
}

fn sheet_that_is_not_there() -> Vec<Diagnostic> {
    let prepare = |folder: &Path| {
        let mut workbook = rust_xlsxwriter::Workbook::new();
        let sheet = workbook.add_worksheet().set_name("Orders").unwrap();
        for (column, header) in ["customer", "price", "at"].iter().enumerate() {
            sheet.write_string(0, column as u16, *header).unwrap();
        }
        workbook.save(folder.join("orders.xlsx")).unwrap();
        let source = "\"orders.xlsx\" { sheet \"Order\"; ";
        fs::write(folder.join("shop.seg"), SPEC.replace("\"orders.csv\" { ", source)).unwrap();
    };
    in_folder(prepare, |_, run| run.diagnostics)
}

fn column_of_lists() -> Vec<Diagnostic> {
    let prepare = |folder: &Path| {
        fs::copy("tests/damage/lists.parquet", folder.join("orders.parquet")).unwrap();
        let columns = "\"orders.parquet\" { customer: id; price: money; at: datetime = Date";
        fs::write(
            folder.join("shop.seg"),
            SPEC.replace("\"orders.csv\" { customer: id; price: money; at: datetime", columns),
        )
        .unwrap();
    };
    in_folder(prepare, |_, run| run.diagnostics)
}

fn database_with_changes_beside() -> Vec<Diagnostic> {
    let prepare = |folder: &Path| {
        for suffix in ["db", "db-wal"] {
            let from = format!("tests/damage/with_changes_beside.{suffix}");
            fs::copy(from, folder.join(format!("orders.{suffix}"))).unwrap();
        }
        let source = "\"orders.db\" { customer: id; price: money; at: datetime = Date";
        let common = "\"orders.csv\" { customer: id; price: money; at: datetime";
        fs::write(folder.join("shop.seg"), SPEC.replace(common, source)).unwrap();
    };
    in_folder(prepare, |_, run| run.diagnostics)
}

fn write(built: &Built, compiled: &Compiled, templates: &Templates, folder: &Path) -> Vec<Diagnostic> {
    let options = output::Options { xlsx: true, ..output::Options::default() };
    output::write(built, compiled, &[], &options, templates, folder).unwrap_err()
}

fn list_sorted_by_no_column() -> Vec<Diagnostic> {
    in_folder(
        |_| {},
        |folder, run| {
            let order = Some("spent:desc".parse().unwrap());
            let options = output::Options { order, ..output::Options::default() };
            let built = run.built.expect("the spec is fine");
            output::write(&built, &run.compiled, &[], &options, &Templates::embedded(), folder).unwrap_err()
        },
    )
}

fn output_below_a_file() -> Vec<Diagnostic> {
    in_folder(
        |_| {},
        |folder, run| {
            let built = run.built.expect("the spec is fine");
            let below = folder.join("orders.csv").join("out");
            write(&built, &run.compiled, &Templates::embedded(), &below)
        },
    )
}

fn template_with_an_unknown_name() -> Vec<Diagnostic> {
    in_folder(
        |folder| fs::write(folder.join("report.html"), "{{ no_such_thing }}").unwrap(),
        |folder, run| {
            let built = run.built.expect("the spec is fine");
            let templates = Templates::from_folder(folder).unwrap();
            write(&built, &run.compiled, &templates, &folder.join("out"))
        },
    )
}

fn text_longer_than_a_cell() -> Vec<Diagnostic> {
    let prepare = |folder: &Path| {
        let spec = SPEC
            .replace("customer: id; ", "customer: id; note: text; ")
            .replace("sum(price)", "sum(price); n = mode(note)");
        fs::write(folder.join("shop.seg"), spec).unwrap();
        let long = "long ".repeat(7_000);
        fs::write(folder.join("orders.csv"), format!("customer,note,price,at\nada,{long},1,2024-01-01\n")).unwrap();
    };
    in_folder(prepare, |folder, run| {
        let built = run.built.expect("the spec is fine");
        let found = write(&built, &run.compiled, &Templates::embedded(), &folder.join("out"));
        assert!(found[0].message.contains("`n` of customer `ada`"), "{}", found[0].message);
        assert!(!folder.join("out").exists());
        found
    })
}

/// What a sink says to a database in which `prepare` has been before.
fn sink_to(mode: &str, prepare: impl FnOnce(&rusqlite::Connection)) -> Vec<Diagnostic> {
    let sink = format!("  sink crm to sqlite \"crm.db\" {{ table \"segments\"; mode {mode} }}\n}}\n");
    let spec = SPEC.strip_suffix("}\n").unwrap().to_owned() + &sink;
    in_folder(
        |folder| fs::write(folder.join("shop.seg"), spec).unwrap(),
        |folder, run| {
            // Open until the end: what it has begun goes on while the sink tries.
            let crm = rusqlite::Connection::open(folder.join("crm.db")).unwrap();
            prepare(&crm);
            let (sinks, none) = sinks::of_spec(&Disk::default(), &run.compiled);
            assert!(none.is_empty() && sinks.len() == 1);
            let built = run.built.expect("the spec is fine");
            sinks::write(&Disk::default(), &sinks[0], &built, "0123456789abcdef", Duration::from_millis(50))
                .err()
                .map(|d| *d)
                .into_iter()
                .collect()
        },
    )
}

fn no_database() -> Vec<Diagnostic> {
    in_folder(
        |folder| {
            let sink = "  sink crm to sqlite \"orders.db\" { table \"segments\" }\n}\n";
            fs::write(folder.join("shop.seg"), SPEC.strip_suffix("}\n").unwrap().to_owned() + sink).unwrap();
            fs::copy(folder.join("orders.csv"), folder.join("orders.db")).unwrap();
        },
        |_, run| {
            let (sinks, _) = sinks::of_spec(&Disk::default(), &run.compiled);
            let built = run.built.expect("the spec is fine");
            sinks::write(&Disk::default(), &sinks[0], &built, "0", Duration::ZERO)
                .err()
                .map(|d| *d)
                .into_iter()
                .collect()
        },
    )
}

fn table_of_others() -> Vec<Diagnostic> {
    sink_to("replace", |crm| {
        crm.execute_batch("CREATE TABLE segments (customer TEXT); INSERT INTO segments VALUES ('ada')").unwrap();
    })
}

/// A table that segc has made, with the newest `as_of` given.
fn ours(crm: &rusqlite::Connection, mode: &str, as_of: &str) {
    crm.execute_batch(&format!(
        "CREATE TABLE segments (customer TEXT, segment TEXT, spend_EUR REAL, rule TEXT, build TEXT, valid_from TEXT,
                                valid_to TEXT);
         CREATE TABLE segc_builds (table_name TEXT, build TEXT, as_of TEXT, segmentation TEXT, mode TEXT,
                                   customers INTEGER, segc TEXT, written INTEGER);
         INSERT INTO segc_builds VALUES ('segments', '00', '{as_of}', 'shop', '{mode}', 1, '0.1.0', 1);"
    ))
    .unwrap();
}

fn feature_that_is_gone() -> Vec<Diagnostic> {
    sink_to("replace", |crm| {
        ours(crm, "replace", "2024-01-01T00:00:00");
        crm.execute_batch("ALTER TABLE segments ADD COLUMN basket_EUR REAL").unwrap();
    })
}

fn constraint_of_the_table() -> Vec<Diagnostic> {
    sink_to("replace", |crm| {
        ours(crm, "replace", "2024-01-01T00:00:00");
        crm.execute_batch(
            "CREATE TRIGGER no BEFORE INSERT ON segments BEGIN SELECT RAISE(ABORT, 'not on Sundays'); END",
        )
        .unwrap();
    })
}

fn transaction_left_open() -> Vec<Diagnostic> {
    sink_to("replace", |crm| crm.execute_batch("BEGIN IMMEDIATE").unwrap())
}

fn later_build_in_the_table() -> Vec<Diagnostic> {
    sink_to("append", |crm| ours(crm, "append", "2999-01-01T00:00:00"))
}

fn history_to_be_replaced() -> Vec<Diagnostic> {
    sink_to("replace", |crm| ours(crm, "append", "2024-01-01T00:00:00"))
}

fn customer_who_is_not_there() -> Vec<Diagnostic> {
    let ask = |_: &Path, run: Run| {
        let built = run.built.expect("the spec is fine");
        why::dropped(&Disk::default(), &run.compiled, &built, "adaa", &Silent).unwrap_err()
    };
    in_folder(|_| {}, ask)
}

fn snapshot_of_another_version() -> Vec<Diagnostic> {
    snapshot::compare("shop.snap", "segc snapshot 0: shop\n", "segc snapshot 1: shop\n").unwrap_err()
}

fn revision_that_is_not_there() -> Vec<Diagnostic> {
    diff::Side::open("specs/shop.seg@no-such-branch", &Disk::default(), &[]).err().unwrap()
}

fn no_lock() -> Vec<Diagnostic> {
    Lock::read(Path::new("specs/no-such.lock")).unwrap_err()
}

/// A build compared with its own lock, changed.
fn locked(change: impl FnOnce(&mut Lock)) -> Vec<Diagnostic> {
    in_folder(
        |_| (),
        |_, run| {
            let now = Lock::of(&run.built.unwrap(), &run.compiled, &[], &Templates::embedded());
            assert_eq!(now.compare(&now), Ok(()));
            let mut lock = now.clone();
            change(&mut lock);
            lock.compare(&now).unwrap_err()
        },
    )
}

fn lock_of_another_version() -> Vec<Diagnostic> {
    locked(|lock| lock.segc = "0.0.1".to_owned())
}

fn lock_of_another_day() -> Vec<Diagnostic> {
    locked(|lock| lock.learned.as_of = Some("2001-01-01T00:00:00".to_owned()))
}

fn condition_on_nothing() -> Vec<Diagnostic> {
    diff::Limit::parse("revenue < 2%").err().unwrap()
}

type Diagnose = fn() -> Vec<Diagnostic>;

/// What needs more than a spec and rows to show.
const ELSEWHERE: &[(&str, Diagnose)] = &[
    ("SEG0106", no_spec),
    ("SEG0350", || crate::init::errors("customer,remark\na,x\nb,y\n", &[]).into_iter().take(1).collect()),
    ("SEG0351", || crate::init::errors("customer,date,amount\na,2024-01-01,2.5\n", &[(Role::Customer, "custmer")])),
    ("SEG0352", || place::obstacle("specs/shop.seg".as_ref(), &[], false).into_iter().collect()),
    ("SEG0353", crate::init::files_that_differ),
    ("SEG0354", || {
        crate::init::errors("customer,date,amount\n,2024-01-01,2.5\na,2024-01-01,0.0\nb,2024-01-01,0.0\n", &[])
    }),
    ("SEG0355", || model_of_page("SEG0355")),
    ("SEG0356", || model_of_page("SEG0356")),
    ("SEG0357", model_of_another_language),
    ("SEG0111", spec_of_two_megabytes),
    ("SEG0305", sheet_that_is_not_there),
    ("SEG0315", column_of_lists),
    ("SEG0316", database_with_changes_beside),
    ("SEG0506", more_customers_than_ward_takes),
    ("SEG0630", snapshot_of_another_version),
    ("SEG0640", revision_that_is_not_there),
    ("SEG0641", condition_on_nothing),
    ("SEG0701", output_below_a_file),
    ("SEG0702", template_with_an_unknown_name),
    ("SEG0703", text_longer_than_a_cell),
    ("SEG0705", no_database),
    ("SEG0706", table_of_others),
    ("SEG0707", feature_that_is_gone),
    ("SEG0708", constraint_of_the_table),
    ("SEG0709", transaction_left_open),
    ("SEG0710", later_build_in_the_table),
    ("SEG0711", history_to_be_replaced),
    ("SEG0712", list_sorted_by_no_column),
    ("SEG0720", customer_who_is_not_there),
    ("SEG0730", no_lock),
    ("SEG0731", lock_of_another_version),
    ("SEG0732", lock_of_another_day),
];

#[test]
fn mistakes_in_the_surroundings_have_their_codes() {
    for (code, diagnose) in ELSEWHERE {
        let found = diagnose();
        assert_eq!(all(&found), BTreeSet::from([*code]), "{found:#?}");
        assert!(found.iter().all(|d| d.is_error() && d.help.is_some()), "{found:#?}");
    }
}

#[test]
fn a_sheet_is_suggested() {
    let found = sheet_that_is_not_there();
    assert_eq!(found[0].help.as_deref(), Some("write `sheet \"Orders\"`"));
}

/// Codes that nothing a user writes should ever give.
const NEVER: [&str; 1] = ["SEG0901"];

#[test]
fn every_code_is_given_by_some_case() {
    let mut given: BTreeSet<&str> = cases().iter().flat_map(|name| all(&case(name).diagnostics)).collect();
    given.extend(ELSEWHERE.iter().map(|(code, _)| code));
    given.extend(crate::postgres::failures::CODES);
    given.extend(CODES.iter().filter(|c| !IN_WORDS.contains(&c.code)).flat_map(|c| all(&run_page(c, false))));
    let known: BTreeSet<&str> = CODES.iter().map(|c| c.code).collect();
    let never: BTreeSet<&str> = known.difference(&given).copied().collect();
    assert_eq!(never, BTreeSet::from(NEVER), "codes that nothing gives");
}

#[test]
fn programs_get_the_same_as_people() {
    let Run { compiled, diagnostics, .. } = case("text_without_quotes");
    let found: Vec<serde_json::Value> = diagnostics.iter().map(|d| render::json(d, &compiled.sources)).collect();
    let expected = serde_json::json!({
        "code": "SEG0201",
        "severity": "error",
        "message": "unknown column `France`",
        "spans": [{
            "file": "tests/diagnostics/text_without_quotes.seg",
            "line": 12, "column": 35, "end_line": 12, "end_column": 41,
            "start": 225, "end": 231,
            "label": "not defined",
        }],
        "place": null,
        "help": diagnostics[0].help,
        "notes": [],
    });
    assert_eq!(found[0], expected);
    assert!(found[0]["help"].as_str().is_some_and(|help| help.contains("`\"France\"`")));

    let Run { compiled, diagnostics, .. } = case("few_unreadable_cells");
    let warning = diagnostics.iter().find(|d| d.code == "SEG0303").unwrap();
    assert_eq!(warning.severity, Severity::Warning);
    let place = &render::json(warning, &compiled.sources)["place"];
    assert_eq!(*place, serde_json::json!({"file": "orders.csv", "row": 6, "column": "quantity", "value": "one"}));
}

#[test]
fn columns_count_characters() {
    let spec = SPEC.replace("\"Big\" when spend", "\"Größe\" when Spend");
    let (compiled, diagnostics) =
        in_folder(|folder| fs::write(folder.join("shop.seg"), spec).unwrap(), |_, run| (run.compiled, run.diagnostics));
    let json = render::json(&diagnostics[0], &compiled.sources);
    let span = &json["spans"][0];
    assert_eq!((&span["line"], &span["column"], &span["end_column"]), (&7.into(), &18.into(), &23.into()));
}

#[test]
fn colours_are_for_terminals_only() {
    let Run { compiled, diagnostics, .. } = case("six_mistakes");
    assert!(!render::text(&diagnostics, &compiled.sources, false).contains('\u{1b}'));
    assert!(render::text(&diagnostics, &compiled.sources, true).contains('\u{1b}'));
}
