//! `cargo xtask layering`: which crate may reach which, as cargo itself resolves it.
//!
//! Five kinds of rule: crates of ours depend on each other along the arrows below and no others; some dependencies
//! stand in the manifests of few crates; some may not even be reached from the others; the files of some crates use each
//! other without circles; and the released binary is built without the tests' doors.

mod circles;

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, bail};

use job::process;
use job::workspace::{Metadata, Package, cargo, root};

/// The arrows: the crates of ours that each crate may depend on, tests aside. A crate that is not here may not be there.
const ARROWS: &[(&str, &[&str])] = &[
    // Leaves: no IO, no clock, no organization.
    ("vapi-types", &[]),
    ("signature", &[]),
    ("scheduling", &[]),
    ("rate-limit", &[]),
    // Sentences for callers.
    ("phrases", &["scheduling"]),
    // The declarations of an organization, in one vocabulary.
    ("tenant", &["scheduling", "signature"]),
    ("org-resolver", &["tenant", "signature", "vapi-types"]),
    // The file and the store do not know each other.
    ("manifest", &["tenant", "scheduling", "signature"]),
    ("storage", &["org-resolver", "tenant", "scheduling", "signature"]),
    ("dispatch", &["storage", "org-resolver", "phrases", "tenant", "scheduling", "vapi-types"]),
    ("operations", &["manifest", "storage", "dispatch", "org-resolver", "tenant", "vapi-types"]),
    ("intake", &["dispatch", "storage", "org-resolver", "rate-limit", "signature", "vapi-types"]),
    ("server", &["intake", "storage", "org-resolver", "rate-limit", "signature"]),
    // The operator's settings.
    ("settings", &["org-resolver", "signature"]),
    (
        "vapi-gateway",
        &[
            "server",
            "settings",
            "intake",
            "operations",
            "manifest",
            "dispatch",
            "storage",
            "org-resolver",
            "tenant",
            "scheduling",
            "signature",
            "vapi-types",
        ],
    ),
    // Tools and tests.
    ("job", &[]),
    ("xtask", &["job"]),
    ("pg", &["job"]),
    ("gateway-process", &["job"]),
    ("crash", &["gateway-process", "job", "pg", "vapi-types"]),
    ("bench", &["gateway-process", "job", "pg"]),
    ("bench-baselines", &["vapi-types"]),
    ("test-support", &[]),
    ("blackbox", &["vapi-types"]),
];

/// Crates that only tests may depend on.
const FOR_TESTS_ONLY: &[&str] = &["test-support"];

/// The crates that may reach a dependency, at whatever distance.
const WEB: &[&str] = &["server", "vapi-gateway", "blackbox", "bench-baselines"];
const QUERIES: &[&str] =
    &["storage", "dispatch", "operations", "intake", "server", "vapi-gateway", "blackbox"];
const SQLITE: &[&str] = &[
    "storage",
    "dispatch",
    "operations",
    "intake",
    "server",
    "vapi-gateway",
    "blackbox",
    "crash",
    "bench",
    "bench-baselines",
];
const WIRE: &[&str] = &[
    "storage",
    "dispatch",
    "operations",
    "intake",
    "server",
    "vapi-gateway",
    "blackbox",
    "test-support",
    "pg",
    "crash",
    "bench",
    "bench-baselines",
];

/// A dependency that few crates may use.
struct Confined {
    name: &'static str,
    /// The crates that may name it in their manifest, their tests included.
    direct: &'static [&'static str],
    /// The crates that may have it in their tree, their tests excluded.
    reached: &'static [&'static str],
}

const CONFINED: &[Confined] = &[
    Confined { name: "actix-web", direct: &["server", "bench-baselines"], reached: WEB },
    // The one HTTP client; deny.toml refuses others.
    Confined { name: "ureq", direct: &["vapi-gateway", "crash"], reached: &["vapi-gateway", "crash"] },
    Confined { name: "actix-rt", direct: &["server"], reached: WEB },
    Confined { name: "diesel", direct: &["storage"], reached: QUERIES },
    Confined { name: "diesel-async", direct: &["storage"], reached: QUERIES },
    Confined { name: "diesel_migrations", direct: &["storage"], reached: QUERIES },
    Confined { name: "libsqlite3-sys", direct: &["storage"], reached: SQLITE },
    Confined {
        name: "rusqlite",
        direct: &["crash", "bench", "bench-baselines"],
        reached: &["crash", "bench", "bench-baselines"],
    },
    Confined {
        name: "tokio-postgres",
        direct: &["storage", "test-support", "pg", "crash", "blackbox", "bench-baselines"],
        reached: WIRE,
    },
];

/// The crates whose files use each other without circles.
const WITHOUT_CIRCLES: &[&str] = &[
    "dispatch",
    "intake",
    "manifest",
    "operations",
    "org-resolver",
    "phrases",
    "rate-limit",
    "scheduling",
    "settings",
    "signature",
    "storage",
    "tenant",
    "vapi-types",
];

/// The feature that opens doors for tests; see the crates that declare it.
const TEST_FEATURE: &str = "test-support";

/// Runs the job.
///
/// # Errors
/// If a rule is broken; every breach is named.
pub(crate) fn run() -> Result<()> {
    let metadata = Metadata::read()?;
    let members: Vec<&Package> = metadata.members().collect();
    let mut breaches = Vec::new();
    breaches.extend(forbidden_arrows(&members));
    breaches.extend(direct_uses(&members));

    let mut trees = BTreeMap::new();
    for member in &members {
        trees.insert(member.name.as_str(), tree(&member.name)?);
    }
    breaches.extend(reached(&trees));
    breaches.extend(test_doors(&members, &features_of("vapi-gateway")?));

    for name in WITHOUT_CIRCLES {
        let files = circles::read(&root().join("crates").join(name).join("src"))?;
        breaches.extend(
            circles::find(&files).map(|circle| format!("{name}: {} is a circle", circle.join(" -> "))),
        );
    }

    if !breaches.is_empty() {
        bail!("the layering is broken:\n  {}", breaches.join("\n  "));
    }
    println!("layering: {} crates, {} confined dependencies, no breach", members.len(), CONFINED.len());
    Ok(())
}

/// Lists what a package builds with, its tests excluded, on any platform.
fn tree(package: &str) -> Result<BTreeSet<String>> {
    let text = process::output(
        cargo().args(["tree", "--package", package, "--all-features", "--target", "all"]).args([
            "--edges",
            "normal,build",
            "--prefix",
            "none",
            "--format",
            "{p}",
        ]),
    )?;
    Ok(text.lines().filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect())
}

/// Lists the lines of a package's tree with the features that its release build switches on.
fn features_of(package: &str) -> Result<String> {
    process::output(cargo().args([
        "tree",
        "--package",
        package,
        "--edges",
        "normal,build,features",
        "--prefix",
        "none",
    ]))
}

fn forbidden_arrows(members: &[&Package]) -> Vec<String> {
    let ours: BTreeSet<&str> = members.iter().map(|member| member.name.as_str()).collect();
    let mut breaches = Vec::new();
    for member in members {
        let Some((_, allowed)) = ARROWS.iter().find(|(name, _)| *name == member.name) else {
            breaches
                .push(format!("{} stands nowhere: give it its arrows in xtask/src/layering.rs", member.name));
            continue;
        };
        for dependency in &member.dependencies {
            let name = dependency.name.as_str();
            if !ours.contains(name) || dependency.kind.as_deref() == Some("dev") {
                continue;
            }
            if FOR_TESTS_ONLY.contains(&name) {
                breaches.push(format!("{} depends on {name} outside its tests", member.name));
            } else if !allowed.contains(&name) {
                breaches.push(format!("{} depends on {name}, and there is no such arrow", member.name));
            }
        }
    }
    breaches
}

fn direct_uses(members: &[&Package]) -> Vec<String> {
    let mut breaches = Vec::new();
    for member in members {
        for rule in CONFINED.iter().filter(|rule| !rule.direct.contains(&member.name.as_str())) {
            if member.dependencies.iter().any(|dependency| dependency.name == rule.name) {
                breaches.push(format!("{} names {} in its manifest", member.name, rule.name));
            }
        }
    }
    breaches
}

fn reached(trees: &BTreeMap<&str, BTreeSet<String>>) -> Vec<String> {
    let mut breaches = Vec::new();
    for rule in CONFINED {
        let users = || trees.iter().filter(|(_, tree)| tree.contains(rule.name)).map(|(package, _)| *package);
        if users().next().is_none() {
            breaches.push(format!("nothing reaches {}: its rule proves nothing any more", rule.name));
        }
        for package in users().filter(|package| !rule.reached.contains(package)) {
            breaches.push(format!("{package} reaches {}", rule.name));
        }
    }
    breaches
}

fn test_doors(members: &[&Package], features: &str) -> Vec<String> {
    let mut breaches = Vec::new();
    if !members.iter().any(|member| member.features.contains_key(TEST_FEATURE)) {
        breaches
            .push(format!("no crate declares the feature {TEST_FEATURE}: the rule proves nothing any more"));
    }
    let quoted = format!("feature \"{TEST_FEATURE}\"");
    let open = features.lines().filter(|line| line.contains(&quoted) || line.starts_with("test-support "));
    breaches.extend(open.map(|line| format!("the released binary holds {line}")));
    breaches
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(name: &str, dependencies: &[(&str, Option<&str>)], features: &[&str]) -> Package {
        let dependencies: Vec<_> =
            dependencies.iter().map(|(name, kind)| serde_json::json!({"name": name, "kind": kind})).collect();
        let features: BTreeMap<_, _> = features.iter().map(|name| (*name, Vec::<String>::new())).collect();
        serde_json::from_value(serde_json::json!({
            "id": name, "name": name, "version": "0.1.0", "rust_version": null,
            "dependencies": dependencies, "features": features,
        }))
        .unwrap()
    }

    #[test]
    fn arrows_go_where_the_table_says() {
        let packages = [
            package("signature", &[("hmac", None)], &[]),
            package("org-resolver", &[("signature", None), ("test-support", Some("dev"))], &[]),
            package("storage", &[("org-resolver", None), ("server", None), ("test-support", None)], &[]),
            package("test-support", &[], &[]),
            package("server", &[("storage", None), ("server", Some("dev"))], &[]),
            package("newcomer", &[], &[]),
        ];
        assert_eq!(
            forbidden_arrows(&packages.iter().collect::<Vec<_>>()),
            [
                "storage depends on server, and there is no such arrow",
                "storage depends on test-support outside its tests",
                "newcomer stands nowhere: give it its arrows in xtask/src/layering.rs",
            ]
        );
    }

    #[test]
    fn a_confined_dependency_stands_in_few_manifests_not_even_in_tests() {
        let packages = [
            package("storage", &[("diesel", None)], &[]),
            package("server", &[("diesel", Some("dev"))], &[]),
            package("dispatch", &[("ureq", None)], &[]),
            package("vapi-gateway", &[("ureq", None)], &[]),
        ];
        let breaches = direct_uses(&packages.iter().collect::<Vec<_>>());
        assert_eq!(breaches, ["server names diesel in its manifest", "dispatch names ureq in its manifest"]);
    }

    #[test]
    fn what_is_reached_at_any_distance_counts_and_so_does_an_idle_rule() {
        let may_reach = |package: &str| -> BTreeSet<String> {
            let rules = CONFINED.iter().filter(|rule| rule.reached.contains(&package));
            rules.map(|rule| rule.name.to_owned()).collect()
        };
        let (server, storage, crash) = (may_reach("server"), may_reach("storage"), may_reach("crash"));
        assert!(crash.contains("ureq") && !server.contains("ureq") && !may_reach("intake").contains("ureq"));
        let resolver = BTreeSet::from(["libsqlite3-sys".to_owned(), "serde".to_owned()]);

        let below = BTreeMap::from([("storage", storage), ("crash", crash)]);
        let mut trees = below.clone();
        trees.extend([("server", server), ("org-resolver", resolver)]);
        assert_eq!(reached(&trees), ["org-resolver reaches libsqlite3-sys"]);

        let breaches = reached(&below);
        assert_eq!(breaches.len(), 2);
        assert!(breaches[0].starts_with("nothing reaches actix-web"));
    }

    #[test]
    fn the_tests_doors_stay_out_of_the_binary() {
        let declared = package("org-resolver", &[], &["test-support"]);
        let clean = "vapi-gateway v0.1.0 (/x)\norg-resolver feature \"default\"\nserde v1.0.0";
        assert!(test_doors(&[&declared], clean).is_empty());

        let open = format!("{clean}\norg-resolver feature \"test-support\"\ntest-support v0.1.0 (/x)");
        assert_eq!(test_doors(&[&declared], &open).len(), 2);

        assert_eq!(test_doors(&[&package("org-resolver", &[], &[])], clean).len(), 1);
    }
}
