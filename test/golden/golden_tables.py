"""The golden tables: each function makes one and returns its rows, or None where PyIceberg reads them back itself."""

import uuid
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
from golden_writer import commit_files, equality_deletes, position_deletes
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.table.sorting import SortDirection, SortField, SortOrder
from pyiceberg.transforms import (
    BucketTransform,
    DayTransform,
    HourTransform,
    IdentityTransform,
    MonthTransform,
    TruncateTransform,
    YearTransform,
)
from pyiceberg.types import (
    BinaryType,
    BooleanType,
    DateType,
    DecimalType,
    DoubleType,
    FixedType,
    FloatType,
    IntegerType,
    ListType,
    LongType,
    MapType,
    NestedField,
    StringType,
    StructType,
    TimestampType,
    TimestamptzType,
    TimeType,
    UUIDType,
)
from rows_as_text import without_ids


def columns(*fields):
    """A schema of (name, type), numbered from 1; the first column is required."""
    return Schema(*(NestedField(at + 1, name, kind, required=at == 0) for at, (name, kind) in enumerate(fields)))


def spec(*fields):
    """A partition spec of (source id, transform)."""
    named = enumerate(fields)
    return PartitionSpec(*(PartitionField(source, 1000 + at, each, f"p{at}") for at, (source, each) in named))


def create(catalog, name, schema, **more):
    return catalog.create_table(f"lake.{name}", schema, **more)


def append(table, *rows):
    """Rows as tuples, in the order of the table's columns."""
    schema = table.schema().as_arrow()
    table.append(pa.Table.from_pylist([dict(zip(schema.names, row)) for row in rows], schema))


EPOCH = datetime(1970, 1, 1)
UTC_EPOCH = EPOCH.replace(tzinfo=timezone.utc)
MICROSECOND = timedelta(microseconds=1)


def types(catalog, name):
    nested = StructType(
        NestedField(101, "a", IntegerType()),
        NestedField(102, "in", StructType(NestedField(103, "b", StringType()))),
    )
    items = StructType(NestedField(111, "sku", StringType()), NestedField(112, "n", LongType()))
    table = create(
        catalog,
        name,
        columns(
            *[("id", LongType()), ("flag", BooleanType()), ("i", IntegerType()), ("l", LongType()), ("f", FloatType())],
            *[("d", DoubleType()), ("d9", DecimalType(9, 2)), ("d18", DecimalType(18, 6)), ("d38", DecimalType(38, 10))],
            *[("day", DateType()), ("t", TimeType()), ("ts", TimestampType()), ("tz", TimestamptzType())],
            *[("s", StringType()), ("u", UUIDType()), ("fixed", FixedType(4)), ("bin", BinaryType()), ("st", nested)],
            *[("li", ListType(120, StringType(), element_required=False))],
            *[("m", MapType(121, StringType(), 122, LongType(), value_required=False))],
            *[("items", ListType(123, items, element_required=False))],
        ),
    )
    # Negating would round to the 28 digits of Python's context.
    minimum, maximum = (Decimal(f"{sign}9999999999999999999999999999.9999999999") for sign in "-+")
    append(
        table,
        (0,) + (None,) * 20,
        *[
            (1, True, -(2**31), -(2**63), -1.5, float("-inf"), Decimal("-9999999.99"), Decimal("-0.000001"), minimum)
            + (date(1, 1, 1), time(0), EPOCH - MICROSECOND, UTC_EPOCH - MICROSECOND, "")
            + (uuid.UUID(int=0).bytes, bytes(4), b"", {"a": None, "in": {"b": ""}}, [], [], []),
            (2, False, 2**31 - 1, 2**63 - 1, 1.5, 1e300, Decimal("9999999.99"), Decimal("0.000001"), maximum)
            + (date(9999, 12, 31), time(23, 59, 59, 999999), datetime(2262, 4, 11), UTC_EPOCH + MICROSECOND, "é𝒳\U0010ffff")
            + (uuid.UUID(int=2**128 - 1).bytes, b"\xff" * 4, b"\x00\xff", {"a": 7, "in": {"b": "b"}})
            + (["x", None, "é"], [("k", 2**62), ("l", None)], [{"sku": "s", "n": 1}, {"sku": None, "n": None}, None]),
            (3, None, 0, 0, float("nan"), float("nan"), Decimal(0), Decimal(0), Decimal("-0.0000000001"))
            + (date(1970, 1, 1), time(12, 30), EPOCH, UTC_EPOCH, "x" * 300)
            + (uuid.UUID(int=5).bytes, b"abcd", b"\x80", {"a": 0, "in": {"b": None}}, ["y"], [("", 0)], []),
        ],
    )


def partitioned(field, kind, transform, values):
    """A table of `id` and one column, partitioned by a transform of it."""

    def make(catalog, name):
        schema = columns(("id", LongType()), (field, kind))
        table = create(catalog, name, schema, partition_spec=spec((2, transform)))
        append(table, *enumerate(values))

    return make


TEXTS = [None, "", "null", "a/b=c d%2F", "日本語のとても長い地域名で二百五十五バイトを超えるもの", "𝒳𝒴𝒵 and more"]
DECIMALS = [None, Decimal("14.20"), Decimal("-0.01"), Decimal("99999999999999999999.99")]
DAYS = [None, date(1969, 12, 31), date(1970, 1, 1), date(1968, 2, 29), date(2024, 2, 29)]
MOMENTS = [None, EPOCH - MICROSECOND, EPOCH, datetime(1969, 1, 1), datetime(2017, 11, 16, 22, 31, 8)]
ZONED = [None if moment is None else moment.replace(tzinfo=timezone.utc) for moment in MOMENTS]
LONGS = [None, 34, 0, -1, 2**63 - 1, -(2**63)]
UUIDS = [None, uuid.UUID("f79c3e09-677c-4bbd-a479-3f349cb785e7").bytes, uuid.UUID(int=0).bytes]


def evolved(catalog, name):
    """Columns, and fields inside a struct, a list and a map, that were renamed, widened, moved, dropped and made anew."""
    inner = StructType(NestedField(11, "a", IntegerType()), NestedField(12, "b", StringType()))
    schema = columns(
        *[("id", LongType()), ("old", StringType()), ("n", IntegerType()), ("gone", StringType()), ("st", inner)],
        *[("li", ListType(13, StructType(NestedField(14, "x", FloatType())), element_required=False))],
        *[("m", MapType(15, StringType(), 16, StructType(NestedField(17, "y", StringType())), value_required=False))],
        *[("amount", DecimalType(9, 2))],
    )
    table = create(catalog, name, schema)
    first = ("o", 1, "g", {"a": 1, "b": "b"}, [{"x": 0.5}], [("k", {"y": "y"})], Decimal("1.25"))
    append(table, (1, *first), (2, *(None,) * 7))
    with table.update_schema() as update:
        update.rename_column("old", "fresh")
        update.update_column("n", LongType())
        update.update_column("amount", DecimalType(20, 2))
        update.delete_column("gone")
        update.rename_column("st.a", "renamed")
        update.delete_column("st.b")
        update.update_column("li.element.x", DoubleType())
        update.rename_column("m.value.y", "z")
    with table.update_schema() as update:
        update.add_column("gone", LongType())
        update.add_column(("st", "b"), LongType())
        update.add_column(("st", "added"), StringType())
        update.add_column(("li", "added"), StringType())
        update.move_first("n")
        update.move_before(("st", "added"), ("st", "renamed"))
    row = {"id": 3, "fresh": "f", "n": 2**40, "gone": 7, "amount": Decimal("123456789012345678.25")}
    row |= {"st": {"renamed": 2, "b": 2**40, "added": "x"}, "li": [{"x": 1e300, "added": "l"}], "m": [("k", {"z": "z"})]}
    table.append(pa.Table.from_pylist([row], table.schema().as_arrow()))


def respecified(catalog, name):
    """Three partition specs side by side, one of them with the field of the first removed, and a sort order."""
    schema = columns(("id", LongType()), ("region", StringType()), ("day", DateType()))
    order = SortOrder(SortField(3, IdentityTransform(), SortDirection.DESC))
    table = create(catalog, name, schema, sort_order=order)
    append(table, (1, "north", date(1969, 12, 31)), (2, "south", date(1970, 2, 1)))
    with table.update_spec() as update:
        update.add_field("region", IdentityTransform(), "region")
    append(table, (3, "north", date(1969, 12, 31)), (4, None, None))
    with table.update_spec() as update:
        update.remove_field("region")
        update.add_field("day", MonthTransform(), "day_month")
    append(table, (5, "north", date(1969, 12, 31)), (6, "south", date(1970, 2, 1)))


def rewritten(catalog, name):
    """Deleted from and overwritten by PyIceberg, which rewrites the files; a tag and a branch hold what was before."""
    table = create(catalog, name, columns(("id", LongType()), ("region", StringType())), partition_spec=spec((2, IdentityTransform())))
    append(table, *((number, ["north", "south", None][number % 3]) for number in range(9)))
    table.manage_snapshots().create_tag(table.current_snapshot().snapshot_id, "before").commit()
    table.manage_snapshots().create_branch(table.current_snapshot().snapshot_id, "aside").commit()
    table.delete("id == 4 or id == 5")
    table.delete("region == 'north'")
    append(table, (10, "north"))
    schema = table.schema().as_arrow()
    table.overwrite(pa.Table.from_pylist([{"id": 70, "region": "south"}], schema), "id == 7")


def version1(catalog, name):
    table = create(
        catalog,
        name,
        columns(("id", LongType()), ("day", DateType()), ("text", StringType())),
        partition_spec=spec((2, DayTransform())),
        properties={"format-version": "1"},
    )
    append(table, (1, date(1969, 12, 31), "a"), (2, date(1970, 1, 1), None))
    append(table, (3, date(1969, 12, 31), "c"))
    table.delete("id == 1")


def upgraded(catalog, name):
    """Version 1 manifests below a version 2 table."""
    version1(catalog, name)
    table = catalog.load_table(f"lake.{name}")
    with table.transaction() as transaction:
        transaction.upgrade_table_version(2)
    append(table, (4, date(1970, 1, 1), "d"))


def mapped(catalog, name):
    """Files without field ids, found by the name mapping, which keeps the names that they were written under."""
    inner = StructType(NestedField(11, "a", IntegerType()), NestedField(12, "b", StringType()))
    fields = [("id", LongType()), ("text", StringType()), ("st", inner), ("li", ListType(13, LongType(), element_required=False))]
    table = create(catalog, name, columns(*fields))
    path = f"{table.location()}/data/foreign.parquet"
    foreign = pa.schema([pa.field(each.name, without_ids(each.type), each.nullable) for each in table.schema().as_arrow()])
    rows = [{"id": 1, "text": "t", "st": {"a": 1, "b": "b"}, "li": [1, 2]}, {"id": 2, "text": None, "st": None, "li": None}]
    with table.io.new_output(path).create() as stream:
        pq.write_table(pa.Table.from_pylist(rows, foreign), stream)
    table.add_files([path])
    with table.update_schema() as update:
        update.rename_column("text", "renamed")
        update.rename_column("st.a", "first")
    append(table, (3, "r", {"first": 3, "b": "c"}, [3]))


def position_deleted(catalog, name):
    """Position deletes for several files, some in one delete file, twice over, in two specs, and one that is too old."""
    schema = columns(("id", LongType()), ("region", StringType()))
    table = create(catalog, name, schema)
    append(table, *((number, "old") for number in range(6)))
    append(table, *((number, "old") for number in range(10, 16)))
    later, earlier = paths(table)
    # Both rows of 5 and 15 fall, and one position is named by two files.
    commit_files(table, deletes=[position_deletes(table, sorted([(earlier, 5), (later, 5), (later, 0)]), ())])
    commit_files(table, deletes=[position_deletes(table, [(earlier, 0), (earlier, 5)], ())])
    with table.update_spec() as update:
        update.add_field("region", IdentityTransform(), "region")
    append(table, (20, "north"), (21, "north"), (22, "south"))
    north = next(path for path in paths(table) if "region=north" in path)
    files = [position_deletes(table, [(north, 1)], ("north",)), position_deletes(table, [(later, 1)], (), spec_id=0)]
    rows = pa.Table.from_pylist([{"id": 30, "region": "south"}], table.schema().as_arrow())
    commit_files(table, rows, files)


def paths(table):
    """The newest first."""
    return [task.file.file_path for task in table.scan().plan_files()]


def equality_deleted(catalog, name):
    """As Flink upserts: a commit deletes by key and adds the new rows, which its own deletes do not touch."""
    schema = columns(("id", LongType()), ("region", StringType()), ("value", DoubleType()))
    table = create(catalog, name, schema, partition_spec=spec((2, IdentityTransform())))
    append(table, (1, "north", 1.0), (2, "north", 2.0), (3, "south", 3.0), (4, None, 4.0), (5, "south", None))
    arrow = table.schema().as_arrow()
    upsert = pa.Table.from_pylist([{"id": 1, "region": "north", "value": 10.0}], arrow)
    commit_files(table, upsert, [equality_deletes(table, ["id"], [{"id": 1}, {"id": 3}], ("north",))])
    # By another column, where null equals null.
    by_value = equality_deletes(table, ["value"], [{"value": None}], ("south",))
    in_null = equality_deletes(table, ["id", "region"], [{"id": 4, "region": None}], (None,))
    commit_files(table, pa.Table.from_pylist([{"id": 6, "region": None, "value": None}], arrow), [by_value, in_null])
    rows = [(1, "north", 10.0), (2, "north", 2.0), (3, "south", 3.0), (6, None, None)]
    return [dict(zip(("id", "region", "value"), row)) for row in rows]


def global_deleted(catalog, name):
    """An equality delete of an unpartitioned spec applies to older files of every spec (spec, "Scan Planning")."""
    table = create(catalog, name, columns(("id", LongType()), ("region", StringType())))
    append(table, (1, "a"), (2, "b"))
    with table.update_spec() as update:
        update.add_field("region", IdentityTransform(), "region")
    append(table, (3, "a"), (1, "c"))
    commit_files(table, deletes=[equality_deletes(table, ["id"], [{"id": 1}], (), spec_id=0)])
    append(table, (1, "d"))
    return [{"id": 1, "region": "d"}, {"id": 2, "region": "b"}, {"id": 3, "region": "a"}]


TABLES = {
    "types": types,
    "identity_text": partitioned("v", StringType(), IdentityTransform(), TEXTS),
    "identity_decimal": partitioned("v", DecimalType(22, 2), IdentityTransform(), DECIMALS),
    "bucket_long": partitioned("v", LongType(), BucketTransform(16), LONGS),
    "bucket_text": partitioned("v", StringType(), BucketTransform(16), TEXTS),
    "bucket_decimal": partitioned("v", DecimalType(22, 2), BucketTransform(16), DECIMALS),
    "bucket_uuid": partitioned("v", UUIDType(), BucketTransform(16), UUIDS),
    "bucket_time": partitioned("v", TimestampType(), BucketTransform(16), MOMENTS),
    "truncate_long": partitioned("v", LongType(), TruncateTransform(10), LONGS[:4]),
    "truncate_text": partitioned("v", StringType(), TruncateTransform(3), TEXTS),
    "truncate_decimal": partitioned("v", DecimalType(22, 2), TruncateTransform(50), DECIMALS),
    "year": partitioned("v", DateType(), YearTransform(), DAYS),
    "month": partitioned("v", TimestamptzType(), MonthTransform(), ZONED),
    "day": partitioned("v", TimestampType(), DayTransform(), MOMENTS),
    "hour": partitioned("v", TimestamptzType(), HourTransform(), ZONED),
    "evolved": evolved,
    "respecified": respecified,
    "rewritten": rewritten,
    "version1": version1,
    "upgraded": upgraded,
    "mapped": mapped,
    "position_deleted": position_deleted,
    "equality_deleted": equality_deleted,
    "global_deleted": global_deleted,
}
