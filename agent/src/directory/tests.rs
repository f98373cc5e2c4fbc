//! The volume, step by step, on a real file system.

use super::*;
use std::os::unix::fs::chown;

use keyhatch_agent::Content;

fn answer(files: &[(&str, &str)]) -> Answer {
    let file = |(name, text): &(&str, &str)| ((*name).to_owned(), Content::new(text.as_bytes().to_vec()));
    let env = [("app".to_owned(), [("A".to_owned(), Content::new(b"1".to_vec()))].into())].into();
    Answer { files: files.iter().map(file).collect(), env, roots: String::new() }
}

fn directory() -> (tempfile::TempDir, Directory) {
    let kept = tempfile::tempdir().unwrap();
    let path = kept.path().to_owned();
    (kept, Directory { path })
}

fn names(directory: &Directory) -> Vec<String> {
    let entries = fs::read_dir(&directory.path).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn files_change_together_and_stale_names_go() {
    let (_kept, directory) = directory();
    let request = Request::default();
    assert!(!directory.is_filled());
    assert!(directory.write(&request, &answer(&[("a", "1"), ("tls/key", "2"), ("tls/crt", "3")])).unwrap());
    assert!(directory.is_filled());
    assert_eq!(names(&directory), ["..data", "..keyhatch_1", ".keyhatch", "a", "tls"]);
    assert_eq!(fs::read(directory.path.join("tls/key")).unwrap(), b"2");
    assert_eq!(fs::read(directory.path.join(".keyhatch/app.env")).unwrap(), b"A=1\0");

    assert!(directory.write(&request, &answer(&[("b", "4")])).unwrap());
    assert_eq!(names(&directory), ["..data", "..keyhatch_2", ".keyhatch", "b"]);
    assert_eq!(fs::read(directory.path.join("b")).unwrap(), b"4");
}

#[test]
fn what_is_there_already_is_not_written_again() {
    let (_kept, directory) = directory();
    let request = Request::default();
    directory.write(&request, &answer(&[("a", "1")])).unwrap();
    assert!(!directory.write(&request, &answer(&[("a", "1")])).unwrap());
    assert!(directory.write(&request, &answer(&[("a", "2")])).unwrap());
    assert!(directory.write(&request, &answer(&[])).unwrap());
}

#[test]
fn permissions_are_as_asked_whatever_the_umask() {
    let (_kept, directory) = directory();
    let request: Request = serde_json::from_str(
        r#"{"files":{"a":{"from":"s::a","permissions":"0444"},"b":{"from":"s::b"}},"permissions":"0440"}"#,
    )
    .unwrap();
    directory.write(&request, &answer(&[("a", "1"), ("b", "1")])).unwrap();
    let mode = |name: &str| fs::metadata(directory.path.join(name)).unwrap().mode() & 0o7777;
    assert_eq!([mode("a"), mode("b"), mode(".keyhatch/app.env")], [0o444, 0o440, 0o440]);
}

#[test]
fn the_kubelet_gets_variables_as_it_reads_them() {
    let (_kept, directory) = directory();
    let request = Request { kubelet_env: ["app".to_owned()].into(), ..Request::default() };
    directory.write(&request, &answer(&[])).unwrap();
    assert_eq!(fs::read(directory.path.join(".keyhatch/app.env")).unwrap(), b"A='1'\n");
}

#[test]
fn names_that_lead_elsewhere_are_refused_and_nothing_changes() {
    let (_kept, directory) = directory();
    directory.write(&Request::default(), &answer(&[("a", "1")])).unwrap();
    for name in
        ["", "/etc/passwd", "../x", "a/../../x", "..data", ".keyhatch/app.env", ".keyhatch-agent", "./x"]
    {
        let refused = directory.write(&Request::default(), &answer(&[("a", "2"), (name, "x")]));
        assert!(matches!(refused, Err(DirectoryError::Name(_))), "{name}: {refused:?}");
    }
    assert_eq!(fs::read(directory.path.join("a")).unwrap(), b"1");
}

#[test]
fn half_a_folder_is_not_shown_and_goes_with_the_next_one() {
    let (_kept, directory) = directory();
    directory.write(&Request::default(), &answer(&[("a", "1")])).unwrap();
    // A file cannot be a folder, too.
    assert!(directory.write(&Request::default(), &answer(&[("x", "1"), ("x/y", "2")])).is_err());
    assert_eq!(names(&directory), ["..data", "..keyhatch_1", ".keyhatch", "a"]);
    fs::create_dir(directory.path.join("..keyhatch_7")).unwrap();
    directory.write(&Request::default(), &answer(&[("a", "2")])).unwrap();
    assert_eq!(names(&directory), ["..data", "..keyhatch_2", ".keyhatch", "a"]);
}

/// As the kubelet makes a volume for a pod with an fsGroup.
#[test]
fn files_belong_to_the_group_of_the_volume() {
    let (_kept, directory) = directory();
    // Only root, and who is in another group, can tell it from the group of this process.
    let _ = chown(&directory.path, None, Some(12345));
    fs::set_permissions(&directory.path, Permissions::from_mode(0o2777)).unwrap();
    let group = fs::metadata(&directory.path).unwrap().gid();
    directory.write(&Request::default(), &answer(&[("a", "1"), ("tls/key", "2")])).unwrap();
    for (name, mode) in [
        ("..keyhatch_1", 0o2755),
        ("..keyhatch_1/tls", 0o2755),
        ("..keyhatch_1/.keyhatch", 0o2755),
        ("a", 0o400),
        ("tls/key", 0o400),
        (".keyhatch/app.env", 0o400),
    ] {
        let metadata = fs::metadata(directory.path.join(name)).unwrap();
        assert_eq!((metadata.mode() & 0o7777, metadata.gid()), (mode, group), "{name}");
    }
}

/// A full volume takes no link, either.
#[test]
fn what_is_shown_stays_when_a_new_name_cannot_be_linked() {
    let (_kept, directory) = directory();
    directory.write(&Request::default(), &answer(&[("a", "1")])).unwrap();
    // In the way of the link.
    fs::create_dir(directory.path.join("z")).unwrap();
    let refused = directory.write(&Request::default(), &answer(&[("a", "2"), ("b", "2"), ("z", "2")]));
    assert!(matches!(refused, Err(DirectoryError::Write { .. })), "{refused:?}");
    assert_eq!(fs::read(directory.path.join("a")).unwrap(), b"1");
    assert_eq!(names(&directory), ["..data", "..keyhatch_1", ".keyhatch", "a", "z"]);
    fs::remove_dir(directory.path.join("z")).unwrap();
    assert!(directory.write(&Request::default(), &answer(&[("a", "2"), ("z", "2")])).unwrap());
    assert_eq!(names(&directory), ["..data", "..keyhatch_2", ".keyhatch", "a", "z"]);
}

#[test]
fn a_name_that_was_never_linked_is_linked_by_the_next_start() {
    let (_kept, directory) = directory();
    directory.write(&Request::default(), &answer(&[("a", "1"), ("b", "1")])).unwrap();
    fs::remove_file(directory.path.join("b")).unwrap();
    assert!(directory.write(&Request::default(), &answer(&[("a", "1"), ("b", "1")])).unwrap());
    assert_eq!(fs::read(directory.path.join("b")).unwrap(), b"1");
}
