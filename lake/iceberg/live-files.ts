import { LakeError } from '../errors.ts'
import type { Lake, Uri } from '../lake.ts'
import { mapParallel } from '../parallel.ts'
import { visitReachable } from './reachable.ts'
import { loadTable, type Table } from './table.ts'
import { sameSpelling, spellings, UriSet } from './uri-set.ts'

/**
 * Every file that any metadata of the table seen so far reaches. It only ever grows: what was live at the beginning stays, even when the
 * snapshot that it belongs to expires meanwhile.
 */
export class LiveFiles {
  readonly #uris = new UriSet()
  readonly #read = new Set<Uri>()
  readonly #places: readonly Uri[]
  #table: Table

  private constructor(table: Table, places: readonly Uri[]) {
    this.#table = table
    this.#places = places
  }

  /** `places`: prefixes in which a file that `see` does not meet is missing, if storage does not have it either. */
  static async of(lake: Lake, table: Table, places: readonly Uri[]): Promise<LiveFiles> {
    const live = new LiveFiles(table, places)
    await visitReachable(lake, table, { read: live.#read, visit: uri => live.#add(uri, true) })
    return live
  }

  get size(): number {
    return this.#uris.size
  }

  has(uri: Uri): boolean {
    return spellings(uri).some(each => this.#uris.has(each))
  }

  /** As `has`, and remembers that the file is there. */
  see(uri: Uri): boolean {
    return spellings(uri).filter(each => this.#uris.see(each)).length > 0
  }

  /**
   * Takes in what was committed since. Fails with `conflict` when the table is not the one that it began with: whatever stands in its
   * place may belong to another table now.
   */
  async catchUp(lake: Lake): Promise<void> {
    for (let round = 1; round <= ROUNDS_MAX; round++) {
      const { name } = this.#table
      const entry = await lake.catalog.load(name)
      if (entry?.metadataLocation === this.#table.entry.metadataLocation) return
      const next = await loadTable(lake, name)
      if (next?.metadata['table-uuid'] !== this.#table.metadata['table-uuid'])
        throw new LakeError('conflict', `${name} was dropped or replaced meanwhile: nothing more of it is deleted`, {
          table: name,
        })
      await visitReachable(lake, next as Table, { read: this.#read, visit: uri => this.#add(uri, false) })
      this.#table = next as Table
    }
    throw new LakeError('conflict', `${this.#table.name} is written to faster than its files can be looked up`, {
      table: this.#table.name,
    })
  }

  /** Files that the newest metadata reaches and that are not in storage. Looked for by name only when the listing lacks some. */
  async missing(lake: Lake): Promise<readonly Uri[]> {
    if (this.#uris.unseen === 0) return []
    await this.catchUp(lake)
    const suspects = new Set<Uri>()
    const visit = (uri: Uri): void => {
      if (this.#uris.isUnseen(sameSpelling(uri)) && !spellings(uri).some(each => this.#uris.isSeen(each)))
        suspects.add(uri)
    }
    await visitReachable(lake, this.#table, { read: new Set(), visit })
    const uris = [...suspects]
    const found = await mapParallel(uris, HEADS_AT_ONCE, uri => isStored(lake, uri))
    return uris.filter((_uri, index) => !found[index])
  }

  #add(uri: Uri, expected: boolean): void {
    const [plain = uri, ...others] = spellings(uri)
    for (const other of others) this.#uris.add(other)
    this.#uris.add(plain, expected && this.#places.some(place => plain.startsWith(place)))
  }
}

const ROUNDS_MAX = 10
const HEADS_AT_ONCE = 8

async function isStored(lake: Lake, uri: Uri): Promise<boolean> {
  for (const spelling of spellings(uri)) if ((await lake.storage.head(spelling)) !== undefined) return true
  return false
}
