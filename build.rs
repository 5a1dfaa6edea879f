//! Builds anew when a file of the browser client is added or taken away: its macro sees changes only.

fn main() {
    println!("cargo:rerun-if-changed=src/client/assets");
    println!("cargo:rerun-if-changed=src/client/swagger-ui");
}
