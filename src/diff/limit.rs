//! How much a change may move before a build server says no.

use super::Diff;
use crate::diagnostics::Diagnostic;

/// A condition on a diff: `moved_revenue > 2%`, `moved_customers >= 100`.
#[derive(Debug, Clone, PartialEq)]
pub struct Limit {
    /// As written.
    pub words: String,
    revenue: bool,
    or_equal: bool,
    percent: bool,
    value: f64,
}

impl Limit {
    /// Errors: SEG0641.
    pub fn parse(words: &str) -> Result<Limit, Vec<Diagnostic>> {
        let wrong = || {
            let text = format!("`{words}` is no condition on a diff");
            let help = "write for example `--fail-if \"moved_revenue > 2%\"` or `--fail-if \"moved_customers > 100\"`";
            vec![Diagnostic::error("SEG0641", text).help(help)]
        };
        let at = words.find('>').ok_or_else(wrong)?;
        let revenue = match words[..at].trim() {
            "moved_revenue" => true,
            "moved_customers" => false,
            _ => return Err(wrong()),
        };
        let rest = &words[at + 1..];
        let (or_equal, rest) = rest.strip_prefix('=').map_or((false, rest), |rest| (true, rest));
        let (percent, number) =
            rest.trim().strip_suffix('%').map_or((false, rest.trim()), |number| (true, number.trim()));
        let value: f64 = number.replace('_', "").parse().map_err(|_| wrong())?;
        if !value.is_finite() || value < 0.0 {
            return Err(wrong());
        }
        Ok(Limit { words: words.to_owned(), revenue, or_equal, percent, value })
    }

    pub fn holds(&self, diff: &Diff) -> bool {
        let moved = &diff.moved;
        let found = match (self.revenue, self.percent) {
            (true, true) => 100.0 * moved.amount_share.unwrap_or(0.0),
            (true, false) => moved.amount.as_ref().and_then(|amount| amount.parse().ok()).unwrap_or(0.0),
            (false, true) => 100.0 * moved.share,
            (false, false) => moved.customers as f64,
        };
        if self.or_equal { found >= self.value } else { found > self.value }
    }
}
