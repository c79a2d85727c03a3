//! The programs of a run beside PostgreSQL: the gateway, the baselines, the Node handlers, and wrk.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};
use rustix::process::geteuid;

use gateway_process as gateway;
use job::process;
use job::workspace::{cargo, program, root};

/// The oldest Node that Fastify 5 runs on.
const OLDEST_NODE: u32 = 20;

/// The programs of a run.
#[derive(Debug)]
pub(super) struct Tools {
    /// The released gateway.
    pub(super) gateway: PathBuf,
    /// The comparison handlers, where a case needs them.
    pub(super) baselines: Option<Baselines>,
    /// The directory of the load's scripts.
    pub(super) wrk: PathBuf,
}

/// The comparison handlers.
#[derive(Debug)]
pub(super) struct Baselines {
    /// The program that holds those in Rust.
    pub(super) rust: PathBuf,
    /// The directory of those in JavaScript.
    pub(super) node: PathBuf,
}

impl Tools {
    /// Builds ours, unless the gateway is given, and installs what is missing of the others. The comparison handlers
    /// take minutes to build, so they are left out where no case needs them.
    ///
    /// # Errors
    /// If something does not build or cannot be installed.
    pub(super) fn prepare(gateway: Option<&Path>, with_baselines: bool) -> Result<Self> {
        let gateway = match gateway {
            Some(given) => {
                given.canonicalize().with_context(|| format!("there is no {}", given.display()))?
            }
            None => gateway::build()?,
        };
        require("wrk", "-v", "wrk")?;
        let baselines = if with_baselines { Some(Baselines::prepare()?) } else { None };
        Ok(Self { gateway, baselines, wrk: root().join("tools/bench/wrk") })
    }

    /// Says which versions took part.
    ///
    /// # Errors
    /// If one of them does not say.
    pub(super) fn versions(&self) -> Result<Vec<(String, String)>> {
        let first = |command: &mut Command| -> Result<String> {
            let text = process::output(command)?;
            Ok(text.lines().next().unwrap_or_default().trim().to_owned())
        };
        let mut versions = vec![("cargo".to_owned(), first(cargo().arg("--version"))?.replace("cargo ", ""))];
        let Some(Baselines { node, .. }) = &self.baselines else { return Ok(versions) };
        versions.push(("node".to_owned(), first(Command::new("node").arg("--version"))?));
        for name in ["express", "fastify", "pg", "pino"] {
            let file = node.join("node_modules").join(name).join("package.json");
            let text = fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?;
            let parsed: serde_json::Value = serde_json::from_slice(&text)?;
            let version = parsed.get("version").and_then(|it| it.as_str()).unwrap_or("?");
            versions.push((name.to_owned(), version.to_owned()));
        }
        Ok(versions)
    }
}

impl Baselines {
    fn prepare() -> Result<Self> {
        let rust = program("bench-baselines", &["--release", "--package", "bench-baselines"])?;
        require("node", "--version", "nodejs")?;
        require("npm", "--version", "npm")?;
        require_node_version()?;
        let node = root().join("tools/bench/node");
        let mut npm = Command::new("npm");
        npm.args(["ci", "--omit=dev", "--no-audit", "--no-fund"]).current_dir(&node);
        process::run(&mut npm)?;
        Ok(Self { rust, node })
    }
}

/// Makes sure that a program is there; on Debian as root, installs its package.
fn require(program: &str, question: &str, package: &str) -> Result<()> {
    // wrk says its version and then exits like after a mistake, so being started is what counts.
    let is_there = |program: &str| Command::new(program).arg(question).output().is_ok();
    if is_there(program) {
        return Ok(());
    }
    if geteuid().is_root() && Path::new("/usr/bin/apt-get").exists() {
        println!("{program} is not installed: installing the distribution's package {package}");
        let apt_get = || {
            let mut command = Command::new("apt-get");
            command.env("DEBIAN_FRONTEND", "noninteractive");
            command
        };
        process::run(apt_get().args(["update", "-qq"]))?;
        process::run(apt_get().args(["install", "-y", "-qq", "--no-install-recommends", package]))?;
    }
    ensure!(is_there(program), "{program} was not found: install it (Debian: `apt-get install {package}`)");
    Ok(())
}

fn require_node_version() -> Result<()> {
    let text = process::output(Command::new("node").arg("--version"))?;
    let major = text.trim().trim_start_matches('v').split('.').next().and_then(|it| it.parse::<u32>().ok());
    match major {
        Some(major) if major >= OLDEST_NODE => Ok(()),
        _ => bail!("Node {OLDEST_NODE} or newer is needed, and this is {}", text.trim()),
    }
}
