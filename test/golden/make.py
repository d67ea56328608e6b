"""Makes the golden tables: Iceberg tables written by PyIceberg and ClickHouse, which test/golden/golden.test.ts reads.

    bash test/interop/run.sh        # once, for the environment in .venv
    .venv/bin/python test/golden/make.py [name …]

Each table is a folder beside this file: `metadata/` with its newest metadata file, its manifests, `data/`, and `rows.txt`, the
rows that a reader must find, one JSON object a line, ordered by `id`, in the form that `Session.rows` of lake/duckdb/engine.ts
gives. Paths inside begin with `s3://golden/<name>`, whatever folder they are in. Ids and names of files are random, so a table
that is made again differs in every byte and in no row.
"""

import json
import shutil
import sys
import tempfile
from pathlib import Path

FOLDER = Path(__file__).parent
sys.dont_write_bytecode = True
sys.path.insert(0, str(FOLDER.parent / "interop"))

from golden_tables import TABLES  # noqa: E402
from golden_writer import GoldenCatalog  # noqa: E402
from rows_as_text import struct  # noqa: E402


def main(names):
    for name in names or TABLES:
        shutil.rmtree(FOLDER / name, ignore_errors=True)
        with tempfile.TemporaryDirectory() as pointers:
            catalog = GoldenCatalog(pointers, FOLDER)
            expected = TABLES[name](catalog, name)
            table = catalog.load_table(f"lake.{name}")
        rows = table.scan().to_arrow().to_pylist() if expected is None else expected
        write_rows(FOLDER / name / "rows.txt", table.schema(), rows)
        keep_newest(FOLDER / name / "metadata", table.metadata_location)


def write_rows(path, schema, rows):
    lines = [json.dumps(struct(schema, row), ensure_ascii=False) for row in sorted(rows, key=lambda row: row["id"])]
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def keep_newest(folder, location):
    """Older metadata files are in the log of the newest and read by nobody."""
    for path in folder.glob("*.metadata.json"):
        if path.name != location.rsplit("/", 1)[-1]:
            path.unlink()


if __name__ == "__main__":
    main(sys.argv[1:])
