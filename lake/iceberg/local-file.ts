import type { FileLayout } from './file-layout.ts'
import type { DeleteFile, ScanFile } from './types.ts'

/** A data file of a table on local disk, with the delete files that apply to it. */
export interface LocalFile {
  readonly path: string
  readonly live: ScanFile
  readonly deletes: readonly LocalDelete[]
  /** What the file holds under which names: `readSql` finds the table's fields in it whatever they were called. */
  readonly layout: FileLayout
}

export interface LocalDelete {
  readonly path: string
  readonly live: DeleteFile
  readonly layout: FileLayout
}
