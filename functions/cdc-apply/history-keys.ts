import { type ChunkTask, putAside } from './chunk.ts'
import { type Counts, tally } from './counts.ts'
import { foldVersions } from './history.ts'
import type { Version } from './line.ts'
import type { Stored } from './load.ts'
import type { Attempt, Ref } from './task.ts'

/** A chunk of keys of a history table: rows whose interval or values are others now are written anew. */
export function foldHistory({ floors }: Attempt, { loaded, truncates, spill }: ChunkTask): Partial<Counts> {
  const refs = new Map<Version<Ref>, Ref>()
  const versions = new Map([...loaded.rows].map(([key, rows]) => [key, rows.map(row => versionOf(row, refs))]))
  const deletes = new Map([...loaded.graves].map(([key, graves]) => [key, graves]))
  const folded = foldVersions(loaded.changes, { versions, deletes, truncates, forgotten: floors.forgotten })
  for (const [key, rows] of folded.versions) {
    const stay = new Set(rows)
    for (const version of versions.get(key) ?? []) if (!stay.has(version)) spill.gone(refs.get(version) as Ref)
    for (const version of rows) if (!refs.has(version)) write(key, version, spill)
    for (const { stamp, eventUs } of folded.deletes.get(key) ?? []) spill.grave(key, { stamp, eventUs })
  }
  putAside(folded.outcomes, loaded, spill)
  const { patched, unresolved } = folded
  return { ...tally(folded.outcomes), patched, unresolved }
}

function versionOf({ ref, state, validity }: Stored, refs: Map<Version<Ref>, Ref>): Version<Ref> {
  const { stamp, image } = state
  const { from = null, to = null, isCurrent = false } = validity ?? {}
  const version = { stamp, image, eventUs: from, to, isCurrent }
  refs.set(version, ref)
  return version
}

function write(key: string, version: Version<Ref>, spill: ChunkTask['spill']): void {
  const { stamp, image, eventUs: from, to, isCurrent } = version
  spill.row(key, { live: true, stamp, image }, { from, to, isCurrent })
}
