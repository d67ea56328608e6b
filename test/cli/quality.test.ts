// `sluice quality` draws what rules said of the last batches: for all datasets a line each, for one its runs, the rules that failed with the
// reason, and its metrics. It reads well without colours and in a narrow terminal, and what cannot be shown says what to do next.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { QualityDescription } from '../../cli/quality-description.ts'
import type { Verdict } from '../../lake/batch.ts'
import { defineDataset } from '../../lake/dataset.ts'
import { recordRun } from '../../lake/quality-history.ts'
import { blocksOf, readPage } from '../docs/pages.ts'
import { rawId } from '../functions/quality/batches.ts'
import { films, through } from '../functions/quality/gating.ts'
import { type CommandBench, commandBench, orders } from './command-bench.ts'

const RULES = `Rules = [
  RowCount > 1,
  ColumnValues "year" > 1900,
  Completeness "title" > 0.5 labels=["severity"="warn"],
  Mean "minutes" > 1 labels=["severity"="warn"]
]`
const gated = films(RULES)
const unseen = defineDataset({
  name: 'unseen',
  source: { system: 's', format: 'ndjson', match: 'unseen/*' },
  columns: { id: 'long' },
  quality: 'Rules = [ RowCount > 0 ]',
})
const datasets = [gated, orders, unseen]

const lines = (...rows: readonly object[]): string => rows.map(row => `${JSON.stringify(row)}\n`).join('')
const film = (id: number, year: number, title: string | null = 'T') => ({ id, title, year })

let bench: CommandBench
beforeAll(async () => {
  bench = commandBench()
  await through(bench.lake, gated, 'b1', { 1: lines(film(1, 1990), film(2, 1800)) })
  await through(bench.lake, gated, 'b2', { 2: lines(film(3, 1990), film(4, 1991), film(5, 1992, null), film(6, 1993)) })
  await through(bench.lake, gated, 'b3', { 3: lines(film(7, 1990, null)) })
})
afterAll(() => bench.remove())

const run = (argv: readonly string[], options: Parameters<CommandBench['run']>[1] = {}) =>
  bench.run(['quality', ...argv], { datasets, ...options })
const described = async (...argv: readonly string[]): Promise<QualityDescription> =>
  JSON.parse((await run(['films', '--json', ...argv])).out) as QualityDescription

describe('all datasets', () => {
  test('a line for each that has rules, with its last run', async () => {
    const { code, out } = await run([])
    expect(code).toBe(0)
    const [header, , first, second, rest] = out.split('\n')
    expect(header).toMatch(/^dataset +score +scores +rules +failing +last landed +batch$/)
    expect(first).toMatch(/^films +0\.25 +▅▆▃ +4 +3 +2026-01-02 00:00:03Z +halted$/)
    expect(second).toMatch(/^unseen +– +– +– +nothing yet$/)
    expect(rest).toBe('')
  })

  test('as JSON', async () => {
    const all = JSON.parse((await run(['--json', '--runs', '1'])).out)
    const counts = { rules: 4, passed: 1, failed: 2, errored: 1 }
    expect(all).toMatchObject([
      { dataset: 'films', runs: [{ batch: 'b3', status: 'halt', score: 0.25, counts }] },
      { dataset: 'unseen', runs: [] },
    ])
    expect(all[0].runs).toHaveLength(1)
  })

  test('when there are no rules anywhere it says how there come to be some', async () => {
    const { code, out } = await run([], { datasets: [orders] })
    expect([code, out]).toEqual([0, expect.stringContaining('`sluice check --suggest --data TABLE` proposes one')])
    expect((await run(['--json'], { datasets: [orders] })).out).toBe('[]\n')
  })
})

describe('one dataset', () => {
  test('its runs, the rules that failed and why, and its metrics', async () => {
    const { code, out } = await run(['films'])
    expect(code).toBe(0)
    const [title, ...rest] = out.trimEnd().split('\n')
    expect(title).toBe('films  3 runs')
    expect(rest.map(line => line.replaceAll(/ {2,}/g, ' | ').trim())).toEqual([
      'the last: score 0.25, 1 of 4 rules passed, batch halted',
      '',
      'Runs',
      expect.stringMatching(/^\| landed \| score \| passed \| failed \| errors \| batch \| id$/),
      expect.stringMatching(/─/),
      '| 2026-01-02 00:00:03Z | 0.25 | 1 | 2 | 1 | halted | b3',
      '| 2026-01-02 00:00:02Z | 0.75 | 3 | 0 | 1 | published | b2',
      '| 2026-01-02 00:00:01Z | 0.50 | 2 | 1 | 1 | published | b1',
      '| scores of the 3 runs: ▅▆▃',
      '',
      'Rules that did not pass',
      expect.stringMatching(/rule \| the 3 runs \| why it did not pass$/),
      expect.stringMatching(/─/),
      expect.stringMatching(/^✗ \| RowCount > 1 \| ✓✓✗ \| .*1.* \(batch halted\)$/),
      expect.stringMatching(/^✗ \| Completeness "title" > 0\.5 .*✓✓✗ \| Value: 0\.0 .*\(1 row\)$/),
      expect.stringMatching(/^! \| Mean "minutes" .* \| !!! \| .*minutes/),
      expect.stringMatching(/^✓ \| ColumnValues "year" > 1900 \| ✗✓✓ \| in b1: .*\(1 row, put aside\)$/),
      '',
      'Metrics',
      expect.stringMatching(/^\| metric \| last \| the 3 runs \| least \| greatest$/),
      expect.stringMatching(/─/),
      '| Dataset.*.RowCount | 1 | ▃█▁ | 1 | 4',
      expect.stringMatching(/^\| Column\.year\.Minimum \| 1,990 \| ▁██ \| 1,800 \| 1,990$/),
      '| Column.title.Completeness | 0 | █▆▁ | 0 | 1',
    ])
  })

  test('as the documentation shows it', async () => {
    const block = blocksOf(readPage('docs/quality.md')).find(({ text }) => text.startsWith('$ npx sluice quality '))
    const [command = '', ...shown] = (block?.text ?? '').trimEnd().split('\n')
    expect(command).toBe('$ npx sluice quality films')
    expect((await run(['films'], { columns: 100 })).out.trimEnd()).toBe(shown.join('\n'))
  })

  test('as JSON: everything, the most recent run first', async () => {
    const { dataset, runs, rules, metrics } = await described()
    expect([dataset, runs.map(each => each.batch)]).toEqual(['films', ['b3', 'b2', 'b1']])
    expect(rules.map(({ rule, outcomes }) => [rule.split(' ')[0], ...outcomes])).toEqual([
      ['RowCount', 'Failed', 'Passed', 'Passed'],
      ['Completeness', 'Failed', 'Passed', 'Passed'],
      ['Mean', 'Error', 'Error', 'Error'],
      ['ColumnValues', 'Passed', 'Passed', 'Failed'],
    ])
    expect(rules[3]?.lastFailure).toMatchObject({
      batch: 'b1',
      outcome: 'Failed',
      consequence: 'quarantine',
      rowsFailed: 1,
      evaluatedRule: 'ColumnValues "year" > 1900',
    })
    expect(metrics[0]).toEqual({ metric: 'Dataset.*.RowCount', values: [1, 4, 2], least: 1, greatest: 4 })
  })

  test('fewer runs when asked for; a rule that passed in them is not listed as failing', async () => {
    const { runs, rules } = await described('--runs', '2')
    expect(runs.map(each => each.batch)).toEqual(['b3', 'b2'])
    expect(rules.at(-1)).toMatchObject({ rule: 'ColumnValues "year" > 1900', lastFailure: null })
    expect((await run(['films', '--runs', '2'])).out).not.toContain('"year"')
    expect((await run(['films', '--runs', '2', '--all'])).out).toContain('✓  ColumnValues "year" > 1900')
  })

  test('a filter shows what it is about and nothing else, in any case', async () => {
    const rules = (await run(['films', '--rule', 'ROWCOUNT'])).out
    expect(rules).toContain('RowCount > 1')
    expect(rules).not.toMatch(/Metrics|Runs|minutes/)
    const metrics = (await run(['films', '--metric', 'completeness'])).out
    expect(metrics).toContain('Column.title.Completeness')
    expect(metrics).not.toMatch(/RowCount|Rules/)
    expect((await described('--metric', 'year', '--rule', 'mean')).metrics).toHaveLength(1)
  })

  test('by its name in any case', async () => {
    expect((await run(['FILMS'])).out).toBe((await run(['films'])).out)
  })

  test('what was judged is shown when the dataset is declared no more', async () => {
    expect((await run(['films'], { datasets: [] })).out).toMatch(/^films {2}3 runs/)
  })
})

describe('refusals say what to do next', () => {
  test.each([
    [['film'], 'there is no dataset film', 'did you mean films?'],
    [['../films'], 'there is no dataset ../films', '`sluice quality` lists the datasets that have rules'],
    [['orders'], 'orders has no rules', '`sluice check --suggest --data orders` proposes a ruleset'],
    [['unseen'], 'no batch of unseen has been judged yet', 'sluice put FILE --dataset unseen'],
    [['films', '--rule', 'xyz'], 'no rule of films in these runs contains "xyz"', '`sluice quality films --all`'],
    [['films', '--metric', 'xyz'], 'no metric of films in these runs contains "xyz"', '`sluice quality films --all`'],
  ])('%j', async (argv, message, next) => {
    const { code, out, err } = await run(argv)
    expect([code, out]).toEqual([1, ''])
    expect(err).toContain(`error: ${message}\n`)
    expect(err.split('\nnext:')[1]).toContain(next)
  })

  test.each([
    [['films', '--runs', '0'], '--runs 0 is not a number of runs'],
    [['films', '--runs', '1001'], '--runs 1001 is not a number of runs'],
    [['films', '--runs', '1e2'], '--runs 1e2 is not a number of runs'],
    [['--rule', 'x'], '--rule says something of one dataset'],
    [['--all'], '--all says something of one dataset'],
    [['films', 'orders'], 'too many arguments'],
  ])('%j is asked for in a way that cannot be', async (argv, message) => {
    const { code, err } = await run(argv)
    expect([code, err]).toEqual([2, expect.stringContaining(message)])
  })
})

describe('a long history', () => {
  const RUNS = 60
  beforeAll(async () => {
    const staged = { table: 't', tableUuid: 'u', schemaId: 0, specId: 0, files: [] }
    for (let at = 0; at < RUNS; at++) await recordRun(bench.lake, longVerdict(at, staged))
  })
  const longVerdict = (at: number, staged: Verdict['target']): Verdict => ({
    batch: `n${at}`,
    dataset: 'long',
    status: 'pass',
    target: staged,
    quarantine: undefined,
    objects: [{ rawObject: rawId(at), read: 0, applied: 0, quarantined: 0, superseded: 0, reasons: {} }],
    quality: {
      evaluatedMs: 0,
      score: (at % 4) / 4,
      rules: [
        {
          rule: `ColumnValues "a_rather_long_name_of_a_column" in ["${'ü'.repeat(40)}","日本"] labels=["k"="\u001b[31m"]`,
          evaluatedRule: '',
          outcome: at % 4 === 0 ? 'Passed' : 'Failed',
          consequence: 'none',
          labels: {},
          metrics: {},
        },
      ],
      metrics: { 'Column.a_rather_long_name_of_a_column.Mean': at === 5 ? Number.NaN : at, 'Dataset.*.RowCount': 1e15 },
      results: staged,
    },
  })

  test.each([60, 80, 120])('no line is wider than the terminal: %i columns', async columns => {
    const { out } = await run(['long', '--runs', '60'], { columns })
    // The note of what is left out is a sentence, which the terminal may break.
    const drawn = out.split('\n').filter(line => !line.includes('not shown'))
    for (const line of drawn) expect([...line].length).toBeLessThanOrEqual(columns)
    expect(out).toContain('Column.')
    expect(out).not.toContain('\u001b')
  })

  test('bars are as many as there is room for, the most recent on the right', async () => {
    const { out } = await run(['long', '--runs', '60'], { columns: 80 })
    expect(out).toContain('scores of the last 20 runs: ▁▃▅▆▁▃▅▆▁▃▅▆▁▃▅▆▁▃▅▆\n')
    expect(out).toMatch(/✗ .*✓✗✗✗✓✗✗✗✓✗✗✗✓✗✗✗✓✗✗✗/)
    expect(out).toContain('Runs 20 of 60, --all lists all')
    const wide = await run(['long', '--runs', '60', '--metric', 'mean'])
    expect(wide.out).toContain('the last 40 runs')
  })

  test('a run without a number is a gap', async () => {
    const { metrics } = JSON.parse((await run(['long', '--runs', '60', '--json'])).out) as QualityDescription
    expect(metrics[0]).toMatchObject({ least: 0, greatest: 59 })
    expect(metrics[0]?.values.at(5 - RUNS)).toBe(54)
    expect(metrics[0]?.values[RUNS - 1 - 5]).toBeNull()
  })

  test('colours mark and do not move anything', async () => {
    const plain = await run(['long'], { columns: 80 })
    const coloured = await run(['long'], { columns: 80, colour: true })
    // biome-ignore lint/suspicious/noControlCharactersInRegex: colours are made of them
    expect(coloured.out.replaceAll(/\u001b\[\d+m/g, '')).toBe(plain.out)
  })
})
