//! The expanded picture: Meizu fetches it from its address and keeps a copy of its own for three days (meizu.md, 2).

use std::collections::BTreeMap;

use types::Millis;
use types::failure::FailureClass::{BadContent, InvalidToken, Unknown, VendorError};

use super::answer::spoken;
use super::request::signed;
use crate::vendors::dialect::{Batch, Credential, Failure, NotPrepared, Paced, Preparation, Request, What, Wire};
use crate::vendors::picture::Picture;
use crate::vendors::proof::sha256_hex;

const LIVES: Millis = 2 * 86_400_000;
const WIDTH: u32 = 328;
const HEIGHT: u32 = 120;
const BYTES_MAX: usize = 200 * 1_024;
/// The kind of picture that stands in the expanded notification.
const EXPANDED: &str = "1";

/// Names the picture among the materials of the lane, with its address.
pub(super) fn key<'a>(batch: &Batch<'a>, credential: &Credential) -> Option<(String, &'a str)> {
    let url = batch.content.image.as_deref()?;
    Some((sha256_hex(&["meizu picture\n", credential.get("app_id").trim(), "\n", url]), url))
}

pub(super) fn missing(batch: &Batch<'_>, credential: &Credential) -> Option<Preparation> {
    let (key, url) = key(batch, credential)?;
    let known = batch.prepared.get(&key).is_some() || batch.prepared.left_out.contains_key(&key);
    (!known).then(|| Preparation { kind: "image", key, what: What::Upload(url.to_owned()), lives: LIVES, paced: Paced::Not })
}

pub(super) fn upload(url: &str, picture: &Picture, credential: &Credential, pass: &str) -> Result<Request, String> {
    if credential.get("pictures").trim() != "yes" {
        return Err("Meizu shows pictures of apps with the VIP right only; say yes in the credential if this one has it".to_owned());
    }
    if (picture.width, picture.height) != (WIDTH, HEIGHT) || picture.bytes.len() > BYTES_MAX {
        return Err(format!("Meizu takes pictures of {WIDTH} x {HEIGHT} up to {} KiB, this is a {}", BYTES_MAX / 1_024, picture.said()));
    }
    let app_id = credential.get("app_id").trim();
    let parameters = BTreeMap::from([("appId", app_id), ("imgType", EXPANDED), ("imgUrl", url)]);
    Ok(signed("uploadImg", &parameters, pass))
}

pub(super) fn read(wire: &Wire, now: Millis) -> Result<String, NotPrepared> {
    let refused = |failure| NotPrepared { failure, renew_pass: false };
    let answer = spoken(wire, now).map_err(|failure| match failure.class {
        // Nothing was said of a device.
        InvalidToken => refused(Failure { class: VendorError, ..failure }),
        _ => refused(failure),
    })?;
    let url = answer.get("value").and_then(|value| value.get("imgUrl")).and_then(serde_json::Value::as_str).map_or("", str::trim);
    match url {
        "" => Err(refused(Failure::new(Unknown, "200 without an address of the picture"))),
        url if url.starts_with("https://") && url.len() <= 1_000 => Ok(url.to_owned()),
        _ => Err(refused(Failure::new(BadContent, "200 with an address that is none"))),
    }
}
