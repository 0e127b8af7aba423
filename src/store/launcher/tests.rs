//! The local database, made and broken.

use super::owner::{Owner, check_reachable, is_root, owner_named};
use super::{Local, SOCKET, Status, settled};
use crate::issue::Code;
use crate::store::binaries::Binaries;
use crate::store::scratch::Home;
use std::fs::{self, DirBuilder};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::Instant;

fn psql(local: &Local, sql: &str) -> String {
    let output = Command::new("psql")
        .args(["-XAtc", sql, &local.url()])
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{errors}");
    String::from_utf8(output.stdout).unwrap().trim().to_string()
}

#[test]
fn a_server_is_made_attached_to_and_stopped() {
    let home = Home::new("a home's \"odd\" \\ name; 100% $HOME");
    let local = &home.local;
    assert_eq!(local.status(), Status::Missing);
    local.stop().unwrap();
    local.start().unwrap();
    let begin = Instant::now();
    local.start().unwrap();
    assert!(begin.elapsed().as_millis() < 200, "{:?}", begin.elapsed());
    let Status::Running {
        version,
        pid: Some(_),
    } = local.status()
    else {
        panic!("{:?}", local.status());
    };
    assert_eq!(
        psql(local, "SHOW server_version").split(' ').next(),
        Some(&*version)
    );
    let settings = "SELECT string_agg(name || '=' || setting, ' ' ORDER BY name) FROM pg_settings \
                    WHERE name IN ('fsync', 'data_checksums', 'listen_addresses', 'full_page_writes')";
    assert_eq!(
        psql(local, settings),
        "data_checksums=on fsync=on full_page_writes=on listen_addresses="
    );
    let whose = "SELECT current_user, current_database(), pg_encoding_to_char(encoding), datcollate \
                 FROM pg_database WHERE datname = current_database()";
    assert_eq!(psql(local, whose), "muster|muster|UTF8|C.UTF-8");
    assert_eq!(fs::metadata(local.socket()).unwrap().mode() & 0o777, 0o700);
    local.stop().unwrap();
    assert_eq!(local.status(), Status::Stopped);
    local.stop().unwrap();
}

#[test]
fn two_that_start_at_once_get_one_server() {
    let home = Home::new("home");
    let unfinished = home.local.home().join("data.unfinished-left-by-a-kill");
    fs::create_dir_all(unfinished.join("base")).unwrap();
    thread::scope(|scope| {
        let starts: Vec<_> = (0..4).map(|_| scope.spawn(|| home.local.start())).collect();
        for start in starts {
            start.join().unwrap().unwrap();
        }
    });
    assert_eq!(psql(&home.local, "SELECT 1"), "1");
    assert!(!unfinished.exists());
    let log = fs::read_to_string(home.local.log()).unwrap();
    assert_eq!(log.matches("starting PostgreSQL").count(), 1, "{log}");
}

#[test]
fn a_killed_server_comes_back_with_what_was_committed() {
    let home = Home::new("home");
    let local = &home.local;
    local.start().unwrap();
    psql(
        local,
        "CREATE TABLE kept AS SELECT generate_series(1, 1000) AS n",
    );
    for _ in 0..2 {
        let Status::Running { pid: Some(pid), .. } = local.status() else {
            panic!("not running");
        };
        let killed = Command::new("kill").args(["-9", &pid.to_string()]).status();
        assert!(killed.unwrap().success());
        local.start().unwrap();
        assert_eq!(psql(local, "SELECT count(*) FROM kept"), "1000");
    }
}

#[test]
fn errors_of_statements_stay_out_of_the_log() {
    let home = Home::new("home");
    let local = &home.local;
    local.start().unwrap();
    let sql = "CREATE TABLE t (email text UNIQUE); INSERT INTO t VALUES ('canary@example.org'); \
               INSERT INTO t VALUES ('canary@example.org')";
    let output = Command::new("psql")
        .args(["-Xc", sql, &local.url()])
        .output()
        .unwrap();
    assert!(String::from_utf8_lossy(&output.stderr).contains("canary"));
    local.stop().unwrap();
    let log = fs::read_to_string(local.log()).unwrap();
    assert!(log.contains("database system is shut down"), "{log}");
    assert!(!log.contains("canary"), "{log}");
}

#[test]
fn a_server_that_cannot_start_says_why() {
    let home = Home::new("home");
    let local = &home.local;
    local.start().unwrap();
    local.stop().unwrap();
    let own = local.home().join("local.conf");
    fs::write(&own, "shared_bufers = 1GB\n").unwrap();
    fs::set_permissions(&own, fs::Permissions::from_mode(0o644)).unwrap();
    let refusal = local.start().unwrap_err();
    assert_eq!(refusal.code, Code::DatabaseFailed);
    assert!(
        refusal
            .what
            .contains("unrecognized configuration parameter \"shared_bufers\""),
        "{refusal}"
    );
    fs::remove_file(own).unwrap();
    fs::write(local.data().join("PG_VERSION"), "12\n").unwrap();
    let refusal = local.start().unwrap_err();
    assert_eq!(refusal.code, Code::DatabaseVersion);
}

#[test]
fn a_long_home_gets_its_socket_elsewhere_and_only_a_private_one() {
    assert!(Local::at("/srv/one, two").socket().starts_with("/tmp"));
    let home = Home::new(&"long/".repeat(20));
    let local = &home.local;
    let socket = local.socket().to_path_buf();
    assert!(socket.join(SOCKET).as_os_str().len() < 60, "{socket:?}");
    assert_eq!(Local::at(local.home()).socket(), socket);
    fs::create_dir(&socket).unwrap();
    fs::set_permissions(&socket, fs::Permissions::from_mode(0o777)).unwrap();
    let refusal = local.start().unwrap_err();
    assert!(
        refusal
            .what
            .starts_with(&format!("`{}` should be", socket.display())),
        "{refusal}"
    );
    fs::remove_dir(&socket).unwrap();
    symlink("/tmp", &socket).unwrap();
    assert_eq!(local.start().unwrap_err().code, Code::DatabaseFailed);
    fs::remove_file(&socket).unwrap();
    // What another start has made, but not given to the server's user yet, is taken.
    DirBuilder::new().mode(0o700).create(&socket).unwrap();
    local.start().unwrap();
    assert_eq!(psql(local, "SELECT 1"), "1");
}

#[test]
fn a_closed_parent_is_named() {
    if !is_root() {
        return;
    }
    let home = Home::new("closed/home");
    let closed = home.folder().join("closed");
    fs::create_dir(&closed).unwrap();
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o700)).unwrap();
    let refusal = home.local.start().unwrap_err();
    let named = format!("can't enter `{}`", closed.display());
    assert!(refusal.what.ends_with(&named), "{refusal}");
    assert!(refusal.help.contains("chmod a+x"), "{}", refusal.help);
    let nobody = Owner {
        user: 65534,
        group: 65534,
    };
    let binaries = Binaries::find(None).unwrap();
    check_reachable(&binaries, nobody, Path::new("/tmp")).unwrap();
}

#[test]
fn users_are_found_by_their_whole_name() {
    let users = "root:x:0:0:root:/root:/bin/sh\nnobody2:x:7:8::/:\nnobody:x:65534:65533::/:\n";
    let table = [
        ("nobody", Some((65534, 65533))),
        ("root", Some((0, 0))),
        ("postgres", None),
    ];
    for (name, numbers) in table {
        let found = owner_named(users, name).map(|owner| (owner.user, owner.group));
        assert_eq!(found, numbers, "{name}");
    }
}

#[test]
fn one_folder_has_one_name() {
    let place = tempfile::tempdir().unwrap();
    let real = place.path().canonicalize().unwrap();
    symlink(&real, real.join("link")).unwrap();
    assert_eq!(
        settled(&real.join("link/not/there")),
        real.join("not/there")
    );
    assert_eq!(
        Local::at(real.join("link/x")).url(),
        Local::at(real.join("x")).url()
    );
}
