//! What goes wrong around a running replica: a clear state in `/readyz?verbose`, no end of it, and recovery by itself.
//!
//! - [`spoilt`]: our Secret and our webhook configuration, changed by somebody
//! - [`silence`]: an API server that refuses, breaks or does not answer
//! - [`rights`]: each right that is missing

mod rights;
mod silence;
mod spoilt;
