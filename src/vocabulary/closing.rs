//! Words that say whether somebody's account is open or closed: in headers (`Gesperrt`,
//! `Deleted at`, `is_active`) and in cells (`inactive`, `離職`). Each line begins with its language
//! (BCP 47). Words are compared by [`crate::text::key`], so case, accents and spaces don't
//! matter. [`crate::header::sense`] reads headers by them, [`crate::meaning::flag`] cells.

/// A line of a table: the language, and its words.
pub type Line = (&'static str, &'static [&'static str]);

/// The languages of the tables: those that headers are read in.
pub const LANGUAGES: [&str; 12] = [
    "en", "fr", "de", "es", "pt", "it", "nl", "pl", "cs", "tr", "ja", "zh",
];

/// What an open account, or somebody who is there, is called. As a header: a no closes.
#[rustfmt::skip]
pub const OPEN: &[Line] = &[
    ("en", &["active", "activated", "enabled", "employed", "currently employed", "still employed", "current employee", "currently active",
        "unlocked", "unblocked", "reactivated", "login allowed", "login enabled", "sign in allowed", "sign in enabled",
        "logon allowed", "allow login", "allow sign in", "can login", "can log in", "can sign in", "may log in", "may login",
        "access allowed", "access enabled", "access granted", "allowed to log in", "allowed to sign in", "in service"]),
    ("fr", &["actif", "active", "activé", "activée", "en poste", "en activité", "connexion autorisée", "accès autorisé",
        "accès actif", "peut se connecter", "débloqué"]),
    ("de", &["aktiv", "aktive", "aktiver", "aktiviert", "freigeschaltet", "beschäftigt", "entsperrt", "anmeldung erlaubt",
        "login erlaubt", "zugang aktiv", "zugang erlaubt", "darf sich anmelden", "anmeldung möglich", "im dienst"]),
    ("es", &["activo", "activa", "activado", "activada", "habilitado", "habilitada", "alta", "dado de alta", "dada de alta", "vigente",
        "en activo", "acceso permitido", "acceso habilitado", "puede iniciar sesión", "desbloqueado"]),
    ("pt", &["ativo", "ativa", "ativado", "ativada", "habilitado", "habilitada", "em atividade", "acesso permitido", "acesso ativo",
        "login permitido", "desbloqueado"]),
    ("it", &["attivo", "attiva", "attivato", "attivata", "abilitato", "abilitata", "in forza", "in servizio",
        "accesso consentito", "accesso abilitato", "sbloccato"]),
    ("nl", &["actief", "actieve", "geactiveerd", "ingeschakeld", "in dienst", "werkzaam", "aanmelden toegestaan", "inloggen toegestaan",
        "toegang toegestaan", "gedeblokkeerd"]),
    ("pl", &["aktywny", "aktywna", "aktywne", "aktywowany", "aktywowana", "aktywowane", "włączony", "włączona", "włączone",
        "zatrudniony", "zatrudniona", "czynny", "czynna", "logowanie dozwolone", "dostęp dozwolony", "odblokowany", "odblokowana"]),
    ("cs", &["aktivní", "aktivovaný", "aktivovaná", "aktivován", "aktivována", "aktivováno", "povolený", "povolen", "povolena",
        "povoleno", "zapnutý", "zaměstnán", "zaměstnaný", "přihlášení povoleno", "přístup povolen", "odblokován"]),
    ("tr", &["aktif", "etkin", "etkinleştirildi", "çalışıyor", "giriş yapabilir", "giriş izni", "oturum açabilir"]),
    ("ja", &["有効", "有効化", "有効化済み", "アクティブ", "在職", "在職中", "在籍", "在籍中", "利用可", "利用可能", "利用中", "ログイン可",
        "ログイン可能", "稼働中"]),
    ("zh", &["启用", "已启用", "啟用", "已啟用", "激活", "已激活", "有效", "在职", "在職", "在岗", "正常", "活跃", "允许登录", "可登录"]),
];

/// What somebody is called who surely is gone, or whose account surely is closed, in whichever
/// column it is. As a header: a yes, a date or a reason closes.
#[rustfmt::skip]
pub const GONE: &[Line] = &[
    ("en", &["inactive", "deactivated", "inactivated", "terminated", "suspended", "resigned", "dismissed", "departed", "offboarded",
        "deprovisioned", "leaver", "leavers", "former employee", "ex employee", "former member", "former staff", "former student",
        "no longer employed", "no longer active", "not employed", "not active", "left the company", "left company", "left school",
        "left the organisation", "left the organization", "decommissioned", "laid off", "made redundant", "fired", "expelled",
        "to be deleted", "employment ended", "soft deleted"]),
    ("fr", &["inactif", "inactive", "désactivé", "désactivée", "suspendu", "suspendue", "licencié", "licenciée", "démissionné",
        "démissionnaire", "ancien salarié", "ancien employé", "ex salarié", "ex employé", "a quitté", "a quitté l'entreprise",
        "non actif", "pas actif", "plus en poste"]),
    ("de", &["inaktiv", "inaktive", "inaktiver", "deaktiviert", "ausgeschieden", "ausgeschiedene", "ausgeschiedener", "ausgetreten",
        "gekündigt", "hat gekündigt", "entlassen", "suspendiert", "ehemaliger mitarbeiter", "ehemalige mitarbeiterin",
        "nicht mehr beschäftigt", "nicht mehr aktiv", "nicht aktiv", "exmatrikuliert", "stillgelegt", "verlassen"]),
    ("es", &["inactivo", "inactiva", "desactivado", "desactivada", "suspendido", "suspendida", "despedido", "despedida", "cesado",
        "cesada", "dado de baja", "dada de baja", "ex empleado", "ex empleada", "no activo", "no activa", "renunció"]),
    ("pt", &["inativo", "inativa", "desativado", "desativada", "suspenso", "suspensa", "demitido", "demitida", "desligado", "desligada",
        "ex funcionário", "ex colaborador", "exonerado", "exonerada", "não ativo", "não ativa"]),
    ("it", &["inattivo", "inattiva", "disattivato", "disattivata", "disattivo", "sospeso", "sospesa", "cessato", "cessata",
        "licenziato", "licenziata", "dimesso", "dimessa", "dimissionario", "dimissionaria", "ex dipendente", "non attivo",
        "non attiva", "non più in forza"]),
    ("nl", &["inactief", "inactieve", "niet actief", "niet meer actief", "gedeactiveerd", "uit dienst", "uit dienst getreden",
        "geschorst", "ontslagen", "vertrokken", "ex medewerker", "oud medewerker", "niet meer in dienst"]),
    ("pl", &["nieaktywny", "nieaktywna", "nieaktywne", "dezaktywowany", "dezaktywowana", "dezaktywowane", "zawieszony", "zawieszona",
        "zawieszone", "zwolniony", "zwolniona", "były pracownik", "była pracownica", "odszedł", "odeszła", "nie pracuje"]),
    ("cs", &["neaktivní", "deaktivovaný", "deaktivovaná", "deaktivován", "deaktivována", "deaktivováno", "pozastavený", "pozastavená",
        "pozastaven", "pozastavena", "pozastaveno", "propuštěn", "propuštěna", "propuštěný", "bývalý zaměstnanec", "odešel", "odešla"]),
    ("tr", &["pasif", "inaktif", "aktif değil", "etkin değil", "devre dışı", "askıya alındı", "işten ayrıldı", "işten ayrılan",
        "işten çıkarıldı", "ayrıldı", "istifa etti", "eski çalışan", "çalışmıyor"]),
    ("ja", &["無効", "無効化", "無効化済み", "停止", "停止中", "利用停止", "利用停止中", "一時停止", "退職", "退職済み", "退職済", "退職者", "退社",
        "退社済み", "退会", "退会済み", "解雇", "退学", "除籍", "離職", "非アクティブ"]),
    ("zh", &["离职", "已离职", "離職", "已離職", "停用", "已停用", "禁用", "已禁用", "未启用", "未啟用", "冻结", "已冻结", "注销", "已注销",
        "註銷", "已註銷", "辞退", "辞职", "已辞职", "解聘", "已解聘", "退学", "非活动", "不活跃"]),
];

/// What else a closed account is called. In a column of another name, such a word may be about
/// something else (`left`, `expired`). As a header: a yes, a date or a reason closes.
#[rustfmt::skip]
pub const CLOSED: &[Line] = &[
    ("en", &["disabled", "blocked", "locked", "locked out", "archived", "deleted", "removed", "expired", "closed", "cancelled", "canceled",
        "revoked", "banned", "left", "gone", "retired", "quit", "exited", "withdrawn", "deceased", "frozen", "barred", "purged",
        "trashed", "former", "termination", "blocked sign in", "block sign in", "sign in blocked", "sign in disabled",
        "blocked from sign in", "blocked from signing in", "login blocked", "login disabled", "login denied", "logon disabled",
        "prevent login", "block login", "deny login", "access revoked", "access blocked", "access disabled", "block credential",
        "ns account lock", "account lock", "account lockout", "discarded", "disable login", "cannot log in", "cannot login"]),
    ("fr", &["bloqué", "bloquée", "verrouillé", "verrouillée", "supprimé", "supprimée", "archivé", "archivée", "effacé", "effacée",
        "radié", "radiée", "résilié", "résiliée", "expiré", "expirée", "clôturé", "clôturée", "clos", "fermé", "fermée", "parti", "partie",
        "sorti", "sortie", "retraité", "retraitée", "à la retraite", "décédé", "décédée", "révoqué", "révoquée", "exclu", "exclue",
        "banni", "bannie", "connexion bloquée", "connexion désactivée", "accès bloqué", "accès révoqué", "accès désactivé"]),
    ("de", &["gesperrt", "blockiert", "gelöscht", "archiviert", "entfernt", "abgelaufen", "geschlossen", "verstorben", "pensioniert",
        "in rente", "im ruhestand", "ehemalig", "ehemalige", "ehemaliger", "abgegangen", "abgang", "kündigung", "sperre", "sperrung",
        "sperrkennzeichen", "sperrvermerk", "löschkennzeichen", "löschvermerk", "anmeldung gesperrt", "anmeldung blockiert",
        "login gesperrt", "zugang gesperrt", "zugriff gesperrt", "zugang entzogen"]),
    ("es", &["deshabilitado", "deshabilitada", "inhabilitado", "inhabilitada", "bloqueado", "bloqueada", "eliminado", "eliminada",
        "borrado", "borrada", "archivado", "archivada", "caducado", "caducada", "expirado", "expirada", "cerrado", "cerrada", "baja",
        "jubilado", "jubilada", "fallecido", "fallecida", "retirado", "retirada", "revocado", "revocada", "anulado", "anulada",
        "acceso bloqueado", "acceso revocado", "inicio de sesión bloqueado"]),
    ("pt", &["desabilitado", "desabilitada", "inabilitado", "bloqueado", "bloqueada", "excluído", "excluída", "apagado", "apagada",
        "eliminado", "eliminada", "removido", "removida", "arquivado", "arquivada", "expirado", "expirada", "encerrado", "encerrada",
        "aposentado", "aposentada", "reformado", "reformada", "falecido", "falecida", "revogado", "revogada", "cancelado", "cancelada",
        "acesso bloqueado", "login bloqueado"]),
    ("it", &["bloccato", "bloccata", "disabilitato", "disabilitata", "eliminato", "eliminata", "cancellato", "cancellata", "rimosso",
        "rimossa", "archiviato", "archiviata", "scaduto", "scaduta", "chiuso", "chiusa", "pensionato", "pensionata", "deceduto",
        "deceduta", "revocato", "revocata", "accesso bloccato", "accesso negato", "accesso revocato"]),
    ("nl", &["geblokkeerd", "geblokkeerde", "uitgeschakeld", "verwijderd", "gewist", "gearchiveerd", "verlopen", "gesloten", "vergrendeld",
        "gepensioneerd", "overleden", "ingetrokken", "beëindigd", "opgezegd", "uitgeschreven", "aanmelden geblokkeerd",
        "inloggen geblokkeerd", "toegang geblokkeerd", "login geblokkeerd"]),
    ("pl", &["zablokowany", "zablokowana", "zablokowane", "wyłączony", "wyłączona", "wyłączone", "usunięty", "usunięta", "usunięte",
        "skasowany", "skasowana", "skasowane", "zarchiwizowany", "zarchiwizowana", "zarchiwizowane", "wygasły", "wygasła", "wygasłe",
        "zamknięty", "zamknięta", "zamknięte", "emerytowany", "na emeryturze", "zmarły", "zmarła", "logowanie zablokowane",
        "dostęp zablokowany", "blokada"]),
    ("cs", &["zablokovaný", "zablokovaná", "zablokován", "zablokována", "zablokováno", "blokovaný", "blokován", "blokována", "blokováno",
        "zakázaný", "zakázán", "zakázána", "zakázáno", "vypnutý", "vypnut", "smazaný", "smazaná", "smazán", "smazána", "smazáno",
        "odstraněný", "odstraněn", "odstraněna", "odstraněno", "vymazán", "vymazáno", "archivovaný", "archivován", "archivována",
        "archivováno", "vypršel", "ukončený", "ukončen", "ukončena", "ukončeno", "uzavřen", "uzavřený", "uzamčen", "uzamčený",
        "v důchodu", "zemřel", "zemřela", "přihlášení zakázáno", "přístup zablokován", "přístup zakázán"]),
    ("tr", &["engellendi", "engellenmiş", "bloke", "bloke edildi", "bloklu", "kilitli", "kilitlendi", "silindi", "silinmiş", "arşivlendi",
        "arşivlenmiş", "kapalı", "kapatıldı", "süresi doldu", "emekli", "vefat etti", "kaldırıldı", "giriş engellendi",
        "oturum açma engellendi"]),
    ("ja", &["削除", "削除済み", "削除済", "凍結", "凍結中", "ロック", "ロック済み", "ロック中", "アーカイブ", "アーカイブ済み", "ブロック", "ブロック済み",
        "失効", "失効済み", "期限切れ", "死亡", "ログイン不可", "利用不可"]),
    ("zh", &["失效", "已失效", "无效", "無效", "凍結", "锁定", "已锁定", "鎖定", "已鎖定", "删除", "已删除", "刪除", "已刪除", "归档", "已归档",
        "封存", "已封存", "封禁", "已封禁", "退休", "已退休", "屏蔽", "已过期", "禁止登录"]),
];

/// What a status cell says of somebody who is invited.
#[rustfmt::skip]
pub const INVITED: &[Line] = &[
    ("en", &["invited", "pending"]),
    ("fr", &["invité", "invitée", "en attente"]),
    ("de", &["eingeladen", "ausstehend"]),
    ("es", &["invitado", "invitada", "pendiente"]),
    ("pt", &["convidado", "convidada", "pendente"]),
    ("it", &["invitato", "invitata", "in attesa"]),
    ("nl", &["uitgenodigd", "in afwachting"]),
    ("pl", &["zaproszony", "zaproszona", "oczekujący", "oczekująca"]),
    ("cs", &["pozvaný", "pozvaná", "pozván", "pozvána", "čekající"]),
    ("tr", &["davet edildi", "beklemede"]),
    ("ja", &["招待済み", "招待中"]),
    ("zh", &["已邀请", "待邀请", "已邀請"]),
];

/// Nouns for the end of an account or of work: with a word of [`TIMES`] or [`REASONS`], they are
/// headers.
#[rustfmt::skip]
pub const ENDS: &[Line] = &[
    ("en", &["termination", "deactivation", "deletion", "suspension", "resignation", "archival", "offboarding", "leaving",
        "exit", "dismissal", "withdrawal", "closure", "removal", "inactivation", "leaver", "delete",
        "deactivate", "disable", "suspend", "archive", "terminate", "remove", "inactivate"]),
    ("fr", &["départ", "désactivation", "suppression", "suspension", "sortie", "démission", "licenciement", "résiliation", "archivage",
        "blocage", "clôture", "radiation"]),
    ("de", &["austritt", "austritts", "deaktivierung", "deaktivierungs", "löschung", "lösch", "sperrung", "sperr", "kündigung",
        "kündigungs", "ausscheiden", "abgang", "abgangs", "archivierung", "archivierungs", "suspendierung", "entlassung"]),
    ("es", &["baja", "desactivación", "eliminación", "suspensión", "salida", "cese", "despido", "bloqueo", "archivo"]),
    ("pt", &["desativação", "exclusão", "suspensão", "saída", "desligamento", "demissão", "bloqueio", "rescisão"]),
    ("it", &["cessazione", "disattivazione", "eliminazione", "sospensione", "uscita", "dimissioni", "licenziamento", "blocco",
        "cancellazione"]),
    ("nl", &["uitdiensttreding", "uit dienst", "deactivering", "verwijdering", "schorsing", "ontslag", "vertrek", "blokkering",
        "opzegging"]),
    ("pl", &["dezaktywacji", "usunięcia", "zawieszenia", "odejścia", "zwolnienia", "blokady", "zablokowania", "archiwizacji",
        "rozwiązania umowy"]),
    ("cs", &["deaktivace", "smazání", "odstranění", "pozastavení", "odchodu", "ukončení", "blokace", "zablokování", "archivace"]),
    ("tr", &["ayrılma", "ayrılış", "işten ayrılma", "işten ayrılış", "işten çıkış", "silinme", "silme", "pasifleşme", "askıya alma",
        "engelleme", "kapatma", "fesih"]),
    ("ja", &["退職", "退社", "退会", "削除", "無効化", "停止", "離職", "凍結"]),
    ("zh", &["离职", "離職", "停用", "禁用", "删除", "刪除", "注销", "註銷", "冻结", "归档"]),
];

/// Words that say that a column holds a day: `Deleted at`, `Datum der Löschung`.
#[rustfmt::skip]
pub const TIMES: &[Line] = &[
    ("en", &["at", "on", "since", "date", "time", "datetime", "timestamp", "day", "when", "from", "utc", "effective"]),
    ("fr", &["le", "depuis", "date", "jour", "heure", "depuis le"]),
    ("de", &["am", "seit", "datum", "tag", "zeitpunkt", "ab", "zum"]),
    ("es", &["fecha", "desde", "el", "día"]),
    ("pt", &["data", "desde", "em", "dia"]),
    ("it", &["data", "dal", "il", "giorno"]),
    ("nl", &["op", "sinds", "datum", "per"]),
    ("pl", &["data", "od", "dnia", "dzień"]),
    ("cs", &["datum", "dne", "od", "ke dni"]),
    ("tr", &["tarihi", "tarih", "tarihinde", "zamanı"]),
    ("ja", &["日", "日付", "日時", "年月日"]),
    ("zh", &["日期", "时间", "時間", "日"]),
];

/// Words that say that a column holds why or by whom something ended.
#[rustfmt::skip]
pub const REASONS: &[Line] = &[
    ("en", &["reason", "cause", "by", "why"]),
    ("fr", &["motif", "raison", "par"]),
    ("de", &["grund", "von", "durch", "ursache"]),
    ("es", &["motivo", "causa", "por", "razón"]),
    ("pt", &["motivo", "causa", "por", "razão"]),
    ("it", &["motivo", "causa"]),
    ("nl", &["reden", "door"]),
    ("pl", &["powód", "przyczyna", "przez"]),
    ("cs", &["důvod"]),
    ("tr", &["nedeni", "sebebi"]),
    ("ja", &["理由", "事由"]),
    ("zh", &["原因", "理由"]),
];

/// Headers of a day up to which an account is open.
#[rustfmt::skip]
pub const UNTIL: &[Line] = &[
    ("en", &["valid until", "valid to", "valid through", "valid till", "active until", "active to", "active till", "enabled until",
        "access until", "access expires", "access expiry", "access expiration date", "account expires", "account expires on",
        "account expiry", "account expiry date", "account expiration", "account expiration date", "user expires", "employed until",
        "retirement date", "date of retirement"]),
    ("fr", &["valable jusqu'au", "valide jusqu'au", "actif jusqu'au", "accès jusqu'au", "date d'expiration du compte", "date de retraite"]),
    ("de", &["gültig bis", "aktiv bis", "zugang bis", "beschäftigt bis", "konto läuft ab", "konto läuft ab am", "Ablaufdatum Konto", "Renteneintritt", "Pensionierungsdatum"]),
    ("es", &["válido hasta", "activo hasta", "acceso hasta", "fecha de caducidad de la cuenta", "fecha de jubilación"]),
    ("pt", &["válido até", "ativo até", "acesso até"]),
    ("it", &["valido fino al", "attivo fino al", "accesso fino al", "scadenza account"]),
    ("nl", &["geldig tot", "actief tot", "toegang tot en met"]),
    ("pl", &["ważny do", "ważne do", "aktywny do"]),
    ("cs", &["platný do", "platnost do", "aktivní do"]),
    ("tr", &["geçerlilik tarihi", "son geçerlilik tarihi"]),
    ("ja", &["有効期限", "利用期限"]),
    ("zh", &["有效期至", "有效期", "账号有效期"]),
];

/// Headers of which nobody can say whether they mean the account: whose values close somebody is
/// asked about.
#[rustfmt::skip]
pub const UNSURE: &[Line] = &[
    ("en", &["employment", "employment type status", "employment state", "employee state", "account state", "user state", "condition",
        "situation", "standing", "lifecycle", "lifecycle state", "lifecycle status", "life cycle", "current", "currently", "working",
        "current status", "status code", "hr status", "work status", "job status", "staff status", "member status", "membership",
        "membership status", "student status", "enrolment status", "enrollment status", "enrollment", "enrolment", "contract status",
        "record status", "person status", "profile status", "login status", "assignment status"]),
    ("fr", &["situation", "état", "emploi", "situation professionnelle", "position", "statut emploi", "statut salarié",
        "statut utilisateur", "état utilisateur", "adhésion"]),
    ("de", &["zustand", "situation", "beschäftigung", "beschäftigungsverhältnis", "anstellung", "arbeitsverhältnis",
        "mitarbeiterstatus", "personalstatus", "mitgliedschaft", "mitgliedsstatus", "vertragsstatus",
        "dienstverhältnis"]),
    ("es", &["situación", "estado laboral", "estado empleado", "situación laboral", "empleo", "condición"]),
    ("pt", &["situação do funcionário", "situação laboral", "emprego", "condição", "vínculo"]),
    ("it", &["situazione", "stato dipendente", "rapporto di lavoro", "impiego", "condizione", "stato lavorativo"]),
    ("nl", &["situatie", "toestand", "dienstverband", "staat", "dienstverband status", "lidmaatschap"]),
    ("pl", &["sytuacja", "zatrudnienie", "stan zatrudnienia", "status zatrudnienia", "członkostwo"]),
    ("cs", &["situace", "zaměstnání", "pracovní poměr", "stav zaměstnance", "členství"]),
    ("tr", &["istihdam", "çalışma", "personel durumu", "çalışan durumu", "üyelik", "engelli"]),
    ("ja", &["状況", "雇用", "雇用状況", "雇用状態", "勤務状況", "在籍区分", "就業状況", "区分", "在職区分"]),
    ("zh", &["状况", "雇佣状态", "用工状态", "任职状态", "人员状态", "情况"]),
];

/// Headers of [`UNSURE`] that are a part of an address as often: `NO` and `SI` are places there.
#[rustfmt::skip]
pub const UNSURE_PLACES: &[Line] = &[
    ("en", &["state", "state province", "state or province", "province state", "region"]),
    ("es", &["estado"]),
    ("pt", &["estado"]),
    ("it", &["stato"]),
    ("pl", &["stan"]),
];

/// Headers of days that may close an account or be about anything else.
#[rustfmt::skip]
pub const UNSURE_DAYS: &[Line] = &[
    ("en", &["expires", "expires on", "expires at", "expiry", "expiry date", "expiration", "expiration date", "end",
        "ended", "ended on", "ends", "ends on", "until", "to date", "thru date", "finish date", "departure date",
        "date of departure"]),
    ("fr", &["expire le", "date d'expiration", "expiration", "fin", "jusqu'au"]),
    ("de", &["Ablaufdatum", "Ablauf", "läuft ab am", "endet am", "Ende", "bis"]),
    ("es", &["caduca", "caducidad", "fecha de caducidad", "fecha de vencimiento", "fin", "hasta"]),
    ("pt", &["validade", "data de validade", "data de expiração", "fim", "até"]),
    ("it", &["scadenza", "data di scadenza", "fine", "fino al"]),
    ("nl", &["vervaldatum", "verloopt op", "einde", "tot"]),
    ("pl", &["data wygaśnięcia", "data ważności", "wygasa", "koniec", "do"]),
    ("cs", &["datum vypršení", "vyprší", "konec", "do"]),
    ("tr", &["bitiş", "son tarih"]),
    ("ja", &["期限", "終了"]),
    ("zh", &["过期时间", "到期日", "到期日期", "失效日期", "截止日期"]),
];

/// Words around the one that counts: `is_`, `account`, `Mitarbeiter`. They say nothing of their own.
#[rustfmt::skip]
pub const FILLERS: &[Line] = &[
    ("en", &["is", "are", "has", "have", "was", "been", "be", "the", "of", "for", "account", "accounts", "acct", "user", "users",
        "employee", "employees", "member", "person", "people", "staff", "worker", "student", "pupil", "teacher", "profile", "record", "contact",
        "he", "she", "they", "status", "flag", "indicator", "currently", "already", "or", "and", "ms", "ds",
        "ind", "hr", "customer", "client", "subscriber", "participant", "entry", "associate", "colleague", "whether", "this", "if", "a"]),
    ("fr", &["est", "a", "été", "le", "la", "de", "du", "des", "d", "l", "compte", "utilisateur", "salarié", "employé", "membre",
        "collaborateur", "élève", "étudiant", "personne", "statut", "ou", "agent", "adhérent"]),
    ("de", &["ist", "hat", "wurde", "der", "die", "das", "des", "dem", "konto", "benutzer", "benutzerkonto", "nutzer", "mitarbeiter",
        "mitarbeiterin", "mitglied", "person", "schüler", "teilnehmer", "status", "kennzeichen", "oder", "account", "user", "kunde", "beschäftigter"]),
    ("es", &["es", "está", "ha", "sido", "el", "la", "de", "del", "cuenta", "usuario", "usuaria", "empleado", "empleada", "miembro",
        "persona", "alumno", "estado", "o", "trabajador"]),
    ("pt", &["é", "está", "foi", "o", "de", "do", "da", "conta", "utilizador", "usuário", "funcionário", "colaborador", "membro",
        "aluno", "pessoa", "ou"]),
    ("it", &["è", "stato", "il", "di", "del", "della", "account", "utente", "dipendente", "membro", "persona", "studente", "o"]),
    ("nl", &["is", "heeft", "de", "het", "van", "account", "gebruiker", "medewerker", "werknemer", "lid", "persoon", "leerling", "of"]),
    ("pl", &["jest", "czy", "konto", "użytkownik", "pracownik", "członek", "osoba", "uczeń", "lub", "status"]),
    ("cs", &["je", "byl", "účet", "uživatel", "zaměstnanec", "člen", "osoba", "žák", "nebo", "stav"]),
    ("tr", &["hesap", "hesabı", "kullanıcı", "çalışan", "personel", "üye", "kişi", "öğrenci", "mi", "mı", "veya", "durumu"]),
    ("ja", &["アカウント", "ユーザー", "ユーザ", "社員", "従業員", "会員", "フラグ", "の", "区分"]),
    ("zh", &["是否", "账号", "帐号", "账户", "帐户", "用户", "员工", "員工", "人员", "会员", "状态", "標記", "标记", "的"]),
];

/// Words that turn the next one round: `not active`.
#[rustfmt::skip]
pub const NOT: &[Line] = &[
    ("en", &["not", "non", "isnt", "no longer"]),
    ("fr", &["non", "pas", "ne", "plus"]),
    ("de", &["nicht", "nicht mehr", "kein"]),
    ("es", &["no", "ya no"]),
    ("pt", &["não"]),
    ("it", &["non"]),
    ("nl", &["niet", "niet meer"]),
    ("pl", &["nie", "już nie"]),
    ("cs", &["není", "ne"]),
    ("tr", &["değil"]),
    ("ja", &["非", "未"]),
    ("zh", &["非", "未", "不", "没有"]),
];

/// What a cell of a yes-or-no column says for yes, beside the words of `[clean] booleans`.
#[rustfmt::skip]
pub const YES: &[Line] = &[
    ("ja", &["有", "該当", "対象", "済", "済み"]),
    ("zh", &["有", "对", "對"]),
];

/// What it says for no.
#[rustfmt::skip]
pub const NO: &[Line] = &[
    ("en", &["never", "none", "not yet", "nope"]),
    ("fr", &["jamais", "aucun", "aucune", "pas encore"]),
    ("de", &["nie", "niemals", "kein", "keine", "keiner", "noch nicht"]),
    ("es", &["nunca", "ninguno", "ninguna", "jamás", "todavía no"]),
    ("pt", &["nunca", "nenhum", "nenhuma", "ainda não"]),
    ("it", &["mai", "nessuno", "nessuna", "non ancora"]),
    ("nl", &["nooit", "geen", "nog niet"]),
    ("pl", &["nigdy", "brak", "jeszcze nie"]),
    ("cs", &["nikdy", "žádný", "žádné", "není", "ještě ne"]),
    ("tr", &["asla", "hiç", "yok", "hiçbir zaman"]),
    ("ja", &["無", "なし", "無し", "未", "非該当", "対象外"]),
    ("zh", &["无", "無", "没有", "沒有", "不是", "从不", "從不", "从未", "未"]),
];

/// Cells that say nothing at all, in any language.
#[rustfmt::skip]
pub const NOTHING: &[Line] = &[
    ("en", &["na", "n/a", "null", "nil", "nan", "nat", "undefined", "empty", "blank", "not applicable", "not set", "no expiry", "does not expire"]),
    ("de", &["entfällt", "k.A."]),
    ("fr", &["néant", "sans objet"]),
    ("es", &["no aplica"]),
];

/// Cells that leave the question open. What they mean is for somebody to say.
#[rustfmt::skip]
pub const DOUBTS: &[Line] = &[
    ("en", &["tbd", "tba", "unknown", "unclear", "maybe", "perhaps", "possibly", "planned", "requested", "upcoming", "soon", "scheduled",
        "partly", "partially", "on leave", "leave", "unsure", "in progress", "ask"]),
    ("fr", &["inconnu", "peut-être", "prévu", "en congé", "en cours"]),
    ("de", &["unbekannt", "unklar", "vielleicht", "geplant", "beurlaubt", "freigestellt", "elternzeit", "teilweise"]),
    ("es", &["desconocido", "quizás", "previsto", "de permiso", "de baja", "en curso"]),
    ("pt", &["desconhecido", "talvez", "previsto", "de licença", "afastado", "afastada"]),
    ("it", &["sconosciuto", "forse", "previsto", "in congedo"]),
    ("nl", &["onbekend", "misschien", "gepland", "met verlof"]),
    ("pl", &["nieznany", "może", "planowane", "na urlopie"]),
    ("cs", &["neznámý", "možná", "plánováno", "na dovolené"]),
    ("tr", &["bilinmiyor", "belki", "planlandı", "izinli"]),
    ("ja", &["不明", "未定", "予定", "休職", "休職中"]),
    ("zh", &["未知", "不明", "待定", "计划", "休假", "停薪留职"]),
];

/// Words in the header of a column that is about something else of the person, which may be
/// inactive without the account being so.
#[rustfmt::skip]
pub const OTHER_THINGS: &[Line] = &[
    ("en", &["mfa", "2fa", "otp", "totp", "sso", "vpn", "newsletter", "subscription", "mailing", "license", "licence", "mailbox", "email",
        "mail", "sync", "device", "phone", "mobile", "notification", "notifications", "plan", "course", "password", "card", "badge", "key",
        "service", "payment", "invoice", "order", "ticket", "project", "app", "feature", "policy", "insurance", "certificate",
        "training", "manager", "supervisor", "company", "school", "site", "location", "department", "team", "group", "role", "backup",
        "proxy", "token", "marketing", "consent", "sms", "push", "api", "manager's", "partner", "parent", "guardian", "spouse"]),
    ("fr", &["abonnement", "licence", "infolettre", "formation", "société", "badge", "carte", "équipe", "groupe"]),
    ("de", &["abo", "abonnement", "lizenz", "postfach", "rundbrief", "firma", "karte", "schulung", "gruppe", "abteilung", "vorgesetzter"]),
    ("es", &["suscripción", "licencia", "boletín", "tarjeta", "empresa", "grupo"]),
    ("pt", &["assinatura", "licença", "boletim", "cartão", "empresa", "grupo"]),
    ("it", &["abbonamento", "licenza", "tessera", "azienda", "gruppo"]),
    ("nl", &["abonnement", "licentie", "nieuwsbrief", "kaart", "bedrijf", "groep"]),
    ("pl", &["subskrypcja", "licencja", "biuletyn", "karta", "firma", "grupa"]),
    ("cs", &["předplatné", "licence", "zpravodaj", "karta", "firma", "skupina"]),
    ("tr", &["abonelik", "lisans", "bülten", "kart", "şirket", "grup"]),
    ("ja", &["ライセンス", "メルマガ", "購読", "会社", "部署"]),
    ("zh", &["许可证", "订阅", "公司", "部门", "会员卡"]),
];
