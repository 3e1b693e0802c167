//! From the browser build to the site folder.
//!
//! Comes in: the wasm of `cargo build -p frontend --target wasm32-unknown-unknown`, `style/main.css`, `style/public`.
//! Goes out: `pkg/carillon.<hash>.{js,wasm,css}`, the assets at the root, `.br` and `.gz` copies beside each file they
//! make smaller, and `manifest.json`, in which the server reads the three names (relative to `pkg/`).
//! Never does: fetch anything. wasm-bindgen is used as a library, so no tool has to be installed.

mod budget;
mod site;
mod styles;

use std::io::Write as _;
use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};
use clap::Parser;
use wasm_bindgen_cli_support::Bindgen;

/// Makes the site folder from the browser build.
#[derive(Parser)]
#[command(name = "bundle")]
struct Order {
    /// The wasm file that cargo built from `frontend`.
    wasm: PathBuf,
    /// The first style sheet; its `@import`s are joined into one file.
    #[arg(long, default_value = "style/main.css")]
    style: PathBuf,
    /// Files copied to the root of the site as they are.
    #[arg(long, default_value = "style/public")]
    assets: PathBuf,
    /// The folder to make; replaced as a whole.
    #[arg(long, default_value = "target/site")]
    site: PathBuf,
    /// Fail when a file is larger than its budget.
    #[arg(long)]
    check_budget: bool,
}

fn main() -> Result<()> {
    let order = Order::parse();
    let css = styles::join(&order.style).with_context(|| format!("joining {}", order.style.display()))?;
    let (mut js, wasm, snippets) = bind(&order.wasm)?;

    let fresh = order.site.with_extension("new");
    let mut site = site::Site::begin(&fresh)?;
    let wasm_name = site.hashed("wasm", &wasm)?;
    // The glue names its snippets relative to itself; the page hands it the address of the wasm.
    if !snippets.is_empty() {
        let folder = site.snippets(&snippets)?;
        js = js.replace("./snippets/", &format!("./{folder}/"));
    }
    let js_name = site.hashed("js", js.as_bytes())?;
    let css_name = site.hashed("css", css.as_bytes())?;
    site.assets(&order.assets)?;
    site.manifest(&js_name, &wasm_name, &css_name)?;
    let sizes = site.finish(&order.site)?;

    let rows = budget::rows(&sizes);
    let mut out = std::io::stdout().lock();
    write!(out, "{}", budget::table(&rows))?;
    let over: Vec<String> = rows.iter().filter(|r| r.is_over()).map(budget::Row::complaint).collect();
    if order.check_budget && !over.is_empty() {
        bail!("over budget: {}", over.join("; "));
    }
    Ok(())
}

/// Glue script, wasm, and inline snippets (path below `snippets/` → text).
type Bound = (String, Vec<u8>, Vec<(String, String)>);

fn bind(wasm: &std::path::Path) -> Result<Bound> {
    let mut output = Bindgen::new()
        .input_path(wasm)
        .out_name("carillon")
        .web(true)?
        .omit_default_module_path(true)
        .typescript(false)
        .remove_name_section(true)
        .remove_producers_section(true)
        .generate_output()
        .with_context(|| format!("wasm-bindgen on {}", wasm.display()))?;
    let mut snippets: Vec<(String, String)> = Vec::new();
    for (from, texts) in output.snippets() {
        for (index, text) in texts.iter().enumerate() {
            snippets.push((format!("{from}/inline{index}.js"), text.clone()));
        }
    }
    snippets.extend(output.local_modules().iter().map(|(path, text)| (path.clone(), text.clone())));
    snippets.sort();
    let js = output.js().to_owned();
    Ok((js, output.wasm_mut().emit_wasm(), snippets))
}
