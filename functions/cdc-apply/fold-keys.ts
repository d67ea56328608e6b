import { type ChunkTask, putAside } from './chunk.ts'
import { cutKeys } from './chunks.ts'
import { type Counts, NOTHING, sum, tally } from './counts.ts'
import { fold, type KeyState } from './fold.ts'
import { foldHistory } from './history-keys.ts'
import { type Loaded, load, type Stored } from './load.ts'
import { openSpill, type Spill } from './spill.ts'
import { compareStamps, isSameStamp } from './stamp.ts'
import type { Attempt, Ref } from './task.ts'
import type { Truncates } from './truncates.ts'

/**
 * Folds the gathered records of the keys in `folded`, a chunk of keys after the other, and adds to `gone`, `graves` and the rows that `rows.ts`
 * assembles. No value passes through here: a row is where its values are.
 */
export async function foldKeys(attempt: Attempt, truncates: Truncates): Promise<Counts> {
  const spill = openSpill(attempt)
  const chunks = await cutKeys(attempt)
  const foldChunk = attempt.publish.mode === 'history' ? foldHistory : foldRows
  let counts = NOTHING
  for (let chunk = 0; chunk < chunks; chunk++) {
    const loaded = await load(attempt, chunk)
    counts = sum(counts, foldChunk(attempt, { loaded, truncate: truncates.winner, truncates: truncates.all, spill }))
    await spill.flush()
  }
  await spill.read()
  return counts
}

function foldRows(attempt: Attempt, { loaded, truncate, spill }: ChunkTask): Partial<Counts> {
  const states = statesOf(loaded)
  const changes = truncate === undefined ? loaded.changes : [...loaded.changes, truncate]
  const folded = fold<Ref>(changes, { states, ...attempt.floors })
  for (const key of keysOf(loaded, folded.changed)) {
    const state = folded.changed.has(key) ? folded.changed.get(key) : states.get(key)
    settle(attempt, { key, state, loaded, spill })
  }
  putAside(folded.outcomes, loaded, spill)
  const { patched, unresolved, resurrectionsPrevented } = folded
  return {
    ...tally(folded.outcomes.slice(0, loaded.changes.length)),
    ...{ patched, unresolved, resurrectionsPrevented },
  }
}

/** A row or the tombstone of its key, whichever is newer: a delete may be known that has not reached the table yet. */
function statesOf({ rows, graves }: Loaded): ReadonlyMap<string, KeyState<Ref>> {
  const states = new Map<string, KeyState<Ref>>()
  for (const [key, [newest]] of rows) if (newest) states.set(key, newest.state)
  for (const [key, [newest]] of graves) {
    const row = states.get(key)
    if (newest && (row === undefined || compareStamps(row.stamp, newest.stamp) <= 0)) states.set(key, newest)
  }
  return states
}

const keysOf = ({ rows }: Loaded, changed: ReadonlyMap<string, unknown>): Iterable<string> =>
  new Set([...changed.keys(), ...rows.keys()])

interface Settling {
  readonly key: string
  readonly state: KeyState<Ref> | undefined
  readonly loaded: Loaded
  readonly spill: Spill
}

/** Brings the table to the state of a key: rows that are not it go, it is written unless it is there, a delete that is new is remembered. */
function settle({ publish }: Attempt, { key, state, loaded, spill }: Settling): void {
  const rows: readonly Stored[] = loaded.rows.get(key) ?? []
  const isRow = state !== undefined && (state.live || publish.deletes === 'soft')
  const kept = isRow ? rows.find(row => row.state === state) : undefined
  for (const row of rows) if (row !== kept) spill.gone(row.ref)
  if (state === undefined) return
  if (isRow && kept === undefined) spill.row(key, state)
  const known = (loaded.graves.get(key) ?? []).some(grave => isSameStamp(grave.stamp, state.stamp))
  if (!state.live && publish.deletes === 'hard' && !known) spill.grave(key, state)
}
