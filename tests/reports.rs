//! Reports: what a reader gets from an outcome, as a page and as Markdown.
//!
//! `reports/*.json` are outcomes. `online_retail` was computed from the UCI data with pandas 3.1.1 and scikit-learn 1.9.1,
//! apart from the code under test; the others are made by hand, each for one kind of trouble.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use segc::outcome::Outcome;
use segc::report::{ReportError, Templates, html, markdown};
use sha2::{Digest, Sha256};

const FIXTURES: [&str; 8] =
    ["joined", "online_retail", "hostile", "rules_only", "one_customer", "text_only", "twelve", "valued"];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reports")
}

fn outcome(name: &str) -> Outcome {
    let text = fs::read_to_string(folder().join(format!("{name}.json"))).unwrap();
    serde_json::from_str(&text).unwrap_or_else(|e| panic!("{name}.json: {e}"))
}

fn page(outcome: &Outcome) -> String {
    html(outcome, &Templates::embedded()).unwrap()
}

fn text(outcome: &Outcome) -> String {
    markdown(outcome, &Templates::embedded()).unwrap()
}

/// No-break spaces make expectations hard to type.
fn plain(text: &str) -> String {
    text.replace('\u{a0}', " ").replace('\u{2060}', "")
}

fn snapshots(run: impl FnOnce()) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(folder().join("snapshots"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(run);
}

/// A start tag with its attributes, or text, or an end tag.
#[derive(Debug, Clone, PartialEq)]
enum Token {
    Open(String, Vec<(String, String)>),
    Text(String),
    Close(String),
}

/// Reads what the templates write: double-quoted attributes, escaped text, and the two raw blocks.
fn tokens(html: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = html;
    while !rest.is_empty() {
        if let Some(Token::Open(name, _)) = tokens.last()
            && (name == "style" || name == "script")
        {
            let end = rest.find(&format!("</{name}")).expect("a raw block ends");
            tokens.push(Token::Text(rest[..end].to_owned()));
            rest = &rest[end..];
        }
        let Some(start) = rest.find('<') else {
            tokens.push(Token::Text(decoded(rest)));
            break;
        };
        if start > 0 {
            tokens.push(Token::Text(decoded(&rest[..start])));
        }
        let end = start + tag_end(&rest[start..]);
        let tag = &rest[start + 1..end];
        rest = &rest[end + 1..];
        if let Some(name) = tag.strip_prefix('/') {
            tokens.push(Token::Close(name.to_owned()));
        } else if !tag.starts_with('!') {
            let body = tag.strip_suffix('/').unwrap_or(tag);
            let (name, attributes) = body.split_once(' ').unwrap_or((body, ""));
            tokens.push(Token::Open(name.to_owned(), self::attributes(attributes)));
            if tag.ends_with('/') {
                tokens.push(Token::Close(name.to_owned()));
            }
        }
    }
    tokens
}

fn tag_end(tag: &str) -> usize {
    let mut quoted = false;
    tag.char_indices()
        .find(|(_, c)| {
            quoted ^= *c == '"';
            *c == '>' && !quoted
        })
        .map(|(i, _)| i)
        .expect("a tag ends")
}

fn attributes(text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let name_end = rest.find(['=', ' ']).unwrap_or(rest.len());
        let name = rest[..name_end].to_owned();
        rest = &rest[name_end..];
        let mut value = String::new();
        if let Some(quoted) = rest.strip_prefix("=\"") {
            let end = quoted.find('"').expect("a quotation ends");
            value = decoded(&quoted[..end]);
            rest = &quoted[end + 1..];
        }
        found.push((name, value));
        rest = rest.trim_start();
    }
    found
}

fn decoded(text: &str) -> String {
    let pairs = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#34;", "\""), ("&#x27;", "'"), ("&#39;", "'")];
    let text = pairs.iter().fold(text.replace("&#x2f;", "/"), |text, (from, to)| text.replace(from, to));
    text.replace("&amp;", "&")
}

fn attribute<'a>(attributes: &'a [(String, String)], name: &str) -> Option<&'a str> {
    attributes.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
}

/// An element's attributes and the tokens inside it.
type Element<'a> = (&'a [(String, String)], &'a [Token]);

fn elements<'a>(tokens: &'a [Token], name: &str) -> Vec<Element<'a>> {
    let mut found = Vec::new();
    for (i, token) in tokens.iter().enumerate() {
        let Token::Open(own, attributes) = token else { continue };
        if own != name {
            continue;
        }
        let mut depth = 0;
        let inside = tokens[i..].iter().position(|t| {
            match t {
                Token::Open(n, _) if n == name => depth += 1,
                Token::Close(n) if n == name => depth -= 1,
                _ => {}
            }
            depth == 0
        });
        found.push((attributes.as_slice(), &tokens[i + 1..i + inside.expect("an element ends")]));
    }
    found
}

fn words(tokens: &[Token]) -> String {
    let texts = tokens.iter().filter_map(|t| if let Token::Text(text) = t { Some(text.as_str()) } else { None });
    plain(&texts.collect::<Vec<_>>().join(" ")).split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn the_headline_says_what_the_data_says() {
    let outcome = outcome("online_retail");
    let text = plain(&text(&outcome));
    // pandas: 4,338 customers, 8,887,208.894 GBP; 709 Champions (16.3 %) bring 5,752,065.07 GBP (64.7 %).
    assert!(text.contains(
        "**4 segments of 4,338 customers. 16 % of them are Champions and bring 65 % of revenue.** The largest group is \
         Low Value: 37 % of customers, 6 % of revenue. The groups overlap (mean silhouette 0.34)"
    ));
    assert!(text.contains(
        "| 18,532 baskets | £8,887,209 | from k = 4 (k-means) | silhouette: weak structure | 392,692 of 541,909 |"
    ));
    assert!(text.contains("| Rows used | 392,692 | 72.5 % | £8,887,208.894 |"));
    // Five Champions spend most, Pareto's fifth brings 74.7 %.
    assert!(text.contains("| 20 % | 74.7 % |"));
    let page = words(&tokens(&page(&outcome)));
    assert!(page.contains("4 segments of 4,338 customers. 16 % of them are Champions and bring 65 % of revenue."));
    assert!(page.contains("Largest: 14646 , 18102 , 17450 , 16446 , 14911"));
}

#[test]
fn a_silhouette_is_never_oversold() {
    let mut outcome = outcome("online_retail");
    let mut said = |silhouette: Option<f64>| {
        let cluster = outcome.cluster.as_mut().unwrap();
        cluster.search.iter_mut().find(|row| row.k == 4).unwrap().silhouette = silhouette;
        plain(&text(&outcome)).lines().nth(4).unwrap().to_owned()
    };
    // The bands of Kaufman and Rousseeuw (1990): the limits themselves belong to the lower band.
    assert!(said(Some(0.71)).contains("clearly apart (mean silhouette 0.71)"));
    assert!(said(Some(0.7)).contains("reasonably apart"));
    assert!(said(Some(0.5)).contains("groups overlap (mean silhouette 0.50)"));
    assert!(said(Some(0.25)).contains("no clear groups"));
    assert!(said(Some(-0.1)).contains("no clear groups (mean silhouette \u{2212}0.10)"));
    assert!(said(None).contains("How far the groups are apart was not measured."));
}

#[test]
fn a_clearer_k_is_named_even_when_it_was_not_used() {
    let text = plain(&text(&outcome("online_retail")));
    assert!(text.contains("With k = 2 the silhouette would be 0.433, but k is below 3."));
    assert!(text.contains("k = 3 is as good as equal (0.337)"));
    assert!(text.contains("4 groups are the furthest apart of those that meet the conditions (silhouette 0.337)"));
}

#[test]
fn shares_do_not_round_to_everything_or_nothing() {
    let mut outcome = outcome("online_retail");
    outcome.segments[0].share = 0.999_6;
    outcome.segments[0].amount_share = Some(0.000_04);
    let text = plain(&text(&outcome));
    assert!(text.contains("> 99 % of them are Champions and bring < 0.1 % of revenue"));
    assert!(text.contains("| **A** Champions | 709 | > 99.9 % | £5,752,065 | < 0.01 % |"));
}

#[test]
fn money_carries_the_sign_of_its_currency() {
    let mut outcome = outcome("online_retail");
    for (code, expected) in [("EUR", "€8.89m"), ("USD", "\\$8.89m"), ("CHF", "CHF 8.89m")] {
        outcome.currency = Some(code.to_owned());
        assert!(plain(&text(&outcome)).contains(&format!("| **{expected}** |")), "{code}");
    }
}

#[test]
fn markdown_of_every_fixture() {
    for name in FIXTURES {
        // Digests of templates change with every touch of a template; they have a test of their own.
        let digest = Templates::embedded().digest();
        let text = text(&outcome(name)).replace(&digest, "(digest)");
        snapshots(|| insta::assert_snapshot!(format!("{name}.md"), text));
    }
}

/// Headings, figures with their descriptions, tables with their sizes: the page without its coordinates.
#[test]
fn outline_of_every_page() {
    for name in FIXTURES {
        let tokens = tokens(&page(&outcome(name)));
        let mut lines = Vec::new();
        for (i, token) in tokens.iter().enumerate() {
            let Token::Open(element, attributes) = token else { continue };
            let inside = |name: &str| words(elements(&tokens[i..], name)[0].1);
            match element.as_str() {
                "h1" | "h2" | "h3" => lines.push(format!("{element} {}", inside(element))),
                "section" => lines.push(format!("section {}", attribute(attributes, "id").unwrap_or("headline"))),
                "svg" if attribute(attributes, "role").is_some() => {
                    let size = attribute(attributes, "viewBox").unwrap();
                    lines.push(format!("  drawing {} [{size}]", attribute(attributes, "class").unwrap()));
                }
                "table" => {
                    let rows = elements(elements(&tokens[i..], "table")[0].1, "tr").len() - 1;
                    lines.push(format!("  table {} ({rows} rows)", inside("caption")));
                }
                _ => {}
            }
        }
        snapshots(|| insta::assert_snapshot!(format!("{name}.outline"), lines.join("\n")));
    }
}

#[test]
fn a_page_is_well_formed() {
    const VOID: [&str; 2] = ["meta", "br"];
    for name in FIXTURES {
        let mut open: Vec<String> = Vec::new();
        for token in tokens(&page(&outcome(name))) {
            match token {
                Token::Open(element, _) if !VOID.contains(&element.as_str()) => open.push(element),
                Token::Close(element) => assert_eq!(open.pop().as_deref(), Some(element.as_str()), "{name}: {open:?}"),
                _ => {}
            }
        }
        assert!(open.is_empty(), "{name}: {open:?}");
    }
}

#[test]
fn a_page_asks_nothing_of_a_network() {
    for name in FIXTURES {
        let tokens = tokens(&page(&outcome(name)));
        for token in &tokens {
            let Token::Open(element, attributes) = token else { continue };
            assert!(
                !["link", "img", "iframe", "object", "embed", "base", "form", "use", "image"]
                    .contains(&element.as_str())
            );
            for (attribute, value) in attributes {
                assert!(
                    !attribute.starts_with("on") && attribute != "style" && attribute != "src",
                    "{name}: {attribute}"
                );
                assert!(attribute != "href" || value.starts_with('#'), "{name}: href {value}");
            }
        }
        for block in ["style", "script"] {
            let [(_, inside)] = elements(&tokens, block)[..] else { panic!("{name}: one {block}") };
            let code = words(inside);
            for way in ["url(", "@import", "//", "fetch", "XMLHttpRequest", "import("] {
                let comment = block == "script" && way == "//";
                assert!(comment || !code.contains(way), "{name}: {block} has {way}");
            }
            assert!(!code.contains("http"), "{name}: {block}");
        }
    }
}

#[test]
fn the_content_security_policy_admits_just_the_two_blocks() {
    for name in FIXTURES {
        let tokens = tokens(&page(&outcome(name)));
        let metas: Vec<_> = tokens
            .iter()
            .filter_map(|t| match t {
                Token::Open(name, attributes) if name == "meta" => Some(attributes),
                _ => None,
            })
            .filter(|attributes| attribute(attributes, "http-equiv").is_some())
            .collect();
        let [meta] = metas[..] else { panic!("{name}: one policy") };
        let policy = attribute(meta, "content").unwrap();
        assert!(policy.starts_with("default-src 'none'; "), "{policy}");
        assert!(!policy.contains("unsafe"), "{policy}");
        for (block, directive) in [("style", "style-src"), ("script", "script-src")] {
            let Token::Text(code) = &elements(&tokens, block)[0].1[0] else { panic!("{block} holds text") };
            let source = format!("{directive} 'sha256-{}';", base64(&Sha256::digest(code.as_bytes())));
            assert!(policy.contains(&source), "{name}: {policy} lacks {source}");
        }
    }
}

fn base64(bytes: &[u8]) -> String {
    let alphabet: Vec<char> = ('A'..='Z').chain('a'..='z').chain('0'..='9').chain(['+', '/']).collect();
    let bits: String = bytes.iter().map(|b| format!("{b:08b}")).collect();
    let letters = bits.as_bytes().chunks(6).map(|six| {
        let six = format!("{:0<6}", std::str::from_utf8(six).unwrap());
        alphabet[usize::from_str_radix(&six, 2).unwrap()]
    });
    let text: String = letters.collect();
    let padding = "=".repeat((4 - text.len() % 4) % 4);
    text + &padding
}

#[test]
fn what_a_user_wrote_stays_text() {
    let outcome = outcome("hostile");
    let tokens = tokens(&page(&outcome));
    // Every element comes from a template or from the drawings; none of these could have come from the data.
    for made_up in ["i", "img", "x", "y", "at", "id", "hostile", "in", "sha"] {
        assert!(elements(&tokens, made_up).is_empty(), "<{made_up}>");
    }
    assert_eq!(elements(&tokens, "script").len(), 1);
    let shown = words(&tokens);
    for said in [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "**bold** _it_ `code` | pipe [link](http://example.com) # x",
        "<script>document.cookie</script>",
        "<id&1>",
        "⟨U+202E⟩gnp.exe␇ tab here",
        "عملاء مميزون للغاية من الرياض وجدة",
        "<i>void</i> | `x`",
        "</title><script>alert('t')</script> & \"friends\"",
    ] {
        assert!(shown.contains(said), "{said}");
    }
    let page = page(&outcome);
    // A colour that is not one is not written anywhere, and control characters are nowhere.
    assert!(!page.contains("body { display: none"));
    assert!(!page.chars().any(|c| c.is_control() && c != '\n'));
    assert!(!page.chars().any(|c| ('\u{202a}'..='\u{202e}').contains(&c)));
}

#[test]
fn markdown_keeps_what_a_user_wrote_as_text() {
    let text = text(&outcome("hostile"));
    // Outside code, where signs are signs.
    let mut fenced = false;
    let prose: Vec<&str> = text
        .lines()
        .filter(|line| {
            fenced ^= line.starts_with("`````");
            !fenced
        })
        .collect();
    let prose = prose.join("\n");
    for tag in ["<script", "</script", "<img", "<i>", "<b>same"] {
        let spans: Vec<&str> = prose.split('`').step_by(2).collect();
        assert!(!spans.iter().any(|s| s.contains(tag)), "{tag}");
    }
    assert!(
        prose.contains("\\*\\*bold\\*\\* \\_it\\_ \\`code\\` \\| pipe \\[link\\](http:\u{2060}//example.com) \\# x")
    );
    assert!(prose.contains("see www\u{2060}.example.com and @\u{2060}everyone, \\#\u{2060}12"));
    // Every row of a table has the cells of its head.
    let cells = |line: &str| line.replace("\\|", "").matches('|').count();
    for (above, line) in prose.lines().zip(prose.lines().skip(1)) {
        if above.starts_with('|') && line.starts_with('|') {
            assert_eq!(cells(above), cells(line), "{line}");
        }
    }
    assert_eq!(prose.matches("<details>").count(), prose.matches("</details>").count());
}

#[test]
fn a_page_can_be_read_without_seeing_it() {
    for name in FIXTURES {
        let tokens = tokens(&page(&outcome(name)));
        assert_eq!(elements(&tokens, "h1").len(), 1, "{name}");
        assert_eq!(elements(&tokens, "main").len(), 1, "{name}");
        assert_eq!(attribute(elements(&tokens, "html")[0].0, "lang"), Some("en"));
        assert!(!words(elements(&tokens, "title")[0].1).is_empty(), "{name}");
        let ids: Vec<&str> = tokens
            .iter()
            .filter_map(|t| if let Token::Open(_, attributes) = t { attribute(attributes, "id") } else { None })
            .collect();
        let unique: BTreeSet<&str> = ids.iter().copied().collect();
        assert_eq!(unique.len(), ids.len(), "{name}: an id twice");
        for token in &tokens {
            let Token::Open(_, attributes) = token else { continue };
            for id in attribute(attributes, "aria-labelledby").unwrap_or("").split_whitespace() {
                assert!(unique.contains(id), "{name}: {id}");
            }
        }
        for (attributes, inside) in elements(&tokens, "svg") {
            let Some(Token::Open(first, _)) = inside.first() else { panic!("{name}: an empty drawing") };
            assert_eq!(first, "title", "{name}");
            assert!(!words(elements(inside, "title")[0].1).is_empty(), "{name}");
            let hidden = attribute(attributes, "aria-hidden") == Some("true");
            assert!(hidden || !words(elements(inside, "desc")[0].1).is_empty(), "{name}");
        }
        for (_, table) in elements(&tokens, "table") {
            assert!(!words(elements(table, "caption")[0].1).is_empty(), "{name}");
            assert!(elements(table, "th").iter().all(|(attributes, _)| attribute(attributes, "scope").is_some()));
        }
    }
}

#[test]
fn every_chart_has_its_numbers_as_a_table() {
    let mut charts = BTreeSet::new();
    for name in FIXTURES {
        let tokens = tokens(&page(&outcome(name)));
        for (attributes, figure) in elements(&tokens, "figure") {
            let id = attribute(attributes, "id").unwrap().trim_start_matches("figure-");
            charts.insert(id.trim_end_matches(|c: char| c.is_ascii_digit()).to_owned());
            let tables: Vec<String> = elements(figure, "table").iter().map(|(_, table)| words(table)).collect();
            assert!(!tables.is_empty(), "{name}: {id}");
            let tables = tables.join(" ");
            for (attributes, inside) in elements(figure, "text") {
                let class = attribute(attributes, "class").unwrap_or("");
                let shown = words(inside);
                let number = shown.rsplit(": ").next().unwrap().trim_start_matches('\u{2212}');
                let small = class == "on-pale small" || class == "on-deep small";
                if class.starts_with("value") || small {
                    assert!(tables.contains(number), "{name}: {id} shows {shown}, its table does not");
                }
            }
        }
    }
    let expected = [
        "blades",
        "concentration",
        "distribution-",
        "holdout-",
        "joins",
        "ledger",
        "parameters-",
        "profiles",
        "scatter",
        "scores",
        "search",
        "shares",
        "values-",
    ];
    assert_eq!(charts.iter().map(String::as_str).collect::<Vec<_>>(), expected);
}

#[test]
fn the_same_outcome_gives_the_same_bytes() {
    for name in FIXTURES {
        let outcome = outcome(name);
        assert_eq!(page(&outcome), page(&outcome.clone()), "{name}");
        assert_eq!(text(&outcome), text(&outcome.clone()), "{name}");
    }
}

#[test]
fn a_report_stays_small() {
    for name in FIXTURES {
        let (page, text) = (page(&outcome(name)).len(), text(&outcome(name)).len());
        let limit = if name == "twelve" { 600 } else { 350 };
        assert!(page <= limit * 1024, "{name}.html: {page} bytes");
        assert!(text <= 100 * 1024, "{name}.md: {text} bytes");
    }
}

#[test]
fn an_outcome_without_customers_still_has_a_report() {
    let mut empty = outcome("rules_only");
    empty.customers = 0;
    empty.segments.clear();
    empty.features.clear();
    empty.score_grid = None;
    empty.rows.used = 0;
    empty.rows.read = 0;
    assert!(page(&empty).contains("No segments: 0\u{a0}customers were found."));
    assert!(text(&empty).contains("No rows were read"));
}

#[test]
fn a_colour_of_the_spec_is_kept_where_it_can_be_seen() {
    let page = page(&outcome("hostile"));
    // #123456 has 12.6:1 on white, so light takes it as it is; #ffff00 has 1.07:1 and is darkened.
    assert!(page.contains("--s2: #123456;"));
    assert!(!page.contains("--s1: #ffff00; --o1: #000000; --s2: #123456;"));
}

fn templates(files: &[(&str, &str)]) -> (tempfile::TempDir, Result<Templates, ReportError>) {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    let templates = Templates::from_folder(folder.path());
    (folder, templates)
}

#[test]
fn a_folder_of_templates_replaces_those_of_the_same_name() {
    let outcome = outcome("hostile");
    let (_folder, own) = templates(&[
        ("report.md", "# {{ outcome.name }} by us\n{% include \"ours.md\" %}\n"),
        ("ours.md", "{{ outcome.segments[0].label }}, {{ outcome.rows.read }}"),
        ("notes.txt", "left alone {{"),
    ]);
    let own = own.unwrap();
    assert_eq!(markdown(&outcome, &own).unwrap(), "# hostile by us\n&lt;script>alert(1)&lt;/script>, 1000\n");
    // What the folder does not hold is as before, save the digest in its foot.
    let digests = (own.digest(), Templates::embedded().digest());
    assert_ne!(digests.0, digests.1);
    assert_eq!(html(&outcome, &own).unwrap().replace(&digests.0, &digests.1), page(&outcome));
}

#[test]
fn a_fault_in_a_template_is_reported_with_its_place() {
    let outcome = outcome("rules_only");
    let place = |e: &ReportError| (e.template.clone(), e.line);
    let (_folder, own) = templates(&[("figure.html", "<figure>\n<p>\n{% if figure %}\n</figure>")]);
    let error = own.unwrap_err();
    assert_eq!(place(&error), ("figure.html".to_owned(), Some(4)));
    assert!(error.to_string().starts_with("template `figure.html`, line 4: syntax error: "), "{error}");

    let (_folder, own) = templates(&[("figure.html", "<p>\n{{ figure.titel }}\n")]);
    let error = html(&outcome, &own.unwrap()).unwrap_err();
    assert_eq!(place(&error), ("figure.html".to_owned(), Some(2)));
    assert!(error.message.contains("titel"), "{error}");

    let (_folder, own) = templates(&[("report.md", "a\nb\n{{ title|shout }}\n")]);
    let error = own.and_then(|own| markdown(&outcome, &own)).unwrap_err();
    assert_eq!(place(&error), ("report.md".to_owned(), Some(3)));
    assert!(error.message.contains("shout"), "{error}");

    let (_folder, own) = templates(&[("report.md", "{% include \"report.md\" %}")]);
    assert!(markdown(&outcome, &own.unwrap()).is_err(), "a template that includes itself comes to an end");

    let (_folder, own) = templates(&[("report.css", "a {}\n/* </style> */\n")]);
    let error = html(&outcome, &own.unwrap()).unwrap_err();
    assert_eq!(place(&error), ("report.css".to_owned(), Some(2)));
}

#[test]
fn a_folder_that_holds_no_templates_is_an_error() {
    let (folder, own) = templates(&[("raport.html", "")]);
    let error = own.unwrap_err();
    assert!(error.message.starts_with("the folder holds none of `card.html`, "), "{error}");
    assert!(Templates::from_folder(folder.path().join("nowhere")).is_err());
    let (folder, _) = templates(&[("report.md", "")]);
    fs::write(folder.path().join("report.html"), [0xff, 0xfe]).unwrap();
    assert!(Templates::from_folder(folder.path()).unwrap_err().message.contains("not UTF-8"));
}

#[cfg(unix)]
#[test]
fn a_template_folder_is_not_left() {
    let (outside, _) = templates(&[("secret", "not for a report")]);
    let (folder, _) = templates(&[("report.md", "")]);
    std::os::unix::fs::symlink(outside.path().join("secret"), folder.path().join("report.html")).unwrap();
    let error = Templates::from_folder(folder.path()).unwrap_err();
    assert!(error.message.contains("leads out of the template folder"), "{error}");
}
