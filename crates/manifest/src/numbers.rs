//! Phone numbers, SIP URIs, routes and the transfer directory.

use std::collections::HashSet;

use tenant::phone::{Region, normalise};
use tenant::{IdentifierKind, PhoneNumber, Route, Transfer};

use crate::checker::Checker;
use crate::file::{FilePhoneNumber, FileRoute, FileTransfer};

impl Checker<'_> {
    pub(crate) fn phone_numbers(
        &mut self,
        numbers: Vec<FilePhoneNumber>,
        region: Option<Region>,
    ) -> Vec<PhoneNumber> {
        let check = |(index, number): (usize, FilePhoneNumber)| {
            let field = |part: &str| format!("phone_numbers[{index}].{part}");
            if number.id.is_none() && number.number.is_none() && number.sip_uri.is_none() {
                self.problem(format!("phone_numbers[{index}]"), "it needs an id, a number or a sip_uri");
            }
            let id = number.id.map(|id| self.own_id(IdentifierKind::PhoneNumberId, &field("id"), &id));
            let line = number.number.and_then(|text| self.number(&field("number"), &text, region));
            let sip_uri = number.sip_uri.and_then(|text| self.sip_uri(&field("sip_uri"), &text));
            for (part, value) in [("number", &line), ("sip_uri", &sip_uri)] {
                if let Some(value) = value {
                    self.claim(IdentifierKind::PhoneNumber, value, &field(part));
                }
            }
            let route = number.route.and_then(|route| self.route(&field("route"), &route, region));
            let fallback = number.fallback_assistant;
            let fallback_assistant = fallback.map(|id| self.provider_id(&field("fallback_assistant"), &id));
            PhoneNumber { id, number: line, sip_uri, label: number.label, route, fallback_assistant }
        };
        numbers.into_iter().enumerate().map(check).collect()
    }

    pub(crate) fn transfers(
        &mut self,
        transfers: Vec<FileTransfer>,
        region: Option<Region>,
    ) -> Vec<Transfer> {
        let mut names = HashSet::new();
        let check = |(index, transfer): (usize, FileTransfer)| {
            let field = |part: &str| format!("transfers[{index}].{part}");
            let department = self.unique_name(&mut names, &field("department"), &transfer.department);
            if transfer.number.is_some() == transfer.sip_uri.is_some() {
                self.problem(format!("transfers[{index}]"), "it needs either a number or a sip_uri");
            }
            Transfer {
                department,
                number: transfer.number.and_then(|text| self.number(&field("number"), &text, region)),
                sip_uri: transfer.sip_uri.and_then(|text| self.sip_uri(&field("sip_uri"), &text)),
                opening_hours: self.hours(&field("opening_hours"), transfer.opening_hours.as_ref()),
            }
        };
        transfers.into_iter().enumerate().map(check).collect()
    }

    fn route(&mut self, field: &str, route: &FileRoute, region: Option<Region>) -> Option<Route> {
        match (&route.assistant, &route.squad, &route.destination) {
            (Some(id), None, None) => {
                Some(Route::Assistant(self.provider_id(&format!("{field}.assistant"), id)))
            }
            (None, Some(id), None) => Some(Route::Squad(self.provider_id(&format!("{field}.squad"), id))),
            (None, None, Some(text)) => {
                let field = format!("{field}.destination");
                let destination =
                    if is_sip(text) { self.sip_uri(&field, text) } else { self.number(&field, text, region) };
                destination.map(Route::Destination)
            }
            _ => {
                self.problem(field, "it needs exactly one of assistant, squad and destination");
                None
            }
        }
    }

    /// A number as `+` and digits. Without a region (which is noted already) national forms are left alone.
    fn number(&mut self, field: &str, text: &str, region: Option<Region>) -> Option<String> {
        let normal = normalise(text, region).filter(|normal| normal.starts_with('+'));
        match (&normal, region) {
            (None, Some(region)) => {
                self.problem(field, format_args!("{text:?} is not a phone number of region {region}"));
            }
            (None, None) if text.trim_start().starts_with('+') => {
                self.problem(field, format_args!("{text:?} is not a phone number"));
            }
            _ => {}
        }
        normal
    }

    fn sip_uri(&mut self, field: &str, text: &str) -> Option<String> {
        let normal = normalise(text, None).filter(|normal| is_sip(normal));
        self.noted(
            field,
            normal.ok_or_else(|| format!("{text:?} is not a SIP URI such as sip:front@example.com")),
        )
    }
}

fn is_sip(text: &str) -> bool {
    let lower = text.trim().to_ascii_lowercase();
    lower.starts_with("sip:") || lower.starts_with("sips:")
}
