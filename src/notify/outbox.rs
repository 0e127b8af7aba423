//! Where mails go without a mail server: a folder of `.eml` files.
