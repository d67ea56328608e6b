import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import type { Ruleset } from '#lake/dqdl/ast.ts'
import type { FileFacts } from '#lake/dqdl/check.ts'
import type { DataFile } from './check-data.ts'
import { simpleRules } from './check-ruleset.ts'

const ALGORITHMS: ReadonlyMap<string, string> = new Map([
  ['MD5', 'md5'],
  ['SHA-1', 'sha1'],
  ['SHA-256', 'sha256'],
])

/** The files that rules can see. */
export interface SeenFiles {
  readonly primary: readonly DataFile[]
  readonly sources: readonly DataFile[]
}

/**
 * What file rules ask about files; nothing is read when there are none of them, and no content unless one compares contents. Rules
 * without a path are about the checked data alone, so files of sources take part only where rules have paths.
 */
export async function fileFacts(ruleset: Ruleset, { primary, sources }: SeenFiles): Promise<readonly FileFacts[]> {
  const rules = [
    ...simpleRules(ruleset),
    ...ruleset.analyzers.map(({ type, parameters }) => ({ type, parameters, tags: [] })),
  ].filter(rule => rule.type.scope === 'file')
  if (rules.length === 0) return []
  const files = rules.some(rule => rule.parameters.length > 0) ? [...primary, ...sources] : primary
  const algorithms = new Set(
    rules.filter(rule => CONTENT_RULES.has(rule.type.name)).map(rule => algorithmOf(rule.tags)),
  )
  const facts: FileFacts[] = []
  for (const { path, localPath } of files) {
    const { size, mtimeMs } = await stat(localPath)
    facts.push({ path, bytes: size, modifiedMs: mtimeMs, digests: await digestsOf(localPath, [...algorithms]) })
  }
  return facts
}

const CONTENT_RULES = new Set(['FileMatch', 'FileUniqueness'])

function algorithmOf(tags: readonly { readonly name: string; readonly value: string | number }[]): string {
  const named = tags.find(tag => tag.name === 'hashAlgorithm')
  return named !== undefined && ALGORITHMS.has(String(named.value)) ? String(named.value) : 'SHA-256'
}

/** All of them in one reading. */
async function digestsOf(path: string, algorithms: readonly string[]): Promise<FileFacts['digests']> {
  if (algorithms.length === 0) return {}
  const hashes = algorithms.map(name => [name, createHash(ALGORITHMS.get(name) as string)] as const)
  for await (const part of createReadStream(path)) for (const [, hash] of hashes) hash.update(part as Uint8Array)
  return Object.fromEntries(hashes.map(([name, hash]) => [name, hash.digest('hex')]))
}
