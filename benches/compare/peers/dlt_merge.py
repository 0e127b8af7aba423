"""dlt's merge of a CSV file into PostgreSQL: FILE SOCKET_FOLDER DATABASE SCRATCH_FOLDER."""

import csv
import itertools
import sys

import dlt

file, socket, database, scratch = sys.argv[1:]


@dlt.resource(name="people", write_disposition="merge", primary_key="external_id")
def people():
    """The rows, a page at a time, as dlt's handbook advises."""
    with open(file, newline="", encoding="utf-8") as lines:
        rows = csv.DictReader(lines)
        while page := list(itertools.islice(rows, 10_000)):
            yield page


pipeline = dlt.pipeline(
    "compare",
    pipelines_dir=scratch,
    # dlt asks for a password; nobody looks at it on a socket
    destination=dlt.destinations.postgres(f"postgresql://muster:unused@localhost/{database}?host={socket}"),
    dataset_name="people",
)
pipeline.run(people()).raise_on_failed_jobs()
