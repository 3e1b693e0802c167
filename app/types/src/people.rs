//! People: roles, permissions and the one table that decides.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::ids::AppId;
use crate::text::Text;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    Viewer,
    Operator,
    Approver,
    Developer,
    Admin,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Permission {
    /// See overview, campaigns, funnels, lanes.
    See,
    /// Upload crowds, write copies, compose and run campaigns.
    Operate,
    /// See recipients one by one (ids, tokens masked).
    SeeRecipients,
    /// Approve what somebody else composed.
    Approve,
    /// Register apps, credentials, devices; change lanes.
    Develop,
    /// People, roles, audit log.
    Administer,
}

impl Role {
    pub const ALL: [Role; 5] = [Role::Viewer, Role::Operator, Role::Approver, Role::Developer, Role::Admin];

    pub const fn slug(self) -> &'static str {
        match self {
            Role::Viewer => "viewer",
            Role::Operator => "operator",
            Role::Approver => "approver",
            Role::Developer => "developer",
            Role::Admin => "admin",
        }
    }

    pub fn parse(text: &str) -> Option<Role> {
        Self::ALL.into_iter().find(|r| r.slug() == text)
    }

    pub const fn name(self) -> Text {
        match self {
            Role::Viewer => Text::new("查看者", "Viewer"),
            Role::Operator => Text::new("运营", "Operator"),
            Role::Approver => Text::new("审批人", "Approver"),
            Role::Developer => Text::new("开发者", "Developer"),
            Role::Admin => Text::new("管理员", "Administrator"),
        }
    }

    /// The permission table.
    pub const fn permissions(self) -> &'static [Permission] {
        use Permission::*;
        match self {
            Role::Viewer => &[See],
            Role::Operator => &[See, SeeRecipients, Operate],
            Role::Approver => &[See, SeeRecipients, Approve],
            Role::Developer => &[See, SeeRecipients, Develop],
            Role::Admin => &[See, SeeRecipients, Operate, Approve, Develop, Administer],
        }
    }

    pub fn may(self, permission: Permission) -> bool {
        self.permissions().contains(&permission)
    }
}

impl Permission {
    pub const ALL: [Permission; 6] =
        [Permission::See, Permission::Operate, Permission::SeeRecipients, Permission::Approve, Permission::Develop, Permission::Administer];

    pub const fn name(self) -> Text {
        match self {
            Permission::See => Text::new("查看", "see"),
            Permission::Operate => Text::new("运营", "operate"),
            Permission::SeeRecipients => Text::new("查看接收人", "see recipients"),
            Permission::Approve => Text::new("审批", "approve"),
            Permission::Develop => Text::new("开发配置", "develop"),
            Permission::Administer => Text::new("管理", "administer"),
        }
    }
}

/// What one person may do: a role everywhere, or none, and a role in single apps that replaces it there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rights {
    /// Role in every app that `apps` does not name; `None` = no right outside `apps`.
    pub role: Option<Role>,
    pub apps: BTreeMap<AppId, Role>,
}

impl Rights {
    /// The role that counts in `app`; `None` as `app` = things that belong to no app.
    pub fn role_in(&self, app: Option<&AppId>) -> Option<Role> {
        app.and_then(|app| self.apps.get(app).copied()).or(self.role)
    }

    /// The one decision; deny by default.
    pub fn may(&self, permission: Permission, app: Option<&AppId>) -> bool {
        self.role_in(app).is_some_and(|role| role.may(permission))
    }
}

/// Smallest password length; 15 and more is advised (reliability page, S3).
pub const PASSWORD_MIN: usize = 12;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_permission_table() {
        let table: Vec<String> = Role::ALL.iter().map(|r| format!("{:<9} {:?}", r.slug(), r.permissions())).collect();
        insta::assert_snapshot!(table.join("\n"));
    }

    #[test]
    fn a_role_in_an_app_replaces_the_role_everywhere() {
        let one = AppId::from_bytes([1; 16]);
        let two = AppId::from_bytes([2; 16]);
        let rights = Rights { role: Some(Role::Operator), apps: BTreeMap::from([(one.clone(), Role::Viewer)]) };
        assert!(!rights.may(Permission::Operate, Some(&one)), "the app's own role counts, even when it is smaller");
        assert!(rights.may(Permission::Operate, Some(&two)));
        let only_one = Rights { role: None, apps: BTreeMap::from([(one.clone(), Role::Developer)]) };
        assert!(only_one.may(Permission::Develop, Some(&one)));
        assert!(!only_one.may(Permission::See, Some(&two)), "another app stays closed");
        assert!(!only_one.may(Permission::See, None));
    }
}
