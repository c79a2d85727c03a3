//! What the policies cost: the same program, with them and without.

use anyhow::{Context as _, Result};

use super::{Outcome, RATE};
use crate::Lab;
use crate::compare::{Load, compare};
use crate::contender::{Contender, gateway_on_postgres};
use crate::store::Table;

/// Takes row-level security from every table.
const DISARM: &str = "DO $$
DECLARE
    guarded regclass;
BEGIN
    FOR guarded IN SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relrowsecurity LOOP
        EXECUTE format('ALTER TABLE %s NO FORCE ROW LEVEL SECURITY, DISABLE ROW LEVEL SECURITY', guarded);
    END LOOP;
END
$$";

/// Runs the case of messages.
///
/// # Errors
/// If a gateway does not start, or answers otherwise than expected.
pub(super) fn messages(lab: &Lab) -> Result<Outcome> {
    let mut contenders = both(lab, "isolation")?.map(|contender| contender.grows(Table::Messages));
    compare(lab, Load::full(lab.plan, "status-update.lua"), &mut contenders).map(Outcome::from)
}

/// Runs the case of bookings.
///
/// # Errors
/// As [`messages`].
pub(super) fn bookings(lab: &Lab) -> Result<Outcome> {
    let contenders = both(lab, "isolation_bookings")?;
    let mut contenders =
        contenders.map(|contender| contender.answers(200, "toolCallId").grows(Table::Appointments));
    compare(lab, Load::paced("booking.lua", RATE), &mut contenders).map(Outcome::from)
}

/// Two gateways, the second on a database that has stopped checking.
fn both(lab: &Lab, case: &str) -> Result<[Contender; 2]> {
    let guarded = gateway_on_postgres(lab, case)?.named("with policies");
    let open = gateway_on_postgres(lab, &format!("{case}_open"))?.named("without policies");
    let store = open.store.as_ref().context("no database")?;
    pg::query(&store.url(), DISARM)?;
    Ok([guarded, open])
}
