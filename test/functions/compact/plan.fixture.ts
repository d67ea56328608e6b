import { type PlanContext, type PlannedGroup, planGroups } from '#functions/compact/plan.ts'
import type { CompactionSettings } from '#functions/compact/settings.ts'
import type { LiveFile, ScanFile } from '#lake/iceberg/types.ts'
import { manifestOnly } from '../../lake/iceberg/fixture.ts'

/** A target of 100, so that sizes read as per cent of it. */
export const SETTINGS: CompactionSettings = {
  strategy: 'binpack',
  targetFileBytes: 100,
  minFiles: 5,
  codec: undefined,
  deleteFilesMax: 10,
  deletedRatioMax: 0.3,
  groupBytesMax: 1_000,
  groupFilesMax: 50,
  fileBytesMax: 2_000,
}

export const CONTEXT: PlanContext = {
  specId: 0,
  isOrdered: () => true,
  whereOf: file => `day = ${String(file.partition[0])}`,
}

export interface FileSpec {
  readonly bytes: number
  readonly partition?: number
  readonly spec?: number
  readonly order?: number
  readonly rows?: number
  readonly sequence?: number
  readonly deletes?: readonly LiveFile[]
}

/** Files named in the order given, `f00`, `f01` …; a number is a size. */
export function scanFiles(specs: readonly (number | FileSpec)[], prefix = 'f'): readonly ScanFile[] {
  return specs.map((given, at): ScanFile => {
    const spec = typeof given === 'number' ? { bytes: given } : given
    const sequence = BigInt(spec.sequence ?? 1)
    return {
      file: manifestOnly(`${prefix}${String(at).padStart(2, '0')}`, {
        file_size_in_bytes: BigInt(spec.bytes),
        record_count: BigInt(spec.rows ?? 100),
        partition: [spec.partition ?? 0],
        spec_id: spec.spec ?? 0,
        sort_order_id: spec.order ?? 0,
      }),
      sequence_number: sequence,
      file_sequence_number: sequence,
      snapshot_id: 1n,
      deletes: spec.deletes ?? [],
    }
  })
}

/** A delete file that applies to a data file: by position to `of` alone or to its whole partition, or by equality. */
export function deleteFile(path: string, more: { of?: string; rows?: number; equality?: boolean } = {}): LiveFile {
  return {
    file: manifestOnly(path, {
      content: more.equality ? 2 : 1,
      record_count: BigInt(more.rows ?? 1),
      referenced_data_file: more.of ?? null,
      equality_ids: more.equality ? [1] : null,
    }),
    sequence_number: 2n,
    file_sequence_number: 2n,
    snapshot_id: 2n,
  }
}

export const plan = (
  files: readonly ScanFile[],
  more: Partial<CompactionSettings> = {},
  context: Partial<PlanContext> = {},
): readonly PlannedGroup[] => planGroups(files, { ...SETTINGS, ...more }, { ...CONTEXT, ...context })

/** `f00 f01 → 1`, with the way it goes when that is not a function's. */
export function shown(groups: readonly PlannedGroup[]): readonly string[] {
  return groups.map(({ route, kind, files, outputs, where }) => {
    const names = files.map(({ file }) => file.file_path).join(' ')
    const way =
      route === 'athena' ? ` by athena where ${where ?? 'everything'}` : kind === 'regroup' ? ' regrouped' : ''
    return `${names} → ${outputs}${way}`
  })
}
