"""Reads Iceberg tables with PyIceberg and compares what it finds with what is expected.

Standard input is one JSON object, or an array of them:

    {"metadata": "/lake/tables/trips/metadata/00003-….metadata.json",
     "rows": 120000,
     "sums": {"distance": "48213.5"},
     "partitions": {"start_day=2026-01-01": {"rows": 800, "sums": {"distance": "312.5"}}},
     "predicates": [{"filter": "distance > 10", "rows": 3100, "sums": {"distance": "40112"}}]}

`metadata` and `rows` are required. Partitions are named `field=value/…` in the spec's human-readable form (Iceberg spec,
appendix "Partition transforms"), not escaped, with `null` for null; the empty name is the one partition of an
unpartitioned table. When `partitions` is given it must name all of them. Filters are PyIceberg expressions, which want decimals
as quoted text of the full scale of the column. Sums are decimal
text (or null, of no values) and are compared exactly, those of float and double columns to nine digits; `rows` counts rows
after deletes.

Standard output is one JSON object per table, `{"metadata": …, "differences": […]}`; the exit code is 1 when there is any.
"""

import json
import math
import sys
from collections import defaultdict
from decimal import Decimal

import pyarrow as pa
import pyarrow.compute as pc
from pyiceberg.expressions import AlwaysTrue
from pyiceberg.expressions.parser import parse
from pyiceberg.io.pyarrow import ArrowScan
from pyiceberg.table import StaticTable


def main() -> int:
    given = json.load(sys.stdin)
    found_any = False
    for expected in given if isinstance(given, list) else [given]:
        differences = list(compare_table(expected))
        found_any = found_any or bool(differences)
        print(json.dumps({"metadata": expected["metadata"], "differences": differences}), flush=True)
    return 1 if found_any else 0


def compare_table(expected):
    table = StaticTable.from_metadata(expected["metadata"])
    yield from compare("table", expected, table.scan().to_arrow())
    if "partitions" in expected:
        yield from compare_partitions(table, expected)
    for predicate in expected.get("predicates", []):
        scan = table.scan(row_filter=parse(predicate["filter"]))
        yield from compare(f"filter {predicate['filter']}", predicate, scan.to_arrow())


def compare_partitions(table, expected):
    tasks = defaultdict(list)
    for task in table.scan().plan_files():
        tasks[partition_name(table, task.file)].append(task)
    found = {name: read(table, group) for name, group in tasks.items()}
    # A partition whose rows were all deleted still has files.
    found = {name: rows for name, rows in found.items() if rows.num_rows > 0}
    names = set(expected["partitions"])
    for name in sorted(names ^ set(found)):
        yield f"partition {name!r} is {'missing' if name in names else 'not expected'}"
    for name in sorted(names & set(found)):
        yield from compare(f"partition {name!r}", expected["partitions"][name], found[name])


def read(table, tasks):
    return ArrowScan(table.metadata, table.io, table.schema(), AlwaysTrue()).to_table(tasks)


def partition_name(table, file):
    spec = table.specs()[file.spec_id]
    schema = table.schema()
    parts = []
    for position, field in enumerate(spec.fields):
        source = schema.find_field(field.source_id).field_type
        parts.append(f"{field.name}={field.transform.to_human_string(source, file.partition[position])}")
    return "/".join(parts)


def compare(what, expected, rows):
    if rows.num_rows != expected["rows"]:
        yield f"{what}: expected {expected['rows']} rows, PyIceberg reads {rows.num_rows}"
    for column, text in expected.get("sums", {}).items():
        values = rows.column(column)
        found = total(values)
        if not same(text, found, pa.types.is_floating(values.type)):
            yield f"{what}: expected sum({column}) = {text}, PyIceberg reads {found}"


def total(values):
    """Exact: integers add up as Python integers, decimals as decimals of the greatest precision."""
    if pa.types.is_floating(values.type):
        return pc.sum(values.cast(pa.float64())).as_py()
    if pa.types.is_integer(values.type):
        return pc.sum(values.cast(pa.decimal128(38, 0))).as_py()
    if pa.types.is_decimal(values.type):
        return pc.sum(values.cast(pa.decimal128(38, values.type.scale))).as_py()
    raise TypeError(f"a column of type {values.type} has no sum")


def same(text, found, floating):
    if text is None or found is None:
        return text is None and found is None
    if floating:
        return math.isclose(float(text), found, rel_tol=1e-9, abs_tol=1e-9)
    return Decimal(text) == Decimal(found)


if __name__ == "__main__":
    sys.exit(main())
