//! The host with the allocator that comes with the system.

fn main() {
    bailee_memory::run();
}
