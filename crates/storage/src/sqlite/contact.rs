//! A contact outside any transaction.

use diesel::prelude::*;
use diesel::result::QueryResult;
use org_resolver::OrgId;

use super::dialect::Conn;
use super::sql::run;
use crate::repo::Contact;
use crate::schema::contacts;
use crate::sql_types::DbUuid;
use crate::text::clean;

/// The organization's contact with this number.
pub(super) async fn find(conn: &mut Conn, org: OrgId, phone: &str) -> QueryResult<Option<Contact>> {
    let own = contacts::table.filter(contacts::organization_id.eq(DbUuid(org.as_uuid())));
    Ok(run::load(conn, own.filter(contacts::phone.eq(clean(phone))).select(Contact::as_select()))
        .await?
        .pop())
}
