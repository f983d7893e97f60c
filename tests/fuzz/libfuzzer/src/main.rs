//! One target, named by `BAILEE_FUZZ_TARGET`, guided by the coverage of this build.

#![no_main]

use std::sync::LazyLock;

use bailee_fuzz::Target;
use libfuzzer_sys::fuzz_target;

static TARGET: LazyLock<&Target> = LazyLock::new(|| {
    let name = std::env::var("BAILEE_FUZZ_TARGET").expect("BAILEE_FUZZ_TARGET names a target");
    bailee_fuzz::find(&name).expect("there is a target of that name")
});

fuzz_target!(|data: &[u8]| (TARGET.run)(data));
