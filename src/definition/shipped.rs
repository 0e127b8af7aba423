//! The pipelines that come with muster.

/// The pipelines that come with muster: name and text. The first is the default; those after
/// `preflight` are presets for what other systems export, and are recognised by their columns.
pub const SHIPPED: [(&str, &str); 23] = [
    ("users", include_str!("../../pipelines/users.toml")),
    (
        "hr-nightly",
        include_str!("../../pipelines/hr-nightly.toml"),
    ),
    ("migration", include_str!("../../pipelines/migration.toml")),
    ("preflight", include_str!("../../pipelines/preflight.toml")),
    ("moodle", include_str!("../../pipelines/moodle.toml")),
    ("canvas", include_str!("../../pipelines/canvas.toml")),
    (
        "oneroster-1.1",
        include_str!("../../pipelines/oneroster-1.1.toml"),
    ),
    (
        "oneroster-1.2",
        include_str!("../../pipelines/oneroster-1.2.toml"),
    ),
    (
        "school-data-sync",
        include_str!("../../pipelines/school-data-sync.toml"),
    ),
    ("entra", include_str!("../../pipelines/entra.toml")),
    (
        "entra-create",
        include_str!("../../pipelines/entra-create.toml"),
    ),
    (
        "google-workspace",
        include_str!("../../pipelines/google-workspace.toml"),
    ),
    ("okta", include_str!("../../pipelines/okta.toml")),
    ("auth0", include_str!("../../pipelines/auth0.toml")),
    ("keycloak", include_str!("../../pipelines/keycloak.toml")),
    ("scim", include_str!("../../pipelines/scim.toml")),
    ("bamboohr", include_str!("../../pipelines/bamboohr.toml")),
    ("workday", include_str!("../../pipelines/workday.toml")),
    (
        "successfactors",
        include_str!("../../pipelines/successfactors.toml"),
    ),
    (
        "mattermost",
        include_str!("../../pipelines/mattermost.toml"),
    ),
    (
        "360learning",
        include_str!("../../pipelines/360learning.toml"),
    ),
    (
        "ispring-learn",
        include_str!("../../pipelines/ispring-learn.toml"),
    ),
    ("talentlms", include_str!("../../pipelines/talentlms.toml")),
];
