//! The README's tables of settings and commands say what the binary says of itself.

use super::said;
use crate::architecture::workspace;
use crate::server::{command, run};
use std::collections::{BTreeMap, BTreeSet};

/// What `binnacle ARGUMENTS…` prints.
fn printed(arguments: &[&str]) -> String {
    let (status, printed, error) = said(&run(command(&workspace(), &[]).args(arguments), ""));
    assert_eq!(status, 0, "{error}");
    printed
}

/// The rows of the README's tables, in which the first cell is in code type: that cell, and the others.
fn rows() -> Vec<(String, Vec<String>)> {
    let text = std::fs::read_to_string(workspace().join("README.md")).unwrap();
    let cells = |line: &str| -> Vec<String> {
        line.trim_matches('|').split('|').map(|cell| cell.trim().replace('`', "")).collect()
    };
    text.lines()
        .filter(|line| line.starts_with("| `"))
        .map(|line| {
            let mut cells = cells(line);
            (cells.remove(0), cells)
        })
        .collect()
}

#[test]
fn every_setting_is_in_both_tables_with_the_same_default() {
    let help = printed(&["serve", "--help"]);
    let settings: BTreeMap<String, String> = help
        .lines()
        .filter_map(|line| line.trim().strip_prefix("BINNACLE_"))
        .map(|line| {
            let name = line.split_whitespace().next().unwrap();
            let default = line.rsplit_once('[').unwrap().1.trim_end_matches(']');
            (format!("BINNACLE_{name}"), if default.is_empty() { "none" } else { default }.to_owned())
        })
        .collect();
    assert!(settings.len() > 10, "{help}");
    let told: BTreeMap<String, String> = rows()
        .into_iter()
        .filter(|(name, _)| name.starts_with("BINNACLE_"))
        .map(|(name, cells)| (name, cells[0].clone()))
        .collect();
    assert_eq!(told, settings, "left: README.md, right: binnacle serve --help");
}

#[test]
fn every_command_is_in_both_tables() {
    let help = printed(&["--help"]);
    let commands = help.split("Commands:").nth(1).unwrap().split("Options:").next().unwrap();
    let commands: BTreeSet<String> = commands
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
        .map(|name| format!("binnacle {name}"))
        .collect();
    assert!(commands.len() > 5, "{help}");
    let told: BTreeSet<String> =
        rows().into_iter().map(|(name, _)| name).filter(|name| name.starts_with("binnacle ")).collect();
    assert_eq!(told, commands, "left: README.md, right: binnacle --help");
}

#[test]
fn every_make_target_is_in_both_tables() {
    let makefile = std::fs::read_to_string(workspace().join("Makefile")).unwrap();
    let targets: BTreeSet<String> = makefile
        .lines()
        .filter(|line| line.contains(": ## ") && !line.starts_with("help"))
        .map(|line| format!("make {}", line.split(':').next().unwrap()))
        .collect();
    let told: BTreeSet<String> =
        rows().into_iter().map(|(name, _)| name).filter(|name| name.starts_with("make ")).collect();
    assert_eq!(told, targets, "left: README.md, right: the Makefile");
}
