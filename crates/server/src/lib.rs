#![doc = include_str!("../README.md")]

mod address;
mod app;
mod body;
mod clock;
pub mod config;
mod error;
mod handlers;
mod log_line;
mod routes;
mod state;
pub mod telemetry;
mod tls;

pub use address::{IpRange, NotARange};
pub use app::{BuildError, Gateway, ServeError, build};
pub use clock::SystemClock;
pub use config::{Config, ConfigError, ProcessVars, Vars};
pub use intake::Clock;
pub use routes::{Access, Method, ROUTES, Route};
