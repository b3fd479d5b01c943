//! Writes a first spec for files that nobody has described yet.
//!
//! [`profile`] says what the columns are, [`draft`] what a spec should make of them, [`write`] puts that into words. Then
//! the spec is built, and what the build finds is taken into it: rules that take no row go, what the data left open is
//! stated, and every number in a comment is that of the ledger. So a spec that comes from here builds.

mod draft;
mod lacking;
mod money;
pub mod place;
mod rules;
mod trial;
mod write;

use std::path::PathBuf;

use serde::Serialize;

use crate::diagnostics::{Diagnostic, Place};
use crate::ingest::{Format, InputFile};
use crate::profile::{self, Profile, Role};
use crate::progress::Progress;
use crate::syntax::is_name;
use crate::world::World;
use draft::Draft;
use trial::Trial;

/// What to look at, and what is known of it.
pub struct Request {
    /// Where the spec will lie.
    pub spec: PathBuf,
    /// The name of the segmentation.
    pub name: String,
    /// Each by the name that the spec should call it by; all of them one table.
    pub files: Vec<InputFile>,
    pub format: Format,
    /// Columns whose role the user has told, by header or by number from 1.
    pub roles: Vec<(Role, String)>,
    /// Microseconds since 1970-01-01; rows dated after it are left out.
    pub today: Option<i64>,
}

/// A spec, and what there is to tell about it.
#[derive(Debug, Clone, Serialize)]
pub struct Drafted {
    /// `segc.init/1`.
    pub schema: &'static str,
    pub name: String,
    /// In its one layout.
    pub text: String,
    /// The columns that the spec reads, in its order.
    pub columns: Vec<Recognised>,
    /// Columns that it does not read.
    pub left: Vec<String>,
    pub rows: Rows,
    pub customers: u64,
    /// What it states though the data only make it likely, with the evidence.
    pub guesses: Vec<String>,
    /// What a build of it warns of.
    pub warnings: Vec<String>,
}

/// A column and what it is taken for.
#[derive(Debug, Clone, Serialize)]
pub struct Recognised {
    /// Its name in the spec.
    pub name: String,
    #[serde(rename = "type")]
    pub kind: String,
    pub header: String,
    pub why: String,
}

/// The ledger of the build: `read = used + refused + sum(dropped)`.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Rows {
    pub read: u64,
    pub used: u64,
    pub refused: u64,
    /// Rules of the spec with the rows that each takes, in order.
    pub dropped: Vec<(String, u64)>,
}

/// So often a spec is built at most, until nothing in it changes any more.
const ROUNDS: usize = 12;

/// A spec for the files that builds on them.
///
/// Errors: SEG0301 to SEG0305 for a file that can't be read, SEG0350 where no column says who, when or how much, SEG0351
/// for a role given to a column that is not there, SEG0353 for files that have not the same columns, SEG0354 for data
/// that no spec of ours fits.
pub fn init(world: &dyn World, request: &Request, progress: &dyn Progress) -> Result<Drafted, Vec<Diagnostic>> {
    let profiles = profiles(request, progress)?;
    let mut draft = Draft::of(request, &profiles)?;
    for _ in 0..ROUNDS {
        let trial = Trial::run(world, &request.spec, &write::text(&draft), progress);
        match trial {
            Trial::Built(built) if !draft.learn(&built) => return finish(&draft, &built, world, request),
            Trial::Built(_) => {}
            Trial::Failed(found) if draft.give_way(&found) => {}
            Trial::Failed(found) => return Err(vec![unfit(&found, request)]),
        }
    }
    Err(vec![unfit(&[], request)])
}

/// Looks at every file, and makes sure that they are one table.
fn profiles(request: &Request, progress: &dyn Progress) -> Result<Vec<Profile>, Vec<Diagnostic>> {
    let mut profiles: Vec<Profile> = vec![];
    for file in &request.files {
        let mut options = profile::Options { format: request.format.clone(), today: request.today, roles: Vec::new() };
        let look = |options: &profile::Options| {
            profile::profile(file, options, progress).map_err(|error| vec![profile::trouble::diagnostic(&error, file)])
        };
        let mut found = look(&options)?;
        if !request.roles.is_empty() {
            options.roles = stated(request, &found)?;
            found = look(&options)?;
        }
        if let Some(first) = profiles.first() {
            alike(first, &found)?;
        }
        profiles.push(found);
    }
    Ok(profiles)
}

/// The places of the columns whose role was told.
fn stated(request: &Request, profile: &Profile) -> Result<Vec<(Role, usize)>, Vec<Diagnostic>> {
    let mut places = vec![];
    let mut wrong = vec![];
    for (role, column) in &request.roles {
        let headers = || profile.columns.iter().map(|c| c.header.trim());
        let exact = headers().position(|header| header == column.trim());
        let near = || headers().position(|header| header.to_lowercase() == column.trim().to_lowercase());
        let numbered = || column.trim().parse().ok().filter(|n| (1..=profile.columns.len()).contains(n)).map(|n| n - 1);
        match exact.or_else(near).or_else(numbered) {
            Some(at) => places.push((*role, at)),
            None => wrong.push(lacking::no_such_column(*role, column, profile)),
        }
    }
    if wrong.is_empty() { Ok(places) } else { Err(wrong) }
}

fn alike(first: &Profile, other: &Profile) -> Result<(), Vec<Diagnostic>> {
    let headers = |profile: &Profile| {
        let mut headers: Vec<String> = profile.columns.iter().map(|c| c.header.trim().to_lowercase()).collect();
        headers.sort();
        headers
    };
    let (ours, theirs) = (headers(first), headers(other));
    if ours == theirs && first.header == other.header {
        return Ok(());
    }
    let differs = |a: &[String], b: &[String]| a.iter().find(|header| !b.contains(header)).cloned();
    let text = format!("`{}` and `{}` have not the same columns", first.file, other.file);
    let which = match (differs(&ours, &theirs), differs(&theirs, &ours)) {
        (Some(header), _) => format!("`{}` is only in `{}`", profile::text::visible(&header), first.file),
        (None, Some(header)) => format!("`{}` is only in `{}`", profile::text::visible(&header), other.file),
        (None, None) => "some columns have one name, or one of the files names none".to_owned(),
    };
    let place = Place { file: other.file.clone(), row: None, column: None, value: None };
    let help = "give the files that are one table; what belongs to another goes into a source of its own, with `join`";
    Err(vec![Diagnostic::error("SEG0353", text).note(which).in_data(place).help(help)])
}

/// The spec with what the last build said in its comments.
fn finish(
    draft: &Draft,
    built: &trial::Built,
    world: &dyn World,
    request: &Request,
) -> Result<Drafted, Vec<Diagnostic>> {
    let text = write::text(draft);
    // What was added since the build are comments; what the compiler says of them settles that.
    if let Err(found) = trial::compiles(world, &request.spec, &text) {
        return Err(vec![unfit(&found, request)]);
    }
    let warnings = built.warnings.iter().map(|d| format!("{}: {}", d.code, d.message)).collect();
    Ok(Drafted {
        schema: "segc.init/1",
        name: draft.name.clone(),
        text,
        columns: draft.recognised(),
        left: draft.spare.iter().map(|line| line.header.clone()).collect(),
        rows: Rows {
            read: built.read,
            used: built.used,
            refused: built.refused,
            dropped: draft.rules.iter().map(|rule| (rule.name.clone(), rule.rows)).collect(),
        },
        customers: built.customers,
        guesses: draft.guesses(),
        warnings,
    })
}

/// No spec of ours can be built on these data.
fn unfit(found: &[Diagnostic], request: &Request) -> Diagnostic {
    let file = request.files.first().map_or("", |file| &file.name);
    let errors: Vec<&Diagnostic> = found.iter().filter(|d| d.is_error()).collect();
    if let Some(bug) = errors.iter().find(|d| d.code == "SEG0901") {
        return (*bug).clone();
    }
    let mut diagnostic = Diagnostic::error("SEG0354", format!("no spec was found that builds on `{file}`")).in_data(
        errors.iter().find_map(|d| d.place.clone()).unwrap_or(Place {
            file: file.to_owned(),
            row: None,
            column: None,
            value: None,
        }),
    );
    for error in errors.iter().take(3) {
        diagnostic = diagnostic.note(format!("{}: {}", error.code, error.message));
    }
    diagnostic.help("look at the data with `segc profile`; `--column ROLE=HEADER` says what a column is")
}

/// A name for a spec or a column, from a file or a header: small letters, digits and `_`; `otherwise` where nothing of it
/// can be kept.
pub fn slug(text: &str, otherwise: &str) -> String {
    let words = profile::plain(text);
    let mut name: String = words.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).take(40).collect();
    while name.contains("__") {
        name = name.replace("__", "_");
    }
    let name = name.trim_matches('_');
    match name {
        "" => otherwise.to_owned(),
        name if is_name(name) => name.to_owned(),
        name => format!("{}_{name}", otherwise.split('_').next().unwrap_or(otherwise)),
    }
}
