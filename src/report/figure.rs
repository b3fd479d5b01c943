//! What a template receives: figures with their numbers, tables, and the marks of segments. Plain text throughout; only
//! drawings are marked as finished HTML.

use minijinja::value::Value;

use super::svg::{Svg, letter};
use super::words;
use crate::outcome::SegmentOutcome;

/// Drawing widths in CSS pixels: a column on a desk, and a phone.
pub const WIDE: f64 = 720.0;
pub const NARROW: f64 = 344.0;

/// Declares a struct whose fields a template sees under the same names.
macro_rules! view {
    ($(#[$meta:meta])* pub struct $name:ident { $($(#[$doc:meta])* $field:ident: $type:ty,)* }) => {
        $(#[$meta])*
        #[derive(Debug, Clone)]
        pub struct $name {
            $($(#[$doc])* pub $field: $type,)*
        }

        impl From<$name> for minijinja::value::Value {
            fn from(view: $name) -> minijinja::value::Value {
                minijinja::context! { $($field => minijinja::value::Value::from(view.$field),)* }
            }
        }
    };
}
pub(crate) use view;

view! {
    /// A chart: the finding as its title, what is plotted as its subtitle, and its numbers.
    pub struct Figure {
        id: String,
        title: String,
        subtitle: String,
        /// Small charts stand side by side and have no wide drawing.
        small: bool,
        /// Where letters need their key beside the chart: ``, `narrow` or `both`.
        key: &'static str,
        /// Words in place of a drawing when there is nothing to draw.
        empty: Option<String>,
        wide: Drawing,
        narrow: Drawing,
        tables: Vec<Table>,
    }
}

view! {
    pub struct Table {
        caption: String,
        columns: Vec<Column>,
        rows: Vec<Row>,
    }
}

view! {
    pub struct Column {
        name: String,
        numeric: bool,
    }
}

view! {
    /// The first cell names the row.
    pub struct Row {
        mark: Option<Mark>,
        cells: Vec<String>,
    }
}

view! {
    /// How a segment is recognised everywhere: a letter and a colour.
    pub struct Mark {
        letter: String,
        tint: usize,
        label: String,
    }
}

/// A finished SVG element, or nothing.
#[derive(Debug, Clone, Default)]
pub struct Drawing(String);

impl Drawing {
    pub fn beside_text(svg: Svg, hint: &str) -> Drawing {
        Drawing(svg.finish_beside_text(hint))
    }
}

impl From<Drawing> for Value {
    fn from(drawing: Drawing) -> Value {
        Value::from_safe_string(drawing.0)
    }
}

impl Figure {
    /// A chart that is drawn for a desk and for a phone.
    pub fn new(id: &str, title: String, subtitle: String, draw: impl Fn(f64) -> Svg) -> Figure {
        let finish = |width, layout| Drawing(draw(width).finish(id, layout, &title, &subtitle));
        let (wide, narrow) = (finish(WIDE, "wide"), finish(NARROW, "narrow"));
        Figure { wide, narrow, ..Figure::blank(id, title, subtitle) }
    }

    /// A chart that is small enough for every screen.
    pub fn small(id: &str, title: String, subtitle: String, draw: impl Fn(f64) -> Svg) -> Figure {
        let narrow = Drawing(draw(NARROW).finish(id, "small", &title, &subtitle));
        Figure { narrow, ..Figure::blank(id, title, subtitle) }.tile()
    }

    /// Words where a drawing would show nothing.
    pub fn empty(id: &str, title: String, subtitle: String, words: &str) -> Figure {
        Figure { empty: Some(words.to_owned()), ..Figure::blank(id, title, subtitle) }
    }

    /// Narrow enough to stand beside another.
    pub fn tile(self) -> Figure {
        Figure { small: true, ..self }
    }

    /// Adds the key of letters; a wide drawing that `names` the segments itself needs it only on a phone.
    pub fn with_key(self, names: bool) -> Figure {
        Figure { key: if names { "narrow" } else { "both" }, ..self }
    }

    pub fn with_table(mut self, table: Table) -> Figure {
        self.tables.push(table);
        self
    }

    fn blank(id: &str, title: String, subtitle: String) -> Figure {
        Figure {
            id: id.to_owned(),
            title,
            subtitle,
            small: false,
            key: "",
            empty: None,
            wide: Drawing::default(),
            narrow: Drawing::default(),
            tables: Vec::new(),
        }
    }
}

impl Table {
    /// `columns` start with the one that names the rows; those that end in `#` hold numbers.
    pub fn new(caption: impl Into<String>, columns: &[&str]) -> Table {
        let columns = columns
            .iter()
            .map(|name| Column {
                name: name.strip_suffix('#').unwrap_or(name).to_owned(),
                numeric: name.ends_with('#'),
            })
            .collect();
        Table { caption: caption.into(), columns, rows: Vec::new() }
    }

    pub fn row(&mut self, cells: Vec<String>) {
        self.rows.push(Row { mark: None, cells });
    }

    pub fn segment_row(&mut self, mark: &Mark, cells: Vec<String>) {
        self.rows.push(Row { mark: Some(mark.clone()), cells });
    }
}

impl Mark {
    pub fn of(index: usize, segment: &SegmentOutcome) -> Mark {
        Mark { letter: letter(index), tint: index % super::color::TINTS + 1, label: words::clean(&segment.label) }
    }
}
