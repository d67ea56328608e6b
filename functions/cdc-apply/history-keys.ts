import { LakeError } from '#lake/errors.ts'
import type { Counts } from './counts.ts'
import type { ChunkTask } from './fold-keys.ts'
import type { Attempt } from './task.ts'

export function foldHistory(_attempt: Attempt, _task: ChunkTask): Partial<Counts> {
  throw new LakeError('unsupported', 'history tables are not applied yet')
}
