//! A writer for SVG that takes numbers and text, never markup: coordinates are rounded, text is escaped, and looks come
//! from class names of ours, so nothing in a user's data can become an element or a style.

use std::fmt::Write;

use super::color::TINTS;

/// A drawing of `width` x `height` user units; one unit is one CSS pixel where the page has room.
#[derive(Debug, Clone)]
pub struct Svg {
    width: f64,
    height: f64,
    body: String,
}

/// Class names of the style sheet, and for a segment its tint.
#[derive(Debug, Clone, Copy)]
pub struct Class(&'static str, Option<usize>);

impl From<&'static str> for Class {
    fn from(name: &'static str) -> Class {
        Class(name, None)
    }
}

impl Class {
    pub fn of(name: &'static str, segment: usize) -> Class {
        Class(name, Some(segment))
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Anchor {
    Start,
    Middle,
    End,
}

/// The shape that marks a segment besides its colour and letter.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Shape {
    Circle,
    Square,
    Triangle,
    Diamond,
    Plus,
    Wedge,
}

impl Shape {
    pub fn of(segment: usize) -> Shape {
        const SHAPES: [Shape; 6] =
            [Shape::Circle, Shape::Square, Shape::Triangle, Shape::Diamond, Shape::Plus, Shape::Wedge];
        SHAPES[segment % SHAPES.len()]
    }
}

impl Svg {
    pub fn new(width: f64) -> Svg {
        Svg { width, height: 0.0, body: String::new() }
    }

    /// Makes the drawing at least so tall.
    pub fn reach(&mut self, y: f64) {
        self.height = self.height.max(y);
    }

    pub fn rect(&mut self, class: impl Into<Class>, [x, y, w, h]: [f64; 4], radius: f64) {
        self.open("rect", class.into());
        self.numbers(&[("x", x), ("y", y), ("width", w.max(0.0)), ("height", h.max(0.0))]);
        if radius > 0.0 {
            self.numbers(&[("rx", radius)]);
        }
        self.body.push_str("/>");
        self.reach(y + h);
    }

    pub fn line(&mut self, class: impl Into<Class>, [x1, y1, x2, y2]: [f64; 4]) {
        self.open("line", class.into());
        self.numbers(&[("x1", x1), ("y1", y1), ("x2", x2), ("y2", y2)]);
        self.body.push_str("/>");
    }

    pub fn circle(&mut self, class: impl Into<Class>, [x, y]: [f64; 2], r: f64) {
        self.open("circle", class.into());
        self.numbers(&[("cx", x), ("cy", y), ("r", r)]);
        self.body.push_str("/>");
    }

    pub fn path(&mut self, class: impl Into<Class>, path: Path) {
        self.open("path", class.into());
        self.body.push_str(" d=\"");
        self.body.push_str(&path.0);
        self.body.push_str("\"/>");
    }

    /// Text with its baseline at `y`.
    pub fn text(&mut self, class: impl Into<Class>, [x, y]: [f64; 2], anchor: Anchor, text: &str) {
        self.open("text", class.into());
        self.numbers(&[("x", x), ("y", y)]);
        match anchor {
            Anchor::Start => {}
            Anchor::Middle => self.body.push_str(" text-anchor=\"middle\""),
            Anchor::End => self.body.push_str(" text-anchor=\"end\""),
        }
        self.body.push('>');
        escape(&mut self.body, text);
        self.body.push_str("</text>");
        self.reach(y + 4.0);
    }

    /// What `draw` draws, with a hint to show when a pointer rests on it.
    pub fn hint(&mut self, hint: &str, draw: impl FnOnce(&mut Svg)) {
        self.body.push_str("<g><title>");
        escape(&mut self.body, hint);
        self.body.push_str("</title>");
        draw(self);
        self.body.push_str("</g>");
    }

    /// A segment's letter in a small square of its colour, centred at a point.
    pub fn badge(&mut self, segment: usize, [x, y]: [f64; 2]) {
        let letter = letter(segment);
        let half = if letter.len() > 1 { 12.0 } else { 9.0 };
        self.rect(Class::of("fill badge", segment), [x - half, y - 9.0, 2.0 * half, 18.0], 4.0);
        self.text(Class::of("on letter", segment), [x, y + 4.2], Anchor::Middle, &letter);
    }

    /// The finished element. `id` is ours; `name` and `description` say in words what the drawing shows.
    pub fn finish(mut self, id: &str, layout: &'static str, name: &str, description: &str) -> String {
        let (width, height) = (decimal(self.width), decimal(self.height.ceil()));
        let mut out = format!(
            "<svg class=\"{layout}\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" role=\"img\" \
             aria-labelledby=\"{id}-{layout}-t {id}-{layout}-d\"><title id=\"{id}-{layout}-t\">"
        );
        escape(&mut out, name);
        let _ = write!(out, "</title><desc id=\"{id}-{layout}-d\">");
        escape(&mut out, description);
        out.push_str("</desc>");
        out.push_str(&std::mem::take(&mut self.body));
        out.push_str("</svg>");
        out
    }

    /// A small drawing that only repeats the numbers beside it, and so is hidden from screen readers.
    pub fn finish_beside_text(mut self, hint: &str) -> String {
        let (width, height) = (decimal(self.width), decimal(self.height.ceil()));
        let mut out = format!(
            "<svg class=\"spark\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" \
             aria-hidden=\"true\"><title>"
        );
        escape(&mut out, hint);
        out.push_str("</title>");
        out.push_str(&std::mem::take(&mut self.body));
        out.push_str("</svg>");
        out
    }

    fn open(&mut self, element: &str, Class(name, tint): Class) {
        // Writing to a String cannot fail.
        let _ = match (name, tint) {
            ("", None) => write!(self.body, "<{element}"),
            (name, None) => write!(self.body, "<{element} class=\"{name}\""),
            (name, Some(segment)) => write!(self.body, "<{element} class=\"{name} s{}\"", segment % TINTS + 1),
        };
    }

    fn numbers(&mut self, attributes: &[(&str, f64)]) {
        for (name, value) in attributes {
            let _ = write!(self.body, " {name}=\"{}\"", decimal(*value));
        }
    }
}

/// The `d` of a path element.
#[derive(Debug, Clone, Default)]
pub struct Path(String);

impl Path {
    pub fn to(mut self, [x, y]: [f64; 2]) -> Path {
        let command = if self.0.is_empty() { 'M' } else { 'L' };
        self.push(command, &[x, y]);
        self
    }

    pub fn move_to(mut self, [x, y]: [f64; 2]) -> Path {
        self.push('M', &[x, y]);
        self
    }

    pub fn curve(mut self, [x1, y1]: [f64; 2], [x2, y2]: [f64; 2], [x, y]: [f64; 2]) -> Path {
        self.push('C', &[x1, y1, x2, y2, x, y]);
        self
    }

    pub fn close(mut self) -> Path {
        self.0.push('Z');
        self
    }

    /// Straight on to `x`, at the same height.
    pub fn across(mut self, x: f64) -> Path {
        self.push('H', &[x]);
        self
    }

    /// Straight up or down to `y`.
    pub fn upright(mut self, y: f64) -> Path {
        self.push('V', &[y]);
        self
    }

    /// One marker of about radius `r`, as a closed outline.
    pub fn marker(mut self, shape: Shape, [x, y]: [f64; 2], r: f64) -> Path {
        let (d, a) = (decimal(2.0 * r), decimal(r));
        let outline = match shape {
            Shape::Circle => format!("a{a} {a} 0 1 0 {d} 0a{a} {a} 0 1 0-{d} 0"),
            Shape::Square => format!("v-{a}h{d}v{d}h-{d}z"),
            Shape::Triangle => format!("l{a}-{d} {a} {d}z"),
            Shape::Diamond => format!("l{a}-{a} {a} {a}-{a} {a}z"),
            Shape::Plus => format!("h{d}m-{a}-{a}v{d}"),
            Shape::Wedge => format!("h{d}l-{a} {d}z"),
        };
        self.push('M', &[x - r, y]);
        self.0.push_str(&outline);
        self
    }

    fn push(&mut self, command: char, numbers: &[f64]) {
        self.0.push(command);
        for (i, number) in numbers.iter().enumerate() {
            let text = decimal(*number);
            if i > 0 && !text.starts_with('-') {
                self.0.push(' ');
            }
            self.0.push_str(&text);
        }
    }
}

/// `A` to `Z`, then `AA`.
pub fn letter(segment: usize) -> String {
    let last = char::from(b'A' + (segment % 26) as u8);
    if segment < 26 { last.to_string() } else { format!("{}{last}", letter(segment / 26 - 1)) }
}

/// One decimal is a tenth of a pixel. Anything that is not finite is drawn at 0.
fn decimal(x: f64) -> String {
    let x = if x.is_finite() { (x * 10.0).round() / 10.0 } else { 0.0 };
    // Adding 0 turns -0 into 0.
    format!("{}", x + 0.0)
}

fn escape(out: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
}
