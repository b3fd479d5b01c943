//! SQLite files: values by value, what is asked of the database and what is not, and files that are up to no good.

use std::panic::catch_unwind;
use std::path::Path;
use std::time::Duration;

use rusqlite::Connection;
use segc::database::sqlite::Failure;
use segc::ingest::{Budget, Container, Format, IngestError, InputFile, Limits, Loaded, Request, read};
use segc::progress::Silent;
use sha2::{Digest, Sha256};

use super::{Folder, detections, refusals, requests, rows};
use crate::support::{Case, built_files, root, segc, stderr, stdout};

const ORDERS: &str = "CREATE TABLE orders (customer, at, amount, count);
    INSERT INTO orders VALUES ('ada', '2024-01-05', 2.5, 3), ('ben', '2024-01-09 11:30', '4.25', '-4'),
        (NULL, NULL, 61, 0), (17850, '2024-03-01', 9007199254740993, NULL);";
const COLUMNS: &str = "customer: id = customer; at: datetime = at; amount: money = amount; count: int = count";

/// A file that these statements make.
fn database(folder: &Folder, name: &str, statements: &str) -> InputFile {
    let path = folder.0.path().join(name);
    Connection::open(&path).unwrap().execute_batch(statements).unwrap();
    InputFile { name: name.to_owned(), path }
}

fn table(name: &str) -> Format {
    Format { table: Some(name.to_owned()), ..Format::default() }
}

fn query(text: &str) -> Format {
    Format { query: Some(text.to_owned()), ..Format::default() }
}

fn load(statements: &str, columns: &str, format: Format) -> Result<Loaded, IngestError> {
    let folder = Folder::new();
    let files = vec![database(&folder, "in.db", statements)];
    read(&Request { files, format, columns: requests(columns), identity: true, ..Request::default() }, &Silent)
}

fn failure(statements: &str, format: Format) -> Failure {
    match load(statements, "customer: id = customer", format).unwrap_err() {
        IngestError::Database { failure, .. } => failure,
        other => panic!("{other}"),
    }
}

#[test]
fn values_are_read_by_what_they_are() {
    let loaded = load(ORDERS, COLUMNS, table("orders")).unwrap();
    let expected = [
        "ada|2024-01-05|2.50|3",
        "ben|2024-01-09 11:30:00|4.25|-4",
        "·|·|61.00|0",
        "17850|2024-03-01|9007199254740993.00|·",
    ];
    assert_eq!((rows(&loaded), refusals(&loaded)), (expected.map(str::to_owned).to_vec(), vec![]));
    assert_eq!((loaded.read, detections(&loaded.detected)), (4, vec![]));
    // Text in another encoding is text.
    let wide = format!("PRAGMA encoding = 'UTF-16le'; {ORDERS}");
    assert_eq!(rows(&load(&wide, COLUMNS, table("orders")).unwrap()), expected);

    let one = |value: &str, kind: &str| {
        let make = format!("CREATE TABLE t (x); INSERT INTO t VALUES ({value})");
        let loaded = load(&make, &format!("x: {kind} = x"), table("t")).unwrap();
        rows(&loaded).into_iter().chain(refusals(&loaded)).collect::<String>()
    };
    assert_eq!(one("1", "bool"), "true");
    assert_eq!(one("'no'", "bool"), "false");
    assert_eq!(one("6.0", "int"), "6");
    assert_eq!(one("'12%'", "share"), "0.12");
    assert_eq!(one("' '", "text"), "·");
    assert_eq!(one("'14.02.2024'", "date"), "2024-02-14");
    assert_eq!(one("1e999", "money"), "1 x `inf`: too large");
    assert_eq!(one("6.5", "int"), "1 x `6.5`: not a whole number");
    assert_eq!(one("'free'", "money"), "1 x `free`: not a number");
    assert_eq!(one("x'6162'", "text"), "1 x `(bytes)`: bytes that are no text");
    assert_eq!(one("CAST(x'ff' AS TEXT)", "text"), "1 x `(bytes)`: bytes that are no text");
    // Databases without a type for dates keep numbers instead, and of what kind is not for segc to guess.
    let told = "1 x `1707868800`: a number; if it counts seconds since 1970, `dates \"%s\"` reads it";
    assert_eq!(one("1707868800", "datetime"), told);
    assert_eq!(one("1707868800", "datetime = x dates %s; y: int"), "2024-02-14|1707868800");
    assert_eq!(one("2460354.5", "datetime"), "1 x `2460354.5`: not a date in a form that is known without `dates`");
}

/// A refused row is called by the number by which its database calls it, where it has one.
#[test]
fn rows_have_the_numbers_of_their_table() {
    let make = "CREATE TABLE t (x); INSERT INTO t VALUES (1), ('a'), (3), ('b'); DELETE FROM t WHERE x = 3;
        CREATE INDEX i ON t (x DESC);
        CREATE TABLE k (rowid TEXT, x, y, PRIMARY KEY (y)); INSERT INTO k SELECT 'n', x, rowid FROM t;
        CREATE TABLE w (x PRIMARY KEY) WITHOUT ROWID; INSERT INTO w SELECT x FROM t;
        CREATE VIEW v AS SELECT x FROM t;";
    let numbers = |format: Format| -> Vec<u64> {
        load(make, "x: int = x", format).unwrap().refused.iter().map(|refusal| refusal.row).collect()
    };
    assert_eq!(numbers(table("t")), [2, 4]);
    assert_eq!(numbers(table("k")), [2, 3]);
    // No numbers of their own: counted as they come.
    assert_eq!(numbers(table("w")), [2, 3]);
    assert_eq!(numbers(table("v")).len(), 2);
    assert_eq!(numbers(query("SELECT x FROM t ORDER BY rowid DESC")), [1, 2]);
}

#[test]
fn the_only_table_needs_no_name() {
    let loaded = load(ORDERS, COLUMNS, Format::default()).unwrap();
    assert_eq!((loaded.read, detections(&loaded.detected)), (4, vec!["table orders".to_owned()]));
    assert_eq!(loaded.detected[0].pin, "table \"orders\"");
    let two = format!("{ORDERS} CREATE TABLE customers (x); CREATE INDEX i ON orders (at)");
    assert_eq!(
        failure(&two, Format::default()),
        Failure::WhichTable { tables: vec!["customers".into(), "orders".into()] }
    );
    assert_eq!(failure("CREATE TABLE x (y); DROP TABLE x", Format::default()), Failure::WhichTable { tables: vec![] });
    // SQLite does not look at case.
    assert_eq!(load(&two, COLUMNS, table("Orders")).unwrap().read, 4);
    match failure(&two, table("order")) {
        Failure::NoTable { table, near, tables } => {
            assert_eq!((table.as_str(), near, tables.len()), ("order", vec!["orders".to_owned()], 2));
        }
        other => panic!("{other}"),
    }
    let named = "CREATE TABLE \"a \"\"b\"\" ; --\" (customer); INSERT INTO \"a \"\"b\"\" ; --\" VALUES ('ada')";
    assert_eq!(rows(&load(named, "c: id = customer", table("a \"b\" ; --")).unwrap()), ["ada"]);
    match load(ORDERS, "customer: id = Custmer", table("orders")).unwrap_err() {
        IngestError::MissingColumns { missing, .. } => assert_eq!(missing[0].near, ["customer"]),
        other => panic!("{other}"),
    }
}

#[test]
fn a_query_gives_what_it_says() {
    let sum = "WITH s AS (SELECT customer, sum(count) AS n FROM orders WHERE customer > '' GROUP BY customer)
        SELECT * FROM s ORDER BY customer; -- as at a prompt";
    let loaded = load(ORDERS, "n: int = n; customer: id = customer", query(sum)).unwrap();
    // To SQLite, a number comes before all texts: 17850 is not greater than ''. That is why no rule runs there.
    assert_eq!(rows(&loaded), ["3|ada", "-4|ben"]);
    let twice = load(ORDERS, "customer: id = customer", query("SELECT customer, count AS customer FROM orders"));
    assert!(matches!(twice.unwrap_err(), IngestError::DuplicateHeader { .. }));
}

/// Of a table only the columns that are declared are asked for: one that would never come does no harm.
#[test]
fn only_the_declared_columns_are_asked_for() {
    let make = format!(
        "{ORDERS} CREATE VIEW v AS SELECT customer, (WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) \
         SELECT max(n) FROM c) AS endless FROM orders"
    );
    let folder = Folder::new();
    let with = |columns: &str| {
        let files = vec![folder.file("in.db", std::fs::read(database(&Folder::new(), "in.db", &make).path).unwrap())];
        let format = Format { timeout: Some(Duration::from_millis(300)), ..table("v") };
        read(&Request { files, format, columns: requests(columns), ..Request::default() }, &Silent)
    };
    assert_eq!(with("customer: id = customer").unwrap().read, 4);
    let limit = Duration::from_millis(300);
    let error = IngestError::Database { file: "in.db".into(), failure: Failure::TooLong { limit } };
    assert_eq!(with("customer: id = customer; e: int = endless").unwrap_err(), error);
}

#[test]
fn nothing_but_reading_is_let_through() {
    let folder = Folder::new();
    let file = database(&folder, "in.db", ORDERS);
    let before = std::fs::read(&file.path).unwrap();
    let tried = |text: &str| {
        let columns = requests("customer: id = customer");
        let request = Request { files: vec![file.clone()], format: query(text), columns, ..Request::default() };
        match read(&request, &Silent).unwrap_err() {
            IngestError::Database { failure, .. } => failure,
            other => panic!("{text}: {other}"),
        }
    };
    let other = folder.0.path().join("other.db");
    let attach = format!("ATTACH '{}' AS other", other.display());
    let into = format!("VACUUM INTO '{}'", other.display());
    let statements = [
        ("DELETE FROM orders RETURNING customer", "it deletes from"),
        ("INSERT INTO orders (customer) VALUES ('eve') RETURNING customer", "it inserts into"),
        ("UPDATE orders SET customer = 'eve' RETURNING customer", "it updates"),
        ("CREATE TABLE t AS SELECT 1", ""),
        ("DROP TABLE orders", ""),
        ("PRAGMA writable_schema = 1", "it looks at or sets `PRAGMA writable_schema`"),
        ("PRAGMA database_list", "it looks at or sets"),
        ("SELECT name AS customer FROM pragma_table_list", "it looks at or sets"),
        (attach.as_str(), "it attaches another file"),
        (into.as_str(), ""),
        ("BEGIN", "it begins or ends a transaction"),
        ("SELECT load_extension('./x') AS customer", ""),
        ("EXPLAIN DELETE FROM orders", "it deletes from"),
    ];
    for (text, what) in statements {
        match tried(text) {
            Failure::Writes(told) => assert!(told.starts_with(what), "{text}: {told}"),
            // The library is built without this function.
            Failure::Query { reason, .. } => assert!(text.contains("load_extension"), "{text}: {reason}"),
            other => panic!("{text}: {other}"),
        }
    }
    assert_eq!(tried("SELECT customer FROM orders; SELECT 1"), Failure::Statements);
    assert!(matches!(
        tried("SELECT customer FROM orders; DROP TABLE orders"),
        Failure::Statements | Failure::Writes(_)
    ));
    let told = Failure::Query { reason: "no such column: custmer".into(), at: Some("custmer FROM orders".into()) };
    assert_eq!(tried("SELECT custmer FROM orders"), told);
    // In double quotes too, which SQLite takes for a text when there is no such column.
    assert!(matches!(tried("SELECT \"custmer\" AS customer FROM orders"), Failure::Query { .. }));
    assert!(matches!(tried("SELEC customer"), Failure::Query { .. }));
    assert!(matches!(tried("-- nothing"), Failure::Writes(_) | Failure::Query { .. }));
    assert!(std::fs::read(&file.path).unwrap() == before);
    assert_eq!(std::fs::read_dir(folder.0.path()).unwrap().count(), 1, "nothing is left beside the file");
}

#[test]
fn what_does_not_end_is_ended() {
    let endless = "CREATE VIEW orders AS WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) \
                   SELECT n AS customer, '2024-01-01' AS at, 1 AS price FROM c";
    let folder = Folder::new();
    let file = database(&folder, "in.db", endless);
    let limits = Limits { query_rows: 5000, ..Limits::default() };
    let columns = requests("customer: id = customer");
    let request = Request { files: vec![file], format: table("orders"), columns, limits, ..Request::default() };
    let error = read(&request, &Silent).unwrap_err();
    assert_eq!(error, IngestError::TooLarge { file: "in.db".into(), budget: Budget::Rows, limit: 5000, at: None });
    // As a person meets it.
    let spec = "segmentation s { currency EUR; source p from \"in.db\" { timeout 1 second; query \"SELECT max(customer) \
                AS customer, at, price FROM orders\"; customer: id; at: date; price: money }\n as_of max(at) + 1 day; \
                features { spend = sum(price) }; label customers { otherwise \"All\" } }";
    let spec = folder.file("s.seg", spec).path;
    let output = segc(&["build"]).arg(spec).output().unwrap();
    let told = stderr(&output);
    assert_eq!(output.status.code(), Some(5), "{told}");
    assert!(told.contains("error[SEG0328]: the database took longer than 1 s"), "{told}");
    assert!(told.contains("timeout 2 seconds"), "{told}");
    let huge = load("CREATE TABLE t (x)", "x: text = x", query("SELECT zeroblob(20000000) AS x"));
    assert!(matches!(huge.unwrap_err(), IngestError::TooLarge { budget: Budget::Record, .. }));
}

#[test]
fn changes_beside_the_file_are_not_overlooked() {
    let folder = Folder::new();
    let file = database(&folder, "in.db", ORDERS);
    let attempt = || {
        let columns = requests(COLUMNS);
        read(&Request { files: vec![file.clone()], format: table("orders"), columns, ..Request::default() }, &Silent)
    };
    let writer = Connection::open(&file.path).unwrap();
    writer.execute_batch("PRAGMA journal_mode = WAL; INSERT INTO orders VALUES ('eve', '2024-04-01', 1, 1)").unwrap();
    let unfinished = |beside: &str| IngestError::Database {
        file: "in.db".into(),
        failure: Failure::Unfinished { beside: beside.into() },
    };
    assert_eq!(attempt().unwrap_err(), unfinished("in.db-wal"));
    writer.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    assert_eq!(attempt().unwrap().read, 5, "the log is there, and empty");
    drop(writer);
    folder.file("in.db-journal", [0; 512]);
    assert_eq!(attempt().unwrap().read, 5, "a journal that was kept and is over");
    folder.file("in.db-journal", [0xd9; 512]);
    assert_eq!(attempt().unwrap_err(), unfinished("in.db-journal"));
}

/// A file that is cut off anywhere, or has any byte wrong, is read or turned away.
#[test]
fn no_broken_file_is_more_than_an_error() {
    let folder = Folder::new();
    let make = format!("PRAGMA page_size = 512; {ORDERS} CREATE INDEX i ON orders (customer)");
    let sound = std::fs::read(database(&folder, "sound.db", &make).path).unwrap();
    assert_eq!(sound.len() / 512, 3);
    let attempt = |bytes: &[u8], format: Format, what: &dyn Fn() -> String| {
        let files = vec![folder.file("in.db", bytes)];
        let request = Request { files, format, columns: requests(COLUMNS), identity: true, ..Request::default() };
        catch_unwind(|| read(&request, &Silent)).unwrap_or_else(|_| panic!("a panic for {}", what()))
    };
    for length in (16..sound.len()).step_by(7) {
        let told = attempt(&sound[..length], table("orders"), &|| format!("{length} bytes")).unwrap_err();
        assert!(matches!(told, IngestError::Damaged { .. } | IngestError::Database { .. }), "{length}: {told}");
    }
    let (mut fine, mut broken) = (0, 0);
    for at in 16..sound.len() {
        let mut bytes = sound.clone();
        bytes[at] ^= 0xff;
        match attempt(&bytes, query("SELECT * FROM orders ORDER BY customer"), &|| format!("byte {at}")) {
            Ok(_) => fine += 1,
            Err(_) => broken += 1,
        }
    }
    assert!(fine > 100 && broken > 100, "{fine} read, {broken} turned away");
    let broken = {
        let mut bytes = sound.clone();
        bytes[512..560].fill(0x7f);
        attempt(&bytes, table("orders"), &String::new).unwrap_err()
    };
    assert!(matches!(broken, IngestError::Damaged { .. }), "{broken}");
}

/// A name that is no text makes the library panic where it asks whether a column may be read. Nobody needs to hear of that.
#[test]
fn names_that_are_no_text_are_damage() {
    let folder = Folder::new();
    let path = database(&folder, "in.db", ORDERS).path;
    let mut bytes = std::fs::read(&path).unwrap();
    let name = bytes.windows(8).position(|window| window == b"customer").expect("the statement that made the table");
    bytes[name + 2] = 0xff;
    std::fs::write(&path, bytes).unwrap();
    let output = segc(&["profile"]).arg(path).output().unwrap();
    let told = stderr(&output);
    assert_eq!(output.status.code(), Some(3), "{told}");
    assert!(told.starts_with("error[SEG0304]") && told.contains("a name in it is no text"), "{told}");
}

#[test]
fn settings_of_other_files_do_not_fit() {
    let with = |statements: &str, format: Format| load(statements, "customer: id = customer", format).unwrap_err();
    let found = Container::Sqlite;
    let encoding = Format { encoding: Some("utf-8".into()), ..table("orders") };
    assert_eq!(
        with(ORDERS, encoding),
        IngestError::OptionDoesNotFit { file: "in.db".into(), option: "encoding", found }
    );
    let case = Case::new(
        "segmentation s { currency EUR; source p from \"orders.csv\" { table \"orders\"; customer: id; at: date }\n \
         as_of max(at) + 1 day; features { n = count() }; label customers { otherwise \"All\" } }",
        "customer,at\nada,2024-01-01\n",
    );
    let output = segc(&["build"]).arg(case.path("case.seg")).output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    assert!(stderr(&output).contains("`table` means nothing for `orders.csv`"), "{}", stderr(&output));
}

/// The shop in a table, in several types: the same list of customers, byte for byte, from a file that stays as it is.
#[test]
fn the_shop_is_the_same_from_a_table() {
    let folder = Folder::new();
    let packed = std::fs::File::open(root().join("specs/data/shop.csv.gz")).unwrap();
    let mut reader = csv::Reader::from_reader(flate2::read::GzDecoder::new(packed));
    let headers: Vec<String> = reader.headers().unwrap().iter().map(str::to_owned).collect();
    let file = database(
        &folder,
        "shop.db",
        &format!(
            "CREATE TABLE sales (rank INTEGER, {}, UnitPrice REAL, Quantity INTEGER)",
            headers
                .iter()
                .filter(|h| !["UnitPrice", "Quantity"].contains(&h.as_str()))
                .cloned()
                .collect::<Vec<_>>()
                .join(", ")
        ),
    );
    let mut connection = Connection::open(&file.path).unwrap();
    let transaction = connection.transaction().unwrap();
    let places: Vec<String> = (1..=headers.len()).map(|nth| format!("nullif(?{nth}, '')")).collect();
    let insert = format!("INSERT INTO sales ({}) VALUES ({})", headers.join(", "), places.join(", "));
    let mut statement = transaction.prepare(&insert).unwrap();
    for record in reader.records() {
        statement.execute(rusqlite::params_from_iter(record.unwrap().iter())).unwrap();
    }
    drop(statement);
    transaction.commit().unwrap();
    drop(connection);
    let digest = |path: &Path| -> String {
        Sha256::digest(std::fs::read(path).unwrap()).iter().map(|byte| format!("{byte:02x}")).collect()
    };
    let before = digest(&file.path);
    let spec = std::fs::read_to_string(root().join("specs/shop.seg")).unwrap();
    let build =
        |source: &str| built_files(&spec.replace("\"data/shop.csv.gz\" {", &format!("{source}\n")), folder.0.path());
    let expected = build("\"data/shop.csv.gz\" {");
    for source in
        ["\"shop.db\" {", "\"shop.db\" { table \"sales\"", "\"shop.db\" { query \"SELECT * FROM sales WHERE 1\""]
    {
        let found = build(source);
        assert!(found["segments.csv"] == expected["segments.csv"], "{source} gives another list");
        let manifest = String::from_utf8_lossy(&found["manifest.json"]).into_owned();
        assert!(manifest.contains(&before), "{manifest}");
    }
    assert_eq!(digest(&file.path), before);
}

#[test]
fn a_file_tells_what_it_holds_before_there_is_a_spec() {
    let folder = Folder::new();
    let file = database(
        &folder,
        "in.db",
        &format!("{ORDERS} CREATE TABLE customers (customer); INSERT INTO customers VALUES ('zoe')"),
    );
    let run = |arguments: &[&str]| {
        let output = segc(&["profile"]).args(arguments).arg(&file.path).output().unwrap();
        (output.status.code(), stdout(&output) + &stderr(&output))
    };
    let (exit, told) = run(&[]);
    assert!(exit == Some(3) && told.contains("--table \"customers\""), "{told}");
    let (exit, told) = run(&["--table", "customers"]);
    assert!(exit == Some(0) && told.contains("an SQLite database") && told.contains("zoe"), "{told}");
    let (exit, told) = run(&["--table", "customer"]);
    assert!(exit == Some(3) && told.starts_with("error[SEG0325]") && told.contains("--table \"customers\""), "{told}");
}
