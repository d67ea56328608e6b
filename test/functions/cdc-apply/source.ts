import fc from 'fast-check'
import type { Change } from '#functions/cdc-apply/fold.ts'
import type { Kind } from '#functions/cdc-apply/stamp.ts'

/** A source table with the columns `name` and `bio`, and the records that its log and its snapshots give. */
export type Row = Readonly<Record<'name' | 'bio', string | null>>

export interface Recorded extends Change<Row> {
  readonly eventUs: bigint
}

export interface History {
  readonly records: readonly Recorded[]
  /** What the source holds in the end. */
  readonly table: ReadonlyMap<string, Row>
  /** All rows that it ever held, with the times from which and to which: `key name bio from to`. */
  readonly versions: readonly string[]
}

export type Step =
  | { readonly do: 'upsert'; readonly key: string; readonly bio: 'same' | 'new' }
  | { readonly do: 'delete'; readonly key: string; readonly end: 'both' | 'delete' | 'null' }
  | { readonly do: 'move'; readonly key: string; readonly to: string; readonly as: 'update' | 'halves' }
  | { readonly do: 'snapshot' }
  | { readonly do: 'truncate' }
  /** The connector starts again and emits its last records once more, at new places; `whole`: a delete with its record without a value. */
  | { readonly do: 'again'; readonly last: number; readonly whole?: boolean }

/** Plays the steps: what a step cannot do, as deleting a row that is not there, it leaves out. */
export function play(steps: readonly Step[]): History {
  const source = new Source()
  for (const step of steps) source.take(step)
  return source.history()
}

class Source {
  private readonly table = new Map<string, Row>()
  private readonly records: Recorded[] = []
  private readonly since = new Map<string, number>()
  private readonly versions: string[] = []
  private position = 100
  private value = 0

  take(step: Step): void {
    this.position += 7
    this.value++
    if (step.do === 'upsert') this.upsert(step)
    else if (step.do === 'delete') this.delete(step)
    else if (step.do === 'move') this.move(step)
    else if (step.do === 'again') this.again(step)
    else if (step.do === 'snapshot') for (const [key, row] of [...this.table]) this.write(key, row, {}, 0)
    else {
      for (const key of [...this.table.keys()]) this.close(key)
      this.emit({ op: 'truncate', key: '', oldKey: undefined, kept: [], source: GONE })
    }
  }

  history(): History {
    const placed = this.records.map((record, index) => ({ ...record, stamp: { ...record.stamp, ordinal: at(index) } }))
    const open = [...this.table].map(([key, row]) => this.version(key, row, '-'))
    return { records: placed, table: this.table, versions: [...this.versions, ...open].toSorted() }
  }

  private again({ last, whole = false }: Extract<Step, { do: 'again' }>): void {
    const emitted = this.records.slice(-last)
    const cut = whole && emitted[0]?.stamp.kind === 2 ? this.records.at(-last - 1) : undefined
    this.records.push(...(cut === undefined ? [] : [cut]), ...emitted)
  }

  private upsert({ key, bio }: Extract<Step, { do: 'upsert' }>): void {
    const old = this.table.get(key)
    const keeps = old !== undefined && bio === 'same'
    const fresh = this.value % 5 === 0 ? null : `b${this.value}`
    const row = { name: `n${this.value}`, bio: keeps ? old.bio : fresh }
    this.write(key, row, { kept: keeps ? ['bio'] : [] })
  }

  private delete({ key, end }: Extract<Step, { do: 'delete' }>): void {
    if (!this.table.has(key)) return
    if (end !== 'null') this.remove(key)
    if (end !== 'delete') this.remove(key, 2)
  }

  private move({ key, to, as }: Extract<Step, { do: 'move' }>): void {
    const row = this.table.get(key)
    if (row === undefined || this.table.has(to)) return
    if (as === 'halves') {
      this.remove(key)
      this.remove(key, 2)
    }
    this.close(key)
    this.write(to, { ...row, name: `n${this.value}` }, { oldKey: key, kept: ['bio'] })
  }

  private write(key: string, row: Row, more: Partial<Recorded>, kind: Kind = 1): void {
    this.close(key)
    this.since.set(key, this.position)
    this.table.set(key, row)
    const kept = more.kept ?? []
    this.emit({ op: 'upsert', key, oldKey: undefined, ...more, kept, source: shown(row, kept) }, kind)
  }

  private remove(key: string, kind: Kind = 1): void {
    this.close(key)
    this.emit({ op: 'delete', key, oldKey: undefined, kept: [], source: GONE }, kind)
  }

  private close(key: string): void {
    const row = this.table.get(key)
    if (row) this.versions.push(this.version(key, row, String(this.position)))
    this.table.delete(key)
  }

  private version(key: string, { name, bio }: Row, to: string): string {
    return `${key} ${name ?? '-'} ${bio ?? '-'} ${this.since.get(key)} ${to}`
  }

  private emit(record: Pick<Recorded, 'op' | 'key' | 'kept' | 'source' | 'oldKey'>, kind: Kind = 1): void {
    const content = JSON.stringify([record, kind])
    const position = kind === 2 ? '' : at(this.position)
    this.records.push({
      ...record,
      stamp: { position, kind, lane: 'aaaa', ordinal: '', content },
      eventUs: BigInt(this.position),
    })
  }
}

const GONE: Row = { name: null, bio: null }
const shown = (row: Row, kept: readonly string[]): Row => (kept.includes('bio') ? { ...row, bio: null } : row)
const at = (position: number): string => `00.${position.toString(16).padStart(8, '0')}`

// --- Any history ---------------------------------------------------------------------------------------------------

const keys = fc.constantFrom('1', '2', '3')
const upsert: fc.Arbitrary<Step> = fc.record({
  do: fc.constant('upsert'),
  key: keys,
  bio: fc.constantFrom('same', 'new'),
})
const remove: fc.Arbitrary<Step> = fc.record({
  do: fc.constant('delete'),
  key: keys,
  end: fc.constantFrom('both', 'delete', 'null'),
})
const move: fc.Arbitrary<Step> = fc.record({
  do: fc.constant('move'),
  key: keys,
  to: keys,
  as: fc.constantFrom('update', 'halves'),
})
const again: fc.Arbitrary<Step> = fc.record({ do: fc.constant('again'), last: fc.integer({ min: 1, max: 4 }) })
const truncate: fc.Arbitrary<Step> = fc.constant({ do: 'truncate' })
const snapshot: fc.Arbitrary<Step> = fc.constant({ do: 'snapshot' })

const steps = (...kinds: readonly fc.WeightedArbitrary<Step>[]): fc.Arbitrary<readonly Step[]> =>
  fc.array(fc.oneof(...kinds), { maxLength: 14 })

const everyday: readonly fc.WeightedArbitrary<Step>[] = [
  { weight: 6, arbitrary: upsert },
  { weight: 3, arbitrary: remove },
  { weight: 1, arbitrary: truncate },
]

/** Records may arrive in any order. */
export const anyHistory = steps(...everyday, { weight: 1, arbitrary: again })
/** Snapshots come in between; of a snapshot nobody can tell what it saw of records that are emitted again. */
export const snapshotHistory = steps(...everyday, { weight: 1, arbitrary: snapshot })
/** Rows move from key to key, so records must keep the order of their stream. */
export const movingHistory = steps(...everyday, { weight: 3, arbitrary: move }, { weight: 1, arbitrary: snapshot })

/** How records are delivered: shuffled by a seed or as they come, some twice, cut into batches. */
export interface Delivery {
  readonly seed: number
  readonly twice: readonly number[]
  readonly cuts: readonly number[]
}

export const anyDelivery: fc.Arbitrary<Delivery> = fc.record({
  seed: fc.integer(),
  twice: fc.array(fc.nat(30), { maxLength: 4 }),
  cuts: fc.array(fc.nat(30), { maxLength: 5 }),
})

export function deliver<T>(
  records: readonly T[],
  { seed, twice, cuts }: Delivery,
  order: 'any' | 'stream',
): readonly (readonly T[])[] {
  const doubled = [...records, ...twice.flatMap(index => records[index % Math.max(1, records.length)] ?? [])]
  const sequence = order === 'any' ? shuffled(doubled, seed) : inStream(records, doubled)
  const bounds = [
    0,
    ...new Set(cuts.map(cut => Math.min(cut, sequence.length)).toSorted((a, b) => a - b)),
    sequence.length,
  ]
  return bounds.slice(1).map((end, index) => sequence.slice(bounds[index], end))
}

/** A repetition comes with the record, or any time after. */
function inStream<T>(records: readonly T[], doubled: readonly T[]): readonly T[] {
  return doubled.slice(0, records.length).concat(doubled.slice(records.length))
}

/** Every delete has both of its records, which are emitted again together. */
export const inPairs = (steps: readonly Step[]): readonly Step[] =>
  steps.map(step => {
    if (step.do === 'delete') return { ...step, end: 'both' }
    return step.do === 'again' ? { ...step, whole: true } : step
  })

/** Records cut into files of so many rows, in which alone their places can be compared. A file's name says nothing of its time. */
export function inFiles(records: readonly Recorded[], rows: number): readonly (readonly Recorded[])[] {
  const count = Math.ceil(records.length / rows)
  const lanes = shuffled([...Array(count).keys()], rows).map(number => `f${String(number).padStart(3, '0')}`)
  return lanes.map((lane, file) =>
    records.slice(file * rows, (file + 1) * rows).map((record, index) => ({
      ...record,
      stamp: { ...record.stamp, lane, ordinal: at(index) },
    })),
  )
}

/** Fisher and Yates, with numbers from the seed. */
export function shuffled<T>(items: readonly T[], seed: number): readonly T[] {
  const result = [...items]
  let state = seed | 0
  for (let at = result.length - 1; at > 0; at--) {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9) | 0
    const other = (state >>> 0) % (at + 1)
    ;[result[at], result[other]] = [result[other] as T, result[at] as T]
  }
  return result
}
