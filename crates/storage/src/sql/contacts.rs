//! The contacts.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::dialect::locking;
use super::scope::Scope;
use crate::error::StorageError;
use crate::repo::{Contact, ContactId, Contacts, NewContact};
use crate::schema::contacts;
use crate::sql_types::{DbTime, DbUuid};
use crate::text::{clean, clean_option, new_id};

#[derive(Queryable, Selectable)]
#[diesel(table_name = contacts)]
pub(super) struct ContactRow {
    id: DbUuid,
    name: String,
    phone: Option<String>,
    email: Option<String>,
    language: Option<String>,
    do_not_call: bool,
    last_call_at: Option<DbTime>,
}

#[async_trait]
impl Contacts for Scope {
    async fn get(&mut self, id: ContactId) -> Result<Option<Contact>, StorageError> {
        let found = contacts::table
            .filter(contacts::organization_id.eq(self.org))
            .filter(contacts::id.eq(DbUuid(id.0)))
            .select(ContactRow::as_select())
            .first(self.tx.conn()?)
            .await
            .optional();
        Ok(self.tx.check(found)?.map(Contact::from))
    }

    async fn find_by_phone(&mut self, phone: &str) -> Result<Option<Contact>, StorageError> {
        let found = contacts::table
            .filter(contacts::organization_id.eq(self.org))
            .filter(contacts::phone.eq(clean(phone)))
            .select(ContactRow::as_select())
            .first(self.tx.conn()?)
            .await
            .optional();
        Ok(self.tx.check(found)?.map(Contact::from))
    }

    async fn upsert(
        &mut self,
        contact: &NewContact<'_>,
        now: DateTime<Utc>,
    ) -> Result<Contact, StorageError> {
        // An insert that loses to another scope's has waited for it, and then the row is there to be filled.
        for _ in 0..2 {
            if let Some(known) = self.lock_by_phone(contact.phone).await? {
                return self.fill(known, contact, now).await;
            }
            let inserted = diesel::insert_into(contacts::table)
                .values((
                    contacts::organization_id.eq(self.org),
                    contacts::id.eq(DbUuid(new_id(now))),
                    contacts::name.eq(clean(contact.name.unwrap_or_default())),
                    contacts::phone.eq(clean_option(contact.phone)),
                    contacts::email.eq(clean_option(contact.email)),
                    contacts::last_call_at.eq(contact.last_call_at.map(DbTime)),
                    contacts::created_at.eq(DbTime(now)),
                    contacts::updated_at.eq(DbTime(now)),
                ))
                .on_conflict_do_nothing()
                .returning(ContactRow::as_returning())
                .get_result(self.tx.conn()?)
                .await
                .optional();
            if let Some(row) = self.tx.check(inserted)? {
                return Ok(row.into());
            }
        }
        let row = contact.phone.unwrap_or_default().to_owned();
        Err(StorageError::Inconsistent { table: "contacts", column: "phone", row })
    }

    async fn count(&mut self) -> Result<i64, StorageError> {
        let own = contacts::table.filter(contacts::organization_id.eq(self.org));
        let counted = own.count().get_result(self.tx.conn()?).await;
        self.tx.check(counted)
    }
}

impl Scope {
    async fn lock_by_phone(&mut self, phone: Option<&str>) -> Result<Option<Contact>, StorageError> {
        let Some(phone) = phone else { return Ok(None) };
        let found = locking!(
            contacts::table
                .filter(contacts::organization_id.eq(self.org))
                .filter(contacts::phone.eq(clean(phone)))
                .select(ContactRow::as_select())
        )
        .first(self.tx.conn()?)
        .await
        .optional();
        Ok(self.tx.check(found)?.map(Contact::from))
    }

    /// Writes what was unknown of a locked contact, if there is anything.
    async fn fill(
        &mut self,
        known: Contact,
        news: &NewContact<'_>,
        now: DateTime<Utc>,
    ) -> Result<Contact, StorageError> {
        let mut filled = known.clone();
        filled.fill(news);
        if filled == known {
            return Ok(known);
        }
        let updated = diesel::update(
            contacts::table
                .filter(contacts::organization_id.eq(self.org))
                .filter(contacts::id.eq(DbUuid(filled.id.0))),
        )
        .set((
            contacts::name.eq(&filled.name),
            contacts::email.eq(filled.email.as_deref()),
            contacts::last_call_at.eq(filled.last_call_at.map(DbTime)),
            contacts::updated_at.eq(DbTime(now)),
        ))
        .execute(self.tx.conn()?)
        .await;
        self.tx.check(updated)?;
        Ok(filled)
    }
}

impl From<ContactRow> for Contact {
    fn from(row: ContactRow) -> Self {
        Self {
            id: ContactId(row.id.0),
            name: row.name,
            phone: row.phone,
            email: row.email,
            language: row.language,
            do_not_call: row.do_not_call,
            last_call_at: row.last_call_at.map(|at| at.0),
        }
    }
}
