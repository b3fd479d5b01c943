//! A share as a bar in a card, from nothing to everything.

use crate::report::figure::Drawing;
use crate::report::numbers;
use crate::report::svg::{Class, Svg};

const WIDTH: f64 = 180.0;
const HEIGHT: f64 = 8.0;

pub fn meter(segment: usize, share: f64) -> Drawing {
    let mut svg = Svg::new(WIDTH);
    svg.rect("meter", [0.0, 0.0, WIDTH, HEIGHT], 2.0);
    if share > 0.0 {
        svg.rect(Class::of("fill", segment), [0.0, 0.0, (WIDTH * share.min(1.0)).max(2.0), HEIGHT], 2.0);
    }
    Drawing::beside_text(svg, &numbers::share(share))
}
