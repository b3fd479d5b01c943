//! Whether the numbers of a source have a decimal point or a decimal comma.

use super::decimal::{is_group_mark, without_currency};
use super::{Detection, Kind};

/// What the numbers tell, counted apart for the point and the comma.
#[derive(Debug, Default)]
pub(crate) struct MarkEvidence {
    point: Side,
    comma: Side,
    /// `1,234` in a column that may have decimals.
    either: Side,
    /// Texts in columns that may have decimals.
    seen: u64,
}

/// Cells that can only be read with this decimal mark, and those that are merely more likely so.
#[derive(Debug, Default)]
struct Side {
    strong: u64,
    weak: u64,
    example: Option<String>,
}

impl MarkEvidence {
    /// So many cells with this text, in a column of this kind.
    pub fn observe(&mut self, text: &str, kind: Kind, cells: u64) {
        self.seen += if kind == Kind::Int { 0 } else { cells };
        let number = text.trim().trim_start_matches(['-', '−', '+', '(']).trim_end_matches(['-', '−', '%', ')']);
        let (_, body) = without_currency(number.trim());
        if !body.chars().all(|c| c.is_ascii_digit() || is_group_mark(c)) {
            return;
        }
        let (commas, points) = (body.matches(',').count(), body.matches('.').count());
        let Some(last) = body.rfind([',', '.']) else { return };
        let (before, after) = (&body[..last], &body[last + 1..]);
        // Three digits after a single mark and one to three before it: a group of thousands, or three decimals.
        let group = after.len() == 3 && (1..=3).contains(&before.len()) && !before.starts_with('0');
        let comma_last = body[last..].starts_with(',');
        let (side, strong) = match (commas, points) {
            (1.., 1..) => (if comma_last { &mut self.comma } else { &mut self.point }, true),
            (2.., 0) => (&mut self.point, true),
            (0, 2..) => (&mut self.comma, true),
            (1, _) if !group => (&mut self.comma, true),
            (_, 1) if !group => (&mut self.point, true),
            // Whole numbers have no decimals, so the mark is one of thousands.
            (1, _) if kind == Kind::Int => (&mut self.point, false),
            (_, 1) if kind == Kind::Int => (&mut self.comma, false),
            (1, _) => (&mut self.either, false),
            _ => (&mut self.point, false),
        };
        let count = if strong { &mut side.strong } else { &mut side.weak };
        let first = *count == 0;
        *count += cells;
        if first && (strong || side.strong == 0) {
            side.example = Some(text.trim().to_owned());
        }
    }

    /// Whether reading on could teach nothing that is needed.
    pub fn settled(&self) -> bool {
        self.seen == 0 || self.point.strong + self.comma.strong > 0
    }

    /// The decimal mark, and a report where it is not plainly the point. `comma_likely` says that the file comes from
    /// where the comma is the decimal mark.
    pub fn verdict(&self, comma_likely: bool) -> (char, Option<Detection>) {
        let (point, comma) = (&self.point, &self.comma);
        let (decimal, certain, evidence) = if point.strong + comma.strong > 0 {
            let (winner, loser, decimal) =
                if comma.strong > point.strong { (comma, point, ',') } else { (point, comma, '.') };
            (decimal, loser.strong == 0, both(winner, loser))
        } else if self.either.weak > 0 {
            let decimal = if comma_likely { ',' } else { '.' };
            let other = if comma_likely { "three decimals" } else { "thousands" };
            (decimal, false, format!("`{}` and its like are taken as {other}", self.either.shown()))
        } else if comma.weak > point.weak {
            (',', false, format!("`{}` in a column of whole numbers", comma.shown()))
        } else {
            return ('.', None);
        };
        if decimal == '.' && certain {
            return (decimal, None);
        }
        let detection = Detection {
            what: "decimal mark",
            column: None,
            value: decimal.to_string(),
            evidence,
            pin: format!("decimal \"{decimal}\""),
            certain,
        };
        (decimal, Some(detection))
    }
}

impl Side {
    fn shown(&self) -> &str {
        self.example.as_deref().unwrap_or_default()
    }
}

fn both(winner: &Side, loser: &Side) -> String {
    let cells = |count: u64| if count == 1 { "1 cell".to_owned() } else { format!("{count} cells") };
    let for_it = format!("{} such as `{}`", cells(winner.strong), winner.shown());
    match loser.strong {
        0 => for_it,
        count => format!("{for_it} against {} such as `{}`", cells(count), loser.shown()),
    }
}
