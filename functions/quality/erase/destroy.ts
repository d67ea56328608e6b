import type { Lake, Uri } from '#lake/lake.ts'

/** With all older versions. */
export async function destroy(lake: Lake, uri: Uri): Promise<void> {
  await lake.storage.delete(uri)
  await lake.storage.purge(uri)
}
