//! moto's Secrets Manager and STS as a child process: an opinion on AWS that is not ours.
//!
//! It comes from `target/moto`, which `tests/aws/build.sh` makes, or from the virtual environment named by
//! `KEYHATCH_MOTO`. It listens on a free port of 127.0.0.1 and ends with this process (see [`super::process`]).

use std::path::{Path, PathBuf};
use std::process::Command;
use std::slice::from_mut;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use super::http;
use super::process::{Guardian, Process, free_address, retry, wait_ready};

/// Python reads some hundred files first, on a machine that does other things, too.
const START_LIMIT: Duration = Duration::from_secs(120);

/// The account of every caller that moto does not know.
pub(crate) const ACCOUNT: &str = "123456789012";

/// A running moto; dropping it ends the process.
pub(crate) struct Moto {
    // Dropped before the guardian, so nothing writes to the folder it removes.
    process: Process,
    guardian: Guardian,
    url: String,
}

/// The moto that all tests of this process share; they keep apart by the names of their secrets.
pub(crate) fn shared() -> &'static Moto {
    static SHARED: OnceLock<Result<Moto, String>> = OnceLock::new();
    let moto = SHARED.get_or_init(Moto::start);
    moto.as_ref().unwrap_or_else(|error| panic!("no moto: {error}"))
}

impl Moto {
    /// Starts it and waits until it answers.
    pub(crate) fn start() -> Result<Self, String> {
        let program = environment().join("bin/moto_server");
        if !program.is_file() {
            return Err(format!(
                "{} is missing; `tests/aws/build.sh target/moto` makes it",
                program.display()
            ));
        }
        retry(Instant::now() + START_LIMIT, |deadline| {
            let guardian = Guardian::new()?;
            let address = free_address()?;
            let mut command = Command::new(&program);
            command.arg("--host").arg(address.ip().to_string()).arg("--port").arg(address.port().to_string());
            let mut process = guardian.spawn("moto", &mut command)?;
            let url = format!("http://{address}");
            let probe = format!("{url}/moto-api/");
            wait_ready(from_mut(&mut process), deadline, || http::get(&probe).map(drop))?;
            Ok(Self { process, guardian, url })
        })
    }

    /// The endpoint of every service in every region.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }
}

fn environment() -> PathBuf {
    std::env::var_os("KEYHATCH_MOTO")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("target/moto"), PathBuf::from)
}
