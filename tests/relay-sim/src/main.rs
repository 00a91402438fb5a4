//! `relay-sim`: simulated relay sites on loopback, until told to stop.

use std::io::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use relay_sim::{Args, USAGE, start};
use tokio::io::AsyncReadExt as _;

#[tokio::main]
async fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if words.iter().any(|word| word == "--help" || word == "-h") {
        let _ = writeln!(std::io::stdout(), "{USAGE}");
        return ExitCode::SUCCESS;
    }
    match run(words).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "relay-sim: {error}\n{USAGE}");
            ExitCode::FAILURE
        }
    }
}

async fn run(words: Vec<String>) -> Result<(), String> {
    let args = Args::read(words)?;
    let running = start(&args).await.map_err(|error| error.to_string())?;
    let mut out = std::io::stdout().lock();
    for line in running.describe() {
        writeln!(out, "{line}").map_err(|error| error.to_string())?;
    }
    out.flush().map_err(|error| error.to_string())?;
    drop(out);
    let mut asked = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())
        .map_err(|error| error.to_string())?;
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = asked.recv() => {}
        () = tokio::time::sleep(Duration::from_secs(args.seconds)) => {}
        () = stdin_closed(), if args.die_with_parent => {}
    }
    drop(running);
    // A blocked read of standard input would keep the runtime from ending.
    std::process::exit(0);
}

/// Returns when whoever started us is gone: its end of the pipe closes with it.
async fn stdin_closed() {
    let mut stdin = tokio::io::stdin();
    let mut buffer = [0; 256];
    while stdin.read(&mut buffer).await.is_ok_and(|count| count > 0) {}
}
