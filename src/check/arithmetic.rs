//! Which operations the units allow, and what comes out.

use crate::expr::Operator;
use crate::types::Base;

/// The type of `a op b`, or nothing when the units don't go together.
pub(crate) fn combine(a: Base, op: Operator, b: Base) -> Option<Base> {
    use Base::*;
    use Operator::*;
    let plain = |a: Base, b: Base| if a.is_whole() && b.is_whole() { Int } else { Number };
    Some(match (a, op, b) {
        (Unknown, ..) | (.., Unknown) => Unknown,
        (Missing, _, other) | (other, _, Missing) => other,
        (a, Add | Subtract, b) if a == b && matches!(a, Money | Duration | Share) => a,
        (Money, Add | Subtract, Zero) | (Zero, Add | Subtract, Money) => Money,
        (Duration, Add | Subtract, Zero) | (Zero, Add | Subtract, Duration) => Duration,
        (a, Add | Subtract, Duration) if a.is_time() => Datetime,
        (Duration, Add, b) if b.is_time() => Datetime,
        (a, Subtract, b) if a.is_time() && b.is_time() => Duration,
        (a, Add | Subtract | Multiply, b) if a.is_plain() && b.is_plain() => plain(a, b),
        (a, Divide, b) if a.is_plain() && b.is_plain() => Number,
        (unit @ (Money | Duration), Multiply | Divide, b) if b.is_plain() => unit,
        (a, Multiply, unit @ (Money | Duration)) if a.is_plain() => unit,
        (Money, Divide, Money) | (Duration, Divide, Duration) => Number,
        _ => return None,
    })
}

/// One type for values that meet in a column: the branches of an `if`, the arguments of `coalesce`.
pub(super) fn unify(a: Base, b: Base) -> Option<Base> {
    use Base::*;
    Some(match (a, b) {
        (a, b) if a == b => a,
        (Unknown, _) | (_, Unknown) => Unknown,
        (Missing, other) | (other, Missing) => other,
        (Zero, unit @ (Money | Duration)) | (unit @ (Money | Duration), Zero) => unit,
        (a, b) if a.is_whole() && b.is_whole() => Int,
        (a, b) if a.is_plain() && b.is_plain() => Number,
        (a, b) if a.is_time() && b.is_time() => Datetime,
        (a, b) if a.is_text() && b.is_text() => Text,
        _ => return None,
    })
}
