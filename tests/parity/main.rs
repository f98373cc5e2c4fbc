//! Compares Keyhatch's reading and writing of documents with Go's on random documents and paths, as many as one likes:
//! `make parity`. Two generators: by one the code was made, the other was kept aside.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a broken environment ends the run"
)]

#[path = "../support/go.rs"]
#[allow(dead_code, reason = "the integration tests use the rest")]
mod go;

mod random;
#[path = "soup.rs"]
mod soup;
#[path = "trees.rs"]
mod trees;

use std::process::ExitCode;

use clap::{Parser, ValueEnum};
use random::Random;
use serde_json::{Value, json};

/// Compares with Go's gjson and sjson.
#[derive(Parser)]
struct Args {
    /// How many documents with a path each.
    #[arg(long, default_value_t = 50_000)]
    count: u64,
    /// Where the stream of pairs begins.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// What makes the pairs.
    #[arg(long, default_value = "trees")]
    generator: Generator,
    /// How many differences are shown.
    #[arg(long, default_value_t = 20)]
    show: usize,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum Generator {
    /// Random trees, and paths made of their keys and of every operator; a fifth of both is damaged.
    Trees,
    /// Documents as people have them, and paths of pieces in any order.
    Soup,
}

fn main() -> ExitCode {
    let args = Args::parse();
    let mut random = Random::new(args.seed);
    let mut requests: Vec<(&str, Value)> = Vec::new();
    for index in 0..args.count {
        let (document, path) = match args.generator {
            Generator::Trees => (trees::document(&mut random), trees::path(&mut random)),
            Generator::Soup => (soup::document(&mut random), soup::path(&mut random)),
        };
        let document = go::mask(&document);
        requests.push(match index % 4 {
            0 => ("set", json!([document, trees::written_path(&mut random), trees::text(&mut random)])),
            1 if index % 8 == 1 => ("delete", json!([document, trees::written_path(&mut random)])),
            _ => ("read", json!([document, path])),
        });
    }
    let answers = go::ask(requests.iter().map(|(kind, parts)| (*kind, parts)));
    let (mut different, mut refused, mut found) = (0, 0, 0);
    for ((kind, parts), answer) in requests.iter().zip(&answers) {
        found += u64::from(answer["ok"] == true);
        match go::ours(kind, parts) {
            Err(error) if !agrees(kind, &error, answer) => {
                refused += 1;
                if refused <= args.show {
                    println!("refused {kind} {parts}: {error}");
                }
            }
            Ok(our) if our != *answer => {
                different += 1;
                if different <= args.show {
                    println!("{kind} {parts}\n    we: {our}\n    go: {answer}");
                }
            }
            Ok(_) | Err(_) => {}
        }
    }
    println!("{} pairs, Go finds or writes {found}: {different} different, {refused} refused", answers.len());
    if different == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Whether a refusal is what Go answers too: it drops writes by queries.
fn agrees(kind: &str, error: &str, answer: &Value) -> bool {
    kind != "read" && (answer["ok"] == false || error.contains("makes the property a query"))
}
