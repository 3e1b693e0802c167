//! Writes the site folder: names by content, compressed copies beside the files, swapped in as a whole.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use xxhash_rust::xxh3::xxh3_64;

/// Bytes of one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes {
    pub raw: u64,
    pub brotli: u64,
    pub gzip: u64,
}

/// A site in the making.
pub struct Site {
    root: PathBuf,
    sizes: BTreeMap<&'static str, Sizes>,
}

impl Site {
    pub fn begin(root: &Path) -> Result<Site> {
        if root.exists() {
            fs::remove_dir_all(root).with_context(|| root.display().to_string())?;
        }
        fs::create_dir_all(root.join("pkg"))?;
        Ok(Site { root: root.to_path_buf(), sizes: BTreeMap::new() })
    }

    /// Writes `pkg/carillon.<hash>.<kind>`; returns the file's name.
    pub fn hashed(&mut self, kind: &'static str, bytes: &[u8]) -> Result<String> {
        let name = format!("carillon.{:016x}.{kind}", xxh3_64(bytes));
        let sizes = write(&self.root.join("pkg").join(&name), bytes)?;
        self.sizes.insert(kind, sizes);
        Ok(name)
    }

    /// Writes the scripts that crates carry inline; returns the folder's name, hashed over all of them.
    pub fn snippets(&mut self, snippets: &[(String, String)]) -> Result<String> {
        let all: String = snippets.iter().flat_map(|(path, text)| [path.as_str(), "\0", text.as_str(), "\0"]).collect();
        let folder = format!("snippets.{:016x}", xxh3_64(all.as_bytes()));
        for (path, text) in snippets {
            write(&self.root.join("pkg").join(&folder).join(path), text.as_bytes())?;
        }
        Ok(folder)
    }

    /// Copies a folder to the root of the site; a missing folder is no fault.
    pub fn assets(&mut self, from: &Path) -> Result<()> {
        if from.is_dir() { copy(from, &self.root) } else { Ok(()) }
    }

    pub fn manifest(&mut self, js: &str, wasm: &str, css: &str) -> Result<()> {
        let text = serde_json::to_string_pretty(&serde_json::json!({ "js": js, "wasm": wasm, "css": css }))?;
        fs::write(self.root.join("manifest.json"), text).context("manifest.json")
    }

    /// Puts the new site in the place of the old one; returns the sizes by kind.
    pub fn finish(self, place: &Path) -> Result<BTreeMap<&'static str, Sizes>> {
        if place.exists() {
            fs::remove_dir_all(place).with_context(|| place.display().to_string())?;
        }
        fs::rename(&self.root, place).with_context(|| place.display().to_string())?;
        Ok(self.sizes)
    }
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    for entry in fs::read_dir(from).with_context(|| from.display().to_string())? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            write(&target, &fs::read(entry.path())?)?;
        }
    }
    Ok(())
}

/// Writes `path`, and `path.br` and `path.gz` where they are worth a file.
fn write(path: &Path, bytes: &[u8]) -> Result<Sizes> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    fs::write(path, bytes).with_context(|| path.display().to_string())?;
    let brotli = brotli_of(bytes)?;
    let gzip = gzip_of(bytes)?;
    let sizes = Sizes { raw: size(bytes), brotli: size(&brotli), gzip: size(&gzip) };
    for (ending, packed) in [("br", brotli), ("gz", gzip)] {
        // Pictures do not shrink; a copy of the same size only costs a lookup.
        if packed.len() < bytes.len() - bytes.len() / 10 {
            let mut name = path.as_os_str().to_owned();
            name.push(".");
            name.push(ending);
            fs::write(PathBuf::from(name), packed)?;
        }
    }
    Ok(sizes)
}

fn size(bytes: &[u8]) -> u64 {
    bytes.len() as u64
}

fn brotli_of(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut packed = Vec::new();
    let mut writer = brotli::CompressorWriter::new(&mut packed, 1 << 16, 11, 22);
    writer.write_all(bytes)?;
    drop(writer);
    Ok(packed)
}

fn gzip_of(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    writer.write_all(bytes)?;
    Ok(writer.finish()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_content_and_the_old_site_goes_as_a_whole() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let place = folder.path().join("site");
        let build = |css: &str| -> Result<String> {
            let mut site = Site::begin(&place.with_extension("new"))?;
            let css = site.hashed("css", css.as_bytes())?;
            site.manifest("a.js", "a.wasm", &css)?;
            site.finish(&place)?;
            Ok(css)
        };
        let first = build(&"body{color:red}".repeat(40))?;
        let second = build(&"body{color:blue}".repeat(40))?;
        assert_ne!(first, second);
        assert!(!place.join("pkg").join(&first).exists());
        let packed = fs::read(place.join("pkg").join(format!("{second}.br")))?;
        let mut plain = Vec::new();
        brotli::BrotliDecompress(&mut packed.as_slice(), &mut plain)?;
        assert_eq!(plain, "body{color:blue}".repeat(40).as_bytes());
        let manifest: serde_json::Value = serde_json::from_slice(&fs::read(place.join("manifest.json"))?)?;
        assert_eq!(manifest["css"], second.as_str());
        Ok(())
    }
}
