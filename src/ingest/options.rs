//! Which settings of a spec mean something for which kind of file.

use super::error::{IngestError, Result};
use super::{Container, Format, InputFile, Sheets};

#[derive(Clone, Copy, PartialEq)]
enum Shape {
    Text,
    Workbook,
    Parquet,
    Sqlite,
}

/// Fails for a setting that could do nothing: whoever wrote it expects something of it.
pub(super) fn check(format: &Format, file: &InputFile, found: Container) -> Result<()> {
    use Shape::{Parquet, Sqlite, Text, Workbook};
    let shape = match found {
        Container::Xlsx | Container::Xlsb | Container::Xls | Container::Ods => Workbook,
        Container::Parquet => Parquet,
        Container::Sqlite => Sqlite,
        _ => Text,
    };
    let settings: [(&'static str, bool, &[Shape]); 13] = [
        ("sheet", format.sheets != Sheets::Unstated, &[Workbook]),
        ("range", format.range.is_some(), &[Workbook]),
        ("hidden", format.hidden.is_some(), &[Workbook]),
        ("fill_merged", format.fill_merged.is_some(), &[Workbook]),
        ("delimiter", format.delimiter.is_some(), &[Text]),
        ("encoding", format.encoding.is_some(), &[Text]),
        ("header", format.header.is_some(), &[Text, Workbook]),
        ("skip", format.skip.is_some(), &[Text, Workbook]),
        ("footer", format.footer.is_some(), &[Text, Workbook]),
        ("timezone", format.timezone.is_some(), &[Parquet]),
        ("table", format.table.is_some(), &[Sqlite]),
        ("query", format.query.is_some(), &[Sqlite]),
        ("timeout", format.timeout.is_some(), &[Sqlite]),
    ];
    match settings.iter().find(|(_, stated, shapes)| *stated && !shapes.contains(&shape)) {
        Some((option, ..)) => {
            // What an archive holds is a text.
            let found = if shape == Text { Container::Text } else { found };
            Err(IngestError::OptionDoesNotFit { file: file.name.clone(), option, found })
        }
        None => Ok(()),
    }
}
