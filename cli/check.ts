import type { Ruleset } from '#lake/dqdl/ast.ts'
import { evaluate } from '#lake/dqdl/evaluate.ts'
import { sql } from '#lake/duckdb/sql.ts'
import { type OpenData, withData } from './check-data.ts'
import { documentOf } from './check-document.ts'
import { fileFacts } from './check-files.ts'
import { type Checked, printReport } from './check-report.ts'
import { type RowsTarget, refuseOverwriting, rowsTarget, writeRows } from './check-rows.ts'
import { historyNotes, type Mode, PRIMARY, type RulesFile, readMode, readRules, refuseRules } from './check-ruleset.ts'
import { sourcePlaces } from './check-sources.ts'
import { suggest } from './check-suggest.ts'
import type { Call, Command } from './command.ts'
import { type Place, placeOf } from './data-source.ts'
import { describeError, EXIT_FAILURE, EXIT_OK, EXIT_USAGE, usage } from './refusal.ts'
import { type At, readAt } from './snapshot-choice.ts'
import { styleOf } from './style.ts'

/** `sluice check`: a ruleset on a file or a table, without a pipeline. */
export const check: Command = {
  name: 'check',
  summary: 'check a file or a table against rules in DQDL, or propose rules for it',
  takes: { text: 'RULES-FILE', min: 0, max: 1 },
  options: {
    data: { value: 'FILE|TABLE', help: 'what to check: CSV, TSV, JSON, NDJSON or Parquet, or a table of the lake' },
    source: { value: 'ALIAS=FILE|TABLE', help: 'another data source that rules name; may be repeated', repeated: true },
    rows: { value: 'FILE', help: 'write every row with the rules that it passes and fails: CSV, NDJSON or Parquet' },
    suggest: { help: 'print rules that fit the data, instead of checking' },
    mode: { value: 'aws|lenient', help: 'take only what AWS Glue takes, or also what people mean; lenient' },
    at: { value: 'SNAPSHOT|TIME', help: 'read tables as they were: a snapshot id, or a time (UTC without a zone)' },
    full: { help: 'break no line' },
  },
  notes: [
    'Exit status: 0 when all rules passed, 1 when a rule failed or could not be evaluated, 2 when there was nothing to evaluate: mistakes in the rules, or data that cannot be read.',
    'A name with a dot or a slash in it is a file. Files may be packed: .csv.gz, .ndjson.zst. The columns of CSV have the type that all of their values have: 007 stays text.',
    'Rules that name other tables of the lake find them there without --source.',
    '--rows adds the columns that AWS Glue adds: DataQualityRulesPass, DataQualityRulesFail, DataQualityRulesSkip, DataQualityEvaluationResult.',
  ],
  examples: [
    'sluice check orders.dqdl --data orders.csv',
    'sluice check orders.dqdl --data orders --source customers=customers.parquet --json',
    'sluice check orders.dqdl --data orders.csv.gz --rows judged.parquet',
    'sluice check --suggest --data orders.csv > orders.dqdl',
  ],
  reads: false,
  run: async call => {
    try {
      return await (call.options.has('suggest') ? runSuggest(call) : runCheck(call))
    } catch (error) {
      // To whoever runs this in CI, 1 means that rules failed: whatever kept them from being judged must not look the same.
      const { err } = call.terminal
      await err.write(`${describeError(error, { debug: call.options.has('debug'), style: styleOf(err) })}\n`)
      return EXIT_USAGE
    }
  },
}

async function runCheck(call: Call): Promise<number> {
  const request = await readRequest(call)
  const rules = await readRules(call, request.rulesFile, request.mode)
  if (rules.ruleset === undefined) {
    await refuseRules(call, rules)
    return EXIT_USAGE
  }
  const checked = await checkData(call, { ...request, rules, ruleset: rules.ruleset })
  const { out } = call.terminal
  if (call.options.has('json')) await out.write(`${JSON.stringify(documentOf(checked), null, 2)}\n`)
  else await printReport(out, checked, { full: call.options.has('full') })
  return checked.evaluation.rules.every(rule => rule.outcome === 'Passed') ? EXIT_OK : EXIT_FAILURE
}

interface Request {
  readonly rulesFile: string
  readonly mode: Mode
  readonly data: string
  readonly place: Place
  readonly given: ReadonlyMap<string, string>
  readonly at: At | undefined
  readonly rows: RowsTarget | undefined
}

/** All that can be wrong with the command line is told before anything is read. */
async function readRequest({ given, options, terminal }: Call): Promise<Request> {
  const [rulesFile] = given
  const data = options.value('data')
  if (rulesFile === undefined)
    throw usage('sluice check needs a file of rules', 'sluice check RULES-FILE --data FILE; --suggest proposes rules')
  if (data === undefined) throw usage('there is no data to check', `sluice check ${rulesFile} --data FILE-OR-TABLE`)
  const mode = readMode(options.value('mode'))
  const at = options.value('at')
  const rows = options.value('rows')
  return {
    rulesFile,
    mode,
    data,
    place: await placeOf(data, terminal.cwd),
    given: readSources(options.values('source')),
    at: at === undefined ? undefined : readAt(at),
    rows: rows === undefined ? undefined : await rowsTarget(rows, terminal.cwd),
  }
}

function readSources(texts: readonly string[]): ReadonlyMap<string, string> {
  const sources = new Map<string, string>()
  for (const text of texts) {
    const split = text.indexOf('=')
    const alias = text.slice(0, Math.max(0, split)).trim()
    if (alias === '' || split === text.length - 1)
      throw usage(
        `--source ${text} is no data source`,
        'give its name in the rules and its data: --source users=users.csv',
      )
    if (alias === PRIMARY) throw usage(`--source ${PRIMARY} is the data itself`, 'give it as --data')
    if (sources.has(alias)) throw usage(`--source ${alias} is given twice`, 'give each data source once')
    sources.set(alias, text.slice(split + 1))
  }
  return sources
}

type Task = Request & { readonly rules: RulesFile; readonly ruleset: Ruleset }

async function checkData(call: Call, task: Task): Promise<Checked> {
  const { clock } = call.lake
  const startedMs = clock.nowMs()
  const sources = await sourcePlaces(call, task.ruleset, task.given)
  if (task.rows !== undefined) await refuseOverwriting(task.rows, [task.place, ...sources.values()])
  const wanted = { primary: task.place, sources, at: task.at, ordered: task.rows !== undefined }
  return withData(call, wanted, async data => {
    const evaluation = await evaluateData(call, task.ruleset, data)
    if (task.rows !== undefined) await writeRows(data, evaluation, task.rows)
    const { primary, session } = data
    const [counted] = await session.rows(sql`SELECT count(*) AS n FROM ${primary.relation.source}`)
    return {
      rules: task.rules,
      evaluation,
      data: { name: task.data, rows: Number(counted?.['n']), columns: primary.relation.columns.length },
      notes: [...[primary, ...data.sources.values()].flatMap(each => each.notes), ...historyNotes(task.ruleset)],
      rowsFile: task.rows?.name,
      elapsedMs: clock.nowMs() - startedMs,
    }
  })
}

async function evaluateData(
  call: Call,
  ruleset: Ruleset,
  { session, primary, sources }: OpenData,
): Promise<Checked['evaluation']> {
  const files = { primary: primary.files, sources: [...sources.values()].flatMap(each => each.files) }
  return evaluate(session, ruleset, {
    relation: primary.relation,
    sources: new Map([...sources].map(([alias, { relation }]) => [alias, relation])),
    files: await fileFacts(ruleset, files),
    // One check knows of no other, as the first run of a job does not: `historyNotes` says so.
    history: () => [],
    nowMs: call.lake.clock.nowMs(),
    thresholds: 'documented',
  })
}

/** `check --suggest`: the data may stand where the file of rules would. */
async function runSuggest(call: Call): Promise<number> {
  const data = call.options.value('data') ?? call.given[0]
  if (data === undefined)
    throw usage('there is no data to propose rules for', 'sluice check --suggest --data FILE-OR-TABLE')
  if (call.options.value('data') !== undefined && call.given.length > 0)
    throw usage('--suggest takes no file of rules', `sluice check --suggest --data ${data}`)
  const at = call.options.value('at')
  const primary = await placeOf(data, call.terminal.cwd)
  const wanted = { primary, sources: new Map(), at: at === undefined ? undefined : readAt(at), ordered: false }
  const proposal = await withData(call, wanted, opened =>
    suggest(opened, { name: data, nowMs: call.lake.clock.nowMs() }),
  )
  const json = `${JSON.stringify(proposal, null, 2)}\n`
  await call.terminal.out.write(call.options.has('json') ? json : proposal.ruleset)
  return EXIT_OK
}
