//! What the words of the language mean when they are run: small tables whose results can be checked by eye.

use segc::spec::Aggregate;

use crate::support::{Case, feature, spec_around, spec_with};

const HEADER: &str = "customer,invoice,product,quantity,price,at\n";

fn orders(rows: &str) -> String {
    format!("{HEADER}{rows}")
}

/// Two customers: ada with three rows in two invoices, lin with one row.
const SMALL: &str = "ada,1,pen,2,1.50,2024-01-01 10:00:00
ada,1,ink,1,4.25,2024-01-01 10:00:00
ada,2,pen,4,1.50,2024-01-11 22:00:00
lin,3,cup,1,20,2024-01-05 00:00:00
";

#[track_caller]
fn expect(rows: &str, expression: &str, expected: &[&str]) {
    let built = Case::new(&spec_with(&format!("    x = {expression}")), &orders(rows)).built();
    assert_eq!(feature(&built, "x"), expected, "{expression}");
}

#[test]
fn aggregates_give_what_they_say() {
    let cases: &[(Aggregate, &str, [&str; 2])] = &[
        (Aggregate::Count, "count()", ["3", "1"]),
        (Aggregate::Count, "count(baskets)", ["2", "1"]),
        (Aggregate::CountDistinct, "count_distinct(product)", ["2", "1"]),
        (Aggregate::Sum, "sum(amount)", ["13.25", "20"]),
        (Aggregate::Sum, "sum(quantity)", ["7", "1"]),
        (Aggregate::Mean, "mean(baskets.worth)", ["6.625", "20"]),
        (Aggregate::Median, "median(amount)", ["4.25", "20"]),
        (Aggregate::Min, "min(quantity)", ["1", "1"]),
        (Aggregate::Max, "max(price)", ["4.25", "20"]),
        // numpy.std([3, 4.25, 6], ddof=1) = 1.5069284433...
        (Aggregate::Std, "round(std(amount), 6)", ["1.506928", "-"]),
        // numpy.quantile([3, 4.25, 6], .9) = 5.65
        (Aggregate::Quantile, "quantile(amount, 90%)", ["5.65", "20"]),
        // Two rows share the earliest time: the smaller text of the two.
        (Aggregate::First, "first(product)", ["ink", "cup"]),
        (Aggregate::Last, "last(product)", ["pen", "cup"]),
        (Aggregate::Mode, "mode(product)", ["pen", "cup"]),
        (Aggregate::Share, "share(quantity > 1)", ["0.6666666666666666", "0"]),
        // Two pens and an ink: -(2/3 log2 2/3 + 1/3 log2 1/3) = 0.918296
        (Aggregate::Entropy, "round(entropy(product), 6)", ["0.918296", "0"]),
        // From 1 January 10:00 to 11 January 22:00 there are 10.5 days.
        (Aggregate::MeanGap, "days(mean_gap(at))", ["10.5", "-"]),
        // Quantity 2 and 1 on one day, 4 on day 10.5: (4 - 1.5) / 10.5 a day.
        (Aggregate::Trend, "round(trend(quantity), 6)", ["0.238095", "-"]),
    ];
    for (_, expression, expected) in cases {
        expect(SMALL, expression, expected);
    }
    for aggregate in Aggregate::ALL {
        assert!(cases.iter().any(|(a, ..)| a == aggregate), "`{}` is not among the cases", aggregate.name());
    }
}

#[test]
fn an_aggregate_with_where_looks_at_the_rows_that_hold() {
    expect(SMALL, "sum(amount where product = \"pen\")", &["9", "0"]);
    expect(SMALL, "count(where quantity > 1)", &["2", "0"]);
    expect(SMALL, "mean(amount where product = \"pen\")", &["4.5", "-"]);
    expect(SMALL, "sum(amount where at > as_of - 2 days)", &["6", "0"]);
    expect(SMALL, "count(baskets where baskets.worth > 6 GBP)", &["1", "1"]);
}

#[test]
fn missing_cells_are_skipped_passed_on_and_asked_for() {
    let rows = "ada,1,pen,2,1.50,2024-01-01\nada,1,,3,,2024-01-02\nlin,2,pen,,2,2024-01-03\n";
    expect(rows, "count(product)", &["1", "1"]);
    expect(rows, "count_distinct(product)", &["1", "1"]);
    expect(rows, "sum(amount)", &["3", "0"]);
    expect(rows, "mean(amount)", &["3", "-"]);
    expect(rows, "count(where price is missing)", &["1", "0"]);
    expect(rows, "count(where price < 100 GBP)", &["1", "1"]);
    // Neither holds for a missing price, and `not` of unknown is unknown.
    expect(rows, "count(where not price < 100 GBP)", &["0", "0"]);
    expect(rows, "count(where price < 1 GBP or quantity = 3)", &["1", "0"]);
    expect(rows, "coalesce(mean(amount), 7 GBP)", &["3", "7"]);
}

#[test]
fn whole_days_and_calendar_days_differ() {
    let rows = "ada,1,pen,1,1,2024-01-01 23:00:00\nlin,2,pen,1,1,2024-01-03 01:00:00\n";
    let day = 86_400_000_000f64;
    // as_of is 4 January 01:00: 2 days and 2 hours after ada, 3 midnights after.
    expect(rows, "whole_days(as_of - max(at))", &[&(2.0 * day).to_string(), &day.to_string()]);
    expect(rows, "calendar_days(max(at), as_of)", &[&(3.0 * day).to_string(), &day.to_string()]);
    expect(rows, "days(as_of - max(at))", &["2.0833333333333335", "1"]);
    expect(rows, "month(max(at))", &["1", "1"]);
    expect(rows, "weekday(max(at))", &["1", "3"]);
    expect(rows, "hour(max(at))", &["23", "1"]);
}

#[test]
fn scores_depend_on_the_value_alone() {
    let rows: String = [("a", 1), ("b", 1), ("c", 1), ("d", 2), ("e", 9)]
        .iter()
        .map(|(customer, quantity)| format!("{customer},{customer},pen,{quantity},1,2024-01-01\n"))
        .collect();
    // Strictly below: 0, 0, 0, 3 and 4 of 5.
    expect(&rows, "score(sum(quantity), 5)", &["1", "1", "1", "4", "5"]);
    // Strictly above: 2, 2, 2, 1 and 0 of 5.
    expect(&rows, "score(sum(quantity), 5, low is best)", &["3", "3", "3", "2", "1"]);
    // The 20th percentile is 1, the 80th 2 + 0.2 * 7 = 3.4 (numpy.quantile).
    expect(&rows, "round(winsorize(sum(quantity), 20%, 80%), 9)", &["1", "1", "1", "2", "3.4"]);
}

#[test]
fn division_by_zero_is_missing() {
    expect(SMALL, "sum(amount) / count(where quantity > 3)", &["13.25", "-"]);
    expect(SMALL, "log1p(0 - count() - 1)", &["-", "-"]);
}

#[test]
fn money_is_exact_at_the_scale_that_the_data_need() {
    // 0.1 + 0.2 is not 0.3 in binary; three decimals appear in one row only.
    let rows = "ada,1,pen,1,0.1,2024-01-01\nada,2,pen,1,0.2,2024-01-02\nlin,3,pen,3,0.125,2024-01-03\n";
    let built =
        Case::new(&spec_with("    x = count(where amount = 0.2 GBP)\n    total = sum(amount)"), &orders(rows)).built();
    assert_eq!(built.outcome.amount.as_deref(), Some("0.675"));
    assert_eq!(feature(&built, "total"), ["0.3", "0.375"]);
    expect(rows, "sum(amount * 0.5)", &["0.15", "0.1875"]);
    expect(rows, "count(where amount * 3 = 0.3 GBP)", &["1", "0"]);
    expect(rows, "sum(amount / 3)", &["0.1", "0.125"]);
}

#[test]
fn functions_of_money_keep_every_decimal() {
    let rows = "ada,1,pen,1,-0.1234565,2024-01-01\nlin,2,pen,1,7.000000001,2024-01-03\n";
    expect(rows, "sum(abs(price))", &["0.1234565", "7.000000001"]);
    expect(rows, "sum(clip(price, -1 GBP, 7.5 GBP))", &["-0.1234565", "7.000000001"]);
    expect(rows, "sum(round(price, 6))", &["-0.123457", "7"]);
    expect(rows, "sum(floor(price))", &["-1", "7"]);
    expect(rows, "sum(ceil(price))", &["0", "8"]);
    expect(rows, "sum(round(price * 100))", &["-12", "700"]);
}

#[test]
fn baskets_may_be_by_the_column_of_customers() {
    let spec = spec_with("    n = count(baskets)\n    x = sum(baskets.worth)").replace("by invoice", "by customer");
    let built = Case::new(&spec, &orders(SMALL)).built();
    assert_eq!((feature(&built, "n"), feature(&built, "x")), (vec!["1".into(); 2], vec!["13.25".into(), "20".into()]));
    assert_eq!(built.outcome.baskets, Some(2));
}

#[test]
fn a_field_of_a_basket_may_be_constant() {
    let spec = spec_with("    x = share(\"pen\" = baskets.kind)\n    y = share(\"cup\" = baskets.kind)");
    let spec = spec.replace("worth = sum(amount)", "worth = sum(amount); kind = \"pen\"");
    let built = Case::new(&spec, &orders(SMALL)).built();
    assert_eq!((feature(&built, "x"), feature(&built, "y")), (vec!["1".to_owned(); 2], vec!["0".to_owned(); 2]));
}

#[test]
fn a_trend_over_seconds_is_as_precise_as_one_over_years() {
    // 28 more a second are 28 x 86,400 more a day.
    let rows = "ada,1,pen,1,1,2024-01-01 10:00:00\nada,1,pen,29,1,2024-01-01 10:00:01\n";
    let built = Case::new(&spec_with("    x = trend(quantity)"), &orders(rows)).built();
    let slope: f64 = feature(&built, "x")[0].parse().unwrap();
    assert!((slope - 2_419_200.0).abs() < 1e-6, "{slope}");
}

#[test]
fn a_sum_that_leaves_64_bits_is_an_error_and_not_a_wrong_number() {
    let rows = "ada,1,pen,9000000000000000,900.125,2024-01-01\n";
    let found = Case::new(&spec_with("    x = sum(amount)"), &orders(rows)).build().err().unwrap();
    assert_eq!(found.iter().map(|d| d.code).collect::<Vec<_>>(), ["SEG0404"]);
    let large = "9000000000000000";
    let rows = format!("ada,1,pen,1,{large}.125,2024-01-01\nada,1,pen,1,{large}.125,2024-01-02\n");
    let found = Case::new(&spec_with("    x = sum(amount)"), &orders(&rows)).build().err().unwrap();
    assert_eq!(found.iter().map(|d| d.code).collect::<Vec<_>>(), ["SEG0404"]);
}

#[test]
fn rows_leave_at_the_first_rule_and_the_ledger_balances() {
    let rows = "ada,1,pen,2,1.50,2024-01-01
ada,1,pen,2,1.50,2024-01-01
ada,C2,pen,-2,1.50,2024-01-02
,3,pen,1,5,2024-01-02
ada,4,pen,1,oops,2024-01-02
lin,5,pen,0,9,2024-01-03
ada,1,pen,2,1.50,2024-01-01
lin,6,pen,1,2.50,
";
    let filter = "    drop \"cancelled\" when invoice starts with \"C\"
    drop \"nothing\" when quantity <= 0
    drop \"repeated\" when duplicate";
    let spec = spec_around("", filter, "    x = count()").replace("at: datetime", "at: datetime\n    max_refused 50%");
    let built = Case::new(&spec, &orders(rows)).built();
    let ledger = &built.outcome.rows;
    let dropped: Vec<(&str, u64, Option<&str>)> =
        ledger.dropped.iter().map(|d| (d.rule.as_str(), d.rows, d.amount.as_deref())).collect();
    assert_eq!(
        dropped,
        [
            ("cancelled", 1, Some("-3.00")),
            ("nothing", 1, Some("0.00")),
            ("repeated", 2, Some("6.00")),
            ("no customer (built in)", 1, Some("5.00")),
            ("no time (built in)", 1, Some("2.50")),
        ]
    );
    assert_eq!((ledger.read, ledger.used, ledger.refused), (8, 1, 1));
    assert_eq!(ledger.read, ledger.used + ledger.refused + ledger.dropped.iter().map(|d| d.rows).sum::<u64>());
    assert_eq!((ledger.amount_read.as_deref(), ledger.amount_used.as_deref()), (Some("13.50"), Some("3.00")));
    assert_eq!(built.sources[0].refused[0].row, 6);
    assert_eq!(built.sources[0].refused[0].value, "oops");
}

#[test]
fn duplicate_looks_at_all_columns_or_at_those_named() {
    // The two rows differ in a column that the spec does not map.
    let rows = "customer,invoice,product,quantity,price,at,note\nada,1,pen,2,1.50,2024-01-01,x\nada,1,pen,2,1.50,2024-01-01,y\n";
    let all = spec_around("", "    drop \"repeated\" when duplicate", "    x = count()");
    assert_eq!(Case::new(&all, rows).built().outcome.rows.used, 2);
    let named = spec_around("", "    drop \"repeated\" when duplicate on invoice, product", "    x = count()");
    assert_eq!(Case::new(&named, rows).built().outcome.rows.used, 1);
}

#[test]
fn rows_after_as_of_leave_by_a_rule_that_is_shown() {
    let spec = spec_with("    x = count()").replace("as_of max(at) + 1 day", "as_of @2024-01-06");
    let built = Case::new(&spec, &orders(SMALL)).built();
    assert_eq!(feature(&built, "x"), ["2", "1"]);
    let last = built.outcome.rows.dropped.last().unwrap();
    assert_eq!((last.rule.as_str(), last.rows), ("after as_of (built in)", 1));
}

#[test]
fn keep_lets_rows_stay_where_the_condition_is_true() {
    let spec = spec_around("", "    keep \"pens\" when product = \"pen\"", "    x = count()");
    let built =
        Case::new(&spec, &orders("ada,1,pen,1,1,2024-01-01\nada,1,,1,1,2024-01-01\nada,1,ink,1,1,2024-01-01\n"))
            .built();
    assert_eq!(feature(&built, "x"), ["1"]);
}

#[test]
fn text_functions_work_on_rows_and_on_customers() {
    let rows = "ada,1,\" Pen \",1,1,2024-01-01\nlin,2,Ink,1,1,2024-01-01\n";
    expect(rows, "count(where trim(lower(product)) = \"pen\")", &["1", "0"]);
    expect(rows, "upper(trim(first(product)))", &["PEN", "INK"]);
    expect(rows, "length(first(product))", &["5", "3"]);
    expect(rows, "count(where product matches \"^I.k$\")", &["0", "1"]);
    expect(rows, "count(where product contains \"en\")", &["1", "0"]);
    expect(rows, "count(where product not in [\"Ink\", \"Cup\"])", &["1", "0"]);
}

#[test]
fn if_chooses_and_missing_is_at_home_everywhere() {
    expect(SMALL, "count(where (if quantity > 1 then product else missing) is missing)", &["1", "1"]);
    expect(SMALL, "sum(if product = \"pen\" then amount else 0 GBP)", &["9", "0"]);
    expect(SMALL, "mean(if quantity > 3 then missing else quantity)", &["1.5", "1"]);
    expect(SMALL, "if count() > 2 then \"often\" else \"once\"", &["often", "once"]);
}

#[test]
fn the_order_of_rows_and_the_ids_do_not_matter() {
    let mut lines: Vec<String> = (0..200)
        .map(|i| {
            let customer = i % 23;
            format!(
                "c{customer:02},{},p{},{},{}.{:02},2024-01-{:02} {:02}:00:00\n",
                i % 61,
                i % 7,
                1 + i % 5,
                i % 11,
                i % 100,
                1 + i % 28,
                i % 24
            )
        })
        .collect();
    let features = "    recency = whole_days(as_of - max(at))\n    spent = sum(amount)\n    home = first(product)\n    steady = std(amount)\n    drift = trend(amount)";
    let spec = spec_with(features).replace(
        "  label customers {",
        "  cluster {\n    on log1p(recency), log1p(spent)\n    k 2..4 by silhouette\n  }\n  label clusters {",
    );
    let table = |lines: &[String]| {
        let built = Case::new(&spec, &orders(&lines.concat())).built();
        let columns = ["recency", "spent", "home", "steady", "drift"].map(|name| feature(&built, name));
        let clusters = built.execution.clustering.as_ref().unwrap().labels().to_vec();
        (built.execution.customers.ids.clone(), columns, clusters)
    };
    let straight = table(&lines);
    lines.reverse();
    lines.rotate_left(77);
    assert_eq!(table(&lines), straight);
}

#[test]
fn an_aggregate_of_a_constant_counts_every_row() {
    expect(SMALL, "sum(1)", &["3", "1"]);
    expect(SMALL, "count(1)", &["3", "1"]);
    expect(SMALL, "count(where true)", &["3", "1"]);
    expect(SMALL, "min(3 GBP)", &["3", "3"]);
    expect(SMALL, "mode(\"x\")", &["x", "x"]);
    expect(SMALL, "count(baskets where true)", &["2", "1"]);
}

#[test]
fn zero_has_no_sign() {
    expect(SMALL, "-count(where false)", &["0", "0"]);
    expect(SMALL, "round(0 - 0.4)", &["0", "0"]);
    expect(SMALL, "entropy(product where product = \"pen\")", &["0", "-"]);
}

#[test]
fn money_is_decimal_also_between_features() {
    let rows = "ada,1,pen,1,0.1,2024-01-01\nada,2,pen,1,0.2,2024-01-02\n";
    expect(rows, "min(amount) + max(amount)", &["0.3"]);
    expect(rows, "sum(amount) * 10%", &["0.03"]);
    expect(rows, "round(1.005 GBP, 2)", &["1.01"]);
    expect(rows, "round(0.285 GBP, 2)", &["0.29"]);
    expect(rows, "round(0 GBP - 2.5 GBP)", &["-3"]);
}

#[test]
fn functions_are_defined_at_their_ends() {
    expect(SMALL, "clip(count(), 5, 1)", &["1", "1"]);
    expect(SMALL, "year(max(at) + 100_000_000 days)", &["262142", "262142"]);
    // (6 - (3 + 4.25) / 2) / 10.5 a day
    expect(SMALL, "round(trend(amount), 9)", &["0.226190476", "-"]);
}

#[test]
fn clusters_of_one_label_are_one_segment_or_numbered() {
    let rows: String = (0..40)
        .map(|i| format!("c{i:02},{i},pen,1,{},2024-01-01\n", [1, 300, 90_000, 9_000_000][i % 4] + i / 40))
        .collect();
    let spec = |flag: &str| {
        spec_with("    spent = sum(amount)").replace(
            "  label customers {\n    otherwise \"All\"",
            &format!(
                "  cluster {{\n    on log1p(spent)\n    k 4\n  }}\n  label clusters{flag} {{\n    \"Hi 1\" when spent > 1_000_000 GBP\n    \"Hi\" when spent > 5_000 GBP\n    \"Hi\" when spent > 5 GBP\n    otherwise \"Hi\""
            ),
        )
    };
    let labels = |flag: &str| {
        let built = Case::new(&spec(flag), &orders(&rows)).built();
        let mut labels: Vec<(String, u64)> =
            built.outcome.segments.iter().map(|s| (s.label.clone(), s.customers)).collect();
        labels.sort();
        labels
    };
    assert_eq!(labels(""), [("Hi".to_owned(), 30), ("Hi 1".to_owned(), 10)]);
    let numbered = ["Hi 1", "Hi 2", "Hi 3", "Hi 4"].map(|label| (label.to_owned(), 10));
    assert_eq!(labels(" distinct"), numbered);
}

/// Found in review: the engine gave constants 32 bits, and sums of them wrapped around.
#[test]
fn constants_are_as_wide_as_columns() {
    expect(SMALL, "sum(if quantity > 0 then 2_000_000_000 else 1_500_000_000)", &["6000000000", "2000000000"]);
    expect(SMALL, "days(sum(if quantity > 1 then 30 minutes else 20 minutes)) * 1440", &["80", "20"]);
    expect(SMALL, "sum(if product = \"pen\" then 5 GBP else 2.5 GBP)", &["12.5", "2.5"]);
    let items = "  derive large = 1_000_000_000\n  derive coin = 2.50 GBP";
    let features = "    x = sum(large)\n    y = sum(coin)\n    z = mean(large)\n    w = sum(baskets.flat)";
    let spec = spec_around(items, "", features)
        .replace("    worth = sum(amount)", "    worth = sum(amount)\n    flat = 2 GBP");
    let built = Case::new(&spec, &orders(SMALL)).built();
    assert_eq!(feature(&built, "x"), ["3000000000", "1000000000"]);
    assert_eq!(feature(&built, "y"), ["7.5", "2.5"]);
    assert_eq!(feature(&built, "z"), ["1000000000", "1000000000"]);
    assert_eq!(feature(&built, "w"), ["4", "2"]);
}

/// Found in review: a sum over no segment was a negative zero.
#[test]
fn the_share_of_a_segment_that_nobody_is_in_is_zero() {
    let spec = spec_with("    x = count()").replace(
        "otherwise \"All\"\n  }",
        "\"None\" when x > 100\n    otherwise \"All\"\n  }\n  test \"t\" {\n    expect share(\"None\") between 0% and 10%\n    expect amount_share(\"None\") = 0%\n  }",
    );
    let built = Case::new(&spec, &orders(SMALL)).built();
    let results = segc::testing::run(&built.plan, Some(&built), &|_| String::new());
    assert_eq!(results[0].failures, Vec::<String>::new());
}
