import type { Ruleset } from '#lake/dqdl/ast.ts'
import { aliasesOf } from './check-ruleset.ts'
import { closest } from './closest.ts'
import type { Call } from './command.ts'
import { isFolder, type Place, placeOf } from './data-source.ts'
import { usage } from './refusal.ts'

/**
 * Where the data sources of a ruleset are: those that are given, and tables of the lake that rules name. Errors: `usage` when rules
 * name one that is neither.
 */
export async function sourcePlaces(
  call: Call,
  ruleset: Ruleset,
  given: ReadonlyMap<string, string>,
): Promise<ReadonlyMap<string, Place>> {
  const places = new Map<string, Place>()
  for (const [alias, text] of given) places.set(alias, await placeOf(text, call.terminal.cwd))
  const { needed, possible } = aliasesOf(ruleset)
  const tables = await tablesOf(call)
  for (const alias of [...needed, ...possible])
    if (!places.has(alias) && tables.has(alias)) places.set(alias, { kind: 'table', name: alias })
  for (const alias of needed) if (!places.has(alias)) throw missing(alias, [...places.keys(), ...tables])
  return places
}

async function tablesOf({ lake, root }: Call): Promise<ReadonlySet<string>> {
  return new Set((await isFolder(root)) ? await lake.catalog.tables() : [])
}

function missing(alias: string, known: readonly string[]): Error {
  const near = closest(alias, known)
  const meant = near.length === 0 ? '' : `did you mean ${near.join(' or ')}? or `
  return usage(
    `the rules name the data source ${alias}, which is not given`,
    `${meant}give it: --source ${alias}=FILE-OR-TABLE`,
  )
}
