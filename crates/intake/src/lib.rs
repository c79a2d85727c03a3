#![doc = include_str!("../README.md")]

mod clock;
mod directory;
mod error;
mod guard;
mod intake;
mod known_calls;
mod network;
mod options;
mod prove;
mod receive;
mod received;
mod record;
mod refusal;
mod refusals;
mod request;
mod work;

pub use clock::Clock;
pub use error::error_chain;
pub use intake::Intake;
pub use network::network_of;
pub use options::{IntakeLimits, IntakeOptions};
pub use receive::Answer;
pub use record::{Record, Verified};
pub use refusal::Refusal;
pub use request::{Origin, Request};
