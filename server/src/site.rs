//! Where the built site lies and what its files are called.

use std::path::{Path, PathBuf};

use app::Site;

#[derive(Clone, Debug, Default)]
pub struct FoundSite {
    pub folder: PathBuf,
    pub names: Site,
}

/// Looks at the named folder, else beside the program, else at `target/site`. Without a manifest pages are served without style and
/// scripts, and the log says so.
pub fn find(named: Option<&Path>) -> FoundSite {
    let beside = std::env::current_exe().ok().and_then(|exe| exe.parent().map(|folder| folder.join("site")));
    let candidates: Vec<PathBuf> = match named {
        Some(folder) => vec![folder.to_path_buf()],
        None => [beside, Some(PathBuf::from("target/site"))].into_iter().flatten().collect(),
    };
    for folder in &candidates {
        let path = folder.join("manifest.json");
        match std::fs::read_to_string(&path).map(|text| serde_json::from_str::<Site>(&text)) {
            Ok(Ok(names)) => return FoundSite { folder: folder.clone(), names },
            Ok(Err(error)) => tracing::warn!(%error, path = %path.display(), "the site's manifest cannot be read"),
            Err(_) => {}
        }
    }
    tracing::warn!("no built site found (make site): pages come without style and scripts");
    FoundSite { folder: candidates.into_iter().next().unwrap_or_default(), names: Site::default() }
}
