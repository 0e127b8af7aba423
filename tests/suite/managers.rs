//! Whom the manager of an account is resolved to: `muster.managers()`.

use std::fs;

use crate::support;

const PEOPLE: &str = "\
external_id,email,first name,last name,manager
1,ada@firm.org,Ada,Eins,
2,bea@firm.org,Bea,Zwei,1
3,cem@firm.org,Cem,Drei,BEA@firm.org
4,dan@firm.org,Dan,Vier,Ada Eins
5,eli@firm.org,Eli,Funk,\"Zwei, Bea\"
6,fay@firm.org,Fay,Sechs,\"CN=Bea Zwei,OU=People\"
7,gil@firm.org,Gil,Sieben,Nobody Known
8,twin1@firm.org,Ann,Twin,
9,twin2@firm.org,Ann,Twin,
10,hal@firm.org,Hal,Zehn,Ann Twin
";

#[test]
fn a_manager_is_found_by_id_address_or_full_name_and_follows_changes() {
    let (folder, url) = (support::folder(), support::fresh_database());
    let import = |text: &str| {
        fs::write(folder.path().join("people.csv"), text).unwrap();
        let done = support::run(folder.path(), &url, &["import", "people.csv", "-q"]);
        assert_eq!(done.exit, 0, "{}", done.stderr);
    };
    let managers = || {
        let rows = support::query(
            &url,
            "select a.external_id, m.external_id from muster.managers() of
             join muster.accounts a on a.id = of.account_id left join muster.accounts m on m.id = of.manager_id
             order by a.external_id::int",
        );
        let shown = rows.into_iter().map(|row| {
            let name = |at: usize| row[at].clone().unwrap_or_else(|| "nobody".into());
            format!("{} {}", name(0), name(1))
        });
        shown.collect::<Vec<_>>().join(", ")
    };
    import(PEOPLE);
    assert_eq!(managers(), "2 1, 3 2, 4 1, 5 2, 6 2, 7 nobody, 10 nobody");
    import(
        &PEOPLE
            .replace("Nobody Known", "4")
            .replace("Ann Twin\n", "twin2@firm.org\n"),
    );
    assert_eq!(managers(), "2 1, 3 2, 4 1, 5 2, 6 2, 7 4, 10 9");
}
