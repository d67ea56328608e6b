import type { Lake } from '#lake/lake.ts'
import type { QuarantineFilter } from '#lake/quarantine/filter.ts'
import { closest } from './closest.ts'
import type { Call, CommandOption } from './command.ts'
import { refusal, usage } from './refusal.ts'

/** Which records are meant: the same options for everything that is done with them. */
export const FILTER_OPTIONS: Readonly<Record<string, CommandOption>> = {
  dataset: { value: 'NAME', help: 'the dataset, as the second argument says it' },
  reason: { value: 'REASON', help: 'records that were refused for this reason; * stands for any text: "type:*"' },
  stage: { value: 'STAGE', help: 'decode, contract, quality or stream' },
  batch: { value: 'ID', help: 'records of one batch' },
  source: { value: 'KEY', help: 'records of one landing key, of keys that begin so, or of a glob: "orders/2026-*"' },
  record: { value: 'NUMBER', help: 'the record of this number in its object; 0 is a whole file' },
  since: { value: 'TIME', help: 'records of objects that landed since: 2026-05-01, 2026-05-01T10:00:00Z, 12h, 7d' },
}

const STAGES: readonly string[] = ['decode', 'contract', 'quality', 'stream']

/** Errors: `usage`, naming the option that cannot be read. */
export function filterOf({ options, lake }: Call): QuarantineFilter {
  const [stage, record, since] = [options.value('stage'), options.value('record'), options.value('since')]
  if (stage !== undefined && !STAGES.includes(stage)) {
    const near = closest(stage, STAGES)[0]
    throw usage(
      `--stage ${stage}: there is no such stage`,
      near === undefined ? `give one of ${STAGES.join(', ')}` : `did you mean ${near}?`,
    )
  }
  const texts = (['reason', 'batch', 'source'] as const).flatMap(name => {
    const text = options.value(name)
    if (text === '') throw usage(`--${name} is empty`, 'leave it out, or say which')
    return text === undefined ? [] : [[name, text] as const]
  })
  return {
    ...Object.fromEntries(texts),
    ...(stage === undefined ? {} : { stage }),
    ...(record === undefined ? {} : { record: wholeNumber('record', record) }),
    ...(since === undefined ? {} : { sinceMs: sinceOf(since, lake.clock.nowMs()) }),
  }
}

/** undefined when the option was not given. */
export function limitOf({ options }: Call): number | undefined {
  const text = options.value('limit')
  const limit = text === undefined ? undefined : wholeNumber('limit', text)
  if (limit === 0) throw usage('--limit 0 leaves nothing', 'give a number from 1 on, or leave it out')
  return limit
}

function wholeNumber(option: string, text: string): number {
  const number = Number(text)
  if (/^\d+$/.test(text) && Number.isSafeInteger(number)) return number
  throw usage(`--${option} ${text} is not a whole number`, `give digits alone, such as --${option} 100`)
}

const UNITS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000 }

function sinceOf(text: string, nowMs: number): number {
  const ago = /^(\d{1,6})([mhd])$/.exec(text)
  if (ago) return nowMs - Number(ago[1]) * (UNITS[ago[2] as string] as number)
  const isTime = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)?)?$/.test(text)
  // A time without a zone is UTC, as everything that is printed.
  const ms = isTime
    ? Date.parse(/T.*(Z|[+-]\d\d:\d\d)$/.test(text) || !text.includes('T') ? text : `${text}Z`)
    : Number.NaN
  if (Number.isNaN(ms))
    throw usage(
      `--since ${text} is no time`,
      'give a day, a time or how long ago: 2026-05-01, 2026-05-01T10:00:00Z, 12h, 7d',
    )
  return ms
}

/** The one dataset that is named, be it as an argument, with --dataset or by its quarantine table; undefined when none is. */
export function namedDataset({ given, options }: Call): string | undefined {
  const [argument, option] = [given[1], options.value('dataset')]
  if (argument !== undefined && option !== undefined && argument !== option)
    throw usage(`${argument} and --dataset ${option} are two datasets`, 'name one of them')
  return (argument ?? option)?.toLowerCase().replace(SUFFIX, '')
}

const SUFFIX = /__quarantine$/

/** Those with a quarantine table, or the one that is named. Errors: `not-found` when the lake has no such dataset. */
export async function quarantinedDatasets(lake: Lake, named: string | undefined): Promise<readonly string[]> {
  const tables = await lake.catalog.tables()
  const held = tables.filter(name => SUFFIX.test(name)).map(name => name.replace(SUFFIX, ''))
  if (named === undefined) return held
  if (held.includes(named)) return [named]
  const known = tables.filter(name => !/__/.test(name))
  if (known.includes(named)) return []
  const near = closest(named, known)
  const names = known.length === 0 ? 'there are no tables yet' : `the lake has ${known.join(', ')}`
  throw refusal(
    'not-found',
    `there is no dataset ${named} in the lake`,
    near.length > 0 ? `did you mean ${near.join(' or ')}?` : names,
  )
}
