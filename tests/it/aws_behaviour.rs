//! One suite on what Secrets Manager and STS do, played with the SDK's own clients against moto and against our fake,
//! so that the fake cannot drift.
//!
//! The scripts are `tests/data/aws/*.txt`, their transcripts are snapshots. Both sides must give the same transcript,
//! but for what [`deviations`] names: there moto must still do exactly what it is said to do.

mod deviations;
mod reads;
mod script;
mod sts;
mod writes;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use script::{Command, Names};

use crate::aws_sdk;
use crate::support::aws::account::{Keys, allow_all, trust};
use crate::support::aws::{Aws, DEFAULT_REGION};
use crate::support::moto;

macro_rules! scripts {
    ($($name:ident),* $(,)?) => {
        const SCRIPTS: &[&str] = &[$(stringify!($name)),*];

        mod on_fake {
            $(#[tokio::test]
            async fn $name() {
                super::play_on_fake(stringify!($name)).await;
            })*
        }

        mod on_moto {
            $(#[tokio::test]
            async fn $name() {
                super::play_on_moto(stringify!($name)).await;
            })*
        }
    };
}

scripts! {
    arns, batch, bounds, create, delete, describe, filters, pages, policies, replicas, sessions, tags, tokens, update,
    versions,
}

#[test]
fn every_script_is_played_and_every_deviation_is_in_one() {
    let mut files: Vec<String> = fs::read_dir(folder())
        .unwrap()
        .filter_map(|entry| Some(entry.unwrap().file_name().to_str()?.strip_suffix(".txt")?.to_owned()))
        .collect();
    files.sort();
    assert_eq!(files, SCRIPTS);
    for deviation in deviations::ALL {
        let text = fs::read_to_string(folder().join(deviation.script).with_extension("txt")).unwrap();
        let times = text.lines().filter(|line| *line == deviation.command).count();
        assert_eq!(times, 1, "{}: {}", deviation.script, deviation.command);
        assert!(deviation.page.starts_with("https://docs.aws.amazon.com/"), "{}", deviation.page);
        assert_ne!(deviation.aws, deviation.moto);
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/aws")
}

/// One of the two, with what a script has got from it so far.
pub(crate) struct Side {
    url: String,
    admin: Keys,
    session: Option<Keys>,
    as_session: bool,
    region: String,
    /// ARNs by name, as CreateSecret gave them.
    arns: BTreeMap<String, String>,
    next_token: Option<String>,
    names: Names,
    /// By region and whether as the session: to make one takes a while, it reads the machine's certificates.
    clients: BTreeMap<(String, bool), aws_sdk_secretsmanager::Client>,
}

async fn play_on_fake(name: &str) {
    let aws = Aws::start();
    let account = aws.account(moto::ACCOUNT);
    account.role("reader", &trust(&[moto::ACCOUNT]), &[allow_all()]);
    let side = Side::new(&aws.url(), account.keys(), name);
    let transcript = play(side, name, |deviation| (deviation.aws, deviation.aws)).await;
    insta::assert_snapshot!(name, transcript);
}

async fn play_on_moto(name: &str) {
    let moto = tokio::task::spawn_blocking(moto::shared).await.unwrap();
    let keys = Keys {
        id: "AKIAIOSFODNN7EXAMPLE".to_owned(),
        secret: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".to_owned(),
        session_token: None,
    };
    let side = Side::new(moto.url(), keys, name);
    let transcript = play(side, name, |deviation| (deviation.moto, deviation.aws)).await;
    insta::assert_snapshot!(name, transcript);
}

/// The transcript of a script. `deviates` says what is expected here where the two differ, and what is written down.
async fn play(
    mut side: Side,
    name: &str,
    deviates: impl Fn(&deviations::Deviation) -> (&'static str, &'static str),
) -> String {
    let text = fs::read_to_string(folder().join(name).with_extension("txt")).unwrap();
    let mut transcript = String::new();
    for line in text.lines() {
        transcript += line;
        transcript += "\n";
        let Some(command) = Command::read(line) else { continue };
        let Some(answer) = side.obey(&command).await else { continue };
        let deviation = deviations::ALL.iter().find(|one| one.script == name && one.command == line);
        let written = match deviation.map(&deviates) {
            None => answer,
            Some((expected, written)) => {
                assert_eq!(answer, expected, "{name}: {line}");
                written.to_owned()
            }
        };
        transcript += &format!("    {written}\n");
    }
    transcript
}

impl Side {
    fn new(url: &str, admin: Keys, script: &str) -> Self {
        Self {
            url: url.to_owned(),
            admin,
            session: None,
            as_session: false,
            region: DEFAULT_REGION.to_owned(),
            arns: BTreeMap::new(),
            next_token: None,
            names: Names::new(script),
            clients: BTreeMap::new(),
        }
    }

    /// What AWS answers; `None` for a command that is not for AWS.
    async fn obey(&mut self, command: &Command) -> Option<String> {
        match command.operation() {
            "Region" => {
                command.need("Is").clone_into(&mut self.region);
                return None;
            }
            "As" => {
                self.as_session = command.need("Is") == "session";
                return None;
            }
            _ => {}
        }
        let command = command.fill_in(self);
        let client = self.client();
        let answer = if let Some(answer) = reads::call(&client, &command).await {
            answer
        } else if let Some(answer) = writes::call(&client, &command).await {
            answer
        } else {
            let client = aws_sdk::sts(&self.url, self.keys());
            sts::call(&client, &command, &mut self.session).await
        };
        if let Some((name, arn)) = answer.named() {
            self.arns.insert(name, arn);
        }
        self.next_token.clone_from(&answer.next_token);
        Some(self.names.shorten(&answer.text()))
    }

    fn client(&mut self) -> aws_sdk_secretsmanager::Client {
        let kind = (self.region.clone(), self.as_session);
        let new = || aws_sdk::secrets_manager(&self.url, &self.region, self.keys());
        let client = self.clients.get(&kind).cloned().unwrap_or_else(new);
        self.clients.entry(kind).or_insert(client).clone()
    }

    fn keys(&self) -> &Keys {
        if self.as_session { self.session.as_ref().expect("a session") } else { &self.admin }
    }

    /// The ARN of a secret that the script made.
    pub(crate) fn arn(&self, name: &str) -> &str {
        self.arns.get(name).unwrap_or_else(|| panic!("no secret {name} was made"))
    }
}
