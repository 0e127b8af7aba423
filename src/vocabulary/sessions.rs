//! What the columns of a file of sessions are called.

/// What a column of a file of sessions is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the variants are called what they are")]
pub enum Column {
    Name,
    Starts,
    Ends,
    TimeZone,
    Place,
    Link,
}

impl Column {
    /// Every column, in order.
    pub const ALL: [Column; 6] = [
        Column::Name,
        Column::Starts,
        Column::Ends,
        Column::TimeZone,
        Column::Place,
        Column::Link,
    ];

    /// What it is called in a file of sessions, the first of them in messages.
    #[rustfmt::skip]
    pub fn words(self) -> &'static [&'static str] {
        match self {
            Column::Name => &["name", "session", "session name", "title", "course", "kurs", "termin", "titel", "bezeichnung",
                "nom", "titre", "séance", "nombre", "título", "sesión", "nome", "titolo", "naam", "nazwa", "sessão", "sessione", "sessie", "sesja"],
            Column::Starts => &["starts", "start", "starts at", "begins", "begin", "from", "start time", "start date", "date",
                "beginn", "anfang", "von", "datum", "début", "de", "inicio", "comienzo", "fecha", "inizio", "aanvang", "início", "początek", "data"],
            Column::Ends => &["ends", "end", "ends at", "to", "until", "end time", "end date",
                "ende", "bis", "fin", "à", "fine", "einde", "fim", "koniec", "hasta"],
            Column::TimeZone => &["time zone", "timezone", "zone", "tz", "zeitzone", "fuseau horaire", "fuseau", "zona horaria",
                "fuso orario", "tijdzone", "fuso horário", "strefa czasowa"],
            Column::Place => &["place", "location", "room", "venue", "where", "ort", "raum", "lieu", "salle", "lugar", "sala",
                "luogo", "plaats", "lokaal", "local", "miejsce"],
            Column::Link => &["link", "url", "web address", "meeting link", "lien", "enlace", "collegamento", "ligação"],
        }
    }
}
