//! The texts of the pages in four languages, and the choice of the visitor's language.

use crate::invitation::Kind;
use crate::password::Problem;

/// Every text of the pages in one language; a field without a comment is a label, a button or a
/// sentence about what is wrong with the field of that name. `{product}`, `{email}`, `{min}` and `{max}` are filled
/// in by [`fill`].
pub(super) struct Words {
    /// BCP 47 tag.
    pub tag: &'static str,
    /// What the product is called while nobody has named it.
    pub product: &'static str,
    /// Titles and first sentences of the two forms.
    pub invite: [&'static str; 2],
    pub reset: [&'static str; 2],
    pub first_name: &'static str,
    pub last_name: &'static str,
    pub email: &'static str,
    pub username: &'static str,
    pub groups: &'static str,
    pub sessions: &'static str,
    pub password: &'static str,
    /// The rules, before anybody types.
    pub rules: &'static str,
    /// The button of each form.
    pub invite_button: &'static str,
    pub reset_button: &'static str,
    /// Before the title of a page that shows a form again, and above that form.
    pub error: &'static str,
    pub look_again: &'static str,
    /// The form came without its cookie.
    pub resend: &'static str,
    /// The password is fine, but other fields aren't.
    pub again: &'static str,
    pub name_missing: &'static str,
    pub name_long: &'static str,
    pub short: &'static str,
    pub long: &'static str,
    pub control: &'static str,
    pub own_name: &'static str,
    pub own_email: &'static str,
    pub own_product: &'static str,
    pub easy: &'static str,
    /// Pages without a form: a title, and paragraphs.
    pub invite_done: &'static [&'static str],
    pub reset_done: &'static [&'static str],
    pub dead: &'static [&'static str],
    pub root: &'static [&'static str],
    pub busy: &'static [&'static str],
    pub many: &'static [&'static str],
    pub refused: &'static [&'static str],
    /// Before the contact.
    pub questions: &'static str,
}

impl Words {
    /// Title and first sentence of a form.
    pub(super) fn form(&self, kind: Kind) -> [&'static str; 2] {
        match kind {
            Kind::Invite => self.invite,
            _ => self.reset,
        }
    }

    /// What is wrong with a password, and what would be right.
    pub(super) fn problem(&self, problem: Problem) -> &'static str {
        match problem {
            Problem::Short => self.short,
            Problem::Long => self.long,
            Problem::Control => self.control,
            Problem::Name => self.own_name,
            Problem::Email => self.own_email,
            Problem::Product => self.own_product,
            Problem::Easy => self.easy,
        }
    }
}

/// `text` with its blanks filled in.
pub(super) fn fill(text: &str, blanks: &[(&str, &str)]) -> String {
    let mut filled = String::new();
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once('{') {
        filled += before;
        let (name, after) = behind.split_once('}').unwrap_or((behind, ""));
        let value = blanks.iter().find(|(blank, _)| *blank == name);
        filled += value.map_or("", |(_, value)| value);
        rest = after;
    }
    filled + rest
}

/// The language of a person (a BCP 47 tag) if there are words in it; else the one that the browser
/// likes best (`Accept-Language`, RFC 9110, section 12.5.4); else English.
pub(super) fn choose(person: &str, accepted: &str) -> &'static Words {
    find(person)
        .or_else(|| {
            let mut ranges: Vec<(&str, f32)> = accepted.split(',').map(range).collect();
            // Stable, so that of two that are liked the same the first wins.
            ranges.sort_by(|left, right| right.1.total_cmp(&left.1));
            let mut wanted = ranges.iter().filter(|(_, quality)| *quality > 0.0);
            wanted.find_map(|(tag, _)| find(tag))
        })
        .unwrap_or(&EN)
}

fn find(tag: &str) -> Option<&'static Words> {
    let language = tag.trim().split(['-', '_']).next().unwrap_or("");
    let same = |words: &&&Words| words.tag.eq_ignore_ascii_case(language);
    [&EN, &DE, &FR, &ES].iter().find(same).copied()
}

/// A language range and how much it is liked.
fn range(part: &str) -> (&str, f32) {
    let (tag, parameters) = part.split_once(';').unwrap_or((part, ""));
    let quality = parameters.trim().strip_prefix("q=").unwrap_or("1");
    let quality = quality.trim().parse().unwrap_or(0.0);
    (tag, quality)
}

const EN: Words = Words {
    tag: "en",
    product: "our platform",
    invite: [
        "Welcome to {product}",
        "You have been invited. Check your name, choose a password, and your account is ready.",
    ],
    reset: [
        "Choose a new password",
        "For your account at {product}. From then on, only the new password works.",
    ],
    first_name: "First name",
    last_name: "Last name",
    email: "E-mail",
    username: "User name",
    groups: "Groups",
    sessions: "Sessions",
    password: "New password",
    rules: "At least {min} characters. Four or five words that don't belong together make a \
            good one; spaces and all other characters are fine. Leave out your name, your \
            e-mail address and {product}.",
    invite_button: "Set up my account",
    reset_button: "Set new password",
    error: "Error",
    look_again: "Nothing has been saved yet. Please look at the marked fields again.",
    resend: "Your browser did not send the form together with its cookie, so nothing has been \
             saved. Please fill it in once more; if this comes again, allow cookies for this page.",
    again: "Please type your password once more: this page does not keep it.",
    name_missing: "Please fill this in.",
    name_long: "Please shorten this to {max} characters.",
    short: "This password is too short: it needs at least {min} characters.",
    long: "This password is too long: it can have {max} characters at most.",
    control: "This password has a character in it that can't be typed, such as a line break.",
    own_name: "This password has your name in it, which others know. Choose words that have \
               nothing to do with you.",
    own_email: "This password has the front of your e-mail address in it, which others know. \
                Choose words that have nothing to do with you.",
    own_product: "This password has the name of {product} in it, which many would try first. \
                  Choose words that have nothing to do with it.",
    easy: "This password is too easy to guess: known passwords, names, dates, repetitions and \
           neighbouring keys count for little. Add a few words that don't belong together.",
    invite_done: &[
        "Your account is ready",
        "You can now sign in to {product} with {email} and the password that you just chose. You \
         can close this page.",
        "The link from your mail has done its work and no longer opens anything.",
    ],
    reset_done: &[
        "Your new password is set",
        "From now on, sign in to {product} with {email} and the password that you just chose. You \
         can close this page.",
        "The link from your mail has done its work and no longer opens anything.",
    ],
    dead: &[
        "This link doesn't work any more",
        "It may have been used already, be too old, or have been replaced by a newer one; or a \
         part of it got lost on the way here.",
        "If you have chosen your password, simply sign in. Otherwise, look for a newer mail, or \
         ask for a new link.",
    ],
    root: &[
        "Open the link from your mail",
        "This page lets in people who were invited to {product} or want to choose a new password. \
         You come to it by the link in the mail that you got.",
    ],
    busy: &[
        "Please try again later",
        "This page can't be used right now. Open your link again in a few minutes.",
    ],
    many: &[
        "Please wait a moment",
        "There were too many requests in a short time. Wait a minute or two, then open your link \
         again.",
    ],
    refused: &[
        "That didn't work",
        "The form did not arrive as this page sent it out, so nothing has been saved. Open the \
         link from your mail again, and fill it in there.",
    ],
    questions: "Questions, or in need of a new link?",
};

const DE: Words = Words {
    tag: "de",
    product: "unserer Plattform",
    invite: [
        "Willkommen bei {product}",
        "Sie wurden eingeladen. Prüfen Sie Ihren Namen, wählen Sie ein Passwort, und Ihr Konto \
         ist bereit.",
    ],
    reset: [
        "Neues Passwort wählen",
        "Für Ihr Konto bei {product}. Danach gilt nur noch das neue Passwort.",
    ],
    first_name: "Vorname",
    last_name: "Nachname",
    email: "E-Mail",
    username: "Benutzername",
    groups: "Gruppen",
    sessions: "Termine",
    password: "Neues Passwort",
    rules: "Mindestens {min} Zeichen. Gut sind vier oder fünf Wörter, die nicht \
            zusammengehören; Leerzeichen und alle anderen Zeichen sind erlaubt. Ohne Ihren \
            Namen, Ihre E‑Mail-Adresse und den Namen von {product}.",
    invite_button: "Konto einrichten",
    reset_button: "Neues Passwort setzen",
    error: "Fehler",
    look_again: "Noch ist nichts gespeichert. Bitte sehen Sie sich die markierten Felder noch \
                 einmal an.",
    resend: "Ihr Browser hat das Formular ohne sein Cookie geschickt, deshalb wurde nichts \
             gespeichert. Bitte füllen Sie es noch einmal aus; geschieht das wieder, erlauben Sie \
             Cookies für diese Seite.",
    again: "Bitte geben Sie Ihr Passwort noch einmal ein: Diese Seite behält es nicht.",
    name_missing: "Bitte füllen Sie dieses Feld aus.",
    name_long: "Bitte kürzen Sie das auf {max} Zeichen.",
    short: "Dieses Passwort ist zu kurz: Es braucht mindestens {min} Zeichen.",
    long: "Dieses Passwort ist zu lang: Es darf höchstens {max} Zeichen haben.",
    control: "Dieses Passwort enthält ein Zeichen, das sich nicht eintippen lässt, etwa einen \
              Zeilenumbruch.",
    own_name: "Dieses Passwort enthält Ihren Namen, den andere kennen. Wählen Sie Wörter, die \
               nichts mit Ihnen zu tun haben.",
    own_email: "Dieses Passwort enthält den vorderen Teil Ihrer E-Mail-Adresse, den andere kennen. \
                Wählen Sie Wörter, die nichts mit Ihnen zu tun haben.",
    own_product: "Dieses Passwort enthält den Namen von {product}, den viele zuerst versuchen \
                  würden. Wählen Sie Wörter, die nichts damit zu tun haben.",
    easy: "Dieses Passwort ist zu leicht zu erraten: Bekannte Passwörter, Namen, Daten, \
           Wiederholungen und benachbarte Tasten zählen wenig. Ergänzen Sie ein paar Wörter, \
           die nicht zusammengehören.",
    invite_done: &[
        "Ihr Konto ist bereit",
        "Sie können sich jetzt bei {product} anmelden: mit {email} und dem Passwort, das Sie eben \
         gewählt haben. Diese Seite können Sie schließen.",
        "Der Link aus Ihrer Mail hat seinen Zweck erfüllt und öffnet nichts mehr.",
    ],
    reset_done: &[
        "Ihr neues Passwort gilt",
        "Melden Sie sich ab jetzt bei {product} mit {email} und dem Passwort an, das Sie eben \
         gewählt haben. Diese Seite können Sie schließen.",
        "Der Link aus Ihrer Mail hat seinen Zweck erfüllt und öffnet nichts mehr.",
    ],
    dead: &[
        "Dieser Link funktioniert nicht mehr",
        "Vielleicht wurde er schon benutzt, ist zu alt oder wurde durch einen neueren ersetzt; \
         oder ein Stück von ihm ging auf dem Weg hierher verloren.",
        "Haben Sie Ihr Passwort schon gewählt, melden Sie sich einfach an. Sonst suchen Sie nach \
         einer neueren Mail, oder bitten Sie um einen neuen Link.",
    ],
    root: &[
        "Öffnen Sie den Link aus Ihrer Mail",
        "Diese Seite ist für Menschen, die zu {product} eingeladen sind oder ein neues Passwort \
         wählen möchten. Sie kommen durch den Link in der Mail hierher, die Sie bekommen haben.",
    ],
    busy: &[
        "Bitte versuchen Sie es später",
        "Diese Seite ist gerade nicht benutzbar. Öffnen Sie Ihren Link in ein paar Minuten \
         noch einmal.",
    ],
    many: &[
        "Bitte warten Sie einen Moment",
        "Es gab zu viele Anfragen in kurzer Zeit. Warten Sie ein, zwei Minuten, und öffnen Sie \
         Ihren Link dann noch einmal.",
    ],
    refused: &[
        "Das hat nicht geklappt",
        "Das Formular kam nicht so an, wie diese Seite es ausgegeben hat, deshalb wurde nichts \
         gespeichert. Öffnen Sie den Link aus Ihrer Mail noch einmal, und füllen Sie es dort aus.",
    ],
    questions: "Fragen, oder brauchen Sie einen neuen Link?",
};

const FR: Words = Words {
    tag: "fr",
    product: "notre plateforme",
    invite: [
        "Bienvenue sur {product}",
        "Vous avez reçu une invitation. Vérifiez votre nom, choisissez un mot de passe, et votre \
         compte est prêt.",
    ],
    reset: [
        "Choisir un nouveau mot de passe",
        "Pour votre compte sur {product}. Ensuite, seul le nouveau mot de passe sera valable.",
    ],
    first_name: "Prénom",
    last_name: "Nom",
    email: "Adresse e-mail",
    username: "Nom d’utilisateur",
    groups: "Groupes",
    sessions: "Séances",
    password: "Nouveau mot de passe",
    rules: "Au moins {min} caractères. Quatre ou cinq mots sans rapport entre eux conviennent \
            bien ; les espaces et tous les autres caractères sont permis. Sans votre nom, \
            votre adresse e-mail ni le nom de {product}.",
    invite_button: "Créer mon compte",
    reset_button: "Enregistrer le mot de passe",
    error: "Erreur",
    look_again: "Rien n’a encore été enregistré. Veuillez revoir les champs signalés.",
    resend: "Votre navigateur a envoyé le formulaire sans son cookie ; rien n’a donc été \
             enregistré. Veuillez le remplir encore une fois ; si cela se répète, autorisez les \
             cookies pour cette page.",
    again: "Veuillez saisir votre mot de passe encore une fois : cette page ne le garde pas.",
    name_missing: "Veuillez remplir ce champ.",
    name_long: "Veuillez vous limiter à {max} caractères.",
    short: "Ce mot de passe est trop court : il faut au moins {min} caractères.",
    long: "Ce mot de passe est trop long : {max} caractères au plus.",
    control: "Ce mot de passe contient un caractère qui ne peut pas être tapé, comme un saut de \
              ligne.",
    own_name: "Ce mot de passe contient votre nom, que d’autres connaissent. Choisissez des mots \
               sans rapport avec vous.",
    own_email: "Ce mot de passe contient le début de votre adresse e-mail, que d’autres \
                connaissent. Choisissez des mots sans rapport avec vous.",
    own_product: "Ce mot de passe contient le nom de {product}, que beaucoup essaieraient en \
                  premier. Choisissez des mots sans rapport avec lui.",
    easy: "Ce mot de passe est trop facile à deviner : les mots de passe connus, les noms, \
           les dates, les répétitions et les touches voisines comptent peu. Ajoutez quelques \
           mots sans rapport entre eux.",
    invite_done: &[
        "Votre compte est prêt",
        "Vous pouvez maintenant vous connecter à {product} avec {email} et le mot de passe que \
         vous venez de choisir. Vous pouvez fermer cette page.",
        "Le lien de votre e-mail a rempli son rôle et n’ouvre plus rien.",
    ],
    reset_done: &[
        "Votre nouveau mot de passe est enregistré",
        "Désormais, connectez-vous à {product} avec {email} et le mot de passe que vous venez de \
         choisir. Vous pouvez fermer cette page.",
        "Le lien de votre e-mail a rempli son rôle et n’ouvre plus rien.",
    ],
    dead: &[
        "Ce lien ne fonctionne plus",
        "Il a peut-être déjà servi, il est trop ancien ou un plus récent l’a remplacé ; ou bien \
         une partie s’est perdue en route.",
        "Si vous avez déjà choisi votre mot de passe, connectez-vous simplement. Sinon, cherchez \
         un e-mail plus récent, ou demandez un nouveau lien.",
    ],
    root: &[
        "Ouvrez le lien de votre e-mail",
        "Cette page accueille les personnes invitées sur {product} ou qui veulent choisir un \
         nouveau mot de passe. On y arrive par le lien de l’e-mail reçu.",
    ],
    busy: &[
        "Veuillez réessayer plus tard",
        "Cette page n’est pas utilisable en ce moment. Ouvrez de nouveau votre lien dans \
         quelques minutes.",
    ],
    many: &[
        "Veuillez patienter un instant",
        "Il y a eu trop de demandes en peu de temps. Attendez une minute ou deux, puis ouvrez de \
         nouveau votre lien.",
    ],
    refused: &[
        "Cela n’a pas fonctionné",
        "Le formulaire n’est pas arrivé tel que cette page l’avait envoyé ; rien n’a donc été \
         enregistré. Ouvrez de nouveau le lien de votre e-mail, et remplissez-le là.",
    ],
    questions: "Des questions, ou besoin d’un nouveau lien ?",
};

const ES: Words = Words {
    tag: "es",
    product: "nuestra plataforma",
    invite: [
        "Le damos la bienvenida a {product}",
        "Ha recibido una invitación. Revise su nombre, elija una contraseña y su cuenta estará \
         lista.",
    ],
    reset: [
        "Elegir una contraseña nueva",
        "Para su cuenta en {product}. A partir de entonces solo valdrá la contraseña nueva.",
    ],
    first_name: "Nombre",
    last_name: "Apellidos",
    email: "Correo electrónico",
    username: "Nombre de usuario",
    groups: "Grupos",
    sessions: "Sesiones",
    password: "Contraseña nueva",
    rules: "Al menos {min} caracteres. Lo mejor son cuatro o cinco palabras sin relación \
            entre sí; se admiten espacios y cualquier otro carácter. Sin su nombre, su \
            dirección de correo ni el nombre de {product}.",
    invite_button: "Crear mi cuenta",
    reset_button: "Guardar la contraseña",
    error: "Error",
    look_again: "Todavía no se ha guardado nada. Revise los campos marcados.",
    resend: "Su navegador envió el formulario sin su cookie, así que no se ha guardado nada. \
             Rellénelo otra vez; si vuelve a ocurrir, permita las cookies para esta página.",
    again: "Escriba su contraseña otra vez: esta página no la conserva.",
    name_missing: "Rellene este campo.",
    name_long: "Redúzcalo a {max} caracteres.",
    short: "Esta contraseña es demasiado corta: necesita al menos {min} caracteres.",
    long: "Esta contraseña es demasiado larga: puede tener {max} caracteres como máximo.",
    control: "Esta contraseña contiene un carácter que no se puede teclear, como un salto de \
              línea.",
    own_name: "Esta contraseña contiene su nombre, que otras personas conocen. Elija palabras que \
               no tengan relación con usted.",
    own_email: "Esta contraseña contiene el principio de su dirección de correo, que otras \
                personas conocen. Elija palabras que no tengan relación con usted.",
    own_product: "Esta contraseña contiene el nombre de {product}, que muchos probarían primero. \
                  Elija palabras que no tengan relación con él.",
    easy: "Esta contraseña es demasiado fácil de adivinar: las contraseñas conocidas, los \
           nombres, las fechas, las repeticiones y las teclas vecinas cuentan poco. Añada \
           algunas palabras sin relación entre sí.",
    invite_done: &[
        "Su cuenta está lista",
        "Ya puede iniciar sesión en {product} con {email} y la contraseña que acaba de elegir. \
         Puede cerrar esta página.",
        "El enlace de su correo ha cumplido su función y ya no abre nada.",
    ],
    reset_done: &[
        "Su contraseña nueva está guardada",
        "A partir de ahora, inicie sesión en {product} con {email} y la contraseña que acaba de \
         elegir. Puede cerrar esta página.",
        "El enlace de su correo ha cumplido su función y ya no abre nada.",
    ],
    dead: &[
        "Este enlace ya no funciona",
        "Puede que ya se haya usado, que sea demasiado antiguo o que otro más nuevo lo haya \
         sustituido; o que una parte se haya perdido por el camino.",
        "Si ya eligió su contraseña, simplemente inicie sesión. Si no, busque un correo más \
         reciente o pida un enlace nuevo.",
    ],
    root: &[
        "Abra el enlace de su correo",
        "Esta página es para quienes han recibido una invitación a {product} o quieren elegir una \
         contraseña nueva. Se llega a ella por el enlace del correo recibido.",
    ],
    busy: &[
        "Inténtelo más tarde",
        "Esta página no se puede usar en este momento. Abra su enlace otra vez dentro de unos \
         minutos.",
    ],
    many: &[
        "Espere un momento",
        "Ha habido demasiadas peticiones en poco tiempo. Espere un minuto o dos y abra otra vez \
         su enlace.",
    ],
    refused: &[
        "No ha funcionado",
        "El formulario no llegó como esta página lo había enviado, así que no se ha guardado nada. \
         Abra otra vez el enlace de su correo y rellénelo allí.",
    ],
    questions: "¿Preguntas, o necesita un enlace nuevo?",
};

#[cfg(test)]
mod tests {
    use super::{choose, fill};

    #[test]
    fn the_persons_language_goes_before_the_browsers() {
        for (person, accepted, expected) in [
            ("de-AT", "fr", "de"),
            ("FR", "", "fr"),
            ("it", "pt, es;q=0.8, de;q=0.9", "de"),
            ("", "es-MX,es;q=0.9,en;q=0.8", "es"),
            ("", "fr;q=0, de;q=0.1", "de"),
            ("", "fr;q=x, *", "en"),
            ("", "", "en"),
            ("deu", "", "en"),
        ] {
            let chosen = choose(person, accepted).tag;
            assert_eq!(chosen, expected, "{person:?} {accepted:?}");
        }
    }

    #[test]
    fn blanks_are_filled_once() {
        let blanks = [("product", "{email}"), ("email", "a@b")];
        assert_eq!(fill("{product}, {email}!", &blanks), "{email}, a@b!");
        assert_eq!(fill("a {b", &blanks), "a ");
    }
}
