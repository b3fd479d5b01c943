//! The charts, one a file. Each takes the facts and gives a figure: a title that says the finding, a drawing for a desk
//! and one for a phone, and the numbers as a table.

pub mod axis;

mod blades;
mod common;
mod concentration;
mod distribution;
mod evidence;
mod holdout;
mod joins;
mod ledger;
mod meter;
mod profiles;
mod range;
mod scatter;
mod scores;
mod search;
mod shares;
mod values;

pub use blades::blades;
pub use common::common;
pub use concentration::concentration;
pub use distribution::distribution;
pub use evidence::evidence;
pub use holdout::holdout;
pub use joins::joins;
pub use ledger::ledger;
pub use meter::meter;
pub use profiles::profiles;
pub use range::range;
pub use scatter::scatter;
pub use scores::scores;
pub use search::search;
pub use shares::shares;
pub use values::values;
