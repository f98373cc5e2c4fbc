//! Names and places in a pod that webhook, broker and agent must agree on.

/// The injected container.
pub const CONTAINER: &str = "keyhatch-agent";
/// The volume with the secrets.
pub const SECRETS_VOLUME: &str = "keyhatch";
/// Where the injected container has the secrets.
pub const SECRETS: &str = "/run/keyhatch/secrets";
/// The volume with the token, which the injected container alone mounts.
pub const TOKEN_VOLUME: &str = "keyhatch-token";
/// Where the injected container has the token's volume.
pub const TOKEN: &str = "/run/keyhatch/token";
/// The token's name in its volume.
pub const TOKEN_FILE: &str = "token";
/// The agent's own program in the volume with the secrets, for containers that start with it.
pub const PROGRAM: &str = ".keyhatch-agent";
/// The most bytes that the program has there: `manifests/image/build.sh` builds no larger one.
pub const PROGRAM_SIZE: u64 = 7 * 1024 * 1024 / 2;
/// Files at the top of the volume whose names begin so are Keyhatch's own; the folder of this name has the variables.
pub const RESERVED: &str = ".keyhatch";

/// The variables of a container, by path below the mount path.
pub fn variables(container: &str) -> String {
    format!("{RESERVED}/{container}.env")
}
