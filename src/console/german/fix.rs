//! Of the pages on which rows are fixed, and of names of runs.

/// English, German.
pub(super) const WORDS: &[(&str, &str)] = &[
    (
        "Values of people are masked on this page. You need the role operator to see them.",
        "Werte von Personen sind auf dieser Seite verborgen. Um sie zu sehen, brauchen Sie die Rolle operator.",
    ),
    (
        "Values of people are masked on this page. If you show them, all pages have them in full until you mask them again. The audit log notes that you did.",
        "Werte von Personen sind auf dieser Seite verborgen. Wenn Sie sie zeigen, stehen sie auf allen Seiten, bis Sie sie wieder verbergen. Das Protokoll hält fest, dass Sie es getan haben.",
    ),
    (
        "No mail server is set: the mails go into the outbox, a folder of this machine.",
        "Es ist kein Mailserver eingestellt: Die Mails gehen in den Ausgang, einen Ordner dieses Rechners.",
    ),
    ("Approvals", "Genehmigungen"),
    (
        "What safeguards hold of an import waits for an approver. You can ask for a second person: then who started the import can't approve what is held of it, in the console or on the command line.",
        "Was Sicherungen von einem Import zurückhalten, wartet auf eine Genehmigung. Sie können eine zweite Person verlangen: Dann kann, wer den Import gestartet hat, nicht selbst genehmigen, was davon zurückgehalten wird, weder in der Konsole noch auf der Kommandozeile.",
    ),
    (
        "What is held is approved by somebody else than who imported it",
        "Was zurückgehalten wird, genehmigt jemand anderes, als wer importiert hat",
    ),
    (
        "You started this run. Somebody else must approve what is held of it.",
        "Sie haben diesen Lauf gestartet. Was davon zurückgehalten wird, muss jemand anderes genehmigen.",
    ),
    (
        "More than {n} people match. Only rows of {n} of them are listed; search for more of the name.",
        "Mehr als {n} Personen passen. Nur Zeilen von {n} davon sind aufgeführt; suchen Sie nach mehr vom Namen.",
    ),
    ("Fixed rows of {name}", "Korrigierte Zeilen von {name}"),
    ("Approved rows of {name}", "Genehmigte Zeilen von {name}"),
    (
        "Warnings (imported as they are)",
        "Warnungen (so importiert, wie sie sind)",
    ),
    (
        "Some values look wrong, but went in. To look at them, the list is read again.",
        "Einige Werte sehen falsch aus, wurden aber übernommen. Um sie zu zeigen, wird die Liste noch einmal gelesen.",
    ),
    ("Look at the warnings", "Warnungen ansehen"),
    (
        "Some values look wrong, but went in. The list isn't kept here any more, so that they can't be corrected on this page. Correct the people themselves.",
        "Einige Werte sehen falsch aus, wurden aber übernommen. Die Liste ist hier nicht mehr vorhanden, sodass sie auf dieser Seite nicht korrigiert werden können. Korrigieren Sie die Personen selbst.",
    ),
    (
        "These people are in the accounts. If a value is wrong, type what is right. Saving keeps your corrections here; importing them changes the accounts.",
        "Diese Personen sind in den Konten. Wenn ein Wert falsch ist, geben Sie den richtigen ein. Speichern behält Ihre Korrekturen hier; erst der Import ändert die Konten.",
    ),
    (
        "1 corrected row is not in the accounts yet.",
        "1 korrigierte Zeile ist noch nicht in den Konten.",
    ),
    (
        "{n} corrected rows are not in the accounts yet.",
        "{n} korrigierte Zeilen sind noch nicht in den Konten.",
    ),
    ("Import 1 corrected row", "1 korrigierte Zeile importieren"),
    (
        "Import {n} corrected rows",
        "{n} korrigierte Zeilen importieren",
    ),
    (
        "1 person is in several rows",
        "1 Person steht in mehreren Zeilen",
    ),
    (
        "{n} people are in several rows",
        "{n} Personen stehen in mehreren Zeilen",
    ),
    (
        "These rows have the same id, address or username, but different values. Keep one row, or correct what they have in common, so that each is a person of its own.",
        "Diese Zeilen haben dieselbe Kennung, Adresse oder denselben Benutzernamen, aber verschiedene Werte. Behalten Sie eine Zeile, oder korrigieren Sie, was sie gemeinsam haben, sodass jede eine eigene Person ist.",
    ),
    (
        "{n} more follow when these are decided.",
        "{n} weitere folgen, wenn diese entschieden sind.",
    ),
    (
        "{n} more rows are the same person.",
        "{n} weitere Zeilen sind dieselbe Person.",
    ),
    ("Lines {lines}", "Zeilen {lines}"),
    ("Save what was corrected", "Korrektur speichern"),
    ("The rows side by side", "Die Zeilen nebeneinander"),
    ("Keep one", "Eine behalten"),
    ("Keep this one", "Diese behalten"),
    ("differs", "verschieden"),
    ("Corrected rows", "Berichtigte Zeilen"),
];
