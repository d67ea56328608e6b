import { LakeError } from '#lake/errors.ts'

export async function compactLocally(_world: unknown, _payload: unknown): Promise<unknown> {
  throw new LakeError('unsupported', 'compaction is not joined yet')
}
