//! `segc explain CODE` and `segc explain SPEC --stage STAGE`.

use super::{Exit, Printer, SpecArgs, exit_for};
use crate::diagnostics::{codes, suggest};
use crate::{explain, inputs, plan};

#[derive(clap::Args)]
pub struct ExplainArgs {
    /// A code such as SEG0207, or the path of a spec
    what: String,
    /// Which stage of the spec to print
    #[arg(long, value_enum, default_value = "plan")]
    stage: Stage,
    /// A value for a parameter of the spec, e.g. `horizon=90 days`
    #[arg(long = "param", value_name = "NAME=VALUE")]
    params: Vec<String>,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Stage {
    /// What the parser understood
    Ast,
    /// Names resolved, a type on every expression
    Typed,
    /// What will be computed
    Plan,
    /// The statement that goes to the database of the source
    Sql,
}

pub fn run(args: &ExplainArgs, printer: &Printer) -> Exit {
    if let Some(code) = codes::find(&args.what) {
        printer.out(code.page);
        return Exit::Ok;
    }
    if args.what.to_uppercase().starts_with("SEG") && !args.what.contains(['.', '/']) {
        let near = suggest::nearest(&args.what.to_uppercase(), codes::CODES.iter().map(|c| c.code));
        eprintln!("error: there is no code `{}`", args.what);
        if let Some(near) = near {
            eprintln!("  = help: did you mean `segc explain {near}`?");
        }
        return Exit::Spec;
    }
    let spec =
        SpecArgs { spec: args.what.clone().into(), data: vec![], allow_outside: false, params: args.params.clone() };
    let world = spec.world();
    let mut compiled = spec.compile(&world);
    let statement = match args.stage {
        Stage::Sql => inputs::postgres::show(&world, &compiled).unwrap_or_else(|failure| {
            compiled.diagnostics.extend(failure);
            None
        }),
        _ => None,
    };
    printer.diagnostics(&compiled.diagnostics, &compiled.sources);
    let text = match args.stage {
        Stage::Ast => Some(explain::ast(&compiled.ast)),
        Stage::Typed => compiled.spec.as_ref().map(explain::typed),
        Stage::Plan => compiled.plan.as_ref().map(plan::print),
        Stage::Sql => statement,
    };
    if let Some(text) = text {
        printer.out(&text);
    }
    exit_for(&compiled.diagnostics)
}
