//! The one layout of specs. Every `format/NAME.seg` is formatted and compared with `NAME.txt`; `INSTA_UPDATE=always`
//! rewrites the latter. What holds for any spec is tried on every spec and example of the project.

use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use segc::syntax::format::format;

use crate::support::{root, segc, stderr, stdout};

fn specs_in(folder: &str) -> Vec<(String, String)> {
    let mut found: Vec<PathBuf> = vec![];
    let mut open = vec![root().join(folder)];
    while let Some(folder) = open.pop() {
        for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            match path.is_dir() {
                true => open.push(path),
                false if path.extension().is_some_and(|ending| ending == "seg") => found.push(path),
                false => {}
            }
        }
    }
    found.sort();
    assert!(!found.is_empty(), "`{folder}` has no specs");
    found.into_iter().filter_map(|path| Some((path.display().to_string(), fs::read_to_string(path).ok()?))).collect()
}

#[test]
fn specs_are_laid_out_as_expected() {
    let update = std::env::var("INSTA_UPDATE").is_ok_and(|v| v == "always");
    for (name, text) in specs_in("tests/format") {
        let found = format(&name, &text).unwrap_or_else(|d| panic!("{name}: {d:?}"));
        let path = Path::new(&name).with_extension("txt");
        if update {
            fs::write(&path, &found).unwrap();
        }
        assert_eq!(found, fs::read_to_string(&path).unwrap(), "{name}");
    }
}

/// `format` itself reads its result back, compares the meaning, comments and unreadable lines, and formats it again: an
/// answer is a proof, and anything but an answer has to come from a file whose blocks don't close.
#[test]
fn every_spec_of_the_project_can_be_formatted() {
    let mut formatted = 0;
    for (name, text) in ["specs", "tests"].into_iter().flat_map(specs_in) {
        match format(&name, &text) {
            Ok(once) => {
                formatted += 1;
                assert_eq!(format(&name, &once).as_ref(), Ok(&once), "{name}: formatting twice changes something");
                assert_eq!(
                    format(&name, &text.replace('\n', "\r\n")).as_ref(),
                    Ok(&once),
                    "{name}: ends of lines matter"
                );
            }
            Err(found) => assert!(found.iter().all(|d| d.code != "SEG0901"), "{name}: {found:?}"),
        }
    }
    assert!(formatted > 80, "{formatted} specs formatted");
}

#[test]
fn the_specs_that_we_ship_are_formatted() {
    for (name, text) in specs_in("specs") {
        assert_eq!(format(&name, &text).as_ref(), Ok(&text), "{name}: run `segc fmt specs`");
    }
}

/// An analyst types a spec as it comes; CI says which ones are not laid out.
#[test]
fn fmt_rewrites_what_check_names() {
    let folder = tempfile::tempdir().unwrap();
    let (good, bad) = (folder.path().join("good.seg"), folder.path().join("bad.seg"));
    fs::copy(root().join("specs/shop.seg"), &good).unwrap();
    fs::copy(root().join("tests/format/messy.seg"), &bad).unwrap();
    let run = |arguments: &[&str]| segc(arguments).arg(folder.path()).output().unwrap();
    let checked = run(&["fmt", "--check"]);
    assert_eq!((checked.status.code(), stdout(&checked)), (Some(1), format!("{}\n", bad.display())));
    assert_eq!(fs::read_to_string(&bad).unwrap(), fs::read_to_string(root().join("tests/format/messy.seg")).unwrap());
    assert_eq!(run(&["fmt"]).status.code(), Some(0));
    assert_eq!(fs::read_to_string(&bad).unwrap(), fs::read_to_string(root().join("tests/format/messy.txt")).unwrap());
    assert_eq!(run(&["fmt", "--check"]).status.code(), Some(0));
    let names: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(names.len(), 2, "{names:?}");
}

#[test]
fn a_spec_whose_blocks_do_not_close_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("open.seg");
    let text = "segmentation open {\n  features {\n   a=1\n}\n";
    fs::write(&path, text).unwrap();
    let output = segc(&["fmt"]).arg(&path).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("error[SEG01"), "{}", stderr(&output));
    assert_eq!(fs::read_to_string(&path).unwrap(), text);
    let missing = segc(&["fmt", "no_such.seg"]).output().unwrap();
    assert_eq!(missing.status.code(), Some(2));
    assert!(stderr(&missing).contains("error[SEG0106]"), "{}", stderr(&missing));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 120, failure_persistence: None, ..ProptestConfig::default() })]

    /// Lines broken, joined, indented and spaced otherwise, with comments strewn in, come out alike where nothing but the
    /// layout differs, and are never lost where it does.
    #[test]
    fn any_layout_of_a_spec_becomes_the_one(seeds in prop::collection::vec(0u8..12, 400)) {
        let text = fs::read_to_string(root().join("specs/shop.seg")).unwrap();
        let plain: String = text.lines().map(|line| line.split('#').next().unwrap()).fold(String::new(), |all, line| all + line + "\n");
        let expected = format("plain", &plain.replace("\n\n", "\n")).unwrap();
        let mut seeds = seeds.iter().cycle();
        let mut messy = String::new();
        for line in plain.lines().filter(|line| !line.trim().is_empty()) {
            let pad = " ".repeat(usize::from(*seeds.next().unwrap()));
            // A blank outside quotes may be any number of blanks.
            let mut quoted = false;
            for c in line.trim().chars() {
                quoted ^= c == '"';
                messy.push(c);
                if c == ' ' && !quoted && *seeds.next().unwrap() > 8 {
                    messy.push_str(&pad);
                }
            }
            messy.push_str(match *seeds.next().unwrap() {
                0 if !line.trim_end().ends_with(['{', '}']) => " ; ",
                1 => "\r\n\t",
                _ => "\n",
            });
            messy.push_str(&pad);
        }
        let formatted = format("messy", &messy).unwrap();
        prop_assert_eq!(formatted.replace("\n\n", "\n"), expected.replace("\n\n", "\n"));
    }

    /// Cut or garbled anywhere, a spec never makes it panic or give something of another meaning.
    #[test]
    fn garbled_specs_are_formatted_or_refused(at in 0usize..3000, with in "[ -~\\n]{0,6}", cut in 0usize..60) {
        let text = fs::read_to_string(root().join("specs/shop.seg")).unwrap();
        let at = (0..=at.min(text.len())).rev().find(|i| text.is_char_boundary(*i)).unwrap();
        let end = (at + cut..text.len()).find(|i| text.is_char_boundary(*i)).unwrap_or(text.len());
        let garbled = [&text[..at], &with, &text[end..]].concat();
        if let Err(found) = format("garbled", &garbled) {
            prop_assert!(found.iter().all(|d| d.code != "SEG0901"), "{}", garbled);
        }
    }
}
