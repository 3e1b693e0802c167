//! People and roles.

use leptos::form::ActionForm;
use leptos::prelude::*;
use types::people::{Permission, Role};
use types::views::people::PersonView;

pub mod calls;

use calls::{ChangePerson, InvitePerson, MakePersonLink, fresh_link, list_people};

use crate::ui::number::Time;
use crate::ui::prelude::*;
use crate::ui::returned::typed_into;

const TITLE: Text = Text::new("人员与角色", "People and roles");
const SUB: Text = Text::new(
    "没有角色就什么也看不到；单个应用里的角色代替总角色。",
    "Without a role nothing shows; a role in one app replaces the general one there.",
);
const INVITE: Text = Text::new("添加人员", "Add a person");
const NAME: Text = Text::new("姓名", "Name");
const EMAIL: Text = Text::new("邮箱", "E-mail");
const ROLE: Text = Text::new("所有应用里的角色", "Role in every app");
const ROLE_SHORT: Text = Text::new("角色", "Role");
const NO_ROLE: Text = Text::new("无", "none");
const IN_APP: Text = Text::new("在「{0}」里的角色", "Role in “{0}”");
const AS_GENERAL: Text = Text::new("同总角色", "as the general role");
const STATE: Text = Text::new("状态", "State");
const ACTIVE: Text = Text::new("可登录", "active");
const WAITING: Text = Text::new("尚未设置密码", "no password yet");
const OFF: Text = Text::new("已停用", "switched off");
const SINCE: Text = Text::new("加入", "Since");
const EDIT: Text = Text::new("修改", "Change");
const SAVE: Text = Text::new("保存", "Save");
const SWITCH_OFF: Text = Text::new("停用账号（立即结束登录）", "Switch the account off (ends sign-ins at once)");
const NEW_LINK: Text = Text::new("发一次性链接", "Make a one-time link");
const LINK_IS: Text = Text::new(
    "一次性链接，只显示这一次；请交给本人设置密码，有效至：",
    "One-time link, shown this once; hand it to the person to set a password. Good until:",
);
const TABLE: Text = Text::new("权限表", "Permission table");

fn roles(lang: Lang, empty: Text) -> Vec<(String, String)> {
    let mut out = vec![(String::new(), empty.get(lang).to_owned())];
    out.extend(Role::ALL.map(|r| (r.slug().to_owned(), r.name().get(lang).to_owned())));
    out
}

/// One choice per app, as `grants[i]`.
#[component]
fn Grants(person: Option<PersonView>) -> impl IntoView {
    let lang = use_lang();
    let apps = use_shell().get().apps;
    let prefix = person.as_ref().map_or_else(|| "new".to_owned(), |p| p.id.as_str().to_owned());
    apps.into_iter()
        .enumerate()
        .map(|(i, app)| {
            let mut options = vec![(String::new(), AS_GENERAL.get(lang).to_owned())];
            options.extend(Role::ALL.map(|r| (format!("{}:{}", app.id, r.slug()), r.name().get(lang).to_owned())));
            let now =
                person.as_ref().and_then(|p| p.rights.apps.get(&app.id)).map(|r| format!("{}:{}", app.id, r.slug())).unwrap_or_default();
            view! {
                <SelectField
                    name=format!("grants[{i}]")
                    id=format!("{prefix}-grant-{i}")
                    label=IN_APP.fill(lang, &[&app.name])
                    options=options
                    value=now
                />
            }
        })
        .collect_view()
        .into_any()
}

#[component]
pub fn People() -> impl IntoView {
    let lang = use_lang();
    let invite = ServerAction::<InvitePerson>::new();
    let change = ServerAction::<ChangePerson>::new();
    let link = ServerAction::<MakePersonLink>::new();
    let invited = typed_into::<InvitePerson>();
    let of = move |pick: fn(&InvitePerson) -> &String| invited.as_ref().map(|t| pick(t).clone()).unwrap_or_default();
    let invite_trouble = trouble_of(invite);
    let change_trouble = trouble_of(change);
    let link_trouble = trouble_of(link);
    let versions = move || (invite.version().get(), change.version().get(), link.version().get());
    let people = Resource::new(versions, |_| list_people());
    let fresh = Resource::new(versions, |_| fresh_link());
    let columns = move || {
        vec![
            Column::text(t(NAME)),
            Column::text(t(EMAIL)),
            Column::text(t(ROLE_SHORT)),
            Column::text(t(STATE)),
            Column::text(t(SINCE)),
            Column::text(""),
        ]
    };
    let row = move |p: PersonView| {
        let state = if p.disabled {
            view! { <Pill tone=Tone::Bad>{OFF.get(lang)}</Pill> }.into_any()
        } else if p.has_password {
            view! { <Pill tone=Tone::Ok>{ACTIVE.get(lang)}</Pill> }.into_any()
        } else {
            view! { <Pill tone=Tone::Warn>{WAITING.get(lang)}</Pill> }.into_any()
        };
        let id = StoredValue::new(p.id.as_str().to_owned());
        let role = p.rights.role;
        let (since, off) = (p.created_at, p.disabled);
        let (name, email, extra) = (p.name.clone(), p.email.clone(), p.rights.apps.len());
        let value = name.clone();
        view! {
            <tr>
                <td>{name}</td>
                <td>{email}</td>
                <td>{role.map_or(NO_ROLE, Role::name).get(lang)} {(extra > 0).then(|| format!(" +{extra}"))}</td>
                <td>{state}</td>
                <td>
                    <Time at=since brief=true />
                </td>
                <td>
                    <details class="confirm">
                        <summary class="btn">{EDIT.get(lang)}</summary>
                        <div class="confirm-body card">
                            <ActionForm action=change attr:class="form">
                                <input type="hidden" name="id" value=id.get_value() />
                                <TextField name="name" id=format!("{}-name", id.get_value()) label=NAME.get(lang) value=value required=true maxlength=80 />
                                <SelectField
                                    name="role"
                                    id=format!("{}-role", id.get_value())
                                    label=ROLE.get(lang)
                                    options=roles(lang, NO_ROLE)
                                    value=role.map_or("", Role::slug)
                                />
                                <Grants person=Some(p) />
                                <CheckField name="disabled" label=SWITCH_OFF.get(lang) checked=off />
                                <Button kind=Kind::Act>{SAVE.get(lang)}</Button>
                            </ActionForm>
                            <ActionForm action=link>
                                <input type="hidden" name="id" value=id.get_value() />
                                <Button disabled=off>{NEW_LINK.get(lang)}</Button>
                            </ActionForm>
                        </div>
                    </details>
                </td>
            </tr>
        }
    };
    let mut table = vec![Column::text(t(ROLE_SHORT))];
    table.extend(Permission::ALL.map(|p| Column::text(p.name().get(lang))));
    view! {
        <PageHead title=t(TITLE) sub=t(SUB) />
        <Load
            resource=fresh
            view=move |fresh| {
                fresh
                    .map(|link| {
                        view! {
                            <div class="ok-box" role="status">
                                <span>
                                    {LINK_IS.get(lang)} " " <Time at=link.expires_at />
                                </span>
                                <code>{link.url.unwrap_or(link.path)}</code>
                            </div>
                        }
                    })
            }
        />
        <ErrorBox error=change_trouble />
        <ErrorBox error=link_trouble />
        <Card>
            <Load
                resource=people
                view=move |people| {
                    view! {
                        <Table caption=t(TITLE) columns=columns()>
                            {people.into_iter().map(row).collect_view()}
                        </Table>
                    }
                }
            />
        </Card>
        <Card title=t(INVITE)>
            <ActionForm action=invite attr:class="form">
                <ErrorBox error=invite_trouble />
                <TextField name="name" label=t(NAME) value=of(|t| &t.name) required=true maxlength=80 error=invite_trouble.field("name") />
                <TextField name="email" label=t(EMAIL) value=of(|t| &t.email) kind="email" required=true maxlength=254 error=invite_trouble.field("email") />
                <SelectField name="role" label=t(ROLE) options=roles(lang, NO_ROLE) value=of(|t| &t.role) error=invite_trouble.field("role") />
                <Grants person=None />
                <Button kind=Kind::Act>{t(INVITE)}</Button>
            </ActionForm>
        </Card>
        <Card title=t(TABLE)>
            <Table
                caption=t(TABLE)
                columns=table
            >
                {Role::ALL
                    .map(|role| {
                        view! {
                            <tr>
                                <td>{role.name().get(lang)}</td>
                                {Permission::ALL.map(|p| view! { <td>{if role.may(p) { "✓" } else { "–" }}</td> })}
                            </tr>
                        }
                    })}
            </Table>
        </Card>
    }
    .into_any()
}
