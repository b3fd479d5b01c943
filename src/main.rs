//! The command `segc`; all of it is in the library.

fn main() -> std::process::ExitCode {
    segc::cli::main()
}
