//! Where settings come from, which of them wins, and which are refused.

use std::error::Error;
use std::net::SocketAddr;
use std::path::Path;

use secrecy::ExposeSecret;
use settings::{
    Environment, LogFormat, Settings, SettingsError, SharedSecretError, Switch, Synchronous, Vars,
};

fn with_files(files: &[(&str, &str)], vars: &dyn Vars) -> Result<Settings, SettingsError> {
    let directory = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(directory.path().join(name), text).unwrap();
    }
    Settings::load(directory.path(), vars)
}

fn with_vars(vars: &[(&'static str, &'static str)]) -> Result<Settings, SettingsError> {
    let vars: std::collections::BTreeMap<String, String> =
        vars.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    with_files(&[], &vars)
}

fn text(error: &SettingsError) -> String {
    match error.source() {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}

#[test]
fn nothing_needs_to_be_set() {
    let settings = with_vars(&[]).unwrap();
    assert_eq!(settings.listen_address(), "127.0.0.1:3001".parse::<SocketAddr>().unwrap());
    assert_eq!(settings.database.url.expose_secret(), "sqlite:data/gateway.db");
    assert_eq!(settings.server.max_body_bytes, 8 * 1024 * 1024);
    assert_eq!(settings.server.body_timeout_ms, 30_000);
    let limits = settings.limits;
    assert_eq!((limits.unverified_per_address, limits.unverified_total), (100, 6_000));
    assert_eq!((limits.waiting, limits.call_events, limits.streams), (600, 6_000, 12_000));
    let presets: Vec<_> = settings.auth.shared_presets.iter().map(|preset| preset.as_str()).collect();
    assert_eq!(presets, ["x-vapi-signature", "x-vapi-secret"]);
    assert_eq!(settings.environment, Environment::Development);
    assert_eq!(settings.log.filter, "info");
}

#[test]
fn the_last_layer_wins() {
    let files = [
        (
            "gateway.toml",
            "[server]\nport = 1\n[limits]\nwaiting = 1\nstreams = 1\ncall_events = 1\n[log]\nfilter = \"a\"\n",
        ),
        (
            ".env",
            "PORT=2\nGATEWAY__LIMITS__WAITING=2\nGATEWAY__LIMITS__STREAMS=2\n# a comment\nSOMEBODY_ELSES=1\n",
        ),
        (".env.local", "export PORT=3\nGATEWAY__LIMITS__WAITING='3'\n"),
    ];
    let settings = with_files(&files, &[("PORT", "4"), ("UNRELATED", "x"), ("RUST_LOG", "")]).unwrap();
    assert_eq!(settings.server.port, 4);
    assert_eq!((settings.limits.waiting, settings.limits.streams, settings.limits.call_events), (3, 2, 1));
    assert_eq!(settings.log.filter, "a", "an empty value is not set");
}

#[test]
fn a_layers_long_name_wins_over_its_everyday_name_and_not_over_the_next_layer() {
    let long = ("GATEWAY__SERVER__PORT", "5");
    assert_eq!(with_files(&[], &[long, ("PORT", "4")]).unwrap().server.port, 5);
    assert_eq!(with_files(&[(".env", "GATEWAY__SERVER__PORT=5")], &[("PORT", "4")]).unwrap().server.port, 4);
}

#[test]
fn everyday_names_work_as_they_are() {
    let settings = with_vars(&[
        ("DATABASE_URL", "postgres://u:p@h/d"),
        ("HOST", "::"),
        ("PORT", "8000"),
        ("BACKEND_URL", "https://gateway.test"),
        ("WEBHOOK_URL", "https://gateway.test/api/vapi/tools"),
        ("VAPI_WEBHOOK_SECRET", " shared "),
        ("VAPI_API_KEY", "key"),
        ("ADMIN_TOKEN", "token"),
        ("GATEWAY_MASTER_KEY", "master"),
        ("RUST_LOG", "server=debug"),
    ])
    .unwrap();
    assert_eq!(settings.database.url.expose_secret(), "postgres://u:p@h/d");
    assert_eq!(settings.listen_address(), "[::]:8000".parse::<SocketAddr>().unwrap());
    assert_eq!(settings.server.backend_url.as_deref(), Some("https://gateway.test"));
    assert_eq!(settings.server.webhook_url.as_deref(), Some("https://gateway.test/api/vapi/tools"));
    let auth = &settings.auth;
    let secrets = [&auth.webhook_secret, &auth.vapi_api_key, &auth.admin_token, &auth.master_key];
    assert_eq!(
        secrets.map(|secret| secret.as_ref().unwrap().expose_secret()),
        ["shared", "key", "token", "master"]
    );
    assert_eq!(settings.log.filter, "server=debug");
}

#[test]
fn values_are_read_by_their_type() {
    let settings = with_vars(&[
        ("GATEWAY__RESOLVER__ORDER", "call_id, assistant_id,metadata"),
        ("GATEWAY__RESOLVER__METADATA", "off"),
        ("GATEWAY__RESOLVER__METADATA_WITH_SHARED_SECRET", "true"),
        ("GATEWAY__SERVER__TRUSTED_PROXIES", "10.0.0.0/8,::1"),
        ("GATEWAY__AUTH__SHARED_PRESETS", "bearer"),
        ("GATEWAY__DATABASE__SQLITE_SYNCHRONOUS", "normal"),
        ("GATEWAY__LOG__FORMAT", "json"),
    ])
    .unwrap();
    let order: Vec<_> = settings.chain_order().into_iter().map(|step| step.as_str()).collect();
    assert_eq!(order, ["call_id", "assistant_id"]);
    assert_eq!(settings.resolver.metadata, Switch::Off);
    assert!(settings.resolver.metadata_with_shared_secret);
    assert_eq!(settings.server.trusted_proxies.len(), 2);
    assert_eq!(settings.database.sqlite_synchronous, Synchronous::Normal);
    assert_eq!(settings.log.format, LogFormat::Json);
}

#[test]
fn what_is_no_setting_is_named() {
    let env = |name| with_files(&[], &[(name, "1")]);
    for (result, name) in [
        (env("GATEWAY__SERVER__PROT"), "GATEWAY__SERVER__PROT in the environment"),
        (env("GATEWAY__SERVER"), "GATEWAY__SERVER in the environment"),
        (env("GATEWAY__NONE__PORT"), "GATEWAY__NONE__PORT in the environment"),
        (with_files(&[(".env.local", "GATEWAY__X=1")], &[("A", "")]), "GATEWAY__X in .env.local"),
        (with_files(&[("gateway.toml", "[server]\nprot = 1")], &[("A", "")]), "server.prot in gateway.toml"),
        (with_files(&[("gateway.toml", "prot = 1")], &[("A", "")]), "prot in gateway.toml"),
        (with_files(&[("gateway.toml", "[prot]\nx = 1")], &[("A", "")]), "prot in gateway.toml"),
        (with_files(&[("gateway.toml", "server = 1")], &[("A", "")]), "server in gateway.toml"),
    ] {
        let error = result.unwrap_err();
        assert!(matches!(error, SettingsError::UnknownKey { .. }), "{error:?}");
        assert!(error.to_string().starts_with(name), "{error}");
    }
}

#[test]
fn malformed_values_name_their_setting() {
    for (name, value, word) in [
        ("PORT", "70000", "server.port"),
        ("PORT", "http", "server.port"),
        ("HOST", "localhost:80", "server.host"),
        ("GATEWAY__ENVIRONMENT", "staging", "environment"),
        ("GATEWAY__RESOLVER__ORDER", "assistant_id,agent", "agent"),
        ("GATEWAY__SERVER__TRUSTED_PROXIES", "everybody", "everybody"),
        ("GATEWAY__AUTH__SHARED_PRESETS", "none", "none"),
        ("GATEWAY__RESOLVER__METADATA", "maybe", "resolver.metadata"),
    ] {
        let error = with_vars(&[(name, value)]).unwrap_err();
        assert!(text(&error).contains(word), "{name}: {}", text(&error));
    }
}

#[test]
fn settings_that_cannot_work_together_are_refused() {
    for vars in [
        &[("GATEWAY__ENVIRONMENT", "production")][..],
        &[("GATEWAY__SERVER__TLS_CERT", "cert.pem")],
        &[("GATEWAY__SERVER__WORKERS", "0")],
        &[("GATEWAY__SERVER__MAX_BODY_BYTES", "0")],
        &[("GATEWAY__SERVER__MAX_IN_FLIGHT_BYTES", "1000")],
        &[("GATEWAY__RESOLVER__ORDER", "metadata"), ("GATEWAY__RESOLVER__METADATA", "off")],
        &[("BACKEND_URL", "gateway.test")],
    ] {
        assert!(matches!(with_vars(vars), Err(SettingsError::Invalid(_))), "{vars:?}");
    }
    let production =
        with_vars(&[("GATEWAY__ENVIRONMENT", "production"), ("GATEWAY_MASTER_KEY", "k")]).unwrap();
    assert_eq!(production.listen_address(), "0.0.0.0:3001".parse::<SocketAddr>().unwrap());
}

#[test]
fn broken_files_are_refused() {
    assert!(matches!(
        with_files(&[(".env", "no assignment")], &[("A", "")]),
        Err(SettingsError::NotEnv { .. })
    ));
    assert!(matches!(with_files(&[("gateway.toml", "[")], &[("A", "")]), Err(SettingsError::Value(_))));
    let directory = tempfile::tempdir().unwrap();
    std::fs::create_dir(directory.path().join(".env")).unwrap();
    let error = Settings::load(directory.path(), &[("A", "")]).unwrap_err();
    assert!(matches!(error, SettingsError::Unreadable { .. }), "{error:?}");
    assert!(Settings::load(Path::new("/nonexistent"), &[("A", "")]).is_ok());
}

#[test]
fn secrets_are_not_shown() {
    let settings = with_vars(&[
        ("DATABASE_URL", "postgres://u:hush@h/d"),
        ("GATEWAY__DATABASE__OWNER_URL", "postgres://o:hush@h/d"),
        ("VAPI_WEBHOOK_SECRET", "hush"),
        ("VAPI_API_KEY", "hush"),
        ("ADMIN_TOKEN", "hush"),
        ("GATEWAY_MASTER_KEY", "hush"),
    ])
    .unwrap();
    let shown = format!("{settings:?} {settings:#?}");
    assert!(shown.contains("[REDACTED]") && !shown.contains("hush"), "{shown}");
}

#[test]
fn a_shared_secret_that_can_be_guessed_does_not_serve() {
    let auth = |secret: &'static str| with_vars(&[("VAPI_WEBHOOK_SECRET", secret)]).unwrap().auth;
    let short = auth("  seven77 ");
    assert!(matches!(short.serving_keys(), Err(SharedSecretError::Short)));
    assert!(!short.serving_keys().unwrap_err().to_string().contains("seven77"));
    assert_eq!(short.shared_keys().unwrap().len(), 2, "what it signed can still be looked into");
    for (secret, is_short) in [("8 or more", true), ("16 characters at", false)] {
        let auth = auth(secret);
        assert_eq!(
            (auth.serving_keys().unwrap().len(), auth.is_shared_secret_short()),
            (2, is_short),
            "{secret}"
        );
    }
}
