//! A draft in words, in the one layout, with comments for somebody who reads a spec for the first time.

use super::draft::{DIMENSIONS, Draft, FEW, Groups, Line, Remarked};
use super::money::Money;
use crate::profile::text::{cut, visible};
use crate::report::numbers::{count, counted};
use crate::syntax::{format, quoted};

/// Columns of a comment on lines of its own, and of one behind a line.
const WIDTH: usize = 108;
const BEHIND: usize = 76;
/// A longer remark about a column stands above the columns.
const SHORT: usize = 56;

/// The text of the spec.
pub(super) fn text(draft: &Draft) -> String {
    let mut out = Writer::default();
    head(draft, &mut out);
    out.line("");
    out.line(&format!("segmentation {} {{", draft.name));
    let period = match &draft.period {
        Some((first, last)) if first == last => format!(", {first}"),
        Some((first, last)) => format!(", {first} to {last}"),
        None => String::new(),
    };
    let title = format!("Customers of {}{period}", draft.name.replace('_', " "));
    out.line(&format!("title {}", quoted(&title).unwrap_or_default()));
    out.behind(&format!("currency {}", draft.currency.text), &draft.currency.why);
    out.line("");
    source(draft, &mut out);
    out.line("");
    worth(draft, &mut out);
    out.line("");
    filter(draft, &mut out);
    out.line("");
    out.behind("as_of max(at) + 1 day", "\"today\" for this spec: a day after the last purchase");
    out.line("");
    features(draft, &mut out);
    out.line("");
    match &draft.groups {
        Groups::Clusters { on, k } => clusters(on, *k, draft, &mut out),
        Groups::Grid => grid(draft, &mut out),
    }
    out.line("");
    tests(draft, &mut out);
    out.line("}");
    // The layout never stands in the way: a text that it refuses is one that the compiler refuses with a reason.
    format::format("draft", &out.0).unwrap_or(out.0)
}

#[derive(Default)]
struct Writer(String);

impl Writer {
    fn line(&mut self, text: &str) {
        self.0.push_str(text);
        self.0.push('\n');
    }

    /// A line with a short comment behind it.
    fn behind(&mut self, text: &str, comment: &str) {
        match comment.is_empty() {
            true => self.line(text),
            false => self.line(&format!("{text}  # {}", cut(&visible(comment), BEHIND))),
        }
    }

    /// A comment on lines of its own.
    fn comment(&mut self, text: &str) {
        let mut line = String::new();
        for word in visible(text).split_whitespace() {
            if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > WIDTH {
                self.line(&format!("# {line}"));
                line.clear();
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line += &cut(word, WIDTH);
        }
        self.line(&format!("# {line}"));
    }
}

fn head(draft: &Draft, out: &mut Writer) {
    let files = draft.files.iter().map(|file| file.trim_matches('"')).collect::<Vec<_>>().join(", ");
    out.comment(&format!(
        "A first spec for {files}: `segc init` wrote it from what it found there, and it builds as it stands. Read it \
         from top to bottom: which rows count, what is measured per customer, how customers are grouped and what the \
         groups are called. Change what does not fit your business."
    ));
}

fn source(draft: &Draft, out: &mut Writer) {
    out.comment("Our name for each column, its type, and its name in the file.");
    out.line(&format!("source sales from {} {{", draft.files.join(", ")));
    for Remarked { text, why } in &draft.settings {
        out.behind(text, why);
    }
    if !draft.missing.is_empty() {
        let words: Vec<&str> = draft.missing.iter().map(String::as_str).collect();
        out.behind(&format!("missing {}", words.join(", ")), "words that stand for a missing value");
    }
    if draft.max_refused > 1 {
        let refused = counted(draft.seen.refused, "row", "rows");
        let why = if draft.seen.read == 0 { String::new() } else { format!("{refused} can't be read") };
        out.behind(&format!("max_refused {}%", draft.max_refused), &why);
    }
    let long = |line: &&Line| line.remark.chars().count() > SHORT;
    for line in draft.columns.iter().filter(long) {
        out.comment(&format!("{}: {}.", line.name, line.remark));
    }
    for line in &draft.columns {
        out.behind(&column(line), if long(&line) { "" } else { &line.remark });
    }
    if !draft.spare.is_empty() {
        out.line("");
        out.comment("More columns of the file. To use one, take the sign in front of it away.");
        for line in &draft.spare {
            out.line(&format!("# {}", column(line)));
        }
    }
    out.line("}");
}

fn column(line: &Line) -> String {
    let dates: Vec<String> = line.dates.iter().filter_map(|format| quoted(format)).collect();
    let dates = if dates.is_empty() { String::new() } else { format!(" dates {}", dates.join(", ")) };
    format!("{}: {} = {}{dates}", line.name, line.kind, line.source)
}

fn worth(draft: &Draft, out: &mut Writer) {
    if draft.money == Money::Product {
        out.line("derive amount = quantity * price");
    }
    out.behind("revenue amount", "what the report counts as money");
}

fn filter(draft: &Draft, out: &mut Writer) {
    let seen = draft.seen;
    let refused = match seen.refused {
        0 => String::new(),
        n => format!(", {} can't be read", count(n)),
    };
    out.comment(&format!(
        "A row leaves at the first rule that takes it. Of {} rows{refused}, {} are used.",
        count(seen.read),
        count(seen.used)
    ));
    out.line("filter {");
    for rule in &draft.rules {
        let why = if rule.why.is_empty() { String::new() } else { format!(": {}", rule.why) };
        let rows = if rule.rows == 0 { "no row yet".to_owned() } else { counted(rule.rows, "row", "rows") };
        let name = quoted(&rule.name).unwrap_or_default();
        out.behind(&format!("drop {name} when {}", rule.condition), &format!("{rows}{why}"));
    }
    out.line("}");
    if draft.kept_repeats > 0 {
        out.line("");
        out.comment(&format!(
            "{} earlier ones in every column. Two equal purchases on a day may both be real, so they are kept; to drop \
             them:",
            match draft.kept_repeats {
                1 => "1 row equals".to_owned(),
                n => format!("{} rows equal", count(n)),
            }
        ));
        out.line("# filter { drop \"repeated row\" when duplicate }");
    }
}

fn features(draft: &Draft, out: &mut Writer) {
    if draft.invoice {
        out.line("baskets by invoice { worth = sum(amount) }");
        out.line("");
    } else {
        let why = draft.no_invoice.clone().unwrap_or("No column says which rows are one order".to_owned());
        out.comment(&format!("{why}: all that a customer buys on a day counts as one purchase."));
        out.line("");
    }
    out.comment("One number or word per customer.");
    let by_day = match draft.columns.iter().find(|line| line.name == "at") {
        Some(line) if line.kind == "date" => "count_distinct(at)",
        _ => "count_distinct(date_of(at))",
    };
    let (frequency, basket) = match draft.invoice {
        true => ("count(baskets)", "mean(baskets.worth)"),
        false => (by_day, "monetary / frequency"),
    };
    out.line("features {");
    out.behind("recency = whole_days(as_of - max(at))", "days since the last purchase");
    out.behind(&format!("frequency = {frequency}"), "purchases");
    out.behind("monetary = sum(amount)", "what they are worth together");
    out.behind(&format!("basket = {basket}"), "what one is worth on average");
    if draft.has("country") {
        out.line("home = mode(country)");
    }
    out.behind("r = score(recency, 5, low is best)", "1 to 5, 5 is best");
    out.line("f = score(frequency, 5)");
    out.line("m = score(monetary, 5)");
    out.line("}");
}

fn clusters(on: &[&str], k: (u32, u32), draft: &Draft, out: &mut Writer) {
    out.comment(
        "Customers who are alike in these come together; the number of groups is the one that separates them best.",
    );
    if on.len() < DIMENSIONS.len() {
        let left: Vec<&str> = DIMENSIONS.into_iter().filter(|dimension| !on.contains(dimension)).collect();
        out.comment(&format!("{} is the same for everybody, so it can't tell customers apart.", left.join(", ")));
    }
    out.line("cluster {");
    out.line(&format!("on {}", on.join(", ")));
    out.line("scale zscore");
    out.line("method kmeans");
    let customers = counted(draft.seen.customers, "customer", "customers");
    out.behind(&format!("k {}..{} by silhouette with share >= 2%", k.0, k.1), &format!("of {customers}"));
    out.line("seed 42");
    out.line("}");
    out.line("");
    out.comment(
        "Names for the groups, by their medians; `all.` is the median of everyone. The first rule that fits gives the \
         name.",
    );
    let champions = format!("recency < all.recency and monetary >= {} * all.monetary", draft.rich);
    out.line("label clusters {");
    for (label, condition, action) in [
        ("Champions", champions.as_str(), "Thank them; show them new things first"),
        ("Loyal", "recency < all.recency and frequency > all.frequency", "Offer what goes with what they have"),
        ("New", "recency < all.recency", "Welcome them; a reason to come back soon"),
        ("At Risk", "monetary >= all.monetary", "Ask what went wrong; a voucher for the next order"),
    ] {
        out.line(&format!("\"{label}\" when {condition} {{ action \"{action}\" }}"));
    }
    out.line("otherwise \"Low Value\" { action \"Newsletter only; no paid advertising\" }");
    out.line("}");
}

fn grid(draft: &Draft, out: &mut Writer) {
    let customers = counted(draft.seen.customers, "customer", "customers");
    let why = match draft.seen.customers < FEW {
        true => format!("{customers} are too few to find groups in"),
        false => "No groups stand out from each other".to_owned(),
    };
    out.comment(&format!(
        "{why}, so everyone is placed by two scores: how lately and how often they buy. Each of the 25 pairs of scores \
         has just one name."
    ));
    let preset = include_str!("../../specs/presets/rf_grid.seg");
    out.0 += &preset[preset.find("label ").expect("the preset has a block of labels")..];
}

fn tests(draft: &Draft, out: &mut Writer) {
    out.comment("`segc test` says whether the rules still do what they should, and whether new data look like these.");
    let given = match draft.groups {
        Groups::Clusters { .. } => {
            let c = &draft.currency.text;
            out.line("test \"good customers who fell silent are At Risk\" {");
            format!(
                "recency = 180 days\nfrequency = 5\nmonetary = 1_300 {c}\nall.recency = 40 days\nall.frequency = 3\n\
                 all.monetary = 520 {c}\n}}\nexpect \"At Risk\""
            )
        }
        Groups::Grid => {
            out.line("test \"who came lately and often is a champion\" {");
            "r = 5\nf = 5\n}\nexpect \"Champions\"".to_owned()
        }
    };
    out.line("given {");
    out.line(&given);
    out.line("}");
    out.line("");
    out.line("test \"the data look as they did when this was written\" {");
    let seen = draft.seen;
    out.line(&format!("expect rows.refused <= {}%", draft.max_refused));
    let used = (100 * seen.used / seen.read.max(1)).saturating_sub(5).max(1);
    let share = 100.0 * seen.used as f64 / seen.read.max(1) as f64;
    out.behind(&format!("expect rows.used >= {used}%"), &format!("{share:.1} % when this was written"));
    let customers = seen.customers * 9 / 10;
    out.behind(&format!("expect customers >= {}", customers.max(1)), &count(seen.customers));
    out.line("}");
}
