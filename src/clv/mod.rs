//! What customers will buy: how often, whether they still do, for how much, and what that is worth today.
//!
//! Buying is modelled from three numbers per customer ([`History`]), spending from the mean of repeat purchases
//! ([`Repeats`]). Models are fitted by maximum likelihood with analytic gradients ([`fit_purchases`], [`fit_spend`]);
//! equal histories are computed once, sums run over blocks of fixed size in a fixed order, so that the result has the
//! same bits on any number of threads. Everything works on slices: features, money and messages to people are left to
//! the caller.
//!
//! Sources: P. Fader, B. Hardie, K. L. Lee, "Counting your customers" the easy way, 2005 (BG/NBD). E. Batislam,
//! M. Denizel, A. Filiztekin, 2007 (MBG/NBD). D. Schmittlein, D. Morrison, R. Colombo, 1987, with the likelihood of
//! P. Fader and B. Hardie, A note on deriving the Pareto/NBD model, 2005 (Pareto/NBD). P. Fader, B. Hardie, The
//! Gamma-Gamma model of monetary value, 2013.

mod beta_geometric;
mod check;
mod fit;
mod gamma_gamma;
mod groups;
mod history;
mod hypergeometric;
mod law;
mod negative_binomial;
mod optimise;
mod pareto;
mod value;

pub use check::{
    FrequencyGroup, HeldOut, Independence, Interval, MOST_REPEATS, bootstrap_mean, held_out, independence,
};
pub use fit::{DropOut, FitError, Model, PurchaseFit, fit_purchases};
pub use gamma_gamma::{GammaGamma, SpendFit, fit_spend};
pub use history::{Days, History, PurchaseDays, Repeats, Unit};
pub use hypergeometric::{Partials, hyp2f1_one};
pub use law::{Law, Purchases};
pub use optimise::{Convergence, Parameter};
pub use value::{Discount, for_each_history, present_value};
