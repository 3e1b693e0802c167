//! The program `carillon`: reads its flags and hands over to the library.

fn main() -> anyhow::Result<()> {
    server::run::main()
}
