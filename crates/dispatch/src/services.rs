//! Shared by handlers and tools.

use std::sync::Arc;
use std::time::Duration;

use futures::future::try_join;
use org_resolver::VerifiedOrg;
use storage::repo::Contact;
use storage::{OrgScope, Recorded, Storage, StorageError, TenantData};

use crate::incoming::IncomingMessage;
use crate::outcome::DispatchError;
use crate::tools::ToolRegistry;

/// Deadlines and bounds of the work.
#[derive(Clone, Copy, Debug)]
pub struct DispatchOptions {
    /// When an assistant request is answered with the fallback.
    pub assistant_request_deadline: Duration,
    /// When any other message is told that the store does not answer.
    pub message_deadline: Duration,
    /// When a tool call is answered with an apology. Below the provider's own 20 seconds.
    pub tool_deadline: Duration,
}

impl Default for DispatchOptions {
    fn default() -> Self {
        Self {
            assistant_request_deadline: Duration::from_secs(3),
            message_deadline: Duration::from_secs(12),
            tool_deadline: Duration::from_secs(12),
        }
    }
}

/// The store, the tools, and how long each may take.
pub(crate) struct Services {
    pub(crate) storage: Storage,
    pub(crate) options: DispatchOptions,
    pub(crate) tools: ToolRegistry,
}

impl Services {
    /// The work within its deadline; past it the work is dropped, and nothing of it is kept that was not committed. Where
    /// no time is left, it does not begin.
    pub(crate) async fn in_time<T>(
        &self,
        deadline: Duration,
        work: impl Future<Output = Result<T, StorageError>>,
    ) -> Result<T, DispatchError> {
        if deadline.is_zero() {
            return Err(DispatchError::Deadline(deadline));
        }
        match tokio::time::timeout(deadline, work).await {
            Ok(done) => Ok(done?),
            Err(_elapsed) => Err(DispatchError::Deadline(deadline)),
        }
    }
}

/// A handler's arguments: a message, whose it is, and the services.
#[derive(Clone, Copy)]
pub(crate) struct Handling<'a> {
    pub(crate) services: &'a Services,
    pub(crate) org: &'a VerifiedOrg,
    pub(crate) incoming: &'a IncomingMessage<'a>,
}

impl Handling<'_> {
    /// What the organization declared of itself.
    pub(crate) async fn tenant(self) -> Result<Arc<TenantData>, StorageError> {
        self.services.storage.tenant(self.org).await
    }

    /// Records the message, and looks a number's contact up meanwhile.
    pub(crate) async fn record_with_contact(
        self,
        number: Option<&str>,
    ) -> Result<(Vec<&'static str>, Option<Contact>), StorageError> {
        let contact = async {
            match number {
                Some(number) => self.services.storage.contact(self.org, number).await,
                None => Ok(None),
            }
        };
        try_join(self.record(), contact).await
    }

    /// Records a message whose answer needs nothing of the store.
    pub(crate) async fn record(self) -> Result<Vec<&'static str>, StorageError> {
        let record = self.incoming.record(self.org.via());
        self.services.storage.record(self.org, record).await.map(|recorded| effects(&recorded))
    }

    /// Opens a scope and records the message in it, for a handler that goes on there.
    pub(crate) async fn receive(self) -> Result<(OrgScope, Vec<&'static str>), StorageError> {
        let mut scope = self.services.storage.scope(self.org).await?;
        let recorded = scope.events().record(Arc::new(self.incoming.record(self.org.via()))).await?;
        Ok((scope, effects(&recorded)))
    }
}

/// The effects, as short words for the log.
pub(crate) fn effects(recorded: &Recorded) -> Vec<&'static str> {
    let mut effects = vec![if recorded.is_new { "stored" } else { "repeated" }];
    let others = [
        (recorded.is_contested, "pin_contested"),
        (recorded.ledger_changed, "ledger"),
        (recorded.has_contact, "contact"),
        (recorded.is_erased, "erased"),
    ];
    effects.extend(others.into_iter().filter(|(is_done, _)| *is_done).map(|(_, effect)| effect));
    effects
}
