"""Does with PyIceberg what standard input says, one JSON object, and prints the answer of each step, one JSON value a line.

    {"catalog": {"lake": "/folder"} or {"glue": {"glue.endpoint": …}}, "database": "lake",
     "steps": [{"do": "create", "table": "t", "schema": {…}, "spec": {…}, "properties": {…}},
               {"do": "append", "table": "t", "rows": [{"id": 1}]},
               {"do": "rows", "table": "t", "filter": "id > 0", "order": "id"}]}

Each step is a function below, called with the rest of its object. Rows are written as rows_as_text.py says.
"""

import json
import sys
import time
import uuid

import pyarrow as pa
import pyarrow.parquet as pq
from pyiceberg.exceptions import CommitFailedException
from pyiceberg.expressions import AlwaysTrue
from pyiceberg.expressions.parser import parse
from pyiceberg.partitioning import UNPARTITIONED_PARTITION_SPEC, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.transforms import parse_transform
from pyiceberg.types import NestedField
from rows_as_text import arrow_table, struct, without_ids


def main():
    given = json.load(sys.stdin)
    catalog = open_catalog(given["catalog"])
    for step in given["steps"]:
        arguments = {key: value for key, value in step.items() if key not in ("do", "table")}
        identifier = f"{given['database']}.{step['table']}"
        if step["do"] == "create":
            answer = create(catalog, identifier, **arguments)
        else:
            answer = STEPS[step["do"]](catalog.load_table(identifier), **arguments)
        print(json.dumps(answer), flush=True)


def open_catalog(given):
    if "lake" in given:
        from lake_catalog import LakeCatalog

        return LakeCatalog(given["lake"])
    from pyiceberg.catalog.glue import GlueCatalog

    return GlueCatalog("glue", **given["glue"])


def create(catalog, identifier, schema, spec=None, **more):
    spec = UNPARTITIONED_PARTITION_SPEC if spec is None else PartitionSpec.model_validate(spec)
    catalog.create_table(identifier, Schema.model_validate(schema), partition_spec=spec, **more)


def append(table, rows):
    table.append(arrow_table(table.schema().as_arrow(), rows))


def add_files(table, rows):
    """As a migration does: a Parquet file that another program wrote, without field ids, becomes part of the table."""
    found = arrow_table(table.schema().as_arrow(), rows)
    fields = [pa.field(field.name, without_ids(field.type), field.nullable) for field in found.schema]
    path = f"{table.location()}/data/{uuid.uuid4()}.parquet"
    with table.io.new_output(path).create() as stream:
        pq.write_table(pa.Table.from_pylist(found.to_pylist(), pa.schema(fields)), stream)
    table.add_files([path])


def overwrite(table, rows, filter):
    table.overwrite(arrow_table(table.schema().as_arrow(), rows), condition(filter))


def delete(table, filter):
    table.delete(condition(filter))


def rows(table, order, filter=None, ref=None):
    scan = table.scan(row_filter=condition(filter), snapshot_id=ref and table.refs()[ref].snapshot_id)
    found = scan.to_arrow().sort_by(order).to_pylist()
    return [struct(scan.projection(), row) for row in found]


def evolve(table, changes):
    """Changes are calls of UpdateSchema, as lists: name and arguments, a type as the spec's JSON under `type`."""
    with table.update_schema(allow_incompatible_changes=True) as update:
        for name, *arguments in changes:
            getattr(update, name)(*(argument(each) for each in arguments))


def argument(value):
    if isinstance(value, dict):
        return NestedField.model_validate({"id": 0, "name": "", "required": False, **value}).field_type
    return tuple(value) if isinstance(value, list) else value


def respecify(table, changes):
    """Changes are calls of UpdateSpec: `add_field` of a column, a transform and a name, `remove_field` of a name."""
    with table.update_spec() as update:
        for name, *arguments in changes:
            if name == "add_field":
                column, transform, field = arguments
                update.add_field(column, parse_transform(transform), field)
            else:
                getattr(update, name)(*arguments)


def tag(table, name):
    table.manage_snapshots().create_tag(table.current_snapshot().snapshot_id, name).commit()


def mark(table, properties):
    with table.transaction() as transaction:
        transaction.set_properties(properties)


def append_often(table, first, count, seconds=120):
    """Appends one row a commit; answers how often a commit was refused."""
    refused = 0
    deadline = time.monotonic() + seconds
    for number in range(first, first + count):
        while True:
            try:
                append(table.refresh(), [{"id": number, "writer": "theirs"}])
                break
            except CommitFailedException:
                refused += 1
                assert time.monotonic() < deadline, "no commit came through"
    return refused


def condition(filter):
    return AlwaysTrue() if filter is None else parse(filter)


STEPS = {step.__name__: step for step in (append, add_files, overwrite, delete, rows, evolve, respecify, tag, mark, append_often)}

if __name__ == "__main__":
    main()
