//! Server functions of an upload on its way; those of the plain pages are in `shelf`.

use leptos::prelude::*;
use types::views::crowds::UploadView;

use crate::error::AppError;

#[cfg(feature = "ssr")]
mod inside {
    use types::crowd::{Delimiter, Encoding, KeyKind, Mapping, Overrule, vendor_named};
    use types::ids::UploadId;
    use types::problem::{Code, Problem};
    use types::text::Words;

    use crate::error::AppError;

    pub fn upload_id(text: &str) -> Result<UploadId, AppError> {
        UploadId::parse(text).ok_or_else(|| AppError::new(Code::NotFound))
    }

    /// Of the choice fields; an empty one means "as detected".
    pub fn overrule(encoding: &str, delimiter: &str, header: &str) -> Overrule {
        Overrule {
            encoding: Encoding::parse(encoding),
            delimiter: Delimiter::parse(delimiter),
            header: match header {
                "yes" => Some(true),
                "no" => Some(false),
                _ => None,
            },
        }
    }

    /// `vendor`: `column:3`, or a vendor's slug for all rows; `variables`: the name of each column, empty = not used.
    pub fn mapping(key: &str, key_column: u32, vendor: &str, variables: &[String]) -> Result<Mapping, AppError> {
        let key =
            KeyKind::parse(key).ok_or_else(|| Problem::field("key", Words::new("请选择每行写的是什么", "choose what the rows name")))?;
        let mut mapping = Mapping { key, key_column, ..Mapping::default() };
        if key == KeyKind::Token {
            match vendor.strip_prefix("column:").and_then(|n| n.parse().ok()) {
                Some(column) => mapping.vendor_column = Some(column),
                None => mapping.vendor = vendor_named(vendor),
            }
        }
        for (column, name) in (0u32..).zip(variables) {
            let name = name.trim();
            if !name.is_empty() && mapping.variables.insert(name.to_owned(), column).is_some() {
                let twice = Words::new(format!("变量「{name}」用了两次"), format!("the variable \"{name}\" is used twice"));
                return Err(Problem::field(format!("variables.{name}"), twice).into());
            }
        }
        Ok(mapping)
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn forms_become_choices() {
            let read = mapping("token", 2, "column:1", &["".into(), " name ".into()]).unwrap();
            assert_eq!((read.vendor_column, read.vendor, read.variables["name"]), (Some(1), None, 1));
            assert_eq!(mapping("token", 0, "xiaomi", &[]).unwrap().vendor, Some(types::vendor::Vendor::Xiaomi));
            assert_eq!(mapping("user", 0, "xiaomi", &[]).unwrap().vendor, None, "only tokens have a vendor");
            assert!(mapping("user", 0, "", &["a".into(), "a".into()]).is_err());
            assert!(mapping("nobody", 0, "", &[]).is_err());
            let read = overrule("gb18030", "tab", "no");
            assert_eq!((read.encoding, read.delimiter, read.header), (Some(Encoding::Gb18030), Some(Delimiter::Tab), Some(false)));
            assert_eq!(overrule("", "", ""), Overrule::default());
        }
    }
}

#[server]
pub async fn view_upload(app: String, upload: String) -> Result<UploadView, AppError> {
    use crate::ports::ask_for;
    use types::people::Permission;
    let (asked, app) = ask_for(Permission::Operate, &app)?;
    asked.crowds.upload(&app, &inside::upload_id(&upload)?).await
}

#[server]
pub async fn overrule_upload(app: String, upload: String, encoding: String, delimiter: String, header: String) -> Result<(), AppError> {
    use crate::ports::ask_for;
    use types::people::Permission;
    let (asked, app) = ask_for(Permission::Operate, &app)?;
    asked.crowds.overrule(&app, &inside::upload_id(&upload)?, inside::overrule(&encoding, &delimiter, &header)).await
}

#[server]
pub async fn check_upload(
    app: String,
    upload: String,
    key: String,
    key_column: u32,
    vendor: String,
    #[server(default)] variables: Vec<String>,
) -> Result<(), AppError> {
    use crate::ports::ask_for;
    use types::people::Permission;
    let (asked, app) = ask_for(Permission::Operate, &app)?;
    let mapping = inside::mapping(&key, key_column, &vendor, &variables)?;
    asked.crowds.check(&app, &inside::upload_id(&upload)?, mapping).await
}

#[server]
pub async fn cancel_check(app: String, upload: String) -> Result<(), AppError> {
    use crate::ports::ask_for;
    use types::people::Permission;
    let (asked, app) = ask_for(Permission::Operate, &app)?;
    asked.crowds.cancel(&app, &inside::upload_id(&upload)?).await
}

#[server]
pub async fn discard_upload(app: String, upload: String) -> Result<(), AppError> {
    use crate::ports::ask_for;
    use types::people::Permission;
    let (asked, id) = ask_for(Permission::Operate, &app)?;
    asked.crowds.discard(&asked, &id, &inside::upload_id(&upload)?).await?;
    leptos_axum::redirect(&format!("/apps/{app}/crowds"));
    Ok(())
}

#[server]
pub async fn confirm_upload(app: String, upload: String, name: String) -> Result<(), AppError> {
    use crate::ports::ask_for;
    use types::people::Permission;
    let (asked, id) = ask_for(Permission::Operate, &app)?;
    let crowd = asked.crowds.confirm(&asked, &id, &inside::upload_id(&upload)?, &name).await?;
    leptos_axum::redirect(&format!("/apps/{app}/crowds/{crowd}"));
    Ok(())
}
