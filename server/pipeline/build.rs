//! `sqlx::migrate!` embeds a folder outside this package; cargo must be told to look there.
fn main() {
    println!("cargo:rerun-if-changed=../../migrations");
}
