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
