"""What make.py needs of PyIceberg beyond its API: files at a fixed address and delete files."""

import uuid

import pyarrow as pa
import pyarrow.parquet as pq
from lake_catalog import LakeCatalog
from pyiceberg.io.pyarrow import PyArrowFileIO, _dataframe_to_data_files
from pyiceberg.manifest import (
    DataFile,
    DataFileContent,
    FileFormat,
    ManifestContent,
    ManifestEntry,
    ManifestEntryStatus,
    ManifestWriterV2,
    write_manifest_list,
)
from pyiceberg.table.snapshots import Operation, Snapshot, Summary
from pyiceberg.table.update import AddSnapshotUpdate, SetSnapshotRefUpdate
from pyiceberg.typedef import Record

ADDRESS = "s3://golden"


class GoldenCatalog(LakeCatalog):
    """Tables that live at s3://golden, in a folder of this machine."""

    def __init__(self, pointers, folder):
        super().__init__(pointers)
        self.tables = ADDRESS
        self.io = GoldenIO(folder)

    def _load_file_io(self, properties=None, location=None):
        return self.io


class GoldenIO(PyArrowFileIO):
    def __init__(self, folder):
        super().__init__()
        self.folder = folder

    def parse_location(self, location, properties=None):
        assert location.startswith(f"{ADDRESS}/"), location
        return "file", "", f"{self.folder}{location[len(ADDRESS) :]}"


# --- Row-level deletes, which PyIceberg reads and does not write ---------------------------------------------------------


class DeleteManifestWriter(ManifestWriterV2):
    def content(self):
        return ManifestContent.DELETES

    @property
    def _meta(self):
        return {**super()._meta, "content": "deletes"}


def position_deletes(table, places, partition, spec_id=None):
    """A position delete file; `places` are (path, position) in their order."""
    fields = [field_of("file_path", pa.string(), 2147483546), field_of("pos", pa.int64(), 2147483545)]
    rows = [{"file_path": path, "pos": position} for path, position in places]
    return delete_file(table, pa.Table.from_pylist(rows, pa.schema(fields)), (partition, spec_id), {})


def equality_deletes(table, names, rows, partition, spec_id=None):
    """An equality delete file by the named columns."""
    fields = [table.schema().find_field(name) for name in names]
    whole = table.schema().as_arrow()
    schema = pa.schema([whole.field(field.name) for field in fields])
    ids = {"content": DataFileContent.EQUALITY_DELETES, "equality_ids": [field.field_id for field in fields]}
    return delete_file(table, pa.Table.from_pylist(rows, schema), (partition, spec_id), ids)


def field_of(name, kind, number):
    return pa.field(name, kind, nullable=False, metadata={"PARQUET:field_id": str(number)})


def delete_file(table, rows, where, arguments):
    partition, spec_id = where
    location = f"{table.location()}/data/{uuid.uuid4()}-deletes.parquet"
    output = table.io.new_output(location)
    with output.create() as stream:
        pq.write_table(rows, stream, compression="zstd", store_schema=False)
    file = DataFile.from_args(
        **{"content": DataFileContent.POSITION_DELETES, **arguments},
        file_path=location,
        file_format=FileFormat.PARQUET,
        partition=Record(*partition),
        record_count=rows.num_rows,
        file_size_in_bytes=len(output),
    )
    file.spec_id = table.spec().spec_id if spec_id is None else spec_id
    return file


def commit_files(table, rows=None, deletes=()):
    """One snapshot that adds rows and delete files, as a merge-on-read writer makes it: they share a sequence number."""
    snapshot_id = uuid.uuid4().int >> 65
    added = [] if rows is None else list(_dataframe_to_data_files(table.metadata, rows, table.io))
    manifests = [
        *([write_entries(table, snapshot_id, table.spec().spec_id, added)] if added else []),
        *(write_entries(table, snapshot_id, *group, DeleteManifestWriter) for group in by_spec(deletes)),
    ]
    parent = table.current_snapshot()
    sequence = table.metadata.next_sequence_number()
    location = f"{table.location()}/metadata/snap-{snapshot_id}-0-{uuid.uuid4()}.avro"
    output = table.io.new_output(location)
    with write_manifest_list(2, output, snapshot_id, parent.snapshot_id, sequence, "gzip") as writer:
        writer.add_manifests(manifests + parent.manifests(table.io))
    snapshot = Snapshot(
        snapshot_id=snapshot_id,
        parent_snapshot_id=parent.snapshot_id,
        sequence_number=sequence,
        manifest_list=location,
        summary=Summary(Operation.OVERWRITE, **{"added-delete-files": str(len(deletes))}),
        schema_id=table.schema().schema_id,
    )
    main = SetSnapshotRefUpdate(ref_name="main", type="branch", snapshot_id=snapshot_id)
    table._do_commit((AddSnapshotUpdate(snapshot=snapshot), main), ())


def by_spec(files):
    specs = sorted({file.spec_id for file in files})
    return [(spec, [file for file in files if file.spec_id == spec]) for spec in specs]


def write_entries(table, snapshot_id, spec_id, files, writer=ManifestWriterV2):
    output = table.io.new_output(f"{table.location()}/metadata/{uuid.uuid4()}-m0.avro")
    with writer(table.specs()[spec_id], table.schema(), output, snapshot_id, "gzip") as manifest:
        for file in files:
            entry = {"status": ManifestEntryStatus.ADDED, "snapshot_id": snapshot_id, "data_file": file}
            manifest.add_entry(ManifestEntry.from_args(**entry))
    return manifest.to_manifest_file()
