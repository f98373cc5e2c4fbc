//! A line of a bench's table: what was measured, and what it may be at most or must be at least.

use std::process::ExitCode;

use tokio::runtime::Builder;

/// Measures, and prints the table. A bar that is missed is a failure, unless that is no matter.
pub(crate) fn measure(is_no_matter: bool, measuring: impl Future<Output = Vec<Bar>>) -> ExitCode {
    let Ok(runtime) = Builder::new_multi_thread().enable_all().build() else { return ExitCode::FAILURE };
    // All are printed: `all` alone would stop at the first that is missed.
    let met: Vec<bool> = runtime.block_on(measuring).iter().map(Bar::print).collect();
    if is_no_matter || met.into_iter().all(|met| met) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Something that was measured.
pub(crate) struct Bar {
    pub(crate) what: &'static str,
    pub(crate) unit: &'static str,
    pub(crate) found: f64,
    pub(crate) bound: Bound,
}

/// On which side of the bar the good ones are.
#[allow(dead_code, reason = "a bench that has no bar of one side is no worse for it")]
pub(crate) enum Bound {
    Most(f64),
    Least(f64),
}

impl Bar {
    /// Answers whether it is met.
    pub(crate) fn print(&self) -> bool {
        let Self { what, unit, found, bound } = self;
        let (is_met, side, bound) = match bound {
            Bound::Most(most) => (found <= most, "at most", most),
            Bound::Least(least) => (found >= least, "at least", least),
        };
        let verdict = if is_met { "ok" } else { "MISSED" };
        println!("{what:62} {found:>9.2} {side:>8} {bound:>7.1} {unit:10} {verdict}");
        is_met
    }
}
