//! The columns of a table of customers, and whether a table that is there has them.

use super::Database;
use crate::list::{Kind, List};

/// Columns that a table has beside those of the list.
pub const ADDED: [&str; 3] = ["build", "valid_from", "valid_to"];

/// Bytes of a name in PostgreSQL; longer ones it cuts off.
pub const NAME: usize = 63;

/// A column that the table is to have.
#[derive(Debug, Clone, PartialEq)]
pub struct OwnColumn {
    pub name: String,
    pub kind: Kind,
}

/// A column that a table has.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    pub name: String,
    pub declared: String,
    /// Has a default or is computed: it needs no value from us.
    pub fills_itself: bool,
}

/// A column that the table has otherwise than the list.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    pub name: String,
    pub declared: String,
    /// As it should be declared; nothing where the list has no such column.
    pub wanted: Option<&'static str>,
}

/// The columns of the list, then [`ADDED`].
pub fn own_columns(list: &List) -> Vec<OwnColumn> {
    let own = list.columns.iter().map(|column| OwnColumn { name: column.heading.to_string(), kind: column.kind });
    let added = ADDED.into_iter().zip([Kind::Text, Kind::Time, Kind::Time]);
    own.chain(added.map(|(name, kind)| OwnColumn { name: name.to_owned(), kind })).collect()
}

/// Everything that does not fit, in the order of the table.
pub fn differences(own: &[OwnColumn], found: &[Found], database: &dyn Database) -> Vec<Difference> {
    found
        .iter()
        .filter_map(|there| {
            let column = own.iter().find(|column| column.name == there.name);
            let fits = column.map_or(there.fills_itself, |column| database.takes(&there.declared, column.kind));
            let wanted = column.map(|column| database.type_of(column.kind));
            let (name, declared) = (there.name.clone(), there.declared.clone());
            (!fits).then_some(Difference { name, declared, wanted })
        })
        .collect()
}

/// Which of our columns the table does not have.
pub fn missing(own: &[OwnColumn], found: &[Found]) -> Vec<usize> {
    (0..own.len()).filter(|nth| !found.iter().any(|there| there.name == own[*nth].name)).collect()
}
