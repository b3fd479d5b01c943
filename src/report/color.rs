//! Colours of segments: twelve for light paper and the same twelve hues for a dark screen, or the colour a spec gives.
//!
//! Measured with OKLab over normal, protan, deutan and tritan vision: the first eight are at least 0.10 apart, all
//! twelve at least 0.06; each has a contrast of 3:1 or more against its page (WCAG 2.2, 1.4.11). Letters and
//! marker shapes carry the same information.

use minijinja::context;
use minijinja::value::Value;

use crate::outcome::SegmentOutcome;

/// How many segments have a colour of their own before colours come round again.
pub const TINTS: usize = 12;

const LIGHT_PAGE: Rgb = Rgb(0xff, 0xff, 0xff);
const DARK_PAGE: Rgb = Rgb(0x14, 0x16, 0x1a);
const WHITE: Rgb = Rgb(0xff, 0xff, 0xff);
const BLACK: Rgb = Rgb(0x00, 0x00, 0x00);
/// Contrast that a mark needs against its page.
const ENOUGH: f64 = 3.0;

const LIGHT: [Rgb; TINTS] = [
    Rgb(0x29, 0x38, 0xb1),
    Rgb(0xe6, 0x71, 0x1b),
    Rgb(0x26, 0xa1, 0xa4),
    Rgb(0x78, 0x20, 0x52),
    Rgb(0x93, 0x65, 0xe4),
    Rgb(0x3e, 0x20, 0x02),
    Rgb(0x3e, 0x79, 0x9e),
    Rgb(0x5a, 0x69, 0x0c),
    Rgb(0xcb, 0x30, 0x44),
    Rgb(0x19, 0x42, 0x31),
    Rgb(0xd3, 0x75, 0x91),
    Rgb(0x45, 0x62, 0x84),
];

const DARK: [Rgb; TINTS] = [
    Rgb(0x4f, 0x7c, 0xf6),
    Rgb(0xfe, 0x9d, 0x4d),
    Rgb(0x9a, 0xfa, 0xe6),
    Rgb(0xcf, 0x42, 0x8b),
    Rgb(0xa9, 0x97, 0xe0),
    Rgb(0xb1, 0x80, 0x3d),
    Rgb(0x77, 0xd3, 0xfd),
    Rgb(0xc8, 0xea, 0x75),
    Rgb(0xf9, 0x70, 0x71),
    Rgb(0x56, 0xac, 0x89),
    Rgb(0xee, 0xba, 0xcd),
    Rgb(0x84, 0x94, 0xb0),
];

/// The colours as the style sheet takes them: for each tint, its colour and the ink to write on it, light and dark.
pub fn tints(segments: &[SegmentOutcome]) -> Vec<Value> {
    (0..TINTS)
        .map(|i| {
            let light = on_light(segments, i);
            let dark = given(segments, i).map_or(DARK[i], |c| c.against(DARK_PAGE));
            context! {
                n => i + 1,
                light => light.hex(), on_light => light.ink().hex(),
                dark => dark.hex(), on_dark => dark.ink().hex(),
            }
        })
        .collect()
}

/// A colour on white paper and the ink to write on it, as `0xrrggbb`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Swatch {
    pub fill: u32,
    pub ink: u32,
}

/// The colour of the segment with this index, as the report has it on light pages.
pub fn swatch(segments: &[SegmentOutcome], index: usize) -> Swatch {
    let fill = on_light(segments, index % TINTS);
    Swatch { fill: fill.number(), ink: fill.ink().number() }
}

fn on_light(segments: &[SegmentOutcome], tint: usize) -> Rgb {
    given(segments, tint).map_or(LIGHT[tint], |c| c.against(LIGHT_PAGE))
}

fn given(segments: &[SegmentOutcome], tint: usize) -> Option<Rgb> {
    segments.get(tint).and_then(|s| s.color.as_deref()).and_then(Rgb::parse)
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Rgb(u8, u8, u8);

impl Rgb {
    /// `#rrggbb`, and nothing else: the text goes into a style sheet.
    fn parse(hex: &str) -> Option<Rgb> {
        let digits = hex.strip_prefix('#').filter(|d| d.len() == 6 && d.bytes().all(|b| b.is_ascii_hexdigit()))?;
        let part = |i: usize| u8::from_str_radix(&digits[i..i + 2], 16).ok();
        Some(Rgb(part(0)?, part(2)?, part(4)?))
    }

    fn hex(self) -> String {
        format!("#{:02x}{:02x}{:02x}", self.0, self.1, self.2)
    }

    fn number(self) -> u32 {
        u32::from_be_bytes([0, self.0, self.1, self.2])
    }

    /// The colour, moved away from the page step by step until it stands out from it.
    fn against(self, page: Rgb) -> Rgb {
        let away = if page.luminance() > 0.5 { BLACK } else { WHITE };
        (0..=20).map(|step| self.mix(away, f64::from(step) / 20.0)).find(|c| c.contrast(page) >= ENOUGH).unwrap_or(away)
    }

    fn mix(self, other: Rgb, part: f64) -> Rgb {
        let blend = |a: u8, b: u8| (f64::from(a) * (1.0 - part) + f64::from(b) * part).round() as u8;
        Rgb(blend(self.0, other.0), blend(self.1, other.1), blend(self.2, other.2))
    }

    /// Black or white, whichever reads better on this colour; one of the two always has 4.5:1.
    fn ink(self) -> Rgb {
        if self.contrast(WHITE) >= 4.5 { WHITE } else { BLACK }
    }

    /// WCAG 2.2, contrast ratio.
    fn contrast(self, other: Rgb) -> f64 {
        let (a, b) = (self.luminance(), other.luminance());
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    /// WCAG 2.2, relative luminance.
    fn luminance(self) -> f64 {
        let linear = |v: u8| {
            let v = f64::from(v) / 255.0;
            if v <= 0.04045 { v / 12.92 } else { ((v + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * linear(self.0) + 0.7152 * linear(self.1) + 0.0722 * linear(self.2)
    }
}
