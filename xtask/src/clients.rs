//! `cargo xtask clients`: clients are generated from the committed OpenAPI document,
//! type-checked, and each goes through a whole session with the live service.
//!
//! What lives here: the order of things, and having the generators. What does not: the
//! flows (`tests/clients`), and the document, which `bestshot openapi` makes.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};
use serde_json::Value;

use crate::arguments::Arguments;
use crate::camera::Camera;
use crate::clips;
use crate::npm;
use crate::service::Service;
use crate::setup::{self, Install, Purpose};
use crate::shell;
use crate::workspace::Workspace;

pub(crate) const HELP: &str = "\
Usage: cargo xtask clients [--no-install]

Shows that clients work as they are generated. From openapi/openapi.json the
folder `clients` of cargo's target directory is filled with

  Python      by openapi-python-client, and by openapi-generator
  TypeScript  by openapi-typescript, for openapi-fetch
  Rust        by progenitor, from the document with one media type an answer

Each is type-checked and then goes through a session with the live service and a
camera that asks for a log-in: start, poll, frames, pictures, stop, delete. The
document itself is judged by openapi-spec-validator and by the recommended rules
of Redocly, and schemathesis holds the live service to it: thousands of requests
that fit the document, or almost, and sequences of them.

Options:
  --no-install  Neither looks for packages nor installs any.";

const FILES: &str = "tests/clients";
const PYTHON: &str = "/usr/bin/python3";
const USER: &str = "admin@home";
/// Every character in it would have to be escaped in an address.
const PASSWORD: &str = "p@ss w/rd";

pub(crate) fn run(mut arguments: Arguments) -> Result<()> {
    let install = Install::take(&mut arguments);
    arguments.finish()?;
    let workspace = Workspace::find()?;
    setup::prepare(&workspace, install, Purpose::Clients)?;
    let bestshot = workspace.build_debug()?;
    check(&workspace, &bestshot)
}

/// Makes sure that generators and checkers are there.
pub(crate) fn ensure(workspace: &Workspace) -> Result<()> {
    let place = Place::of(workspace);
    npm::fetch(
        &place.files.join("typescript"),
        &place.typescript(),
        "openapi-typescript, openapi-fetch and Redocly from npm (200 MB); needed to generate \
         and check clients",
    )?;
    ensure_python(&place)
}

fn ensure_python(place: &Place) -> Result<()> {
    let file = place.files.join("python/requirements.txt");
    let wanted = fs::read_to_string(&file)?;
    let directory = place.made.join("python");
    let stamp = directory.join("installed.txt");
    if npm::holds(&stamp, &wanted) {
        return Ok(());
    }
    println!("Fetching client generators and mypy from PyPI (150 MB); needed to check clients …");
    let mut make = Command::new(PYTHON);
    shell::run(make.args(["-m", "venv", "--clear"]).arg(&directory))?;
    let mut install = Command::new(directory.join("bin/pip"));
    install.args([
        "install",
        "--quiet",
        "--no-input",
        "--disable-pip-version-check",
        "--requirement",
    ]);
    shell::run(install.arg(&file))?;
    fs::write(stamp, wanted)?;
    Ok(())
}

/// Generates, checks and tries all clients.
pub(crate) fn check(workspace: &Workspace, bestshot: &Path) -> Result<()> {
    let place = Place::of(workspace);
    judge(&place)?;
    let clients = [python(&place)?, typescript(&place)?, rust(&place)?];

    let clip = workspace.clips().join(clips::STREET);
    let camera = Camera::start_with_login(workspace, &clip, USER, PASSWORD)?;
    let data = place.fresh("data")?;
    let service = Service::start(bestshot, 0, &data, &place.made.join("service.log"))?;
    for (name, mut client) in clients.into_iter().flatten() {
        println!("A session with {name} …");
        client.args([service.base(), camera.url(), USER, PASSWORD]);
        shell::run(&mut client).with_context(|| format!("the client {name} failed"))?;
    }
    drop((service, camera));
    schemathesis(workspace, &place, bestshot)
}

/// The live service against the document, by requests that nobody thought of.
fn schemathesis(workspace: &Workspace, place: &Place, bestshot: &Path) -> Result<()> {
    println!("Holding the service to its document with schemathesis …");
    let folder = place.fresh("schemathesis")?;
    let camera = Camera::start(workspace, &workspace.clips().join(clips::STREET))?;
    let key = folder.join("key");
    fs::write(&key, KEY)?;
    let service = Service::start_with(
        bestshot,
        0,
        &folder.join("data"),
        &folder.join("service.log"),
        // Most of the addresses lead nowhere; and none of the sessions may be refused for
        // the others.
        &[
            "--api-key-file".as_ref(),
            key.as_ref(),
            "--max-sessions".as_ref(),
            "64".as_ref(),
            "--resolve-timeout".as_ref(),
            "1".as_ref(),
            "--connect-timeout".as_ref(),
            "1".as_ref(),
        ],
    )?;
    let mut run = place.python("schemathesis");
    run.current_dir(&folder)
        .arg("--config-file")
        .arg(place.files.join("python/schemathesis.toml"))
        .arg("run")
        .arg(&place.document)
        .args(["--url", service.base(), "--header"])
        .arg(format!("X-API-Key: {KEY}"))
        .args(["--max-examples", "20", "--continue-on-failure"])
        .env("BESTSHOT_CAMERA", camera.url());
    shell::run(&mut run).context("the service and its document differ, see above")
}

/// Of a service that lives for a minute.
const KEY: &str = "a-key-for-no-more-than-a-minute";

/// Where things are.
struct Place {
    files: PathBuf,
    document: PathBuf,
    made: PathBuf,
}

/// What shows a client at work, but for the service, camera and log-in.
type Flow = (&'static str, Command);

impl Place {
    fn of(workspace: &Workspace) -> Self {
        Self {
            files: workspace.root().join(FILES),
            document: workspace.root().join("openapi/openapi.json"),
            made: workspace.target().join("clients"),
        }
    }

    fn typescript(&self) -> PathBuf {
        self.made.join("typescript")
    }

    /// A program of the Python environment. Its neighbours are found first, as
    /// generators look for their formatters by name.
    fn python(&self, program: &str) -> Command {
        let bin = self.made.join("python/bin");
        let mut command = Command::new(bin.join(program));
        let mut path = bin.into_os_string();
        path.push(":");
        path.push(std::env::var_os("PATH").unwrap_or_default());
        command.env("PATH", path);
        command
    }

    /// A program that npm installed; none of them may tell anybody of its use.
    fn npm(&self, program: &str) -> Command {
        let mut command = Command::new(self.typescript().join("node_modules/.bin").join(program));
        command
            .current_dir(self.typescript())
            .env("REDOCLY_TELEMETRY", "off")
            .env("REDOCLY_SUPPRESS_UPDATE_NOTICE", "true");
        command
    }

    /// The folder of this name, empty.
    fn fresh(&self, name: &str) -> Result<PathBuf> {
        let directory = self.made.join(name);
        if directory.exists() {
            fs::remove_dir_all(&directory)?;
        }
        fs::create_dir_all(&directory)?;
        Ok(directory)
    }
}

/// The document by itself.
fn judge(place: &Place) -> Result<()> {
    shell::run(place.python("openapi-spec-validator").arg(&place.document))?;
    let mut lint = place.npm("redocly");
    // Its recommended rules, of which none may even warn.
    lint.args(["lint", "--extends=recommended", "--max-problems=100"]);
    let report = shell::read(lint.args(["--format=json"]).arg(&place.document))?;
    let report: Value = serde_json::from_slice(&report).context("Redocly gave no JSON")?;
    let problems = &report["problems"];
    anyhow::ensure!(
        problems.as_array().is_some_and(Vec::is_empty),
        "Redocly finds: {problems:#}"
    );
    println!("The document breaks no rule of openapi-spec-validator and Redocly.");
    Ok(())
}

fn python(place: &Place) -> Result<Vec<Flow>> {
    println!("Generating and checking Python …");
    let files = place.files.join("python");
    let folder = place.fresh("generated-python")?;
    for file in fs::read_dir(&files)? {
        let file = file?;
        fs::copy(file.path(), folder.join(file.file_name()))?;
    }
    let mut first = place.python("openapi-python-client");
    first.args([
        "generate",
        "--meta",
        "none",
        "--fail-on-warning",
        "--config",
    ]);
    first.arg(files.join("openapi-python-client.yml"));
    first.arg("--path").arg(&place.document);
    shell::run(
        first
            .arg("--output-path")
            .arg(folder.join("bestshot_client")),
    )?;
    let second_folder = folder.join("openapi-generator");
    let mut second = place.python("openapi-generator-cli");
    second.args(["generate", "--generator-name", "python", "--input-spec"]);
    second
        .arg(&place.document)
        .arg("--output")
        .arg(&second_folder);
    let log = fs::File::create(place.made.join("openapi-generator.log"))?;
    shell::run(second.stdout(log))?;

    let flows = ["flow_openapi_python_client.py", "flow_openapi_generator.py"];
    for what in [
        &["-p", "bestshot_client", "-p", "openapi_client"][..],
        &flows,
    ] {
        let mut mypy = place.python("mypy");
        mypy.args(["--config-file", "mypy.ini"]).args(what);
        shell::run(mypy.current_dir(&folder).env("MYPYPATH", &second_folder))?;
    }
    let names = ["openapi-python-client", "openapi-generator"];
    let made = names.into_iter().zip(flows).map(|(name, flow)| {
        let mut command = place.python("python");
        command.arg(flow).current_dir(&folder);
        (name, {
            command.env("PYTHONPATH", &second_folder);
            command
        })
    });
    Ok(made.collect())
}

fn typescript(place: &Place) -> Result<Vec<Flow>> {
    println!("Generating and checking TypeScript …");
    let folder = place.typescript();
    for name in ["flow.ts", "tsconfig.json"] {
        fs::copy(place.files.join("typescript").join(name), folder.join(name))?;
    }
    // What has a default need not be sent.
    let mut generate = place.npm("openapi-typescript");
    generate.args(["--default-non-nullable=false", "--output", "schema.d.ts"]);
    shell::run(generate.arg(&place.document))?;
    shell::run(&mut place.npm("tsc"))?;
    let mut flow = Command::new("node");
    flow.arg("built/flow.js").current_dir(&folder);
    Ok(vec![("openapi-fetch", flow)])
}

fn rust(place: &Place) -> Result<Vec<Flow>> {
    println!("Generating and checking Rust …");
    let (files, folder) = (place.files.join("rust"), place.made.join("rust"));
    fs::create_dir_all(folder.join("src"))?;
    for name in ["Cargo.toml", "Cargo.lock", "src/main.rs"] {
        fs::copy(files.join(name), folder.join(name))?;
    }
    let document = fs::read_to_string(&place.document)?;
    let mut document: Value = serde_json::from_str(&document)?;
    trim(&mut document);
    fs::write(folder.join("trimmed.json"), document.to_string())?;
    let target = place.made.join("rust-target");
    let mut build = Command::new(std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned()));
    build.args(["build", "--locked", "--quiet", "--target-dir"]);
    shell::run(build.arg(&target).current_dir(&folder))?;
    let flow = Command::new(target.join("debug/bestshot-client-flow"));
    Ok(vec![("progenitor", flow)])
}

/// Leaves each body one media type, JSON where there is a choice: progenitor takes no
/// more.
fn trim(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(trim),
        Value::Object(map) => {
            if let Some(Value::Object(content)) = map.get_mut("content") {
                let chosen = ["application/json", "application/problem+json"]
                    .into_iter()
                    .find(|name| content.contains_key(*name));
                if let Some(chosen) = chosen {
                    content.retain(|name, _| name == chosen);
                }
            }
            map.values_mut().for_each(trim);
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_trimmed_document_has_one_media_type_a_body() {
        let mut document = json!({
            "a": {"content": {"text/html": 1, "application/json": 2}},
            "b": [{"content": {"text/html": 1, "application/problem+json": 2}}],
            "c": {"content": {"image/png": 3}},
        });
        trim(&mut document);
        let expected = json!({
            "a": {"content": {"application/json": 2}},
            "b": [{"content": {"application/problem+json": 2}}],
            "c": {"content": {"image/png": 3}},
        });
        assert_eq!(document, expected);
    }
}
