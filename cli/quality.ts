import { TABLE_NAME } from '#lake/catalog-rules.ts'
import type { Dataset } from '#lake/dataset.ts'
import { ident, join, sql } from '#lake/duckdb/sql.ts'
import { loadTable } from '#lake/iceberg/table.ts'
import { type QualityRun, qualityRuns } from '#lake/quality-history.ts'
import { QUALITY_RESULTS } from '#lake/quality-results.ts'
import { closest } from './closest.ts'
import type { Call, Command } from './command.ts'
import { makeView, withLakeSession } from './lake-session.ts'
import {
  type DetailOf,
  describeQuality,
  describeRun,
  type FailureDetail,
  lastFailures,
  type QualityDescription,
} from './quality-description.ts'
import { type DatasetQuality, printOverview, printQuality, type Shown } from './quality-printer.ts'
import { refusal, usage } from './refusal.ts'

const RUNS = 20
const RUNS_MAX = 1_000

/** `sluice quality`: what the rules of datasets said of the last batches. */
export const quality: Command = {
  name: 'quality',
  summary: 'draw what the rules of a dataset said of its last batches',
  takes: { text: '[DATASET]', min: 0, max: 1 },
  options: {
    runs: { value: 'N', help: `look at the last N runs; ${RUNS} when not given` },
    rule: { value: 'TEXT', help: 'only rules with this in their text, those that passed too' },
    metric: { value: 'TEXT', help: 'only metrics with this in their name' },
    all: { help: 'list all runs and metrics, and rules that always passed' },
    full: { help: 'cut no text and leave out no column' },
  },
  notes: [
    'Without DATASET: one line for each dataset that has rules.',
    'A run is one batch. Runs are in the order in which files landed, the most recent on the right of a line of bars; a batch that was replayed counts once. The score is the share of rules that passed. Bars of scores go from 0 to 1; each other line of bars has its own scale, from the least value to the greatest; a dot is a run without that rule or metric.',
    'Reasons come from the table sluice__quality_results, which `sluice sql` reads.',
  ],
  examples: ['sluice quality', 'sluice quality movies', 'sluice quality movies --runs 90 --metric RowCount --json'],
  reads: true,
  run: async call => {
    const [name] = call.given
    const count = readRuns(call.options.value('runs'))
    await (name === undefined ? overview(call, count) : oneDataset(call, name.toLowerCase(), count))
    return undefined
  },
}

function readRuns(text: string | undefined): number {
  if (text === undefined) return RUNS
  const count = Number(text)
  if (/^\d+$/.test(text) && count >= 1 && count <= RUNS_MAX) return count
  throw usage(`--runs ${text} is not a number of runs`, `give a whole number from 1 to ${RUNS_MAX}, such as --runs 90`)
}

// --- All datasets --------------------------------------------------------------------------------------------------

async function overview(call: Call, count: number): Promise<void> {
  const { options, lake, terminal } = call
  for (const name of ['rule', 'metric', 'all'])
    if (options.has(name) || options.value(name) !== undefined)
      throw usage(`--${name} says something of one dataset`, `name it: sluice quality DATASET --${name} …`)
  const ruled = (await call.datasets()).filter(dataset => dataset.quality !== undefined)
  const all: DatasetQuality[] = []
  for (const dataset of ruled) {
    const runs = await qualityRuns(lake, dataset.name, { count })
    all.push({ dataset: dataset.name, runs: runs.map(describeRun) })
  }
  if (options.has('json')) await terminal.out.write(`${JSON.stringify(all, null, 2)}\n`)
  else if (all.length > 0) await printOverview(call, all)
  else await terminal.out.write(`No dataset has rules yet. ${HOW_TO_ADD}\n`)
}

const HOW_TO_ADD =
  'Give one a ruleset, `quality` in its declaration; `sluice check --suggest --data TABLE` proposes one'

// --- One dataset ---------------------------------------------------------------------------------------------------

async function oneDataset(call: Call, name: string, count: number): Promise<void> {
  const { options, terminal } = call
  // What was judged can be looked at whether the dataset is still declared, and declared well, or not.
  const runs = TABLE_NAME.test(name) ? await qualityRuns(call.lake, name, { count }) : []
  if (runs.length === 0) throw await whyNoRuns(call, name)
  const described = describeQuality(name, runs, await failureDetails(call, name, runs))
  const chosen = choose(call, described)
  if (options.has('json')) await terminal.out.write(`${JSON.stringify(chosen, null, 2)}\n`)
  else await printQuality(call, chosen, shownOf(call))
}

async function whyNoRuns(call: Call, name: string): Promise<Error> {
  const datasets = await call.datasets()
  const dataset = datasets.find(each => each.name === name)
  if (dataset === undefined) return unknownDataset(name, datasets)
  if (dataset.quality === undefined)
    return refusal(
      'not-found',
      `${name} has no rules`,
      `give it some, \`quality\` in its declaration; \`sluice check --suggest --data ${name}\` proposes a ruleset`,
    )
  return refusal(
    'not-found',
    `no batch of ${name} has been judged yet`,
    `put a file: sluice put FILE --dataset ${name}; \`sluice check RULES --data FILE\` tries rules before`,
  )
}

function unknownDataset(name: string, datasets: readonly Dataset[]): Error {
  const names = datasets.map(each => each.name)
  const near = closest(name, names)
  const next =
    near.length > 0 ? `did you mean ${near.join(' or ')}?` : '`sluice quality` lists the datasets that have rules'
  return refusal('not-found', `there is no dataset ${name}`, next)
}

/** With a filter only what it is about is of interest. */
function shownOf({ options }: Call): Shown {
  const byRule = options.value('rule') !== undefined
  const byMetric = options.value('metric') !== undefined
  const isFiltered = byRule || byMetric
  return {
    runs: !isFiltered,
    rules: byRule || (!isFiltered && options.has('all')) ? 'all' : isFiltered ? 'none' : 'failing',
    metrics: byMetric || !isFiltered,
  }
}

function choose({ options }: Call, described: QualityDescription): QualityDescription {
  const { rules, metrics, dataset } = described
  const [rule, metric] = [options.value('rule'), options.value('metric')]
  return {
    ...described,
    rules: rule === undefined ? rules : containing(rules, each => each.rule, { what: 'rule', text: rule, dataset }),
    metrics:
      metric === undefined
        ? metrics
        : containing(metrics, each => each.metric, { what: 'metric', text: metric, dataset }),
  }
}

function containing<T>(
  all: readonly T[],
  textOf: (each: T) => string,
  { what, text, dataset }: { readonly what: 'rule' | 'metric'; readonly text: string; readonly dataset: string },
): readonly T[] {
  const wanted = text.toLowerCase()
  const found = all.filter(each => textOf(each).toLowerCase().includes(wanted))
  if (found.length > 0) return found
  throw refusal(
    'not-found',
    `no ${what} of ${dataset} in these runs contains "${text}"`,
    `\`sluice quality ${dataset} --all\` lists them`,
  )
}

// --- Why rules failed ----------------------------------------------------------------------------------------------

/** From the results table, of which only the files of the batches in question are read. */
async function failureDetails(call: Call, dataset: string, runs: readonly QualityRun[]): Promise<DetailOf> {
  const batches = [...new Set([...lastFailures(runs).values()].map(({ batch }) => batch))]
  const table = batches.length === 0 ? undefined : await loadTable(call.lake, QUALITY_RESULTS)
  if (table === undefined) return () => undefined
  const found = await withLakeSession(call, 'quality', async opened => {
    const where = [
      { column: 'dataset', op: 'in', values: [dataset] },
      { column: 'batch', op: 'in', values: batches },
    ] as const
    await makeView(call, opened, { table, name: QUALITY_RESULTS, where })
    const wanted = join(
      batches.map(batch => sql`${batch}`),
      ', ',
    )
    return opened.session.rows(
      sql`SELECT batch, rule, evaluated_rule, reason, consequence, rows_failed FROM ${ident(QUALITY_RESULTS)} WHERE dataset = ${dataset} AND outcome <> 'Passed' AND batch IN (${wanted})`,
    )
  })
  const details = new Map(found.map(row => [keyOf(String(row['batch']), String(row['rule'])), detailOf(row)]))
  return (batch, rule) => details.get(keyOf(batch, rule))
}

const keyOf = (batch: string, rule: string): string => `${batch} ${rule}`

/** The columns of `lake/quality-results.ts`. */
function detailOf(row: Readonly<Record<string, unknown>>): FailureDetail {
  const textOf = (value: unknown): string | null => (value === null ? null : String(value))
  return {
    evaluatedRule: textOf(row['evaluated_rule']),
    reason: textOf(row['reason']),
    consequence: textOf(row['consequence']) as FailureDetail['consequence'],
    rowsFailed: row['rows_failed'] === null ? null : Number(row['rows_failed']),
  }
}
