//! Expressions of a plan: typed, over the columns of one relation, without places in a text.

use crate::expr::{Comparator, Decimal, Operator, TextVerb};
use crate::spec::Scalar;
use crate::types::Base;

/// An expression over columns named by `C`: by name in the plan, by position once an engine has bound it.
#[derive(Debug, Clone, PartialEq)]
pub struct Expr<C = String> {
    pub op: Op<C>,
    pub base: Base,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Op<C> {
    Constant(Constant),
    Column(C),
    /// A feature over all customers: the median.
    All(C),
    AsOf,
    Not(Box<Expr<C>>),
    Negate(Box<Expr<C>>),
    And(Vec<Expr<C>>),
    Or(Vec<Expr<C>>),
    Arithmetic(Box<Expr<C>>, Operator, Box<Expr<C>>),
    Compare(Box<Expr<C>>, Comparator, Box<Expr<C>>),
    IsMissing(Box<Expr<C>>),
    Text(Box<Expr<C>>, TextVerb, Box<Expr<C>>),
    If(Box<Expr<C>>, Box<Expr<C>>, Box<Expr<C>>),
    Call(Scalar, Vec<Expr<C>>),
    /// Equal to an earlier row that is still there: over these columns, or over all of the source.
    Duplicate(Option<Vec<C>>),
}

#[derive(Debug, Clone, PartialEq)]
pub enum Constant {
    Missing,
    /// A plain number, a share from 0 to 1, or money in currency units.
    Decimal(Decimal),
    /// A time span, or a moment since 1970.
    Micros(i64),
    Text(String),
    Bool(bool),
}

impl<C> Expr<C> {
    pub fn new(op: Op<C>, base: Base) -> Self {
        Expr { op, base }
    }

    pub fn bool(op: Op<C>) -> Self {
        Expr { op, base: Base::Bool }
    }

    /// Its direct parts.
    pub fn parts(&self) -> Vec<&Expr<C>> {
        match &self.op {
            Op::Constant(_) | Op::AsOf | Op::Column(_) | Op::All(_) | Op::Duplicate(_) => vec![],
            Op::Not(a) | Op::Negate(a) | Op::IsMissing(a) => vec![a],
            Op::And(list) | Op::Or(list) | Op::Call(_, list) => list.iter().collect(),
            Op::Arithmetic(a, _, b) | Op::Compare(a, _, b) | Op::Text(a, _, b) => vec![a, b],
            Op::If(a, b, c) => vec![a, b, c],
        }
    }

    /// The columns of the relation that it speaks of.
    pub fn columns(&self) -> Vec<&C> {
        let own = match &self.op {
            Op::Column(column) => vec![column],
            Op::Duplicate(Some(columns)) => columns.iter().collect(),
            _ => vec![],
        };
        own.into_iter().chain(self.parts().into_iter().flat_map(Expr::columns)).collect()
    }

    /// The columns that it speaks of, each once, in order: whether over all customers, and what their values are.
    pub fn mentions(&self) -> Vec<(&C, bool, Base)>
    where
        C: PartialEq,
    {
        let mut found: Vec<(&C, bool, Base)> = vec![];
        let own = match &self.op {
            Op::Column(column) => vec![(column, false, self.base)],
            Op::All(column) => vec![(column, true, self.base)],
            _ => vec![],
        };
        for mention in own.into_iter().chain(self.parts().into_iter().flat_map(Expr::mentions)) {
            if !found.iter().any(|known| (known.0, known.1) == (mention.0, mention.1)) {
                found.push(mention);
            }
        }
        found
    }

    /// Whether it asks for a feature over all customers.
    pub fn asks_all(&self, name: &C) -> bool
    where
        C: PartialEq,
    {
        matches!(&self.op, Op::All(of) if of == name) || self.parts().into_iter().any(|part| part.asks_all(name))
    }

    pub fn looks_at_as_of(&self) -> bool {
        matches!(self.op, Op::AsOf) || self.parts().into_iter().any(Expr::looks_at_as_of)
    }

    /// Whether the value is the same for every row.
    pub fn is_constant(&self) -> bool {
        let varies = matches!(self.op, Op::Column(_) | Op::All(_) | Op::Duplicate(_));
        !varies && self.parts().into_iter().all(Expr::is_constant)
    }

    /// The same expression with its columns named otherwise.
    pub fn bind<D>(&self, name: &mut dyn FnMut(&C) -> D) -> Expr<D> {
        let mut go = |e: &Expr<C>| Box::new(e.bind(name));
        let op = match &self.op {
            Op::Constant(constant) => Op::Constant(constant.clone()),
            Op::Column(c) => Op::Column(name(c)),
            Op::All(c) => Op::All(name(c)),
            Op::AsOf => Op::AsOf,
            Op::Not(a) => Op::Not(go(a)),
            Op::Negate(a) => Op::Negate(go(a)),
            Op::And(list) => Op::And(list.iter().map(|e| e.bind(name)).collect()),
            Op::Or(list) => Op::Or(list.iter().map(|e| e.bind(name)).collect()),
            Op::Arithmetic(a, operator, b) => {
                let a = go(a);
                Op::Arithmetic(a, *operator, go(b))
            }
            Op::Compare(a, comparator, b) => {
                let a = go(a);
                Op::Compare(a, *comparator, go(b))
            }
            Op::IsMissing(a) => Op::IsMissing(go(a)),
            Op::Text(a, verb, b) => {
                let a = go(a);
                Op::Text(a, *verb, go(b))
            }
            Op::If(a, b, c) => {
                let (a, b) = (go(a), go(b));
                Op::If(a, b, go(c))
            }
            Op::Call(function, list) => Op::Call(*function, list.iter().map(|e| e.bind(name)).collect()),
            Op::Duplicate(columns) => Op::Duplicate(columns.as_ref().map(|list| list.iter().map(&mut *name).collect())),
        };
        Expr { op, base: self.base }
    }
}
