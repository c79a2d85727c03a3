//! One organization's declarations, read from the rows of its tables.

use scheduling::{Calendar, OpeningHours};
use serde::Deserialize;
use tenant::{Assistant, PhoneNumber, Profile, Transfer};

use crate::error::StorageError;
use crate::rows::{AgentRow, ClosureRow, HoursRow, NumberRow, OrgRow, ResourceRow, ServiceRow, TransferRow};
use crate::stored;

/// What one organization declared of itself, at one moment.
///
/// A row that makes no sense is an error of the part that it belongs to, and of nothing else: a route that cannot be read
/// must not cost the organization its bookings.
#[derive(Debug)]
pub struct TenantData {
    profile: Profile,
    assistants: Vec<Assistant>,
    calendar: Result<Calendar, StorageError>,
    phone_numbers: Result<Vec<PhoneNumber>, StorageError>,
    transfers: Result<Vec<Transfer>, StorageError>,
    bytes: u32,
}

/// The rows that it is made of.
#[derive(Deserialize)]
pub(crate) struct TenantRows {
    pub(crate) organization: OrgRow,
    pub(crate) agents: Vec<AgentRow>,
    pub(crate) numbers: Vec<NumberRow>,
    pub(crate) hours: Vec<HoursRow>,
    pub(crate) closures: Vec<ClosureRow>,
    pub(crate) services: Vec<ServiceRow>,
    pub(crate) resources: Vec<ResourceRow>,
    pub(crate) transfers: Vec<TransferRow>,
}

impl TenantData {
    /// Name, zone, region, languages and settings.
    pub fn profile(&self) -> &Profile {
        &self.profile
    }

    /// The active assistants, by name.
    pub fn assistants(&self) -> &[Assistant] {
        &self.assistants
    }

    /// Opening hours, closures, services and resources. Without any opening hours the calendar is always open.
    ///
    /// # Errors
    /// [`StorageError::Inconsistent`] for the row that makes no sense.
    pub fn calendar(&self) -> Result<&Calendar, StorageError> {
        self.calendar.as_ref().map_err(StorageError::again)
    }

    /// The active numbers, in their normal form for the organization's region.
    ///
    /// # Errors
    /// [`StorageError::Inconsistent`] for the row that makes no sense.
    pub fn phone_numbers(&self) -> Result<&[PhoneNumber], StorageError> {
        self.phone_numbers.as_deref().map_err(StorageError::again)
    }

    /// The transfer directory, by department.
    ///
    /// # Errors
    /// [`StorageError::Inconsistent`] for the row that makes no sense.
    pub fn transfers(&self) -> Result<&[Transfer], StorageError> {
        self.transfers.as_deref().map_err(StorageError::again)
    }

    /// About how much memory it takes.
    pub(crate) fn bytes(&self) -> u32 {
        self.bytes
    }

    pub(crate) fn read(rows: TenantRows) -> Result<Self, StorageError> {
        let profile = stored::profile(&rows.organization)?;
        let bytes = u32::try_from(bytes(&rows)).unwrap_or(u32::MAX);
        let calendar = calendar(&profile, &rows);
        let mut assistants: Vec<_> =
            rows.agents.into_iter().filter(|row| row.is_active).map(stored::assistant).collect();
        assistants.sort_by(|one, other| (&one.name, &one.id).cmp(&(&other.name, &other.id)));
        let numbers = rows.numbers.iter().filter(|row| row.is_active);
        Ok(Self {
            assistants,
            calendar,
            phone_numbers: numbers.map(|row| stored::number(row, profile.region)).collect(),
            transfers: rows.transfers.iter().map(stored::transfer).collect(),
            profile,
            bytes,
        })
    }
}

fn calendar(profile: &Profile, rows: &TenantRows) -> Result<Calendar, StorageError> {
    Ok(Calendar {
        opening_hours: stored::opening_hours(&rows.hours, rows.organization.id)?.unwrap_or_default(),
        closures: rows.closures.iter().map(stored::closure).collect::<Result<_, _>>()?,
        services: rows.services.iter().map(stored::service).collect::<Result<_, _>>()?,
        resources: rows.resources.iter().map(stored::resource).collect::<Result<_, _>>()?,
        ..profile.calendar()
    })
}

/// The structs themselves, and the texts that an organization may make as long as it likes.
fn bytes(rows: &TenantRows) -> usize {
    let each = [
        rows.agents.len() * size_of::<Assistant>(),
        rows.numbers.len() * size_of::<PhoneNumber>(),
        rows.hours.len() * size_of::<scheduling::OpenRange>(),
        rows.closures.len() * size_of::<scheduling::Closure>(),
        rows.services.len() * size_of::<scheduling::Service>(),
        rows.resources.len() * size_of::<scheduling::Resource>(),
        rows.transfers.len() * (size_of::<Transfer>() + size_of::<OpeningHours>()),
    ];
    let len = |text: &Option<String>| text.as_ref().map_or(0, String::len);
    let agents = rows.agents.iter().map(|row| row.vapi_assistant_id.len() + row.name.len() + row.role.len());
    let numbers = rows.numbers.iter().map(|row| {
        let names = len(&row.provider_phone_id) + len(&row.number) + len(&row.sip_uri);
        names + len(&row.fallback_assistant_id) + row.label.len() + text_len(row.route.as_ref())
    });
    let closures = rows.closures.iter().map(|row| len(&row.reason));
    let services = rows.services.iter().map(|row| row.name.len());
    let resources = rows.resources.iter().map(|row| row.name.len());
    let transfers = rows.transfers.iter().map(|row| {
        row.department.len() + len(&row.number) + len(&row.sip_uri) + text_len(row.opening_hours.as_ref())
    });
    let texts = agents.chain(numbers).chain(closures).chain(services).chain(resources).chain(transfers);
    // Each text and list is a piece of memory of its own, which takes a little more than what is in it.
    let TenantRows { organization, .. } = rows;
    let own = organization.name.len() + 2 * text_len(Some(&organization.settings)) + size_of::<TenantData>();
    2 * (own + each.iter().sum::<usize>() + texts.sum::<usize>())
}

fn text_len(document: Option<&serde_json::Value>) -> usize {
    document.map_or(0, |document| document.to_string().len())
}
