//! Of the frame, signing in, the overview and the settings.

/// English, German.
pub const WORDS: &[(&str, &str)] = &[
    ("Overview", "Übersicht"),
    ("Import", "Import"),
    ("Runs", "Läufe"),
    ("People", "Personen"),
    ("Groups", "Gruppen"),
    ("Invitations", "Einladungen"),
    ("Mails", "E-Mails"),
    ("Settings", "Einstellungen"),
    ("Audit", "Protokoll"),
    ("Help", "Hilfe"),
    ("Skip to the content", "Zum Inhalt springen"),
    ("Main", "Hauptmenü"),
    ("Sign out", "Abmelden"),
    ("signed in on this machine", "auf diesem Rechner angemeldet"),
    ("Show values", "Werte zeigen"),
    ("Mask values", "Werte verbergen"),
    ("Sign in", "Anmelden"),
    ("Code from the link", "Code aus dem Link"),
    (
        "Open the link that `muster console` printed, or paste its code here. A link works once, for ten minutes.",
        "Öffnen Sie den Link, den `muster console` ausgegeben hat, oder fügen Sie seinen Code hier ein. Ein Link gilt einmal, zehn Minuten lang.",
    ),
    (
        "This link is unknown, was used before, or is older than ten minutes. `muster console link` prints a new one.",
        "Dieser Link ist unbekannt, schon benutzt oder älter als zehn Minuten. `muster console link` gibt einen neuen aus.",
    ),
    ("This page doesn't exist", "Diese Seite gibt es nicht"),
    ("Go to the overview", "Zur Übersicht"),
    ("This can't be done", "Das geht nicht"),
    (
        "The code of this problem is",
        "Der Code dieses Problems ist",
    ),
    ("Go back", "Zurück"),
    ("You may not do this", "Das dürfen Sie nicht"),
    (
        "Your role is {role}. This needs the role {needed}.",
        "Ihre Rolle ist {role}. Dafür braucht es die Rolle {needed}.",
    ),
    (
        "This form can't be taken",
        "Dieses Formular kann nicht angenommen werden",
    ),
    (
        "It is from an older page or another site. Nothing was done. Reload the page and send it again.",
        "Es stammt von einer älteren Seite oder einer anderen Website. Es wurde nichts getan. Laden Sie die Seite neu und senden Sie es noch einmal.",
    ),
    ("This is being done already", "Das wird gerade schon getan"),
    (
        "The form was sent twice. Wait a moment, then reload this page.",
        "Das Formular wurde zweimal gesendet. Warten Sie einen Moment und laden Sie dann diese Seite neu.",
    ),
    (
        "The database can't be reached",
        "Die Datenbank ist nicht erreichbar",
    ),
    (
        "Nothing is lost. Reload this page in a moment.",
        "Es ist nichts verloren. Laden Sie diese Seite gleich noch einmal.",
    ),
    ("Latest runs", "Letzte Läufe"),
    (
        "Nothing was imported yet.",
        "Es wurde noch nichts importiert.",
    ),
    ("Run", "Lauf"),
    ("Begun", "Begonnen"),
    ("State", "Stand"),
    ("In a shell:", "In einer Shell:"),
];
