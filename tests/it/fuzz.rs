//! Random and mutated input through admission and `check`: no panic, no input that takes long, and every
//! promise about the answer kept. `make fuzz` does the same with a million inputs.

#[path = "../fuzz/campaign.rs"]
mod campaign;

use campaign::Plan;

#[test]
fn no_input_panics_or_takes_long() {
    let plan = Plan { only_pods: false, seed: 1, first: 0, count: 6_000, threads: 2 };
    println!("{plan:?}");
    let summary = campaign::run(plan, &|_| {});
    println!("{:?} in the code that is tested", summary.took);
    assert!(summary.failures.is_empty(), "{:#?}", summary.failures);
    assert_eq!(summary.inputs, plan.count);
    assert!(summary.reached * 2 >= summary.inputs, "only {} reached a validator", summary.reached);
    assert!(summary.refused * 10 >= summary.inputs, "only {} were refused", summary.refused);
}

#[test]
fn large_input_takes_time_in_proportion_to_its_size() {
    // What takes the square of 20 kB in time takes seconds in a debug build.
    for (name, input) in campaign::large::inputs("", 20_000).step_by(97) {
        if let Err(error) = campaign::run_large(&input) {
            panic!("{name}: {error}");
        }
    }
}
