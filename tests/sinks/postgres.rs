//! What only PostgreSQL has: types, schemas, roles, connections, others who write at the same time.

use std::fs;
use std::process::Output;
use std::time::{Duration, Instant};

use super::place::Place;
use crate::support::postgres::{Cluster, PASSWORD, cluster};
use crate::support::{segc, stderr, stdout};

#[track_caller]
fn fails(output: &Output, code: &str, words: &[&str]) {
    let said = stderr(output);
    assert_eq!(output.status.code(), Some(4), "{said}");
    assert!(said.contains(&format!("error[{code}]")) && said.contains("= help:"), "{said}");
    words.iter().for_each(|words| assert!(said.contains(words), "no `{words}` in {said}"));
}

/// The same builds into both kinds of database, in an order that nobody would choose: the tables are the same after each.
#[test]
fn both_kinds_of_database_hold_the_same() {
    // As the two print it: seconds with `T` or a blank, truth as a number or a letter.
    let columns = "customer, segment, \"spent_GBP\", n, replace(CAST(last AS text), 'T', ' '), \
                   CASE WHEN often THEN 'yes' ELSE 'no' END, \"since_days\", large, rule, build, \
                   replace(CAST(valid_from AS text), 'T', ' '), replace(CAST(valid_to AS text), 'T', ' ')";
    let places = [Place::sqlite(), Place::postgres()];
    let (mut state, mut written) = (7_u64, 0);
    let mut next = |n: u64| {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 33) % n
    };
    for nth in 0..24 {
        let month = 3 + nth / 4 + next(2);
        let today = format!("today=@2024-{month:02}-01");
        let big = format!("big={} GBP", 10 + 20 * next(4));
        let gone = format!("gone={:?}", ["nobody", "ann", "fay", "o'neil"][next(4) as usize]);
        let mode = if next(8) == 0 { "replace" } else { "append" };
        let table = ["segments", "history"][next(2) as usize];
        let said = places.each_ref().map(|place| {
            let to = place.to(table);
            let output =
                place.segc(&["--to", &to, "--mode", mode, "--param", &today, "--param", &big, "--param", &gone]);
            let line = stdout(&output).lines().last().unwrap_or_default().replace(&to, "");
            let code = stderr(&output).split(']').next().unwrap_or_default().to_owned();
            written += u32::from(output.status.success());
            (output.status.code(), line, code)
        });
        assert_eq!(said[0], said[1], "{nth}");
        for table in ["segments", "history"] {
            let [file, server] = places.each_ref().map(|place| {
                let sql = format!("SELECT {columns} FROM {table} ORDER BY customer, valid_from");
                if place.has(table) { place.ask(&sql) } else { vec![] }
            });
            assert_eq!(file, server, "{nth}: {mode} {table} {today} {big} {gone}");
        }
        let noted = "SELECT table_name, build, replace(CAST(as_of AS text), 'T', ' '), segmentation, mode, customers, \
                     segc, written FROM segc_builds ORDER BY table_name, written";
        let [file, server] =
            places.each_ref().map(|place| if place.has("segc_builds") { place.ask(noted) } else { vec![] });
        assert_eq!(file, server, "{nth}");
    }
    assert!((12..48).contains(&written), "{written} of 48 builds were written: some should be and some should not");
}

/// Money is exact, moments are moments; customers and texts come through whatever is in them.
#[test]
fn columns_have_types_of_their_own_and_texts_come_through() {
    let place = Place::postgres();
    place.case.put("orders.csv", "customer,price,at\n\"a\tb\\n\\.\",0.1,2024-01-01 00:00:00.25\n\\N,0.2,2024-01-01\n'; DROP TABLE segments; --,123456789012.345,2024-01-02\n\"två\nrader ‰ 🦆\",1,2024-01-03\n");
    place.build(&["--to", &place.to("segments")]);
    let types = place.ask("SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = 'segments'::regclass AND attnum > 0 ORDER BY attnum");
    let expected = [
        "customer|text",
        "segment|text",
        "spent_GBP|numeric",
        "n|bigint",
        "last|timestamp without time zone",
        "often|boolean",
        "since_days|double precision",
        "large|double precision",
        "rule|text",
        "build|text",
        "valid_from|timestamp without time zone",
        "valid_to|timestamp without time zone",
    ];
    assert_eq!(types, expected);
    let rows = place.ask("SELECT customer, \"spent_GBP\", last FROM segments ORDER BY customer");
    let expected = [
        "'; DROP TABLE segments; --|123456789012.345|2024-01-02 00:00:00",
        "\\N|0.2|2024-01-01 00:00:00",
        "a\tb\\n\\.|0.1|2024-01-01 00:00:00.25",
        "två\nrader ‰ 🦆|1|2024-01-03 00:00:00",
    ];
    assert_eq!(rows, expected);
    // The rows that are there are the rows that would be written: not one of them is touched by a second build.
    let versions = || place.ask("SELECT xmin, ctid, customer FROM segments ORDER BY customer");
    let before = versions();
    place.build(&["--to", &place.to("segments")]);
    assert_eq!(versions(), before);
}

/// A zero byte far down in a file is a character like others; no text of PostgreSQL can hold it, and none is cut off.
#[test]
fn a_text_that_no_column_can_hold_is_refused() {
    let place = Place::postgres();
    place.build(&["--to", &place.to("segments")]);
    let before = place.ask("SELECT * FROM segments ORDER BY customer");
    let many: String = (0..1000).map(|nth| format!("c{nth},1,2024-01-01\n")).collect();
    place.case.put("orders.csv", &format!("customer,price,at\n{many}zo\0e,1,2024-01-01\n"));
    let words = ["`customer` of customer `zo\u{fffd}e` holds a zero byte", "nothing of this build is in the database"];
    fails(&place.segc(&["--to", &place.to("segments")]), "SEG0708", &words);
    assert_eq!(place.ask("SELECT * FROM segments ORDER BY customer"), before);
}

#[test]
fn a_table_lies_in_its_schema() {
    let place = Place::postgres();
    cluster().admin(&place.database.as_ref().unwrap().name, "CREATE SCHEMA crm AUTHORIZATION analyst");
    place.build(&["--to", &place.to("crm.order")]);
    assert_eq!(place.ask("SELECT count(*) FROM crm.\"order\""), ["4"]);
    assert_eq!(place.ask("SELECT table_name FROM crm.segc_builds"), ["order"]);
    assert!(place.ask("SELECT 1 FROM pg_tables WHERE schemaname = 'public'").is_empty());
    fails(&place.segc(&["--to", &place.to("cmr.order")]), "SEG0708", &["no schema `cmr`", "CREATE SCHEMA \"cmr\""]);
    // 63 bytes are a name, and the server makes up another one for the index.
    let long = "ä".repeat(31) + "x";
    place.build(&["--to", &place.to(&long)]);
    place.build(&["--to", &place.to(&long)]);
    assert_eq!(place.ask(&format!("SELECT count(*) FROM \"{long}\"")), ["4"]);
    let longer = place.segc(&["--to", &place.to(&(long + "x"))]);
    assert_eq!(longer.status.code(), Some(2));
    assert!(stderr(&longer).contains("longer than 63 bytes"), "{}", stderr(&longer));
    // A role without a schema of its own has to say which.
    cluster().admin(
        "postgres",
        &format!("ALTER DATABASE {} SET search_path = nowhere", place.database.as_ref().unwrap().name),
    );
    fails(
        &place.segc(&["--to", &place.to("segments")]),
        "SEG0708",
        &["does not say in which schema `segments` is to be"],
    );
}

/// Longer than a name of PostgreSQL: said before anything is read, and no matter to SQLite.
#[test]
fn columns_that_would_be_cut_off_are_refused() {
    let place = Place::postgres();
    let spec = fs::read_to_string(place.case.path("case.seg")).unwrap();
    let long = "n".repeat(64);
    place.case.put("case.seg", &spec.replace("    n = count()", &format!("    {long} = count()")));
    fails(&place.segc(&["--to", &place.to("segments")]), "SEG0704", &["longer than 63 bytes", "another name"]);
    assert!(!place.case.path("out").exists());
    place.build(&["--to", "sqlite:crm.db#segments"]);
}

#[test]
fn what_a_role_may_not_do_it_does_not() {
    let place = Place::postgres();
    let name = &place.database.as_ref().unwrap().name;
    place.build(&["--to", &place.to("segments")]);
    cluster().admin(name, "ALTER TABLE segments OWNER TO postgres; GRANT SELECT ON segments TO analyst");
    let before = place.ask("SELECT * FROM segments ORDER BY customer");
    let july = ["--param", "today=@2024-07-01"];
    let failed = place.segc(&[&["--to", &place.to("segments")][..], &july].concat());
    fails(&failed, "SEG0708", &["permission denied", "nothing of this build is in the database"]);
    assert_eq!(place.ask("SELECT * FROM segments ORDER BY customer"), before);
    // Rows that a policy hides would be written over: no list is compared with half a table.
    cluster().admin(name, "GRANT ALL ON segments TO analyst; ALTER TABLE segments ENABLE ROW LEVEL SECURITY");
    fails(&place.segc(&[&["--to", &place.to("segments")][..], &july].concat()), "SEG0708", &["row-level security"]);
    cluster().admin(name, "ALTER TABLE segments DISABLE ROW LEVEL SECURITY");
    assert_eq!(place.ask("SELECT * FROM segments ORDER BY customer"), before);
    cluster().admin(name, "REVOKE CREATE ON SCHEMA public FROM analyst");
    fails(&place.segc(&["--to", &place.to("others")]), "SEG0708", &["permission denied for schema public"]);
}

/// As in sources: an address in the place of a variable is an error and repeated nowhere, and what is wrong with a
/// connection is said in the same words.
#[test]
fn what_is_wrong_with_the_connection() {
    let place = Place::postgres();
    let url = place.database.as_ref().unwrap().url();
    let with = |address: Option<&str>, arguments: &[&str]| {
        let mut command = segc(&["build", "case.seg"]);
        command.args(arguments).current_dir(place.case.folder.path()).env_remove("CRM_DB");
        let output = command.envs(address.map(|address| ("CRM_DB", address))).output().unwrap();
        place.keeps_the_secret(&output);
        output
    };
    let to = place.to("segments");
    fails(&with(None, &["--to", &to]), "SEG0705", &["CRM_DB is not set", "set it before segc runs"]);
    fails(&with(Some("crm"), &["--to", &to]), "SEG0705", &["no address of a database"]);
    assert!(!place.case.path("out").exists(), "that is known before anything is read");
    let nobody = format!("postgresql://analyst:{PASSWORD}@127.0.0.1:1/crm");
    fails(&with(Some(&nobody), &["--to", &to]), "SEG0705", &["can't be reached", "files of the build are in place"]);
    fails(&with(Some(&url.replace(PASSWORD, "wrong")), &["--to", &to]), "SEG0705", &["does not let segc in"]);
    assert!(place.case.path("out/case/segments.csv").exists());
    for wrong in [format!("postgres:{url}#segments"), format!("{url}#segments"), format!("sqlite:{url}#segments")] {
        let output = with(None, &["--to", &wrong]);
        assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
        assert!(stderr(&output).contains("postgres:VARIABLE#TABLE"), "{}", stderr(&output));
    }
    let spec = fs::read_to_string(place.case.path("case.seg")).unwrap();
    let sink = |to: &str| {
        let sink = format!("  sink crm to {to} {{ table \"segments\" }}\n}}\n");
        place.case.put("case.seg", &(spec.trim_end().strip_suffix('}').unwrap().to_owned() + &sink));
    };
    for to in [format!("postgres env {url:?}"), format!("postgres {url:?}"), format!("sqlite {url:?}")] {
        sink(&to);
        for command in [&["check", "case.seg"][..], &["explain", "case.seg", "--stage", "ast"]] {
            let output = segc(command).current_dir(place.case.folder.path()).output().unwrap();
            place.keeps_the_secret(&output);
            assert_eq!(output.status.code(), Some(2), "{to}");
            let said = stderr(&output);
            assert!(said.contains("SEG0320") && said.contains("to postgres env"), "{said}");
        }
    }
    // A spec can be checked where its database is out of reach.
    sink(place.words());
    let output =
        segc(&["check", "case.seg"]).current_dir(place.case.folder.path()).env_remove("CRM_DB").output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(stderr(&output).contains("warning[SEG0705]: the variable CRM_DB is not set"), "{}", stderr(&output));
}

/// The table that a spec reads is not the one that it writes.
#[test]
fn a_sink_is_no_input() {
    let place = Place::postgres();
    let spec = fs::read_to_string(place.case.path("case.seg")).unwrap();
    let source = "source orders from postgres env \"CRM_DB\" { table \"public.orders\"; ";
    place.case.put("case.seg", &spec.replace("source orders from \"orders.csv\" { ", source));
    fails(&place.segc(&["--to", &place.to("public.orders")]), "SEG0704", &["`public.orders` is an input of this spec"]);
}

/// Two builds at once end one after the other, and others who hold the table are waited for no longer than it takes.
#[test]
fn builds_wait_for_each_other() {
    let place = Place::postgres();
    let to = place.to("segments");
    let months: Vec<String> = (4..=9).map(|month| format!("today=@2024-{month:02}-01")).collect();
    let outputs: Vec<(Output, &str)> = std::thread::scope(|scope| {
        let run = |(nth, month): (usize, &'static str)| {
            let (place, to) = (&place, &to);
            scope.spawn(move || {
                let folder = format!("out{nth}");
                (place.segc(&["--to", to, "--mode", "replace", "--param", month, "-o", &folder]), month)
            })
        };
        let months: Vec<&'static str> = months.iter().map(|month| &*month.clone().leak()).collect();
        let threads: Vec<_> = months.into_iter().enumerate().map(run).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    for (output, month) in &outputs {
        assert!(output.status.success(), "{month}: {}", stderr(output));
    }
    // Whoever came last has the whole table.
    assert_eq!(place.ask("SELECT count(DISTINCT build), count(DISTINCT valid_from) FROM segments"), ["1|1"]);
    assert_eq!(
        place.ask("SELECT count(*) FROM segc_builds b JOIN segments s ON s.build = b.build WHERE s.customer = 'ann'"),
        ["1"]
    );
    let mut other = place.client();
    other.batch_execute("BEGIN; LOCK TABLE segments IN ROW EXCLUSIVE MODE").unwrap();
    let before = place.ask("SELECT * FROM segments ORDER BY customer");
    let began = Instant::now();
    let failed = place.segc(&["--to", &to, "--param", "today=@2024-12-01"]);
    fails(&failed, "SEG0709", &["others are writing", "build again"]);
    assert!(began.elapsed() >= Duration::from_secs(10), "{:?}", began.elapsed());
    assert_eq!(place.ask("SELECT * FROM segments ORDER BY customer"), before);
    other.batch_execute("COMMIT").unwrap();
    place.build(&["--to", &to, "--param", "today=@2024-12-01"]);
}

/// A server that dies in the middle: exit code 4, and the table has the rows that it had.
#[test]
fn a_server_that_goes_away_keeps_the_old_rows() {
    let cluster: &'static Cluster = Box::leak(Box::new(Cluster::start()));
    let database = cluster.database("dying", "GRANT CREATE ON SCHEMA public TO analyst");
    let place = Place { database: Some(database), ..Place::sqlite() };
    place.build(&["--to", &place.to("segments")]);
    let before = place.ask("SELECT * FROM segments ORDER BY customer");
    // Somebody is slow to let go of a row, so that the build is in the middle of its transaction.
    place.run(
        "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(30); RETURN new; END $$;
         CREATE TRIGGER slow BEFORE INSERT ON segments FOR EACH ROW EXECUTE FUNCTION slow()",
    );
    let output = std::thread::scope(|scope| {
        let building = scope.spawn(|| place.segc(&["--to", &place.to("segments"), "--param", "today=@2024-07-01"]));
        let mut watch = cluster.client("dying");
        let busy = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'segc' AND wait_event = 'PgSleep'";
        let waiting = Instant::now();
        while watch.query_one(busy, &[]).unwrap().get::<_, i64>(0) == 0 {
            assert!(waiting.elapsed() < Duration::from_secs(60), "the build never came to the trigger");
            std::thread::sleep(Duration::from_millis(20));
        }
        cluster.kill();
        building.join().unwrap()
    });
    fails(&output, "SEG0705", &["ended before the list was there", "nothing of this build is in the database"]);
    cluster.revive();
    assert_eq!(place.ask("SELECT * FROM segments ORDER BY customer"), before);
    assert_eq!(place.ask("SELECT count(*) FROM segc_builds"), ["1"]);
}
