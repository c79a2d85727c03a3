//! Has the crate built again when a migration changes: they are embedded, and the macro does not say so.

fn main() {
    println!("cargo::rerun-if-changed=../../migrations");
}
