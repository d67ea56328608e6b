"""A PyIceberg catalog over the pointer files of a lake in a folder (lake/disk/file-catalog.ts).

A table is `<root>/catalog/<table>/<counter>.json`, the highest counter is current, and a commit links the next one: link(2)
lets exactly one of many writers do that, whichever program they run.
"""

import json
import os
import uuid
from pathlib import Path

from pyiceberg.catalog import MetastoreCatalog
from pyiceberg.catalog.noop import NoopCatalog
from pyiceberg.exceptions import CommitFailedException, NoSuchTableError, TableAlreadyExistsError
from pyiceberg.partitioning import UNPARTITIONED_PARTITION_SPEC
from pyiceberg.serializers import FromInputFile
from pyiceberg.table import CommitTableResponse, Table
from pyiceberg.table.sorting import UNSORTED_SORT_ORDER


class LakeCatalog(MetastoreCatalog, NoopCatalog):
    """Tables are `lake.<name>`: a lake has one database, and PyIceberg wants it named."""

    def __init__(self, root, **properties):
        super().__init__("lake", **properties)
        self.folder = Path(root) / "catalog"
        self.tables = f"file://{root}/tables"

    def create_table(
        self,
        identifier,
        schema,
        location=None,
        partition_spec=UNPARTITIONED_PARTITION_SPEC,
        sort_order=UNSORTED_SORT_ORDER,
        properties=None,
    ):
        location = location or f"{self.tables}/{self.name_of(identifier)}"
        staged = self._create_staged_table(identifier, schema, location, partition_spec, sort_order, properties or {})
        self._write_metadata(staged.metadata, staged.io, staged.metadata_location)
        if not self.link(self.name_of(identifier), 1, staged):
            raise TableAlreadyExistsError(f"{identifier} exists")
        return self.load_table(identifier)

    def load_table(self, identifier):
        name = self.name_of(identifier)
        counter = self.counter(name)
        if counter == 0:
            raise NoSuchTableError(f"there is no table {name}")
        pointer = json.loads((self.folder / name / f"{counter}.json").read_text())
        location = pointer["metadataLocation"]
        metadata = FromInputFile.table_metadata(self._load_file_io({}, location).new_input(location))
        return Table(("lake", name), metadata, location, self._load_file_io(metadata.properties, location), self)

    def commit_table(self, table, requirements, updates):
        name = self.name_of(table.name())
        # Read before the table: a counter that another writer has taken since is then refused.
        counter = self.counter(name)
        current = self.load_table(table.name())
        staged = self._update_and_stage_table(current, table.name(), requirements, updates)
        if staged.metadata == current.metadata:
            return CommitTableResponse(metadata=current.metadata, metadata_location=current.metadata_location)
        self._write_metadata(staged.metadata, staged.io, staged.metadata_location)
        if not self.link(name, counter + 1, staged, previous=current.metadata_location):
            raise CommitFailedException(f"{name} has been updated by another process")
        return CommitTableResponse(metadata=staged.metadata, metadata_location=staged.metadata_location)

    def link(self, name, counter, staged, previous=None):
        """False when another writer has taken the counter."""
        folder = self.folder / name
        folder.mkdir(parents=True, exist_ok=True)
        pointer = {"metadataLocation": staged.metadata_location, "location": staged.metadata.location, "columns": []}
        temporary = folder / f"{uuid.uuid4()}.tmp"
        temporary.write_text(json.dumps(pointer | ({"previous": previous} if previous else {})))
        try:
            os.link(temporary, folder / f"{counter}.json")
            return True
        except FileExistsError:
            return False
        finally:
            temporary.unlink()

    def counter(self, name):
        """That of the current pointer; 0 when there is no table."""
        return max((int(path.stem) for path in (self.folder / name).glob("*.json") if path.stem.isdigit()), default=0)

    def name_of(self, identifier):
        return self.identifier_to_tuple(identifier)[-1]
