//! Lists of customers in databases: every story is told to each kind of database, and read back with its own client.

mod place;
mod postgres;

use std::fs;

use place::{Place, each};

use crate::support::{stderr, stdout};

/// Who is in which segment when, worked out by hand from the orders of [`place`].
const APRIL: [&str; 4] = [
    "ann|Small|39|1|2024-04-01|",
    "ben|Small|12|1|2024-04-01|",
    "fay|Big|172.185|2|2024-04-01|",
    "o'neil\"; --|Small|1|1|2024-04-01|",
];

const HISTORY: &str = "SELECT customer, segment, \"spent_GBP\", n, substr(CAST(valid_from AS text), 1, 10), \
                       substr(CAST(valid_to AS text), 1, 10) FROM segments ORDER BY customer, valid_from";

/// A CRM gets the latest list, typed; a second run changes nothing.
#[test]
fn the_latest_list_is_the_one_of_the_csv() {
    each(|place| {
        let first = place.build(&["--to", &place.to("segments")]);
        assert!(stdout(&first).ends_with("4 customers in segments, 0 moved, 4 joined, 0 left\n"), "{}", stdout(&first));
        assert_eq!(place.ask(HISTORY), APRIL);
        let before = place.ask("SELECT * FROM segments ORDER BY customer");
        let noted = place.ask("SELECT * FROM segc_builds");
        let again = place.build(&["--to", &place.to("segments")]);
        assert!(stdout(&again).ends_with("0 moved, 0 joined, 0 left\n"), "{}", stdout(&again));
        assert_eq!(place.ask("SELECT * FROM segments ORDER BY customer"), before);
        assert_eq!(place.ask("SELECT * FROM segc_builds"), noted);
        // The same cells as in the file, column by column.
        let mut csv = csv::Reader::from_path(place.case.path("out/case/segments.csv")).unwrap();
        let headings: Vec<String> = csv.headers().unwrap().iter().map(|h| format!("\"{h}\"")).collect();
        let rows: Vec<String> = csv.records().map(|r| r.unwrap().iter().collect::<Vec<_>>().join("|")).collect();
        let columns = headings.join(", ").replace("\"last\"", "replace(CAST(last AS text), ' ', 'T')");
        let columns = columns.replace("\"often\"", "CASE WHEN often THEN 'true' ELSE 'false' END");
        assert_eq!(place.ask(&format!("SELECT {columns} FROM segments ORDER BY customer")), rows);
        let july = place.build(&["--to", &place.to("segments"), "--param", "today=@2024-07-01"]);
        assert!(stdout(&july).ends_with("5 customers in segments, 1 moved, 1 joined, 0 left\n"), "{}", stdout(&july));
        assert_eq!(place.ask("SELECT count(*) FROM segments WHERE CAST(valid_from AS text) LIKE '2024-07-01%'"), ["5"]);
        assert_eq!(place.ask("SELECT count(*) FROM segments"), ["5"]);
        let manifest = fs::read_to_string(place.case.path("out/case/manifest.json")).unwrap();
        let build = place.ask("SELECT DISTINCT build FROM segments");
        assert!(build.len() == 1 && manifest.contains(&format!("\"build\": {:?}", build[0])), "{manifest}");
    });
}

/// What changes between two cutoffs is a move, at the second cutoff; the others stay where they are.
#[test]
fn a_history_says_who_moved_when() {
    each(|place| {
        let append = |arguments: &[&str]| {
            place.build(&[&["--to", &place.to("segments"), "--mode", "append"], arguments].concat())
        };
        append(&[]);
        assert_eq!(place.ask(HISTORY), APRIL);
        append(&["--param", "today=@2024-07-01"]);
        let july = [
            "ann|Small|39|1|2024-04-01|2024-07-01",
            "ann|Big|69|2|2024-07-01|",
            "ben|Small|12|1|2024-04-01|",
            "cleo|Big|90|1|2024-07-01|",
            "fay|Big|173.185|3|2024-04-01|",
            "o'neil\"; --|Small|1|1|2024-04-01|",
        ];
        assert_eq!(place.ask(HISTORY), july);
        // Again, and once more the build before, as a scheduler does that lost track: nothing changes.
        append(&["--param", "today=@2024-07-01"]);
        let late = append(&[]);
        assert!(stdout(&late).contains("has a newer build than this one; nothing was changed"), "{}", stdout(&late));
        assert_eq!(place.ask(HISTORY), july);
        // In August `ben` is gone.
        append(&["--param", "today=@2024-08-01", "--param", "gone=\"ben\""]);
        let mut august = july;
        august[2] = "ben|Small|12|1|2024-04-01|2024-08-01";
        assert_eq!(place.ask(HISTORY), august);
        assert_eq!(place.ask("SELECT count(*) FROM segc_builds"), ["3"]);
        // And in September back again.
        append(&["--param", "today=@2024-09-01"]);
        let ben = place.ask(HISTORY).into_iter().filter(|row| row.starts_with("ben")).collect::<Vec<_>>();
        assert_eq!(ben, ["ben|Small|12|1|2024-04-01|2024-08-01", "ben|Small|12|1|2024-09-01|"]);
    });
}

/// A rule is changed and the same cutoff built again: what the first try moved is taken back.
#[test]
fn another_build_of_the_same_cutoff_is_a_correction() {
    each(|place| {
        let append = |arguments: &[&str]| {
            place.build(&[&["--to", &place.to("segments"), "--mode", "append"], arguments].concat())
        };
        let july = ["--param", "today=@2024-07-01"];
        append(&[]);
        append(&july);
        let expected = place.ask(HISTORY);
        let wrong = [&july[..], &["--param", "big=10 GBP", "--param", "gone=\"fay\""]].concat();
        append(&wrong);
        let tried = [
            "ann|Small|39|1|2024-04-01|2024-07-01",
            "ann|Big|69|2|2024-07-01|",
            "ben|Small|12|1|2024-04-01|2024-07-01",
            "ben|Big|12|1|2024-07-01|",
            "cleo|Big|90|1|2024-07-01|",
            "fay|Big|173.185|3|2024-04-01|2024-07-01",
            "o'neil\"; --|Small|1|1|2024-04-01|",
        ];
        assert_eq!(place.ask(HISTORY), tried);
        append(&july);
        assert_eq!(place.ask(HISTORY), expected);
        assert_eq!(place.ask("SELECT count(DISTINCT build) FROM segments WHERE valid_to IS NULL"), ["1"]);
    });
}

/// All or nothing: a table that says no in the middle has the rows that it had, and the files are in place.
#[test]
fn a_table_that_refuses_keeps_its_rows() {
    each(|place| {
        place.build(&["--to", &place.to("segments")]);
        let before = place.ask("SELECT * FROM segments ORDER BY customer");
        place.refuse("segments", "cleo");
        fs::remove_dir_all(place.case.path("out")).unwrap();
        let failed = place.segc(&["--to", &place.to("segments"), "--param", "today=@2024-07-01"]);
        assert_eq!(failed.status.code(), Some(4), "{}", stderr(&failed));
        assert!(stderr(&failed).contains("SEG0708") && stderr(&failed).contains("no cleo here"), "{}", stderr(&failed));
        assert_eq!(place.ask("SELECT * FROM segments ORDER BY customer"), before);
        assert_eq!(place.ask("SELECT count(*) FROM segc_builds"), ["1"]);
        assert!(
            place.case.path("out/case/segments.csv").exists() && place.case.path("out/case/manifest.json").exists()
        );
    });
}

/// Tables that segc did not make are not its own, unless they are empty and fit.
#[test]
fn tables_of_others_are_left_alone() {
    each(|place| {
        place.run("CREATE TABLE segments (customer text, note text)");
        let text = |output: std::process::Output| {
            assert_eq!(output.status.code(), Some(4));
            stderr(&output)
        };
        let to = place.to("segments");
        let found = text(place.segc(&["--to", &to]));
        assert!(found.contains("SEG0707") && found.contains("no column `note`"), "{found}");
        place.run("INSERT INTO segments VALUES ('x', 'y')");
        let found = text(place.segc(&["--to", &to]));
        assert!(found.contains("SEG0706") && found.contains("did not write"), "{found}");
        assert_eq!(place.ask("SELECT * FROM segments"), ["x|y"]);
        place.run("DELETE FROM segments");
        place.run("ALTER TABLE segments DROP COLUMN note");
        place.run("ALTER TABLE segments ADD COLUMN loaded_by text DEFAULT 'somebody'");
        place.build(&["--to", &to]);
        assert_eq!(place.ask(HISTORY), APRIL);
        assert_eq!(place.ask("SELECT DISTINCT loaded_by FROM segments"), ["somebody"]);
        place.run("CREATE VIEW seen AS SELECT * FROM segments");
        let found = text(place.segc(&["--to", &place.to("seen")]));
        assert!(found.contains("SEG0706") && found.contains("view"), "{found}");
    });
}

/// A spec with a new feature gives the table a column; one without an old feature has to be told what becomes of it.
#[test]
fn columns_follow_the_features() {
    each(|place| {
        place.build(&["--to", &place.to("segments")]);
        let spec = fs::read_to_string(place.case.path("case.seg")).unwrap();
        place.case.put("case.seg", &spec.replace("    n = count()", "    n = count(); dearest = max(price)"));
        place.build(&["--to", &place.to("segments")]);
        assert_eq!(place.ask("SELECT \"dearest_GBP\" FROM segments ORDER BY customer")[..2], ["39", "12"]);
        place.case.put("case.seg", &spec.replace("    n = count()", "    n = mean(price)"));
        let failed = place.segc(&["--to", &place.to("segments")]);
        let text = stderr(&failed);
        assert_eq!(failed.status.code(), Some(4));
        for words in ["SEG0707", "no column `n`", "no column `dearest_GBP`", "DROP COLUMN \"n\""] {
            assert!(text.contains(words), "{words}: {text}");
        }
        place
            .case
            .put("case.seg", &spec.replace("    n = count()", "    n = if count() > 1 then \"many\" else \"one\""));
        let text = stderr(&place.segc(&["--to", &place.to("segments")]));
        assert!(text.contains("`n` is "), "{text}");
        assert_eq!(place.ask("SELECT count(*) FROM segments WHERE n = 1"), ["3"]);
    });
}

/// A history is not wiped out by a word, and does not go backwards.
#[test]
fn a_history_is_kept() {
    each(|place| {
        let to = place.to("segments");
        place.build(&["--to", &to]);
        // What was replaced so far may be appended to from now on.
        place.build(&["--to", &to, "--mode", "append", "--param", "today=@2024-07-01"]);
        assert_eq!(place.ask("SELECT count(*) FROM segments"), ["6"]);
        let before = place.ask("SELECT * FROM segments ORDER BY customer, valid_from");
        let replaced = place.segc(&["--to", &to, "--param", "today=@2024-07-01"]);
        assert_eq!(replaced.status.code(), Some(4));
        assert!(stderr(&replaced).contains("SEG0711"), "{}", stderr(&replaced));
        let older = place.segc(&["--to", &to, "--mode", "append", "--param", "today=@2024-05-01"]);
        assert_eq!(older.status.code(), Some(4));
        assert!(stderr(&older).contains("SEG0710") && stderr(&older).contains("2024-07-01"), "{}", stderr(&older));
        // Nor does another spec take it over.
        let spec = fs::read_to_string(place.case.path("case.seg")).unwrap();
        place.case.put("case.seg", &spec.replace("segmentation case", "segmentation other"));
        let other = place.segc(&["--to", &to, "--mode", "append", "--param", "today=@2024-08-01"]);
        assert!(stderr(&other).contains("SEG0706") && stderr(&other).contains("`case`"), "{}", stderr(&other));
        assert_eq!(place.ask("SELECT * FROM segments ORDER BY customer, valid_from"), before);
    });
}

/// Names are names, whatever is in them.
#[test]
fn names_can_not_break_out() {
    each(|place| {
        let table = "a\"; DROP TABLE segc_builds; --";
        place.build(&["--to", &place.to(table)]);
        assert_eq!(place.ask("SELECT count(*) FROM \"a\"\"; DROP TABLE segc_builds; --\""), ["4"]);
        assert_eq!(place.ask("SELECT table_name FROM segc_builds"), [table]);
        place.build(&["--to", &place.to(table)]);
    });
}

/// A reviewer builds a spec without writing anywhere; a machine writes where the spec says.
#[test]
fn sinks_of_the_spec_are_written_unless_told_otherwise() {
    each(|place| {
        let spec = fs::read_to_string(place.case.path("case.seg")).unwrap();
        let sink = format!("  sink crm to {} {{ table \"segments\"; mode append }}\n}}\n", place.words());
        place.case.put("case.seg", &(spec.trim_end().strip_suffix('}').unwrap().to_owned() + &sink));
        let quiet = place.build(&["--no-sinks"]);
        assert!(!stdout(&quiet).contains("crm"), "{}", stdout(&quiet));
        assert!(!place.has("segments"));
        let written = place.build(&[]);
        assert!(stdout(&written).ends_with("crm: 4 customers in segments, 0 moved, 4 joined, 0 left\n"));
        assert_eq!(place.ask("SELECT mode, customers, segmentation FROM segc_builds"), ["append|4|case"]);
        let both = place.segc(&["--to", &place.to("segments")]);
        assert!(stderr(&both).contains("write to the same table"), "{}", stderr(&both));
    });
}

/// What is wrong with a sink is said before anything is read.
#[test]
fn a_sink_is_no_input_and_lies_beside_the_spec() {
    let place = Place::sqlite();
    let refused = |arguments: &[&str], code: i32, words: &str| {
        let output = place.segc(arguments);
        assert_eq!(output.status.code(), Some(code), "{}", stderr(&output));
        assert!(stderr(&output).contains(words), "{}", stderr(&output));
        assert!(!place.case.path("out").exists(), "something was built");
    };
    refused(&["--to", "sqlite:orders.csv#segments"], 4, "`orders.csv` is an input of this spec");
    refused(&["--to", "sqlite:./nowhere/../orders.csv#segments"], 4, "SEG0704");
    refused(&["--to", "sqlite:nowhere/crm.db#segments"], 4, "there is no folder");
    refused(&["--to", "crm.db"], 2, "sqlite:FILE#TABLE` or `postgres:VARIABLE#TABLE");
    refused(&["--to", "sqlite:crm.db#main.segments"], 2, "no schemas");
    refused(&["--to", "sqlite:crm.db#segc_builds"], 2, "notes its builds");
    refused(&["--mode", "append"], 2, "--to");
    let spec = fs::read_to_string(place.case.path("case.seg")).unwrap();
    place.case.put("case.seg", &spec.replace("    n = count()", "    Build = count()"));
    refused(&["--to", "sqlite:crm.db#segments"], 4, "has a column `Build` of its own");
}

/// A file that was not there before is not there after a failure, and no other file is taken for a database.
#[test]
fn a_failure_leaves_no_file_behind() {
    let place = Place::sqlite();
    place.case.put("note.txt", "not a database, but a note that is long enough to be looked at as one");
    let output = place.segc(&["--to", "sqlite:note.txt#segments"]);
    assert!(stderr(&output).contains("SEG0705") && stderr(&output).contains("not a database"), "{}", stderr(&output));
    assert!(fs::read_to_string(place.case.path("note.txt")).unwrap().starts_with("not a database"));
    let output = place.segc(&["--to", "sqlite:new.db#sqlite_x"]);
    assert!(stderr(&output).contains("SEG0708") && stderr(&output).contains("reserved"), "{}", stderr(&output));
    assert!(!place.case.path("new.db").exists());
}
