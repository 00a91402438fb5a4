//! A started simulator, the core's ports over blocking sockets, and a model of what the user
//! meant. The tests beside this hold the one against the other.

mod dice;
mod model;
mod port;
mod world;

pub use dice::Dice;
pub use model::{Expected, Rules, expected_change, expected_create, no_setting, row_text};
pub use port::{End, Line, Moment, Port, run};
pub use world::{Row, Rows, World, WorldClock};

/// Takes in a key that is shown once; none of the kinds with this callback shows any so.
pub async fn shown_to_nobody(_: relaykeep_core::site::RemoteKey) -> std::ops::ControlFlow<()> {
    std::ops::ControlFlow::Continue(())
}
