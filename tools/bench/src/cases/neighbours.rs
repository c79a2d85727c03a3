//! What one organization feels of the others, and of strangers.

use anyhow::Result;

use super::Outcome;
use crate::Lab;
use crate::compare::{Load, compare};
use crate::contender::gateway_with_limits;
use crate::offender::Offender;

/// A quiet organization's messages a second.
const RATE: u32 = 50;

/// Runs the case.
///
/// # Errors
/// If a gateway does not start, or refuses a message of the quiet organization.
pub(super) fn run(lab: &Lab) -> Result<Outcome> {
    let mut contenders = vec![gateway_with_limits(lab, "neighbours_none")?.named("alone")];
    for offender in Offender::ALL {
        let name = format!("neighbours_{}", contenders.len());
        let mut contender = gateway_with_limits(lab, &name)?.named(offender.name());
        contender.offender = Some(offender);
        contenders.push(contender);
    }
    for contender in &mut contenders {
        // The first organization offends; the load is of another one.
        contender.settings.push(("FIRST", "1".to_owned()));
    }
    compare(lab, Load::paced("status-update.lua", RATE), &mut contenders).map(Outcome::from)
}
