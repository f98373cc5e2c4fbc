//! What a process has in memory, as the kernel says.

/// A number of KiB under its name in `/proc/ID/status`: `VmRSS:` is resident now, `VmHWM:` was at most.
pub(crate) fn kib(name: &str, id: u32) -> Result<u64, String> {
    let file = format!("/proc/{id}/status");
    let text = std::fs::read_to_string(&file).map_err(|error| format!("{file}: {error}"))?;
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    let number = line.and_then(|rest| rest.split_whitespace().next()).and_then(|number| number.parse().ok());
    number.ok_or_else(|| format!("{file}: no {name}"))
}
