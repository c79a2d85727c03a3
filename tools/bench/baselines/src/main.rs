//! The comparison handlers in Rust: `bench-baselines bare|postgres|sqlite`, as `cargo xtask bench` starts them.
//!
//! `bare` reads the body and answers. The other two do what the gateway does with a message and leave the same rows,
//! in the ordinary form: one transaction for every request. Settings come from the environment: `PORT`,
//! `ORGANIZATIONS` (a file), `DATABASE_URL`, `MASTER_KEY`.

#![expect(clippy::disallowed_methods, reason = "a program: its settings and its clock come from the system")]

mod directory;
mod postgres;
mod record;
mod sqlite;

use std::env;

use actix_web::web::{self, Bytes, Data, PayloadConfig};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer};
use anyhow::{Context as _, Result, bail};
use tracing_appender::non_blocking::NonBlockingBuilder;

use directory::Directory;
use record::Record;

/// The longest body, as the gateway has it.
const MAX_BODY: usize = 8 << 20;

/// Where the rows go.
#[derive(Clone)]
enum Sink {
    Postgres(postgres::Pool),
    Sqlite(sqlite::Writer),
}

fn main() -> Result<()> {
    let mode = env::args().nth(1).unwrap_or_default();
    let port: u16 = setting("PORT")?.parse().context("PORT is no port")?;
    actix_web::rt::System::new().block_on(async move {
        if mode == "bare" {
            let app = || {
                let app = App::new().app_data(PayloadConfig::new(MAX_BODY));
                app.route("/health/ready", web::get().to(ready)).default_service(web::post().to(bare))
            };
            return HttpServer::new(app).bind(("127.0.0.1", port))?.run().await.context("cannot serve");
        }
        let sink = match mode.as_str() {
            "postgres" => Sink::Postgres(postgres::pool(&setting("DATABASE_URL")?)?),
            "sqlite" => Sink::Sqlite(sqlite::Writer::open(&setting("DATABASE_URL")?)?),
            other => bail!("bare, postgres or sqlite, and not {other:?}"),
        };
        let directory = Data::new(Directory::read(&setting("ORGANIZATIONS")?, &setting("MASTER_KEY")?)?);
        // The gateway's own log: lines off the threads that answer, on standard error.
        let (writer, _worker) = NonBlockingBuilder::default().lossy(true).finish(std::io::stderr());
        tracing_subscriber::fmt().with_env_filter("info").with_writer(writer).with_ansi(false).init();
        let app = move || {
            let app = App::new().app_data(PayloadConfig::new(MAX_BODY));
            let app = app.app_data(directory.clone()).app_data(Data::new(sink.clone()));
            app.route("/health/ready", web::get().to(ready)).default_service(web::post().to(keep))
        };
        HttpServer::new(app).bind(("127.0.0.1", port))?.run().await.context("cannot serve")
    })
}

fn setting(name: &str) -> Result<String> {
    env::var(name).with_context(|| format!("{name} is not set"))
}

async fn ready() -> HttpResponse {
    HttpResponse::Ok().finish()
}

/// Reads the body and answers.
async fn bare(body: Bytes) -> HttpResponse {
    // So that reading is not left out.
    std::hint::black_box(body.len());
    HttpResponse::Ok().content_type("application/json").body("{}")
}

/// Verifies, keeps, answers.
async fn keep(
    request: HttpRequest,
    body: Bytes,
    directory: Data<Directory>,
    sink: Data<Sink>,
) -> HttpResponse {
    let Some(record) = Record::read(&directory, request.headers(), &body) else {
        return HttpResponse::Unauthorized().json(serde_json::json!({"code": "unauthorized"}));
    };
    let (org, kind, call) = (record.organization.clone(), record.kind.clone(), record.call.clone());
    let kept = match sink.get_ref() {
        Sink::Postgres(pool) => postgres::keep(pool, &record).await,
        Sink::Sqlite(writer) => writer.keep(record).await,
    };
    match kept {
        Ok(()) => {
            tracing::info!(org_id = org, kind, call_id = call, verdict = "accepted", "message");
            HttpResponse::Ok().content_type("application/json").body("{}")
        }
        Err(error) => {
            tracing::error!(org_id = org, "not kept: {error:#}");
            HttpResponse::ServiceUnavailable().json(serde_json::json!({"code": "unavailable"}))
        }
    }
}
