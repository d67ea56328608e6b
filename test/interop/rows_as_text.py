"""Rows of an Iceberg schema as JSON, in the form that `Session.rows` of lake/duckdb/engine.ts gives, and back."""

import uuid
from datetime import date, datetime, time, timezone
from decimal import Decimal

import pyarrow as pa
from pyiceberg.types import ListType, LongType, MapType, StructType


def struct(schema, row):
    return {field.name: cell(field.field_type, row[field.name]) for field in schema.fields}


def cell(kind, value):
    """As DuckDB's JSON has it: 64-bit integers, decimals and times are text, a map is a list of its entries."""
    if value is None:
        return None
    if isinstance(kind, StructType):
        return struct(kind, value)
    if isinstance(kind, ListType):
        return [cell(kind.element_type, each) for each in value]
    if isinstance(kind, MapType):
        pairs = value.items() if isinstance(value, dict) else value
        return [{"key": cell(kind.key_type, key), "value": cell(kind.value_type, each)} for key, each in pairs]
    if isinstance(value, bytes):
        return "".join(chr(byte) if 32 <= byte < 127 and chr(byte) not in "\\'\"" else f"\\x{byte:02X}" for byte in value)
    if isinstance(value, float):
        return value if abs(value) < float("inf") else {"inf": "Infinity", "-inf": "-Infinity"}.get(str(value), "NaN")
    if isinstance(value, datetime):
        zone = "" if value.tzinfo is None else "+00"
        moment = value if value.tzinfo is None else value.astimezone(timezone.utc).replace(tzinfo=None)
        return fraction(moment.isoformat(" ")) + zone
    if isinstance(value, (date, time)):
        return fraction(value.isoformat())
    if isinstance(value, Decimal):
        return f"{value:f}"
    return str(value) if isinstance(kind, LongType) or isinstance(value, uuid.UUID) else value


def fraction(text):
    return text.rstrip("0") if "." in text else text


def arrow_table(schema, rows):
    """Rows whose cells are JSON, as an Arrow table of the schema; dates, times, decimals, uuids and bytes (hex) are text."""
    columns = [pa.array([parsed(row.get(field.name), field.type) for row in rows], field.type) for field in schema]
    return pa.Table.from_arrays(columns, schema=schema)


def parsed(value, kind):
    if value is None:
        return None
    if pa.types.is_struct(kind):
        return {field.name: parsed(value.get(field.name), field.type) for field in kind}
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return [parsed(each, kind.value_type) for each in value]
    if pa.types.is_integer(kind):
        return int(value)
    if pa.types.is_date(kind):
        return date.fromisoformat(value)
    if pa.types.is_timestamp(kind):
        return datetime.fromisoformat(value)
    if pa.types.is_decimal(kind):
        return Decimal(value)
    if pa.types.is_fixed_size_binary(kind) or pa.types.is_large_binary(kind):
        return bytes.fromhex(value.replace("-", ""))
    return value


def without_ids(kind):
    """A type without the field ids that Arrow keeps in its metadata."""
    if pa.types.is_struct(kind):
        return pa.struct([pa.field(each.name, without_ids(each.type)) for each in kind])
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return pa.list_(without_ids(kind.value_type))
    return pa.string() if pa.types.is_large_string(kind) else kind
