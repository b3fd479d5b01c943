//! Bars and histograms in block characters, for Markdown.

const LEVELS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/// Wider histograms are folded to this many characters.
const LONGEST: usize = 12;

/// One character a bin, as tall as the fullest bin allows; an empty bin is the lowest line.
pub fn bars(counts: &[u64]) -> String {
    let fold = counts.len().div_ceil(LONGEST).max(1);
    let folded: Vec<u64> =
        counts.chunks(fold).map(|chunk| chunk.iter().fold(0u64, |sum, n| sum.saturating_add(*n))).collect();
    let most = folded.iter().copied().max().unwrap_or(0).max(1);
    folded
        .iter()
        .map(|n| if *n == 0 { LEVELS[0] } else { LEVELS[1 + ((n - 1) as f64 / most as f64 * 7.0) as usize] })
        .collect()
}

/// A share of ten blocks: `██████░░░░`.
pub fn bar(share: f64) -> String {
    let full = (share.clamp(0.0, 1.0) * 10.0).round() as usize;
    "█".repeat(full) + &"░".repeat(10 - full)
}
