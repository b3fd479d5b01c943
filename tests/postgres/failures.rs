//! What goes wrong, and what is said of it.

use std::process::Output;

use super::*;
use crate::support::postgres::{PASSWORD, cluster};
use crate::support::{segc, stderr, stdout};

/// Codes that need a server to show; the tests below give them all.
pub const CODES: [&str; 9] =
    ["SEG0320", "SEG0321", "SEG0322", "SEG0323", "SEG0324", "SEG0325", "SEG0326", "SEG0327", "SEG0328"];

/// Builds the small spec with these settings, the variable being set to this.
fn build_with(settings: &str, address: Option<&str>, more: &[(&str, &str)]) -> Output {
    let case = Case::new(&spec(settings), "");
    let mut command = segc(&["build"]);
    command
        .arg(case.path("case.seg"))
        .arg("-o")
        .arg(case.path("out"))
        .env_remove("SHOP_DB")
        .env_remove("SSL_CERT_FILE");
    command.envs(address.map(|address| ("SHOP_DB", address))).envs(more.iter().copied());
    let output = command.output().unwrap();
    assert!(!stderr(&output).contains(PASSWORD) && !stdout(&output).contains(PASSWORD), "{}", stderr(&output));
    output
}

#[track_caller]
fn fails(output: &Output, exit: i32, code: &str, words: &str) {
    let said = stderr(output);
    assert_eq!(output.status.code(), Some(exit), "{said}");
    assert!(said.contains(&format!("error[{code}]")) && said.contains(words) && said.contains("= help:"), "{said}");
}

fn orders(name: &str) -> Database {
    cluster().database(
        name,
        "CREATE TABLE orders (customer text, price numeric, at timestamp);
         INSERT INTO orders VALUES ('ada', 1.5, '2024-01-01'), ('ben', 2, '2024-02-01');
         CREATE TABLE secrets (customer text, price numeric, at timestamp); REVOKE ALL ON secrets FROM analyst",
    )
}

#[test]
fn what_is_wrong_with_the_address() {
    let database = orders("addresses");
    let good = database.url();
    assert!(build_with("table \"orders\"", Some(&good), &[]).status.success());
    fails(&build_with("table \"orders\"", None, &[]), 3, "SEG0321", "SHOP_DB is not set");
    fails(&build_with("table \"orders\"", Some("postgresql://[/x"), &[]), 3, "SEG0321", "no address of a database");
    let nobody = format!("postgresql://analyst:{PASSWORD}@127.0.0.1:1/addresses");
    fails(&build_with("table \"orders\"", Some(&nobody), &[]), 3, "SEG0322", "can't be reached");
    let unknown = format!("postgresql://analyst:{PASSWORD}@no-such-host.invalid/addresses");
    fails(&build_with("table \"orders\"", Some(&unknown), &[]), 3, "SEG0322", "can't be reached");
    let wrong = good.replace(PASSWORD, "wrong");
    fails(&build_with("table \"orders\"", Some(&wrong), &[]), 3, "SEG0324", "does not let segc in");
    let nowhere = good.replace("/addresses", "/nowhere");
    fails(&build_with("table \"orders\"", Some(&nowhere), &[]), 3, "SEG0324", "does not let segc in");
}

#[test]
fn a_password_in_the_spec_is_refused_and_not_repeated() {
    let text = spec("table \"orders\"").replace("env \"SHOP_DB\"", &format!("\"postgresql://ada:{PASSWORD}@db/shop\""));
    let case = Case::new(&text, "");
    for more in [&["check"][..], &["check", "--json"], &["explain", "--stage", "ast"]] {
        let output = segc(&more[..1]).arg(case.path("case.seg")).args(&more[1..]).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{more:?}");
        assert!(
            !(stdout(&output) + &stderr(&output)).contains(PASSWORD),
            "{more:?}: {}{}",
            stdout(&output),
            stderr(&output)
        );
    }
    let output = segc(&["check"]).arg(case.path("case.seg")).output().unwrap();
    fails(&output, 2, "SEG0320", "named by an environment variable");
}

#[test]
fn what_is_wrong_with_the_table_or_query() {
    let database = orders("queries");
    let url = database.url();
    let fails = |settings: &str, exit: i32, code: &str, words: &str| {
        fails(&build_with(settings, Some(&url), &[]), exit, code, words)
    };
    fails("table \"oders\"", 3, "SEG0325", "did you mean");
    fails("table \"secrets\"", 3, "SEG0325", "does not allow");
    fails("query \"SELECT * FROM orders; SELECT 1\"", 3, "SEG0326", "not one query");
    fails("query \"INSERT INTO orders VALUES ('x', 1, '2024-01-01') RETURNING *\"", 3, "SEG0326", "one `SELECT`");
    fails("query \"SELECT nextval('no_such')\"", 3, "SEG0326", "no_such");
    fails("query \"SELEC * FROM orders\"", 3, "SEG0326", "SELEC");
    fails("query \"SELECT customer, price FROM orders\"", 3, "SEG0302", "does not have every declared column");
    fails("table \"orders\"; timezone \"Europe/Londn\"", 2, "SEG0209", "no time zone");
    fails("query \"SELECT o.*, pg_sleep(20) FROM orders o\"; timeout 1 second", 5, "SEG0328", "longer than 1 s");
    let rows: i64 = cluster().client("queries").query_one("SELECT count(*) FROM orders", &[]).unwrap().get(0);
    assert_eq!(rows, 2, "nothing was written");
}

/// The certificate is signed by itself: known when it is named, otherwise good for encryption alone.
#[test]
fn certificates_are_checked_as_far_as_the_address_asks() {
    let database = orders("certificates");
    let certificate = cluster().folder.join("server.crt");
    let known = [("SSL_CERT_FILE", certificate.to_str().unwrap())];
    let build = |mode: &str, more: &[(&str, &str)]| {
        build_with("table \"orders\"", Some(&database.url_with(&format!("?sslmode={mode}"))), more)
    };
    for mode in ["disable", "prefer", "require"] {
        let output = build(mode, &[]);
        assert!(output.status.success(), "{mode}: {}", stderr(&output));
    }
    fails(&build("verify-full", &[]), 3, "SEG0323", "no secure connection");
    let output = build("verify-full", &known);
    assert!(output.status.success(), "{}", stderr(&output));
}

/// A server that dies in the middle of the rows is an error, and the files of the last build are untouched.
#[test]
fn a_server_that_goes_away_leaves_the_last_build_untouched() {
    let cluster: &'static crate::support::postgres::Cluster =
        Box::leak(Box::new(crate::support::postgres::Cluster::start()));
    let database = cluster.database("dying", "CREATE TABLE orders (customer text, price numeric, at timestamp)");
    cluster.admin("dying", "INSERT INTO orders VALUES ('ada', 1.5, '2024-01-01')");
    let case = Case::new(&spec("table \"orders\""), "");
    let mut build = segc(&["build"]);
    build.arg(case.path("case.seg")).arg("-o").arg(case.path("out")).env("SHOP_DB", database.url());
    assert!(build.output().unwrap().status.success());
    let before = crate::support::files(&case.path("out"));
    case.put("case.seg", &spec("query \"SELECT 'ada' AS customer, 1 AS price, timestamp '2024-01-01' + i * interval '1 second' * (pg_sleep(0.001) IS NOT NULL)::int AS at FROM generate_series(1, 200000) i\""));
    let building = std::thread::spawn(move || build.output().unwrap());
    std::thread::sleep(std::time::Duration::from_millis(1500));
    cluster.kill();
    let output = building.join().unwrap();
    fails(&output, 3, "SEG0327", "connection");
    assert_eq!(crate::support::files(&case.path("out")), before);
}
