//! The two servers as child processes, and what the kernel knows of them.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;
use std::slice::from_mut;
use std::time::{Duration, Instant};

use crate::support::certificates::{self, CertificateOptions, Certificates};
use crate::support::http;
use crate::support::process::{Guardian, Process, free_address, next_number, retry, wait_ready};

const START_LIMIT: Duration = Duration::from_secs(20);

/// Both servers, and the folder with their certificate; dropping it ends and removes them.
pub(crate) struct Servers {
    pub(crate) baseline: Server,
    pub(crate) keyhatch: Server,
    // Dropped last: the servers' logs are in its folder.
    _guardian: Guardian,
}

/// A running server.
pub(crate) struct Server {
    pub(crate) name: &'static str,
    pub(crate) address: SocketAddr,
    pub(crate) ca_file: PathBuf,
    process: Process,
}

/// Resident memory in KiB.
pub(crate) struct Memory {
    pub(crate) now: u64,
    pub(crate) peak: u64,
}

impl Servers {
    /// Starts both with one new certificate.
    pub(crate) fn start() -> Result<Self, String> {
        let guardian = Guardian::new()?;
        let tls = certificates::certificates(guardian.root(), &CertificateOptions::default());
        let this = std::env::current_exe().map_err(|error| format!("which program this is: {error}"))?;
        let baseline = Server::start(&guardian, "baseline", &tls, |address| {
            let mut command = Command::new(&this);
            command.args(["baseline", "--listen", address]);
            command.arg("--cert").arg(&tls.cert_file).arg("--key").arg(&tls.key_file);
            command
        })?;
        let keyhatch = Server::start(&guardian, "keyhatch", &tls, |address| {
            let mut command = Command::new(env!("CARGO_BIN_EXE_keyhatch"));
            command.args(["serve", "--webhook-listen", address, "--health-listen", "127.0.0.1:0"]);
            command.arg("--tls-cert-file").arg(&tls.cert_file).arg("--tls-key-file").arg(&tls.key_file);
            command
                .arg("--tls-ca-file")
                .arg(&tls.ca_file)
                .arg("--agent-image=registry.example.com/keyhatch-agent:1");
            command
        })?;
        Ok(Self { baseline, keyhatch, _guardian: guardian })
    }
}

impl Server {
    fn start(
        guardian: &Guardian,
        name: &'static str,
        tls: &Certificates,
        command: impl Fn(&str) -> Command,
    ) -> Result<Self, String> {
        retry(Instant::now() + START_LIMIT, |deadline| {
            let address = free_address()?;
            let mut command = command(&address.to_string());
            // Nothing of the caller's environment may configure a server.
            command.env_clear();
            let mut process = guardian.spawn(&format!("{name}-{}", next_number()), &mut command)?;
            let connects = || http::connect(&address.to_string()).map(drop);
            wait_ready(from_mut(&mut process), deadline, connects)?;
            Ok(Self { name, address, ca_file: tls.ca_file.clone(), process })
        })
    }

    /// CPU time of all its threads so far. `schedstat` counts nanoseconds, `stat` only ticks of 10 ms.
    pub(crate) fn cpu(&self) -> Result<Duration, String> {
        let tasks = format!("/proc/{}/task", self.process.id());
        let failed = |error| format!("CPU time of {}: {error}", self.name);
        let mut total = 0;
        for task in fs::read_dir(&tasks).map_err(failed)? {
            let text = fs::read_to_string(task.map_err(failed)?.path().join("schedstat")).map_err(failed)?;
            let on_cpu = text.split(' ').next().and_then(|word| word.parse::<u64>().ok());
            total += on_cpu.ok_or_else(|| format!("CPU time of {}: {text:?}", self.name))?;
        }
        Ok(Duration::from_nanos(total))
    }

    /// What it has in memory, and had at most.
    pub(crate) fn memory(&self) -> Result<Memory, String> {
        let file = format!("/proc/{}/status", self.process.id());
        let status = fs::read_to_string(&file).map_err(|error| format!("{file}: {error}"))?;
        let kib = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            let number = line.and_then(|rest| rest.split_whitespace().next()).and_then(|n| n.parse().ok());
            number.ok_or_else(|| format!("{file}: no {name}"))
        };
        Ok(Memory { now: kib("VmRSS:")?, peak: kib("VmHWM:")? })
    }

    /// What it logged; told when a measurement fails.
    pub(crate) fn log(&self) -> String {
        self.process.log()
    }
}
