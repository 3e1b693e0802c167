//! People: roles, permissions and the one table that decides.

use serde::{Deserialize, Serialize};

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
}
