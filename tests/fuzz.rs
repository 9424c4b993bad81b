//! Whatever an agent sends and whatever stands in a journal is understood or refused: nothing panics.
//!
//! Each kind of input has a corpus, which is always run: what was found once, and what is found next goes there too. Beside it a
//! thousand inputs are made at random, from what is in order by changes of every kind. `SYNOD_FUZZ_CASES=1000000 scripts/test fuzz`
//! makes more.

mod changes;
mod inbound;
mod journal;

use std::fmt::Debug;

use proptest::strategy::Strategy;
use proptest::test_runner::{Config, TestRunner};

const CASES: u32 = 1_000;

/// Holds a property of so many inputs. One that does not have it is made as small as it can be, and shown.
fn explore<S: Strategy>(inputs: &S, property: impl Fn(&S::Value))
where
    S::Value: Debug,
{
    let wanted = std::env::var("SYNOD_FUZZ_CASES").ok();
    let cases = wanted.map_or(CASES, |cases| {
        cases.parse().expect("SYNOD_FUZZ_CASES is a number")
    });
    let config = Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    };
    let run = TestRunner::new(config).run(inputs, |input| {
        property(&input);
        Ok(())
    });
    run.unwrap_or_else(|found| panic!("{found}\nMend it, and put this input into the corpus."));
}
