//! Compiles `src/closed.c`, and links it though nothing of Rust refers to it.

fn main() {
    println!("cargo::rerun-if-changed=src/closed.c");
    cc::Build::new().file("src/closed.c").link_lib_modifier("+whole-archive").compile("closed");
}
