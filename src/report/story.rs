//! The report's contents, in order and in words: headline, cards, sections with their figures, rules, appendix. What a
//! template receives is built here, once, for HTML and Markdown alike.

use minijinja::context;
use minijinja::value::Value;

use super::charts;
use super::facts::Facts;
use super::figure::{Drawing, Figure, Mark, view};
use super::numbers::{self, approximate, count, counted, fixed, share, share_short};
use super::words::{self, Structure};
use super::{appendix, sparkline, trust};
use crate::outcome::{ClusterOutcome, FeatureSummary, Outcome, RuleOutcome, SearchRow, SegmentOutcome};

view! {
    /// One number of the strip under the headline.
    pub struct Indicator {
        name: String,
        value: String,
        detail: String,
    }
}

view! {
    pub struct Section {
        id: String,
        title: String,
        /// What it is about, in a sentence or two.
        intro: String,
        /// How its drawings are read.
        reading: String,
        /// Whether the letters of segments need their key beside the words.
        key: bool,
        figures: Vec<Figure>,
    }
}

view! {
    pub struct Card {
        mark: Mark,
        share: String,
        share_meter: Drawing,
        customers: String,
        /// Nothing where the spec counts no money.
        amount_share: Option<String>,
        amount_meter: Option<Drawing>,
        amount: Option<String>,
        description: Option<String>,
        action: Option<String>,
        /// What sets the segment apart, in a sentence.
        traits: Option<String>,
        /// How often it came back when customers were drawn again.
        stability: Option<String>,
        typical: Vec<Typical>,
        /// The rule that named it, read aloud.
        rule: Option<String>,
        examples: Vec<String>,
    }
}

view! {
    /// A feature of a segment beside that of everyone.
    pub struct Typical {
        name: String,
        value: String,
        all: String,
        range: Drawing,
        /// The histogram in block characters.
        spark: String,
    }
}

view! {
    pub struct Rule {
        label: String,
        mark: Option<Mark>,
        /// Read aloud, and as the spec has it; nothing for `otherwise`.
        words: Option<String>,
        code: Option<String>,
        action: Option<String>,
        took: String,
    }
}

/// Everything a template can show.
pub fn context(outcome: &Outcome) -> Value {
    let facts = Facts::new(outcome);
    let title = outcome.title.as_deref().filter(|t| !t.trim().is_empty());
    context! {
        title => title.map_or_else(|| words::name(&outcome.name), words::clean),
        name => words::clean(&outcome.name),
        period => outcome.period.as_ref().map_or(String::new(), |period| words::period(&period.first, &period.last)),
        as_of => outcome.as_of.as_deref().map_or(String::new(), words::moment),
        segc => words::clean(&outcome.segc),
        verdict => verdict(&facts),
        indicators => indicators(&facts),
        marks => facts.marks.clone(),
        cards => facts.segments().map(|(i, mark, s)| card(&facts, i, mark, s)).collect::<Vec<_>>(),
        sections => sections(&facts),
        rules_intro => rules_intro(outcome),
        rules => outcome.rules.iter().map(|r| rule(&facts, r)).collect::<Vec<_>>(),
        notes => appendix::notes(outcome),
        appendix => appendix::tables(&facts),
        settings => appendix::settings(outcome),
        inputs => appendix::inputs(outcome),
        spec_file => words::clean(&outcome.spec.file),
        spec_lines => words::clean_lines(&outcome.spec.text),
        spec_digest => words::clean(&outcome.spec.sha256),
    }
}

/// The story in a few sentences.
fn verdict(facts: &Facts) -> Vec<String> {
    let outcome = facts.outcome;
    let customers = counted(outcome.customers, "customer", "customers");
    let Some((_, first, segment)) = facts.segments().next() else {
        return vec![format!("No segments: {customers} were found.")];
    };
    if outcome.segments.len() == 1 {
        return vec![format!("{customers}, in one segment: {}.", first.label)];
    }
    let mut sentences = vec![format!("{} segments of {customers}.", outcome.segments.len())];
    let share = share_short(segment.share);
    sentences.push(match segment.amount_share {
        Some(amount) => {
            format!("{share} of them are {} and bring {} of revenue.", first.label, share_short(amount))
        }
        None => format!("{share} of them are {}.", first.label),
    });
    if let Some((_, mark, largest)) = facts.segments().max_by_key(|(i, _, s)| (s.customers, usize::MAX - i))
        && let (true, Some(amount)) = (mark.letter != first.letter, largest.amount_share)
    {
        let (customers, amount) = (share_short(largest.share), share_short(amount));
        sentences.push(format!("The largest group is {}: {customers} of customers, {amount} of revenue.", mark.label));
    }
    sentences.extend(how_sure(facts));
    sentences
}

fn how_sure(facts: &Facts) -> Option<String> {
    match (&facts.outcome.cluster, facts.chosen().and_then(|row| row.silhouette)) {
        (Some(_), Some(silhouette)) => Some(Structure::of(silhouette).sentence(silhouette)),
        (Some(_), None) => Some("How far the groups are apart was not measured.".to_owned()),
        (None, _) => None,
    }
}

fn indicators(facts: &Facts) -> Vec<Indicator> {
    let outcome = facts.outcome;
    let indicator = |name: &str, value: String, detail: String| Indicator { name: name.to_owned(), value, detail };
    let mut strip = vec![indicator(
        "Customers",
        count(outcome.customers),
        outcome.baskets.map_or_else(String::new, |n| counted(n, "basket", "baskets")),
    )];
    if let Some(amount) = &outcome.amount {
        let worth = approximate(amount).unwrap_or(0.0);
        let (short, whole) = (numbers::money_short(worth, facts.currency()), facts.money(worth));
        strip.push(indicator("Revenue", short.clone(), if whole == short { String::new() } else { whole }));
    }
    let segments = count(outcome.segments.len() as u64);
    strip.push(match &outcome.cluster {
        Some(cluster) => {
            let method = words::method(&cluster.method);
            indicator("Segments", segments, format!("from k\u{a0}=\u{a0}{} ({method})", cluster.k))
        }
        None => indicator("Segments", segments, "by written rules".to_owned()),
    });
    if outcome.cluster.is_some() {
        let silhouette = facts.chosen().and_then(|row| row.silhouette);
        strip.push(match silhouette {
            Some(s) => indicator("How sure", fixed(s, 2), format!("silhouette: {}", Structure::of(s).words())),
            None => indicator("How sure", "–".to_owned(), "silhouette was not computed".to_owned()),
        });
    }
    let used = outcome.rows.used as f64 / outcome.rows.read.max(1) as f64;
    strip.push(indicator(
        "Rows used",
        share_short(used),
        format!("{} of {}", count(outcome.rows.used), count(outcome.rows.read)),
    ));
    strip
}

fn card(facts: &Facts, index: usize, mark: &Mark, segment: &SegmentOutcome) -> Card {
    let text = |t: &Option<String>| t.as_deref().map(words::clean).filter(|t| !t.trim().is_empty());
    // What customers will bring comes first: it is what such a report is made for.
    let is_value = |feature: &FeatureSummary| {
        facts.outcome.forecasts.iter().flat_map(|forecast| &forecast.values).any(|value| value.feature == feature.name)
    };
    let (values, others): (Vec<_>, Vec<_>) = facts.measured().into_iter().partition(|(feature, _)| is_value(feature));
    let typical = values
        .into_iter()
        .chain(others)
        .take(6)
        .filter_map(|(feature, all)| {
            let own = segment.profile.get(&feature.name)?;
            let unit = Facts::unit(feature);
            Some(Typical {
                name: facts.title(&feature.name),
                value: unit.value(own.stats.p50),
                all: unit.value(all.p50),
                range: charts::range(feature, all, index, &own.stats),
                spark: sparkline::bars(&own.counts),
            })
        })
        .collect();
    Card {
        mark: mark.clone(),
        share: share(segment.share),
        share_meter: charts::meter(index, segment.share),
        customers: counted(segment.customers, "customer", "customers"),
        amount_share: segment.amount_share.map(share),
        amount_meter: segment.amount_share.map(|part| charts::meter(index, part)),
        amount: segment.amount.as_deref().and_then(approximate).map(|a| facts.money(a)),
        description: text(&segment.description),
        action: text(&segment.action),
        traits: traits(facts, segment),
        stability: segment.stability.as_ref().map(|found| {
            let words = format!("Comes back in {} of {} resamples", found.recovered, found.resamples);
            if f64::from(found.recovered) < 0.75 * f64::from(found.resamples) {
                words + ": a doubtful group"
            } else {
                words
            }
        }),
        typical,
        rule: match segment.rule.trim() {
            "" => None,
            "otherwise" => Some("everything else".to_owned()),
            condition => Some(words::aloud(condition)),
        },
        examples: segment.examples.iter().map(|id| words::clean(id)).collect(),
    }
}

/// The features in which a segment differs most from everyone, if it does, in a sentence.
fn traits(facts: &Facts, segment: &SegmentOutcome) -> Option<String> {
    let mut far: Vec<_> = facts
        .measured()
        .into_iter()
        .filter_map(|(f, _)| Some((f, segment.profile.get(&f.name)?.z)))
        .filter(|(_, z)| z.abs() >= 0.5)
        .collect();
    far.sort_by(|a, b| b.1.abs().total_cmp(&a.1.abs()));
    let how = |z: f64| match (z.abs() >= 1.0, z > 0.0) {
        (true, true) => "far above average",
        (true, false) => "far below average",
        (false, true) => "above average",
        (false, false) => "below average",
    };
    // Features of which the same can be said share one phrase.
    let mut phrases: Vec<(&str, Vec<String>)> = Vec::new();
    for (feature, z) in far.into_iter().take(3) {
        let name = words::inside_sentence(&facts.title(&feature.name));
        match phrases.iter_mut().find(|(words, _)| *words == how(z)) {
            Some((_, names)) => names.push(name),
            None => phrases.push((how(z), vec![name])),
        }
    }
    let parts: Vec<String> = phrases.iter().map(|(words, names)| format!("{} {words}", words::list(names))).collect();
    if parts.is_empty() { None } else { Some(words::name(&parts.join("; "))) }
}

fn sections(facts: &Facts) -> Vec<Section> {
    let section = |id: &str, title: &str, intro: String, reading: &str, figures: Vec<Figure>| Section {
        id: id.to_owned(),
        title: title.to_owned(),
        intro,
        reading: reading.to_owned(),
        key: id == "distributions" && !reading.is_empty(),
        figures,
    };
    let some = |figures: Vec<Option<Figure>>| figures.into_iter().flatten().collect::<Vec<_>>();
    let hills = facts.measured().iter().any(|(_, stats)| stats.min < stats.max);
    let mut sections = vec![
        section(
            "segments",
            "Segments",
            match (facts.marks.len(), facts.has_amounts()) {
                (0, _) => "There are no customers to show.",
                (1, _) => "All customers are in one segment.",
                (_, true) => "Where the customers are, and where the money is.",
                (_, false) => "Where the customers are.",
            }
            .to_owned(),
            if facts.has_amounts() && facts.marks.len() > 1 {
                "A ribbon that widens on its way down is a segment that spends more than its size."
            } else {
                ""
            },
            some(vec![charts::shares(facts)]),
        ),
        section(
            "profiles",
            "Profiles",
            "What the segments look like beside each other, feature by feature.".to_owned(),
            "A strong colour is a mean far from that of all customers: it is what makes a segment a segment.",
            some(vec![charts::profiles(facts), charts::scores(facts)]),
        ),
        section(
            "distributions",
            "Distributions",
            "How each feature is spread inside each segment.".to_owned(),
            if hills {
                "Hill: customers, as tall as the fullest bin of the segment; bar: the middle half; line: 5\u{a0}% to \
                 95\u{a0}%; dot: the median."
            } else {
                ""
            },
            distributions(facts),
        ),
        section(
            "concentration",
            "Concentration",
            concentration_intro(facts),
            "",
            some(vec![charts::concentration(facts)]),
        ),
        section(
            "separation",
            "How sure",
            separation_intro(facts),
            if facts.outcome.segments.iter().any(|s| s.silhouette.is_some()) {
                "A silhouette compares how near a customer is to its own group and to the next one: 1 is a perfect fit, \
                 0 a border, below 0 a misfit. Above 0.7 a structure counts as strong, above 0.5 as reasonable, above \
                 0.25 as weak (Kaufman and Rousseeuw, 1990)."
            } else {
                ""
            },
            some(vec![charts::search(facts), charts::evidence(facts), charts::blades(facts), charts::scatter(facts)]),
        ),
        section(
            "trust",
            "How far the value can be trusted",
            trust::intro(facts),
            if facts.outcome.forecasts.iter().any(|forecast| !forecast.values.is_empty()) {
                "Intervals say how a segment’s mean would move if other customers like these had come; that the model is \
                 right they take for granted. What it did on purchases that it was not shown says how right it is."
            } else {
                ""
            },
            some(trust::figures(facts)),
        ),
        section(
            "rows",
            "Row ledger",
            "Every row of the data is accounted for: used, taken out by the first rule that matches it, or refused as \
             unreadable."
                .to_owned(),
            "",
            some(vec![Some(charts::ledger(facts)), charts::joins(facts)]),
        ),
    ];
    // The section of the segments carries their cards and so stays in any case.
    sections.retain(|s| s.id == "segments" || !s.figures.is_empty());
    sections
}

fn distributions(facts: &Facts) -> Vec<Figure> {
    let measured = facts.measured();
    let figure = |(i, f): (usize, &FeatureSummary)| match &f.stats {
        Some(stats) if measured.iter().any(|(m, _)| m.name == f.name) => Some(charts::distribution(facts, i, f, stats)),
        Some(_) => None,
        None => charts::common(facts, i, f),
    };
    facts.outcome.features.iter().enumerate().filter_map(figure).collect()
}

fn concentration_intro(facts: &Facts) -> String {
    match &facts.outcome.concentration {
        Some(spread) => format!(
            "How few customers bring how much of the revenue. The Gini coefficient is {}: 0 if all customers spent \
             alike, 1 if one brought everything.",
            fixed(spread.gini, 2)
        ),
        None => String::new(),
    }
}

fn separation_intro(facts: &Facts) -> String {
    let Some(cluster) = &facts.outcome.cluster else { return String::new() };
    let method = words::name(&words::method(&cluster.method));
    let groups = counted(u64::from(cluster.k), "group", "groups");
    let mut text = match cluster.noise {
        None => format!(
            "{method} found {groups}; k was chosen by: {}.{}",
            words::aloud(&cluster.chosen_by),
            criterion(&cluster.chosen_by)
        ),
        Some(noise) => format!(
            "{method} found {groups} by itself: places where customers lie close together. {} near none of them and \
             counted in no silhouette.",
            counted(noise, "customer is", "customers are")
        ),
    };
    text.push_str(&together(cluster));
    if let Some(own) = facts.chosen().and_then(|row| row.silhouette) {
        text.push_str(&rivals(cluster, own));
    }
    if let Some(margin) = facts.chosen().and_then(|row| row.silhouette_margin) {
        text.push_str(&format!(
            " There are too many customers to measure all pairs: the silhouette is that of some drawn by lot, each \
             measured against all others, and right to \u{b1}\u{a0}{} in 95 of 100 draws.",
            fixed(margin, 3)
        ));
    }
    if let Some(evidence) = &cluster.evidence {
        text.push_str(&format!(
            " To see which of them come back, the customers were drawn by lot {} times and grouped anew each time; a group \
             comes back where it shares three quarters of its customers with the group most like it.",
            count(u64::from(evidence.resamples))
        ));
        if evidence.customers < facts.outcome.customers {
            text.push_str(&format!(" To do so, {} customers were looked at.", count(evidence.customers)));
        }
    }
    text
}

/// Which segments are several groups.
fn together(cluster: &ClusterOutcome) -> String {
    let mut labels: Vec<(&str, usize)> = vec![];
    for label in cluster.clusters.iter().map(|found| found.label.as_str()).filter(|label| !label.is_empty()) {
        match labels.iter_mut().find(|(known, _)| *known == label) {
            Some((_, groups)) => *groups += 1,
            None => labels.push((label, 1)),
        }
    }
    let several = labels.iter().filter(|(_, groups)| *groups > 1);
    let words: Vec<String> = several.map(|(label, groups)| format!("{groups} are {}", words::clean(label))).collect();
    if words.is_empty() { String::new() } else { format!(" Of them {}.", words::list(&words)) }
}

/// What a criterion takes, where its name does not say so.
fn criterion(chosen_by: &str) -> &'static str {
    match chosen_by.split_whitespace().next() {
        Some("evidence") => " Evidence takes the largest number of groups that can be believed.",
        Some("gap") => " The gap tells how much tighter the groups are than groups in points without any structure.",
        Some("prediction_strength") => {
            " Prediction strength tells how well groups of one half of the customers foretell those of the other."
        }
        Some("bic") => " BIC weighs how well the groups fit against how many they are.",
        Some("elbow") => " The elbow is where further groups begin to gain little.",
        _ => "",
    }
}

/// So many numbers of groups are gone through one by one, more are named together.
const SEVERAL: usize = 2;

/// Other numbers of groups that are as clear as the one that was used, or clearer.
fn rivals(cluster: &ClusterOutcome, own: f64) -> String {
    let others = || {
        let rows = cluster.search.iter().filter(|row| row.k != cluster.k);
        rows.filter_map(|row| Some((row, row.silhouette?)))
    };
    let ruled_out: Vec<_> = others().filter(|(row, silhouette)| !row.qualifies && *silhouette > own).collect();
    let believed = |k: u32| {
        let of_k = cluster.evidence.iter().flat_map(|evidence| &evidence.of_k);
        of_k.filter(|row| row.k == k).all(|row| row.doubt.is_none())
    };
    let near = |row: &SearchRow, silhouette: f64| row.qualifies && silhouette > own - 0.01 && believed(row.k);
    let open: Vec<_> = others().filter(|(row, silhouette)| near(row, *silhouette)).collect();
    let of = |rows: &[(&SearchRow, f64)]| {
        let largest = rows.iter().map(|(_, silhouette)| *silhouette).fold(f64::NEG_INFINITY, f64::max);
        let ks: Vec<String> = rows.iter().map(|(row, _)| row.k.to_string()).collect();
        (format!("k\u{a0}=\u{a0}{}", words::list(&ks)), fixed(largest, 3))
    };
    let mut text = String::new();
    if ruled_out.len() > SEVERAL {
        let (ks, largest) = of(&ruled_out);
        text.push_str(&format!(
            " With {ks} the silhouette would be larger, up to {largest}, but conditions are not met."
        ));
    } else {
        for (row, silhouette) in ruled_out {
            let (k, number) = (row.k, fixed(silhouette, 3));
            let why = row.misses.as_deref().map_or_else(|| "misses a condition".to_owned(), words::unquoted);
            text.push_str(&format!(" With k\u{a0}=\u{a0}{k} the silhouette would be {number}, but {why}."));
        }
    }
    if open.len() > SEVERAL {
        let (ks, largest) = of(&open);
        text.push_str(&format!(" {ks} are as clear or clearer, up to {largest}: a case can be made for each."));
    } else {
        for (row, silhouette) in open {
            let side = if silhouette > own { "clearer" } else { "as good as equal" };
            let (k, number) = (row.k, fixed(silhouette, 3));
            text.push_str(&format!(" k\u{a0}=\u{a0}{k} is {side} ({number}): a case can be made for it."));
        }
    }
    text
}

fn rules_intro(outcome: &Outcome) -> String {
    match outcome.cluster {
        Some(_) => {
            "The first rule that fits a cluster names it. A feature stands for the cluster’s median, “of all” for the \
             median of all customers."
        }
        None => {
            "The first rule that fits a customer names the segment. “Of all” stands for the median of all customers."
        }
    }
    .to_owned()
}

fn rule(facts: &Facts, rule: &RuleOutcome) -> Rule {
    let customers = counted(rule.customers, "customer", "customers");
    let took = match facts.outcome.cluster {
        Some(_) if rule.clusters == 0 && rule.customers > 0 => format!("took {customers}"),
        Some(_) if rule.clusters == 0 => "named no cluster".to_owned(),
        Some(_) => format!("named {}, {customers}", counted(rule.clusters, "cluster", "clusters")),
        None if rule.customers == 0 => "took no customer".to_owned(),
        None => format!("took {customers}"),
    };
    Rule {
        label: words::clean(&rule.label),
        mark: facts.segments().find(|(_, _, s)| s.label == rule.label).map(|(_, mark, _)| mark.clone()),
        words: rule.condition.as_deref().map(words::aloud),
        code: rule.condition.as_deref().map(words::clean),
        action: rule.action.as_deref().map(words::clean),
        took,
    }
}
