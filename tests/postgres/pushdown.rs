//! Rules that run in the database.

use std::sync::OnceLock;

use proptest::prelude::*;
use proptest::{collection, sample};

use super::*;
use crate::support::postgres::cluster;

/// Without a rule that takes rows of the whole shop to the client, the outcome is that of the file.
#[test]
fn the_shop_is_the_same_with_and_without_rules_in_the_database() {
    let database = shop(cluster(), "pushed_shop");
    let world = database.world();
    let outcome = |settings: &str| {
        let case = Case::new(&shop_spec(settings), "");
        let shown = segc::inputs::postgres::show(&world, &compile(&world, &case.path("case.seg"), &[]));
        (built_in(&world, &case).outcome, shown.unwrap().unwrap())
    };
    let (with, sql) = outcome("table \"sales\"");
    let (without, plain) = outcome("table \"sales\"; pushdown no");
    assert_eq!(unlike(&with, &without), None);
    for rule in ["no customer", "cancellation", "returned or void", "free"] {
        assert!(sql.contains(&format!("-- runs in the database: \"{rule}\"")), "{sql}");
    }
    assert!(sql.contains("-- runs in segc, with all rules after it: \"repeated row\""), "{sql}");
    assert!(plain.contains("-- all rules run in segc: the spec says `pushdown no`"), "{plain}");
    let (with, without) = (&with.inputs[0], &without.inputs[0]);
    assert_eq!((with.rows, without.rows), (33_116, 33_116));
    assert!(with.bytes < without.bytes, "{} bytes were sent, {} without", with.bytes, without.bytes);
}

/// Cells as SQL literals by column: plain ones, and those that are odd in one way or another.
const CELLS: [(&str, &[&str], &[&str]); 9] = [
    (
        "customer",
        &["'ada'", "'ben'", "'cleo'", "'ß'"],
        &["NULL", "''", "' '", "'  ada'", "U&'\\2003'", "U&'ben\\00A0'", "'NULL'", "'a\"b,c'"],
    ),
    ("invoice", &["'A1'", "'A2'", "'C1'", "'1'"], &["NULL", "'c1'", "' C1'", "E'\\\\N'", "E'a\\tb'", "E'two\\nlines'"]),
    (
        "country",
        &["'France'", "'Spain'", "'Åland'", "'Zambia'"],
        &["NULL", "''", "'france'", "'n/a'", "'it''s'", "U&'\\3000'", "'N/A'"],
    ),
    ("quantity", &["1", "2", "3", "12"], &["NULL", "0", "-1", "2147483647"]),
    (
        "price",
        &["1.5", "2.25", "12.3450", "0.395"],
        &[
            "NULL",
            "0",
            "0.00",
            "-2.25",
            "0.123456789",
            "'NaN'",
            "9223372035",
            "9300000000",
            "0.1234567891",
            "92233720368547758",
            "1.000000000000000000000000000000000000000000",
            "0.001",
        ],
    ),
    (
        "at",
        &["'2024-01-05'", "'2024-02-29 23:59:59.999999'", "'2024-06-30 12:00'"],
        &["NULL", "'2024-07-05 12:00'", "'infinity'", "'0999-12-31'"],
    ),
    (
        "day",
        &["'2024-03-01'", "'2024-03-02'"],
        &["NULL", "'2024-03-02 00:00:01'", "'9999-12-31'", "'10000-01-01'", "'-infinity'"],
    ),
    (
        "weight",
        &["0.1", "0.25", "3"],
        &["NULL", "0", "'-0'", "1e30", "1e-40", "'NaN'", "'Infinity'", "0.30000000000000004"],
    ),
    ("gift", &["true", "false"], &["NULL"]),
];

/// Conditions over these columns: those that a database can judge, those that it can't, and some that only look as if.
const CONDITIONS: [&str; 31] = [
    "customer is missing",
    "customer is not missing",
    "customer = \"ada\"",
    "country >= \"b\"",
    "invoice starts with \"C\"",
    "invoice ends with \"1\"",
    "invoice contains \"\"",
    "invoice matches \"^[Cc]\"",
    "country in [\"France\", \"it's\"]",
    "country not in [\"France\", \"Zambia\"]",
    "country < \"a\"",
    "country < invoice",
    "lower(country) = \"france\"",
    "coalesce(country, \"nowhere\") contains \"w\"",
    "quantity <= 0",
    "quantity between 1 and 3",
    "quantity * 3 - 1 > 8",
    "quantity > 0.5",
    "price <= 0",
    "price = 1.5 EUR",
    "price > 0.0000000001 EUR",
    "price * quantity >= 100 EUR",
    "if gift then price > 1 EUR else quantity > 2",
    "at >= @2024-02-29T23:59:59",
    "at between @2024-01-01 and @2024-03-01",
    "day = @2024-03-01",
    "weight < 0.3",
    "weight = 0",
    "gift",
    "duplicate on customer, invoice",
    "(price / 2) > 1 EUR",
];

/// Derived columns, of which some can leave 64 bits in a row that a rule takes.
const DERIVED: [&str; 5] = [
    "",
    "derive double = quantity * quantity",
    "derive shelf = upper(country)",
    "derive later = at + 30 days",
    "derive huge = price * 1_000_000",
];

/// A table with the types that fit these cells best, and one with others that hold them too.
const TABLES: [&str; 2] = [
    "customer text, invoice text, country text COLLATE \"en-x-icu\", quantity int, price numeric, at timestamp, day timestamp, \
     weight float8, gift bool",
    "customer varchar(20), invoice char(12), country text COLLATE \"en-x-icu\", quantity int8, price float8, at timestamptz, day timestamp, \
     weight float4, gift bool",
];

fn odd_spec(derived: &str, filter: &str, rows: &str) -> String {
    format!(
        "segmentation odd {{
  currency EUR
  source orders from {rows}
    max_refused 100%
    customer: id; invoice: text; country: text; quantity: int; price: money; at: datetime; day: date
    weight: number; gift: bool
  }}
  {derived}
  derive amount = quantity * price
  revenue amount
  time at
  filter {{
{filter}  }}
  as_of @2024-07-01
  features {{
    spend = sum(amount); heavy = max(weight); last_day = max(day); orders = count_distinct(invoice)
    from = mode(country); gifts = share(gift)
  }}
  label customers {{ \"Big\" when spend > 10 EUR; otherwise \"Small\" }}
}}
"
    )
}

/// Row, column, value and reason.
type Refused = Vec<(u64, Option<usize>, String, String)>;
/// What becomes of a build: its outcome and what it refused, or why there is none.
type Fate = Result<(Outcome, Refused), Vec<String>>;

fn fate(world: &dyn World, case: &Case) -> Fate {
    match build_in(world, case) {
        Ok(built) => {
            let refused = built
                .sources
                .into_iter()
                .flat_map(|source| source.refused)
                .map(|r| (r.row, r.column, r.value, r.reason));
            Ok((built.outcome, refused.collect()))
        }
        Err(found) => Err(found.into_iter().map(|d| format!("{} {} {:?}", d.code, d.message, d.notes)).collect()),
    }
}

fn condition() -> impl Strategy<Value = String> {
    let leaf = sample::select(&CONDITIONS[..]).prop_map(str::to_owned);
    leaf.prop_recursive(2, 6, 3, |inner| {
        prop_oneof![
            inner.clone().prop_map(|a| format!("not ({a})")),
            collection::vec(inner.clone(), 2..4).prop_map(|list| format!("({})", list.join(") and ("))),
            collection::vec(inner, 2..4).prop_map(|list| format!("({})", list.join(") or ("))),
        ]
    })
}

fn row() -> impl Strategy<Value = String> {
    // Mostly what is plain: a row that can't be read hides all else.
    let cell = |plain: &'static [&'static str], odd: &'static [&'static str]| prop_oneof![6 => sample::select(plain), 1 => sample::select(odd)];
    let cells: Vec<_> = CELLS.iter().map(|(_, plain, odd)| cell(plain, odd)).collect();
    cells.prop_map(|cells| format!("({})", cells.join(", ")))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever the rows and the rules, rules in the database change nothing: not the outcome, not what is refused and
    /// why, not what stops a build. And where the types say the same as the texts of a CSV, neither does the database.
    #[test]
    fn rules_in_the_database_change_nothing(
        rows in collection::vec(row(), 1..40),
        rules in collection::vec((prop::bool::weighted(0.2), condition()), 1..4),
        derived in sample::select(&DERIVED[..]),
        table in 0..TABLES.len(),
    ) {
        static DATABASE: OnceLock<Database> = OnceLock::new();
        let database = DATABASE.get_or_init(|| cluster().database("odd", "SELECT"));
        let filter: String = rules
            .iter()
            .enumerate()
            .map(|(n, (keep, when))| format!("    {} \"rule {n}\" when {when}\n", if *keep { "keep" } else { "drop" }))
            .collect();
        database.cluster.admin(&database.name, &format!(
            "DROP TABLE IF EXISTS odd; CREATE TABLE odd ({}); INSERT INTO odd VALUES {}; GRANT SELECT ON odd TO analyst",
            TABLES[table], rows.join(", "),
        ));
        let world = database.world();
        let settings = "env \"SHOP_DB\" {\n    table \"odd\"; timezone \"Europe/London\"";
        let pushed = Case::new(&odd_spec(derived, &filter, &format!("postgres {settings}")), "");
        let plain = Case::new(&odd_spec(derived, &filter, &format!("postgres {settings}; pushdown no")), "");
        let (a, b) = (fate(&world, &pushed), fate(&world, &plain));
        compare(&a, &b)?;
        if table == 0 {
            let mut csv = vec![];
            let mut client = database.cluster.client(&database.name);
            client.copy_out("COPY odd TO STDOUT (FORMAT csv, HEADER)").unwrap().read_to_end(&mut csv).unwrap();
            let file = "\"orders.csv\" {\n    delimiter \",\"; encoding \"utf-8\"; decimal \".\"; header yes";
            let file = Case::new(&odd_spec(derived, &filter, file), std::str::from_utf8(&csv).unwrap());
            compare(&without_lines(fate(&world, &file)), &without_lines(a))?;
        }
    }
}

/// A line of a file and a row of a table have different numbers.
fn without_lines(fate: Fate) -> Fate {
    let (outcome, refused) = fate?;
    Ok((outcome, refused.into_iter().map(|(_, column, value, reason)| (0, column, value, reason)).collect()))
}

fn compare(a: &Fate, b: &Fate) -> Result<(), TestCaseError> {
    match (a, b) {
        (Ok((a, refused_a)), Ok((b, refused_b))) => {
            prop_assert_eq!(unlike(a, b), None);
            prop_assert_eq!(refused_a, refused_b);
        }
        (Err(a), Err(b)) => prop_assert_eq!(a, b),
        (a, b) => {
            let short = |fate: &Fate| fate.as_ref().map(|_| "an outcome").map_err(Clone::clone);
            prop_assert_eq!(short(a), short(b));
        }
    }
    Ok(())
}
