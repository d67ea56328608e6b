import type { Dataset } from '#lake/dataset.ts'
import type { LocalStep } from '#local/run.ts'
import { type Style, styleOf } from './style.ts'
import type { Output } from './terminal.ts'
import { formatCount, formatDuration } from './units.ts'

/** Shows what the pipeline does: a line that changes while a dataset is worked on, and one that stays when it is done. */
export class DemoProgress {
  /** Milliseconds by dataset, from the start of its work to its end. */
  readonly durations = new Map<string, number>()
  readonly failures: string[] = []
  readonly #output: Output
  readonly #style: Style
  readonly #started = new Map<string, number>()
  readonly #committed = new Map<string, { readonly rows: number; readonly quarantined: number }>()
  /** What comes into their tables are changes of rows. */
  readonly #changed: ReadonlySet<string>
  #last: Promise<unknown> = Promise.resolve()
  #open = false

  constructor(output: Output, datasets: readonly Dataset[]) {
    this.#changed = new Set(datasets.filter(({ source }) => source.changes !== undefined).map(({ name }) => name))
    this.#output = output
    this.#style = styleOf(output)
  }

  show(step: LocalStep): void {
    switch (step.kind) {
      case 'ingested':
        this.#ingested(step)
        break
      case 'state':
        if (!this.#started.has(step.batch)) this.#started.set(step.batch, performance.now())
        this.#status(`  ${step.dataset}: ${step.state} …`)
        break
      case 'event':
        if (step.event['detail-type'] === 'Table Committed') this.#remember(step.event.detail)
        break
      case 'retry':
        this.#line(this.#style.yellow(`  ${step.dataset}: ${step.state} failed, again: ${step.cause}`))
        break
      case 'finished':
        this.#finished(step)
        break
      case 'compacting':
        this.#status(`  ${step.table}: compaction, ${step.state} …`)
        break
      case 'compacted':
        if (step.status !== 'SUCCEEDED') this.#line(this.#style.yellow(`! compaction of ${step.table}: ${step.cause}`))
        break
      case 'notice':
        this.#line(this.#style.yellow(`! ${step.subject}`))
        break
      case 'dead':
        this.failures.push(step.error)
        this.#line(this.#style.red(`✗ an object could not be ingested: ${step.error}`))
    }
  }

  async end(): Promise<void> {
    this.#status('')
    await this.#last
  }

  #ingested({ report }: LocalStep & { readonly kind: 'ingested' }): void {
    const known = report.duplicates + report.suppressed
    const before = known > 0 ? `, ${formatCount(known)} had landed before: same key, same bytes` : ''
    this.#line(`${this.#style.green('✓')} ${formatCount(report.landed)} objects copied to raw${before}`)
  }

  #remember(detail: Readonly<Record<string, unknown>>): void {
    this.#committed.set(String(detail['batch']), {
      rows: Number(detail['rows']),
      quarantined: Number(detail['quarantined']),
    })
  }

  #finished(step: LocalStep & { readonly kind: 'finished' }): void {
    const style = this.#style
    const ms = performance.now() - (this.#started.get(step.batch) ?? performance.now())
    this.durations.set(step.dataset, (this.durations.get(step.dataset) ?? 0) + ms)
    if (step.status !== 'SUCCEEDED') {
      this.failures.push(`${step.dataset}: ${step.cause}`)
      this.#line(style.red(`✗ ${step.dataset}: ${step.error}: ${step.cause}`))
      return
    }
    const { rows, quarantined } = this.#committed.get(step.batch) ?? { rows: 0, quarantined: 0 }
    const refused = quarantined > 0 ? style.yellow(`, ${formatCount(quarantined)} quarantined`) : ''
    const count = formatCount(rows).padStart(10)
    this.#line(
      `${style.green('✓')} ${step.dataset.padEnd(12)} ${count} ${this.#changed.has(step.dataset) ? 'changes' : 'rows'}${refused}  ${style.dim(formatDuration(ms))}`,
    )
  }

  /** Replaces the line that changes; without a terminal there is none. */
  #status(text: string): void {
    if (this.#output.colour) this.#write(`\r\x1b[2K${text}`)
    this.#open = text !== '' && this.#output.colour
  }

  #line(text: string): void {
    this.#write(`${this.#open ? '\r\x1b[2K' : ''}${text}\n`)
    this.#open = false
  }

  #write(text: string): void {
    this.#last = this.#last.then(() => this.#output.write(text))
  }
}
