//! Scales from values to pixels, and ticks at round numbers.

use crate::report::svg::{Anchor, Svg};

#[derive(Debug, Clone)]
pub struct Scale {
    log: bool,
    from: f64,
    to: f64,
    start: f64,
    end: f64,
}

impl Scale {
    pub fn linear([from, to]: [f64; 2], [start, end]: [f64; 2]) -> Scale {
        Scale { log: false, from, to, start, end }
    }

    /// Equal steps in log1p(value); `from` has to be above -1.
    pub fn log1p([from, to]: [f64; 2], [start, end]: [f64; 2]) -> Scale {
        Scale { log: true, from: from.max(-0.999), to: to.max(-0.999), start, end }
    }

    /// The pixel of a value; the middle when all values are the same.
    pub fn at(&self, value: f64) -> f64 {
        let place = |x: f64| if self.log { x.max(-0.999).ln_1p() } else { x };
        let span = place(self.to) - place(self.from);
        let part = if span > 0.0 { (place(value) - place(self.from)) / span } else { 0.5 };
        self.start + part.clamp(0.0, 1.0) * (self.end - self.start)
    }

    /// Round values inside the scale, at least `gap` pixels apart, ascending.
    pub fn ticks(&self, gap: f64) -> Vec<f64> {
        let length = (self.end - self.start).abs();
        let mut ticks: Vec<f64> = if self.log {
            let mut ticks: Vec<f64> = Vec::new();
            for value in self.log_candidates() {
                if ticks.iter().all(|t| (self.at(*t) - self.at(value)).abs() >= gap) {
                    ticks.push(value);
                }
            }
            ticks
        } else if self.to > self.from {
            let step = step(self.to - self.from, (length / gap).max(1.0));
            let first = (self.from / step - 1e-9).ceil();
            let last = (self.to / step + 1e-9).floor();
            (0..=(last - first).clamp(0.0, 50.0) as usize).map(|i| (first + i as f64) * step).collect()
        } else {
            vec![self.from]
        };
        ticks.sort_by(f64::total_cmp);
        ticks
    }

    /// Zero and the powers of ten first, then the values between them.
    fn log_candidates(&self) -> Vec<f64> {
        let powers = (-3..15).map(|p| 10f64.powi(p));
        let small = self.to < 3.0;
        std::iter::once(0.0)
            .chain(powers.clone())
            .chain(powers.clone().map(|p| 3.0 * p))
            .chain(powers.flat_map(|p| [2.0 * p, 5.0 * p]))
            .filter(|v| *v >= self.from && *v <= self.to && (small || *v == 0.0 || *v >= 1.0))
            .collect()
    }

    /// Ticks and their words under a horizontal axis at `y`.
    pub fn draw_below(&self, svg: &mut Svg, y: f64, gap: f64, words: impl Fn(f64) -> String) {
        svg.line("axis", [self.start, y, self.end, y]);
        for tick in self.ticks(gap) {
            let x = self.at(tick);
            svg.line("axis", [x, y, x, y + 4.0]);
            svg.text("tick", [x, y + 17.0], Anchor::Middle, &words(tick));
        }
    }
}

/// A step of 1, 2 or 5 times a power of ten, so that a span takes about `about` of them.
fn step(span: f64, about: f64) -> f64 {
    let rough = span / about;
    if !(rough > 0.0 && rough.is_finite()) {
        return 1.0;
    }
    let power = 10f64.powf(rough.log10().floor());
    [1.0, 2.0, 5.0, 10.0].into_iter().map(|m| m * power).find(|s| *s >= rough * 0.999).unwrap_or(10.0 * power)
}
