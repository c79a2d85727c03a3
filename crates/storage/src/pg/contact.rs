//! A contact in one round trip.

use std::borrow::Cow;

use diesel::dsl::{AsSelect, SqlTypeOf};
use diesel::pg::Pg;
use diesel::query_builder::{AstPass, Query, QueryFragment};
use diesel::result::QueryResult;
use diesel::sql_types::Text;
use org_resolver::OrgId;

use super::dialect::Conn;
use super::sql::run;
use crate::repo::Contact;
use crate::sql_types::{DbUuid, SqlUuid};
use crate::text::clean;

/// The organization's contact with this number, by a function that enters the organization for its own statement alone.
pub(super) async fn find(conn: &mut Conn, org: OrgId, phone: &str) -> QueryResult<Option<Contact>> {
    let find = FindContact { org: DbUuid(org.as_uuid()), phone: clean(phone) };
    Ok(run::load(conn, find).await?.pop())
}

struct FindContact<'a> {
    org: DbUuid,
    phone: Cow<'a, str>,
}

impl QueryFragment<Pg> for FindContact<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("SELECT id, name, phone, email, language, do_not_call, last_call_at FROM find_contact(");
        out.push_bind_param::<SqlUuid, _>(&self.org)?;
        out.push_sql(", ");
        out.push_bind_param::<Text, _>(&self.phone)?;
        out.push_sql(")");
        Ok(())
    }
}

impl Query for FindContact<'_> {
    type SqlType = SqlTypeOf<AsSelect<Contact, Pg>>;
}
