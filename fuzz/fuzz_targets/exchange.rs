//! See `src/testkit/fuzz`: what is done with the bytes stands there, so that `make test` replays the corpus with the same code.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| vigie::testkit::fuzz::exchange(bytes));
