//! The made-up credential and the form of tokens of every vendor, as its golden files have them.

use std::collections::BTreeMap;
use std::path::Path;

use types::vendor::Vendor;

#[derive(serde::Deserialize)]
pub struct Sample {
    pub credential: BTreeMap<String, String>,
    token: String,
}

impl Sample {
    /// # Panics
    /// When the vendor has no sample: then its golden files have none either.
    pub fn of(vendor: Vendor) -> Sample {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/vendors").join(vendor.slug()).join("fixtures/sample.json");
        serde_json::from_str(&std::fs::read_to_string(path).expect("sample.json")).expect("a sample")
    }

    /// The token of the i-th phone.
    pub fn token(&self, i: u64) -> String {
        let mut token = self.token.clone();
        for (form, text) in
            [("{i:064x}", format!("{i:064x}")), ("{i:032x}", format!("{i:032x}")), ("{i}", i.to_string()), ("{a}", format!("x{i:06}"))]
        {
            token = token.replace(form, &text);
        }
        token
    }
}
