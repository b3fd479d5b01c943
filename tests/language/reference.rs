//! `specs/LANGUAGE.md` taken apart: its blocks, its tables, and the frame that shorter examples stand in.

use crate::support::root;

/// A fenced block and the tables that follow it.
pub struct Block {
    pub kind: String,
    pub argument: String,
    pub text: String,
    pub line: usize,
    pub results: Vec<Table>,
}

#[derive(Clone)]
pub struct Table {
    pub header: Vec<String>,
    pub rows: Vec<Vec<String>>,
}

pub struct Reference {
    pub text: String,
    pub blocks: Vec<Block>,
    /// All tables, results or not.
    pub tables: Vec<Table>,
    /// The statements of the frame, each with the word that it starts with.
    pub frame: Vec<(String, String)>,
}

impl Reference {
    pub fn read() -> Reference {
        let text = std::fs::read_to_string(root().join("specs/LANGUAGE.md")).unwrap();
        let (mut blocks, mut tables, mut lines): (Vec<Block>, Vec<Table>, _) =
            (vec![], vec![], text.lines().enumerate().peekable());
        let mut directly_after = false;
        while let Some((number, line)) = lines.next() {
            if let Some(info) = line.strip_prefix("```") {
                let body: Vec<&str> = lines.by_ref().map(|(_, line)| line).take_while(|line| *line != "```").collect();
                let mut words = info.split(' ');
                let language = words.next().unwrap_or("");
                assert!(["seg", "sql"].contains(&language), "line {}: a block without a convention", number + 1);
                let kind = if language == "sql" { "sql" } else { words.next().unwrap_or("") }.to_owned();
                let argument = words.next().unwrap_or("").to_owned();
                blocks.push(Block { kind, argument, text: body.join("\n") + "\n", line: number + 1, results: vec![] });
                directly_after = true;
            } else if line.starts_with('|') {
                let mut rows = vec![cells(line)];
                while let Some((_, line)) = lines.next_if(|(_, line)| line.starts_with('|')) {
                    rows.push(cells(line));
                }
                let table = Table { header: rows.remove(0), rows: rows.split_off(1) };
                tables.push(table.clone());
                if directly_after {
                    blocks.last_mut().expect("a block stands before").results.push(table);
                }
            } else if !line.is_empty() {
                directly_after = false;
            }
        }
        let frame = blocks.iter().find(|block| block.kind == "frame").expect("the reference has a frame");
        let frame = statements(&frame.text);
        Reference { text, blocks, tables, frame }
    }

    /// The only table whose first headings are these.
    pub fn table(&self, header: &[&str]) -> Table {
        let mut found = self.tables.iter().filter(|table| table.header.iter().zip(header).all(|(a, b)| a == b));
        let table = found.next().unwrap_or_else(|| panic!("there is no table {header:?}")).clone();
        assert!(found.next().is_none(), "there are two tables {header:?}");
        table
    }

    /// All code: blocks and what stands in backticks.
    pub fn code(&self) -> String {
        let blocks: Vec<&str> = self.blocks.iter().map(|block| block.text.as_str()).collect();
        let mut prose = String::new();
        let mut inside = false;
        for line in self.text.lines() {
            if line.starts_with("```") {
                inside = !inside;
            } else if !inside {
                prose += line;
                prose.push('\n');
            }
        }
        blocks.join("\n") + &spans(&prose).join("\n")
    }

    /// A spec of the frame with these statements in the place of its own.
    pub fn around(&self, items: &str) -> String {
        let own: Vec<&str> = items.lines().filter(|line| !line.starts_with([' ', '}', '#'])).map(first_word).collect();
        // With features of its own, an example has labels of its own, or one for everybody.
        let relabelled = own.contains(&"features") && !own.contains(&"label");
        let gives_way = |word: &str| own.contains(&word) && word != "derive";
        let kept = |word: &str| !(gives_way(word) || (relabelled && word == "label"));
        let frame: String = self.frame.iter().filter(|(word, _)| kept(word)).map(|(_, text)| text.as_str()).collect();
        let label = if relabelled { "label customers { otherwise \"All\" }\n" } else { "" };
        format!("segmentation example {{\n{frame}{items}\n{label}}}\n")
    }
}

pub fn orders() -> String {
    std::fs::read_to_string(root().join("tests/language/orders.csv")).unwrap()
}

/// The statements at the first level of a spec, by indentation.
fn statements(spec: &str) -> Vec<(String, String)> {
    let mut statements: Vec<(String, String)> = vec![];
    for line in spec.lines().skip(1).filter(|line| line.starts_with(' ')) {
        let starts = line.starts_with("  ") && !line[2..].starts_with([' ', '}']);
        if starts {
            statements.push((first_word(line.trim_start()).to_owned(), String::new()));
        }
        let (_, text) = statements.last_mut().expect("the first line starts a statement");
        text.push_str(line);
        text.push('\n');
    }
    statements
}

pub fn first_word(line: &str) -> &str {
    line.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or("")
}

/// The cells of a line of a table, without the blanks around them.
fn cells(line: &str) -> Vec<String> {
    line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect()
}

/// What stands in backticks.
pub fn spans(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

/// The names in a cell, in backticks or not.
pub fn names_of(cell: &str) -> Vec<String> {
    let end = |c: char| !c.is_alphanumeric();
    cell.split(", ").map(|part| part.trim_matches('`').split(end).next().unwrap_or("").to_owned()).collect()
}

pub fn has(cell: &str, name: &str) -> bool {
    names_of(cell).iter().any(|n| n == name)
}

pub fn has_word(text: &str, word: &str) -> bool {
    text.split(|c: char| !c.is_alphanumeric() && c != '_').any(|w| w == word)
}
