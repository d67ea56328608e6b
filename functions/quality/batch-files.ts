import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { rm } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'
import type { RawObject } from '#lake/batch.ts'
import { leavesOf, type Ruleset } from '#lake/dqdl/ast.ts'
import type { FileFacts } from '#lake/dqdl/check.ts'
import type { Lake } from '#lake/lake.ts'
import type { BatchTask } from './quality.ts'
import { stageRaw } from './without-erased.ts'

/** The batch's objects as file rules see them: under the keys that producers gave them, with the time of landing. */
export async function batchFiles(lake: Lake, task: BatchTask, ruleset: Ruleset): Promise<readonly FileFacts[]> {
  const algorithms = otherDigests(ruleset)
  const files: FileFacts[] = []
  for (const object of task.manifest.objects)
    files.push({
      path: object.sourceUri,
      bytes: object.bytes,
      modifiedMs: object.landedMs,
      digests: { 'SHA-256': object.sha256, ...(await digestsOf(lake, task, { object, algorithms })) },
    })
  return files
}

/** By Glue's name, as Node calls them. The third, SHA-256, is in the manifest. */
const ALGORITHMS: ReadonlyMap<string, string> = new Map([
  ['MD5', 'md5'],
  ['SHA-1', 'sha1'],
])

/** Only what a rule asks for by the tag `hashAlgorithm`: each costs reading all bytes once more. */
function otherDigests(ruleset: Ruleset): readonly string[] {
  const rules = ruleset.rules.flatMap(leavesOf).filter(rule => rule.type.scope === 'file')
  const asked = rules.flatMap(rule => rule.tags.filter(tag => tag.name === 'hashAlgorithm'))
  return [...new Set(asked.map(tag => String(tag.value)))].filter(name => ALGORITHMS.has(name))
}

async function digestsOf(
  lake: Lake,
  task: BatchTask,
  { object, algorithms }: { readonly object: RawObject; readonly algorithms: readonly string[] },
): Promise<Readonly<Record<string, string>>> {
  if (algorithms.length === 0) return {}
  const path = await stageRaw(lake, task.folder, { object, erased: task.erased.get(object.id) })
  const digests: Record<string, string> = {}
  for (const name of algorithms) {
    const hash = createHash(ALGORITHMS.get(name) as string)
    await pipeline(createReadStream(path), hash)
    digests[name] = hash.digest('hex')
  }
  if (path.startsWith(`${task.folder}/`)) await rm(path, { force: true })
  return digests
}
