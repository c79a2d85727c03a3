//! Settings as options of the libraries that the gateway is put together from.

use std::time::Duration;

use dispatch::DispatchOptions;
use intake::{IntakeLimits, IntakeOptions};
use org_resolver::{CacheConfig, GatePolicy};
use secrecy::{ExposeSecret, SecretString};
use server::{ServerOptions, TlsFiles};
use settings::{
    Environment, QuarantineSettings, RetentionSettings, Settings, SharedSecretError, Synchronous,
};
use storage::{QuarantineBounds, StorageConfig, StorageError};
use tenant::Retention;

/// How to reach and use the store.
///
/// # Errors
/// When the database URL is none.
pub(crate) fn storage(settings: &Settings) -> Result<StorageConfig, StorageError> {
    let database = &settings.database;
    let text = |url: &Option<SecretString>| url.as_ref().map(|url| url.expose_secret().to_owned());
    let mut config = StorageConfig::new(database.url.expose_secret().parse()?);
    config.owner_url = text(&database.owner_url);
    config.directory_url = text(&database.directory_url);
    config.operator_url = text(&database.operator_url);
    config.assume_roles = database.assume_roles;
    config.max_connections = database.max_connections;
    config.write_queue = database.write_queue;
    config.statement_timeout = Duration::from_millis(database.statement_timeout_ms);
    config.tenant_memory_bytes = database.tenant_memory_bytes;
    config.tenant_time_to_live = Duration::from_millis(settings.resolver.cache_ttl_ms);
    let RetentionSettings { bodies_days, transcripts_days, calls_days, stored_bytes, every_minutes, .. } =
        settings.retention;
    config.retention = Retention {
        bodies_days: Some(bodies_days),
        transcripts_days: Some(transcripts_days),
        calls_days: Some(calls_days),
        stored_bytes: Some(stored_bytes),
    };
    config.clear_every = Duration::from_secs(60 * u64::from(every_minutes));
    config.sqlite_synchronous_full = database.sqlite_synchronous == Synchronous::Full;
    Ok(config)
}

/// How messages are taken in.
///
/// # Errors
/// When the shared secret does not fit one of its recipes.
pub(crate) fn intake(settings: &Settings) -> Result<IntakeOptions, SharedSecretError> {
    let Settings { resolver, limits, quarantine, .. } = settings;
    Ok(IntakeOptions {
        order: settings.chain_order(),
        cache: CacheConfig {
            hits: resolver.cache_hits,
            misses: resolver.cache_misses,
            organizations: resolver.cache_organizations,
            time_to_live: Duration::from_millis(resolver.cache_ttl_ms),
        },
        policy: policy(settings),
        shared: settings.auth.serving_keys()?,
        limits: IntakeLimits {
            unverified_per_address: limits.unverified_per_address,
            unverified_total: limits.unverified_total,
            quarantined: quarantine.per_minute,
            waiting: limits.waiting,
            call_events: limits.call_events,
            streams: limits.streams,
            bytes: limits.bytes,
            max_other_body_bytes: limits.max_other_body_bytes,
        },
        dispatch: DispatchOptions::default(),
        public_url: settings.server.backend_url.clone(),
        // Without a certificate of its own, production relies on a proxy that says what the sender used.
        requires_https: settings.environment == Environment::Production && !settings.serves_tls(),
    })
}

/// How much is kept of what nobody owns.
pub(crate) fn quarantine(settings: &Settings) -> QuarantineBounds {
    let QuarantineSettings { max_messages, max_bytes, max_age_hours, .. } = settings.quarantine;
    QuarantineBounds { max_messages, max_bytes, max_age_hours }
}

/// The gate's allowances beyond organizations' own credentials.
pub(crate) fn policy(settings: &Settings) -> GatePolicy {
    GatePolicy { metadata_with_shared_secret: settings.resolver.metadata_with_shared_secret }
}

/// How the listener works.
pub(crate) fn server(settings: &Settings) -> ServerOptions {
    let server = &settings.server;
    let files = server.tls_cert.clone().zip(server.tls_key.clone());
    ServerOptions {
        trusted_proxies: server.trusted_proxies.clone(),
        max_body_bytes: server.max_body_bytes,
        max_in_flight_bytes: server.max_in_flight_bytes,
        body_timeout: Duration::from_millis(server.body_timeout_ms),
        workers: server.workers,
        shutdown_timeout: Duration::from_millis(server.shutdown_timeout_ms),
        tls: files.map(|(certificate, key)| TlsFiles { certificate, key }),
        ..ServerOptions::default()
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn requires_https<const N: usize>(vars: [(&str, &str); N]) -> bool {
        intake(&Settings::load(Path::new("/nonexistent"), &vars).unwrap()).unwrap().requires_https
    }

    #[test]
    fn production_is_over_tls_its_own_or_a_proxys() {
        let [production, key] = [("GATEWAY__ENVIRONMENT", "production"), ("GATEWAY_MASTER_KEY", "k")];
        let own = [("GATEWAY__SERVER__TLS_CERT", "c.pem"), ("GATEWAY__SERVER__TLS_KEY", "k.pem")];
        let [certificate, its_key] = own;
        assert!(!requires_https([]));
        assert!(requires_https([production, key]));
        assert!(!requires_https([production, key, certificate, its_key]));
    }

    #[test]
    fn a_certificate_and_its_key_reach_the_listener() {
        let own = [("GATEWAY__SERVER__TLS_CERT", "c.pem"), ("GATEWAY__SERVER__TLS_KEY", "k.pem")];
        let settings = Settings::load(Path::new("/nonexistent"), &own).unwrap();
        let files = server(&settings).tls.unwrap();
        assert_eq!((files.certificate, files.key), ("c.pem".into(), "k.pem".into()));
    }
}
