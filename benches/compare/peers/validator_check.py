"""Python's csv with email-validator: prints the rows, and those with a valid e-mail address."""

import csv
import sys
import unicodedata

from email_validator import EmailNotValidError, validate_email

seen = set()
valid = 0
with open(sys.argv[1], newline="", encoding="utf-8") as file:
    for row in csv.DictReader(file):
        cleaned = {name: unicodedata.normalize("NFC", value.strip()) for name, value in row.items()}
        cleaned["email"] = cleaned["email"].lower()
        key = tuple(cleaned.values())
        if key in seen:
            continue
        seen.add(key)
        try:
            validate_email(cleaned["email"], check_deliverability=False)
            valid += 1
        except EmailNotValidError:
            pass
print(len(seen), valid)
