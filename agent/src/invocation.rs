//! The args of the injected container: a mode, then options that are each written once as `--name=value`. The webhook
//! writes them, agent and broker read them; whoever wrote anything else is told what.

use serde_json as json;
use thiserror::Error;

use crate::Request;

/// How the injected container was called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invocation {
    /// Once, or for as long as the pod lives.
    pub mode: Mode,
    /// What is asked for.
    pub request: Request,
    /// Host name and port of the broker's Service; certificates are checked against this name.
    pub broker: String,
    /// The Service's address, dialled when the name cannot be resolved.
    pub broker_address: Option<String>,
    /// Certificates of the authorities that may sign for the broker, as PEM.
    pub roots: String,
    /// Seconds from the start after which an agent that has nothing yet gives up, to be started again.
    pub deadline: u64,
}

/// How long the injected container runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Fetches once and ends.
    Init,
    /// Fetches, and again every `refresh` seconds.
    Sidecar,
}

/// Why args are not those of an injected container.
#[derive(Debug, Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum InvocationError {
    #[error("{0:?} is no mode: the first argument is init or sidecar")]
    Mode(String),
    #[error(
        "{0:?} is no option of the agent: options are --request, --broker, --broker-address, --roots and --deadline, written --name=value"
    )]
    Option(String),
    #[error("--{0} is given twice")]
    Twice(&'static str),
    #[error("--{0} is missing")]
    Missing(&'static str),
    #[error("--request: {0}")]
    Request(#[source] json::Error),
    #[error("--deadline={0:?}: a whole number of seconds")]
    Deadline(String),
}

impl Mode {
    fn as_str(self) -> &'static str {
        match self {
            Self::Init => "init",
            Self::Sidecar => "sidecar",
        }
    }
}

impl Invocation {
    /// The args, in an order that is always the same.
    ///
    /// # Errors
    /// None that a [`Request`] can have: the type says so only because JSON's writer does.
    pub fn to_args(&self) -> Result<Vec<String>, json::Error> {
        let Self { mode, request, broker, broker_address, roots, deadline } = self;
        let mut args = vec![
            mode.as_str().to_owned(),
            format!("--request={}", json::to_string(request)?),
            format!("--broker={broker}"),
        ];
        args.extend(broker_address.iter().map(|address| format!("--broker-address={address}")));
        args.push(format!("--roots={roots}"));
        args.push(format!("--deadline={deadline}"));
        Ok(args)
    }

    /// Reads the args.
    ///
    /// # Errors
    /// Anything that [`Invocation::to_args`] does not write.
    pub fn from_args<A: AsRef<str>>(args: &[A]) -> Result<Self, InvocationError> {
        let mut args = args.iter().map(AsRef::as_ref);
        let mode = match args.next().unwrap_or_default() {
            "init" => Mode::Init,
            "sidecar" => Mode::Sidecar,
            other => return Err(InvocationError::Mode(other.to_owned())),
        };
        let mut options = Options::default();
        for arg in args {
            options.take(arg)?;
        }
        let Options { request, broker, broker_address, roots, deadline } = options;
        let request = request.ok_or(InvocationError::Missing("request"))?;
        let deadline = deadline.ok_or(InvocationError::Missing("deadline"))?;
        Ok(Self {
            mode,
            request: json::from_str(request).map_err(InvocationError::Request)?,
            broker: broker.ok_or(InvocationError::Missing("broker"))?.to_owned(),
            broker_address: broker_address.map(str::to_owned),
            roots: roots.ok_or(InvocationError::Missing("roots"))?.to_owned(),
            deadline: deadline.parse().map_err(|_| InvocationError::Deadline(deadline.to_owned()))?,
        })
    }
}

#[derive(Default)]
struct Options<'a> {
    request: Option<&'a str>,
    broker: Option<&'a str>,
    broker_address: Option<&'a str>,
    roots: Option<&'a str>,
    deadline: Option<&'a str>,
}

impl<'a> Options<'a> {
    fn take(&mut self, arg: &'a str) -> Result<(), InvocationError> {
        let unknown = || InvocationError::Option(arg.chars().take(100).collect());
        let (name, value) = arg.split_once('=').ok_or_else(unknown)?;
        let (slot, known) = match name {
            "--request" => (&mut self.request, "request"),
            "--broker" => (&mut self.broker, "broker"),
            "--broker-address" => (&mut self.broker_address, "broker-address"),
            "--roots" => (&mut self.roots, "roots"),
            "--deadline" => (&mut self.deadline, "deadline"),
            _ => return Err(unknown()),
        };
        slot.replace(value).map_or(Ok(()), |_| Err(InvocationError::Twice(known)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn invocation() -> Invocation {
        Invocation {
            mode: Mode::Sidecar,
            request: Request { refresh: Some(300), ..Request::default() },
            broker: "keyhatch-broker.keyhatch-system.svc:10251".into(),
            broker_address: Some("10.96.0.7".into()),
            roots: "-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n".into(),
            deadline: 300,
        }
    }

    #[test]
    fn args_are_read_as_they_were_written() {
        let written = invocation();
        assert_eq!(Invocation::from_args(&written.to_args().unwrap()).unwrap(), written);
        let without = Invocation { broker_address: None, mode: Mode::Init, ..written };
        assert_eq!(Invocation::from_args(&without.to_args().unwrap()).unwrap(), without);
    }

    #[test]
    fn other_args_are_named() {
        let good = invocation().to_args().unwrap();
        let with = |arg: &str| [good.clone(), vec![arg.to_owned()]].concat();
        for (args, message) in [
            (vec![], "\"\" is no mode: the first argument is init or sidecar"),
            (with("--broker=x"), "--broker is given twice"),
            (with("--request"), "\"--request\" is no option of the agent"),
            (good[..2].to_vec(), "--deadline is missing"),
        ] {
            let error = Invocation::from_args(&args).unwrap_err().to_string();
            assert!(error.starts_with(message), "{error}");
        }
    }
}
