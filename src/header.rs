//! The names that columns have in real files.
//!
//! Headers are compared by [`key`]: case, accents, spaces and punctuation don't matter.

use crate::text::key;
use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::LazyLock;

use crate::definition::{DateOrder, Definition, UnknownColumns};
use crate::field::{Field, NamePart};
use crate::vocabulary::{Line, columns};

mod sense;

pub use sense::{Doubt, Sense, doubt, is_about_another_thing, sense};

/// Well-known headers of each field, as people write them: a line a language (English, French,
/// German, Spanish, Portuguese, Italian, Dutch, Polish, Czech, Turkish, Japanese, Chinese, Russian,
/// Ukrainian, Swedish, Danish, Norwegian, Finnish, Hungarian, Romanian, Greek). Words that name
/// another field in another language (`Nom` is a last name, `Nome` a first name) are listed once,
/// where they mean it most often; [`settle_names`] looks at the others.
#[rustfmt::skip]
const KNOWN: &[(Field, &[&[&str]])] = &[
    (Field::ExternalId, &[
        &["external id", "id", "user id", "employee id", "employee number", "employee no", "emp id", "emp no", "person id",
          "person number", "personnel number", "personnel no", "staff id", "staff number", "student id", "student number",
          "member id", "membership number", "worker id", "badge number", "payroll number", "sourced id", "sis id", "sis user id",
          "id number", "unique id", "guid"],
        &["matricule", "numéro matricule", "n° matricule", "identifiant externe", "numéro employé", "n° employé",
          "numéro salarié", "n° salarié", "numéro étudiant", "id employé", "id salarié"],
        &["Personalnummer", "Personal-Nr.", "Pers.-Nr.", "PNR", "Mitarbeiternummer", "Mitarbeiter-Nr.", "Mitarbeiter-ID",
          "Matrikelnummer", "Matrikel-Nr.", "Mitgliedsnummer", "Schülernummer", "Stammnummer"],
        &["número de empleado", "num. empleado", "n.º empleado", "id empleado", "id de empleado", "código de empleado", "legajo",
          "número de personal", "matrícula", "expediente", "número de estudiante"],
        &["número do funcionário", "n.º funcionário", "id do funcionário", "código do funcionário", "número de matrícula",
          "número mecanográfico", "registro do aluno", "código do colaborador", "id do colaborador"],
        &["matricola", "numero matricola", "codice dipendente", "id dipendente", "numero dipendente", "codice utente", "id utente"],
        &["personeelsnummer", "medewerkernummer", "medewerker-id", "werknemersnummer", "studentnummer", "leerlingnummer",
          "lidnummer", "stamnummer"],
        &["numer pracownika", "nr pracownika", "id pracownika", "numer ewidencyjny", "nr ewidencyjny",
          "numer kadrowy", "numer albumu", "nr albumu"],
        &["osobní číslo", "os. číslo", "číslo zaměstnance", "id zaměstnance", "evidenční číslo"],
        &["sicil no", "sicil numarası", "personel no", "personel numarası", "çalışan no", "çalışan id", "öğrenci no",
          "öğrenci numarası", "kullanıcı id"],
        &["社員番号", "従業員番号", "職員番号", "社員ID", "従業員ID", "社員コード", "学籍番号", "ユーザーID", "会員番号"],
        &["工号", "員工編號", "员工编号", "员工号", "人员编号", "學號", "学号", "员工ID", "用户ID", "职工号"],
        &["табельный номер", "таб. номер", "таб. №", "номер сотрудника", "код сотрудника", "личный номер", "идентификатор",
          "id сотрудника", "id пользователя", "номер студента"],
        &["табельний номер", "номер працівника", "код працівника", "ідентифікатор", "id працівника",
          "номер студентського квитка"],
        &["anställningsnummer", "anställnings-id", "medarbetarnummer", "personalnummer", "studentnummer", "elevnummer",
          "medlemsnummer"],
        &["medarbejdernummer", "medarbejder-id", "medarbejdernr", "lønnummer", "elevnummer", "studienummer",
          "medlemsnummer"],
        &["ansattnummer", "ansatt-id", "ansattnr", "elevnummer", "studentnummer", "medlemsnummer"],
        &["henkilönumero", "työntekijänumero", "henkilöstönumero", "opiskelijanumero", "jäsennumero"],
        &["törzsszám", "dolgozói azonosító", "munkavállalói azonosító", "személyügyi szám", "hallgatói azonosító"],
        &["număr marcă", "număr matricol", "nr. matricol", "id angajat", "cod angajat"],
        &["αριθμός μητρώου", "κωδικός υπαλλήλου", "κωδικός εργαζομένου"],
    ]),
    (Field::Email, &[
        &["email", "email address", "mail", "mail address", "work email", "work mail", "work email address", "business email",
          "business email address", "company email", "corporate email", "office email", "user email", "primary email",
          "primary email address", "primary work email", "contact email", "email id", "smtp address", "primary smtp address"],
        &["courriel", "adresse email", "adresse mail", "adresse électronique", "adresse courriel", "mél",
          "email professionnel", "courriel professionnel", "mail professionnel", "adresse email professionnelle", "mail pro"],
        &["E-Mail-Adresse", "Mailadresse", "E-Mail geschäftlich", "dienstliche E-Mail",
          "E-Mail dienstlich", "geschäftliche E-Mail", "elektronische Adresse"],
        &["correo", "correo electrónico", "dirección de correo", "dirección de correo electrónico", "correo corporativo",
          "correo de trabajo", "email corporativo", "e-correo"],
        &["correio eletrónico", "correio eletrônico", "endereço de email", "e-mail corporativo",
          "e-mail profissional", "email institucional"],
        &["posta elettronica", "indirizzo email", "indirizzo mail", "indirizzo di posta elettronica",
          "email aziendale", "e-mail di lavoro"],
        &["e-mailadres", "mailadres", "zakelijk e-mailadres", "werk e-mail", "e-mail werk", "zakelijke e-mail"],
        &["adres e-mail", "adres email", "adres poczty elektronicznej", "poczta elektroniczna", "poczta", "e-mail służbowy",
          "służbowy adres e-mail"],
        &["e-mailová adresa", "elektronická pošta", "pracovní e-mail", "firemní e-mail"],
        &["e-posta", "e-posta adresi", "elektronik posta", "mail adresi", "email adresi", "iş e-postası", "kurumsal e-posta"],
        &["メール", "メールアドレス", "電子メール", "Eメール", "Eメールアドレス", "電子メールアドレス", "会社メールアドレス"],
        &["邮箱", "电子邮箱", "电子邮件", "邮件", "邮箱地址", "电子邮件地址", "邮件地址", "工作邮箱", "公司邮箱", "電子郵件",
          "電郵", "電子信箱", "信箱", "E-mail地址"],
        &["эл. почта", "электронная почта", "почта", "адрес электронной почты", "адрес эл. почты", "имейл", "мейл",
          "рабочая почта", "рабочий email", "корпоративная почта", "почтовый ящик"],
        &["електронна пошта", "ел. пошта", "ел. адреса", "електронна адреса", "адреса електронної пошти", "пошта",
          "робоча пошта", "робочий email"],
        &["e-post", "e-postadress", "epostadress", "mejl", "mejladress", "mailadress"],
        &["e-mailadresse", "mailadresse", "arbejdsmail"],
        &["e-postadresse", "epostadresse", "jobb e-post", "arbeids e-post"],
        &["sähköposti", "sähköpostiosoite", "s-posti", "työsähköposti"],
        &["e-mail cím", "email cím", "elektronikus levélcím", "drótposta"],
        &["adresă de email", "adresa de e-mail", "poștă electronică", "adresa email"],
        &["διεύθυνση email", "ηλεκτρονικό ταχυδρομείο", "ηλεκτρονική διεύθυνση", "διεύθυνση ηλεκτρονικού ταχυδρομείου"],
    ]),
    (Field::Username, &[
        &["username", "login", "login name", "login id", "logon name", "user principal name", "upn", "account name",
          "sam account name", "user login", "sign-in name"],
        &["nom d'utilisateur", "nom utilisateur", "nom de connexion", "identifiant de connexion", "compte utilisateur"],
        &["Benutzername", "Anmeldename", "Benutzerkennung", "Loginname", "Nutzername", "Kontoname"],
        &["nombre de usuario", "usuario", "cuenta de usuario"],
        &["nome de utilizador", "nome de usuário", "utilizador", "usuário"],
        &["nome utente", "utente", "nome account"],
        &["gebruikersnaam", "inlognaam", "accountnaam", "gebruiker"],
        &["nazwa użytkownika", "użytkownik", "nazwa konta", "login użytkownika"],
        &["uživatelské jméno", "přihlašovací jméno", "uživatel"],
        &["kullanıcı adı", "kullanıcı", "oturum adı"],
        &["ユーザー名", "ユーザ名", "ログインID", "ログイン名", "アカウント", "アカウント名"],
        &["用户名", "登录名", "账号", "帐号", "账户名", "用戶名", "使用者名稱", "帳號", "登录账号"],
        &["логин", "имя пользователя", "учётная запись", "учетная запись"],
        &["логін", "ім'я користувача", "обліковий запис"],
        &["användarnamn", "inloggningsnamn", "kontonamn"],
        &["brugernavn", "loginnavn"],
        &["brukernavn", "påloggingsnavn"],
        &["käyttäjätunnus", "käyttäjänimi"],
        &["felhasználónév", "bejelentkezési név"],
        &["nume de utilizator", "nume utilizator", "utilizator"],
        &["όνομα χρήστη"],
    ]),
    (Field::FirstName, &[
        &["first name", "given name", "given names", "forename", "first", "given", "fname", "legal first name", "christian name",
          "preferred first name"],
        &["prénom", "prénoms", "prénom usuel"],
        &["Vorname", "Vornamen", "Rufname"],
        &["nombre", "nombres", "nombre de pila", "primer nombre"],
        &["nome próprio", "primeiro nome"],
        &["nome", "nome di battesimo"],
        &["voornaam", "voornamen", "roepnaam"],
        &["imię", "imiona", "pierwsze imię"],
        &["jméno", "křestní jméno"],
        &["ad", "adı", "isim", "ismi", "ön ad", "ön adı"],
        &["名", "ファーストネーム", "下の名前"],
        &["名字", "名稱", "名(拼音)"],
        &["имя"],
        &["ім'я", "імя"],
        &["förnamn", "tilltalsnamn"],
        &["fornavn", "fornavne"],
        &["fornavn", "fornavn(er)"],
        &["etunimi", "etunimet", "kutsumanimi"],
        &["keresztnév", "utónév"],
        &["prenume"],
        &["όνομα", "μικρό όνομα"],
    ]),
    (Field::LastName, &[
        &["last name", "surname", "family name", "last", "lname", "legal last name", "preferred last name"],
        &["nom", "nom de famille", "nom d'usage", "nom usuel", "nom patronymique"],
        &["Nachname", "Familienname", "Zuname"],
        &["apellido", "apellidos", "primer apellido", "apellido paterno", "apellido 1", "1er apellido"],
        &["apelido", "apelidos", "sobrenome", "último nome", "sobrenome paterno", "apelido paterno", "primeiro apelido",
          "primeiro sobrenome"],
        &["cognome", "cognomi"],
        &["achternaam", "familienaam"],
        &["nazwisko", "nazwisko rodowe"],
        &["příjmení"],
        &["soyad", "soyadı", "soyisim", "soyismi"],
        &["姓", "氏", "苗字", "ラストネーム"],
        &["姓氏", "姓(拼音)"],
        &["фамилия"],
        &["прізвище"],
        &["efternamn"],
        &["efternavn"],
        &["etternavn"],
        &["sukunimi"],
        &["vezetéknév", "családnév"],
        &["nume de familie"],
        &["επώνυμο", "επίθετο"],
    ]),
    (Field::FullName, &[
        &["full name", "name", "complete name", "person name", "employee name", "student name", "worker", "worker name",
          "first and last name", "name and surname", "legal name"],
        &["nom complet", "nom et prénom", "nom prénom", "prénom nom", "prénom et nom", "nom prénoms"],
        &["vollständiger Name", "voller Name", "ganzer Name", "Vor- und Nachname", "Vor- und Zuname", "Name, Vorname",
          "Mitarbeitername", "Vorname Nachname", "Nachname, Vorname"],
        &["nombre completo", "nombre y apellido", "nombre y apellidos", "apellidos y nombre", "apellido y nombre", "nombre del empleado"],
        &["nome completo", "nome e apelido", "nome e sobrenome", "nome do funcionário", "nome do colaborador"],
        &["nominativo", "nome e cognome", "cognome e nome", "nome cognome", "cognome nome"],
        &["naam", "volledige naam", "voor- en achternaam"],
        &["imię i nazwisko", "nazwisko i imię", "imię nazwisko", "pełna nazwa", "pełne imię i nazwisko"],
        &["celé jméno", "jméno a příjmení", "příjmení a jméno", "příjmení jméno", "jméno příjmení"],
        &["ad soyad", "adı soyadı", "ad ve soyad", "isim soyisim", "tam ad", "tam adı", "adı ve soyadı"],
        &["氏名", "名前", "お名前", "フルネーム", "社員名"],
        &["姓名", "全名", "員工姓名", "员工姓名", "学生姓名"],
        &["фио", "ф.и.о.", "полное имя", "имя и фамилия", "фамилия и имя", "фамилия имя", "фамилия имя отчество",
          "фамилия, имя, отчество", "сотрудник"],
        &["піб", "п.і.б.", "повне ім'я", "ім'я та прізвище", "прізвище та ім'я", "прізвище ім'я по батькові"],
        &["namn", "fullständigt namn", "för- och efternamn", "hela namnet"],
        &["navn", "fulde navn", "for- og efternavn"],
        &["fullt navn", "for- og etternavn"],
        &["nimi", "koko nimi", "etu- ja sukunimi", "sukunimi ja etunimi"],
        &["név", "teljes név", "dolgozó neve"],
        &["nume", "nume complet", "nume și prenume", "nume prenume", "prenume și nume"],
        &["ονοματεπώνυμο", "πλήρες όνομα"],
    ]),
    (Field::DisplayName, &[
        &["display name", "nickname", "preferred name", "short name", "known as"],
        &["nom affiché", "nom d'affichage", "pseudo", "surnom"],
        &["Anzeigename", "Spitzname"],
        &["nombre para mostrar", "nombre visible", "apodo"],
        &["nome de exibição", "nome a apresentar", "nome social"],
        &["nome visualizzato", "soprannome"],
        &["weergavenaam", "schermnaam", "bijnaam"],
        &["nazwa wyświetlana", "wyświetlana nazwa", "pseudonim"],
        &["zobrazované jméno", "přezdívka"],
        &["görünen ad", "görünen isim", "takma ad", "rumuz"],
        &["表示名", "ニックネーム"],
        &["显示名称", "显示名", "昵称", "顯示名稱", "暱稱"],
        &["отображаемое имя", "псевдоним"],
        &["відображуване ім'я"],
        &["visningsnamn", "smeknamn"],
        &["vist navn", "kaldenavn", "kælenavn"],
        &["visningsnavn", "kallenavn"],
        &["näyttönimi", "lempinimi"],
        &["megjelenített név", "becenév"],
        &["nume afișat", "poreclă"],
        &["εμφανιζόμενο όνομα"],
    ]),
    (Field::Phone, &[
        &["phone", "phone number", "telephone", "telephone number", "tel", "mobile", "mobile phone", "mobile number",
          "mobile phone number", "cell", "cell phone", "cell number", "work phone", "work phone number", "business phone",
          "office phone", "contact number", "primary phone", "landline"],
        &["téléphone", "numéro de téléphone", "n° de téléphone", "n° téléphone", "portable", "téléphone portable",
          "téléphone mobile", "téléphone professionnel", "tél", "tél. portable"],
        &["Telefon", "Telefonnummer", "Tel.-Nr.", "Handy", "Handynummer", "Mobiltelefon", "Mobilnummer", "Mobil", "Rufnummer",
          "Telefon geschäftlich", "Festnetz"],
        &["teléfono", "número de teléfono", "móvil", "teléfono móvil", "celular", "teléfono celular", "número de celular"],
        &["telefone", "número de telefone", "telemóvel", "telefone celular", "número de telemóvel"],
        &["telefono", "numero di telefono", "cellulare", "telefono cellulare", "numero di cellulare", "recapito telefonico"],
        &["telefoon", "telefoonnummer", "mobiel", "mobiel nummer", "gsm", "gsm-nummer"],
        &["numer telefonu", "nr telefonu", "telefon komórkowy", "komórka", "telefon służbowy"],
        &["telefonní číslo", "číslo telefonu", "mobilní telefon"],
        &["telefon numarası", "telefon no", "cep telefonu", "gsm no"],
        &["電話", "電話番号", "携帯", "携帯電話", "携帯番号", "携帯電話番号", "連絡先"],
        &["电话", "电话号码", "手机", "手机号", "手机号码", "移动电话", "联系电话", "電話號碼", "手機", "手機號碼", "聯絡電話"],
        &["телефон", "номер телефона", "тел.", "тел", "мобильный", "мобильный телефон", "сотовый", "сотовый телефон",
          "рабочий телефон", "контактный телефон"],
        &["номер телефону", "мобільний", "мобільний телефон", "робочий телефон", "контактний телефон"],
        &["telefonnummer", "mobiltelefon", "mobilnummer", "mobil"],
        &["telefonnummer", "telefon nr", "mobiltelefon", "mobilnummer", "tlf.", "tlf"],
        &["telefonnummer", "mobilnummer", "mobiltelefon", "tlf", "tlf."],
        &["puhelin", "puhelinnumero", "puh.", "matkapuhelin", "matkapuhelinnumero", "kännykkä"],
        &["telefonszám", "mobiltelefon", "mobilszám", "mobil"],
        &["număr de telefon", "număr telefon", "nr. telefon", "telefon mobil"],
        &["τηλέφωνο", "αριθμός τηλεφώνου", "κινητό", "κινητό τηλέφωνο"],
    ]),
    (Field::Country, &[
        &["country", "country code", "nation", "country or region", "country/region", "country name", "work country"],
        &["pays", "code pays", "pays de travail"],
        &["Land", "Ländercode", "Länderkürzel", "Staat"],
        &["país", "código de país", "código país"],
        &["código do país", "país de trabalho"],
        &["paese", "nazione", "stato estero", "codice paese"],
        &["landcode", "werkland"],
        &["kraj", "kod kraju", "państwo"],
        &["země", "kód země", "stát"],
        &["ülke", "ülke kodu"],
        &["国", "国名", "国コード"],
        &["国家", "国家/地区", "國家", "国别", "国家代码"],
        &["страна", "код страны", "государство"],
        &["країна", "код країни"],
        &["land", "landskod"],
        &["landekode"],
        &["landkode"],
        &["maa", "maakoodi"],
        &["ország", "országkód"],
        &["țară", "țara", "cod țară"],
        &["χώρα", "κωδικός χώρας"],
    ]),
    (Field::Language, &[
        &["language", "lang", "locale", "preferred language", "language code", "ui language", "interface language"],
        &["langue", "langue préférée", "code langue", "langue de l'interface"],
        &["Sprache", "Sprachcode", "bevorzugte Sprache", "Korrespondenzsprache"],
        &["idioma", "idioma preferido", "lengua"],
        &["língua", "linguagem", "idioma preferencial"],
        &["lingua", "lingua preferita"],
        &["taal", "voorkeurstaal", "taalcode"],
        &["język", "preferowany język", "kod języka"],
        &["jazyk", "preferovaný jazyk", "kód jazyka"],
        &["dil", "tercih edilen dil", "dil kodu"],
        &["言語", "使用言語", "表示言語"],
        &["语言", "首选语言", "語言", "界面语言"],
        &["язык", "код языка", "предпочитаемый язык"],
        &["мова", "код мови"],
        &["språk", "språkkod"],
        &["sprog", "sprogkode"],
        &["språkkode"],
        &["kieli", "kielikoodi", "asiointikieli"],
        &["nyelv", "nyelvkód"],
        &["limbă", "limba", "limba preferată"],
        &["γλώσσα"],
    ]),
    (Field::Organization, &[
        &["organization", "organisation", "company", "company name", "org", "employer", "organization name", "institution",
          "legal entity", "school", "school name"],
        &["entreprise", "société", "organisme", "employeur", "établissement", "raison sociale"],
        &["Firma", "Firmenname", "Unternehmen", "Gesellschaft", "Arbeitgeber", "Betrieb", "Schule"],
        &["empresa", "organización", "compañía", "institución", "nombre de la empresa"],
        &["organização", "companhia", "instituição", "entidade"],
        &["azienda", "società", "organizzazione", "ente", "ragione sociale", "istituto"],
        &["bedrijf", "bedrijfsnaam", "organisatie", "werkgever"],
        &["przedsiębiorstwo", "organizacja", "pracodawca", "spółka", "nazwa firmy", "instytucja"],
        &["společnost", "organizace", "zaměstnavatel", "instituce"],
        &["şirket", "kurum", "kuruluş", "işveren", "şirket adı"],
        &["会社", "会社名", "組織", "法人名", "企業名", "学校名"],
        &["公司", "公司名称", "单位", "企业", "组织", "机构", "公司名稱", "單位", "學校", "学校"],
        &["компания", "организация", "предприятие", "работодатель", "учреждение", "фирма", "юр. лицо", "название компании"],
        &["компанія", "організація", "підприємство", "роботодавець", "установа"],
        &["företag", "företagsnamn", "arbetsgivare", "bolag"],
        &["virksomhed", "firmanavn", "arbejdsgiver"],
        &["bedrift", "organisasjon", "arbeidsgiver", "selskap"],
        &["yritys", "organisaatio", "työnantaja"],
        &["cég", "cégnév", "szervezet", "munkáltató", "vállalat"],
        &["companie", "organizație", "firmă", "angajator", "instituție"],
        &["εταιρεία", "εταιρία", "οργανισμός", "εργοδότης"],
    ]),
    (Field::Groups, &[
        &["groups", "group", "group name", "teams", "team", "departments", "department", "dept", "department name", "org unit",
          "organizational unit", "class", "classes", "cohort", "cohorts"],
        &["groupe", "groupes", "équipe", "équipes", "service", "services", "département", "classe"],
        &["Gruppe", "Gruppen", "Abteilung", "Abteilungen", "Organisationseinheit", "Bereich", "Klasse", "Fachbereich", "Referat"],
        &["grupo", "grupos", "equipo", "departamento", "clase"],
        &["equipa", "equipe", "turma", "setor", "unidade orgânica"],
        &["gruppo", "gruppi", "reparto", "dipartimento", "ufficio", "unità organizzativa"],
        &["groep", "groepen", "afdeling", "afdelingen", "klas"],
        &["grupa", "grupy", "zespół", "dział", "jednostka organizacyjna", "klasa"],
        &["skupina", "skupiny", "oddělení", "tým", "útvar", "třída"],
        &["grup", "gruplar", "ekip", "takım", "departman", "bölüm", "birim", "sınıf"],
        &["グループ", "チーム", "部署", "部門", "所属", "クラス", "部署名", "所属部署"],
        &["部门", "组", "小组", "团队", "班级", "部門名稱", "群組", "用户组", "部门名称"],
        &["группа", "группы", "отдел", "отделы", "подразделение", "департамент", "команда", "класс"],
        &["група", "групи", "відділ", "підрозділ", "команда", "клас"],
        &["grupp", "grupper", "avdelning", "enhet", "klass"],
        &["gruppe", "grupper", "afdeling", "afdelinger"],
        &["avdeling", "avdelinger", "enhet", "organisasjonsenhet"],
        &["ryhmä", "ryhmät", "osasto", "tiimi", "yksikkö", "luokka"],
        &["csoport", "csoportok", "osztály", "részleg", "szervezeti egység"],
        &["grupuri", "grupă", "departamente", "echipă", "compartiment", "secție"],
        &["ομάδα", "ομάδες", "τμήμα", "διεύθυνση τμήματος"],
    ]),
    (Field::Sessions, &[
        &["sessions", "session", "course session", "course sessions", "session name", "session names", "training session", "training sessions"],
        &["session de cours", "sessions de cours", "séance", "séances", "session de formation", "sessions de formation"],
        &["Sitzung", "Sitzungen", "Kurstermin", "Kurstermine", "Schulungstermin", "Schulungstermine"],
        &["sesión", "sesiones", "sesión del curso"],
        &["sessão", "sessões"],
        &["sessione", "sessioni"],
        &["sessie", "sessies"],
        &["sesja", "sesje", "termin zajęć", "terminy zajęć"],
        &["lekce", "termín kurzu", "termíny kurzu"],
        &["oturum", "oturumlar"],
        &["セッション", "講座日程"],
        &["课次", "場次", "场次"],
        &["сессия", "сессии", "занятие", "занятия"],
        &["сесія", "сесії", "заняття"],
        &["kurstillfälle", "kurstillfällen"],
        &["kursusgang", "kursusgange"],
        &["kursøkt", "kursøkter"],
        &["kurssikerta", "kurssikerrat"],
        &["foglalkozás", "foglalkozások"],
        &["sesiune", "sesiuni"],
        &["συνεδρία", "συνεδρίες"],
    ]),
    (Field::AddGroups, &[&["add groups"]]),
    (Field::RemoveGroups, &[&["remove groups"]]),
    (Field::OtherRoles, &[&["other roles"]]),
    (Field::Role, &[
        &["role", "roles", "user role", "access role", "permission role"],
        &["rôle", "rôles", "rôle utilisateur"],
        &["Rolle", "Rollen", "Benutzerrolle"],
        &["rol de usuario"],
        &["papel", "função no sistema", "perfil de acesso"],
        &["ruolo", "ruoli"],
        &["rol", "rollen gebruiker", "gebruikersrol"],
        &["rola", "role użytkownika"],
        &["uživatelská role"],
        &["rol adı", "kullanıcı rolü"],
        &["役割", "ロール", "権限"],
        &["角色", "用户角色", "權限"],
        &["роль", "роли", "роль пользователя"],
        &["роль", "ролі"],
        &["roll", "roller", "användarroll"],
        &["rolle", "brugerrolle"],
        &["rolle", "brukerrolle"],
        &["rooli", "käyttäjärooli"],
        &["szerepkör", "jogosultsági szerep"],
        &["rol", "rol utilizator"],
        &["ρόλος"],
    ]),
    (Field::Status, &[
        &["status", "account status", "user status", "employment status", "employee status", "worker status", "account enabled",
          "is active", "active status"],
        &["statut", "état du compte", "statut du compte"],
        &["Kontostatus", "Benutzerstatus", "Beschäftigungsstatus"],
        &["estado de la cuenta", "estado del usuario", "estatus"],
        &["estado da conta", "situação"],
        &["stato account", "stato utente"],
        &["accountstatus"],
        &["status konta", "stan konta"],
        &["stav", "stav účtu"],
        &["durum", "hesap durumu", "çalışma durumu"],
        &["ステータス", "状態", "在籍状況"],
        &["状态", "账号状态", "在职状态", "狀態", "员工状态"],
        &["статус", "статус сотрудника"],
        &["стан облікового запису"],
        &["kontostatus"],
        &["kontostatus"],
        &["kontostatus"],
        &["tilin tila"],
        &["állapot", "státusz"],
        &["stare cont", "statut cont"],
        &["κατάσταση"],
    ]),
    (Field::StartDate, &[
        &["start date", "hire date", "date of hire", "join date", "joining date", "date of joining", "joined", "started on",
          "employment start date", "original hire date", "entry date"],
        &["date d'entrée", "date d'embauche", "date de début", "date d'arrivée"],
        &["Eintrittsdatum", "Eintritt", "Einstellungsdatum", "Startdatum", "Beginn"],
        &["fecha de ingreso", "fecha de alta", "fecha de contratación", "fecha de inicio", "fecha de incorporación"],
        &["data de admissão", "data de início", "data de entrada", "data de contratação"],
        &["data di assunzione", "data assunzione", "data di inizio", "data inizio"],
        &["datum in dienst", "indiensttreding", "datum indiensttreding", "begindatum", "in dienst sinds"],
        &["data zatrudnienia", "data rozpoczęcia", "data przyjęcia"],
        &["datum nástupu", "datum zahájení", "nástup"],
        &["işe giriş tarihi", "işe başlama tarihi", "başlangıç tarihi", "giriş tarihi"],
        &["入社日", "入社年月日", "採用日", "開始日"],
        &["入职日期", "入职时间", "到职日期", "雇用日期", "到職日", "开始日期"],
        &["дата приёма", "дата приема", "дата приёма на работу", "дата начала", "дата начала работы",
          "дата трудоустройства"],
        &["дата прийому", "дата прийняття", "дата початку", "дата прийняття на роботу"],
        &["startdatum", "anställningsdatum", "anställd från", "första anställningsdag"],
        &["startdato", "ansættelsesdato", "tiltrædelsesdato"],
        &["startdato", "ansettelsesdato", "tiltredelsesdato", "ansatt fra"],
        &["aloituspäivä", "alkamispäivä", "alkupäivä", "työsuhteen alkupäivä"],
        &["belépés dátuma", "kezdés dátuma", "belépési dátum", "kezdő dátum"],
        &["data angajării", "data angajare", "data începerii"],
        &["ημερομηνία έναρξης", "ημερομηνία πρόσληψης"],
    ]),
    (Field::EndDate, &[
        &["end date", "termination date", "leave date", "leaving date", "last day", "last working day", "last day of work",
          "contract end", "contract end date", "employment end date", "exit date", "separation date"],
        &["date de fin", "date de sortie", "date de départ", "fin de contrat", "dernier jour"],
        &["Austritt", "Austrittsdatum", "Enddatum", "Vertragsende", "letzter Arbeitstag"],
        &["fecha de fin", "fecha de baja", "fecha de salida", "fin de contrato", "último día"],
        &["data de fim", "data de término", "data de saída", "data de desligamento", "fim do contrato"],
        &["data fine", "data di cessazione", "data cessazione", "fine contratto", "ultimo giorno"],
        &["einddatum", "datum uit dienst", "uitdiensttreding", "laatste werkdag"],
        &["data zakończenia", "data zwolnienia", "koniec umowy", "ostatni dzień pracy"],
        &["datum ukončení", "datum odchodu", "konec smlouvy", "poslední den"],
        &["bitiş tarihi", "işten çıkış tarihi", "ayrılış tarihi", "son gün"],
        &["退職日", "終了日", "契約終了日", "退社日"],
        &["离职日期", "离职时间", "结束日期", "合同结束日期", "離職日期", "結束日期"],
        &["дата увольнения", "дата окончания", "последний рабочий день", "дата ухода"],
        &["дата звільнення", "дата закінчення", "останній робочий день"],
        &["slutdatum", "sista anställningsdag", "avslutsdatum", "anställd till"],
        &["slutdato", "fratrædelsesdato", "sidste arbejdsdag"],
        &["sluttdato", "fratredelsesdato", "siste arbeidsdag"],
        &["päättymispäivä", "loppupäivä", "lopetuspäivä", "viimeinen työpäivä"],
        &["kilépés dátuma", "kilépési dátum", "befejezés dátuma", "utolsó munkanap"],
        &["data plecării", "data încetării", "data încetare", "ultima zi de lucru"],
        &["ημερομηνία λήξης", "ημερομηνία αποχώρησης"],
    ]),
    (Field::Manager, &[
        &["manager", "manager email", "manager id", "manager name", "supervisor", "supervisor email", "supervisor id",
          "reports to", "reporting to", "line manager", "direct manager", "reporting manager"],
        &["responsable", "supérieur hiérarchique", "manager direct", "responsable hiérarchique", "n+1"],
        &["Vorgesetzter", "Vorgesetzte", "Führungskraft", "direkter Vorgesetzter"],
        &["jefe", "jefe directo", "supervisor directo", "jefe inmediato"],
        &["gestor", "chefia", "gerente", "superior hierárquico", "chefe"],
        &["responsabile", "superiore", "responsabile diretto"],
        &["leidinggevende", "direct leidinggevende"],
        &["przełożony", "kierownik", "bezpośredni przełożony"],
        &["nadřízený", "vedoucí", "přímý nadřízený"],
        &["yönetici", "amir", "müdür", "yöneticisi", "bağlı olduğu yönetici"],
        &["上司", "上長", "マネージャー", "直属上司"],
        &["上级", "直属上级", "主管", "经理", "直屬主管", "汇报对象"],
        &["руководитель", "начальник", "непосредственный руководитель", "менеджер"],
        &["керівник", "безпосередній керівник"],
        &["chef", "närmaste chef", "överordnad"],
        &["leder", "nærmeste leder"],
        &["leder", "nærmeste leder", "overordnet"],
        &["esimies", "esihenkilö", "lähiesimies"],
        &["felettes", "közvetlen felettes", "vezető"],
        &["șef", "șef direct", "superior direct"],
        &["προϊστάμενος", "άμεσος προϊστάμενος"],
    ]),
];

/// The languages of [`KNOWN`], line by line: BCP 47.
#[cfg(test)]
const LANGUAGES: [&str; 21] = [
    "en", "fr", "de", "es", "pt", "it", "nl", "pl", "cs", "tr", "ja", "zh", "ru", "uk", "sv", "da",
    "nb", "fi", "hu", "ro", "el",
];

/// Headers of columns whose values must never be read, in the same languages.
#[rustfmt::skip]
const PASSWORDS: &[&str] = &[
    "password", "passwd", "pwd", "passphrase", "initial password", "temporary password", "temp password", "new password",
    "password hash", "password hashes", "hashed password", "encrypted password", "password digest", "password salt", "pass hash",
    "pwd hash", "pw hash", "user pass", "credentials", "secret data", "custom password hash", "plain password", "user password", "ssha password",
    "mot de passe", "mdp", "mot de passe initial", "code secret",
    "Passwort", "Kennwort", "Initialpasswort", "Startkennwort", "Passwort-Hash",
    "contraseña", "clave de acceso", "contraseña inicial",
    "senha", "palavra-passe", "senha inicial",
    "parola d'ordine", "password iniziale", "password provvisoria",
    "wachtwoord", "paswoord", "tijdelijk wachtwoord",
    "hasło", "hasło początkowe", "heslo", "počáteční heslo",
    "şifre", "parola", "geçici şifre",
    "пароль", "начальный пароль", "временный пароль", "початковий пароль", "тимчасовий пароль",
    "lösenord", "tillfälligt lösenord", "adgangskode", "kodeord", "passord", "midlertidig passord", "salasana",
    "jelszó", "kezdeti jelszó", "parolă inițială", "κωδικός πρόσβασης", "συνθηματικό",
    "パスワード", "初期パスワード", "暗証番号", "密码", "口令", "初始密码", "密碼",
];

/// [`KNOWN`], by [`key`].
static FIELDS: LazyLock<HashMap<String, Field>> = LazyLock::new(|| {
    let lines = KNOWN
        .iter()
        .flat_map(|(field, lines)| lines.iter().map(move |line| (*field, *line)));
    lines
        .flat_map(|(field, names)| names.iter().map(move |name| (key(name), field)))
        .collect()
});

/// [`columns::NAME_PARTS`], by [`key`].
static PARTS: LazyLock<HashMap<String, (NamePart, bool)>> = LazyLock::new(|| {
    let mut parts = HashMap::new();
    for table in columns::NAME_PARTS {
        let words = table.lines.iter().flat_map(|(_, words)| *words);
        parts.extend(words.map(|word| (key(word), (table.part, table.is_sure))));
    }
    parts
});

/// [`PASSWORDS`], by [`key`].
static PASSWORD_KEYS: LazyLock<HashSet<String>> =
    LazyLock::new(|| PASSWORDS.iter().map(|name| key(name)).collect());

/// The columns that muster adds to a corrections file: line, codes, reasons, and the mark of the
/// row.
pub const OWN: [&str; 4] = ["muster_line", "muster_codes", "muster_reasons", MARK];
/// The column by which an exported file says whose each row is.
pub const ACCOUNT: &str = "muster_account";
/// The column that says whose account a row of an import by accounts is about.
pub const OF_ACCOUNT: &str = "muster_of_account";
/// The column that says which row of which run is fixed; see [`crate::stages::resubmission`].
pub const MARK: &str = "muster_row";

/// The header of a file, and where it is.
#[derive(Debug, Clone, Copy)]
pub struct Head<'a> {
    /// The file.
    pub path: &'a Path,
    /// Line or sheet row, from 1; 0 where the names are next to the values.
    pub line: u64,
    /// The names, as the file shows them.
    pub header: &'a [String],
}

impl Head<'_> {
    /// Where it is, as messages say it: the file, and the line where that is one.
    pub fn header_place(&self) -> String {
        let shown = self.path.display();
        match self.line {
            0 => format!("`{shown}`"),
            line => format!("`{shown}` line {line}"),
        }
    }

    /// Whether it is that of a file that muster wrote: corrections, or an export.
    pub fn is_correction(&self) -> bool {
        self.header.iter().any(|name| is_own(name))
    }

    /// Whether it is that of a file that muster exported.
    pub fn is_export(&self) -> bool {
        is_export(self.header)
    }
}

/// Whether muster wrote this column itself, so that a fixed corrections file can be fed back.
pub fn is_own(header: &str) -> bool {
    OWN.contains(&header.trim()) || header.trim() == ACCOUNT
}

/// Whether this column holds marks.
pub fn is_mark(header: &str) -> bool {
    header.trim() == MARK
}

/// Whether these are the headers of a file that muster wrote. Before there were marks, it wrote
/// three columns.
pub fn has_own(headers: &[String]) -> bool {
    let has = |own: &str| headers.iter().any(|header| header.trim() == own);
    OWN[..3].iter().all(|own| has(own)) || is_export(headers)
}

fn is_export(headers: &[String]) -> bool {
    headers.iter().any(|header| header.trim() == ACCOUNT)
}

/// What a column is, as far as its header tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found {
    /// The field.
    pub field: Field,
    /// Whether the pipeline itself says so.
    pub is_named: bool,
}

/// Looks at headers for names together: beside a first name and without a last name, `Name` is the
/// last name; beside a last name alone, the first.
fn settle_names(found: &mut [Option<Found>]) {
    let has = |field: Field| found.iter().flatten().any(|found| found.field == field);
    let part = match (has(Field::FirstName), has(Field::LastName)) {
        (true, false) => Field::LastName,
        (false, true) => Field::FirstName,
        _ => return,
    };
    let is_whole = |found: &&mut Found| found.field == Field::FullName && !found.is_named;
    let mut whole: Vec<&mut Found> = found.iter_mut().flatten().filter(is_whole).collect();
    if let [only] = whole.as_mut_slice() {
        only.field = part;
    }
}

/// The headers that a run recognises: the well-known ones and those that its pipeline names.
#[derive(Debug, Clone, Default)]
pub struct Vocabulary {
    named: HashMap<String, Field>,
    attributes: HashMap<String, String>,
    parts: HashMap<String, NamePart>,
    passwords: HashSet<String>,
    password_hashes: HashSet<String>,
    others: HashSet<String>,
}

impl Vocabulary {
    /// The vocabulary of a pipeline.
    pub fn new(definition: &Definition) -> Vocabulary {
        let mut vocabulary = Vocabulary::default();
        vocabulary.learn(definition);
        vocabulary
    }

    /// Adds the words of one pipeline more, so that headers of either are found.
    pub fn learn(&mut self, definition: &Definition) {
        for field in Field::ALL {
            let headers = definition.columns.of(field).into_iter();
            for header in headers.flat_map(|headers| headers.as_slice()) {
                self.named.insert(key(header), field);
            }
        }
        for part in NamePart::ALL {
            let headers = definition.columns.of_part(part).into_iter();
            for header in headers.flat_map(|headers| headers.as_slice()) {
                self.parts.insert(key(header), part);
            }
        }
        for (name, headers) in &definition.attributes {
            let keys = headers.as_slice().iter().map(|header| key(header));
            self.attributes.extend(keys.map(|key| (key, name.clone())));
        }
        let passwords = definition.columns.passwords.iter();
        self.passwords.extend(passwords.map(|header| key(header)));
        let hashes = definition.columns.password_hash.iter();
        let hashes = hashes.flat_map(|headers| headers.as_slice());
        self.password_hashes
            .extend(hashes.map(|header| key(header)));
        let others = definition.recognize.headers.iter();
        let others = others.flat_map(|headers| headers.as_slice());
        let others = others.chain(&definition.columns.ignore);
        self.others.extend(others.map(|header| key(header)));
    }

    /// The field that the pipeline itself gives to this header.
    pub fn named(&self, header: &str) -> Option<Field> {
        undecorated(header, |key| self.named.get(key).copied())
    }

    /// Whether the pipeline itself gives a field to all of this header.
    fn is_exactly_named(&self, header: &str) -> bool {
        self.named.contains_key(&key(header))
    }

    /// Whether the pipeline itself takes password hashes from under this header.
    pub fn is_password_hash(&self, header: &str) -> bool {
        !self.password_hashes.is_empty() && self.password_hashes.contains(&key(header))
    }

    /// The attribute that the pipeline itself gives to this header.
    pub fn attribute(&self, header: &str) -> Option<&str> {
        self.attributes.get(&key(header)).map(String::as_str)
    }

    /// The field that this header is well known for, whatever decorates it.
    pub fn well_known(&self, header: &str) -> Option<Field> {
        undecorated(header, |key| FIELDS.get(key).copied())
    }

    /// The field that all of this header is well known for.
    pub fn exactly(&self, header: &str) -> Option<Field> {
        FIELDS.get(&key(header)).copied()
    }

    /// The part of a name that the pipeline itself takes from under this header.
    pub fn named_part(&self, header: &str) -> Option<NamePart> {
        self.parts.get(&key(header)).copied()
    }

    /// The part of a name that this header represents, and whether all of such a column is one.
    pub fn name_part(&self, header: &str) -> Option<(NamePart, bool)> {
        let found = |key: &str| PARTS.get(key).copied();
        let part = self.named_part(header).map(|part| (part, true));
        part.or_else(|| found(&key(header)))
            .or_else(|| found(&key(&Decorated::of(header).plain(None)?)))
    }

    /// The field that some words of this header are well known for, where they speak of one field
    /// only: `Primary contact phone number`, but not `Manager's first name`.
    pub fn in_part(&self, header: &str) -> Option<Field> {
        let words = words(header);
        let mut found: Vec<(Field, usize, usize)> = Vec::new();
        for start in 0..words.len() {
            for end in (start + 1..=words.len()).rev() {
                let part = words[start..end].concat();
                let inside = found
                    .iter()
                    .any(|(_, from, to)| *from <= start && end <= *to);
                if part.chars().count() >= PART_CHARS_MIN
                    && !inside
                    && let Some(field) = FIELDS.get(&part)
                {
                    found.push((*field, start, end));
                }
            }
        }
        match found.as_slice() {
            [(field, ..), rest @ ..] if rest.iter().all(|(other, ..)| other == field) => {
                Some(*field)
            }
            _ => None,
        }
    }

    /// Whether this is the header of a column of passwords.
    pub fn is_password(&self, header: &str) -> bool {
        let is_one = |name: &str| {
            let key = key(name);
            self.passwords.contains(&key) || PASSWORD_KEYS.contains(&key)
        };
        // Of a dotted name, each part is a name: `credentials.value`, `user.password`.
        let is_dotted = header.contains('.') && !header.contains(". ");
        is_one(header) || is_dotted && header.split('.').any(is_one)
    }

    /// How many of `cells` are headers that this run recognises. A title has none.
    pub fn recognised<'a>(&self, cells: impl Iterator<Item = &'a str>) -> usize {
        cells.filter(|cell| self.is_recognised(cell)).count()
    }

    /// How many of `cells` are recognised, if they are more than `least`. Stops where they can't be:
    /// rows of values are given up after few of their cells.
    pub fn recognised_beyond<'a>(
        &self,
        least: usize,
        cells: impl ExactSizeIterator<Item = &'a str>,
    ) -> Option<usize> {
        let (mut recognised, mut left) = (0, cells.len());
        for cell in cells {
            if recognised + left <= least {
                return None;
            }
            left -= 1;
            recognised += usize::from(self.is_recognised(cell));
        }
        (recognised > least).then_some(recognised)
    }

    fn is_recognised(&self, cell: &str) -> bool {
        let key = &key(cell);
        self.attributes.contains_key(key)
            || self.others.contains(key)
            || self.parts.contains_key(key)
            || PARTS.contains_key(key)
            || self.named(cell).is_some()
            || self.well_known(cell).is_some()
    }
}

/// A column that could be a field, where another column is the one that is usually meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PassedOver {
    /// The column, from 0.
    pub column: usize,
    /// The column that was taken instead.
    pub taken: usize,
    /// What both could be.
    pub field: Field,
}

/// Which columns are fields, by the pipeline's own words and the well-known ones.
pub fn fields(
    header: &[String],
    vocabulary: &Vocabulary,
    definition: &Definition,
) -> Vec<Option<Found>> {
    fields_and_others(header, vocabulary, definition).0
}

/// Which columns are fields, and which could be one if another column weren't meant more often.
pub fn fields_and_others(
    header: &[String],
    vocabulary: &Vocabulary,
    definition: &Definition,
) -> (Vec<Option<Found>>, Vec<PassedOver>) {
    let is_spoken_for = |shown: &str| {
        is_own(shown)
            || vocabulary.attribute(shown).is_some()
            || vocabulary.named_part(shown).is_some()
            || vocabulary.is_password(shown)
            || vocabulary.is_password_hash(shown)
            || is_ignored(shown, definition)
    };
    let found = |shown: &str| {
        if vocabulary.is_password_hash(shown) {
            return None;
        }
        let named = |field| Found {
            field,
            is_named: true,
        };
        let is_named = |field: &Field| {
            field.lists_groups() || vocabulary.is_exactly_named(shown) || !is_spoken_for(shown)
        };
        if let Some(field) = vocabulary.named(shown).filter(is_named) {
            return Some(named(field));
        }
        if is_spoken_for(shown) {
            return None;
        }
        // A field that the pipeline maps by name isn't taken from a second column by its looks.
        let field = vocabulary.well_known(shown)?;
        let is_named = false;
        (definition.columns.of(field).is_none()).then_some(Found { field, is_named })
    };
    let mut fields: Vec<Option<Found>> = header.iter().map(|name| found(name.trim())).collect();
    find_flags(header, &mut fields, definition, &is_spoken_for);
    let passed_over = choose_usual(header, &mut fields, definition);
    settle_names(&mut fields);
    // Settling must not give a field away that the pipeline has named another column for.
    for field in &mut fields {
        if field.is_some_and(|f| !f.is_named && definition.columns.of(f.field).is_some()) {
            *field = None;
        }
    }
    find_nested(header, &mut fields, vocabulary, definition, &is_spoken_for);
    (fields, passed_over)
}

/// The part of a name that a column holds, and whether it holds nothing else; `None` for any other
/// column, and for those that the pipeline has another use for.
pub fn name_part(
    header: &str,
    vocabulary: &Vocabulary,
    definition: &Definition,
) -> Option<(NamePart, bool)> {
    if let Some(part) = vocabulary.named_part(header) {
        return Some((part, true));
    }
    let (part, is_sure) = vocabulary.name_part(header)?;
    let is_taken = is_own(header)
        || vocabulary.attribute(header).is_some()
        || vocabulary.is_password_hash(header)
        || vocabulary.is_password(header)
        || is_ignored(header, definition)
        || definition.columns.of_part(part).is_some();
    // Where attributes aren't kept, what such a column holds besides would be lost.
    let is_kept = is_sure || definition.columns.unknown == UnknownColumns::Attribute;
    (!is_taken && is_kept).then_some((part, is_sure))
}

/// Where several columns are one field, leaves it with the one that is usually meant. Keys are
/// never chosen: which of two ids is the person's, somebody has to say.
fn choose_usual(
    header: &[String],
    fields: &mut [Option<Found>],
    definition: &Definition,
) -> Vec<PassedOver> {
    let mut passed_over = Vec::new();
    for field in Field::ALL {
        let is_it = |found: &Option<Found>| found.is_some_and(|found| found.field == field);
        let several: Vec<usize> = (0..fields.len()).filter(|at| is_it(&fields[*at])).collect();
        if several.len() < 2 || field.lists_groups() || field == Field::Status {
            continue;
        }
        let rank = |at: usize| rank(header[at].trim(), field, definition);
        let best = several.iter().map(|at| rank(*at)).min();
        let mut taken = several.iter().filter(|at| Some(rank(**at)) == best);
        let (Some(&taken), None) = (taken.next(), taken.next()) else {
            continue;
        };
        for column in several.into_iter().filter(|at| *at != taken) {
            fields[column] = None;
            passed_over.push(PassedOver {
                column,
                taken,
                field,
            });
        }
    }
    passed_over
}

/// How soon a column is taken for a field: the lower, the sooner. A pipeline's list names the
/// columns in their order; of headers that differ in their spelling alone, it means the one that it
/// spells the same.
fn rank(header: &str, field: Field, definition: &Definition) -> usize {
    if let Some(named) = definition.columns.of(field) {
        let named = named.as_slice();
        let is_key = matches!(field, Field::ExternalId | Field::Username);
        let exact = named.iter().position(|name| name.trim() == header);
        let alike = || named.iter().position(|name| key(name) == key(header));
        return match (exact, is_key) {
            (Some(_), true) => 0,
            (None, true) => 1,
            (Some(at), false) => 2 * at,
            (None, false) => alike().map_or(usize::MAX, |at| 2 * at + 1),
        };
    }
    let Some(usual) = columns::USUAL.iter().find(|usual| usual.field == field) else {
        return 1;
    };
    let is_in = |lines: &[Line]| {
        let words = lines.iter().flat_map(|(_, words)| *words);
        let plain = Decorated::of(header).plain(Some(field));
        let keys = [Some(key(header)), plain.map(|plain| key(&plain))];
        let mut words = words.map(|word| key(word));
        words.any(|word| keys.iter().flatten().any(|key| *key == word))
    };
    let is_at_work = || matches!(field, Field::Email) && Decorated::of(header).is_at_work();
    match (is_in(usual.before) || is_at_work(), is_in(usual.behind)) {
        (true, _) => 0,
        (_, true) => 2,
        _ => 1,
    }
}

/// Finds fields among the columns of nested records, by their innermost names.
fn find_nested(
    header: &[String],
    fields: &mut [Option<Found>],
    vocabulary: &Vocabulary,
    definition: &Definition,
    is_spoken_for: &dyn Fn(&str) -> bool,
) {
    let nested = |index: usize| {
        let shown = header[index].trim();
        let field = inner_field(shown, vocabulary).filter(|_| !is_spoken_for(shown))?;
        definition.columns.of(field).is_none().then_some(field)
    };
    let free = |index: &usize| fields[*index].is_none();
    let nested: Vec<(usize, Field)> = (0..header.len())
        .filter(free)
        .filter_map(|index| Some((index, nested(index)?)))
        .collect();
    for (index, field) in &nested {
        // One column for a field; where two could be it, somebody is to say which.
        let others = nested.iter().filter(|(_, other)| other == field).count();
        let is_it = |(at, found): (usize, &Option<Found>)| {
            found.is_some_and(|found| found.field == *field) && sense(&header[at]).is_none()
        };
        let is_taken = fields.iter().enumerate().any(is_it);
        if others == 1 && !is_taken {
            fields[*index] = Some(Found {
                field: *field,
                is_named: false,
            });
        }
    }
}

/// Takes columns that say whether an account is open or closed for its status, where the pipeline
/// doesn't name the columns of the status.
fn find_flags(
    header: &[String],
    fields: &mut [Option<Found>],
    definition: &Definition,
    is_spoken_for: &impl Fn(&str) -> bool,
) {
    if definition.columns.status.is_some() {
        return;
    }
    for (name, found) in header.iter().zip(fields) {
        if found.is_none() && !is_spoken_for(name.trim()) && sense(name).is_some() {
            *found = Some(Found {
                field: Field::Status,
                is_named: false,
            });
        }
    }
}

/// What the outer names of nested columns are where they say nothing of whose value it is; those
/// of `emergency.email` and `parent.name` do.
const OUTER_NAMES: [&str; 14] = [
    "account",
    "attributes",
    "contact",
    "data",
    "details",
    "employee",
    "fields",
    "member",
    "name",
    "people",
    "person",
    "profile",
    "properties",
    "user",
];

/// The field that the innermost name of a nested column is well known for: `profile.email`, and
/// `name.first` as the first name.
fn inner_field(header: &str, vocabulary: &Vocabulary) -> Option<Field> {
    let (outer, inner) = header.rsplit_once('.')?;
    let is_outer = |name: &str| OUTER_NAMES.contains(&key(name).as_str());
    if !outer.split('.').all(is_outer) {
        return None;
    }
    let of_name = outer
        .rsplit('.')
        .next()
        .is_some_and(|last| key(last) == "name");
    let named = of_name.then(|| vocabulary.well_known(&format!("{inner} name")));
    vocabulary.well_known(inner).or(named.flatten())
}

/// Whether the pipeline leaves this column out on purpose.
pub fn is_ignored(header: &str, definition: &Definition) -> bool {
    let ignored = definition.columns.ignore.iter();
    ignored
        .map(|name| key(name))
        .any(|name| name == key(header))
}

/// The fewest characters of a part of a header that is known: `id` and `ad` are in too many words.
const PART_CHARS_MIN: usize = 4;

/// `Group 1`, `Group 2`: of all fields, only groups come in several columns. The first of several
/// addresses or numbers is the one that is meant.
fn numbered(key: &str, field_of: &dyn Fn(&str) -> Option<Field>) -> Option<Field> {
    let unnumbered = key.trim_end_matches(|c: char| c.is_ascii_digit());
    let is_first = key.strip_prefix(unnumbered) == Some("1");
    let is_listed = |field: &Field| {
        field.lists_groups() || is_first && matches!(field, Field::Email | Field::Phone)
    };
    field_of(key).or_else(|| field_of(unnumbered).filter(is_listed))
}

/// The innermost name of a nested column whose outer names say nothing of whose it is.
fn inner_name(header: &str) -> Option<&str> {
    let (outer, inner) = header.rsplit_once('.')?;
    let is_outer = |name: &str| OUTER_NAMES.contains(&key(name).as_str());
    outer.split('.').all(is_outer).then_some(inner)
}

/// The field of a header whose words are all known, whatever decorates it: `Email [required]`,
/// `1. Email`, `Department/Team`, `First name (Vorname)`.
fn undecorated(header: &str, field_of: impl Fn(&str) -> Option<Field>) -> Option<Field> {
    let field_of = |name: &str| numbered(&key(name), &field_of);
    if let Some(field) = field_of(header) {
        return Some(field);
    }
    if !header.contains(|c: char| !c.is_alphanumeric() && c != '_') {
        return None;
    }
    let decorated = Decorated::of(header);
    let field = alternatives(&decorated.name, &field_of)?;
    let is_same = |aside: &String| is_aside(aside, Some(field)) || field_of(aside) == Some(field);
    decorated.asides.iter().all(is_same).then_some(field)
}

/// The field that all of several names for a column are known for: `Department/Team`.
fn alternatives(name: &str, field_of: &dyn Fn(&str) -> Option<Field>) -> Option<Field> {
    if let Some(field) = field_of(name) {
        return Some(field);
    }
    // Nearly no header has one of these, and none of the words below is without.
    if !name.contains(['/', '|', '\n', ' ']) {
        return None;
    }
    let lower = name.to_lowercase();
    let mut names = vec![lower.as_str()];
    for between in ["/", "|", "\n", " or ", " oder ", " ou "] {
        let parts = names.iter().flat_map(|name| name.split(between));
        names = parts.collect();
    }
    if names.len() < 2 {
        return None;
    }
    let mut fields = names.iter().map(|name| field_of(name));
    let first = fields.next()??;
    fields.all(|field| field == Some(first)).then_some(first)
}

/// A header and what surrounds its name.
struct Decorated {
    /// The name.
    name: String,
    /// What is in brackets, or after a dash or a colon.
    asides: Vec<String>,
}

impl Decorated {
    /// Takes a header apart.
    fn of(header: &str) -> Decorated {
        let mut asides = Vec::new();
        let mut name = String::with_capacity(header.len());
        let mut depth = 0_usize;
        let text = unnumbered(header.trim())
            .replace("<br>", "\n")
            .replace("<br/>", "\n");
        for c in text.chars() {
            match c {
                '(' | '[' | '{' | '<' | '（' | '【' => {
                    if depth == 0 {
                        // Endings as in `Group(s)` aren't words of their own.
                        asides.push(match name.ends_with(char::is_alphabetic) {
                            true => String::from("…"),
                            false => String::new(),
                        });
                        name.push(' ');
                    }
                    depth += 1;
                }
                ')' | ']' | '}' | '>' | '）' | '】' if depth > 0 => depth -= 1,
                c => match asides.last_mut().filter(|_| depth > 0) {
                    Some(aside) => aside.push(c),
                    None => name.push(c),
                },
            }
        }
        let mut decorated = Decorated {
            name: name.trim().to_string(),
            asides,
        };
        decorated.split_off();
        decorated
    }

    /// Takes off what comes before or after a dash, a colon or a line's end, or after the name as a
    /// date's format.
    fn split_off(&mut self) {
        if !self.name.contains(['\n', ' ']) {
            return;
        }
        for between in ["\n", ": ", " - ", " – ", " — ", ", "] {
            while let Some((before, behind)) = self.name.rsplit_once(between) {
                let (name, aside) = match (is_aside(before, None), is_aside(behind, None)) {
                    (_, true) => (before, behind),
                    (true, _) => (behind, before),
                    _ => break,
                };
                self.asides.push(aside.to_string());
                self.name = name.trim().to_string();
            }
        }
        if let Some((before, behind)) = self.name.rsplit_once(' ')
            && (date_format(behind).is_some()
                || !self.asides.is_empty() && DECORATION_KEYS.contains(&key(behind)))
        {
            self.asides.push(behind.to_string());
            self.name = before.trim().to_string();
        }
    }

    /// The name, where nothing that surrounds it says what is in the column.
    fn plain(&self, field: Option<Field>) -> Option<String> {
        let all = self.asides.iter().all(|aside| is_aside(aside, field));
        (all && !key(&self.name).is_empty()).then(|| self.name.clone())
    }

    /// Whether it says that the column is the one at work.
    fn is_at_work(&self) -> bool {
        let mut asides = self.asides.iter();
        asides.any(|aside| AT_WORK_KEYS.contains(&key(aside)))
    }
}

/// Whether what surrounds a name says nothing of what is in the column.
fn is_aside(aside: &str, field: Option<Field>) -> bool {
    let text = aside.trim();
    let key_of = key(text);
    let is_ending = text.strip_prefix('…').is_some_and(|ending| {
        ending.chars().count() <= 2 && ending.chars().all(char::is_alphabetic)
    });
    let reaches_people = matches!(field, Some(Field::Email | Field::Phone));
    key_of.is_empty()
        || is_ending
        || DECORATION_KEYS.contains(&key_of)
        || date_format(text).is_some()
        || reaches_people && AT_WORK_KEYS.contains(&key_of)
        || {
            let lower = text.trim_start_matches(['…', ' ']).to_lowercase();
            let mut examples = columns::EXAMPLES.iter().flat_map(|(_, words)| *words);
            examples.any(|word| lower.starts_with(word))
        }
}

/// The name of a column without the number of the column: `1. Email`, `(2) Name`.
fn unnumbered(name: &str) -> &str {
    let inner = name.strip_prefix('(').unwrap_or(name);
    let rest = inner.trim_start_matches(|c: char| c.is_ascii_digit());
    let digits = inner.len() - rest.len();
    match rest.strip_prefix(['.', ')', ':']) {
        Some(rest) if (1..=3).contains(&digits) && rest.starts_with(char::is_whitespace) => {
            rest.trim_start()
        }
        _ => name,
    }
}

/// The order of day and month that a format such as `dd/mm/yyyy` or `TT.MM.JJJJ` says; unknown for
/// one that begins with the year. None for text that is no such format.
fn date_format(text: &str) -> Option<DateOrder> {
    let text = text.trim_start_matches(['…', ' ']).trim().to_lowercase();
    let parts: Vec<&str> = text
        .split(['/', '.', '-', ' '])
        .filter(|part| !part.is_empty())
        .collect();
    let &[first, second, third] = parts.as_slice() else {
        return None;
    };
    let is_run = |part: &&str, lengths: std::ops::RangeInclusive<usize>| {
        let first = part.chars().next();
        lengths.contains(&part.chars().count()) && part.chars().all(|c| Some(c) == first)
    };
    // Years, days and months of the languages that headers are read in.
    let is_year = |part: &&str| {
        is_run(part, 2..=4) && part.starts_with(['y', 'j', 'a', 'r', 'г', 'р', 'å', 'v', 'é', 'ε'])
    };
    let is_day = |part: &&str| {
        is_run(part, 1..=2) && part.starts_with(['d', 't', 'j', 'g', 'д', 'p', 'n', 'z', 'η'])
    };
    let is_month =
        |part: &&str| is_run(part, 1..=2) && part.starts_with(['m', 'м', 'a', 'k', 'h', 'l', 'μ']);
    if is_day(&first) && is_month(&second) && is_year(&third) {
        Some(DateOrder::Dmy)
    } else if is_month(&first) && is_day(&second) && is_year(&third) {
        Some(DateOrder::Mdy)
    } else if is_year(&first) && is_month(&second) && is_day(&third) {
        Some(DateOrder::Unknown)
    } else {
        None
    }
}

/// The order of day and month that the headers of columns of dates give, where they give one and
/// none gives another; with the header that says so.
pub fn date_order<'h>(headers: impl Iterator<Item = &'h str>) -> Option<(DateOrder, &'h str)> {
    let mut reported: Option<(DateOrder, &str)> = None;
    for header in headers {
        let asides = Decorated::of(header).asides;
        let orders = asides.iter().filter_map(|aside| date_format(aside));
        for order in orders.filter(|order| *order != DateOrder::Unknown) {
            match reported {
                Some((earlier, _)) if earlier != order => return None,
                _ => reported = Some((order, header.trim())),
            }
        }
    }
    reported
}

/// The words of a table of [`columns`], by [`key`].
fn keys(lines: &[Line]) -> HashSet<String> {
    let words = lines.iter().flat_map(|(_, words)| *words);
    words.map(|word| key(word)).collect()
}

/// [`columns::DECORATIONS`], by [`key`].
static DECORATION_KEYS: LazyLock<HashSet<String>> = LazyLock::new(|| keys(columns::DECORATIONS));

/// [`columns::AT_WORK`], by [`key`].
static AT_WORK_KEYS: LazyLock<HashSet<String>> = LazyLock::new(|| keys(columns::AT_WORK));

/// The words of a header, each as [`key`] writes it: `workEmail (primary)` has three.
fn words(header: &str) -> Vec<String> {
    let mut separated = String::with_capacity(header.len() + 4);
    let mut before = ' ';
    for c in header.chars() {
        if before.is_lowercase() && c.is_uppercase() {
            separated.push(' ');
        }
        separated.push(c);
        before = c;
    }
    let pieces = separated.split(|c: char| !c.is_alphanumeric());
    pieces.map(key).filter(|word| !word.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_accents_spaces_and_punctuation_do_not_matter() {
        for header in [
            "First Name",
            "first_name",
            "FIRST-NAME",
            "\u{feff}Fïrst.Name ",
            "Ｆirst name",
        ] {
            assert_eq!(key(header), "firstname", "{header}");
        }
        assert_eq!(key("Prénom"), "prenom");
    }

    #[test]
    fn no_header_is_well_known_for_two_fields() {
        let mut seen = HashMap::new();
        for (field, lines) in KNOWN {
            // A field that only muster has is only called what muster calls it.
            assert!([1, LANGUAGES.len()].contains(&lines.len()), "{field:?}");
            for name in lines.concat() {
                assert!(!key(name).is_empty());
                // Some words are the same in two languages.
                let other = seen
                    .insert(key(name), field)
                    .filter(|other| *other != field);
                assert_eq!(other, None, "{name}");
            }
        }
        for name in PASSWORDS {
            assert_eq!(seen.get(&key(name)), None, "{name}");
        }
    }

    #[test]
    fn headers_are_known_in_the_languages_of_hr_systems() {
        use Field::{Email, FirstName, LastName, Phone};
        let vocabulary = Vocabulary::default();
        for (language, headers) in [
            ("en", ["First Name", "Surname", "E-mail", "Mobile"]),
            ("fr", ["PRÉNOM", "Nom", "Courriel", "N° de téléphone"]),
            (
                "de",
                ["Vorname", "Familienname", "E-Mail-Adresse", "Tel.-Nr."],
            ),
            ("es", ["Nombre", "Apellidos", "Correo electrónico", "Móvil"]),
            (
                "pt",
                [
                    "Primeiro nome",
                    "Sobrenome",
                    "Endereço de e-mail",
                    "Telemóvel",
                ],
            ),
            ("it", ["Nome", "Cognome", "Indirizzo e-mail", "Cellulare"]),
            (
                "nl",
                ["Voornaam", "Achternaam", "E-mailadres", "Telefoonnummer"],
            ),
            ("pl", ["Imię", "NAZWISKO", "Adres e-mail", "Numer telefonu"]),
            (
                "cs",
                ["Jméno", "Příjmení", "E-mailová adresa", "Telefonní číslo"],
            ),
            ("tr", ["ADI", "Soyadı", "E-Posta", "Cep Telefonu"]),
            ("ja", ["名", "姓", "メールアドレス", "電話番号"]),
            ("zh", ["名字", "姓氏", "电子邮箱", "手机号码"]),
            ("ru", ["Имя", "ФАМИЛИЯ", "Эл. почта", "Мобильный телефон"]),
            ("uk", ["Ім’я", "Прізвище", "Електронна пошта", "Телефон"]),
            ("sv", ["Förnamn", "Efternamn", "E-postadress", "Mobil"]),
            ("da", ["Fornavn", "Efternavn", "E-mailadresse", "Tlf."]),
            ("nb", ["Fornavn", "Etternavn", "E-post", "Mobilnummer"]),
            ("fi", ["Etunimi", "Sukunimi", "Sähköposti", "Puhelin"]),
            (
                "hu",
                ["Keresztnév", "Vezetéknév", "E-mail cím", "Telefonszám"],
            ),
            (
                "ro",
                [
                    "Prenume",
                    "Nume de familie",
                    "Adresă de email",
                    "Număr de telefon",
                ],
            ),
            (
                "el",
                ["Όνομα", "ΕΠΩΝΥΜΟ", "Ηλεκτρονικό ταχυδρομείο", "Κινητό"],
            ),
        ] {
            let found = headers.map(|header| vocabulary.well_known(header));
            assert_eq!(
                found,
                [FirstName, LastName, Email, Phone].map(Some),
                "{language}"
            );
        }
        for header in ["Hasło", "ŞİFRE", "Mot de passe", "密码", "パスワード"] {
            assert!(vocabulary.is_password(header), "{header}");
        }
    }

    #[test]
    fn part_of_a_header_tells_where_it_speaks_of_one_field() {
        let vocabulary = Vocabulary::default();
        for (header, field) in [
            ("Primary contact phone number", Some(Field::Phone)),
            ("workEmailAddress (main)", Some(Field::Email)),
            ("Employee's last name", Some(Field::LastName)),
            ("Manager's first name", None),
            ("Room", None),
            ("Paid", None),
        ] {
            assert_eq!(vocabulary.in_part(header), field, "{header}");
        }
    }

    #[test]
    fn what_surrounds_a_name_does_not_matter() {
        use Field::{Email, EndDate, ExternalId, FirstName, Groups, LastName, Phone};
        let vocabulary = Vocabulary::default();
        for (header, field) in [
            ("Employee ID*", ExternalId),
            ("Phone (optional)", Phone),
            ("Group(s)", Groups),
            ("Abteilung(en)", Groups),
            ("Department/Team", Groups),
            ("Email [required]", Email),
            ("First Name:", FirstName),
            ("* Last name", LastName),
            ("End date (dd/mm/yyyy)", EndDate),
            ("Austritt TT.MM.JJJJ", EndDate),
            ("E-mail (work)", Email),
            ("1. Email", Email),
            ("(2) First name", FirstName),
            ("Email 1", Email),
            ("Vorname (Pflichtfeld)", FirstName),
            ("Nachname - erforderlich", LastName),
            ("Required: Email", Email),
            ("Email, required", Email),
            ("First name (Vorname)", FirstName),
            ("First name / Vorname", FirstName),
            ("E-Mail\n(obligatoire)", Email),
            ("Phone (e.g. +49 30 123456)", Phone),
            ("メールアドレス（必須）", Email),
            ("Last name [surname] Required", LastName),
            ("Email <br>required", Email),
        ] {
            assert_eq!(vocabulary.well_known(header), Some(field), "{header}");
        }
        for header in [
            "Email (private)",
            "Phone (old)",
            "Manager (former)",
            "Name (Spitzname)",
            "Email/Username",
            "Organization (work)",
            "Phone 2",
            "E-mail 2 Address",
            "Group (inactive)",
            "Email required",
            "2026. Email",
        ] {
            assert_eq!(vocabulary.well_known(header), None, "{header}");
        }
    }

    #[test]
    fn formats_of_dates_tell_the_order_of_day_and_month() {
        let reported = |headers: &[&'static str]| date_order(headers.iter().copied());
        for (headers, order) in [
            (&["End date (dd/mm/yyyy)"][..], Some(DateOrder::Dmy)),
            (&["Start date (MM/DD/YYYY)"], Some(DateOrder::Mdy)),
            (&["Eintritt (TT.MM.JJJJ)", "Austritt"], Some(DateOrder::Dmy)),
            (&["Date d'entrée (jj/mm/aaaa)"], Some(DateOrder::Dmy)),
            (&["Startdatum dd-mm-jjjj"], Some(DateOrder::Dmy)),
            (&["Start (yyyy-mm-dd)"], None),
            (&["Start (m/d/yy)", "End (d/m/yy)"], None),
            (&["Start date"], None),
        ] {
            assert_eq!(
                reported(headers).map(|(order, _)| order),
                order,
                "{headers:?}"
            );
        }
    }

    #[test]
    fn the_usual_one_of_several_columns_is_taken() {
        let of = |toml: &str, header: &[&str]| -> (Vec<Option<&'static str>>, usize) {
            let text = format!("name = \"p\"\n{toml}");
            let definition = crate::definition::parse("p", &text).unwrap().definition;
            let header: Vec<String> = header.iter().map(ToString::to_string).collect();
            let vocabulary = Vocabulary::new(&definition);
            let (found, passed) = fields_and_others(&header, &vocabulary, &definition);
            let names = found
                .iter()
                .map(|found| found.map(|found| found.field.name()));
            (names.collect(), passed.len())
        };
        let (phone, email) = (Some("phone"), Some("email"));
        for (toml, header, taken) in [
            ("", ["Business Phone", "Mobile Phone"], [None, phone]),
            ("", ["Telefon", "Handy (optional)"], [None, phone]),
            ("", ["Phone", "Office phone"], [phone, None]),
            ("", ["Email", "Work email"], [None, email]),
            ("", ["Email", "E-mail (work)"], [None, email]),
            ("", ["Country", "Country code"], [None, Some("country")]),
            (
                "[columns]\nphone = [\"A\", \"B\"]",
                ["B", "A"],
                [None, phone],
            ),
            (
                "[columns]\nemail = \"Email\"",
                ["email", "Email"],
                [None, email],
            ),
        ] {
            assert_eq!(of(toml, &header), (taken.to_vec(), 1), "{header:?}");
        }
        for (toml, header) in [
            ("", ["Mobile", "Handy"]),
            ("", ["email", "Email"]),
            ("", ["Employee ID", "Badge number"]),
            ("[columns]\nexternal_id = [\"A\", \"B\"]", ["B", "A"]),
        ] {
            let (found, passed) = of(toml, &header);
            assert!(
                passed == 0 && found[0].is_some() && found[0] == found[1],
                "{header:?}"
            );
        }
    }

    #[test]
    fn a_name_is_recognized_by_the_names_beside_it() {
        use Field::{Email, FirstName, FullName, LastName};
        for (headers, settled) in [
            ([FullName, FirstName, Email], [LastName, FirstName, Email]),
            ([FullName, LastName, Email], [FirstName, LastName, Email]),
            ([FullName, Email, Email], [FullName, Email, Email]),
            (
                [FullName, FirstName, LastName],
                [FullName, FirstName, LastName],
            ),
            (
                [FullName, FullName, LastName],
                [FullName, FullName, LastName],
            ),
        ] {
            let found = |is_named| move |field| Some(Found { field, is_named });
            let mut looked_at = headers.map(found(false));
            settle_names(&mut looked_at);
            assert_eq!(looked_at, settled.map(found(false)));
            let mut named = headers.map(found(true));
            settle_names(&mut named);
            assert_eq!(named, headers.map(found(true)));
        }
    }

    #[test]
    fn nested_columns_are_known_by_their_innermost_name() {
        let definition = crate::definition::parse("p", "name = \"p\"")
            .unwrap()
            .definition;
        let vocabulary = Vocabulary::new(&definition);
        let of = |header: &[&str]| -> Vec<Option<&str>> {
            let header: Vec<String> = header.iter().map(|name| name.to_string()).collect();
            let found = fields(&header, &vocabulary, &definition);
            found
                .iter()
                .map(|found| found.map(|found| found.field.name()))
                .collect()
        };
        assert_eq!(
            of(&[
                "user.profile.email",
                "name.first",
                "name.familyName",
                "emergency.email",
                "parent.name"
            ]),
            [
                Some("email"),
                Some("first_name"),
                Some("last_name"),
                None,
                None
            ]
        );
        assert_eq!(of(&["email", "profile.email"]), [Some("email"), None]);
        assert_eq!(of(&["person.email", "profile.email"]), [None, None]);
    }
}
