import type { Dataset } from '#lake/dataset.ts'
import { CaseLake } from './cdc-apply.ts'
import { type CaseEvent, type CaseTarget, type ChangeCase, targetsOf } from './cdc-case.ts'
import { permutations, singles } from './cdc-orders.ts'
import { expectedTexts, tableTexts } from './cdc-rows.ts'
import { reasonsOf, statsOf } from './cdc-stats.ts'

/**
 * A case of changes: applied as it is given, its tables, outcomes and reasons must be the expected ones; applied again, in other cuts, twice
 * over or in other orders, the tables must be the same.
 */
export function checkChanges(given: ChangeCase): Promise<readonly string[]> {
  return checkTargets(given, targetsOf(given))
}

/** The same, with every merge handed over to the stand-in of Athena. */
export function checkHandedOver(given: ChangeCase): Promise<readonly string[]> {
  const handed = ({ publish, ...dataset }: Dataset): Dataset =>
    publish.mode === 'append' || publish.mode === 'replace'
      ? { ...dataset, publish }
      : { ...dataset, publish: { ...publish, mergeBytesMax: 0 } }
  return checkTargets(
    given,
    targetsOf(given).map(target => ({ ...target, dataset: handed(target.dataset) })),
  )
}

async function checkTargets(given: ChangeCase, targets: readonly CaseTarget[]): Promise<readonly string[]> {
  const problems = await plainProblems(given, targets)
  // Nothing that the invariants say is of use before the case itself holds.
  if (problems.length > 0) return problems
  for (const [name, batches] of ordersOf(given)) {
    const found = await inLake(given, targets, async lake => {
      for (const events of batches) await lake.apply(events)
      return tableProblems(lake, given, targets)
    })
    if (found.length > 0) return found.map(problem => `${name}: ${problem}`)
  }
  return []
}

async function plainProblems(given: ChangeCase, targets: readonly CaseTarget[]): Promise<readonly string[]> {
  return inLake(given, targets, async lake => {
    for (const events of given.batches) await lake.apply(events)
    const stats = statsOf(lake.applied)
    const reasons = reasonsOf(lake.applied)
    return [
      ...(await tableProblems(lake, given, targets)),
      ...difference('stats', stats, given.expected_stats),
      ...(given.expected_dead_letter_reasons === undefined
        ? []
        : difference('dead letters', reasons, given.expected_dead_letter_reasons)),
    ]
  })
}

async function inLake<T>(
  given: ChangeCase,
  targets: readonly CaseTarget[],
  work: (lake: CaseLake) => Promise<T>,
): Promise<T> {
  const lake = new CaseLake(given, targets)
  try {
    return await work(lake)
  } finally {
    lake.lake.dispose()
  }
}

function difference(what: string, found: object, expected: object): readonly string[] {
  const sorted = (value: object): string =>
    JSON.stringify(Object.entries(value).toSorted(([left], [right]) => (left < right ? -1 : 1)))
  if (sorted(found) === sorted(expected)) return []
  return [`${what}: ${JSON.stringify(found)}, expected ${JSON.stringify(expected)}`]
}

async function tableProblems(
  { lake }: CaseLake,
  given: ChangeCase,
  targets: readonly CaseTarget[],
): Promise<readonly string[]> {
  const problems: string[] = []
  for (const { table, dataset } of targets) {
    const rows = table === given.table ? given.expected_rows : given.expected_tables?.[table]
    if (rows === undefined) continue
    const [found, expected] = [await tableTexts(lake, dataset.name, rows), expectedTexts(rows)]
    const missing = without(expected, found).map(row => `${table} lacks ${row}`)
    problems.push(...missing, ...without(found, expected).map(row => `${table} has ${row}`))
  }
  return problems
}

/** What is in one list more often than in the other. */
function without(list: readonly string[], others: readonly string[]): readonly string[] {
  const left = [...others]
  return list.filter(each => {
    const at = left.indexOf(each)
    if (at >= 0) left.splice(at, 1)
    return at < 0
  })
}

type Order = readonly [name: string, batches: readonly (readonly CaseEvent[])[]]

/** The other ways in which the same events must come to the same tables. */
function ordersOf({ batches, invariants }: ChangeCase): readonly Order[] {
  const events = batches.flat()
  const orders: Readonly<Record<ChangeCase['invariants'][number], readonly Order[]>> = {
    replay: [['replay', [...batches, ...batches]]],
    duplicate: [['duplicate', batches.map(batch => [...batch, ...batch])]],
    rebatch: [
      ['all in one batch', [events]],
      ['one event a batch', singles(events)],
    ],
    permute: permutations(events),
  }
  return invariants.flatMap(invariant => orders[invariant])
}
