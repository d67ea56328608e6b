import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { type LocalFile, stageFiles } from '#lake/iceberg/read-files.ts'
import type { ScanFile } from '#lake/iceberg/types.ts'
import type { Lake } from '#lake/lake.ts'
import type { Unit } from './units.ts'

export async function stageInto(lake: Lake, files: readonly ScanFile[], folder: string): Promise<readonly LocalFile[]> {
  await mkdir(folder, { recursive: true })
  return stageFiles(lake, files, folder)
}

/** Files that are brought while it is still being found out which of them belong together. */
export type Early = Promise<ReadonlyMap<ScanFile, LocalFile>>

/** Begins at once. Whoever takes it waits for it before the folder goes; its failure is thrown to whoever asks for the files. */
export function stageEarly(lake: Lake, files: readonly ScanFile[], folder: string): Early {
  const early = stageInto(lake, files, folder).then(
    staged => new Map(staged.map((local, at) => [files[at] as ScanFile, local])),
  )
  early.catch(() => undefined)
  return early
}

export interface StagedUnit {
  readonly unit: Unit
  readonly at: number
  readonly local: readonly LocalFile[]
  /** Of this unit alone. */
  readonly folder: string
}

/** One unit after the other; the files of the next come while this one is written. Leaving early waits for those that are on their way. */
export async function* stagedUnits(
  lake: Lake,
  units: readonly Unit[],
  { folder, early }: { readonly folder: string; readonly early: Early },
): AsyncGenerator<StagedUnit> {
  let next = stageUnit(0)
  try {
    for (let staged = await next; staged !== undefined; staged = await next) {
      next = stageUnit(staged.at + 1)
      next.catch(() => undefined)
      yield staged
    }
  } finally {
    await Promise.allSettled([next])
  }

  async function stageUnit(at: number): Promise<StagedUnit | undefined> {
    const unit = units[at]
    if (unit === undefined) return undefined
    const own = join(folder, `unit-${at}`)
    const there = await early
    const missing = unit.files.filter(file => !there.has(file))
    const rest = await stageInto(lake, missing, own)
    const fresh = new Map(rest.map((local, index) => [missing[index], local]))
    const local = unit.files.flatMap(file => there.get(file) ?? fresh.get(file) ?? [])
    return { unit, at, local, folder: own }
  }
}
