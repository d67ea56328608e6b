import type { Dataset } from '#lake/dataset.ts'
import type { LocalLake } from '#lake/disk/disk-lake.ts'
import { type Balance, balanceOf, isBalanced } from '#local/balance.ts'
import { startLocal } from '#local/run.ts'
import type { Command } from './command.ts'
import { checkSources, type SourceCheck } from './demo-check.ts'
import { landDemoData } from './demo-data.ts'
import { DemoProgress } from './demo-progress.ts'
import { type Style, styleOf } from './style.ts'
import { printTable } from './table-printer.ts'
import type { Terminal } from './terminal.ts'
import { formatBytes, formatCount, formatDuration } from './units.ts'

export const demoCommand: Command = {
  name: 'demo',
  summary: 'run real files through the whole pipeline and account for every record',
  takes: { text: '', min: 0, max: 0 },
  options: {},
  notes: ['The files come from the npm package vega-datasets. Running it again changes no row.'],
  examples: ['sluice demo', 'sluice demo --lake /tmp/demo'],
  reads: false,
  run: async ({ terminal, lake, datasets }) => ((await demo(terminal, lake, await datasets())) ? 0 : 1),
}

/** `npm run demo`: real files through the whole pipeline into `.sluice/`, and a table of what became of every record. */
export async function demo(terminal: Terminal, lake: LocalLake, datasets: readonly Dataset[]): Promise<boolean> {
  const style = styleOf(terminal.out)
  const started = performance.now()
  await terminal.out.write(`${style.bold('Sluice demo')}  files → landing → raw → staging → Iceberg tables\n\n`)
  const progress = new DemoProgress(terminal.out, datasets)
  const runner = startLocal(lake, datasets, { onStep: step => progress.show(step) })
  await landDemoData(lake, async objects => {
    runner.landed(objects)
    await runner.idle()
  })
  await runner.close()
  await progress.end()
  const balances = await Promise.all(datasets.map(dataset => balanceOf(lake, dataset)))
  await printBalances(terminal, { balances, progress })
  const failed = balances.filter(balance => !isBalanced(balance))
  for (const balance of failed)
    await terminal.out.write(
      style.red(
        `${balance.dataset}: ${balance.read} records read, but ${balance.rows} rows + ${balance.quarantined} quarantined + ${balance.superseded} superseded + ${balance.suppressed} suppressed\n`,
      ),
    )
  if (failed.length > 0 || progress.failures.length > 0) return false
  const checks = await checkSources(lake)
  await conclude(terminal, { balances, checks, ms: performance.now() - started })
  return checks.every(isEqual)
}

const isEqual = ({ missing, surplus }: SourceCheck): boolean => missing.length === 0 && surplus.length === 0

async function printBalances(
  terminal: Terminal,
  { balances, progress }: { readonly balances: readonly Balance[]; readonly progress: DemoProgress },
): Promise<void> {
  const numeric = (name: string) => ({ name, numeric: true })
  await terminal.out.write('\n')
  await printTable(terminal.out, {
    columns: [
      { name: 'dataset' },
      ...[
        'objects',
        'records read',
        'rows in table',
        'quarantined',
        'replaced',
        'files',
        'partitions',
        'bytes',
        'seconds',
      ].map(numeric),
      { name: 'top reasons' },
    ],
    rows: balances.map(balance => [
      balance.dataset,
      formatCount(balance.objects),
      formatCount(balance.read),
      formatCount(balance.rows),
      formatCount(balance.quarantined),
      formatCount(balance.superseded),
      formatCount(balance.files),
      formatCount(balance.partitions),
      formatBytes(balance.bytes),
      ((progress.durations.get(balance.dataset) ?? 0) / 1_000).toFixed(2),
      balance.reasons
        .slice(0, 3)
        .map(([reason, count]) => `${count} ${reason}`)
        .join(', '),
    ]),
  })
}

interface Conclusion {
  readonly balances: readonly Balance[]
  readonly checks: readonly SourceCheck[]
  readonly ms: number
}

async function conclude(terminal: Terminal, { balances, checks, ms }: Conclusion): Promise<void> {
  const style = styleOf(terminal.out)
  const total = (of: 'read' | 'rows' | 'quarantined' | 'superseded'): string =>
    formatCount(balances.reduce((sum, each) => sum + each[of], 0))
  await terminal.out.write(
    `\n${style.green('✓')} every record is accounted for: ${total('read')} read = ${total('rows')} in tables + ${total('quarantined')} quarantined + ${total('superseded')} replaced, in ${formatDuration(ms)}\n`,
  )
  for (const check of checks) await terminal.out.write(`${checkLine(check, style)}\n`)
  await terminal.out.write(
    [
      '',
      'Look at it:',
      '  npx sluice tables',
      '  npx sluice show flights',
      `  npx sluice sql "select origin, count(*) flights, avg(delay) delay from flights group by 1 order by 2 desc limit 5"`,
      `  npx sluice sql "select year, population from countries where country = 'Ireland' order by year"`,
      '  npx sluice quarantine list',
      '  npx sluice quarantine show movies',
      '  npx sluice explain weather/seattle-cut.ndjson.gz',
      '',
    ].join('\n'),
  )
}

function checkLine(check: SourceCheck, style: Style): string {
  const { table, what, rows, missing, surplus } = check
  if (isEqual(check)) return `${style.green('✓')} ${table}: ${formatCount(rows)} ${what} equal to the source`
  const [example] = [...missing, ...surplus]
  return style.red(
    `✗ ${table} is not the source: ${formatCount(missing.length)} rows are missing, ${formatCount(surplus.length)} are not there, such as ${example}`,
  )
}
