//! The contacts.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use diesel::prelude::*;

use super::super::dialect::locking;
use super::scope::Scope;
use crate::error::StorageError;
use crate::repo::{Contact, ContactId, Contacts, NewContact};
use crate::schema::contacts;
use crate::sql_types::DbTime;
use crate::text::{clean, clean_option, new_id};

#[async_trait]
impl Contacts for Scope {
    async fn get(&mut self, id: ContactId) -> Result<Option<Contact>, StorageError> {
        let own = contacts::table.filter(contacts::organization_id.eq(self.org));
        self.tx.find(own.filter(contacts::id.eq(id)).select(Contact::as_select())).await
    }

    async fn find_by_phone(&mut self, phone: &str) -> Result<Option<Contact>, StorageError> {
        let own = contacts::table.filter(contacts::organization_id.eq(self.org));
        self.tx.find(own.filter(contacts::phone.eq(clean(phone))).select(Contact::as_select())).await
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
            let new = (
                contacts::organization_id.eq(self.org),
                contacts::id.eq(ContactId(new_id(now))),
                contacts::name.eq(clean(contact.name.unwrap_or_default())),
                contacts::phone.eq(clean_option(contact.phone)),
                contacts::email.eq(clean_option(contact.email)),
                contacts::last_call_at.eq(contact.last_call_at),
                contacts::created_at.eq(DbTime(now)),
                contacts::updated_at.eq(DbTime(now)),
            );
            let insert = diesel::insert_into(contacts::table).values(new).on_conflict_do_nothing();
            if let Some(made) = self.tx.find(insert.returning(Contact::as_returning())).await? {
                return Ok(made);
            }
        }
        let row = contact.phone.unwrap_or_default().to_owned();
        Err(StorageError::Inconsistent { table: "contacts", column: "phone", row })
    }

    async fn count(&mut self) -> Result<i64, StorageError> {
        self.tx.value(contacts::table.filter(contacts::organization_id.eq(self.org)).count()).await
    }
}

impl Scope {
    async fn lock_by_phone(&mut self, phone: Option<&str>) -> Result<Option<Contact>, StorageError> {
        let Some(phone) = phone else { return Ok(None) };
        let own = contacts::table.filter(contacts::organization_id.eq(self.org));
        let known = own.filter(contacts::phone.eq(clean(phone))).select(Contact::as_select());
        self.tx.find(locking!(known)).await
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
        if filled != known {
            let own = contacts::table.filter(contacts::organization_id.eq(self.org));
            let update = diesel::update(own.filter(contacts::id.eq(filled.id))).set((
                contacts::name.eq(&filled.name),
                contacts::email.eq(&filled.email),
                contacts::last_call_at.eq(filled.last_call_at),
                contacts::updated_at.eq(DbTime(now)),
            ));
            self.tx.execute(update).await?;
        }
        Ok(filled)
    }
}
