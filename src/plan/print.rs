//! The plan as text: one operator a line, the relation that it reads above it.

use std::fmt::Write;

use super::expr::{Constant, Expr, Op};
use super::*;

/// The whole plan.
pub fn print(plan: &Plan) -> String {
    let mut out = String::new();
    let mut line = |depth: usize, text: String| {
        writeln!(out, "{:indent$}{text}", "", indent = depth * 2).expect("strings take everything");
    };
    line(0, format!("plan {}", plan.name));
    scan(&mut line, "rows", &plan.scan);
    for join in &plan.joins {
        let name = &join.scan.source;
        scan(&mut line, "joined", &join.scan);
        let on: Vec<String> = join.on.iter().map(|(left, right)| format!("{left} = {right}")).collect();
        line(0, format!("rows = join rows with {name} on {}", on.join(", ")));
        line(1, format!("{} is missing without a match", join.matched));
    }
    for derive in &plan.derive {
        line(0, format!("rows = derive {} = {}", derive.name, expression(&derive.value)));
    }
    if let Some(revenue) = &plan.revenue {
        line(0, format!("ledger counts {}", expression(revenue)));
    }
    for drop in &plan.drops {
        let when = match &drop.when {
            Condition::True(e) => expression(e),
            Condition::NotTrue(e) => format!("{} is not true", expression(e)),
            Condition::AfterAsOf => format!("{} > as_of", plan.time().unwrap_or_default()),
        };
        line(0, format!("rows = drop \"{}\" when {when}", drop.rule));
    }
    if let Some(as_of) = &plan.as_of {
        line(0, "as_of = aggregate rows".into());
        as_of.slots.iter().for_each(|s| line(1, slot(s)));
        line(1, format!("as_of = {}", expression(&as_of.value)));
    }
    if let Some(baskets) = &plan.baskets {
        line(0, format!("baskets = aggregate rows by {}, {}", plan.customer, baskets.by));
        line(1, format!("{} = min({})", lower::BASKET_TIME, plan.time().unwrap_or_default()));
        baskets.slots.iter().for_each(|s| line(1, slot(s)));
        baskets.fields.iter().for_each(|f| line(1, format!("{} = {}", f.name, expression(&f.value))));
    }
    line(
        0,
        match plan.grain {
            Grain::Purchases { .. } => format!("customers = aggregate rows by {}", plan.customer),
            Grain::Customers => format!("customers = rows by {}, one row each", plan.customer),
        },
    );
    plan.customers.row_slots.iter().for_each(|s| line(1, slot(s)));
    if !plan.customers.basket_slots.is_empty() {
        line(0, format!("customers = join with aggregate baskets by {}", plan.customer));
        plan.customers.basket_slots.iter().for_each(|s| line(1, slot(s)));
    }
    line(0, "customers = project".into());
    plan.customers.steps.iter().flat_map(step).for_each(|s| line(1, s));
    if let Some(cluster) = &plan.cluster {
        line(0, format!("clusters = {} of customers", cluster.method));
        cluster.steps.iter().flat_map(step).for_each(|s| line(1, s));
        cluster.on.iter().for_each(|d| line(1, format!("on {}", expression(&d.value))));
        line(1, format!("scale {:?}", cluster.scale).to_lowercase());
        if cluster.method.has_k() {
            line(1, format!("k {}..{} {}", cluster.k.0, cluster.k.1, cluster.choice.words));
        }
        if cluster.method.draws() {
            line(1, format!("seed {}, restarts {}", cluster.seed, cluster.restarts));
        }
        if cluster.evidence {
            line(1, "evidence from resamples".into());
        }
    }
    let distinct = if plan.labels.distinct { ", distinct" } else { "" };
    line(0, format!("segments = label {:?}{distinct}", plan.labels.over).to_lowercase());
    for rule in &plan.labels.rules {
        let when = rule.when.as_ref().map_or("otherwise".into(), |e| format!("when {}", expression(e)));
        line(1, format!("\"{}\" {when}", rule.label));
    }
    if let Some(noise) = &plan.labels.noise {
        line(1, format!("\"{}\" noise", noise.label));
    }
    out
}

fn scan(line: &mut dyn FnMut(usize, String), name: &str, scan: &Scan) {
    let from = match &scan.rows {
        Rows::Files(files) => files.join(", "),
        Rows::Postgres { variable } => {
            let rows = scan.format.table.as_ref().map(|table| format!("table {:?}", table.value));
            let rows = rows.or_else(|| scan.format.query.as_ref().map(|query| format!("query {:?}", query.value)));
            format!("postgres env {variable:?} {}", rows.unwrap_or_default())
        }
    };
    line(0, format!("{name} = scan {} from {from}", scan.source));
    for column in &scan.columns {
        let header = match &column.header {
            Header::Name(name) => name.clone(),
            Header::Position(n) => format!("column {n}"),
        };
        let unit = column.unit.map_or(String::new(), |unit| format!(" in {}", unit.name()));
        line(1, format!("{}: {}{unit} <- {header}", column.name, column.base));
    }
    if scan.identity {
        line(1, "with the identity of every row".into());
    }
}

fn slot(slot: &Slot) -> String {
    let argument = slot.argument.as_ref().map(expression).unwrap_or_default();
    let quantile = if slot.function == Aggregate::Quantile { format!(", {}", slot.quantile) } else { String::new() };
    let filter = slot.filter.as_ref().map(|e| format!(" where {}", expression(e))).unwrap_or_default();
    format!("{} = {}({argument}{quantile}){filter}", slot.name, slot.function.name())
}

fn step(step: &Step) -> Vec<String> {
    vec![match step {
        Step::Forecast(forecast) => return forecast.columns.iter().map(|c| asked(forecast, c)).collect(),
        Step::Feature(feature) => format!("{}: {} = {}", feature.name, feature.value.base, expression(&feature.value)),
        Step::Population(p) => match p.kind {
            PopulationKind::Score { n, low_is_best } => {
                let best = if low_is_best { "low" } else { "high" };
                format!("{} = over all customers score({}, {n}, {best} is best)", p.name, expression(&p.of))
            }
            PopulationKind::Winsorize { low, high } => {
                format!("{} = over all customers winsorize({}, {low}, {high})", p.name, expression(&p.of))
            }
        },
    }]
}

fn asked(forecast: &Forecast, column: &ForecastColumn) -> String {
    let days = |micros: i64| format!("{} days", micros as f64 / 86_400e6);
    let what = match column.measure {
        Measure::Value { horizon, discount } => format!("clv, horizon {}, discount {discount} per year", days(horizon)),
        Measure::Alive => "p_alive".to_owned(),
        Measure::Purchases { horizon } => format!("expected_purchases, horizon {}", days(horizon)),
    };
    let holdout = forecast.holdout.map_or("a third".to_owned(), days);
    let (name, model, unit) = (&column.name, forecast.model.name(), forecast.unit.name());
    format!("{name} = over all customers {model}({what}, unit {unit}, holdout {holdout})")
}

/// An expression in brackets, operators first.
pub fn expression(expr: &Expr) -> String {
    let list = |head: &str, parts: &[Expr]| {
        let parts: Vec<String> = parts.iter().map(expression).collect();
        format!("({head} {})", parts.join(" "))
    };
    match &expr.op {
        Op::Constant(constant) => match constant {
            Constant::Missing => "missing".into(),
            Constant::Decimal(n) => n.to_string(),
            Constant::Micros(micros) if expr.base == Base::Duration => format!("{} days", *micros as f64 / 86_400e6),
            Constant::Micros(micros) => format!("@{}", crate::time::iso(*micros)),
            Constant::Text(text) => format!("{text:?}"),
            Constant::Bool(b) => b.to_string(),
        },
        Op::Column(name) => name.clone(),
        Op::All(name) => format!("all.{name}"),
        Op::AsOf => "as_of".into(),
        Op::Not(a) => format!("(not {})", expression(a)),
        Op::Negate(a) => format!("(- {})", expression(a)),
        Op::And(parts) => list("and", parts),
        Op::Or(parts) => list("or", parts),
        Op::Arithmetic(a, operator, b) => format!("({} {} {})", operator.symbol(), expression(a), expression(b)),
        Op::Compare(a, comparator, b) => format!("({} {} {})", comparator.symbol(), expression(a), expression(b)),
        Op::IsMissing(a) => format!("(missing {})", expression(a)),
        Op::Text(a, verb, b) => format!("({} {} {})", verb.words().replace(' ', "-"), expression(a), expression(b)),
        Op::If(a, b, c) => format!("(if {} {} {})", expression(a), expression(b), expression(c)),
        Op::Call(function, parts) => list(function.name(), parts),
        Op::Duplicate(None) => "(duplicate)".into(),
        Op::Duplicate(Some(columns)) => format!("(duplicate {})", columns.join(" ")),
    }
}
