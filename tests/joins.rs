//! Several sources: what a join gives to a row, by eye; against a naive join of random tables; and a shop's export of
//! orders, lines and customers on its way to a report.

use std::collections::BTreeSet;
use std::fs;

use proptest::prelude::*;
use segc::outcome::JoinOutcome;

use crate::support::{Case, feature, segc, stderr};

const LINES: &str = "order,product,quantity,price
1,pen,2,1.50
1,ink,1,4.25
2,pen,4,1.50
3,cup,1,20
9,cup,1,20
,cup,1,7
";
const ORDERS: &str = "order,buyer,at
1,c1,2024-01-01 10:00
2,c1,2024-01-11 22:00
3,c2,2024-01-05
4,c3,2024-01-06
";
const PEOPLE: &str = "id,country,club,since
c1,France,5,2023-12-31
c2,,,
c4,Italy,7,2023-01-01
";

/// Lines with their orders and buyers, around some items and features.
fn spec(items: &str, features: &str) -> String {
    format!(
        "segmentation case {{
  currency EUR
  source lines from \"lines.csv\" {{ order_no: id = order; product: id; quantity: int; price: money }}
  source people from \"people.csv\" {{ id: id; country: text; club: int; since: date }}
  source orders from \"orders.csv\" {{ order_no: id = order; buyer: id; at: datetime }}
  join orders on order_no
  join people on buyer = id
  customers by customer
  time moment
  derive customer = coalesce(buyer, \"nobody\")
  derive moment = coalesce(at, @2024-01-20)
  derive amount = quantity * price
  revenue amount
  as_of @2024-02-01
{items}
  features {{
{features}
  }}
  label customers {{ otherwise \"All\" }}
}}
"
    )
}

fn case(spec: &str) -> Case {
    let case = Case::new(spec, "");
    case.put("lines.csv", LINES).put("orders.csv", ORDERS).put("people.csv", PEOPLE);
    case
}

#[track_caller]
fn expect(items: &str, expression: &str, expected: &[&str]) {
    let built = case(&spec(items, &format!("    x = {expression}"))).built();
    assert_eq!(built.execution.customers.ids, ["c1", "c2", "nobody"][..expected.len()]);
    assert_eq!(feature(&built, "x"), expected, "{expression}");
}

#[test]
fn a_row_gets_the_columns_of_its_match() {
    expect("", "count()", &["3", "1", "2"]);
    expect("", "sum(amount)", &["13.25", "20", "27"]);
    expect("", "mode(country)", &["France", "-", "-"]);
    expect("", "max(club)", &["5", "-", "-"]);
    // 31 December, taken as its midnight, in microseconds.
    expect("", "max(since)", &["1703980800000000", "-", "-"]);
    expect("", "count_distinct(at)", &["2", "1", "0"]);
    // The key of the joined source is a column like the others.
    expect("", "mode(id)", &["c1", "c2", "-"]);
    expect("", "mode(order_no)", &["1", "3", "9"]);
}

#[test]
fn whether_a_row_has_a_match_can_be_asked() {
    expect("", "count(where orders is missing)", &["0", "0", "2"]);
    // A match whose cells are all empty is one all the same.
    expect("", "count(where people is missing)", &["0", "0", "2"]);
    expect("", "count(where people is not missing and country is missing)", &["0", "1", "0"]);
    expect("  filter { drop \"no order\" when orders is missing }", "count()", &["3", "1"]);
    expect("  derive there = if orders is missing then 0 else 1", "sum(there)", &["3", "1", "0"]);
    let built = case(&spec("  filter { keep \"known\" when people is not missing }", "    x = count()")).built();
    let dropped: Vec<(&str, u64)> = built.outcome.rows.dropped.iter().map(|d| (d.rule.as_str(), d.rows)).collect();
    assert_eq!(dropped, [("known", 2)]);
    assert_eq!(built.outcome.rows.dropped[0].amount.as_deref(), Some("27.00"));
}

fn joined(source: &str, on: &str, numbers: [u64; 5]) -> JoinOutcome {
    let [read, refused, matched, unmatched, unused] = numbers;
    JoinOutcome { source: source.into(), on: on.into(), read, refused, matched, unmatched, unused }
}

#[test]
fn rows_neither_multiply_nor_vanish() {
    let built = case(&spec("", "    x = count()")).built();
    assert_eq!((built.outcome.rows.read, built.outcome.rows.used), (6, 6));
    let expected = [joined("orders", "order_no", [4, 0, 4, 2, 1]), joined("people", "buyer = id", [3, 0, 4, 2, 1])];
    assert_eq!(built.outcome.joins, expected);
    let inputs: Vec<(&str, &str, u64)> =
        built.outcome.inputs.iter().map(|i| (i.source.as_str(), i.name.as_str(), i.rows)).collect();
    assert_eq!(inputs, [("lines", "lines.csv", 6), ("orders", "orders.csv", 4), ("people", "people.csv", 3)]);
}

#[test]
fn a_key_may_have_several_columns_of_several_types() {
    let spec = "segmentation case {
  currency EUR
  source sales from \"sales.csv\" { customer: id; shop: int; at: date; product: text; price: money }
  source offers from \"offers.csv\" { shop: int; day: date; item: id; offer: text }
  join offers on shop, at = day, product = item
  customers by customer
  time at
  as_of @2024-02-01
  features { offer_taken = mode(offer); offers_met = count(where offers is not missing) }
  label customers { otherwise \"All\" }
}
";
    let case = Case::new(spec, "");
    case.put("sales.csv", "customer,shop,at,product,price\nada,1,2024-01-05,pen,1\nada,1,2024-01-06,pen,1\nben,2,2024-01-05,pen,1\ncleo,,2024-01-05,pen,1\n");
    // Any two columns of the key are alike in several rows; rows without a whole key are no repetition.
    case.put("offers.csv", "shop,day,item,offer\n1,2024-01-05,pen,A\n1,2024-01-05,ink,B\n2,2024-01-05,pen,C\n2,2024-01-06,pen,D\n,2024-01-05,pen,E\n,2024-01-05,pen,F\n");
    let built = case.built();
    assert_eq!(feature(&built, "offer_taken"), ["A", "C", "-"]);
    assert_eq!(feature(&built, "offers_met"), ["1", "1", "0"]);
    assert_eq!(built.outcome.joins, [joined("offers", "shop, at = day, product = item", [6, 0, 2, 2, 4])]);
}

#[test]
fn time_customer_revenue_and_parameters_take_joined_columns() {
    let spec = "segmentation case {
  currency EUR
  param club_price = 2
  param home = \"France\"
  source lines from \"lines.csv\" { order_no: id = order; quantity: int }
  source orders from \"orders.csv\" { order_no: id = order; customer: id = buyer; at: datetime; fee: money }
  join orders on order_no
  filter { drop \"abroad\" when customer is missing }
  revenue fee * quantity
  customers by customer
  time at
  as_of max(at)
  baskets by order_no { worth = sum(fee * club_price) }
  features { recency = whole_days(as_of - max(at)); best = max(baskets.worth) }
  label customers { otherwise \"All\" }
}
";
    let case = Case::new(spec, "");
    case.put("lines.csv", "order,quantity\n1,2\n1,1\n2,5\n3,1\n");
    case.put("orders.csv", "order,buyer,at,fee\n1,ada,2024-01-01,0.50\n2,ada,2024-01-03,1.25\n3,,2024-01-09,4\n");
    let built = case.built();
    assert_eq!(built.execution.customers.ids, ["ada"]);
    assert_eq!(built.outcome.as_of.as_deref(), Some("2024-01-03T00:00:00"));
    // 0.50 x 2 + 0.50 x 1 + 1.25 x 5
    assert_eq!(built.outcome.amount.as_deref(), Some("7.75"));
    // Two rows of order 1 at 0.50, one of order 2 at 1.25, twice.
    assert_eq!(feature(&built, "best"), ["2.5"]);
}

#[test]
fn duplicate_looks_at_the_first_source_as_it_was_read() {
    let spec = "segmentation case {
  source lines from \"lines.csv\" { customer: id; order_no: id = order; at: date }
  source notes from \"notes.csv\" { order_no: id = order; note: text }
  join notes on order_no
  filter { drop \"repeated\" when duplicate; drop \"same note\" when note is not missing and duplicate on note }
  customers by customer
  as_of max(at)
  features { n = count() }
  label customers { otherwise \"All\" }
}
";
    let case = Case::new(spec, "");
    case.put(
        "lines.csv",
        "customer,order,at\nada,1,2024-01-01\nada,1,2024-01-01\nada,2,2024-01-01\nben,3,2024-01-01\n",
    );
    case.put("notes.csv", "order,note\n1,gift\n2,gift\n");
    let built = case.built();
    let dropped: Vec<u64> = built.outcome.rows.dropped.iter().map(|d| d.rows).collect();
    assert_eq!(dropped, [1, 1]);
    assert_eq!(feature(&built, "n"), ["1", "1"]);
}

#[test]
fn a_key_that_is_not_unique_is_told_by_its_lines() {
    let case = case(&spec("", "    x = count()"));
    // A note over two lines and a row that is refused: places are those of the file, not of the table.
    case.put("people.csv", "id,country,club,since\nc1,\"a\nb\",5,\nc9,x,many,\nc2,x,1,\nc1,y,2,\nc2,z,1,\nc1,z,1,\n");
    let spec = fs::read_to_string(case.path("case.seg")).unwrap();
    case.put("case.seg", &spec.replace("{ id: id; country", "{ max_refused 50%; id: id; country"));
    let found = case.build().err().expect("a key is there twice");
    let error = found.iter().find(|d| d.is_error()).unwrap();
    assert_eq!((error.code, error.message.as_str()), ("SEG0330", "two rows of `people` have the key `c1`"));
    let place = error.place.as_ref().unwrap();
    assert_eq!((place.file.as_str(), place.row, place.column.as_deref()), ("people.csv", Some(6), Some("id")));
    assert_eq!(error.notes, ["the other one is people.csv, row 2", "2 more rows repeat a key"]);
}

#[test]
fn every_source_has_its_own_limit_for_unreadable_rows() {
    let case = case(&spec("", "    x = count()"));
    case.put("people.csv", "id,country,club,since\nc1,France,five,2023-12-31\nc2,,,\n");
    let found = case.build().err().expect("half of the people can't be read");
    let error = found.iter().find(|d| d.is_error()).unwrap();
    assert_eq!(error.code, "SEG0303");
    assert_eq!(error.place.as_ref().map(|p| (p.file.as_str(), p.row)), Some(("people.csv", Some(2))));
    let spec = fs::read_to_string(case.path("case.seg")).unwrap();
    case.put("case.seg", &spec.replace("{ id: id; country", "{ max_refused 50%; id: id; country"));
    let built = case.built();
    assert_eq!(built.outcome.rows.refused, 0);
    assert_eq!(built.outcome.joins[1], joined("people", "buyer = id", [2, 1, 1, 5, 0]));
    // What was refused of the orders and people is listed with what was refused of the lines.
    let case = case.put("lines.csv", &LINES.replace("1,ink,1", "1,ink,one")).path("case.seg");
    let spec = fs::read_to_string(&case)
        .unwrap()
        .replace("{ order_no: id = order; product", "{ max_refused 50%; order_no: id = order; product");
    fs::write(&case, spec).unwrap();
    let output = segc(&["build", "case.seg", "-o", "out"]).current_dir(case.parent().unwrap()).output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    let rejects = fs::read_to_string(case.with_file_name("out").join("rejects.csv")).unwrap();
    assert_eq!(
        rejects,
        "file,row,column,value,reason\nlines.csv,3,quantity,one,not a number\npeople.csv,2,club,five,not a number\n"
    );
}

/// A table of facts and two further ones, as random cells; nothing is a missing cell.
#[derive(Debug, Clone)]
struct Tables {
    /// Customer, key of the first further table, quantity.
    facts: Vec<(u8, Option<u8>, i64)>,
    /// Key, key of the second one, a number; keys are unique where they are there.
    first: Vec<(Option<u8>, Option<u8>, Option<i64>)>,
    second: Vec<(Option<u8>, Option<i64>)>,
}

fn tables() -> impl Strategy<Value = Tables> {
    let key = || prop::option::weighted(0.9, 0u8..12);
    let facts = prop::collection::vec((0u8..4, key(), -3i64..9), 1..40);
    let first = prop::collection::vec((key(), key(), prop::option::of(0i64..50)), 0..12);
    let second = prop::collection::vec((key(), prop::option::of(0i64..50)), 0..12);
    (facts, first, second).prop_map(|(facts, mut first, mut second)| {
        let mut seen = BTreeSet::new();
        first.retain(|row| row.0.is_none_or(|key| seen.insert(key)));
        let mut seen = BTreeSet::new();
        second.retain(|row| row.0.is_none_or(|key| seen.insert(key)));
        Tables { facts, first, second }
    })
}

fn cell<T: ToString>(value: Option<T>, before: &str) -> String {
    value.map_or_else(String::new, |v| format!("{before}{}", v.to_string()))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    /// Features over joined columns are those of nested loops over the tables.
    #[test]
    fn a_join_is_what_nested_loops_give(tables in tables()) {
        let spec = "segmentation case {
  source facts from \"facts.csv\" { customer: id; k: id; quantity: int; at: date }
  source second from \"second.csv\" { code: int; b: int }
  source first from \"first.csv\" { key: id; link: int; a: int }
  join first on k = key
  join second on link = code
  customers by customer
  as_of max(at)
  features {
    n = count(); quantities = sum(quantity); a_sum = sum(a); b_sum = sum(b); a_known = count(a)
    no_first = count(where first is missing); no_second = count(where second is missing)
  }
  label customers { otherwise \"All\" }
}
";
        let case = Case::new(spec, "");
        let mut facts = String::from("customer,k,quantity,at\n");
        for (customer, key, quantity) in &tables.facts {
            facts += &format!("c{customer},{},{quantity},2024-01-01\n", cell(*key, "k"));
        }
        // A line of separators alone would be no row.
        let mut first = String::from("key,link,a,end\n");
        for (key, link, a) in &tables.first {
            first += &format!("{},{},{},.\n", cell(*key, "k"), cell(*link, ""), cell(*a, ""));
        }
        let mut second = String::from("code,b,end\n");
        for (code, b) in &tables.second {
            second += &format!("{},{},.\n", cell(*code, ""), cell(*b, ""));
        }
        case.put("facts.csv", &facts).put("first.csv", &first).put("second.csv", &second);
        let built = case.built();
        for (row, id) in built.execution.customers.ids.iter().enumerate() {
            let mut expected = [0i64; 7];
            for (_, key, quantity) in tables.facts.iter().filter(|fact| format!("c{}", fact.0) == *id) {
                let one = tables.first.iter().find(|one| key.is_some() && one.0 == *key);
                let link = one.and_then(|one| one.1);
                let two = tables.second.iter().find(|two| link.is_some() && two.0 == link);
                let (a, b) = (one.and_then(|one| one.2), two.and_then(|two| two.1));
                let counts = [1, *quantity, a.unwrap_or(0), b.unwrap_or(0), i64::from(a.is_some()),
                    i64::from(one.is_none()), i64::from(two.is_none())];
                expected.iter_mut().zip(counts).for_each(|(sum, n)| *sum += n);
            }
            let names = ["n", "quantities", "a_sum", "b_sum", "a_known", "no_first", "no_second"];
            let found: Vec<String> = names.iter().map(|name| feature(&built, name)[row].clone()).collect();
            let expected: Vec<String> = expected.iter().map(i64::to_string).collect();
            prop_assert_eq!(found, expected, "{}", id);
        }
        let used = |keys: Vec<Option<u8>>, key: Option<u8>| key.is_some() && keys.contains(&key);
        let asked: Vec<Option<u8>> = tables.facts.iter().map(|fact| fact.1).collect();
        let unused = tables.first.iter().filter(|one| !used(asked.clone(), one.0)).count();
        prop_assert_eq!(built.outcome.joins[0].unused, unused as u64);
        prop_assert_eq!(built.outcome.joins[0].matched + built.outcome.joins[0].unmatched, tables.facts.len() as u64);
    }
}

/// A shop exports order lines, orders and customers, as three files. Numbers of the export, from a generator of one line.
struct Export {
    lines: String,
    orders: String,
    people: String,
    /// What a person would make of it in a spreadsheet: a row per line, with the columns of its order and customer.
    together: String,
}

fn export() -> Export {
    let mut state = 7u64;
    let mut random = |n: u64| {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 33) % n
    };
    let countries = ["France", "Spain", "Italy", ""];
    let people: Vec<(String, &str, String)> = (0..40)
        .map(|i| (format!("K{i:03}"), countries[random(4) as usize], format!("2023-{:02}-01", 1 + random(12))))
        .collect();
    let orders: Vec<(u64, String, String)> = (0..150)
        .map(|i| {
            let (day, hour) = (1 + random(28), random(24));
            // Some buyers are not among the customers, some orders have none.
            let buyer = match random(46) {
                45 => String::new(),
                n => format!("K{n:03}"),
            };
            (5000 + i, buyer, format!("2024-{:02}-{day:02} {hour:02}:30:00", 1 + random(9)))
        })
        .collect();
    let mut out = Export {
        lines: "line;order;article;pieces;price\n".into(),
        orders: "order no,buyer,ordered at\n".into(),
        people: "id,country,since\n".into(),
        together: "line;order;article;pieces;price;buyer;ordered at;country;since\n".into(),
    };
    for line in 0..500 {
        // Some lines belong to an order that was not exported.
        let (order, article, pieces) = (5000 + random(155), random(9), 1 + random(6));
        let price = format!("{},{:02}", 1 + random(30), random(100));
        let row = format!("{line};{order};A{article};{pieces};{price}");
        let of = orders.iter().find(|o| o.0 == order);
        let (buyer, at) = of.map_or(("", ""), |o| (o.1.as_str(), o.2.as_str()));
        let (country, since) = people.iter().find(|p| p.0 == buyer).map_or(("", ""), |p| (p.1, p.2.as_str()));
        out.lines += &format!("{row}\n");
        out.together += &format!("{row};{buyer};{at};{country};{since}\n");
    }
    orders.iter().for_each(|(order, buyer, at)| out.orders += &format!("{order},{buyer},{at}\n"));
    people.iter().for_each(|(id, country, since)| out.people += &format!("{id},{country},{since}\n"));
    out
}

const RULES: &str = "
  derive amount = pieces * price
  revenue amount
  filter {
    drop \"no customer\" when buyer is missing
    drop \"first days\"  when ordered < since + 30 days
  }
  as_of max(ordered) + 1 day
  baskets by order { worth = sum(amount) }
  features {
    recency   = whole_days(as_of - max(ordered))
    frequency = count(baskets)
    monetary  = sum(amount)
    home      = mode(country)
    known     = days(as_of - min(since))
  }
  cluster { on log1p(recency), log1p(frequency), log1p(monetary); k 2..5 by silhouette }
  label clusters {
    \"Good\" when monetary >= all.monetary and recency <= all.recency
    otherwise \"Others\"
  }
}
";

/// A shop's order lines, orders and customers go to a report without any preparation, and the list is, to the byte, the
/// one of a table in which somebody had looked everything up.
#[test]
fn an_export_of_three_files_gives_what_one_table_would() {
    let export = export();
    let three = Case::new(
        &format!(
            "segmentation shop {{
  currency EUR
  source lines  from \"lines.csv\"  {{ decimal \",\"; order: id; article: text; pieces: int; price: money }}
  source orders from \"orders.csv\" {{ order: id = \"order no\"; buyer: id; ordered: datetime = \"ordered at\" }}
  source people from \"people.csv\" {{ id: id; country: text; since: date }}
  join orders on order
  join people on buyer = id
  customers by buyer
  time ordered
{RULES}"
        ),
        "",
    );
    three.put("lines.csv", &export.lines).put("orders.csv", &export.orders).put("people.csv", &export.people);
    let one = Case::new(
        &format!(
            "segmentation shop {{
  currency EUR
  source lines from \"together.csv\" {{
    decimal \",\"; order: id; article: text; pieces: int; price: money
    buyer: id; ordered: datetime = \"ordered at\"; country: text; since: date
  }}
  customers by buyer
  time ordered
{RULES}"
        ),
        "",
    );
    one.put("together.csv", &export.together);
    for case in [&three, &one] {
        let output = segc(&["build", "case.seg", "-o", "out"]).current_dir(case.folder.path()).output().unwrap();
        assert!(output.status.success(), "{}", stderr(&output));
    }
    let list = |case: &Case| fs::read_to_string(case.path("out/segments.csv")).unwrap();
    assert_eq!(list(&three), list(&one));
    assert!(list(&three).lines().count() > 30);
    let report = fs::read_to_string(three.path("out/report.html")).unwrap();
    let text = fs::read_to_string(three.path("out/report.md")).unwrap();
    for found in [&report, &text] {
        assert!(found.contains("have no match in “people”"), "the report shows what did not match");
    }
    assert!(!fs::read_to_string(one.path("out/report.md")).unwrap().contains("Joined sources"));
}
