"""moto's server, with what commits rest on and moto 5.2.5 leaves out: Glue's UpdateTable compares the VersionId that it is given.

https://docs.aws.amazon.com/glue/latest/webapi/API_UpdateTable.html: "The version ID at which to update the table contents", and
ConcurrentModificationException, "Two processes are trying to modify a resource simultaneously".
"""

import sys
import threading

from moto.glue.exceptions import GlueClientError
from moto.glue.responses import GlueResponse
from moto.server import main

update_table = GlueResponse.update_table
one_at_a_time = threading.Lock()


def comparing_update_table(response):
    expected = response.parameters.get("VersionId")
    with one_at_a_time:
        name = response.parameters["TableInput"]["Name"]
        table = response.glue_backend.get_table(response.parameters.get("DatabaseName"), name)
        if expected is not None and expected != table.as_dict()["VersionId"]:
            raise GlueClientError("ConcurrentModificationException", f"Update table failed: {name} has another version")
        return update_table(response)


GlueResponse.update_table = comparing_update_table

if __name__ == "__main__":
    main(sys.argv[1:])
